"""Words, conversations and recognitions: who may give them, what is refused, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import WriteSession
from app.core.errors import AppError
from app.core.outbox_models import OutboxEvent
from app.learning.errors import UnusableText
from app.learning.marking_errors import CommentTooLong, NotAnAssessor
from app.pathways import service as pathways
from app.pathways.errors import (
    ConversationNotUsable,
    NotConfirmed,
    NotForYourself,
    NotRecognisable,
    NotYoursToConfirm,
    ReasonMissing,
    RecognitionNotFound,
    StepUnknown,
    TooNear,
)
from app.pathways.events import EvidenceChanged
from app.pathways.models import PathwayConfirmation, PathwayRecognition
from app.pathways.records import ConversationRecorded
from app.people import service as people
from app.people.errors import PersonNotFound
from app.people.schemas import StaffFunction
from app.programme import stacks
from app.programme.errors import PathwayUnknown
from app.programme.pathways import conversation
from app.wiring import Services
from tests.pathways.house import BASIC, CONFIRMATION, Place, place

WORD = ("mentor", CONFIRMATION)


@pytest.fixture
def north(services: Services) -> Place:
    return place(services)


def confirm(north: Place, given_by: str, person_id: str | None = None, key: str = CONFIRMATION) -> None:
    with north.services.runtime.database.write() as session:
        pathways.confirm(
            session, person_id=person_id or north.tess, pathway_key="mentor", confirmation_key=key, by="manager",
            given_by=given_by,
        )  # fmt: skip


def withdraw(north: Place, withdrawn_by: str, reason: str = "") -> None:
    with north.services.runtime.database.write() as session:
        pathways.withdraw_confirmation(
            session, person_id=north.tess, pathway_key="mentor", confirmation_key=CONFIRMATION,
            withdrawn_by=withdrawn_by, reason=reason,
        )  # fmt: skip


def recognise(north: Place, granted_by: str, *, reason: str = "Eight years in the role", **changes: object) -> str:
    wanted = {"person_id": north.tess, "kind": "time_in_role", "key": "", "pathway_key": "mentor"} | changes
    with north.services.runtime.database.write() as session:
        return pathways.recognise(session, **wanted, reason=reason, granted_by=granted_by)  # type: ignore[arg-type]


def conversations(north: Place) -> tuple[ConversationRecorded, ...]:
    with north.services.runtime.database.read() as session:
        return pathways.conversations_of(session, north.tess)


def set_line(north: Place, other_id: str, relation: str) -> None:
    with north.services.runtime.database.write() as session:
        people.set_line(
            session, person_id=north.tess, other_id=other_id, relation=relation, actor=OPERATOR  # type: ignore[arg-type]
        )  # fmt: skip


def written(north: Place) -> tuple[list[str], int]:
    """What the audit says of pathways, and how many times others were told that evidence changed."""
    with north.services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
        told = session.exec(select(OutboxEvent).where(OutboxEvent.kind == EvidenceChanged.KIND)).all()
    return [each.action for each in entries if each.action.startswith("pathways.")], len(told)


# Words


def test_the_manager_of_the_centre_gives_a_word_once_and_it_is_audited_and_told(north: Place) -> None:
    confirm(north, north.marc)
    confirm(north, north.marc)
    with north.services.runtime.database.read() as session:
        (word,) = pathways.confirmations_of(session, north.tess)
        assert (word.by, word.given_by, word.withdrawn_at) == ("manager", north.marc, None)
    assert written(north) == (["pathways.confirmed"], 1)


def test_a_line_manager_gives_it_without_being_of_the_centre(north: Place) -> None:
    boss = north.person("Boss")
    with pytest.raises(NotYoursToConfirm, match="line manager"):
        confirm(north, boss)
    set_line(north, boss, "line_manager")
    confirm(north, boss)


@pytest.mark.parametrize("missing", ["grant", "function", "centre", "mentor"])
def test_it_takes_the_grant_and_the_centre_both(north: Place, missing: str) -> None:
    services = north.services
    other = north.person("Otto", *(() if missing == "grant" else ("manager",)))
    with services.runtime.database.write() as session:
        agency = people.ensure_organisation(session, key="agency", name="Agency")
        south = people.add_centre(session, organisation_id=agency.id, key="south", name="South", actor=OPERATOR)
        where = south.id if missing == "centre" else north.centre_id
        function = {"function": "specialist", "mentor": "mentor"}.get(missing, "supervisor")
        people.join_centre(
            session, person_id=other, centre_id=where, function=function, actor=OPERATOR  # type: ignore[arg-type]
        )  # fmt: skip
    with pytest.raises(NotYoursToConfirm):
        confirm(north, other)
    assert written(north) == ([], 0)


def test_nobody_gives_it_to_themselves_under_another_id_of_the_same_address(north: Place) -> None:
    services = north.services
    with pytest.raises(NotForYourself):
        confirm(north, north.marc, person_id=north.marc)
    with services.runtime.database.write() as session:
        twin = people.person_for_lms_identity(
            session, registration_id="another-lms", subject="tess", name="T.", email="tess@example.org",
            organisation_id=None,
        ).id  # fmt: skip
        people.grant_role(session, person_id=twin, role="manager", actor=OPERATOR)
        people.join_centre(session, person_id=twin, centre_id=north.centre_id, function="supervisor", actor=OPERATOR)
    with pytest.raises(NotForYourself):
        confirm(north, twin)


def test_what_the_pathway_does_not_ask_for_cannot_be_confirmed(north: Place) -> None:
    with pytest.raises(StepUnknown):
        confirm(north, north.marc, key="something-else")
    with pytest.raises(PersonNotFound):
        confirm(north, north.marc, person_id="nobody")
    with north.services.runtime.database.write() as session, pytest.raises(PathwayUnknown):
        pathways.confirm(
            session, person_id=north.tess, pathway_key="no-such", confirmation_key=CONFIRMATION, by="manager",
            given_by=north.marc,
        )  # fmt: skip
    with north.services.runtime.database.write() as session, pytest.raises(StepUnknown):
        pathways.confirm(
            session, person_id=north.tess, pathway_key="mentor", confirmation_key=CONFIRMATION, by="supervisor",
            given_by=north.marc,
        )  # fmt: skip


def test_a_word_is_taken_back_with_a_reason_and_given_anew(north: Place) -> None:
    confirm(north, north.marc)
    withdraw(north, north.marc, "The days are needed elsewhere")
    with pytest.raises(NotConfirmed):
        withdraw(north, north.marc)
    confirm(north, north.marc)
    with north.services.runtime.database.read() as session:
        newest, oldest = pathways.confirmations_of(session, north.tess)
    assert newest.withdrawn_at is None
    assert oldest.withdrawn_reason == "The days are needed elsewhere"
    assert written(north)[0] == ["pathways.confirmed", "pathways.confirmation_withdrawn", "pathways.confirmed"]


def test_whoever_left_the_centre_may_still_take_their_own_word_back_and_strangers_may_not(north: Place) -> None:
    confirm(north, north.marc)
    with pytest.raises(NotYoursToConfirm):
        withdraw(north, north.priya)
    with north.services.runtime.database.write() as session:
        people.revoke_role(session, person_id=north.marc, role="manager", actor=OPERATOR)
    withdraw(north, north.marc)


# Conversations


def test_a_conversation_is_kept_with_every_level_and_what_it_reached(north: Place) -> None:
    north.talk(2)
    north.talk(3)
    above, below = sorted(conversations(north), key=lambda each: not each.reached)
    assert (above.reached, below.reached) == (True, False)
    assert set(above.levels.values()) == {3}
    assert above.comment == "A clear way through."
    assert written(north) == (["pathways.conversation_recorded"] * 2, 2)


@pytest.mark.parametrize("function", ["supervisor", "mentor", "specialist"])
def test_an_assessor_above_the_person_at_their_centre_does_not_judge_it_although_no_line_is_entered(
    north: Place, function: StaffFunction
) -> None:
    with north.services.runtime.database.write() as session:
        membership = people.join_centre(
            session, person_id=north.priya, centre_id=north.centre_id, function=function, actor=OPERATOR
        )
        if function == "specialist":
            people.grant_role(session, person_id=north.priya, role="manager", actor=OPERATOR)
    with pytest.raises(TooNear):
        north.talk()
    with pytest.raises(TooNear):
        recognise(north, north.priya)
    with north.services.runtime.database.write() as session:
        people.end_membership(session, membership_id=membership.membership_id, actor=OPERATOR)
    with pytest.raises(TooNear):
        north.talk()
    assert conversations(north) == ()
    with time_machine.travel(now() + timedelta(days=91), tick=False):
        north.talk()


def test_a_colleague_at_the_persons_centre_may_judge_it(north: Place) -> None:
    with north.services.runtime.database.write() as session:
        people.join_centre(
            session, person_id=north.priya, centre_id=north.centre_id, function="specialist", actor=OPERATOR
        )
    north.talk()
    assert len(conversations(north)) == 1


@pytest.mark.parametrize("relation", ["line_manager", "mentor"])
def test_an_assessor_who_stands_near_does_not_judge_it_nor_just_after_ending_that(north: Place, relation: str) -> None:
    set_line(north, north.priya, relation)
    with pytest.raises(TooNear):
        north.talk()
    with north.services.runtime.database.write() as session:
        from app.core.audit import Actor

        people.end_line(
            session, person_id=north.tess, other_id=north.priya, relation=relation,  # type: ignore[arg-type]
            actor=Actor(kind="person", id=north.priya),
        )  # fmt: skip
    with pytest.raises(TooNear):
        north.talk()
    assert conversations(north) == ()


def test_only_an_assessor_judges_it_and_nobody_judges_themselves(north: Place) -> None:
    with pytest.raises(NotAnAssessor):
        north.talk(by=north.marc)
    with north.services.runtime.database.write() as session:
        people.grant_role(session, person_id=north.tess, role="assessor", actor=OPERATOR)
    with pytest.raises(NotForYourself):
        north.talk(by=north.tess)


@pytest.mark.parametrize("days", [2, -366])
def test_a_day_ahead_or_long_gone_is_refused(north: Place, days: int) -> None:
    with pytest.raises(ConversationNotUsable):
        north.talk(held_on=now().date() + timedelta(days=days))


def test_a_day_that_has_not_begun_in_utc_counts_from_the_moment_it_is_recorded(north: Place) -> None:
    north.talk(held_on=now().date() + timedelta(days=1))
    with north.services.runtime.database.read() as session:
        (held,) = pathways.evidence_of(session, (north.tess,))[north.tess].conversations
    assert held.held_at <= now()


def _without_one(levels: dict[str, int]) -> None:
    levels.popitem()


def _with_another(levels: dict[str, int]) -> None:
    levels["no-such"] = 3


def _too_high(levels: dict[str, int]) -> None:
    levels[next(iter(levels))] = 5


def _no_number(levels: dict[str, int]) -> None:
    levels[next(iter(levels))] = True


@pytest.mark.parametrize("spoil", [_without_one, _with_another, _too_high, _no_number])
def test_levels_are_those_of_the_rubric_and_all_of_them(north: Place, spoil: Callable[[dict[str, int]], None]) -> None:
    database = north.services.runtime.database
    with database.read() as session:
        rule = conversation(stacks.current_pathway(session, BASIC))
    assert rule is not None
    levels = {each.key: 3 for each in rule.rubric.criteria}
    spoil(levels)
    with database.write() as session, pytest.raises(ConversationNotUsable):
        pathways.record_conversation(
            session, person_id=north.tess, pathway_key=BASIC, conversation_key=rule.key, held_on=now().date(),
            levels=levels, comment="", decided_by=north.priya,
        )  # fmt: skip
    with database.write() as session, pytest.raises(StepUnknown):
        pathways.record_conversation(
            session, person_id=north.tess, pathway_key="mentor", conversation_key=rule.key, held_on=now().date(),
            levels=levels, comment="", decided_by=north.priya,
        )  # fmt: skip
    assert conversations(north) == ()


# Recognitions


def test_a_recognition_is_decided_once_with_a_reason_and_taken_back_with_one(north: Place) -> None:
    granted = recognise(north, north.priya)
    assert recognise(north, north.priya) == granted
    with north.services.runtime.database.write() as session, pytest.raises(ReasonMissing):
        pathways.withdraw_recognition(session, granted, reason=" ", by=north.priya)
    with north.services.runtime.database.write() as session:
        pathways.withdraw_recognition(session, granted, reason="The letter was another's", by=north.priya)
    with north.services.runtime.database.write() as session, pytest.raises(RecognitionNotFound):
        pathways.withdraw_recognition(session, granted, reason="Again", by=north.priya)
    with north.services.runtime.database.read() as session:
        (found,) = pathways.recognitions_of(session, north.tess)
    assert (found.reason, found.withdrawn_reason) == ("Eight years in the role", "The letter was another's")
    assert written(north) == (["pathways.recognised", "pathways.recognition_withdrawn"], 2)


@pytest.mark.parametrize(
    ("changes", "reason", "error"),
    [
        ({"kind": "conversation", "key": "practice-conversation", "pathway_key": BASIC}, "Known well", NotRecognisable),
        ({"kind": "held", "key": "M99"}, "Known well", StepUnknown),
        ({"kind": "held", "key": "M01"}, "Known well", StepUnknown),
        ({"pathway_key": BASIC}, "Known well", StepUnknown),
        ({"pathway_key": None, "key": "x"}, "Known well", StepUnknown),
        ({}, "  ", ReasonMissing),
        ({}, "x" * 5001, CommentTooLong),
        ({}, "a\0b", UnusableText),
    ],
)
def test_what_cannot_be_recognised_is_refused(
    north: Place, changes: dict[str, object], reason: str, error: type[AppError]
) -> None:
    with pytest.raises(error):
        recognise(north, north.priya, reason=reason, **changes)
    assert written(north) == ([], 0)


def test_a_manager_does_not_recognise_and_an_assessor_near_by_does_not_either(north: Place) -> None:
    with pytest.raises(NotAnAssessor):
        recognise(north, north.marc)
    set_line(north, north.priya, "mentor")
    with pytest.raises(TooNear):
        recognise(north, north.priya)


def test_what_a_record_vouched_for_another_of_the_same_human_counts_for_nothing(north: Place) -> None:
    """Two records are joined later: nobody knew that they were one when the word was given."""
    with north.services.runtime.database.write() as session:
        session.add_all(_by_oneself(session, north.tess))
    with north.services.runtime.database.read() as session:
        evidence = pathways.evidence_of(session, (north.tess,))[north.tess]
    assert evidence.confirmations == ()
    assert evidence.recognitions == ()


def _by_oneself(_session: WriteSession, person_id: str) -> list[PathwayConfirmation | PathwayRecognition]:
    return [
        PathwayConfirmation(
            person_id=person_id, pathway_key="mentor", confirmation_key=CONFIRMATION, given_as="manager",
            given_by=person_id,
        ),
        PathwayRecognition(person_id=person_id, kind="time_in_role", key="", reason="Mine", granted_by=person_id),
    ]  # fmt: skip
