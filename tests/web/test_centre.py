"""A centre in the hands of its manager: own staff, results only, and nothing of anybody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.issuer.models import Credential
from app.learning import service as learning
from app.people import service as people
from app.people.models import LmsIdentityRecord, MembershipRecord, PersonRecord
from app.people.schemas import Centre
from app.programme import service as programme
from app.web.centre_view import Result
from app.wiring import Services
from tests.web.badge_states import Stage
from tests.web.people import SignedIn, hand_in, sign_in


def enter_centre(services: Services, agency: str, key: str) -> Centre:
    with services.runtime.database.write() as session:
        organisation = people.ensure_organisation(session, key=agency, name=f"{agency.title()} agency")
        return people.add_centre(
            session, organisation_id=organisation.id, key=key, name=f"{key.title()} centre", actor=OPERATOR
        )


def join(services: Services, centre: Centre, person_id: str, function: people.StaffFunction) -> people.StaffMember:
    with services.runtime.database.write() as session:
        return people.join_centre(session, person_id=person_id, centre_id=centre.id, function=function, actor=OPERATOR)


def comes_from(services: Services, person: SignedIn, centre: Centre) -> None:
    """Say that the LMS through which a person came is that of the centre's agency."""
    with services.runtime.database.write() as session:
        session.exec(
            sa.update(LmsIdentityRecord)
            .where(col(LmsIdentityRecord.person_id) == person.person_id)
            .values(organisation_id=centre.organisation_id)
        )


@pytest.fixture
def footscray(services: Services) -> Centre:
    return enter_centre(services, "west", "footscray")


@pytest.fixture
def eastern(services: Services) -> Centre:
    return enter_centre(services, "east", "eastern")


@pytest.fixture
def marc(services: Services, client: TestClient, footscray: Centre) -> SignedIn:
    """Manager of Footscray, come without a module."""
    person = sign_in(services, client, "Marc", roles=("manager",), module_key=None)
    join(services, footscray, person.person_id, "supervisor")
    return person


@pytest.fixture
def tess(services: Services, client: TestClient, footscray: Centre) -> SignedIn:
    """A specialist of Footscray."""
    person = sign_in(services, client, "Tess")
    comes_from(services, person, footscray)
    join(services, footscray, person.person_id, "specialist")
    return person


def staff(services: Services, centre: Centre) -> set[tuple[str, str]]:
    with services.runtime.database.read() as session:
        return {(each.name, each.function) for each in people.staff_of(session, centre.id)}


def test_a_manager_who_came_for_no_module_lands_at_the_centre(marc: SignedIn, footscray: Centre) -> None:
    assert marc.get("/").headers["location"] == f"{marc.root}/centre"
    assert marc.get("/centre").headers["location"] == f"{marc.root}/centre/{footscray.id}"
    page = marc.get(f"/centre/{footscray.id}")
    assert page.status_code == 200
    assert "No specialist is entered yet" in page.text


@pytest.mark.parametrize("role", ["assessor", "operator"])
def test_a_manager_with_more_to_do_lands_where_that_is(services: Services, client: TestClient, role: str) -> None:
    person = sign_in(services, client, "Ines", roles=("manager", role), teacher=True, module_key=None)
    assert not person.get("/").headers["location"].endswith("/centre")


def test_a_manager_who_came_to_learn_finds_the_way_in_the_navigation(services: Services, client: TestClient) -> None:
    ines = sign_in(services, client, "Ines", roles=("manager",))
    assert ines.get("/").headers["location"] == f"{ines.root}/module"
    assert f'href="{ines.root}/centre"' in ines.get("/module").text
    assert "/centre" not in sign_in(services, client, "Tess").get("/module").text
    both = sign_in(services, client, "Ines", roles=("manager", "assessor"))
    assert f'href="{both.root}/centre"' in both.get("/assess").text
    teacher = sign_in(services, client, "Tom", roles=("manager",), teacher=True)
    assert f'href="{teacher.root}/centre"' in teacher.get("/teaching").text


def test_a_manager_without_a_centre_learns_what_is_missing(services: Services, client: TestClient) -> None:
    ines = sign_in(services, client, "Ines", roles=("manager",))
    assert "not entered as a supervisor yet" in ines.get("/centre").text


