"""Storing a programme: every version once, for good, and all of a load or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlmodel import select

from app.core import audit
from app.core.db import ReadSession, WriteSession
from app.programme import documents
from app.programme.case import CaseItem, case_items
from app.programme.errors import VersionInUse
from app.programme.frameworks import Programme
from app.programme.models import ProgrammeModuleVersion, ProgrammePathwayVersion, ProgrammeVersion
from app.programme.pathways import Pathway
from app.programme.schemas import CaseKind, LoadReport, Module

OF_A_PATHWAY = " What it takes from its modules (titles, hours, competencies, fidelity items) is part of it."
NOTHING_CHANGED = "Nothing was loaded; what was in use stays in use."
Published = Callable[[], Mapping[tuple[CaseKind, str], CaseItem]]


def store(session: WriteSession, programme: Programme, published: Published) -> LoadReport:
    """Store what is new of a checked programme, its modules and its pathways.

    Args:
        session: the transaction.
        programme: as the files have it.
        published: gives every item that was ever published, as its newest version has it.

    Raises:
        VersionInUse: changed content under a known number, a number lower than the one in use, or new wording under
            a published id.
    """
    name = f"{programme.key} v{programme.version}"
    new_programme = _is_new(
        programme.digest, programme.version, _digests(session, ProgrammeVersion, programme.key), "programme.yaml"
    )
    new_modules = [
        module
        for module in programme.modules
        if _is_new(
            module.digest,
            module.version,
            _digests(session, ProgrammeModuleVersion, module.key),
            f"modules/{module.key}/module.yaml",
        )
    ]
    new_pathways = [
        pathway
        for pathway in programme.pathways
        if _is_new(
            pathway.digest,
            pathway.version,
            _digests(session, ProgrammePathwayVersion, pathway.key),
            f"pathways/{pathway.key}.yaml",
            OF_A_PATHWAY,
        )
    ]
    if new_programme:
        _refuse_changed_meaning(published(), programme)
        _add_programme(session, programme)
    for module in new_modules:
        _add_module(session, programme.key, module)
    for pathway in new_pathways:
        _add_pathway(session, programme.key, pathway)
    new: list[Module | Pathway] = [*new_modules, *new_pathways]
    all_of_it: list[Module | Pathway] = [*programme.modules, *programme.pathways]
    loaded = ([name] if new_programme else []) + [_name(each) for each in new]
    unchanged = ([] if new_programme else [name]) + [_name(each) for each in all_of_it if each not in new]
    session.flush()
    return LoadReport(tuple(loaded), tuple(unchanged))


def _name(of: Module | Pathway) -> str:
    return f"{of.key} v{of.version}"


def _digests(
    session: ReadSession, table: type[ProgrammeVersion | ProgrammeModuleVersion | ProgrammePathwayVersion], key: str
) -> dict[int, str]:
    """Version number to digest of everything stored under a key."""
    return dict(session.exec(select(table.version, table.digest).where(table.key == key)).all())


def _is_new(digest: str, version: int, stored: dict[int, str], file: str, more: str = "") -> bool:
    """Whether this version is to be stored; refuses what would change the past. `more` says what counts as content."""
    newest = max(stored, default=0)
    if version < newest:
        raise VersionInUse(
            f"{file} says version {version}, but version {newest} is already in use.",
            kept=NOTHING_CHANGED,
            next_step=f"Raise the version to {newest + 1} if this content is meant, or load the newer files.",
        )
    if version > newest:
        return True
    if stored[version] != digest:
        raise VersionInUse(
            f"{file}: the content has changed, but version {version} is already in use. Raise the version to "
            f"{version + 1}.{more}",
            kept=NOTHING_CHANGED,
            next_step="Raise the version, then load again: whoever began under the old version finishes under it.",
        )
    return False


def _refuse_changed_meaning(published: Mapping[tuple[CaseKind, str], CaseItem], programme: Programme) -> None:
    """Badges point at published ids, so an id keeps its wording for good."""
    for item in case_items(programme):
        earlier = published.get((item.kind, item.id), item)
        if (earlier.name, earlier.statement) != (item.name, item.statement):
            raise VersionInUse(
                f"`{item.id}` was published with another wording, and badges point at it.",
                kept=NOTHING_CHANGED,
                next_step=f"Leave `{item.id}` as it was and give the new wording an id of its own.",
            )


def _add_programme(session: WriteSession, programme: Programme) -> None:
    document = documents.programme_document(programme)
    session.add(
        ProgrammeVersion(key=programme.key, version=programme.version, digest=programme.digest, document=document)
    )
    _audit(session, "programme", programme.key, programme.version)


def _add_module(session: WriteSession, programme_key: str, module: Module) -> None:
    document = documents.module_document(module)
    session.add(
        ProgrammeModuleVersion(
            key=module.key,
            version=module.version,
            programme_key=programme_key,
            digest=module.digest,
            document=document,
        )
    )
    _audit(session, "module", module.key, module.version)


def _add_pathway(session: WriteSession, programme_key: str, pathway: Pathway) -> None:
    document = documents.pathway_document(pathway)
    session.add(
        ProgrammePathwayVersion(
            key=pathway.key,
            version=pathway.version,
            programme_key=programme_key,
            digest=pathway.digest,
            document=document,
        )
    )
    _audit(session, "pathway", pathway.key, pathway.version)


def _audit(session: WriteSession, subject: str, key: str, version: int) -> None:
    audit.record(
        session, actor=audit.OPERATOR, action="programme.loaded", subject=subject, subject_id=key, version=version
    )
