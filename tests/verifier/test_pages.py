"""The badge page and the check page, as an employer meets them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from starlette.testclient import TestClient

from app.core.audit import Actor
from app.core.clock import now
from app.issuer import service as issuer_service
from app.issuer.models import CredentialVersion
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.main import create_app
from app.programme import service as programme
from app.vc import status_list
from app.verifier.service import Verifier
from app.wiring import Services
from tests.verifier.field import AT, BADGE_URL, EMAIL, LIST_URL, PNG, SECRET_CLAIM, Stranger, contain

NAME = "What Makes IPS, IPS"
HTML = {"Accept": "text/html"}


@dataclass(frozen=True)
class House:
    """A bound server with one issued badge."""

    services: Services
    client: TestClient

    def issue(self, *, shared: bool = True, email: str | None = EMAIL, **changes: Any) -> IssuedCredential:
        runtime = self.services.runtime
        with runtime.database.read() as session:
            module = programme.current_module(session, "M01")
        request: dict[str, Any] = {
            "idempotency_key": f"test:{shared}:{email}:{sorted(changes)}",
            "issuer_key": "orygen",
            "achievement_key": module.key,
            "achievement_version": module.version,
            "person_id": None,
            "recipient_email": email,
            "awarded_at": now() - timedelta(days=40),
            "valid_until": now() + timedelta(days=1000),
            "results": (("principles-in-use", 3), ("seeing-gates", 4)),
            "shared": shared,
        }
        return issuer_service.issue(
            runtime.database, runtime.secret_box, runtime.settings.base_url, IssueRequest(**(request | changes))
        )

    def revoke(self, badge: IssuedCredential) -> None:
        runtime = self.services.runtime
        issuer_service.revoke(
            runtime.database,
            runtime.secret_box,
            runtime.settings.base_url,
            credential_id=badge.credential_id,
            reason="test",
            actor=Actor("operator", "tests"),
        )

    def page(self, badge: IssuedCredential) -> str:
        response = self.client.get(f"/credentials/{badge.credential_id}", headers=HTML)
        assert response.status_code == 200
        return response.text


@pytest.fixture
def house(services: Services, client: TestClient) -> House:
    return House(services, client)


def _headline(page: str) -> str:
    found = re.search(r'<h1[^>]*class="verdict__title"[^>]*>([^<]*)</h1>', page)
    assert found, "the page has no verdict line"
    return found[1]


def _tamper(house: House, badge: IssuedCredential) -> None:
    document = badge.document.replace(b"What Makes IPS", b"What Fakes IPS")
    with house.services.runtime.database.write() as session:
        session.execute(
            sa.update(CredentialVersion)
            .where(CredentialVersion.credential_id == badge.credential_id)  # type: ignore[arg-type]
            .values(document=document)
        )


def test_a_valid_badge_says_so_first_and_then_who_what_and_how(house: House) -> None:
    page = house.page(house.issue())
    assert _headline(page) == "Valid"
    order = ["verdict__title", NAME, "Who issued it", "Who holds it", "What it took", "Levels reached", "Competencies",
             "Dates", "How we checked", "What you can do"]  # fmt: skip
    main = page[page.index("<main") :]
    places = [main.index(text) for text in order]
    assert places == sorted(places)
    assert f"Orygen awarded “{NAME}” on" in page
    assert "This server holds its keys" in page
    assert "tool.localhost" in page
    assert "level 4 of 4" in page


def test_the_page_is_not_for_search_engines_and_tells_others_what_it_is(house: House) -> None:
    badge = house.issue()
    response = house.client.get(f"/credentials/{badge.credential_id}", headers=HTML)
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Vary"] == "Accept"
    assert '<meta name="robots" content="noindex">' in response.text
    assert f'<meta property="og:title" content="{NAME}">' in response.text
    assert '<meta property="og:description" content="Valid. ' in response.text


def test_a_revoked_badge_is_still_served_with_its_verdict(house: House) -> None:
    badge = house.issue()
    house.revoke(badge)
    page = house.page(badge)
    assert _headline(page) == "Revoked: do not rely on it"
    assert "Failed" in page


def test_an_expired_badge_says_so(house: House) -> None:
    badge = house.issue(valid_until=now() + timedelta(days=30))
    with time_machine.travel(now() + timedelta(days=60)):
        page = house.page(badge)
    assert _headline(page) == "Expired"
    assert NAME in page


def test_a_badge_whose_signature_does_not_hold_shows_the_verdict_and_nothing_it_claims(house: House) -> None:
    badge = house.issue()
    _tamper(house, badge)
    page = house.page(badge)
    assert _headline(page) == "Not valid: do not rely on it"
    assert "IPS, IPS" not in page
    assert "Levels reached" not in page
    assert "Who holds it" not in page


def test_a_badge_that_is_not_shared_is_a_page_that_helps(house: House) -> None:
    badge = house.issue(shared=False)
    response = house.client.get(f"/credentials/{badge.credential_id}", headers=HTML)
    assert response.status_code == 404
    assert "No shared badge here" in response.text
    assert NAME not in response.text
    unknown = house.client.get("/credentials/00000000-0000-4000-8000-000000000000", headers=HTML)
    assert unknown.status_code == 404
    assert unknown.text.replace("00000000-0000-4000-8000-000000000000", "") == response.text.replace(
        badge.credential_id, ""
    )


def test_machines_get_the_badge_at_the_same_address(house: House) -> None:
    badge = house.issue()
    response = house.client.get(f"/credentials/{badge.credential_id}", headers={"Accept": "application/vc+ld+json"})
    assert response.content == badge.document
    hidden = house.issue(shared=False)
    refused = house.client.get(f"/credentials/{hidden.credential_id}", headers={"Accept": "application/json"})
    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_an_employer_can_compare_the_e_mail_address_without_it_being_shown(house: House) -> None:
    path = f"/credentials/{house.issue().credential_id}/holder"
    right = house.client.post(path, data={"email": EMAIL.upper()})
    assert "Yes: this badge belongs" in right.text
    wrong = house.client.post(path, data={"email": "somebody.else@agency.example"})
    assert "No: this badge is not bound" in wrong.text
    empty = house.client.post(path, data={"email": " "})
    assert "Type an e-mail address first" in empty.text
    for page in (right, wrong):
        assert "agency.example" not in page.text.lower()
        assert page.headers["Cache-Control"] == "no-store"


def test_a_badge_without_an_address_says_why_it_cannot_be_compared(house: House) -> None:
    page = house.page(house.issue(email=None))
    assert "No e-mail address is bound" in page
    assert 'name="email"' not in page


def test_pasting_a_badge_of_a_stranger_gets_a_verdict_with_its_claims_labelled(house: House, issuer: Stranger) -> None:
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    badge = issuer.sign(issuer.credential(credentialStatus=None), method=f"{issuer.name}#{key}")
    page = house.client.post("/verify", data={"badge": json.dumps(badge)}).text
    assert _headline(page) == "Valid, but we do not know the issuer"
    assert "“Agency of Claims”" in page
    assert "Nobody we know has confirmed it" in page


def test_checking_our_own_badge_by_its_address_needs_no_network(house: House) -> None:
    badge = house.issue()
    assert _headline(house.client.post("/verify", data={"badge": badge.url}).text) == "Valid"


@pytest.mark.parametrize("rest", [".json", ".jwt", ".png", ".svg", "/v1.json", "#top", "?utm_source=mail"])
def test_every_address_of_our_own_badge_can_be_pasted(house: House, rest: str) -> None:
    badge = house.issue()
    assert _headline(house.client.post("/verify", data={"badge": badge.url + rest}).text) == "Valid"


@pytest.mark.parametrize("rest", ["", ".json", ".jwt", ".png", ".svg", "/v1.json", "?utm_source=mail"])
def test_a_badge_that_is_not_shared_cannot_be_fetched_by_checking_it(house: House, rest: str) -> None:
    badge = house.issue(shared=False)
    page = house.client.post("/verify", data={"badge": badge.url + rest}).text
    assert _headline(page) == "Could not check"
    assert NAME not in page


def test_a_picture_can_be_handed_in(house: House) -> None:
    picture = contain(house.issue().document, "png")
    page = house.client.post("/verify", data={"badge": ""}, files={"file": ("badge.png", picture, "image/png")}).text
    assert _headline(page) == "Valid"
    assert "PNG picture" in page


def test_a_picture_without_a_badge_is_explained(house: House) -> None:
    page = house.client.post("/verify", files={"file": ("photo.png", PNG, "image/png")}).text
    assert _headline(page) == "We found no badge to check"


def test_a_changed_badge_handed_in_shows_nothing_it_claims(house: House) -> None:
    badge = house.issue()
    changed = badge.document.replace(b"What Makes IPS", SECRET_CLAIM.encode())
    page = house.client.post("/verify", files={"file": ("badge.json", changed, "application/json")}).text
    assert _headline(page) == "Not valid: do not rely on it"
    assert SECRET_CLAIM not in page
    assert "Levels reached" not in page


def test_markup_in_a_badge_stays_text(house: House, issuer: Stranger) -> None:
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    subject = issuer.credential()["credentialSubject"]
    subject["achievement"]["name"] = "<script>alert(1)</script>"
    subject["achievement"]["criteria"]["narrative"] = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
    document = issuer.credential(credentialStatus=None, credentialSubject=subject)
    badge = issuer.sign(document, method=f"{issuer.name}#{key}")
    page = house.client.post("/verify", data={"badge": json.dumps(badge)}).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript' not in page


def test_an_empty_form_keeps_its_page_and_says_what_is_missing(house: House) -> None:
    response = house.client.post("/verify", data={"badge": " "})
    assert response.status_code == 400
    assert "Paste the badge or its address" in response.text


def test_a_file_that_is_too_large_is_refused_with_a_clear_message(house: House) -> None:
    response = house.client.post("/verify", files={"file": ("big.png", b"x" * 5_000_001, "image/png")})
    assert response.status_code == 413
    assert "larger than 5 MB" in response.text


def test_an_address_in_a_link_fills_in_the_form_and_checks_nothing(house: House) -> None:
    page = house.client.get("/verify", params={"url": "https://a.example/<b>"})
    assert page.status_code == 200
    assert "https://a.example/&lt;b&gt;" in page.text
    assert "verdict__title" not in page.text


@pytest.mark.parametrize("state", ["valid", "revoked", "tampered"])
def test_pages_carry_no_inline_script_or_style(house: House, state: str) -> None:
    badge = house.issue()
    if state == "revoked":
        house.revoke(badge)
    if state == "tampered":
        _tamper(house, badge)
    page = house.page(badge)
    assert not re.search(r"<style|style=|<script(?![^>]* src=)| on[a-z]+=", page)
    assert page.count("<h1") == 1


def _page_for_a_stranger(services: Services, issuer: Stranger, document: dict[str, Any]) -> str:
    verifier = Verifier(issuer.web, issuer.known)
    with TestClient(create_app(services=Services(services.runtime, verifier))) as client:
        text = json.dumps(issuer.sign_as_others_do(document))
        with time_machine.travel(AT):
            answer = client.post("/verify", data={"badge": text})
    assert answer.status_code == 200
    return answer.text


def test_what_a_badge_rests_on_is_listed_with_its_own_verdict(services: Services, issuer: Stranger) -> None:
    issuer.publish_list((99,))
    basic = issuer.credential(name="A", credentialStatus=status_list.entry(LIST_URL, 99))
    gone = issuer.publish_badge(f"{BADGE_URL}0/v1.json", b"")
    del issuer.web.pages[gone["id"]]
    issuer.web.missing.add(gone["id"])
    named = [issuer.publish_badge(f"{BADGE_URL}/v1.json", issuer.secure(basic, "di")), gone]
    page = _page_for_a_stranger(services, issuer, issuer.credential(relatedResource=named))
    assert _headline(page) == "Valid"
    grounds = page[page.index("What it rests on</h2>") : page.index("Dates</h2>")]
    assert f"{SECRET_CLAIM}</a>" in grounds
    assert "From Example Agency, awarded on" in grounds
    assert "Revoked</span>" in grounds
    assert "A badge that its holder has not shared" in grounds
    checks = page[page.index("How we checked</h2>") :]
    assert "What it rests on still stands" in checks


def test_a_badge_whose_grounds_were_changed_says_so_first(services: Services, issuer: Stranger) -> None:
    named = issuer.publish_badge(f"{BADGE_URL}/v1.json", b"{}")
    issuer.web.pages[named["id"]] = b"[]"
    page = _page_for_a_stranger(services, issuer, issuer.credential(relatedResource=[named]))
    assert _headline(page) == "Not valid: do not rely on it"
    assert "is not the one it was signed with" in page[: page.index("What it rests on</h2>")]


def test_endorsements_are_listed_and_of_a_false_one_nothing_is_shown(services: Services, issuer: Stranger) -> None:
    other = issuer.neighbour()
    subject = {"id": BADGE_URL, "type": ["EndorsementSubject"], "endorsementComment": "It *holds* in practice."}
    good = other.sign(
        other.credential(
            id="https://other.example/1",
            type=["VerifiableCredential", "EndorsementCredential"],
            awardedDate=None,
            credentialStatus=None,
            credentialSchema=None,
            credentialSubject=subject,
        )
    )
    false = {**good, "credentialSubject": {**subject, "endorsementComment": "The best there is."}}
    page = _page_for_a_stranger(services, issuer, issuer.credential(endorsement=[good, false]))
    assert _headline(page) == "Valid"
    said = page[page.index("What others say of it</h2>") : page.index("Dates</h2>")]
    assert "other.example, about this badge" in said
    assert "It <em>holds</em> in practice." in said
    assert "Somebody, about this badge" in said
    assert "The best there is." not in page[: page.index("How we checked</h2>")]
    assert "Valid, issuer not known to us" in said
    assert "tone-success" not in said
    assert "Agency of Claims" not in said
