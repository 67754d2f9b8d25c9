"""Every kind of mistake is named by file and line, in words that say what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.db import Database
from app.programme import readings, service
from app.programme.errors import NoProgramme, Problem, ProgrammeInvalid
from app.programme.located import read_yaml
from tests.programme.conftest import Edit
from tests.programme.folders import PLAIN_BANK

MODULE = "modules/M01/module.yaml"
CHECK = "modules/M01/knowledge-check.yaml"
FORM = "modules/M01/exercise.yaml"
LESSON = "modules/M01/lessons/01-what-makes-ips-ips.md"
FRAMEWORK = "frameworks/ipsv-0.1.yaml"
SCALE = "scales/ips-25.yaml"
WITH_ITS_FEEDBACK = next(line.strip() for line in PLAIN_BANK.read_text(encoding="utf-8").splitlines() if " a: " in line)


@dataclass(frozen=True)
class Mistake:
    """What an author does, and what they must be told; `below` lines after the edit the problem stands."""

    file: str
    old: str
    new: str
    told: str
    below: int = 0


MISTAKES = {
    "unknown competency": Mistake(MODULE, "IPSV-A2, IPSV-A4]", "IPSV-Z9, IPSV-A4]", "no competency `IPSV-Z9`"),
    "unknown fidelity item": Mistake(MODULE, "fidelityItems: [FI-09]", "fidelityItems: [FI-99]", "no fidelity item"),
    "unknown principle": Mistake(MODULE, "principles: [P2]", "principles: [P9]", "no principle `P9`"),
    "unknown theme": Mistake(MODULE, "themes: [T4]", "themes: [T9]", "no theme `T9`"),
    "unknown domain": Mistake(MODULE, "domain: IPSV-A", "domain: IPSV-Z", "no domain `IPSV-Z`"),
    "unknown item in a framework": Mistake(FRAMEWORK, "fidelityItems: [FI-10]", "fidelityItems: [FI-77]", "`FI-77`"),
    "duplicate competency": Mistake(FRAMEWORK, "id: IPSV-A2", "id: IPSV-A1", "`IPSV-A1` is used twice; first at"),
    "duplicate item": Mistake(SCALE, "id: FI-02", "id: FI-01", "`FI-01` is used twice"),
    "duplicate question": Mistake(CHECK, "key: q2", "key: q1", "`q1` is used twice"),
    "duplicate field": Mistake(FORM, "key: offered", "key: mentioned", "`mentioned` is used twice"),
    "duplicate criterion": Mistake(MODULE, "key: seeing-gates", "key: principles-in-use", "is used twice"),
    "duplicate activity": Mistake(MODULE, "key: reflection\n", "key: exercise\n", "`exercise` is used twice"),
    "a name written twice": Mistake(MODULE, "level: basic", "level: basic\nlevel: basic", "written twice", below=1),
    "text for a number": Mistake(MODULE, "hours: 6", 'hours: "6"', "`hours` must be a whole number"),
    "number for text": Mistake(MODULE, "title: What Makes IPS, IPS", "title: 12", "must be text: put it in quotes"),
    "wrong date": Mistake(MODULE, "reviewBy: 2027-11-30", "reviewBy: next year", "must be a date like"),
    "wrong choice": Mistake(MODULE, "level: basic", "level: easy", "must be one of 'basic' or 'advanced'"),
    "unknown kind": Mistake(MODULE, "- kind: lesson", "- kind: film", "must be one of"),
    "misspelt name": Mistake(MODULE, "validityMonths:", "validtyMonths:", "did you mean `validityMonths`?"),
    "empty text": Mistake(MODULE, "title: Find the gate", 'title: " "', "`title` is empty"),
    "key of a wrong form": Mistake(CHECK, "key: q1", "key: Q 1", "form we cannot use"),
    "plain http": Mistake("programme.yaml", "https://www", "http://www", "form we cannot use"),
    "no right answer": Mistake(CHECK, "answer: c", "answer: e", "has no right answer: `e` is none of a, b, c, d"),
    "options alike": Mistake(CHECK, 'b: {text: "Desk and advert"', 'b: {text: "Readiness and desk"', "say the same",
                             below=-2),
    "more drawn than there are": Mistake(MODULE, "draw: 8", "draw: 13", "the bank holds 12"),
    "a bank that a second try knows already": Mistake(MODULE, "draw: 8", "draw: 9", "fewer than 14"),
    "a group that nothing asks for": Mistake(CHECK, "key: q1\n", "key: q1\n    group: gates\n",
                                             "nothing asks for the group `gates`", below=1),
    "some of each group and no group": Mistake(MODULE, "draw: 8", "draw: 8\n    drawFromEachGroup: 2",
                                               "no question of the bank names a `group`", below=1),
    "none of each group": Mistake(MODULE, "draw: 8", "draw: 8\n    drawFromEachGroup: 0", "or equal to 1", below=1),
    "a group of a wrong form": Mistake(CHECK, "key: q1\n", "key: q1\n    group: The gates\n", "form we cannot use",
                                       below=1),
    "unmapped criterion": Mistake(MODULE, "competencies: [IPSV-A2]", "competencies: []", "is not mapped"),
    "credit outside the module": Mistake(MODULE, "competencies: [IPSV-A2]", "competencies: [IPSV-B1]", "not among"),
    "competency nobody credits": Mistake(MODULE, "IPSV-A2, IPSV-A4]", "IPSV-A2, IPSV-B1]", "no criterion"),
    "three levels": Mistake(MODULE, "        - Lists or confuses them\n", "", "needs 4 level descriptions", below=-1),
    "minutes that do not add up": Mistake(MODULE, "hours: 6", "hours: 7", "add up to 360 minutes"),
    "shortest above longest": Mistake(MODULE, "minWords: 300", "minWords: 900", "`minWords` is larger"),
    "review before date": Mistake(MODULE, "reviewBy: 2027-11-30\n      - claim", "reviewBy: 2020-01-01\n      - claim",
                                  "must lie after"),
    "missing file": Mistake(MODULE, "text: reflection.md", "text: reflexion.md", "`reflexion.md` does not exist"),
    "path out of the folder": Mistake(MODULE, "text: reflection.md", "text: ../../principles.yaml", "cannot use"),
    "relative link": Mistake(LESSON, "Skill with people", "[Skill](more.md) with people", "`more.md` leads nowhere"),
    "link to no module": Mistake(LESSON, "Skill with", "[S](/programme/modules/M99) with", "leads nowhere"),
    "script link": Mistake(LESSON, "Skill with", "[S](ftp://example.org) with", "leads nowhere"),
    "picture without words": Mistake(LESSON, "Skill with", '![](media/a.png "A door")', "no words for those"),
    "picture without a caption": Mistake(LESSON, "Skill with", "![A door](media/a.png)", "has no caption"),
    "film without captions": Mistake(LESSON, "Skill with", "[Film](https://e.org/a.MP4?x)", "or the transcript"),
    "missing critical information": Mistake(MODULE, "  price: Set by", "  prise: Set by", "did you mean `price`?"),
    "link to a draft": Mistake(LESSON, "Skill with", "[S](/programme/modules/M02) with", "leads to a draft"),
    "unknown practice element": Mistake(MODULE, "themes: [T4]", "themes: [T4]\nyouthElements: [Y9]", "`Y9`", below=1),
    "unknown element in a rubric": Mistake(MODULE, "      principles: [P2]", "      youthElements: [Y9]", "`Y9`"),
    "needed before: nobody knows it": Mistake(MODULE, "themes: [T4]", "prerequisites: [M99]\nthemes: [T4]", "`M99`"),
    "needed before: a draft": Mistake(MODULE, "themes: [T4]", "prerequisites: [M02]\nthemes: [T4]", "is a draft"),
    "needed before: itself": Mistake(MODULE, "themes: [T4]", "prerequisites: [M01]\nthemes: [T4]", "before itself"),
    "renewed by nothing": Mistake(MODULE, "themes: [T4]", "renewal: Again.\nrenewalActivities: [x]\nthemes: [T4]",
                                  "no activity `x`", below=1),
    "renewal without words": Mistake(MODULE, "themes: [T4]", "renewalActivities: [exercise]\nthemes: [T4]",
                                     "`renewal` is missing"),
    "observations that nobody makes": Mistake(MODULE, "award:\n", "award:\n  observationsMeet: true\n",
                                              "no observation of this module is required", below=1),
    "a status nobody knows": Mistake(MODULE, "version: 1", "version: 1\nstatus: ready", "must be one of", below=1),
    "a key with two letters": Mistake(MODULE, "key: M01", "key: M01ab", "form we cannot use"),
    "an unknown main scale": Mistake("programme.yaml", "version: 2", "version: 2\nmainScale: x", "no scale", below=1),
    "an unknown time-critical module": Mistake("programme.yaml", "[M07]", "[M77]", "no module `M77`"),
    "an option that is a number": Mistake(CHECK, WITH_ITS_FEEDBACK, "a: 5", "`a` must be text"),
    "an option without its feedback": Mistake(CHECK, WITH_ITS_FEEDBACK, "a: {text: Agree.}", "`feedback` is missing"),
    "remote picture by http": Mistake(LESSON, "Skill with", '![S](http://example.org/a.png "S")', "lies elsewhere"),
    "remote picture": Mistake(LESSON, "Skill with", '![S](https://example.org/a.png "S")', "lies elsewhere"),
    "picture out of the folder": Mistake(LESSON, "Skill with", '![S](../M02/media/a.png "S")', "cannot be used"),
    "picture in an address": Mistake(LESSON, "Skill with", '![S](data:image/png;base64,aa "S")', "cannot be used"),
    "picture that is not there": Mistake(LESSON, "Skill with", '![S](media/a.png "S")', "does not exist in the folder"),
    "picture within a text": Mistake(LESSON, "Skill with", 'See ![S](media/a.png "S") with', "stands within a text"),
    "title in a text": Mistake(LESSON, "## Three drifts", "# Three drifts", "begin headings with `##`"),
    "gap between bands": Mistake(SCALE, "minimum: 100", "minimum: 101", "must begin at"),
    "unlabelled principle": Mistake("principles.yaml", "orygen: {order: 1", "other: {order: 1", "no vocabulary"),
    "tab": Mistake(MODULE, "  levels: [Not yet", "\tlevels: [Not yet", "tab"),
    "second colon": Mistake(CHECK, "stem: Mia wants", "stem: Mia: wants", "second colon"),
    "anchor": Mistake(MODULE, "level: basic", "level: &l basic", "names are not used here"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_by_file_and_line(mistake: Mistake, folder: Path, edit: Edit) -> None:
    line = edit(mistake.file, mistake.old, mistake.new)
    problems = _problems(folder)
    fitting = [problem for problem in problems if mistake.told in problem.message]
    assert fitting, problems
    assert (fitting[0].file, fitting[0].line) == (mistake.file, line + mistake.below)


def test_a_missing_name_is_told_at_what_it_is_missing_from(folder: Path, edit: Edit) -> None:
    line = edit(CHECK, "    answer: c\n", "")
    assert Problem(CHECK, line - 7, "`answer` is missing here") in _problems(folder)


def test_an_option_that_is_answered_with_silence_is_told(folder: Path) -> None:
    options = _without_feedback_of_their_own(folder / CHECK)
    told = [problem.line for problem in _problems(folder) if "answered with silence" in problem.message]
    assert told == options


def test_one_feedback_for_all_options_is_refused_where_learners_meet_it_and_told_to_who_is_still_writing(
    folder: Path, edit: Edit
) -> None:
    options = _without_feedback_of_their_own(folder / CHECK)
    edit(CHECK, "    answer: c\n", "    answer: c\n    feedback: Waiting adds a gate.\n")
    refused = [problem for problem in _problems(folder) if "no feedback of its own" in problem.message]
    assert [(problem.file, problem.line, problem.severity) for problem in refused] == [
        (CHECK, line, "error") for line in options
    ]
    edit(MODULE, "version: 1\n", "version: 1\nstatus: draft\n")
    notices = [notice for notice in readings.read(folder).notices if "no feedback of its own" in notice.message]
    assert [(notice.file, notice.line) for notice in notices] == [(CHECK, line) for line in options]


def _without_feedback_of_their_own(path: Path) -> list[int]:
    """Writes the options of the first question as plain texts; gives their lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    options = [number for number, line in enumerate(lines[:11], start=1) if "feedback: " in line]
    assert len(options) == 4
    for number in options:
        lines[number - 1] = re.sub(r'^(      [a-d]: )\{text: (".*?"), feedback.*$', r"\1\2", lines[number - 1])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return options


