"""RDF Dataset Canonicalization of credentials: one document, one text, or a refusal.

Two paths with one result. The quick one (`walker`, `labelling`) takes what it understands completely. The general one
is pyoxigraph's RDFC-1.0 with the pinned contexts written into the document: a sentinel context placed first catches
every term, type and relative reference that no pinned context defines; `safe_mode` and `work_bound` refuse the rest.
https://www.w3.org/TR/rdf-canon/
"""

import json
import re
from typing import Any, Final

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    parse,
    serialize,
)

from app.vc import contexts, safe_mode, work_bound
from app.vc.compiled_context import Unusual
from app.vc.contexts import PINNED_ONLY, ContextPolicy
from app.vc.errors import CanonicalizationRefused
from app.vc.labelling import Alike, canonical_text
from app.vc.walker import Walked, walk

_HIGH: Final = re.compile("[\ue000-\uffff]")
_NOWHERE: Final = "https://undefined.invalid/"
_SENTINEL: Final = {"@vocab": _NOWHERE + "term#", "@base": _NOWHERE + "base/"}
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_I18N: Final = "https://www.w3.org/ns/i18n#"
_MAX_PLAIN_FLOAT: Final = 1e15
_MIN_PLAIN_FLOAT: Final = 1e-4


def canonicalize(document: dict[str, Any], policy: ContextPolicy = PINNED_ONLY) -> str:
    """Return the RDFC-1.0 canonical N-Quads of a JSON-LD document.

    `document` names its contexts by URL, that of VC 2.0 or 1.1 first; `policy` may allow it more. Safe for strangers'
    documents: never fetches, never runs long. Raises CanonicalizationRefused with code context_missing, context_order,
    context_unknown, unsafe_jsonld, too_complex, or canonicalization_refused where nothing would be signed.
    """
    if policy.inline:
        return canonicalize_generally(document, policy)
    try:
        return _quickly(walk(document))
    except Unusual:
        return canonicalize_generally(document)


def canonicalize_to_issue(document: dict[str, Any], policy: ContextPolicy = PINNED_ONLY) -> str:
    """Return the same, and refuse what `check_issuable` refuses."""
    if policy.inline:
        check_issuable(document, policy)
        return canonicalize_generally(document, policy)
    try:
        walked = walk(document)
        text = _quickly(walked)
    except Unusual:
        walked = None
    if walked is None or not walked.is_plain:
        check_issuable(document)
        return canonicalize_generally(document)
    if _may_be_disputed(text):
        own = [lines for part in walked.parts for lines in part.first_degree()]
        for lines in (text.split("\n"), *own):
            _refuse_disputed_order(lines)
    return text


def canonicalize_generally(document: dict[str, Any], policy: ContextPolicy = PINNED_ONLY) -> str:
    """Return the same as `canonicalize`, by the general path alone: the check on the quick one."""
    dataset = _dataset(document, policy)
    work_bound.check(dataset)
    return _serialize(dataset)


def _quickly(walked: Walked) -> str:
    """The canonical text of what was walked; blank nodes that look alike are told apart by the general algorithm."""
    try:
        return canonical_text(walked.parts)
    except Alike as alike:
        dataset = Dataset(parse(alike.text.encode(), format=RdfFormat.N_QUADS))
        work_bound.check(dataset)
        return _serialize(dataset)


def _may_be_disputed(text: str) -> bool:
    """Whether the order of lines can differ at all between UTF-16 and code points: both kinds of character occur."""
    # A search would look at each of some 30,000 characters of every badge. In UTF-16 only an astral one takes four
    # bytes; half of one, which cannot be encoded, was refused before.
    return not text.isascii() and len(text.encode("utf-16-le")) > 2 * len(text) and bool(_HIGH.search(text))


def check_issuable(document: dict[str, Any], policy: ContextPolicy = PINNED_ONLY) -> None:
    """Raise CanonicalizationRefused if an honest verifier in the field could not check `document`.

    Beyond `canonicalize` this refuses, with code not_issuable: null, empty arrays and empty objects; repeated values in
    an ordered list and statements whose order differs between UTF-16 and code points (on both, widespread JavaScript
    verifiers fail); and numbers that processors print differently. VC 1.1 (code context_order) is issued only where
    `policy` is wider than the product's.
    """
    safe_mode.check(document, policy)
    if not policy.inline and contexts.VC_V2 not in document["@context"]:
        raise CanonicalizationRefused("context_order", "What is issued has the context of VC 2.0 first.")
    _refuse_unissuable_values(document)
    dataset = _dataset(document, policy)
    _refuse_repeated_list_values(dataset)
    first_degree = work_bound.check(dataset)
    for lines in (_serialize(dataset).split("\n"), *first_degree.values()):
        _refuse_disputed_order(lines)


