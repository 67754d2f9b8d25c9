"""The catalogue's public face: load it, keep every version, answer from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import select

from app.core import rows
from app.core.db import Look, ReadSession, WriteSession
from app.programme import documents, readings, stack_achievements, stacks, storing
from app.programme.achievements import achievement_of
from app.programme.case import CaseItem, case_items, cf_item_uuid, find_item
from app.programme.errors import ItemUnknown, ModuleUnknown, NoProgramme
from app.programme.frameworks import Competency, FidelityItem, Principle, Programme
from app.programme.kept import Kept
from app.programme.loader import is_marked_as_draft
from app.programme.models import ProgrammeModuleVersion, ProgrammeVersion
from app.programme.schemas import AchievementInfo, CaseKind, LoadReport, Module

ItemT = TypeVar("ItemT")
MAX_VERSION = 2**31 - 1  # what every database's integer column holds; addresses may carry more digits
_KEY = re.compile(r"[A-Za-z0-9-]{1,60}")
_MODULES, _PROGRAMMES, _ACHIEVEMENTS = Kept[Module](), Kept[Programme](), Kept[AchievementInfo]()
_MODULE, _PROGRAMME = rows.table(ProgrammeModuleVersion).c, rows.table(ProgrammeVersion).c
_ALL_MODULES = sa.select(_MODULE.id, _MODULE.key, _MODULE.version, _MODULE.programme_key, _MODULE.digest).order_by(
    _MODULE.version
)
_MODULE_VERSIONS = _ALL_MODULES.where(_MODULE.key == sa.bindparam("module"))
_PROGRAMME_VERSIONS = sa.select(_PROGRAMME.id, _PROGRAMME.digest).order_by(
    _PROGRAMME.loaded_at.desc(), _PROGRAMME.version.desc()
)
_MODULE_DOCUMENT = sa.select(_MODULE.document).where(_MODULE.id == sa.bindparam("id"))
_PROGRAMME_DOCUMENT = sa.select(_PROGRAMME.document).where(_PROGRAMME.id == sa.bindparam("id"))


def load_programme(directory: Path) -> Programme:
    """Read and check a programme's files, without the drafts among its modules; touches no database.

    Args:
        directory: the folder that holds `programme.yaml`.

    Raises:
        ProgrammeInvalid: `problems` names every place by file and line.
    """
    return readings.read(directory, leave_out=is_marked_as_draft).programme


def store(session: WriteSession, programme: Programme) -> LoadReport:
    """Make a checked programme the current one: all of it or, when anything is refused, nothing.

    Loading the same files again changes nothing. A version that was loaded once is in use for good, because people
    may have begun under it: content that changed needs a higher version number.

    Raises:
        VersionInUse: changed content under a known number, a number lower than the one in use, or new wording under
            a published id.
    """
    return storing.store(session, programme, lambda: _published_items(session))


def current_programme(session: ReadSession) -> Programme:
    """The programme as it stands, without modules.

    Raises:
        NoProgramme: none has been loaded.
    """
    for programme in _programmes(session):
        return programme
    raise NoProgramme("No programme has been loaded.", next_step="Run `waymark programme load`.")


def programme_version(session: ReadSession, key: str, version: int) -> Programme:
    """One version of a programme, without modules.

    Raises:
        NoProgramme: it was never loaded.
    """
    row = _programme_row(session, key, version)
    return documents.programme_from(row.document, row.digest)


def programme_bytes(session: ReadSession, key: str, version: int) -> bytes:
    """One version of a programme as canonical JSON: the same bytes for good, whose SHA-256 is its digest.

    Raises:
        NoProgramme: it was never loaded.
    """
    return documents.canonical(_programme_row(session, key, version).document)


def modules(session: ReadSession) -> tuple[Module, ...]:
    """The current version of every module, by key."""
    newest = {row.key: row for row in session.run(_ALL_MODULES)}
    return tuple(_module(session, newest[key]) for key in sorted(newest))


def current_module(session: ReadSession, key: str) -> Module:
    """The version of a module that new learners begin.

    Raises:
        ModuleUnknown: there is no such module.
    """
    versions = _module_versions(session, key)
    if not versions:
        raise _no_such_module()
    return _module(session, versions[-1])


def module_version(session: ReadSession, key: str, version: int) -> Module:
    """A module exactly as it was at one version.

    Raises:
        ModuleUnknown: there is no such module or version.
    """
    return _module(session, _module_row(session, key, version))


def achievement(session: ReadSession | Look, key: str, version: int) -> AchievementInfo:
    """What a badge of this module, or of this pathway, at this version says of the achievement.

    Raises:
        ModuleUnknown: there is no such module or version.
        PathwayUnknown: there is no such pathway or version, or it ends in a module's badge.
    """
    of_pathway = stacks.is_pathway_key(key)
    row = stacks.row_of(session, key, version) if of_pathway else _module_row(session, key, version)

    def build() -> AchievementInfo:
        programme = next(p for p in _programmes(session) if p.key == row.programme_key)
        items = _published_items(session)

        def find(kind: CaseKind, item_id: str) -> CaseItem:
            return items[kind, item_id]

        if of_pathway:
            return stack_achievements.achievement_of(stacks.pathway_of(session, row), programme, find)
        return achievement_of(_module(session, row), programme, find)

    # It says what the newest programme says of each item, so it is another one when a programme was loaded.
    return _ACHIEVEMENTS.get((row.id, *(programme.id for programme in _programme_rows(session))), build)


def current_achievement(session: ReadSession | Look, key: str) -> AchievementInfo:
    """What a new badge of this module or pathway says of the achievement.

    Raises:
        ModuleUnknown: there is no such module.
        PathwayUnknown: there is no such pathway, or it ends in a module's badge.
    """
    of_pathway = stacks.is_pathway_key(key)
    versions = stacks.versions(session, key) if of_pathway else _module_versions(session, key)
    if not versions:
        raise stacks.no_such_pathway() if of_pathway else _no_such_module()
    return achievement(session, key, versions[-1].version)


def current_achievements(session: ReadSession) -> tuple[AchievementInfo, ...]:
    """Everything a badge can be issued for: the modules by key, then the pathways with an achievement of their own."""
    current = [(module.key, module.version) for module in modules(session)]
    current += [(each.key, each.version) for each in stacks.pathways(session) if each.achievement is not None]
    return tuple(achievement(session, key, version) for key, version in current)


def case_item(session: ReadSession, kind: CaseKind, item_id: str) -> CaseItem:
    """The item of a kind and id, from the newest version of the programme that knows it.

    Raises:
        ItemUnknown: no version ever knew it.
    """
    return case_item_by_uuid(session, str(cf_item_uuid(kind, item_id)))[1]


def case_item_by_uuid(session: ReadSession, identifier: str) -> tuple[Programme, CaseItem]:
    """The item with a CASE identifier, and the newest version of the programme that knows it.

    Raises:
        ItemUnknown: no version ever knew it.
    """
    for programme in _programmes(session):
        item = find_item(programme, identifier)
        if item is not None:
            return programme, item
    raise ItemUnknown("No version of this programme knows this item.")


def competency(session: ReadSession, item_id: str) -> Competency:
    """A competency by id, e.g. `IPSV-A1`.

    Raises:
        ItemUnknown: no version ever knew it.
    """
    return _first(item for programme in _programmes(session) for item in programme.competencies if item.id == item_id)


def fidelity_item(session: ReadSession, item_id: str) -> FidelityItem:
    """An item of a fidelity scale by id, e.g. `FI-09`.

    Raises:
        ItemUnknown: no version ever knew it.
    """
    return _first(item for programme in _programmes(session) for item in programme.fidelity_items if item.id == item_id)


def principle(session: ReadSession, item_id: str) -> Principle:
    """A principle by its neutral id, e.g. `P2`.

    Raises:
        ItemUnknown: no version ever knew it.
    """
    return _first(item for programme in _programmes(session) for item in programme.principles if item.id == item_id)


def _published_items(session: ReadSession | Look) -> dict[tuple[CaseKind, str], CaseItem]:
    """Every item that was ever published, as its newest version has it."""
    found: dict[tuple[CaseKind, str], CaseItem] = {}
    for programme in _programmes(session):
        for item in case_items(programme):
            found.setdefault((item.kind, item.id), item)
    return found


def _first(items: Iterator[ItemT]) -> ItemT:
    for item in items:
        return item
    raise ItemUnknown("No version of this programme knows this item.")


def _programme_row(session: ReadSession, key: str, version: int) -> ProgrammeVersion:
    table = ProgrammeVersion
    if _KEY.fullmatch(key) and version <= MAX_VERSION:
        row = session.exec(select(table).where(table.key == key, table.version == version)).first()
        if row is not None:
            return row
    raise NoProgramme("There is no such version of this programme.")


def _module_row(session: ReadSession | Look, key: str, version: int) -> sa.Row[Any]:
    for row in _module_versions(session, key):
        if row.version == version:
            return row
    raise _no_such_module()


def _no_such_module() -> ModuleUnknown:
    return ModuleUnknown("This programme has no such module, or not in this version.")


def _module_versions(session: ReadSession | Look, key: str) -> Sequence[sa.Row[Any]]:
    """What is stored under a key, without the documents; the newest version last."""
    return session.run(_MODULE_VERSIONS, {"module": key}).all() if _KEY.fullmatch(key) else ()


def _module(session: ReadSession | Look, row: sa.Row[Any]) -> Module:
    def build() -> Module:
        return documents.module_from(session.run(_MODULE_DOCUMENT, {"id": row.id}).one().document, row.digest)

    return _MODULES.get(row.id, build)


def _programmes(session: ReadSession | Look) -> Iterator[Programme]:
    """Every version of every programme, newest first."""
    for row in _programme_rows(session):
        yield _programme(session, row)


def _programme_rows(session: ReadSession | Look) -> Sequence[sa.Row[Any]]:
    """What is stored of programmes, without the documents, newest first."""
    return session.run(_PROGRAMME_VERSIONS).all()


def _programme(session: ReadSession | Look, row: sa.Row[Any]) -> Programme:
    def build() -> Programme:
        return documents.programme_from(session.run(_PROGRAMME_DOCUMENT, {"id": row.id}).one().document, row.digest)

    return _PROGRAMMES.get(row.id, build)