@pytest.mark.parametrize(
    ("each", "groups", "file", "told"),
    [
        (1, ["gates"] * 2, None, None),
        (2, ["gates"] * 3 + ["money"] * 3 + ["study"] * 3 + ["team"] * 3, None, None),
        (3, ["gates"] * 5 + ["money"] * 5, None, None),
        (1, ["gates"], CHECK, "the group `gates` needs at least 2 questions"),
        (3, ["gates"] * 4, CHECK, "the group `gates` needs at least 5 questions"),
        (5, ["gates"] * 8 + ["money"], CHECK, "the group `money` needs at least 8 questions"),
        (3, ["gates"] * 5 + ["money"] * 5 + ["team"] * 2, MODULE, "3 of each of 3 groups are 9, but 8 are drawn"),
        (9, ["gates"] * 12, MODULE, "9 of each of 1 groups are 9, but 8 are drawn"),
    ],
)
def test_a_draw_that_cannot_keep_its_promise_to_the_groups_is_told(
    folder: Path, edit: Edit, each: int, groups: list[str], file: str | None, told: str | None
) -> None:
    line = edit(MODULE, "    draw: 8\n", f"    draw: 8\n    drawFromEachGroup: {each}\n") + 1
    first: dict[str, int] = {}
    for number, group in enumerate(groups, start=1):
        first.setdefault(group, edit(CHECK, f"  - key: q{number}\n", f"  - key: q{number}\n    group: {group}\n") + 1)
    if told is None:
        service.load_programme(folder)
        return
    found = next(problem for problem in _problems(folder) if told in problem.message)
    assert found.file == file
    assert found.line == (line if file == MODULE else first[told.split("`")[1]])


