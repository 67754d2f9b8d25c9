"""Where everybody stands on every pathway: a projection, worked out from the evidence and never set by hand.

It is there so that lists need not work out everybody anew. Whoever decides anything works it out from the evidence.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import metrics, outbox, server_facts
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
from app.pathways.rules import step_key
from app.pathways.schemas import Evidence, Progress, Reason, Step
from app.people.exporting import in_chunks
from app.people.link_models import LinkedPersonRecord
from app.people.models import MembershipRecord, PersonRecord
from app.programme import stacks
from app.programme.pathways import GroupRule, Pathway

log = get_logger()

StandingState = Literal["not_begun", "on_the_way", "met", "held", "lapsed"]

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


@dataclass(frozen=True)
class OpenStep:
    """A step that is open: `kind` and `key` as a recognition names it, and why."""

    kind: str
    key: str
    reason: Reason


@dataclass(frozen=True)
class Standing:
    """Where a person stands on a pathway.

    Attributes:
        pathway_version, rule_digest: by which rule this was worked out.
        state: `held` while the badge at the end is in force; else `met` if all that comes before it is there and it may
            be awarded; `lapsed` if it was held or met; `on_the_way` if anything is there.
        open_steps: in the order of the rule; of a choice all that would help.
        met_since, met_until: of all that comes before the badge.
        next_change: when this will be another without anything new; None where it will not.
        computed_at: when it was last found different, or first.
    """

    person_id: str
    pathway_key: str
    pathway_version: int
    rule_digest: str
    state: StandingState
    open_steps: tuple[OpenStep, ...]
    met_since: datetime | None
    met_until: datetime | None
    next_change: datetime | None
    computed_at: datetime


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
        _store(database, person_id, moment)


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
    query = select(PathwayStanding).execution_options(populate_existing=True)
    if pathway_key is not None:
        query = query.where(PathwayStanding.pathway_key == pathway_key)
    if state is not None:
        query = query.where(PathwayStanding.state == state)
    parts = [query] if person_ids is None else [
        query.where(col(PathwayStanding.person_id).in_(some)) for some in in_chunks(sorted(person_ids))
    ]  # fmt: skip
    found = [_standing(row) for part in parts for row in session.exec(part).all()]
    return tuple(sorted(found, key=lambda each: (each.person_id, each.pathway_key)))


def standing_from(person_id: str, found: Progress, evidence: Evidence) -> Standing:
    """A person's progress in a few words."""
    return Standing(
        person_id=person_id,
        pathway_key=found.pathway,
        pathway_version=found.version,
        rule_digest=found.digest,
        state=_state(found, evidence),
        open_steps=tuple(_open(found.root)),
        met_since=found.met_since,
        met_until=found.met_until,
        next_change=found.next_change,
        computed_at=found.at,
    )


def overdue(session: ReadSession, before: datetime) -> int:
    """How many standings should have been worked out anew before a moment."""
    counting = sa.select(sa.func.count()).where(col(PathwayStanding.next_change) < before)
    return int(session.execute(counting).scalar_one())


def _state(found: Progress, evidence: Evidence) -> StandingState:
    if found.end.is_met:
        return "held"
    if found.is_met and not _stands_against(found, evidence):
        return "met"
    if "lapsed" in (found.end.state, found.root.state):
        return "lapsed"
    has_begun = any(leaf.is_met or leaf.state == "lapsed" for leaf in _leaves(found.root))
    talked = any(each.pathway == found.pathway for each in evidence.conversations)
    return "on_the_way" if has_begun or talked else "not_begun"


def _stands_against(found: Progress, evidence: Evidence) -> bool:
    """Whether the badge was taken away: one that is suspended is lifted by a person, and one that was revoked is not
    proposed again for the very conversation by which it was awarded before.
    """
    need = found.end.need
    if need is None or need.reason not in ("suspended", "revoked"):
        return False
    talks = [each for each in evidence.conversations if each.pathway == found.pathway]
    return need.reason == "suspended" or not any(need.on is None or each.held_at > need.on for each in talks)


def _leaves(step: Step) -> Iterator[Step]:
    if isinstance(step.rule, GroupRule):
        for part in step.parts:
            yield from _leaves(part)
    else:
        yield step


def _open(step: Step) -> Iterator[OpenStep]:
    """What is open below a step that is; a choice that was made leaves nothing open."""
    if step.is_met:
        return
    if isinstance(step.rule, GroupRule):
        for part in step.parts:
            yield from _open(part)
    elif step.need is not None:
        yield OpenStep(step.rule.kind, step_key(step.rule), step.need.reason)


