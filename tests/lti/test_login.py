"""The first step: L1 to L3, the redirect, its cookie, and the restart in a window of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.db import Database
from app.lti import login as logins
from app.lti.models import LtiLogin
from app.web.models import LaunchSessionRow
from tests.lti.conftest import everything, register
from tests.lti.platform import DROP, TARGET, TOOL, Browser, Platform
from tests.lti.test_refused_launches import assert_refused


def query_of(location: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("own_address", [False, True])
def test_a_login_goes_back_to_the_platform_with_exactly_what_the_standard_asks(
    client: TestClient, platform: Platform, registration_id: str, method: str, own_address: bool
) -> None:
    path = f"/lti/login/{registration_id}" if own_address else "/lti/login"
    fields = platform.login_fields()
    response = client.get(path, params=fields) if method == "GET" else client.post(path, data=fields)
    assert response.status_code == 302
    location = response.headers["location"]
    assert location.startswith("https://lms.example/auth?lang=en&")
    query = query_of(location)
    state, nonce = query.pop("state"), query.pop("nonce")
    assert query == {
        "lang": "en",
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": "client-1",
        "redirect_uri": TOOL + "/lti/launch",
        "login_hint": "user 41",
        "lti_message_hint": '{"cmid":2,"launchid":"ltilaunch1_44501930"}',
        "lti_deployment_id": "dep-1",
    }
    assert min(len(state), len(nonce)) >= 43


def test_the_cookie_survives_in_a_frame_of_another_site(
    client: TestClient, platform: Platform, registration_id: str
) -> None:
    header = client.post("/lti/login", data=platform.login_fields()).headers["set-cookie"]
    name, _, rest = header.partition("=")
    value, *attributes = rest.split("; ")
    assert name.startswith("__Host-waymark-login-")
    assert len(value) >= 43
    assert set(attributes) == {"Path=/", "Max-Age=600", "HttpOnly", "Secure", "SameSite=None", "Partitioned"}


def test_the_database_keeps_no_secret_in_the_clear(browser: Browser, database: Database) -> None:
    begun = browser.login()
    with database.read() as session:
        row = session.exec(select(LtiLogin)).one()
    stored = repr(row.model_dump())
    for secret in (begun.state, begun.nonce, *browser.cookies.values()):
        assert secret not in stored


@pytest.mark.parametrize("hint", ["a b+c&d=é/~%20", "x" * 8000, DROP])
def test_hints_go_back_unchanged(browser: Browser, hint: Any) -> None:
    """L3."""
    begun = browser.login(lti_message_hint=hint)
    assert query_of(begun.location).get("lti_message_hint", DROP) == hint


REFUSED_LOGINS: dict[str, tuple[dict[str, Any], str]] = {
    "no issuer": ({"iss": DROP}, "lti-login-incomplete"),
    "empty issuer": ({"iss": ""}, "lti-login-incomplete"),
    "no login hint": ({"login_hint": DROP}, "lti-login-incomplete"),
    "no target": ({"target_link_uri": DROP}, "lti-login-incomplete"),
    "a hint without end": ({"lti_message_hint": "x" * 9000}, "lti-login-incomplete"),
    "unknown issuer": ({"iss": "https://nobody.example"}, "lti-platform-unknown"),
    "unknown client": ({"client_id": "nobody"}, "lti-platform-unknown"),
    "target on a foreign host": ({"target_link_uri": "https://evil.example/lti/launch"}, "lti-target-foreign"),
    "target with our name in front": (
        {"target_link_uri": "http://tool.localhost:8000.evil.example/"},
        "lti-target-foreign",
    ),
    "target with our name as a user": (
        {"target_link_uri": "http://tool.localhost:8000@evil.example/"},
        "lti-target-foreign",
    ),
    "target with another scheme": ({"target_link_uri": "https://tool.localhost:8000/"}, "lti-target-foreign"),
    "target on another port": ({"target_link_uri": "http://tool.localhost/"}, "lti-target-foreign"),
    "target with a backslash": (
        {"target_link_uri": "http://tool.localhost:8000\\@evil.example/"},
        "lti-target-foreign",
    ),
    "target that is a path": ({"target_link_uri": "/modules/M01"}, "lti-target-foreign"),
    "target that is a script": ({"target_link_uri": "javascript:alert(1)"}, "lti-target-foreign"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("case", REFUSED_LOGINS)
def test_a_login_that_cannot_be_used_is_a_page_and_writes_nothing(
    browser: Browser, platform: Platform, database: Database, case: str, method: str
) -> None:
    """L1 and L2."""
    changes, slug = REFUSED_LOGINS[case]
    fields = platform.login_fields(**changes)
    before = everything(database)
    client = browser.client
    response = client.get("/lti/login", params=fields) if method == "GET" else client.post("/lti/login", data=fields)
    assert_refused(response, slug)
    assert everything(database) == before


def test_without_a_client_id_a_single_registration_is_found(browser: Browser) -> None:
    """L1."""
    assert query_of(browser.login(client_id=DROP).location)["client_id"] == "client-1"


def test_without_a_client_id_two_registrations_are_told_apart_by_the_address_only(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """L1."""
    second = register(database, Platform(client_id="client-2"))
    fields = platform.login_fields(client_id=DROP)
    assert_refused(browser.post("/lti/login", fields), "lti-client-ambiguous")
    begun = browser.begun(browser.post(f"/lti/login/{second}", fields))
    assert begun.query["client_id"] == "client-2"


def test_the_address_of_one_registration_takes_no_other_issuer(
    browser: Browser, platform: Platform, registration_id: str
) -> None:
    fields = platform.login_fields(iss="https://other.example")
    assert_refused(browser.post(f"/lti/login/{registration_id}", fields), "lti-platform-unknown")


def test_a_platform_that_nobody_approved_waits(client: TestClient, platform: Platform, database: Database) -> None:
    register(database, platform, approved=False)
    before = everything(database)
    assert_refused(client.post("/lti/login", data=platform.login_fields()), "lti-platform-pending", 403)
    assert everything(database) == before


def test_a_parameter_sent_twice_is_refused(browser: Browser) -> None:
    assert_refused(browser.get("/lti/login?iss=a&iss=b&login_hint=c&target_link_uri=d"), "lti-request-malformed")


def test_a_launch_in_another_browser_is_offered_a_new_window_and_leaves_no_trace(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B25: somebody else's cookie is as good as none."""
    stranger = Browser(browser.client, platform)
    stranger.login()
    begun = browser.login()
    token = platform.sign(platform.claims(begun.nonce))
    before = everything(database)
    for other in (stranger, Browser(browser.client, platform, browser.cookies, blocked=True)):
        response = other.launch(token, begun.state)
        assert response.status_code == 403
        assert "Open in a new window" in response.text
        assert 'target="_blank"' in response.text
        for private in ("Tess", "tess@example.org", "subject-41", begun.state, begun.nonce, token):
            assert private not in response.text
        assert "set-cookie" not in response.headers
        assert "frame-ancestors 'self' https://lms.example" in response.headers["content-security-policy"]
    assert everything(database) == before
    assert browser.launch(token, begun.state).status_code == 303