@pytest.mark.parametrize(
    "who", ["learner", "teacher", "assessor", "operator", "supervisor without the grant", "erased from the staff"]
)
def test_nobody_else_gets_in(
    services: Services, client: TestClient, footscray: Centre, tess: SignedIn, who: str
) -> None:
    roles = {"assessor": ("assessor",), "operator": ("operator",), "erased from the staff": ("manager",)}.get(who, ())
    person = sign_in(services, client, "Eve", roles=roles, teacher=who == "teacher")
    if who == "supervisor without the grant":
        join(services, footscray, person.person_id, "supervisor")
    if who == "erased from the staff":
        member = join(services, footscray, person.person_id, "supervisor")
        with services.runtime.database.write() as session:
            people.end_membership(session, membership_id=member.membership_id, actor=OPERATOR)
    expected = 404 if "manager" in roles else 403
    refused(services, person, footscray, tess, expected)


@pytest.mark.parametrize("function", ["mentor", "specialist", "supervisor of another agency"])
def test_a_manager_of_something_else_does_not_even_learn_that_the_centre_is_there(
    services: Services, client: TestClient, footscray: Centre, eastern: Centre, tess: SignedIn, function: str
) -> None:
    eve = sign_in(services, client, "Eve", roles=("manager",))
    if function == "supervisor of another agency":
        join(services, eastern, eve.person_id, "supervisor")
        assert "Tess" not in eve.get(f"/centre/{eastern.id}").text
        assert eve.get(f"/centre/{eastern.id}/staff/{tess.person_id}").status_code == 404
        answer = eve.post(f"/centre/{eastern.id}/join", {"person": tess.person_id, "function": "specialist"})
        assert answer.status_code == 404
        assert ("Tess", "specialist") not in staff(services, eastern)
    else:
        join(services, footscray, eve.person_id, function)  # type: ignore[arg-type]
    here, nowhere = eve.get(f"/centre/{footscray.id}"), eve.get("/centre/nowhere")
    assert here.status_code == nowhere.status_code == 404
    assert "Footscray" not in here.text
    refused(services, eve, footscray, tess, 404)


def refused(services: Services, person: SignedIn, centre: Centre, other: SignedIn, status: int) -> None:
    """Every page and every form of the centre says no, and nothing is changed."""
    before = staff(services, centre)
    membership_id = next(iter(memberships(services, other.person_id)))
    at, of = f"/centre/{centre.id}", f"/centre/{centre.id}/staff/{other.person_id}"
    answers = [
        person.get(at),
        person.get(of),
        person.post(f"{at}/add", {"name": "Eve", "email": "eve@east.example", "function": "supervisor"}),
        person.post(f"{at}/join", {"person": person.person_id, "function": "supervisor"}),
        person.post(f"{of}/line", {"relation": "line_manager", "other": person.person_id}),
        person.post(f"{of}/mentors/end", {"other": person.person_id}),
        person.post(f"{at}/memberships/{membership_id}/end", {"sure": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [status] * len(answers)
    assert staff(services, centre) == before


def memberships(services: Services, person_id: str) -> list[str]:
    with services.runtime.database.read() as session:
        mine = select(MembershipRecord.id).where(MembershipRecord.person_id == person_id)
        return list(session.exec(mine.where(col(MembershipRecord.ended_at).is_(None))).all())


def test_specialists_are_shown_with_results_and_never_with_what_they_wrote(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    assert "Working on it" in marc.get(f"/centre/{footscray.id}").text
    hand_in(services, tess.person_id)
    for path in (f"/centre/{footscray.id}", f"/centre/{footscray.id}/staff/{tess.person_id}"):
        page = marc.get(path).text
        assert "Handed in" in page
        assert "Some words about it" not in page
        assert "tess@example.org" not in page


def test_what_a_specialist_is_working_on_at_another_agency_is_not_told(
    services: Services, client: TestClient, marc: SignedIn, footscray: Centre, eastern: Centre
) -> None:
    sam = sign_in(services, client, "Sam", teacher=True)
    join(services, footscray, sam.person_id, "specialist")
    with services.runtime.database.write() as session:
        module = programme.current_module(session, "M01")
        learning.enrol(session, person_id=sam.person_id, module=module, organisation_id=eastern.organisation_id)
    page = marc.get(f"/centre/{footscray.id}").text
    assert "Sam" in page
    assert "Working on it" not in page


@pytest.mark.parametrize(("days", "is_told"), [(89, True), (1, True), (91, False), (-1, False), (None, False)])
def test_badges_that_end_within_ninety_days_are_named_with_the_day(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre, days: int | None, is_told: bool
) -> None:
    ends = now() + timedelta(days=days) if days is not None else None
    Stage(services).issue(person_id=tess.person_id, shared=False)
    with services.runtime.database.write() as session:
        session.exec(sa.update(Credential).values(valid_until=ends))
    page = marc.get(f"/centre/{footscray.id}").text
    assert ("Badges that end within 90 days" in page) is is_told
    assert ("Badge ended" in page) is (days == -1)
    if ends is not None:
        assert f"{ends.day} {ends:%B %Y}" in page
    assert marc.get(f"/centre/{footscray.id}/staff/{tess.person_id}").status_code == 200


def test_a_colleague_is_entered_and_that_is_audited_in_the_managers_name(
    services: Services, marc: SignedIn, footscray: Centre
) -> None:
    form = {"name": "Cleo Doyle", "email": "Cleo@west.example", "function": "clinician"}
    answer = marc.post(f"/centre/{footscray.id}/add", form)
    assert answer.status_code == 303
    page = marc.get(answer.headers["location"].removeprefix(marc.root)).text
    assert "Your colleague is entered" in page
    assert "cleo@west.example" in page
    with services.runtime.database.read() as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.actor_id == marc.person_id, AuditEntry.action == "people.staff_added")
        ).one()
    assert entry.ids["function"] == "clinician"


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("name", {"name": " ", "email": "cleo@west.example", "function": "clinician"}),
        ("email", {"name": "Cleo", "email": "cleo", "function": "clinician"}),
        ("function", {"name": "Cleo", "email": "cleo@west.example", "function": ""}),
        ("function", {"name": "Cleo", "email": "cleo@west.example", "function": "owner"}),
    ],
)
def test_what_is_wrong_with_a_colleague_is_said_and_what_was_typed_stays(
    services: Services, marc: SignedIn, footscray: Centre, field: str, form: dict[str, str]
) -> None:
    before = staff(services, footscray)
    answer = marc.post(f"/centre/{footscray.id}/add", form)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert f'value="{form["email"]}"' in answer.text
    assert staff(services, footscray) == before


