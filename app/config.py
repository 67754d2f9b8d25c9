"""Settings: everything an operator may set, from `WAYMARK_*` environment variables.

A file `waymark.env` in the data folder is read as well, below the environment; `waymark demo` writes one so that the
other commands, typed in a second window, meet the same server.
"""

from __future__ import annotations

import os
import re
import secrets as token_source
import tempfile
from contextlib import suppress
from datetime import UTC, tzinfo
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

SETTINGS_FILE = "waymark.env"
KEY_FILE = "secret.key"
MINIMUM_SECRET_LENGTH = 32
DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")


class ConfigurationError(Exception):
    """A setting is missing or cannot be used; the message says which one and what to do."""


class Settings(BaseSettings):
    """Every setting of a Waymark server, each named `WAYMARK_` and its field name in capitals."""

    model_config = SettingsConfigDict(env_prefix="WAYMARK_", extra="ignore")

    env: Literal["development", "production"] = "development"
    base_url: str = Field(default="", description="Where people reach this server; default http://tool.localhost:PORT.")
    database_url: str = Field(default="", description="SQLAlchemy URL; default an SQLite file in the data folder.")
    data_dir: Path = Field(default=Path(".waymark"), description="Folder for the database file and the secret key.")
    secret_key: str = Field(default="", description="Master key; several, newest first, separated by commas.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port of the web server.")
    practice_lms_port: int = Field(default=8100, ge=1, le=65535, description="Port of the practice LMS.")
    practice_lms_smtp_port: int = Field(default=8125, ge=1, le=65535, description="Mail port of the practice LMS.")
    conformance: bool = Field(default=False, description="Serve the VC API that conformance suites drive.")
    allow_private_networks: bool = Field(
        default=False, description="May fetch plain http and private addresses: for a demo or an LMS next door."
    )
    remote_signer_url: str = Field(default="", description="Address of the signing service, if there is one.")
    remote_signer_token: str = Field(default="", description="Bearer token for the signing service.", repr=False)
    remote_signer_private: bool = Field(
        default=False, description="The signing service may lie on a private network and speak plain http."
    )
    accept_changed_base_url: bool = Field(
        default=False, description="Confirms that the base URL was changed while badges exist."
    )
    programme_dir: Path = Field(default=Path("programme/ips"), description="Folder of the programme's files.")
    smtp_host: str = Field(default="", description="Mail server; empty: no mail goes out, each is a dead letter.")
    smtp_port: int = Field(
        default=587, ge=1, le=65535, description="Port of the mail server; 465 is TLS from the start."
    )
    smtp_username: str = Field(default="", description="User name at the mail server, if it wants one.")
    smtp_password: str = Field(default="", description="Password at the mail server, if it wants one.", repr=False)
    smtp_starttls: bool = Field(default=True, description="Encrypt the way to the mail server with STARTTLS.")
    mail_from: str = Field(default="Waymark <no-reply@waymark.invalid>", description="Sender of every mail.")
    contact_email: str = Field(
        default="", description="Where problems are reported, erasure asked for, and mails answered."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="How much the server says of its own work; names and texts at no level."
    )
    time_zone: str = Field(
        default="UTC", description="IANA name of the time zone in which days and times are shown to people."
    )
    evidence_max_mb: int = Field(default=10, ge=1, le=30, description="How many MB a file of a learner may have.")
    evidence_months: int = Field(
        default=12,
        ge=0,
        le=240,
        description="Months after a decision until texts and files of the work are deleted; 0: they are kept.",
    )
    launch_session_hours: int = Field(default=8, ge=1, le=24, description="How long a launch stays signed in.")

    @field_validator("base_url")
    @classmethod
    def _plain_origin(cls, value: str) -> str:
        value = value.rstrip("/")
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("WAYMARK_BASE_URL must begin with http:// or https://")
        parts = urlsplit(value)
        if value and (not parts.hostname or parts.path or parts.query or parts.fragment or parts.username):
            raise ValueError("WAYMARK_BASE_URL is scheme, host and port only, e.g. https://waymark.example.org")
        value = value.lower()
        # Browsers leave a scheme's own port out of the Origin header, and so must we.
        return value.removesuffix(":443" if value.startswith("https://") else ":80")

    @field_validator("contact_email")
    @classmethod
    def _one_address(cls, value: str) -> str:
        value = value.strip()
        if value and not re.fullmatch(r"[^@\s<>,;?&]+@[^@\s<>,;?&]+", value):
            raise ValueError("WAYMARK_CONTACT_EMAIL is one e-mail address, e.g. badges@example.org")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        name, address = parseaddr(value)
        if not value.isprintable() or not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", address) or "@" in name:
            raise ValueError("WAYMARK_MAIL_FROM is one sender, e.g. Waymark <badges@example.org>")
        return value.strip()

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            _zone(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                "WAYMARK_TIME_ZONE is the name of a zone in the time zone database, e.g. Australia/Melbourne; this "
                "machine knows none of that name. If the name is right, install the machine's package tzdata"
            ) from None
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        # The value is not repeated: it may hold a password.
        if value and not value.startswith(DATABASES):
            raise ValueError(f"WAYMARK_DATABASE_URL must begin with one of {', '.join(DATABASES)}")
        try:
            if value:
                make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError("WAYMARK_DATABASE_URL cannot be read: is a part missing or a port not a number?") from None
        return value

    @model_validator(mode="after")
    def _fill_in_defaults(self) -> Settings:
        if not self.base_url:
            if self.env == "production":
                raise ValueError("WAYMARK_BASE_URL is needed in production: the address people reach this server at")
            self.base_url = f"http://tool.localhost:{self.port}"
        if self.conformance and self.env == "production":
            raise ValueError(
                "WAYMARK_CONFORMANCE must be off in production: it lets anybody have anything signed by a test key"
            )
        if not self.database_url:
            self.database_url = f"sqlite:///{(self.data_dir / 'waymark.sqlite3').resolve()}"
        return self

    @cached_property
    def zone(self) -> tzinfo:
        """The time zone in which days and times are shown to people."""
        return _zone(self.time_zone)

    @property
    def smtp(self) -> bool:
        """Whether a mail server is set."""
        return bool(self.smtp_host)

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """The master keys, newest first.

        In development a key is made once and kept in the data folder; production refuses to start without one.

        Raises:
            ConfigurationError: production without `WAYMARK_SECRET_KEY`, or a key that is too short.
        """
        given = tuple(key.strip() for key in self.secret_key.split(",") if key.strip())
        if not given:
            if self.env == "production":
                raise ConfigurationError(
                    "WAYMARK_SECRET_KEY is not set. Production does not start without one, kept outside the database. "
                    "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
                )
            given = (_development_secret(self.data_dir),)
        for key in given:
            if len(key) < MINIMUM_SECRET_LENGTH:
                raise ConfigurationError(
                    f"WAYMARK_SECRET_KEY is too short: at least {MINIMUM_SECRET_LENGTH} characters are needed."
                )
        return given


def _zone(name: str) -> tzinfo:
    """A zone by name; UTC is known on machines without a time zone database too."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _development_secret(data_dir: Path) -> str:
    """The key of this data folder, made on first use and readable by its owner only.

    It appears under its name whole or not at all, and only once, whoever else starts or is killed at this moment.
    """
    path = data_dir / KEY_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{KEY_FILE}.", dir=data_dir)  # made for its owner only
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(token_source.token_urlsafe(48))
        try:
            with suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    return path.read_text(encoding="utf-8").strip()


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process.

    Args:
        overrides: settings given by the caller (tests, command line); they win over the environment.

    Raises:
        pydantic.ValidationError: a value has the wrong form.
    """
    data_dir = Path(overrides.get("data_dir") or os.environ.get("WAYMARK_DATA_DIR") or ".waymark")
    return Settings(_env_file=data_dir / SETTINGS_FILE, _env_file_encoding="utf-8", **overrides)
