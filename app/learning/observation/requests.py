"""Asking somebody to observe: one at a time for each activity, kept in order, all of it on record."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.enrolments import activity_of, lock, module_of, refuse_if_locked
from app.learning.events import ObservationAsked, ObserverProposed
from app.learning.models import EnrolmentRecord
from app.learning.observation.errors import (
    AlreadyAsked,
    NothingAsked,
    ObserverNotUsable,
    ReminderTooEarly,
    TooManyAsked,
)
from app.learning.observation.models import ObservationRecord, ObservationRequestRecord
from app.learning.observation.observers import chosen, refuse_own, staff_roles
from app.learning.observation.schemas import ObservationRequest, RequestState
from app.learning.texts import plain
from app.people import service as people
from app.people.errors import EmailNotUsable
from app.programme.schemas import Activity, Observer

OPEN = ("proposed", "asked")
LIFETIME = timedelta(days=30)
BETWEEN_REMINDERS = timedelta(days=1)
ASKS_PER_DAY = 10  # of one learner, over all modules: asking and withdrawing again must not become a stream of mails
MAILS_PER_ADDRESS_AND_DAY = 20  # over all learners: a supervisor with a whole team, and not more
NAME_LENGTH = 100


def ask_staff(
    session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str, membership_id: str
) -> ObservationRequest:
    """Ask a member of staff of one's own centre; the mail goes out at once.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who asks.
        activity_key: the observation.
        membership_id: by which the observer is staff.

    Raises:
        EnrolmentNotFound, ActivityNotFound: it is not this person's, or no observation.
        WorkLocked: the work is with an assessor, or awarded.
        AlreadyAsked: somebody is asked already.
        ObserverNotUsable: they are not among those who may observe, or every line is met already.
        TooManyAsked: ten requests within a day, or twenty mails to that address.
    """
    activity = _begin(session, enrolment_id, person_id, activity_key)
    member = chosen(session, person_id, activity, membership_id)
    address = member.email or ""
    check_address_pace(session, address)
    row = _new(session, enrolment_id, activity_key, cast(Observer, member.function))
    row.state, row.observer_person_id, row.membership_id = "asked", member.person_id, member.membership_id
    row.observer_name, row.observer_email = member.name, address
    start(row, now())
    _store(session, row)
    _record(session, row, person_id, "learning.observation_asked")
    outbox.emit(session, ObservationAsked(request_id=row.id, reminder=0))
    return to_request(row)


def propose(
    session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str, name: str, role: str, email: str
) -> ObservationRequest:
    """Propose somebody who is not staff of one's centre. No mail leaves before an assessor approved them.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who asks.
        activity_key: the observation.
        name: of the observer, one line.
        role: one of the activity's, but assessor.
        email: the observer's work address.

    Raises:
        EnrolmentNotFound, ActivityNotFound, WorkLocked, AlreadyAsked, TooManyAsked: as for `ask_staff`.
        ObserverNotUsable: name, role or address cannot be used, or the address is the learner's own.
        UnusableText: the name holds control characters.
    """
    activity = _begin(session, enrolment_id, person_id, activity_key)
    # Marks that nobody sees could turn the name around on the assessor's page.
    seen = "".join(each for each in plain(name, "The name") if unicodedata.category(each) != "Cf")
    clean_name = " ".join(seen.split())
    if not clean_name or len(clean_name) > NAME_LENGTH:
        raise ObserverNotUsable("name", f"Please give a name of at most {NAME_LENGTH} characters.", "Fill in the name.")
    if role not in staff_roles(activity):
        raise ObserverNotUsable("role", "Please choose in which role they observe.", "Choose one of the list.")
    try:
        address = people.normalise_email(email)
    except EmailNotUsable as error:
        raise ObserverNotUsable("email", error.detail, error.next_step or "") from error
    refuse_own(session, person_id, address)
    row = _new(session, enrolment_id, activity_key, cast(Observer, role))
    row.state, row.observer_name, row.observer_email = "proposed", clean_name, address
    _store(session, row)
    _record(session, row, person_id, "learning.observer_proposed")
    outbox.emit(session, ObserverProposed(request_id=row.id))
    return to_request(row)


def ask_assessors(session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str) -> ObservationRequest:
    """Ask for an assessor to observe, whichever can; it waits on the assessors' page.

    Raises:
        EnrolmentNotFound, ActivityNotFound, WorkLocked, AlreadyAsked, TooManyAsked: as for `ask_staff`.
        ObserverNotUsable: assessors do not observe this.
    """
    activity = _begin(session, enrolment_id, person_id, activity_key)
    if "assessor" not in activity.observers:
        raise ObserverNotUsable("observer", "Assessors do not observe this.", "Choose somebody else.")
    row = _new(session, enrolment_id, activity_key, "assessor")
    row.state = "proposed"
    _store(session, row)
    _record(session, row, person_id, "learning.observer_proposed")
    outbox.emit(session, ObserverProposed(request_id=row.id))
    return to_request(row)


def withdraw(session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str) -> None:
    """Take the open request back: its link stops working. An observation made a moment before stays.

    Raises:
        EnrolmentNotFound: it is not this person's.
        NothingAsked: there is no open request.
    """
    lock(session, enrolment_id=enrolment_id, person_id=person_id)
    row = open_request(session, enrolment_id, activity_key)
    if row is None or not close(session, row, "withdrawn"):
        raise NothingAsked
    _record(session, row, person_id, "learning.observation_withdrawn")


def remind(session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str) -> None:
    """Send the observer the mail again, at most once a day.

    Raises:
        EnrolmentNotFound: it is not this person's.
        NothingAsked: nobody has a mail that could be repeated.
        ReminderTooEarly: one went out within the last day.
        TooManyAsked: twenty mails went to that address within a day.
    """
    lock(session, enrolment_id=enrolment_id, person_id=person_id)
    row = open_request(session, enrolment_id, activity_key)
    if row is None or row.state != "asked" or is_past(row):
        raise NothingAsked
    opens_at = _can_remind_at(row)
    if opens_at is not None and opens_at > now():
        raise ReminderTooEarly(opens_at)
    check_address_pace(session, row.observer_email)
    row.reminded_at, row.reminders = now(), row.reminders + 1
    session.add(row)
    _record(session, row, person_id, "learning.observation_reminded")
    outbox.emit(session, ObservationAsked(request_id=row.id, reminder=row.reminders))


def start(row: ObservationRequestRecord, moment: datetime) -> None:
    """From now on the observer is asked; the link works for 30 days."""
    row.state, row.asked_at, row.ends_at = "asked", moment, moment + LIFETIME


def close(session: WriteSession, row: ObservationRequestRecord, state: RequestState) -> bool:
    """End an open request in one atomic step; False: something else ended it first."""
    changed = session.exec(
        sa.update(ObservationRequestRecord)
        .where(col(ObservationRequestRecord.id) == row.id, col(ObservationRequestRecord.state).in_(OPEN))
        .values(state=state, closed_at=now())
    )
    session.refresh(row)
    return changed.rowcount == 1


def open_request(session: ReadSession, enrolment_id: str, activity_key: str) -> ObservationRequestRecord | None:
    """The request that waits for an assessor or for the observer, if any."""
    return session.exec(
        select(ObservationRequestRecord)
        .where(
            ObservationRequestRecord.enrolment_id == enrolment_id,
            ObservationRequestRecord.activity_key == activity_key,
            col(ObservationRequestRecord.state).in_(OPEN),
        )
        .execution_options(populate_existing=True)
    ).first()


def is_past(row: ObservationRequestRecord) -> bool:
    """Whether nobody answered within the 30 days."""
    return row.state == "asked" and row.ends_at is not None and row.ends_at <= now()


def check_address_pace(session: ReadSession, address: str) -> None:
    """Keep a stranger's inbox usable, however many learners know the address.

    Raises:
        TooManyAsked: twenty mails went there within a day.
    """
    day_ago = now() - timedelta(days=1)
    asked, reminded = col(ObservationRequestRecord.asked_at), col(ObservationRequestRecord.reminded_at)
    recent = session.exec(
        select(sa.func.count())
        .select_from(ObservationRequestRecord)
        .where(ObservationRequestRecord.observer_email == address, sa.or_(asked > day_ago, reminded > day_ago))
    ).one()
    if recent >= MAILS_PER_ADDRESS_AND_DAY:
        raise TooManyAsked("This person has had many mails from Waymark today.")


def next_number(session: ReadSession, enrolment_id: str, activity_key: str) -> int:
    """The number of the next request for an activity, from 1."""
    last = session.exec(
        select(sa.func.max(ObservationRequestRecord.number)).where(
            ObservationRequestRecord.enrolment_id == enrolment_id, ObservationRequestRecord.activity_key == activity_key
        )
    ).one()
    return (last or 0) + 1


def to_request(row: ObservationRequestRecord) -> ObservationRequest:
    """The row as pages see it; one that nobody answered in time is `ended`."""
    return ObservationRequest(
        id=row.id,
        enrolment_id=row.enrolment_id,
        activity_key=row.activity_key,
        number=row.number,
        state="ended" if is_past(row) else cast(RequestState, row.state),
        role=cast(Observer, row.role),
        observer_name=row.observer_name,
        created_at=row.created_at,
        asked_at=row.asked_at,
        ends_at=row.ends_at,
        can_remind_at=_can_remind_at(row),
        refusal=row.refusal,
    )


def _begin(session: WriteSession, enrolment_id: str, person_id: str, activity_key: str) -> Activity:
    """The observation, with the enrolment locked, if somebody may be asked for it now."""
    own = lock(session, enrolment_id=enrolment_id, person_id=person_id)
    activity = activity_of(module_of(session, own), activity_key, "observation")
    refuse_if_locked(session, enrolment_id)
    current = open_request(session, enrolment_id, activity_key)
    if current is not None and is_past(current):
        close(session, current, "ended")
    elif current is not None:
        raise AlreadyAsked
    if _is_met(session, enrolment_id, activity):
        raise ObserverNotUsable(
            "observer", "Every line was answered with “meets” already.", "There is nothing more to ask for."
        )
    _check_pace(session, person_id)
    return activity


def _is_met(session: ReadSession, enrolment_id: str, activity: Activity) -> bool:
    """Whether the newest observation answers every line with "meets"."""
    newest = session.exec(
        select(ObservationRecord)
        .where(ObservationRecord.enrolment_id == enrolment_id, ObservationRecord.activity_key == activity.key)
        .order_by(col(ObservationRecord.made_at).desc(), col(ObservationRecord.id).desc())
    ).first()
    return newest is not None and all(newest.answers.get(line.key) == "meets" for line in activity.checklist)


def _check_pace(session: ReadSession, person_id: str) -> None:
    mine = select(EnrolmentRecord.id).where(EnrolmentRecord.person_id == person_id)
    recent = session.exec(
        select(sa.func.count())
        .select_from(ObservationRequestRecord)
        .where(
            col(ObservationRequestRecord.enrolment_id).in_(mine),
            col(ObservationRequestRecord.created_at) > now() - timedelta(days=1),
        )
    ).one()
    if recent >= ASKS_PER_DAY:
        raise TooManyAsked("You have asked or proposed ten people within a day.")


def _new(session: ReadSession, enrolment_id: str, activity_key: str, role: Observer) -> ObservationRequestRecord:
    number = next_number(session, enrolment_id, activity_key)
    return ObservationRequestRecord(
        enrolment_id=enrolment_id, activity_key=activity_key, number=number, role=role, state="proposed"
    )


def _store(session: WriteSession, row: ObservationRequestRecord) -> None:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise AlreadyAsked from error


def _can_remind_at(row: ObservationRequestRecord) -> datetime | None:
    last = row.reminded_at or row.asked_at
    return last + BETWEEN_REMINDERS if last is not None else None


def _record(session: WriteSession, row: ObservationRequestRecord, person_id: str, action: str) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action=action,
        subject="observation_request",
        subject_id=row.id,
        enrolment_id=row.enrolment_id,
        number=row.number,
    )
