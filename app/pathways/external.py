"""Badges of other issuers that their holders add, so that a pathway may ask for one.

Whether such a badge is in force is for the verifier to say, here and again every day; a badge that it does not find
valid never counts. Other servers are asked outside any transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit, metrics, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.logging import get_logger
from app.core.text import is_plain_text
from app.issuer.models import Credential
from app.pathways.authority import lock
from app.pathways.errors import (
    ExternalBadgeNotFound,
    ExternalBadgeNotValid,
    ExternalBadgeNotYours,
    ExternalBadgeOurs,
    TooManyExternalBadges,
)
from app.pathways.events import EvidenceChanged
from app.pathways.models import PathwayExternalBadge
from app.pathways.ports import BadgeChecker, JudgedBadge
from app.pathways.records import ExternalBadge
from app.people import service as people

log = get_logger()

MOST = 30  # badges of one person: each is checked every day
CHECK_EVERY = timedelta(days=1)
CHECK_AGAIN = timedelta(hours=1)  # what could not be checked
CHECKS_AT_ONCE = 20
LONGEST = 500  # characters of a name or an identifier
COUNTS = ("valid", "valid_unknown_issuer")


def add_external_badge(
    database: Database, checker: BadgeChecker, *, person_id: str, data: bytes | None = None, address: str | None = None
) -> ExternalBadge:
    """Keep another issuer's badge of a person, if it is in force and theirs. The same one twice is kept once.

    It is theirs if it names an address that they confirmed here, or a DID that they have shown to be theirs by binding
    a badge of ours to it. https://www.imsglobal.org/spec/ob/v3p0#identityobject

    Args:
        database: not a session: other servers may be asked.
        checker: the verifier.
        person_id: whose it is said to be.
        data: a JSON or JWT text, a PNG or an SVG; or
        address: where it is to be fetched; exactly one of the two.

    Raises:
        PersonNotFound: nobody goes by this id, or not any more.
        ExternalBadgeNotValid: it is not in force, or could not be checked; says why.
        ExternalBadgeOurs: it is one of this server's, which count anyway.
        ExternalBadgeNotYours: it names somebody else, or nobody.
        TooManyExternalBadges: there are 30 already.
    """
    with database.read() as session:
        people.person(session, person_id)
        known = _known_by(session, person_id)
    judged = checker(data=data, address=address, emails=known.emails, dids=known.dids)
    metrics.EXTERNAL_BADGES.labels(judged.verdict).inc()
    if not judged.counts:
        raise ExternalBadgeNotValid(judged.verdict, judged.why)
    if judged.ours:
        raise ExternalBadgeOurs
    if not judged.is_of:
        raise ExternalBadgeNotYours
    with database.write() as session:
        lock(session, person_id)
        return _kept(session, person_id, judged, address)


def remove_external_badge(session: WriteSession, *, person_id: str, badge_id: str) -> None:
    """Take away a badge that a person added; what rested on it is worked out anew.

    Raises:
        ExternalBadgeNotFound: they have no such badge.
    """
    row = session.get(PathwayExternalBadge, badge_id)
    if row is None or row.person_id != person_id:
        raise ExternalBadgeNotFound
    session.delete(row)
    _note(session, "pathways.external_badge_removed", row)
    outbox.emit(session, EvidenceChanged(person_id))


def external_badges_of(session: ReadSession, person_id: str) -> tuple[ExternalBadge, ...]:
    """The badges of other issuers that a person added, the newest award first."""
    rows = session.exec(
        select(PathwayExternalBadge)
        .where(PathwayExternalBadge.person_id == person_id)
        .order_by(col(PathwayExternalBadge.awarded_at).desc(), PathwayExternalBadge.id)
        .execution_options(populate_existing=True)
    ).all()
    return tuple(_record(row) for row in rows)


def check_again(database: Database, checker: BadgeChecker, at: datetime | None = None) -> int:
    """Judge again what was judged a day ago, or could not be checked an hour ago. For the worker, now and then.

    Any number of workers may do it at once: each badge is taken by one of them.

    Args:
        database: the database.
        checker: the verifier.
        at: the moment that says what is due, in UTC; None for this one.

    Returns:
        How many badges were judged.
    """
    moment, checked = at or now(), 0
    for row in _due(database, moment):
        if _taken(database, row, moment):
            _check(database, checker, row, moment)
            checked += 1
    return checked


@dataclass(frozen=True)
class _KnownBy:
    """By what other issuers may know a person."""

    emails: Sequence[str]
    dids: Sequence[str]


def _known_by(session: ReadSession, person_id: str) -> _KnownBy:
    confirmed = people.confirmed_email(session, person_id)
    bound = session.exec(
        select(Credential.subject_id)
        .where(
            Credential.person_id == person_id,
            Credential.state == "issued",
            col(Credential.subject_id).startswith("did:"),
        )
        .distinct()
    ).all()
    return _KnownBy((confirmed.email,) if confirmed else (), tuple(sorted(bound)))


def _kept(session: WriteSession, person_id: str, judged: JudgedBadge, address: str | None) -> ExternalBadge:
    digest = hashlib.sha256(judged.document).hexdigest()
    mine = select(PathwayExternalBadge).where(PathwayExternalBadge.person_id == person_id)
    there = session.exec(mine.where(PathwayExternalBadge.digest == digest)).first()
    if there is not None:
        return _record(there)
    if len(session.exec(mine).all()) >= MOST:
        raise TooManyExternalBadges(MOST)
    began = judged.valid_from or judged.awarded_at or now()
    row = PathwayExternalBadge(
        person_id=person_id,
        digest=digest,
        document=judged.document,
        address=address,
        issuer=_kept_words(judged.issuer),
        issuer_name=_kept_words(judged.issuer_name),
        achievement=_kept_words(judged.achievement),
        name=_kept_words(judged.name),
        awarded_at=judged.awarded_at or began,
        valid_from=began,
        valid_until=judged.valid_until,
        verdict=judged.verdict,
        checked_at=now(),
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # The same file was sent twice at once.
        return _record(session.exec(mine.where(PathwayExternalBadge.digest == digest)).one())
    _note(session, "pathways.external_badge_added", row)
    outbox.emit(session, EvidenceChanged(person_id))
    return _record(row)


def _kept_words(text: str) -> str:
    """A stranger's words as they are kept: no longer than a page can show, and nothing that no database takes."""
    plain = text if is_plain_text(text) else text.encode("utf-8", "replace").decode().replace("\x00", "")
    return plain[:LONGEST]


