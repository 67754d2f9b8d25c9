"""Staying signed in inside an LMS's frame.

A session belongs to one launch: its pages live below `/at/{handle}/`, so two tabs never mix. The handle in the address
proves nothing; the session's secret does. It comes by one of two carriers, and never by the other one:

- a cookie that bears the handle in its name. It is partitioned, so it comes back inside a frame where third-party
  cookies are blocked (CHIPS);
- where cookies do not come back at all, a header that the page's own script sends with every request. The script gets
  the token for a one-time code and keeps it in the page's memory, nowhere else.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import Depends, Request, Response
from sqlmodel import col, delete

from app.config import Settings
from app.core import rows
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.errors import Forbidden, SignInNeeded
from app.core.ids import digest, new_token, one_in
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.schemas import RESOURCE_LINK_REQUEST, AcceptedLaunch, DeepLinkingRequest, Launch
from app.web.dependencies import App, ReadDb
from app.web.forms import posted_form
from app.web.models import LaunchSessionRow

COOKIE_PREFIX = "__Host-waymark-at-"
PLAIN_COOKIE_PREFIX = "waymark-at-"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
SESSION_HEADER = "x-waymark-session"
COOKIE = "cookie"
HEADER = "header"
CODE_LIFETIME = timedelta(minutes=1)
RENEWING = "~"  # `/at/{handle}~M03/…` are the pages on which the person renews their badge of M03
MODULE_KEY = re.compile(r"[A-Z][0-9]{1,2}[a-z]?")
SWEEP_EVERY = 50  # sessions: one of so many deletes those that are over
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KEPT = "Everything you saved is kept."
# A form that was sent too late: without a script there is only the browser that still has it.
NOT_RECEIVED = (
    "What you saved before is kept. What you sent just now was not received: your browser’s Back button brings the "
    "page back, where you can copy your words."
)


class SessionEnded(SignInNeeded):
    """The launch's session is over or belongs to another browser."""

    slug = "session-ended"
    title = "Please open Waymark again from your LMS"


class SessionInMemory(SignInNeeded):
    """The session lives in the memory of a page that was left: by a reload, a new tab, an address that was copied.

    Args:
        return_url: where the platform wants people to go back to.
        kept: what was kept.
    """

    slug = "session-in-memory"
    title = "Please open Waymark again from your LMS"

    def __init__(self, return_url: str | None, kept: str) -> None:
        super().__init__(
            "Your browser keeps no cookies for Waymark inside your LMS. So a reload, or a new tab, signs you out here.",
            kept=kept,
            next_step="Go back to your LMS and open the activity again.",
        )
        self.action = {"text": "Go back to your LMS", "href": return_url} if return_url else None


class FormNotOurs(Forbidden):
    """A change was asked for by something that is not one of our pages."""

    slug = "form-not-ours"
    title = "This form could not be accepted"


@dataclass(frozen=True)
class StartedSession:
    """A session just begun, and the cookie that carries it."""

    handle: str
    cookie_name: str
    cookie_value: str = field(repr=False)
    max_age: int


@dataclass(frozen=True)
class StartedHeaderSession:
    """A session just begun, and the one-time code that becomes its token."""

    handle: str
    code: str = field(repr=False)


@dataclass(frozen=True)
class LaunchSession:
    """Who is signed in, by which launch, and what the page needs to know of it."""

    handle: str
    person_id: str
    registration_id: str
    deployment_id: str
    organisation_id: str | None
    context_id: str | None
    context_title: str | None
    resource_link_id: str
    message_type: str
    module_key: str | None
    activity_key: str | None
    view: str | None
    for_user: str | None
    deep_linking: DeepLinkingRequest | None
    carrier: str
    is_teacher: bool
    is_administrator: bool
    csrf_token: str
    frame_ancestors: tuple[str, ...]
    renewing: bool = False

    @property
    def root(self) -> str:
        """Where this session's pages begin, e.g. `/at/abc123`; where a badge is renewed, `/at/abc123~M03`."""
        return self.root_of_renewal(self.module_key) if self.renewing and self.module_key else self.root_of_launch

    @property
    def root_of_launch(self) -> str:
        """Where the pages begin that the launch itself opened."""
        return f"/at/{self.handle}"

    def root_of_renewal(self, module_key: str) -> str:
        """Where the pages begin on which the person renews the badge of a module."""
        return f"/at/{self.handle}{RENEWING}{module_key}"


def start_session(
    session: WriteSession, settings: Settings, launch: Launch, accepted: AcceptedLaunch
) -> StartedSession:
    """Begin a session that a cookie carries, in the transaction that consumes the launch.

    Args:
        session: the launch's transaction.
        settings: for the session's length.
        launch: the verified launch.
        accepted: whose it is and what it opens.
    """
    secret = new_token()
    handle = _begin(session, settings, launch, accepted, carrier=COOKIE, secret_hash=digest(secret))
    return StartedSession(
        handle=handle,
        cookie_name=cookie_name(settings, handle),
        cookie_value=secret,
        max_age=int(_lifetime(settings).total_seconds()),
    )


