"""Appeals: a learner has a return looked at by another assessor, who has the work decided anew or says why not.

The first decision stays in the records as it was. Upholding an appeal hands the same work in once more, as a new round,
for anybody but the first decider; what the learner has written meanwhile stays in their drafts.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Literal, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning import independence
from app.learning.appeal_errors import AppealAnswered, AppealNotFound, AppealNotPossible
from app.learning.assessors import foreign_work, require_assessor
from app.learning.enrolments import lock, module_of_work, own_enrolment
from app.learning.errors import FindingsUnanswered, WorkPutAway
from app.learning.events import AppealDecided, AppealMade, WorkSubmitted
from app.learning.evidence import Place
from app.learning.evidence.places import in_text
from app.learning.files.store import carry_over
from app.learning.marking_errors import NotIndependent, ReasonMissing
from app.learning.models import AppealRecord, DecisionRecord, EnrolmentRecord, SubmissionRecord
from app.learning.rounds import decision_on, marks_of
from app.learning.submissions import found_in, rounds_of, to_submission
from app.learning.texts import clean_comment
from app.learning.workbench_schemas import Appeal, AppealForAssessor, AppealItem, AppealStanding, AppealState, Bar
from app.people import service as people
from app.programme import service as programme

APPEAL_WITHIN = timedelta(days=30)  # of the decision
REASON_FIELD = ("appeal", "reason")
OWN_DECISION = Bar("first_decider", "You made the decision that this appeal is about.")
DECIDED_BEFORE = Bar("first_decider", "You decided this very work before, and an appeal against that was upheld.")


def make(
    session: WriteSession,
    *,
    enrolment_id: str,
    person_id: str,
    decision_id: str,
    reason: str,
    kept: Collection[str] = (),
) -> Appeal:
    """Appeal against the return of the newest round.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who appeals.
        decision_id: the decision they saw.
        reason: why they think it should have gone otherwise.
        kept: ids of the places that the scan finds in the reason, of which they said that each names nobody.

    Raises:
        EnrolmentNotFound: it is not this person's.
        AppealNotPossible: there is no such return, it is older than 30 days, newer work is there, or it was appealed.
        ReasonMissing, CommentTooLong, UnusableText: the reason cannot be used.
        FindingsUnanswered: the scan finds places that `kept` does not name.
    """
    lock(session, enrolment_id=enrolment_id, person_id=person_id)
    row = _against(session, enrolment_id, decision_id)
    said = clean_comment(reason)
    if not said:
        raise ReasonMissing
    unanswered = tuple(place for place in places_in(session, said, row) if place.id not in kept)
    if unanswered:
        raise FindingsUnanswered(unanswered)
    appeal = AppealRecord(
        decision_id=decision_id, submission_id=row.id, enrolment_id=enrolment_id, reason=said, state="open"
    )
    try:
        with session.begin_nested():
            session.add(appeal)
            session.flush()
    except IntegrityError as error:
        raise AppealNotPossible("You have appealed against this decision already.") from error
    outbox.emit(session, AppealMade(appeal_id=appeal.id, decision_id=decision_id, person_id=person_id))
    _note(session, appeal, person_id, "made")
    return _appeal(session, appeal)


def standing(session: ReadSession, *, enrolment_id: str, person_id: str) -> AppealStanding:
    """How it stands with appeals about a learner's own work.

    Raises:
        EnrolmentNotFound: it is not this person's.
    """
    own_enrolment(session, enrolment_id=enrolment_id, person_id=person_id)
    newest = session.exec(
        select(AppealRecord)
        .where(AppealRecord.enrolment_id == enrolment_id)
        .order_by(col(AppealRecord.made_at).desc(), col(AppealRecord.id))
    ).first()
    latest = next(iter(rounds_of(session, enrolment_id)), None)
    about = latest is not None and newest is not None and latest.id in (newest.submission_id, newest.new_submission_id)
    decision = decision_on(session, latest.id) if latest is not None else None
    until = None
    if decision is not None:
        try:
            _against(session, enrolment_id, decision.id)
            until = decision.decided_at + APPEAL_WITHIN
        except AppealNotPossible:
            until = None
    return AppealStanding(until, _appeal(session, newest) if newest is not None else None, about)


def places_in(session: ReadSession, reason: str, row: SubmissionRecord) -> tuple[Place, ...]:
    """What the scan finds in the reason of an appeal against a decision about this work."""
    module = module_of_work(session, row)
    own_name = people.display_name(session, row.person_id)
    return in_text(module, *REASON_FIELD, "Your reason", reason, own_name=own_name)


def appeals_to_answer(session: ReadSession, *, assessor_id: str) -> tuple[AppealItem, ...]:
    """The open appeals, oldest first, one's own left out. Those that somebody else must answer say why.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_id)
    rows = session.exec(
        select(AppealRecord, SubmissionRecord)
        .join(SubmissionRecord, col(SubmissionRecord.id) == col(AppealRecord.submission_id))
        .where(AppealRecord.state == "open", SubmissionRecord.person_id != assessor_id)
        .order_by(col(AppealRecord.made_at), col(AppealRecord.id))
    ).all()
    return tuple(
        AppealItem(
            id=appeal.id,
            learner_name=people.display_name(session, row.person_id),
            module_key=row.module_key,
            module_title=programme.module_version(session, row.module_key, row.module_version).title,
            number=row.number,
            made_at=appeal.made_at,
            bars=_bars(session, appeal, row, assessor_id),
        )
        for appeal, row in rows
    )


