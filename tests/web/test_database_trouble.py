"""A database that is gone, busy, read-only or full: a clear page, nothing half done, and no restart when it is back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from starlette.testclient import TestClient

from app.awards.by_operator import issue_by_operator
from app.awards.schemas import OperatorAward
from app.core import db
from app.core.audit import OPERATOR
from app.core.db import Database
from app.core.db_trouble import Trouble, trouble_of
from app.core.server_facts import note, recall
from app.issuer import service as issuer
from app.issuer import status
from app.issuer.schemas import IssuedCredential
from app.learning.models import ActivityDraftRecord
from app.wiring import Services
from tests.databases import plain
from tests.web.people import SignedIn, sign_in

BADGE_OF_NOBODY = "/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10"


@pytest.fixture
def file(database: Database) -> Path:
    if not database.is_sqlite:
        pytest.skip("this trouble is made with SQLite's file")
    return Path(database.url.removeprefix("sqlite:///"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs as in use, only shorter. Named first in a test, so that its database opens with them."""
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 100)
    monkeypatch.setattr(db, "LOCK_TIMEOUT_MS", 100)


@contextmanager
def elsewhere(file: Path) -> Iterator[None]:
    """The folder of the database is gone for a while, as when its disk is."""
    moved = file.parent.rename(file.parent.with_name("elsewhere"))
    yield
    moved.rename(file.parent)


@contextmanager
def every_connection(database: Database, begins_with: Callable[[Any], object]) -> Iterator[None]:
    """Connections are made anew, and each begins with a rule, which goes away again by itself."""

    def begin(connection: Any, _record: object) -> None:
        begins_with(connection)

    database.reconnect()
    event.listen(database.engine, "connect", begin)
    yield
    event.remove(database.engine, "connect", begin)


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    rule = "PRAGMA query_only=ON" if database.is_sqlite else "SET default_transaction_read_only = on"

    def begin(connection: Any) -> None:
        connection.execute(rule)
        if not database.is_sqlite:
            connection.commit()

    with every_connection(database, begin):
        yield


def save_draft(tess: SignedIn, text: str = "Some words.", revision: int = 0) -> Any:
    return tess.post("/activity/reflection/draft", {"revision": str(revision), "text": text})


def issue_shared(services: Services) -> IssuedCredential:
    runtime = services.runtime
    return issue_by_operator(
        runtime.database,
        runtime.secret_box,
        runtime.settings.base_url,
        OperatorAward(
            achievement_key="M01", email="robin@example.org", idempotency_key="1", decided_by_name="Helen Chapman",
            decided_by_role="programme lead", issuer_key="orygen", shared=True,
        ),
    )  # fmt: skip


def drafts(services: Services) -> list[str]:
    with services.runtime.database.read() as session:
        return [row.content["text"] for row in session.exec(sa.select(ActivityDraftRecord)).scalars()]


def test_a_full_database_is_told_and_works_again_when_there_is_room(
    services: Services, client: TestClient, database: Database
) -> None:
    if not database.is_sqlite:
        pytest.skip("SQLite can be told to be full")
    tess = sign_in(services, client, "Tess")
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with every_connection(database, lambda connection: connection.execute(f"PRAGMA max_page_count={pages}")):
        answers = [tess.put_json("/activity/exercise/draft", {"revision": 0, "content": {"drop": "x" * 19_000}})]
        answers.append(save_draft(tess, "y" * 19_000))
    assert {answer.status_code for answer in answers} == {503}
    for words in ("no room left", "not done"):
        assert words in answers[1].text
    database.dispose()
    assert save_draft(tess, "y" * 19_000).status_code == 303


def test_a_full_disk_of_a_server_is_told_and_nothing_is_half_done(
    services: Services, client: TestClient, database: Database
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite can be told to be full")
    tess = sign_in(services, client, "Tess")
    with psycopg.connect(plain(database.url), autocommit=True) as server:
        server.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
        )
        server.execute("CREATE TRIGGER no_room BEFORE INSERT ON activity_draft FOR EACH ROW EXECUTE FUNCTION no_room()")
        answer = save_draft(tess)
        assert answer.status_code == 503
        assert "no room left" in answer.text
        assert drafts(services) == []
        server.execute("DROP TRIGGER no_room ON activity_draft")
    assert save_draft(tess).status_code == 303
    assert drafts(services) == ["Some words."]


def test_a_read_only_database_still_shows_pages_and_says_that_nothing_can_be_saved(
    services: Services, client: TestClient, database: Database
) -> None:
    tess = sign_in(services, client, "Tess")
    badge = issue_shared(services)
    with read_only(database):
        assert tess.get("/module").status_code == 200
        assert client.get(badge.url, headers={"Accept": "text/html"}).status_code == 200
        refused = save_draft(tess)
        assert refused.status_code == 503
        assert "can only be read" in refused.text
        machine = tess.put_json("/activity/reflection/draft", {"revision": 0, "content": {"text": "Some words."}})
        assert machine.status_code == 503
        assert client.get("/healthz").status_code == 200
        told = client.get("/readyz")
        assert told.status_code == 503
        assert told.json()["checks"] == {
            "database": "read-only: nothing can be saved", "migrations": "ok", "keys": "ok", "outbox": "ok",
            "status_lists": "ok",
        }  # fmt: skip
        assert 'waymark_check_ok{check="database"} 0.0' in client.get("/metrics").text
    assert client.get("/readyz").status_code == 200
    assert save_draft(tess).status_code == 303
    assert drafts(services) == ["Some words."]


