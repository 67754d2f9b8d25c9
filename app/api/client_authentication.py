"""Which client asks for a token: by its secret (`client_secret_basic`) or by a statement it signed."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus

import sqlalchemy as sa

from app.api import assertions, lockout
from app.api.errors import OAuthRefused
from app.api.models import ApiClient, ApiClientSecret
from app.core import audit
from app.core.audit import SYSTEM
from app.core.clock import now
from app.core.db import ReadSession
from app.core.ids import digest
from app.core.logging import get_logger
from app.core.rows import table
from app.core.runtime import Runtime

log = get_logger()

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODYS: Final = digest("")  # compared with where there is no client, so that it takes the same time
_CLIENT, _SECRET = table(ApiClient), table(ApiClientSecret)
_FIND = sa.select(
    _CLIENT.c.id, _CLIENT.c.scopes, _CLIENT.c.per_minute, _CLIENT.c.jwks, _CLIENT.c.jwks_uri, _CLIENT.c.disabled_at
).where(_CLIENT.c.id == sa.bindparam("wanted"))
_SECRETS = sa.select(_SECRET.c.id, _SECRET.c.digest, _SECRET.c.expires_at).where(
    _SECRET.c.client_id == sa.bindparam("wanted")
)
_STILL_ON = (
    sa.select(_CLIENT.c.scopes)
    .where(_CLIENT.c.id == sa.bindparam("wanted"), _CLIENT.c.disabled_at.is_(None))
    .with_for_update(read=True)
)
_STILL_COUNTS = sa.select(_SECRET.c.expires_at).where(_SECRET.c.id == sa.bindparam("wanted"))


@dataclass(frozen=True)
class Presented:
    """What a request brings to show who asks: one of the two.

    Attributes:
        client_id: by the header or the form; with a statement it may be left out.
    """

    client_id: str | None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class KnownClient:
    """A client that has shown itself.

    Attributes:
        secret_id: the secret by which it did, if it was one.
        had_wrong: how it is counted if wrong secrets came from the same place before.
    """

    id: str
    per_minute: int
    secret_id: str | None = None
    tried: lockout.Attempt | None = None


def presented(headers: Sequence[str], form: Mapping[str, str]) -> Presented:
    """What a request brings (RFC 6749 §2.3, RFC 7521 §4.2).

    Args:
        headers: the values of every Authorization header.
        form: the fields of the body.

    Raises:
        OAuthRefused: nothing, two ways at once, or a way that is not offered.
    """
    if len(headers) > 1:
        raise OAuthRefused("invalid_request", "The request has more than one Authorization header.")
    ways = [bool(headers), "client_secret" in form, "client_assertion" in form or "client_assertion_type" in form]
    if sum(ways) > 1:
        raise OAuthRefused("invalid_request", "The request shows in more than one way who asks: use one.")
    if headers:
        return _from_header(headers[0], form.get("client_id"))
    if "client_secret" in form:
        raise assertions.refused("The secret goes into the header Authorization: Basic, and not into the form.")
    if not ways[2]:
        raise assertions.refused("The request does not show who asks.")
    if form.get("client_assertion_type") != assertions.KIND or "client_assertion" not in form:
        raise OAuthRefused("invalid_request", f"client_assertion_type is to be {assertions.KIND}.")
    return Presented(form.get("client_id"), assertion=form["client_assertion"])


def known(runtime: Runtime, shown: Presented, *, place: str, audiences: frozenset[str]) -> KnownClient:
    """The client that a request shows.

    Args:
        runtime: database, secrets, and the way to a client's key set.
        shown: by the request.
        place: from which the request comes.
        audiences: names of this server, for statements.

    Raises:
        OAuthRefused: no client, or locked out.
    """
    if shown.assertion is not None:
        return _by_assertion(runtime, shown.assertion, shown.client_id, audiences)
    return _by_secret(runtime, shown.client_id or "", shown.secret or "", place)


def still(session: ReadSession, client: KnownClient) -> tuple[frozenset[str], datetime | None]:
    """The scopes a client may have, and when its secret ends, as of now; held still until the transaction ends.

    Whoever switches a client off, or ends its secret at once, waits for this transaction or is waited for: no token
    slips through between the look and the giving.

    Raises:
        OAuthRefused: it was switched off since, or its secret does not count any more.
    """
    row = session.run(_STILL_ON, {"wanted": client.id}).one_or_none()
    if row is None:
        raise _no_client()
    scopes = frozenset(row.scopes.split())
    if client.secret_id is None:
        return scopes, None
    secret = session.run(_STILL_COUNTS, {"wanted": client.secret_id}).one_or_none()
    if secret is None or not _counts(secret):
        raise _no_client()
    return scopes, secret.expires_at


def _from_header(header: str, also: str | None) -> Presented:
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise assertions.refused("The header Authorization is to be Basic with client id and secret.")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise assertions.refused("The header Authorization cannot be read.") from None
    encoded_id, colon, encoded_secret = text.partition(":")
    # RFC 6749 §2.3.1 has both encoded as in a form; ours have no character that would change.
    client_id, secret = unquote_plus(encoded_id), unquote_plus(encoded_secret)
    if not colon or not client_id or not secret:
        raise assertions.refused("The header Authorization has no client id or no secret.")
    if also is not None and also != client_id:
        raise OAuthRefused("invalid_request", "The form and the header name different clients.")
    return Presented(client_id, secret=secret)


def _by_secret(runtime: Runtime, client_id: str, secret: str, place: str) -> KnownClient:
    tried = lockout.attempt(runtime.secret_box, client_id, place)
    with runtime.database.look() as look:
        seconds = lockout.seconds_locked(look, tried)
        row = look.run(_FIND, {"wanted": client_id if _ID.fullmatch(client_id) else ""}).one_or_none()
        secrets = look.run(_SECRETS, {"wanted": row.id if row is not None else ""}).all()
    if seconds is not None:
        raise OAuthRefused(
            "temporarily_unavailable", "Too many wrong secrets came for this client from here: wait.", status=429,
            outcome="locked", retry_after=seconds,
        )  # fmt: skip
    right = _matching(secrets, secret)
    if row is None or right is None or row.disabled_at is not None:
        _note_wrong(runtime, tried, row)
        raise _no_client()
    return KnownClient(row.id, row.per_minute, right.id, tried)


def _matching(secrets: Sequence[Any], secret: str) -> Any:
    """The secret that counts and is this one; every one is compared, and one where there is none."""
    sent = digest(secret)
    hmac.compare_digest(_NOBODYS, sent)
    found = [each for each in secrets if hmac.compare_digest(each.digest, sent) and _counts(each)]
    return found[0] if found else None


def _note_wrong(runtime: Runtime, tried: lockout.Attempt, row: Any) -> None:
    client_id = row.id if row is not None else None
    with runtime.database.write() as session:
        locked = lockout.note_wrong(session, tried)
        if locked and client_id is not None:
            audit.record(
                session, actor=SYSTEM, action="api.client_locked", subject="api_client", subject_id=client_id,
                seconds=int(lockout.LOCKED_FOR.total_seconds()),
            )  # fmt: skip
    # What a stranger typed as an id may be anything; only ids of ours are written down.
    log.warning("api.wrong_secret", client=client_id, locked=locked)


def _by_assertion(runtime: Runtime, text: str, also: str | None, audiences: frozenset[str]) -> KnownClient:
    unproven = assertions.parse(text)
    if also is not None and also != unproven.client_id:
        raise OAuthRefused("invalid_request", "The form and the assertion name different clients.")
    with runtime.database.look() as look:
        wanted = unproven.client_id if _ID.fullmatch(unproven.client_id) else ""
        row = look.run(_FIND, {"wanted": wanted}).one_or_none()
    if row is None or row.disabled_at is not None or not (row.jwks or row.jwks_uri):
        raise _no_client()
    key = assertions.key_for(unproven, row.jwks, row.jwks_uri, runtime.jwks)
    assertions.use_up(runtime.database, assertions.verify(unproven, key, audiences))
    return KnownClient(row.id, row.per_minute)


def _counts(secret: Any) -> bool:
    return secret.expires_at is None or secret.expires_at > now()


def _no_client() -> OAuthRefused:
    """One answer for an unknown client, a wrong secret and a client that is switched off."""
    return assertions.refused("No client that is switched on has this id and shows itself like that.")
