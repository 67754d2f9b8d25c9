"""The observer's link: a capability that is derived and kept nowhere, and that ends with the request."""

from __future__ import annotations

from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.learning.enrolments import enrolment, module_of
from app.learning.events import ObserverRefused
from app.learning.models import SubmissionRecord
from app.learning.observation.errors import ObservationNotFound, ObservationOver
from app.learning.observation.models import ObservationRequestRecord
from app.learning.observation.observers import is_own, still_staff
from app.learning.observation.requests import close, is_past, to_request
from app.learning.observation.schemas import Invitation
from app.people import service as people
from app.programme.schemas import Activity, Module

PURPOSE = "learning.observation-link"
LINK = Actor(kind="person", id="observation-link")  # whoever holds the link: not known to be the one invited
_ID_LENGTH = 64
_OVER = {
    "made": "The checklist was filled in and sent. It cannot be changed any more.",
    "withdrawn": "The person who asked you has withdrawn their request.",
    "declined": "You, or somebody with this link, said that this is not for you.",
    "refused": "This request was not approved.",
    "ended": "Nobody answered within 30 days, so this request has ended.",
}


def observer_path(secret_box: SecretBox, request_id: str) -> str:
    """Where the observer's pages are, from the root of this server."""
    return f"/observe/{request_id}.{secret_box.token(PURPOSE, request_id)}"


def invitation(session: ReadSession, secret_box: SecretBox, token: str, *, also_made: bool = False) -> Invitation:
    """What the link opens. Looking changes nothing.

    Args:
        session: for reading.
        secret_box: knows the link.
        token: of the link.
        also_made: answer too for a checklist that was sent already, for a form that is sent twice.

    Raises:
        ObservationNotFound: the link is not one of ours.
        ObservationOver: it has ended; says why.
    """
    row = linked(session, secret_box, token) if also_made else None
    if row is None or row.state != "made":
        row = invited(session, secret_box, token)
    module, activity = about(session, row)
    return Invitation(
        request=to_request(row),
        learner_name=learner_name(session, row),
        module=module,
        activity=activity,
        hidden_address=_hidden(row.observer_email),
    )


def decline(session: WriteSession, secret_box: SecretBox, token: str) -> None:
    """The person who was asked says that it is not for them; the learner is told and can ask somebody else.

    Raises:
        ObservationNotFound, ObservationOver: as for `invitation`.
    """
    row = invited(session, secret_box, token)
    if not close(session, row, "declined"):
        raise ObservationOver(_why(row))
    _tell_declined(session, row, LINK)


def decline_unasked(session: WriteSession, request_id: str) -> None:
    """The person asked takes no such mails: as if they had said that it is not for them. Twice is once."""
    row = session.get(ObservationRequestRecord, request_id, populate_existing=True)
    if row is not None and row.observer_person_id and close(session, row, "declined"):
        _tell_declined(session, row, Actor(kind="person", id=row.observer_person_id))


def _tell_declined(session: WriteSession, row: ObservationRequestRecord, actor: Actor) -> None:
    outbox.emit(session, ObserverRefused(request_id=row.id))
    audit.record(
        session,
        actor=actor,
        action="learning.observation_declined",
        subject="observation_request",
        subject_id=row.id,
        enrolment_id=row.enrolment_id,
    )


def linked(session: ReadSession, secret_box: SecretBox, token: str) -> ObservationRequestRecord:
    """The request that a link is for, whatever became of it.

    Raises:
        ObservationNotFound: the link is not one of ours.
    """
    request_id, _, secret = token.partition(".")
    if len(request_id) > _ID_LENGTH or not secret_box.token_matches(PURPOSE, request_id, secret):
        raise ObservationNotFound
    row = session.get(ObservationRequestRecord, request_id, populate_existing=True)
    if row is None or row.state == "proposed":
        raise ObservationNotFound
    return row


def invited(session: ReadSession, secret_box: SecretBox, token: str) -> ObservationRequestRecord:
    """The request that a link is for, if it can still be answered.

    Raises:
        ObservationNotFound: the link is not one of ours.
        ObservationOver: it has ended; says why.
    """
    row = linked(session, secret_box, token)
    why = why_over(session, row)
    if why is not None:
        raise ObservationOver(why)
    return row


def why_over(session: ReadSession, row: ObservationRequestRecord) -> str | None:
    """Why an observer can no longer answer, in words for them; None: they can."""
    if row.state != "asked" or is_past(row):
        return _why(row)
    if is_awarded(session, row.enrolment_id):
        return "The module has been awarded since, so this observation is no longer needed."
    if row.membership_id is not None and not still_staff(session, row.membership_id):
        return "You were asked as staff of the centre, and the record no longer says that you work there."
    learner_id = enrolment(session, row.enrolment_id).person_id
    if row.observer_person_id == learner_id or is_own(row.observer_email, people.addresses_of(session, learner_id)):
        return "The invited address is known as the learner’s own. Somebody else has to observe."
    return None


def is_awarded(session: ReadSession, enrolment_id: str) -> bool:
    """Whether the module was awarded: then nothing more is observed for it."""
    state = session.exec(
        select(SubmissionRecord.state)
        .where(SubmissionRecord.enrolment_id == enrolment_id)
        .order_by(col(SubmissionRecord.number).desc())
    ).first()
    return state == "awarded"


def about(session: ReadSession, row: ObservationRequestRecord) -> tuple[Module, Activity]:
    """The module in the learner's version, and the observation."""
    module = module_of(session, enrolment(session, row.enrolment_id))
    return module, module.activity(row.activity_key)


def learner_name(session: ReadSession, row: ObservationRequestRecord) -> str:
    """Who asked, in one line."""
    name = people.display_name(session, enrolment(session, row.enrolment_id).person_id)
    return " ".join(name.split())[:100]


def _why(row: ObservationRequestRecord) -> str:
    return _OVER["ended" if is_past(row) else row.state]


def _hidden(address: str) -> str:
    """An address as its owner recognises it, and nobody else learns it: `m…@agency.example`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
