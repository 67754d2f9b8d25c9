"""What the scan found, as pages show it: marked in the text, named in words, with why it matters and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.learning.evidence import KIND_WORDS, Place
from app.learning.evidence.findings import FindingKind

AROUND = 45  # characters of the text shown on each side of a place
KEEP = "keep-"  # before a place's id, the name of the box by which its writer answers for it
MARK = Markup('<mark class="found">{}<span class="visually-hidden"> (look at this: {})</span></mark>')
ELLIPSIS = "…"


@dataclass(frozen=True)
class FoundPlace:
    """One place with its surroundings.

    Attributes:
        box: the name of the tick box that keeps it.
        kind: in words, e.g. `phone number`.
        context: the text around it, the place marked.
        change_href: the field in which it was written.
    """

    box: str
    kind: str
    label: str
    context: Markup
    reason: str
    sure: bool
    ticked: bool
    change_href: str


def shown(
    places: Iterable[Place],
    texts: Mapping[str, Mapping[str, str]],
    *,
    activities_href: str,
    ticked: Collection[str] = (),
) -> tuple[FoundPlace, ...]:
    """The places as a list to go through.

    Args:
        places: what was found.
        texts: in which, by activity and field.
        activities_href: where the activities' pages begin, e.g. `/at/…/activity`.
        ticked: ids of those that are answered for.
    """
    return tuple(
        FoundPlace(
            box=f"{KEEP}{place.id}",
            kind=KIND_WORDS[place.finding.kind],
            label=place.label,
            context=_context(texts[place.activity_key][place.field_key], place),
            reason=place.finding.reason,
            sure=place.finding.sure == "certain",
            ticked=place.id in ticked,
            change_href=f"{activities_href}/{place.activity_key}#f-{place.field_key}",
        )
        for place in places
    )


def told(places: Iterable[Place], texts: Mapping[str, Mapping[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """The places by field, for the script of the page on which the text is being written.

    Args:
        places: what was found.
        texts: in which, by activity and field.
    """
    by_field: dict[str, list[dict[str, Any]]] = {}
    for place in places:
        found = place.finding
        words = texts[place.activity_key][place.field_key][found.start : found.end]
        by_field.setdefault(place.field_key, []).append(
            {"kind": KIND_WORDS[found.kind], "words": words, "sure": found.sure == "certain", "reason": found.reason}
        )
    return by_field


def marked(text: str, places: Sequence[Place]) -> str:
    """A text with its places marked; unchanged if there are none.

    Args:
        text: one field's.
        places: those found in this field.
    """
    if not places:
        return text
    pieces, position = [], 0
    for place in sorted(places, key=lambda one: one.finding.start):
        found = place.finding
        pieces += [escape(text[position : found.start]), _mark(text[found.start : found.end], found.kind)]
        position = found.end
    return Markup("").join([*pieces, escape(text[position:])])


def in_field(places: Iterable[Place], activity_key: str, field_key: str) -> tuple[Place, ...]:
    """Those of one field."""
    return tuple(place for place in places if (place.activity_key, place.field_key) == (activity_key, field_key))


def counted(kinds: Mapping[str, int]) -> str:
    """How many of which kind, in words: `2 × phone number, 1 × person’s name`."""
    words: Mapping[str, str] = {str(kind): text for kind, text in KIND_WORDS.items()}
    return ", ".join(f"{number} × {words.get(kind, kind)}" for kind, number in sorted(kinds.items()))


def _context(text: str, place: Place) -> Markup:
    start, end = place.finding.start, place.finding.end
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    # Cut at a space, so that no half words are read.
    if first:
        first = text.find(" ", first, start) + 1 or first
    if last < len(text):
        last = max(text.rfind(" ", end, last), end) if " " in text[end:last] else last
    return Markup("").join(
        [
            ELLIPSIS if first else "",
            escape(text[first:start]),
            _mark(text[start:end], place.finding.kind),
            escape(text[end:last]),
            ELLIPSIS if last < len(text) and text[last - 1] != "." else "",
        ]
    )


def _mark(text: str, kind: FindingKind) -> Markup:
    return MARK.format(text, KIND_WORDS[kind])
