"""Putting the practice LMS together."""

import time
from collections.abc import Awaitable, Callable

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import Response

from practice_lms import (
    admin_api,
    ags,
    auth,
    deep_linking,
    desk,
    launching,
    nrps,
    pages,
    registering,
    registration,
    scores,
    teaching,
    tokens,
)
from practice_lms.errors import AuthRefused, DeepLinkRefused, KeysRefused, PageRefused, Refused, RegistrationRefused
from practice_lms.gate import AnsweredInstead, service
from practice_lms.keys import KeyRing
from practice_lms.lms import PracticeLms
from practice_lms.render import HERE, page
from practice_lms.services import SERVICE_PATHS, bearer_challenge, lms_behind
from practice_lms.settings import Settings
from practice_lms.tool_keys import JwksFetcher, fetch_by_http

JWKS_SECONDS = 600


def create_app(
    settings: Settings | None = None,
    *,
    keys: KeyRing | None = None,
    clock: Callable[[], float] = time.time,
    fetch_jwks: JwksFetcher = fetch_by_http,
) -> FastAPI:
    """A practice LMS with a state of its own.

    `keys` saves tests the cost of making RSA keys, `clock` returns Unix seconds, `fetch_jwks` gets the tool's JWKS by
    URL. Making an app opens no port: the mail catcher is started by `python -m practice_lms`.
    """
    settings = settings or Settings()
    app = FastAPI(title="Practice LMS", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.lms = PracticeLms(settings, keys or KeyRing(), clock, fetch_jwks)
    for room in (
        pages, teaching, launching, deep_linking, desk, registering, admin_api,
        auth, tokens, ags, scores, nrps, registration,
    ):  # fmt: skip
        app.include_router(room.router)
    app.include_router(ags.results_router)
    app.add_api_route("/jwks", jwks, methods=["GET"], dependencies=[Depends(service("jwks", KeysRefused))])
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.middleware("http")(_to_the_front_channel)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(AnsweredInstead, _answered_instead)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def lms_of(app: FastAPI) -> PracticeLms:
    """The state behind an app made by `create_app`: gradebook, mailbox, refusals, keys, outage switch."""
    lms = app.state.lms
    if not isinstance(lms, PracticeLms):
        raise TypeError("not an app made by create_app")
    return lms


async def jwks(request: Request) -> JSONResponse:
    """The public keys of this LMS: the one in use and the next one."""
    return JSONResponse(
        lms_behind(request).keys.published(), headers={"Cache-Control": f"public, max-age={JWKS_SECONDS}"}
    )


async def _to_the_front_channel(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    return pages.front_channel_redirect(request) or await call_next(request)


async def _refused(request: Request, error: Exception) -> Response:
    """People get a page, servers get JSON; both are told the reason."""
    if not isinstance(error, Refused):
        raise error
    lms = lms_behind(request)
    lms.note_refusal(error)
    if isinstance(error, AuthRefused | PageRefused | DeepLinkRefused):
        return _error_page(request, error.status, error.reason, logged=True)
    if isinstance(error, RegistrationRefused) and error.retry_after is None:
        return registration.refusal_response(lms, error)
    headers = bearer_challenge(error.status)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    content = {"error": error.code or "refused", "error_description": error.reason}
    # Moodle's token endpoint calls its answers HTML, also those that refuse.
    media_type = lms.settings.plays.grant_media_type if error.part == "token" else "application/json"
    return JSONResponse(content, error.status, headers=headers, media_type=media_type)


async def _answered_instead(request: Request, error: Exception) -> Response:
    """The answer of a service that has a bad day."""
    if not isinstance(error, AnsweredInstead):
        raise error
    return error.response


async def _http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, and forms too large to be ours."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if request.url.path.startswith(SERVICE_PATHS):
        return JSONResponse({"error": "refused", "error_description": "No such endpoint or method."}, status)
    reason = "There is no page at this address." if status == 404 else "The LMS could not read this request."
    return _error_page(request, status, reason, logged=False)


def _error_page(request: Request, status: int, reason: str, *, logged: bool) -> Response:
    """Errors may happen inside the launch frame, so this page may be framed."""
    return page(
        request, "refused.html", status=status, framed=True, reason=reason, refused_status=status, logged=logged
    )
