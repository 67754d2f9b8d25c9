"""Links to one badge, made with the link of its award mail: opened by a stranger, and ended by either holder's page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.issuer import service as issuer
from app.wiring import Services
from tests.web.people import SignedIn, sign_in
from tests.web.test_holder import award

HTML = {"Accept": "text/html"}
BASE = "http://tool.localhost:8000"


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


@pytest.fixture
def badge(services: Services, tess: SignedIn) -> str:
    return award(services, tess.person_id)


@pytest.fixture
def claim(services: Services, badge: str) -> str:
    """The path of the mail's link."""
    return issuer.claim_url(services.runtime.secret_box, "", badge)


def seen(client: TestClient, path: str) -> Any:
    return client.get(path, headers=HTML)


def make(client: TestClient, claim: str, days: str = "30", **headers: str) -> Any:
    return client.post(f"{claim}/links", data={"days": days}, headers=HTML | headers)


def made(client: TestClient, claim: str) -> str:
    """The path of a new link."""
    answer = make(client, claim)
    assert answer.status_code == 303, answer.text
    page = seen(client, answer.headers["location"]).text
    assert "Your link is ready" in page
    (address,) = re.findall(r'links__new">.*?value="([^"]+)"', page, re.DOTALL)
    return str(address).removeprefix(BASE)


def test_whoever_has_the_mail_makes_a_link_that_a_stranger_opens(client: TestClient, claim: str, badge: str) -> None:
    page = seen(client, claim).text
    assert f'href="{claim}/links"' in page
    link = made(client, claim)
    assert "Valid" in seen(client, link).text
    assert seen(client, f"{link}/1").status_code == 200
    assert seen(client, f"/credentials/{badge}").status_code == 404, "its own address stays closed"
    assert "a link that you made" in seen(client, claim).text


def test_a_badge_without_a_person_of_ours_is_shown_by_link_too(services: Services, client: TestClient) -> None:
    claim = issuer.claim_url(services.runtime.secret_box, "", award(services, None))
    assert seen(client, made(client, claim)).status_code == 200


def test_it_ends_for_good_where_it_was_made(client: TestClient, claim: str) -> None:
    link = made(client, claim)
    (action,) = re.findall(r'action="([^"]+/end)"', seen(client, f"{claim}/links").text)
    answer = client.post(action, headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{claim}/links?ended=1")
    page = seen(client, answer.headers["location"]).text
    assert "The link has ended" in page
    assert "You ended it on" in page
    assert seen(client, link).status_code == 410


def test_its_holder_signed_in_is_told_how_it_was_made_and_ends_it(
    client: TestClient, tess: SignedIn, claim: str
) -> None:
    link = made(client, claim)
    page = tess.get("/badges/links").text
    assert link in page
    assert "with the link in the mail about this badge. If that was not you, end it" in page
    (action,) = re.findall(r'action="[^"]*(/badges/links/[^"]+/end)"', page)
    assert tess.post(action).status_code == 303
    assert seen(client, link).status_code == 410


def test_the_mail_of_one_badge_tells_nothing_of_another_badge_or_its_links(
    services: Services, client: TestClient, tess: SignedIn, claim: str, badge: str
) -> None:
    other = award(services, tess.person_id, "decision:2")
    tess.post("/badges/links", {f"badge-{badge}": "yes", f"badge-{other}": "yes", "days": "30"})
    other_claim = issuer.claim_url(services.runtime.secret_box, "", other)
    by_other = made(client, other_claim)
    page = seen(client, f"{claim}/links").text
    assert "/s/" not in page
    assert other not in page
    (action,) = re.findall(r'action="[^"]*(/links/[^"]+/end)"', seen(client, f"{other_claim}/links").text)
    assert client.post(f"{claim}{action}", headers=HTML).status_code == 404
    assert seen(client, by_other).status_code == 200


def test_a_token_that_is_not_the_mails_makes_sees_and_ends_nothing(client: TestClient, badge: str) -> None:
    wrong = f"/claim/{badge}.{'A' * 43}"
    assert seen(client, f"{wrong}/links").status_code == 404
    assert make(client, wrong).status_code == 404
    assert client.post(f"{wrong}/links/{badge}/end", headers=HTML).status_code == 404


def test_another_site_cannot_make_or_end_one_and_no_cache_keeps_the_page(client: TestClient, claim: str) -> None:
    foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert make(client, claim, **foreign).status_code == 403
    made(client, claim)
    (action,) = re.findall(r'action="([^"]+/end)"', seen(client, f"{claim}/links").text)
    assert client.post(action, headers=HTML | foreign).status_code == 403
    page = seen(client, f"{claim}/links")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] in ("no-referrer", "same-origin", "strict-origin", "origin")


@pytest.mark.parametrize("days", ["", "8", "-7", "9999999999", "x", "1e1"])
def test_another_time_is_refused_on_the_page_and_no_link_is_made(client: TestClient, claim: str, days: str) -> None:
    answer = make(client, claim, days)
    assert answer.status_code == 400
    assert "No link was made" in answer.text
    assert "/s/" not in seen(client, f"{claim}/links").text


def test_the_eleventh_link_is_refused_with_what_to_do(client: TestClient, claim: str) -> None:
    for _ in range(10):
        assert make(client, claim).status_code == 303
    answer = make(client, claim)
    assert answer.status_code == 409
    assert "End one that you no longer need" in answer.text
