"""LMS connections in the hands of an operator, and of nobody else."""

from __future__ import annotations

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR, AuditEntry
from app.lti import registrations
from app.lti.models import LtiDeployment, LtiRegistration
from app.lti.registrations import PlatformDetails
from app.wiring import Services
from tests.web.people import LAUNCH, SignedIn, sign_in


@pytest.fixture
def olga(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Olga", teacher=True, roles=("operator",))


@pytest.fixture
def asking(services: Services) -> str:
    """Another LMS that nobody has let in; its id."""
    lms = "https://other.example"
    details = PlatformDetails(lms, "client-9", f"{lms}/auth", f"{lms}/token", f"{lms}/jwks", name="Other LMS")
    with services.runtime.database.write() as session:
        return registrations.add_registration(session, details, deployment="first").id


def state_of(services: Services, registration_id: str) -> tuple[str, dict[str, str]]:
    with services.runtime.database.read() as session:
        row = session.get_one(LtiRegistration, registration_id)
        places = {each.platform_deployment_id: each.state for each in registrations.deployments(session, row.id)}
        return row.state, places


def deployment(services: Services, registration_id: str, name: str) -> str:
    with services.runtime.database.read() as session:
        return registrations.find_deployment(session, registration_id, name).id


def test_an_operator_lands_on_the_connections_those_that_wait_first(olga: SignedIn, asking: str) -> None:
    assert olga.get("/").headers["location"] == f"{olga.root}/platforms"
    page = olga.get("/platforms").text
    assert 0 < page.index("Other LMS") < page.index("A course platform")
    assert asking in page


def test_approving_lets_the_lms_in_and_is_audited_in_the_operators_name(
    services: Services, olga: SignedIn, asking: str
) -> None:
    answer = olga.post(f"/platforms/{asking}/approve")
    assert answer.status_code == 303
    assert "is let in" in olga.get(answer.headers["location"].removeprefix(olga.root)).text
    assert state_of(services, asking) == ("active", {"first": "active"})
    with services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == asking)).all()
    told = [(entry.action, entry.actor_id) for entry in entries]
    assert sorted(told) == [("lti.platform_added", OPERATOR.id), ("lti.platform_approved", olga.person_id)]


def test_a_deployment_that_asked_is_let_in_and_switched_off_again(services: Services, olga: SignedIn) -> None:
    own = LAUNCH.registration_id
    registrations.note_unknown_deployment(services.runtime.database, own, "new-place")
    assert "1 deployment waits" in olga.get("/platforms").text
    place = deployment(services, own, "new-place")
    for change, state in (("approve", "active"), ("disable", "disabled"), ("approve", "active")):
        olga.post(f"/platforms/{own}/deployments/{place}/{change}")
        assert state_of(services, own)[1]["new-place"] == state


def test_switching_off_asks_whether_one_is_sure(services: Services, olga: SignedIn, asking: str) -> None:
    olga.post(f"/platforms/{asking}/approve")
    answer = olga.post(f"/platforms/{asking}/remove")
    assert "tick the box" in olga.get(answer.headers["location"].removeprefix(olga.root)).text
    assert state_of(services, asking)[0] == "active"
    olga.post(f"/platforms/{asking}/remove", {"sure": "yes"})
    assert state_of(services, asking)[0] == "disabled"


def test_switching_off_the_own_lms_ends_the_session(services: Services, olga: SignedIn) -> None:
    olga.post(f"/platforms/{LAUNCH.registration_id}/remove", {"sure": "yes"})
    assert olga.get("/platforms").status_code == 401


@pytest.mark.parametrize("roles", [(), ("assessor",), ("manager",)])
def test_without_the_grant_nothing_is_shown_or_changed(
    services: Services, client: TestClient, asking: str, roles: tuple[str, ...]
) -> None:
    ali = sign_in(services, client, "Ali", teacher=True, roles=roles)
    for path in ("/platforms", f"/platforms/{asking}"):
        page = ali.get(path)
        assert page.status_code == 403
        assert "Other LMS" not in page.text
        assert f'href="{ali.root}/"' in page.text, "the way back"
    for change in ("approve", "remove", "check"):
        assert ali.post(f"/platforms/{asking}/{change}", {"sure": "yes"}).status_code == 403
    assert state_of(services, asking) == ("pending", {"first": "pending"})


def test_an_assessor_who_is_an_operator_too_finds_the_connections(services: Services, client: TestClient) -> None:
    olga = sign_in(services, client, "Olga", roles=("operator", "assessor"))
    assert f'href="{olga.root}/platforms"' in olga.get("/assess").text
    priya = sign_in(services, client, "Priya", roles=("assessor",))
    assert "/platforms" not in priya.get("/assess").text


def test_a_form_of_another_site_changes_nothing(services: Services, olga: SignedIn, asking: str) -> None:
    answer = olga.post(f"/platforms/{asking}/approve", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert state_of(services, asking)[0] == "pending"


@pytest.mark.parametrize("path", ["nobody", "nobody/approve", "nobody/check", "nobody/deployments/x/approve"])
def test_what_is_not_there_is_said_so(olga: SignedIn, path: str) -> None:
    answer = olga.post(f"/platforms/{path}") if "/" in path else olga.get(f"/platforms/{path}")
    assert answer.status_code == 404


def test_a_check_shows_red_with_the_reason_and_the_mend(olga: SignedIn, asking: str) -> None:
    page = olga.post(f"/platforms/{asking}/check")
    assert page.status_code == 200
    assert "Not working" in page.text
    assert "To mend it:" in page.text


def test_a_deployment_of_a_pending_lms_waits_for_the_lms(services: Services, olga: SignedIn, asking: str) -> None:
    place = deployment(services, asking, "first")
    assert olga.post(f"/platforms/{asking}/deployments/{place}/approve").status_code == 400
    with services.runtime.database.read() as session:
        assert session.get_one(LtiDeployment, place).state == "pending"
