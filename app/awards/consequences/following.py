"""Bringing what is noted in line with what is so: on time, once, and by any number of workers.

A badge's whole family is locked and looked at in one transaction. What is noted twice is refused by the table, and the
answer is the same whoever looks and however often.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.awards.consequences import declared
from app.awards.consequences.causes import Cause, causes, end_of
from app.awards.consequences.events import GraceBegan
from app.awards.consequences.models import (
    CLEARED,
    DISMISSED,
    GRACE,
    OPEN,
    PROPOSED,
    SUSPENDED,
    WAITING,
    AwardFlag,
)
from app.core import audit
from app.core.audit import SYSTEM
from app.core.db import WriteSession
from app.core.logging import get_logger
from app.core.outbox import emit
from app.issuer import grounds
from app.issuer.grounds import FamilyBadge
from app.programme.pathways import GRACE_DAYS, Consequence, Pathway, consequences_of

log = get_logger()

FAIR_NOTICE: Final = timedelta(days=14)


def look_at(session: WriteSession, credential_id: str, at: datetime) -> int:
    """Look at a badge, what rests on it and what it rests on; returns how much of what is noted changed by that.

    Args:
        session: the caller's transaction.
        credential_id: any badge; nothing follows from one that is not there.
        at: the moment that decides what is in force.
    """
    family = grounds.locked_family(session, credential_id)
    noted: dict[str, list[AwardFlag]] = {}
    for flag in _flags(session, [badge.id for badge in family]):
        noted.setdefault(flag.credential_id, []).append(flag)
    return sum(_look(session, badge, family, noted.get(badge.id, []), at) for badge in family)


def propose(session: WriteSession, flag_id: str, at: datetime) -> bool:
    """The time of grace is over: ask an assessor. False if it is not, or somebody was faster."""
    done = session.execute(
        sa.update(AwardFlag)
        .where(col(AwardFlag.id) == flag_id, col(AwardFlag.state) == GRACE, col(AwardFlag.due_at) <= at)
        .values(state=PROPOSED)
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    if not done:
        return False
    flag = session.exec(
        select(AwardFlag).where(AwardFlag.id == flag_id).execution_options(populate_existing=True)
    ).one()
    note(session, flag, "suspension_proposed")
    return True


def note(session: WriteSession, flag: AwardFlag, what: str, actor: audit.Actor = SYSTEM) -> None:
    """Write into audit and log what became of it; ids and words of the programme only."""
    audit.record(
        session,
        actor=actor,
        action=f"awards.{what}",
        subject="credential",
        subject_id=flag.credential_id,
        flag_id=flag.id,
        because=flag.because_credential_id,
        reason=flag.reason,
        consequence=flag.consequence,
        pathway=f"{flag.pathway_key}/{flag.pathway_version}",
        person_id=flag.person_id,
    )
    log.info(f"consequences.{what}", flag_id=flag.id, reason=flag.reason, consequence=flag.consequence)


def _flags(session: WriteSession, ids: list[str]) -> list[AwardFlag]:
    if not ids:
        return []
    wanted = select(AwardFlag).where(col(AwardFlag.credential_id).in_(ids))
    return list(session.exec(wanted.execution_options(populate_existing=True)).all())


def _look(
    session: WriteSession, badge: FamilyBadge, family: tuple[FamilyBadge, ...], flags: list[AwardFlag], at: datetime
) -> int:
    """One badge as the one that rests on others."""
    for flag in flags:
        flag.person_id = badge.person_id  # a badge of nobody's may have become somebody's
    pathway = declared.rule_behind(session, badge)
    if pathway is None and not flags:
        return 0
    end = end_of(badge, at)
    stands, is_suspended = end is None, end is not None and end[0] == "suspended"
    settled = sum(_suspended_anew(session, flag, badge) for flag in flags)
    wanted: Mapping[Cause, Consequence] = {}
    if pathway is not None and (stands or is_suspended):
        rules = consequences_of(pathway)
        found = causes(badge, family, declared.groups_of(pathway), at)
        wanted = {each: then for each in found if (then := rules.of(each.ending)).kind != "nothing"}
    known = {(flag.because_credential_id, flag.reason, flag.since): flag for flag in flags}
    # What a person let stand is no ground for a suspension that came from another one.
    stood = {key for key, flag in known.items() if flag.state == DISMISSED}
    is_ground_left = any((each.credential_id, str(each.ending), each.since) not in stood for each in wanted)
    changed = settled
    for cause, then in wanted.items():
        key = (cause.credential_id, str(cause.ending), cause.since)
        if key in known:
            changed += _still_so(session, known.pop(key), then, stands, at)
        elif stands and pathway is not None:
            changed += _open(session, badge, pathway, cause, then, at)
    changed += sum(_no_longer_so(session, flag, is_suspended) for flag in known.values())
    return changed + (_reinstatement(session, flags, is_ground_left, at) if is_suspended else 0)


def _still_so(session: WriteSession, flag: AwardFlag, then: Consequence, stands: bool, at: datetime) -> int:
    if flag.state == SUSPENDED and stands:
        return _becomes(session, flag, DISMISSED, "reinstated_elsewhere")  # a person did that, by another way than this
    if flag.state == CLEARED and stands:
        # What had taken its place has ended too. What a person let stand stays as they decided.
        flag.state, flag.due_at = _begins(then, flag.since, at)
        flag.opened_at, flag.consequence = at, then.kind
        flag.decided_by = flag.decided_at = flag.note = flag.mended_at = None
        tell_holder(session, flag)
        return _becomes(session, flag, flag.state, "flag_opened_again")
    return 0


def is_suspended_anew(flag: AwardFlag, suspended_at: datetime | None) -> bool:
    """Whether the suspension that came from this was ended elsewhere, and the badge suspended for another reason."""
    if flag.state != SUSPENDED or suspended_at is None or flag.decided_at is None:
        return False
    return suspended_at > flag.decided_at


def _suspended_anew(session: WriteSession, flag: AwardFlag, badge: FamilyBadge) -> int:
    if not is_suspended_anew(flag, badge.suspended_at):
        return 0
    return _becomes(session, flag, DISMISSED, "reinstated_elsewhere")


def _no_longer_so(session: WriteSession, flag: AwardFlag, is_suspended: bool) -> int:
    if flag.state in WAITING or (flag.state == SUSPENDED and not is_suspended):
        return _becomes(session, flag, CLEARED, "flag_cleared")
    return 0


def _reinstatement(session: WriteSession, flags: list[AwardFlag], causes_left: bool, at: datetime) -> int:
    """Of a suspended badge: its end is proposed once none of its grounds is left that has ended, and not before."""
    changed = 0
    for flag in flags:
        if flag.state != SUSPENDED or (flag.mended_at is None) is causes_left:
            continue
        flag.mended_at = None if causes_left else at
        changed += _becomes(
            session, flag, SUSPENDED, "reinstatement_withdrawn" if causes_left else "reinstatement_proposed"
        )
    return changed


def _becomes(session: WriteSession, flag: AwardFlag, state: str, what: str) -> int:
    flag.state = state
    session.add(flag)
    note(session, flag, what)
    return 1


def _open(
    session: WriteSession, badge: FamilyBadge, pathway: Pathway, cause: Cause, then: Consequence, at: datetime
) -> int:
    state, due_at = _begins(then, cause.since, at)
    flag = AwardFlag(
        credential_id=badge.id,
        person_id=badge.person_id,
        because_credential_id=cause.credential_id,
        reason=cause.ending,
        since=cause.since,
        consequence=then.kind,
        pathway_key=pathway.key,
        pathway_version=pathway.version,
        opened_at=at,
        due_at=due_at,
        state=state,
    )
    try:
        with session.begin_nested():
            session.add(flag)
            session.flush()
    except IntegrityError:
        return 0  # another worker noted it at this moment
    note(session, flag, "flag_opened")
    tell_holder(session, flag)
    return 1


def _begins(then: Consequence, since: datetime, at: datetime) -> tuple[str, datetime | None]:
    """In what state a flag begins, and until when there is grace: from the end on, and never without fair notice."""
    if then.kind == "grace":
        return GRACE, max(since + timedelta(days=then.days or GRACE_DAYS), at + FAIR_NOTICE)
    return (PROPOSED if then.kind == "propose_suspension" else OPEN), None


def tell_holder(session: WriteSession, flag: AwardFlag) -> None:
    """Let the holder of a badge know that there is time until a day, where there is."""
    if flag.state == GRACE and flag.person_id is not None:
        emit(session, GraceBegan(flag_id=flag.id, person_id=flag.person_id))
