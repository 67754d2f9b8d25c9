"""Badges as programs ask for them: many at once, by holder or by filter, with where each stands at a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, outbox, rows
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.issuer.erasing import refuse_erased
from app.issuer.errors import credential_not_found
from app.issuer.events import CredentialGiven
from app.issuer.models import Credential, CredentialVersion
from app.issuer.schemas import IssuedCredential
from app.issuer.signing import issued

Standing = Literal["issued", "revoked", "suspended", "expired"]
TOLD = ("issued", "revoked")  # of a badge's states those that anybody is told of
_BADGE, _VERSION = rows.table(Credential).c, rows.table(CredentialVersion).c
_HELD = (
    sa.select(
        _BADGE.id,
        _BADGE.achievement_key,
        _BADGE.achievement_version,
        _BADGE.person_id,
        _BADGE.current_version,
        _BADGE.state,
        _BADGE.awarded_at,
        _BADGE.reserved_at,
        _BADGE.issued_at,
        _BADGE.valid_until,
        _BADGE.revoked_at,
        _BADGE.suspended_at,
        _VERSION.digest,
    )
    .join_from(
        rows.table(Credential),
        rows.table(CredentialVersion),
        sa.and_(_VERSION.credential_id == _BADGE.id, _VERSION.version == _BADGE.current_version),
    )
    .where(sa.or_(*(_BADGE.state == state for state in TOLD)))
)


@dataclass(frozen=True)
class BadgeRecord:
    """A badge and where it stood when it was asked for.

    Attributes:
        standing: `revoked` before `suspended` before `expired`.
        since: since when it is so, for those three.
        reserved_at: by what lists are ordered; it never changes.
        digest: SHA-256 of the document in force, in hex; only where it was asked for.
    """

    id: str
    achievement_key: str
    achievement_version: int
    person_id: str | None
    version: int
    standing: Standing
    since: datetime | None
    awarded_at: datetime
    reserved_at: datetime
    issued_at: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None
    digest: str | None = None


@dataclass(frozen=True)
class BadgeFilter:
    """Which badges a list has; None leaves a condition out.

    Attributes:
        among: a selection of ids of badges.
        achievements: keys of achievements.
        standing: where they stand now.
        issued_after, issued_before: when they were issued first, exclusive.
    """

    among: sa.Select[Any] | None = None
    achievements: frozenset[str] | None = None
    standing: Standing | None = None
    issued_after: datetime | None = None
    issued_before: datetime | None = None


def badge(session: ReadSession, credential_id: str, at: datetime) -> BadgeRecord:
    """One badge.

    Raises:
        CredentialNotFound: unknown or unfinished.
        CredentialErased: it was erased.
    """
    row = session.exec(select(Credential).where(Credential.id == credential_id)).first()
    if row is None or row.state not in TOLD:
        refuse_erased(session, credential_id)
        raise credential_not_found()
    return _record(row, at)


def badges(
    session: ReadSession, wanted: BadgeFilter, at: datetime, *, after: tuple[datetime, str] | None, limit: int
) -> list[BadgeRecord]:
    """Badges by filter, the newest first.

    Args:
        session: for reading.
        wanted: which.
        at: the moment at which they stand where they stand.
        after: `reserved_at` and id of the last badge of the page before.
        limit: how many at most.
    """
    statement = select(Credential).where(col(Credential.state).in_(TOLD), *_conditions(wanted, at))
    if after is not None:
        moment, last = after
        statement = statement.where(
            sa.or_(
                col(Credential.reserved_at) < moment,
                sa.and_(col(Credential.reserved_at) == moment, col(Credential.id) > last),
            )
        )
    rows = session.exec(statement.order_by(col(Credential.reserved_at).desc(), col(Credential.id)).limit(limit)).all()
    return [_record(row, at) for row in rows]


def badges_held(
    session: ReadSession,
    at: datetime,
    *,
    person_ids: Collection[str] = (),
    credential_ids: Collection[str] = (),
    achievements: Collection[str] | None = None,
) -> list[BadgeRecord]:
    """The badges of these persons, and these badges, each once; those that stand and those that do not.

    Args:
        session: for one question per 500 ids.
        at: the moment at which they stand where they stand.
        person_ids: holders.
        credential_ids: further badges.
        achievements: keys of the achievements that matter; None for all.
    """
    found: dict[str, BadgeRecord] = {}
    for column, ids in ((_BADGE.person_id, person_ids), (_BADGE.id, credential_ids)):
        asked = _HELD
        if achievements is not None and len(ids) > 1:  # one person's badges are so few that they are picked out here
            asked = _HELD.where(_BADGE.achievement_key.in_(sorted(achievements)))
        for row in rows.of_any(session, asked, column, ids):
            if achievements is None or row.achievement_key in achievements:
                found[row.id] = replace(_record(row, at), digest=row.digest)
    return sorted(found.values(), key=lambda each: (each.awarded_at, each.id), reverse=True)


def first_version(session: ReadSession, base_url: str, credential_id: str) -> IssuedCredential | None:
    """A badge as it was issued first, whatever became of it since; None while it is not signed.

    Raises:
        CredentialErased: it was erased.
    """
    stored = session.get(CredentialVersion, (credential_id, 1))
    if stored is None:
        refuse_erased(session, credential_id)
        return None
    return issued(base_url, credential_id, stored)


def digest_of(session: ReadSession, credential_id: str, version: int) -> str | None:
    """SHA-256 of the document of one version, in hex; None if there is no such version."""
    stored = session.get(CredentialVersion, (credential_id, version))
    return stored.digest if stored is not None else None


def current_version(session: ReadSession, base_url: str, credential_id: str) -> IssuedCredential:
    """A badge in its current version.

    Raises:
        CredentialNotFound: unknown or unfinished.
        CredentialErased: it was erased.
    """
    row = session.get(Credential, credential_id)
    stored = session.get(CredentialVersion, (credential_id, row.current_version)) if row is not None else None
    if stored is None:
        refuse_erased(session, credential_id)
        raise credential_not_found()
    return issued(base_url, credential_id, stored)


def give_to(session: WriteSession, credential_id: str, person_id: str, *, actor: Actor) -> bool:
    """Let a badge that is nobody's here be a person's; returns False if it is somebody's already, or gone.

    Args:
        session: the caller's transaction.
        credential_id: the badge.
        person_id: who has shown that the address that it was issued to is theirs.
        actor: for the audit.
    """
    given = session.execute(
        sa.update(Credential)
        .where(
            col(Credential.id) == credential_id,
            col(Credential.person_id).is_(None),
            col(Credential.state).in_((*TOLD, "reserved")),
        )
        .values(person_id=person_id)
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    if given:
        audit.record(
            session,
            actor=actor,
            action="issuer.credential_given",
            subject="credential",
            subject_id=credential_id,
            person_id=person_id,
        )
        outbox.emit(session, CredentialGiven(credential_id=credential_id, person_id=person_id))
    return bool(given)


def _conditions(wanted: BadgeFilter, at: datetime) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.among is not None:
        yield col(Credential.id).in_(wanted.among)
    if wanted.achievements is not None:
        yield col(Credential.achievement_key).in_(sorted(wanted.achievements))
    if wanted.issued_after is not None:
        yield col(Credential.issued_at) > wanted.issued_after
    if wanted.issued_before is not None:
        yield col(Credential.issued_at) < wanted.issued_before
    if wanted.standing is not None:
        yield _stands(wanted.standing, at)


def _stands(standing: Standing, at: datetime) -> sa.ColumnElement[bool]:
    """The same order as `_record`."""
    revoked = col(Credential.state) == "revoked"
    suspended = sa.and_(sa.not_(revoked), col(Credential.suspended_at).is_not(None))
    ended = sa.and_(col(Credential.valid_until).is_not(None), col(Credential.valid_until) <= at)
    expired = sa.and_(sa.not_(revoked), col(Credential.suspended_at).is_(None), ended)
    issued_ = sa.and_(
        sa.not_(revoked),
        col(Credential.suspended_at).is_(None),
        sa.or_(col(Credential.valid_until).is_(None), col(Credential.valid_until) > at),
    )
    return {"revoked": revoked, "suspended": suspended, "expired": expired, "issued": issued_}[standing]


def _record(row: Credential | sa.Row[Any], at: datetime) -> BadgeRecord:
    standing: Standing = "issued"
    since: datetime | None = None
    if row.state == "revoked":
        standing, since = "revoked", row.revoked_at
    elif row.suspended_at is not None:
        standing, since = "suspended", row.suspended_at
    elif row.valid_until is not None and row.valid_until <= at:
        standing, since = "expired", row.valid_until
    return BadgeRecord(
        id=row.id,
        achievement_key=row.achievement_key,
        achievement_version=row.achievement_version,
        person_id=row.person_id,
        version=row.current_version,
        standing=standing,
        since=since,
        awarded_at=row.awarded_at,
        reserved_at=row.reserved_at,
        issued_at=row.issued_at or row.reserved_at,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
    )


def of_achievements(keys: Collection[str]) -> sa.Select[Any]:
    """A selection of the ids of the badges of some achievements."""
    return sa.select(col(Credential.id)).where(col(Credential.achievement_key).in_(sorted(keys)))
