"""Versions: loaded whole or not at all, kept for good, never changed in place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.db import Database
from app.programme import documents, service
from app.programme.errors import ItemUnknown, ModuleUnknown, NoProgramme, VersionInUse
from app.programme.frameworks import Programme
from app.programme.schemas import LoadReport
from tests.programme.conftest import Edit

MODULE = "modules/M01/module.yaml"
LESSON = "modules/M01/lessons/01-what-makes-ips-ips.md"


def test_a_first_load_makes_everything_readable_again(database: Database, ips: Programme) -> None:
    assert _store(database, ips) == LoadReport(loaded=_names(ips), unchanged=())
    with database.read() as session:
        assert service.modules(session) == ips.modules
        assert service.current_module(session, "M01") == ips.modules[0]
        assert service.module_version(session, "M01", ips.modules[0].version) == ips.modules[0]
        assert service.current_programme(session) == dataclasses.replace(ips, modules=(), pathways=())
        assert service.programme_version(session, "ips", 2) == dataclasses.replace(ips, modules=(), pathways=())


def _names(programme: Programme) -> tuple[str, ...]:
    """What a report calls everything there is."""
    parts = (*programme.modules, *programme.pathways)
    return (f"ips v{programme.version}", *(f"{part.key} v{part.version}" for part in parts))


def test_loading_the_same_files_again_changes_nothing(database: Database, ips: Programme) -> None:
    _store(database, ips)
    assert _store(database, ips) == LoadReport(loaded=(), unchanged=_names(ips))
    with database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "programme.loaded")).all()
    assert sorted(entry.subject_id for entry in entries) == sorted(
        [*(each.key for each in (*ips.modules, *ips.pathways)), "ips"]
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (LESSON, "Mia is nineteen", "Mia is twenty", "modules/M01/module.yaml: the content has changed"),
        (MODULE, "hours: 6", "hours: 6\n# a remark", None),
        (
            "youth-elements.yaml",
            "  - id: Y7",
            "  - {id: Y8, name: Eight, statement: New.}\n  - id: Y7",
            "programme.yaml",
        ),
    ],
)
def test_content_changed_under_a_used_version_is_refused_and_remarks_are_not_content(
    folder: Path, edit: Edit, database: Database, file: str, old: str, new: str, told: str | None
) -> None:
    _store(database, service.load_programme(folder))
    edit(file, old, new)
    changed = service.load_programme(folder)
    if told is None:
        assert _store(database, changed).loaded == ()
        return
    with pytest.raises(VersionInUse) as caught:
        _store(database, changed)
    assert told in caught.value.detail
    assert f"Raise the version to {2 if 'modules/' in file else 3}" in caught.value.detail


def test_a_raised_version_is_current_and_the_earlier_one_stays(folder: Path, edit: Edit, database: Database) -> None:
    first = service.load_programme(folder)
    _store(database, first)
    edit(LESSON, "Mia is nineteen", "Mia is twenty")
    edit(MODULE, "version: 1", "version: 2")
    assert _store(database, service.load_programme(folder)) == LoadReport(("M01 v2",), ("ips v2",))
    with database.read() as session:
        assert service.current_module(session, "M01").activities[0].body_markdown.startswith("Mia is twenty")
        assert service.module_version(session, "M01", 1) == first.modules[0]
        assert [module.version for module in service.modules(session)] == [2]


def test_an_achievement_keeps_the_criteria_it_was_published_with(database: Database, ips: Programme) -> None:
    """What a version's criteria tell is part of the version: they say more only from the next one on."""
    newer = ips.modules[0]
    earlier = documents.with_digest(dataclasses.replace(newer, version=newer.version - 1, full_criteria=False))
    _store(database, dataclasses.replace(ips, modules=(earlier, *ips.modules[1:])))
    with database.read() as session:
        published = service.achievement(session, earlier.key, earlier.version)
    assert newer.outcomes[0] not in published.criteria_narrative
    with pytest.raises(VersionInUse):
        _store(
            database,
            dataclasses.replace(
                ips, modules=(documents.with_digest(dataclasses.replace(earlier, full_criteria=True)), *ips.modules[1:])
            ),
        )
    _store(database, ips)
    with database.read() as session:
        assert service.achievement(session, earlier.key, earlier.version) == published
        assert newer.outcomes[0] in service.current_achievement(session, newer.key).criteria_narrative


def test_files_older_than_what_is_in_use_are_refused(folder: Path, edit: Edit, database: Database) -> None:
    old = service.load_programme(folder)
    edit(MODULE, "version: 1", "version: 2")
    _store(database, service.load_programme(folder))
    with pytest.raises(VersionInUse, match="version 2 is already in use"):
        _store(database, old)


def test_when_one_part_is_refused_no_other_part_is_loaded(folder: Path, edit: Edit, database: Database) -> None:
    _store(database, service.load_programme(folder))
    edit("programme.yaml", "version: 2", "version: 3")
    edit(MODULE, "hours: 6", "hours: 6\nthemes: [T1]")
    edit(MODULE, "themes: [T4]\n", "")
    with pytest.raises(VersionInUse):
        _store(database, service.load_programme(folder))
    with database.read() as session:
        assert service.current_programme(session).version == 2


def test_a_published_id_keeps_its_wording_also_under_a_raised_version(
    folder: Path, edit: Edit, database: Database
) -> None:
    _store(database, service.load_programme(folder))
    edit("programme.yaml", "version: 2", "version: 3")
    edit("frameworks/ipsv-0.1.yaml", "name: Keep the door open", "name: Guard the door")
    with pytest.raises(VersionInUse, match="`IPSV-A2` was published with another wording"):
        _store(database, service.load_programme(folder))


def test_an_item_that_was_taken_out_can_still_be_looked_up(folder: Path, edit: Edit, database: Database) -> None:
    _store(database, service.load_programme(folder))
    edit("programme.yaml", "version: 2", "version: 3")
    edit("youth-elements.yaml", "id: Y7", "id: Y9")
    _store(database, service.load_programme(folder))
    with database.read() as session:
        assert service.case_item(session, "practice_element", "Y7").name == "Peer support"
        assert service.case_item(session, "practice_element", "Y9").name == "Peer support"


def test_single_items_are_found_by_id(database: Database, ips: Programme) -> None:
    _store(database, ips)
    with database.read() as session:
        assert service.competency(session, "IPSV-A1").name == "Explain IPS"
        assert service.fidelity_item(session, "FI-09").name == "Zero exclusion criteria"
        assert service.principle(session, "P2").name == "Open door"
        for look_up in (service.competency, service.fidelity_item, service.principle):
            with pytest.raises(ItemUnknown):
                look_up(session, "X-1")


@pytest.mark.parametrize("key", ["M99", "", "m01\x00", "M01' OR 1=1", "x" * 5000])
def test_an_unknown_module_is_not_found(database: Database, ips: Programme, key: str) -> None:
    _store(database, ips)
    with database.read() as session:
        with pytest.raises(ModuleUnknown):
            service.current_module(session, key)
        with pytest.raises(ModuleUnknown):
            service.achievement(session, key, 1)


@pytest.mark.parametrize("version", [0, 98, 10**30])
def test_an_unknown_version_is_not_found(database: Database, ips: Programme, version: int) -> None:
    _store(database, ips)
    with database.read() as session:
        with pytest.raises(ModuleUnknown):
            service.module_version(session, "M01", version)
        with pytest.raises(NoProgramme):
            service.programme_version(session, "ips", version + 1)


def _store(database: Database, programme: Programme) -> LoadReport:
    with database.write() as session:
        return service.store(session, programme)
