"""The second step: the platform's message arrives, is judged, and is let in exactly once."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.core import rows
from app.core.clock import now
from app.core.db import Database, Look, ReadSession, WriteSession
from app.core.ids import digest
from app.core.runtime import Runtime
from app.core.text import is_plain_text
from app.learning import service as learning
from app.lti import errors
from app.lti.claims import deployment_id, read_launch, return_url_of
from app.lti.grades import remember_context, remember_grade_link
from app.lti.library import GuardedLaunch
from app.lti.login import state_error
from app.lti.models import ACTIVE, LtiDeployment, LtiLogin, LtiRegistration
from app.lti.placements import Opened, opened_by, remember_link
from app.lti.quirks import quirks_of
from app.lti.registrations import note_unknown_deployment, platform_of
from app.lti.schemas import RESOURCE_LINK_REQUEST, AcceptedLaunch, BegunLogin, LoginRequest, NewWindow, VerifiedLaunch
from app.people import service as people
from app.programme import service as programme
from app.programme.errors import ModuleUnknown as NoSuchModule
from app.programme.schemas import Module

FEW_DEPLOYMENTS = 20
_PLATFORM_ERRORS = frozenset(
    {
        "access_denied", "account_selection_required", "consent_required", "interaction_required", "invalid_request",
        "invalid_scope", "launch_no_longer_valid", "login_required", "request_not_supported", "server_error",
        "temporarily_unavailable", "unauthorized_client", "unsupported_response_type",
    }
)  # fmt: skip


def find_login(database: Database, fields: Mapping[str, str]) -> BegunLogin:
    """The login that a launch answers, by its state.

    Raises:
        LaunchIncomplete: there is no state.
        StateUnknown: no login of ours has it.
    """
    state = fields.get("state", "")
    if not state:
        raise errors.LaunchIncomplete(technical="state is missing")
    with database.look() as look:
        row = rows.find(look, LtiLogin, state_hash=digest(state))
        if row is None:
            raise errors.StateUnknown(technical="state is unknown")
        return begun_login(look, row)


def login_by_id(database: Database, login_id: str) -> BegunLogin:
    """A login by our id.

    Raises:
        RestartUnknown: there is none.
    """
    with database.read() as session:
        row = session.get(LtiLogin, login_id)
        if row is None:
            raise errors.RestartUnknown
        return begun_login(session, row)


def begun_login(session: ReadSession | Look, row: LtiLogin | sa.Row[Any]) -> BegunLogin:
    """A login's row with its platform."""
    registration = rows.find(session, LtiRegistration, id=row.registration_id)
    if registration is None:
        raise errors.StateUnknown(technical="the login's platform is gone")
    return BegunLogin(
        id=row.id,
        platform=platform_of(registration),
        platform_state=registration.state,
        nonce_hash=row.nonce_hash,
        browser_hash=row.browser_hash,
        target_link_uri=row.target_link_uri,
        request=LoginRequest(**row.parameters),
        restarted=row.restarted,
        is_used=row.used_at is not None,
        is_expired=row.expires_at <= now(),
        deployments=_few_deployments(session, row.registration_id),
    )


_DEPLOYMENT = rows.table(LtiDeployment).c
_APPROVED = (
    sa.select(_DEPLOYMENT.platform_deployment_id, _DEPLOYMENT.id)
    .where(_DEPLOYMENT.registration_id == sa.bindparam("registration"), _DEPLOYMENT.state == ACTIVE)
    .limit(FEW_DEPLOYMENTS + 1)
)


def _few_deployments(session: ReadSession | Look, registration_id: str) -> Mapping[str, str] | None:
    """The approved deployments of a platform, if they are few as nearly always; it saves the launch a second look."""
    found = session.run(_APPROVED, {"registration": registration_id}).all()
    if len(found) > FEW_DEPLOYMENTS:
        return None
    return {row.platform_deployment_id: row.id for row in found}


def verify_launch(runtime: Runtime, login: BegunLogin, fields: Mapping[str, str]) -> VerifiedLaunch:
    """Judge a launch; reads and fetches. The one thing it writes is a deployment that waits for an operator's word.

    Args:
        runtime: database, keys of platforms, base URL.
        login: what `find_login` found.
        fields: the posted form.

    Raises:
        LtiRefused: the subclass says which check failed.
        JwksUnavailable: the platform's keys cannot be had.
    """
    if login.platform_state != ACTIVE:
        raise state_error(login.platform_state)
    if "error" in fields:
        code = fields["error"] if fields["error"] in _PLATFORM_ERRORS else "unknown"
        raise errors.PlatformError(technical=code)
    if login.is_used:
        raise errors.LaunchReplayed
    if login.is_expired:
        raise errors.StateExpired
    if not fields.get("id_token"):
        raise errors.LaunchIncomplete(technical="id_token is missing")
    message = GuardedLaunch(
        fields["id_token"],
        login,
        base_url=runtime.settings.base_url,
        key_source=runtime.jwks.key,
        find_deployment=lambda _registration_id, name: _approved_deployment(runtime.database, login, name),
    )
    try:
        message.validate()
        launch = read_launch(message.claims, login, message.own_deployment_id)
    except errors.DeploymentPending as refused:
        # The message is authentic, so the operator may as well find the deployment in the list instead of typing it.
        note_unknown_deployment(
            runtime.database, login.platform.registration_id, deployment_id(message.authentic_claims)
        )
        refused.return_url = return_url_of(message.authentic_claims)
        raise
    except errors.LtiRefused as refused:
        refused.return_url = return_url_of(message.authentic_claims)
        raise
    return VerifiedLaunch(launch=launch, login=login)