def open_appeal(session: ReadSession, *, appeal_id: str, assessor_id: str) -> AppealForAssessor:
    """An appeal with the work and the decision it is about.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
        AppealNotFound, OwnWork: there is none, or it is their own.
        NotIndependent: it is open, and somebody else answers it.
    """
    appeal, row = _found(session, appeal_id, assessor_id)
    barred = _bars(session, appeal, row, assessor_id)
    if barred and appeal.state == "open" and barred != (OWN_DECISION,):
        raise NotIndependent(tuple(bar.words for bar in barred))
    module = module_of_work(session, row)
    decision = decision_on(session, row.id)
    if decision is None:
        raise AppealNotFound
    submission = to_submission(row)
    return AppealForAssessor(
        appeal=_appeal(session, appeal),
        submission=submission,
        learner_name=people.display_name(session, row.person_id),
        module=module,
        marks=marks_of(session, row.id),
        decision=decision,
        places=found_in(session, module, submission.texts, row.person_id),
        bars=barred,
    )


def uphold(session: WriteSession, *, appeal_id: str, assessor_id: str, answer: str = "") -> Appeal:
    """Have the work decided anew: the same work is handed in once more, as a new round.

    Args:
        session: the caller's transaction.
        appeal_id: which appeal.
        assessor_id: who answers it.
        answer: for the learner; may be empty.

    Raises:
        NotAnAssessor, AppealNotFound, OwnWork, NotIndependent: this person may not.
        AppealAnswered: somebody was faster, or newer work is there.
        WorkPutAway: the texts are in quarantine or removed, so nobody can judge them anew.
        CommentTooLong, UnusableText: the answer cannot be used.
    """
    appeal, row = _locked(session, appeal_id, assessor_id)
    if row.quarantined_at is not None or not row.texts:
        raise WorkPutAway
    said = clean_comment(answer)
    again = _once_more(session, row)
    return _answer(session, appeal, row, assessor_id, "upheld", said, again)


def decline(session: WriteSession, *, appeal_id: str, assessor_id: str, answer: str) -> Appeal:
    """Let the decision stand, with a reason for the learner.

    Args:
        session: the caller's transaction.
        appeal_id: which appeal.
        assessor_id: who answers it.
        answer: why, for the learner.

    Raises:
        NotAnAssessor, AppealNotFound, OwnWork, NotIndependent: this person may not.
        AppealAnswered: somebody was faster, or newer work is there.
        ReasonMissing, CommentTooLong, UnusableText: the answer cannot be used.
    """
    appeal, row = _locked(session, appeal_id, assessor_id)
    said = clean_comment(answer)
    if not said:
        raise ReasonMissing
    return _answer(session, appeal, row, assessor_id, "declined", said, None)


def appeal_behind(session: ReadSession, submission_id: str) -> Appeal | None:
    """The upheld appeal that brought this round about, if one did."""
    row = session.exec(select(AppealRecord).where(AppealRecord.new_submission_id == submission_id)).first()
    return _appeal(session, row) if row is not None else None


def _against(session: ReadSession, enrolment_id: str, decision_id: str) -> SubmissionRecord:
    """The returned round that can be appealed against.

    Raises:
        AppealNotPossible: it cannot, and why.
    """
    latest = next(iter(rounds_of(session, enrolment_id)), None)
    decision = decision_on(session, latest.id) if latest is not None else None
    if latest is None or decision is None or decision.id != decision_id:
        raise AppealNotPossible("You can appeal against the newest decision about your work, and this is not it.")
    if decision.outcome != "returned":
        raise AppealNotPossible("Your work was awarded, so there is nothing to appeal against.")
    if latest.quarantined_at is not None:
        raise AppealNotPossible("The texts of this work were put away, so nobody can look at them again.")
    if now() > decision.decided_at + APPEAL_WITHIN:
        raise AppealNotPossible(f"You can appeal for {APPEAL_WITHIN.days} days after a decision, and these are over.")
    if session.exec(select(AppealRecord.id).where(AppealRecord.decision_id == decision_id)).first() is not None:
        raise AppealNotPossible("You have appealed against this decision already.")
    return latest


