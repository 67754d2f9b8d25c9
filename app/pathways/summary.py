"""A person's progress on a pathway in a few words, as lists show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.pathways.rules import step_key
from app.pathways.schemas import Evidence, Progress, Reason, Step
from app.programme.pathways import GroupRule

StandingState = Literal["not_begun", "on_the_way", "met", "held", "lapsed"]


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
    return need.reason == "suspended" or not any(need.on is None or each.is_after(need.on) for each in talks)


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
