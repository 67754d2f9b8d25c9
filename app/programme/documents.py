"""Catalogue objects to JSON and back, and the digest by which a change is noticed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, cast

import rfc8785
from pydantic import TypeAdapter

from app.programme.frameworks import Programme
from app.programme.schemas import Module

_MODULE = TypeAdapter(Module)
_PROGRAMME = TypeAdapter(Programme)


def module_document(module: Module) -> dict[str, Any]:
    """A module as JSON: everything but its digest."""
    document = cast(dict[str, Any], _MODULE.dump_python(module, mode="json"))
    del document["digest"]
    return document


def programme_document(programme: Programme) -> dict[str, Any]:
    """A programme as JSON: everything but its digest and its modules, which have versions of their own."""
    document = cast(dict[str, Any], _PROGRAMME.dump_python(programme, mode="json"))
    del document["digest"], document["modules"]
    return document


def module_from(document: dict[str, Any], digest: str) -> Module:
    """The module a document describes; members this release does not know are left out."""
    return replace(_MODULE.validate_python(document), digest=digest)


def programme_from(document: dict[str, Any], digest: str) -> Programme:
    """The programme a document describes, without modules."""
    return replace(_PROGRAMME.validate_python(document), digest=digest)


def canonical(document: dict[str, Any]) -> bytes:
    """A document as canonical JSON (RFC 8785)."""
    return rfc8785.dumps(document)


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785, https://www.rfc-editor.org/rfc/rfc8785), in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def with_digest(module: Module) -> Module:
    """The module carrying the digest of its content."""
    return replace(module, digest=digest_of(module_document(module)))


def programme_with_digest(programme: Programme) -> Programme:
    """The programme carrying the digest of its content."""
    return replace(programme, digest=digest_of(programme_document(programme)))
