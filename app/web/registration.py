"""Where an LMS's administrator pastes one URL to connect it; and the same by hand for Canvas."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from app.core import metrics
from app.core.errors import AppError
from app.core.logging import get_logger
from app.lti.dynamic_registration import Registered, RegistrationLimit, register, registration_request
from app.lti.tool_configuration import (
    LINE_ITEM_SCOPE,
    RESULT_SCOPE,
    ROSTER_SCOPE,
    SCORE_SCOPE,
    canvas_json,
)
from app.web.dependencies import App
from app.web.errors import wants_machine_form
from app.web.pages import render

log = get_logger()
router = APIRouter(include_in_schema=False)

_MEANINGS: Final = (
    (
        SCORE_SCOPE,
        "Sending grades",
        "Results reach the gradebook by themselves.",
        "No result reaches the gradebook.",
    ),
    (
        LINE_ITEM_SCOPE,
        "Making gradebook columns",
        "An activity without a column gets one.",
        "Waymark uses the column of each activity. Where there is none, no result is sent.",
    ),
    (
        RESULT_SCOPE,
        "Reading its own grades",
        "Waymark can see whether a result has arrived.",
        "Waymark cannot see whether a result has arrived, or was changed by a teacher.",
    ),
    (
        ROSTER_SCOPE,
        "Reading course lists",
        "Teachers see how the people of their course are going.",
        "Teachers see only those who have opened Waymark, not everybody in their course.",
    ),
)


@dataclass(frozen=True)
class Gift:
    """One thing that we asked the LMS for, and whether we got it.

    Attributes:
        result: pass, fail, or unknown where the LMS does not say.
        meaning: what that means for people.
    """

    name: str
    result: str
    meaning: str


@dataclass(frozen=True)
class ConnectedPage:
    """Context of registration/connected.html.

    Attributes:
        command: the line by which an operator approves the connection, quoted for a shell.
        closes_by_itself: not where something is to be read first.
    """

    registered: Registered
    gifts: tuple[Gift, ...]
    command: str
    closes_by_itself: bool


@dataclass(frozen=True)
class FailedPage:
    """Context of registration/failed.html; `said` is the LMS's own words."""

    title: str
    detail: str
    kept: str | None
    next_step: str | None
    said: str | None
    slug: str
    reference: str


@dataclass(frozen=True)
class HowPage:
    """Context of registration/how.html: the address to paste."""

    address: str


def get_limit(request: Request) -> RegistrationLimit:
    """The limit of this process."""
    limit: RegistrationLimit = request.app.state.registration_limit
    return limit


Limit = Annotated[RegistrationLimit, Depends(get_limit)]


@router.get("/lti/register")
def connect(
    request: Request,
    runtime: App,
    limit: Limit,
    openid_configuration: str | None = None,
    registration_token: str | None = None,
) -> Response:
    """The LMS opens this for its administrator, in a frame without cookies or in a window (LTI-DR 1.0 §3.3).

    Without parameters it is somebody who wants to know what to do with the address. Everything happens at once: the
    token in the address works once, and what comes of it waits for an operator anyway.
    """
    if not openid_configuration:
        address = f"{runtime.settings.base_url}/lti/register"
        return render(request, "registration/how.html", HowPage(address), status=400)
    try:
        with _noted() as note, limit.spend(request.client.host if request.client else "unknown"):
            asked = registration_request(runtime.settings.base_url, openid_configuration, registration_token)
            registered = register(runtime, asked)
            note.registration_id = registered.registration_id
    except AppError as error:
        if wants_machine_form(request):
            raise
        return _failed(request, error)
    if registered.frame_origins is not None:
        request.state.frame_ancestors = registered.frame_origins
    return render(request, "registration/connected.html", _page(registered))


@router.get("/lti/canvas.json")
def canvas_configuration(runtime: App) -> Response:
    """For Canvas's *Enter URL*, where an administrator connects it by hand."""
    headers = {"Cache-Control": "public, max-age=3600"}
    return JSONResponse(canvas_json(runtime.settings.base_url), headers=headers)


def approval_command(registered: Registered) -> str:
    """The line that an operator pastes into a shell; whatever an LMS calls things is quoted.

    Args:
        registered: what waits for approval.
    """
    words = ["waymark", "platform", "approve", "--issuer", registered.issuer]
    words += _option("--client-id", registered.client_id)
    if registered.deployment is not None:
        words += _option("--deployment", registered.deployment)
    return shlex.join(words)


def _option(name: str, value: str) -> list[str]:
    """A value that begins like an option would be taken for one."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _page(registered: Registered) -> ConnectedPage:
    gifts = tuple(_gift(registered, *meaning) for meaning in _MEANINGS)
    return ConnectedPage(
        registered=registered,
        gifts=gifts,
        command=approval_command(registered),
        closes_by_itself=all(gift.result != "fail" for gift in gifts),
    )


def _gift(registered: Registered, scope: str, name: str, with_it: str, without: str) -> Gift:
    if scope not in registered.asked:
        return Gift(name, "fail", without)
    if registered.granted is None:
        return Gift(name, "unknown", with_it)
    given = scope in registered.granted
    return Gift(name, "pass" if given else "fail", with_it if given else without)


def _failed(request: Request, error: AppError) -> HTMLResponse:
    metrics.ERRORS.labels(error.slug).inc()
    page = FailedPage(
        title=error.title,
        detail=error.detail,
        kept=error.kept,
        next_step=error.next_step,
        said=getattr(error, "said", None),
        slug=error.slug,
        reference=getattr(request.state, "request_id", "unknown"),
    )
    return render(request, "registration/failed.html", page, status=error.status)


@dataclass
class _Note:
    registration_id: str | None = None
    outcome: str = "ok"


@contextmanager
def _noted() -> Iterator[_Note]:
    """Count how it ended and write a line about it; addresses may hold tokens and stay out of it."""
    note = _Note()
    try:
        yield note
    except AppError as error:
        note.outcome = error.slug
        raise
    except Exception:
        note.outcome = "error"
        raise
    finally:
        metrics.REGISTRATIONS.labels(note.outcome).inc()
        log.info("lti.registration", outcome=note.outcome, registration_id=note.registration_id)
