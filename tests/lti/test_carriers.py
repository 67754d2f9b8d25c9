"""Binding a launch to its browser where no cookie comes back: by the platform's storage, once, and by nothing else."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import time_machine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.core import db
from app.core.clock import now
from app.core.db import Database
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.models import LtiLogin
from app.lti.rate import LoginLimit
from app.main import create_app
from app.people import service as people
from app.web.models import LaunchSessionRow
from app.wiring import Services, build_verifier
from tests.lti.conftest import everything
from tests.lti.platform import DROP, INSTRUCTOR, TOOL, Begun, Browser, Platform
from tests.lti.test_deep_linking import DL, SETTINGS
from tests.lti.test_login import new_window_link
from tests.lti.test_refused_launches import assert_refused

OWN_PAGE = {"Origin": TOOL, "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
SESSION = "X-Waymark-Session"
PLACING: dict[str, Any] = {
    "message_type": "LtiDeepLinkingRequest",
    "resource_link": DROP,
    "roles": [INSTRUCTOR],
    DL + "deep_linking_settings": SETTINGS,
}
PRIVATE = ("Tess", "Nguyen", "tess@example.org", "subject-41")


def said(page: httpx2.Response) -> dict[str, str]:
    """What a page tells its script."""
    return {name: html.unescape(value) for name, value in re.findall(r'\bdata-([a-z-]+)="([^"]*)"', page.text)}


@dataclass
class Frame:
    """A frame whose browser returns no cookie, inside a platform that keeps for it what it is given."""

    platform: Platform
    client: TestClient
    target: str = "_parent"
    storage: dict[str, str] = field(default_factory=dict)

    @property
    def browser(self) -> Browser:
        return Browser(self.client, self.platform, blocked=True)

    def login(self, **changes: Any) -> Begun:
        page = self.browser.post("/lti/login", self.platform.login_fields(lti_storage_target=self.target, **changes))
        return self.begun(page)

    def begun(self, page: httpx2.Response) -> Begun:
        assert page.status_code == 200, page.text
        told = said(page)
        assert told["storage-target"] == self.target
        self.storage[told["storage-key"]] = told["storage-value"]
        onward = re.search(r'href="([^"]+)" data-onward', page.text)
        assert onward is not None
        location = html.unescape(onward[1])
        return Begun(location, dict(parse_qsl(urlsplit(location).query)))

    def launch(self, begun: Begun, **claims: Any) -> httpx2.Response:
        return self.browser.launch(self.platform.sign(self.platform.claims(begun.nonce, **claims)), begun.state)

    def held(self, **claims: Any) -> httpx2.Response:
        return self.launch(self.login(), **claims)

    def bind(
        self, page: httpx2.Response, *, secret: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """What the page's script sends: the handle, and what the platform has under the page's key."""
        told = said(page)
        found = secret if secret is not None else self.storage[told["storage-key"]]
        return self.client.post(
            told["held"],
            data={"handle": told["handle"], "secret": found},
            headers=OWN_PAGE if headers is None else headers,
        )

    def swap(self, bound: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
        return self.client.post("/lti/session", data=bound, headers=OWN_PAGE if headers is None else headers)

    def signed_in(self, page: httpx2.Response) -> Carried:
        bound = self.bind(page)
        assert bound.status_code == 200, bound.text
        swapped = self.swap(bound.json())
        assert swapped.status_code == 200, swapped.text
        return Carried(self.client, f"/at/{bound.json()['handle']}", swapped.json()["token"])


@dataclass
class Carried:
    """A session whose token is in the memory of a page."""

    client: TestClient
    root: str
    token: str

    def get(self, path: str) -> httpx2.Response:
        return self.client.get(self.root + path, headers={SESSION: self.token, "Accept": "text/html"})


@pytest.fixture
def frame(client: TestClient, platform: Platform, registration_id: str) -> Frame:
    assert registration_id
    return Frame(platform, client)


def sessions(database: Database) -> list[LaunchSessionRow]:
    with database.read() as session:
        return list(session.exec(select(LaunchSessionRow)).all())


# The login


def test_a_login_with_a_storage_target_leaves_its_secret_with_the_platform_and_goes_on(
    client: TestClient, platform: Platform, registration_id: str
) -> None:
    page = client.post("/lti/login", data=platform.login_fields(lti_storage_target="post_message_forwarding"))
    assert page.status_code == 200
    told = said(page)
    cookie = page.headers["set-cookie"]
    assert told["storage-origin"] == "https://lms.example"
    assert told["storage-target"] == "post_message_forwarding"
    assert f"={told['storage-value']};" in cookie
    assert "Partitioned" in cookie
    begun = Frame(platform, client, "post_message_forwarding").begun(page)
    assert begun.location.startswith("https://lms.example/auth?lang=en&")
    assert begun.query["redirect_uri"] == TOOL + "/lti/launch"
    assert f'content="0;url={html.escape(begun.location)}"' in page.text, "goes on without scripts as well"
    assert "frame-ancestors 'self' https://lms.example" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_only_the_origin_of_the_authorization_endpoint_is_trusted_with_the_secret(
    client: TestClient, platform: Platform, registration_id: str, database: Database
) -> None:
    with database.write() as session:
        registration = registrations.find_registration(session, issuer=platform.issuer, client_id=platform.client_id)
        registration.auth_login_url = "https://sso.lms.example:8443/authorize?x=1"
        registration.extra_frame_origins = ["https://school.example"]
        session.add(registration)
    page = client.post("/lti/login", data=platform.login_fields(lti_storage_target="_parent"))
    assert said(page)["storage-origin"] == "https://sso.lms.example:8443"


@pytest.mark.parametrize("target", ['"><script>alert(1)</script>', "a b", "location", "é", "x" * 255])
def test_a_frames_name_may_be_anything(
    client: TestClient, platform: Platform, registration_id: str, target: str
) -> None:
    page = client.post("/lti/login", data=platform.login_fields(lti_storage_target=target))
    assert said(page)["storage-target"] == target
    assert "<script>alert" not in page.text


def test_a_frames_name_without_end_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    before = everything(database)
    fields = platform.login_fields(lti_storage_target="x" * 256)
    assert_refused(browser.post("/lti/login", fields), "lti-login-incomplete")
    assert everything(database) == before


def test_an_empty_storage_target_is_none(browser: Browser) -> None:
    assert browser.login(lti_storage_target="").location


def test_the_page_to_the_platform_can_ask_whether_the_cookie_comes_back(
    client: TestClient, platform: Platform, registration_id: str
) -> None:
    browser, stranger = Browser(client, platform), Browser(client, platform)
    page = browser.post("/lti/login", platform.login_fields(lti_storage_target="_parent"))
    stranger.login()
    path = said(page)["login"]
    assert browser.get(path).json() == {"returned": True}
    assert stranger.get(path).json() == {"returned": False}
    assert client.get(path).json() == {"returned": False}
    assert client.get("/lti/cookie/nobody").status_code == 410


def test_the_page_to_the_platform_can_begin_again_before_the_platform_answered(
    frame: Frame, platform: Platform, database: Database
) -> None:
    """Canvas's hint works once, so a browser that has neither cookie nor storage begins again before it was used."""
    page = frame.browser.post("/lti/login", platform.login_fields(lti_storage_target="_parent"))
    window = Browser(frame.client, platform)
    again = window.begun(window.get(f"/lti/restart/{new_window_link(page)}"))
    assert again.query["lti_message_hint"] == platform.login_fields()["lti_message_hint"]
    assert window.launch(platform.sign(platform.claims(again.nonce)), again.state).status_code == 303
    assert [row.carrier for row in sessions(database)] == ["cookie"]