def _worked_out(
    session: ReadSession, person_ids: Sequence[str], moment: datetime, known: Collection[str]
) -> dict[str, tuple[Standing, ...]]:
    """Where persons stand by the evidence; of those of whom there is none, only if something was written before."""
    pathways: tuple[Pathway, ...] = stacks.pathways(session)
    return {
        person_id: tuple(
            standing_from(person_id, progress(pathway, evidence, moment), evidence) for pathway in pathways
        )
        for person_id, evidence in evidence_of(session, person_ids).items()
        if evidence != Evidence() or person_id in known
    }


def _found(session: ReadSession, person_ids: Sequence[str], moment: datetime) -> dict[str, tuple[Standing, ...]]:
    """Those of the persons for whom something is to be written, and what."""
    there: dict[str, list[Standing]] = {}
    for each in standings(session, person_ids=person_ids):
        there.setdefault(each.person_id, []).append(each)
    gone = _gone(session, person_ids)
    found = _worked_out(session, [each for each in person_ids if each not in gone], moment, there)
    found |= {each: () for each in gone if each in there}
    return {
        person_id: new
        for person_id, new in found.items()
        if {_identity(each) for each in new} != {_identity(each) for each in there.get(person_id, ())}
    }


def _gone(session: ReadSession, person_ids: Collection[str]) -> frozenset[str]:
    """Those that were joined with another record, or erased."""
    linked = select(LinkedPersonRecord.person_id)
    is_gone = sa.or_(col(PersonRecord.erased_at).is_not(None), col(PersonRecord.id).in_(linked))
    return frozenset(
        each
        for some in in_chunks(sorted(person_ids))
        for each in session.exec(select(PersonRecord.id).where(col(PersonRecord.id).in_(some), is_gone)).all()
    )


def _identity(standing: Standing) -> tuple[object, ...]:
    """What makes a standing another one: all but the moment it was worked out."""
    return (standing.pathway_key, *_told(standing), standing.met_since, standing.met_until, standing.next_change)


def _told(standing: Standing) -> tuple[object, ...]:
    """What others are told of when it changes."""
    return standing.pathway_version, standing.rule_digest, standing.state, standing.open_steps


def _is_news(row: PathwayStanding | None, standing: Standing) -> bool:
    """Whether others are told; that somebody has not begun a pathway is news to nobody."""
    return standing.state != "not_begun" if row is None else _told(_standing(row)) != _told(standing)


def _store(database: Database, person_id: str, moment: datetime, *, one_of_many: bool = False) -> bool:
    """Work it out once more behind everybody else who does, and write it; whether there was anything to write.

    The lock lets others enter what names the person, and what they enter emits an event of its own. Where everybody is
    gone through, others are told when nothing else is due.
    """
    told: list[StandingChanged] = []
    with database.write() as session:
        locking = select(PersonRecord.id).where(PersonRecord.id == person_id).with_for_update(key_share=True)
        if session.exec(locking).first() is None:
            return False
        found = _found(session, (person_id,), moment)
        if person_id not in found:
            return False
        rows = session.exec(select(PathwayStanding).where(PathwayStanding.person_id == person_id)).all()
        there = {row.pathway_key: row for row in rows}
        for standing in found[person_id]:
            row = there.pop(standing.pathway_key, None)
            if _is_news(row, standing):
                told.append(StandingChanged(person_id, standing.pathway_key))
            _write(session, row, standing)
        for row in there.values():
            session.delete(row)
        outbox.emit_many(session, told, background=one_of_many)
    metrics.PATHWAY_STANDINGS.labels("changed").inc()
    return True


def _write(session: WriteSession, row: PathwayStanding | None, standing: Standing) -> None:
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
    if row is None:
        row = PathwayStanding(person_id=standing.person_id, pathway_key=standing.pathway_key, **values)
    else:
        row.sqlmodel_update(values)
    session.add(row)


def _standing(row: PathwayStanding) -> Standing:
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
    for person_id in _changed(database, person_ids, moment):
        try:
            written += _store(database, person_id, moment, one_of_many=True)
        except Exception as error:
            metrics.PATHWAY_STANDINGS.labels("failed").inc()
            log.error("pathways.standing_failed", person_id=person_id, error=type(error).__name__, exc_info=True)
    return written


def _changed(database: Database, person_ids: Sequence[str], moment: datetime) -> Sequence[str]:
    """Those for whom something is to be written; all of them, if that cannot be told of all together."""
    try:
        with database.read() as session:
            return sorted(_found(session, person_ids, moment))
    except Exception:
        log.warning("pathways.standings_one_by_one", persons=len(person_ids), exc_info=True)
        return person_ids