def test_entering_an_address_tells_nobody_whether_it_is_known_elsewhere(
    services: Services, client: TestClient, marc: SignedIn, footscray: Centre, eastern: Centre
) -> None:
    """The answer is the same for a stranger, a learner of another agency and its staff; each becomes a new person."""
    eve = sign_in(services, client, "Eve")
    comes_from(services, eve, eastern)
    join(services, eastern, eve.person_id, "specialist")
    with services.runtime.database.write() as session:
        people.add_staff(
            session, centre_id=eastern.id, name="Eve E", email="eve@east.example", function="mentor", actor=OPERATOR
        )
        before = set(session.exec(select(PersonRecord.id)).all())
    answers = set()
    for address in ("eve@example.org", "eve@east.example", "nobody@west.example"):
        answer = marc.post(f"/centre/{footscray.id}/add", {"name": "X", "email": address, "function": "mentor"})
        answers.add((answer.status_code, answer.headers["location"]))
    assert len(answers) == 1
    with services.runtime.database.read() as session:
        entered = {each.person_id for each in people.staff_of(session, footscray.id) if each.name == "X"}
    assert len(entered) == 3
    assert not entered & before


def test_a_person_of_the_agencys_own_lms_is_confirmed_as_staff(
    services: Services, client: TestClient, marc: SignedIn, footscray: Centre
) -> None:
    robin, stranger = sign_in(services, client, "Robin"), sign_in(services, client, "Stranger")
    comes_from(services, robin, footscray)
    page = marc.get(f"/centre/{footscray.id}").text
    assert "Robin" in page
    assert "Stranger" not in page
    assert "Robin" not in marc.get(f"/centre/{footscray.id}?find=zz").text
    assert "Robin" in marc.get(f"/centre/{footscray.id}?find=%00").text
    join_form = {"person": robin.person_id, "function": "specialist"}
    assert marc.post(f"/centre/{footscray.id}/join", join_form).status_code == 303
    assert ("Robin", "specialist") in staff(services, footscray)
    for person_id in (stranger.person_id, "nobody"):
        answer = marc.post(f"/centre/{footscray.id}/join", {"person": person_id, "function": "specialist"})
        assert answer.status_code == 404
    answer = marc.post(f"/centre/{footscray.id}/join", {"function": "specialist"})
    assert "Nobody was chosen" in marc.get(answer.headers["location"].removeprefix(marc.root)).text


