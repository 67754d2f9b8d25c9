"""A pathway's rule in words, for its page and for what its badge says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Rule,
    TimeInRoleRule,
)

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class StepWords:
    """One step of a pathway.

    Attributes:
        text: what is needed, a phrase without a full stop; where badges follow it ends before them.
        badges: keys of the achievements it speaks of.
        parts: of a choice, what there is to choose from.
        note: more about it, whole sentences; empty if there is no more to say.
    """

    text: str
    badges: tuple[str, ...] = ()
    parts: tuple[StepWords, ...] = ()
    note: str = ""


def steps(rule: Rule) -> tuple[StepWords, ...]:
    """What a rule asks for, step by step; badges that stand side by side are one step."""
    return tuple(_merged(rule.of if isinstance(rule, GroupRule) and rule.is_all else (rule,)))


def _merged(rules: Iterable[Rule]) -> Iterator[StepWords]:
    held: list[str] = []
    for rule in rules:
        if isinstance(rule, HeldRule) and rule.awarded_within_months is None:
            held.append(rule.achievement)
            continue
        if held:
            yield _held(held)
            held = []
        yield _step(rule)
    if held:
        yield _held(held)


def _held(keys: list[str]) -> StepWords:
    return StepWords("the badge" if len(keys) == 1 else f"the {number(len(keys))} badges", tuple(keys))


def _step(rule: Rule) -> StepWords:
    if isinstance(rule, HeldRule):
        months = rule.awarded_within_months
        text = "the badge" if months is None else f"a badge awarded or renewed {lately(months)} for"
        return StepWords(text, (rule.achievement,))
    if isinstance(rule, TimeInRoleRule):
        return StepWords(
            f"{number(rule.months)} {'month' if rule.months == 1 else 'months'} in {rule.role}{_gap(rule)}"
        )
    if isinstance(rule, ExternalBadgeRule):
        return StepWords(f"the badge “{rule.name}” of {rule.issuer_name}")
    if isinstance(rule, ConfirmationRule):
        return StepWords(lowered(rule.title), note=rule.text)
    if isinstance(rule, ConversationRule):
        return StepWords(f"{lowered(rule.title)}: {rule.minutes} minutes with an assessor", note=rule.text)
    if rule.is_all:
        return StepWords("all of these", parts=tuple(_merged(rule.of)))
    many = "one of these" if rule.needed == 1 else f"{number(rule.needed)} of these {number(len(rule.of))}"
    if all(isinstance(each, HeldRule) and each.awarded_within_months is None for each in rule.of):
        return StepWords(f"{many} badges", tuple(each.achievement for each in rule.of if isinstance(each, HeldRule)))
    return StepWords(many, parts=tuple(_step(each) for each in rule.of))


def _gap(rule: TimeInRoleRule) -> str:
    days = rule.longest_gap_days
    if days is None:
        return ""
    return f" without a gap of more than {number(days)} {'day' if days == 1 else 'days'}" if days else " without a gap"


def sentence(step: StepWords, name: Callable[[str], str]) -> str:
    """A step as one phrase; `name` gives what a badge's key is called."""
    listed = f" {joined([name(key) for key in step.badges])}" if step.badges else ""
    parts = f": {'; or '.join(sentence(part, name) for part in step.parts)}" if step.parts else ""
    return f"{step.text}{listed}{parts}"


def joined(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def number(value: int) -> str:
    """A number as it is written in a sentence: in words up to twelve."""
    return _NUMBERS[value] if value < len(_NUMBERS) else str(value)


def lately(months: int) -> str:
    """So many months up to now, inside a sentence: in the last month, in the last six months."""
    return "in the last month" if months == 1 else f"in the last {number(months)} months"


def lowered(title: str) -> str:
    """A title inside a sentence; abbreviations stay as they are."""
    return title if title[:2].isalpha() and title[:2].isupper() else title[:1].lower() + title[1:]