def _due(database: Database, moment: datetime) -> Sequence[PathwayExternalBadge]:
    is_due = sa.or_(
        col(PathwayExternalBadge.checked_at) <= moment - CHECK_EVERY,
        sa.and_(
            col(PathwayExternalBadge.verdict) == "unknown", col(PathwayExternalBadge.checked_at) <= moment - CHECK_AGAIN
        ),
    )
    with database.read() as session:
        due = select(PathwayExternalBadge).where(is_due).order_by(col(PathwayExternalBadge.checked_at))
        return session.exec(due.limit(CHECKS_AT_ONCE)).all()


def _taken(database: Database, row: PathwayExternalBadge, moment: datetime) -> bool:
    """Take a badge in hand; a worker that ends on the way leaves it for the next day."""
    with database.write() as session:
        taking = (
            sa.update(PathwayExternalBadge)
            .where(col(PathwayExternalBadge.id) == row.id, col(PathwayExternalBadge.checked_at) == row.checked_at)
            .values(checked_at=moment)
        )
        return session.exec(taking).rowcount == 1


def _check(database: Database, checker: BadgeChecker, row: PathwayExternalBadge, moment: datetime) -> None:
    try:
        judged = checker(data=row.document, address=None, emails=(), dids=())
    except Exception as error:
        log.error("pathways.external_check_failed", badge_id=row.id, error=type(error).__name__, exc_info=True)
        judged = JudgedBadge("unknown", row.document)
    metrics.EXTERNAL_BADGES.labels(judged.verdict).inc()
    until = judged.valid_until if _kept_words(judged.issuer) == row.issuer else row.valid_until
    stopped_at = None if judged.counts else row.stopped_at or moment
    if (judged.verdict, until, stopped_at) == (row.verdict, row.valid_until, row.stopped_at):
        return
    with database.write() as session:
        changed = session.exec(
            sa.update(PathwayExternalBadge)
            .where(col(PathwayExternalBadge.id) == row.id)
            .values(verdict=judged.verdict, valid_until=until, stopped_at=stopped_at)
        )
        if changed.rowcount:
            outbox.emit(session, EvidenceChanged(row.person_id))


def _note(session: WriteSession, action: str, row: PathwayExternalBadge) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=row.person_id),
        action=action,
        subject="person",
        subject_id=row.person_id,
        external_badge_id=row.id,
    )


def _record(row: PathwayExternalBadge) -> ExternalBadge:
    return ExternalBadge(
        id=row.id,
        person_id=row.person_id,
        issuer=row.issuer,
        issuer_name=row.issuer_name,
        achievement=row.achievement,
        name=row.name,
        awarded_at=row.awarded_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        verdict=row.verdict,
        counts=row.verdict in COUNTS,
        checked_at=row.checked_at,
        added_at=row.added_at,
        digest=row.digest,
        address=row.address,
    )