def start_header_session(
    session: WriteSession, settings: Settings, launch: Launch, accepted: AcceptedLaunch
) -> StartedHeaderSession:
    """Begin a session that a header carries. It opens nothing until its code was swapped for a token.

    Args:
        session, settings, launch, accepted: as in `start_session`.
    """
    code = new_token()
    handle = _begin(
        session, settings, launch, accepted, carrier=HEADER, secret_hash=digest(new_token()),
        code_hash=digest(code), code_expires_at=now() + CODE_LIFETIME,
    )  # fmt: skip
    return StartedHeaderSession(handle, code)


def swap_code(session: WriteSession, handle: str, code: str) -> str:
    """The token that carries a session from now on, for its one-time code.

    Raises:
        SessionEnded: the code is wrong, was used, or is older than a minute.
    """
    token = new_token()
    swapped = session.exec(
        sa.update(LaunchSessionRow)
        .where(
            col(LaunchSessionRow.handle) == handle,
            col(LaunchSessionRow.carrier) == HEADER,
            col(LaunchSessionRow.code_hash) == digest(code),
            col(LaunchSessionRow.code_expires_at) > now(),
        )
        .values(secret_hash=digest(token), code_hash=None, code_expires_at=None)
    )
    if swapped.rowcount != 1:
        raise _ended()
    return token


def _begin(session: WriteSession, settings: Settings, launch: Launch, accepted: AcceptedLaunch, **carrier: Any) -> str:
    """The session's row; returns its handle. `carrier` are the columns that say how it is carried."""
    handle = new_token(9).replace("_", "a").replace("-", "b")
    if one_in(SWEEP_EVERY):
        session.exec(delete(LaunchSessionRow).where(col(LaunchSessionRow.expires_at) < now()))
    rows.insert(
        session,
        LaunchSessionRow,
        handle=handle,
        person_id=accepted.person_id,
        registration_id=launch.registration_id,
        deployment_id=launch.deployment_id,
        organisation_id=launch.organisation_id,
        context_id=launch.context_id,
        context_title=launch.context_title,
        resource_link_id=launch.resource_link_id,
        message_type=launch.message_type,
        module_key=accepted.module_key,
        activity_key=accepted.activity_key,
        view=accepted.view,
        for_user=launch.for_user,
        deep_linking=asdict(launch.deep_linking) if launch.deep_linking else None,
        return_url=launch.return_url,
        is_teacher=launch.is_teacher,
        is_administrator=launch.is_administrator,
        frame_ancestors=list(launch.frame_ancestors),
        expires_at=now() + _lifetime(settings),
        **carrier,
    )
    return handle


def _lifetime(settings: Settings) -> timedelta:
    return timedelta(hours=settings.launch_session_hours)


def cookie_name(settings: Settings, handle: str) -> str:
    """The name of a session's cookie.

    Where cookies are secure it begins with `__Host-`, which no neighbouring site can set; the plain name is then not
    looked at, or a neighbour could plant a session of its own in somebody's browser.
    """
    return (COOKIE_PREFIX if cookies_are_secure(settings.base_url) else PLAIN_COOKIE_PREFIX) + handle


@lru_cache(8)
def cookies_are_secure(base_url: str) -> bool:
    """Whether browsers take Secure cookies from this server: https, or a loopback name that they trust."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    return parts.scheme == "https" or host in ("localhost", "127.0.0.1") or host.endswith(".localhost")


def set_session_cookie(response: Response, settings: Settings, started: StartedSession) -> None:
    """Put the session's cookie on the response."""
    response.headers.append(
        "set-cookie", cookie_header(settings, started.cookie_name, started.cookie_value, started.max_age)
    )


def cookie_header(settings: Settings, name: str, value: str, max_age: int) -> str:
    """A cookie that survives in a frame of another site: Secure, SameSite=None, Partitioned.

    On plain http outside loopback browsers take none of that; there a Lax cookie works in a window of its own.
    """
    common = f"{name}={value}; Path=/; Max-Age={max_age}; HttpOnly"
    if cookies_are_secure(settings.base_url):
        return f"{common}; Secure; SameSite=None; Partitioned"
    return f"{common}; SameSite=Lax"


def csrf_token(runtime: Runtime, handle: str, secret_hash: str) -> str:
    """The token that this session's forms carry."""
    return runtime.secret_box.token("web.csrf", f"{handle}:{secret_hash}")


