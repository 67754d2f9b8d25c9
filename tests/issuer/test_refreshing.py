"""The address in each copy of a badge where its holder, or whoever was given it, gets the copy that stands now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.ids import new_id
from app.core.secrets import SecretBox
from app.issuer import bulk, correcting, key_claims, refreshing
from app.issuer import service as issuer
from app.issuer.errors import CredentialNotFound
from app.issuer.models import Credential
from app.issuer.reissuing import change_subject, show_name
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.issuer.sharing import claim_token
from app.programme import service as programme
from app.vc import json_text
from app.verifier.errors import SourceUnavailable
from app.verifier.schemas import Presented
from app.wiring import Services
from tests.conftest import TEST_SECRET

EMAIL = "tess@example.org"
DID = "did:key:z6MkrHKzgsahxBLyNAbLQyB1pcWNYC9GmywiWPgkrvntAZcj"
BY = OPERATOR


@dataclass(frozen=True)
class Desk:
    """Issues badges that nobody shares, unless a test says so, and asks for newer copies of them as a stranger does."""

    services: Services
    client: TestClient

    @property
    def means(self) -> tuple[Any, Any, str]:
        """What the issuer's functions begin with."""
        runtime = self.services.runtime
        return runtime.database, runtime.secret_box, runtime.settings.base_url

    def request(self, **changes: Any) -> IssueRequest:
        with self.services.runtime.database.read() as session:
            module = programme.current_module(session, "M01")
        moment = now().replace(microsecond=0)
        request = IssueRequest(
            idempotency_key=new_id(), issuer_key="orygen", achievement_key="M01", achievement_version=module.version,
            person_id="person-1", recipient_email=None, awarded_at=moment - timedelta(days=3),
            valid_until=moment + timedelta(days=300), shared=False,
        )  # fmt: skip
        return replace(request, **changes)

    def issue(self, **changes: Any) -> IssuedCredential:
        return issuer.issue(*self.means, self.request(**changes))

    def named(self, badge: IssuedCredential, name: str | None = "Tess Rivera") -> IssuedCredential:
        """Its next version, with a name or without."""
        return show_name(*self.means, badge.credential_id, name=name, actor=BY)

    def bound(self, badge: IssuedCredential, email: str = EMAIL) -> IssuedCredential:
        """Its next version, with an address that was confirmed."""
        return issuer.reissue(*self.means, badge.credential_id, recipient_email=email)

    def held(self, badge: IssuedCredential) -> IssuedCredential:
        """Its next version, under the holder's DID."""
        return change_subject(*self.means, badge.credential_id, choose=lambda *_: DID, action="issuer.bound", actor=BY)

    def set(self, badge: IssuedCredential, **values: Any) -> None:
        with self.services.runtime.database.write() as session:
            row = session.exec(select(Credential).where(Credential.id == badge.credential_id)).one()
            for name, value in values.items():
                setattr(row, name, value)

    def ask(self, url: str, **headers: str) -> httpx2.Response:
        answer: httpx2.Response = self.client.get(urlsplit(url).path, headers=headers)
        return answer


@pytest.fixture
def desk(services: Services, client: TestClient) -> Desk:
    return Desk(services, client)


def address(document: bytes) -> str:
    """Where a copy says that the newest one is."""
    service = json_text.loads(document)["refreshService"]
    assert service["type"] == "1EdTechCredentialRefresh"
    return str(service["id"])


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, str(answer.json()["type"]).removeprefix("urn:waymark:error:")


def test_the_address_in_a_copy_of_a_badge_that_nobody_shares_gives_the_newest_copy(desk: Desk) -> None:
    first = desk.issue()
    assert desk.client.get(f"/credentials/{first.credential_id}").status_code == 404
    assert desk.ask(address(first.document)).content == first.document
    second = desk.bound(first)
    for copy in (first, second):
        answer = desk.ask(address(copy.document))
        assert (answer.status_code, answer.content) == (200, second.document)
        assert answer.headers["content-type"] == "application/vc+ld+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*", "wallets live in browsers"


