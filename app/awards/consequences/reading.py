"""What is noted, for those who decide and for the holder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from sqlmodel import col, select

from app.awards.consequences.deciding import bars
from app.awards.consequences.errors import FlagNotFound, NotIndependentOfHolder, OwnBadge
from app.awards.consequences.models import GRACE, LIVE, SUSPENDED, AwardFlag
from app.core.db import ReadSession
from app.core.rows import AT_ONCE
from app.issuer.models import Credential
from app.learning.assessors import require_assessor
from app.people import service as people
from app.programme import service as programme
from app.programme import stacks
from app.programme.pathways import Consequence, ConsequenceKind, Ending, consequences_of

FlagState = Literal["open", "grace", "proposed", "suspended", "cleared", "dismissed"]


@dataclass(frozen=True)
class Flag:
    """A badge of which a ground has ended.

    Attributes:
        badge, because: names of the achievements: of the badge, and of the one that it rests on.
        ending: how that one ended, and since when.
        declared: what the programme declares for that, in the pathway `pathway_title` at `pathway_version`.
        due_at: until when there is grace.
        mended_at: since when the ground is in force again under a suspension that came from it.
        holder: the holder's name; empty of somebody who is not known here, or where it is not asked for.
        decided_by: who decided last, by name; empty where nobody has.
        bars: why the reader does not decide it, a sentence each.
        is_suspended: whether the badge is suspended now, for whatever reason.
    """

    id: str
    credential_id: str
    badge_key: str
    badge: str
    because_credential_id: str
    because_key: str
    because: str
    ending: Ending
    since: datetime
    declared: Consequence
    pathway_key: str
    pathway_version: int
    pathway_title: str
    opened_at: datetime
    due_at: datetime | None
    state: FlagState
    mended_at: datetime | None
    person_id: str | None
    holder: str = field(repr=False)
    decided_by: str = field(repr=False)
    decided_at: datetime | None
    note: str = field(repr=False)
    bars: tuple[str, ...] = ()
    is_suspended: bool = False

    @property
    def waits_for_reinstatement(self) -> bool:
        """Whether the end of a suspension is proposed."""
        return self.state == SUSPENDED and self.mended_at is not None


def waiting(session: ReadSession, *, assessor_id: str) -> tuple[Flag, ...]:
    """All that is not settled, the oldest first; one's own badges left out.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_id)
    rows = _rows(session, col(AwardFlag.state).in_(LIVE))
    return _told(session, [row for row in rows if row.person_id != assessor_id], assessor_id=assessor_id)


def count_waiting(session: ReadSession) -> int:
    """How much an assessor should decide now: what is flagged or proposed, and suspensions whose cause is mended."""
    return sum(
        row.state in ("open", "proposed") or row.mended_at is not None
        for row in _rows(session, col(AwardFlag.state).in_(LIVE))
    )


def one(session: ReadSession, flag_id: str, *, assessor_id: str) -> Flag:
    """One of them, settled or not.

    Raises:
        NotAnAssessor, FlagNotFound, OwnBadge, NotIndependentOfHolder: this person may not see it.
    """
    require_assessor(session, assessor_id)
    row = session.get(AwardFlag, flag_id)
    if row is None:
        raise FlagNotFound
    if row.person_id == assessor_id:
        raise OwnBadge
    (flag,) = _told(session, [row], assessor_id=assessor_id)
    if flag.bars:
        raise NotIndependentOfHolder(flag.bars)
    return flag


def of_badges(session: ReadSession, credential_ids: Collection[str]) -> dict[str, tuple[Flag, ...]]:
    """What is not settled of these badges, for their holder: without names, and without what an assessor only looks at.

    Args:
        session: for reading.
        credential_ids: the holder's badges.
    """
    found: dict[str, list[AwardFlag]] = {}
    if credential_ids:
        about = col(AwardFlag.credential_id).in_(sorted(credential_ids))
        for row in _rows(session, about, col(AwardFlag.state).in_(LIVE)):
            found.setdefault(row.credential_id, []).append(row)
    return {key: _told(session, rows) for key, rows in found.items()}


