"""Whether the audit is as it was sealed: what was altered, deleted, slipped in, and what has no seal.

It finds what was done to entries after they were sealed, and to seals. It cannot find what was done before, and seals
that are cut off at the end are missed only by somebody who noted one of them elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from app.core.audit import AuditEntry
from app.core.audit_seal import BEFORE_THE_FIRST, LEAF_BYTES, AuditSeal, SealNote, digest_of, is_ours, leaf, newest
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.errors import NotFound
from app.core.rows import table
from app.core.secrets import SecretBox

What = Literal[
    "entry_altered",
    "entry_deleted",
    "entry_inserted",
    "entries_unsealed",
    "seal_altered",
    "seal_deleted",
    "seal_foreign",
    "seal_expected",
]

OVERDUE: Final = timedelta(minutes=15)  # the worker seals once a minute
MOST_TOLD: Final = 100
ENTRIES_AT_ONCE: Final = 1000
SEALS_AT_ONCE: Final = 20
# What rows raise that were written past the app, when they are read.
ODD: Final = (ValueError, TypeError, AttributeError, OverflowError, RecursionError, sa.exc.DataError)

_ENTRIES, _SEALS = table(AuditEntry), table(AuditSeal)
_SEALS_FROM: Final = (
    sa.select(*_SEALS.c)
    .where(_SEALS.c.number >= sa.bindparam("least"), _SEALS.c.number <= sa.bindparam("most"))
    .order_by(_SEALS.c.number)
    .limit(SEALS_AT_ONCE)
)
_NUMBERS_FROM: Final = (
    sa.select(_SEALS.c.number)
    .where(_SEALS.c.number >= sa.bindparam("least"), _SEALS.c.number <= sa.bindparam("most"))
    .order_by(_SEALS.c.number)
    .limit(SEALS_AT_ONCE)
)
_NUMBER_OF: Final = sa.select(_SEALS.c.number).where(_SEALS.c.digest == sa.bindparam("digest"))
_BETWEEN: Final = (_ENTRIES.c.id > sa.bindparam("after_id"), _ENTRIES.c.id <= sa.bindparam("up_to"))
_ENTRIES_AFTER: Final = sa.select(*_ENTRIES.c).where(*_BETWEEN).order_by(_ENTRIES.c.id).limit(ENTRIES_AT_ONCE)
_IDS_AFTER: Final = sa.select(_ENTRIES.c.id).where(*_BETWEEN).order_by(_ENTRIES.c.id).limit(ENTRIES_AT_ONCE)
_UNSEALED: Final = sa.select(sa.func.count().label("waiting"), sa.func.min(_ENTRIES.c.id).label("first")).where(
    _ENTRIES.c.id > sa.bindparam("last_id")
)
_AT: Final = sa.select(_ENTRIES.c.at).where(_ENTRIES.c.id == sa.bindparam("entry_id"))
_BEFORE_ALL: Final = sa.select(_ENTRIES.c.id).where(_ENTRIES.c.id <= 0).order_by(_ENTRIES.c.id).limit(MOST_TOLD)


class SealUnknown(NotFound):
    """There is no seal of this number."""

    slug = "audit-seal-unknown"
    title = "There is no such seal"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed.

    Attributes:
        what: kind of thing.
        seal: number of the seal, if it is about one.
        entry: id of the entry, if it is about one.
    """

    what: What
    seal: int | None = None
    entry: int | None = None


@dataclass(frozen=True)
class AuditReport:
    """What was looked at and what was found.

    Attributes:
        seals, entries: how many were compared.
        since_seal: number of the first of those seals.
        newest: the newest seal; None if there is none.
        unsealed: how many entries wait for a seal.
        oldest_unsealed_at: since when the oldest of them does.
        findings: the first hundred.
        counts: how many of each kind there are.
    """

    seals: int
    entries: int
    since_seal: int
    newest: SealNote | None
    unsealed: int
    oldest_unsealed_at: datetime | None
    findings: tuple[Finding, ...]
    counts: dict[str, int]

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not self.counts


@dataclass
class _Found:
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    seals: int = 0

    def add(self, what: What, *, seal: int | None = None, entry: int | None = None) -> None:
        self.counts[what] += 1
        if len(self.findings) < MOST_TOLD:
            self.findings.append(Finding(what, seal, entry))


def check(
    database: Database, secret_box: SecretBox, *, since_seal: int = 1, expected: str | None = None
) -> AuditReport:
    """Compare the audit with its seals. It may be going on being written and sealed meanwhile.

    Args:
        database: which.
        secret_box: opens the seals.
        since_seal: begin with this one; what is older is not looked at.
        expected: digest of a seal that was noted elsewhere; it must be there. If it is older than `since_seal`, the
            comparison begins with it.

    Raises:
        SealUnknown: there is no seal as new as `since_seal`.
    """
    found = _Found()
    with database.read() as session:
        last = newest(session)
        if since_seal > 1 and (last is None or since_seal > last.number):
            there = f"The newest is {last.number}." if last else "There is none yet."
            raise SealUnknown(
                f"There is no seal {since_seal}. {there}",
                next_step="Leave --since-seal out to look at everything.",
            )
        if expected is not None:
            number = session.run(_NUMBER_OF, {"digest": expected}).scalar()
            if number is None:
                found.add("seal_expected")
            else:
                since_seal = max(1, min(since_seal, number))
        if last is not None:
            _check_seals(session, secret_box, found, since_seal, last.number)
        for row in session.run(_BEFORE_ALL):
            found.add("entry_inserted", entry=row.id)
        unsealed, oldest_at = _unsealed(session, found, last)
    return AuditReport(
        seals=found.seals,
        entries=found.entries,
        since_seal=since_seal,
        newest=last,
        unsealed=unsealed,
        oldest_unsealed_at=oldest_at,
        findings=tuple(found.findings),
        counts=dict(found.counts),
    )


