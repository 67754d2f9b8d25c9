"""A panel and a calibration set as an author writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.programme import readings
from app.programme.achievements import criteria_narrative
from app.programme.documents import module_document, module_from
from app.programme.errors import ProgrammeInvalid
from tests.programme.conftest import IPS, Edit

MODULE = "modules/M01/module.yaml"
FORM = "modules/X2a/exercise-calibration.yaml"
RULE = "  minimumLevel: 3\n"


def test_a_rule_that_says_nothing_asks_for_one_assessor_and_keeps_its_digest() -> None:
    module = readings.read(IPS).programme.modules[0]
    assert module.award_rule.panel == 1
    assert "panel" not in module_document(module)["award_rule"]
    assert "An assessor appointed by" in criteria_narrative(module, "Orygen")


def test_a_rule_may_ask_for_two_and_the_badge_says_so(folder: Path, edit: Edit) -> None:
    edit(MODULE, RULE, f"{RULE}  panel: 2\n")
    (module,) = readings.read(folder).programme.modules
    assert module.award_rule.panel == 2
    assert module_from(module_document(module), module.digest) == module
    assert replace(module.award_rule, panel=1) != module.award_rule
    told = criteria_narrative(module, "Orygen")
    assert "Two assessors appointed by Orygen" in told
    assert "neither of whom sees the other’s mark first, judge the work" in told


@pytest.mark.parametrize("number", ["0", "3", "two"])
def test_no_other_number_is_a_panel(folder: Path, edit: Edit, number: str) -> None:
    line = edit(MODULE, RULE, f"{RULE}  panel: {number}\n")
    with pytest.raises(ProgrammeInvalid) as refused:
        readings.read(folder)
    assert [(problem.file, problem.line) for problem in refused.value.problems] == [(MODULE, line + 1)]


@pytest.mark.parametrize("part", ["levels", "decision", "quarantine", "reason"])
def test_a_set_that_no_exercise_asks_to_mark_is_told(folder: Path, edit: Edit, part: str) -> None:
    edit(FORM, f"key: s4-{part}", f"key: s4-no-{part}")
    with pytest.raises(ProgrammeInvalid) as refused:
        readings.read(folder)
    (problem,) = refused.value.problems
    assert problem.file == "modules/X2a/calibration.yaml"
    assert "no exercise of this module asks for the marks" in problem.message
