"""What a scan finds in a whole piece of work: field by field, each place with an id that its writer can answer to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from app.learning.evidence.findings import Place
from app.learning.evidence.given_names import ALSO_WORDS, NAMES
from app.learning.evidence.names import WORD
from app.learning.evidence.scanning import scan
from app.learning.texts import fields_of
from app.programme.schemas import Activity, Module

ID_LENGTH = 20  # hexadecimal digits


def findings_in(
    module: Module, texts: Mapping[str, Mapping[str, str]], *, own_name: str | None, known_names: Collection[str] = ()
) -> tuple[Place, ...]:
    """Every place to look at, in the order of the module. Counts and lists to choose from are not scanned.

    Args:
        module: whose invented people may be named.
        texts: by activity and field.
        own_name: the writer's, who may name themselves.
        known_names: names of real people who must not appear.
    """
    allowed = invented_names(module) | ({own_name} if own_name else set())
    return tuple(
        place
        for activity in module.activities
        for place in _in_activity(activity, texts.get(activity.key, {}), allowed, known_names)
    )


def kinds_of(places: Iterable[Place]) -> Mapping[str, int]:
    """How many places there are of each kind."""
    return Counter(place.finding.kind for place in places)


def invented_names(module: Module) -> frozenset[str]:
    """Given names that the module's own texts use."""
    return _names_in(
        (module.summary, *(activity.body_markdown for activity in module.activities),
         *(question.stem for activity in module.activities for question in activity.questions))
    )  # fmt: skip


@lru_cache(maxsize=64)
def _names_in(texts: tuple[str, ...]) -> frozenset[str]:
    words = (match[0].removesuffix("'s") for text in texts for match in WORD.finditer(text.replace("’", "'")))
    return frozenset(word for word in words if word[0].isupper() and word.lower() in NAMES | ALSO_WORDS)


def _in_activity(
    activity: Activity, texts: Mapping[str, str], allowed: Collection[str], known: Collection[str]
) -> Iterable[Place]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for field in fields_of(activity):
        if field.kind == "count" or field.options:
            continue
        text = texts.get(field.key, "")
        for finding in scan(text, known, allowed_names=allowed):
            what = (field.key, finding.kind, text[finding.start : finding.end])
            seen[what] += 1
            yield Place(_id(activity.key, *what, str(seen[what])), activity.key, field.key, field.label, finding)


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:ID_LENGTH]
