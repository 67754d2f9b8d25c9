"""Scores: sent once though everything is repeated, dated so that platforms take them, and what becomes of refusals.

A1, A3, A5 and A6 of the cases for conformance.
"""

from __future__ import annotations

import base64
import json
import threading
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import httpx2
import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import KeySet
from prometheus_client import REGISTRY
from sqlmodel import select

from app.core import outbox
from app.core.audit import OPERATOR
from app.core.clock import now, rfc3339
from app.core.db import Database
from app.core.outbox_keeping import resend
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.events import ScoreDue
from app.lti.models import LtiResourceLink, LtiScore, LtiToolKey
from app.lti.registrations import PlatformDetails
from app.lti.scores import send_held_back
from tests.lti.awarding import DECIDED, Grading
from tests.lti.columns import LINE_ITEM_SCOPE, RESULT_SCOPE, Columns
from tests.lti.conftest import register
from tests.lti.platform import SCORE_SCOPE, Browser, Platform

READABLE = [SCORE_SCOPE, RESULT_SCOPE]


@pytest.fixture
def platform() -> Columns:
    return Columns()


@pytest.fixture
def grading(runtime: Runtime) -> Grading:
    return Grading(runtime)


@pytest.fixture
def tess(browser: Browser) -> Browser:
    """She has opened the module, from an activity with a column; results cannot be read."""
    assert browser.full_launch().status_code == 303
    return browser


@pytest.fixture
def readable(browser: Browser, platform: Columns) -> Browser:
    """The same, and the platform lets us read results."""
    assert browser.full_launch(ags=platform.ags(*READABLE, column=7)).status_code == 303
    return browser


def details_of(platform: Columns) -> PlatformDetails:
    return PlatformDetails(
        platform.issuer, platform.client_id, platform.auth_url, platform.token_url, platform.jwks_url
    )


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("waymark_lti_scores_total", {"outcome": outcome}) or 0.0


def award_refused_by(platform: Columns, grading: Grading, *answers: int) -> None:
    platform.score_answers = list(answers)
    grading.award()


# What is sent


def test_an_award_sends_full_marks_once(tess: Browser, grading: Grading, platform: Columns) -> None:
    before = counted("sent")
    grading.award()
    (sent,) = platform.scores()
    assert sent == {
        "scoreGiven": 100.0,
        "scoreMaximum": 100.0,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": "2026-03-04T05:06:07Z",
        "userId": "subject-41",
        "comment": "Decided by an assessor in Waymark.",
    }
    (request,) = platform.at("/scores")
    assert str(request.url) == "https://lms.example/items/7/lineitem/scores?type_id=2"
    assert request.headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
    assert request.headers["authorization"] == "Bearer token-1-client-1"
    assert request.headers["user-agent"].startswith("Waymark/")
    row = grading.score()
    assert (row.state, row.problem, row.last_error) == ("sent", None, None)
    assert row.sent_at is not None
    assert row.line_item_url == platform.url_of(7)
    assert counted("sent") == before + 1


