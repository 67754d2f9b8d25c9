"""The ledger's pages: who sees them, what they show, and sending again by a form."""

from __future__ import annotations

import re

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.outbox_models import OutboxEvent
from app.lti.events import ScoreDue
from app.lti.models import LtiScore
from app.web.grades import PER_PAGE
from app.wiring import Services
from tests.lti.ledgers import Course, in_hand, score
from tests.web.people import LAUNCH, SignedIn, connect, sign_in

COURSE = Course(LAUNCH.registration_id, LAUNCH.deployment_id)


@pytest.fixture
def marc(services: Services, client: TestClient) -> SignedIn:
    """A teacher of the course."""
    return sign_in(services, client, "Marc", teacher=True)


def graded(services: Services, name: str, state: str, problem: str | None = None, **more: object) -> str:
    """A learner with a score; the id of their link."""
    with services.runtime.database.write() as session:
        connect(session)
        link = COURSE.learner(session, name)
        row = score(session, link, state, problem, **more)
        if state == "waiting":
            in_hand(session, row)
        return link.id


def due(services: Services) -> int:
    with services.runtime.database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == ScoreDue.KIND)).all())


def rows_of(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r'<tr id="grade-.*?</tr>', html, re.DOTALL)]


def test_a_learner_gets_no_further(services: Services, client: TestClient) -> None:
    link_id = graded(services, "Ana", "failed", "not_taken")
    tess = sign_in(services, client, "Tess")
    for answer in (
        tess.get("/grades"),
        tess.post("/grades/send-again"),
        tess.post(f"/grades/{link_id}/send-again"),
    ):
        assert answer.status_code == 403
        assert "Ana" not in answer.text
    assert due(services) == 0


def test_an_assessor_of_the_programme_is_no_teacher_of_the_course(services: Services, client: TestClient) -> None:
    graded(services, "Ana", "sent")
    priya = sign_in(services, client, "Priya", roles=("assessor",))
    assert priya.get("/grades").status_code == 403


def test_an_administrator_of_the_course_sees_what_its_teacher_sees(services: Services, client: TestClient) -> None:
    graded(services, "Ana", "sent")
    ali = sign_in(services, client, "Ali", is_administrator=True)
    assert "Ana" in ali.get("/grades").text


def test_a_teacher_of_another_course_sees_nothing_of_it(services: Services, client: TestClient) -> None:
    link_id = graded(services, "Ana", "failed", "not_taken")
    other = sign_in(services, client, "Olga", teacher=True, context_id="another")
    page = other.get("/grades")
    assert page.status_code == 200
    assert "Ana" not in page.text
    assert "No grades yet" in page.text
    assert other.post(f"/grades/{link_id}/send-again").status_code == 404
    assert other.post("/grades/send-again").status_code == 303
    assert due(services) == 0


def test_a_launch_without_a_course_has_no_ledger(services: Services, client: TestClient) -> None:
    lost = sign_in(services, client, "Lost", teacher=True, context_id=None)
    assert lost.get("/grades").status_code == 404


def test_each_state_is_told_in_words(services: Services, marc: SignedIn) -> None:
    graded(services, "Tess", "sent")
    graded(services, "Ana", "waiting", "trouble", last_error="the service answered 503")
    graded(services, "Robin", "failed", "not_taken", last_error="the service answered 400")
    graded(services, "Kim", "not_sent", "no_column")
    html = marc.get("/grades").text
    robin, ana, kim, tess = rows_of(html)
    assert "Robin" in robin
    assert "Refused" in robin
    assert "no longer enrolled as a student" in robin
    assert "For your LMS administrator: the service answered 400." in robin
    assert "Send again : Robin" in robin
    assert "Waiting" in ana
    assert "The next try is on" in ana
    assert "answered" not in ana
    assert "Try now : Ana" in ana
    assert "Not sent" in kim
    assert "Make it a graded activity" in kim
    assert "Sent" in tess
    assert "4 March 2026" in tess


