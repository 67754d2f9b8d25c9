"""The question banks: nobody may find the right answer by its length or by its tone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.programme.lessons import MODULES

MOST_LONGEST = 0.35  # share of a bank in which the right option is the longest
MUCH_LONGER = 1.25  # times the next longest
MOST_APART = 0.08  # how far the shares of right and wrong options that give a reason may differ
_REASON = re.compile(r"\bsince\b|\bbecause\b|, as \b|\bso that\b|, so\b", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: module and key, e.g. `M01 q1`.
        right: the right option's words.
        wrong: those of the others.
        feedback: what is said to each option.
    """

    name: str
    right: str
    wrong: tuple[str, ...]
    feedback: tuple[str, ...]

    @property
    def length_against_the_next(self) -> float:
        """How many times as long as the longest wrong option the right one is."""
        return len(self.right) / max(map(len, self.wrong))


@dataclass(frozen=True)
class Bank:
    """The questions of one module."""

    module: str
    questions: tuple[Question, ...]


def bank(path: Path) -> Bank:
    """Read one file."""
    module = path.parent.name
    return Bank(module, tuple(_question(module, each) for each in yaml.safe_load(path.read_text("utf-8"))["questions"]))


def _question(module: str, told: dict[str, object]) -> Question:
    options, answer = told["options"], told["answer"]
    assert isinstance(options, dict)
    return Question(
        name=f"{module} {told['key']}",
        right=options[answer]["text"],
        wrong=tuple(option["text"] for key, option in options.items() if key != answer),
        feedback=tuple(option.get("feedback", "") for option in options.values()),
    )


BANKS = tuple(bank(path) for path in sorted(MODULES.glob("*/knowledge-check.yaml")))
of_each_bank = pytest.mark.parametrize("each", BANKS, ids=lambda each: each.module)


def test_every_module_has_a_bank() -> None:
    assert {each.module for each in BANKS} == {path.parent.name for path in MODULES.glob("*/module.yaml")}


@of_each_bank
def test_the_right_option_is_the_longest_in_a_third_of_a_bank_at_most(each: Bank) -> None:
    assert longest(each.questions) <= MOST_LONGEST


@of_each_bank
def test_no_right_option_is_much_longer_than_the_others(each: Bank) -> None:
    assert much_longer(each.questions) == []


@of_each_bank
def test_every_option_has_feedback_of_its_own(each: Bank) -> None:
    assert without_own_feedback(each.questions) == []


def test_wrong_options_argue_no_more_than_right_ones() -> None:
    assert tone(question for each in BANKS for question in each.questions) <= MOST_APART


def test_a_spoilt_bank_is_found() -> None:
    spoilt = (
        Question(
            name="M99 q1",
            right="Ask her today which of the two she would like to see first, and go along if she wants it.",
            wrong=(
                "Wait, because she is tired.",
                "Ring the firm, since it is near.",
                "Leave it, so that she can rest.",
            ),
            feedback=("Best.", "No.", "No.", ""),
        ),
    )
    assert longest(spoilt) > MOST_LONGEST
    assert much_longer(spoilt) == ["M99 q1"]
    assert without_own_feedback(spoilt) == ["M99 q1"]
    assert tone(spoilt) > MOST_APART


def longest(questions: tuple[Question, ...]) -> float:
    """The share of questions whose right option is the longest."""
    return sum(question.length_against_the_next > 1 for question in questions) / len(questions)


def much_longer(questions: tuple[Question, ...]) -> list[str]:
    """The questions whose right option stands out by its length."""
    return [question.name for question in questions if question.length_against_the_next >= MUCH_LONGER]


def without_own_feedback(questions: tuple[Question, ...]) -> list[str]:
    """The questions in which an option is answered with nothing, or with another option's words."""
    return [
        question.name
        for question in questions
        if not all(question.feedback) or len(set(question.feedback)) < len(question.feedback)
    ]


def tone(questions: Iterable[Question]) -> float:
    """How far apart the shares of right and wrong options are that give a reason for themselves."""
    right, wrong = zip(*((question.right, question.wrong) for question in questions), strict=True)
    return abs(_arguing(right) - _arguing([option for options in wrong for option in options]))


def _arguing(options: Iterable[str]) -> float:
    found = [bool(_REASON.search(option)) for option in options]
    return sum(found) / len(found)