def test_a_cookie_that_comes_back_is_the_carrier_whatever_else_was_offered(
    client: TestClient, platform: Platform, registration_id: str, database: Database
) -> None:
    frame, browser = Frame(platform, client), Browser(client, platform)
    page = browser.post("/lti/login", platform.login_fields(lti_storage_target="_parent"))
    begun = frame.begun(page)
    assert browser.launch(platform.sign(platform.claims(begun.nonce)), begun.state).status_code == 303
    assert [row.carrier for row in sessions(database)] == ["cookie"]


# The launch without its cookie


def test_a_launch_without_its_cookie_is_held_and_tells_nothing(frame: Frame, database: Database) -> None:
    begun = frame.login()
    before = everything(database)
    page = frame.launch(begun)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    secret = next(iter(frame.storage.values()))
    for private in (*PRIVATE, begun.state, begun.nonce, secret, "eyJ"):
        assert private not in page.text
    assert said(page)["storage-key"] in frame.storage
    assert new_window_link(page), "the way out is on the page"
    after = everything(database)
    assert {name: rows for name, rows in after.items() if rows != before[name]}.keys() == {"lti_login"}
    with database.read() as session:
        row = session.exec(select(LtiLogin)).one()
    assert row.used_at is None
    stored = repr(row.model_dump())
    for private in (*PRIVATE, said(page)["handle"], secret):
        assert private not in stored, "sealed, and hashed"


