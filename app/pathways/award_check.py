"""What a pathway asks for before the badge of a module at its end, beside the badges that the module names itself."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.clock import now
from app.core.db import ReadSession
from app.learning.schemas import Missing
from app.pathways.gathering import evidence_of
from app.pathways.progress import progress
from app.pathways.schemas import Need, Step
from app.programme import stacks
from app.programme.pathway_words import joined, lately, number, sentence, steps
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
    leaves,
)


class PathwaySteps:
    """Answers the learning room's `PathwayCheck`, by the current version of each pathway."""

    def missing(self, session: ReadSession, person_id: str, module_key: str) -> tuple[Missing, ...]:
        """The steps that are open and no badges of ours, each in words for an assessor."""
        found = (_progress(session, person_id, pathway) for pathway in _leading_to(session, module_key))
        return tuple(Missing("pathway_step_open", words) for step in found for words in _words(step))

    def waived(self, session: ReadSession, person_id: str, module_key: str) -> frozenset[str]:
        """Achievements that need not be held before this module, because an assessor recognised them."""
        found = (_progress(session, person_id, pathway) for pathway in _leading_to(session, module_key))
        return frozenset(key for step in found for key in _waived(step))


def _leading_to(session: ReadSession, module_key: str) -> tuple[Pathway, ...]:
    return tuple(each for each in stacks.pathways(session) if each.leads_to == module_key)


def _progress(session: ReadSession, person_id: str, pathway: Pathway) -> Step:
    return progress(pathway, evidence_of(session, (person_id,))[person_id], now()).root


def _waived(step: Step) -> Iterator[str]:
    if isinstance(step.rule, HeldRule) and step.state == "waived":
        yield step.rule.achievement
    for part in step.parts:
        yield from _waived(part)


def _words(step: Step) -> Iterator[str]:
    """What is open, one sentence each; a badge of ours that is not held is told of by the module's own rule."""
    rule, need = step.rule, step.need
    if need is None:
        return
    if isinstance(rule, GroupRule):
        if rule.is_all:
            for part in step.parts:
                yield from _words(part)
        elif not all(_is_plain(leaf) for leaf in leaves(rule)):
            yield f"The pathway asks for {joined([sentence(each, str) for each in steps(rule)])}."
    elif not _is_plain(rule):
        yield _sentence(rule, need)


def _is_plain(rule: Rule) -> bool:
    return isinstance(rule, HeldRule) and rule.awarded_within_months is None


def _sentence(rule: Rule, need: Need) -> str:
    if isinstance(rule, TimeInRoleRule):
        months = f"{number(rule.months)} {'month' if rule.months == 1 else 'months'} in {rule.role}"
        left = f", {need.days_left} days more" if need.days_left else ""
        return (
            f"The pathway asks for {months}{left}. Time counts from when a centre entered the learner as a specialist; "
            "earlier work can be recognised by an assessor."
        )
    if isinstance(rule, ConfirmationRule):
        was = "was taken back" if need.reason == "withdrawn" else "is not confirmed yet"
        return f"“{rule.title}” {was}. The learner asks for it on the page of the pathway."
    if isinstance(rule, ConversationRule):
        was = "did not reach its level yet" if need.reason == "below_level" else "was not held yet"
        return f"“{rule.title}” {was}."
    if isinstance(rule, ExternalBadgeRule):
        return f"The badge “{rule.name}” of {rule.issuer_name} is not there, or not in force."
    if isinstance(rule, HeldRule):
        aged = "" if rule.awarded_within_months is None else f" awarded or renewed {lately(rule.awarded_within_months)}"
        return f"The pathway asks for a badge for {rule.achievement}{aged}."
    raise TypeError(f"no words for {type(rule).__name__}")
