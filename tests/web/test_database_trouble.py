"""A database that is gone, read-only or full: a clear page, nothing half done, and no restart when it is back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.core.db import Database
from app.learning import service as learning
from app.wiring import Services
from tests.web.people import SignedIn, sign_in


def done(services: Services, tess: SignedIn) -> int:
    with services.runtime.database.read() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        return learning.progress(session, enrolment.id).done


@pytest.fixture
def file(database: Database) -> Path:
    if not database.is_sqlite:
        pytest.skip("this trouble is made with SQLite's file")
    return Path(database.url.removeprefix("sqlite:///"))


def test_a_full_database_is_told_and_works_again_when_there_is_room(
    services: Services, client: TestClient, database: Database
) -> None:
    if not database.is_sqlite:
        pytest.skip("SQLite can be told to be full")
    tess = sign_in(services, client, "Tess")
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.dispose()

    def no_room(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    event.listen(database.engine, "connect", no_room)
    answers = [tess.put_json("/activity/exercise/draft", {"revision": 0, "content": {"drop": "x" * 19_000}})]
    answers.append(tess.post("/activity/reflection/draft", {"revision": "0", "text": "y" * 19_000}))
    event.remove(database.engine, "connect", no_room)
    database.dispose()
    assert {answer.status_code for answer in answers} == {503}
    assert "not done" in answers[1].text
    assert tess.post("/activity/reflection/draft", {"revision": "0", "text": "y" * 19_000}).status_code == 303


def test_a_database_that_vanishes_is_told_and_found_again(services: Services, client: TestClient, file: Path) -> None:
    tess = sign_in(services, client, "Tess")
    services.runtime.database.dispose()
    elsewhere = file.parent.rename(file.parent.with_name("elsewhere"))
    try:
        page = tess.get("/module")
        assert page.status_code == 503
        assert "does not answer" in page.text
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    finally:
        elsewhere.rename(file.parent)
    assert tess.get("/module").status_code == 200
    assert client.get("/readyz").json()["checks"]["database"] == "ok"


def test_machines_are_told_in_their_own_form(services: Services, client: TestClient, file: Path) -> None:
    services.runtime.database.dispose()
    elsewhere = file.parent.rename(file.parent.with_name("elsewhere"))
    try:
        answer = client.get("/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10.json")
    finally:
        elsewhere.rename(file.parent)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:waymark:error:database-unavailable"
