"""People by API: found by an address in a body, and where they stand; badges that wait for their holder."""

from __future__ import annotations

from collections.abc import Callable

from app.core.audit import OPERATOR
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.learning import service as learning
from app.people import erasing
from app.people import service as people
from app.programme import service as programme
from app.wiring import Services, build_worker, personal_data
from tests.api.awarding import EMAIL, Api, award, confirmed_person, slug


def test_whoever_confirmed_an_address_is_found_by_it(services: Services, api: Api) -> None:
    person_id = confirmed_person(services, EMAIL)
    answer = api.post("/people/search", {"email": f" {EMAIL.upper()}"})
    assert answer.json() == {"items": [{"id": person_id, "address": "confirmed"}], "next_cursor": None}
    assert api.post("/people/search", {"email": "nobody@example.org"}).json()["items"] == []


def test_an_address_that_only_an_lms_told_is_marked_as_such(services: Services, api: Api) -> None:
    with services.runtime.database.write() as session:
        told = people.person_for_lms_identity(
            session, registration_id="r", subject="s", name=None, email=EMAIL, organisation_id=None
        )
    assert api.post("/people/search", {"email": EMAIL}).json()["items"] == [{"id": told.id, "address": "told"}]


def test_a_search_that_is_no_address_is_refused_without_repeating_it(api: Api) -> None:
    answer = api.post("/people/search", {"email": "what i typed"})
    assert (answer.status_code, slug(answer)) == (400, "members-refused")
    assert "what i typed" not in answer.text


def test_progress_has_modules_in_a_word_and_badges(services: Services, api: Api, entered: Callable[..., Api]) -> None:
    person_id = confirmed_person(services, EMAIL)
    with services.runtime.database.write() as session:
        module = programme.current_module(session, "M02")
        learning.enrol(session, person_id=person_id, module=module, organisation_id=None)
    badge = api.issue().json()["id"]
    answer = api.get(f"/people/{person_id}/progress").json()
    assert answer["modules"] == [{"achievement": "M02", "state": "working"}]
    assert [(each["id"], each["status"]) for each in answer["badges"]] == [(badge, "issued")]
    limited = entered(achievements={"M02"}).get(f"/people/{person_id}/progress").json()
    assert (len(limited["modules"]), limited["badges"]) == (1, [])
    assert slug(api.get("/people/00000000-0000-4000-8000-000000000000/progress")) == "person-not-found"


def test_people_take_a_scope_of_their_own(services: Services, entered: Callable[..., Api]) -> None:
    other = entered("credentials:read", "audit:read")
    person_id = confirmed_person(services, EMAIL)
    assert other.get(f"/people/{person_id}/progress").status_code == 403
    assert other.post("/people/search", {"email": EMAIL}).status_code == 403


def test_a_badge_waits_for_its_holder_to_confirm_the_address(services: Services, api: Api) -> None:
    badge = api.issue().json()["id"]
    other = api.issue("2", award(recipient={"email": "other@example.org"})).json()["id"]
    person_id = confirmed_person(services, EMAIL)
    build_worker(services).run_until_idle()
    with services.runtime.database.read() as session:
        assert [each.id for each in issuer.credentials_of(session, person_id)] == [badge]
        assert session.get_one(Credential, badge).current_version == 1  # it named that address from the start
        assert session.get_one(Credential, other).person_id is None


def test_an_erased_person_takes_the_badges_of_the_api_along(services: Services, api: Api) -> None:
    badge = api.issue("1", award(achievement="M02", override={"reason": "Tess was in Bendigo"})).json()["id"]
    person_id = confirmed_person(services, EMAIL)
    build_worker(services).run_until_idle()
    runtime = services.runtime
    erasing.erase_person(runtime.database, personal_data(runtime), person_id, reason="on request", actor=OPERATOR)
    assert slug(api.get(f"/credentials/{badge}")) == "badge-erased"
    assert slug(api.issue("1", award(achievement="M02", override={"reason": "Tess was in Bendigo"}))) == "badge-erased"
    assert api.get("/overrides").json()["items"] == []
    assert api.get(f"/people/{person_id}/progress").status_code == 404
    assert api.post("/people/search", {"email": EMAIL}).json()["items"] == []
