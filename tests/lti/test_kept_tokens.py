"""One token for all processes of a house: sealed in the database, let go when refused, and never in the way."""

from __future__ import annotations

import threading
from datetime import timedelta

import httpx2
import pytest
import time_machine
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app.core.clock import now
from app.core.db import Database
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.lti.access_tokens import TokenCache
from app.lti.connector import Connectors, PlatformConnector
from app.lti.kept_tokens import KeptTokens
from app.lti.models import LtiAccessToken, LtiTokenRequest
from tests.lti.platform import SCORE_SCOPE, Platform
from tests.lti.test_connector import connector_of

COLUMNS = "https://lms.example/items"


@pytest.fixture(autouse=True)
def _registered(registration_id: str) -> None:
    """The platform is let in."""


def process(runtime: Runtime, secret: str | None = None) -> PlatformConnector:
    """The connector of a process of its own: nothing in its memory, and the house's database."""
    box = SecretBox([secret]) if secret else runtime.secret_box
    return connector_of(runtime, Connectors(runtime, TokenCache(), KeptTokens(runtime.database, box)), "client-1")


def rows(database: Database) -> list[LtiAccessToken]:
    with database.read() as session:
        return list(session.exec(select(LtiAccessToken)))


def test_one_process_asks_and_all_have_the_token(runtime: Runtime, database: Database, platform: Platform) -> None:
    token = process(runtime).get_access_token([SCORE_SCOPE, "other"])
    assert process(runtime).get_access_token(["other"]) == token
    assert len(platform.at("/token")) == 1
    (row,) = rows(database)
    assert token not in row.model_dump_json()
    assert row.scopes == f"{SCORE_SCOPE} other"


def test_two_processes_that_need_a_token_at_once_ask_one_after_the_other(
    runtime: Runtime, database: Database, platform: Platform
) -> None:
    """The second waits while the first asks, and takes what it was given."""
    first, second = process(runtime), process(runtime)
    kept = KeptTokens(database, runtime.secret_box)
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(second.get_access_token([SCORE_SCOPE])), daemon=True)
    with kept.turn(first._tenant):
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
        assert not platform.at("/token")
        kept.keep(first._tenant, [SCORE_SCOPE], "token-of-the-first", 3600)
    waiting.join(timeout=60)
    assert got == ["token-of-the-first"]
    assert not platform.at("/token")
    with database.read() as session:
        assert not session.exec(select(LtiTokenRequest)).all(), "nobody asks any more"


def test_nobody_waits_for_a_process_that_died_while_it_asked(
    runtime: Runtime, database: Database, platform: Platform
) -> None:
    connector = process(runtime)
    with database.write() as session:
        session.add(LtiTokenRequest(tenant=connector._tenant, until=now() - timedelta(seconds=1)))
    connector.get_access_token([SCORE_SCOPE])
    assert len(platform.at("/token")) == 1


def test_a_token_for_less_does_not_serve_another_process_for_more(runtime: Runtime, platform: Platform) -> None:
    process(runtime).get_access_token([SCORE_SCOPE])
    process(runtime).get_access_token([SCORE_SCOPE, "other"])
    assert len(platform.at("/token")) == 2


def test_a_token_that_is_over_is_asked_for_anew_and_goes(
    runtime: Runtime, database: Database, platform: Platform
) -> None:
    process(runtime).get_access_token([SCORE_SCOPE])
    with time_machine.travel(now() + timedelta(seconds=3541)):
        process(runtime).get_access_token([SCORE_SCOPE])
        assert len(platform.at("/token")) == 2
    with time_machine.travel(now() + timedelta(days=1)):
        process(runtime).get_access_token(["other"])
        assert [row.scopes for row in rows(database)] == ["other"]


def test_a_token_that_a_service_refuses_is_let_go_by_all(
    runtime: Runtime, database: Database, platform: Platform
) -> None:
    first = process(runtime).get_access_token([SCORE_SCOPE])
    platform.roster[COLUMNS] = httpx2.Response(401)
    with pytest.raises(Exception, match="401"):
        process(runtime).make_service_request([SCORE_SCOPE], COLUMNS)
    second = process(runtime).get_access_token([SCORE_SCOPE])
    assert second != first
    assert len(platform.at("/token")) == 2, "the one who was refused asked, and the next one found that"


def test_what_another_process_was_given_since_stays(runtime: Runtime, database: Database) -> None:
    kept = KeptTokens(database, runtime.secret_box)
    kept.keep("tenant", {"a"}, "new", 3600)
    kept.forget("tenant", "old")
    found = kept.find("tenant", {"a"})
    assert found is not None
    assert found.value == "new"
    kept.forget("tenant", "new", only_old=True)
    assert kept.find("tenant", {"a"}) is not None, "it is fresh: more rights would be in it"
    kept.forget("tenant", "new")
    assert kept.find("tenant", {"a"}) is None


def test_tenants_share_nothing(runtime: Runtime, database: Database) -> None:
    kept = KeptTokens(database, runtime.secret_box)
    kept.keep("one", {"a"}, "token", 3600)
    assert kept.find("two", {"a"}) is None


def test_a_token_sealed_under_another_key_is_asked_for_anew(runtime: Runtime, platform: Platform) -> None:
    process(runtime).get_access_token([SCORE_SCOPE])
    process(runtime, "another-secret-key-for-tests-only-that-is-long").get_access_token([SCORE_SCOPE])
    assert len(platform.at("/token")) == 2


def test_where_nothing_can_be_kept_each_asks_for_itself(
    runtime: Runtime, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object) -> None:
        raise OperationalError("", {}, Exception("away"))

    first, second = process(runtime), process(runtime)
    monkeypatch.setattr(Database, "read", away)
    monkeypatch.setattr(Database, "write", away)
    assert first.get_access_token([SCORE_SCOPE]) != second.get_access_token([SCORE_SCOPE])
    assert len(platform.at("/token")) == 2
