"""The holder's pages, by a launch and by the link of the award mail: share, name, files, LinkedIn, certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.content import name_in
from app.issuer.schemas import IssueRequest, PublicCredential
from app.people import service as people
from app.vc.baking import unbake_svg
from app.wiring import Services
from tests.programme.folders import module_version
from tests.web.people import SignedIn, sign_in

HTML = {"Accept": "text/html"}


@dataclass(frozen=True)
class Holder:
    """Somebody with a badge, and one of the two ways to its page."""

    services: Services
    client: TestClient
    tess: SignedIn
    badge_id: str
    by_mail: bool

    @property
    def root(self) -> str:
        """Where the badge's page is."""
        if self.by_mail:
            return issuer.claim_url(self.services.runtime.secret_box, "", self.badge_id)
        return f"{self.tess.root}/badges/{self.badge_id}"

    def get(self, path: str = "") -> Any:
        """GET a page of the badge."""
        if self.by_mail:
            return self.client.get(self.root + path, headers=HTML)
        return self.tess.get(f"/badges/{self.badge_id}{path}")

    def post(self, path: str, data: dict[str, str], **options: Any) -> Any:
        """POST a form of the badge's page."""
        if self.by_mail:
            return self.client.post(self.root + path, data=data, **options)
        return self.tess.post(f"/badges/{self.badge_id}{path}", data, **options)

    def badge(self) -> PublicCredential:
        """The badge as it is now."""
        with self.services.runtime.database.read() as session:
            return issuer.stored_credential(session, self.badge_id)


def award(services: Services, person_id: str | None, key: str = "decision:1", **changes: Any) -> str:
    """A badge for somebody; its id."""
    runtime = services.runtime
    moment = now().replace(microsecond=0)
    fields: dict[str, Any] = {
        "idempotency_key": key, "issuer_key": "orygen", "achievement_key": "M01",
        "achievement_version": module_version("M01"),
        "person_id": person_id, "recipient_email": None, "awarded_at": moment,
        "valid_until": moment + timedelta(days=1000),
    }  # fmt: skip
    request = IssueRequest(**fields | changes)
    return issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request).credential_id


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


@pytest.fixture(params=["launch", "mail"])
def holder(request: pytest.FixtureRequest, services: Services, client: TestClient, tess: SignedIn) -> Holder:
    return Holder(services, client, tess, award(services, tess.person_id), request.param == "mail")


def forms(page: str, action: str) -> list[dict[str, str]]:
    """The hidden fields of every form of a page that leads to an address with this end."""
    found = re.findall(rf'<form method="post" action="[^"]*{action}">(.*?)</form>', page, re.DOTALL)
    return [dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)) for form in found]


def test_sharing_and_hiding_each_say_what_they_mean_and_offer_the_way_back(holder: Holder) -> None:
    assert "Only you." in holder.get().text
    shared = holder.post("/share", {"shared": "yes"})
    assert shared.status_code == 303
    assert shared.headers["location"] == f"{holder.root}?changed=shared"
    page = holder.get("?changed=shared").text
    assert "Your badge is shared" in page
    undo, hide = forms(page, "/share")
    assert undo["shared"] == hide["shared"] == "no"
    assert holder.post("/share", undo).status_code == 303
    assert not holder.badge().shared
    page = holder.get("?changed=hidden").text
    assert "Copies that people downloaded before stay with them" in page
    assert forms(page, "/share")[0]["shared"] == "yes"


def test_a_notice_of_a_change_is_not_shown_when_the_badge_says_otherwise(holder: Holder) -> None:
    for changed in ("shared", "named", "<b>x</b>", "shared&changed=hidden"):
        page = holder.get(f"?changed={changed}").text
        assert "Undo" not in page or "Your badge is hidden" in page
        assert "<b>x" not in page


def test_the_name_an_lms_has_told_goes_in_and_out_by_the_holders_choice(holder: Holder) -> None:
    page = holder.get().text
    assert "This badge shows no name" in page
    assert "told by A course platform" in page
    assert "keep saying what they said" in page
    (form,) = forms(page, "/name")
    assert form["name"] == "Tess Nguyen"
    done = holder.post("/name", form)
    assert (done.status_code, done.headers["location"]) == (303, f"{holder.root}?changed=named")
    assert name_in(holder.badge().document) == "Tess Nguyen"
    page = holder.get("?changed=named").text
    assert "now shows your name" in page
    undo, off = forms(page, "/name")
    assert undo["name"] == off["name"] == ""
    holder.post("/name", undo)
    assert name_in(holder.badge().document) is None
    page = holder.get("?changed=unnamed").text
    assert "Your name is off the badge" in page
    assert [form["name"] for form in forms(page, "/name")] == ["Tess Nguyen", "Tess Nguyen"]


