"""A score that an LMS refused for good is tried once more when an operator sends its delivery again, and only then."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core import outbox, outbox_keeping
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox_models import DEAD
from app.core.runtime import Runtime
from app.lti import registrations, scores
from app.lti.models import LtiGradeLink
from tests.lti.awarding import Grading
from tests.lti.platform import SCORE_SCOPE, Browser, Platform


@pytest.fixture
def grading(runtime: Runtime, browser: Browser) -> Grading:
    """Tess has opened the module."""
    assert browser.full_launch().status_code == 303
    return Grading(runtime)


@pytest.fixture
def elsewhere(grading: Grading, browser: Browser) -> Grading:
    """She has opened it in a second place as well."""
    ags = {"scope": [SCORE_SCOPE], "lineitem": "https://lms.example/items/2"}
    assert browser.full_launch(resource_link={"id": "link-2"}, ags=ags).status_code == 303
    return grading


def resend(grading: Grading) -> None:
    dead = [each.id for each in grading.deliveries() if each.state == DEAD]
    outbox_keeping.resend(grading.database, dead, actor=OPERATOR)
    grading.work()


def test_a_score_that_was_refused_is_sent_once_the_cause_is_gone(grading: Grading, platform: Platform) -> None:
    platform.score_answers = [404]
    grading.award()
    assert grading.delivery().state == "dead"
    resend(grading)
    first, second = platform.scores()
    assert first == second, "the same timestamp: a platform that has it after all says so"
    row = grading.score()
    assert (row.state, row.last_error, row.attempts) == ("sent", None, 2)
    assert grading.delivery().state == "done"


def test_what_another_gradebook_took_is_not_sent_to_it_again(elsewhere: Grading, platform: Platform) -> None:
    platform.score_answers = [404]
    elsewhere.award()
    assert sorted(row.state for row in elsewhere.scores()) == ["failed", "sent"]
    before = platform.at("/scores")
    resend(elsewhere)
    assert [row.state for row in elsewhere.scores()] == ["sent", "sent"]
    assert [request.url for request in platform.at("/scores")[len(before) :]] == [before[0].url]


def test_a_score_that_is_refused_again_is_a_dead_letter_again(grading: Grading, platform: Platform) -> None:
    platform.score_answers = [404, 404]
    grading.award()
    resend(grading)
    assert (grading.delivery().state, grading.score().state) == ("dead", "failed")
    assert len(platform.scores()) == 2


def test_a_refusal_stands_while_others_are_tried_on(elsewhere: Grading, platform: Platform) -> None:
    platform.score_answers = [404, 503]
    elsewhere.award()
    assert sorted(row.state for row in elsewhere.scores()) == ["failed", "waiting"]
    refused = platform.at("/scores")[0].url
    elsewhere.later()
    assert sorted(row.state for row in elsewhere.scores()) == ["failed", "sent"]
    assert [request.url for request in platform.at("/scores")].count(refused) == 1


def test_a_refusal_by_an_lms_that_was_switched_off_since_ends_with_sending_again(
    grading: Grading, platform: Platform
) -> None:
    platform.score_answers = [404]
    grading.award()
    with grading.database.write() as session:
        registrations.remove(session, issuer=platform.issuer, client_id=platform.client_id)
    resend(grading)
    assert (grading.delivery().state, grading.score().state) == ("done", "not_sent")
    assert len(platform.scores()) == 1


def test_an_operators_score_is_sent_again_as_well(grading: Grading, platform: Platform) -> None:
    platform.score_answers = [422]
    grading.request("request-1", "18.5", "20")
    assert grading.delivery().state == "dead"
    resend(grading)
    assert [score["scoreGiven"] for score in platform.scores()] == [18.5, 18.5]
    assert grading.delivery().state == "done"


def test_a_score_asked_for_again_leaves_no_dead_letter_behind(grading: Grading, platform: Platform) -> None:
    platform.score_answers = [404, 404]
    grading.award()
    for hours in (1, 2):
        with time_machine.travel(now() + timedelta(hours=hours)):
            with grading.database.write() as session:
                assert scores.ask_again(session, session.get_one(LtiGradeLink, grading.score().grade_link_id))
            grading.work()
    assert grading.score().state == "sent"
    assert sorted(each.state for each in grading.deliveries()) == ["discarded", "discarded", "done"]
    with grading.database.read() as session:
        assert outbox.health(session).dead == 0
