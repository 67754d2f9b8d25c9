"""/healthz, /readyz and /metrics tell the truth, whatever the database does, and never wait for it for long."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.core import db, outbox
from app.core.clock import now
from app.core.db import Database
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.core.secrets import SecretBox
from app.issuer.keys import PURPOSE as SIGNING
from app.issuer.models import SigningKey
from app.lti import toolkeys
from app.lti.models import LtiToolKey
from app.main import create_app
from app.web import operations
from app.wiring import Services, bind

ALL_WELL = {"database": "ok", "migrations": "ok", "keys": "ok", "outbox": "ok", "status_lists": "ok"}
FROM_THE_DATABASE = {
    "waymark_outbox_deliveries", "waymark_outbox_waiting", "waymark_outbox_dead", "waymark_outbox_age_seconds",
    "waymark_outbox_overdue_seconds", "waymark_credential_versions", "waymark_lti_scores",
    "waymark_status_list_age_seconds", "waymark_status_lists_behind",
}  # fmt: skip


def readiness(client: TestClient) -> dict[str, str]:
    """Each check in words; the status says the same."""
    answer = client.get("/readyz")
    body = answer.json()
    assert body["ready"] == (answer.status_code == 200)
    assert answer.status_code in (200, 503)
    assert body["ready"] == (body["checks"] == ALL_WELL)
    checks: dict[str, str] = body["checks"]
    return checks


def figures(client: TestClient) -> dict[str, dict[str, float]]:
    """Each metric's samples by their labels, as Prometheus reads them."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[",".join(sample.labels.values())] = sample.value
    return found


def expect_nothing_from_the_database(client: TestClient) -> None:
    found = figures(client)
    assert found["waymark_check_ok"]["database"] == 0
    assert FROM_THE_DATABASE & found.keys() == set()
    assert "waymark_http_requests_total" in found, "what this process counts itself is still told"


def wait_for(database: Database, **columns: object) -> None:
    """A delivery that waits for its listener."""
    with database.write() as session:
        event = OutboxEvent(kind="test.happened", dispatched_at=now())
        session.add(event)
        session.flush()
        session.add(OutboxDelivery(event_id=event.id, handler="lti.post_award_score", **columns))


