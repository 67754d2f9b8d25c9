"""Links to some of my badges: made and ended by their holder, opened by a stranger, and closed for good when over."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.models import CredentialVersion
from app.vc.baking import unbake_png, unbake_svg
from app.wiring import Services
from tests.web.people import SignedIn, sign_in
from tests.web.test_holder import award

HTML = {"Accept": "text/html"}
BASE = "http://tool.localhost:8000"
FILES = ("json", "jwt", "png", "svg")


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


@pytest.fixture
def badges(services: Services, tess: SignedIn) -> list[str]:
    """Three badges of Tess, none of them shared."""
    return [award(services, tess.person_id, f"decision:{number}") for number in range(3)]


def make(holder: SignedIn, *badge_ids: str, days: str = "30") -> Any:
    return holder.post("/badges/links", {f"badge-{each}": "yes" for each in badge_ids} | {"days": days})


def made(holder: SignedIn, *badge_ids: str, days: str = "30") -> str:
    """The path of a new link."""
    answer = make(holder, *badge_ids, days=days)
    assert answer.status_code == 303, answer.text
    page = holder.get(answer.headers["location"].removeprefix(holder.root)).text
    assert "Your link is ready" in page
    (address,) = re.findall(r'links__new">.*?value="([^"]+)"', page, re.DOTALL)
    assert address.startswith(f"{BASE}/s/")
    return str(address.removeprefix(BASE))


def seen(client: TestClient, path: str) -> Any:
    return client.get(path, headers=HTML)


def end_first(holder: SignedIn) -> None:
    (action, *_) = re.findall(r'action="[^"]*(/badges/links/[^"]+/end)"', holder.get("/badges/links").text)
    answer = holder.post(action)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{holder.root}/badges/links?ended=1")


def test_a_supervisor_gets_three_badges_at_once_each_with_its_verdict_now(
    services: Services, client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    runtime = services.runtime
    link = made(tess, *badges)
    page = seen(client, link).text
    assert "All 3 badges are valid" in page
    assert "awarded to one person" in page
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        credential_id=badges[1], reason="a test", actor=OPERATOR,
    )  # fmt: skip
    page = seen(client, link).text
    assert "2 of 3 badges are valid" in page
    assert page.count("Revoked: do not rely on it") == 1


def test_a_link_opens_what_it_shows_and_leaves_the_badges_own_address_closed(
    client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, badges[0])
    assert seen(client, link).status_code == 200
    assert seen(client, f"{link}/1").status_code == 200
    for suffix in FILES:
        assert client.get(f"{link}/1/badge.{suffix}").status_code == 200
    for badge_id in badges:
        for end in ("", *(f".{suffix}" for suffix in FILES), "/v1.json"):
            assert seen(client, f"/credentials/{badge_id}{end}").status_code == 404
    for other in ("/0", "/2", "/999999999", "/x", "/1/badge.exe", "/2/badge.json", "/-1"):
        assert seen(client, f"{link}{other}").status_code == 404


def test_the_files_are_the_badge_as_signed(
    services: Services, client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, badges[2])
    with services.runtime.database.read() as session:
        stored = session.get_one(CredentialVersion, (badges[2], 1))
    files = {suffix: client.get(f"{link}/1/badge.{suffix}").content for suffix in FILES}
    assert files["json"] == unbake_png(files["png"]) == unbake_svg(files["svg"]) == stored.document
    assert files["jwt"] == stored.jwt.encode()


def test_a_badge_by_a_link_says_what_the_badge_page_says(client: TestClient, tess: SignedIn, badges: list[str]) -> None:
    page = seen(client, f"{made(tess, badges[0])}/1").text
    for words in ("Valid", "Who issued it", "Who holds it", "What it took", "Competencies", "How we checked"):
        assert words in page
    assert "by links like yours only" in page
    tess.post(f"/badges/{badges[1]}/share", {"shared": "yes"})
    assert f"{BASE}/credentials/{badges[1]}" in seen(client, f"{made(tess, badges[1])}/1").text


def test_a_chosen_name_is_on_the_page_and_no_name_else(
    services: Services, client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, *badges)
    assert "Nguyen" not in seen(client, link).text
    tess.post(f"/badges/{badges[0]}/name", {"name": "Tess Nguyen"})
    assert seen(client, link).text.count("Tess Nguyen") == 1
    pages = [seen(client, f"{link}/{number}").text for number in (1, 2, 3)]
    assert sum("Nguyen" in page for page in pages) == 1


def test_an_e_mail_address_can_be_compared_and_is_not_kept(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    bound = award(services, tess.person_id, "bound", recipient_email="tess@example.org")
    link = made(tess, bound)
    for typed, words in (("tess@example.org", "Yes: this"), ("sam@example.org", "No: this"), (" ", "Type an e-mail")):
        answer = client.post(f"{link}/1/holder", data={"email": typed}, headers=HTML)
        assert words in answer.text
        assert "@example.org" not in answer.text
    assert client.get(f"{link}/1/holder", headers=HTML).headers["location"] == f"{link}/1"


def closed(client: TestClient, link: str) -> tuple[set[int], str]:
    """The statuses of a link's pages and files, and what its page says."""
    pages = [seen(client, f"{link}{end}") for end in ("", "/1", "/1/badge.json", "/1/badge.png")]
    pages.append(client.post(f"{link}/1/holder", data={"email": "x@example.org"}, headers=HTML))
    return {page.status_code for page in pages}, pages[0].text


