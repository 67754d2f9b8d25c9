"""Dates of birth in a folded text. Days of meetings and reviews are none of our business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from app.learning.evidence.findings import Span

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_NAME = (
    r"(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_NTH = rf"{_DAY}(?:st|nd|rd|th)?"
DATE = re.compile(
    rf"(?<![\w./-])(?:{_DAY}\s?[/.-]\s?{_MONTH}\s?[/.-]\s?(?P<short>{_YEAR}|\d\d)"
    rf"|(?P<iso>{_YEAR})[-/.]{_MONTH}[-/.]{_DAY}"
    rf"|{_NTH}(?:\sof)?\s{{1,2}}{_NAME},?\s{{1,2}}(?P<named>{_YEAR})"
    rf"|{_NAME}\s{{1,2}}{_NTH},?\s{{1,2}}(?P<american>{_YEAR})"
    rf")(?![\d/-])",
    re.IGNORECASE,
)
DAY = re.compile(
    rf"(?<![\w./-])(?:{_NTH}(?:\sof)?\s{{1,2}}{_NAME}|{_NAME}\s{{1,2}}{_NTH}\b|{_DAY}/{_MONTH})(?![\d/-])",
    re.IGNORECASE,
)
BIRTH = re.compile(
    r"\b(?:d\.?o\.?b\b|born\b|birthdays?\b|birth\s?dates?\b|dates?\sof\sbirth\b|(?:turns|turned|turning)\s\d\d\b)",
    re.IGNORECASE,
)
PATTERNS = (DATE, DAY, BIRTH)
BEFORE, AFTER = 40, 25  # characters between the word and the date
YOUNGEST, OLDEST = 12, 25  # years; whom youth services serve


def birth_dates(text: str, today: date) -> Iterator[Span]:
    """A full date or a day near words of birth; and a full date in a year in which a young person of today was born."""
    words = [match.span() for match in BIRTH.finditer(text)]
    born = range(today.year - OLDEST - 1, today.year - YOUNGEST + 1)
    for pattern in (DATE, DAY):
        position = 0
        for match in pattern.finditer(text):
            # Both run forward through the text, so each word is looked at once or twice.
            while position < len(words) and words[position][1] < match.start() - BEFORE:
                position += 1
            near = position < len(words) and words[position][0] <= match.end() + AFTER
            if near and words[position][0] < match.start():
                position += 1  # “born 1/2/2008, first met 3/4/2026”: a word before belongs to one date
            if near and pattern is DATE:
                yield Span("birth_date", match.start(), match.end(), "certain")
            elif near or (pattern is DATE and _year(match) in born):
                yield Span("birth_date", match.start(), match.end(), "likely")


def _year(match: re.Match[str]) -> int | None:
    """The year where it is written in full; of 12/03/26 nobody knows the century."""
    year = match["short"] or match["iso"] or match["named"] or match["american"]
    return int(year) if len(year) == 4 else None
