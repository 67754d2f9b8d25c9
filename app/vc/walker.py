"""The quick path from a credential's JSON to its statements: one walk by compiled contexts.

It takes only what it understands completely and raises `Unusual` for everything else, whatever the reason; the general
path then decides, and says why if it refuses. So whatever is refused is refused in one place, and whatever this path
accepts, the general path accepts with the same result.

Parts that come again and again, above all the achievement and the issuer of a badge, are kept as templates: their
statements, already written and their blank nodes already hashed.
https://www.w3.org/TR/json-ld11-api/#deserialize-json-ld-to-rdf-algorithm
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final, NamedTuple

import orjson

from app.vc.compiled_context import Scope, Term, Unusual, root_scope
from app.vc.contexts import VC_V2, vocabulary
from app.vc.json_text import MAX_SAFE_INTEGER
from app.vc.labelling import Node, Part
from app.vc.safe_mode import MAX_CONTEXTS, MAX_DEPTH, is_absolute_iri

MAX_VALUES: Final = 5_000
MAX_TEMPLATES: Final = 256
_SHORT: Final = 500
MAX_TEMPLATE_BYTES: Final = 64_000
TEMPLATE_DEPTH: Final = 8
TEMPLATED: Final = frozenset({"achievement", "issuer"})

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_STRING: Final = _XSD + "string"
_WRITTEN_AS_DOUBLE: Final = frozenset({_XSD + "double"})
_FIRST: Final = f" <{_RDF}first> "
_REST: Final = f" <{_RDF}rest> "
_NIL: Final = f"<{_RDF}nil>"
_SPECIAL: Final = re.compile('[\x00-\x1f"\\\\\x7f\ud800-\udfff\ufffe\uffff]')
_FORBIDDEN: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
# Identifiers of this kind are new with each badge: to remember them would cost more than to look.
_USUAL_IRI: Final = re.compile(
    "urn:uuid:[0-9a-f-]{36}"
    "|https://[a-z0-9][a-z0-9.-]{0,250}(?::[0-9]{1,5})?(?:/[A-Za-z0-9_-]+){0,20}(?:#[A-Za-z0-9_-]+)?"
)
_ESCAPES: Final = {
    **{code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)},
    ord("\b"): "\\b", ord("\t"): "\\t", ord("\n"): "\\n", ord("\f"): "\\f", ord("\r"): "\\r",
    ord('"'): '\\"', ord("\\"): "\\\\",
}  # fmt: skip


class Walked(NamedTuple):
    """What a walk found.

    Attributes:
        parts: the document's own statements, and those of its templates.
        is_plain: whether nothing in it is what verifiers in the field differ on: no empty array, no ordered list that
            holds a value twice.
    """

    parts: tuple[Part, ...]
    is_plain: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A part of a document that comes again and again.

    Attributes:
        root: the term by which the rest of the document refers to it.
        part: its statements.
        ids: identifiers that its nodes describe.
        values: how many values it holds.
        has_repeated_list_values: whether an ordered list in it holds a value twice.
        has_empty: whether an array in it is empty.
    """

    root: str
    part: Part
    ids: frozenset[str]
    values: int
    has_repeated_list_values: bool
    has_empty: bool


def walk(document: dict[str, Any]) -> Walked:
    """The statements of a document.

    Args:
        document: names pinned contexts by URL, the VC 2.0 one first.

    Raises:
        Unusual: the general path has to decide.
        CanonicalizationRefused: a context is not pinned.
    """
    urls = _context_urls(document)
    entries = document.get("credentialStatus", [])
    entries = entries if type(entries) is list else [entries]
    if not all(type(entry) is dict for entry in entries):
        raise Unusual
    own = [document.get("id"), *(entry.get("id") for entry in entries)]
    watched = frozenset(each for each in own if type(each) is str)
    found = _Walk(urls, watched, [document, *entries], use_templates=True)
    found.node(document, root_scope(urls), 0)
    is_plain = not (found.has_repeated_list_values or found.has_empty)
    return Walked((found.part(), *(each.part for each in found.templates)), is_plain)


