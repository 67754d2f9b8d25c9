"""Centres and who works there: entered by people here, never by an LMS's word, and told apart agency by agency."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import Database
from app.people import erasing, exporting
from app.people import service as people
from app.people.errors import (
    CentreKeyTaken,
    CentreNotFound,
    CentreNotUsable,
    EmailNotUsable,
    OrganisationNotFound,
    PersonNotFound,
    ReasonNamesPerson,
    StaffMemberNotFound,
    StaffNotUsable,
)
from app.people.models import MembershipRecord, PersonRecord
from app.people.personal_data import PeoplePersonalData
from app.people.staff import check_function

MARC = ("Marc Delaney", "marc@agency.example")


def make_centre(database: Database, agency: str = "west", key: str = "footscray") -> people.Centre:
    with database.write() as session:
        organisation = people.ensure_organisation(session, key=agency, name=agency.title())
        return people.add_centre(
            session, organisation_id=organisation.id, key=key, name=f"{key.title()} centre", actor=OPERATOR
        )


def add(
    database: Database,
    centre: people.Centre,
    who: tuple[str, str] = MARC,
    function: people.StaffFunction = "supervisor",
) -> people.StaffMember:
    with database.write() as session:
        return people.add_staff(
            session, centre_id=centre.id, name=who[0], email=who[1], function=function, actor=OPERATOR
        )


def join(
    database: Database, centre: people.Centre, person_id: str, function: people.StaffFunction = "specialist"
) -> people.StaffMember:
    with database.write() as session:
        return people.join_centre(session, person_id=person_id, centre_id=centre.id, function=function, actor=OPERATOR)


def end(database: Database, member: people.StaffMember) -> None:
    with database.write() as session:
        people.end_membership(session, membership_id=member.membership_id, actor=OPERATOR)


def met(
    database: Database, subject: str = "tess", *, agency: str | None = None, lms: str = "moodle", **told: Any
) -> str:
    """A person who has launched from an LMS, of an agency if it is given."""
    with database.write() as session:
        organisation = people.ensure_organisation(session, key=agency, name=agency.title()) if agency else None
        return people.person_id_for_lms_identity(
            session,
            registration_id=lms,
            subject=subject,
            name=told.get("name"),
            email=told.get("email"),
            organisation_id=organisation.id if organisation else None,
        )


def staff(database: Database, centre: people.Centre) -> list[tuple[str, str]]:
    with database.read() as session:
        return [(each.name, each.function) for each in people.staff_of(session, centre.id)]


def test_centres_are_listed_by_name_and_by_organisation(database: Database) -> None:
    sunshine, footscray = make_centre(database, key="sunshine"), make_centre(database)
    other = make_centre(database, agency="east")
    with database.read() as session:
        assert set(people.centres(session)) == {sunshine, footscray, other}
        assert people.centres(session, footscray.organisation_id) == (footscray, sunshine)


def test_a_key_may_be_used_once_in_an_organisation(database: Database) -> None:
    make_centre(database)
    make_centre(database, agency="east")
    with pytest.raises(CentreKeyTaken):
        make_centre(database)


@pytest.mark.parametrize("key", ["", "Footscray", "foot scray", "-", "a--b", "a/b", "x" * 61])
def test_a_key_that_no_command_could_carry_is_refused(database: Database, key: str) -> None:
    with pytest.raises(CentreNotUsable):
        make_centre(database, key=key)


def test_a_centre_needs_an_organisation_and_a_name(database: Database) -> None:
    with database.write() as session, pytest.raises(OrganisationNotFound):
        people.add_centre(session, organisation_id="nobody", key="a", name="A", actor=OPERATOR)
    organisation_id = make_centre(database).organisation_id
    with database.write() as session, pytest.raises(CentreNotUsable):
        people.add_centre(session, organisation_id=organisation_id, key="a", name=" \u202e ", actor=OPERATOR)


def test_a_colleague_is_entered_with_name_work_address_and_function(database: Database) -> None:
    centre = make_centre(database)
    member = add(database, centre, (" Marc Delaney ", " Marc@Agency.example "))
    assert (member.name, member.email, member.function) == ("Marc Delaney", "marc@agency.example", "supervisor")
    assert (member.centre_name, member.is_entered) == ("Footscray centre", True)
    with database.read() as session:
        assert people.staff_member(session, member.membership_id) == member
        assert people.centres_of(session, member.person_id) == (centre,)
        assert people.functions_at(session, member.person_id, centre.id) == {"supervisor"}
        assert people.display_name(session, member.person_id) == "Marc Delaney"
        assert people.notification_address(session, member.person_id) == "marc@agency.example"
    assert "Marc" not in repr(member)


def test_entering_twice_changes_nothing_and_a_new_name_replaces_the_old_one(database: Database) -> None:
    centre = make_centre(database)
    assert add(database, centre) == add(database, centre)
    add(database, centre, ("Marc D.", MARC[1]))
    assert staff(database, centre) == [("Marc D.", "supervisor")]


def test_who_has_two_functions_or_two_centres_is_one_person(database: Database) -> None:
    footscray, sunshine = make_centre(database), make_centre(database, key="sunshine")
    members = [add(database, footscray), add(database, footscray, function="mentor"), add(database, sunshine)]
    assert len({member.person_id for member in members}) == 1
    assert staff(database, footscray) == [(MARC[0], "mentor"), (MARC[0], "supervisor")]


def test_the_same_address_at_another_agency_is_another_person(database: Database) -> None:
    here, there = add(database, make_centre(database)), add(database, make_centre(database, agency="east"))
    assert here.person_id != there.person_id


def test_an_address_that_an_lms_or_a_holder_gave_does_not_make_the_account_staff(
    database: Database, secret_box: Any
) -> None:
    told = met(database, agency="west", email=MARC[1])
    confirmed = met(database, "other", agency="west")
    with database.write() as session:
        asked = people.request_email_confirmation(session, secret_box, person_id=confirmed, email=MARC[1])
        code = people.confirmation_mail(session, secret_box, asked.id).code
    people.confirm_email(database, secret_box, person_id=confirmed, code=code)
    member = add(database, make_centre(database))
    assert member.person_id not in {told, confirmed}
    with database.read() as session:
        assert people.centres_of(session, told) == ()
        assert people.centres_of(session, confirmed) == ()


def test_one_address_entered_twice_at_once_is_one_person(database: Database) -> None:
    centre = make_centre(database)
    functions: list[people.StaffFunction] = ["specialist", "supervisor", "mentor", "clinician"]
    with ThreadPoolExecutor(4) as threads:
        members = list(threads.map(lambda function: add(database, centre, function=function), functions))
    assert len({member.person_id for member in members}) == 1
    with database.read() as session:
        assert len(session.exec(select(PersonRecord)).all()) == 1


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (("", "marc@agency.example"), StaffNotUsable),
        (("\u202e", "marc@agency.example"), StaffNotUsable),
        (("Marc", "marc"), EmailNotUsable),
        (("Marc", "marc@agency.example\nBcc: x@y.z"), EmailNotUsable),
    ],
)
def test_a_colleague_without_name_or_address_is_refused(
    database: Database, who: tuple[str, str], error: type[Exception]
) -> None:
    centre = make_centre(database)
    with pytest.raises(error):
        add(database, centre, who)
    assert staff(database, centre) == []


def test_there_is_no_other_function_and_no_other_centre(database: Database) -> None:
    with pytest.raises(StaffNotUsable):
        check_function("owner")
    centre = make_centre(database)
    nowhere = people.Centre("nowhere", centre.organisation_id, "x", "X")
    with pytest.raises(CentreNotFound):
        add(database, nowhere)
    with pytest.raises(PersonNotFound):
        join(database, centre, "nobody")


def test_a_person_who_launched_joins_under_the_name_the_lms_gave(database: Database) -> None:
    centre = make_centre(database)
    tess = met(database, agency="west", name="Tess Nguyen", email="tess@agency.example")
    member = join(database, centre, tess)
    assert (member.person_id, member.name, member.email) == (tess, "Tess Nguyen", "tess@agency.example")
    assert not member.is_entered
    assert join(database, centre, tess) == member


def test_an_ended_membership_is_over_and_stays_in_the_history(database: Database) -> None:
    centre = make_centre(database)
    member = add(database, centre)
    end(database, member)
    assert staff(database, centre) == []
    with database.read() as session:
        assert people.centres_of(session, member.person_id) == ()
        assert session.get_one(MembershipRecord, member.membership_id).ended_at is not None
        assert people.notification_address(session, member.person_id) is None
        with pytest.raises(StaffMemberNotFound):
            people.staff_member(session, member.membership_id)
    with pytest.raises(StaffMemberNotFound):
        end(database, member)
    assert add(database, centre).person_id == member.person_id


def test_every_change_is_audited_by_ids_only(database: Database) -> None:
    centre = make_centre(database)
    member = add(database, centre)
    add(database, centre, ("Marc D.", MARC[1]))
    end(database, member)
    with database.read() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
    assert [entry.action for entry in entries] == [
        "people.centre_added", "people.staff_added", "people.staff_changed", "people.staff_ended"
    ]  # fmt: skip
    assert entries[1].ids == {"centre_id": centre.id, "person_id": member.person_id, "function": "supervisor"}
    assert not any(word in str(entry.ids) for entry in entries for word in ("Marc", "agency.example"))


def test_colleagues_are_those_of_ones_own_centres_in_these_functions(database: Database) -> None:
    footscray, sunshine = make_centre(database), make_centre(database, key="sunshine")
    tess = met(database, agency="west", email="tess@agency.example")
    join(database, footscray, tess)
    join(database, footscray, tess, "mentor")
    marc = add(database, footscray)
    add(database, footscray, ("Cleo", "cleo@agency.example"), "clinician")
    add(database, sunshine, ("Sam", "sam@agency.example"))
    end(database, add(database, footscray, ("Left", "left@agency.example")))
    with database.read() as session:
        assert people.colleagues(session, tess, ("supervisor", "mentor")) == (marc,)
        assert people.colleagues(session, met(database, "stranger"), ("supervisor",)) == ()


@pytest.mark.parametrize("at", ["tess@agency.example", "TESS@agency.example"])
def test_oneself_entered_once_more_by_ones_own_address_is_no_colleague(database: Database, at: str) -> None:
    centre = make_centre(database)
    tess = met(database, agency="west", email=at)
    join(database, centre, tess)
    add(database, centre, ("Tess", "tess@agency.example"), "supervisor")
    with database.read() as session:
        assert people.colleagues(session, tess, ("supervisor",)) == ()


def test_all_addresses_of_a_person_are_known_together(database: Database, secret_box: Any) -> None:
    tess = met(database, email=" Told@Agency.example")
    met(database, lms="canvas", email="somebody-else@agency.example")
    with database.write() as session:
        people.request_email_confirmation(session, secret_box, person_id=tess, email="asked@home.example")
    with database.read() as session:
        assert people.addresses_of(session, tess) == {"told@agency.example", "asked@home.example"}
    marc = add(database, make_centre(database))
    with database.read() as session:
        assert people.addresses_of(session, marc.person_id) == {"marc@agency.example"}


def test_known_from_an_organisation_are_those_of_its_lmss_who_are_not_staff_yet(database: Database) -> None:
    centre = make_centre(database)
    tess = met(database, agency="west", name="Tess Nguyen")
    met(database, "robin", agency="west", name="Robin Okafor")
    met(database, "eve", agency="east", lms="canvas", name="Eve East")
    with database.read() as session:
        names = {each.name for each in people.known_from(session, centre.organisation_id)}
        assert names == {"Tess Nguyen", "Robin Okafor"}
        assert [each.name for each in people.known_from(session, centre.organisation_id, find=" ROB")] == [
            "Robin Okafor"
        ]
        assert people.known_from(session, centre.organisation_id, find="%") == ()
        assert len(people.known_from(session, centre.organisation_id, limit=1)) == 1
    join(database, centre, tess)
    with database.read() as session:
        assert {each.name for each in people.known_from(session, centre.organisation_id)} == {"Robin Okafor"}


def test_a_person_sees_where_they_are_entered_and_erasure_leaves_ids_only(database: Database) -> None:
    centre = make_centre(database)
    member, boss = add(database, centre), add(database, centre, ("Ines", "ines@agency.example"))
    with database.write() as session:
        people.set_line(
            session, person_id=member.person_id, other_id=boss.person_id, relation="line_manager", actor=OPERATOR
        )
    rooms = (PeoplePersonalData(),)
    with database.read() as session:
        assert erasing.find_people(session, MARC[1]) == (member.person_id,)
        exported = exporting.export_person(session, rooms, member.person_id).as_json()
    assert "Footscray centre" in str(exported)
    assert "marc@agency.example" in str(exported)
    assert "'relation': 'line_manager', 'you': 'have one'" in str(exported)
    assert boss.person_id not in str(exported)
    assert "ines@" not in str(exported)
    with pytest.raises(ReasonNamesPerson):
        erasing.erase_person(database, rooms, member.person_id, reason="as Marc Delaney asked", actor=OPERATOR)
    erasing.erase_person(database, rooms, member.person_id, reason="asked in March", actor=OPERATOR)
    with database.read() as session:
        row = session.get_one(MembershipRecord, member.membership_id)
        assert (row.name, row.email, row.ended_at is None) == (None, None, False)
        assert people.reports_of(session, boss.person_id) == ()
        assert people.relation_to(session, person_id=member.person_id, other_id=boss.person_id) == frozenset()
    assert staff(database, centre) == [("Ines", "supervisor")]
    assert add(database, centre).person_id != member.person_id
