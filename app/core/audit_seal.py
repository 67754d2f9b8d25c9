"""Seals over the audit: who changes, removes or slips in an entry that is sealed cannot hide it.

A seal covers a block of entries. It holds a digest of each of them and rests on the seal before, and it is closed under
the master key, which is not in the database: whoever can write everywhere in the database still cannot make one.
Entries are sealed when nothing older can be committed any more, so that none is ever left out. `audit_check` looks
whether everything is as it was sealed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlmodel import Field

from app.core import metrics
from app.core.audit import AuditEntry
from app.core.clock import now
from app.core.db import Database, Look, ReadSession, Record, UTCDateTime
from app.core.logging import get_logger
from app.core.resealing import SealedColumn
from app.core.rows import table
from app.core.secrets import SecretBox, SecretUnreadable

log = get_logger()

PURPOSE: Final = "audit-seal"
FORMAT: Final = 1
BLOCK: Final = 1000  # entries under one seal, at most
MOST_BLOCKS: Final = 200  # in one go, so that the worker gets back to its work
LEAF_BYTES: Final = 32
BEFORE_THE_FIRST: Final = "0" * 64
PATIENCE_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.02


class AuditSeal(Record, table=True):
    """One seal. Of its row only `keyed` may change, when the master key does.

    Attributes:
        number: 1, 2, 3 …
        after_id, last_id: it covers every entry with an id above the one and up to the other.
        ids: the entries that there were, as pairs of first and last id; numbers in between were never used.
        leaves: a SHA-256 digest for each of them, in order.
        previous: digest of the seal before.
        digest: of all this, as lower-case hex.
        keyed: the digest, closed under the master key.
    """

    __tablename__ = "audit_seal"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    made_at: datetime = Field(sa_type=UTCDateTime)
    after_id: int
    last_id: int
    ids: list[list[int]] = Field(sa_type=sa.JSON)
    leaves: bytes
    previous: str = Field(unique=True)
    digest: str = Field(unique=True)
    keyed: str


_KEYED: Any = AuditSeal.keyed
SEALED: Final = (SealedColumn("seals of the audit", _KEYED, PURPOSE),)

_ENTRIES, _SEALS = table(AuditEntry), table(AuditSeal)
_NEWEST_ENTRY: Final = sa.select(sa.func.max(_ENTRIES.c.id))
_NEWEST_SEAL: Final = (
    sa.select(_SEALS.c.number, _SEALS.c.digest, _SEALS.c.last_id, _SEALS.c.made_at)
    .order_by(_SEALS.c.number.desc())
    .limit(1)
)
_SEAL: Final = sa.select(_SEALS.c.digest, _SEALS.c.keyed).where(_SEALS.c.number == sa.bindparam("number"))
_NEXT_ENTRIES: Final = (
    sa.select(*_ENTRIES.c)
    .where(_ENTRIES.c.id > sa.bindparam("after_id"), _ENTRIES.c.id <= sa.bindparam("up_to"))
    .order_by(_ENTRIES.c.id)
    .limit(BLOCK)
)
_FIRST_UNSEALED: Final = (
    sa.select(_ENTRIES.c.at).where(_ENTRIES.c.id > sa.bindparam("after_id")).order_by(_ENTRIES.c.id).limit(1)
)
# Whoever writes entries holds this lock from before they take an id until everybody sees what they wrote: PostgreSQL
# makes it visible first and lets go of the lock afterwards (https://www.postgresql.org/docs/current/view-pg-locks.html).
_WRITERS: Final = sa.text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted "
    "AND relation = CAST('audit_entry' AS regclass) "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass(frozen=True)
class SealNote:
    """What names a seal, to be noted where nobody reaches it who can write in the database.

    Attributes:
        number: 1, 2, 3 …
        digest: 64 characters of hex; it stands for every entry sealed so far.
        last_id: id of the last entry that is sealed.
        made_at: when.
    """

    number: int
    digest: str
    last_id: int
    made_at: datetime


def newest(session: ReadSession | Look) -> SealNote | None:
    """The newest seal; None if none was made yet."""
    row = session.run(_NEWEST_SEAL).first()
    return None if row is None else SealNote(row.number, row.digest, row.last_id, row.made_at)


# What this process saw last, where nobody reaches it who can write in the database.
_SEEN: Final[WeakKeyDictionary[Database, SealNote]] = WeakKeyDictionary()


def seal_due(database: Database, secret_box: SecretBox) -> int:
    """Seal the entries that are not sealed yet. Any number of processes may do so at once: one of them does.

    Each block is sealed by itself, so one that is killed leaves the blocks before it. The log gets the digest of each
    seal, because seals that are cut off at the end leave no trace in the database.

    Returns:
        How many entries were sealed: none while a transaction that may have written entries does not end; the next
        call tries again.
    """
    with database.look() as look:
        up_to, before = look.run(_NEWEST_ENTRY).scalar(), newest(look)
        _look_back(look, secret_box, _SEEN.pop(database, None), before)
    if before is not None:
        _SEEN[database] = before
    if up_to is None or (before is not None and up_to <= before.last_id):
        return 0
    if not _older_ones_ended(database):
        return 0
    sealed = 0
    for _ in range(MOST_BLOCKS):
        number = _seal_block(database, secret_box, up_to)
        sealed += number
        if number < BLOCK:
            break
    return sealed


def is_ours(secret_box: SecretBox, seal: sa.Row[Any]) -> bool:
    """Whether a seal was closed under a master key of this server."""
    try:
        return secret_box.decrypt(PURPOSE, seal.keyed) == bytes.fromhex(seal.digest)
    except SecretUnreadable:
        return False


def tell_unsealed(session: ReadSession) -> None:
    """Set the gauge of how long the oldest entry has waited for its seal."""
    seal = newest(session)
    at = session.run(_FIRST_UNSEALED, {"after_id": seal.last_id if seal else 0}).scalar()
    metrics.AUDIT_UNSEALED_AGE.set(0 if at is None else max(0.0, (now() - at).total_seconds()))


def leaf(entry: sa.Row[Any]) -> bytes:
    """The digest of one entry, the same on every database."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(entry.at, datetime) else entry.at
    members = [entry.id, at, entry.actor_kind, entry.actor_id, entry.action, entry.subject, entry.subject_id, entry.ids]
    return hashlib.sha256(_plain(members)).digest()