def test_whoever_keeps_the_badge_as_a_token_gets_a_token(desk: Desk) -> None:
    badge = desk.issue()
    answer = desk.ask(address(badge.document), Accept="application/vc+jwt")
    assert (answer.text, answer.headers["content-type"]) == (badge.jwt, "application/vc+jwt")


def test_every_way_in_which_a_badge_is_signed_gives_it_the_address(desk: Desk) -> None:
    database, secret_box, base_url = desk.means
    single = desk.issue()
    with database.write() as session:
        ids = bulk.reserve_many(session, secret_box, base_url, [desk.request(), desk.request()])
    batch = bulk.sign_many(database, secret_box, base_url, [str(each) for each in ids])
    with database.write() as session:
        bulk.store_many(session, batch)
    corrected = correcting.correct(
        database, secret_box, base_url, single.credential_id,
        choose=lambda row: correcting.Correction((), row.awarded_at - timedelta(days=1), row.valid_until),
        actor=BY, decided_by_role="chair", beside=lambda _session: None,
    )  # fmt: skip
    documents = [single.document, corrected.document, *(each.signed.document for each in batch)]
    addresses = [address(each) for each in documents]
    assert len(set(addresses)) == 4
    assert [desk.ask(each).content for each in addresses] == [corrected.document, *documents[1:]]


def test_nobody_else_can_make_an_address(desk: Desk) -> None:
    badge, other = desk.issue(), desk.issue()
    head, _, token = address(badge.document).rpartition("/")
    wrong = {
        f"{head}/{'A' * 43}",
        f"{head}/{token[:-1]}",
        address(other.document).rpartition("/")[0] + f"/{token}",
        f"{head[:-1]}2/{token}",
        f"{head}/{claim_token(desk.means[1], badge.credential_id)}",
        f"{head}/%C3%A9",
        head.replace(badge.credential_id, new_id()) + f"/{token}",
        f"{head[:-1]}999999/{token}",
    }
    known = refusal(desk.client.get(f"/credentials/{badge.credential_id}.json"))
    assert known == (404, "badge-not-found")
    assert {refusal(desk.ask(each)) for each in wrong} == {known}
    assert desk.client.get(f"/claim/{badge.credential_id}.{token}").status_code == 404, "nor is it a holder's link"


def test_a_name_that_the_holder_shows_since_goes_out_only_where_they_share_the_badge(desk: Desk) -> None:
    first = desk.issue()
    named = desk.named(first)
    assert refusal(desk.ask(address(first.document))) == (404, "newest-not-shared")
    assert b"Tess" not in desk.ask(address(first.document)).content
    assert desk.ask(address(named.document)).content == named.document
    desk.set(first, shared=True)
    assert desk.ask(address(first.document)).content == named.document


def test_a_copy_with_a_name_gets_the_one_without_once_it_was_taken_off(desk: Desk) -> None:
    named = desk.named(desk.issue())
    plain = desk.named(named, None)
    assert desk.ask(address(named.document)).content == plain.document


def test_another_identifier_of_the_holder_is_never_given(desk: Desk) -> None:
    first = desk.issue(shared=True)
    held = desk.held(first)
    assert refusal(desk.ask(address(first.document))) == (404, "newest-not-shared")
    assert desk.ask(address(held.document)).content == held.document


def test_revoked_suspended_and_erased_are_told(desk: Desk) -> None:
    badge = desk.issue()
    url = address(badge.document)
    with desk.services.runtime.database.write() as session:
        issuer.suspend(session, badge.credential_id, reason="A complaint", actor=BY)
    answer = desk.ask(url)
    assert refusal(answer) == (409, "badge-suspended")
    assert "complaint" not in answer.text, "why is between the issuer and the holder"
    with desk.services.runtime.database.write() as session:
        issuer.reinstate(session, badge.credential_id, actor=BY)
    assert desk.ask(url).status_code == 200
    issuer.revoke(*desk.means, credential_id=badge.credential_id, reason="A mistake", actor=BY)
    refreshed = desk.ask(url)
    assert refreshed.content == badge.document
    assert desk.services.verifier.verify(Presented.from_bytes(refreshed.content)).verdict == "revoked"
    with desk.services.runtime.database.write() as session:
        issuer.erase(session, desk.means[1], badge.credential_id, actor=BY)
    assert refusal(desk.ask(url)) == (410, "badge-erased")


