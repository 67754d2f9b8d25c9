"""Status lists: which bit a badge gets, and the signed list that tells whether it is set.

A list is shared by all badges of an issuer, so that looking one up says nothing of which. The bits are never stored:
they follow from the revoked credentials, so list and badges cannot disagree for longer than a signature takes.
https://www.w3.org/TR/vc-bitstring-status-list/
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import metrics, rows
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.db_trouble import trouble_of
from app.core.logging import get_logger
from app.core.secrets import SecretBox, SecretUnreadable
from app.issuer import status_archive
from app.issuer.errors import IssuerNotFound, KeysUnreadable, keys_unreadable
from app.issuer.key_errors import SigningServiceDown, SigningServiceWrong
from app.issuer.keys import open_keys
from app.issuer.models import Credential, Issuer, StatusList
from app.issuer.status_archive import CLOCK_ALLOWANCE, SignedList
from app.vc import data_integrity, json_text
from app.vc.status_list import MINIMUM_ENTRIES, encode_list, permuted_index, status_list_credential

log = get_logger()

PERMUTATION_PURPOSE = "issuer.status-permutation"
TTL = timedelta(minutes=5)
LIFETIME = timedelta(days=7)
RENEW_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Place:
    """A credential's place: list number and index in it."""

    number: int
    index: int


def list_url(base_url: str, number: int) -> str:
    """The address of a status list."""
    return f"{base_url}/status/{number}"


def allocate(session: WriteSession, secret_box: SecretBox, issuer: Issuer, *, length: int = MINIMUM_ENTRIES) -> Place:
    """Take the next free place, opening a further list when the last one is full.

    The counter moves in one atomic statement and the index is a keyed permutation of it, so indexes neither collide nor
    tell the order of issue. A rolled back transaction gives the place back.

    Args:
        session: the transaction that stores the credential.
        secret_box: opens the list's permutation key.
        issuer: whose list.
        length: entries of a list that has to be opened.

    Raises:
        KeysUnreadable: the master key does not open the permutation key.
    """
    while True:
        row = _take(session, issuer) or _take_from_new(session, secret_box, issuer, length)
        if row is not None:
            number, position, size, sealed = row
            return Place(number, permuted_index(position, _permutation_key(secret_box, sealed), size))


def allocate_many(session: WriteSession, secret_box: SecretBox, issuer: Issuer, count: int) -> list[Place]:
    """Take the next free places, so many at once; one by one only where a list comes to its end.

    Arguments and errors as for `allocate`.
    """
    places: list[Place] = []
    while len(places) < count:
        wanted = count - len(places)
        row = _take(session, issuer, wanted)
        if row is None:
            places.append(allocate(session, secret_box, issuer))
            continue
        number, first, size, sealed = row
        key = _permutation_key(secret_box, sealed)
        places += [Place(number, permuted_index(each, key, size)) for each in range(first, first + wanted)]
    return places


def _take(session: WriteSession, issuer: Issuer, count: int = 1) -> tuple[int, int, int, str] | None:
    """The list, the first of so many positions in it, its length and its sealed key; None if they do not fit."""
    row = session.run(_TAKEN, {"issuer": issuer.id, "count": count}).first()
    return None if row is None else (row.number, row.position, row.length, row.sealed_permutation_key)


_LISTS = rows.table(StatusList)
_COUNT = sa.bindparam("count", type_=sa.Integer)
_FREE = (
    sa.select(sa.func.min(_LISTS.c.number))
    .where(_LISTS.c.issuer_id == sa.bindparam("issuer"), _LISTS.c.next_position < _LISTS.c.length)
    .scalar_subquery()
)
# The bound is asked again in the update: two transactions may have chosen the same last place.
_TAKEN = (
    sa.update(_LISTS)
    .where(_LISTS.c.number == _FREE, _LISTS.c.next_position + _COUNT <= _LISTS.c.length)
    .values(next_position=_LISTS.c.next_position + _COUNT)
    .returning(
        _LISTS.c.number,
        (_LISTS.c.next_position - _COUNT).label("position"),
        _LISTS.c.length,
        _LISTS.c.sealed_permutation_key,
    )
)


