"""`python -m campus PORT`: open the campus on a loopback port, until it is ended."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "campus.settings"
django.setup()


def main(port: int) -> None:
    """Set up, then serve."""
    from django.core.management import call_command
    from django.core.servers.basehttp import run
    from django.core.wsgi import get_wsgi_application

    from . import course, seams

    call_command("migrate", run_syncdb=True, verbosity=0)
    seams.fill()
    course.furnish()
    run("127.0.0.1", port, get_wsgi_application(), threading=True)


main(int(sys.argv[1]))
