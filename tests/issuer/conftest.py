"""An issuer on the real programme, and the ways in which its badges are looked at from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.db import Database
from app.core.secrets import SecretBox
from app.issuer import service
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.programme import service as programme
from app.programme.schemas import Module
from tests.conftest import ROOT, TEST_SECRET
from tests.databases import Maker

BASE = "http://tool.localhost:8000"
EMAIL = "tess@example.org"


@dataclass(frozen=True)
class House:
    """A server with the programme loaded and its issuer set up."""

    database: Database
    secret_box: SecretBox
    base_url: str
    module: Module

    def request(self, key: str = "decision:1", **changes: object) -> IssueRequest:
        """A request for M01 as an assessor's decision would make it."""
        request = IssueRequest(
            idempotency_key=key,
            issuer_key="orygen",
            achievement_key="M01",
            achievement_version=self.module.version,
            person_id="person-1",
            recipient_email=None,
            awarded_at=datetime.now(UTC) - timedelta(minutes=5),
            valid_until=datetime.now(UTC) + timedelta(days=1000),
            results=tuple((criterion.key, 3) for criterion in self.module.rubric.criteria),
        )
        return replace(request, **changes)  # type: ignore[arg-type]

    def issue(self, key: str = "decision:1", **changes: object) -> IssuedCredential:
        """Issue M01."""
        return service.issue(self.database, self.secret_box, self.base_url, self.request(key, **changes))


@pytest.fixture(scope="session")
def issuing_template(maker: Maker) -> str:
    """A database in which the programme is loaded and its issuer set up."""

    def fill(database: Database) -> None:
        files = programme.load_programme(ROOT / "programme" / "ips")
        with database.write() as session:
            programme.store(session, files)
            identity = files.issuer
            service.ensure_issuer(
                session,
                SecretBox([TEST_SECRET]),
                base_url=BASE,
                key="orygen",
                name=identity.name,
                description=identity.description,
                url=identity.url,
            )

    return maker.template("issuing", fill)


@pytest.fixture
def template(request: pytest.FixtureRequest, template: str) -> str:
    """For a house, a database in which its rooms are furnished; for whole services it is so already."""
    if "house" not in request.fixturenames or "services" in request.fixturenames:
        return template
    chosen: str = request.getfixturevalue("issuing_template")
    return chosen


@pytest.fixture
def house(database: Database, secret_box: SecretBox) -> House:
    """A server that can issue M01."""
    with database.read() as session:
        module = programme.current_module(session, "M01")
    return House(database, secret_box, BASE, module)


@pytest.fixture
def download(house: House) -> Callable[[str], bytes]:
    """What a stranger's download of one of our public addresses gives; https because other verifiers insist on it."""
    from app.issuer.documents import own_document

    def fetch(url: str) -> bytes:
        found = own_document(house.database, house.secret_box, house.base_url, url.replace("https://", "http://", 1))
        if found is None:
            raise OSError(f"nothing at {url}")
        return found

    return fetch
