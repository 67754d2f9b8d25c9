"""LMS connections for persons with the operator grant: see, approve, switch off, check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.audit import Actor
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.lti import health, registrations
from app.lti.health import HealthCheck
from app.lti.models import LtiDeployment, LtiRegistration
from app.people import service as people
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.errors import NotOfThisLaunch
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/platforms", include_in_schema=False)


class OperatorsOnly(NotOfThisLaunch):
    """The person has no operator grant."""

    slug = "operators-only"
    title = "This page is for operators"


@dataclass(frozen=True)
class PlatformRow:
    """One connection in the list."""

    id: str
    name: str
    account: str | None
    issuer: str
    client_id: str
    state: str
    organisation: str | None
    waiting: int


@dataclass(frozen=True)
class PlatformsPage:
    """Every connection, those that wait first."""

    platforms: tuple[PlatformRow, ...]


@dataclass(frozen=True)
class PlatformPage:
    """One connection with its deployments, and what a check of it found."""

    platform: PlatformRow
    registration: LtiRegistration
    deployments: tuple[LtiDeployment, ...]
    checks: tuple[HealthCheck, ...] = ()
    done: str | None = None
    is_own: bool = False


def operator(session: CurrentLaunch, db: ReadDb) -> LaunchSession:
    """The session of a person with the operator grant.

    Raises:
        OperatorsOnly: of anybody else.
    """
    if not people.has_role(db, session.person_id, "operator"):
        raise OperatorsOnly(
            "Connecting an LMS to Waymark is for people with the operator grant.",
            root=session.root,
            next_step="If you should have it, ask whoever runs Waymark for your programme.",
        )
    return session


Operator = Annotated[LaunchSession, Depends(operator)]


@router.get("")
def platforms(request: Request, session: Operator, db: ReadDb) -> HTMLResponse:
    """Every LMS that is connected or asks to be."""
    rows = sorted(
        (_row(db, each) for each in registrations.list_registrations(db)),
        key=lambda row: (row.state != "pending" and not row.waiting, row.name.lower()),
    )
    return render(request, "platforms/list.html", PlatformsPage(tuple(rows)))


@router.get("/{registration_id}")
def platform(
    request: Request, session: Operator, db: ReadDb, registration_id: str, done: str | None = None
) -> HTMLResponse:
    """One LMS."""
    return _show(request, db, session, registration_id, done=done)


@router.post("/{registration_id}/check")
def check(request: Request, session: Operator, runtime: App, registration_id: str) -> HTMLResponse:
    """Ask the LMS for everything we need of it, and show each part green or red."""
    found = health.check_platform(runtime, registration_id)
    return _show_checked(request, runtime, session, registration_id, found)


@router.post("/{registration_id}/approve")
def approve(session: Operator, db: WriteDb, registration_id: str) -> RedirectResponse:
    """Let the LMS in, with the deployments that are known."""
    row = registrations.registration(db, registration_id)
    registrations.approve(db, issuer=row.issuer, client_id=row.client_id, actor=_actor(session))
    return _back(session, registration_id, "approved")


@router.post("/{registration_id}/remove")
def remove(session: Operator, db: WriteDb, registration_id: str, form: PostedForm) -> RedirectResponse:
    """Switch the LMS off, once the operator has said that they mean it."""
    if form.get("sure") != "yes":
        return _back(session, registration_id, "unsure")
    row = registrations.registration(db, registration_id)
    registrations.remove(db, issuer=row.issuer, client_id=row.client_id, actor=_actor(session))
    return _back(session, registration_id, "removed")


@router.post("/{registration_id}/deployments/{deployment_id}/approve")
def approve_deployment(session: Operator, db: WriteDb, registration_id: str, deployment_id: str) -> RedirectResponse:
    """Let one deployment in."""
    registrations.approve_deployment(db, deployment_id, actor=_actor(session))
    return _back(session, registration_id, "deployment-approved")


@router.post("/{registration_id}/deployments/{deployment_id}/disable")
def disable_deployment(session: Operator, db: WriteDb, registration_id: str, deployment_id: str) -> RedirectResponse:
    """Switch one deployment off."""
    registrations.disable_deployment(db, deployment_id, actor=_actor(session))
    return _back(session, registration_id, "deployment-disabled")


def _actor(session: LaunchSession) -> Actor:
    return Actor("person", session.person_id)


def _back(session: LaunchSession, registration_id: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"{session.root}/platforms/{registration_id}?done={done}", status_code=303)


def _show_checked(
    request: Request, runtime: Runtime, session: LaunchSession, registration_id: str, checks: Sequence[HealthCheck]
) -> HTMLResponse:
    with runtime.database.read() as db:
        return _show(request, db, session, registration_id, checks=tuple(checks))


def _show(
    request: Request, db: ReadSession, session: LaunchSession, registration_id: str, *,
    checks: tuple[HealthCheck, ...] = (), done: str | None = None,
) -> HTMLResponse:  # fmt: skip
    row = registrations.registration(db, registration_id)
    page = PlatformPage(
        platform=_row(db, row),
        registration=row,
        deployments=tuple(registrations.deployments(db, row.id)),
        checks=checks,
        done=done,
        is_own=session.registration_id == row.id,
    )
    return render(request, "platforms/platform.html", page)


def _row(db: ReadSession, row: LtiRegistration) -> PlatformRow:
    known = registrations.deployments(db, row.id)
    organisation = people.organisation(db, row.organisation_id) if row.organisation_id else None
    return PlatformRow(
        id=row.id,
        name=row.name,
        account=row.account_name,
        issuer=row.issuer,
        client_id=row.client_id,
        state=row.state,
        organisation=organisation.name if organisation else None,
        waiting=sum(each.state == "pending" for each in known) if row.state == "active" else 0,
    )