def _context_urls(document: dict[str, Any]) -> tuple[str, ...]:
    urls = document.get("@context")
    if type(urls) is not list or not 0 < len(urls) <= MAX_CONTEXTS or not all(type(url) is str for url in urls):
        raise Unusual
    if urls[0] != VC_V2 or len(set(urls)) < len(urls):
        raise Unusual
    return tuple(urls)


class _Walk:
    """One walk over a document, or over a part of it that becomes a template.

    Attributes:
        templates: those that were met.
        blank_nodes: how many there are beside those of the templates.
        ids: identifiers that the walked nodes describe.
    """

    def __init__(
        self, urls: tuple[str, ...], watched: frozenset[str], entries: list[Any], *, use_templates: bool
    ) -> None:
        self.templates: list[Template] = []
        self.blank_nodes = 0
        self.ids: set[str] = set()
        self.values = 0
        self.has_repeated_list_values = False
        self.has_empty = False
        self._urls = urls
        self._prefixes = vocabulary(urls).prefixes
        self._watched = watched
        self._entries = entries
        self._use_templates = use_templates
        self._rests: dict[Node, list[str]] = {}
        self._links: list[tuple[Node, str, int]] = []

    def part(self) -> Part:
        """The statements that were found, without those of the templates."""
        return Part.of(self._rests, self._links, self.blank_nodes)

    def node(self, node: dict[str, Any], scope: Scope, depth: int) -> Node:
        """Walk a node object; returns how others refer to it."""
        if depth > MAX_DEPTH:
            raise Unusual
        types = node.get("type")
        if types is not None and type(types) is not str:
            if type(types) is not list or not all(type(each) is str for each in types):
                raise Unusual
            if not types:
                self.has_empty = True
            types = tuple(types)
        inner, type_rests = scope.typed(types)
        subject = self._subject(node)
        rests = self._rests.get(subject)
        if rests is None:
            rests = self._rests[subject] = []
        rests += type_rests
        for name, term in inner.meanings(node):
            value = node[name]
            if type(value) is str and term.plain_text is not None:
                self.values += 1
                text = value if _SPECIAL.search(value) is None else _escaped(value)
                rests.append(f'{term.plain_text}"{text}" .\n')
            elif term.is_list:
                self._say(subject, rests, term.middle, self._list(value, name, term, inner, depth))
            elif type(value) is list:
                if not value:
                    self.has_empty = True
                for item in value:
                    self._say(subject, rests, term.middle, self._value(item, name, term, inner, depth))
            else:
                self._say(subject, rests, term.middle, self._value(value, name, term, inner, depth))
        if self.values > MAX_VALUES:
            raise Unusual
        return subject

    def _say(self, subject: Node, rests: list[str], middle: str, value: Node) -> None:
        if type(value) is int:
            self._links.append((subject, middle, value))
        else:
            rests.append(f"{middle}{value} .\n")

    def _subject(self, node: dict[str, Any]) -> Node:
        identifier = node.get("id")
        if identifier is None:
            if "id" in node or not node:
                raise Unusual
            self.blank_nodes += 1
            return self.blank_nodes - 1
        if type(identifier) is not str or not _is_plain_iri(identifier) or self._is_compact(identifier):
            raise Unusual
        if len(node) > 1:
            self.ids.add(identifier)
            if identifier in self._watched and not any(node is entry for entry in self._entries):
                raise Unusual
        return f"<{identifier}>"

    def _is_compact(self, identifier: str) -> bool:
        return identifier.partition(":")[0] in self._prefixes

    def _value(self, value: Any, name: str, term: Term, scope: Scope, depth: int) -> Node:
        self.values += 1
        kind = type(value)
        if kind is dict:
            return self._object(value, name, scope, depth)
        if kind is str:
            if term.kind == "literal":
                text = _quoted(value)
                return text if term.datatype is None or term.datatype == _STRING else f"{text}^^<{term.datatype}>"
            if term.kind == "iri":
                if not _is_plain_iri(value) or self._is_compact(value):
                    raise Unusual
                return f"<{value}>"
            return self._word(value, scope.wording(name))
        if term.kind != "literal":
            raise Unusual
        if kind is bool:
            return f'"{"true" if value else "false"}"^^<{term.datatype or _XSD + "boolean"}>'
        if kind is int and abs(value) <= MAX_SAFE_INTEGER and term.datatype not in _WRITTEN_AS_DOUBLE:
            return f'"{value}"^^<{term.datatype or _XSD + "integer"}>'
        raise Unusual

    def _word(self, value: str, scope: Scope) -> str:
        """A value that is a term, as `sha-256` may be; anything else is left to the general path."""
        term = scope.terms.get(value)
        if term is None or not term.iri or ":" not in term.iri:
            raise Unusual
        return term.predicate

    def _object(self, value: dict[str, Any], name: str, scope: Scope, depth: int) -> Node:
        if "@context" in value or "@value" in value:
            raise Unusual
        inner = scope.inside(name)
        is_kept = self._use_templates and name in TEMPLATED and depth < TEMPLATE_DEPTH
        if is_kept and "id" in value and len(value) > 1:
            template = _template(self._urls, value, inner)
            if template is not None:
                if not template.ids.isdisjoint(self._watched):
                    raise Unusual
                self.templates.append(template)
                self.values += template.values
                self.has_repeated_list_values |= template.has_repeated_list_values
                self.has_empty |= template.has_empty
                return template.root
        return self.node(value, inner, depth + 1)

    def _list(self, value: Any, name: str, term: Term, scope: Scope, depth: int) -> Node:
        """An ordered list: a chain of blank nodes (RDF Schema 1.1 §5.2)."""
        items = value if type(value) is list else [value]
        if not items:
            self.has_empty = True
            return _NIL
        first = self.blank_nodes
        self.blank_nodes += len(items)
        found = [self._value(item, name, term, scope, depth) for item in items]
        if len(set(found)) < len(found):
            self.has_repeated_list_values = True
        for number, each in enumerate(found, first):
            rest: Node = number + 1 if number + 1 < first + len(found) else _NIL
            rests = self._rests.setdefault(number, [])
            self._say(number, rests, _FIRST, each)
            self._say(number, rests, _REST, rest)
        return first