def test_a_name_is_text_and_nothing_else(services: Services, marc: SignedIn) -> None:
    graded(services, "<script>alert(1)</script>", "sent")
    assert "<script>alert" not in marc.get("/grades").text


def test_the_page_leads_to_the_learners_and_back(services: Services, marc: SignedIn) -> None:
    html = marc.get("/grades").text
    for path in ("/", "/cohort"):
        assert f'href="{marc.root}{path}"' in html
    assert f'href="{marc.root}/grades" aria-current="page"' in html


def test_an_empty_ledger_says_what_will_be_there(marc: SignedIn) -> None:
    html = marc.get("/grades").text
    assert "As soon as an assessor awards a module" in html
    assert "<table" not in html


def test_one_state_can_be_looked_at_alone(services: Services, marc: SignedIn) -> None:
    graded(services, "Tess", "sent")
    graded(services, "Robin", "failed", "not_taken")
    html = marc.get("/grades?state=refused").text
    assert len(rows_of(html)) == 1
    assert "Robin" in html
    assert "Tess" not in html
    assert "Nothing here just now" in marc.get("/grades?state=waiting").text


@pytest.mark.parametrize("query", ["state=odd", "page=0", "page=x", "page=99999999999999999999", "asked=odd"])
def test_an_odd_address_is_told_as_one(marc: SignedIn, query: str) -> None:
    assert marc.get(f"/grades?{query}").status_code == 422


def test_long_lists_come_in_pages(services: Services, marc: SignedIn) -> None:
    for number in range(PER_PAGE + 1):
        graded(services, f"Learner {number:03}", "sent")
    first, second = marc.get("/grades"), marc.get("/grades?page=2")
    assert (len(rows_of(first.text)), len(rows_of(second.text))) == (PER_PAGE, 1)
    assert f"Learner {PER_PAGE:03}" in second.text
    assert f'href="{marc.root}/grades?page=2"' in first.text
    assert len(rows_of(marc.get("/grades?page=9").text)) == 1, "a page too far is the last one"


def test_sending_again_leads_back_with_a_notice_and_twice_is_the_same_as_once(
    services: Services, marc: SignedIn
) -> None:
    link_id = graded(services, "Robin", "failed", "not_taken")
    for _ in range(2):
        answer = marc.post(f"/grades/{link_id}/send-again", {"state": "refused", "page": "2"})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{marc.root}/grades?asked=one&state=refused&page=2"
    assert due(services) == 1
    html = marc.get("/grades?asked=one").text
    assert "The grade goes out again" in html
    (robin,) = rows_of(html)
    assert "Waiting" in robin
    assert "Send again" not in robin


def test_everything_that_was_refused_is_sent_again_at_once(services: Services, marc: SignedIn) -> None:
    graded(services, "Tess", "sent")
    for name in ("Robin", "Ana"):
        graded(services, name, "failed", "no_leave")
    assert "Send all 2 refused grades again" in marc.get("/grades").text
    answer = marc.post("/grades/send-again", {"state": "odd", "page": "-1"})
    assert answer.headers["location"] == f"{marc.root}/grades?asked=all"
    with services.runtime.database.read() as session:
        assert sorted(row.state for row in session.exec(select(LtiScore)).all()) == ["sent", "waiting", "waiting"]
    assert due(services) == 2
    assert "Every grade that was refused" in marc.get("/grades?asked=all").text


def test_a_form_of_another_page_sends_nothing(services: Services, client: TestClient, marc: SignedIn) -> None:
    link_id = graded(services, "Robin", "failed", "not_taken")
    answer = client.post(f"{marc.root}/grades/{link_id}/send-again", headers={"Cookie": marc.cookie})
    assert answer.status_code == 403
    assert due(services) == 0


def test_a_grade_that_is_not_there_is_a_page_that_says_so(marc: SignedIn) -> None:
    assert marc.post("/grades/nothing/send-again").status_code == 404
