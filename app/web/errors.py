"""Errors as people and machines get to see them: a plain page, or problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.core import metrics
from app.core.db_trouble import Trouble, trouble_of
from app.core.errors import AppError, Forbidden, NotFound, Unavailable
from app.core.logging import get_logger
from app.core.secrets import SecretUnreadable
from app.web.documents import OPEN, negotiate
from app.web.pages import render

log = get_logger()

PROBLEM = "application/problem+json"
MACHINE_PATHS = ("/api/v1/", "/oauth/", "/vc-api/")
MACHINE_SUFFIXES = (".json", ".jwt", ".png", ".svg")
# Documents that stand in badges and settings: a page is only for those who name HTML.
DOCUMENT_PATHS = (
    "/achievements/", "/api/", "/healthz", "/ims/", "/keys/", "/lti/jwks", "/metrics", "/programme", "/readyz",
    "/refresh/", "/status/", "/.well-known/",
)  # fmt: skip
# What scripts of any site may read, they may also be refused in words they can read.
PUBLIC_PATHS = (
    "/achievements/", "/credentials/", "/ims/", "/issuers/", "/keys/", "/lti/jwks", "/programme", "/refresh/",
    "/status/", "/.well-known/",
)  # fmt: skip
MOST_PROBLEMS = 10
SECONDS_UNTIL_A_NEW_TRY = 10


class DatabaseUnavailable(Unavailable):
    """The database is gone."""

    slug = "database-unavailable"
    title = "We cannot reach what we keep"
    words = "The database does not answer just now."

    def __init__(self) -> None:
        super().__init__(
            self.words,
            kept="What was saved before is kept; this last step was not done.",
            next_step="Please try again in a minute. Whoever runs this server finds the cause at /readyz.",
        )


class DatabaseBusy(DatabaseUnavailable):
    """It answers, but did not get to this in time."""

    slug = "database-busy"
    title = "We are very busy just now"
    words = "The database has so much to do that it did not get to this in time."


class DatabaseReadOnly(DatabaseUnavailable):
    """It can be read and not written."""

    slug = "database-read-only"
    title = "Nothing can be saved just now"
    words = "The database can only be read just now, so pages open but nothing can be saved."


class DatabaseFull(DatabaseUnavailable):
    """It has no room left."""

    slug = "database-full"
    title = "Nothing can be saved just now"
    words = "The database has no room left, so pages open but nothing can be saved."


IN_TROUBLE = {
    Trouble.GONE: DatabaseUnavailable,
    Trouble.BUSY: DatabaseBusy,
    Trouble.READ_ONLY: DatabaseReadOnly,
    Trouble.FULL: DatabaseFull,
}


@dataclass(frozen=True)
class ErrorPage:
    """What the error page shows."""

    title: str
    detail: str
    kept: str | None
    next_step: str | None
    status: int
    slug: str
    reference: str
    chrome: str
    action: Mapping[str, str] | None = None


def wants_machine_form(request: Request) -> bool:
    """Whether the caller is a program: by the address, else by the form it asks for."""
    path = request.url.path
    if path.startswith(MACHINE_PATHS) or path.endswith(MACHINE_SUFFIXES):
        return True
    accept = request.headers.get("accept")
    if negotiate(accept) != "html":
        return True
    accept = (accept or "").lower()
    return "html" not in accept and ("json" in accept or path.startswith(DOCUMENT_PATHS))


def install(app: FastAPI) -> None:
    """Teach the application to show errors."""

    @app.exception_handler(AppError)
    def _app_error(request: Request, error: AppError) -> Response:
        return error_response(request, error)

    @app.exception_handler(HTTPException)
    def _http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            found = NotFound(
                "There is no page at this address.",
                next_step="Check the address, or go to the front page.",
            )
            return error_response(request, found)
        phrase = HTTPStatus(error.status_code).phrase
        detail, next_step = str(error.detail), None
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            phrase, detail, next_step = _not_that_way(request, (error.headers or {}).get("Allow", ""))
        answer = _show(request, error.status_code, f"http-{error.status_code}", phrase, detail, None, next_step)
        answer.headers.update(error.headers or {})  # e.g. Allow, which RFC 9110 §15.5.6 wants with a 405
        return answer

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        problems = [(_place(item["loc"]), item["msg"]) for item in error.errors()[:MOST_PROBLEMS]]
        detail = (
            "; ".join(f"{place}: {message}" for place, message in problems)
            if wants_machine_form(request)
            else f"Something is missing or has the wrong form: {', '.join(sorted({place for place, _ in problems}))}."
        )
        again = "Change the request" if wants_machine_form(request) else "Go back, complete the form"
        return _show(
            request, 422, "invalid-input", "That could not be used", detail, "Nothing was changed.",
            f"{again} and send it again.",
        )  # fmt: skip

    @app.exception_handler(sa.exc.SQLAlchemyError)
    def _database(request: Request, error: sa.exc.SQLAlchemyError) -> Response:
        trouble = trouble_of(error)
        if trouble is None:
            return unexpected_response(request, error)
        # The next request tries anew, so nothing here needs a restart.
        log.error("database.unavailable", trouble=trouble.value, error=type(error).__name__)
        return error_response(request, IN_TROUBLE[trouble]())

    @app.exception_handler(SecretUnreadable)
    def _sealed(request: Request, error: SecretUnreadable) -> Response:
        log.error("secrets.unreadable", reason=str(error))
        return _show(
            request, 503, "secret-key-does-not-open", "This server's keys cannot be opened",
            "WAYMARK_SECRET_KEY does not open the keys in the database.", "Nothing was changed.",
            "Whoever runs this server must start it with the secret key it was set up with.",
        )  # fmt: skip


def unexpected_response(request: Request, error: Exception) -> Response:
    """The answer to an error that nobody foresaw: noted by its type and place, told without its words."""
    log.error("http.unexpected_error", error=type(error).__name__, exc_info=error)
    return error_response(
        request,
        AppError(
            "Something we did not expect happened, and it has been noted.",
            kept="What was saved before is kept; this last step was not done.",
            next_step="Please try again. If it happens again, tell us the reference below.",
        ),
    )


def _not_that_way(request: Request, allowed: str) -> tuple[str, str, str | None]:
    """Title, detail and next step for a method that an address does not take."""
    if wants_machine_form(request):
        return "This address does not take that method", f"It takes {allowed or 'others'}.", None
    return (
        "This address is not a page",
        "It is where other programs send something to Waymark.",
        "Open the activity from your LMS, or go to the front page.",
    )


def _place(location: Sequence[int | str]) -> str:
    """Where in the input something is wrong; the names may be anything a stranger thinks of."""
    names = [str(part) for part in location[1:]] if any(isinstance(part, str) for part in location[1:]) else []
    place = ".".join(names) or "body"
    return place[:80].encode("utf-8", "replace").decode("utf-8")


class NotOfThisLaunch(Forbidden):
    """A page of a launch that this launch does not open; the way back leads to where it arrives.

    Args:
        detail: what happened.
        root: where the launch's pages begin.
        next_step: what to do next.
    """

    def __init__(self, detail: str, *, root: str, next_step: str) -> None:
        super().__init__(detail, kept="Nothing was changed.", next_step=next_step)
        self.action = {"text": "Back to your start page", "href": f"{root}/"}


def error_response(request: Request, error: AppError) -> Response:
    """An error of the house as a response; some know the way back, a standard's type, headers, or further members."""
    action: Mapping[str, str] | None = getattr(error, "action", None)
    answer = _show(
        request, error.status, error.slug, error.title, error.detail, error.kept, error.next_step, action=action,
        problem_type=getattr(error, "problem_type", None), members=getattr(error, "members", None),
    )  # fmt: skip
    answer.headers.update(getattr(error, "headers", {}))
    return answer


def _show(
    request: Request,
    status: int,
    slug: str,
    title: str,
    detail: str,
    kept: str | None,
    next_step: str | None,
    *,
    action: Mapping[str, str] | None = None,
    problem_type: str | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    metrics.ERRORS.labels(slug).inc()
    reference = getattr(request.state, "request_id", "unknown")
    headers = {"Vary": "Accept", "Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(SECONDS_UNTIL_A_NEW_TRY)
    if request.url.path.startswith(PUBLIC_PATHS):
        headers |= OPEN
    if wants_machine_form(request):
        kind = problem_type or f"urn:waymark:error:{slug}"
        problem = {"type": kind, "title": title, "status": status, "detail": detail, "reference": reference}
        extra = {key: value for key, value in (("kept", kept), ("next_step", next_step)) if value}
        told = problem | extra | dict(members or {})
        return JSONResponse(told, status_code=status, media_type=PROBLEM, headers=headers)
    chrome = "frame" if request.url.path.startswith(("/at/", "/lti/")) else "public"
    page = ErrorPage(title, detail, kept, next_step, status, slug, reference, chrome, action)
    return render(request, "error.html", page, status=status, headers=headers)
