"""The page on which a learner adds another issuer's badge: it is judged, kept if it is theirs, and taken away again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.pathways import service as pathways
from app.wiring import Services
from tests.pathways.test_external_badges import College, confirm_address
from tests.verifier.field import EMAIL, PNG, SECRET_CLAIM
from tests.web.people import SignedIn, sign_in

PAGE = "/badges/elsewhere"


@dataclass(frozen=True)
class Learner:
    """Tess, and another issuer that this server can reach."""

    services: Services
    signed: SignedIn
    college: College

    def add(self, data: dict[str, str] | None = None, file: bytes | None = None, token: str | None = None) -> Any:
        """Send the form as the page does."""
        parts: dict[str, Any] = {"file": ("badge.json", file)} if file is not None else {"file": ("", b"")}
        return self.signed.client.post(
            self.signed.root + PAGE,
            data={"csrf": self.signed.token if token is None else token} | (data or {}),
            files=parts,
            headers={"Cookie": self.signed.cookie, "Accept": "text/html"},
            follow_redirects=False,
        )

    def kept(self) -> list[str]:
        """Names of what is kept."""
        with self.services.runtime.database.read() as session:
            return [each.name for each in pathways.external_badges_of(session, self.signed.person_id)]


@pytest.fixture
def tess(services: Services) -> Iterator[Learner]:
    college = College(services)
    reaching = replace(services, verifier=replace(services.verifier, source=college.issuer.web))
    with TestClient(create_app(services=reaching), base_url="http://tool.localhost:8000") as client:
        signed = sign_in(reaching, client, "Tess")
        confirm_address(reaching, signed.person_id, EMAIL)
        yield Learner(reaching, signed, college)


def test_a_badge_is_added_as_a_file_shown_and_taken_away(tess: Learner) -> None:
    answer = tess.add(file=tess.college.badge())
    assert (answer.status_code, answer.headers["location"]) == (303, f"{tess.signed.root}{PAGE}?done=added")
    page = tess.signed.get(f"{PAGE}?done=added").text
    assert SECRET_CLAIM in page
    assert "In force" in page
    (badge_id,) = [part.split("/remove")[0] for part in page.split(f"{PAGE}/")[1:] if "/remove" in part]
    gone = tess.signed.post(f"{PAGE}/{badge_id}/remove", follow_redirects=False)
    assert gone.status_code == 303
    assert tess.kept() == []
    assert tess.signed.post(f"{PAGE}/{badge_id}/remove").status_code == 404


def test_it_may_be_pasted_or_named_by_its_address(tess: Learner) -> None:
    assert tess.add({"badge": tess.college.badge().decode()}).status_code == 303
    url = "https://badges.example.au/credentials/one"
    tess.college.issuer.web.pages[url] = tess.college.badge(awardedDate="2026-01-05T00:00:00Z")
    assert tess.add({"url": url}).status_code == 303
    assert len(tess.kept()) == 2


@pytest.mark.parametrize(
    ("data", "file", "said"),
    [
        ({}, None, "choose its file"),
        ({"url": "ftp://badges.example.au/x"}, None, "begins with https://"),
        ({"url": "https://badges.example.au/nowhere"}, None, "could not be checked"),
        ({"badge": "hello"}, None, "Ask whoever issued it"),
        ({"url": "https://a.example", "badge": "{}"}, None, "more than one badge"),
        ({}, b"", "choose its file"),
        ({}, PNG, "Ask whoever issued it"),
        ({}, b"x" * 5_000_001, "which no badge is"),
    ],
)
def test_what_is_no_badge_is_told_at_its_field_and_nothing_is_kept(
    tess: Learner, data: dict[str, str], file: bytes | None, said: str
) -> None:
    answer = tess.add(data, file)
    assert 400 <= answer.status_code < 500
    assert said in answer.text
    assert tess.kept() == []


def test_somebody_elses_badge_is_not_kept(tess: Learner) -> None:
    confirm_address(tess.services, tess.signed.person_id, "somebody.else@example.org")
    answer = tess.add(file=tess.college.badge())
    assert answer.status_code == 400
    assert "does not name the address" in answer.text
    assert tess.kept() == []


def test_a_form_of_another_session_changes_nothing(tess: Learner) -> None:
    assert tess.add(file=tess.college.badge(), token="0" * 43).status_code == 403
    assert tess.kept() == []


def test_without_a_confirmed_address_the_page_says_what_comes_first(services: Services, client: TestClient) -> None:
    page = sign_in(services, client, "Robin").get(PAGE).text
    assert "Confirm your address first" in page
    assert "No pathway asks for such a badge" in page
