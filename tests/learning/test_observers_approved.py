"""Proposed observers before an assessor, observations by assessors, and what is kept when somebody is erased."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR
from app.core.db import Database
from app.core.outbox_models import OutboxEvent
from app.core.secrets import SecretBox
from app.learning import service as learning
from app.learning.events import ObservationAsked
from app.learning.marking_errors import NotAnAssessor
from app.learning.observation import service as observation
from app.learning.observation.errors import (
    ObservationNotFound,
    ObserverNotUsable,
    OwnObservation,
    ProposalDecided,
    RefusalNeedsReason,
)
from app.learning.observation.models import ObservationRecord, ObservationRequestRecord
from app.learning.personal_data import LearningPersonalData
from app.people import service as people
from tests.learning.observing import WATCHED, Watched, filled, watched

NOLA = "nola@hospital.example"


@pytest.fixture
def here(database: Database, secret_box: SecretBox) -> Watched:
    return watched(database, secret_box)


def approve(here: Watched, request_id: str, by: str | None = None) -> None:
    with here.database.write() as session:
        observation.approve(session, request_id=request_id, assessor_id=by or here.house.priya)


def mails_due(here: Watched) -> int:
    with here.database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == ObservationAsked.KIND)).all())


def test_nobody_is_written_to_before_an_assessor_approved_them(here: Watched) -> None:
    proposed = here.propose(NOLA)
    assert (here.state().state, mails_due(here)) == ("proposed", 0)
    with here.database.read() as session:
        with pytest.raises(ObservationNotFound):
            observation.invitation(session, here.box, here.link(proposed))
        (waiting,) = observation.proposals(session, assessor_id=here.house.priya)
    assert (waiting.domain, waiting.learner_domains) == ("hospital.example", ("example.org",))
    approve(here, proposed.id)
    assert (here.state().state, mails_due(here)) == ("asked", 1)
    seen = here.observe(proposed)
    assert (seen.observer_name, seen.role) == ("Nola Other", "mentor")


def test_a_proposal_is_decided_once_and_by_an_assessor(here: Watched) -> None:
    proposed = here.propose(NOLA)
    with pytest.raises(NotAnAssessor):
        approve(here, proposed.id, by=here.house.ines)
    approve(here, proposed.id)
    with pytest.raises(ProposalDecided):
        approve(here, proposed.id, by=here.house.paul)
    with here.database.write() as session, pytest.raises(ProposalDecided):
        observation.refuse(session, request_id=proposed.id, assessor_id=here.house.paul, reason="Too late.")
    assert mails_due(here) == 1


def test_an_assessor_known_by_the_learners_address_does_not_approve(here: Watched) -> None:
    """Somebody who has two records here, as a learner and as an assessor."""
    proposed = here.propose(NOLA)
    with here.database.write() as session:
        again = people.person_for_lms_identity(
            session, registration_id="other-lms", subject="tess", name="Tess", email="tess+work@example.org",
            organisation_id=None,
        )  # fmt: skip
        people.grant_role(session, person_id=again.id, role="assessor", actor=OPERATOR)
    with pytest.raises(OwnObservation):
        approve(here, proposed.id, by=again.id)
    assert mails_due(here) == 0


def test_a_refusal_needs_a_reason_and_is_told(here: Watched) -> None:
    proposed = here.propose(NOLA)
    with here.database.write() as session, pytest.raises(RefusalNeedsReason):
        observation.refuse(session, request_id=proposed.id, assessor_id=here.house.priya, reason="  ")
    with here.database.write() as session:
        observation.refuse(session, request_id=proposed.id, assessor_id=here.house.priya, reason="A private address.")
    assert (here.state().state, mails_due(here)) == ("declined", 0)
    assert here.row(proposed).refusal == "A private address."


def test_an_address_that_became_the_learners_own_is_refused_at_approval_too(here: Watched) -> None:
    proposed = here.propose(NOLA)
    with here.database.write() as session:
        people.request_email_confirmation(session, here.box, person_id=here.house.tess, email="no.la@hospital.example")
    with pytest.raises(ObserverNotUsable):
        approve(here, proposed.id)
    assert mails_due(here) == 0


def test_an_assessor_approves_neither_themselves_nor_an_observer_of_their_own(here: Watched) -> None:
    proposed = here.propose("Paul@example.org")
    with pytest.raises(OwnObservation):
        approve(here, proposed.id, by=here.house.paul)
    with here.database.write() as session:
        people.grant_role(session, person_id=here.house.tess, role="assessor", actor=OPERATOR)
    with pytest.raises(OwnObservation):
        approve(here, proposed.id, by=here.house.tess)
    with here.database.read() as session:
        assert observation.proposals(session, assessor_id=here.house.tess) == ()
        assert observation.proposals_waiting(session, assessor_id=here.house.tess) == 0
        assert observation.proposals_waiting(session, assessor_id=here.house.priya) == 1


def by_assessor(here: Watched, assessor_id: str) -> None:
    with here.database.write() as session:
        observation.observe_as_assessor(
            session, enrolment_id=here.enrolment_id, activity_key=WATCHED, assessor_id=assessor_id, answers=filled()
        )


def test_an_assessor_observes_where_the_activity_lets_them_and_without_a_code(here: Watched) -> None:
    with here.database.write() as session:
        asked = observation.ask_assessors(session, **here.at)
    with pytest.raises(ObserverNotUsable):
        approve(here, asked.id)
    by_assessor(here, here.house.priya)
    assert here.state().state == "met"
    row = here.row(asked)
    assert (row.state, row.role, row.observer_person_id) == ("made", "assessor", here.house.priya)


def test_an_assessors_observation_stands_beside_an_open_request(here: Watched) -> None:
    asked = here.ask()
    by_assessor(here, here.house.priya)
    assert here.state().state == "met"
    here.observe(asked, not_yet=("asks",))
    assert here.state().state == "not_yet"


def test_nobody_observes_themselves_nor_without_the_grant(here: Watched) -> None:
    with pytest.raises(NotAnAssessor):
        by_assessor(here, here.house.ines)
    with here.database.write() as session:
        people.grant_role(session, person_id=here.house.tess, role="assessor", actor=OPERATOR)
    with pytest.raises(OwnObservation):
        by_assessor(here, here.house.tess)


def test_where_assessors_do_not_observe_they_cannot(database: Database, secret_box: SecretBox) -> None:
    here = watched(database, secret_box, observers=("supervisor",))
    with pytest.raises(ObserverNotUsable):
        by_assessor(here, here.house.priya)
    with here.database.write() as session, pytest.raises(ObserverNotUsable):
        observation.ask_assessors(session, **here.at)


def sections(here: Watched, person_id: str) -> dict[str, tuple[object, ...]]:
    with here.database.read() as session:
        return {one.name: one.records for one in LearningPersonalData().export(session, person_id)}


def test_learner_and_observer_each_get_their_side_of_it(here: Watched) -> None:
    here.observe(here.ask(), not_yet=("asks",))
    tess, marc = sections(here, here.house.tess), sections(here, here.marc.person_id)
    assert "Say who does what next." in str(tess["learning.observations"])
    assert "Marc Delaney" in str(tess["learning.observations_asked"])
    assert "marc@agency.example" not in str(tess)
    assert "marc@agency.example" in str(marc["learning.observations_asked_of_you"])
    assert "not yet" in str(marc["learning.observations_you_made"])
    assert "Say who does what next." not in str(marc)
    assert here.enrolment_id not in str(marc)


def erase(here: Watched, person_id: str) -> None:
    with here.database.write() as session:
        LearningPersonalData().erase(session, person_id)


def test_erasing_the_observer_leaves_the_learners_record_without_their_name(here: Watched) -> None:
    made = here.ask()
    here.observe(made, not_yet=("asks",))
    open_one = here.ask()
    erase(here, here.marc.person_id)
    with here.database.read() as session:
        seen = session.exec(select(ObservationRecord)).one()
    assert (seen.role, seen.answers["asks"], seen.comments["asks"]) == (
        "supervisor", "not yet", "Say who does what next.",
    )  # fmt: skip
    assert (here.row(made).observer_name, here.row(made).observer_email) == ("", "")
    assert here.row(open_one).state == "declined"
    assert here.state().state == "not_yet"


def test_erasing_the_learner_removes_what_nobody_decided_about(here: Watched) -> None:
    here.observe(here.ask(), not_yet=("asks",))
    erase(here, here.house.tess)
    with here.database.read() as session:
        assert session.exec(select(ObservationRecord)).all() == []
        assert session.exec(select(ObservationRequestRecord)).all() == []


def test_of_decided_work_the_answers_stay_without_words_and_names(here: Watched) -> None:
    here.observe(here.ask(), comment="Calm and clear.")
    with here.database.write() as session:
        submission = learning.submit(session, enrolment_id=here.enrolment_id, person_id=here.house.tess, declared=True)
    here.house.give_back(submission.id)
    erase(here, here.house.tess)
    with here.database.read() as session:
        seen = session.exec(select(ObservationRecord)).one()
        request = session.exec(select(ObservationRequestRecord)).one()
    assert (set(seen.answers.values()), seen.comments, seen.role) == ({"meets"}, {}, "supervisor")
    assert (request.observer_name, request.observer_email) == ("", "")


def test_comments_in_which_somebody_can_be_recognised_are_removed_for_good(here: Watched) -> None:
    made = here.observe(here.ask(), not_yet=("asks",), comment="About the boy from the bakery.")
    with here.database.write() as session, pytest.raises(NotAnAssessor):
        observation.remove_comments(session, observation_id=made.id, assessor_id=here.house.ines)
    for _ in range(2):
        with here.database.write() as session:
            observation.remove_comments(session, observation_id=made.id, assessor_id=here.house.priya)
    with here.database.read() as session:
        row = session.get_one(ObservationRecord, made.id)
    assert (row.comments, len(row.comments_digest), row.answers["asks"]) == ({}, 64, "not yet")
    assert "bakery" not in str(sections(here, here.house.tess))
