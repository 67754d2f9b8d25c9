"""The whole way with a strict platform that shares no code with us: login, launch, score, roster."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.config import Settings
from app.core import outbox
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.lti import registrations
from app.lti.connector import Connectors
from app.lti.models import LtiContext, LtiScore
from app.lti.registrations import PlatformDetails
from app.lti.roster import course_members
from app.main import create_app
from app.web.models import LaunchSessionRow
from app.wiring import Services, build_verifier
from practice_lms.app import create_app as create_lms
from practice_lms.settings import Settings as LmsSettings
from practice_lms.settings import platform_details
from tests.lti.awarding import decide, grade_worker
from tests.lti.platform import TOOL, Browser, Platform


def form_in(page: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Where a page's form goes, and its hidden fields."""
    assert page.status_code == 200, page.text
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)
    return html.unescape(action.group(1)), {name: html.unescape(value) for name, value in fields}


@pytest.fixture
def lms() -> TestClient:
    settings = LmsSettings()
    tool_keys: list[bytes] = []
    app = create_lms(settings, fetch_jwks=lambda _url: tool_keys[-1])
    app.state.tool_keys_box = tool_keys
    return TestClient(app, base_url=settings.front_url, follow_redirects=False)


@pytest.fixture
def house(settings: Settings, database: Database, secret_box: SecretBox, lms: TestClient) -> Runtime:
    def carry(request: httpx2.Request) -> httpx2.Response:
        path = urlsplit(str(request.url))
        answer = lms.request(
            request.method,
            f"http://127.0.0.1:8100{path.path}" + (f"?{path.query}" if path.query else ""),
            content=request.content,
            headers=dict(request.headers),
        )
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(carry))
    runtime = Runtime(settings=settings, database=database, http=http, jwks=JwksCache(http), secret_box=secret_box)
    facts = platform_details(LmsSettings())
    deployment = facts.pop("deployment_id")
    with database.write() as session:
        details = PlatformDetails(**facts)
        registrations.add_registration(session, details, deployment=deployment, allow_http=True)
        registrations.approve(session, issuer=details.issuer, client_id=details.client_id)
    return runtime


def launch_as(user: str, lms: TestClient, tool: Browser) -> httpx2.Response:
    """What the browser does between the click and the module's page."""
    lms.post("/sign-in", data={"user": user}, headers={"Origin": "http://lms.localhost:8100"})
    action, fields = form_in(lms.get("/course/foundations/activity/m01/launch"))
    assert action == TOOL + "/lti/login"
    begun = tool.begun(tool.post("/lti/login", fields))
    action, fields = form_in(lms.get(begun.location))
    assert action == TOOL + "/lti/launch"
    return tool.post("/lti/launch", fields)


def test_a_learner_is_launched_graded_and_found_on_the_roster(
    house: Runtime, lms: TestClient, database: Database
) -> None:
    services = Services(runtime=house, verifier=build_verifier(house))
    client = TestClient(create_app(services=services), base_url=TOOL, follow_redirects=False)
    tool = Browser(client, Platform())
    answer = launch_as("tess", lms, tool)
    assert answer.status_code == 303, answer.text
    with database.read() as session:
        row = session.exec(select(LaunchSessionRow)).one()
    assert (row.module_key, row.is_teacher, row.context_title) == ("M01", False, "IPS foundations")

    lms.app.state.tool_keys_box.append(client.get("/lti/jwks").content)  # type: ignore[attr-defined]
    event = decide(database, datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    with database.write() as session:
        outbox.emit(session, event)
    grade_worker(house).run_until_idle()
    with database.read() as session:
        score = session.exec(select(LtiScore)).one()
        assert (score.state, score.last_error) == ("sent", None)
        course = session.exec(select(LtiContext)).one()
        platform = registrations.platform_of(registrations.list_registrations(session)[0])
    assert "100" in lms.get("/gradebook.json").text

    members = course_members(Connectors(house).to(platform), course.memberships_url)
    assert "Tess Nguyen" in {member.name for member in members}


def test_a_teacher_is_launched_as_one(house: Runtime, lms: TestClient, database: Database) -> None:
    services = Services(runtime=house, verifier=build_verifier(house))
    tool = Browser(TestClient(create_app(services=services), base_url=TOOL, follow_redirects=False), Platform())
    assert launch_as("priya", lms, tool).status_code == 303
    with database.read() as session:
        assert session.exec(select(LaunchSessionRow)).one().is_teacher
