"""Badges that end soon, for reminding their holders; and who has one that ends or ended within a while."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession
from app.issuer.models import Credential
from app.issuer.schemas import EndingBadge

Passed = Callable[[Any], sa.ColumnElement[bool]]


def ending(
    session: ReadSession, *, within: timedelta, but_not_within: timedelta, passed: Passed, limit: int
) -> tuple[EndingBadge, ...]:
    """Badges whose end lies between two spans from now, the nearest first.

    In force means: issued, not suspended, revoked or erased, held by a person we know, and not renewed. Renewed is a
    badge if its holder has another of the same achievement that ends later or never.

    Args:
        session: for reading.
        within: how far the end lies away at most.
        but_not_within: how far at least; nothing, for all that have not ended yet.
        passed: makes, of the column with a badge's id, the condition under which it is passed over.
        limit: at most so many.
    """
    found = session.exec(
        select(Credential.id, Credential.valid_until, Credential.issued_at)
        .where(*_ending(within, but_not_within), ~passed(col(Credential.id)))
        .order_by(col(Credential.valid_until), col(Credential.id))
        .limit(limit)
    ).all()
    return tuple(
        EndingBadge(id=badge_id, valid_until=until, issued_at=issued_at)
        for badge_id, until, issued_at in found
        if until is not None
    )


def count_ending(session: ReadSession, *, within: timedelta, but_not_within: timedelta, passed: Passed) -> int:
    """How many there are of those."""
    which = (*_ending(within, but_not_within), ~passed(col(Credential.id)))
    return session.exec(select(sa.func.count()).select_from(Credential).where(*which)).one()


def is_ending(session: ReadSession, credential_id: str, *, within: timedelta, but_not_within: timedelta) -> bool:
    """Whether this badge is one of those now."""
    which = (col(Credential.id) == credential_id, *_ending(within, but_not_within))
    return session.exec(select(Credential.id).where(*which)).first() is not None


def holders(session: ReadSession, achievements: Collection[str], *, after: datetime, until: datetime) -> frozenset[str]:
    """Who has a badge of these achievements, neither revoked nor suspended, that ends between two moments.

    Args:
        session: for reading.
        achievements: keys of achievements.
        after, until: between which moments it ends; the later one included.
    """
    found = session.exec(
        select(Credential.person_id).where(
            col(Credential.achievement_key).in_(sorted(achievements)),
            col(Credential.state) == "issued",
            col(Credential.valid_until) > after,
            col(Credential.valid_until) <= until,
            col(Credential.suspended_at).is_(None),
            col(Credential.person_id).is_not(None),
            col(Credential.current_version) > 0,
        )
    ).all()
    return frozenset(each for each in found if each is not None)


def _ending(within: timedelta, but_not_within: timedelta) -> tuple[sa.ColumnElement[bool], ...]:
    moment = now()
    return (
        col(Credential.state) == "issued",
        col(Credential.valid_until) > moment + but_not_within,
        col(Credential.valid_until) <= moment + within,
        col(Credential.suspended_at).is_(None),
        col(Credential.person_id).is_not(None),
        col(Credential.current_version) > 0,
        ~_renewed(),
    )


def _renewed() -> sa.ColumnElement[bool]:
    other = aliased(Credential)
    return (
        sa.select(col(other.id))
        .where(
            col(other.person_id) == col(Credential.person_id),
            col(other.achievement_key) == col(Credential.achievement_key),
            col(other.state) == "issued",
            col(other.suspended_at).is_(None),
            col(other.current_version) > 0,
            sa.or_(col(other.valid_until).is_(None), col(other.valid_until) > col(Credential.valid_until)),
        )
        .exists()
    )
