"""Appeals: once for a decision, answered by somebody else, and never at the cost of the learner's work."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.errors import AppError
from app.core.outbox_models import OutboxEvent
from app.learning import appeals, independence
from app.learning import service as learning
from app.learning.appeal_errors import AppealAnswered, AppealNotPossible
from app.learning.errors import FindingsUnanswered, WorkPutAway
from app.learning.events import AppealDecided, AppealMade, WorkSubmitted
from app.learning.marking_errors import NotIndependent, OwnWork, ReasonMissing
from app.learning.models import AppealRecord, DecisionRecord, SubmissionRecord
from app.people import service as people
from tests.learning.factories import CRITERIA, House, new_person

REASON = "My second answer names the gate."


def appeal(house: House, decision_id: str, reason: str = REASON, **more: object) -> str:
    with house.database.write() as session:
        return appeals.make(session, **house.at, decision_id=decision_id, reason=reason, **more).id  # type: ignore[arg-type]


def returned(house: House) -> tuple[str, str]:
    """A returned round and its decision."""
    submission = house.handed_in()
    house.mark_all(submission.id, level=2)
    house.record_talk(submission.id)
    return submission.id, house.give_back(submission.id).id


def uphold(house: House, appeal_id: str, by: str | None = None) -> str:
    with house.database.write() as session:
        again = appeals.uphold(session, appeal_id=appeal_id, assessor_id=by or house.paul).new_submission_id
    assert again is not None
    return again


def decline(house: House, appeal_id: str, answer: str = "It does not.") -> None:
    with house.database.write() as session:
        appeals.decline(session, appeal_id=appeal_id, assessor_id=house.paul, answer=answer)


def test_an_upheld_appeal_hands_the_same_work_in_again_for_anybody_but_the_first(house: House) -> None:
    first, decision_id = returned(house)
    again = uphold(house, appeal(house, decision_id))
    with house.database.read() as session:
        old, new = (session.get_one(SubmissionRecord, one) for one in (first, again))
        decision = session.get_one(DecisionRecord, decision_id)
        kinds = [event.kind for event in session.exec(select(OutboxEvent)).all()]
        assert learning.next_waiting(session, assessor_person_id=house.priya) is None
        assert learning.next_waiting(session, assessor_person_id=house.paul) == again
    assert (new.texts, new.texts_digest, new.module_version) == (old.texts, old.texts_digest, old.module_version)
    assert (new.number, new.state, old.state, decision.outcome) == (2, "submitted", "returned", "returned")
    assert [kinds.count(one.KIND) for one in (AppealMade, AppealDecided, WorkSubmitted)] == [1, 1, 2]
    with house.database.write() as session:
        with pytest.raises(NotIndependent):
            learning.mark(session, submission_id=again, assessor_id=house.priya, criterion_key="gates", level=3)
        for key in CRITERIA:
            learning.mark(session, submission_id=again, assessor_id=house.paul, criterion_key=key, level=3)
    with pytest.raises(NotIndependent):
        house.award(again)
    assert house.award(again, by=house.paul).outcome == "awarded"


def test_nobody_who_decided_this_very_work_before_decides_it_or_answers_about_it_again(house: House) -> None:
    _, decision_id = returned(house)
    second = uphold(house, appeal(house, decision_id))
    with house.database.write() as session:
        nina = new_person(session, "Nina", assessor=True)
        again = learning.return_work(session, submission_id=second, assessor_id=house.paul, comment="Which gate?")
    appeal_id = appeal(house, again.id)
    with pytest.raises(NotIndependent):
        uphold(house, appeal_id, by=house.priya)
    third = uphold(house, appeal_id, by=nina)
    with house.database.read() as session:
        assert independence.who_may(session, third) == ("Nina",)
        row = session.get_one(SubmissionRecord, third)
        assert [bar.code for bar in independence.bars(session, row, house.priya)] == ["first_decider"]


def test_drafts_written_meanwhile_stay_as_they_are(house: House) -> None:
    _, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    house.save("reflection", {"text": "A new thought."}, 1)
    again = uphold(house, appeal_id)
    with house.database.read() as session:
        assert learning.draft(session, **house.at, activity_key="reflection").content["text"] == "A new thought."
        assert session.get_one(SubmissionRecord, again).texts["reflection"]["text"] != "A new thought."


def test_new_work_closes_the_appeal_and_is_what_is_decided(house: House) -> None:
    _, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    house.submit()
    with house.database.read() as session:
        found = appeals.standing(session, **house.at)
    assert found.appeal is not None
    assert (found.appeal.state, found.against_latest, found.possible_until) == ("overtaken", False, None)
    with pytest.raises(AppealAnswered):
        uphold(house, appeal_id)
    assert house.progress().state == "submitted"


def test_a_declined_appeal_lets_the_decision_stand_and_the_learner_go_on(house: House) -> None:
    _, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    with pytest.raises(ReasonMissing):
        decline(house, appeal_id, " ")
    decline(house, appeal_id)
    with house.database.read() as session:
        found = appeals.standing(session, **house.at).appeal
        noted = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.appeal_declined")).one()
    assert found is not None
    assert (found.state, found.answer) == ("declined", "It does not.")
    assert (noted.actor_id, noted.ids["decision_id"], noted.ids["rubric_version"]) == (house.paul, decision_id, 1)
    assert house.submit().number == 2


@pytest.mark.parametrize("answer", ["uphold", "decline"])
def test_who_decided_or_is_near_or_made_it_does_not_answer(house: House, answer: str) -> None:
    _, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    with house.database.write() as session:
        people.grant_role(session, person_id=house.tess, role="assessor", actor=OPERATOR)
        people.set_line(session, person_id=house.tess, other_id=house.paul, relation="mentor", actor=OPERATOR)
    for who, error in ((house.priya, NotIndependent), (house.paul, NotIndependent), (house.tess, OwnWork)):
        with house.database.write() as session, pytest.raises(error):
            getattr(appeals, answer)(session, appeal_id=appeal_id, assessor_id=who, answer="So.")
    with house.database.read() as session:
        assert session.exec(select(AppealRecord.state)).one() == "open"


def test_what_cannot_be_appealed_against(house: House) -> None:
    submission_id, decision_id = returned(house)
    with pytest.raises(AppealNotPossible):
        appeal(house, "none")
    with time_machine.travel(now() + timedelta(days=30, seconds=1), tick=False), pytest.raises(AppealNotPossible):
        appeal(house, decision_id)
    with house.database.write() as session:
        learning.quarantine(session, submission_id=submission_id, assessor_id=house.priya)
    with pytest.raises(AppealNotPossible):
        appeal(house, decision_id)
    with house.database.write() as session:
        learning.undo(session, submission_id=submission_id, assessor_id=house.priya)
    again = house.submit()
    with pytest.raises(AppealNotPossible):
        appeal(house, decision_id)
    house.mark_all(again.id)
    awarded = house.award(again.id)
    with pytest.raises(AppealNotPossible):
        appeal(house, awarded.id)


def test_the_reason_is_scanned_and_what_is_kept_is_answered_for(house: House) -> None:
    _, decision_id = returned(house)
    said = "Ring 0412 345 678."
    with pytest.raises(FindingsUnanswered) as asked:
        appeal(house, decision_id, said)
    assert appeal(house, decision_id, said, kept={place.id for place in asked.value.places})


def test_texts_that_were_put_away_are_not_handed_in_again(house: House) -> None:
    submission_id, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    with house.database.write() as session:
        learning.quarantine(session, submission_id=submission_id, assessor_id=house.priya)
    with pytest.raises(WorkPutAway):
        uphold(house, appeal_id)
    decline(house, appeal_id, "The texts were put away. Please write anew.")


def at_once(*acts: object) -> list[str]:
    barrier = threading.Barrier(len(acts))
    outcomes: list[str] = []

    def run(act: object) -> None:
        barrier.wait()
        try:
            act()  # type: ignore[operator]
            outcomes.append("done")
        except AppError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_two_appeals_at_once_one_is_made(house: House) -> None:
    _, decision_id = returned(house)
    assert at_once(*[lambda: appeal(house, decision_id)] * 3) == ["AppealNotPossible"] * 2 + ["done"]


def test_of_two_answers_at_once_one_counts(house: House) -> None:
    _, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    found = at_once(lambda: uphold(house, appeal_id), lambda: decline(house, appeal_id))
    assert found == ["AppealAnswered", "done"]
    with house.database.read() as session:
        state = session.exec(select(AppealRecord.state)).one()
        rounds = session.exec(select(SubmissionRecord.number)).all()
    assert len(rounds) == (2 if state == "upheld" else 1)


def test_handing_in_and_upholding_at_once_make_one_new_round(house: House) -> None:
    _, decision_id = returned(house)
    appeal_id = appeal(house, decision_id)
    found = at_once(lambda: uphold(house, appeal_id), house.submit)
    assert found in (["AppealAnswered", "done"], ["WorkLocked", "done"])
    with house.database.read() as session:
        assert len(session.exec(select(SubmissionRecord.id)).all()) == 2
