"""Django, with what the consumer needs and nothing else; the folder and the port come from the environment."""

import os
import secrets

_OWN_APPS = ("contenttypes", "auth", "sessions")
_OTHER_APPS = ("config_models", "lti_consumer")

SECRET_KEY = secrets.token_hex()
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "campus.pages"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["CAMPUS_DATABASE"]}}
INSTALLED_APPS = [*(f"django.contrib.{app}" for app in _OWN_APPS), *_OTHER_APPS]
# The tables as they are today: how they came about is the consumer's business.
MIGRATION_MODULES = dict.fromkeys((*_OWN_APPS, *_OTHER_APPS))
MIDDLEWARE = [
    "campus.pages.bounded",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "edx_django_utils.cache.middleware.RequestCacheMiddleware",
    "edx_django_utils.cache.middleware.TieredCacheMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
TIME_ZONE, USE_TZ = "UTC", True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}

OPENEDX_TELEMETRY: list[str] = []
PLATFORM_NAME = "An Open edX site"
LTI_BASE = os.environ["CAMPUS_ADDRESS"]
USAGE_ID_PATTERN = "(?P<usage_id>[^/]+)"
