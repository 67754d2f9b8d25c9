"""New keys for an issuer, and old ones taken out of use.

Verifiers keep an issuer's DID document for a while. So a new key is published before it signs, and an old one stays
published, with its purpose, for as long as badges rest on it: for ever.
https://www.w3.org/TR/cid-1.0/#verification-methods
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.issuer.key_errors import KeyInUse, KeyRefused, key_not_found
from app.issuer.keys import (
    ROLES,
    is_retired,
    issuer_by_key,
    kid_for,
    newest,
    published_keys,
    remote_key,
    software_key,
)
from app.issuer.models import Issuer, SigningKey
from app.issuer.remote_signer import bound_service
from app.vc.keys import Algorithm

PUBLISHED_BEFORE_USE: Final = timedelta(hours=1)
# Private halves of retired keys are kept for a day only, in case the clocks of this house's machines differ.
DESTROYED_AFTER: Final = timedelta(days=1)
ALGORITHMS: Final[dict[str, Algorithm]] = {"Ed25519": "Ed25519", "ES256": "P-256", "RS256": "RSA"}


@dataclass(frozen=True)
class Rotated:
    """A key that was entered, and those that it takes over from.

    Attributes:
        kid: the new key.
        active_from: when it begins to sign.
        replaces: names of the keys that are retired at that moment.
    """

    kid: str
    active_from: datetime
    replaces: tuple[str, ...]


def rotate_key(
    database: Database,
    secret_box: SecretBox,
    *,
    issuer_key: str,
    algorithm: str,
    use_after: timedelta = PUBLISHED_BEFORE_USE,
    remote_name: str | None = None,
    actor: Actor,
) -> Rotated:
    """Publish a new key now and sign with it after a while, in place of the one in use.

    Args:
        database: not a session: the key is made, or the signing service asked, before the write.
        secret_box: seals a key made here.
        issuer_key: whose key.
        algorithm: Ed25519 (proofs in documents), ES256 or RS256 (VC-JWTs): a token key takes over from either kind.
        use_after: how long verifiers may take to learn of it; zero for an urgent change.
        remote_name: name of a key at the signing service; None makes one here.
        actor: who does it.

    Raises:
        KeyRefused: an unknown algorithm, a key of another kind, or one that is entered already.
        IssuerNotFound: there is no such issuer.
        KeysUnreadable, SigningServiceDown, SigningServiceWrong: the signing service is not set, or does not do its
            part; nothing was changed.
    """
    if algorithm not in ALGORITHMS:
        raise KeyRefused(f"Badges are signed with {', '.join(ALGORITHMS)}, not with {algorithm}.")
    if use_after < timedelta(0):
        raise KeyRefused("A key cannot be in use before it is made.")
    with database.read() as session:
        issuer_by_key(session, issuer_key)
    made = (
        software_key(secret_box, ALGORITHMS[algorithm])
        if remote_name is None
        else _entered(remote_name, ALGORITHMS[algorithm])
    )
    with database.write() as session:
        issuer = lock_issuer(session, issuer_by_key(session, issuer_key).id)
        return add_key(session, issuer, made, now() + use_after, actor)


def _entered(remote_name: str, algorithm: Algorithm) -> SigningKey:
    """A key at the signing service, once it has shown that it signs."""
    service = bound_service()
    public_key = service.public_key(remote_name)
    if public_key.algorithm != algorithm:
        raise KeyRefused(
            f"The key {remote_name} of the signing service is of the kind {public_key.algorithm}, not {algorithm}.",
            kept="Nothing was changed.",
        )
    service.sign(remote_name, public_key, os.urandom(32))
    return remote_key(remote_name, public_key)


def add_key(session: WriteSession, issuer: Issuer, made: SigningKey, active_from: datetime, actor: Actor) -> Rotated:
    """Enter a key made before, and settle which keys it takes over from. The issuer must be locked.

    Raises:
        KeyRefused: this very key is entered already.
    """
    rows = published_keys(session, issuer)
    for row in rows:
        if (row.public_multikey, row.public_jwk) == (made.public_multikey, made.public_jwk):
            raise KeyRefused(f"That key is entered already, as {row.kid}.", kept="Nothing was changed.")
    made.issuer_id, made.kid = issuer.id, kid_for(issuer, made.algorithm, rows)
    made.created_at, made.active_from = now(), active_from
    session.add(made)
    session.flush()
    retiring = settle(session, issuer, ROLES[made.algorithm])
    audit.record(
        session,
        actor=actor,
        action="issuer.key_rotated",
        subject="signing_key",
        subject_id=made.kid,
        algorithm=made.algorithm,
        active_from=active_from.isoformat(),
    )
    return Rotated(made.kid, active_from, tuple(row.kid for row in retiring if row.retired_at == active_from))


def retire_key(database: Database, *, kid: str, actor: Actor) -> None:
    """Take a key out of use for good: it signs nothing any more, and what it signed stays valid.

    A key whose time has not come is never used, and the one it would have taken over from stays.

    Raises:
        KeyNotFound: there is no such key.
        KeyRefused: it is revoked.
        KeyInUse: the issuer would have no key of that kind to sign with.
    """
    with database.write() as session:
        row = locked_key(session, kid)
        moment = now()
        if row.revoked_at is not None:
            raise KeyRefused("This key is revoked, which is more than retired.", kept="It stays revoked.")
        if is_retired(row, moment):
            return
        issuer = session.get_one(Issuer, row.issuer_id)
        row.retired_at = moment
        session.add(row)
        session.flush()
        settle(session, issuer, ROLES[row.algorithm])
        if not newest(published_keys(session, issuer), ROLES[row.algorithm], moment):
            raise KeyInUse(
                "No other key of this kind is in use, so the issuer could not sign without this one.",
                kept="Nothing was changed.",
                next_step=f"Make a new one first: waymark key rotate --issuer {issuer.key} --now.",
            )
        audit.record(session, actor=actor, action="issuer.key_retired", subject="signing_key", subject_id=kid)


def settle(session: WriteSession, issuer: Issuer, role: str) -> Sequence[SigningKey]:
    """Let each key of a role be retired when the next one begins, and the last one not at all.

    Keys that are retired or revoked already stay so. Returns the others, in the order of their use.
    """
    moment = now()
    rows = [
        row
        for row in published_keys(session, issuer)
        if ROLES[row.algorithm] == role and row.revoked_at is None and not is_retired(row, moment)
    ]
    for row, following in zip_longest(rows, rows[1:]):
        row.retired_at = following.active_from if following else None
        session.add(row)
    session.flush()
    return rows


def lock_issuer(session: WriteSession, issuer_id: str) -> Issuer:
    """The issuer, held until the transaction ends: changes of its keys come one after the other.

    Held so that badges may be reserved meanwhile: each refers to its issuer, and holds a status list that we may want.
    """
    return session.exec(select(Issuer).where(Issuer.id == issuer_id).with_for_update(key_share=True)).one()


def locked_key(session: WriteSession, kid: str) -> SigningKey:
    """A key, with its issuer held until the transaction ends.

    Raises:
        KeyNotFound: there is no such key.
    """
    row = find_key(session, kid)
    lock_issuer(session, row.issuer_id)
    session.refresh(row)
    return row


def find_key(session: ReadSession, kid: str) -> SigningKey:
    """A key by its name.

    Raises:
        KeyNotFound: there is none.
    """
    row = session.get(SigningKey, kid)
    if row is None:
        raise key_not_found()
    return row


def destroy_retired(database: Database) -> int:
    """Destroy the private halves of keys retired a while ago: what cannot sign cannot be stolen. For the worker.

    Returns:
        How many were destroyed.
    """
    over = sa.and_(col(SigningKey.sealed_private).is_not(None), col(SigningKey.retired_at) < now() - DESTROYED_AFTER)
    with database.read() as session:
        kids = session.exec(select(SigningKey.kid).where(over)).all()
    if not kids:
        return 0
    with database.write() as session:
        gone = session.execute(
            sa.update(SigningKey)
            .where(col(SigningKey.kid).in_(kids), over)
            .values(sealed_private=None)
            .returning(col(SigningKey.kid))
            .execution_options(synchronize_session=False)
        ).scalars()
        destroyed = list(gone)
        for kid in destroyed:
            audit.record(
                session, actor=audit.SYSTEM, action="issuer.key_destroyed", subject="signing_key", subject_id=kid
            )
    return len(destroyed)