def _take_from_new(
    session: WriteSession, secret_box: SecretBox, issuer: Issuer, length: int
) -> tuple[int, int, int, str] | None:
    """Open a list and take its first place; None when the issuer has a free list after all."""
    is_open = sa.and_(col(StatusList.issuer_id) == issuer.id, col(StatusList.next_position) < col(StatusList.length))
    # One statement, so that both come from one moment: a list that is opened by another in between has the number that
    # is chosen here, and the two collide.
    highest, has_open = session.exec(
        select(sa.func.max(StatusList.number), sa.func.max(sa.case((is_open, 1), else_=0)))
    ).one()
    if has_open:
        return None
    created = StatusList(
        number=(highest or 0) + 1,
        issuer_id=issuer.id,
        length=length,
        next_position=1,
        sealed_permutation_key=secret_box.encrypt(PERMUTATION_PURPOSE, os.urandom(32)),
    )
    try:
        with session.begin_nested():
            session.add(created)
            session.flush()
    except IntegrityError:  # another process opened a list of that number first; the caller looks again
        return None
    return created.number, 0, created.length, created.sealed_permutation_key


def _permutation_key(secret_box: SecretBox, sealed: str) -> bytes:
    try:
        return secret_box.decrypt(PERMUTATION_PURPOSE, sealed)
    except SecretUnreadable as error:
        raise keys_unreadable() from error


def mark_changed(session: WriteSession, number: int) -> None:
    """Say in the caller's transaction that a bit of this list changed: its document is stale from then on."""
    session.execute(
        sa.update(StatusList)
        .where(col(StatusList.number) == number)
        .values(revision=StatusList.revision + 1)
        .execution_options(synchronize_session=False)
    )


def is_stale(row: StatusList, moment: datetime) -> bool:
    """Whether a list has to be signed again: a bit changed, it was never signed, it grows old, or it was signed while
    this server's clock was ahead, so that it begins in the future and fails every badge until then.
    """
    if row.signed_at is None or row.signed_revision < row.revision:
        return True
    return not moment - RENEW_AFTER <= row.signed_at <= moment


def told(database: Database, secret_box: SecretBox, base_url: str, number: int) -> SignedList:
    """The list as it is told to whoever asks.

    It is signed anew first where a bit changed. Where it only grows old that is the worker's affair; from half its life
    on it is tried here too, and while it cannot be signed the one there is stays true to its end.

    Raises:
        IssuerNotFound: there is no such list.
        KeysUnreadable, SigningServiceDown, SigningServiceWrong: a bit changed, or its time is over, and it cannot be
            signed.
    """
    with database.look() as look:
        row = look.run(_BY_NUMBER, {"number": number}).one_or_none()
    if row is None:
        raise _no_list()
    if row.document is None or row.signed_at is None or row.signed_revision < row.revision:
        return refresh(database, secret_box, base_url, number)
    age, stored = now() - row.signed_at, SignedList(row.document, row.signed_at)
    if timedelta(0) <= age <= LIFETIME / 2:
        return stored
    try:
        return refresh(database, secret_box, base_url, number)
    except (KeysUnreadable, SigningServiceDown, SigningServiceWrong) as error:
        if not timedelta(0) <= age < LIFETIME:
            raise
        log.warning("issuer.status_list_not_signed", number=number, reason=type(error).__name__)
        return stored


_COLUMNS = rows.table(StatusList).c
_BY_NUMBER = sa.select(_COLUMNS.document, _COLUMNS.signed_at, _COLUMNS.signed_revision, _COLUMNS.revision).where(
    _COLUMNS.number == sa.bindparam("number")
)


def _no_list() -> IssuerNotFound:
    return IssuerNotFound("There is no status list of that number.")


def status_list_row(session: ReadSession, number: int) -> StatusList:
    """One list.

    Raises:
        IssuerNotFound: there is no list of that number.
    """
    row = session.get(StatusList, number)
    if row is None:
        raise _no_list()
    return row


