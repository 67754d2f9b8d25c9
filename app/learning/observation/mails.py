"""What the mails about observations need: whom to write to, and the few words that may be in a mail."""

from __future__ import annotations

from typing import cast

from app.core.db import ReadSession
from app.learning.enrolments import enrolment
from app.learning.observation.links import about, learner_name, why_over
from app.learning.observation.models import ObservationRequestRecord
from app.learning.observation.requests import to_request
from app.learning.observation.schemas import ObservationMail
from app.people import service as people
from app.programme.schemas import Observer


def request_mail(session: ReadSession, request_id: str) -> ObservationMail | None:
    """What the mail to the observer needs; None: there is nothing to ask any more."""
    row = session.get(ObservationRequestRecord, request_id)
    if row is None or not row.observer_email or why_over(session, row) is not None:
        return None
    return _mail(session, row, row.observer_email)


def learner_mail(session: ReadSession, request_id: str) -> ObservationMail | None:
    """What a mail to the learner about their request needs; None: it is gone."""
    row = session.get(ObservationRequestRecord, request_id)
    if row is None:
        return None
    return _mail(session, row, people.notification_address(session, enrolment(session, row.enrolment_id).person_id))


def _mail(session: ReadSession, row: ObservationRequestRecord, to: str | None) -> ObservationMail:
    module, activity = about(session, row)
    shown = to_request(row)
    return ObservationMail(
        request_id=row.id,
        to=to,
        learner_person_id=enrolment(session, row.enrolment_id).person_id,
        learner_name=learner_name(session, row),
        observer_name=row.observer_name,
        observer_person_id=row.observer_person_id,
        role=cast(Observer, row.role),
        module_title=module.title,
        activity_title=activity.title,
        state=shown.state,
        ends_at=row.ends_at,
        refusal=row.refusal,
    )