def find_session(database_session: ReadSession, runtime: Runtime, request: Request, handle: str) -> LaunchSession:
    """The session of a handle, if this request brings its secret by its own carrier and its platform is still let in.

    Raises:
        SessionInMemory: it is carried by a header, and this request came without.
        SessionEnded: none, expired, another browser's, or of a platform that was removed.
    """
    row = database_session.get(LaunchSessionRow, handle)
    if row is None or row.expires_at <= now():
        raise _ended(_kept(request))
    secret = _brought(request, runtime.settings, row)
    if secret is None and row.carrier == HEADER:
        raise SessionInMemory(row.return_url, _kept(request))
    if (
        secret is None
        or not hmac.compare_digest(row.secret_hash, digest(secret))
        or not registrations.is_let_in(database_session, row.registration_id, row.deployment_id)
    ):
        raise _ended(_kept(request))
    return LaunchSession(
        handle=row.handle,
        person_id=row.person_id,
        registration_id=row.registration_id,
        deployment_id=row.deployment_id,
        organisation_id=row.organisation_id,
        context_id=row.context_id,
        context_title=row.context_title,
        resource_link_id=row.resource_link_id,
        message_type=row.message_type,
        module_key=row.module_key,
        activity_key=row.activity_key,
        view=row.view,
        for_user=row.for_user,
        deep_linking=_deep_linking(row),
        carrier=row.carrier,
        is_teacher=row.is_teacher,
        is_administrator=row.is_administrator,
        csrf_token=csrf_token(runtime, row.handle, row.secret_hash),
        frame_ancestors=tuple(row.frame_ancestors),
    )


def _brought(request: Request, settings: Settings, row: LaunchSessionRow) -> str | None:
    """The secret that a request brings for this session: only by the carrier that the session has."""
    if row.carrier == HEADER:
        return request.headers.get(SESSION_HEADER)
    return request.cookies.get(cookie_name(settings, row.handle))


def _kept(request: Request) -> str:
    return KEPT if request.method in SAFE_METHODS else NOT_RECEIVED


def _ended(kept: str = KEPT) -> SessionEnded:
    return SessionEnded(
        "You are not signed in here, or your session has ended.",
        kept=kept,
        next_step="Go back to your LMS and open the activity again.",
    )


def _deep_linking(row: LaunchSessionRow) -> DeepLinkingRequest | None:
    if row.deep_linking is None:
        return None
    return DeepLinkingRequest(**row.deep_linking | {"accept_types": tuple(row.deep_linking["accept_types"])})


def remember_session(request: Request, session: LaunchSession) -> None:
    """Tell the rest of the request who is signed in, and who may frame the answer."""
    request.state.launch_session = session
    request.state.frame_ancestors = session.frame_ancestors


def current_launch(handle: str, request: Request, runtime: App, db: ReadDb) -> LaunchSession:
    """The session that the address names.

    The work by which a badge is renewed has pages of its own beside those of the launch, in the same session: whichever
    module the launch opened, and without mixing the two. There the person is a learner and nothing else.
    """
    of_launch, separator, module_key = handle.partition(RENEWING)
    session = find_session(db, runtime, request, of_launch)
    if separator:
        session = _renewing(session, module_key)
    remember_session(request, session)
    return session


def _renewing(session: LaunchSession, module_key: str) -> LaunchSession:
    if not MODULE_KEY.fullmatch(module_key):
        raise _ended()
    return replace(
        session,
        module_key=module_key,
        renewing=True,
        message_type=RESOURCE_LINK_REQUEST,
        activity_key=None,
        view=None,
        for_user=None,
        deep_linking=None,
        is_teacher=False,
        is_administrator=False,
    )


async def checked_form(
    request: Request, runtime: App, session: Annotated[LaunchSession, Depends(current_launch)]
) -> None:
    """Refuse a change that does not come from one of this session's own pages.

    Raises:
        FormNotOurs: wrong origin, or the session's token is missing.
    """
    if request.method in SAFE_METHODS:
        return
    check_same_origin(request, runtime.settings.base_url)
    sent = request.headers.get(CSRF_HEADER)
    if sent is None:
        sent = (await posted_form(request)).get(CSRF_FIELD, "")
    if not hmac.compare_digest(sent.encode(), session.csrf_token.encode()):
        raise FormNotOurs(
            "The form was not made for this session, perhaps because the page was open for very long.",
            kept="What was saved before is kept.",
            next_step="Go back, reload the page and try again.",
        )


def check_same_origin(request: Request, base_url: str) -> None:
    """Refuse a change that a browser says another site asked for.

    Raises:
        FormNotOurs: the request's origin is not ours.
    """
    origin = request.headers.get("origin")
    foreign = origin is not None and origin != base_url
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormNotOurs(
            "This request came from a page that is not part of Waymark, so nothing was changed.",
            next_step="Open the page from your LMS and try again.",
        )


def check_own_page(request: Request, base_url: str) -> None:
    """The same for a request that hands out a session: it must say that it comes from a page of ours.

    A browser says so with every POST. Without this, somebody could send the handle and secret of a login of their own
    from another person's browser, and have that person work under a strange name.

    Raises:
        FormNotOurs: no origin, or not ours.
    """
    if request.headers.get("origin") is None:
        raise FormNotOurs("This request does not say which page it came from, so nothing was changed.")
    check_same_origin(request, base_url)


def _signed_in(
    session: Annotated[LaunchSession, Depends(current_launch)], _checked: Annotated[None, Depends(checked_form)]
) -> LaunchSession:
    return session


CurrentLaunch = Annotated[LaunchSession, Depends(_signed_in)]
