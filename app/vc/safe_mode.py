"""Refuse every document whose JSON says more, or something else, than the statements that would be signed.

JSON-LD processing silently drops what it cannot place: an unknown member, a bad identifier, a value nested one array
too deep. And it reads several spellings as one. A verifier that checks the statements but shows the JSON would then
show things nobody signed. The rules here leave one spelling only.
https://www.w3.org/TR/vc-data-integrity/#context-validation
"""

import re
from typing import Any, Final

from pyoxigraph import Literal

from app.vc import contexts
from app.vc.contexts import FIRST_CONTEXTS, PINNED_ONLY, ContextPolicy, Vocabulary
from app.vc.errors import CanonicalizationRefused
from app.vc.iri import FORBIDDEN_TEXT
from app.vc.iri import is_absolute_iri as is_absolute_iri
from app.vc.json_text import MAX_SAFE_INTEGER

MAX_CONTEXTS: Final = 8
MAX_EMBEDDED: Final = 64
MAX_VALUES: Final = 20_000
MAX_DEPTH: Final = 64
_TYPE_WEIGHT: Final = 5  # each type may enter a context of its own

# Outside of these, and beyond 16 digits, processors write a fraction each in its own way.
_MIN_FLOAT: Final = 1e-4
_MAX_FLOAT: Final = 1e15
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_REFERENCE_MEMBERS: Final = frozenset({"id", "type", "endorsementComment"})


def unsafe(detail: str) -> CanonicalizationRefused:
    """Return the refusal for data that signing would lose or misread."""
    return CanonicalizationRefused("unsafe_jsonld", detail)


def check(document: dict[str, Any], policy: ContextPolicy = PINNED_ONLY) -> None:
    """Raise CanonicalizationRefused unless every member of `document` is spelled the one way that is signed.

    `policy`: which contexts it may be read with. Codes: context_missing, context_order, context_unknown, unsafe_jsonld,
    too_complex.
    """
    _Walk(document, policy).run()


class _Walk:
    """One pass over a document, outermost first, with bounds on what it may cost."""

    def __init__(self, document: dict[str, Any], policy: ContextPolicy) -> None:
        self._document = document
        self._policy = policy
        self._values = 0
        self._embedded = 0
        self._status = _status_entries(document)
        self._status_ids = {entry["id"] for entry in self._status if isinstance(entry.get("id"), str)}
        self._root_id = document.get("id")

    def run(self) -> None:
        self._object(self._document, _vocabulary(self._document.get("@context"), self._policy), 1)

    def _object(self, node: dict[str, Any], words: Vocabulary, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise CanonicalizationRefused("too_complex", f"The document nests deeper than {MAX_DEPTH} levels.")
        if node is not self._document:
            if "@context" in node:
                words = self._embedded_context(node, words)
            self._check_description(node)
        if "@value" in node:
            _check_language_value(node, self._policy)
            return
        for key, value in node.items():
            if key != "@context":
                _check_key(key, words, self._policy)
                self._member(key, value, words, depth)

    def _member(self, key: str, value: Any, words: Vocabulary, depth: int) -> None:
        if key == "credentialStatus" and any(not isinstance(item, dict) for item in _as_list(value)):
            raise unsafe("credentialStatus must be written out as an object.")
        for item in _as_list(value):
            self._values += _TYPE_WEIGHT if key == "type" else 1
            if self._values > MAX_VALUES:
                raise CanonicalizationRefused("too_complex", f"The document holds more than {MAX_VALUES} values.")
            if isinstance(item, dict):
                if key in words.isolating_terms and "@context" not in item:
                    raise unsafe(f"The object in {key} needs a context of its own.")
                self._object(item, words, depth + 1)
            else:
                _check_scalar(key, item, words)

    def _embedded_context(self, node: dict[str, Any], words: Vocabulary) -> Vocabulary:
        self._embedded += 1
        if self._embedded > MAX_EMBEDDED:
            raise CanonicalizationRefused("too_complex", f"More than {MAX_EMBEDDED} credentials are embedded.")
        inner = _vocabulary(node["@context"], self._policy)
        return Vocabulary(*(getattr(words, f) | getattr(inner, f) for f in Vocabulary.__dataclass_fields__))

    def _check_description(self, node: dict[str, Any]) -> None:
        """Keep statements about the credential and its status where a reader looks for them.

        In the signed statements it makes no difference which JSON object names a node; a member moved to a second
        object of the same id would keep the signature and vanish from sight.
        """
        identifier = node.get("id")
        if not isinstance(identifier, str) or node.keys() <= _REFERENCE_MEMBERS:
            return
        if identifier == self._root_id:
            raise unsafe("A second object describes the credential itself.")
        if identifier in self._status_ids and node not in self._status:
            raise unsafe("A second object describes the credential's status entry.")


def _status_entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in _as_list(document.get("credentialStatus")) if isinstance(entry, dict)]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _vocabulary(context: Any, policy: ContextPolicy) -> Vocabulary:
    """Return what the entries of an `@context` define, once it is clear that all of them may be read."""
    entries = _as_list(context)
    if context is None or not entries:
        raise CanonicalizationRefused("context_missing", "The document names no context.")
    if len(entries) > MAX_CONTEXTS:
        raise CanonicalizationRefused("too_complex", f"The document names more than {MAX_CONTEXTS} contexts.")
    defined = [contexts.local_context(entry, policy) for entry in entries]
    urls = tuple(entry for entry in entries if isinstance(entry, str))
    if len(set(urls)) != len(urls):
        raise unsafe("A context is named twice.")
    if entries[0] not in FIRST_CONTEXTS or not set(FIRST_CONTEXTS).isdisjoint(urls[1:]):
        first = " or ".join(FIRST_CONTEXTS)
        raise CanonicalizationRefused("context_order", f"The first context, and only that, must be {first}.")
    return contexts.vocabulary_of(defined) if policy.inline else contexts.vocabulary(urls)


