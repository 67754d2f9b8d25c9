"""A session belongs to one launch and one browser, and changes come from our own pages only."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import event
from starlette.testclient import TestClient

from app.core.clock import now
from app.learning import service as learning
from app.wiring import Services
from tests.web.people import sign_in


def test_the_handle_alone_opens_nothing(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    assert tess.get("/module").status_code == 200
    answer = client.get(tess.root + "/module", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "open" in answer.text
    assert "Tess" not in answer.text


def test_one_sessions_cookie_does_not_open_another(services: Services, client: TestClient) -> None:
    tess, mallory = sign_in(services, client, "Tess"), sign_in(services, client, "Mallory")
    stolen = mallory.cookie.replace(mallory.root[4:], tess.root[4:])
    assert client.get(tess.root + "/module", headers={"Cookie": stolen}).status_code == 401


def test_a_session_ends(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    with time_machine.travel(now() + timedelta(hours=9), tick=False):
        assert tess.get("/module").status_code == 401


def test_a_form_without_the_sessions_token_changes_nothing(services: Services, client: TestClient) -> None:
    tess, mallory = sign_in(services, client, "Tess"), sign_in(services, client, "Mallory")
    for token in ("", mallory.token):
        assert tess.post("/activity/lesson/read", {"csrf": token}).status_code == 403
    with services.runtime.database.read() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        assert learning.progress(session, enrolment.id).done == 0


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_from_another_site_changes_nothing(
    services: Services, client: TestClient, headers: dict[str, str]
) -> None:
    tess = sign_in(services, client, "Tess")
    assert tess.post("/activity/lesson/read", headers=headers).status_code == 403


def test_only_the_launchs_platform_may_frame_its_pages(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    policy = tess.get("/module").headers["content-security-policy"]
    assert "frame-ancestors 'self' http://lms.localhost:8100" in policy
    assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]


def test_every_page_has_a_strict_policy(services: Services, client: TestClient) -> None:
    for path in ("/", "/verify", "/programme", "/api/docs", "/nowhere"):
        policy = client.get(path, headers={"Accept": "text/html"}).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_a_commit_that_fails_is_told_and_never_a_success(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")

    def fail(_connection: sa.Connection) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, Exception("disk is full"))

    event.listen(services.runtime.database.write_engine, "commit", fail)
    try:
        answer = tess.post("/activity/lesson/read")
    finally:
        event.remove(services.runtime.database.write_engine, "commit", fail)
    assert answer.status_code >= 500
    assert "was not done" in answer.text
    with services.runtime.database.read() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        assert learning.progress(session, enrolment.id).done == 0
