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


def findings_in_fields(
    activity_key: str,
    written: Iterable[tuple[str, str, str]],
    *,
    allowed_names: Collection[str],
    known_names: Collection[str] = (),
) -> Iterable[Place]:
    """Every place to look at in texts of one activity, whoever wrote them.

    Args:
        activity_key: what they are about.
        written: of each text the field's key, its question, and the text.
        allowed_names: who may be named.
        known_names: names of real people who must not appear.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    for key, label, text in written:
        for finding in scan(text, known_names, allowed_names=allowed_names):
            what = (key, finding.kind, text[finding.start : finding.end])
            seen[what] += 1
            yield Place(_id(activity_key, *what, str(seen[what])), activity_key, key, label, finding)


def in_text(
    module: Module, activity_key: str, field_key: str, label: str, text: str, *, own_name: str | None
) -> tuple[Place, ...]:
    """Every place to look at in one text that belongs to no activity, e.g. the reason of an appeal.

    Args:
        module: whose invented people may be named.
        activity_key: what kind of text it is; with `field_key` it makes the places' ids.
        field_key: which part of it.
        label: its question.
        text: what was written.
        own_name: the writer's, who may name themselves.
    """
    allowed = invented_names(module) | ({own_name} if own_name else set())
    return tuple(findings_in_fields(activity_key, ((field_key, label, text),), allowed_names=allowed))


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
    written = (
        (field.key, field.label, texts.get(field.key, ""))
        for field in fields_of(activity)
        if field.kind != "count" and not field.options
    )
    return findings_in_fields(activity.key, written, allowed_names=allowed, known_names=known)


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:ID_LENGTH]
