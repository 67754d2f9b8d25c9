"""The LTI addresses: login, launch, restart in a new window, our public keys. The LTI room does the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.core import metrics
from app.core.errors import AppError
from app.core.logging import get_logger
from app.core.runtime import Runtime
from app.core.text import is_plain_text
from app.lti import launch as launches
from app.lti import login as logins
from app.lti import toolkeys
from app.lti.errors import RequestMalformed, RequestTooLarge
from app.lti.schemas import StartedLogin, VerifiedLaunch
from app.web.dependencies import App
from app.web.pages import render
from app.web.sessions import cookie_header, cookies_are_secure, set_session_cookie, start_session

log = get_logger()
router = APIRouter(include_in_schema=False)

MAX_BODY = 100_000
MAX_FIELDS = 60
COOKIE_PREFIX = "__Host-waymark-login-"
PLAIN_COOKIE_PREFIX = "waymark-login-"
UNBOUND = "lti-browser-unbound"


@dataclass(frozen=True)
class NewWindowPage:
    """What the page that opens a new window shows; no word about the person."""

    href: str
    leaves_waymark: bool


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


@router.api_route("/lti/login", methods=["GET", "POST"])
def login(request: Request, runtime: App, fields: Fields) -> Response:
    """Third-party-initiated login (1EdTech Security Framework 1.0 §5.1.1)."""
    return _login(request, runtime, fields, None)


@router.api_route("/lti/login/{registration_id}", methods=["GET", "POST"])
def login_of(registration_id: str, request: Request, runtime: App, fields: Fields) -> Response:
    """The same, for platforms that leave out the client id: the address names the registration."""
    return _login(request, runtime, fields, registration_id)


def _login(request: Request, runtime: Runtime, fields: dict[str, str], registration_id: str | None) -> Response:
    with _noted("login", registration_id):
        asked = logins.login_request(fields)
        platform = logins.find_platform(runtime.database, asked, registration_id=registration_id)
        request.state.frame_ancestors = platform.frame_origins
        return _to_platform(runtime, logins.start_login(runtime, platform, asked))


@router.api_route("/lti/restart/{login_id}", methods=["GET", "POST"])
def restart(login_id: str, request: Request, runtime: App) -> Response:
    """Begin a login again in a window of its own: fresh state, nonce and cookie, the same hints."""
    with _noted("restart", None):
        platform, asked = logins.restartable(runtime.database, login_id)
        request.state.frame_ancestors = platform.frame_origins
        return _to_platform(runtime, logins.start_login(runtime, platform, asked, restarted=True))


def _to_platform(runtime: Runtime, started: StartedLogin) -> Response:
    """A plain 302: Moodle loses its own session cookie when a script or a form does it."""
    response = RedirectResponse(started.redirect_url, status_code=302)
    name = login_cookie_name(runtime, started.cookie_id)
    cookie = cookie_header(runtime.settings, name, started.cookie_value, started.max_age)
    response.headers.append("set-cookie", cookie)
    return response


def login_cookie_name(runtime: Runtime, cookie_id: str) -> str:
    """The name of a login's cookie; each login has its own, so two in one browser do not meet."""
    secure = cookies_are_secure(runtime.settings.base_url)
    return (COOKIE_PREFIX if secure else PLAIN_COOKIE_PREFIX) + cookie_id


@router.post("/lti/launch")
def launch(request: Request, runtime: App, fields: Fields) -> Response:
    """The platform's message (1EdTech Security Framework 1.0 §5.1.1.3): judged, then let in once.

    Where the login's cookie does not come back, the answer is a page that begins the login again in a window of its
    own. It is a 403: the launch was refused, and whatever is not a browser must see that.
    """
    with _noted("launch", None) as note:
        begun = launches.find_login(runtime.database, fields)
        note.registration_id = begun.platform.registration_id
        request.state.frame_ancestors = begun.platform.frame_origins
        verified = launches.verify_launch(runtime, begun, fields)
        request.state.frame_ancestors = verified.launch.frame_ancestors
        cookie = request.cookies.get(login_cookie_name(runtime, begun.cookie_id))
        if not launches.is_same_browser(begun, cookie):
            way = launches.new_window(verified)
            note.outcome = UNBOUND
            page = NewWindowPage(way.href, way.leaves_waymark)
            return render(request, "lti/open_in_new_window.html", page, status=403)
        return _let_in(runtime, verified)


def _let_in(runtime: Runtime, verified: VerifiedLaunch) -> Response:
    with runtime.database.write() as session:
        accepted = launches.accept_launch(session, verified)
        started = start_session(session, runtime.settings, verified.launch, accepted)
    response = RedirectResponse(f"/at/{started.handle}/", status_code=303)
    set_session_cookie(response, runtime.settings, started)
    name = login_cookie_name(runtime, verified.login.cookie_id)
    response.headers.append("set-cookie", cookie_header(runtime.settings, name, "", 0))
    return response


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
        if step == "launch" or note.outcome != "ok":
            metrics.LAUNCHES.labels(note.outcome).inc()
        if note.outcome != "ok":
            log.info("lti.refused", step=step, slug=note.outcome, registration_id=note.registration_id)
