"""The people room's part in joining two records: identities, addresses, staff, who reports to whom. Roles end."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.people.identities import standing_id
from app.people.link_models import LinkedPersonRecord, LinkRequestRecord
from app.people.merging import QUIETLY, Moves
from app.people.models import (
    ConfirmedEmailRecord,
    EmailConfirmationRecord,
    LmsIdentityRecord,
    MembershipRecord,
    NoticeRecord,
    PersonRecord,
    ReportingLineRecord,
)
from app.people.roles import roles_of

MANAGER = "line_manager"


class PeopleMerge(Moves):
    """What is known of the person. The address in force stays the one that the earlier record's holder confirmed."""

    room = "people"
    moved: ClassVar = {
        LmsIdentityRecord: ("person_id",),
        EmailConfirmationRecord: ("person_id",),
        ConfirmedEmailRecord: ("person_id",),
        LinkRequestRecord: ("person_id", "target_id"),
        LinkedPersonRecord: ("now_with",),
        MembershipRecord: ("person_id",),
        ReportingLineRecord: ("person_id", "other_id"),
    }
    moved_unless_there: ClassVar = {NoticeRecord: ("person_id", ("version",))}
    left: ClassVar = {
        "role_grant.person_id": "A role is never moved by joining records: it ends, and an operator gives it anew.",
        "linked_person.person_id": "It says which record was joined.",
        "linked_person.joined_into": "It says into which at the time.",
    }

    def stays_apart(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """Roles, which end; told beforehand only, as an operator may have given some anew afterwards."""
        if standing_id(session, from_id) != from_id:
            return ()
        held = sorted(roles_of(session, from_id) | roles_of(session, to_id))
        if not held:
            return ()
        return (f"Your role here ends ({', '.join(held)}). Ask the people who run this server to give it to you anew.",)

    def absorb(self, session: WriteSession, from_id: str, to_id: str) -> None:
        """End what may be in force once only, then move everything."""
        moment = now()
        _close_codes(session, from_id)
        session.execute(
            sa.update(ConfirmedEmailRecord)
            .where(col(ConfirmedEmailRecord.person_id) == from_id, col(ConfirmedEmailRecord.superseded_at).is_(None))
            .values(superseded_at=moment),
            execution_options=QUIETLY,
        )
        _end_memberships(session, from_id, to_id)
        _end_lines(session, from_id, to_id)
        super().absorb(session, from_id, to_id)
        _keep_chosen_name(session, from_id, to_id)


def _close_codes(session: WriteSession, from_id: str) -> None:
    """A code that waits was asked for under the old id: whoever wants the address asks again."""
    for model in (EmailConfirmationRecord, LinkRequestRecord):
        session.execute(
            sa.update(model)
            .where(col(model.person_id) == from_id, col(model.closed_at).is_(None))
            .values(closed_at=now()),
            execution_options=QUIETLY,
        )


def _end_memberships(session: WriteSession, from_id: str, to_id: str) -> None:
    """Of two memberships that say the same one ends."""
    theirs = session.exec(
        select(MembershipRecord.centre_id, MembershipRecord.function).where(
            MembershipRecord.person_id == to_id, col(MembershipRecord.ended_at).is_(None)
        )
    ).all()
    for centre_id, function in theirs:
        _end(
            session, MembershipRecord, to_id, MembershipRecord.person_id == from_id,
            MembershipRecord.centre_id == centre_id, MembershipRecord.function == function,
        )  # fmt: skip


def _end_lines(session: WriteSession, from_id: str, to_id: str) -> None:
    """Of two lines that say the same one ends; of two line managers the later stays; nobody is their own."""
    both = (from_id, to_id)
    in_force = session.exec(
        select(ReportingLineRecord)
        .where(
            sa.or_(col(ReportingLineRecord.person_id).in_(both), col(ReportingLineRecord.other_id).in_(both)),
            col(ReportingLineRecord.ended_at).is_(None),
        )
        .order_by(col(ReportingLineRecord.begun_at).desc(), col(ReportingLineRecord.id))
        .execution_options(populate_existing=True)
    ).all()
    seen: set[tuple[str, ...]] = set()
    for row in in_force:
        person, other = (to_id if each == from_id else each for each in (row.person_id, row.other_id))
        once = (person, MANAGER) if row.relation == MANAGER else (person, row.relation, other)
        if person == other or once in seen:
            _end(session, ReportingLineRecord, to_id, ReportingLineRecord.id == row.id)
        seen.add(once)


def _end(
    session: WriteSession,
    model: type[MembershipRecord | ReportingLineRecord],
    by: str,
    *where: sa.ColumnElement[bool] | bool,
) -> None:
    ending = sa.update(model).where(*where, col(model.ended_at).is_(None))  # type: ignore[arg-type]
    actor = _person(by)
    session.execute(
        ending.values(ended_at=now(), ended_by_kind=actor.kind, ended_by_id=actor.id), execution_options=QUIETLY
    )


def _keep_chosen_name(session: WriteSession, from_id: str, to_id: str) -> None:
    chosen = sa.select(col(PersonRecord.display_name)).where(col(PersonRecord.id) == from_id).scalar_subquery()
    session.execute(
        sa.update(PersonRecord)
        .where(col(PersonRecord.id) == to_id, col(PersonRecord.display_name).is_(None))
        .values(display_name=chosen),
        execution_options=QUIETLY,
    )


def _person(person_id: str) -> Actor:
    return Actor(kind="person", id=person_id)
