"""What stops nothing and is worth knowing: overdue reviews, sources to be settled, what no module assesses."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from app.programme import readings
from app.programme.errors import Problem
from tests.programme.conftest import Edit

MODULE = "modules/M01/module.yaml"
TODAY = date(2026, 11, 22)


@pytest.fixture
def only_m01(folder: Path, edit: Edit) -> Path:
    """The programme with one module, so that what the others assess is assessed by none."""
    for path in (folder / "modules").iterdir():
        if path.name != "M01":
            shutil.rmtree(path)
    edit("programme.yaml", "timeCritical: [M07]\n", "")
    edit("programme.yaml", "knowledgeChecks: [M02, M06, M07]", "knowledgeChecks: [M01]")
    return folder


def test_a_competency_and_an_item_that_no_criterion_credits_are_told_where_they_stand(only_m01: Path) -> None:
    notices = readings.read(only_m01, today=TODAY).notices
    framework, scale = "frameworks/ipsv-0.1.yaml", "scales/ips-25.yaml"
    for file, place, message in (
        (framework, "- id: IPSV-B1", "no criterion of any module credits the competency `IPSV-B1`"),
        (scale, "- id: FI-17", "no criterion of any module speaks to the fidelity item `FI-17`"),
    ):
        assert Problem(file, _line(only_m01, file, place), message, "notice") in notices
    assert not any("`IPSV-A1`" in notice.message or "`FI-09`" in notice.message for notice in notices)


def test_an_item_of_the_organisation_is_told_as_such(only_m01: Path) -> None:
    notices = readings.read(only_m01, today=TODAY).notices
    told = {item: next(n.message for n in notices if f"`{item}`" in n.message) for item in ("FI-04", "FI-12")}
    assert "the organisation's own" in told["FI-04"]
    assert "the organisation's own" not in told["FI-12"]


def test_nothing_is_said_of_what_modules_assess_that_were_not_read(folder: Path) -> None:
    notices = readings.read(folder, leave_out=lambda path: path.name != "M01", today=TODAY).notices
    assert {notice.file for notice in notices} <= {MODULE}


def test_sources_that_nobody_confirmed_or_read_are_counted_with_their_lines(only_m01: Path) -> None:
    path = only_m01 / MODULE
    path.write_text(re.sub(r"(?i)not yet", "long since", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert not _unsettled(only_m01)
    lines = path.read_text(encoding="utf-8").splitlines()
    first, second, third = [number for number, line in enumerate(lines) if line.startswith("        source: ")][:3]
    lines[first] = "        source: A public page. Not yet confirmed by Orygen."
    lines[third] = "        source: >-\n          A manual,\n          not yet read."
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (notice,) = _unsettled(only_m01)
    assert (notice.file, notice.line) == (MODULE, first + 1)
    assert f"2 sources are not yet confirmed or not yet read, in lines {first + 1}, {third + 1}" in notice.message
    path.write_text("\n".join(lines).replace("not yet read", "read") + "\n", encoding="utf-8")
    (notice,) = _unsettled(only_m01)
    assert f"1 source is not yet confirmed or not yet read, in line {first + 1}: " in notice.message
    assert first < second < third


def _unsettled(folder: Path) -> list[Problem]:
    return [notice for notice in readings.read(folder, today=TODAY).notices if "not yet confirmed" in notice.message]


def test_an_overdue_review_of_the_module_and_of_each_claim_is_told(only_m01: Path, edit: Edit) -> None:
    of_module = edit(MODULE, "reviewBy: 2027-11-30", "reviewBy: 2027-01-31")
    of_claim = edit(MODULE, "        reviewBy: 2027-11-30", "        reviewBy: 2027-02-28")
    on_the_day = readings.read(only_m01, today=date(2027, 1, 31)).notices
    assert not [notice for notice in on_the_day if "overdue" in notice.message]
    later = {(n.line, n.message) for n in readings.read(only_m01, today=date(2027, 3, 1)).notices if n.file == MODULE}
    assert (of_module, "the review of this module is overdue: it was due by 31 January 2027") in later
    assert (of_claim, "this claim was to be checked again by 28 February 2027") in later
    assert len([told for told in later if "not yet" not in told[1]]) == 2


@pytest.mark.parametrize(("today", "blocked"), [(date(2027, 4, 1), False), (date(2027, 4, 2), True)])
def test_a_time_critical_module_is_blocked_sixty_days_after_its_earliest_review(
    only_m01: Path, edit: Edit, today: date, blocked: bool
) -> None:
    edit("programme.yaml", "version: 2", "version: 2\ntimeCritical: [M01]")
    edit(MODULE, "        reviewBy: 2027-11-30", "        reviewBy: 2027-01-31")
    reading = readings.read(only_m01, today=today)
    told = [n for n in reading.notices if "no new badge may be issued" in n.message]
    assert [(n.file, n.line) for n in told] == ([(MODULE, _line(only_m01, MODULE, "key: M01"))] if blocked else [])
    assert reading.programme.modules[0].issue_until == date(2027, 4, 1)


def _line(folder: Path, file: str, text: str) -> int:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.strip().startswith(text.strip()))