def _template(urls: tuple[str, ...], value: dict[str, Any], scope: Scope) -> Template | None:
    """The template of a part, made on first sight; None if it is too large to keep."""
    try:
        text = orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError):
        raise Unusual from None
    if len(text) > MAX_TEMPLATE_BYTES:
        return None
    key = (scope, text)  # the scope itself, not its id: an id may come again when a scope is forgotten
    found = _TEMPLATES.get(key)
    if found is None:
        found = _make_template(urls, value, scope)
        _TEMPLATES.put(key, found)
    return found


def _make_template(urls: tuple[str, ...], value: dict[str, Any], scope: Scope) -> Template:
    found = _Walk(urls, frozenset(), [], use_templates=False)
    root = found.node(value, scope, TEMPLATE_DEPTH)  # as deep as it may ever stand
    if type(root) is not str:
        raise Unusual
    return Template(
        root=root,
        part=found.part(),
        ids=frozenset(found.ids),
        values=found.values,
        has_repeated_list_values=found.has_repeated_list_values,
        has_empty=found.has_empty,
    )


class _Templates:
    """A bounded store: what was not used for longest goes first. Parts come from strangers too."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Scope, bytes], Template] = OrderedDict()
        self._guard = Lock()

    def get(self, key: tuple[Scope, bytes]) -> Template | None:
        with self._guard:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def put(self, key: tuple[Scope, bytes], template: Template) -> None:
        with self._guard:
            self._found[key] = template
            while len(self._found) > MAX_TEMPLATES:
                self._found.popitem(last=False)


_TEMPLATES: Final = _Templates()


def _quoted(value: str) -> str:
    """A literal as canonical N-Quads writes it (RDF 1.2 N-Quads §3.1)."""
    return f'"{value}"' if _SPECIAL.search(value) is None else f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    if _FORBIDDEN.search(value):
        raise Unusual
    return value.translate(_ESCAPES)


def _is_plain_iri(value: str) -> bool:
    if _USUAL_IRI.fullmatch(value):
        return True
    # Only what is short is remembered: identifiers are a stranger's, of any length.
    return _is_short_plain_iri(value) if len(value) <= _SHORT else is_absolute_iri(value)


_is_short_plain_iri = lru_cache(maxsize=4096)(is_absolute_iri)
