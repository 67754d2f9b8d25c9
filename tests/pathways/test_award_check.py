"""A module that a pathway leads to is not awarded while a step of the pathway is open, whatever its own work shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.clock import now
from app.core.db import Database
from app.learning import prerequisites
from app.learning import service as learning
from app.learning.errors import NotReady
from app.pathways import service as pathways
from app.programme import service as programme
from app.programme.schemas import AwardRule
from app.wiring import Services
from tests.learning.factories import CRITERIA, module, publish
from tests.pathways.house import BASIC, CONFIRMATION, WHOLE, Place, badge, place

PATHWAY = "mentor"
WHOLE_RULE = AwardRule(0.8, 3, supervisor_talk=False)


@pytest.fixture
def north(services: Services) -> Place:
    return place(services)


@pytest.fixture
def handed_in(north: Place) -> str:
    """Tess's work on a small version of the module that the pathway leads to, marked at its level."""
    with north.services.runtime.database.write() as session:
        real = programme.current_module(session, "X1")
        small = module(real.version + 1, key="X1", activities=module().activities[:1], award_rule=WHOLE_RULE)
        made = publish(session, replace(small, prerequisites=real.prerequisites))
        enrolment = learning.enrol(session, person_id=north.tess, module=made, organisation_id=None)
        own = {"enrolment_id": enrolment.id, "person_id": north.tess}
        learning.complete_lesson(session, activity_key="lesson", **own)
        submission = learning.submit(session, declared=True, **own).id
        for key in CRITERIA:
            learning.mark(session, submission_id=submission, assessor_id=north.priya, criterion_key=key, level=3)
    return submission


def missing(north: Place, submission_id: str) -> list[str]:
    with north.services.runtime.database.write() as session, pytest.raises(NotReady) as refused:
        learning.award(session, submission_id=submission_id, assessor_id=north.priya)
    return [each.code for each in refused.value.missing]


def confirm(north: Place) -> None:
    with north.services.runtime.database.write() as session:
        pathways.confirm(
            session, person_id=north.tess, pathway_key=PATHWAY, confirmation_key=CONFIRMATION, by="manager",
            given_by=north.marc,
        )  # fmt: skip


def test_it_waits_for_each_step_and_is_awarded_when_none_is_open(north: Place, handed_in: str) -> None:
    assert missing(north, handed_in) == ["prerequisite_missing", "pathway_step_open", "pathway_step_open"]
    badge(north.services, north.tess, BASIC)
    assert missing(north, handed_in) == ["pathway_step_open"] * 2
    north.worked_since(now() - WHOLE)
    assert missing(north, handed_in) == ["pathway_step_open"]
    confirm(north)
    with north.services.runtime.database.write() as session:
        assert learning.award(session, submission_id=handed_in, assessor_id=north.priya).outcome == "awarded"


def test_each_open_step_is_told_in_words_to_assessor_and_learner(north: Place, handed_in: str) -> None:
    with north.services.runtime.database.read() as session:
        made = programme.current_module(session, "X1")
        told = " ".join(each.detail for each in prerequisites.missing(session, north.tess, made))
        assert "a centre entered the learner as a specialist" in told
        assert "is not confirmed yet" in told
        assert "is not confirmed yet" in learning.proposal(session, handed_in).statement


@pytest.mark.parametrize("pathway_key", [PATHWAY, None])
def test_what_an_assessor_recognised_is_not_asked_for(north: Place, handed_in: str, pathway_key: str | None) -> None:
    confirm(north)
    with north.services.runtime.database.write() as session:
        for kind, key in (("held", BASIC), ("time_in_role", "")):
            pathways.recognise(
                session, person_id=north.tess, kind=kind, key=key, pathway_key=pathway_key,  # type: ignore[arg-type]
                reason="Practised elsewhere for ten years", granted_by=north.priya,
            )  # fmt: skip
    with north.services.runtime.database.write() as session:
        assert learning.award(session, submission_id=handed_in, assessor_id=north.priya).outcome == "awarded"


def test_what_was_recognised_for_another_pathway_is_asked_for(north: Place, handed_in: str) -> None:
    with north.services.runtime.database.write() as session:
        pathways.recognise(
            session, person_id=north.tess, kind="held", key=BASIC, pathway_key="fidelity-reviewer",
            reason="For this one alone", granted_by=north.priya,
        )  # fmt: skip
    assert "prerequisite_missing" in missing(north, handed_in)


def test_a_module_that_no_pathway_leads_to_is_asked_nothing(north: Place) -> None:
    with north.services.runtime.database.read() as session:
        assert prerequisites.steps(session, north.tess, programme.current_module(session, "M01")) == ()


def test_where_nobody_answers_for_pathways_nothing_is_awarded(
    north: Place, handed_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites._Bound, "pathways", prerequisites._Unasked())
    badge(north.services, north.tess, BASIC)
    assert missing(north, handed_in) == ["pathway_step_open"]


def test_the_rules_of_a_database_without_pathways_ask_for_nothing(database: Database) -> None:
    with database.read() as session:
        assert prerequisites._Unasked().missing(session, "somebody", "X1") == ()