def _dataset(document: dict[str, Any], policy: ContextPolicy) -> Dataset:
    safe_mode.check(document, policy)
    text = json.dumps(_inline(document, policy), allow_nan=False).encode()
    try:
        dataset = Dataset(parse(text, format=RdfFormat.JSON_LD))
    except (SyntaxError, ValueError) as problem:
        raise safe_mode.unsafe(f"The document cannot be read as JSON-LD: {problem}.") from problem
    for quad in dataset:
        _refuse_undefined(quad)
    if len(dataset) == 0:  # the type has no truth value of its own
        raise CanonicalizationRefused("canonicalization_refused", "The document says nothing that could be signed.")
    return dataset


def _inline(value: Any, policy: ContextPolicy) -> Any:
    """Copy a document with every context written out, the sentinel first."""
    if isinstance(value, list):
        return [_inline(item, policy) for item in value]
    if not isinstance(value, dict):
        return value
    if "@direction" in value:
        return _directed(value)
    copy = {key: _inline(member, policy) for key, member in value.items() if key != "@context"}
    if "@context" in value:
        entries = value["@context"] if isinstance(value["@context"], list) else [value["@context"]]
        copy["@context"] = [_SENTINEL, *(contexts.local_context(entry, policy) for entry in entries)]
    return copy


def _directed(value: dict[str, Any]) -> dict[str, Any]:
    """A text with its base direction, as verifiers in the field write it: by a datatype that names both.

    https://www.w3.org/TR/json-ld11-api/#object-to-rdf-conversion, the rdfDirection i18n-datatype
    """
    language = value.get("@language", "").lower()
    return {"@value": value["@value"], "@type": f"{_I18N}{language}_{value['@direction']}"}


def _refuse_undefined(quad: Quad) -> None:
    for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
        if isinstance(term, NamedNode) and term.value.startswith(_NOWHERE):
            name = term.value.removeprefix(_NOWHERE).partition("#")[2] or term.value.removeprefix(_NOWHERE + "base/")
            raise safe_mode.unsafe(f"No context defines {name[:80]!a} at its place in the document.")


def _serialize(dataset: Dataset) -> str:
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    text = serialize(dataset, format=RdfFormat.N_QUADS)
    if text is None:  # pragma: no cover - the library returns bytes whenever no output is named
        raise CanonicalizationRefused("canonicalization_refused", "The document could not be written as N-Quads.")
    # Never splitlines(): it would also break lines at U+2028 and other characters inside the text.
    return "\n".join(sorted(text.decode().split("\n")[:-1])) + "\n"


def _refuse_unissuable_values(value: Any) -> None:
    if value is None or value in ([], {}):
        raise CanonicalizationRefused("not_issuable", "The document holds a null or an empty array or object.")
    if isinstance(value, float) and value and not _MIN_PLAIN_FLOAT <= abs(value) <= _MAX_PLAIN_FLOAT:
        raise CanonicalizationRefused("not_issuable", f"Processors do not agree how to write the number {value}.")
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        _refuse_unissuable_values(member)


def _refuse_repeated_list_values(dataset: Dataset) -> None:
    first, rest = NamedNode(_RDF + "first"), NamedNode(_RDF + "rest")
    following = {quad.subject: quad.object for quad in dataset.quads_for_predicate(rest)}
    values = {quad.subject: quad.object for quad in dataset.quads_for_predicate(first)}
    for head in values.keys() - set(following.values()):
        seen: set[NamedNode | BlankNode | Literal | Any] = set()
        cell: Any = head
        while cell in values:
            if values[cell] in seen:
                raise CanonicalizationRefused("not_issuable", "An ordered list holds the same value twice.")
            seen.add(values[cell])
            cell = following[cell]


def _refuse_disputed_order(lines: list[str]) -> None:
    if sorted(lines) != sorted(lines, key=lambda line: line.encode("utf-16-be")):
        raise CanonicalizationRefused("not_issuable", "Processors do not agree on the order of two of its texts.")
