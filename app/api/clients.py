"""Clients of the API: which systems may use it, for what, and how they show themselves.

An operator enters them at the command line; the API cannot. A client's secret has 256 random bits, so its SHA-256
keeps it as safely as a slow hash would: there is nothing to guess (a slow one would only cost time at each token).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.api import lockout, scopes, tokens
from app.api.errors import ClientUnknown, ClientUnusable
from app.api.limits import MOST_PER_MINUTE, USUAL_PER_MINUTE
from app.api.models import ApiClient, ApiClientSecret
from app.awards.schemas import IssuingRights
from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.ids import digest, new_token

PREFIX: Final = "wms_"  # by which a scanner of secrets knows one that was published by mistake
LONGEST_NAME: Final = 80
LONGEST_OVERLAP: Final = timedelta(days=30)


@dataclass(frozen=True)
class ClientKeys:
    """How a client shows itself by signatures: exactly one of the two.

    Attributes:
        key_set: its public keys as `client_keys.read_key_set` gives them.
        address: where it publishes them, as `client_keys.checked_address` let it pass.
    """

    key_set: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class ClientInfo:
    """A client as operators see it: nothing secret.

    Attributes:
        shows_itself_by: `client_secret_basic` or `private_key_jwt`.
        secrets: how many secrets count just now; two while one takes the other's place.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    achievements: tuple[str, ...] | None
    per_minute: int
    shows_itself_by: str
    secrets: int
    jwks_uri: str | None
    created_at: datetime
    last_used_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True)
class ClientSecret:
    """What a client needs to get in, told once: `secret` is None for one that signs."""

    client_id: str
    secret: str | None = field(repr=False)


def add(
    session: WriteSession,
    *,
    name: str,
    scopes_held: Collection[str],
    actor: Actor,
    achievements: Collection[str] | None = None,
    keys: ClientKeys | None = None,
    per_minute: int = USUAL_PER_MINUTE,
) -> ClientSecret:
    """Enter a client.

    Args:
        session: the transaction.
        name: what operators call it; 1 to 80 printable characters.
        scopes_held: what it may have; of `scopes.SCOPES`, at least one.
        actor: who enters it.
        achievements: keys of the achievements it is limited to; None for all. The caller knows that they exist.
        keys: if it shows itself by signatures; then it has no secret, for the weaker of two ways decides.
        per_minute: calls it may make in a minute.

    Raises:
        ClientUnusable: one of these does not do.
        ScopeRefused: there is no such scope.
    """
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ClientUnusable(f"A client's name has 1 to {LONGEST_NAME} characters that can be printed.")
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise ClientUnusable(f"A client may make 1 to {MOST_PER_MINUTE:,} calls a minute.")
    if achievements is not None and not achievements:
        raise ClientUnusable("A client that is limited to no achievement at all could do nothing.")
    row = ApiClient(
        name=name,
        scopes=scopes.joined(scopes.parse(" ".join(scopes_held))),
        achievements=None if achievements is None else sorted(set(achievements)),
        per_minute=per_minute,
        jwks=keys.key_set if keys is not None else None,
        jwks_uri=keys.address if keys is not None else None,
    )
    session.add(row)
    session.flush()
    secret = None if keys is not None else _new_secret(session, row.id)
    _record(session, "api.client_added", row.id, actor, scopes=row.scopes, method=_method(row))
    return ClientSecret(row.id, secret)


def rotate(
    session: WriteSession, client_id: str, *, actor: Actor, overlap: timedelta, keys: ClientKeys | None = None
) -> ClientSecret:
    """Give a client a new secret, or other keys.

    Args:
        session: the transaction.
        client_id: whose.
        actor: who does it.
        overlap: how long the secrets it has still count, and tokens got by them: zero ends both at once, which is what
            a secret asks for that others have seen. At most 30 days. Keys have no overlap of ours: a set holds several.
        keys: the other keys, for a client that signs.

    Raises:
        ClientUnknown: there is no such client.
        ClientUnusable: it shows itself in the other way, or the overlap is longer.
    """
    row = _row(session, client_id)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ClientUnusable(f"An old secret may count for up to {LONGEST_OVERLAP.days * 24} hours more.")
    if (keys is None) != _has_secret(row):
        raise ClientUnusable(
            "This client has a secret and no keys." if _has_secret(row) else "This client has keys and no secret.",
            kept="Nothing was changed.",
            next_step="Enter a new client to change how it shows itself.",
        )
    end = now() + overlap
    if keys is None:
        _end_secrets(session, client_id, end)
        secret = _new_secret(session, client_id)
    else:
        row.jwks, row.jwks_uri, secret = keys.key_set, keys.address, None
        session.add(row)
    tokens.end_all(session, client_id, after=end if overlap else None)
    _record(session, "api.client_rotated", client_id, actor, overlap_seconds=int(overlap.total_seconds()))
    return ClientSecret(client_id, secret)