@pytest.mark.parametrize("name", ["Dr Tess Nguyen", "tess nguyen", " ", "<script>alert(1)</script>"])
def test_a_name_of_ones_own_is_refused_and_the_badge_stays(holder: Holder, name: str) -> None:
    answer = holder.post("/name", {"name": name}, headers=HTML)
    assert answer.status_code == 400
    assert "only a name that an LMS has told us" in answer.text
    assert name.strip() == "" or name not in answer.text
    assert holder.badge().version == 1


def test_a_corrected_name_is_offered_and_replaces_the_old_one(holder: Holder) -> None:
    holder.post("/name", {"name": "Tess Nguyen"})
    with holder.services.runtime.database.write() as session:
        people.person_for_lms_identity(
            session, registration_id="registration-1", subject="Tess Nguyen", name="Tess Nguyễn",
            email=None, organisation_id=None,
        )  # fmt: skip
    page = holder.get().text
    assert [form["name"] for form in forms(page, "/name")] == ["Tess Nguyễn", ""]
    holder.post("/name", {"name": "Tess Nguyễn"})
    assert name_in(holder.badge().document) == "Tess Nguyễn"
    assert holder.post("/name", {"name": "Tess Nguyen"}).status_code == 400


def test_a_badge_of_nobody_we_know_offers_no_name(services: Services, client: TestClient, tess: SignedIn) -> None:
    holder = Holder(services, client, tess, award(services, None), by_mail=True)
    page = holder.get().text
    assert "none has told us yours" in page
    assert forms(page, "/name") == []
    assert holder.post("/name", {"name": "Tess Nguyen"}).status_code == 400


