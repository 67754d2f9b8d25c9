"""Which badges rest on which: by what they name themselves, never by a guess.

A badge and all that stands or falls with it is a family: everything that its holder has, what a badge of these names,
and what names one of these. Of a holder whom nobody here knows it is what names each other alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.core.db import ReadSession, WriteSession
from app.core.rows import AT_ONCE
from app.issuer.listing import TOLD
from app.issuer.models import Credential

_BADGE: Final = re.compile(r"/credentials/([^/]+)/v[0-9]+\.json")
_ENDS: Final = (col(Credential.valid_until), col(Credential.id))


@dataclass(frozen=True)
class FamilyBadge:
    """A badge and what it rests on.

    Attributes:
        related: paths on this server of the documents that it names.
        reserved_at: the earliest moment at which somebody could have decided it here.
    """

    id: str
    achievement_key: str
    achievement_version: int
    person_id: str | None
    related: tuple[str, ...]
    revoked: bool
    reserved_at: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None

    @property
    def rests_on(self) -> frozenset[str]:
        """Ids of the badges that it names."""
        return badges_in(self.related)


@dataclass(frozen=True)
class EndedBadge:
    """A badge whose end has come, and when."""

    id: str
    valid_until: datetime


def badges_in(related: Iterable[str]) -> frozenset[str]:
    """Ids of the badges that are among these paths."""
    return frozenset(found[1] for path in related if (found := _BADGE.fullmatch(path)) is not None)


def locked_family(session: WriteSession, credential_id: str) -> tuple[FamilyBadge, ...]:
    """A badge and its family, each locked until the transaction ends: who else looks at one of them waits.

    Args:
        session: the caller's transaction.
        credential_id: any badge of the family.

    Returns:
        Nothing where there is no such badge, or it was never finished, or erased.
    """
    row = _row(session, credential_id)
    if row is None:
        return ()
    family = _of_person(session, row.person_id) if row.person_id else _unknown_holders(session, row)
    named = {name for each in family for name in badges_in(_paths(each))}
    ids = {each.id for each in family} | named
    locked: list[FamilyBadge] = []
    # One order for everybody, so that two who lock one family do not wait for each other.
    for some in _chunks(ids):
        found = session.exec(
            select(Credential)
            .where(col(Credential.id).in_(some), *_there())
            .order_by(col(Credential.id))
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        locked += [_told(each) for each in found]
    return tuple(locked)


def suspended_since(session: ReadSession, credential_id: str) -> datetime | None:
    """Since when a badge has been suspended; None where it is not, or not here."""
    return session.exec(select(Credential.suspended_at).where(Credential.id == credential_id)).first()


def ended(
    session: ReadSession, *, after: tuple[datetime, str] | None, until: datetime, limit: int
) -> tuple[EndedBadge, ...]:
    """Badges that were not revoked and whose end has come, the earliest end first.

    Args:
        session: for reading.
        after: end and id of the last one of the page before.
        until: the moment that is looked from, inclusive.
        limit: how many at most.
    """
    conditions = [col(Credential.state) == "issued", col(Credential.valid_until) <= until]
    if after is not None:
        moment, last = after
        conditions.append(
            sa.or_(
                col(Credential.valid_until) > moment,
                sa.and_(col(Credential.valid_until) == moment, col(Credential.id) > last),
            )
        )
    rows = session.exec(
        select(Credential.id, Credential.valid_until).where(*conditions).order_by(*_ENDS).limit(limit)
    ).all()
    return tuple(EndedBadge(badge_id, end) for badge_id, end in rows if end is not None)


def with_dependents(session: ReadSession, credential_ids: Collection[str], tops: Collection[str]) -> frozenset[str]:
    """Those of some badges that another one could rest on: whoever holds them holds one of the achievements in `tops`.

    Args:
        session: for two questions per 500 badges.
        credential_ids: the badges.
        tops: keys of the achievements that rest on others.
    """
    found: set[str] = set()
    other = aliased(Credential)
    for some in _chunks(credential_ids):
        theirs = sa.and_(
            col(other.person_id) == col(Credential.person_id),
            col(other.achievement_key).in_(sorted(tops)),
            col(other.state) == "issued",
        )
        found |= set(
            session.exec(select(Credential.id).join(other, theirs).where(col(Credential.id).in_(some)).distinct()).all()
        )
        unknown = set(
            session.exec(
                select(Credential.id).where(col(Credential.id).in_(some), col(Credential.person_id).is_(None))
            ).all()
        )
        if unknown:
            rows = session.exec(
                select(Credential).where(
                    col(Credential.person_id).is_(None),
                    col(Credential.achievement_key).in_(sorted(tops)),
                    col(Credential.state) == "issued",
                )
            ).all()
            found |= unknown & {name for row in rows for name in badges_in(_paths(row))}
    return frozenset(found)


def ended_on_the_way(
    session: ReadSession, *, issued_since: datetime, until: datetime, tops: Collection[str], limit: int
) -> tuple[tuple[str, str], ...]:
    """Badges issued lately, each with another of its holder's that ended after its award and perhaps before it stood.

    Whoever heard of such an end looked for what rests on it before there was anything to see.

    Args:
        session: for reading.
        issued_since: from when on they were issued.
        until: the moment that is looked from, inclusive.
        tops: keys of the achievements that rest on others.
        limit: how many at most.
    """
    other = aliased(Credential)
    since = col(Credential.awarded_at)
    rows = session.exec(
        select(Credential.id, other.id)
        .join(other, sa.and_(col(other.person_id) == col(Credential.person_id), col(other.id) != col(Credential.id)))
        .where(
            col(Credential.state) == "issued",
            col(Credential.issued_at) >= issued_since,
            col(Credential.achievement_key).in_(sorted(tops)),
            sa.or_(
                col(other.revoked_at) >= since,
                col(other.suspended_at) >= since,
                sa.and_(col(other.valid_until) >= since, col(other.valid_until) <= until),
            ),
        )
        .order_by(col(Credential.issued_at), col(Credential.id))
        .limit(limit)
    ).all()
    return tuple((badge_id, ground_id) for badge_id, ground_id in rows)


def _row(session: ReadSession, credential_id: str) -> Credential | None:
    return session.exec(select(Credential).where(Credential.id == credential_id, *_there())).first()


def _there() -> tuple[sa.ColumnElement[bool], ...]:
    return (col(Credential.state).in_(TOLD), col(Credential.current_version) > 0)


def _of_person(session: ReadSession, person_id: str) -> list[Credential]:
    return list(session.exec(select(Credential).where(Credential.person_id == person_id, *_there())).all())


def _unknown_holders(session: ReadSession, row: Credential) -> list[Credential]:
    """A badge of nobody's here, and what names it; ids have no sign that LIKE would read otherwise."""
    names_it = sa.cast(col(Credential.related), sa.String).like(f"%/credentials/{row.id}/v%")
    return [
        row,
        *session.exec(select(Credential).where(col(Credential.person_id).is_(None), names_it, *_there())).all(),
    ]


def _told(row: Credential) -> FamilyBadge:
    return FamilyBadge(
        id=row.id,
        achievement_key=row.achievement_key,
        achievement_version=row.achievement_version,
        person_id=row.person_id,
        related=_paths(row),
        revoked=row.state == "revoked",
        reserved_at=row.reserved_at,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
    )


def _paths(row: Credential) -> tuple[str, ...]:
    pairs: list[Any] = row.related or []
    return tuple(str(path) for path, _digest in pairs)


def _chunks(ids: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
