"""The first step: a platform asks us to begin a login, and we send the browser back with state and nonce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core import rows
from app.core.clock import now
from app.core.db import Database, Look, WriteSession
from app.core.ids import digest, new_id, new_token, one_in
from app.core.runtime import Runtime
from app.lti import errors
from app.lti.library import authorization_request
from app.lti.models import ACTIVE, DISABLED, LtiLogin, LtiRegistration
from app.lti.registrations import platform_of
from app.lti.schemas import LoginRequest, Platform, PlatformStorage, StartedLogin, cookie_id
from app.lti.urls import LAUNCH_PATH, LONGEST_URL, origin, same_origin

LIFETIME = timedelta(minutes=10)
KEPT_AFTER = timedelta(days=1)
LONGEST_PARAMETER = 8192
LONGEST_FRAME_NAME = 255
ROOM_EVERY = 50  # logins: one of so many clears up, for all the others
MOST_OPEN = 5_000  # unused logins of one platform: more than any LMS begins in ten minutes


def login_request(fields: Mapping[str, str]) -> LoginRequest:
    """Read a login initiation (1EdTech Security Framework 1.0 §5.1.1.1; LTI 1.3 core §4.1).

    Args:
        fields: the form or query, each name once.

    Raises:
        LoginIncomplete: `iss`, `login_hint` or `target_link_uri` is missing, or a value is too long.
    """
    for name in ("iss", "login_hint", "target_link_uri"):
        if not fields.get(name):
            raise errors.LoginIncomplete(technical=f"{name} is missing")
    used = ("iss", "login_hint", "target_link_uri", "client_id", "lti_message_hint", "lti_deployment_id")
    if any(len(fields.get(name, "")) > LONGEST_PARAMETER for name in used):
        raise errors.LoginIncomplete(technical=f"a parameter is longer than {LONGEST_PARAMETER} characters")
    if len(fields.get("lti_storage_target", "")) > LONGEST_FRAME_NAME:
        raise errors.LoginIncomplete(technical=f"lti_storage_target is longer than {LONGEST_FRAME_NAME} characters")
    return LoginRequest(
        issuer=fields["iss"],
        login_hint=fields["login_hint"],
        target_link_uri=fields["target_link_uri"],
        client_id=fields.get("client_id") or None,
        message_hint=fields.get("lti_message_hint") or None,
        deployment_id=fields.get("lti_deployment_id") or None,
        storage_target=fields.get("lti_storage_target") or None,
    )


def find_platform(database: Database, request: LoginRequest, *, registration_id: str | None = None) -> Platform:
    """The approved platform that a login comes from.

    Args:
        database: read only.
        request: the login.
        registration_id: the one that the login's address names, if it names one; issuer and client must fit it.

    Raises:
        PlatformUnknown: none of that issuer and client.
        ClientAmbiguous: several, and neither client id nor address says which.
        PlatformPending: not approved yet.
        PlatformDisabled: switched off.
    """
    with database.look() as look:
        found = _matching(look, request, registration_id)
        if not found:
            raise errors.PlatformUnknown(technical="no registration of this iss and client_id")
        usable = [row for row in found if row.state == ACTIVE]
        if not usable:
            raise state_error(found[0].state)
        if len(usable) > 1:
            raise errors.ClientAmbiguous(technical="client_id is missing")
        return platform_of(usable[0])


def state_error(state: str) -> errors.LtiRefused:
    """Why a registration in this state lets nobody in."""
    return errors.PlatformDisabled() if state == DISABLED else errors.PlatformPending()


def start_login(
    runtime: Runtime, platform: Platform, request: LoginRequest, *, restarted: bool = False
) -> StartedLogin:
    """Begin a login: a row that ties fresh state, nonce and browser secret together for ten minutes.

    Args:
        runtime: database and base URL.
        platform: who asks.
        request: what was asked.
        restarted: whether this is the second try, in a window of its own.

    Raises:
        TargetForeign: the link does not lie on this server.
    """
    base_url = runtime.settings.base_url
    if len(request.target_link_uri) > LONGEST_URL or not same_origin(request.target_link_uri, base_url):
        raise errors.TargetForeign(technical="target_link_uri is not on this server")
    # One fixed address, whatever the link is: platforms compare it with the registered one character by character.
    url, state, nonce = authorization_request(platform, request, base_url + LAUNCH_PATH)
    login_id, secret, moment = new_id(), new_token(), now()
    with runtime.database.write() as session:
        if one_in(ROOM_EVERY):
            _make_room(session, platform.registration_id, moment)
        rows.insert(
            session,
            LtiLogin,
            id=login_id,
            state_hash=digest(state),
            nonce_hash=digest(nonce),
            browser_hash=digest(secret),
            registration_id=platform.registration_id,
            target_link_uri=request.target_link_uri,
            parameters=request.as_parameters(),
            restarted=restarted,
            created_at=moment,
            expires_at=moment + LIFETIME,
        )
    return StartedLogin(
        login_id=login_id,
        redirect_url=url,
        cookie_id=cookie_id(login_id),
        cookie_value=secret,
        max_age=int(LIFETIME.total_seconds()),
        frame_ancestors=platform.frame_origins,
        storage=storage_of(platform, request, login_id),
    )


def storage_of(platform: Platform, request: LoginRequest, login_id: str) -> PlatformStorage | None:
    """Where in the platform's window this login's secret is kept, if the platform offered a place.

    https://www.imsglobal.org/spec/lti-cs-oidc/v0p1: only the origin of the registered authorization endpoint is
    trusted with it, whatever window the login came from.
    """
    place = origin(platform.auth_login_url)
    if request.storage_target is None or place is None:
        return None
    return PlatformStorage(place, request.storage_target, f"waymark-login-{cookie_id(login_id)}")


def _make_room(session: WriteSession, registration_id: str, moment: datetime) -> None:
    """Forget logins long over, and the oldest unused ones beyond a number: anybody may begin logins without end."""
    session.exec(delete(LtiLogin).where(col(LtiLogin.expires_at) < moment - KEPT_AFTER))
    beyond = session.exec(
        select(LtiLogin.id)
        .where(LtiLogin.registration_id == registration_id, col(LtiLogin.used_at).is_(None))
        .order_by(col(LtiLogin.created_at).desc())
        .offset(MOST_OPEN - 1)
        .limit(1000)
    ).all()
    if beyond:
        session.exec(delete(LtiLogin).where(col(LtiLogin.id).in_(beyond)))


def restartable(database: Database, login_id: str) -> tuple[Platform, LoginRequest]:
    """A login that may be begun again in a window of its own: not used, not expired, its platform still approved.

    The window has no platform around it whose storage could be asked, so the login goes on without.

    Raises:
        RestartUnknown: there is none.
    """
    with database.read() as session:
        row = session.get(LtiLogin, login_id)
        if row is None or row.used_at is not None or row.expires_at <= now():
            raise errors.RestartUnknown
        registration = session.get_one(LtiRegistration, row.registration_id)
        if registration.state != ACTIVE:
            raise state_error(registration.state)
        return platform_of(registration), replace(LoginRequest(**row.parameters), storage_target=None)


_REGISTRATION = rows.table(LtiRegistration).c
_OF_ISSUER = (
    sa.select(*_REGISTRATION)
    .where(_REGISTRATION.issuer == sa.bindparam("wanted_issuer"))
    .order_by(_REGISTRATION.created_at)
)


def _matching(look: Look, request: LoginRequest, registration_id: str | None) -> Sequence[sa.Row[Any]]:
    if request.client_id is None:
        found: Sequence[sa.Row[Any]] = look.run(_OF_ISSUER, {"wanted_issuer": request.issuer}).all()
    else:
        row = rows.find(look, LtiRegistration, issuer=request.issuer, client_id=request.client_id)
        found = [] if row is None else [row]
    return [row for row in found if registration_id in (None, row.id)]
