"""Tables of the machines' front door: clients, their secrets and tokens, what was used up and what went wrong.

They hold machines, no persons. Whatever opens a door is kept as its SHA-256 only.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class ApiClient(Record, table=True):
    """A system that may use the API; it shows itself by secrets or by keys, never by either.

    `busy_until` is how far its calls reach into the future if each takes its share of a minute, in microseconds since
    1970: see `app/api/limits.py`.
    """

    __tablename__ = "api_client"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str
    scopes: str
    achievements: list[str] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
    per_minute: int
    jwks: str | None = None
    jwks_uri: str | None = None
    busy_until: int = Field(default=0, sa_type=sa.BigInteger)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ApiClientSecret(Record, table=True):
    """A secret of a client; two count while one takes the other's place."""

    __tablename__ = "api_client_secret"

    id: str = Field(default_factory=new_id, primary_key=True)
    client_id: str = Field(foreign_key="api_client.id", index=True)
    digest: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ApiToken(Record, table=True):
    """An access token that was given; deleted to end it early."""

    __tablename__ = "api_token"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="api_client.id", index=True)
    scopes: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)


class ApiAssertion(Record, table=True):
    """A signed statement by which a client has shown itself: each counts once, in whichever process."""

    __tablename__ = "api_assertion"

    client_id: str = Field(foreign_key="api_client.id", primary_key=True)
    jti_digest: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)


class ApiWrongSecret(Record, table=True):
    """How often a wrong secret came for a client from one place on the network, until when that counts.

    The place is a keyed digest, and the client a digest too: a stranger may type anything as a client's id.
    """

    __tablename__ = "api_wrong_secret"

    client_digest: str = Field(primary_key=True)
    place_digest: str = Field(primary_key=True)
    wrong: int
    until: datetime = Field(sa_type=UTCDateTime, index=True)
