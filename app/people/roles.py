"""Grants: who may assess, operate or manage. An LMS's word never makes one; an operator's does."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.people.errors import RoleNotGranted, UnknownRole
from app.people.identities import person
from app.people.linked import refuse_linked
from app.people.models import RoleGrantRecord
from app.people.schemas import ROLES, Role, RoleGrant, Waiver


def grant_role(
    session: WriteSession, *, person_id: str, role: Role, actor: Actor, waiver: Waiver | None = None
) -> RoleGrant:
    """Give a role to a person; the one already in force is returned if there is one, as it was given.

    Args:
        session: the caller's transaction.
        person_id: to whom.
        role: which.
        actor: who gives it.
        waiver: the badge that the role asks for, which the person does not hold, and why it was not asked for.

    Raises:
        PersonNotFound: nobody has this id.
        UnknownRole: there is no such role.
        PersonLinked: the record was joined into another, which is the one to grant it to.
    """
    _check(role)
    person(session, person_id)
    refuse_linked(session, person_id)
    held = _in_force(session, person_id, role)
    if held is not None:
        return _grant(held)
    row = RoleGrantRecord(
        person_id=person_id,
        role=role,
        granted_by_kind=actor.kind,
        granted_by_id=actor.id,
        waived=waiver.badge if waiver is not None else None,
        waiver_reason=waiver.reason if waiver is not None else None,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Somebody else granted it between our look and our insert: theirs is the one in force.
        held = _in_force(session, person_id, role)
        if held is None:
            raise
        return _grant(held)
    audit.record(session, actor=actor, action="people.role_granted", subject="person", subject_id=person_id, role=role)
    if waiver is not None:
        audit.record(
            session,
            actor=actor,
            action="people.role_badge_waived",
            subject="person",
            subject_id=person_id,
            role=role,
            badge=waiver.badge,
        )
    return _grant(row)


def revoke_role(session: WriteSession, *, person_id: str, role: Role, actor: Actor) -> RoleGrant:
    """Take a role from a person. The grant stays in the history with who took it and when.

    Raises:
        UnknownRole: there is no such role.
        RoleNotGranted: the person does not hold it.
    """
    _check(role)
    held = _in_force(session, person_id, role)
    if held is None or not _end(session, held, actor):
        raise RoleNotGranted(f"This person does not hold the role {role}.", kept="Nothing was changed.")
    session.refresh(held)
    audit.record(session, actor=actor, action="people.role_revoked", subject="person", subject_id=person_id, role=role)
    return _grant(held)


def has_role(session: ReadSession, person_id: str, role: Role) -> bool:
    """Whether a person holds a role now."""
    return _in_force(session, person_id, role) is not None


def roles_of(session: ReadSession, person_id: str) -> frozenset[Role]:
    """The roles a person holds now."""
    rows = session.exec(
        select(RoleGrantRecord.role).where(
            RoleGrantRecord.person_id == person_id, col(RoleGrantRecord.revoked_at).is_(None)
        )
    ).all()
    return frozenset(cast(Role, role) for role in rows)


def people_with_role(session: ReadSession, role: Role) -> tuple[str, ...]:
    """Ids of everybody who holds a role now, longest-serving first."""
    return tuple(
        session.exec(
            select(RoleGrantRecord.person_id)
            .where(RoleGrantRecord.role == role, col(RoleGrantRecord.revoked_at).is_(None))
            .order_by(col(RoleGrantRecord.granted_at), col(RoleGrantRecord.id))
        ).all()
    )


def _end(session: WriteSession, held: RoleGrantRecord, actor: Actor) -> bool:
    """Close a grant if it is still open; two who try at once do it once."""
    result = session.exec(
        sa.update(RoleGrantRecord)
        .where(col(RoleGrantRecord.id) == held.id, col(RoleGrantRecord.revoked_at).is_(None))
        .values(revoked_at=now(), revoked_by_kind=actor.kind, revoked_by_id=actor.id)
    )
    return result.rowcount == 1


def _in_force(session: ReadSession, person_id: str, role: str) -> RoleGrantRecord | None:
    return session.exec(
        select(RoleGrantRecord).where(
            RoleGrantRecord.person_id == person_id,
            RoleGrantRecord.role == role,
            col(RoleGrantRecord.revoked_at).is_(None),
        )
    ).first()


def _check(role: str) -> None:
    if role not in ROLES:
        raise UnknownRole(f"The roles are {', '.join(ROLES)}.", next_step="Use one of these.")


def _grant(row: RoleGrantRecord) -> RoleGrant:
    return RoleGrant(
        id=row.id,
        person_id=row.person_id,
        role=cast(Role, row.role),
        granted_at=row.granted_at,
        revoked_at=row.revoked_at,
        waiver=Waiver(row.waived, row.waiver_reason or "") if row.waived is not None else None,
    )
