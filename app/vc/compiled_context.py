"""Pinned contexts, worked out once: what each member means at each place of a document.

JSON-LD processing spends nearly all of its time on reading contexts again and again. The pinned ones use a small part
of the language, which this module understands completely; whatever goes beyond is `Unusual` and left to the general
path. https://www.w3.org/TR/json-ld11-api/#context-processing-algorithm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from app.vc import contexts

Kind = Literal["id", "type", "literal", "iri", "vocabulary"]

MAX_TYPE_LISTS: Final = 512
MAX_TYPES_KEPT: Final = 16
MAX_MEMBER_LISTS: Final = 256
MAX_MEMBERS_KEPT: Final = 32
_XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"
_TYPE: Final = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_DEFINITION_KEYS: Final = frozenset({"@id", "@type", "@container", "@context", "@protected"})


class Unusual(Exception):
    """No error: the document uses something that only the general path understands, or refuses."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a member means.

    Attributes:
        kind: how a text value is read.
        iri: what the member stands for.
        predicate: the same as N-Quads writes it.
        middle: the same between the subject and the object of a line.
        datatype: of literal values; None where none is named.
        is_list: whether an array keeps its order.
        scoped: the context that holds inside, if there is one.
        is_protected: whether an inner context may not redefine it.
        plain_text: the same as `middle` where a text value becomes a literal without a datatype, else None: by far the
            most frequent case.
    """

    kind: Kind
    iri: str
    predicate: str
    middle: str
    datatype: str | None
    is_list: bool
    scoped: Any
    is_protected: bool
    plain_text: str | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """The members that have a meaning at one place of a document.

    Attributes:
        terms: by name.
        previous: the scope to go back to in a node below, where this one comes from a type.
        types: scopes entered by a list of types, with what they state; bounded, as the lists are a stranger's.
        below: scopes entered by a member.
        words: scopes in which a member's own text values are read.
        members: what the members of a node mean, by their names in order; bounded, as the lists are a stranger's.
    """

    terms: dict[str, Term]
    previous: Scope | None = None
    types: dict[str | tuple[str, ...] | None, tuple[Scope, tuple[str, ...]]] = field(default_factory=dict)
    below: dict[str, Scope] = field(default_factory=dict)
    words: dict[str, Scope] = field(default_factory=dict)
    members: dict[tuple[str, ...], Sequence[tuple[str, Term]]] = field(default_factory=dict)

    def typed(self, types: str | tuple[str, ...] | None) -> tuple[Scope, tuple[str, ...]]:
        """The scope inside a node of these types, and the statements of its types without their subject.

        Raises:
            Unusual: a type is not a term here.
        """
        found = self.types.get(types)
        if found is None:
            found = _enter_types(self, types)
            if len(self.types) < MAX_TYPE_LISTS and (not isinstance(types, tuple) or len(types) <= MAX_TYPES_KEPT):
                self.types[types] = found
        return found

    def inside(self, name: str) -> Scope:
        """The scope in which a node begins that is the value of member `name`.

        Raises:
            Unusual: the member starts from an empty context.
        """
        found = self.below.get(name)
        if found is None:
            found = self.below[name] = _enter_member(self, name)
        return found

    def meanings(self, node: Mapping[str, Any]) -> Sequence[tuple[str, Term]]:
        """The members of a node that say something, with what they mean: not its id, types or context.

        Raises:
            Unusual: a member has no meaning here, or one that only the general path understands.
        """
        names = tuple(node)
        found = self.members.get(names)
        if found is None:
            found = _meanings(self, names)
            if len(self.members) < MAX_MEMBER_LISTS and len(names) <= MAX_MEMBERS_KEPT:
                self.members[names] = found
        return found

    def wording(self, name: str) -> Scope:
        """The scope in which a text value of member `name` is read, where it may be a term.

        Raises:
            Unusual: the member starts from an empty context.
        """
        found = self.words.get(name)
        if found is None:
            local = self.terms[name].scoped
            found = self.words[name] = self if local is None else _process(self, local, may_override=True)
        return found


@lru_cache(maxsize=32)
def root_scope(urls: tuple[str, ...]) -> Scope:
    """The scope in which a document of these contexts begins.

    Raises:
        CanonicalizationRefused: a context is not pinned.
        Unusual: a context uses more of JSON-LD than this module understands.
    """
    scope = Scope({})
    for url in urls:
        scope = _process(scope, contexts.load(url)["@context"])
    return scope


def _meanings(scope: Scope, names: tuple[str, ...]) -> Sequence[tuple[str, Term]]:
    found = []
    for name in names:
        if name == "@context":  # of the whole document; the walker lets no node below have one
            continue
        term = scope.terms.get(name)
        if term is None:
            raise Unusual
        if term.kind in ("id", "type"):
            if name != term.kind:
                raise Unusual
        elif not term.iri:
            raise Unusual
        else:
            found.append((name, term))
    return found


def _enter_types(scope: Scope, types: str | tuple[str, ...] | None) -> tuple[Scope, tuple[str, ...]]:
    named = () if types is None else (types,) if isinstance(types, str) else types
    known = []
    for name in named:
        term = scope.terms.get(name)
        if term is None or ":" not in term.iri:
            raise Unusual
        known.append(term)
    inner = scope
    for name in sorted(set(named)):
        local = scope.terms[name].scoped
        if local is not None:
            inner = _process(inner, local, propagates=False)
    return inner, tuple(f" {_TYPE} {term.predicate} .\n" for term in known)


def _enter_member(scope: Scope, name: str) -> Scope:
    local = scope.terms[name].scoped
    outer = scope.previous or scope
    return outer if local is None else _process(outer, local, may_override=True)


def _process(scope: Scope, local: Any, *, propagates: bool = True, may_override: bool = False) -> Scope:
    """A scope with a local context's definitions over it."""
    terms = dict(scope.terms)
    for part in local if isinstance(local, list) else [local]:
        if not isinstance(part, Mapping):
            raise Unusual
        terms |= _definitions(terms, part, may_override)
    previous = scope.previous if propagates else scope.previous or scope
    return Scope(terms, previous)


