"""Where everybody stands on every pathway: a projection, worked out from the evidence and never set by hand.

It is there so that lists need not work out everybody anew. Whoever decides anything works it out from the evidence.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import metrics, outbox, rows, server_facts
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.logging import get_logger
from app.issuer.models import Credential
from app.pathways.events import StandingChanged
from app.pathways.gathering import evidence_of
from app.pathways.models import (
    PathwayConfirmation,
    PathwayConversation,
    PathwayExternalBadge,
    PathwayRecognition,
    PathwayStanding,
)
from app.pathways.progress import progress
from app.pathways.schemas import Evidence
from app.pathways.summary import OpenStep, Standing, StandingState, standing_from
from app.people.link_models import LinkedPersonRecord
from app.people.models import MembershipRecord, PersonRecord
from app.programme import stacks
from app.programme.pathways import Pathway

log = get_logger()

AT_ONCE = 100  # persons
LONGEST_ROUND_SECONDS = 10.0  # of a chore, so that the worker's other chores get their turn
ROUND_FACT = "pathways.standings_of"
CURSOR_FACT = "pathways.standings_cursor"
# Every table that says something of a person that a pathway may ask for.
_SOURCES: tuple[Any, ...] = (
    Credential,
    MembershipRecord,
    PathwayConfirmation,
    PathwayConversation,
    PathwayRecognition,
    PathwayExternalBadge,
    PathwayStanding,
)
_TABLE, _ROW, _PERSON = rows.table(PathwayStanding), rows.table(PathwayStanding).c, rows.table(PersonRecord).c
_GONE = sa.select(_PERSON.id).where(
    sa.or_(_PERSON.erased_at.is_not(None), _PERSON.id.in_(sa.select(rows.table(LinkedPersonRecord).c.person_id)))
)
_LOCKED = sa.select(_PERSON.id).where(_PERSON.id == sa.bindparam("person")).with_for_update(key_share=True)
_THIS = sa.and_(_ROW.person_id == sa.bindparam("person"), _ROW.pathway_key == sa.bindparam("pathway"))
_CHANGED = (
    sa.update(_TABLE)
    .where(_THIS)
    .values({column.name: sa.bindparam(column.name) for column in _ROW if not column.primary_key})
)
_DELETED = sa.delete(_TABLE).where(_THIS)


def recompute(database: Database, person_id: str, at: datetime | None = None) -> None:
    """Work out anew where a person stands on every pathway. May be repeated, and done by many at once.

    Emits `StandingChanged` for each pathway of which the state, the open steps or the rule became another. Nothing is
    written where nothing changed.

    Args:
        database: not a session: it looks first, and locks only if there is something to write.
        person_id: who; of somebody who was joined with another, or erased, nothing is left.
        at: the moment it is worked out for, in UTC; None for this one.
    """
    moment = at or now()
    with database.read() as session:
        changed = _found(session, (person_id,), moment)
    if changed:
        _store(database, person_id, moment, changed[person_id])


def recompute_due(database: Database, at: datetime | None = None) -> int:
    """Work out anew all that has become another by the passing of time, or by a new version of a pathway.

    For the worker, now and then: it stops after ten seconds and goes on the next time.

    Args:
        database: the database.
        at: the moment it is worked out for, in UTC; None for this one.

    Returns:
        For how many persons something was written.
    """
    moment, until = at or now(), time.monotonic() + LONGEST_ROUND_SECONDS
    return _by_time(database, moment, until) + _by_version(database, moment, until)


def recompute_all(database: Database, at: datetime | None = None) -> int:
    """Work out everybody anew, however long it takes; for how many persons something was written."""
    moment, written, after = at or now(), 0, ""
    while some := _next_persons(database, after):
        written += _persons(database, some, moment)
        after = some[-1]
    return written


def standings(
    session: ReadSession,
    *,
    pathway_key: str | None = None,
    person_ids: Collection[str] | None = None,
    state: StandingState | None = None,
) -> tuple[Standing, ...]:
    """Where persons stand, as it was worked out last; by person and pathway.

    Args:
        session: for reading.
        pathway_key: only on this pathway.
        person_ids: only of these persons.
        state: only in this state.
    """
    asked = _asked(pathway_key, state)
    found = session.run(asked) if person_ids is None else rows.of_any(session, asked, _ROW.person_id, person_ids)
    return tuple(sorted(map(_standing, found), key=lambda each: (each.person_id, each.pathway_key)))


def overdue(session: ReadSession, before: datetime) -> int:
    """How many standings should have been worked out anew before a moment."""
    counting = sa.select(sa.func.count()).where(col(PathwayStanding.next_change) < before)
    return int(session.execute(counting).scalar_one())


@lru_cache
def _asked(pathway_key: str | None, state: StandingState | None) -> sa.Select[Any]:
    asked = sa.select(_TABLE)
    if pathway_key is not None:
        asked = asked.where(_ROW.pathway_key == pathway_key)
    return asked if state is None else asked.where(_ROW.state == state)


@dataclass(frozen=True)
class _WorkedOut:
    """Where somebody stands, and what that was worked out from."""

    pathways: tuple[Pathway, ...]
    evidence: Evidence
    standings: tuple[Standing, ...]


def _worked_out(
    session: ReadSession,
    person_ids: Sequence[str],
    moment: datetime,
    known: Collection[str],
    before: _WorkedOut | None,
) -> dict[str, _WorkedOut]:
    """Where persons stand by the evidence; of those of whom there is none, only if something was written before."""
    pathways: tuple[Pathway, ...] = stacks.pathways(session)
    return {
        person_id: before
        if before is not None and (before.pathways, before.evidence) == (pathways, evidence)
        else _WorkedOut(
            pathways,
            evidence,
            tuple(standing_from(person_id, progress(pathway, evidence, moment), evidence) for pathway in pathways),
        )
        for person_id, evidence in evidence_of(session, person_ids).items()
        if evidence != Evidence() or person_id in known
    }


def _found(
    session: ReadSession, person_ids: Sequence[str], moment: datetime, before: _WorkedOut | None = None
) -> dict[str, _WorkedOut]:
    """Those of the persons for whom something is to be written, and what.

    Args:
        before: of the one person asked for, worked out for the same moment; it holds where nothing came in since.
    """
    there: dict[str, list[Standing]] = {}
    for each in standings(session, person_ids=person_ids):
        there.setdefault(each.person_id, []).append(each)
    gone = _gone(session, person_ids)
    found = _worked_out(session, [each for each in person_ids if each not in gone], moment, there, before)
    found |= {each: _WorkedOut((), Evidence(), ()) for each in gone if each in there}
    return {
        person_id: new
        for person_id, new in found.items()
        if {_identity(each) for each in new.standings} != {_identity(each) for each in there.get(person_id, ())}
    }


def _gone(session: ReadSession, person_ids: Collection[str]) -> frozenset[str]:
    """Those that were joined with another record, or erased."""
    return frozenset(row.id for row in rows.of_any(session, _GONE, _PERSON.id, person_ids))


def _identity(standing: Standing) -> tuple[object, ...]:
    """What makes a standing another one: all but the moment it was worked out."""
    return (standing.pathway_key, *_told(standing), standing.met_since, standing.met_until, standing.next_change)


def _told(standing: Standing) -> tuple[object, ...]:
    """What others are told of when it changes."""
    return standing.pathway_version, standing.rule_digest, standing.state, standing.open_steps


def _is_news(known: Standing | None, standing: Standing) -> bool:
    """Whether others are told; that somebody has not begun a pathway is news to nobody."""
    return standing.state != "not_begun" if known is None else _told(known) != _told(standing)


def _store(
    database: Database, person_id: str, moment: datetime, before: _WorkedOut | None, *, one_of_many: bool = False
) -> bool:
    """Look once more behind everybody else who does, and write it; whether there was anything to write.

    The lock lets others enter what names the person, and what they enter emits an event of its own. Where everybody is
    gone through, others are told when nothing else is due.
    """
    told: list[StandingChanged] = []
    with database.write() as session:
        if session.run(_LOCKED, {"person": person_id}).first() is None:
            return False
        found = _found(session, (person_id,), moment, before)
        if person_id not in found:
            return False
        there = {each.pathway_key: each for each in standings(session, person_ids=(person_id,))}
        for standing in found[person_id].standings:
            known = there.pop(standing.pathway_key, None)
            if _is_news(known, standing):
                told.append(StandingChanged(person_id, standing.pathway_key))
            if known is None or _identity(known) != _identity(standing):
                _write(session, standing, is_new=known is None)
        for pathway_key in there:
            session.run(_DELETED, {"person": person_id, "pathway": pathway_key})
        outbox.emit_many(session, told, background=one_of_many)
    metrics.PATHWAY_STANDINGS.labels("changed").inc()
    return True


def _write(session: WriteSession, standing: Standing, *, is_new: bool) -> None:
    values: dict[str, Any] = {
        "pathway_version": standing.pathway_version,
        "rule_digest": standing.rule_digest,
        "state": standing.state,
        "open_steps": [{"kind": each.kind, "key": each.key, "reason": each.reason} for each in standing.open_steps],
        "met_since": standing.met_since,
        "met_until": standing.met_until,
        "next_change": standing.next_change,
        "computed_at": standing.computed_at,
    }
    if is_new:
        rows.insert(session, PathwayStanding, person_id=standing.person_id, pathway_key=standing.pathway_key, **values)
    else:
        session.run(_CHANGED, {"person": standing.person_id, "pathway": standing.pathway_key, **values})


def _standing(row: sa.Row[Any]) -> Standing:
    return Standing(
        person_id=row.person_id,
        pathway_key=row.pathway_key,
        pathway_version=row.pathway_version,
        rule_digest=row.rule_digest,
        state=cast(StandingState, row.state),
        open_steps=tuple(OpenStep(each["kind"], each["key"], each["reason"]) for each in row.open_steps),
        met_since=row.met_since,
        met_until=row.met_until,
        next_change=row.next_change,
        computed_at=row.computed_at,
    )


def _by_time(database: Database, moment: datetime, until: float) -> int:
    written = 0
    after: tuple[datetime, str] | None = None
    while time.monotonic() < until:
        with database.read() as session:
            due = (
                select(PathwayStanding.next_change, PathwayStanding.person_id)
                .where(col(PathwayStanding.next_change) <= moment)
                .order_by(col(PathwayStanding.next_change), PathwayStanding.person_id)
                .limit(AT_ONCE)
            )
            if after is not None:  # somebody who cannot be worked out keeps nobody else waiting
                due = due.where(
                    sa.tuple_(col(PathwayStanding.next_change), col(PathwayStanding.person_id)) > sa.tuple_(*after)
                )
            rows = session.exec(due).all()
        if not rows:
            break
        written += _persons(database, sorted({person_id for _on, person_id in rows}), moment)
        after = cast(tuple[datetime, str], tuple(rows[-1]))
    return written


def _by_version(database: Database, moment: datetime, until: float) -> int:
    """Go through everybody once after a pathway changed, or where nobody was ever worked out."""
    with database.read() as session:
        rules = _rules_digest(stacks.pathways(session))
        if server_facts.recall(session, ROUND_FACT) == rules:
            return 0
        of_round, _, after = (server_facts.recall(session, CURSOR_FACT) or "").partition(" ")
    written, after = 0, after if of_round == rules else ""
    while time.monotonic() < until:
        some = _next_persons(database, after)
        written += _persons(database, some, moment)
        with database.write() as session:
            if not some:
                server_facts.note(session, ROUND_FACT, rules)
                return written
            after = some[-1]
            server_facts.note(session, CURSOR_FACT, f"{rules} {after}")
    return written


def _rules_digest(pathways: Iterable[Pathway]) -> str:
    told = "\n".join(f"{each.key} {each.version} {each.digest}" for each in pathways)
    return hashlib.sha256(told.encode()).hexdigest()


def _next_persons(database: Database, after: str) -> list[str]:
    """The next persons, by id, of whom anything is known that a pathway may ask for."""
    found: set[str] = set()
    with database.read() as session:
        for model in _SOURCES:
            column = col(model.person_id)
            asked = sa.select(column).where(column > after).distinct().order_by(column).limit(AT_ONCE)
            found.update(session.execute(asked).scalars())
    return list(islice(sorted(found), AT_ONCE))


def _persons(database: Database, person_ids: Sequence[str], moment: datetime) -> int:
    """Work out some persons; one of whom that fails hinders no other."""
    if not person_ids:
        return 0
    written = 0
    for person_id, found in _changed(database, person_ids, moment).items():
        try:
            written += _store(database, person_id, moment, found, one_of_many=True)
        except Exception as error:
            metrics.PATHWAY_STANDINGS.labels("failed").inc()
            log.error("pathways.standing_failed", person_id=person_id, error=type(error).__name__, exc_info=True)
    return written


def _changed(database: Database, person_ids: Sequence[str], moment: datetime) -> Mapping[str, _WorkedOut | None]:
    """Those for whom something is to be written; all of them, if that cannot be told of all together."""
    try:
        with database.read() as session:
            return dict(sorted(_found(session, person_ids, moment).items()))
    except Exception:
        log.warning("pathways.standings_one_by_one", persons=len(person_ids), exc_info=True)
        return dict.fromkeys(person_ids)
