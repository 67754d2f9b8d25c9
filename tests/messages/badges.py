"""Badges that end when a test wants them to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.schemas import IssueRequest
from app.wiring import ISSUER_KEY, Services
from tests.programme.folders import module_version


def badge_of(services: Services, person_id: str | None, days: float | None, *, had_for: int = 400) -> str:
    """A badge that ends in so many days, or never; its holder has had it for so long. Its id."""
    runtime = services.runtime
    moment = now()
    request = IssueRequest(
        idempotency_key=f"{person_id}:{days}:{had_for}",
        issuer_key=ISSUER_KEY,
        achievement_key="M01",
        achievement_version=module_version("M01"),
        person_id=person_id,
        recipient_email=None,
        awarded_at=(moment - timedelta(days=had_for)).replace(microsecond=0),
        valid_until=None if days is None else (moment + timedelta(days=max(days, 1))).replace(microsecond=0),
    )
    issued = issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request)
    change(services, issued.credential_id, issued_at=moment - timedelta(days=had_for))
    if days is not None and days < 1:
        change(services, issued.credential_id, valid_until=moment + timedelta(days=days))
    return issued.credential_id


def change(services: Services, badge_id: str, **values: Any) -> None:
    """Make a badge's row as it would be at another time."""
    with services.runtime.database.write() as session:
        session.execute(sa.update(Credential).where(col(Credential.id) == badge_id).values(**values))


def in_days(days: float) -> datetime:
    """A moment so many days from now."""
    return now() + timedelta(days=days)