def test_the_platforms_storage_binds_and_a_header_carries(frame: Frame, database: Database) -> None:
    page = frame.held()
    tess = frame.signed_in(page)
    assert tess.get("/").headers["location"] == f"{tess.root}/module"
    shown = tess.get("/module")
    assert shown.status_code == 200
    assert "IPS foundations" in shown.text
    assert tess.token not in shown.text
    (row,) = sessions(database)
    assert row.carrier == "header"
    assert tess.token not in repr(row.model_dump())
    with database.read() as session:
        login = session.exec(select(LtiLogin)).one()
        assert (login.used_at is not None, login.held_launch, login.handle_hash) == (True, None, None)
        person = people.person_by_lms_identity(session, registration_id=row.registration_id, subject="subject-41")
    assert person is not None
    assert row.person_id == person.id


def test_a_header_session_opens_by_its_header_only(frame: Frame, client: TestClient) -> None:
    tess = frame.signed_in(frame.held())
    name = f"__Host-waymark-at-{tess.root[4:]}"
    as_cookie = client.get(f"{tess.root}/module", headers={"Cookie": f"{name}={tess.token}", "Accept": "text/html"})
    assert as_cookie.status_code == 401
    in_address = client.get(
        f"{tess.root}/module?{SESSION}={tess.token}&token={tess.token}", headers={"Accept": "text/html"}
    )
    assert in_address.status_code == 401


