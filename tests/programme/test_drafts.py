"""A draft is checked and shown to its author, and nobody else meets it; what learners cannot do yet stays a draft."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from app.programme import readings, service
from app.programme.achievements import criteria_narrative
from app.programme.documents import module_document, module_from, with_digest
from app.programme.errors import Problem, ProgrammeInvalid
from app.programme.schemas import Module
from tests.programme.conftest import IPS, Edit

MODULE = "modules/M02/module.yaml"
CHECK = "modules/M02/knowledge-check.yaml"
CHECKLIST = "modules/M02/observation-handover.yaml"
CALIBRATION = "modules/X2a/calibration.yaml"
BASIC = tuple(f"M{number:02}" for number in range(1, 11))
ADVANCED = ("X1", "X2", "X2a", "X3", "X4", "X5")


@dataclass(frozen=True)
class Mistake:
    """What the author of a draft does, and what they must be told; `below` lines after the edit the problem stands."""

    file: str
    old: str
    new: str
    told: str
    below: int = 0


MISTAKES = {
    "a checklist that is not there": Mistake(MODULE, "checklist: observation-handover.yaml", "checklist: no.yaml",
                                             "`no.yaml` does not exist"),
    "an example that is not there": Mistake(MODULE, "example: exercise-shadow", "example: exercises-shadow",
                                            "does not exist in the folder"),
    "an observer nobody knows": Mistake(MODULE, "by: [clinician]", "by: [friend]", "must be one of"),
    "an observer named twice": Mistake(MODULE, "by: [clinician]", "by: [mentor, mentor]", "named twice"),
    "no observer at all": Mistake(MODULE, "by: [clinician]", "by: []", "needs at least 1 entries"),
    "a line used twice": Mistake(CHECKLIST, "key: stays", "key: asks-plainly", "`asks-plainly` is used twice"),
    "a required observation that the award forgets": Mistake(MODULE, "  observationsMeet: true\n", "",
                                                             "say `observationsMeet: true`", below=-4),
    "a bank that is too small": Mistake(MODULE, "draw: 10", "draw: 15", "fewer than 23"),
    "an attendance that nobody confirms": Mistake(MODULE, "  - kind: observation", "  - kind: attendance",
                                                  "`confirmedBy` is missing"),
    "two options alike": Mistake(CHECK, "Ask what the three ideas share, and arrange a quick look at one.",
                                 "Ask him which of the three he is surest about, and hold employer visits until he "
                                 "knows.", "two options say the same", below=-7),
    "one of several needed before, one of them nobody's": Mistake(
        MODULE, "prerequisites: [M01]", "prerequisites: [M01, {anyOf: [M01, M99]}]", "there is no module `M99`"),
    "one of several needed before, one of them itself": Mistake(
        MODULE, "prerequisites: [M01]", "prerequisites: [{anyOf: [M01, M02]}]", "cannot be needed before itself"),
    "one of one needed before": Mistake(
        MODULE, "prerequisites: [M01]", "prerequisites: [{anyOf: [M01]}]", "at least 2"),
    "needed before and named twice": Mistake(
        MODULE, "prerequisites: [M01]", "prerequisites: [M01, {anyOf: [M01, M02]}]", "named twice"),
    "needed before by a name nobody knows": Mistake(
        MODULE, "prerequisites: [M01]", "prerequisites: [{oneOf: [M01, M02]}]", "`oneOf` is not a name we know here"),
    "a provisional status by a module nobody knows": Mistake(
        "programme.yaml", "knowledgeChecks: [M02, M06, M07]", "knowledgeChecks: [M98]", "there is no module `M98`"),
    "a provisional status for nothing": Mistake(
        "programme.yaml", "awarded: [M01]\n  knowledgeChecks: [M02, M06, M07]", "awarded: []", "asks for nothing",
        below=-1),
    "a provisional status in no time": Mistake("programme.yaml", "withinWeeks: 8", "withinWeeks: 0", "or equal to 1"),
}  # fmt: skip
CALIBRATION_MISTAKES = {
    "a module nobody knows": Mistake(CALIBRATION, "module: M01", "module: M99", "no module `M99`"),
    "an older rubric": Mistake(CALIBRATION, "rubricVersion: 1", "rubricVersion: 2", "is at version 1"),
    "a criterion nobody knows": Mistake(CALIBRATION, "{principles-in-use: 3", "{principles: 3", "no criterion of M01"),
    "a level too high": Mistake(CALIBRATION, "{principles-in-use: 3", "{principles-in-use: 5", "or equal to 4"),
    "an answer to no field": Mistake(CALIBRATION, '        met: "8"', '        seen: "8"', "no field of exercise"),
    "a field without its answer": Mistake(CALIBRATION, '        met: "8"\n', "", "`met` is missing here", below=-4),
    "an answer to no exercise": Mistake(CALIBRATION, "      exercise:", "      exercises:", "no exercise `exercises`"),
    "a reflection that is none": Mistake(CALIBRATION, "      reflection: |", "      thoughts: |", "no reflection"),
    "an observation that is none": Mistake(CALIBRATION, "      employer-visit:", "      visit:", "no observation"),
    "too many marks": Mistake(CALIBRATION, "marks: 32", "marks: 40", "hold 32 marks"),
    "more decisions than samples": Mistake(CALIBRATION, "decisionsAsAgreed: 7", "decisionsAsAgreed: 9", "only 8"),
    "a sample used twice": Mistake(CALIBRATION, "key: s2", "key: s1", "`s1` is used twice"),
    "a decision nobody knows": Mistake(CALIBRATION, "decision: award", "decision: maybe", "must be one of"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_a_draft_is_told_by_file_and_line(mistake: Mistake, folder: Path, edit: Edit) -> None:
    _told_where_it_stands(mistake, folder, edit, "M01", "M02")


@pytest.mark.parametrize("mistake", CALIBRATION_MISTAKES.values(), ids=CALIBRATION_MISTAKES.keys())
def test_samples_that_do_not_fit_their_module_are_told(mistake: Mistake, folder: Path, edit: Edit) -> None:
    _told_where_it_stands(mistake, folder, edit, "M01", "M06", "X2a")


@pytest.fixture(scope="module")
def written() -> dict[str, Module]:
    """The modules of the repository, published and drafts, by key."""
    reading = readings.read(IPS)
    return {module.key: module for module in (*reading.programme.modules, *reading.drafts)}


def test_all_sixteen_modules_are_published() -> None:
    reading = readings.read(IPS)
    assert tuple(module.key for module in reading.programme.modules) == BASIC + ADVANCED
    assert reading.drafts == ()


def test_a_module_comes_whole_through_json(written: dict[str, Module]) -> None:
    for module in written.values():
        assert module_from(module_document(module), module.digest) == module == with_digest(module)


def test_a_module_holds_what_its_files_say(written: dict[str, Module]) -> None:
    module = written["M02"]
    (seen,) = module.activities_of("observation")
    assert (seen.observers, seen.required, len(seen.checklist)) == (("clinician",), True, 6)
    (exercise,) = module.activities_of("exercise")
    assert exercise.example_markdown
    assert [field.key for field in exercise.fields if field.kind == "file"] == ["map"]
    (check,) = module.activities_of("knowledge_check")
    assert all(option.feedback for question in check.questions for option in question.options)
    assert module.prerequisites == ("M01",)
    assert module.award_rule.observations_meet
    assert module.renewal_activities == ("knowledge-check", "handover")
    assert written["M03"].youth_elements == ("Y2", "Y3", "Y7")


def test_the_samples_for_assessors_hold_all_that_was_agreed(written: dict[str, Module]) -> None:
    calibration = written["X2a"].calibration
    assert calibration is not None
    assert (len(calibration.samples), calibration.marks) == (8, 32)
    assert [sample.key for sample in calibration.samples if sample.quarantine] == ["s8"]
    first = calibration.samples[0]
    assert (first.answers[0].field, first.answers[0].text) == ("mentioned", "20")
    assert [answer.activity for answer in first.answers if answer.field is None] == ["reflection"]


def test_only_what_ages_quickly_has_a_last_day_for_new_badges(written: dict[str, Module]) -> None:
    last_days = {key: module.issue_until for key, module in written.items() if module.issue_until}
    assert {key: day.isoformat() for key, day in last_days.items()} == {"M07": "2027-07-30"}


def test_a_badge_says_who_observed_and_promises_nothing_that_is_not_required(written: dict[str, Module]) -> None:
    told = {key: criteria_narrative(module, "Orygen") for key, module in written.items()}
    assert "- is observed at work by a clinician: “Handing over a concern”" in told["M02"]
    assert "by a supervisor, a mentor or an assessor: “" in told["M06"]
    (optional,) = written["M04"].activities_of("observation")
    assert not optional.required
    assert optional.title not in told["M04"]


def test_what_the_drafts_use_is_offered_in_a_published_module(folder: Path, edit: Edit) -> None:
    edit(MODULE, "status: draft", "status: published")
    module = next(one for one in service.load_programme(folder).modules if one.key == "M02")
    (watched,) = module.activities_of("observation")
    assert (watched.observers, len(watched.checklist)) == (("clinician",), 6)


def test_attendance_is_offered_in_a_published_module(folder: Path, edit: Edit) -> None:
    edit(
        "modules/M01/module.yaml",
        "  - kind: reflection\n    key: reflection\n    title: Not yet\n    minutes: 60\n    text: reflection.md\n"
        "    minWords: 300\n    maxWords: 500\n",
        "  - kind: attendance\n    key: circle\n    title: Circle\n    minutes: 60\n    text: reflection.md\n"
        "    confirmedBy: [roster, code]\n",
    )
    (module,) = service.load_programme(folder).modules
    (circle,) = module.activities_of("attendance")
    assert circle.confirmed_by == ("roster", "code")


def test_a_module_may_need_one_of_several_before(written: dict[str, Module]) -> None:
    assert written["M09"].needed_before == (("M01",), ("M05", "M06"))


@pytest.mark.parametrize("status", ["status: draft", 'status: "draft"', "status:   draft  # soon"])
def test_a_draft_is_left_out_however_its_status_is_written(folder: Path, edit: Edit, status: str) -> None:
    edit(MODULE, "status: draft", status)
    assert [module.key for module in service.load_programme(folder).modules] == ["M01"]


def test_a_mistake_in_a_draft_does_not_stop_what_is_published(folder: Path, edit: Edit) -> None:
    edit(MODULE, "level: basic", "level: easy")
    assert [module.key for module in service.load_programme(folder).modules] == ["M01"]


def test_a_draft_may_link_to_a_draft(folder: Path, edit: Edit) -> None:
    lesson = "modules/M02/lessons/03-who-says-it-is-safe.md"
    text = (folder / lesson).read_text(encoding="utf-8")
    (folder / lesson).write_text(f"{text}\n[Next](/programme/modules/M03)\n", encoding="utf-8")
    assert readings.read(folder, leave_out=lambda path: path.name not in ("M01", "M02")).drafts


def _told_where_it_stands(mistake: Mistake, folder: Path, edit: Edit, *read: str) -> None:
    line = edit(mistake.file, mistake.old, mistake.new)
    with pytest.raises(ProgrammeInvalid) as caught:
        readings.read(folder, leave_out=lambda path: path.name not in read)
    fitting: list[Problem] = [each for each in caught.value.problems if mistake.told in each.message]
    assert fitting, caught.value.problems
    assert (fitting[0].file, fitting[0].line) == (mistake.file, line + mistake.below)
