"""One scan of one text: every finder's finds, without those that lie within others, led back to the text as given."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date

from app.core.clock import now
from app.learning.evidence import contacts, dates, names, numbers
from app.learning.evidence.findings import EXCERPT_LENGTH, REASONS, Finding, Span
from app.learning.evidence.folding import fold

DIGIT = re.compile(r"\d")
MOST_FINDINGS = 100  # of one text; a page with more helps nobody, and changing some shows the rest
PATTERNS = (DIGIT, *contacts.PATTERNS, *dates.PATTERNS, *numbers.PATTERNS, *names.PATTERNS)


def scan(
    text: str,
    known_names: Collection[str] = (),
    *,
    allowed_names: Collection[str] = (),
    today: date | None = None,
    most: int | None = MOST_FINDINGS,
) -> tuple[Finding, ...]:
    """What in a text could point at a real person, in the order of the text.

    It takes time in proportion to the text. It finds much and not all: a person still has to look.

    Args:
        text: what somebody wrote, of any length that a field takes.
        known_names: names of real people who must not appear, one or more words each.
        allowed_names: names that may: invented people of the teaching texts, and the writer's own.
        today: the day by which a year of birth is judged; now if not given.
        most: places, the first ones; None for all.
    """
    folded = fold(text)
    known, allowed = _words(known_names), _words(allowed_names)
    spans = _all(folded.text, known - allowed, allowed, today or now().date())
    return tuple(_finding(text, span, *folded.original(span.start, span.end)) for span in _apart(spans)[:most])


def _all(text: str, known: frozenset[str], allowed: frozenset[str], today: date) -> Iterator[Span]:
    yield from contacts.emails(text)
    yield from contacts.profiles(text)
    if DIGIT.search(text):  # most texts that tell a story have none
        yield from contacts.phones(text)
        yield from dates.birth_dates(text, today)
        yield from numbers.agency_numbers(text)
        yield from contacts.addresses(text)
    yield from names.names(text, known, allowed)


def _apart(spans: Iterable[Span]) -> list[Span]:
    """Of finds that overlap only one: the first finder's that is certain, else the first finder's."""
    kept: list[Span] = []
    ordered = sorted(spans, key=lambda span: (span.start, span.sure != "certain", -span.end))
    for span in ordered:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.sure == "certain" and kept[-1].sure == "likely":
            kept[-1] = span
    return kept


def _finding(text: str, span: Span, start: int, end: int) -> Finding:
    excerpt = text[start : min(end, start + EXCERPT_LENGTH)]
    return Finding(span.kind, start, end, excerpt, span.sure, REASONS[span.kind])


def _words(wanted: Collection[str]) -> frozenset[str]:
    return frozenset(match[0].lower() for name in wanted for match in names.WORD.finditer(fold(name).text))