def in_grace(session: ReadSession, flag_id: str) -> Flag | None:
    """One of which the holder still has time, for telling them; None of any other."""
    row = session.get(AwardFlag, flag_id)
    if row is None or row.state != GRACE:
        return None
    return _told(session, [row])[0]


def noted(session: ReadSession, flag_id: str) -> Flag | None:
    """One of them as it stands, settled or not, without names; None if it is gone, for telling the holder."""
    row = session.get(AwardFlag, flag_id)
    return None if row is None else _told(session, [row])[0]


def listed(session: ReadSession, *, settled: bool, limit: int) -> tuple[Flag, ...]:
    """All that is noted, the oldest first, without names: for an operator."""
    which = () if settled else (col(AwardFlag.state).in_(LIVE),)
    return _told(session, _rows(session, *which, limit=limit))


def _rows(session: ReadSession, *which: object, limit: int | None = None) -> list[AwardFlag]:
    wanted = select(AwardFlag).where(*which).order_by(col(AwardFlag.opened_at), col(AwardFlag.id))  # type: ignore[arg-type]
    return list(session.exec(wanted.limit(limit) if limit is not None else wanted).all())


def _told(session: ReadSession, rows: Iterable[AwardFlag], *, assessor_id: str | None = None) -> tuple[Flag, ...]:
    rows = list(rows)
    badges = _badges(session, {name for row in rows for name in (row.credential_id, row.because_credential_id)})
    holders = {row.person_id for row in rows if row.person_id}
    known = holders | {row.decided_by for row in rows if row.decided_by}
    names = people.display_names(session, known) if assessor_id is not None else {}
    why_not = {each: bars(session, each, assessor_id) for each in holders} if assessor_id is not None else {}
    flags = []
    for row in rows:
        badge, because = badges[row.credential_id], badges[row.because_credential_id]
        pathway = stacks.pathway_version(session, row.pathway_key, row.pathway_version)
        ending = cast(Ending, row.reason)
        flags.append(
            Flag(
                id=row.id,
                credential_id=row.credential_id,
                badge_key=badge[0],
                badge=badge[1],
                because_credential_id=row.because_credential_id,
                because_key=because[0],
                because=because[1],
                ending=ending,
                since=row.since,
                declared=_declared(row, consequences_of(pathway).of(ending)),
                pathway_key=row.pathway_key,
                pathway_version=row.pathway_version,
                pathway_title=pathway.title,
                opened_at=row.opened_at,
                due_at=row.due_at,
                state=cast(FlagState, row.state),
                mended_at=row.mended_at,
                person_id=row.person_id,
                holder=names.get(row.person_id or "", ""),
                decided_by=names.get(row.decided_by or "", ""),
                decided_at=row.decided_at,
                note=row.note or "",
                bars=why_not.get(row.person_id or "", ()),
                is_suspended=badge[2],
            )
        )
    return tuple(flags)


def _declared(row: AwardFlag, now_read: Consequence) -> Consequence:
    kind = cast(ConsequenceKind, row.consequence)
    return now_read if now_read.kind == kind else Consequence(kind)


def _badges(session: ReadSession, ids: Collection[str]) -> dict[str, tuple[str, str, bool]]:
    """Of each badge key and name of its achievement, and whether it is suspended now."""
    found: dict[str, tuple[str, str, bool]] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), AT_ONCE):
        rows = session.exec(
            select(
                Credential.id, Credential.achievement_key, Credential.achievement_version, Credential.suspended_at
            ).where(col(Credential.id).in_(ordered[start : start + AT_ONCE]))
        ).all()
        for badge_id, key, version, suspended_at in rows:
            found[badge_id] = (key, programme.achievement(session, key, version).name, suspended_at is not None)
    return found
