"""The LTI addresses: login, launch, the two ways on where a cookie does not come back, our public keys.

The LTI room does the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse

from app.core import metrics
from app.core.errors import AppError
from app.core.logging import get_logger
from app.core.runtime import Runtime
from app.core.text import is_plain_text
from app.lti import held, toolkeys
from app.lti import launch as launches
from app.lti import login as logins
from app.lti.errors import BrowserUnbound, RequestMalformed, RequestTooLarge
from app.lti.rate import LoginLimit
from app.lti.schemas import NewWindow, PlatformStorage, StartedLogin, VerifiedLaunch
from app.web.dependencies import App
from app.web.direct import direct
from app.web.pages import render
from app.web.picker import form_targets
from app.web.sessions import (
    check_own_page,
    cookie_header,
    cookies_are_secure,
    set_session_cookie,
    start_header_session,
    start_session,
    swap_code,
)

log = get_logger()
router = APIRouter(include_in_schema=False)

MAX_BODY = 100_000
MAX_FIELDS = 60
COOKIE_PREFIX = "__Host-waymark-login-"
PLAIN_COOKIE_PREFIX = "waymark-login-"
UNBOUND = BrowserUnbound.slug
HELD = "held"


@dataclass(frozen=True)
class ToPlatformPage:
    """The page between login and platform, which leaves the login's secret in the platform's storage.

    `way` is for browsers that return no cookie in a platform that keeps nothing: they begin again before the platform
    has used the login's hint up, for hints may work once.
    """

    href: str
    storage: PlatformStorage
    secret: str
    login_id: str
    way: NewWindow


@dataclass(frozen=True)
class HeldPage:
    """The page that asks the platform's storage for the secret; no word about the person."""

    login_id: str
    handle: str
    storage: PlatformStorage
    way: NewWindow


@dataclass(frozen=True)
class NewWindowPage:
    """What the page that opens a new window shows; no word about the person."""

    way: NewWindow


async def sent_fields(request: Request) -> dict[str, str]:
    """The query of a GET or the form of a POST, bounded before anything looks at it; each name once.

    Raises:
        RequestTooLarge: more than 100 kB.
        RequestMalformed: not a form, or a name twice.
    """
    if request.method != "POST":
        raw = str(request.url.query).encode()
        if len(raw) > MAX_BODY:
            raise RequestTooLarge(technical="query over 100 kB")
        return _parse(raw)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RequestTooLarge(technical="body over 100 kB")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise RequestMalformed(technical="Content-Type is not application/x-www-form-urlencoded")
    return _parse(body)


