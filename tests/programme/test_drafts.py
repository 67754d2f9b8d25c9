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
DRAFTS = ("M02", "M03", "M04", "M05", "M06", "M07", "M08", "M09", "M10", "X1", "X2", "X2a")


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
def drafts() -> dict[str, Module]:
    """The drafts of the repository, by key."""
    return {module.key: module for module in readings.read(IPS).drafts}


def test_the_modules_that_are_being_written_are_there_as_drafts(drafts: dict[str, Module]) -> None:
    assert tuple(drafts) == DRAFTS
    assert [module.key for module in service.load_programme(IPS).modules] == ["M01"]


def test_a_draft_comes_whole_through_json(drafts: dict[str, Module]) -> None:
    for module in drafts.values():
        assert module_from(module_document(module), module.digest) == module == with_digest(module)


def test_a_draft_holds_what_its_files_say(drafts: dict[str, Module]) -> None:
    module = drafts["M02"]
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
    assert drafts["M03"].youth_elements == ("Y2", "Y3", "Y7")


def test_the_samples_for_assessors_hold_all_that_was_agreed(drafts: dict[str, Module]) -> None:
    calibration = drafts["X2a"].calibration
    assert calibration is not None
    assert (len(calibration.samples), calibration.marks) == (8, 32)
    assert [sample.key for sample in calibration.samples if sample.quarantine] == ["s8"]
    first = calibration.samples[0]
    assert (first.answers[0].field, first.answers[0].text) == ("mentioned", "20")
    assert [answer.activity for answer in first.answers if answer.field is None] == ["reflection"]


def test_only_what_ages_quickly_has_a_last_day_for_new_badges(drafts: dict[str, Module]) -> None:
    last_days = {key: module.issue_until for key, module in drafts.items() if module.issue_until}
    assert {key: day.isoformat() for key, day in last_days.items()} == {"M07": "2027-07-30"}


def test_a_badge_says_who_observed_and_promises_nothing_that_is_not_required(drafts: dict[str, Module]) -> None:
    told = {key: criteria_narrative(module, "Orygen") for key, module in drafts.items()}
    assert "- was observed at work by a clinician: “Handing over a concern”" in told["M02"]
    assert "by a supervisor, a mentor or an assessor: “" in told["M06"]
    (optional,) = drafts["M04"].activities_of("observation")
    assert not optional.required
    assert optional.title not in told["M04"]


def test_what_learners_cannot_do_yet_is_refused_in_a_published_module(folder: Path, edit: Edit) -> None:
    published = edit(MODULE, "status: draft", "status: published")
    text = (folder / MODULE).read_text(encoding="utf-8").splitlines()
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(folder)
    told = {(problem.file, problem.line) for problem in caught.value.problems if "not offered yet" in problem.message}
    assert (MODULE, text.index("  - kind: observation") + 1) in told
    form = (folder / "modules/M02/exercise-shadow-and-map.yaml").read_text(encoding="utf-8").splitlines()
    assert ("modules/M02/exercise-shadow-and-map.yaml", form.index("    kind: file") + 1) in told
    bank = (folder / CHECK).read_text(encoding="utf-8").splitlines()
    assert (CHECK, bank.index("      a:") + 1) in told
    assert published > 1


def test_attendance_is_refused_in_a_published_module(folder: Path, edit: Edit) -> None:
    line = edit(
        "modules/M01/module.yaml",
        "  - kind: reflection\n    key: reflection\n    title: Not yet\n    minutes: 60\n    text: reflection.md\n"
        "    minWords: 300\n    maxWords: 500\n",
        "  - kind: attendance\n    key: circle\n    title: Circle\n    minutes: 60\n    text: reflection.md\n"
        "    confirmedBy: [roster, code]\n",
    )
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(folder)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("modules/M01/module.yaml", line)
    assert "`attendance` is not offered yet" in problem.message


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
