"""The holder's pages: nothing is seen by others until the holder shares, and a code proves an address."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.issuer import service as issuer
from app.people import service as people
from app.vc.baking import unbake_png
from app.wiring import Services
from tests.web.people import SignedIn, sign_in

from .conftest import EMAIL, Story


@pytest.fixture
def tess(services: Services, client: TestClient, story: Story) -> SignedIn:
    signed_in = sign_in(services, client, "Tess")
    assert signed_in.person_id == story.tess
    return signed_in


@pytest.fixture
def awarded(story: Story) -> str:
    """The id of Tess's badge."""
    story.decide()
    story.work()
    return story.badge().id


def code_sent_to(services: Services, person_id: str) -> str:
    runtime = services.runtime
    with runtime.database.read() as session:
        pending = people.pending_confirmation(session, person_id)
        assert pending is not None
        return people.confirmation_mail(session, runtime.secret_box, pending.id).code


def public(client: TestClient, badge: str) -> list[int]:
    paths = ["", ".json", ".jwt", ".png", ".svg", "/v1.json"]
    return [client.get(f"/credentials/{badge}{end}", headers={"Accept": "text/html"}).status_code for end in paths]


def test_without_a_badge_the_page_says_how_one_comes(tess: SignedIn) -> None:
    page = tess.get("/badges")
    assert page.status_code == 200
    assert "No badges yet" in page.text
    assert "assessor" in page.text


def test_a_badge_is_private_until_its_holder_shares_it_and_again_when_hidden(
    tess: SignedIn, client: TestClient, awarded: str
) -> None:
    assert "Private" in tess.get("/badges").text
    assert public(client, awarded) == [404] * 6
    shared = tess.post(f"/badges/{awarded}/share", {"shared": "yes"})
    assert (shared.status_code, shared.headers["location"]) == (303, f"{tess.root}/badges/{awarded}?changed=shared")
    page = tess.get(f"/badges/{awarded}?changed=shared").text
    assert f"http://tool.localhost:8000/credentials/{awarded}" in page
    assert public(client, awarded) == [200] * 6
    tess.post(f"/badges/{awarded}/share", {"shared": "no"})
    assert public(client, awarded) == [404] * 6


def test_sharing_says_beforehand_what_strangers_see_and_do_not(tess: SignedIn, awarded: str) -> None:
    page = tess.get(f"/badges/{awarded}").text
    assert "They do not see" in page
    assert "Share this badge" in page


def test_nobody_else_sees_or_shares_my_badge(
    services: Services, client: TestClient, tess: SignedIn, awarded: str
) -> None:
    mallory = sign_in(services, client, "Mallory")
    assert mallory.get(f"/badges/{awarded}").status_code == 404
    assert mallory.post(f"/badges/{awarded}/share", {"shared": "yes"}).status_code == 404
    assert mallory.get(f"/badges/{awarded}/badge.json").status_code == 404
    assert public(client, awarded) == [404] * 6


def test_a_share_without_the_sessions_token_is_refused(tess: SignedIn, client: TestClient, awarded: str) -> None:
    answer = tess.post(f"/badges/{awarded}/share", {"shared": "yes", "csrf": "made up"})
    assert answer.status_code == 403
    assert public(client, awarded) == [404] * 6


@pytest.mark.parametrize("suffix", ["json", "jwt", "png"])
def test_the_holder_takes_the_badge_along_without_sharing_it(
    story: Story, tess: SignedIn, awarded: str, suffix: str
) -> None:
    answer = tess.get(f"/badges/{awarded}/badge.{suffix}")
    badge = story.badge()
    expected = {"json": badge.document, "jwt": badge.jwt.encode(), "png": badge.document}[suffix]
    assert (unbake_png(answer.content) if suffix == "png" else answer.content) == expected
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    assert tess.get(f"/badges/{awarded}/badge.exe").status_code == 404


def test_an_address_is_confirmed_by_its_code_and_then_stands_in_the_badge(
    services: Services, story: Story, tess: SignedIn, awarded: str
) -> None:
    form = tess.get("/badges/email").text
    assert 'value="tess@example.org"' in form
    asked = tess.post("/badges/email", {"email": "tess.new@example.org"})
    assert (asked.status_code, asked.headers["location"]) == (303, f"{tess.root}/badges/email/code")
    assert "tess.new@example.org" in tess.get("/badges/email/code").text
    assert "We sent you a code" in tess.get("/badges").text
    done = tess.post("/badges/email/code", {"code": code_sent_to(services, story.tess)})
    assert done.headers["location"] == f"{tess.root}/badges?confirmed=1"
    assert "is confirmed" in tess.get("/badges?confirmed=1").text
    story.work()
    assert story.badge().identified


