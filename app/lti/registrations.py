"""Platforms: added by an operator, approved by an operator, never by a launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit
from app.core.audit import OPERATOR, SYSTEM, Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.lti import scores
from app.lti.errors import RegistrationExists, RegistrationInvalid, RegistrationNotFound
from app.lti.mix_up import check_not_anothers
from app.lti.models import ACTIVE, DISABLED, DYNAMIC, PENDING, LtiDeployment, LtiRegistration
from app.lti.schemas import Platform
from app.lti.urls import LONGEST_URL, origins, split_http_url

LONGEST_ID = 255
MOST_DEPLOYMENTS = 2_000


@dataclass(frozen=True)
class PlatformDetails:
    """What an operator copies from an LMS's settings page.

    Attributes:
        issuer: the LMS's `iss`, character by character as it sends it.
        client_id: the tool's name at that LMS.
        auth_login_url: OIDC authorization endpoint.
        auth_token_url: OAuth 2 token endpoint.
        jwks_url: the LMS's public keys.
        audience: `aud` for token requests where it is not the token endpoint.
        name: what people call this LMS.
        product_family: e.g. `moodle`, where it is known; else learned from launches.
        extra_frame_origins: further origins whose pages frame the tool.
    """

    issuer: str
    client_id: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    audience: str | None = None
    name: str | None = None
    product_family: str | None = None
    extra_frame_origins: tuple[str, ...] = ()


def add_registration(
    session: WriteSession,
    details: PlatformDetails,
    *,
    deployment: str | None = None,
    organisation_id: str | None = None,
    allow_http: bool = False,
    actor: Actor = OPERATOR,
) -> LtiRegistration:
    """Remember a platform; it is pending until `approve`. One that was removed before comes back as pending.

    Args:
        session: the caller's transaction.
        details: what the LMS's settings page says.
        deployment: the platform's deployment id, if it is known already.
        organisation_id: whose LMS it is.
        allow_http: may addresses be plain http (a demo, an LMS next door)?
        actor: who adds it.

    Raises:
        RegistrationInvalid: an address or id cannot be used.
        RegistrationExists: the issuer and client id are known and not removed.
    """
    _check(details, deployment, allow_http)
    row = _row(session, details.issuer, details.client_id)
    if row is not None and row.state != DISABLED:
        raise RegistrationExists(
            "This issuer and client id are connected already.",
            next_step="Approve it, or remove it first to enter it anew.",
        )
    row = row or LtiRegistration(
        issuer=details.issuer, client_id=details.client_id, auth_login_url="", auth_token_url="", jwks_url="", name=""
    )
    row.auth_login_url, row.auth_token_url = details.auth_login_url, details.auth_token_url
    row.jwks_url, row.audience = details.jwks_url, details.audience
    row.name = details.name or row.name or details.issuer
    row.product_family = details.product_family or row.product_family
    row.extra_frame_origins = list(origins(*details.extra_frame_origins))
    row.organisation_id = organisation_id or row.organisation_id
    row.state = PENDING
    session.add(row)
    session.flush()
    if deployment is not None and _deployment_row(session, row.id, deployment) is None:
        session.add(LtiDeployment(registration_id=row.id, platform_deployment_id=deployment))
    audit.record(session, actor=actor, action="lti.platform_added", subject="lti_registration", subject_id=row.id)
    session.flush()
    return row


def approve(
    session: WriteSession,
    *,
    issuer: str,
    client_id: str,
    deployment: str | None = None,
    organisation_id: str | None = None,
    actor: Actor = OPERATOR,
) -> LtiRegistration:
    """Let a platform in, with one deployment or with all that are known.

    Where none is known yet, as after most dynamic registrations, the platform's logins are answered from now on; its
    first launch names the deployment, which then waits for a word of its own.

    Args:
        session: the caller's transaction.
        issuer: the platform's `iss`.
        client_id: the tool's name at that platform.
        deployment: the deployment to let in, entered now if it is new; None: every one that was entered.
        organisation_id: whose LMS it is; None leaves it as it is.
        actor: who approves it.

    Raises:
        RegistrationNotFound: no such registration.
        RegistrationInvalid: the deployment id is too long; or another approved platform has the same client id.
    """
    row = find_registration(session, issuer=issuer, client_id=client_id)
    check_not_anothers(session, row)
    if deployment is not None:
        _check_id("deployment", deployment)
        if _deployment_row(session, row.id, deployment) is None:
            session.add(LtiDeployment(registration_id=row.id, platform_deployment_id=deployment))
            session.flush()
    known = deployments(session, row.id)
    # One that was switched off on its own stays so, unless it is named.
    if deployment is not None:
        wanted = [each for each in known if each.platform_deployment_id == deployment]
    else:
        wanted = [each for each in known if each.state != DISABLED]
    row.state, row.updated_at = ACTIVE, now()
    row.organisation_id = organisation_id or row.organisation_id
    session.add(row)
    audit.record(
        session,
        actor=actor,
        action="lti.platform_approved",
        subject="lti_registration",
        subject_id=row.id,
        organisation_id=row.organisation_id,
    )
    for each in wanted:
        _set_deployment(session, each, ACTIVE, actor)
    scores.send_held_back(session, row.id)
    session.flush()
    return row


def approve_deployment(session: WriteSession, deployment_id: str, *, actor: Actor = OPERATOR) -> LtiDeployment:
    """Let one more deployment of an approved platform in (our id).

    Raises:
        RegistrationNotFound: no such deployment.
        RegistrationInvalid: its platform is not approved.
    """
    row = _deployment(session, deployment_id)
    if session.get_one(LtiRegistration, row.registration_id).state != ACTIVE:
        raise RegistrationInvalid("The platform itself is not approved.", next_step="Approve the platform first.")
    _set_deployment(session, row, ACTIVE, actor)
    scores.send_held_back(session, row.registration_id)
    return row


def disable_deployment(session: WriteSession, deployment_id: str, *, actor: Actor = OPERATOR) -> LtiDeployment:
    """Switch one deployment off (our id); its launches are refused and its open pages end.

    Raises:
        RegistrationNotFound: no such deployment.
    """
    row = _deployment(session, deployment_id)
    _set_deployment(session, row, DISABLED, actor)
    return row


def find_deployment(session: ReadSession, registration_id: str, platform_deployment_id: str) -> LtiDeployment:
    """A deployment of a registration by the platform's own name for it.

    Raises:
        RegistrationNotFound: there is none.
    """
    row = _deployment_row(session, registration_id, platform_deployment_id)
    if row is None:
        raise RegistrationNotFound(
            "This platform has no such deployment.", next_step="See them with: waymark platform list"
        )
    return row


def _deployment(session: ReadSession, deployment_id: str) -> LtiDeployment:
    row = session.get(LtiDeployment, deployment_id)
    if row is None:
        raise RegistrationNotFound("There is no such deployment.")
    return row


def _set_deployment(session: WriteSession, row: LtiDeployment, state: str, actor: Actor) -> None:
    if row.state == state:
        return
    row.state = state
    session.add(row)
    action = "lti.deployment_approved" if state == ACTIVE else "lti.deployment_disabled"
    audit.record(session, actor=actor, action=action, subject="lti_deployment", subject_id=row.id)


def remove(session: WriteSession, *, issuer: str, client_id: str, actor: Actor = OPERATOR) -> LtiRegistration:
    """Switch a platform off: no login, launch or score any more. What its people earned stays theirs.

    Raises:
        RegistrationNotFound: no such registration.
    """
    row = find_registration(session, issuer=issuer, client_id=client_id)
    row.state, row.updated_at = DISABLED, now()
    session.add(row)
    for each in deployments(session, row.id):
        if each.state != DISABLED:  # one that was switched off on its own stays so when the platform comes back
            each.state = PENDING
            session.add(each)
    audit.record(session, actor=actor, action="lti.platform_removed", subject="lti_registration", subject_id=row.id)
    session.flush()
    return row


def find_registration(session: ReadSession, *, issuer: str, client_id: str) -> LtiRegistration:
    """The registration of this issuer and client id, in whatever state.

    Raises:
        RegistrationNotFound: there is none.
    """
    row = _row(session, issuer, client_id)
    if row is None:
        raise RegistrationNotFound(
            "No platform of this issuer and client id is connected.", next_step="See them with: waymark platform list"
        )
    return row


def registration(session: ReadSession, registration_id: str) -> LtiRegistration:
    """The registration of this id of ours, in whatever state.

    Raises:
        RegistrationNotFound: there is none.
    """
    row = session.get(LtiRegistration, registration_id)
    if row is None:
        raise RegistrationNotFound("There is no such platform.")
    return row


def list_registrations(session: ReadSession) -> Sequence[LtiRegistration]:
    """Every registration, oldest first."""
    return session.exec(select(LtiRegistration).order_by(col(LtiRegistration.created_at))).all()


def deployments(session: ReadSession, registration_id: str) -> Sequence[LtiDeployment]:
    """The deployments of a registration, oldest first."""
    return session.exec(
        select(LtiDeployment)
        .where(LtiDeployment.registration_id == registration_id)
        .order_by(col(LtiDeployment.created_at))
    ).all()


def note_unknown_deployment(database: Database, registration_id: str, platform_deployment_id: str) -> None:
    """Keep a deployment that an authentic launch named, for an operator to let in; it stays outside until then."""
    with database.write() as session:
        row = _deployment_row(session, registration_id, platform_deployment_id)
        if row is None and len(deployments(session, registration_id)) >= MOST_DEPLOYMENTS:
            return
        row = row or LtiDeployment(registration_id=registration_id, platform_deployment_id=platform_deployment_id)
        row.seen_at = now()
        session.add(row)


def is_let_in(session: ReadSession, registration_id: str, deployment_id: str) -> bool:
    """Whether a platform and this deployment of it (our ids) are approved now."""
    found = session.exec(
        select(LtiDeployment.id)
        .join(LtiRegistration, col(LtiRegistration.id) == LtiDeployment.registration_id)
        .where(
            LtiDeployment.id == deployment_id,
            LtiDeployment.state == ACTIVE,
            LtiRegistration.id == registration_id,
            LtiRegistration.state == ACTIVE,
        )
    ).first()
    return found is not None


def platform_of(row: LtiRegistration | sa.Row[Any]) -> Platform:
    """A registration's facts, free of the session; framing by issuer, authorization endpoint and what was entered."""
    return Platform(
        registration_id=row.id,
        issuer=row.issuer,
        client_id=row.client_id,
        auth_login_url=row.auth_login_url,
        auth_token_url=row.auth_token_url,
        jwks_url=row.jwks_url,
        audience=row.audience,
        organisation_id=row.organisation_id,
        product_family=row.product_family,
        frame_origins=origins(row.issuer, row.auth_login_url, *row.extra_frame_origins),
    )


