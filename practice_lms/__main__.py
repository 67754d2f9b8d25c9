"""`python -m practice_lms`: serve the practice LMS and its mail catcher until told to stop."""

import argparse
import json
import signal
import sys
from types import FrameType

import uvicorn

from practice_lms.app import create_app, lms_of
from practice_lms.catalogue import USERS
from practice_lms.mail import mail_server
from practice_lms.profiles import PROFILES
from practice_lms.settings import Settings, platform_details, port_from_environment, profile_from_environment


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Exit status 0 after a clean stop, 1 if a port is taken."""
    settings, details_only = _settings(arguments)
    if details_only:
        people = {user.key: user.sub for user in USERS.values()}
        sys.stdout.write(
            json.dumps({**platform_details(settings), "profile": settings.profile, "people": people}) + "\n"
        )
        return 0
    app = create_app(settings)
    mail = mail_server(lms_of(app).mailbox, settings.smtp_port)
    try:
        mail.start()
    except OSError as error:
        reason = error.strerror or str(error)
        sys.stderr.write(f"Practice LMS: no mail on port {settings.smtp_port} ({reason}). Choose --smtp-port.\n")
        return 1
    sys.stdout.write(f"Practice LMS: {settings.front_url}/ (mail on 127.0.0.1:{settings.smtp_port})\n")
    sys.stdout.flush()
    # uvicorn finishes its work and then raises the signal again; by then this makes it a clean exit instead of a death
    # by signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", timeout_graceful_shutdown=3)
    finally:
        mail.stop()
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _settings(arguments: list[str] | None) -> tuple[Settings, bool]:
    usual = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m practice_lms", description="A strict little LTI 1.3 platform to practise with."
    )
    parser.add_argument(
        "--port", type=int, default=port_from_environment(), help="port of the LMS (default %(default)s)"
    )
    parser.add_argument(
        "--tool-url", default=usual.tool_url, help="the tool as browsers reach it (default %(default)s)"
    )
    parser.add_argument(
        "--tool-backchannel-url",
        default=usual.tool_backchannel_url,
        help="the tool as this server reaches it (default %(default)s)",
    )
    parser.add_argument(
        "--smtp-port", type=int, default=usual.smtp_port, help="port of the mail catcher (default %(default)s)"
    )
    parser.add_argument(
        "--as",
        dest="profile",
        choices=list(PROFILES),
        default=profile_from_environment(),
        help="the platform to play (default %(default)s)",
    )
    parser.add_argument(
        "--single-use-hint", action="store_true", help="let each login hint work once, as Moodle and Canvas do"
    )
    parser.add_argument(
        "--details", action="store_true", help="print what a tool must know of this platform as JSON, and stop"
    )
    chosen = parser.parse_args(arguments)
    if chosen.profile not in PROFILES:
        parser.error(f"PRACTICE_LMS_AS must be one of {', '.join(PROFILES)}, not {chosen.profile}")
    settings = Settings(
        profile=chosen.profile,
        port=chosen.port,
        tool_url=chosen.tool_url.rstrip("/"),
        tool_backchannel_url=chosen.tool_backchannel_url.rstrip("/"),
        smtp_port=chosen.smtp_port,
        single_use_hint=chosen.single_use_hint,
    )
    return settings, chosen.details


if __name__ == "__main__":
    sys.exit(main())