def _definitions(known: Mapping[str, Term], local: Mapping[str, Any], may_override: bool) -> dict[str, Term]:
    keywords = {name for name in local if name.startswith("@")}
    if not keywords <= {"@protected", "@version"}:
        raise Unusual
    made: dict[str, Term] = {}
    protect = local.get("@protected", False)
    for name, definition in local.items():
        if name not in keywords:
            term = _term(known, local, name, definition, protect)
            old = known.get(name)
            if old is not None and old.is_protected and not may_override and not _same(old, term):
                raise Unusual
            made[name] = term
    return made


def _same(old: Term, new: Term) -> bool:
    ours, theirs = ((each.kind, each.iri, each.datatype, each.is_list, each.scoped) for each in (old, new))
    return ours == theirs


def _term(known: Mapping[str, Term], local: Mapping[str, Any], name: str, definition: Any, protect: bool) -> Term:
    if isinstance(definition, str):
        definition = {"@id": definition}
    if not isinstance(definition, Mapping) or not definition.keys() <= _DEFINITION_KEYS:
        raise Unusual
    named = definition.get("@id", name)
    container = definition.get("@container")
    if container not in (None, "@set", "@list"):
        named = None  # a graph: never walked
    coercion = definition.get("@type")
    scoped = definition.get("@context", _NO_CONTEXT if "@context" in definition else None)
    is_protected = bool(definition.get("@protected", protect))
    if named in ("@id", "@type"):
        return Term("id" if named == "@id" else "type", named, named, named, None, False, scoped, is_protected)
    iri = "" if named is None else _expand(known, local, named)
    if coercion == "@json" or iri.startswith("@"):
        iri = ""
    kind: Kind = "iri" if coercion == "@id" else "vocabulary" if coercion == "@vocab" else "literal"
    datatype = None
    if kind == "literal" and isinstance(coercion, str) and coercion != "@json":
        datatype = _expand(known, local, coercion)
    is_list = container == "@list"
    middle = f" <{iri}> "
    plain_text = middle if kind == "literal" and datatype is None and not is_list else None
    return Term(kind, iri, f"<{iri}>", middle, datatype, is_list, scoped, is_protected, plain_text)


_NO_CONTEXT: Final[Any] = "no context"


def _expand(known: Mapping[str, Term], local: Mapping[str, Any], name: str) -> str:
    """A term, compact IRI or IRI in full; empty where it has no meaning."""
    if name.startswith("@"):
        return name
    prefix, colon, rest = name.partition(":")
    if not colon:
        return _meaning(known, local, name)
    if rest.startswith("//"):
        return name
    start = _meaning(known, local, prefix)
    return start + rest if start else name


def _meaning(known: Mapping[str, Term], local: Mapping[str, Any], name: str) -> str:
    definition = local.get(name)
    if isinstance(definition, Mapping):
        definition = definition.get("@id")
    if isinstance(definition, str) and definition != name:
        return _expand(known, local, definition)
    return known[name].iri if name in known else ""