def disable(session: WriteSession, client_id: str, actor: Actor) -> ClientInfo:
    """Switch a client off, and end its tokens at once. What it awarded stands.

    Raises:
        ClientUnknown: there is no such client.
    """
    row = _row(session, client_id)
    if row.disabled_at is None:
        row.disabled_at = now()
        session.add(row)
        session.flush()
        tokens.end_all(session, client_id)
        _record(session, "api.client_disabled", client_id, actor)
    return _info(session, row)


def enable(session: WriteSession, client_id: str, actor: Actor) -> ClientInfo:
    """Switch a client on again, and forget wrong secrets that came for it: also the way out of a lock-out.

    Raises:
        ClientUnknown: there is no such client.
    """
    row = _row(session, client_id)
    lockout.forget(session, client_id)
    row.disabled_at = None
    session.add(row)
    session.flush()
    _record(session, "api.client_enabled", client_id, actor)
    return _info(session, row)


def find_all(session: ReadSession) -> tuple[ClientInfo, ...]:
    """Every client, the oldest first."""
    rows = session.exec(select(ApiClient).order_by(col(ApiClient.created_at), col(ApiClient.id))).all()
    return tuple(_info(session, row) for row in rows)


def rights_now(session: ReadSession, client_id: str) -> IssuingRights | None:
    """What a client may do at this moment, apart from any token; None if it is switched off or there is none."""
    row = session.get(ApiClient, client_id)
    if row is None or row.disabled_at is not None:
        return None
    achievements = None if row.achievements is None else frozenset(row.achievements)
    return IssuingRights(client_id, frozenset(row.scopes.split()), achievements)


def _row(session: WriteSession, client_id: str) -> ApiClient:
    """The client, held for this transaction: a token that is being given waits, or is waited for."""
    row = session.exec(select(ApiClient).where(ApiClient.id == client_id).with_for_update()).one_or_none()
    if row is None:
        raise ClientUnknown
    return row


def _has_secret(row: ApiClient) -> bool:
    return row.jwks is None and row.jwks_uri is None


def _method(row: ApiClient) -> str:
    return "client_secret_basic" if _has_secret(row) else "private_key_jwt"


def _new_secret(session: WriteSession, client_id: str) -> str:
    secret = PREFIX + new_token()
    session.add(ApiClientSecret(client_id=client_id, digest=digest(secret)))
    return secret


def _end_secrets(session: WriteSession, client_id: str, end: datetime) -> None:
    """Those there are count until then and no longer; an earlier end stays."""
    ends = col(ApiClientSecret.expires_at)
    session.exec(
        sa.update(ApiClientSecret)
        .where(col(ApiClientSecret.client_id) == client_id, sa.or_(ends.is_(None), ends > end))
        .values(expires_at=end)
        .execution_options(synchronize_session=False)
    )


def _current_secrets(session: ReadSession, client_id: str) -> Sequence[ApiClientSecret]:
    ends = col(ApiClientSecret.expires_at)
    return session.exec(
        select(ApiClientSecret).where(ApiClientSecret.client_id == client_id, sa.or_(ends.is_(None), ends > now()))
    ).all()


def _info(session: ReadSession, row: ApiClient) -> ClientInfo:
    return ClientInfo(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        achievements=None if row.achievements is None else tuple(row.achievements),
        per_minute=row.per_minute,
        shows_itself_by=_method(row),
        secrets=len(_current_secrets(session, row.id)),
        jwks_uri=row.jwks_uri,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        disabled_at=row.disabled_at,
    )


def _record(session: WriteSession, action: str, client_id: str, actor: Actor, **ids: str | int) -> None:
    audit.record(session, actor=actor, action=action, subject="api_client", subject_id=client_id, **ids)
