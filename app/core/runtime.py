"""What a running process has in hand: settings, database, the way out, secrets. Built once by wiring, passed down."""

from __future__ import annotations

from dataclasses import dataclass

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.secrets import SecretBox


@dataclass(frozen=True)
class Runtime:
    """The means of a process, without a word of the domain."""

    settings: Settings
    database: Database
    http: HttpClient
    jwks: JwksCache
    secret_box: SecretBox