def _found(session: ReadSession, appeal_id: str, assessor_id: str) -> tuple[AppealRecord, SubmissionRecord]:
    require_assessor(session, assessor_id)
    appeal = session.get(AppealRecord, appeal_id)
    if appeal is None:
        raise AppealNotFound
    return appeal, foreign_work(session.get(SubmissionRecord, appeal.submission_id), assessor_id)


def _locked(session: WriteSession, appeal_id: str, assessor_id: str) -> tuple[AppealRecord, SubmissionRecord]:
    """An open appeal with its enrolment locked, as whoever hands in does, if this person may answer it."""
    appeal, row = _found(session, appeal_id, assessor_id)
    session.exec(
        select(EnrolmentRecord.id).where(EnrolmentRecord.id == row.enrolment_id).with_for_update(key_share=True)
    ).one()
    session.refresh(appeal)
    session.refresh(row)
    barred = _bars(session, appeal, row, assessor_id)
    if barred:
        raise NotIndependent(tuple(bar.words for bar in barred))
    if appeal.state != "open" or rounds_of(session, row.enrolment_id)[0].id != row.id:
        raise AppealAnswered
    return appeal, row


def _bars(session: ReadSession, appeal: AppealRecord, row: SubmissionRecord, assessor_id: str) -> tuple[Bar, ...]:
    codes = independence.near(session, row, assessor_id)
    found = tuple(Bar(code, independence.WORDS[code]) for code in codes)
    decided_by = session.exec(select(DecisionRecord.decided_by).where(DecisionRecord.id == appeal.decision_id)).one()
    if assessor_id in {decided_by, *independence.panel_of(session, row.id)}:
        return (*found, OWN_DECISION)
    return (*found, DECIDED_BEFORE) if assessor_id in independence.deciders_before(session, row.id) else found


def _once_more(session: WriteSession, row: SubmissionRecord) -> SubmissionRecord:
    """The same work as a new round."""
    again = SubmissionRecord(
        enrolment_id=row.enrolment_id,
        person_id=row.person_id,
        module_key=row.module_key,
        module_version=row.module_version,
        number=row.number + 1,
        texts=dict(row.texts),
        texts_digest=row.texts_digest,
        knowledge_check_correct=row.knowledge_check_correct,
        knowledge_check_total=row.knowledge_check_total,
        declared_at=row.declared_at,
        kept_findings=dict(row.kept_findings),
        submitted_at=now(),
        renewal_steps=row.renewal_steps,
    )
    session.add(again)
    session.flush()
    carry_over(session, from_id=row.id, to_id=again.id)
    outbox.emit(session, WorkSubmitted(submission_id=again.id, person_id=again.person_id))
    return again


def _answer(
    session: WriteSession,
    appeal: AppealRecord,
    row: SubmissionRecord,
    assessor_id: str,
    outcome: Literal["upheld", "declined"],
    answer: str,
    again: SubmissionRecord | None,
) -> Appeal:
    """Close the appeal in one atomic step, or somebody else did."""
    closed = session.exec(
        sa.update(AppealRecord)
        .where(col(AppealRecord.id) == appeal.id, col(AppealRecord.state) == "open")
        .values(
            state=outcome, answer=answer, answered_by=assessor_id, answered_at=now(),
            new_submission_id=again.id if again is not None else None,
        )
    )  # fmt: skip
    if closed.rowcount != 1:
        raise AppealAnswered
    session.refresh(appeal)
    outbox.emit(
        session,
        AppealDecided(appeal_id=appeal.id, decision_id=appeal.decision_id, person_id=row.person_id, outcome=outcome),
    )
    _note(session, appeal, assessor_id, outcome)
    return _appeal(session, appeal)


def _note(session: WriteSession, appeal: AppealRecord, person_id: str, step: str) -> None:
    decision = session.get_one(DecisionRecord, appeal.decision_id)
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action=f"learning.appeal_{step}",
        subject="submission",
        subject_id=appeal.submission_id,
        appeal_id=appeal.id,
        decision_id=appeal.decision_id,
        new_submission_id=appeal.new_submission_id,
        rubric_version=decision.rubric_version,
    )


def _appeal(session: ReadSession, row: AppealRecord) -> Appeal:
    """An appeal as it is shown: its reason tells of the work, so it is out of sight while that is put away."""
    about = SubmissionRecord.id == row.submission_id
    is_away = session.exec(select(SubmissionRecord.quarantined_at).where(about)).first() is not None
    return Appeal(
        id=row.id,
        decision_id=row.decision_id,
        submission_id=row.submission_id,
        enrolment_id=row.enrolment_id,
        reason="" if is_away else row.reason,
        state=cast(AppealState, row.state),
        made_at=row.made_at,
        answer=row.answer,
        answered_at=row.answered_at,
        new_submission_id=row.new_submission_id,
    )