def test_a_connection_that_may_only_read_is_not_kept_once_others_may_write(
    services: Services, client: TestClient, database: Database
) -> None:
    """As after a change of roles between two servers, with nobody asking whether the process is ready."""
    tess = sign_in(services, client, "Tess")
    with read_only(database):
        assert save_draft(tess).status_code == 503
    assert save_draft(tess).status_code == 303


def test_a_status_list_that_cannot_be_stored_is_told_as_it_is(
    services: Services, client: TestClient, database: Database
) -> None:
    runtime = services.runtime
    badge = issue_shared(services)
    issuer.revoke(
        database, runtime.secret_box, runtime.settings.base_url, credential_id=badge.credential_id, reason="A test",
        actor=OPERATOR,
    )  # fmt: skip
    with database.write() as session:
        status.mark_changed(session, 1)  # as after a revocation whose signing was interrupted
    with read_only(database):
        assert "revoked" in client.get(badge.url, headers={"Accept": "text/html"}).text.lower()
        answer = client.post("/api/v1/verify", json={"url": badge.url})
        assert answer.json()["verdict"] == "revoked"


def test_a_database_that_vanishes_is_told_and_found_again(services: Services, client: TestClient, file: Path) -> None:
    tess = sign_in(services, client, "Tess")
    with elsewhere(file):
        page = tess.get("/module")
        assert page.status_code == 503
        assert "does not answer" in page.text
        assert save_draft(tess).status_code == 503
        assert client.get("/readyz").json()["checks"] == {"database": "not answering"}
        assert client.get("/healthz").status_code == 200
    assert tess.get("/module").status_code == 200
    assert save_draft(tess).status_code == 303
    assert client.get("/readyz").json()["checks"]["database"] == "ok"


def test_an_empty_file_is_not_made_where_the_database_was(services: Services, client: TestClient, file: Path) -> None:
    services.runtime.database.dispose()
    away = file.rename(file.with_name("away"))
    assert client.get("/programme", headers={"Accept": "text/html"}).status_code == 503
    assert client.get("/readyz").status_code == 503
    assert not file.exists()
    away.rename(file)
    assert client.get("/programme", headers={"Accept": "text/html"}).status_code == 200


def test_a_file_put_in_the_place_of_the_database_takes_nothing_before_a_new_start(
    services: Services, client: TestClient, file: Path
) -> None:
    tess = sign_in(services, client, "Tess")
    with sqlite3.connect(file) as live, sqlite3.connect(file.with_name("backup")) as backup:
        live.backup(backup)
    for connection in (live, backup):
        connection.close()
    restored = file.with_name("backup").read_bytes()
    file.with_name("backup").rename(file)
    assert save_draft(tess).status_code == 503
    assert client.get("/readyz").json()["checks"] == {"database": "another file was put in its place: start again"}
    assert file.read_bytes() == restored
    services.runtime.database.dispose()  # as at the end of the process
    assert save_draft(tess).status_code == 303


def test_machines_are_told_in_their_own_form(services: Services, client: TestClient, file: Path) -> None:
    with elsewhere(file):
        answer = client.get(f"{BADGE_OF_NOBODY}.json")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"].isdigit()
    assert answer.json()["type"] == "urn:waymark:error:database-unavailable"


@contextmanager
def somebody_saves(database: Database) -> Iterator[None]:
    """Another process is in the middle of a change to the same rows and does not come to its end."""
    if database.is_sqlite:
        with sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        other.close()
    else:
        with psycopg.connect(plain(database.url)) as other_server:
            other_server.execute("LOCK TABLE activity_draft IN EXCLUSIVE MODE")
            yield
            other_server.rollback()


def test_a_change_waits_for_another_only_so_long(
    impatient: None, services: Services, client: TestClient, database: Database
) -> None:
    tess = sign_in(services, client, "Tess")
    with somebody_saves(database):
        answer = save_draft(tess)
        assert answer.status_code == 503
        assert "did not get to this in time" in answer.text
        assert tess.get("/module").status_code == 200
        assert client.get("/readyz").status_code == 200
    assert drafts(services) == []
    assert save_draft(tess).status_code == 303


def test_it_is_the_lock_that_is_not_waited_for_and_not_the_statement(impatient: None, database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one lock for all")
    with somebody_saves(database), pytest.raises(sa.exc.OperationalError) as raised, database.write() as session:
        session.execute(sa.text("LOCK TABLE activity_draft IN EXCLUSIVE MODE"))
    assert isinstance(raised.value.orig, psycopg.errors.LockNotAvailable)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named first in a test, so that its database opens with it."""
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT_MS", 200)


def test_a_question_that_a_server_does_not_answer_in_time_is_ended(hurried: None, database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite answers in this process")
    with pytest.raises(sa.exc.OperationalError) as raised, database.read() as session:
        session.execute(sa.text("SELECT pg_sleep(30)"))
    assert trouble_of(raised.value) is Trouble.BUSY

    def write_slowly() -> None:
        with database.write() as session:
            note(session, "a", "b")
            session.execute(sa.text("SELECT pg_sleep(30)"))

    with pytest.raises(sa.exc.OperationalError):
        write_slowly()
    with database.read() as session:
        assert recall(session, "a") is None


def test_what_is_not_the_databases_trouble_is_not_called_so(database: Database) -> None:
    errors = []
    for statement in ("SELECT * FROM no_such_table", "INSERT INTO server_fact (name) VALUES ('a')"):
        with pytest.raises(sa.exc.SQLAlchemyError) as raised, database.read() as session:
            session.execute(sa.text(statement))
        errors.append(raised.value)
    assert [trouble_of(error) for error in errors] == [None, None]
