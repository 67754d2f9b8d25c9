"""Contexts that a document brings along as objects: what of JSON-LD they may use, and in which form.

Conformance suites define the words of their examples this way; no badge of the product does. A small part of the
language is enough for them, and only what is in it can be judged: words that stand for absolute IRIs, a default
vocabulary, contexts within words. Nothing that fetches, aliases a keyword, drops a word or changes the base.
https://www.w3.org/TR/json-ld11/#context-definitions
"""

from collections.abc import Mapping
from typing import Any, Final

from app.vc.errors import CanonicalizationRefused
from app.vc.iri import is_absolute_iri

MAX_DEFINITIONS: Final = 200
MAX_DEPTH: Final = 8

_CONTEXT_KEYWORDS: Final = frozenset({"@protected", "@version", "@vocab"})
_DEFINITION_KEYS: Final = frozenset({"@id", "@type", "@container", "@context", "@protected", "@prefix"})
_CONTAINERS: Final = ("@set", "@list", "@graph")
_COERCIONS: Final = ("@id", "@vocab", "@json")
_ALIASES: Final = {"id": "@id", "type": "@type"}


def read(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return an inline context in its plain form.

    `{"@context": {…}}` around it is taken off, as processors in the field do. Raises CanonicalizationRefused:
    unsafe_jsonld for what this module does not allow, too_complex for more than 200 definitions or 8 levels.
    """
    inner = context
    if context.keys() == {"@context"}:
        inner = context["@context"]
        if not isinstance(inner, Mapping):
            raise _refused("A context within the document must be one object.")
    reader = _Reader()
    return reader.context(inner, {}, 1)


class _Reader:
    """One pass over a context, with bounds."""

    def __init__(self) -> None:
        self._definitions = 0

    def context(self, context: Mapping[str, Any], outer: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise CanonicalizationRefused("too_complex", f"A context nests deeper than {MAX_DEPTH} levels.")
        _check_keywords(context)
        known = {**outer, **context}
        return {
            name: value if name.startswith("@") else self._definition(name, value, known, depth)
            for name, value in context.items()
        }

    def _definition(self, name: str, value: Any, known: Mapping[str, Any], depth: int) -> Any:
        self._definitions += 1
        if self._definitions > MAX_DEFINITIONS:
            raise CanonicalizationRefused("too_complex", f"A context defines more than {MAX_DEFINITIONS} words.")
        if not name or ":" in name or not is_absolute_iri(f"urn:x:{name}"):
            raise _refused(f"The context defines {name[:80]!a}, which is no plain word.")
        if isinstance(value, str):
            _check_meaning(name, value, known)
            return value
        if not isinstance(value, Mapping) or not value.keys() <= _DEFINITION_KEYS:
            raise _refused(f"The context defines {name[:80]!a} in a way this engine does not read.")
        _check_details(value, known)
        if "@id" in value or "@vocab" not in known:
            _check_meaning(name, value.get("@id"), known)
        if "@context" not in value:
            return dict(value)
        scoped = value["@context"]
        if not isinstance(scoped, Mapping):
            raise _refused(f"The context of {name[:80]!a} must be written out as one object.")
        return {**value, "@context": self.context(scoped, known, depth + 1)}


def _check_keywords(context: Mapping[str, Any]) -> None:
    keywords = {name for name in context if name.startswith("@")}
    if not keywords <= _CONTEXT_KEYWORDS:
        raise _refused("A context within the document may not fetch, change the base or set a language.")
    if not isinstance(context.get("@protected", False), bool) or context.get("@version", 1.1) != 1.1:
        raise _refused("A context within the document has a setting this engine does not read.")
    vocabulary = context.get("@vocab", "urn:x:")
    if not isinstance(vocabulary, str) or not is_absolute_iri(vocabulary):
        raise _refused("The default vocabulary of a context must be an absolute IRI.")


def _check_details(definition: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    if not all(isinstance(definition.get(key, False), bool) for key in ("@protected", "@prefix")):
        raise _refused("A definition is protected or a prefix, or it is not.")
    if definition.get("@container", "@set") not in _CONTAINERS:
        raise _refused("A context within the document uses a container this engine does not read.")
    coercion = definition.get("@type", "@id")
    if coercion not in _COERCIONS and not _stands_for_iri(coercion, known):
        raise _refused("A definition has a type that is no absolute IRI.")


def _check_meaning(name: str, meaning: Any, known: Mapping[str, Any]) -> None:
    if name in _ALIASES:
        if meaning != _ALIASES[name]:
            raise _refused(f"The context gives {name} another meaning.")
    elif not _stands_for_iri(meaning, known):
        raise _refused(f"The context says that {name[:80]!a} stands for something that is no absolute IRI.")


def _stands_for_iri(text: Any, known: Mapping[str, Any]) -> bool:
    """Tell whether a text is an absolute IRI, or becomes one by prefixes defined beside it."""
    found = _expanded(text, known) if isinstance(text, str) and not text.startswith("@") else None
    return found is not None and is_absolute_iri(found)


def _expanded(text: str, known: Mapping[str, Any], steps: int = 0) -> str | None:
    """The text with its prefix written out; None where that is no IRI, or leads in a circle."""
    prefix, colon, rest = text.partition(":")
    if not colon or steps > MAX_DEPTH:
        return None
    start = known.get(prefix)
    if isinstance(start, Mapping):
        start = start.get("@id")
    if not isinstance(start, str) or start.startswith("@") or rest.startswith("//"):
        return text
    beginning = _expanded(start, known, steps + 1)
    return None if beginning is None else beginning + rest


def _refused(detail: str) -> CanonicalizationRefused:
    return CanonicalizationRefused("unsafe_jsonld", detail)