def digest_of(seal: AuditSeal | sa.Row[Any]) -> str:
    """The digest over everything that a seal says."""
    members = {
        "format": FORMAT,
        "number": seal.number,
        "made_at": seal.made_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "after_id": seal.after_id,
        "last_id": seal.last_id,
        "ids": seal.ids,
        "leaves": hashlib.sha256(seal.leaves).hexdigest(),
        "previous": seal.previous,
    }
    return hashlib.sha256(_plain(members)).hexdigest()


def _plain(value: Any) -> bytes:
    """One JSON text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _look_back(look: Look, secret_box: SecretBox, seen: SealNote | None, before: SealNote | None) -> None:
    """Tell in the log if the newest seal is none of ours, or if one is gone that this process saw.

    Sealing goes on all the same: entries without a seal would be worse, and `audit_check` finds what is wrong for ever.
    """
    if seen is not None:
        there = look.run(_SEAL, {"number": seen.number}).first()
        if there is None or there.digest != seen.digest:
            log.error("audit.seal_gone", number=seen.number, digest=seen.digest)
    if before is not None and not is_ours(secret_box, look.run(_SEAL, {"number": before.number}).one()):
        log.error("audit.seal_foreign", number=before.number)


def _older_ones_ended(database: Database) -> bool:
    """Wait until every transaction that may have taken an id below one that was seen has ended.

    PostgreSQL gives out ids when an entry is written and shows it when its transaction ends, in another order. Nobody
    is kept from writing meanwhile. SQLite has one who writes at a time: there the order is one.
    """
    if database.is_sqlite:
        return True
    open_ones = _writers(database)
    until = time.monotonic() + PATIENCE_SECONDS
    while open_ones:
        if time.monotonic() > until:
            log.warning("audit.waits_for_a_transaction", count=len(open_ones))
            return False
        time.sleep(PAUSE_SECONDS)
        open_ones &= _writers(database)
    return True


def _writers(database: Database) -> set[str]:
    with database.look() as look:
        return {row.virtualtransaction for row in look.run(_WRITERS)}


def _seal_block(database: Database, secret_box: SecretBox, up_to: int) -> int:
    with database.look() as look:
        before = newest(look)
        entries = look.run(_NEXT_ENTRIES, {"after_id": before.last_id if before else 0, "up_to": up_to}).all()
    if not entries:
        return 0
    seal = AuditSeal(
        number=before.number + 1 if before else 1,
        made_at=now(),
        after_id=before.last_id if before else 0,
        last_id=entries[-1].id,
        ids=_runs(entry.id for entry in entries),
        leaves=b"".join(map(leaf, entries)),
        previous=before.digest if before else BEFORE_THE_FIRST,
        digest="",
        keyed="",
    )
    seal.digest = digest_of(seal)
    seal.keyed = secret_box.encrypt(PURPOSE, bytes.fromhex(seal.digest))
    note = SealNote(seal.number, seal.digest, seal.last_id, seal.made_at)
    if not _keep(database, seal):
        return 0
    _SEEN[database] = note
    _tell(note, entries)
    return len(entries)


def _keep(database: Database, seal: AuditSeal) -> bool:
    try:
        with database.write() as session:
            session.add(seal)
    except sa.exc.IntegrityError:
        return False  # another worker made the seal of this number
    return True


def _tell(note: SealNote, entries: Sequence[Any]) -> None:
    log.info("audit.sealed", number=note.number, digest=note.digest, entries=len(entries), last_id=note.last_id)


def _runs(ids: Iterable[int]) -> list[list[int]]:
    """Ascending numbers as pairs of first and last."""
    runs: list[list[int]] = []
    for each in ids:
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    return runs
