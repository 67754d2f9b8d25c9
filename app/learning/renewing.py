"""Renewing a badge: an enrolment of its own beside the first, in the newest version of the module made small.

So drafts, files, observations, handing in, marking and deciding go their usual way, and nothing of the work that led to
the badge is touched. Which badge may be renewed, and until when, is the business of whoever keeps badges.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.learning.enrolments import RACES, last_number, lock, refuse_if_locked, to_enrolment
from app.learning.models import EnrolmentRecord, SubmissionRecord
from app.learning.renewal_errors import NoSuchRenewal
from app.learning.schemas import Enrolment, OverallState
from app.programme import service as programme
from app.programme.renewals import ways
from app.programme.schemas import Module


@dataclass(frozen=True)
class RenewalStanding:
    """A renewal and how far it has come.

    Attributes:
        decided_at: when an assessor decided the newest round, if they did.
    """

    enrolment: Enrolment
    state: OverallState
    decided_at: datetime | None


def begin(
    session: WriteSession,
    *,
    person_id: str,
    credential_id: str,
    module: Module,
    steps: Collection[str],
    renew_by: datetime,
    organisation_id: str | None,
) -> Enrolment:
    """The renewal of a badge that is under way, begun at the first call; other steps can be chosen until it is done.

    What was written for a step stays if another is chosen, and is there again when it is chosen again.

    Args:
        session: the caller's transaction.
        person_id: whose badge it is; the caller has made sure that it may be renewed.
        credential_id: the badge.
        module: in its newest version; what is under way stays with the version it began with.
        steps: one of the module's ways (`programme.renewals.ways`).
        renew_by: until when its work can be handed in.
        organisation_id: from whose LMS it was begun, if that is known.

    Raises:
        NoSuchRenewal: the module is not renewed by these steps.
        WorkLocked: the work is with an assessor, so no other steps can be chosen now.
    """
    for _ in range(RACES):
        # Asked first: whoever begins the same between the two questions is found by the second, or has the number.
        number = last_number(session, person_id, module.key) + 1
        found = _open(session, person_id, credential_id)
        if found is not None:
            return _choose(session, found, steps)
        if tuple(steps) not in ways(module):
            raise NoSuchRenewal
        row = EnrolmentRecord(
            person_id=person_id,
            module_key=module.key,
            module_version=module.version,
            organisation_id=organisation_id,
            number=number,
            renews=credential_id,
            renewal_steps=list(steps),
            renew_by=renew_by,
        )
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError as error:  # somebody else took the number, perhaps for the same badge
            race = error
            continue
        _note(session, row, "learning.renewal_begun")
        return to_enrolment(row)
    raise race


def current(session: ReadSession, *, person_id: str, module_key: str) -> Enrolment | None:
    """The newest renewal of a module's badge by this person, whatever has become of it; None without one."""
    row = session.exec(
        select(EnrolmentRecord)
        .where(
            EnrolmentRecord.person_id == person_id,
            EnrolmentRecord.module_key == module_key,
            col(EnrolmentRecord.renewal_steps).is_not(sa.null()),
        )
        .order_by(col(EnrolmentRecord.number).desc())
    ).first()
    return to_enrolment(row) if row is not None else None


def renewals_of(session: ReadSession, person_id: str) -> tuple[RenewalStanding, ...]:
    """All renewals by this person, the newest of each module first."""
    rows = session.exec(
        select(EnrolmentRecord)
        .where(EnrolmentRecord.person_id == person_id, col(EnrolmentRecord.renewal_steps).is_not(sa.null()))
        .order_by(EnrolmentRecord.module_key, col(EnrolmentRecord.number).desc())
    ).all()
    rounds = _newest_rounds(session, [row.id for row in rows])
    return tuple(_standing(to_enrolment(row), rounds.get(row.id)) for row in rows)


def forget(session: WriteSession, credential_ids: Sequence[str]) -> None:
    """Take the ids of badges that are erased from the renewals of them; the work stays its person's."""
    session.execute(
        sa.update(EnrolmentRecord).where(col(EnrolmentRecord.renews).in_(credential_ids)).values(renews=None),
        execution_options={"synchronize_session": False},
    )


def _open(session: ReadSession, person_id: str, credential_id: str) -> EnrolmentRecord | None:
    """The renewal of this badge that is not decided with an award yet."""
    awarded = select(SubmissionRecord.enrolment_id).where(
        SubmissionRecord.person_id == person_id, SubmissionRecord.state == "awarded"
    )
    return session.exec(
        select(EnrolmentRecord)
        .where(
            EnrolmentRecord.person_id == person_id,
            EnrolmentRecord.renews == credential_id,
            col(EnrolmentRecord.id).not_in(awarded),
        )
        .order_by(col(EnrolmentRecord.number).desc())
        .execution_options(populate_existing=True)
    ).first()


def _choose(session: WriteSession, row: EnrolmentRecord, steps: Collection[str]) -> Enrolment:
    """Go on with what is under way, by other steps if these are others."""
    if list(steps) == row.renewal_steps:
        return to_enrolment(row)
    lock(session, enrolment_id=row.id, person_id=row.person_id)
    refuse_if_locked(session, row.id)
    if tuple(steps) not in ways(programme.module_version(session, row.module_key, row.module_version)):
        raise NoSuchRenewal
    row.renewal_steps = list(steps)
    session.add(row)
    session.flush()
    _note(session, row, "learning.renewal_steps_chosen")
    return to_enrolment(row)


def _newest_rounds(session: ReadSession, enrolment_ids: Sequence[str]) -> dict[str, SubmissionRecord]:
    rows = session.exec(
        select(SubmissionRecord)
        .where(col(SubmissionRecord.enrolment_id).in_(enrolment_ids))
        .order_by(col(SubmissionRecord.number))
    ).all()
    return {row.enrolment_id: row for row in rows}  # the last of an enrolment stays


def _standing(own: Enrolment, newest: SubmissionRecord | None) -> RenewalStanding:
    if newest is None:
        return RenewalStanding(own, "working", None)
    return RenewalStanding(own, cast(OverallState, newest.state), newest.decided_at)


def _note(session: WriteSession, row: EnrolmentRecord, action: str) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=row.person_id),
        action=action,
        subject="enrolment",
        subject_id=row.id,
        module=row.module_key,
        version=row.module_version,
        credential_id=row.renews,
    )
