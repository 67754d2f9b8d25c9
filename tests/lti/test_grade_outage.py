"""Grades with LMSs that share no code with us, over real HTTP: in good times, on bad days, in an outage of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.config import Settings
from app.core.db import Database
from app.core.secrets import SecretBox
from practice_lms import duplicate_activity
from practice_lms.catalogue import TESS
from tests.lti.with_lms import Together, together

PROFILES = ("standard", "moodle", "canvas", "d2l")
GIVES_COLUMNS = ("standard", "moodle", "canvas")
DECIDED = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)

Begin = Callable[..., Together]


@pytest.fixture
def begin(settings: Settings, database: Database, secret_box: SecretBox) -> Iterator[Begin]:
    with ExitStack() as stack:

        def start(profile: str, **lms: object) -> Together:
            return stack.enter_context(together(settings, database, secret_box, profile, **lms))

        yield start


@pytest.mark.parametrize("profile", PROFILES)
def test_an_award_reaches_every_kind_of_gradebook_with_one_token(begin: Begin, profile: str) -> None:
    pair = begin(profile)
    pair.launch()
    pair.grading.award(decided_at=DECIDED)
    assert (pair.grading.score().state, pair.grading.score().last_error) == ("sent", None)
    (column,) = pair.columns()
    assert pair.grade(column) == column.score_maximum
    assert pair.platform.counts["token"] == pair.platform.counts["token.granted"] == 1
    assert pair.platform.counts["line_items.created"] == (0 if profile in GIVES_COLUMNS else 1)
    assert list(pair.platform.refusals) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_an_outage_of_a_day_loses_nothing_and_leaves_one_score(begin: Begin, profile: str) -> None:
    """Everything of the LMS that has to do with grades is away, tokens too; it is tried again all day long."""
    pair = begin(profile, access_token_seconds=3600)
    with time_machine.travel(DECIDED + timedelta(minutes=1)) as clock:
        pair.launch()
        for service in ("token", "scores", "line_items", "results"):
            pair.platform.trouble.start(service, how="status", status=503, seconds=86_400)
        pair.grading.award(decided_at=DECIDED)
        assert pair.grading.score().state == "waiting"
        for _ in range(48):
            clock.shift(1900)
            pair.grading.clock.seconds += 1900
            pair.grading.work()
        assert pair.grading.score().state == "sent"
        (column,) = pair.columns()
        assert pair.grade(column) == column.score_maximum
        (taken,) = pair.history(column)
        assert taken.timestamp == DECIDED
        assert pair.platform.counts["scores.taken"] == 1
        assert {row.state for row in pair.grading.deliveries()} == {"done"}
        assert pair.platform.counts["token"] <= 48 + 4


TROUBLE = {
    "the score is refused for now": {"service": "scores", "how": "status", "status": 503},
    "too many requests": {"service": "scores", "how": "status", "status": 429, "retry_after": 2},
    "a web page instead of an answer": {"service": "scores", "how": "html"},
    "ten megabytes": {"service": "scores", "how": "huge"},
    "a web page instead of a token": {"service": "token", "how": "html"},
    "a token of ten megabytes": {"service": "token", "how": "huge"},
}


@pytest.mark.parametrize("case", TROUBLE)
def test_a_bad_day_of_the_lms_is_waited_out(begin: Begin, case: str) -> None:
    pair = begin("standard")
    pair.launch()
    pair.platform.trouble.start(**TROUBLE[case], times=1)  # type: ignore[arg-type]
    pair.grading.award(decided_at=DECIDED)
    assert pair.grading.score().state == "waiting"
    pair.grading.later()
    assert pair.grading.score().state in ("sent", "already_there")
    (column,) = pair.columns()
    assert pair.grade(column) == column.score_maximum


@pytest.mark.parametrize(
    "case", ["a web page instead of columns", "columns of ten megabytes", "columns refused for now"]
)
def test_a_bad_day_of_the_list_of_columns_makes_none_too_many(begin: Begin, case: str) -> None:
    how = {"a web page instead of columns": "html", "columns of ten megabytes": "huge"}.get(case, "status")
    pair = begin("d2l")
    pair.launch()
    pair.platform.trouble.start("line_items", how=how, times=1)
    pair.grading.award(decided_at=DECIDED)
    assert pair.grading.score().state == "waiting"
    pair.grading.later()
    assert pair.grading.score().state == "sent"
    assert len(pair.columns()) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_token_that_was_revoked_is_replaced_on_the_spot(begin: Begin, profile: str) -> None:
    pair = begin(profile)
    pair.launch()
    pair.grading.award(decided_at=DECIDED)
    pair.platform.revoke_access_tokens()
    pair.grading.request("request-1", "80", "100")
    assert [row.state for row in pair.grading.scores()] == ["sent", "sent"]
    assert pair.platform.counts["token.granted"] == 2


@pytest.mark.parametrize("profile", PROFILES)
def test_a_correction_arrives_and_stands(begin: Begin, profile: str) -> None:
    """Also in Canvas, which keeps what is there if it is told to leave others' grades alone."""
    pair = begin(profile)
    pair.launch()
    pair.grading.award(decided_at=DECIDED)
    pair.grading.request("request-1", "80", "100")
    (column,) = pair.columns()
    assert pair.grade(column) == pytest.approx(0.8 * column.score_maximum)
    first, second = pair.history(column)
    assert first.timestamp < second.timestamp


