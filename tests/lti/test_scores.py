"""Scores: sent once though the handler is repeated, with whose token, and what becomes of refusals (A1, A5, A6)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlmodel import select

from app.core import outbox
from app.core.clock import now, rfc3339
from app.core.db import Database
from app.core.outbox import OutboxDelivery, Subscription, Worker
from app.core.runtime import Runtime
from app.learning.events import AwardDecided
from app.learning.models import DecisionRecord, EnrolmentRecord, SubmissionRecord
from app.lti import jobs, registrations
from app.lti.events import ScoreRequested
from app.lti.models import LtiGradeLink, LtiScore
from tests.lti.platform import SCORE_SCOPE, Browser, Platform

DECIDED = datetime(2026, 3, 4, 5, 6, 7, 891011, UTC)


@dataclass
class Awarded:
    """A decision about Tess, and the worker that tells of it."""

    database: Database
    worker: Worker
    event: AwardDecided

    def tell(self) -> None:
        """Emit the event and work until nothing is due."""
        with self.database.write() as session:
            outbox.emit(session, self.event)
        self.worker.run_until_idle()

    def again(self) -> None:
        """Make every delivery due once more, as after a pause or a crash."""
        with self.database.write() as session:
            for row in session.exec(select(OutboxDelivery)).all():
                row.state, row.due_at, row.leased_until = "waiting", now() - timedelta(seconds=1), None
                session.add(row)
        self.worker.run_until_idle()

    def scores(self) -> list[LtiScore]:
        with self.database.read() as session:
            return list(session.exec(select(LtiScore)).all())

    def delivery(self) -> OutboxDelivery:
        with self.database.read() as session:
            return session.exec(select(OutboxDelivery)).one()


def decide(database: Database, decided_at: datetime) -> AwardDecided:
    with database.write() as session:
        enrolment = session.exec(select(EnrolmentRecord)).one()
        person_id, key, version = enrolment.person_id, enrolment.module_key, enrolment.module_version
        submission = SubmissionRecord(
            enrolment_id=enrolment.id,
            person_id=person_id,
            module_key=key,
            module_version=version,
            number=1,
            state="awarded",
            texts_digest="0",
            knowledge_check_correct=8,
            knowledge_check_total=8,
            declared_at=decided_at,
            submitted_at=decided_at,
        )
        session.add(submission)
        session.flush()
        decision = DecisionRecord(
            submission_id=submission.id,
            enrolment_id=enrolment.id,
            outcome="awarded",
            comment="Good.",
            decided_by=person_id,
            decided_at=decided_at,
            rubric_version=1,
        )
        session.add(decision)
        session.flush()
        return AwardDecided(decision.id, submission.id, enrolment.id, person_id, key, version)


@pytest.fixture
def award(runtime: Runtime, database: Database, browser: Browser) -> Callable[..., Awarded]:
    def make(*, decided_at: datetime = DECIDED, launch: bool = True) -> Awarded:
        if launch:
            assert browser.full_launch().status_code == 303
        subscription = Subscription(AwardDecided.KIND, "lti.post_award_score", jobs.post_award_score(runtime))
        return Awarded(database, Worker(database, [subscription]), decide(database, decided_at))

    return make


def test_an_award_sends_full_marks_once(award: Callable[..., Awarded], platform: Platform) -> None:
    awarded = award()
    awarded.tell()
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
    (row,) = awarded.scores()
    assert (row.state, row.last_error) == ("sent", None)
    assert row.sent_at is not None


def test_the_token_request_is_what_the_security_framework_asks(
    award: Callable[..., Awarded], platform: Platform, browser: Browser
) -> None:
    """A1, checked with the key that /lti/jwks publishes."""
    award().tell()
    (request,) = platform.at("/token")
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["scope"] == SCORE_SCOPE
    published = browser.get("/lti/jwks")
    assert published.headers["cache-control"] == "public, max-age=300"
    assert all({"kid", "alg", "use", "kty", "n", "e"} == set(key) for key in published.json()["keys"])
    token = jwt.decode(form["client_assertion"], KeySet.import_key_set(published.json()), ["RS256"])
    assert token.header["kid"] == published.json()["keys"][0]["kid"]
    assert token.claims["iss"] == token.claims["sub"] == "client-1"
    assert token.claims["aud"] == "https://lms.example/token"
    assert token.claims["exp"] - token.claims["iat"] <= 300
    assert token.claims["jti"]


def test_a_repeated_delivery_sends_nothing_twice(award: Callable[..., Awarded], platform: Platform) -> None:
    awarded = award()
    awarded.tell()
    awarded.again()
    assert len(platform.scores()) == 1
    assert len(awarded.scores()) == 1


def test_a_crash_between_sending_and_noting_is_recognised_by_the_platform(
    award: Callable[..., Awarded], platform: Platform, database: Database
) -> None:
    """The repeat carries the same timestamp; 409 says that it is there."""
    awarded = award()
    awarded.tell()
    with database.write() as session:
        row = session.exec(select(LtiScore)).one()
        row.state, row.sent_at = "waiting", None
        session.add(row)
    platform.score_answers = [409]
    awarded.again()
    first, second = platform.scores()
    assert first == second
    (row,) = awarded.scores()
    assert (row.state, row.last_error) == ("already_there", None)
    assert awarded.delivery().state == "done"


def test_a_score_is_never_dated_ahead_of_the_clock(award: Callable[..., Awarded], platform: Platform) -> None:
    award(decided_at=now() + timedelta(hours=1)).tell()
    assert platform.scores()[0]["timestamp"] <= rfc3339(now())


def test_a_token_is_kept_and_replaced_once_when_it_is_refused(
    award: Callable[..., Awarded], platform: Platform
) -> None:
    """A6."""
    platform.score_answers = [401, 200]
    awarded = award()
    awarded.tell()
    assert [request.headers["authorization"] for request in platform.at("/scores")] == [
        "Bearer token-1-client-1",
        "Bearer token-2-client-1",
    ]
    assert awarded.scores()[0].state == "sent"


def test_a_platform_that_refuses_every_token_is_asked_later(award: Callable[..., Awarded], platform: Platform) -> None:
    platform.score_answers = [401, 401]
    awarded = award()
    awarded.tell()
    assert len(platform.scores()) == 2
    assert (awarded.delivery().state, awarded.scores()[0].state) == ("waiting", "waiting")
    awarded.again()
    assert awarded.scores()[0].state == "sent"


@pytest.mark.parametrize("status", [500, 502, 503, 429, 403])
def test_a_platform_in_trouble_is_asked_later_and_the_reason_is_kept(
    award: Callable[..., Awarded], platform: Platform, status: int
) -> None:
    platform.score_answers = [status]
    awarded = award()
    awarded.tell()
    (row,) = awarded.scores()
    assert (row.state, row.last_error) == ("waiting", f"the service answered {status}")
    assert awarded.delivery().last_error == f"the service answered {status}"
    awarded.again()
    (row,) = awarded.scores()
    assert (row.state, row.attempts, row.last_error) == ("sent", 2, None)


def test_the_platform_says_how_long_to_wait(award: Callable[..., Awarded], platform: Platform) -> None:
    platform.score_answers = [httpx2.Response(429, headers={"Retry-After": "900"})]
    awarded = award()
    awarded.tell()
    assert awarded.delivery().due_at > now() + timedelta(seconds=800)


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_score_that_can_never_be_taken_is_given_up_with_its_reason(
    award: Callable[..., Awarded], platform: Platform, status: int
) -> None:
    platform.score_answers = [status]
    awarded = award()
    awarded.tell()
    assert (awarded.delivery().state, awarded.scores()[0].state) == ("dead", "failed")
    assert awarded.scores()[0].last_error == f"the service answered {status}"
    awarded.again()
    assert len(platform.scores()) == 1


TOKEN_TROUBLE = {
    "refused": httpx2.Response(400, json={"error": "invalid_client"}),
    "an HTML page": httpx2.Response(200, text="<html>"),
    "no token in it": httpx2.Response(200, json={"expires_in": 3600}),
    "a list": httpx2.Response(200, json=[1]),
    "a token that is a number": httpx2.Response(200, json={"access_token": 5}),
    "elsewhere": httpx2.Response(302, headers={"Location": "https://evil.example/token"}),
}


@pytest.mark.parametrize("case", TOKEN_TROUBLE)
def test_a_token_that_cannot_be_had_is_asked_for_later(
    award: Callable[..., Awarded], platform: Platform, case: str
) -> None:
    platform.token_answer = TOKEN_TROUBLE[case]
    awarded = award()
    awarded.tell()
    assert platform.scores() == []
    (row,) = awarded.scores()
    assert row.state == "waiting"
    assert "token endpoint" in (row.last_error or "")
    platform.token_answer = None
    awarded.again()
    assert awarded.scores()[0].state == "sent"


@pytest.mark.parametrize(
    "ags",
    [
        {"scope": [SCORE_SCOPE], "lineitems": "https://lms.example/items"},
        {
            "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"],
            "lineitem": "https://lms.example/items/7",
        },
        {},
    ],
    ids=["no line item", "no leave to score", "no service"],
)
def test_a_link_that_takes_no_score_is_not_called(
    award: Callable[..., Awarded], platform: Platform, browser: Browser, ags: dict[str, object]
) -> None:
    """A5."""
    assert browser.full_launch(ags=ags).status_code == 303
    awarded = award(launch=False)
    awarded.tell()
    assert platform.at("/token") == []
    assert awarded.delivery().state == "done"


def test_every_link_of_the_module_gets_the_score_and_one_failure_hinders_no_other(
    award: Callable[..., Awarded], platform: Platform, browser: Browser
) -> None:
    for number in (1, 2):
        ags = {"scope": [SCORE_SCOPE], "lineitem": f"https://lms.example/items/{number}"}
        assert browser.full_launch(resource_link={"id": f"link-{number}"}, ags=ags).status_code == 303
    platform.score_answers = [404]
    awarded = award()
    awarded.tell()
    assert sorted(row.state for row in awarded.scores()) == ["failed", "sent", "sent"]
    assert len(platform.at("/token")) == 1
    assert awarded.delivery().state == "dead"


def test_a_platform_that_was_removed_is_not_called(
    award: Callable[..., Awarded], platform: Platform, database: Database
) -> None:
    awarded = award()
    with database.write() as session:
        registrations.remove(session, issuer=platform.issuer, client_id=platform.client_id)
    awarded.tell()
    assert platform.at("/token") == []


def test_canvas_is_asked_neither_to_use_up_an_attempt_nor_to_overwrite_a_teacher(
    award: Callable[..., Awarded], platform: Platform, browser: Browser
) -> None:
    assert browser.full_launch(tool_platform={"guid": "g", "product_family_code": "canvas"}).status_code == 303
    award(launch=False).tell()
    extra = platform.scores()[0]["https://canvas.instructure.com/lti/submission"]
    assert extra == {"new_submission": False, "prioritize_non_tool_grade": True}


def test_an_operators_score_is_sent_once(award: Callable[..., Awarded], platform: Platform, runtime: Runtime) -> None:
    award()
    subscription = Subscription(ScoreRequested.KIND, "lti.post_requested_score", jobs.post_requested_score(runtime))
    with runtime.database.write() as session:
        link = session.exec(select(LtiGradeLink)).one()
        outbox.emit(session, ScoreRequested("request-1", link.id, "18.5", "20"))
    Worker(runtime.database, [subscription]).run_until_idle()
    (sent,) = platform.scores()
    assert (sent["scoreGiven"], sent["scoreMaximum"]) == (18.5, 20.0)
    with runtime.database.read() as session:
        assert session.exec(select(LtiScore)).one().decision_id == "request-1"


def test_the_tools_private_key_is_sealed(award: Callable[..., Awarded], database: Database) -> None:
    from app.lti.models import LtiToolKey

    award().tell()
    with database.read() as session:
        row = session.exec(select(LtiToolKey)).one()
    assert "PRIVATE" not in row.sealed_private_pem
    assert b"PRIVATE" not in base64.urlsafe_b64decode(row.sealed_private_pem)
    assert "PRIVATE" not in json.dumps(row.public_pem)
