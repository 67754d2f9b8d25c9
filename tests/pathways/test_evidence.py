"""What is known of a person is gathered from every room, with a number of questions that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database
from app.issuer import correcting, renewing
from app.issuer import service as issuer
from app.issuer.correcting import Correction
from app.issuer.models import Credential
from app.issuer.renewing import Renewal
from app.pathways import service as pathways
from app.pathways.schemas import Evidence
from app.people import service as people
from app.wiring import Services
from tests.pathways.house import BASIC, CONFIRMATION, Place, badge, place, revoke, suspend_badge


@pytest.fixture
def north(services: Services) -> Place:
    return place(services)


def known(north: Place, person_id: str | None = None) -> Evidence:
    wanted = person_id or north.tess
    with north.services.runtime.database.read() as session:
        return pathways.evidence_of(session, (wanted,))[wanted]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_badges_are_there_in_every_state_and_every_version(north: Place) -> None:
    services, runtime = north.services, north.services.runtime
    standing = badge(services, north.tess, "M01", until=now().replace(microsecond=0) + timedelta(days=400))
    revoked, suspended = badge(services, north.tess, "M02"), badge(services, north.tess, "M03")
    revoke(services, revoked)
    suspend_badge(services, suspended)
    issuer.reissue(
        runtime.database, runtime.secret_box, runtime.settings.base_url, standing, recipient_email="tess@example.org"
    )
    found = {(each.achievement, each.version): each for each in known(north).badges}
    assert set(found) == {("M01", 1), ("M01", 2), ("M02", 1), ("M03", 1)}
    assert found["M02", 1].revoked_at is not None
    assert found["M03", 1].suspended_at is not None
    first, second = found["M01", 1], found["M01", 2]
    assert first.awarded_at == second.awarded_at
    assert first.valid_from < second.valid_from
    assert first.valid_until == second.valid_until, "told by the document of the earlier version itself"


def test_an_earlier_version_keeps_its_own_end_when_the_badge_is_given_a_later_one(north: Place) -> None:
    services, runtime = north.services, north.services.runtime
    ended = now().replace(microsecond=0) + timedelta(days=1)
    renewed = badge(services, north.tess, "M01", until=ended)
    issuer.reissue(
        runtime.database, runtime.secret_box, runtime.settings.base_url, renewed, recipient_email="tess@example.org"
    )
    later = ended + timedelta(days=700)
    with runtime.database.write() as session:  # as a renewal does
        session.execute(sa.text("UPDATE credential SET valid_until = :later"), {"later": later})
    ends = {each.version: each.valid_until for each in known(north).badges}
    assert ends == {1: ended, 2: later}


def test_of_all_later_versions_only_a_renewal_makes_a_badge_young_again(north: Place) -> None:
    services, runtime = north.services, north.services.runtime
    awarded = now() - timedelta(days=100)
    one = badge(services, north.tess, "M01", awarded=awarded, until=now() + timedelta(days=20, microseconds=7))
    house = (runtime.database, runtime.secret_box, runtime.settings.base_url, one)

    def correct(awarded_at: timedelta = timedelta(0), end: timedelta = timedelta(0)) -> None:
        def choose(row: Credential) -> Correction:
            assert row.valid_until is not None
            return Correction((), row.awarded_at + awarded_at, row.valid_until + end)

        correcting.correct(
            *house, choose=choose, actor=OPERATOR, decided_by_role="assessor", beside=lambda session: None
        )

    def renew() -> None:
        def choose(row: Credential) -> Renewal:
            assert row.valid_until is not None
            return Renewal(row.achievement_version, (), row.valid_until + timedelta(days=365))

        renewing.renew(
            *house, choose=choose, actor=OPERATOR, decided_by_role="assessor", beside=lambda session, version: True
        )

    issuer.reissue(*house, recipient_email="tess@example.org")
    assert [each.renewed_at for each in known(north).badges] == [None, None], "documents have whole seconds, rows more"
    correct(awarded_at=timedelta(days=3), end=timedelta(days=3))  # a later day, and with it a later end
    renew()
    issuer.reissue(*house, recipient_email="tess@example.net")
    correct(awarded_at=-timedelta(days=9))  # a renewal gave the end, which stays
    told = {each.version: each for each in known(north).badges}
    assert [told[number].renewed_at for number in (1, 2, 3)] == [None] * 3
    assert [told[number].renewed_at for number in (4, 5, 6)] == [told[4].valid_from] * 3
    renew()
    last = max(known(north).badges, key=lambda each: each.version)
    assert (last.version, last.renewed_at) == (7, last.valid_from)


def test_work_counts_whichever_the_agency_and_only_as_a_specialist(north: Place) -> None:
    with north.services.runtime.database.write() as session:
        other = people.ensure_organisation(session, key="other", name="Other")
        south = people.add_centre(session, organisation_id=other.id, key="south", name="South", actor=OPERATOR)
        mine = people.staff_of(session, north.centre_id)
        first = next(each.membership_id for each in mine if each.person_id == north.tess)
        people.end_membership(session, membership_id=first, actor=OPERATOR)
        people.join_centre(session, person_id=north.tess, centre_id=south.id, function="specialist", actor=OPERATOR)
        people.join_centre(session, person_id=north.tess, centre_id=south.id, function="mentor", actor=OPERATOR)
    roles = known(north).roles
    assert [each.ended_at is None for each in roles] == [False, True]
    assert {each.agency_id for each in roles} == {known(north).roles[0].agency_id, other.id}
    assert known(north, north.marc).roles == ()


def test_what_was_withdrawn_is_there_with_its_end(north: Place) -> None:
    database = north.services.runtime.database
    word = {"person_id": north.tess, "pathway_key": "mentor", "confirmation_key": CONFIRMATION}
    with database.write() as session:
        pathways.confirm(session, **word, by="manager", given_by=north.marc)
        granted = pathways.recognise(
            session, person_id=north.tess, kind="time_in_role", key="", pathway_key=None,
            reason="Eight years before this server", granted_by=north.priya,
        )  # fmt: skip
    north.talk()
    with database.write() as session:
        pathways.withdraw_confirmation(session, **word, withdrawn_by=north.marc)
        pathways.withdraw_recognition(session, granted, reason="A mix-up", by=north.priya)
    found = known(north)
    assert found.confirmations[0].withdrawn_at is not None
    assert found.recognitions[0].withdrawn_at is not None
    assert found.conversations[0].pathway == BASIC
    assert found.conversations[0].held_at <= now()


def test_the_number_of_questions_does_not_grow_with_the_persons(north: Place) -> None:
    badge(north.services, north.tess, "M01")
    many = [north.tess, north.marc, *(north.person(f"Person {number}") for number in range(12))]
    database = north.services.runtime.database
    with counted(database) as for_one, database.read() as session:
        pathways.evidence_of(session, (north.tess,))
    with counted(database) as for_many, database.read() as session:
        found = pathways.evidence_of(session, many)
    assert len(for_many) == len(for_one) <= 8
    assert set(found) == set(many)
    assert found[many[-1]] == Evidence()