def test_the_token_request_is_what_the_security_framework_asks(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """A1, checked with the key that /lti/jwks publishes."""
    grading.award()
    (request,) = platform.at("/token")
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["scope"] == SCORE_SCOPE
    published = tess.get("/lti/jwks")
    assert published.headers["cache-control"] == "public, max-age=300"
    assert all({"kid", "alg", "use", "kty", "n", "e"} == set(key) for key in published.json()["keys"])
    token = jwt.decode(form["client_assertion"], KeySet.import_key_set(published.json()), ["RS256"])
    assert token.header["kid"] == published.json()["keys"][0]["kid"]
    assert token.claims["iss"] == token.claims["sub"] == "client-1"
    assert token.claims["aud"] == "https://lms.example/token"
    assert token.claims["exp"] - token.claims["iat"] <= 300
    assert token.claims["jti"]


def test_canvas_is_asked_neither_to_use_up_an_attempt_nor_to_overwrite_a_teacher(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    assert browser.full_launch(tool_platform={"guid": "g", "product_family_code": "canvas"}).status_code == 303
    grading.award()
    sent = platform.scores()[0]
    assert sent["https://canvas.instructure.com/lti/submission"] == {
        "new_submission": False,
        "prioritize_non_tool_grade": True,
    }
    assert sent["submission"] == {"submittedAt": "2026-03-04T05:06:07Z"}


def test_a_correction_may_overwrite_what_canvas_has_of_this_tool(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    assert browser.full_launch(tool_platform={"guid": "g", "product_family_code": "canvas"}).status_code == 303
    grading.request("request-1", "50", "100")
    extra = platform.scores()[0]["https://canvas.instructure.com/lti/submission"]
    assert extra["prioritize_non_tool_grade"] is False


def test_a_time_of_handing_in_is_never_ahead_of_the_clock(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    assert browser.full_launch(tool_platform={"guid": "g", "product_family_code": "canvas"}).status_code == 303
    grading.award(decided_at=now() + timedelta(hours=1))
    assert platform.scores()[0]["submission"]["submittedAt"] <= rfc3339(now())


def test_an_operators_score_is_sent_once(tess: Browser, grading: Grading, platform: Columns) -> None:
    grading.request("request-1", "18.5", "20")
    grading.repeat(handler="lti.post_requested_score")
    (sent,) = platform.scores()
    assert (sent["scoreGiven"], sent["scoreMaximum"]) == (18.5, 20.0)
    assert sent["comment"] == "Sent again by whoever runs Waymark."
    assert grading.score().decision_id == "request-1"


@pytest.mark.parametrize(("given", "maximum"), [("0", "100"), ("100", "100"), ("0.5", "1")])
def test_no_points_and_all_points_are_final_scores_as_well(
    tess: Browser, grading: Grading, platform: Columns, given: str, maximum: str
) -> None:
    """A3: 0 is a score, and is not left out."""
    grading.request("request-1", given, maximum)
    (sent,) = platform.scores()
    assert (sent["scoreGiven"], sent["scoreMaximum"]) == (float(given), float(maximum))
    assert sent["gradingProgress"] == "FullyGraded"


def test_every_link_of_the_module_gets_the_score_and_one_failure_hinders_no_other(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    for number in (1, 2):
        platform.columns[number] = {"label": "M01"}
        link = {"id": f"link-{number}"}
        assert tess.full_launch(resource_link=link, ags=platform.ags(SCORE_SCOPE, column=number)).status_code == 303
    platform.score_answers = [404]
    grading.award()
    assert sorted(row.state for row in grading.scores()) == ["failed", "sent", "sent"]
    assert sorted(row.state for row in grading.deliveries()) == ["dead", "done", "done"]
    assert len(platform.at("/token")) == 1


# What is repeated


def test_a_repeated_delivery_sends_nothing_twice(tess: Browser, grading: Grading, platform: Columns) -> None:
    grading.award()
    for handler in ("lti.post_award_score", "lti.send_score"):
        grading.repeat(handler=handler)
    assert len(platform.scores()) == 1
    assert len(grading.scores()) == 1


def test_a_score_that_one_delivery_has_in_hand_is_left_to_it_by_another(
    tess: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    platform.score_answers = [503]
    grading.award()
    with database.write() as session:
        outbox.emit(session, ScoreDue(grading.score().id))
    grading.work()
    assert len(platform.scores()) == 1
    assert sorted(row.state for row in grading.deliveries()) == ["done", "waiting"]
    grading.later()
    assert len(platform.scores()) == 2
    assert grading.score().state == "sent"


def test_a_score_whose_delivery_was_forgotten_is_told_of_again(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """As after an upgrade from a version that sent scores itself."""
    grading.award()

    def forget(row: LtiScore) -> None:
        row.state, row.sent_at, row.delivery_id = "waiting", None, None

    grading.change(forget)
    grading.repeat()
    assert grading.score().state == "already_there"


def test_a_crash_between_sending_and_noting_is_recognised_by_the_platform(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """The repeat carries the same timestamp; 409 says that it is there."""
    grading.award()

    def forget(row: LtiScore) -> None:
        row.state, row.sent_at = "waiting", None

    grading.change(forget)
    grading.repeat(handler="lti.send_score")
    first, second = platform.scores()
    assert first == second
    row = grading.score()
    assert (row.state, row.last_error) == ("already_there", None)
    assert grading.delivery().state == "done"


def test_an_answer_that_got_lost_is_recognised_as_well(readable: Browser, grading: Grading, platform: Columns) -> None:
    platform.lost = ["POST scores"]
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("waiting", "unreachable")
    grading.later()
    assert [score["timestamp"] for score in platform.scores()] == ["2026-03-04T05:06:07Z"] * 2
    assert grading.score().state == "already_there"


# When it is dated


def test_a_score_is_never_dated_ahead_of_the_clock(tess: Browser, grading: Grading, platform: Columns) -> None:
    grading.award(decided_at=now() + timedelta(hours=1))
    assert platform.scores()[0]["timestamp"] <= rfc3339(now())


def test_a_later_score_of_the_same_second_waits_for_the_next(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    with time_machine.travel(DECIDED, tick=False) as clock:
        grading.request("request-1", "50", "100")
        grading.request("request-2", "60", "100")
        assert [score["scoreGiven"] for score in platform.scores()] == [50.0]
        waiting = grading.scores()[-1]
        assert (waiting.state, waiting.problem) == ("waiting", "clock")
        assert grading.deliveries()[-1].due_at <= now() + timedelta(seconds=5)
        clock.shift(5)
        grading.work()
    assert [(score["scoreGiven"], score["timestamp"]) for score in platform.scores()] == [
        (50.0, "2026-03-04T05:06:07Z"),
        (60.0, "2026-03-04T05:06:08Z"),
    ]


def test_an_older_score_that_still_waits_never_undoes_a_newer_one(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """The award waits out a trouble of the LMS; meanwhile an operator puts it right."""
    platform.score_answers = [503]
    grading.award()
    grading.request("request-1", "50", "100")
    grading.later()
    assert [score["scoreGiven"] for score in platform.scores()] == [100.0, 50.0]
    assert sorted(row.state for row in grading.scores()) == ["replaced", "sent"]
    assert {row.state for row in grading.deliveries()} == {"done"}


def test_a_platform_with_a_later_score_of_another_is_given_one_that_is_later_still(
    readable: Browser, grading: Grading, platform: Columns
) -> None:
    """Moodle counts a teacher's own entry as well; what it shows is not ours."""
    platform.marks[7, "subject-41"] = {
        "userId": "subject-41", "scoreGiven": 40, "scoreMaximum": 100, "timestamp": "2026-05-05T00:00:00Z",
    }  # fmt: skip
    grading.award()
    assert grading.score().state == "sent"
    assert platform.marks[7, "subject-41"]["scoreGiven"] == 100.0
    assert len(platform.scores()) == 2


def test_a_platform_that_shows_the_same_score_already_is_left_alone(
    readable: Browser, grading: Grading, platform: Columns
) -> None:
    platform.marks[7, "subject-41"] = {
        "userId": "subject-41", "scoreGiven": 5, "scoreMaximum": 5, "timestamp": "2026-05-05T00:00:00Z",
    }  # fmt: skip
    grading.award()
    assert grading.score().state == "already_there"
    assert len(platform.scores()) == 1
    (asked,) = platform.at("/results")
    assert str(asked.url) == "https://lms.example/items/7/lineitem/results?type_id=2&user_id=subject-41"
    assert asked.headers["accept"] == "application/vnd.ims.lis.v2.resultcontainer+json"


def test_a_platform_that_shows_everybodys_results_is_read_for_this_person_only(
    readable: Browser, grading: Grading, platform: Columns
) -> None:
    platform.heeds_filters = False
    for who, given in (("somebody-else", 100), ("subject-41", 30)):
        platform.marks[7, who] = {
            "userId": who, "scoreGiven": given, "scoreMaximum": 100, "timestamp": "2026-05-05T00:00:00Z",
        }  # fmt: skip
    grading.award()
    assert platform.marks[7, "subject-41"]["scoreGiven"] == 100.0


def test_a_platform_that_refuses_every_second_is_asked_later_and_never_in_a_circle(
    readable: Browser, grading: Grading, platform: Columns
) -> None:
    """Somebody sent it a score from the future: until then it takes none (Moodle)."""
    platform.marks[7, "subject-41"] = {
        "userId": "subject-41", "scoreGiven": 5, "scoreMaximum": 100, "timestamp": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    with time_machine.travel(DECIDED + timedelta(hours=1)) as clock:
        grading.award()
        assert len(platform.scores()) == 2
        assert (grading.score().state, grading.score().problem) == ("waiting", "conflict")
        clock.shift(3600)
        grading.later()
        assert len(platform.scores()) <= 4
        sent = [datetime.fromisoformat(score["timestamp"]) for score in platform.scores()]
        assert max(sent) <= now()
        del platform.marks[7, "subject-41"]
        clock.shift(3600)
        grading.later()
        assert grading.score().state == "sent"


def test_without_results_a_first_refusal_is_answered_by_a_later_second(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """Nobody can have this score yet, so what is there is another's."""
    platform.marks[7, "subject-41"] = {"userId": "subject-41", "timestamp": "2026-05-05T00:00:00Z"}
    grading.award()
    assert grading.score().state == "sent"
    assert platform.marks[7, "subject-41"]["scoreGiven"] == 100.0


def test_canvas_refuses_an_older_score_by_400_and_is_given_a_later_one(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    platform.stale = 400
    platform.marks[7, "subject-41"] = {
        "userId": "subject-41", "scoreGiven": 1, "scoreMaximum": 100, "timestamp": "2026-05-05T00:00:00Z",
    }  # fmt: skip
    claims = {"tool_platform": {"product_family_code": "canvas"}, "ags": platform.ags(*READABLE, column=7)}
    assert browser.full_launch(**claims).status_code == 303
    grading.award()
    assert grading.score().state == "sent"
    assert platform.marks[7, "subject-41"]["scoreGiven"] == 100.0


def test_canvas_refuses_a_person_by_400_twice_and_is_left_alone(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    claims = {"tool_platform": {"product_family_code": "canvas"}, "ags": platform.ags(*READABLE, column=7)}
    assert browser.full_launch(**claims).status_code == 303
    award_refused_by(platform, grading, 400, 400)
    assert (grading.score().state, grading.score().problem) == ("failed", "not_taken")
    assert len(platform.scores()) == 2


def test_results_that_cannot_be_read_just_now_are_read_later(
    readable: Browser, grading: Grading, platform: Columns
) -> None:
    platform.marks[7, "subject-41"] = {
        "userId": "subject-41", "scoreGiven": 5, "scoreMaximum": 5, "timestamp": "2026-05-05T00:00:00Z",
    }  # fmt: skip
    platform.odd["GET results"] = [503]
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("waiting", "trouble")
    grading.later()
    assert grading.score().state == "already_there"


ODD_RESULTS = {
    "a list of texts": httpx2.Response(200, json=["Tess", 5, None]),
    "no score": httpx2.Response(200, json=[{"userId": "subject-41"}]),
    "a score in words": httpx2.Response(200, json=[{"userId": "subject-41", "resultScore": "all"}]),
    "no maximum to speak of": httpx2.Response(
        200, json=[{"userId": "subject-41", "resultScore": 1, "resultMaximum": 0}]
    ),
    "not a number": httpx2.Response(200, text='[{"userId": "subject-41", "resultScore": NaN, "resultMaximum": 1}]'),
    "refused": httpx2.Response(403),
}


@pytest.mark.parametrize("case", ODD_RESULTS)
def test_results_that_say_nothing_are_taken_as_another_score(
    readable: Browser, grading: Grading, platform: Columns, case: str
) -> None:
    platform.marks[7, "subject-41"] = {"userId": "subject-41", "timestamp": "2026-05-05T00:00:00Z"}
    platform.odd["GET results"] = [ODD_RESULTS[case]]
    grading.award()
    assert grading.score().state == "sent"


# What goes wrong on the way


def test_a_token_is_kept_and_replaced_once_when_it_is_refused(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """A6."""
    platform.score_answers = [401, 200]
    grading.award()
    assert [request.headers["authorization"] for request in platform.at("/scores")] == [
        "Bearer token-1-client-1",
        "Bearer token-2-client-1",
    ]
    assert grading.score().state == "sent"


def test_a_platform_that_refuses_every_token_is_asked_later(tess: Browser, grading: Grading, platform: Columns) -> None:
    platform.score_answers = [401, 401]
    grading.award()
    assert len(platform.scores()) == 2
    assert (grading.delivery().state, grading.score().state) == ("waiting", "waiting")
    assert grading.score().problem == "no_token"
    grading.later()
    assert grading.score().state == "sent"


UNREACHABLE = "the service could not be reached (fetch-failed)"
THROTTLED = httpx2.Response(403, text="403 Forbidden (Rate Limit Exceeded)")
WEB_PAGE = httpx2.Response(200, text=" <!doctype html><p>Back soon")
ELSEWHERE = httpx2.Response(302, headers={"Location": "https://evil.example/"})
PASSING = {
    "an error of its own": (500, "trouble", "the service answered 500"),
    "a bad gateway": (502, "trouble", "the service answered 502"),
    "being mended": (503, "trouble", "the service answered 503"),
    "too many": (429, "busy", "the service answered 429"),
    "too many, as Canvas says it": (THROTTLED, "busy", "the service answered 429"),
    "a time-out": (httpx2.ReadTimeout("slow"), "unreachable", UNREACHABLE),
    "a refused connection": (httpx2.ConnectError("no"), "unreachable", UNREACHABLE),
    "a web page": (WEB_PAGE, "unreachable", "the service answered with a web page"),
    "10 MB": (httpx2.Response(200, content=b"x" * 10_000_000), "unreachable", UNREACHABLE),
    "another host": (ELSEWHERE, "unreachable", "the service could not be reached (TooManyRedirects)"),
}


@pytest.mark.parametrize("case", PASSING)
def test_a_platform_in_trouble_is_asked_later_and_the_reason_is_kept(
    tess: Browser, grading: Grading, platform: Columns, case: str
) -> None:
    before = counted("waiting")
    answer, problem, reason = PASSING[case]
    platform.odd["POST scores"] = [answer]
    grading.award()
    row = grading.score()
    assert (row.state, row.problem, row.last_error) == ("waiting", problem, reason)
    assert (grading.delivery().state, grading.delivery().last_error) == ("waiting", reason)
    assert counted("waiting") == before + 1
    grading.later()
    row = grading.score()
    assert (row.state, row.problem, row.last_error, row.attempts) == ("sent", None, None, 2)
    assert not [request for request in platform.requests if request.url.host == "evil.example"]


@pytest.mark.parametrize("value", ["900", "date"])
def test_the_platform_says_how_long_to_wait(tess: Browser, grading: Grading, platform: Columns, value: str) -> None:
    if value == "date":
        value = (now() + timedelta(seconds=900)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    platform.score_answers = [httpx2.Response(429, headers={"Retry-After": value})]
    grading.award()
    assert now() + timedelta(seconds=800) < grading.delivery().due_at < now() + timedelta(seconds=1200)


REFUSED = {400: "not_taken", 422: "not_taken", 403: "no_leave", 404: "column_gone", 410: "column_gone", 415: "rejected"}


@pytest.mark.parametrize("status", REFUSED)
def test_a_score_that_can_never_be_taken_is_given_up_with_its_reason(
    tess: Browser, grading: Grading, platform: Columns, status: int
) -> None:
    before = counted("refused")
    award_refused_by(platform, grading, status)
    row = grading.score()
    assert (grading.delivery().state, row.state, row.problem) == ("dead", "failed", REFUSED[status])
    assert row.last_error == grading.delivery().last_error == f"the service answered {status}"
    assert counted("refused") == before + 1
    grading.later()
    assert len(platform.scores()) == 1


def test_a_dead_letter_that_an_operator_sends_again_is_tried_once_more(
    tess: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    award_refused_by(platform, grading, 400)
    assert grading.delivery().state == "dead"
    resend(database, [grading.delivery().id], actor=OPERATOR)
    grading.work()
    assert (grading.score().state, grading.delivery().state) == ("sent", "done")
    assert len(platform.scores()) == 2


TOKEN_TROUBLE = {
    "refused": httpx2.Response(400, json={"error": "invalid_client"}),
    "an HTML page": httpx2.Response(200, text="<html>"),
    "no token in it": httpx2.Response(200, json={"expires_in": 3600}),
    "a list": httpx2.Response(200, json=[1]),
    "a token that is a number": httpx2.Response(200, json={"access_token": 5}),
    "a token of two lines": httpx2.Response(200, json={"access_token": "a\r\nX: y"}),
    "elsewhere": httpx2.Response(302, headers={"Location": "https://evil.example/token"}),
    "10 MB": httpx2.Response(200, content=b" " * 10_000_000),
}


@pytest.mark.parametrize("case", TOKEN_TROUBLE)
def test_a_token_that_cannot_be_had_is_asked_for_later(
    tess: Browser, grading: Grading, platform: Columns, case: str
) -> None:
    platform.token_answer = TOKEN_TROUBLE[case]
    grading.award()
    assert platform.scores() == []
    row = grading.score()
    assert (row.state, row.problem) == ("waiting", "no_token")
    assert "token endpoint" in (row.last_error or "")
    platform.token_answer = None
    grading.later()
    assert grading.score().state == "sent"


# Where nothing can be sent


NOWHERE = {
    "no leave to score": (
        {"scope": [LINE_ITEM_SCOPE], "lineitem": "https://lms.example/items/7", "lineitems": "https://lms.example/items"},
        "no_leave",
    ),
    "no column and no leave to look": ({"scope": [SCORE_SCOPE], "lineitems": "https://lms.example/items"}, "no_column"),
    "no service": ({}, "no_service"),
}  # fmt: skip


@pytest.mark.parametrize("case", NOWHERE)
def test_a_gradebook_that_takes_no_score_is_not_called_and_the_reason_is_kept(
    browser: Browser, grading: Grading, platform: Columns, case: str
) -> None:
    """A5."""
    claim, problem = NOWHERE[case]
    assert browser.full_launch(ags=claim).status_code == 303
    grading.award()
    assert platform.at("/token") == []
    assert (grading.score().state, grading.score().problem) == ("not_sent", problem)
    assert grading.delivery().state == "done"


def test_a_platform_that_was_removed_is_not_called(
    tess: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    with database.write() as session:
        registrations.remove(session, issuer=platform.issuer, client_id=platform.client_id)
    grading.award()
    assert platform.at("/token") == []
    assert (grading.score().state, grading.score().problem) == ("not_sent", "switched_off")


def test_what_fell_due_while_a_platform_was_switched_off_is_sent_when_it_is_let_in_again(
    tess: Browser, grading: Grading, platform: Columns, database: Database, registration_id: str
) -> None:
    with database.write() as session:
        registrations.remove(session, issuer=platform.issuer, client_id=platform.client_id)
    grading.award()
    with database.write() as session:
        registrations.add_registration(session, details_of(platform))
        registrations.approve(session, issuer=platform.issuer, client_id=platform.client_id)
        send_held_back(session, registration_id)
    grading.work()
    assert grading.score().state == "sent"


def test_a_link_that_was_last_launched_by_an_older_version_gets_its_score_as_well(
    browser: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    """It has no row of its own yet."""
    assert browser.full_launch(ags=platform.ags()).status_code == 303
    with database.write() as session:
        session.delete(session.exec(select(LtiResourceLink)).one())
    grading.award()
    assert grading.score().state == "sent"
    assert grading.link().line_item_made


# An award that was there before


def test_an_award_from_before_the_launch_is_sent_when_the_gradebook_is_seen(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    """First from an activity without grades; the award; then from another course that grades."""
    assert browser.full_launch(ags={}).status_code == 303
    grading.award()
    assert platform.scores() == []
    other = {"context": {"id": "course-9"}, "resource_link": {"id": "link-9"}}
    assert browser.full_launch(**other).status_code == 303
    grading.work()
    (sent,) = platform.scores()
    assert (sent["scoreGiven"], sent["timestamp"]) == (100.0, "2026-03-04T05:06:07Z")
    assert browser.full_launch(**other).status_code == 303
    grading.work()
    assert len(platform.scores()) == 1
    assert len(grading.events("lti.score_due")) == 2, "a launch that changes nothing tells of nothing"


def test_an_activity_that_gets_its_column_after_the_award_gets_its_score_then(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    assert browser.full_launch(ags={}).status_code == 303
    grading.award()
    assert browser.full_launch().status_code == 303
    grading.work()
    assert len(platform.scores()) == 1
    assert grading.score().state == "sent"


def test_an_activity_whose_column_was_made_anew_gets_its_score_again(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    grading.award()
    platform.columns[12] = {"label": "M01"}
    assert tess.full_launch(ags=platform.ags(SCORE_SCOPE, column=12)).status_code == 303
    grading.work()
    assert [str(request.url.path) for request in platform.at("/scores")] == [
        "/items/7/lineitem/scores",
        "/items/12/lineitem/scores",
    ]
    assert platform.marks[12, "subject-41"]["scoreGiven"] == 100.0
    assert grading.score().state == "sent"


def test_a_refusal_stands_while_launches_tell_of_the_same_gradebook(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    award_refused_by(platform, grading, 400)
    assert tess.full_launch().status_code == 303
    grading.work()
    assert (len(platform.scores()), grading.score().state) == (1, "failed")


def test_a_refusal_is_tried_anew_when_a_launch_tells_of_more(
    tess: Browser, grading: Grading, platform: Columns
) -> None:
    """An administrator has given the leave that was missing."""
    award_refused_by(platform, grading, 403)
    assert tess.full_launch(ags=platform.ags(*READABLE, column=7)).status_code == 303
    grading.work()
    assert grading.score().state == "sent"


def test_a_learner_without_an_award_causes_nothing(tess: Browser, grading: Grading) -> None:
    grading.work()
    assert grading.scores() == []
    assert grading.events("lti.score_due") == []


def test_a_launch_that_is_refused_after_all_leaves_no_score_due(
    browser: Browser, grading: Grading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction: where it comes to nothing, so does the score."""
    assert browser.full_launch(ags={}).status_code == 303
    grading.award()
    known = len(grading.scores())
    monkeypatch.setattr("app.web.lti.start_session", lambda *_arguments: 1 / 0)
    other = {"context": {"id": "course-9"}, "resource_link": {"id": "link-9"}}
    assert browser.full_launch(**other).status_code == 500
    assert len(grading.scores()) == known
    assert len(grading.events("lti.score_due")) == known


# Tokens


def test_a_token_endpoint_that_is_down_is_not_hammered(
    tess: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    platform.token_answer = httpx2.Response(503)
    grading.award()
    for _ in range(5):
        grading.repeat(handler="lti.send_score")
    assert len(platform.at("/token")) == 1
    assert grading.score().last_error == "the token endpoint gave no token a moment ago"
    grading.clock.seconds += 3
    grading.repeat(handler="lti.send_score")
    assert len(platform.at("/token")) == 2


def test_one_token_serves_every_score_and_every_kind_of_call(
    readable: Browser, grading: Grading, platform: Columns
) -> None:
    platform.marks[7, "subject-41"] = {"userId": "subject-41", "timestamp": "2026-05-05T00:00:00Z"}
    grading.award()
    grading.request("request-1", "3", "4")
    assert len(platform.at("/results")) >= 1
    (asked,) = platform.at("/token")
    assert parse_qs(asked.content.decode())["scope"] == [" ".join(sorted(READABLE))]


def test_many_scores_at_once_in_many_threads_ask_for_one_token(
    database: Database, runtime: Runtime, platform: Columns, registration_id: str
) -> None:
    grading = Grading(runtime)
    with database.read() as session:
        row = registrations.find_registration(session, issuer=platform.issuer, client_id=platform.client_id)
        whose = registrations.platform_of(row)
    together = threading.Barrier(8)
    tokens: list[str] = []

    def ask() -> None:
        connector = grading.connectors.to(whose)
        together.wait()
        tokens.append(connector.get_access_token([SCORE_SCOPE]))

    grading.connectors.to(whose)  # the tool's key is there
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(tokens)) == 1
    assert len(tokens) == 8
    assert len(platform.at("/token")) == 1


def test_scores_of_two_schools_on_one_issuer_bear_tokens_of_their_own(
    tess: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    register(database, Platform(client_id="client-2"))
    grading.award()
    assert platform.at("/scores")[0].headers["authorization"].endswith("client-1")


def test_the_tools_private_key_is_sealed(tess: Browser, grading: Grading, database: Database) -> None:
    grading.award()
    with database.read() as session:
        row = session.exec(select(LtiToolKey)).one()
    assert "PRIVATE" not in row.sealed_private_pem
    assert b"PRIVATE" not in base64.urlsafe_b64decode(row.sealed_private_pem)
    assert "PRIVATE" not in json.dumps(row.public_pem)
