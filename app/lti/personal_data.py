"""What the LTI room keeps of a person, for the person; and how it goes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.lti.models import LtiContext, LtiGradeLink, LtiLogin, LtiRegistration, LtiScore
from app.people.exporting import section
from app.people.personal_data import lms_identities
from app.people.schemas import Count, Kept, Section


class LtiPersonalData:
    """Where scores go and which were sent, under the LMS's id of the person; logins that may hold that id."""

    room = "lti"
    tables = frozenset({"lti_grade_link", "lti_score", "lti_login"})
    kept = (
        Kept(
            "Scores in the LMS's own gradebook, and whatever else the LMS holds",
            "They are the LMS's. Ask the people who run it.",
        ),
    )

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """LMSs and courses the person comes from, and scores."""
        mine = col(LtiGradeLink.person_id) == person_id
        return (
            _platforms(session, person_id),
            _contexts(session, person_id),
            section(
                session, "lti.grade_links", "Columns of gradebooks in which your scores go.", LtiGradeLink, mine,
                without=("person_id", "scopes"),
            ),
            section(
                session, "lti.scores", "Scores, and whether they were sent.", LtiScore,
                col(LtiScore.grade_link_id).in_(select(LtiGradeLink.id).where(mine)), without=("delivery_id",),
            ),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """A score that is still due is not sent any more: the decision stands, and whoever left wants no gradebook."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Remove scores and where they go, and every login that could hold the LMS's id of the person.

        A login does not say whose it is. Those that are used or over are of use to nobody, so all of the person's LMSs
        go; of those under way only the ones that name the person, or another's launch would fail.
        """
        mine = col(LtiGradeLink.person_id) == person_id
        links = select(LtiGradeLink.id).where(mine)
        scores = session.execute(delete(LtiScore).where(col(LtiScore.grade_link_id).in_(links)))
        columns = session.execute(delete(LtiGradeLink).where(mine))
        _forget_logins(session, person_id)
        return (
            Count("scores for gradebooks", scores.rowcount),  # type: ignore[attr-defined]
            Count("columns of gradebooks in which they go", columns.rowcount),  # type: ignore[attr-defined]
        )


def _forget_logins(session: WriteSession, person_id: str) -> None:
    for identity in lms_identities(session, person_id):
        of_lms = col(LtiLogin.registration_id) == identity.registration_id
        over = sa.or_(col(LtiLogin.used_at).is_not(None), col(LtiLogin.expires_at) < now())
        session.execute(delete(LtiLogin).where(of_lms, over))
        open_ones = session.exec(select(LtiLogin.id, LtiLogin.parameters).where(of_lms)).all()
        theirs = [login_id for login_id, parameters in open_ones if identity.subject in parameters.values()]
        if theirs:
            session.execute(delete(LtiLogin).where(col(LtiLogin.id).in_(theirs)))


def _platforms(session: ReadSession, person_id: str) -> Section:
    wanted = {identity.registration_id for identity in lms_identities(session, person_id)}
    found = session.exec(
        select(LtiRegistration.issuer, LtiRegistration.client_id, LtiRegistration.name)
        .where(col(LtiRegistration.id).in_(wanted))
        .order_by(LtiRegistration.issuer, LtiRegistration.client_id)
    ).all()
    records = tuple({"issuer": issuer, "client_id": client_id, "name": name} for issuer, client_id, name in found)
    return Section("lti.platforms", "LMSs from which you came.", records)


def _contexts(session: ReadSession, person_id: str) -> Section:
    found = session.exec(
        select(LtiContext.context_id, LtiContext.title)
        .join(
            LtiGradeLink,
            sa.and_(
                col(LtiGradeLink.deployment_id) == LtiContext.deployment_id,
                col(LtiGradeLink.context_id) == LtiContext.context_id,
            ),
        )
        .where(LtiGradeLink.person_id == person_id)
        .distinct()
    ).all()
    records = tuple({"context_id": context_id, "title": title} for context_id, title in sorted(found, key=str))
    return Section("lti.courses", "Courses of those LMSs from which you came.", records)
