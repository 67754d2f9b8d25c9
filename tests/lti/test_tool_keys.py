"""The tool's own keys: exchanged without a moment in which a platform meets a key it cannot find."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.clock import now
from app.core.db import Database
from app.core.secrets import SecretBox
from app.lti.models import LtiToolKey
from app.lti.toolkeys import ensure_tool_key, rotate_tool_key, tool_jwks


def published(database: Database) -> list[str]:
    with database.read() as session:
        return [key["kid"] for key in tool_jwks(session)["keys"]]


def move(database: Database, by: timedelta) -> None:
    """Let time pass, as far as keys are concerned."""
    with database.write() as session:
        for row in session.exec(select(LtiToolKey)).all():
            row.active_from -= by
            row.retired_at = row.retired_at and row.retired_at - by
            session.add(row)


def test_a_new_key_is_published_first_used_later_and_the_old_one_kept(
    database: Database, secret_box: SecretBox
) -> None:
    old = ensure_tool_key(database, secret_box).kid
    new = rotate_tool_key(database, secret_box, use_after=timedelta(hours=1), keep_old_for=timedelta(days=30)).kid
    assert published(database) == [old, new]
    assert ensure_tool_key(database, secret_box).kid == old
    move(database, timedelta(hours=2))
    assert published(database) == [old, new]
    assert ensure_tool_key(database, secret_box).kid == new
    move(database, timedelta(days=31))
    assert published(database) == [new]
    assert ensure_tool_key(database, secret_box).kid == new


def test_a_stolen_key_is_exchanged_at_once(database: Database, secret_box: SecretBox) -> None:
    old = ensure_tool_key(database, secret_box).kid
    new = rotate_tool_key(database, secret_box, use_after=timedelta(), keep_old_for=timedelta()).kid
    assert published(database) == [new]
    assert ensure_tool_key(database, secret_box).kid == new != old


def test_rotating_twice_never_lengthens_the_life_of_an_old_key(database: Database, secret_box: SecretBox) -> None:
    ensure_tool_key(database, secret_box)
    rotate_tool_key(database, secret_box, use_after=timedelta(), keep_old_for=timedelta(days=1))
    rotate_tool_key(database, secret_box, use_after=timedelta(), keep_old_for=timedelta(days=90))
    with database.read() as session:
        ends = [row.retired_at for row in session.exec(select(LtiToolKey)).all()]
    assert min(end for end in ends if end) < now() + timedelta(days=2)
    assert ends.count(None) == 1


@pytest.mark.parametrize("times", [1, 3])
def test_there_is_always_a_key_to_sign_with(database: Database, secret_box: SecretBox, times: int) -> None:
    for _ in range(times):
        rotate_tool_key(database, secret_box)
        assert ensure_tool_key(database, secret_box).kid in published(database)


def test_who_rotated_is_audited(database: Database, secret_box: SecretBox) -> None:
    made = rotate_tool_key(database, secret_box)
    with database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == made.id)).all()
    assert [entry.action for entry in entries] == ["lti.tool_key_rotated"]
