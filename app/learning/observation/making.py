"""An observation is made: once for each request, by the invited person or by an assessor, and never changed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, metrics, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.learning.assessors import require_assessor
from app.learning.enrolments import activity_of, enrolment, module_of
from app.learning.events import ObservationMade
from app.learning.evidence import Place
from app.learning.evidence.places import kinds_of
from app.learning.marking_errors import AlreadyDecided
from app.learning.models import EnrolmentRecord
from app.learning.observation.checklist import Checked, answered, check, places_in
from app.learning.observation.codes import check_code, close_codes
from app.learning.observation.errors import (
    ObservationCodeOver,
    ObservationCodeWrong,
    ObservationOver,
    ObserverNotUsable,
    OwnObservation,
)
from app.learning.observation.links import LINK, about, is_awarded, learner_name, linked, why_over
from app.learning.observation.models import ObservationRecord, ObservationRequestRecord
from app.learning.observation.observers import is_own
from app.learning.observation.requests import next_number, open_request
from app.learning.observation.schemas import Answers, Observation
from app.learning.observation.states import to_observation
from app.people import service as people
from app.programme.schemas import Activity, Module


def observe(database: Database, secret_box: SecretBox, *, token: str, code: str, answers: Answers) -> Observation:
    """Keep what the invited person saw, once their code shows who they are.

    Nothing is kept before the checklist is complete, and no try of the code is used up for one that is not.

    Args:
        database: where to look, to count the try, and to keep it; do not hold a write session while calling.
        secret_box: knows the link and the code.
        token: of the link.
        code: as typed.
        answers: the checklist.

    Raises:
        ObservationNotFound, ObservationOver: the link is none, or has ended.
        AnswersIncomplete: something is missing; names each.
        CommentsPointAtSomebody: the scan finds places that are not answered for.
        ObservationCodeOver, ObservationCodeWrong: the code.
    """
    with database.read() as session:
        row = linked(session, secret_box, token)
        why = why_over(session, row)
        done = row.state == "made"
        if why is not None and not done:
            raise ObservationOver(why)
        module, activity = about(session, row)
        names = {learner_name(session, row), row.observer_name}
    checked = check(activity, answers)
    places = places_in(module, activity, checked.comments, names)
    answered(places, answers.kept)
    if done:
        return _sent_twice(database, secret_box, row.id, code, activity, why or "")
    check_code(database, secret_box, row.id, code)
    with database.write() as session:
        return _keep(session, row.id, activity, checked, places)


def observe_as_assessor(
    session: WriteSession, *, enrolment_id: str, activity_key: str, assessor_id: str, answers: Answers
) -> Observation:
    """Keep what an assessor saw, where the activity lets an assessor observe. They are signed in, so need no code.

    Raises:
        NotAnAssessor, EnrolmentNotFound, ActivityNotFound: this person may not, or there is no such observation.
        ObserverNotUsable: assessors do not observe this.
        OwnObservation: it is about themselves.
        AlreadyDecided: the module has been awarded.
        AnswersIncomplete, CommentsPointAtSomebody: as for `observe`.
    """
    module, activity, learner_id = for_assessor(
        session, enrolment_id=enrolment_id, activity_key=activity_key, assessor_id=assessor_id
    )
    session.exec(select(EnrolmentRecord.id).where(EnrolmentRecord.id == enrolment_id).with_for_update()).one()
    checked = check(activity, answers)
    observer_name = people.display_name(session, assessor_id)
    names = {people.display_name(session, learner_id), observer_name}
    places = places_in(module, activity, checked.comments, names)
    answered(places, answers.kept)
    row = open_request(session, enrolment_id, activity_key)
    if row is None or row.role != "assessor" or row.state != "proposed":
        # An open request to somebody else stays: both are kept, and the newest counts.
        number = next_number(session, enrolment_id, activity_key)
        row = ObservationRequestRecord(
            enrolment_id=enrolment_id, activity_key=activity_key, number=number, role="assessor", state="made"
        )
    moment = now()
    row.state, row.observer_person_id, row.observer_name = "made", assessor_id, observer_name
    row.asked_at, row.closed_at = row.asked_at or moment, moment
    session.add(row)
    session.flush()
    return _store(session, row, activity, checked, places, Actor(kind="person", id=assessor_id))


def for_assessor(
    session: ReadSession, *, enrolment_id: str, activity_key: str, assessor_id: str
) -> tuple[Module, Activity, str]:
    """The module, the observation and the learner, if this assessor may observe it themselves.

    Raises:
        NotAnAssessor, EnrolmentNotFound, ActivityNotFound, ObserverNotUsable, OwnObservation, AlreadyDecided: they may
        not.
    """
    require_assessor(session, assessor_id)
    own = enrolment(session, enrolment_id)
    module = module_of(session, own)
    activity = activity_of(module, activity_key, "observation")
    mine, theirs = people.addresses_of(session, assessor_id), people.addresses_of(session, own.person_id)
    if own.person_id == assessor_id or any(is_own(address, theirs) for address in mine):
        raise OwnObservation
    if "assessor" not in activity.observers:
        raise ObserverNotUsable("observer", "Assessors do not observe this.", "Go back to the list.")
    if is_awarded(session, enrolment_id):
        raise AlreadyDecided
    return module, activity, own.person_id


def _keep(
    session: WriteSession, request_id: str, activity: Activity, checked: Checked, places: tuple[Place, ...]
) -> Observation:
    """Take the request and write what was seen, in one step: of two who try at once one does it.

    Whether they may is looked at once more: since the code was read their place at the centre may have ended.
    """
    moment = now()
    asked = session.get_one(ObservationRequestRecord, request_id, populate_existing=True)
    if asked.state == "asked" and (why := why_over(session, asked)) is not None:
        raise ObservationOver(why)
    taken = session.exec(
        sa.update(ObservationRequestRecord)
        .where(
            col(ObservationRequestRecord.id) == request_id,
            col(ObservationRequestRecord.state) == "asked",
            col(ObservationRequestRecord.ends_at) > moment,
        )
        .values(state="made", closed_at=moment)
    )
    row = session.get_one(ObservationRequestRecord, request_id, populate_existing=True)
    if taken.rowcount != 1:
        raise ObservationOver(why_over(session, row) or "This request has ended.")
    close_codes(session, request_id)
    return _store(session, row, activity, checked, places, LINK)


def _store(
    session: WriteSession,
    row: ObservationRequestRecord,
    activity: Activity,
    checked: Checked,
    places: tuple[Place, ...],
    actor: Actor,
) -> Observation:
    kinds = dict(kinds_of(places))
    seen = ObservationRecord(
        request_id=row.id,
        enrolment_id=row.enrolment_id,
        activity_key=row.activity_key,
        role=row.role,
        observed_on=checked.observed_on,
        answers=dict(checked.answers),
        comments=dict(checked.comments),
        kept_findings=kinds,
    )
    session.add(seen)
    session.flush()
    outbox.emit(session, ObservationMade(observation_id=seen.id, request_id=row.id))
    audit.record(
        session,
        actor=Actor(kind="person", id=row.observer_person_id) if row.observer_person_id else actor,
        action="learning.observed",
        subject="observation_request",
        subject_id=row.id,
        enrolment_id=row.enrolment_id,
        observation_id=seen.id,
        role=row.role,
        findings_kept=len(places) or None,
    )
    for kind, number in kinds.items():
        metrics.FINDINGS_KEPT.labels(kind).inc(number)
    metrics.OBSERVATIONS_MADE.labels(row.role).inc()
    return to_observation(row, seen, activity)


def _sent_twice(
    database: Database, secret_box: SecretBox, request_id: str, code: str, activity: Activity, why: str
) -> Observation:
    """A form sent twice: the first one did the work, so the second with the same code is told the same."""
    try:
        check_code(database, secret_box, request_id, code, used=True)
    except (ObservationCodeOver, ObservationCodeWrong) as error:
        raise ObservationOver(why) from error
    with database.read() as session:
        row = session.get_one(ObservationRequestRecord, request_id)
        seen = session.exec(select(ObservationRecord).where(ObservationRecord.request_id == request_id)).one()
        return to_observation(row, seen, activity)