def test_all_problems_of_all_files_are_told_at_once(folder: Path, edit: Edit) -> None:
    edit(FORM, "key: drop", "kee: drop")
    edit(CHECK, "answer: c", "answr: c")
    edit("principles.yaml", "id: P1", "id: p1")
    (folder / "youth-elements.yaml").unlink()
    files = {problem.file for problem in _problems(folder)}
    assert files == {FORM, CHECK, "principles.yaml", "youth-elements.yaml"}


def test_a_file_that_nothing_uses_is_told(folder: Path) -> None:
    (folder / "modules/M01/lessons/02-more.md").write_text("More.", encoding="utf-8")
    assert _problems(folder) == (
        Problem("modules/M01/lessons/02-more.md", 1, "no activity in module.yaml uses this file"),
    )


@pytest.mark.parametrize("file", ["readme.txt", "frameworks/more.yml", "modules/M01/lessons/door.jpg"])
def test_nor_is_a_file_of_any_other_kind_left_lying_about(folder: Path, file: str) -> None:
    (folder / file).write_text("key: other", encoding="utf-8")
    (problem,) = _problems(folder)
    assert (problem.file, problem.line) == (file, 1)
    assert "uses this file" in problem.message


def test_what_an_editor_hides_is_left_alone(folder: Path) -> None:
    (folder / "modules/M01/.module.yaml.swp").write_bytes(b"\x00")
    service.load_programme(folder)


