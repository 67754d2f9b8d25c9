"""Where a person's score goes, as launches tell it (Assignment and Grade Services 2.0 §3.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import rows
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning import service as learning
from app.lti import score_problems
from app.lti.errors import RegistrationNotFound
from app.lti.models import LtiContext, LtiGradeLink, LtiRegistration, LtiResourceLink
from app.lti.placements import find_link
from app.lti.registrations import find_registration, is_let_in, platform_of
from app.lti.schemas import Launch, Platform
from app.lti.scores import catch_up, newest_score

SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
LINE_ITEM_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
LINE_ITEM_READ_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
RESULT_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
AGS_SCOPES = frozenset({SCORE_SCOPE, LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE, RESULT_SCOPE})


@dataclass(frozen=True)
class Gradebook:
    """Where the score of one person for one link goes, free of any database session.

    Attributes:
        link_id: our id of the resource link's row; None if no launch has told of it since there are such rows.
        line_item_url: the column: the platform's own, or one that we found or made; None if there is none yet.
        line_items_url: where the course's columns are listed and made.
        scopes: what the platform lets us do with grades.
        opens_part: whether the link opens one activity of the module only.
        is_let_in: whether the platform and this deployment of it are approved now.
    """

    link_id: str | None
    grade_link_id: str
    deployment_id: str
    resource_link_id: str
    subject: str
    module_key: str | None
    platform: Platform
    line_item_url: str | None
    line_items_url: str | None
    scopes: frozenset[str]
    opens_part: bool
    is_let_in: bool

    @property
    def may_look(self) -> bool:
        """Whether we may list the course's columns."""
        return self.line_items_url is not None and bool(self.scopes & {LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE})

    @property
    def may_make(self) -> bool:
        """Whether we may make a column."""
        return self.line_items_url is not None and LINE_ITEM_SCOPE in self.scopes

    @property
    def obstacle(self) -> str | None:
        """Why nothing can be sent at all, as `score_problems` names it; None if it is worth a try."""
        if not self.is_let_in:
            return score_problems.SWITCHED_OFF
        if self.line_item_url is None and self.line_items_url is None:
            return score_problems.NO_SERVICE
        if SCORE_SCOPE not in self.scopes:
            return score_problems.NO_LEAVE
        if self.line_item_url is not None:
            return None
        if self.opens_part:
            return score_problems.PART_ONLY
        return None if self.may_look and self.link_id is not None else score_problems.NO_COLUMN


def gradebook_of(session: ReadSession, link: LtiGradeLink) -> Gradebook:
    """What is known by now of the gradebook of a link: what anybody's launch told last, else this person's.

    Some platforms tell teachers less than learners, so scopes that either was told count.
    """
    row = find_link(session, link.deployment_id, link.resource_link_id)
    return Gradebook(
        link_id=row.id if row else None,
        grade_link_id=link.id,
        deployment_id=link.deployment_id,
        resource_link_id=link.resource_link_id,
        subject=link.subject,
        module_key=link.module_key,
        platform=platform_of(session.get_one(LtiRegistration, link.registration_id)),
        line_item_url=(row.line_item_url if row else None) or link.line_item_url,
        line_items_url=(row.line_items_url if row else None) or link.line_items_url,
        scopes=AGS_SCOPES & {*link.scopes, *(row.scopes if row else ())},
        opens_part=row is not None and row.activity_key is not None,
        is_let_in=is_let_in(session, link.registration_id, link.deployment_id),
    )


def know_link(session: WriteSession, link: LtiGradeLink) -> None:
    """See to it that the resource link of a person's gradebook has a row, also if it was last launched before there
    were such rows: a column is found or made for the link, not for each person.
    """
    if find_link(session, link.deployment_id, link.resource_link_id) is not None:
        return
    row = LtiResourceLink(
        registration_id=link.registration_id,
        deployment_id=link.deployment_id,
        resource_link_id=link.resource_link_id,
        context_id=link.context_id,
        module_key=link.module_key,
        line_item_url=link.line_item_url,
        line_items_url=link.line_items_url,
        scopes=link.scopes,
    )
    with contextlib.suppress(IntegrityError), session.begin_nested():  # another worker may be faster by a moment
        session.add(row)


