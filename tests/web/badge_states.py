"""Badges in every state, made with the services that make them in a real house; for the tests of the badge page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import time_machine
from sqlmodel import col

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.ids import new_id
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer.models import CredentialVersion, StatusList
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.verifier import known_issuers
from app.wiring import Services, build_verifier
from tests.programme.folders import module_version

EMAIL: Final = "robin.okafor@example.org"
RESULTS: Final = (
    ("principles-in-use", 3), ("seeing-gates", 4), ("fidelity-thinking", 3), ("reflection-and-safety", 3),
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A house that issues."""

    services: Services

    def issue(self, **changes: Any) -> IssuedCredential:
        """A shared badge of Robin's, unless `changes` to the request say otherwise."""
        runtime = self.services.runtime
        request: dict[str, Any] = {
            "idempotency_key": new_id(), "issuer_key": "orygen", "achievement_key": "M01",
            "achievement_version": module_version("M01"),
            "person_id": "person-1", "recipient_email": EMAIL, "awarded_at": now() - timedelta(days=40),
            "valid_until": now() + timedelta(days=1000), "results": RESULTS, "shared": True,
        }  # fmt: skip
        return issuer.issue(
            runtime.database, runtime.secret_box, runtime.settings.base_url, IssueRequest(**(request | changes))
        )

    def revoke(self, badge: IssuedCredential) -> None:
        """Revoke it."""
        runtime = self.services.runtime
        issuer.revoke(
            runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=badge.credential_id,
            reason="Issued by mistake", actor=OPERATOR,
        )  # fmt: skip

    def suspend(self, badge: IssuedCredential) -> None:
        """Suspend it."""
        with self.services.runtime.database.write() as session:
            issuer.suspend(session, badge.credential_id, reason="A complaint", actor=OPERATOR)

    def erase(self, badge: IssuedCredential) -> None:
        """Erase it."""
        runtime = self.services.runtime
        with runtime.database.write() as session:
            issuer.erase(session, runtime.secret_box, badge.credential_id, actor=OPERATOR)

    def reissue(self, badge: IssuedCredential, email: str | None = EMAIL) -> IssuedCredential:
        """Its next version."""
        runtime = self.services.runtime
        return issuer.reissue(
            runtime.database, runtime.secret_box, runtime.settings.base_url, badge.credential_id, recipient_email=email
        )

    def change_stored(self, badge: IssuedCredential, old: bytes, new: bytes) -> None:
        """Somebody meddles with the database."""
        version = col(CredentialVersion.credential_id)
        with self.services.runtime.database.write() as session:
            session.execute(
                sa.update(CredentialVersion)
                .where(version == badge.credential_id)
                .values(document=badge.document.replace(old, new))
            )

    def path(self, badge: IssuedCredential) -> str:
        """Where its page is."""
        return f"/credentials/{badge.credential_id}"


def with_unreadable_keys(services: Services) -> Services:
    """The same house started under a master key that opens nothing, its status list due to be signed."""
    with services.runtime.database.write() as session:
        session.execute(sa.update(StatusList).values(revision=StatusList.revision + 1))
    runtime = replace(services.runtime, secret_box=SecretBox(["a-key-that-opens-nothing-of-what-is-in-the-database"]))
    return Services(runtime=runtime, verifier=build_verifier(runtime))


def with_empty_register(services: Services, folder: Path) -> Services:
    """The same house, whose verifier knows no issuer at all, not even its own."""
    verifier = replace(services.verifier, known_issuers=known_issuers.load(folder))
    return Services(runtime=services.runtime, verifier=verifier)


def _valid(stage: Stage) -> str:
    return stage.path(stage.issue())


def _valid_without_address(stage: Stage) -> str:
    return stage.path(stage.issue(recipient_email=None))


def _expired(stage: Stage) -> str:
    with time_machine.travel(now() - timedelta(days=90)):
        return stage.path(stage.issue(valid_until=now() + timedelta(days=30)))


def _not_yet_valid(stage: Stage) -> str:
    with time_machine.travel(now() + timedelta(days=9)):
        return stage.path(stage.issue())


def _revoked(stage: Stage) -> str:
    badge = stage.issue()
    stage.revoke(badge)
    return stage.path(badge)


def _suspended(stage: Stage) -> str:
    badge = stage.issue()
    stage.suspend(badge)
    return stage.path(badge)


def _changed(stage: Stage) -> str:
    badge = stage.issue()
    stage.change_stored(badge, b"What Makes IPS", b"What Fakes IPS")
    return stage.path(badge)


def _superseded(stage: Stage) -> str:
    badge = stage.issue(recipient_email=None)
    stage.reissue(badge)
    return stage.path(badge) + "/v1"


def _not_shared(stage: Stage) -> str:
    return stage.path(stage.issue(shared=False))


def _erased(stage: Stage) -> str:
    badge = stage.issue()
    stage.erase(badge)
    return stage.path(badge)


STATES: Final[dict[str, tuple[Callable[[Stage], str], int, str]]] = {
    "valid": (_valid, 200, "Valid"),
    "valid, no address bound": (_valid_without_address, 200, "Valid"),
    "expired": (_expired, 200, "Expired"),
    "not yet valid": (_not_yet_valid, 200, "Not valid yet"),
    "revoked": (_revoked, 200, "Revoked: do not rely on it"),
    "suspended": (_suspended, 200, "Suspended"),
    "changed": (_changed, 200, "Not valid: do not rely on it"),
    "superseded": (_superseded, 200, "Replaced by a newer version"),
    "not shared": (_not_shared, 404, "No shared badge here"),
    "erased": (_erased, 410, "This badge was erased"),
}
"""What makes a badge of each state and returns its path; the page's status and its first heading."""