def test_a_membership_ends_once_the_manager_has_said_so(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    (membership_id,) = memberships(services, tess.person_id)
    path = f"/centre/{footscray.id}/memberships/{membership_id}/end"
    answer = marc.post(path)
    assert "tick the box" in marc.get(answer.headers["location"].removeprefix(marc.root)).text
    assert ("Tess", "specialist") in staff(services, footscray)
    assert marc.post(path, {"sure": "yes"}).status_code == 303
    assert ("Tess", "specialist") not in staff(services, footscray)
    assert marc.post(path, {"sure": "yes"}).status_code == 404


def test_a_membership_of_another_centre_cannot_be_ended_from_here(
    services: Services, client: TestClient, marc: SignedIn, footscray: Centre, eastern: Centre
) -> None:
    eve = sign_in(services, client, "Eve")
    member = join(services, eastern, eve.person_id, "specialist")
    answer = marc.post(f"/centre/{footscray.id}/memberships/{member.membership_id}/end", {"sure": "yes"})
    assert answer.status_code == 404
    assert staff(services, eastern) == {("Eve", "specialist")}


def test_managers_cannot_shut_themselves_out(services: Services, marc: SignedIn, footscray: Centre) -> None:
    (membership_id,) = memberships(services, marc.person_id)
    answer = marc.post(f"/centre/{footscray.id}/memberships/{membership_id}/end", {"sure": "yes"})
    assert answer.status_code == 409
    assert marc.get(f"/centre/{footscray.id}").status_code == 200


def test_line_manager_and_mentors_are_chosen_among_the_staff(
    services: Services, client: TestClient, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    page = f"/centre/{footscray.id}/staff/{tess.person_id}"

    def relations(other_id: str) -> frozenset[people.Relation]:
        with services.runtime.database.read() as session:
            return people.relation_to(session, person_id=tess.person_id, other_id=other_id)

    marc.post(f"{page}/line", {"relation": "line_manager", "other": marc.person_id})
    marc.post(f"{page}/line", {"relation": "mentor", "other": marc.person_id})
    assert relations(marc.person_id) == {"line_manager", "mentor"}
    assert "No longer mentor" in marc.get(page).text
    marc.post(f"{page}/mentors/end", {"other": marc.person_id})
    marc.post(f"{page}/line", {"relation": "line_manager", "other": ""})
    assert relations(marc.person_id) == frozenset()
    stranger = sign_in(services, client, "Eve")
    for relation, other in (("line_manager", stranger.person_id), ("mentor", "nobody")):
        assert marc.post(f"{page}/line", {"relation": relation, "other": other}).status_code == 404
    for form in ({"relation": "friend", "other": marc.person_id}, {"relation": "mentor", "other": tess.person_id}):
        assert marc.post(f"{page}/line", form).status_code == 409


def test_a_line_manager_at_another_organisation_is_neither_named_nor_replaced(
    services: Services, client: TestClient, marc: SignedIn, tess: SignedIn, footscray: Centre, eastern: Centre
) -> None:
    eve = sign_in(services, client, "Evelyn", roles=("manager",))
    join(services, eastern, eve.person_id, "supervisor")
    with services.runtime.database.write() as session:
        for relation in ("line_manager", "mentor"):
            people.set_line(
                session, person_id=tess.person_id, other_id=eve.person_id,
                relation=relation, actor=OPERATOR,  # type: ignore[arg-type]
            )  # fmt: skip
    page = f"/centre/{footscray.id}/staff/{tess.person_id}"
    assert "Evelyn" not in marc.get(page).text
    assert "Evelyn" not in marc.get(f"/centre/{footscray.id}").text
    assert "at another organisation" in marc.get(page).text
    for other in ("", marc.person_id):
        assert marc.post(f"{page}/line", {"relation": "line_manager", "other": other}).status_code == 409
    marc.post(f"{page}/mentors/end", {"other": eve.person_id})
    with services.runtime.database.read() as session:
        held = people.relation_to(session, person_id=tess.person_id, other_id=eve.person_id)
    assert held == {"line_manager", "mentor"}


def test_the_persons_own_page_of_data_names_centre_and_manager(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    marc.post(
        f"/centre/{footscray.id}/staff/{tess.person_id}/line", {"relation": "line_manager", "other": marc.person_id}
    )
    page = tess.get("/your-data").text
    assert "Footscray centre" in page
    assert "Marc" in page
    assert "Footscray centre" not in sign_in(services, tess.client, "Eve").get("/your-data").text


def test_a_module_is_named_with_its_code_and_a_pathways_badge_by_its_title_alone() -> None:
    assert Result("M01", "What Makes IPS, IPS", "awarded").name == "M01 · What Makes IPS, IPS"
    assert Result("practitioner", "Practitioner", "awarded").name == "Practitioner"