def test_all_is_well(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert readiness(client) == ALL_WELL
    found = figures(client)
    assert found["waymark_check_ok"] == dict.fromkeys(ALL_WELL, 1.0)
    assert FROM_THE_DATABASE - {"waymark_outbox_deliveries"} <= found.keys()


def test_nobody_keeps_yesterdays_answer(client: TestClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_figures_from_the_database_are_not_told_once_it_is_gone(services: Services, client: TestClient) -> None:
    database = services.runtime.database
    wait_for(database)
    assert figures(client)["waymark_outbox_waiting"] == {"": 1.0}
    driver = database.engine.dialect.loaded_dbapi

    def refuse(*_: object) -> None:
        raise driver.OperationalError("connection refused")

    database.dispose()
    sa.event.listen(database.engine, "do_connect", refuse)
    assert readiness(client) == {"database": "not answering"}
    expect_nothing_from_the_database(client)
    sa.event.remove(database.engine, "do_connect", refuse)
    assert readiness(client) == ALL_WELL
    assert figures(client)["waymark_outbox_waiting"] == {"": 1.0}


def set_revision(services: Services, revision: str | None) -> None:
    with services.runtime.database.write() as session:
        session.execute(sa.text("DELETE FROM alembic_version"))
        if revision:
            session.execute(sa.text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        (None, "waymark migrate"),
        ("2026_11_21_first_slice", "waymark migrate"),
        ("2099_01_01_far_ahead", "newer than this version"),
    ],
)
def test_a_database_of_another_form(services: Services, client: TestClient, revision: str | None, words: str) -> None:
    set_revision(services, revision)
    checks = readiness(client)
    assert checks["database"] == "ok"
    assert words in checks["migrations"]
    found = figures(client)
    assert found["waymark_check_ok"]["migrations"] == 0
    assert FROM_THE_DATABASE & found.keys() == set()


def test_a_table_that_is_missing_is_never_ready(services: Services, client: TestClient) -> None:
    with services.runtime.database.write() as session:
        session.execute(sa.text("ALTER TABLE credential_version RENAME TO somewhere_else"))
    assert readiness(client)["database"].startswith("a check failed")
    expect_nothing_from_the_database(client)


OTHER = SecretBox(["a-master-key-that-this-server-was-not-started-with"])


def seal_signing_keys(services: Services, box: SecretBox) -> None:
    """As if the database had been restored from the backup of a server with that key."""
    runtime = services.runtime
    with runtime.database.write() as session:
        for row in session.scalars(sa.select(SigningKey)):
            opened = (OTHER if box is runtime.secret_box else runtime.secret_box).decrypt(SIGNING, row.sealed_private)
            row.sealed_private = box.encrypt(SIGNING, opened)


def seal_tool_keys(services: Services, box: SecretBox) -> None:
    runtime = services.runtime
    if box is not runtime.secret_box:
        toolkeys.ensure_tool_key(runtime.database, runtime.secret_box)
    with runtime.database.write() as session:
        for row in session.scalars(sa.select(LtiToolKey)):
            before = OTHER if box is runtime.secret_box else runtime.secret_box
            row.sealed_private_pem = box.encrypt(
                toolkeys.PURPOSE, before.decrypt(toolkeys.PURPOSE, row.sealed_private_pem)
            )


@pytest.mark.parametrize(
    ("seal", "words"), [(seal_signing_keys, "cannot be opened"), (seal_tool_keys, "those for LMSs cannot be opened")]
)
def test_a_database_restored_with_the_keys_of_another_server(
    services: Services, client: TestClient, seal: Callable[[Services, SecretBox], None], words: str
) -> None:
    assert readiness(client) == ALL_WELL
    seal(services, OTHER)
    checks = readiness(client)
    assert checks["keys"].startswith(words)
    assert "WAYMARK_SECRET_KEY" in checks["keys"]
    assert figures(client)["waymark_check_ok"]["keys"] == 0
    seal(services, services.runtime.secret_box)
    assert readiness(client) == ALL_WELL


def test_a_tool_key_that_signs_nothing_more_may_stay_closed(services: Services, client: TestClient) -> None:
    runtime = services.runtime
    seal_tool_keys(services, OTHER)
    toolkeys.rotate_tool_key(runtime.database, runtime.secret_box)
    assert readiness(client)["keys"].startswith("those for LMSs"), "the closed one is in use for an hour yet"
    with time_machine.travel(now() + toolkeys.PUBLISHED_BEFORE_USE + timedelta(seconds=1), tick=False):
        assert readiness(client) == ALL_WELL
        toolkeys.rotate_tool_key(runtime.database, OTHER)
        assert readiness(client)["keys"].startswith("those for LMSs"), "one that is used soon is closed"


def test_work_that_nobody_takes(services: Services, client: TestClient) -> None:
    wait_for(services.runtime.database)
    assert readiness(client) == ALL_WELL
    with time_machine.travel(now() + timedelta(minutes=11), tick=False):
        assert re.fullmatch(r"old: 66\d s; is a worker running\?", readiness(client)["outbox"])
        found = figures(client)
    assert found["waymark_check_ok"]["outbox"] == 0
    assert 659 < found["waymark_outbox_overdue_seconds"][""] < 670


def test_an_event_that_nobody_handed_out(services: Services, client: TestClient) -> None:
    with services.runtime.database.write() as session:
        session.add(OutboxEvent(kind="test.happened"))
    with time_machine.travel(now() + timedelta(minutes=11), tick=False):
        assert readiness(client)["outbox"].startswith("old")


def test_an_lms_that_is_down_for_hours_does_not_take_this_server_out_of_service(
    services: Services, client: TestClient
) -> None:
    """Its score grows old, but is tried again and again: every worker does its part."""
    wait_for(services.runtime.database, attempt=12, due_at=now() + timedelta(hours=3))
    with time_machine.travel(now() + timedelta(hours=2), tick=False):
        assert readiness(client) == ALL_WELL
        found = figures(client)
    assert found["waymark_outbox_overdue_seconds"] == {"": 0.0}
    assert found["waymark_outbox_age_seconds"][""] > 7_000


def test_work_in_a_workers_hands_is_not_work_that_nobody_takes(services: Services, client: TestClient) -> None:
    wait_for(services.runtime.database, leased_until=now() + timedelta(hours=1))
    with time_machine.travel(now() + timedelta(minutes=30), tick=False):
        assert readiness(client) == ALL_WELL


def test_readiness_asks_without_leaving_a_trace(services: Services, client: TestClient) -> None:
    """Two sessions at once, one of which writes: the question whether one can save is no obstacle to it."""
    with services.runtime.database.write() as session:
        session.execute(sa.text("UPDATE server_fact SET value = value"))
        assert readiness(client) == ALL_WELL
    with services.runtime.database.read() as session:
        assert outbox.health(session).waiting == 0


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server that takes every connection and says nothing, for as long as it is asked."""
    monkeypatch.setattr(db, "CONNECT_TIMEOUT_SECONDS", 600)
    monkeypatch.setattr(operations, "SECONDS_FOR_AN_ANSWER", 0.2)
    taken: list[socket.socket] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        taking = threading.Thread(target=take)
        taking.start()
        yield f"postgresql://waymark@127.0.0.1:{server.getsockname()[1]}/waymark"
        server.shutdown(socket.SHUT_RDWR)
        taking.join()
    for connection in taken:
        connection.close()


def test_a_server_that_takes_the_connection_and_says_nothing(silence: str, services: Services) -> None:
    hanging = bind(services.runtime.settings.model_copy(update={"database_url": silence}))
    with TestClient(create_app(services=hanging)) as client:
        assert client.get("/healthz").status_code == 200
        assert readiness(client) == {"database": "not answering"}
        expect_nothing_from_the_database(client)
        asking = [thread for thread in threading.enumerate() if thread.name == "probe" and thread.is_alive()]
        assert len(asking) == 1, "three questions to one that does not answer are one question"


def test_a_server_that_says_nothing_is_given_up_by_itself(
    silence: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "CONNECT_TIMEOUT_SECONDS", 2)
    hanging = bind(services.runtime.settings.model_copy(update={"database_url": silence}))
    with TestClient(create_app(services=hanging)) as client:
        page = client.get("/programme", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert re.search("does not answer", page.text)