def refresh(database: Database, secret_box: SecretBox, base_url: str, number: int) -> SignedList:
    """The signed list, signed again first if it is stale.

    Signing happens outside any transaction; of two that sign at once the one that saw the later revision stays.

    Args:
        database: where the list and its credentials are.
        secret_box: opens the issuer's key.
        base_url: this server's address.
        number: which list.

    Raises:
        IssuerNotFound: there is no such list.
        KeysUnreadable: the master key does not open the key.
    """
    with database.read() as session:
        row = status_list_row(session, number)
        if row.document is not None and row.signed_at is not None and not is_stale(row, now()):
            return SignedList(row.document, row.signed_at)
    try:
        signed = _sign(database, secret_box, base_url, row)
    except Exception:
        metrics.STATUS_LISTS_SIGNED.labels("failed").inc()
        raise
    metrics.STATUS_LISTS_SIGNED.labels("ok").inc()
    return signed


def _sign(database: Database, secret_box: SecretBox, base_url: str, row: StatusList) -> SignedList:
    with database.read() as session:
        issuer = session.get_one(Issuer, row.issuer_id)
        keys = open_keys(session, secret_box, base_url, issuer)
        # Read after the revision: a bit set in between is then signed early, never missed.
        revoked = session.exec(
            select(Credential.status_index).where(
                Credential.status_list_number == row.number, col(Credential.revoked_at).is_not(None)
            )
        ).all()
    signed_at = now()
    encoded = encode_list(revoked, row.length)
    signed = data_integrity.sign(
        list_document(list_url(base_url, row.number), keys.did, encoded, signed_at),
        suite="eddsa-rdfc-2022",
        signer=keys.embedded,
        verification_method=keys.embedded_id,
        created=signed_at,
    )
    return _store(database, row, SignedList(json_text.dumps(signed), signed_at), f"{keys.embedded_id} {encoded}")


def _store(database: Database, row: StatusList, signed: SignedList, says: str) -> SignedList:
    """Keep a list just signed; what is to be told from now on. A database that takes nothing makes it no less true."""
    try:
        with database.write() as session:
            taken = session.execute(
                sa.update(StatusList)
                .where(col(StatusList.number) == row.number, col(StatusList.signed_revision) <= row.revision)
                .values(document=signed.document, signed_revision=row.revision, signed_at=signed.signed_at)
                .returning(col(StatusList.number))
                .execution_options(synchronize_session=False)
            ).first()
            if taken is not None:
                status_archive.keep(session, row.number, signed, says)
                return signed
            stored = status_list_row(session, row.number)
            return SignedList(stored.document or signed.document, stored.signed_at or signed.signed_at)
    except sa.exc.SQLAlchemyError as error:
        if trouble_of(error) is None:
            raise
        log.warning("issuer.status_list_not_stored", number=row.number, error=type(error).__name__)
        return signed


def list_document(url: str, issuer: str, encoded: str, signed_at: datetime) -> dict[str, Any]:
    """The unsigned list credential: valid for a week, to be asked for again after `ttl` milliseconds.

    https://www.w3.org/TR/vc-bitstring-status-list/#bitstringstatuslistcredential
    """
    document = status_list_credential(
        list_url=url,
        issuer=issuer,
        encoded_list=encoded,
        # A verifier whose clock is a little slow must not find that the list has not begun: it would fail every badge.
        valid_from=signed_at - CLOCK_ALLOWANCE,
        valid_until=signed_at + LIFETIME,
    )
    subject = {**document["credentialSubject"], "ttl": int(TTL.total_seconds() * 1000)}
    return {**document, "credentialSubject": subject}


def refresh_stale(database: Database, secret_box: SecretBox, base_url: str) -> int:
    """Sign every stale list again, and thin out what is kept of old ones; returns how many were signed.

    For the worker's round. A list that cannot be signed is logged and hinders no other.
    """
    moment = now()
    with database.read() as session:
        stale = [row.number for row in session.exec(select(StatusList)).all() if is_stale(row, moment)]
    signed = 0
    for number in stale:
        try:
            refresh(database, secret_box, base_url, number)
        except KeysUnreadable:
            log.error("issuer.status_list_not_signed", number=number, reason="the master key does not open the keys")
        except Exception as error:
            log.error("issuer.status_list_not_signed", number=number, reason=type(error).__name__, exc_info=True)
        else:
            signed += 1
    status_archive.thin_out(database)
    return signed