def test_over_ended_and_unknown_links_show_one_page_that_tells_nothing(
    client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    ended, short = made(tess, badges[0]), made(tess, badges[1], days="7")
    end_first(tess)
    end_first(tess)
    over = made(tess, badges[2], days="7")
    texts = []
    for link in (ended, short):
        statuses, text = closed(client, link)
        assert statuses == {410}
        texts.append(text)
    with time_machine.travel(now() + timedelta(days=8)):
        statuses, text = closed(client, over)
    assert statuses == {410}
    for unknown in ("/s/" + "x" * 43, "/s/%20", f"{over}x"):
        statuses, text_of_none = closed(client, unknown)
        assert statuses == {404}
        texts.append(text_of_none)
    assert set(texts) == {text}
    assert "This link shows nothing" in text
    assert "What Makes IPS" not in text


def test_a_closed_links_file_is_refused_in_words_a_program_reads(
    client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, badges[0])
    end_first(tess)
    answer = client.get(f"{link}/1/badge.json")
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["type"] == "urn:waymark:error:share-link-over"
    assert link not in answer.text


def test_nothing_of_a_link_is_kept_by_caches_or_search_engines_or_handed_to_other_sites(
    client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, *badges)
    for path in (link, f"{link}/1", f"{link}/1/badge.json", "/s/nothing"):
        answer = seen(client, path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "access-control-allow-origin" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for page in (seen(client, link).text, seen(client, f"{link}/1").text):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
        assert page.count("<h1") == 1
        assert not re.search(r'property="og:', page), "a preview would be kept by whoever made it"


def test_choosing_nothing_says_so_and_keeps_the_lifetime(tess: SignedIn, badges: list[str]) -> None:
    answer = make(tess, days="90")
    assert answer.status_code == 400
    assert "Choose at least one badge" in answer.text
    assert re.search(r'value="90" checked', answer.text)
    assert 'href="#f-badge-first"' in answer.text
    assert 'id="f-badge-first"' in answer.text


@pytest.mark.parametrize("days", ["", "0", "31", "-30", "9999999999", "thirty", "٣٠"])
def test_a_lifetime_that_is_not_offered_is_refused_and_the_choice_kept(
    tess: SignedIn, badges: list[str], days: str
) -> None:
    answer = make(tess, badges[1], days=days)
    assert answer.status_code == 400
    assert "Choose one of these" in answer.text
    assert re.search(rf'name="badge-{badges[1]}" value="yes" checked', answer.text)


def test_thirty_days_are_chosen_unless_i_choose_otherwise_and_a_badge_can_bring_itself(
    tess: SignedIn, badges: list[str]
) -> None:
    page = tess.get(f"/badges/links?badge={badges[2]}").text
    assert re.search(r'value="30" checked', page)
    assert re.search(rf'name="badge-{badges[2]}" value="yes" checked', page)
    assert page.count(" checked") == 2


def test_somebody_elses_badge_is_not_put_behind_my_link(
    services: Services, client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    mallory = sign_in(services, client, "Mallory")
    assert make(mallory, badges[0]).status_code == 400
    own = award(services, mallory.person_id, "own")
    page = seen(client, made(mallory, own, badges[0])).text
    assert page.count('class="card ') == 1


def test_somebody_else_neither_sees_nor_ends_my_link(
    services: Services, client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, badges[0])
    (action,) = re.findall(r'action="[^"]*(/badges/links/[^"]+/end)"', tess.get("/badges/links").text)
    mallory = sign_in(services, client, "Mallory")
    assert link not in mallory.get("/badges/links").text
    assert mallory.post(action).status_code == 404
    assert tess.post(action, {"csrf": "made up"}).status_code == 403
    assert seen(client, link).status_code == 200


def test_my_pages_say_who_can_see_a_badge_that_only_a_link_shows(
    client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    made(tess, badges[0], badges[1])
    made(tess, badges[0])
    listed = tess.get("/badges").text
    assert listed.count("Shown by link") == 2
    assert "Only people with one of 2 links of yours can see it" in listed
    assert "2 links work" in listed
    assert "one of 2 links that you made" in tess.get(f"/badges/{badges[0]}").text
    end_first(tess)
    end_first(tess)
    assert "Shown by link" not in tess.get("/badges").text
    page = tess.get("/badges/links").text
    assert "Links that are over (2)" in page
    assert "/s/" not in page


def test_hiding_a_badge_says_that_its_links_still_work(client: TestClient, tess: SignedIn, badges: list[str]) -> None:
    link = made(tess, badges[0])
    tess.post(f"/badges/{badges[0]}/share", {"shared": "yes"})
    assert "The link that you made to it still works" in tess.get(f"/badges/{badges[0]}").text
    tess.post(f"/badges/{badges[0]}/share", {"shared": "no"})
    assert seen(client, link).status_code == 200


def test_a_badge_changed_in_the_store_shows_nothing_of_its_content(
    services: Services, client: TestClient, tess: SignedIn, badges: list[str]
) -> None:
    link = made(tess, badges[0])
    with services.runtime.database.write() as session:
        row = session.get_one(CredentialVersion, (badges[0], 1))
        document = json.loads(row.document)
        document["name"] = document["credentialSubject"]["achievement"]["name"] = "Chief Surgeon"
        row.document = json.dumps(document).encode()
    for path in (link, f"{link}/1"):
        page = seen(client, path).text
        assert "Not valid" in page
        assert "Chief Surgeon" not in page
