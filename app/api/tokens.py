"""Access tokens: opaque, short-lived, kept as digests (decision 0017).

Whoever steals the database steals no token; whoever switches a client off ends its tokens with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from app.api.models import ApiClient, ApiToken
from app.api.scopes import joined
from app.core.clock import now
from app.core.db import Look, ReadSession, UTCDateTime, WriteSession
from app.core.ids import digest, new_token, one_in
from app.core.rows import insert, table

LIFETIME: Final = timedelta(minutes=10)
PREFIX: Final = "wmt_"  # by which a scanner of secrets knows one that was published by mistake
SWEPT_ONCE_IN: Final = 50
_FORM: Final = re.compile(r"wmt_[A-Za-z0-9_-]{43}")

_TOKEN, _CLIENT = table(ApiToken), table(ApiClient)
_FIND = (
    sa.select(
        _TOKEN.c.client_id,
        _TOKEN.c.scopes,
        _CLIENT.c.scopes.label("held"),
        _CLIENT.c.name,
        _CLIENT.c.achievements,
        _CLIENT.c.per_minute,
    )
    .join(_CLIENT, _CLIENT.c.id == _TOKEN.c.client_id)
    .where(
        _TOKEN.c.digest == sa.bindparam("wanted"),
        _TOKEN.c.expires_at > sa.bindparam("moment", type_=UTCDateTime()),
        _CLIENT.c.disabled_at.is_(None),
    )
)


@dataclass(frozen=True)
class GivenToken:
    """A token as its client gets it, once."""

    value: str = field(repr=False)
    scopes: frozenset[str]
    seconds: int


@dataclass(frozen=True)
class TokenHolder:
    """Whose token it is, and what it is good for."""

    client_id: str
    name: str
    scopes: frozenset[str]
    achievements: frozenset[str] | None
    per_minute: int


def give(
    session: WriteSession, client_id: str, scopes: Collection[str], *, until: datetime | None = None
) -> GivenToken:
    """Make a token.

    Args:
        session: the transaction it is stored in.
        client_id: whose it is.
        scopes: what it is good for.
        until: when whatever the client showed itself by ends: the token does not outlive it.
    """
    moment = now()
    end = moment + LIFETIME if until is None else min(until, moment + LIFETIME)
    value = PREFIX + new_token()
    insert(
        session, ApiToken, digest=digest(value), client_id=client_id, scopes=joined(scopes), created_at=moment,
        expires_at=end,
    )  # fmt: skip
    if one_in(SWEPT_ONCE_IN):
        session.run(sa.delete(_TOKEN).where(_TOKEN.c.expires_at < moment))
    return GivenToken(value, frozenset(scopes), int((end - moment).total_seconds()))


def holder(session: ReadSession | Look, value: str) -> TokenHolder | None:
    """Whose token this is; None if it is none of ours, or over, or its client is switched off."""
    if not _FORM.fullmatch(value):
        return None
    row = session.run(_FIND, {"wanted": digest(value), "moment": now()}).one_or_none()
    if row is None:
        return None
    return TokenHolder(
        client_id=row.client_id,
        name=row.name,
        scopes=frozenset(row.scopes.split()) & frozenset(row.held.split()),
        achievements=None if row.achievements is None else frozenset(row.achievements),
        per_minute=row.per_minute,
    )


def end_all(session: WriteSession, client_id: str, *, after: datetime | None = None) -> None:
    """End a client's tokens: at once, or those that would outlive a moment then."""
    mine = _TOKEN.c.client_id == client_id
    if after is None:
        session.run(sa.delete(_TOKEN).where(mine))
    else:
        session.run(sa.update(_TOKEN).where(mine, _TOKEN.c.expires_at > after).values(expires_at=after))