def is_same_browser(login: BegunLogin, secret: str | None) -> bool:
    """Whether the browser that brings the launch is the one that began the login: it holds the login's secret.

    Nothing else binds; in particular nothing that a link could carry.
    """
    return secret is not None and hmac.compare_digest(digest(secret), login.browser_hash)


def new_window(verified: VerifiedLaunch) -> NewWindow:
    """How a launch whose browser cannot be recognised is begun again in a window of its own.

    Raises:
        CookiesBlocked: that was the second try already.
    """
    if verified.login.restarted:
        raise errors.CookiesBlocked
    family = verified.launch.product_family or verified.login.platform.product_family
    return quirks_of(family).new_window(verified.login)


def accept_launch(session: WriteSession, verified: VerifiedLaunch) -> AcceptedLaunch:
    """Let a verified launch of the right browser in: use the login up, know the person, remember where grades go.

    The caller starts the session in the same transaction: all of it happens, or nothing.

    Raises:
        LaunchReplayed: another request was faster with the same login.
        ModuleUnknown: the link names a module that is not in the catalogue.
    """
    launch = verified.launch
    _use_up(session, verified.login)
    opened = opened_by(session, launch)
    module = _module(session, opened)
    person_id = people.person_id_for_lms_identity(
        session,
        registration_id=launch.registration_id,
        subject=launch.subject,
        name=launch.name,
        email=launch.email,
        organisation_id=launch.organisation_id,
    )
    remember_context(session, launch)
    if launch.message_type == RESOURCE_LINK_REQUEST:
        remember_link(session, launch, opened)
        if launch.is_learner and module is not None:
            learning.enrol(session, person_id=person_id, module=module, organisation_id=launch.organisation_id)
            remember_grade_link(session, launch, person_id=person_id, module_key=module.key)
    _learn_product_family(session, verified)
    return AcceptedLaunch(person_id, opened.module_key, opened.activity_key, opened.view)


def _module(session: WriteSession, opened: Opened) -> Module | None:
    if opened.module_key is None:
        return None
    try:
        module = programme.current_module(session, opened.module_key)
    except NoSuchModule:
        raise errors.ModuleUnknown(technical="the catalogue has no such module") from None
    if opened.activity_key is not None and opened.activity_key not in {each.key for each in module.activities}:
        raise errors.ModuleUnknown(technical="the module has no such activity")
    return module


_LOGIN = rows.table(LtiLogin)
_USE = (
    sa.update(_LOGIN)
    .where(_LOGIN.c.id == sa.bindparam("login_id"), _LOGIN.c.used_at.is_(None))
    .values(used_at=sa.bindparam("moment"), held_launch=None, handle_hash=None)
)


def _use_up(session: WriteSession, login: BegunLogin) -> None:
    """One statement decides between two requests with one login, on every database; what was held for it goes."""
    used = session.run(_USE, {"login_id": login.id, "moment": now()})
    if used.rowcount != 1:
        raise errors.LaunchReplayed


def _learn_product_family(session: WriteSession, verified: VerifiedLaunch) -> None:
    """A platform that was entered without its kind tells it by its launches."""
    family = verified.launch.product_family
    if family is not None and verified.login.platform.product_family is None:
        session.exec(
            sa.update(LtiRegistration)
            .where(
                col(LtiRegistration.id) == verified.launch.registration_id,
                col(LtiRegistration.product_family).is_(None),
            )
            .values(product_family=family)
        )


def _approved_deployment(database: Database, login: BegunLogin, platform_deployment_id: str) -> str | None:
    if login.deployments is not None:
        return login.deployments.get(platform_deployment_id)
    if not is_plain_text(platform_deployment_id):
        return None
    with database.look() as look:
        row = rows.find(
            look,
            LtiDeployment,
            registration_id=login.platform.registration_id,
            platform_deployment_id=platform_deployment_id,
        )
        return row.id if row is not None and row.state == ACTIVE else None
