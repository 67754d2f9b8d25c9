"""“Your data”, from a launch: what is kept, a copy of everything, and the notice that is closed once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.people import notice
from app.people import service as people
from app.wiring import Services
from tests.web.people import SignedIn, sign_in


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


def test_every_page_of_a_learner_leads_to_their_data(tess: SignedIn) -> None:
    for path in ("/module", "/modules", "/hand-in", "/badges", "/your-data"):
        assert f'href="{tess.root}/your-data"' in tess.get(path).text, path


def test_the_page_says_what_is_known_and_how_to_correct_and_erase_it(tess: SignedIn) -> None:
    answer = tess.get("/your-data")
    assert answer.headers["cache-control"] == "no-store"
    for words in ("Tess Nguyen", "tess nguyen@example.org", "8 hours", "Have them corrected there", "Have it erased",
                  "A named person decides", "Ask the people who run your LMS"):  # fmt: skip
        assert words in answer.text, words


def test_whom_to_ask_is_the_operators_contact_or_else_the_agency(services: Services, client: TestClient) -> None:
    with services.runtime.database.write() as session:
        agency = people.ensure_organisation(session, key="hn", name="Harbour & North")
    tess = sign_in(services, client, "Tess Nguyen", organisation_id=agency.id)
    assert "whoever runs learning at Harbour &amp; North" in tess.get("/your-data").text
    runtime = services.runtime
    settings = runtime.settings.model_copy(update={"contact_email": "privacy@example.org"})
    with_contact = Services(runtime=replace(runtime, settings=settings), verifier=services.verifier)
    with TestClient(create_app(services=with_contact), base_url=settings.base_url) as other:
        page = replace(tess, client=other).get("/your-data").text
    assert 'href="mailto:privacy@example.org"' in page


@pytest.mark.parametrize(
    ("months", "told"),
    [(12, "12 months after the decision"), (1, "1 month after the decision"), (0, "Drafts, answers,")],
)
def test_the_page_says_how_long_texts_are_kept_by_the_setting(
    services: Services, tess: SignedIn, months: int, told: str
) -> None:
    runtime = services.runtime
    settings = runtime.settings.model_copy(update={"evidence_months": months})
    other_house = Services(runtime=replace(runtime, settings=settings), verifier=services.verifier)
    with TestClient(create_app(services=other_house), base_url=settings.base_url) as other:
        page = replace(tess, client=other).get("/your-data").text
    assert told in page
    assert ("after the decision" in page) == bool(months)


def test_the_download_is_a_file_with_ones_own_data_only(services: Services, client: TestClient, tess: SignedIn) -> None:
    sign_in(services, client, "Robin Okafor")
    answer = tess.get("/your-data/everything.json")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="waymark-my-data-')
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert document["person_id"] == tess.person_id
    assert document["sections"]["people.lms_identities"]["records"][0]["name"] == "Tess Nguyen"
    assert "Robin" not in answer.text


def test_nobody_else_gets_it(services: Services, client: TestClient, tess: SignedIn) -> None:
    robin = sign_in(services, client, "Robin Okafor")
    for path in ("/your-data", "/your-data/everything.json"):
        assert replace(robin, root=tess.root).get(path).status_code == 401
        assert client.get(tess.root + path).status_code == 401


def test_the_notice_hinders_nothing_and_is_shown_until_it_is_closed(services: Services, tess: SignedIn) -> None:
    for _ in range(2):
        page = tess.get("/module").text
        assert "Your data in Waymark" in page
        assert "Got it" in page
    assert tess.get("/hand-in").status_code == 200
    closed = tess.post("/your-data/notice", {"version": notice.NOTICE_VERSION})
    assert (closed.status_code, closed.headers["location"]) == (303, f"{tess.root}/module")
    assert "Got it" not in tess.get("/module").text
    assert tess.post("/your-data/notice", {"version": notice.NOTICE_VERSION}).status_code == 303
    records = tess.get("/your-data/everything.json").json()["sections"]["people.notices"]["records"]
    assert [record["version"] for record in records] == [notice.NOTICE_VERSION]


def test_a_new_version_of_the_notice_is_shown_again(tess: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    old = notice.NOTICE_VERSION
    tess.post("/your-data/notice", {"version": old})
    monkeypatch.setattr(notice, "NOTICE_VERSION", "next")
    tess.post("/your-data/notice", {"version": old})  # from a page that was open all the time
    assert "Got it" in tess.get("/module").text
    tess.post("/your-data/notice", {"version": "next"})
    assert "Got it" not in tess.get("/module").text


def test_only_a_form_of_ones_own_closes_it(tess: SignedIn) -> None:
    assert tess.post("/your-data/notice", {"csrf": "x", "version": notice.NOTICE_VERSION}).status_code == 403
    assert "Got it" in tess.get("/module").text