@pytest.mark.parametrize("suffix", ["json", "jwt", "png", "svg"])
def test_every_file_is_there_though_the_badge_is_not_shared(holder: Holder, suffix: str) -> None:
    assert f'href="{holder.root}/badge.{suffix}"' in holder.get().text
    answer = holder.get(f"/badge.{suffix}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    if suffix == "svg":
        assert unbake_svg(answer.content) == holder.badge().document


def test_linkedin_gets_a_filled_in_form_only_when_the_badge_is_shared_and_stands(holder: Holder) -> None:
    assert "linkedin" not in holder.get().text
    holder.post("/share", {"shared": "yes"})
    page = holder.get().text
    (link,) = re.findall(r'<a href="(https://www\.linkedin\.com[^"]*)"([^>]*)>', page)
    assert 'target="_blank"' in link[1]
    assert "noreferrer" in link[1]
    address = urlsplit(link[0].replace("&amp;", "&"))
    badge = holder.badge()
    assert badge.valid_until is not None
    assert address.path == "/profile/add"
    assert {name: values[0] for name, values in parse_qs(address.query).items()} == {
        "startTask": "CERTIFICATION_NAME",
        "name": "What Makes IPS, IPS",
        "organizationName": "Orygen",
        "issueYear": str(badge.awarded_at.year),
        "issueMonth": str(badge.awarded_at.month),
        "expirationYear": str(badge.valid_until.year),
        "expirationMonth": str(badge.valid_until.month),
        "certUrl": f"http://tool.localhost:8000/credentials/{holder.badge_id}",
        "certId": holder.badge_id,
    }
    assert not re.search(r'(?:src|srcset)="https?://', page), "nothing is loaded from anywhere"


def test_there_is_no_certificate_until_the_badge_is_shared_and_one_click_makes_both(holder: Holder) -> None:
    page = holder.get("/certificate").text
    assert 'class="qr"' not in page
    assert "the code would lead to nothing" in page
    (form,) = forms(page, "/share")
    done = holder.post("/share", form)
    assert (done.status_code, done.headers["location"]) == (303, f"{holder.root}/certificate")
    page = holder.get("/certificate").text
    assert 'class="qr"' in page
    assert f"http://tool.localhost:8000/credentials/{holder.badge_id}" in page


def test_a_certificate_shows_the_badges_name_or_none_and_never_a_typed_one(holder: Holder) -> None:
    holder.post("/share", {"shared": "yes"})
    page = holder.get("/certificate?name=Mallory").text
    assert "Mallory" not in page
    assert "the holder of this certificate" in page
    holder.post("/name", {"name": "Tess Nguyen"})
    assert "Tess Nguyen</p>" in holder.get("/certificate").text


def test_a_badge_that_does_not_stand_has_no_certificate_and_says_so_everywhere(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    runtime = services.runtime
    suspended, revoked = award(services, tess.person_id, "s", shared=True), award(services, tess.person_id, "r")
    with runtime.database.write() as session:
        issuer.suspend(session, suspended, reason="a test", actor=OPERATOR)
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        credential_id=revoked, reason="a test", actor=OPERATOR,
    )  # fmt: skip
    listed = tess.get("/badges").text
    assert "Suspended" in listed
    assert "Revoked" in listed
    for badge_id, word in ((suspended, "is suspended"), (revoked, "was revoked")):
        page = tess.get(f"/badges/{badge_id}").text
        assert f"This badge {word}" in page
        assert "linkedin" not in page
        certificate = tess.get(f"/badges/{badge_id}/certificate").text
        assert 'class="qr"' not in certificate
        assert f"This badge {word}" in certificate
    assert forms(tess.get(f"/badges/{revoked}").text, "/name") == []


def test_an_ended_badge_keeps_its_name_and_says_why(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess Nguyen")
    badge_id = award(services, tess.person_id, valid_until=now().replace(microsecond=0) + timedelta(hours=1))
    with time_machine.travel(now() + timedelta(hours=2)):
        page = tess.get(f"/badges/{badge_id}").text
        assert "This badge has ended" in page
        assert forms(page, "/name") == []
        assert tess.post(f"/badges/{badge_id}/name", {"name": "Tess Nguyen"}).status_code == 400
        assert 'class="qr"' not in tess.get(f"/badges/{badge_id}/certificate").text


def test_nobody_elses_session_reaches_name_files_or_certificate(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    badge_id = award(services, tess.person_id)
    mallory = sign_in(services, client, "Mallory")
    for path in ("", "/certificate", "/badge.json", "/badge.svg"):
        assert mallory.get(f"/badges/{badge_id}{path}").status_code == 404
    assert mallory.post(f"/badges/{badge_id}/name", {"name": "Mallory"}).status_code == 404
    assert mallory.post(f"/badges/{badge_id}/share", {"shared": "yes", "back": "certificate"}).status_code == 404


def test_another_site_changes_nothing_by_either_way(holder: Holder) -> None:
    foreign = {"Origin": "https://evil.example", "Accept": "text/html"}
    for path, data in (("/share", {"shared": "yes"}), ("/name", {"name": "Tess Nguyen"})):
        assert holder.post(path, data, headers=foreign).status_code == 403
    if not holder.by_mail:
        assert holder.post("/name", {"name": "Tess Nguyen", "csrf": "made up"}).status_code == 403
    assert (holder.badge().version, holder.badge().shared) == (1, False)


def test_where_a_form_asks_to_go_back_to_is_a_page_of_ours(holder: Holder) -> None:
    for back in ("https://evil.example", "//evil.example", "../../lti/login"):
        done = holder.post("/share", {"shared": "yes", "back": back})
        assert done.headers["location"] == f"{holder.root}?changed=shared"


def test_share_and_name_are_audited_as_the_holders_own_doing_by_ids_alone(holder: Holder) -> None:
    for path, data in (("/share", {"shared": "yes"}), ("/name", {"name": "Tess Nguyen"}), ("/name", {"name": ""})):
        holder.post(path, data)
    with holder.services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == holder.badge_id)).all()
    by_holder = {entry.action for entry in entries if entry.actor_id == holder.tess.person_id}
    assert by_holder == {"issuer.credential_shared", "issuer.holder_named", "issuer.holder_unnamed"}
    assert "Nguyen" not in str([entry.model_dump() for entry in entries])


def test_the_pages_carry_no_inline_script_or_style_and_one_first_heading(holder: Holder) -> None:
    holder.post("/share", {"shared": "yes"})
    for page in (holder.get().text, holder.get("/certificate").text):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
        assert page.count("<h1") == 1
        assert 'name="robots" content="noindex"' in page


def test_without_a_badge_the_page_teaches_how_one_comes(tess: SignedIn) -> None:
    page = tess.get("/badges").text
    for step in ("You hand in your work", "An assessor reads it", "Your badge appears here", "You decide who sees it"):
        assert step in page
