"""Grades of a module that is done again: the gradebook hears of the second award, and of nothing before it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.core.runtime import Runtime
from app.learning import enrolments
from app.learning.models import EnrolmentRecord
from app.programme import service as programme
from tests.lti.awarding import DECIDED, Grading
from tests.lti.columns import Columns
from tests.lti.platform import Browser

CANVAS = {"guid": "g", "product_family_code": "canvas"}  # is told when work was handed in


@pytest.fixture
def platform() -> Columns:
    return Columns()


@pytest.fixture
def grading(runtime: Runtime) -> Grading:
    return Grading(runtime)


def test_a_module_that_is_done_again_is_told_with_the_dates_of_its_own_work(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    assert browser.full_launch(tool_platform=CANVAS).status_code == 303
    grading.award()
    first = grading.score()
    with grading.database.write() as session:
        person_id = session.exec(select(EnrolmentRecord.person_id)).one()
        module = programme.current_module(session, "M01")
        enrolments.begin_again(session, person_id=person_id, module=module, organisation_id=None)
    assert browser.full_launch(tool_platform=CANVAS).status_code == 303
    assert len(platform.scores()) == 1, "what is being done again is not told before it is decided"
    grading.award(decided_at=DECIDED + timedelta(days=30))
    again = platform.scores()[1]
    assert again["submission"] == {"submittedAt": "2026-04-03T05:06:07Z"}
    assert again["timestamp"] == "2026-04-03T05:06:07Z"
    assert again["scoreGiven"] == 100.0
    assert {row.state for row in grading.scores()} == {"sent"}
    assert first.decision_id != grading.scores()[-1].decision_id
