"""A client of the API that awards badges, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
import sqlalchemy as sa
from sqlmodel import select
from starlette.testclient import TestClient

from app.awards import requests
from app.awards.award_input import award_from_json
from app.awards.schemas import IssuingRights
from app.issuer.schemas import IssuedCredential
from app.people import service as people
from app.wiring import Services

EMAIL = "tess.by.api@example.org"
DECIDER = "Priya Decider"
ISSUE = ("credentials:issue", "credentials:issue:advanced")


def award(**changes: Any) -> dict[str, Any]:
    """An award of a basic badge; a change to None leaves the member out."""
    whole: dict[str, Any] = {
        "achievement": "M01",
        "recipient": {"email": EMAIL, "name": "Tess"},
        "decided_by": {"name": DECIDER, "role": "panel chair"},
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


@dataclass
class Api:
    """A client of the API with a token."""

    client: TestClient
    client_id: str
    headers: dict[str, str]

    def issue(self, key: str | None = "key-1", body: Any = None, **headers: str) -> httpx2.Response:
        """Ask for a badge."""
        sent = self.headers | ({"Idempotency-Key": key} if key is not None else {}) | headers
        answer: httpx2.Response = self.client.post(
            "/api/v1/credentials", json=award() if body is None else body, headers=sent
        )
        return answer

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """Read something."""
        answer: httpx2.Response = self.client.get(f"/api/v1{path}", headers=self.headers | headers)
        return answer

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """Change something; `If_Match` names a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: httpx2.Response = self.client.post(f"/api/v1{path}", json=body, headers=self.headers | named)
        return answer


def slug(answer: httpx2.Response) -> str:
    """By what a program knows a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).removeprefix("urn:waymark:error:")


def count(services: Services, model: Any) -> int:
    with services.runtime.database.read() as session:
        return session.exec(select(sa.func.count()).select_from(model)).one()


def direct(services: Services, key: str, email: str, achievement: str = "M01") -> IssuedCredential:
    """A badge by a client that is not there any more, past HTTP."""
    runtime = services.runtime
    given = award_from_json(award(achievement=achievement, recipient={"email": email}))
    fingerprint, *_ = requests.fingerprints(runtime.secret_box, given)
    return requests.issue_by_client(
        runtime.database, runtime.secret_box, runtime.settings.base_url, award=given,
        rights=IssuingRights("another-client", frozenset(ISSUE), None), idempotency_key=key, fingerprint=fingerprint,
    )  # fmt: skip


def confirmed_person(services: Services, email: str, subject: str = "tess") -> str:
    """A person who launched once and has confirmed an address by the code; their id."""
    runtime = services.runtime
    with runtime.database.write() as session:
        person = people.person_for_lms_identity(
            session, registration_id="registration-1", subject=subject, name="Tess", email=None, organisation_id=None
        )
    confirm(services, person.id, email)
    return person.id


def confirm(services: Services, person_id: str, email: str) -> None:
    """Somebody confirms an address by the code that was sent to it."""
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)