def _check_seals(session: ReadSession, box: SecretBox, found: _Found, first: int, last: int) -> None:
    """Each seal by itself, its place behind the one before, and the entries it covers."""
    before: sa.Row[Any] | None = None
    awaited = first
    for number, seal in _seals(session, max(1, first - 1), last):
        if number < first:
            before = seal  # only to see that the first one rests on it
            continue
        if number != awaited:
            found.add("seal_deleted", seal=awaited)  # one finding for all that are missing in a row
            before = None
        awaited = number + 1
        found.seals += 1
        if seal is None:
            found.add("seal_altered", seal=number)
        elif _is_sound(box, found, seal):
            _check_place(found, seal, before)
            _check_entries(session, found, seal)
        before = seal


def _seals(session: ReadSession, first: int, last: int) -> Iterator[tuple[int, sa.Row[Any] | None]]:
    """Numbers and rows; None for a row that cannot even be read."""
    while first <= last:
        values = {"least": first, "most": last}
        try:
            page: list[tuple[int, sa.Row[Any] | None]] = [(row.number, row) for row in session.run(_SEALS_FROM, values)]
        except ODD:
            page = [(number, _seal(session, number)) for (number,) in session.run(_NUMBERS_FROM, values)]
        if not page:
            return
        yield from page
        first = page[-1][0] + 1


def _seal(session: ReadSession, number: int) -> sa.Row[Any] | None:
    try:
        return session.run(_SEALS_FROM, {"least": number, "most": number}).first()
    except ODD:
        return None


def _is_sound(box: SecretBox, found: _Found, seal: sa.Row[Any]) -> bool:
    """Whether a seal says what it said when it was made."""
    try:
        problem: What | None = None if digest_of(seal) == seal.digest else "seal_altered"
        if problem is None and not is_ours(box, seal):
            problem = "seal_foreign"
    except ODD:
        problem = "seal_altered"
    if problem is not None:
        found.add(problem, seal=seal.number)
    return problem is None


def _check_place(found: _Found, seal: sa.Row[Any], before: sa.Row[Any] | None) -> None:
    if seal.number == 1 and (seal.previous != BEFORE_THE_FIRST or seal.after_id != 0):
        found.add("seal_altered", seal=1)
    if before is not None and (seal.previous != before.digest or seal.after_id != before.last_id):
        found.add("seal_altered", seal=seal.number)


def _check_entries(session: ReadSession, found: _Found, seal: sa.Row[Any]) -> None:
    """The entries between a seal's first and last id against what it says of each; both come in order."""
    there = _entries(session, seal.after_id, seal.last_id)
    entry = next(there, None)
    for entry_id, wanted in _sealed(seal):
        while entry is not None and entry[0] < entry_id:
            found.add("entry_inserted", seal=seal.number, entry=entry[0])
            entry = next(there, None)
        if entry is None or entry[0] != entry_id:
            found.add("entry_deleted", seal=seal.number, entry=entry_id)
            continue
        if entry[1] != wanted:
            found.add("entry_altered", seal=seal.number, entry=entry_id)
        entry = next(there, None)
        found.entries += 1
    while entry is not None:
        found.add("entry_inserted", seal=seal.number, entry=entry[0])
        entry = next(there, None)


def _sealed(seal: sa.Row[Any]) -> Iterator[tuple[int, bytes]]:
    place = 0
    for first, last in seal.ids:
        for entry_id in range(first, last + 1):
            yield entry_id, seal.leaves[place : place + LEAF_BYTES]
            place += LEAF_BYTES


def _entries(session: ReadSession, after_id: int, up_to: int) -> Iterator[tuple[int, bytes | None]]:
    """Ids and digests; None for an entry that cannot even be read."""
    while after_id < up_to:
        values = {"after_id": after_id, "up_to": up_to}
        try:
            page: list[tuple[int, bytes | None]] = [(row.id, leaf(row)) for row in session.run(_ENTRIES_AFTER, values)]
        except ODD:
            page = [(entry_id, _leaf_of(session, entry_id)) for (entry_id,) in session.run(_IDS_AFTER, values)]
        if not page:
            return
        yield from page
        after_id = page[-1][0]


def _leaf_of(session: ReadSession, entry_id: int) -> bytes | None:
    try:
        row = session.run(_ENTRIES_AFTER, {"after_id": entry_id - 1, "up_to": entry_id}).first()
        return None if row is None else leaf(row)
    except ODD:
        return None


def _unsealed(session: ReadSession, found: _Found, last: SealNote | None) -> tuple[int, datetime | None]:
    """How many entries wait for a seal and since when; one that waits for long is something found."""
    row = session.run(_UNSEALED, {"last_id": last.last_id if last else 0}).one()
    if not row.waiting:
        return 0, None
    try:
        at: datetime | None = session.run(_AT, {"entry_id": row.first}).scalar()
    except ODD:
        at = None
    if at is None or at < now() - OVERDUE:
        found.add("entries_unsealed", entry=row.first)
    return int(row.waiting), at