@pytest.mark.parametrize("profile", PROFILES)
def test_a_crash_before_it_was_noted_doubles_nothing(begin: Begin, profile: str) -> None:
    pair = begin(profile)
    pair.launch()
    pair.grading.award(decided_at=DECIDED)

    def forget(row: object) -> None:
        row.state, row.sent_at = "waiting", None  # type: ignore[attr-defined]

    pair.grading.change(forget)
    pair.grading.repeat(handler="lti.send_score")
    assert pair.grading.score().state in ("sent", "already_there")
    (column,) = pair.columns()
    assert {taken.timestamp for taken in pair.history(column)} == {DECIDED}
    assert pair.grade(column) == column.score_maximum


def test_canvas_keeps_a_teachers_grade_and_uses_up_no_attempt(begin: Begin) -> None:
    pair = begin("canvas", attempts_allowed=1)
    pair.launch()
    (column,) = pair.columns()
    pair.platform.gradebook.grade_by_teacher(column, TESS.sub, 40)
    pair.grading.award(decided_at=DECIDED)
    assert pair.grading.score().state == "sent"
    assert pair.grade(column) == 40
    assert pair.platform.gradebook.submissions_of(column, TESS.sub) == 0


def test_canvas_with_an_older_score_of_the_future_is_given_a_later_one(begin: Begin) -> None:
    """It answers 400 to a score older than the one it has; its result tells that this is not the same."""
    pair = begin("canvas")
    pair.launch()
    pair.grading.request("request-1", "10", "100")
    pair.grading.award(decided_at=DECIDED)
    while [row.state for row in pair.grading.scores()] == ["sent", "waiting"]:  # until the next second has begun
        pair.grading.later()
    (column,) = pair.columns()
    times = [taken.timestamp for taken in pair.history(column)]
    assert times == sorted(set(times))
    assert [row.state for row in pair.grading.scores()] == ["sent", "sent"]


def test_a_person_who_left_the_course_is_refused_with_a_reason(begin: Begin) -> None:
    pair = begin("moodle")
    pair.launch()
    pair.platform.campus.set_status("foundations", TESS.sub, "Deleted")
    pair.grading.award(decided_at=DECIDED)
    row = pair.grading.score()
    assert (row.state, row.problem, row.last_error) == ("failed", "not_taken", "the service answered 400")


def test_a_duplicated_activity_has_its_own_column_and_keeps_it(begin: Begin) -> None:
    """Where the platform gives none, although both share resourceId and tag."""
    pair = begin("d2l")
    twin = duplicate_activity(pair.platform, "foundations", "m01")
    pair.launch()
    pair.launch(activity=twin.key)
    pair.grading.award(decided_at=DECIDED)
    assert len(pair.columns()) == 2
    assert len({column.resource_link_id for column in pair.columns()}) == 2
    assert [pair.grade(column) for column in pair.columns()] == [100, 100]


def test_an_award_before_the_course_is_sent_when_the_course_is_opened(begin: Begin) -> None:
    pair = begin("moodle")
    pair.launch()
    pair.grading.award(decided_at=DECIDED)
    pair.launch(course="team-practice")
    pair.grading.work()
    for course in ("foundations", "team-practice"):
        (column,) = pair.columns(course)
        assert pair.grade(column) == column.score_maximum


def test_a_column_is_found_among_hundreds(begin: Begin) -> None:
    """Canvas gives ten at a time."""
    pair = begin("canvas")
    (own,) = pair.columns()
    for number in range(35):
        pair.platform.gradebook.add("foundations", f"Homework {number}", 10).resource_id = "waymark:M01"
    pair.launch()
    pair.grading.award(decided_at=DECIDED)
    assert pair.grade(own) == own.score_maximum
    assert pair.platform.counts["line_items.created"] == 0


def test_a_column_that_a_teacher_deleted_comes_back_with_its_grades(begin: Begin) -> None:
    pair = begin("d2l")
    pair.launch()
    pair.grading.award(decided_at=DECIDED)
    (column,) = pair.columns()
    pair.platform.gradebook.remove(column)
    pair.grading.request("request-1", "100", "100")
    (column,) = pair.columns()
    assert pair.grade(column) == 100
    assert pair.platform.counts["line_items.created"] == 2
