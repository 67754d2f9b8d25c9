"""Pathways as they were loaded, and the achievements of those that have one of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core import rows
from app.core.db import Look, ReadSession
from app.programme import documents
from app.programme.errors import PathwayUnknown
from app.programme.kept import Kept
from app.programme.models import ProgrammePathwayVersion
from app.programme.pathways import Pathway
from app.programme.schemas import BadgeLevel

_KEY = re.compile(r"[a-z][a-z0-9-]{0,59}")  # what is no key is not asked of the database: PostgreSQL knows no NUL
_KEPT = Kept[Pathway]()
_TABLE = rows.table(ProgrammePathwayVersion).c
_ALL = sa.select(_TABLE.id, _TABLE.key, _TABLE.version, _TABLE.programme_key, _TABLE.digest).order_by(_TABLE.version)
_VERSIONS = _ALL.where(_TABLE.key == sa.bindparam("pathway"))
_DOCUMENT = sa.select(_TABLE.document).where(_TABLE.id == sa.bindparam("id"))
_ORDER: dict[BadgeLevel, int] = {"basic": 0, "advanced": 1}


def is_pathway_key(key: str) -> bool:
    """Whether a key is a pathway's and not a module's: those begin with a capital."""
    return key[:1].islower()


def pathways(session: ReadSession) -> tuple[Pathway, ...]:
    """The current version of every pathway: the basic ones first, each level in the order of what it ends in."""
    newest = {row.key: row for row in session.run(_ALL)}
    found = (_pathway(session, row) for row in newest.values())
    return tuple(sorted(found, key=lambda each: (_ORDER[each.level], each.ends_in, each.key)))


def current_pathway(session: ReadSession | Look, key: str) -> Pathway:
    """The newest version of a pathway.

    Raises:
        PathwayUnknown: there is no such pathway.
    """
    found = versions(session, key)
    if not found:
        raise no_such_pathway()
    return _pathway(session, found[-1])


def pathway_version(session: ReadSession | Look, key: str, version: int) -> Pathway:
    """A pathway exactly as it was at one version.

    Raises:
        PathwayUnknown: there is no such pathway or version.
    """
    return pathway_of(session, row_of(session, key, version))


def row_of(session: ReadSession | Look, key: str, version: int) -> sa.Row[Any]:
    """The row of one version, without its document.

    Raises:
        PathwayUnknown: there is no such pathway or version.
    """
    for row in versions(session, key):
        if row.version == version:
            return row
    raise no_such_pathway()


def versions(session: ReadSession | Look, key: str) -> Sequence[sa.Row[Any]]:
    """What is stored under a key, without the documents; the newest version last."""
    return session.run(_VERSIONS, {"pathway": key}).all() if _KEY.fullmatch(key) else ()


def pathway_bytes(session: ReadSession | Look, key: str, version: int) -> bytes:
    """One version of a pathway as canonical JSON: the same bytes for good, whose SHA-256 is its digest.

    Raises:
        PathwayUnknown: there is no such pathway or version.
    """
    row = row_of(session, key, version)
    return documents.canonical(session.run(_DOCUMENT, {"id": row.id}).one().document)


def path_of(pathway: Pathway) -> str:
    """Where the document of a pathway's version is served, from the root of this server."""
    return f"/programme/pathways/{pathway.key}/{pathway.version}.json"


def leading_to(session: ReadSession, achievement_key: str, achievement_version: int) -> Pathway | None:
    """The pathway whose rule stands before a badge: a stack's own at its version, a module's as it is now.

    Args:
        session: for reading.
        achievement_key: of a module or of a pathway.
        achievement_version: of what is awarded.

    Returns:
        None where no pathway leads there.

    Raises:
        PathwayUnknown: there is no pathway of that key, or not in this version.
    """
    if is_pathway_key(achievement_key):
        return pathway_version(session, achievement_key, achievement_version)
    return next((each for each in pathways(session) if each.leads_to == achievement_key), None)


def pathway_of(session: ReadSession | Look, row: sa.Row[Any]) -> Pathway:
    """The pathway of a row."""
    return _pathway(session, row)


def _pathway(session: ReadSession | Look, row: sa.Row[Any]) -> Pathway:
    def build() -> Pathway:
        return documents.pathway_from(session.run(_DOCUMENT, {"id": row.id}).one().document, row.digest)

    return _KEPT.get(row.id, build)


def no_such_pathway() -> PathwayUnknown:
    """What is said of a pathway that is not there."""
    return PathwayUnknown("This programme has no such pathway, or not in this version.")
