"""Where everybody stands is worked out from the evidence, on time, once, and told to others when it changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.core import outbox
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.ids import new_id
from app.core.outbox import Worker
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.pathways import service as pathways
from app.pathways import standing
from app.pathways.events import EvidenceChanged, StandingChanged
from app.pathways.models import PathwayStanding
from app.pathways.schemas import Evidence, Progress
from app.pathways.summary import OpenStep
from app.people import service as people
from app.people.link_models import LinkedPersonRecord
from app.people.models import PersonRecord
from app.programme import stacks
from app.programme.models import ProgrammePathwayVersion
from app.programme.pathways import Pathway
from app.wiring import Services
from tests.pathways.house import (
    BASIC,
    CONFIRMATION,
    WHOLE,
    Place,
    badge,
    basic_badges,
    place,
    revoke,
    suspend_badge,
)


@pytest.fixture
def north(services: Services, worker: Worker) -> Place:
    found = place(services)
    worker.run_until_idle()
    return found


def told(north: Place) -> int:
    with north.services.runtime.database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == StandingChanged.KIND)).all())


def rows(north: Place) -> int:
    with north.services.runtime.database.read() as session:
        return session.exec(select(sa.func.count()).select_from(PathwayStanding)).one()


def test_whoever_is_entered_as_staff_stands_at_the_beginning_of_every_pathway(north: Place) -> None:
    with north.services.runtime.database.read() as session:
        keys = {each.key for each in stacks.pathways(session)}
        found = standing.standings(session, person_ids=(north.tess,))
        assert standing.standings(session, person_ids=(north.priya,)) == (), "of whom nothing is known"
        assert standing.standings(session, person_ids=()) == ()
    assert {each.pathway_key for each in found} == keys
    assert {each.state for each in found} == {"not_begun"}
    assert OpenStep("held", "M01", "missing") in north.standing(BASIC).open_steps


def test_each_badge_moves_it_and_what_changed_nothing_tells_nobody(north: Place, worker: Worker) -> None:
    before = told(north)
    badge(north.services, north.tess, "M01")
    worker.run_until_idle()
    found = north.standing(BASIC)
    assert found.state == "on_the_way"
    assert OpenStep("held", "M01", "missing") not in found.open_steps
    assert told(north) == before + 1, "the basic pathway, and no other"
    standing.recompute(north.services.runtime.database, north.tess)
    assert told(north) == before + 1


def test_ten_badges_and_a_conversation_meet_it_the_badge_holds_it(north: Place, worker: Worker) -> None:
    north.all_ten()
    north.talk(2)
    worker.run_until_idle()
    assert north.standing(BASIC).open_steps == (OpenStep("conversation", "practice-conversation", "below_level"),)
    north.talk(3)
    worker.run_until_idle()
    assert north.standing(BASIC).state == "met"
    assert north.standing(BASIC).open_steps == ()
    badge(north.services, north.tess, BASIC)
    worker.run_until_idle()
    assert north.standing(BASIC).state == "held"
    assert OpenStep("held", BASIC, "missing") not in north.standing("mentor").open_steps


def test_a_badge_that_ends_and_time_in_role_that_is_full_are_noticed_by_the_chore(north: Place, worker: Worker) -> None:
    database = north.services.runtime.database
    until = now().replace(microsecond=0) + timedelta(days=100)
    badge(north.services, north.tess, "M01", until=until)
    worker.run_until_idle()
    assert standing.recompute_due(database) == 0
    assert north.standing(BASIC).next_change == until
    assert standing.recompute_due(database, until + timedelta(seconds=1)) == 1
    assert OpenStep("held", "M01", "expired") in north.standing(BASIC).open_steps
    full = north.standing("mentor").next_change
    assert full is not None
    assert standing.recompute_due(database, full) == 1
    assert OpenStep("time_in_role", "", "time_short") not in north.standing("mentor").open_steps


def test_what_is_suspended_or_revoked_is_not_met_for_the_very_same_conversation(north: Place, worker: Worker) -> None:
    north.all_ten()
    north.talk(held_on=now().date() - timedelta(days=3))
    held = badge(north.services, north.tess, BASIC)
    worker.run_until_idle()
    suspend_badge(north.services, held)
    worker.run_until_idle()
    assert north.standing(BASIC).state == "lapsed"
    revoke(north.services, held)
    worker.run_until_idle()
    assert north.standing(BASIC).state == "lapsed"
    north.talk(held_on=now().date() + timedelta(days=1))
    worker.run_until_idle()
    assert north.standing(BASIC).state == "met"


def test_a_newer_version_of_a_pathway_is_worked_out_for_everybody(
    north: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = north.services.runtime.database
    standing.recompute_due(database)
    digest = new_id()
    with database.write() as session:
        row = stacks.row_of(session, "mentor", stacks.current_pathway(session, "mentor").version)
        kept = session.get_one(ProgrammePathwayVersion, row.id)
        newer = kept.model_dump() | {"id": new_id(), "version": kept.version + 1, "digest": digest}
        session.add(ProgrammePathwayVersion(**newer))
    monkeypatch.setattr(standing, "AT_ONCE", 1)  # as if there were very many
    assert standing.recompute_due(database) == 1
    assert north.standing("mentor").rule_digest == digest
    with database.read() as session:
        waiting = session.exec(select(OutboxEvent).where(col(OutboxEvent.dispatched_at).is_(None))).all()
    assert [(each.kind, each.background) for each in waiting] == [(StandingChanged.KIND, True)], "delays nobody else's"
    assert standing.recompute_due(database) == 0


def test_where_nothing_was_ever_worked_out_everybody_is_gone_through_once(north: Place) -> None:
    database = north.services.runtime.database
    with database.write() as session:
        session.execute(sa.delete(PathwayStanding))
    assert standing.recompute_due(database) == 1
    with database.write() as session:
        session.execute(sa.delete(PathwayStanding))
    assert standing.recompute_due(database) == 0
    assert standing.recompute_all(database) == 1


def test_somebody_who_cannot_be_worked_out_hinders_nobody_else(
    north: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = north.services.runtime.database
    other = north.person("Otto")
    for each in (other, north.tess):
        badge(north.services, each, "M01", until=now().replace(microsecond=0) + timedelta(days=9))
    worker.run_until_idle()
    whole = standing.progress

    def fails_for_tess(pathway: Pathway, evidence: Evidence, at: datetime) -> Progress:
        if evidence.roles:
            raise ValueError("something nobody thought of")
        return whole(pathway, evidence, at)

    monkeypatch.setattr(standing, "progress", fails_for_tess)
    assert standing.recompute_due(database, now() + timedelta(days=10)) == 1
    assert OpenStep("held", "M01", "expired") in north.standing(BASIC, other).open_steps


def test_many_at_once_leave_one_row_for_each_pathway_and_tell_it_once(north: Place) -> None:
    database = north.services.runtime.database
    badge(north.services, north.tess, "M01")
    before = told(north)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _turn: standing.recompute(database, north.tess), range(8)))
    assert told(north) == before + 1


def test_of_badges_that_are_nobodys_no_delivery_is_made(north: Place, worker: Worker) -> None:
    badge(north.services, None, "M01", email="somebody@example.org")
    worker.run_until_idle()
    with north.services.runtime.database.read() as session:
        made = session.exec(select(OutboxDelivery.handler)).all()
    assert "pathways.after_issued" not in made
    assert "messages.send_awarded" in made


def test_what_was_told_of_a_record_that_was_joined_since_is_worked_out_for_the_person(
    north: Place, worker: Worker
) -> None:
    old = north.person("Tess of elsewhere")
    with north.services.runtime.database.write() as session:
        session.add(LinkedPersonRecord(person_id=old, now_with=north.tess, joined_into=north.tess))
        session.execute(sa.delete(PathwayStanding))
        outbox.emit(session, EvidenceChanged(old))
    worker.run_until_idle()
    assert north.standing(BASIC).state == "not_begun"


def test_of_whoever_was_erased_nothing_is_left(north: Place, worker: Worker) -> None:
    database = north.services.runtime.database
    assert rows(north) > 0
    with database.write() as session:
        session.execute(sa.update(PersonRecord).values(erased_at=now()))
    standing.recompute(database, north.tess)
    standing.recompute(database, "nobody at all")
    assert rows(north) == 0


def test_an_advanced_pathway_is_met_step_by_step(north: Place, worker: Worker) -> None:
    database = north.services.runtime.database
    badge(north.services, north.tess, BASIC)
    north.worked_since(now() - WHOLE)
    with database.write() as session:
        pathways.confirm(
            session, person_id=north.tess, pathway_key="mentor", confirmation_key=CONFIRMATION, by="manager",
            given_by=north.marc,
        )  # fmt: skip
    worker.run_until_idle()
    assert north.standing("mentor").state == "met"
    with database.write() as session:
        pathways.withdraw_confirmation(
            session, person_id=north.tess, pathway_key="mentor", confirmation_key=CONFIRMATION, withdrawn_by=north.marc
        )
    worker.run_until_idle()
    assert north.standing("mentor").state == "lapsed"
    assert north.standing("mentor").open_steps == (OpenStep("confirmation", CONFIRMATION, "withdrawn"),)


def test_whoever_leaves_stands_elsewhere(north: Place, worker: Worker) -> None:
    database = north.services.runtime.database
    with database.write() as session:
        mine = next(
            each.membership_id
            for each in people.staff_of(session, north.centre_id)
            if each.person_id == north.tess
        )  # fmt: skip
        people.end_membership(session, membership_id=mine, actor=OPERATOR)
    assert north.standing("mentor").next_change is not None
    worker.run_until_idle()
    assert north.standing("mentor").next_change is None


def test_progress_of_one_and_of_all_say_the_same_and_know_the_effort(north: Place) -> None:
    badge(north.services, north.tess, "M01")
    with north.services.runtime.database.read() as session:
        one = pathways.progress_of(session, north.tess, BASIC)
        everything = pathways.all_progress(session, north.tess, at=one.at)
        effort = pathways.effort_of(session)
    assert next(each.pathway for each in everything) == BASIC
    assert everything[0] == one
    assert set(basic_badges(north.services)) | {BASIC} <= set(effort)
    assert effort[BASIC] > sum(effort[key] for key in basic_badges(north.services))