def _check_key(key: str, words: Vocabulary, policy: ContextPolicy) -> None:
    if key in words.terms or _has_vocabulary(key, words):
        return
    if not (policy.inline and _plain_iri(key, words)):
        raise unsafe(f"No context defines the member {key[:80]!a}, so it would not be signed.")


def _has_vocabulary(word: str, words: Vocabulary) -> bool:
    """Tell whether a default vocabulary gives a word a meaning."""
    return bool(words.vocabularies) and ":" not in word and _continue_iris(word, words.vocabularies)


def _continue_iris(word: str, beginnings: frozenset[str]) -> bool:
    return not word.startswith("@") and all(is_absolute_iri(beginning + word) for beginning in beginnings)


def _check_scalar(key: str, value: Any, words: Vocabulary) -> None:
    if key in words.json_terms:
        raise unsafe(f"The member {key} holds raw JSON, which this engine does not sign or check.")
    if isinstance(value, str):
        _check_text(key, value, words)
    elif key in ("id", "type"):
        raise unsafe(f"The member {key} must be text.")
    elif value is None:
        raise unsafe(f"The member {key} is null, which nothing signs.")
    elif isinstance(value, list):
        raise unsafe(f"The member {key} holds a list within a list.")
    elif isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise unsafe(f"The number in {key} is larger than every reader can hold exactly.")
    elif not isinstance(value, float) or value != value or abs(value) == float("inf"):
        raise unsafe(f"The value of {key} is not JSON.")
    elif value and not (_MIN_FLOAT <= abs(value) <= _MAX_FLOAT and float(f"{value:.15e}") == value):
        raise unsafe(f"Processors do not agree how to write the number in {key}.")


def _check_text(key: str, value: str, words: Vocabulary) -> None:
    if FORBIDDEN_TEXT.search(value):
        raise unsafe(f"The text of {key} holds a character on which processors differ (U+FFFE, U+FFFF or a surrogate).")
    if key == "type" or key in words.vocabulary_terms:
        _check_type(key, value, words)
    elif (key == "id" or key in words.iri_terms) and not _plain_iri(value, words):
        raise unsafe(f"The value of {key}, {value[:80]!a}, is not an absolute IRI.")


def _check_type(key: str, value: str, words: Vocabulary) -> None:
    if value in words.terms or _has_vocabulary(value, words):
        return
    if not _plain_iri(value, words) or value in words.iris:
        raise unsafe(f"No context defines the {key} {value[:80]!a} under that name.")


def _plain_iri(value: str, words: Vocabulary) -> bool:
    # A scheme that is also a prefix would make the text a compact IRI: a second spelling of another identifier.
    return is_absolute_iri(value) and value.partition(":")[0] not in words.prefixes


def _check_language_value(node: dict[str, Any], policy: ContextPolicy) -> None:
    known = {"@value", "@language", "@direction"} if policy.inline else {"@value", "@language"}
    if not node.keys() <= known or not isinstance(node["@value"], str):
        raise unsafe("A value object may hold only text and its language.")
    if node.get("@direction", "ltr") not in ("ltr", "rtl"):
        raise unsafe("A text runs from left to right, ltr, or from right to left, rtl.")
    language = node.get("@language", "en")
    if not isinstance(language, str) or not _is_language(language) or FORBIDDEN_TEXT.search(node["@value"]):
        raise unsafe("A value object holds a language or a character that processors write differently.")


def _is_language(tag: str) -> bool:
    """Tell whether a text in this language is signed: the general path leaves one of an ill-formed tag out silently."""
    if not _LANGUAGE.fullmatch(tag):
        return False
    try:
        Literal("", language=tag)
    except ValueError:
        return False
    return True
