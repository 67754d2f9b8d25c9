"""A badge bound to its holder's wallet, by a launch and by the link of the award mail; and taken off again."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import AuditEntry
from app.issuer.content import did_in
from app.wiring import Services
from tests.wallets import Wallet, p256_wallet
from tests.web.people import SignedIn, sign_in
from tests.web.test_holder import HTML, Holder, award, forms

BASE = "http://tool.localhost:8000"


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


@pytest.fixture(params=["launch", "mail"])
def holder(request: pytest.FixtureRequest, services: Services, client: TestClient, tess: SignedIn) -> Holder:
    return Holder(services, client, tess, award(services, tess.person_id), request.param == "mail")


def challenge(holder: Holder) -> str:
    """What the page wants to have signed."""
    (found,) = re.findall(r'name="challenge" value="([^"]+)"', holder.get("/wallet").text)
    return str(found)


def answer(holder: Holder, text: str, asked: str) -> Any:
    return holder.post("/wallet", {"answer": text, "challenge": asked}, headers=HTML)


def bind(holder: Holder, wallet: Wallet) -> Any:
    asked = challenge(holder)
    return answer(holder, wallet.presentation(asked, BASE), asked)


def test_nobody_is_bothered_the_badge_page_has_one_folded_line(holder: Holder) -> None:
    page = holder.get().text
    (fold,) = re.findall(r"<details class=\"fold\">(?:(?!</details>).)*digital wallet.*?</details>", page, re.DOTALL)
    assert "Most people do not need this" in fold
    assert f'href="{holder.root}/wallet"' in fold


def test_a_presentation_from_the_wallet_binds_the_badge_and_undo_takes_it_off(holder: Holder) -> None:
    wallet = Wallet()
    done = bind(holder, wallet)
    assert (done.status_code, done.headers["location"]) == (303, f"{holder.root}/wallet?done=bound")
    assert did_in(holder.badge().document) == wallet.did
    page = holder.get("/wallet?done=bound").text
    assert "Your badge is bound to your wallet" in page
    assert wallet.did in page
    assert "it carries your DID" in holder.get().text
    undo, off = forms(page, "/wallet")[:2]
    assert undo["unbind"] == off["unbind"] == "yes"
    undone = holder.post("/wallet", undo)
    assert (undone.status_code, undone.headers["location"]) == (303, f"{holder.root}/wallet?done=unbound")
    assert did_in(holder.badge().document) is None
    assert holder.badge().version == 3
    assert "Your wallet is off the badge" in holder.get("/wallet?done=unbound").text


def test_a_token_from_a_phone_binds_it_as_well(holder: Holder) -> None:
    wallet, asked = p256_wallet(), challenge(holder)
    assert answer(holder, wallet.token(asked, BASE), asked).status_code == 303
    assert did_in(holder.badge().document) == wallet.did


def test_the_page_shows_exactly_what_is_to_be_signed(holder: Holder) -> None:
    page, asked = html.unescape(holder.get("/wallet").text), challenge(holder)
    assert f'value="{BASE}"' in page
    assert "VerifiablePresentation" in page
    assert f'"aud": "{BASE}"' in page
    assert page.count(asked.partition(".")[0]) >= 4, "to copy, to send back, and in both examples"


def test_a_proof_serves_once(holder: Holder) -> None:
    wallet, asked = Wallet(), challenge(holder)
    text = wallet.presentation(asked, BASE)
    assert answer(holder, text, asked).status_code == 303
    holder.post("/wallet", {"unbind": "yes"})
    again = answer(holder, text, asked)
    assert again.status_code == 409
    assert "was used before" in again.text
    assert did_in(holder.badge().document) is None


def test_a_proof_for_one_badge_binds_no_other(holder: Holder, services: Services, tess: SignedIn) -> None:
    other = Holder(services, holder.client, tess, award(services, tess.person_id, "decision:2"), holder.by_mail)
    asked = challenge(other)
    refused = answer(holder, Wallet().presentation(asked, BASE), asked)
    assert refused.status_code == 409
    assert holder.badge().version == 1


@pytest.mark.parametrize("text", ["", "no proof", "{}", "a.b.c", "<script>alert(1)</script>"])
def test_what_proves_nothing_is_refused_in_words_and_stays_in_the_field(holder: Holder, text: str) -> None:
    refused = answer(holder, text, challenge(holder))
    assert refused.status_code == 400
    assert "Your badge was not bound" in refused.text
    assert "<script>alert" not in refused.text
    assert html.escape(text, quote=False) in refused.text
    assert holder.badge().version == 1


def test_a_did_of_somebody_else_is_not_taken(holder: Holder) -> None:
    asked = challenge(holder)
    refused = answer(holder, Wallet().presentation(asked, BASE, holder=Wallet().did), asked)
    assert refused.status_code == 400
    assert "not one of the DID’s own" in html.unescape(refused.text)


def test_a_notice_is_not_shown_when_the_badge_says_otherwise(holder: Holder) -> None:
    assert "Your badge is bound" not in holder.get("/wallet?done=bound").text
    bind(holder, Wallet())
    assert "is off the badge" not in holder.get("/wallet?done=unbound").text


def test_who_did_it_is_audited_without_the_did(holder: Holder) -> None:
    wallet = Wallet()
    bind(holder, wallet)
    with holder.services.runtime.database.read() as session:
        rows = session.exec(select(AuditEntry)).all()
    (entry,) = (row for row in rows if row.action == "issuer.holder_bound")
    assert entry.actor_id == ("claim-link" if holder.by_mail else holder.tess.person_id)
    assert wallet.did not in str([row.model_dump() for row in rows])


def test_another_site_binds_nothing_by_the_mails_link(services: Services, client: TestClient, tess: SignedIn) -> None:
    holder = Holder(services, client, tess, award(services, tess.person_id), by_mail=True)
    foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert holder.post("/wallet", {"unbind": "yes"}, headers=foreign).status_code == 403


def test_a_strangers_link_opens_no_wallet_page(services: Services, client: TestClient, tess: SignedIn) -> None:
    badge = award(services, tess.person_id)
    wrong = f"/claim/{badge}.{'A' * 43}/wallet"
    assert client.get(wrong, headers=HTML).status_code == 404
    assert client.post(wrong, data={"unbind": "yes"}, headers=HTML).status_code == 404
    someone = sign_in(services, client, "Somebody Else")
    assert someone.get(f"/badges/{badge}/wallet").status_code == 404
    assert someone.post(f"/badges/{badge}/wallet", {"unbind": "yes"}).status_code == 404


def test_the_badge_page_says_that_it_is_bound_and_to_which_did(holder: Holder) -> None:
    wallet = Wallet()
    bind(holder, wallet)
    holder.post("/share", {"shared": "yes"})
    page = holder.client.get(f"/credentials/{holder.badge_id}", headers=HTML).text
    assert "Bound to a wallet" in page
    assert wallet.did in page
    holder.post("/wallet", {"unbind": "yes"})
    page = holder.client.get(f"/credentials/{holder.badge_id}", headers=HTML).text
    assert "Bound to a wallet" not in page
