"""An author sees a module as learners will, with every answer, and what the check says of it; nobody else can look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.web.preview import create_preview
from tests.programme.folders import IPS, with_one_published


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The IPS programme's files in a folder of the test's own; there all modules but the first are drafts."""
    copy = with_one_published(tmp_path)
    # Which sources are still to be settled is the authors' affair: here the check has nothing to say of M02.
    module = copy / "modules/M02/module.yaml"
    settled = re.sub(r"(?i)\bnot yet(?=\s+(confirmed|read))", "", module.read_text(encoding="utf-8"))
    module.write_text(settled, encoding="utf-8")
    return copy


@pytest.fixture
def author(folder: Path) -> Iterator[TestClient]:
    """The author's browser."""
    with TestClient(create_preview(folder), base_url="http://127.0.0.1:8020") as client:
        yield client


def _page(author: TestClient, path: str, status: int = 200) -> str:
    answer = author.get(path)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


@pytest.mark.parametrize("key", sorted(path.name for path in (IPS / "modules").iterdir()))
def test_every_step_of_every_module_can_be_looked_at(author: TestClient, key: str) -> None:
    page = _page(author, f"/preview/{key}")
    steps = [part.split('"')[0] for part in page.split(f'href="/preview/{key}/activity/')[1:]]
    assert len(steps) >= 4
    for step in steps:
        assert "to mend before this can be loaded" not in _page(author, f"/preview/{key}/activity/{step}")


def test_the_module_page_shows_steps_rubric_and_critical_information(author: TestClient) -> None:
    page = _page(author, "/preview/M02/module")
    for words in (
        "Draft: not offered to anybody",
        "The check finds nothing to mend in this module",
        "Twenty to five on a Friday",
        "Accuracy without labelling",
        "Understand mental health in work and study",
        "Identity check",
        "pass a short update check",
    ):
        assert words in page


def test_a_published_module_is_not_called_a_draft(author: TestClient, folder: Path) -> None:
    file = folder / "modules/M01/module.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("reviewBy: 2027", "reviewBy: 2025", 1), encoding="utf-8")
    page = _page(author, "/programme/modules/M01")
    assert "not offered to anybody" not in page
    assert "notice: the review of this module is overdue" in page


def test_the_knowledge_check_shows_answers_and_what_is_said_to_each_choice(author: TestClient) -> None:
    page = _page(author, "/preview/M02/activity/knowledge-check")
    assert page.count(" checked disabled") == page.count("Right answer.") == 20
    assert "Tempting, because a plan seems to need a fixed end." in page
    of_m01 = _page(author, "/preview/M01/activity/knowledge-check")
    assert "Symptoms shape the support, not access (P2, P3)." in of_m01
    assert "of each group" not in of_m01
    of_m07 = _page(author, "/preview/M07/activity/knowledge-check")
    assert "questions are drawn for each try, at least 4 of each group." in of_m07


def test_an_exercise_shows_its_example_and_its_form(author: TestClient) -> None:
    page = _page(author, "/preview/M02/activity/shadow-and-map")
    assert "A filled-in example" in page
    assert 'type="file"' in page
    assert 'value="FI-09"' in _page(author, "/preview/M01/activity/exercise")


def test_an_observation_shows_its_lines_and_who_may_observe(author: TestClient) -> None:
    page = _page(author, "/preview/M02/activity/handover")
    assert "Observed by: clinician. An award waits for it." in page
    assert page.count('value="not-yet"') == 6


def test_the_samples_for_assessors_are_shown_with_their_marks(author: TestClient) -> None:
    page = _page(author, "/preview/X2a/module")
    assert "7 of 8 decisions as agreed, and 90 per cent of 32 marks within one level" in page
    assert "principles-in-use 3, seeing-gates 3, fidelity-thinking 3, reflection-and-safety 4; award." in page


def test_attendance_says_how_it_is_confirmed(author: TestClient, folder: Path) -> None:
    file = folder / "modules/M01/module.yaml"
    text = file.read_text(encoding="utf-8")
    old = "  - kind: reflection\n", "    minWords: 300\n    maxWords: 500\n"
    new = "  - kind: attendance\n", "    confirmedBy: [roster, code]\n"
    for before, after in zip(old, new, strict=True):
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")
    page = _page(author, "/preview/M01/activity/reflection")
    assert "Confirmed by: roster or code." in page
    assert "not offered yet" not in page


def test_a_file_that_was_saved_shows_with_the_next_click_and_so_do_its_mistakes(
    author: TestClient, folder: Path
) -> None:
    file = folder / "modules/M02/module.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("hours: 8", "hours: 9"), encoding="utf-8")
    page = _page(author, "/preview/M02/module")
    assert "1 place to mend before this can be loaded" in page
    assert "modules/M02/module.yaml:13" in page
    assert "`hours` says 9 hours" in page
    file.write_text(text.replace("hours: 8", "hours: eight"), encoding="utf-8")
    for path in ("/preview/M02/module", "/preview/M02/activity/handover"):
        page = _page(author, path)
        assert "`hours` must be a whole number" in page
        assert "cannot be shown until the places above are mended" in page
    file.write_text(text, encoding="utf-8")
    assert "finds nothing to mend" in _page(author, "/preview/M02/module")


def test_a_criterion_with_a_level_too_few_can_still_be_looked_at(author: TestClient, folder: Path) -> None:
    file = folder / "modules/M01/module.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("        - Lists or confuses them\n", ""), encoding="utf-8")
    assert "needs 4 level descriptions" in _page(author, "/preview/M01/module")


def test_what_is_not_there_is_said(author: TestClient) -> None:
    for path in ("/preview/M99", "/preview/..%2fM01/module", "/preview/M01/activity/nothing"):
        _page(author, path, 404)


def test_another_name_for_this_computer_is_refused(folder: Path) -> None:
    with TestClient(create_preview(folder), base_url="http://attacker.example") as other:
        assert other.get("/preview/M01/module").status_code == 400


def test_nothing_is_fetched_from_elsewhere_and_nothing_kept(author: TestClient) -> None:
    headers = author.get("/preview/M01/module").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["cache-control"] == "no-store"
    assert author.get("/static/css/base.css").status_code == 200
