"""The lessons: how many, how long, how hard to read, and that no two say the same in the same words."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.programme.lessons import MODULES, Lesson, lesson, lessons, reading, words_of

SHORTEST, LONGEST = 400, 900  # words
HARDEST_GRADE = 9.0  # years of schooling, Flesch-Kincaid
LONGEST_SENTENCES = 17  # words, on average
TOO_LONG_TO_SHARE = 8  # words


@pytest.mark.parametrize("each", lessons(), ids=lambda each: each.name)
def test_a_lesson_has_its_length_and_can_be_read_at_year_9(each: Lesson) -> None:
    measured = reading(each)
    assert SHORTEST <= each.words <= LONGEST
    assert measured.grade <= HARDEST_GRADE
    assert measured.words_per_sentence <= LONGEST_SENTENCES


def test_there_are_at_least_forty_lessons() -> None:
    assert len(lessons()) >= 40


def test_no_sentence_of_eight_words_or_more_stands_in_two_lessons() -> None:
    assert shared(lessons()) == {}


def test_a_shared_sentence_is_found_whatever_its_punctuation(tmp_path: Path) -> None:
    home = tmp_path / "M99" / "lessons"
    home.mkdir(parents=True)
    original = next(path for path in sorted(MODULES.glob("M02/lessons/*.md")))
    taken = next(sentence for sentence in lesson(original).sentences if len(words_of(sentence)) >= TOO_LONG_TO_SHARE)
    copy = home / "copy.md"
    copy.write_text(f"# A lesson\n\nSomething of its own. *{taken.rstrip('.').upper()}*!\n\nMore.\n", encoding="utf-8")
    assert list(shared((lesson(original), lesson(copy)))) == [words_of(taken)]


def test_a_hard_text_is_told_from_an_easy_one(tmp_path: Path) -> None:
    home = tmp_path / "M99" / "lessons"
    home.mkdir(parents=True)
    hard = home / "hard.md"
    hard.write_text(
        "Notwithstanding considerable organisational heterogeneity, implementation methodologies necessitate "
        "comprehensive interdisciplinary collaboration, facilitating longitudinal sustainability.\n",
        encoding="utf-8",
    )
    assert reading(lesson(hard)).grade > 2 * HARDEST_GRADE


def shared(among: tuple[Lesson, ...]) -> dict[tuple[str, ...], list[str]]:
    """Sentences of eight words or more that stand in more than one lesson, and where."""
    places: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for each in among:
        for sentence in each.sentences:
            words = words_of(sentence)
            if len(words) >= TOO_LONG_TO_SHARE:
                places[words].add(each.name)
    return {words: sorted(where) for words, where in places.items() if len(where) > 1}
