"""What a pathway declares to follow when a badge below it ends: written, checked, kept, and read as it was before."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.db import Database
from app.programme import service, stacks
from app.programme.documents import pathway_document, pathway_from, pathway_with_digest
from app.programme.errors import ProgrammeInvalid
from app.programme.frameworks import Programme
from app.programme.pathways import Consequence, Consequences, Pathway, consequences_of
from tests.programme.folders import IPS

MENTOR = "pathways/mentor.yaml"
DECLARED = "consequences:\n  expired: {grace: 90}\n  suspended: flag\n  revoked: proposeSuspension\n"
GRACE = Consequence("grace", 90)
PROPOSE = Consequence("propose_suspension")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The programme's files in a folder of the test's own."""
    return Path(shutil.copytree(IPS, tmp_path / "ips"))


def declare(folder: Path, words: str, file: str = MENTOR) -> None:
    """Say something else there."""
    text = (folder / file).read_text(encoding="utf-8")
    assert DECLARED in text
    (folder / file).write_text(text.replace(DECLARED, words), encoding="utf-8")


def loaded(folder: Path, key: str = "mentor") -> Pathway:
    return next(each for each in service.load_programme(folder).pathways if each.key == key)


def test_every_pathway_of_the_programme_declares_what_follows(ips: Programme) -> None:
    for pathway in ips.pathways:
        assert pathway.consequences is not None
        assert pathway.consequences.expired == GRACE
        assert pathway.consequences.revoked == PROPOSE


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            "consequences:\n  expired: grace\n  revoked: {grace: 14}\n",
            Consequences(GRACE, Consequence("flag"), Consequence("grace", 14)),
        ),
        ("consequences:\n  expired: nothing\n", Consequences(Consequence("nothing"))),
        ("", Consequences()),
    ],
)
def test_what_is_written_is_what_follows(whole: Path, database: Database, words: str, found: Consequences) -> None:
    declare(whole, words)
    with database.write() as session:
        service.store(session, service.load_programme(whole))
    with database.read() as session:
        assert consequences_of(stacks.current_pathway(session, "mentor")) == found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "consequences:\n  expired: proposeSuspension\n  revoked: flag\n",
            "cannot weigh less than one that is expired",
        ),
        ("consequences:\n  suspended: grace\n", "cannot weigh less than one that is suspended"),
        ("consequences:\n  expired: suspend\n", "mentor.yaml:"),
        ("consequences:\n  expired: {grace: 0}\n", "mentor.yaml:"),
        ("consequences:\n  expried: flag\n", "mentor.yaml:"),
    ],
)
def test_a_mistake_is_told_where_it_stands(whole: Path, words: str, told: str) -> None:
    declare(whole, words)
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(whole)
    (problem,) = (str(each) for each in caught.value.problems)
    assert told in problem
    text = (whole / MENTOR).read_text(encoding="utf-8")
    line = text[: text.index("consequences:")].count("\n") + 1
    assert problem.startswith(tuple(f"{MENTOR}:{line + below}:" for below in range(3)))


def test_consequences_of_a_rule_without_a_badge_say_nothing(whole: Path) -> None:
    text = (whole / MENTOR).read_text(encoding="utf-8")
    (whole / MENTOR).write_text(text.replace("    - practitioner\n", ""), encoding="utf-8")
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(whole)
    assert any("names no badge that could end" in str(each) for each in caught.value.problems)


def test_a_grace_as_long_as_the_badge_itself_is_none(whole: Path) -> None:
    declare(
        whole,
        "consequences:\n  expired: {grace: 700}\n  revoked: proposeSuspension\n",
        "pathways/practitioner.yaml",
    )
    practitioner = whole / "pathways/practitioner.yaml"
    text = practitioner.read_text(encoding="utf-8")
    practitioner.write_text(text.replace("validityMonths: 36", "validityMonths: 24"), encoding="utf-8")
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(whole)
    assert any("the badge itself ends after 24 months" in str(each) for each in caught.value.problems)


def test_the_badge_says_how_long_a_badge_below_it_may_be_expired(whole: Path, database: Database) -> None:
    declare(whole, "consequences:\n  expired: flag\n", "pathways/practitioner.yaml")
    with database.write() as session:
        service.store(session, service.load_programme(IPS))
    with database.read() as session:
        narrative = service.current_achievement(session, "practitioner").criteria_narrative
    assert "none of the badges below it may be expired for more than 90 days meanwhile" in narrative
    raised = replace(loaded(whole, "practitioner"), version=99)
    with database.write() as session:
        service.store(session, replace(service.load_programme(IPS), pathways=(pathway_with_digest(raised),)))
    with database.read() as session:
        assert "may be expired" not in service.current_achievement(session, "practitioner").criteria_narrative


@pytest.mark.parametrize(("days", "expired"), [(90, GRACE), (0, PROPOSE)])
def test_a_version_from_before_there_were_consequences_holds_as_it_was(
    ips: Programme, days: int, expired: Consequence
) -> None:
    now = next(each for each in ips.pathways if each.key == "practitioner")
    document = pathway_document(now)
    del document["consequences"]
    document["achievement"]["components_expired_days"] = days
    before = pathway_from(document, "a digest")
    assert consequences_of(before) == Consequences(expired=expired)
    assert pathway_document(before) == document


def test_what_is_not_declared_is_not_written(whole: Path) -> None:
    """So that what was loaded before keeps its digest."""
    declare(whole, "")
    assert "consequences" not in pathway_document(loaded(whole))