def _parse(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise RequestMalformed(technical="not form-encoded UTF-8") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RequestMalformed(technical="a parameter is there twice")
    if not all(map(is_plain_text, fields.values())):
        raise RequestMalformed(technical="a parameter has characters that no text has")
    return fields


Fields = Annotated[dict[str, str], Depends(sent_fields)]


def count_login(request: Request) -> None:
    """Count a login of this visitor; the count belongs to the application of this process.

    Raises:
        TooManyLogins: too many within a minute.
    """
    state = request.app.state
    if not hasattr(state, "login_limit"):
        state.login_limit = LoginLimit()
    state.login_limit.spend(request.client.host if request.client else "unknown")


@direct(router, "/lti/login", ["GET", "POST"])
async def login(request: Request) -> Response:
    """Third-party-initiated login (1EdTech Security Framework 1.0 §5.1.1)."""
    return await run_in_threadpool(_login, request, await sent_fields(request), None)


@direct(router, "/lti/login/{registration_id}", ["GET", "POST"])
async def login_of(request: Request) -> Response:
    """The same, for platforms that leave out the client id: the address names the registration."""
    return await run_in_threadpool(_login, request, await sent_fields(request), request.path_params["registration_id"])


def _login(request: Request, fields: dict[str, str], registration_id: str | None) -> Response:
    runtime: Runtime = request.app.state.runtime
    with _noted("login", registration_id):
        count_login(request)
        asked = logins.login_request(fields)
        platform = logins.find_platform(runtime.database, asked, registration_id=registration_id)
        request.state.frame_ancestors = platform.frame_origins
        return _to_platform(request, runtime, logins.start_login(runtime, platform, asked))


@router.api_route("/lti/restart/{login_id}", methods=["GET", "POST"])
def restart(login_id: str, request: Request, runtime: App) -> Response:
    """Begin a login again in a window of its own: fresh state, nonce and cookie, the same hints."""
    with _noted("restart", None):
        count_login(request)
        platform, asked = logins.restartable(runtime.database, login_id)
        request.state.frame_ancestors = platform.frame_origins
        return _to_platform(request, runtime, logins.start_login(runtime, platform, asked, restarted=True))


def _to_platform(request: Request, runtime: Runtime, started: StartedLogin) -> Response:
    """A plain 302, for Moodle loses its own session cookie when a script or a form does it; a page that goes on by
    itself where the platform offered its storage. The cookie is set in either case.
    """
    response: Response
    if started.storage is None:
        response = RedirectResponse(started.redirect_url, status_code=302)
    else:
        way = NewWindow(f"/lti/restart/{started.login_id}", leaves_waymark=False)
        page = ToPlatformPage(started.redirect_url, started.storage, started.cookie_value, started.login_id, way)
        response = render(request, "lti/to_platform.html", page)
    name = login_cookie_name(runtime, started.cookie_id)
    cookie = cookie_header(runtime.settings, name, started.cookie_value, started.max_age)
    response.headers.append("set-cookie", cookie)
    return response


@router.get("/lti/cookie/{login_id}")
def cookie_returned(login_id: str, request: Request, runtime: App) -> Response:
    """Whether this browser returns the login's cookie; the page between login and platform asks."""
    begun = launches.login_by_id(runtime.database, login_id)
    cookie = request.cookies.get(login_cookie_name(runtime, begun.cookie_id))
    return JSONResponse({"returned": launches.is_same_browser(begun, cookie)})


def login_cookie_name(runtime: Runtime, cookie_id: str) -> str:
    """The name of a login's cookie; each login has its own, so two in one browser do not meet."""
    secure = cookies_are_secure(runtime.settings.base_url)
    return (COOKIE_PREFIX if secure else PLAIN_COOKIE_PREFIX) + cookie_id


@direct(router, "/lti/launch", ["POST"])
async def launch(request: Request) -> Response:
    """The platform's message (1EdTech Security Framework 1.0 §5.1.1.3): judged, then let in once.

    Where the login's cookie does not come back, a page asks the platform's storage for the login's secret, if the
    login left it there. Otherwise the answer is a page that begins the login again in a window of its own. It is a
    403: the launch was refused, and whatever is not a browser must see that.
    """
    return await run_in_threadpool(_launch, request, await sent_fields(request))


def _launch(request: Request, fields: dict[str, str]) -> Response:
    runtime: Runtime = request.app.state.runtime
    with _noted("launch", None) as note:
        begun = launches.find_login(runtime.database, fields)
        note.registration_id = begun.platform.registration_id
        request.state.frame_ancestors = begun.platform.frame_origins
        verified = launches.verify_launch(runtime, begun, fields)
        request.state.frame_ancestors = verified.launch.frame_ancestors
        cookie = request.cookies.get(login_cookie_name(runtime, begun.cookie_id))
        if launches.is_same_browser(begun, cookie):
            return _let_in(runtime, verified)
        way = launches.new_window(verified)
        storage = logins.storage_of(begun.platform, begun.request, begun.id)
        if storage is None:
            note.outcome = UNBOUND
            return render(request, "lti/open_in_new_window.html", NewWindowPage(way), status=403)
        note.outcome = HELD
        page = HeldPage(begun.id, held.hold(runtime, verified), storage, way)
        if verified.launch.deep_linking is not None:
            # All pages of a session without cookies are shown in this one, so the picker's answer leaves from here.
            request.state.form_targets = form_targets(verified.launch.deep_linking)
        return render(request, "lti/held.html", page)


def _let_in(runtime: Runtime, verified: VerifiedLaunch) -> Response:
    with runtime.database.write() as session:
        accepted = launches.accept_launch(session, verified)
        started = start_session(session, runtime.settings, verified.launch, accepted)
    response = RedirectResponse(f"/at/{started.handle}/", status_code=303)
    set_session_cookie(response, runtime.settings, started)
    name = login_cookie_name(runtime, verified.login.cookie_id)
    response.headers.append("set-cookie", cookie_header(runtime.settings, name, "", 0))
    return response


@router.post("/lti/bind/{login_id}")
def bind(login_id: str, request: Request, runtime: App, fields: Fields) -> Response:
    """Let a held launch in, for the secret that the platform's storage gave back: the second carrier begins.

    The answer goes to the script of our own page only: nobody else could read it, and no cookie is set.
    """
    with _noted("bind", None) as note:
        check_own_page(request, runtime.settings.base_url)
        verified = held.take(runtime, login_id, fields)
        note.registration_id = verified.launch.registration_id
        with runtime.database.write() as session:
            accepted = launches.accept_launch(session, verified)
            started = start_header_session(session, runtime.settings, verified.launch, accepted)
        log.info("lti.bound", carrier="header", registration_id=note.registration_id)
    return JSONResponse({"handle": started.handle, "code": started.code})


@router.post("/lti/session")
def open_session(request: Request, runtime: App, fields: Fields) -> Response:
    """The token of a session that a header carries, for its one-time code."""
    check_own_page(request, runtime.settings.base_url)
    with runtime.database.write() as session:
        token = swap_code(session, fields.get("handle", ""), fields.get("code", ""))
    return JSONResponse({"token": token})


@router.get("/lti/jwks")
def jwks(runtime: App) -> Response:
    """This tool's public keys (RFC 7517), for platforms that check our token requests."""
    toolkeys.ensure_tool_key(runtime.database, runtime.secret_box)
    with runtime.database.read() as session:
        keys = toolkeys.tool_jwks(session)
    headers = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
    return JSONResponse(keys, headers=headers)


@dataclass
class _Note:
    registration_id: str | None
    outcome: str = "ok"


@contextmanager
def _noted(step: str, registration_id: str | None) -> Iterator[_Note]:
    """Count how it ended, and write a line for what was refused: its slug and whose it was, nothing of the person."""
    note = _Note(registration_id)
    try:
        yield note
    except AppError as error:
        note.outcome = error.slug
        raise
    except Exception:
        note.outcome = "error"
        raise
    finally:
        if step in ("launch", "bind") or note.outcome != "ok":
            metrics.LAUNCHES.labels(note.outcome).inc()
        if note.outcome not in ("ok", HELD):
            log.info("lti.refused", step=step, slug=note.outcome, registration_id=note.registration_id)