def test_a_wrong_code_is_said_so_and_how_many_tries_are_left(services: Services, story: Story, tess: SignedIn) -> None:
    tess.post("/badges/email", {"email": EMAIL})
    right = code_sent_to(services, story.tess)
    wrong = "000000" if right != "000000" else "111111"
    answer = tess.post("/badges/email/code", {"code": wrong})
    assert answer.status_code == 400
    assert "4 tries left" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert f'value="{wrong}"' in answer.text
    assert tess.post("/badges/email/code", {"code": right}).status_code == 303


def test_a_code_that_is_used_up_leads_to_a_new_one_with_the_address_kept(
    story: Story, tess: SignedIn, services: Services
) -> None:
    tess.post("/badges/email", {"email": EMAIL})
    right = code_sent_to(services, story.tess)
    wrong = "000000" if right != "000000" else "111111"
    answers = [tess.post("/badges/email/code", {"code": wrong}) for _ in range(6)]
    assert answers[-1].status_code in (409, 410)
    assert "Send me a code" in answers[-1].text


def test_what_is_no_address_is_said_so_and_stays_typed(tess: SignedIn) -> None:
    answer = tess.post("/badges/email", {"email": "tess at example"})
    assert answer.status_code == 400
    assert 'value="tess at example"' in answer.text
    assert tess.get("/badges/email/code").headers["location"] == f"{tess.root}/badges/email"


def test_asking_for_too_many_codes_says_when_to_try_again(tess: SignedIn) -> None:
    answers = [tess.post("/badges/email", {"email": EMAIL, "again": "yes"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert answers[0].headers["location"].endswith("?resent=1")
    assert "five codes an hour" in answers[-1].text


def test_markup_in_an_address_is_shown_as_text(tess: SignedIn) -> None:
    answer = tess.post("/badges/email", {"email": '"><script>alert(1)</script>@example.org'})
    assert "<script>alert" not in answer.text


def claim(services: Services, badge: str) -> str:
    runtime = services.runtime
    return issuer.claim_url(runtime.secret_box, "", badge)


def test_the_link_in_the_mail_shares_and_hides_without_signing_in(
    services: Services, client: TestClient, story: Story, awarded: str
) -> None:
    link = claim(services, awarded)
    page = client.get(link, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] in ("no-referrer", "same-origin")  # the token must not leave this server
    assert not story.badge().shared
    assert client.post(f"{link}/share", data={"shared": "yes"}).status_code == 303
    assert story.badge().shared
    assert "Hide this badge" in client.get(f"{link}?changed=shared", headers={"Accept": "text/html"}).text
    client.post(f"{link}/share", data={"shared": "no"})
    assert not story.badge().shared
    assert json.loads(client.get(f"{link}/badge.json").content)["id"].endswith(awarded)


def test_a_link_that_is_not_genuine_opens_nothing(
    services: Services, client: TestClient, story: Story, awarded: str
) -> None:
    genuine = claim(services, awarded)
    others = [
        genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
        f"/claim/{awarded}.",
        f"/claim/{awarded}.{'x' * 43}",
        f"/claim/{awarded}.ünïcödé",
        re.sub(r"/claim/[^.]+", "/claim/00000000-0000-4000-8000-000000000000", genuine),
    ]
    for link in others:
        assert client.get(link, headers={"Accept": "text/html"}).status_code == 404
        assert client.post(f"{link}/share", data={"shared": "yes"}).status_code in (404, 405)
    assert not story.badge().shared


def test_another_site_cannot_share_by_the_link(
    services: Services, client: TestClient, story: Story, awarded: str
) -> None:
    headers: dict[str, Any] = {"Origin": "https://evil.example", "Accept": "text/html"}
    answer = client.post(f"{claim(services, awarded)}/share", data={"shared": "yes"}, headers=headers)
    assert answer.status_code == 403
    assert not story.badge().shared


def test_a_revoked_badge_tells_its_holder(services: Services, tess: SignedIn, awarded: str) -> None:
    runtime = services.runtime
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        credential_id=awarded, reason="a test", actor=OPERATOR,
    )  # fmt: skip
    assert "was revoked" in tess.get(f"/badges/{awarded}").text
    assert "Revoked" in tess.get("/badges").text


def test_the_pages_carry_no_inline_script_or_style(services: Services, tess: SignedIn, awarded: str) -> None:
    paths = ["/badges", f"/badges/{awarded}", "/badges/email"]
    for page in [tess.get(path).text for path in paths] + [tess.client.get(claim(services, awarded)).text]:
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
        assert page.count("<h1") == 1