def test_a_cookie_session_opens_by_its_cookie_only(browser: Browser, client: TestClient) -> None:
    root = browser.full_launch().headers["location"].rstrip("/")
    (secret,) = browser.cookies.values()
    assert browser.get(f"{root}/module").status_code == 200
    assert client.get(f"{root}/module", headers={SESSION: secret, "Accept": "text/html"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://lms.example"},
        {"Origin": TOOL, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_only_a_page_of_ours_binds_and_gets_a_token(frame: Frame, database: Database, headers: dict[str, str]) -> None:
    """Session fixation: the attacker knows handle and secret of a login of their own, and sends them from elsewhere."""
    page = frame.held()
    before = everything(database)
    assert frame.bind(page, headers=headers).status_code == 403
    assert everything(database) == before
    bound = frame.bind(page)
    assert frame.swap(bound.json(), headers=headers).status_code == 403
    assert frame.swap(bound.json()).status_code == 200


def test_a_launch_of_somebody_elses_login_does_not_bind(frame: Frame, client: TestClient, database: Database) -> None:
    """B25: the attacker's launch arrives in the victim's browser, which has a login and a secret of its own."""
    attacker = Frame(frame.platform, client)
    theirs = attacker.login()
    frame.login()
    page = frame.launch(theirs)
    assert said(page)["storage-key"] not in frame.storage, "the victim's platform has nothing under that key"
    (mine,) = frame.storage.values()
    refused = frame.bind(page, secret=mine)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:waymark:error:lti-browser-unbound")
    assert sessions(database) == []


def test_a_wrong_secret_ends_the_handle_and_leaves_the_new_window(
    frame: Frame, platform: Platform, database: Database
) -> None:
    page = frame.held()
    assert frame.bind(page, secret="").status_code == 403
    assert frame.bind(page).status_code == 410, "nobody tries twice"
    assert sessions(database) == []
    window = Browser(frame.client, platform)
    again = window.begun(window.get(f"/lti/restart/{new_window_link(page)}"))
    assert window.launch(platform.sign(platform.claims(again.nonce)), again.state).status_code == 303
    assert [row.carrier for row in sessions(database)] == ["cookie"]


def test_a_handle_lets_in_once(frame: Frame, database: Database) -> None:
    page = frame.held()
    assert frame.bind(page).status_code == 200
    again = frame.bind(page)
    assert (again.status_code, again.json()["type"]) == (410, "urn:waymark:error:lti-handle-unknown")
    assert len(sessions(database)) == 1


def test_a_handle_of_another_login_or_of_nobody_lets_nobody_in(frame: Frame, database: Database) -> None:
    one, two = frame.held(), frame.held()
    secret = frame.storage[said(one)["storage-key"]]
    for path, handle in ((said(one)["held"], said(two)["handle"]), ("/lti/bind/nobody", said(one)["handle"]),
                         (said(one)["held"], "")):  # fmt: skip
        answer = frame.client.post(path, data={"handle": handle, "secret": secret}, headers=OWN_PAGE)
        assert answer.status_code == 410
    assert sessions(database) == []


def test_a_held_launch_waits_two_minutes(frame: Frame, database: Database) -> None:
    page = frame.held()
    with time_machine.travel(now() + timedelta(minutes=2, seconds=1), tick=False):
        assert frame.bind(page).status_code == 410
    assert sessions(database) == []


def test_what_was_held_and_never_taken_is_forgotten(frame: Frame, database: Database) -> None:
    frame.held()
    with time_machine.travel(now() + timedelta(minutes=3), tick=False):
        frame.held()
    with database.read() as session:
        rows = session.exec(select(LtiLogin).order_by(col(LtiLogin.created_at))).all()
    assert [row.held_launch is not None for row in rows] == [False, True]
    assert [row.handle_hash is not None for row in rows] == [False, True]


def test_a_reload_of_the_page_that_waits_gets_a_new_handle(frame: Frame, database: Database) -> None:
    begun = frame.login()
    token = frame.platform.sign(frame.platform.claims(begun.nonce))
    first, second = (frame.browser.launch(token, begun.state) for _ in range(2))
    assert frame.bind(first).status_code == 410
    assert frame.bind(second).status_code == 200, "and a wrong handle does not end the good one"
    assert len(sessions(database)) == 1


def test_a_launch_that_was_bound_and_is_sent_again_is_told_so(frame: Frame, database: Database) -> None:
    begun = frame.login()
    token = frame.platform.sign(frame.platform.claims(begun.nonce))
    assert frame.bind(frame.browser.launch(token, begun.state)).status_code == 200
    again = frame.browser.launch(token, begun.state)
    assert_refused(again, "lti-launch-replayed", 409)
    assert "Go back to your LMS and open the activity again" in again.text
    assert len(sessions(database)) == 1


def test_a_cookie_that_comes_late_lets_in_and_ends_the_handle(
    client: TestClient, platform: Platform, registration_id: str, database: Database
) -> None:
    frame, browser = Frame(platform, client), Browser(client, platform)
    begun = frame.begun(browser.post("/lti/login", platform.login_fields(lti_storage_target="_parent")))
    token = platform.sign(platform.claims(begun.nonce))
    page = frame.browser.launch(token, begun.state)
    assert browser.launch(token, begun.state).status_code == 303
    assert frame.bind(page).status_code == 410
    assert len(sessions(database)) == 1


def test_two_binds_at_the_same_moment_start_one_session(frame: Frame, database: Database) -> None:
    page = frame.held()
    with ThreadPoolExecutor(4) as pool:
        answers = sorted(answer.status_code for answer in pool.map(lambda _: frame.bind(page), range(4)))
    assert answers[0] == 200
    assert set(answers[1:]) <= {409, 410}
    assert len(sessions(database)) == 1


def test_a_platform_switched_off_in_between_lets_nobody_in(
    frame: Frame, platform: Platform, database: Database
) -> None:
    page = frame.held()
    with database.write() as session:
        registrations.remove(session, issuer=platform.issuer, client_id=platform.client_id)
    refused = frame.bind(page)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:waymark:error:lti-platform-disabled")
    assert sessions(database) == []


def test_a_commit_that_fails_leaves_the_launch_waiting(frame: Frame, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.core.errors import Unavailable
    from app.web import lti as pages

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("The database is away.")

    page = frame.held()
    with monkeypatch.context() as patch:
        patch.setattr(pages, "start_header_session", broken)
        assert frame.bind(page).status_code == 503
    assert frame.bind(page).status_code == 200


# The one-time code


def test_a_code_is_swapped_once(frame: Frame) -> None:
    bound = frame.bind(frame.held()).json()
    token = frame.swap(bound).json()["token"]
    again = frame.swap(bound)
    assert (again.status_code, again.json()["type"]) == (401, "urn:waymark:error:session-ended")
    assert Carried(frame.client, f"/at/{bound['handle']}", token).get("/module").status_code == 200


def test_a_session_opens_nothing_before_its_code_was_swapped(frame: Frame) -> None:
    bound = frame.bind(frame.held()).json()
    for guess in (bound["code"], "", "x"):
        assert Carried(frame.client, f"/at/{bound['handle']}", guess).get("/module").status_code == 401


@pytest.mark.parametrize("change", [{"code": "wrong"}, {"code": ""}, {"handle": "nobody"}])
def test_a_wrong_code_is_worth_nothing(frame: Frame, change: dict[str, str]) -> None:
    bound = frame.bind(frame.held()).json()
    assert frame.swap(bound | change).status_code == 401
    assert frame.swap(bound).status_code == 200


def test_a_code_of_one_session_opens_no_other(frame: Frame) -> None:
    one, two = frame.bind(frame.held()).json(), frame.bind(frame.held()).json()
    assert frame.swap({"handle": one["handle"], "code": two["code"]}).status_code == 401


def test_a_code_lives_for_a_minute(frame: Frame) -> None:
    bound = frame.bind(frame.held()).json()
    with time_machine.travel(now() + timedelta(seconds=61), tick=False):
        assert frame.swap(bound).status_code == 401


def test_a_cookie_session_has_no_code(browser: Browser, frame: Frame, database: Database) -> None:
    browser.full_launch()
    (row,) = sessions(database)
    for code in ("", "None"):
        assert frame.swap({"handle": row.handle, "code": code}).status_code == 401


# Several at once


def test_two_logins_finish_in_any_order_and_never_mix(frame: Frame) -> None:
    first, second = frame.login(), frame.login()
    later = frame.signed_in(frame.launch(second, context={"id": "course-b", "title": "Course B"}))
    earlier = frame.signed_in(frame.launch(first, context={"id": "course-a", "title": "Course A"}))
    assert "Course A" in earlier.get("/module").text
    assert "Course B" in later.get("/module").text
    assert Carried(frame.client, earlier.root, later.token).get("/module").status_code == 401


def test_a_hundred_launches_at_once_are_all_let_in_and_none_is_mixed_up(
    client: TestClient,
    platform: Platform,
    registration_id: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One course behind one address begins at the same moment; every second browser returns no cookie."""
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 120_000)  # however slow this machine is

    def whole_launch(number: int) -> tuple[int, str]:
        claims = {"sub": f"subject-{number}", "context": {"id": f"course-{number}", "title": f"Course {number}."}}
        if number % 2:
            frame = Frame(platform, client)
            session = frame.signed_in(frame.held(**claims))
            return number, session.get("/module").text
        browser = Browser(client, platform)
        answer = browser.full_launch(**claims)
        assert answer.status_code == 303, answer.text
        return number, browser.get(answer.headers["location"] + "module").text

    with ThreadPoolExecutor(100) as pool:
        shown = list(pool.map(whole_launch, range(100)))
    for number, page in shown:
        assert f"Course {number}." in page
    rows = sessions(database)
    with database.read() as session:
        for row in rows:
            assert row.context_id is not None
            subject = "subject-" + row.context_id.removeprefix("course-")
            person = people.person_by_lms_identity(session, registration_id=registration_id, subject=subject)
            assert person is not None
            assert person.id == row.person_id
    assert len(rows) == 100
    assert len({row.person_id for row in rows}) == 100


def test_one_visitor_begins_no_logins_without_end(
    runtime: Runtime, platform: Platform, registration_id: str, database: Database
) -> None:
    app = create_app(services=Services(runtime=runtime, verifier=build_verifier(runtime)))
    app.state.login_limit = LoginLimit(3)
    crowd = Browser(TestClient(app, base_url=TOOL, follow_redirects=False, client=("192.0.2.7", 1)), platform)
    other = Browser(TestClient(app, base_url=TOOL, follow_redirects=False, client=("192.0.2.8", 1)), platform)
    for _ in range(3):
        crowd.login()
    before = everything(database)
    assert_refused(crowd.post("/lti/login", platform.login_fields()), "lti-too-many-logins", 429)
    with database.read() as session:
        begun = session.exec(select(LtiLogin.id)).first()
    assert_refused(crowd.get(f"/lti/restart/{begun}"), "lti-too-many-logins", 429)
    assert everything(database) == before
    assert other.login()


# The new window, and pages that lead out


def test_the_new_window_uses_no_storage_and_needs_its_cookie(
    frame: Frame, platform: Platform, database: Database
) -> None:
    link = new_window_link(frame.held())
    window = frame.browser
    again = window.begun(window.get(f"/lti/restart/{link}"))
    refused = window.launch(platform.sign(platform.claims(again.nonce)), again.state)
    assert_refused(refused, "lti-cookies-blocked", 403)
    assert sessions(database) == []


def test_the_answer_of_a_picker_may_leave_for_the_lms(frame: Frame) -> None:
    """All pages of a session that a header carries are shown in the document of the launch, under its policy."""
    page = frame.held(**PLACING)
    assert "form-action 'self' https://lms.example https:;" in page.headers["content-security-policy"]
    assert "form-action 'self';" in frame.held().headers["content-security-policy"]
    teacher = frame.signed_in(page)
    assert teacher.get("/").headers["location"] == f"{teacher.root}/picker"


def test_what_is_held_comes_out_as_it_went_in(frame: Frame, database: Database, platform: Platform) -> None:
    browser = Browser(frame.client, platform)
    assert browser.full_launch(**PLACING).status_code == 303
    frame.signed_in(frame.held(**PLACING))
    by_cookie, by_header = (row.model_dump() for row in sorted(sessions(database), key=lambda row: row.carrier))
    own = {"handle", "secret_hash", "carrier", "code_hash", "code_expires_at", "created_at", "expires_at"}
    assert {name: value for name, value in by_cookie.items() if name not in own} == {
        name: value for name, value in by_header.items() if name not in own
    }


def test_a_login_that_holds_nothing_gives_nothing(browser: Browser, database: Database) -> None:
    browser.login()
    (secret,) = browser.cookies.values()
    with database.read() as session:
        login_id = session.exec(select(LtiLogin.id)).one()
    for handle in ("", "None"):
        fields = {"handle": handle, "secret": secret}
        assert browser.client.post(f"/lti/bind/{login_id}", data=fields, headers=OWN_PAGE).status_code == 410