def test_a_folder_that_is_not_called_like_its_module_is_told(folder: Path) -> None:
    (folder / "modules/M01").rename(folder / "modules/M11")
    (problem,) = _problems(folder)
    assert problem.file == "modules/M11/module.yaml"
    assert "the folder is called `M11`" in problem.message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"# nothing but a comment\n", "empty"),
        (b"- a list\n", "must hold `name: value` lines"),
        (b"key: \xff\n", "not UTF-8"),
        (b"key: 'open\n", "never closed"),
        (b"key: \x07\n", "characters that YAML does not allow"),
        (b"[" * 5000, "cannot be read as YAML"),
        (b"a: " + b"x" * 1_000_001, "larger than"),
        (b"key: !!python/object/apply:os.system [ls]\n", "is not used here"),
    ],
)
def test_a_file_that_is_no_sheet_at_all_is_told(folder: Path, content: bytes, told: str) -> None:
    (folder / "programme.yaml").write_bytes(content)
    problems = [problem for problem in _problems(folder) if problem.file == "programme.yaml"]
    assert any(told in problem.message for problem in problems), problems


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "does not exist" in _problems(tmp_path / "nowhere")[0].message


def test_nothing_is_stored_of_a_programme_with_a_problem(folder: Path, edit: Edit, database: Database) -> None:
    edit(MODULE, "hours: 6", "hours: 7")
    with pytest.raises(ProgrammeInvalid), database.write() as session:
        service.store(session, service.load_programme(folder))
    with database.read() as session:
        assert service.modules(session) == ()
        with pytest.raises(NoProgramme):
            service.current_programme(session)


@settings(deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text(alphabet="ab:-{}[]\"'&*!|>#\n\t ", max_size=80)))
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    lines = path.read_bytes().count(b"\n") + 1
    try:
        told = list(read_yaml(path, "any.yaml").lines.values())
    except ProgrammeInvalid as error:
        told = [problem.line for problem in error.problems]
    assert told
    assert all(1 <= line <= lines + 1 for line in told)


def _problems(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(folder)
    return caught.value.problems
