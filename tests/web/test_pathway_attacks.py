"""Odd addresses and forged requests at the pages about pathways, renewal, consequences and coverage."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from app.core.ids import new_id
from app.web.coverage import plain_cell
from app.wiring import Services
from tests.awards.proposing import PATHWAY, Way
from tests.web.people import SignedIn, sign_in

ODD = ("nobody", "%00", "%F0%9F%A6%98", quote("' OR 1=1 --"), "9" * 400, "%ED%A0%80", "..%2f..", "-1", new_id())
GET = (
    "/pathway/{}",
    "/assess/pathways/people/{}/practitioner",
    "/assess/pathways/people/{tess}/{}",
    "/assess/pathways/people/{tess}/{}/conversation",
    "/assess/pathways/proposals/{}",
    "/assess/consequences/{}",
    "/centre/{}/coverage",
    "/centre/{}/coverage.csv",
    "/badges/{}/renew",
)
POST = (
    "/pathway/{}/ask/managers-support",
    "/pathway/mentor/ask/{}",
    "/pathway/mentor/ask/{}/undo",
    "/assess/pathways/people/{}/practitioner/conversation",
    "/assess/pathways/people/{tess}/{}/conversation",
    "/assess/pathways/people/{}/practitioner/recognise",
    "/assess/pathways/people/{tess}/{}/recognise",
    "/assess/pathways/people/{tess}/practitioner/recognitions/{}/withdraw",
    "/assess/pathways/proposals/{}/award",
    "/assess/pathways/proposals/{}/decline",
    "/assess/pathways/proposals/{}/again",
    "/assess/consequences/{}",
    "/centre/requests/{}/give",
    "/centre/requests/{}/decline",
    "/centre/requests/{}/withdraw",
    "/badges/{}/renew",
)


@pytest.fixture
def priya(services: Services, client: TestClient) -> SignedIn:
    """Who may do everything that anybody may."""
    return sign_in(services, client, "Priya Raman", roles=("assessor", "manager"), teacher=True)


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


def test_an_odd_address_is_not_found_and_never_an_error_of_the_server(priya: SignedIn, tess: SignedIn) -> None:
    for address in GET:
        for odd in ODD:
            answer = priya.get(address.replace("{tess}", tess.person_id).replace("{}", odd))
            assert answer.status_code in (400, 403, 404, 422), (address, odd, answer.status_code)


def test_an_odd_address_changes_nothing_and_neither_does_a_request_without_the_pages_token(
    priya: SignedIn, tess: SignedIn
) -> None:
    form = {"decision": "dismiss", "reason": "A reason.", "comment": "x", "sure": "yes", "step": "held:M01", "way": "0"}
    for address in (each.replace("{tess}", tess.person_id) for each in POST):
        for odd in ODD:
            answer = priya.post(address.replace("{}", odd), form, follow_redirects=False)
            assert answer.status_code in (400, 403, 404, 409, 422), (address, odd, answer.status_code)
        path = address.replace("{}", new_id())
        assert priya.post(path, form | {"csrf": "x"}, follow_redirects=False).status_code == 403, address
        assert priya.client.delete(priya.root + path, headers={"Cookie": priya.cookie}).status_code in (403, 404, 405)


def test_a_renewal_that_was_not_begun_has_no_pages_whatever_module_its_address_names(tess: SignedIn) -> None:
    for key in ("", "M01", "M99", "m01", "%00", "M01~M02", "~", "..", "%F0%9F%A6%98", "X" * 300):
        for page in ("/module", "/activity/knowledge-check", "/hand-in"):
            answer = tess.client.get(f"{tess.root}~{key}{page}", headers={"Cookie": tess.cookie, "Accept": "text/html"})
            assert answer.status_code in (400, 401, 403, 404), (key, page, answer.status_code)


def test_a_conversation_on_a_day_that_no_calendar_has_is_asked_for_again(
    services: Services, priya: SignedIn, tess: SignedIn
) -> None:
    way = Way(services, tess.person_id, priya.person_id)
    way.earn(way.below())
    address = f"/assess/pathways/people/{tess.person_id}/{PATHWAY}/conversation"
    for day in ("0001-01-01", "9999-12-31", "2026-02-30", "２０２６-01-01", "1" * 500, "2026-W01-1"):
        answer = priya.post(address, {"held_on": day, "sure": "yes"}, follow_redirects=False)
        assert answer.status_code == 422, day


def test_steps_that_do_not_exist_are_not_recognised(priya: SignedIn, tess: SignedIn) -> None:
    address = f"/assess/pathways/people/{tess.person_id}/{PATHWAY}/recognise"
    for step in (
        "",
        "held:practitioner",
        "held:X1",
        "conversation:practice-conversation",
        "group:",
        ":",
        "held",
        "🦘:🦘",
    ):
        for everywhere in ("", "yes"):
            answer = priya.post(
                address, {"step": step, "reason": "A friend.", "everywhere": everywhere}, follow_redirects=False
            )
            if (step, everywhere) == ("held:practitioner", "yes"):
                continue  # the pathways beyond ask for it
            assert answer.status_code in (400, 404, 409, 422), (step, answer.status_code)


@pytest.mark.parametrize("name", ["=1+1", " =1+1", "\t@SUM(A1)", "\u3000＝1+1", "－1", "\r\n+1"])
def test_no_name_is_a_formula_in_the_centres_table(name: str) -> None:
    assert plain_cell(name).startswith("'")


def test_a_name_that_is_none_stays_as_it_is() -> None:
    assert [plain_cell(each) for each in ("Ngọc-Ánh Đặng", "")] == ["Ngọc-Ánh Đặng", ""]
