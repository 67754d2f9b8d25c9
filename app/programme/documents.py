"""Catalogue objects to JSON and back, and the digest by which a change is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

import rfc8785
from pydantic import TypeAdapter

from app.programme.frameworks import Competency, Programme
from app.programme.pathways import Pathway, StackAchievement, TimeInRoleRule
from app.programme.schemas import Activity, AwardRule, Criterion, Module, Option, Question

_MODULE = TypeAdapter(Module)
_PROGRAMME = TypeAdapter(Programme)
_PATHWAY = TypeAdapter(Pathway)

# Members that came after the first release. Where they say nothing they are left out of a document, so that a version
# that was loaded before there were such members has the same bytes, and the same digest, for good.
LATER: Mapping[type, frozenset[str]] = {
    Module: frozenset(
        {
            "prerequisites",
            "youth_elements",
            "renewal",
            "renewal_activities",
            "calibration",
            "issue_until",
            "prerequisites_any",
            "qualifies_for",
            "renewal_any",
            "renewal_criteria",
            "full_criteria",
            "media",
        }
    ),
    Activity: frozenset(
        {
            "example_markdown",
            "checklist",
            "observers",
            "required",
            "confirmed_by",
            "of_review",
            "draw_from_each_group",
        }
    ),
    Question: frozenset({"group"}),
    Option: frozenset({"feedback"}),
    Criterion: frozenset({"youth_elements"}),
    AwardRule: frozenset({"observations_meet", "panel", "conflict_years"}),
    Programme: frozenset({"provisional"}),
    Competency: frozenset({"replaces"}),
    TimeInRoleRule: frozenset({"longest_gap_days"}),
    Pathway: frozenset({"consequences"}),
    StackAchievement: frozenset({"components_expired_days"}),
}


def module_document(module: Module) -> dict[str, Any]:
    """A module as JSON: everything but its digest."""
    document = cast(dict[str, Any], _MODULE.dump_python(module, mode="json"))
    del document["digest"]
    _leave_out_what_says_nothing(module, document)
    return document


def programme_document(programme: Programme) -> dict[str, Any]:
    """A programme as JSON: everything but its digest, and its modules and pathways, which have their own versions."""
    document = cast(dict[str, Any], _PROGRAMME.dump_python(programme, mode="json"))
    del document["digest"], document["modules"], document["pathways"]
    _leave_out_what_says_nothing(programme, document)
    return document


def pathway_document(pathway: Pathway) -> dict[str, Any]:
    """A pathway as JSON: everything but its digest."""
    document = cast(dict[str, Any], _PATHWAY.dump_python(pathway, mode="json"))
    del document["digest"]
    _leave_out_what_says_nothing(pathway, document)
    return document


def module_from(document: dict[str, Any], digest: str) -> Module:
    """The module a document describes; members this release does not know are left out."""
    return replace(_MODULE.validate_python(document), digest=digest)


def programme_from(document: dict[str, Any], digest: str) -> Programme:
    """The programme a document describes, without modules."""
    return replace(_PROGRAMME.validate_python(document), digest=digest)


def pathway_from(document: dict[str, Any], digest: str) -> Pathway:
    """The pathway a document describes; members this release does not know are left out."""
    return replace(_PATHWAY.validate_python(document), digest=digest)


def canonical(document: dict[str, Any]) -> bytes:
    """A document as canonical JSON (RFC 8785)."""
    return rfc8785.dumps(document)


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785, https://www.rfc-editor.org/rfc/rfc8785), in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def with_digest(module: Module) -> Module:
    """The module carrying the digest of its content."""
    return replace(module, digest=digest_of(module_document(module)))


def pathway_with_digest(pathway: Pathway) -> Pathway:
    """The pathway carrying the digest of its content."""
    return replace(pathway, digest=digest_of(pathway_document(pathway)))


def programme_with_digest(programme: Programme) -> Programme:
    """The programme carrying the digest of its content."""
    return replace(programme, digest=digest_of(programme_document(programme)))


def _leave_out_what_says_nothing(value: Any, dumped: Any) -> None:
    """Take the later members that hold their default out of a dumped object, and out of all that it holds."""
    if isinstance(value, tuple):
        for each, dump in zip(value, dumped, strict=True):
            _leave_out_what_says_nothing(each, dump)
    elif is_dataclass(value):
        later = LATER.get(type(value), frozenset())
        for each in fields(value):
            held = getattr(value, each.name)
            if each.name in later and held == each.default:
                dumped.pop(each.name, None)
            elif each.name in dumped:
                _leave_out_what_says_nothing(held, dumped[each.name])