def test_addresses_outlive_the_master_key_unless_an_operator_ends_them(desk: Desk) -> None:
    badge = desk.issue()
    database = desk.means[0]
    *_, credential_id, version, token = address(badge.document).split("/")
    asked = (credential_id, int(version[1:]), token)
    both, new = (SecretBox(["another-master-key-for-this-server", *more]) for more in ([TEST_SECRET], []))
    with database.read() as session:
        assert refreshing.newest_copy(session, both, *asked).document == badge.document
        with pytest.raises(CredentialNotFound):
            refreshing.newest_copy(session, new, *asked)
    with database.write() as session:
        key_claims.keep_links(session, both)
    with database.read() as session:
        assert refreshing.newest_copy(session, new, *asked).document == badge.document
    with database.write() as session:
        key_claims.end_links(session)
    with database.read() as session, pytest.raises(CredentialNotFound):
        refreshing.newest_copy(session, new, *asked)


def renewed(desk: Desk) -> tuple[IssuedCredential, IssuedCredential]:
    """A badge that ends in ten days, and its next version, which lasts."""
    first = desk.issue(valid_until=now() + timedelta(days=10), shared=True)
    desk.set(first, valid_until=now() + timedelta(days=700))
    return first, desk.bound(first)


@dataclass(frozen=True)
class AsAStranger:
    """The house over HTTP, asked by somebody else's verifier."""

    client: TestClient

    def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
        answer = self.client.get(urlsplit(url).path, headers={"Accept": accept})
        if answer.status_code != 200:
            raise SourceUnavailable("missing")
        return bytes(answer.content)


def test_somebody_elses_verifier_judges_the_newest_copy(desk: Desk) -> None:
    first, second = renewed(desk)
    stranger = replace(desk.services.verifier, source=AsAStranger(desk.client), host_status=None)
    report = stranger.verify(Presented.from_bytes(first.document))
    assert (report.verdict, report.refreshed) == ("valid", True)
    assert report.facts is not None
    assert report.facts.valid_until == json_moment(second)
    again = stranger.verify(Presented.from_bytes(first.document), as_it_is=True)
    assert again.refreshed is False


def json_moment(badge: IssuedCredential) -> Any:
    from app.verifier.moments import moment

    return moment(json_text.loads(badge.document)["validUntil"])


def test_an_ended_copy_of_our_own_that_was_renewed_is_judged_by_the_newer_one(desk: Desk) -> None:
    first, second = renewed(desk)
    verifier = desk.services.verifier
    early = verifier.verify(Presented.from_bytes(first.document))
    assert (early.verdict, early.refreshed, early.is_superseded) == ("valid", False, True)
    newest = verifier.verify(Presented.from_bytes(second.document))
    assert (newest.verdict, newest.check("refresh")) == ("valid", None)
    with time_machine.travel(now() + timedelta(days=11)):
        late = verifier.verify(Presented.from_bytes(first.document))
        page = desk.client.get(f"/credentials/{first.credential_id}/v1", headers={"Accept": "text/html"})
    assert (late.verdict, late.refreshed, late.is_superseded) == ("valid", True, False)
    assert "Expired" in page.text, "the page of a version is about that version"


def test_where_the_newer_one_cannot_be_had_an_ended_copy_has_ended(desk: Desk) -> None:
    first, _ = renewed(desk)
    desk.held(first)
    with time_machine.travel(now() + timedelta(days=11)):
        report = desk.services.verifier.verify(Presented.from_bytes(first.document))
    assert (report.verdict, report.is_superseded) == ("expired", True)
