"""All that is known of persons and that pathways ask for, from every room that has some of it.

A few questions, however many persons are asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime, time
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from app.core import rows
from app.core.db import ReadSession, Record
from app.issuer import histories
from app.issuer.histories import VersionRecord
from app.pathways.models import (
    PathwayConfirmation,
    PathwayConversation,
    PathwayExternalBadge,
    PathwayRecognition,
)
from app.pathways.schemas import (
    BadgeHeld,
    Confirmed,
    ConversationHeld,
    Evidence,
    LeafKind,
    Recognition,
    RolePeriod,
)
from app.people import periods
from app.people.periods import StaffPeriod
from app.people.schemas import StaffFunction
from app.programme.pathways import ConfirmedBy

ROLE: StaffFunction = "specialist"  # the work that time in an IPS role is counted by

ResultT = TypeVar("ResultT")
# Every column but the long ones that no rule asks for.
_LONG = frozenset({"document", "comment", "reason", "withdrawn_reason"})
_ASKED: dict[type[Record], sa.Select[Any]] = {
    model: sa.select(*(column for column in rows.table(model).c if column.name not in _LONG))
    for model in (PathwayExternalBadge, PathwayRecognition, PathwayConfirmation, PathwayConversation)
}


def evidence_of(session: ReadSession, person_ids: Collection[str]) -> dict[str, Evidence]:
    """All that is known of persons and that a pathway may ask for.

    Badges in every state and every version, whether they count or not: the rules tell why not. Work counts whichever
    the agency. The number of questions does not grow with the persons, but for one more of each per some hundreds.

    Args:
        session: for reading.
        person_ids: ids that persons go by now; of a record that was joined into another nothing is found.

    Returns:
        Under each id its evidence, which is empty of somebody of whom nothing is known.
    """
    badges = histories.versions_of(session, person_ids)
    work = periods.periods_of(session, person_ids, ROLE)
    others = _of(session, PathwayExternalBadge, person_ids, _external)
    recognitions = _of(session, PathwayRecognition, person_ids, _recognition, by="granted_by")
    confirmations = _of(session, PathwayConfirmation, person_ids, _confirmed, by="given_by")
    conversations = _of(session, PathwayConversation, person_ids, _conversation, by="decided_by")
    return {
        each: Evidence(
            badges=(*map(_held, badges.get(each, ())), *others.get(each, ())),
            recognitions=tuple(recognitions.get(each, ())),
            roles=tuple(map(_role, work.get(each, ()))),
            confirmations=tuple(confirmations.get(each, ())),
            conversations=tuple(conversations.get(each, ())),
        )
        for each in person_ids
    }


def held_at(row: PathwayConversation) -> datetime:
    """The moment from which a conversation counts.

    Its day began earlier where the assessor sits than in UTC, so it may be a day that has not begun here when it is
    recorded.
    """
    return min(datetime.combine(row.held_on, time.min, tzinfo=UTC), row.recorded_at)


def _of(
    session: ReadSession,
    model: type[Record],
    person_ids: Collection[str],
    told: Callable[[Any], ResultT],
    by: str | None = None,
) -> dict[str, list[ResultT]]:
    """What a table has of persons. What somebody vouched for under another id of their own says nothing: the two
    records were joined later.
    """
    found: dict[str, list[ResultT]] = defaultdict(list)
    for row in rows.of_any(session, _ASKED[model], rows.table(model).c.person_id, person_ids):
        if by is not None and getattr(row, by) == row.person_id:
            continue
        found[row.person_id].append(told(row))
    return found


def _held(record: VersionRecord) -> BadgeHeld:
    return BadgeHeld(
        achievement=record.achievement_key,
        version=record.version,
        credential_id=record.credential_id,
        awarded_at=record.awarded_at,
        valid_from=record.valid_from,
        valid_until=record.valid_until,
        revoked_at=record.revoked_at,
        suspended_at=record.suspended_at,
        renewed_at=record.renewed_at,
    )


def _external(row: PathwayExternalBadge) -> BadgeHeld:
    """Another issuer's badge: it stops counting when our verifier first found it no longer valid.

    What could not be checked, or is suspended, may count again; all else is over.
    """
    may_return = row.verdict in ("suspended", "unknown")
    ended_by_date = row.verdict == "expired" and row.valid_until is not None
    return BadgeHeld(
        achievement=row.achievement,
        version=1,
        credential_id=row.id,
        awarded_at=row.awarded_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        revoked_at=None if may_return or ended_by_date else row.stopped_at,
        suspended_at=row.stopped_at if may_return else None,
        issuer=row.issuer,
        name=row.name,
    )


def _recognition(row: PathwayRecognition) -> Recognition:
    return Recognition(
        kind=cast(LeafKind, row.kind),
        key=row.key,
        granted_at=row.granted_at,
        decision_id=row.id,
        pathway=row.pathway_key,
        withdrawn_at=row.withdrawn_at,
    )


def _role(period: StaffPeriod) -> RolePeriod:
    # The clock of one server may be behind another's by which the beginning was written down.
    ended_at = None if period.ended_at is None else max(period.begun_at, period.ended_at)
    return RolePeriod(began_at=period.begun_at, ended_at=ended_at, agency_id=period.organisation_id)


def _confirmed(row: PathwayConfirmation) -> Confirmed:
    return Confirmed(
        pathway=row.pathway_key,
        key=row.confirmation_key,
        by=cast(ConfirmedBy, row.given_as),
        given_at=row.given_at,
        withdrawn_at=row.withdrawn_at,
    )


def _conversation(row: PathwayConversation) -> ConversationHeld:
    return ConversationHeld(
        pathway=row.pathway_key,
        key=row.conversation_key,
        held_at=held_at(row),
        levels=tuple((key, int(level)) for key, level in sorted(row.levels.items())),
        decision_id=row.id,
        recorded_at=row.recorded_at,
    )
