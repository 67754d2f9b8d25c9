"""A person's competencies: which badge shows which, what is missing, and what has been worded anew since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.issuer.judged import JudgedBadge
from app.pathways import competencies
from app.pathways.competencies import Assessment, Catalogue, Cell, Line, Profile
from app.programme import pins, service
from app.programme.frameworks import Competency, Domain, Framework
from app.programme.pathways import Pathway
from app.programme.pins import FrameworkPin, PinnedFramework, Wording
from app.programme.schemas import Level
from tests.programme.folders import IPS

AT = datetime(2027, 6, 1, tzinfo=UTC)
NAMES = {1: "Not yet", 2: "Developing", 3: "Proficient", 4: "Strong"}


def competency(code: str, statement: str = "", replaces: tuple[str, ...] = ()) -> Competency:
    return Competency(code, code, statement or f"do {code}", "basic", "D", (), (), (), replaces)


def pinned(version: str, *of: Competency) -> PinnedFramework:
    domain = Domain("D", "A domain", "#000000", of)
    framework = Framework("f", "The framework", version, "x", "x", date(2027, 1, 1), (), (domain,))
    pin = FrameworkPin("f", version, f"digest of {version}")
    wordings = {
        each.id: Wording(each, pin, framework.title, framework.last_changed, pins.statement_digest(each)) for each in of
    }
    return PinnedFramework(pin, framework, wordings)


def assesses(key: str, level: Level = "basic", **criteria: tuple[str, ...]) -> Assessment:
    return Assessment(key, 1, f"Module {key}", level, criteria, NAMES)


def catalogue(*known: PinnedFramework, of: tuple[Assessment, ...]) -> Catalogue:
    return Catalogue((known[0].framework,), known, of, {(each.key, each.version): each for each in of})


def badge(of: str, judged_by: FrameworkPin | None = None, **changes: object) -> JudgedBadge:
    made = JudgedBadge(
        id=f"badge of {of}", achievement_key=of, achievement_version=1, person_id="tess", results=(),
        judged_by=judged_by, awarded_at=AT - timedelta(days=200), issued_at=AT - timedelta(days=200),
        valid_until=AT + timedelta(days=400), revoked_at=None, suspended_at=None,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


FIRST = pinned("0.1", competency("A"), competency("B"))
TWO = (assesses("M1", A=("a1", "a2")), assesses("X1", "advanced", A=("x",), B=("y",)))


def line(of: Profile, code: str) -> Line:
    return next(each for each in of.lines if each.competency.id == code)


def cell(of: Profile, code: str, level: Level) -> Cell:
    return next(each for each in line(of, code).cells if each.level == level)


def test_what_nobody_has_shown_is_open_and_says_by_what_it_can_be() -> None:
    found = competencies.profile(catalogue(FIRST, of=TWO), (), AT)
    assert [cell(found, "A", level).state for level in competencies.LEVELS] == ["open", "open"]
    assert [each.key for each in cell(found, "A", "basic").by] == ["M1"]
    assert cell(found, "B", "basic").state == "not_offered"
    assert found.shown == 0


@pytest.mark.parametrize(
    ("changes", "state", "counts"),
    [
        ({}, "shown", True),
        ({"valid_until": None}, "shown", True),
        ({"valid_until": AT + timedelta(days=90)}, "ending", True),
        ({"valid_until": AT + timedelta(days=91)}, "shown", True),
        ({"valid_until": AT}, "lapsed", False),
        ({"suspended_at": AT - timedelta(days=1)}, "lapsed", False),
        ({"revoked_at": AT - timedelta(days=1)}, "lapsed", False),
    ],
)
def test_a_badge_shows_it_for_as_long_as_it_stands(changes: dict[str, object], state: str, counts: bool) -> None:
    found = competencies.profile(catalogue(FIRST, of=TWO), (badge("M1", **changes),), AT)
    assert cell(found, "A", "basic").state == state
    assert cell(found, "A", "advanced").state == "open"
    assert line(found, "A").is_shown is counts


def test_a_renewed_badge_stands_before_one_that_ended_and_one_that_ends_soon() -> None:
    old = badge("M1", id="old", valid_until=AT - timedelta(days=1))
    soon = badge("M1", id="soon", valid_until=AT + timedelta(days=5))
    new = badge("M1", id="new")
    found = cell(competencies.profile(catalogue(FIRST, of=TWO), (old, soon, new), AT), "A", "basic")
    assert (found.state, [each.badge.id for each in found.shown]) == ("shown", ["new", "soon", "old"])


@pytest.mark.parametrize(
    ("results", "level"),
    [((("a1", 3), ("a2", 4)), 3), ((("a1", 4), ("a2", 4), ("z", 1)), 4), ((), None), ((("a1", 4),), None)],
)
def test_the_level_is_the_lowest_of_the_criteria_that_assess_it(
    results: tuple[tuple[str, int], ...], level: int | None
) -> None:
    found = cell(competencies.profile(catalogue(FIRST, of=TWO), (badge("M1", results=results),), AT), "A", "basic")
    assert found.best is not None
    assert found.best.level == level
    assert found.best.level_name == (NAMES[level] if level else None)


def test_a_new_wording_shows_both_and_takes_nothing_away() -> None:
    second = pinned("0.2", competency("A2", "do A better", replaces=("A",)), competency("B"))
    of = (*TWO, replace(assesses("M1", A2=("a1",)), version=2))
    found = competencies.profile(catalogue(second, FIRST, of=of), (badge("M1", FIRST.pin),), AT)
    assert cell(found, "A2", "basic").state == "shown"
    (drift,) = line(found, "A2").drift
    assert (drift.was.competency.statement, drift.was.pin.version) == ("do A", "0.1")
    assert (line(found, "A2").now.competency.statement, line(found, "A2").now.pin.version) == ("do A better", "0.2")
    assert found.earlier == ()


def test_a_wording_replaced_twice_is_followed_to_the_one_in_force() -> None:
    second = pinned("0.2", competency("A2", replaces=("A",)))
    third = pinned("0.3", competency("A3", replaces=("A2",)))
    found = competencies.profile(catalogue(third, second, FIRST, of=TWO), (badge("M1", FIRST.pin),), AT)
    assert [each.was.competency.id for each in line(found, "A3").drift] == ["A"]


def test_replacements_that_run_in_a_circle_end() -> None:
    second = pinned("0.2", competency("A2", replaces=("A",)))
    third = pinned("0.3", competency("B"), competency("A", replaces=("A2",)))
    assert competencies.successors(catalogue(third, second, FIRST, of=TWO)) == {"A2": "A"}


def test_the_same_wording_in_a_new_version_is_no_drift() -> None:
    second = pinned("0.2", competency("A"), competency("B", "do B otherwise"))
    found = competencies.profile(catalogue(second, FIRST, of=TWO), (badge("X1", FIRST.pin),), AT)
    assert line(found, "A").drift == ()
    assert [each.assessment.key for each in line(found, "B").drift] == ["X1"]  # even under an id that was kept


def test_a_competency_without_a_successor_stays_with_its_old_wording() -> None:
    second = pinned("0.2", competency("B"))
    found = competencies.profile(catalogue(second, FIRST, of=TWO), (badge("M1", FIRST.pin),), AT)
    assert [(each.was.competency.id, each.was.pin.version) for each in found.earlier] == [("A", "0.1")]


def test_a_badge_without_a_pin_is_read_by_the_newest_framework_that_knows_it() -> None:
    second = pinned("0.2", competency("A"), competency("B"))
    found = competencies.profile(catalogue(second, FIRST, of=TWO), (badge("M1"),), AT)
    best = cell(found, "A", "basic").best
    assert best is not None
    assert (best.was.pin.version, best.since_reworded) == ("0.2", False)


def test_taking_part_and_awards_show_no_competence() -> None:
    modules = service.load_programme(IPS).modules
    for module in modules:
        assert competencies.of_module(module).criteria
        for kind in competencies.NO_COMPETENCE:
            assert not competencies.of_module(replace(module, achievement_type=kind)).criteria


def test_a_stack_shows_what_its_conversation_assesses(ips_pathways: tuple[Pathway, ...]) -> None:
    practitioner = next(each for each in ips_pathways if each.key == "practitioner")
    found = competencies.of_pathway(practitioner)
    assert found.criteria["IPSV-A4"] == ("honest-about-drift", "data-used", "next-step")
    assert "IPSV-G3" not in found.criteria  # a condition holds an award back and credits nothing
    assert practitioner.achievement is not None
    award = replace(practitioner, achievement=replace(practitioner.achievement, achievement_type="Award"))
    assert not competencies.of_pathway(award).criteria