def new_window_link(response: Any) -> str:
    return str(response.text.partition('href="/lti/restart/')[2].partition('"')[0])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_new_window_begins_the_login_again_with_the_same_hints(
    browser: Browser, platform: Platform, database: Database, method: str
) -> None:
    in_frame = Browser(browser.client, platform, blocked=True)
    begun = in_frame.login()
    page = in_frame.launch(platform.sign(platform.claims(begun.nonce)), begun.state)
    handle = new_window_link(page)
    window = Browser(browser.client, platform)
    answer = window.get(f"/lti/restart/{handle}") if method == "GET" else window.post(f"/lti/restart/{handle}", {})
    again = window.begun(answer)
    assert again.state != begun.state
    assert again.nonce != begun.nonce
    same = ("login_hint", "lti_message_hint", "lti_deployment_id", "client_id", "redirect_uri")
    assert [again.query[name] for name in same] == [begun.query[name] for name in same]
    assert window.launch(platform.sign(platform.claims(again.nonce)), again.state).status_code == 303
    with database.read() as session:
        assert len(session.exec(select(LaunchSessionRow)).all()) == 1


def test_a_browser_that_gives_no_cookie_back_in_its_own_window_either_is_told_so(
    browser: Browser, platform: Platform, database: Database
) -> None:
    in_frame = Browser(browser.client, platform, blocked=True)
    begun = in_frame.login()
    handle = new_window_link(in_frame.launch(platform.sign(platform.claims(begun.nonce)), begun.state))
    again = in_frame.begun(in_frame.get(f"/lti/restart/{handle}"))
    before = everything(database)
    response = in_frame.launch(platform.sign(platform.claims(again.nonce)), again.state)
    assert_refused(response, "lti-cookies-blocked", 403)
    assert everything(database) == before


