"""A session that a header carries: the same pages, the same checks, and a kind word where the page's memory is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from app.core.clock import now
from app.learning import service as learning
from app.lti import registrations
from app.lti.schemas import AcceptedLaunch
from app.people import service as people
from app.programme import service as programme
from app.web.models import LaunchSessionRow
from app.web.sessions import SESSION_HEADER, csrf_token, start_header_session, swap_code
from app.wiring import Services
from tests.web.people import LAUNCH, connect, sign_in

RETURN_URL = "http://lms.localhost:8100/course/c/return?x=1&y=2"
KIND = "Your browser keeps no cookies for Waymark inside your LMS"


@dataclass(frozen=True)
class InMemory:
    """Somebody whose page holds the session's token."""

    client: TestClient
    person_id: str
    root: str
    token: str
    csrf: str

    def get(self, path: str, **headers: str) -> Any:
        """GET as the page's script does."""
        return self.client.get(self.root + path, headers=self._headers(headers))

    def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Any:
        """POST a form as the page's script does."""
        data = {"csrf": self.csrf} | (fields or {})
        return self.client.post(self.root + path, data=data, headers=self._headers(headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {SESSION_HEADER: self.token, "Accept": "text/html"} | more


def signed_in(services: Services, client: TestClient, name: str, return_url: str | None = RETURN_URL) -> InMemory:
    runtime = services.runtime
    launch = replace(LAUNCH, subject=name, name=name, return_url=return_url)
    with runtime.database.write() as session:
        connect(session)
        person = people.person_for_lms_identity(
            session, registration_id=launch.registration_id, subject=name, name=name, email=None, organisation_id=None
        )
        module = programme.current_module(session, "M01")
        learning.enrol(session, person_id=person.id, module=module, organisation_id=None)
        accepted = AcceptedLaunch(person.id, launch.module_key, launch.activity_key, launch.view)
        started = start_header_session(session, runtime.settings, launch, accepted)
        session.flush()
        token = swap_code(session, started.handle, started.code)
    with runtime.database.read() as session:
        row = session.get_one(LaunchSessionRow, started.handle)
    return InMemory(client, person.id, f"/at/{row.handle}", token, csrf_token(runtime, row.handle, row.secret_hash))


def lesson_is_read(services: Services, tess: InMemory) -> bool:
    with services.runtime.database.read() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        return learning.progress(session, enrolment.id).done == 1


def test_the_header_opens_pages_and_takes_forms(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    assert tess.get("/module").status_code == 200
    assert tess.post("/activity/lesson/read").status_code == 303
    assert lesson_is_read(services, tess)


def test_a_draft_is_saved_with_the_header(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    headers = {SESSION_HEADER: tess.token, "X-CSRF-Token": tess.csrf}
    path = f"{tess.root}/activity/reflection/draft"
    saved = client.put(path, json={"revision": 0, "content": {"text": "A word"}}, headers=headers)
    assert saved.status_code == 200
    without = client.put(path, json={"revision": 1, "content": {"text": "x"}}, headers={"X-CSRF-Token": tess.csrf})
    assert without.status_code == 401


@pytest.mark.parametrize("fields", [{"csrf": ""}, {"csrf": "guessed"}])
def test_the_forms_own_token_is_still_needed(services: Services, client: TestClient, fields: dict[str, str]) -> None:
    tess = signed_in(services, client, "Tess")
    assert tess.post("/activity/lesson/read", fields).status_code == 403
    assert not lesson_is_read(services, tess)


def test_a_form_from_another_site_changes_nothing(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    assert tess.post("/activity/lesson/read", Origin="https://evil.example").status_code == 403
    assert not lesson_is_read(services, tess)


def test_a_reload_is_told_kindly_and_names_nobody(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    answer = client.get(f"{tess.root}/module", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert KIND in answer.text
    assert "Everything you saved is kept" in answer.text
    assert 'href="http://lms.localhost:8100/course/c/return?x=1&amp;y=2"' in answer.text
    assert "Tess" not in answer.text


def test_what_was_sent_too_late_is_not_called_kept(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    page = {"Accept": "text/html"}
    without = client.post(f"{tess.root}/activity/exercise/draft", data={"gate": "Words."}, headers=page)
    with time_machine.travel(now() + timedelta(hours=9), tick=False):
        late = client.post(f"{tess.root}/activity/exercise/draft", data={"gate": "Words."}, headers=page)
        read = client.get(f"{tess.root}/module", headers=page)
    for answer in (without, late):
        assert answer.status_code == 401
        assert "Everything you saved is kept" not in answer.text
        assert "What you sent just now was not received" in answer.text
    assert "Everything you saved is kept" in read.text


def test_without_an_address_to_go_back_to_there_is_no_button(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess", return_url=None)
    answer = client.get(f"{tess.root}/module", headers={"Accept": "text/html"})
    assert KIND in answer.text
    assert "open the activity again" in answer.text
    assert '<a class="button' not in answer.text


def test_a_wrong_token_is_told_nothing_of_the_session(services: Services, client: TestClient) -> None:
    tess, mallory = signed_in(services, client, "Tess"), signed_in(services, client, "Mallory")
    for token in (mallory.token, tess.csrf, "", "é"):
        answer = client.get(f"{tess.root}/module", headers={SESSION_HEADER: token.encode(), "Accept": "text/html"})
        assert answer.status_code == 401
        assert "Tess" not in answer.text


def test_a_header_opens_no_session_of_a_cookie(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    secret = tess.cookie.partition("=")[2]
    answer = client.get(f"{tess.root}/module", headers={SESSION_HEADER: secret, "Accept": "text/html"})
    assert answer.status_code == 401
    assert KIND not in answer.text


def test_a_session_in_memory_ends_as_others_do(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    with time_machine.travel(now() + timedelta(hours=9), tick=False):
        ended = client.get(f"{tess.root}/module", headers={"Accept": "text/html"})
        assert tess.get("/module").status_code == ended.status_code == 401
        assert KIND not in ended.text


def test_a_platform_that_was_removed_lets_nobody_on(services: Services, client: TestClient) -> None:
    tess = signed_in(services, client, "Tess")
    with services.runtime.database.write() as session:
        registrations.remove(session, issuer=LAUNCH.issuer, client_id=LAUNCH.client_id)
    assert tess.get("/module").status_code == 401