def _row(session: ReadSession, issuer: str, client_id: str) -> LtiRegistration | None:
    return session.exec(
        select(LtiRegistration).where(LtiRegistration.issuer == issuer, LtiRegistration.client_id == client_id)
    ).first()


def _deployment_row(session: ReadSession, registration_id: str, deployment: str) -> LtiDeployment | None:
    return session.exec(
        select(LtiDeployment).where(
            LtiDeployment.registration_id == registration_id, LtiDeployment.platform_deployment_id == deployment
        )
    ).first()


def _check(details: PlatformDetails, deployment: str | None, allow_http: bool) -> None:
    if not details.issuer or len(details.issuer) > LONGEST_URL:
        raise RegistrationInvalid("The issuer is missing or too long.")
    _check_id("client id", details.client_id)
    if deployment is not None:
        _check_id("deployment", deployment)
    for label, url in (
        ("authorization endpoint", details.auth_login_url),
        ("token endpoint", details.auth_token_url),
        ("key set", details.jwks_url),
    ):
        parts = split_http_url(url)
        if parts is None or parts.fragment:
            raise RegistrationInvalid(f"The address of the {label} is not a plain https address.")
        if parts.scheme == "http" and not allow_http:
            raise RegistrationInvalid(
                f"The address of the {label} must be https.",
                next_step="For a demo or the own network, WAYMARK_ALLOW_PRIVATE_NETWORKS=1 allows http.",
            )
    if len(origins(*details.extra_frame_origins)) != len(set(details.extra_frame_origins)):
        raise RegistrationInvalid("An extra frame origin is not an origin such as https://lms.example.")