def remember_grade_link(session: WriteSession, launch: Launch, *, person_id: str, module_key: str) -> None:
    """Keep the newest line item of this person and resource link; a copied activity has a link of its own.

    Two first launches at the same moment make one row. Where the gradebook is new or another one, and the award was
    decided before, its score falls due in this very transaction.
    """
    if _is_known(session, launch, person_id, module_key):
        return
    row = _grade_link(session, launch)
    before = _told(row) if row is not None else None
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
    if _told(row) != before:
        decision_id = _earlier_award(session, person_id=person_id, module_key=module_key)
        if decision_id is not None:
            session.flush()
            catch_up(session, row, decision_id=decision_id)


def catch_up_person(session: WriteSession, person_id: str) -> None:
    """Gradebooks that joined a person's others are shown what was awarded before; one that knows it hears nothing."""
    links = session.exec(
        select(LtiGradeLink).where(LtiGradeLink.person_id == person_id).order_by(col(LtiGradeLink.id))
    ).all()
    for link in links:
        if link.module_key is None or newest_score(session, link.id) is not None:
            continue
        decision_id = _earlier_award(session, person_id=person_id, module_key=link.module_key)
        if decision_id is not None:
            catch_up(session, link, decision_id=decision_id)


def _is_known(session: ReadSession, launch: Launch, person_id: str, module_key: str) -> bool:
    """Whether all of it is there, as at most launches; asked without the objects that a change needs."""
    row = rows.find(
        session,
        LtiGradeLink,
        deployment_id=launch.deployment_id,
        resource_link_id=launch.resource_link_id,
        subject=launch.subject,
    )
    return row is not None and (
        row.person_id, row.module_key, row.context_id, row.line_item_url, row.line_items_url, row.scopes
    ) == (
        person_id, module_key, launch.context_id, launch.line_item_url, launch.line_items_url, list(launch.ags_scopes)
    )  # fmt: skip


def remember_context(session: WriteSession, launch: Launch) -> None:
    """Keep a course that was launched from, with the address of its roster if the platform gave one."""
    if launch.context_id is None:
        return
    row: LtiContext | sa.Row[Any] | None = _context(session, launch)
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
        rows.change(session, LtiContext, row.id, changed | {"seen_at": now()})


def grade_links(session: ReadSession, *, person_id: str, module_key: str) -> Sequence[LtiGradeLink]:
    """Every place where this person's score for this module may go."""
    return session.exec(
        select(LtiGradeLink)
        .where(LtiGradeLink.person_id == person_id, LtiGradeLink.module_key == module_key)
        .order_by(col(LtiGradeLink.id))
    ).all()


def takes_scores(link: LtiGradeLink) -> bool:
    """Whether the platform gave leave to write scores, and a line item or the leave to look for one."""
    may_look = link.line_items_url is not None and {LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE} & {*link.scopes}
    return SCORE_SCOPE in link.scopes and (link.line_item_url is not None or bool(may_look))


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


def _told(row: LtiGradeLink) -> tuple[Any, ...]:
    """What decides where a score goes, and whether it does."""
    return (row.person_id, row.module_key, row.line_item_url, row.line_items_url, sorted(row.scopes))


def _earlier_award(session: ReadSession, *, person_id: str, module_key: str) -> str | None:
    """The decision by which this person was awarded the module before, if there is one.

    Of whoever does the module again because the badge is gone, the first award is not told to another gradebook.
    """
    enrolment = learning.enrolment_of(session, person_id=person_id, module_key=module_key)
    if enrolment is None:
        return None
    rounds = learning.submissions_of(session, enrolment_id=enrolment.id, person_id=person_id)
    if not rounds or rounds[0].state != "awarded":
        return None
    return learning.progress(session, enrolment.id).decision_id


def _grade_link(session: ReadSession, launch: Launch) -> LtiGradeLink | None:
    return session.exec(
        select(LtiGradeLink).where(
            LtiGradeLink.deployment_id == launch.deployment_id,
            LtiGradeLink.resource_link_id == launch.resource_link_id,
            LtiGradeLink.subject == launch.subject,
        )
    ).first()


def _context(session: ReadSession, launch: Launch) -> sa.Row[Any] | None:
    return rows.find(session, LtiContext, deployment_id=launch.deployment_id, context_id=launch.context_id)
