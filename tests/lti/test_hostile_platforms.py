"""A platform that is registered and approved, and hostile: what it can reach is its own people and nothing else."""

from __future__ import annotations

import httpx2
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.db import Database
from app.core.runtime import Runtime
from app.learning.models import EnrolmentRecord
from app.lti import login as logins
from app.lti import registrations
from app.lti.models import LtiLogin, LtiRegistration
from app.lti.quirks import quirks_of
from app.lti.schemas import BegunLogin, LoginRequest
from app.people import service as people
from app.people.models import LmsIdentityRecord, RoleGrantRecord
from app.web.models import LaunchSessionRow
from tests.lti.conftest import everything, register
from tests.lti.platform import INSTITUTION, INSTRUCTOR, LEARNER, STRANGER, Browser, Platform

EVIL = "https://evil.example"


@pytest.fixture
def evil(runtime: Runtime, database: Database, platform: Platform) -> Platform:
    """A second platform on the same network, with keys of its own."""
    other = Platform(issuer=EVIL, client_id="client-2", deployment_id="dep-1", published=[STRANGER])
    register(database, other)
    good = platform.handle
    runtime.http._client._transport.handler = lambda request: (  # type: ignore[attr-defined]
        other.handle(request) if request.url.host == "evil.example" else good(request)
    )
    return other


def test_the_same_user_of_two_platforms_is_two_persons(
    browser: Browser, client: TestClient, evil: Platform, database: Database
) -> None:
    assert browser.full_launch().status_code == 303
    other = Browser(client, evil)
    begun = other.login()
    token = evil.sign(evil.claims(begun.nonce, email="tess@example.org"), key=STRANGER)
    assert other.launch(token, begun.state).status_code == 303
    with database.read() as session:
        rows = session.exec(select(LmsIdentityRecord)).all()
        assert len({row.person_id for row in rows}) == 2
        assert len({row.registration_id for row in rows}) == 2
        assert len({row.person_id for row in session.exec(select(EnrolmentRecord)).all()}) == 2
        assert {people.confirmed_email(session, row.person_id) for row in rows} == {None}


def test_a_platform_cannot_answer_anothers_login(
    browser: Browser, evil: Platform, platform: Platform, database: Database
) -> None:
    """Its own good signature under the other's name, and its own name in the other's login."""
    for claims in ({"iss": platform.issuer, "aud": platform.client_id}, {}):
        begun = browser.login()
        token = evil.sign(evil.claims(begun.nonce, **claims), key=STRANGER)
        before = everything(database)
        assert browser.launch(token, begun.state).status_code == 400
        assert everything(database) == before


def test_no_role_that_a_platform_names_becomes_a_grant(browser: Browser, database: Database) -> None:
    roles = [
        INSTRUCTOR, LEARNER, INSTITUTION + "#Administrator", "assessor", "operator", "manager",
        "http://purl.imsglobal.org/vocab/lis/v2/system/person#SysAdmin",
    ]  # fmt: skip
    opened = browser.full_launch(roles=roles, custom={"module": "M01", "role": "assessor"})
    assert opened.status_code == 303
    root = opened.headers["location"].rstrip("/")
    assert browser.get(f"{root}/assess").status_code == 403
    with database.read() as session:
        assert session.exec(select(RoleGrantRecord)).all() == []


def test_its_return_address_frames_its_own_sessions_and_cannot_widen_the_policy(
    browser: Browser, database: Database
) -> None:
    address = "https://lms.example/x;%20script-src%20*"
    opened = browser.full_launch(launch_presentation={"return_url": address})
    page = browser.get(opened.headers["location"].rstrip("/") + "/module")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.count("script-src") == 1
    assert policy.endswith("frame-ancestors 'self' https://lms.example")
    with database.read() as session:
        assert session.exec(select(LaunchSessionRow)).one().frame_ancestors == ["https://lms.example"]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "https://a@evil.example"]
)
def test_a_way_back_that_is_no_address_is_not_offered(browser: Browser, platform: Platform, address: str) -> None:
    begun = browser.login()
    claims = platform.claims(begun.nonce, launch_presentation={"return_url": address}, custom={"module": "M99"})
    refused = browser.launch(platform.sign(claims), begun.state)
    assert refused.status_code == 404
    assert address not in refused.text


@pytest.mark.parametrize("issuer", ["javascript:alert(1)//", "//evil.example", "not an address"])
def test_moodles_own_page_is_only_named_where_the_issuer_is_an_address(issuer: str, platform: Platform) -> None:
    row = LtiRegistration(
        issuer=issuer, client_id="c", auth_login_url=platform.auth_url, auth_token_url=platform.token_url,
        jwks_url=platform.jwks_url, name="n",
    )  # fmt: skip
    login = BegunLogin(
        id="login-1", platform=registrations.platform_of(row), platform_state="active", nonce_hash="", browser_hash="",
        target_link_uri="", request=LoginRequest(issuer, "h", "", message_hint='{"cmid": 2}'), restarted=False,
        is_used=False, is_expired=False,
    )  # fmt: skip
    way = quirks_of("moodle").new_window(login)
    assert (way.href, way.leaves_waymark) == ("/lti/restart/login-1", False)


def test_logins_that_nobody_finishes_do_not_fill_the_database(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may begin logins; the newest ones are kept, so that a real one among them still works."""
    monkeypatch.setattr(logins, "MOST_OPEN", 5)
    monkeypatch.setattr(logins, "ROOM_EVERY", 1)
    used = browser.full_launch()
    for _ in range(12):
        browser.login()
    assert used.status_code == 303
    assert browser.full_launch().status_code == 303
    with database.read() as session:
        rows = session.exec(select(LtiLogin)).all()
    assert len([row for row in rows if row.used_at is None]) <= 5
    assert len([row for row in rows if row.used_at is not None]) == 2


def test_a_platform_that_answers_with_nonsense_is_told_of_in_words(
    browser: Browser, platform: Platform, database: Database
) -> None:
    platform.jwks_answer = httpx2.Response(302, headers={"Location": "http://["})
    begun = browser.login()
    before = everything(database)
    refused = browser.launch(platform.sign(platform.claims(begun.nonce)), begun.state)
    assert refused.status_code == 503
    assert "try again" in refused.text
    assert everything(database) == before
