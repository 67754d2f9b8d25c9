"""Texts that an assessor puts away: hidden from all, brought back for ten minutes, removed in every copy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import WriteSession
from app.learning import appeals
from app.learning import service as learning
from app.learning.errors import NotQuarantined, SubmissionNotFound, UndoTooLate
from app.learning.marking_errors import AlreadyDecided, NotAnAssessor, OwnWork
from app.learning.models import ActivityDraftRecord, AppealRecord, SubmissionRecord
from app.learning.personal_data import LearningPersonalData
from app.learning.schemas import Submission
from app.people import service as people
from tests.learning.factories import EXERCISE, REFLECTION, House

Step = Callable[..., None]
REASON = "Both gates are named where I tell of that day."
STEPS = (learning.quarantine, learning.undo, learning.purge)


def do(house: House, step: Step, submission: Submission, by: str | None = None) -> None:
    with house.database.write() as session:
        step(session, submission_id=submission.id, assessor_id=by or house.priya)


def texts_anywhere(house: House) -> str:
    with house.database.read() as session:
        written = (select(SubmissionRecord.texts), select(AppealRecord.reason))
        return "".join(str(session.exec(each).all()) for each in written) + str(
            session.execute(
                sa.select(sa.column("content"), sa.column("put_aside")).select_from(ActivityDraftRecord)
            ).all()
        )


def appealed(house: House, decision: learning.Decision, reason: str) -> str:
    with house.database.write() as session:
        return appeals.make(session, **house.at, decision_id=decision.id, reason=reason).id


def reasons_shown(house: House, appeal_id: str) -> set[str]:
    """What the learner and another assessor read of the reason."""
    with house.database.read() as session:
        mine = appeals.standing(session, **house.at).appeal
        assert mine is not None
        theirs = appeals.open_appeal(session, appeal_id=appeal_id, assessor_id=house.paul)
    return {mine.reason, theirs.appeal.reason}


def exported(house: House) -> str:
    with house.database.read() as session:
        return str([each.records for each in LearningPersonalData().export(session, house.tess)])


def draft_of(house: House, key: str = "reflection") -> learning.Draft:
    with house.database.read() as session:
        return learning.draft(session, **house.at, activity_key=key)


def test_putting_away_waits_for_an_award_that_is_being_written_and_neither_is_lost(house: House) -> None:
    work = house.ready_to_award()
    with ThreadPoolExecutor(1) as beside:
        with house.database.write() as session:
            learning.mark(session, submission_id=work.id, assessor_id=house.priya, criterion_key="gates", level=4)
            putting = beside.submit(do, house, learning.quarantine, work, house.paul)
            wait([putting], timeout=0.3)  # it must hold nothing that this transaction needs
            learning.award(session, submission_id=work.id, assessor_id=house.priya)
        putting.result()
    with house.database.read() as session:
        row = session.get_one(SubmissionRecord, work.id)
    assert (row.state, row.quarantined_by) == ("awarded", house.paul)


def test_nobody_sees_what_was_put_away(house: House) -> None:
    first = house.handed_in()
    house.give_back(first.id)
    second = house.submit()
    do(house, learning.quarantine, second)
    with house.database.read() as session:
        mine = learning.submissions_of(session, **house.at)
        theirs = learning.open_submission(session, submission_id=second.id, assessor_person_id=house.priya)
        assert learning.queue(session, assessor_person_id=house.priya) == ()
    assert [one.texts for one in mine] == [{}, {}]
    assert theirs.submission.texts == {}
    assert [one.submission.texts for one in theirs.earlier] == [{}]
    assert theirs.places == ()
    assert theirs.proposal.statement == "The texts of this work are in quarantine."
    assert set(draft_of(house).content.values()) == {""}
    assert set(draft_of(house, "exercise").content.values()) == {""}


def test_nothing_is_decided_until_new_work_is_handed_in(house: House) -> None:
    submission = house.ready_to_award()
    do(house, learning.quarantine, submission)
    with pytest.raises(AlreadyDecided):
        house.award(submission.id)
    progress = house.progress()
    assert progress.submission is not None
    assert progress.submission.quarantined_at is not None
    assert {item.code for item in progress.missing} == {"field_empty"}
    house.save("exercise", EXERCISE, draft_of(house, "exercise").revision)
    house.save("reflection", {"text": "Without the detail."}, draft_of(house).revision)
    again = house.submit()
    assert again.texts["reflection"] == {"text": "Without the detail."}
    house.mark_all(again.id)
    house.award(again.id)
    assert house.progress().state == "awarded"


def test_taking_it_back_loses_nothing(house: House) -> None:
    submission = house.ready_to_award()
    do(house, learning.quarantine, submission)
    do(house, learning.undo, submission)
    with house.database.read() as session:
        back = learning.submission(session, submission_id=submission.id, person_id=house.tess)
    assert back == submission
    assert draft_of(house).content == {"text": REFLECTION}
    house.award(submission.id)


def test_taking_it_back_keeps_what_was_written_in_between(house: House) -> None:
    submission = house.handed_in()
    do(house, learning.quarantine, submission)
    house.save("reflection", {"text": "Begun anew"}, draft_of(house).revision)
    do(house, learning.undo, submission)
    assert draft_of(house).content == {"text": "Begun anew"}
    assert draft_of(house, "exercise").content == {**EXERCISE, "remark": ""}


def test_an_award_stands_when_its_texts_are_put_away(house: House) -> None:
    submission = house.ready_to_award()
    house.award(submission.id)
    do(house, learning.quarantine, submission)
    assert house.progress().state == "awarded"
    do(house, learning.undo, submission)
    assert house.progress().state == "awarded"


def test_another_assessor_cannot_take_it_back_nor_anybody_after_ten_minutes(house: House) -> None:
    submission = house.handed_in()
    do(house, learning.quarantine, submission)
    with pytest.raises(UndoTooLate):
        do(house, learning.undo, submission, house.paul)
    with house.database.write() as session:
        session.execute(sa.update(SubmissionRecord).values(quarantined_at=now() - timedelta(minutes=10)))
    with pytest.raises(UndoTooLate):
        do(house, learning.undo, submission)


def test_it_cannot_be_taken_back_once_new_work_is_there(house: House) -> None:
    submission = house.handed_in()
    do(house, learning.quarantine, submission)
    house.save("exercise", EXERCISE, draft_of(house, "exercise").revision)
    house.save("reflection", {"text": "Anew"}, draft_of(house).revision)
    house.submit()
    with pytest.raises(UndoTooLate):
        do(house, learning.undo, submission)


def test_purging_removes_every_copy_and_leaves_digest_and_result(house: House) -> None:
    first = house.handed_in()
    appealed(house, house.give_back(first.id), REASON)
    second = house.submit()
    house.mark_all(second.id)
    with house.database.write() as session:
        session.execute(sa.update(SubmissionRecord).values(kept_findings={"name": 2}))
    assert REFLECTION in texts_anywhere(house)
    with pytest.raises(NotQuarantined):
        do(house, learning.purge, second)
    do(house, learning.quarantine, second)
    assert REFLECTION in texts_anywhere(house), "it can still be taken back"
    assert REASON in texts_anywhere(house), "and so can what was said of it in an appeal"
    do(house, learning.purge, second)
    assert REFLECTION not in texts_anywhere(house)
    assert REASON not in texts_anywhere(house)
    with house.database.read() as session:
        assert session.exec(select(SubmissionRecord.kept_findings)).all() == [{}, {}]
        row = session.get_one(SubmissionRecord, second.id)
        marks = learning.open_submission(session, submission_id=second.id, assessor_person_id=house.priya).marks
    assert len(row.texts_digest) == 64
    assert {mark.level for mark in marks.values()} == {3}
    with pytest.raises(UndoTooLate):
        do(house, learning.undo, second)


def test_the_reason_of_an_open_appeal_is_put_away_with_the_work_and_comes_back_with_it(house: House) -> None:
    work = house.handed_in()
    appeal = appealed(house, house.give_back(work.id), REASON)
    do(house, learning.quarantine, work)
    assert reasons_shown(house, appeal) == {""}
    assert REASON not in exported(house)
    do(house, learning.undo, work)
    assert reasons_shown(house, appeal) == {REASON}
    assert REASON in exported(house)
    do(house, learning.quarantine, work)
    do(house, learning.purge, work)
    assert reasons_shown(house, appeal) == {""}
    with house.database.write() as session:
        answered = appeals.decline(session, appeal_id=appeal, assessor_id=house.paul, answer="It cannot be read.")
    assert (answered.state, answered.reason) == ("declined", "")


def test_the_reason_of_an_upheld_appeal_is_put_away_from_the_round_that_it_brought_about(house: House) -> None:
    work = house.handed_in()
    appeal = appealed(house, house.give_back(work.id), REASON)
    with house.database.write() as session:
        again = appeals.uphold(session, appeal_id=appeal, assessor_id=house.paul).new_submission_id
    assert again is not None
    with house.database.read() as session:
        newest = learning.submission(session, submission_id=again, person_id=house.tess)
        behind = appeals.appeal_behind(session, again)
    assert behind is not None
    assert behind.reason == REASON
    do(house, learning.quarantine, newest, house.paul)
    with house.database.read() as session:
        hidden = appeals.appeal_behind(session, again)
    assert hidden is not None
    assert hidden.reason == ""


def test_purging_leaves_what_was_written_anew(house: House) -> None:
    submission = house.handed_in()
    do(house, learning.quarantine, submission)
    house.save("reflection", {"text": "Begun anew"}, draft_of(house).revision)
    do(house, learning.purge, submission)
    assert draft_of(house).content == {"text": "Begun anew"}


@pytest.mark.parametrize("step", STEPS)
def test_only_an_assessor_of_others_work_may(house: House, step: Step) -> None:
    submission = house.handed_in()
    with pytest.raises(NotAnAssessor):
        do(house, step, submission, house.ines)
    with house.database.write() as session:
        people.grant_role(session, person_id=house.tess, role="assessor", actor=OPERATOR)
    with pytest.raises(OwnWork):
        do(house, step, submission, house.tess)
    with house.database.write() as session, pytest.raises(SubmissionNotFound):
        step(session, submission_id="nothing", assessor_id=house.priya)


def test_each_step_is_audited_once_by_ids_alone(house: House) -> None:
    submission = house.handed_in()
    for step in (*STEPS[:2], STEPS[0], STEPS[0], STEPS[2], STEPS[2]):
        do(house, step, submission)
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == submission.id).order_by("id")).all()
    assert [entry.action for entry in entries] == [
        "learning.submitted",
        "learning.quarantined",
        "learning.undone",
        "learning.quarantined",
        "learning.purged",
    ]
    assert entries[-1].ids == {"enrolment_id": house.enrolment.id, "number": 1}


def test_what_cannot_be_written_leaves_everything_in_sight(house: House) -> None:
    submission = house.handed_in()

    def broken(session: WriteSession) -> None:
        learning.quarantine(session, submission_id=submission.id, assessor_id=house.priya)
        raise RuntimeError("the power goes")

    with pytest.raises(RuntimeError), house.database.write() as session:
        broken(session)
    assert draft_of(house).content == {"text": REFLECTION}
