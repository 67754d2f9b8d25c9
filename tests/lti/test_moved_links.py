"""A placed link that was changed to open another module: its column is never given the award of the one before."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.core.runtime import Runtime
from app.lti.models import LtiGradeLink
from app.lti.scores import ask_again
from tests.lti.awarding import Grading
from tests.lti.columns import Columns
from tests.lti.platform import TOOL, Browser
from tests.lti.test_cohort import TEACHER, teach

PATHWAY = f"{TOOL}/pathway"


@pytest.fixture
def platform() -> Columns:
    return Columns()


@pytest.fixture
def grading(runtime: Runtime) -> Grading:
    return Grading(runtime)


@pytest.fixture
def tess(browser: Browser) -> Browser:
    assert browser.full_launch().status_code == 303
    return browser


def moved(browser: Browser, **claims: object) -> str:
    """The same link opens the pathway now, and somebody opens it; returns where their pages begin."""
    begun = browser.login(target_link_uri=PATHWAY)
    message = browser.platform.claims(begun.nonce, target_link_uri=PATHWAY, custom={"view": "pathway"}, **claims)
    response = browser.launch(browser.platform.sign(message), begun.state)
    assert response.status_code == 303, response.text
    return str(response.headers["location"].rstrip("/"))


def test_an_award_does_not_go_to_a_link_that_opens_something_else_by_now(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    moved(tess, **TEACHER)
    grading.award()
    assert platform.scores() == []
    assert (grading.score().state, grading.score().problem) == ("not_sent", "other_module")


def test_a_score_that_waited_does_not_go_to_the_column_of_another_module(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    platform.score_answers = [503]
    grading.award()
    moved(tess)
    grading.later()
    assert len(platform.scores()) == 1, "only the try before"
    assert (grading.score().state, grading.score().problem) == ("not_sent", "other_module")


def test_its_teacher_reads_why_and_sends_it_when_the_link_was_put_right(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    moved(tess, **TEACHER)
    grading.award()
    root = moved(tess, **TEACHER)
    assert "opens another module now, so" in tess.get(f"{root}/grades").text
    teach(tess)
    with grading.database.write() as session:
        assert ask_again(session, session.exec(select(LtiGradeLink)).one())
    grading.work()
    assert (grading.score().state, len(platform.scores())) == ("sent", 1)


def test_an_operators_score_goes_where_the_operator_says(tess: Browser, grading: Grading, platform: Columns) -> None:
    moved(tess, **TEACHER)
    grading.request("request-1", "5", "10")
    assert len(platform.scores()) == 1
