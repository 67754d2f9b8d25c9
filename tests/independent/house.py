"""A server that issued every kind of badge there is, and what a stranger can download from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from starlette.testclient import TestClient

from app.awards.by_operator import issue_by_operator
from app.awards.jobs import AwardDeps
from app.awards.schemas import OperatorAward
from app.config import Settings
from app.core import migrations
from app.core.audit import OPERATOR
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.main import create_app
from app.people import service as people
from app.wiring import ISSUER_KEY, Services, build_verifier, prepare
from tests.awards.conftest import Story
from tests.conftest import ROOT, TEST_SECRET

from .node import Documents

BASE = "https://badges.example.au"
EMAIL = "tess@example.org"
PAST = timedelta(days=-4 * 366)
FUTURE = timedelta(days=30)


@dataclass(frozen=True)
class Badge:
    """One version of a badge, as its bytes are stored."""

    id: str
    document: bytes
    token: str


@dataclass
class House:
    """A server, its badges by name, and the status list as it was four years ago."""

    services: Services
    client: TestClient
    badges: dict[str, Badge] = field(default_factory=dict)
    ended_list: str = ""

    @property
    def did(self) -> str:
        """The issuer's identifier."""
        with self.services.runtime.database.read() as session:
            return issuer.issuer_info(session, self.base_url, ISSUER_KEY).did

    @property
    def base_url(self) -> str:
        """The server's address."""
        return self.services.runtime.settings.base_url

    def documents(self, **changed: str) -> Documents:
        """What strangers find, by address, as this server serves it; no contexts, which the verifiers bring themselves.

        Args:
            changed: other texts in place of those at these paths, named as in `did`, `status`; empty: not there.
        """
        paths = {
            "did": "/issuers/orygen/did.json",
            "status": "/status/1",
            "jwks": "/.well-known/jwks.json",
            "key": "/keys/orygen-p-256-1",
        }
        found: Documents = {}
        for name, path in paths.items():
            answer = self.client.get(path, headers={"Accept": "application/json"})
            assert answer.status_code == 200
            text = changed.get(name, answer.text)
            if text:
                # did:web knows https only, also where this server, for a demonstration, does without.
                base = self.base_url.replace("http://", "https://") if name == "did" else self.base_url
                found[base + path] = {"type": answer.headers["content-type"], "text": text}
        return found

    def stored(self, credential_id: str) -> Badge:
        """A badge's current version."""
        with self.services.runtime.database.read() as session:
            badge = issuer.stored_credential(session, credential_id)
        return Badge(badge.id, badge.document, badge.jwt)

    def by_operator(self, key: str, *, shared: bool = False) -> Badge:
        """A badge that an operator issues."""
        runtime = self.services.runtime
        # Nobody confirms this address here, or the badge would become theirs.
        award = OperatorAward("M01", "kim@example.org", key, "Helen Chapman", "programme lead", ISSUER_KEY, shared)
        issued = issue_by_operator(runtime.database, runtime.secret_box, self.base_url, award)
        return self.stored(issued.credential_id)

    def learner(self, name: str) -> Story:
        """Somebody who is about to earn a badge, with an assessor."""
        runtime = self.services.runtime
        with runtime.database.write() as session:
            learner, assessor = (
                people.person_for_lms_identity(
                    session, registration_id="registration-1", subject=subject, name=subject, email=None,
                    organisation_id=None,
                ).id
                for subject in (name, "Priya")
            )  # fmt: skip
            people.grant_role(session, person_id=assessor, role="assessor", actor=OPERATOR)
        deps = AwardDeps(runtime.database, runtime.secret_box, self.base_url, ISSUER_KEY)
        return Story(self.services, deps, learner, assessor)

    def revoke(self, credential_id: str) -> None:
        """Take a badge back."""
        runtime = self.services.runtime
        issuer.revoke(
            runtime.database, runtime.secret_box, self.base_url,
            credential_id=credential_id, reason="a test", actor=OPERATOR,
        )  # fmt: skip


@contextmanager
def open_house(folder: Path, base_url: str = BASE) -> Iterator[House]:
    """A server of its own, ready to issue."""
    database = Database(f"sqlite:///{folder / 'waymark.sqlite3'}")
    migrations.migrate(database)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WAYMARK_")]:
            patch.delenv(name)
        settings = Settings(
            data_dir=folder, base_url=base_url, secret_key=TEST_SECRET, allow_private_networks=True,
            programme_dir=ROOT / "programme" / "ips",
        )  # fmt: skip
    http = HttpClient(allow_private_networks=True)
    runtime = Runtime(settings, database, http, JwksCache(http), SecretBox(settings.secret_keys))
    services = Services(runtime=runtime, verifier=build_verifier(runtime))
    prepare(services)
    with TestClient(create_app(services=services), base_url=base_url) as client:
        yield House(services, client)
    database.dispose()


def furnish(house: House) -> None:
    """Issue one badge of every kind."""
    badges = house.badges
    with time_machine.travel(datetime.now(UTC) + PAST):
        badges["expired"] = house.by_operator("expired")
        house.ended_list = house.client.get("/status/1").text
    with time_machine.travel(datetime.now(UTC) + FUTURE):
        badges["not yet valid"] = house.by_operator("not yet valid")

    tess = house.learner("Tess")
    tess.decide()
    tess.work()
    badges["assessed, without an address"] = house.stored(tess.badge().id)
    tess.confirm(EMAIL)
    tess.work()
    badges["issued again with the confirmed address"] = house.stored(tess.badge().id)

    robin = house.learner("Robin")
    robin.confirm("robin@example.org")
    robin.decide()
    robin.work()
    badges["assessed, with an address confirmed before"] = house.stored(robin.badge().id)

    badges["issued by an operator"] = house.by_operator("operator")
    badges["shared from the start"] = house.by_operator("shared", shared=True)
    badges["revoked"] = house.by_operator("revoked")
    house.revoke(badges["revoked"].id)
    listed = house.client.get("/status/1")
    badges["the status list itself"] = Badge("status-1", listed.content, "")


HONEST = (
    "assessed, without an address",
    "issued again with the confirmed address",
    "assessed, with an address confirmed before",
    "issued by an operator",
    "shared from the start",
)
