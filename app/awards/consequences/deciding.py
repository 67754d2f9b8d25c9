"""What a named person decides about a badge whose ground has ended: suspend it, wait, let it stand, reinstate it.

The badge's family is locked first, as the machine does, so that the two never cross. Nobody decides about their own
badge, nor about that of whom they manage or mentor, by a line or by what they are at a centre.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlmodel import col, select

from app.awards.consequences import following
from app.awards.consequences.errors import (
    FlagNotFound,
    FlagSettled,
    NoteNeeded,
    NotIndependentOfHolder,
    OwnBadge,
    WaitRefused,
)
from app.awards.consequences.events import SuspendedForGround, SuspensionLifted
from app.awards.consequences.models import CLEARED, DISMISSED, GRACE, SUSPENDED, WAITING, AwardFlag
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.outbox import emit
from app.issuer import grounds, suspending
from app.learning.assessors import require_assessor
from app.people import service as people

NOTE_LENGTH: Final = suspending.REASON_LENGTH
MOST_DAYS: Final = 180
_SAME_ADDRESS: Final = "You and the holder have an e-mail address in common."
_NEAR: Final = {"line_manager": "You are the holder’s line manager.", "mentor": "You are the holder’s mentor."}
_ABOVE: Final = "You manage, supervise or mentor at a centre where the holder works, or did so lately."


def suspend(session: WriteSession, flag_id: str, *, assessor_id: str, reason: str) -> None:
    """Suspend the badge, because what it rests on has ended.

    Args:
        session: the caller's transaction.
        flag_id: what is decided.
        assessor_id: who decides.
        reason: why, 1 to 500 characters; kept with the badge and shown to its holder.

    Raises:
        NotAnAssessor, FlagNotFound, OwnBadge, NotIndependentOfHolder: this person may not.
        NoteNeeded: no reason, or too long a one.
        FlagSettled: somebody was faster, or it settled itself.
        AlreadySuspended, AlreadyRevoked: the badge is suspended or revoked for another reason.
    """
    words = _words(reason)
    flag = _to_decide(session, flag_id, assessor_id)
    suspending.suspend(session, flag.credential_id, reason=words, actor=_person(assessor_id))
    # Whatever else waits about this badge is answered by that too.
    for each in _of_badge(session, flag.credential_id):
        if each.state in WAITING:
            _decide(session, each, SUSPENDED, assessor_id, words, "suspended_for_its_ground")
    if flag.person_id is not None:
        emit(session, SuspendedForGround(flag_id=flag.id, person_id=flag.person_id))


def dismiss(session: WriteSession, flag_id: str, *, assessor_id: str, reason: str) -> None:
    """Let the badge stand although what it rests on has ended; for this end of this ground it is not asked again.

    Args: as for `suspend`; the reason is kept with the decision.

    Raises:
        NotAnAssessor, FlagNotFound, OwnBadge, NotIndependentOfHolder: this person may not.
        NoteNeeded: no reason, or too long a one.
        FlagSettled: somebody was faster, or it settled itself.
    """
    words = _words(reason)
    _decide(session, _to_decide(session, flag_id, assessor_id), DISMISSED, assessor_id, words, "flag_dismissed")


def wait(session: WriteSession, flag_id: str, *, assessor_id: str, days: int | None, reason: str) -> None:
    """Give the holder so many days from now; then an assessor is asked again.

    Args: as for `suspend`; `days` are 1 to 180.

    Raises:
        NotAnAssessor, FlagNotFound, OwnBadge, NotIndependentOfHolder: this person may not.
        NoteNeeded: no reason, or too long a one.
        WaitRefused: no such number of days.
        FlagSettled: somebody was faster, or it settled itself.
    """
    words = _words(reason)
    if days is None or not 0 < days <= MOST_DAYS:
        raise WaitRefused(MOST_DAYS)
    flag = _to_decide(session, flag_id, assessor_id)
    flag.due_at = now() + timedelta(days=days)
    _decide(session, flag, GRACE, assessor_id, words, "grace_given")
    following.tell_holder(session, flag)


def reinstate(session: WriteSession, flag_id: str, *, assessor_id: str, reason: str) -> None:
    """End a suspension that came from this: because the ground is in force again, or because it was not right.

    Args: as for `suspend`; the reason is kept with the decision.

    Raises:
        NotAnAssessor, FlagNotFound, OwnBadge, NotIndependentOfHolder: this person may not.
        NoteNeeded: no reason, or too long a one.
        FlagSettled: it is not suspended because of this, or not any more.
    """
    words = _words(reason)
    flag = _to_decide(session, flag_id, assessor_id, states=(SUSPENDED,))
    if following.is_suspended_anew(flag, grounds.suspended_since(session, flag.credential_id)):
        raise FlagSettled
    suspending.reinstate(session, flag.credential_id, actor=_person(assessor_id))
    for each in _of_badge(session, flag.credential_id):
        if each.state == SUSPENDED:
            state = CLEARED if each.mended_at is not None else DISMISSED
            _decide(session, each, state, assessor_id, words, "reinstated_for_its_ground")
    if flag.person_id is not None:
        emit(session, SuspensionLifted(flag_id=flag.id, person_id=flag.person_id))


def bars(session: ReadSession, person_id: str | None, assessor_id: str) -> tuple[str, ...]:
    """Why this assessor does not decide about a badge of this person, a sentence each; empty where they may.

    A line that they ended themselves lately counts still: whoever manages a centre could else end it, decide, and enter
    it again. Whoever has an address in common with the holder may be known here twice; an address that the holder only
    asked to confirm says nothing, or they could keep every assessor away.
    """
    if person_id is None:
        return ()
    of_them = {"person_id": person_id, "other_id": assessor_id}
    relations = people.relation_to(session, **of_them)
    lately = now() - timedelta(days=MOST_DAYS)
    relations |= people.relations_put_off(session, **of_them, since=lately)
    near = [words for code, words in _NEAR.items() if code in relations]
    if people.above_at_centre(session, **of_them, since=lately):
        near.append(_ABOVE)
    theirs, mine = (people.addresses_of(session, each, asked=False) for each in (person_id, assessor_id))
    return (*near, *([] if theirs.isdisjoint(mine) else [_SAME_ADDRESS]))


def _to_decide(
    session: WriteSession, flag_id: str, assessor_id: str, *, states: tuple[str, ...] = WAITING
) -> AwardFlag:
    """What is decided, with the badge's family locked; in this order the machine locks too.

    Raises:
        NotAnAssessor, FlagNotFound, OwnBadge, NotIndependentOfHolder: this person may not.
        FlagSettled: it is not in one of these states.
    """
    require_assessor(session, assessor_id)
    credential_id = session.exec(select(AwardFlag.credential_id).where(AwardFlag.id == flag_id)).first()
    if credential_id is None:
        raise FlagNotFound
    grounds.locked_family(session, credential_id)
    flag = session.exec(
        select(AwardFlag).where(AwardFlag.id == flag_id).execution_options(populate_existing=True)
    ).first()
    if flag is None:
        raise FlagNotFound
    if flag.person_id == assessor_id:
        raise OwnBadge
    reasons = bars(session, flag.person_id, assessor_id)
    if reasons:
        raise NotIndependentOfHolder(reasons)
    if flag.state not in states:
        raise FlagSettled
    return flag


def _of_badge(session: WriteSession, credential_id: str) -> list[AwardFlag]:
    return list(session.exec(select(AwardFlag).where(col(AwardFlag.credential_id) == credential_id)).all())


def _decide(session: WriteSession, flag: AwardFlag, state: str, assessor_id: str, words: str, what: str) -> None:
    flag.state, flag.decided_by, flag.decided_at, flag.note = state, assessor_id, now(), words
    session.add(flag)
    following.note(session, flag, what, _person(assessor_id))


def _words(reason: str) -> str:
    words = reason.replace("\x00", "").strip()
    if not 0 < len(words) <= NOTE_LENGTH:
        raise NoteNeeded(NOTE_LENGTH)
    return words


def _person(assessor_id: str) -> Actor:
    return Actor(kind="person", id=assessor_id)
