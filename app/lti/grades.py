"""Where a person's score goes, as launches tell it (Assignment and Grade Services 2.0 §3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.lti.errors import RegistrationNotFound
from app.lti.models import LtiContext, LtiGradeLink
from app.lti.registrations import find_registration
from app.lti.schemas import Launch

SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


def remember_grade_link(session: WriteSession, launch: Launch, *, person_id: str, module_key: str) -> None:
    """Keep the newest line item of this person and resource link; a copied activity has a link of its own.

    Two first launches at the same moment make one row.
    """
    row = _grade_link(session, launch)
    if row is None:
        row = LtiGradeLink(
            registration_id=launch.registration_id,
            deployment_id=launch.deployment_id,
            resource_link_id=launch.resource_link_id,
            person_id=person_id,
            subject=launch.subject,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            row = _grade_link(session, launch) or row
    row.person_id, row.module_key, row.context_id = person_id, module_key, launch.context_id
    row.line_item_url, row.line_items_url = launch.line_item_url, launch.line_items_url
    row.scopes, row.updated_at = list(launch.ags_scopes), now()
    session.add(row)


def remember_context(session: WriteSession, launch: Launch) -> None:
    """Keep a course that was launched from, with the address of its roster if the platform gave one."""
    if launch.context_id is None:
        return
    row = _context(session, launch)
    if row is None:
        row = LtiContext(
            registration_id=launch.registration_id,
            deployment_id=launch.deployment_id,
            context_id=launch.context_id,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            row = _context(session, launch) or row
    wanted = {
        "memberships_url": launch.memberships_url or row.memberships_url,
        "title": launch.context_title or row.title,
        "history": list(launch.context_history) or row.history,
    }
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if changed:
        row.sqlmodel_update(changed | {"seen_at": now()})
        session.add(row)


def grade_links(session: ReadSession, *, person_id: str, module_key: str) -> Sequence[LtiGradeLink]:
    """Every place where this person's score for this module may go."""
    return session.exec(
        select(LtiGradeLink)
        .where(LtiGradeLink.person_id == person_id, LtiGradeLink.module_key == module_key)
        .order_by(col(LtiGradeLink.id))
    ).all()


def takes_scores(link: LtiGradeLink) -> bool:
    """Whether the platform gave this link a line item and the leave to write scores to it."""
    return link.line_item_url is not None and SCORE_SCOPE in link.scopes


def find_grade_link(
    session: ReadSession, *, issuer: str, client_id: str, resource_link_id: str, subject: str
) -> LtiGradeLink:
    """The grade link of one person, as an operator names it.

    Raises:
        RegistrationNotFound: there is no such platform or link.
    """
    registration = find_registration(session, issuer=issuer, client_id=client_id)
    row = session.exec(
        select(LtiGradeLink)
        .where(
            LtiGradeLink.registration_id == registration.id,
            LtiGradeLink.resource_link_id == resource_link_id,
            LtiGradeLink.subject == subject,
        )
        .order_by(col(LtiGradeLink.updated_at).desc())
    ).first()
    if row is None:
        raise RegistrationNotFound(
            "No launch of this resource link by this user as a learner has been seen.",
            next_step="The user opens the activity once; then the platform has told where the score goes.",
        )
    return row


def roster_url(session: ReadSession, *, issuer: str, client_id: str, context_id: str) -> str:
    """The address of a course's roster.

    Raises:
        RegistrationNotFound: no launch from this course has given one.
    """
    registration = find_registration(session, issuer=issuer, client_id=client_id)
    row = session.exec(
        select(LtiContext).where(LtiContext.registration_id == registration.id, LtiContext.context_id == context_id)
    ).first()
    if row is None or row.memberships_url is None:
        raise RegistrationNotFound(
            "No launch from this context has told the address of its roster.",
            next_step="Open an activity of the course once, with Names and Role Provisioning Services switched on.",
        )
    return row.memberships_url


def _grade_link(session: ReadSession, launch: Launch) -> LtiGradeLink | None:
    return session.exec(
        select(LtiGradeLink).where(
            LtiGradeLink.deployment_id == launch.deployment_id,
            LtiGradeLink.resource_link_id == launch.resource_link_id,
            LtiGradeLink.subject == launch.subject,
        )
    ).first()


def _context(session: ReadSession, launch: Launch) -> LtiContext | None:
    return session.exec(
        select(LtiContext).where(
            LtiContext.deployment_id == launch.deployment_id, LtiContext.context_id == launch.context_id
        )
    ).first()
