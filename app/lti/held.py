"""A launch that was judged and waits: the cookie did not come back, and the platform's storage may have the secret.

It waits on its login's row, sealed, for two minutes, under a handle that the page in the browser holds. Handle and
secret together let it in, once. Nothing else is written, so until then the launch may still be sent again, or begun
anew in a window of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlmodel import col

from app.core.clock import now
from app.core.db import WriteSession
from app.core.ids import digest, new_token
from app.core.runtime import Runtime
from app.lti import errors
from app.lti.launch import begun_login, is_same_browser
from app.lti.login import state_error
from app.lti.models import ACTIVE, LtiLogin
from app.lti.schemas import BegunLogin, Launch, VerifiedLaunch

PURPOSE = "lti.held-launch"
LIFETIME = timedelta(minutes=2)

_LAUNCH = TypeAdapter(Launch)
_NOTHING = {"held_launch": None, "handle_hash": None, "handle_expires_at": None}


def hold(runtime: Runtime, verified: VerifiedLaunch) -> str:
    """Keep a verified launch until its browser has shown the login's secret.

    Args:
        runtime: database, and the key that seals what the launch says of the person.
        verified: the launch.

    Returns:
        The handle: a secret of its own, kept as a hash. A launch that is sent again gets a new one.

    Raises:
        LaunchReplayed: the login was used in the meantime.
    """
    handle, moment = new_token(), now()
    sealed = runtime.secret_box.encrypt(PURPOSE, _LAUNCH.dump_json(verified.launch))
    with runtime.database.write() as session:
        _forget_overdue(session, moment)
        held = session.exec(
            sa.update(LtiLogin)
            .where(col(LtiLogin.id) == verified.login.id, col(LtiLogin.used_at).is_(None))
            .values(held_launch=sealed, handle_hash=digest(handle), handle_expires_at=moment + LIFETIME)
        )
        if held.rowcount != 1:
            raise errors.LaunchReplayed
    return handle


def take(runtime: Runtime, login_id: str, fields: Mapping[str, str]) -> VerifiedLaunch:
    """The launch that waits under a handle, if the secret is the one of its login; `accept_launch` then uses it up.

    A wrong secret ends the handle: nobody tries twice.

    Args:
        runtime: as above.
        login_id: the login that it answers.
        fields: `handle` and `secret`.

    Raises:
        HandleUnknown: nothing waits under it, or not any more.
        BrowserUnbound: the secret is not the login's.
        LtiRefused: the platform was switched off in the meantime.
    """
    login, sealed = _waiting(runtime, login_id, fields.get("handle", ""))
    if login.platform_state != ACTIVE:
        raise state_error(login.platform_state)
    if not is_same_browser(login, fields.get("secret")):
        with runtime.database.write() as session:
            session.exec(sa.update(LtiLogin).where(col(LtiLogin.id) == login_id).values(_NOTHING))
        raise errors.BrowserUnbound(technical="the secret is not the login's")
    return VerifiedLaunch(_LAUNCH.validate_json(runtime.secret_box.decrypt(PURPOSE, sealed)), login)


def _waiting(runtime: Runtime, login_id: str, handle: str) -> tuple[BegunLogin, str]:
    with runtime.database.read() as session:
        row = session.get(LtiLogin, login_id)
        if (
            row is None
            or row.held_launch is None
            or row.handle_hash is None
            or row.handle_expires_at is None
            or row.handle_expires_at <= now()
            or not hmac.compare_digest(digest(handle), row.handle_hash)
        ):
            raise errors.HandleUnknown(technical="nothing waits under this handle")
        return begun_login(session, row), row.held_launch


def _forget_overdue(session: WriteSession, moment: datetime) -> None:
    """What was never taken; the names in it are not kept longer than needed."""
    session.exec(sa.update(LtiLogin).where(col(LtiLogin.handle_expires_at) < moment).values(_NOTHING))