def _check_id(label: str, value: str) -> None:
    if not value or len(value) > LONGEST_ID or not value.isprintable():
        raise RegistrationInvalid(f"The {label} must have 1 to {LONGEST_ID} characters.")
    if value != value.strip():
        raise RegistrationInvalid(f"The {label} begins or ends with a blank.", next_step="Copy it without the blank.")


def record_dynamic(
    session: WriteSession,
    details: PlatformDetails,
    *,
    deployment: str | None,
    configuration_url: str,
    account_name: str | None,
    granted_scopes: Sequence[str] | None,
    allow_http: bool = False,
) -> LtiRegistration:
    """Remember a platform that registered this tool by itself; pending, because nobody has vouched for it.

    One that is known, pending or active, keeps its addresses and its state: the request may come from anybody who can
    place two files on the platform's host, and must not send launches or token requests elsewhere. What it gave, and a
    further deployment, are noted; the deployment waits for an operator.

    Args:
        session: the caller's transaction.
        details: from the platform's configuration and its answer.
        deployment: the platform's deployment id, if it told one.
        configuration_url: where the configuration lies, without its query.
        account_name: which tenant of a shared issuer.
        granted_scopes: what the platform gave; None if it does not say.
        allow_http: may addresses be plain http?

    Raises:
        RegistrationInvalid: an address or id cannot be used.
        RegistrationExists: it is known, with other addresses.
    """
    _check(details, deployment, allow_http)
    row = _row(session, details.issuer, details.client_id) or _entered(session, details)
    if row.state == DISABLED:
        row.auth_login_url, row.auth_token_url = details.auth_login_url, details.auth_token_url
        row.jwks_url, row.audience, row.name = details.jwks_url, details.audience, details.name or details.issuer
        row.product_family, row.account_name = details.product_family, account_name
        row.extra_frame_origins = list(origins(*details.extra_frame_origins))
        row.state, row.source = PENDING, DYNAMIC
    elif _endpoints(row) != _endpoints(details):
        raise RegistrationExists("This issuer and client id are connected already, with other addresses.")
    row.configuration_url, row.updated_at = configuration_url, now()
    row.granted_scopes = list(granted_scopes if granted_scopes is not None else row.granted_scopes)
    session.add(row)
    session.flush()
    if deployment is not None and _deployment_row(session, row.id, deployment) is None:
        if len(deployments(session, row.id)) >= MOST_DEPLOYMENTS:
            raise RegistrationInvalid("This platform has more deployments than are kept.")
        session.add(LtiDeployment(registration_id=row.id, platform_deployment_id=deployment))
    audit.record(session, actor=SYSTEM, action="lti.platform_registered", subject="lti_registration", subject_id=row.id)
    session.flush()
    return row


def _entered(session: WriteSession, details: PlatformDetails) -> LtiRegistration:
    """A row for a platform that nobody knows, as if it had been removed; the same one for two at the same moment."""
    row = LtiRegistration(
        issuer=details.issuer, client_id=details.client_id, auth_login_url="", auth_token_url="", jwks_url="",
        name="", state=DISABLED,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return find_registration(session, issuer=details.issuer, client_id=details.client_id)
    return row


def _endpoints(of: LtiRegistration | PlatformDetails) -> tuple[str | None, ...]:
    return (of.auth_login_url, of.auth_token_url, of.jwks_url, of.audience)