def test_a_login_that_was_used_or_never_was_cannot_be_begun_again(
    browser: Browser, platform: Platform, database: Database
) -> None:
    assert browser.full_launch().status_code == 303
    with database.read() as session:
        used = session.exec(select(LtiLogin)).one().id
    before = everything(database)
    for handle in (used, "invented"):
        assert_refused(browser.get(f"/lti/restart/{handle}"), "lti-restart-unknown", 410)
    assert everything(database) == before


def test_moodle_begins_again_itself_because_its_hint_works_once(browser: Browser, platform: Platform) -> None:
    in_frame = Browser(browser.client, platform, blocked=True)
    begun = in_frame.login()
    claims = platform.claims(begun.nonce, tool_platform={"guid": "g", "product_family_code": "moodle"})
    page = in_frame.launch(platform.sign(claims), begun.state)
    assert page.status_code == 403
    assert 'href="https://lms.example/mod/lti/launch.php?id=2"' in page.text
    assert "/lti/restart/" not in page.text


@pytest.mark.parametrize("hint", ["no JSON", '{"cmid":"2; drop"}', '{"cmid":true}', "[]", '{"cmid":-1}', DROP])
def test_a_moodle_hint_without_an_activity_falls_back_to_the_usual_way(
    browser: Browser, platform: Platform, hint: Any
) -> None:
    in_frame = Browser(browser.client, platform, blocked=True)
    begun = in_frame.login(lti_message_hint=hint)
    claims = platform.claims(begun.nonce, tool_platform={"guid": "g", "product_family_code": "moodle"})
    assert new_window_link(in_frame.launch(platform.sign(claims), begun.state))


def test_nothing_in_an_address_takes_the_cookies_place(browser: Browser, platform: Platform) -> None:
    begun = browser.login()
    ((name, secret),) = browser.cookies.items()
    token = platform.sign(platform.claims(begun.nonce))
    thief = Browser(browser.client, platform)
    path = f"/lti/launch?{name}={secret}&secret={secret}"
    assert thief.post(path, {"id_token": token, "state": begun.state, name: secret}).status_code == 403


def test_old_logins_are_swept_away(browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    import sqlalchemy as sa

    from app.core.clock import now

    browser.login()
    monkeypatch.setattr(logins, "ROOM_EVERY", 1)
    with database.write() as session:
        session.exec(sa.update(LtiLogin).values(expires_at=now() - timedelta(days=2)))
    browser.login()
    with database.read() as session:
        assert len(session.exec(select(LtiLogin)).all()) == 1


def test_a_login_to_a_target_is_kept_for_the_launch(browser: Browser, database: Database) -> None:
    browser.login()
    with database.read() as session:
        assert session.exec(select(LtiLogin)).one().target_link_uri == TARGET


@pytest.mark.parametrize("path", ["/lti/login", "/lti/login/any", "/lti/launch"])
def test_a_look_at_the_head_begins_nothing(client: TestClient, database: Database, path: str) -> None:
    before = everything(database)
    assert client.head(path).status_code == 405
    assert everything(database) == before
