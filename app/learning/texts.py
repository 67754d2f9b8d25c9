"""Texts of learners and assessors: made ready for keeping, merged, counted. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from app.learning.errors import DraftTooLong, UnknownField, UnusableText
from app.learning.marking_errors import CommentTooLong
from app.programme.schemas import Activity, ExerciseField

FIELD_LENGTH = 20_000
COMMENT_LENGTH = 5_000
REFLECTION_FIELD = "text"
SMALL_COUNT = "<5"
_SMALL_COUNTS = frozenset("01234")
_COUNT = re.compile(r"<5|[0-9]{1,6}")
# Word processors and PDFs put these where a new line is meant.
_LINE_BREAKS = dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), "\n")
_WORD = re.compile(r"\S*\w\S*")


def fields_of(activity: Activity) -> tuple[ExerciseField, ...]:
    """The fields a learner fills in: an exercise's own; a reflection has one; other kinds have none."""
    if activity.fields or activity.kind != "reflection":
        return activity.fields
    return (ExerciseField(key=REFLECTION_FIELD, label=activity.title, hint=None, kind="long_text"),)


def word_count(text: str) -> int:
    """How many words a text has: runs without spaces that hold at least one letter or digit."""
    return len(_WORD.findall(text))


def word_hint(activity: Activity, text: str) -> str | None:
    """A line about a text's length against the guide, or None where there is no guide.

    The guide is a hint, never a wall: whether a short reflection says enough is for the assessor to judge.
    """
    low, high = activity.min_words, activity.max_words
    if low is None or high is None:
        return None
    words = word_count(text)
    counted = f"{words} {'word' if words == 1 else 'words'}"
    if low <= words <= high:
        return f"{counted}, within the guide of {low} to {high}"
    return f"{counted}. The guide is {low} to {high}; you can hand in fewer or more"


def merged(activity: Activity, stored: Mapping[str, str], offered: Mapping[str, str]) -> dict[str, str]:
    """All fields of the activity: what is offered, and for the rest what is stored.

    Raises:
        UnknownField: something is offered that the activity has no field for.
        DraftTooLong: a field holds more than 20,000 characters.
        UnusableText: a field holds characters no database keeps.
    """
    fields = [field for field in fields_of(activity) if field.kind != "file"]
    if not offered.keys() <= {field.key for field in fields}:
        raise UnknownField
    return {
        field.key: _kept(field, offered[field.key]) if field.key in offered else stored.get(field.key, "")
        for field in fields
    }


def clean_comment(text: str) -> str:
    """An assessor's comment made ready for keeping.

    Raises:
        CommentTooLong: it holds more than 5,000 characters.
        UnusableText: it holds characters no database keeps.
    """
    comment = plain(text, "The comment").strip()
    if len(comment) > COMMENT_LENGTH:
        raise CommentTooLong(len(comment), COMMENT_LENGTH)
    return comment


def plain(text: str, label: str) -> str:
    """A text with one kind of line break (forms send CRLF) and composed characters.

    Raises:
        UnusableText: it holds control characters or halves of characters.
    """
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").translate(_LINE_BREAKS))
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in unified):
        raise UnusableText(label)
    return unified


def is_count(text: str) -> bool:
    """Whether a text is a whole number, or `<5`."""
    return _COUNT.fullmatch(text) is not None


def _kept(field: ExerciseField, text: str) -> str:
    kept = plain(text, field.label)
    if field.kind == "count":
        # Counts under five could point at a person in a small town: they never reach the database.
        kept = kept.strip()
        kept = SMALL_COUNT if (kept.lstrip("0") or kept[:1]) in _SMALL_COUNTS else kept.replace("< ", "<")
    if len(kept) > FIELD_LENGTH:
        raise DraftTooLong(field.key, field.label, len(kept), FIELD_LENGTH)
    return kept
