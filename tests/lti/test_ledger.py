"""The ledger: each learner's newest score in one of four states, with words for whatever stands in its way."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.clock import now
from app.core.db import Database
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.core.runtime import Runtime
from app.lti import score_problems
from app.lti.events import ScoreDue
from app.lti.ledger import AWARD_LISTENER, LedgerEntry, ScoreUnknown, ledger, send_one_again
from app.lti.ledger_words import GIVEN_UP, OVERDUE, SOON, WORDS
from app.lti.models import LtiDeployment, LtiGradeLink, LtiScore
from app.wiring import Services, build_verifier, subscriptions
from tests.lti.awarding import Grading
from tests.lti.columns import Columns
from tests.lti.ledgers import SENT_AT, Course, decided, in_hand, score
from tests.lti.platform import SCORE_SCOPE, Browser

PROBLEMS = {value for name, value in vars(score_problems).items() if name.isupper() and isinstance(value, str)}


@pytest.fixture
def platform() -> Columns:
    return Columns()


@pytest.fixture
def course(database: Database, registration_id: str) -> Course:
    with database.read() as session:
        return Course(registration_id, session.exec(select(LtiDeployment.id)).one())


def entries(database: Database, course: Course) -> list[LedgerEntry]:
    with database.read() as session:
        return list(ledger(session, deployment_id=course.deployment_id, context_id=course.context_id))


def again(database: Database, course: Course, link: LtiGradeLink) -> None:
    with database.write() as session:
        send_one_again(
            session,
            grade_link_id=link.id,
            deployment_id=course.deployment_id,
            context_id=course.context_id,
            person_id=link.person_id,
        )


def opened(grading: Grading) -> tuple[LtiGradeLink, Course]:
    """The only link that was opened, and the course it lies in."""
    with grading.database.read() as session:
        link = session.exec(select(LtiGradeLink)).one()
    return link, Course(link.registration_id, link.deployment_id, link.context_id or "")


def due(database: Database) -> int:
    with database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == ScoreDue.KIND)).all())


def test_every_problem_has_words_for_a_teacher() -> None:
    assert PROBLEMS - WORDS.keys() == set()
    assert len(PROBLEMS) > 10
    for words in (*WORDS.values(), SOON, OVERDUE, GIVEN_UP):
        for sentence in filter(None, (words.why, words.mend)):
            assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("state", "problem", "shown"),
    [
        ("sent", None, "sent"),
        ("already_there", None, "sent"),
        ("failed", "not_taken", "refused"),
        ("not_sent", "no_column", "not_sent"),
        ("waiting", "trouble", "waiting"),
    ],
)
def test_a_score_is_shown_in_one_of_four_states(
    database: Database, course: Course, state: str, problem: str | None, shown: str
) -> None:
    with database.write() as session:
        row = score(session, course.learner(session, "Tess"), state, problem)
        in_hand(session, row)
    (entry,) = entries(database, course)
    assert (entry.state, entry.name, entry.given, entry.maximum, entry.module_key) == (shown, "Tess", 100, 100, "M01")
    assert (entry.words is None) == (shown == "sent")
    if problem:
        assert entry.words == WORDS[problem]
    if shown == "sent":
        assert entry.moment == SENT_AT


def test_one_that_waits_says_when_it_is_tried_next(database: Database, course: Course) -> None:
    with database.write() as session:
        delivery = in_hand(session, score(session, course.learner(session, "Tess"), "waiting", "busy"))
    (entry,) = entries(database, course)
    assert entry.next_try == delivery.due_at


def test_one_that_was_given_up_after_days_counts_as_refused(database: Database, course: Course) -> None:
    with database.write() as session:
        row = score(session, course.learner(session, "Tess"), "waiting", "unreachable", last_error="no answer")
        in_hand(session, row, state="dead")
    (entry,) = entries(database, course)
    assert (entry.state, entry.words, entry.technical) == ("refused", GIVEN_UP, "no answer")


def test_one_that_no_worker_takes_says_so(database: Database, course: Course) -> None:
    with database.write() as session:
        row = score(session, course.learner(session, "Tess"), "waiting", "trouble")
        in_hand(session, row, due_in=timedelta(minutes=-30))
    (entry,) = entries(database, course)
    assert (entry.state, entry.words, entry.next_try) == ("waiting", OVERDUE, None)


def test_an_award_that_no_worker_has_heard_of_waits_as_well(database: Database, course: Course) -> None:
    with database.write() as session:
        decided(session, course.learner(session, "Tess"))
        course.learner(session, "Ana")
    (entry,) = entries(database, course)
    assert (entry.name, entry.state, entry.words, entry.is_queued) == ("Tess", "waiting", SOON, True)


def test_an_award_whose_listener_fails_waits_as_well(database: Database, course: Course) -> None:
    with database.write() as session:
        decided(session, course.learner(session, "Tess"))
        event = session.exec(select(OutboxEvent)).one()
        event.dispatched_at, event.created_at = now(), now() - timedelta(hours=2)
        session.add(event)
        session.add(OutboxDelivery(event_id=event.id, handler=AWARD_LISTENER, attempt=5))
    (entry,) = entries(database, course)
    assert (entry.state, entry.words) == ("waiting", OVERDUE)


def test_the_listener_that_is_looked_for_is_the_one_that_listens(runtime: Runtime) -> None:
    names = {each.name for each in subscriptions(Services(runtime=runtime, verifier=build_verifier(runtime)))}
    assert AWARD_LISTENER in names


def test_only_the_newest_score_of_a_learner_is_shown(database: Database, course: Course) -> None:
    with database.write() as session:
        link = course.learner(session, "Tess")
        score(session, link, "sent", created_at=SENT_AT)
        score(session, link, "failed", "not_taken", score_given=50.0, created_at=SENT_AT + timedelta(days=1))
    (entry,) = entries(database, course)
    assert (entry.state, entry.given) == ("refused", 50.0)


def test_those_that_need_somebody_come_first_then_by_name(database: Database, course: Course) -> None:
    with database.write() as session:
        for name, state in (("Zoe", "sent"), ("anna", "sent"), ("Bo", "waiting"), ("Yu", "failed"), ("Li", "not_sent")):
            score(session, course.learner(session, name), state)
    assert [entry.name for entry in entries(database, course)] == ["Yu", "Bo", "Li", "anna", "Zoe"]


def test_other_courses_and_deployments_are_never_shown(database: Database, course: Course) -> None:
    with database.write() as session:
        elsewhere = LtiDeployment(registration_id=course.registration_id, platform_deployment_id="other")
        session.add(elsewhere)
        session.flush()
        for other in (
            Course(course.registration_id, course.deployment_id, "another course"),
            Course(course.registration_id, elsewhere.id),
        ):
            link = other.learner(session, f"Of {other.context_id} {other.deployment_id}", link="theirs")
            score(session, link, "failed")
            decided(session, link)
            with pytest.raises(ScoreUnknown):
                send_one_again(
                    session,
                    grade_link_id=link.id,
                    deployment_id=course.deployment_id,
                    context_id=course.context_id,
                    person_id=link.person_id,
                )
    assert entries(database, course) == []
    assert due(database) == 0


def test_a_link_to_one_activity_is_left_out_where_the_whole_module_is_there(database: Database, course: Course) -> None:
    with database.write() as session:
        score(session, course.learner(session, "Tess", link="whole"), "sent")
        score(session, course.learner(session, "Tess", link="part"), "not_sent", "part_only")
        score(session, course.learner(session, "Ana", link="part"), "not_sent", "part_only")
    assert [(entry.name, entry.state) for entry in entries(database, course)] == [("Ana", "not_sent"), ("Tess", "sent")]


def test_a_large_course_is_read_in_a_handful_of_questions(database: Database, course: Course) -> None:
    with database.write() as session:
        for number in range(30):
            in_hand(session, score(session, course.learner(session, f"Learner {number}"), "waiting", "trouble"))
    asked: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    assert len(entries(database, course)) == 30
    assert len(asked) <= 8


# Sending again


def test_a_refused_score_is_sent_again_once_however_often_one_presses(
    browser: Browser, runtime: Runtime, platform: Columns
) -> None:
    grading = Grading(runtime)
    assert browser.full_launch().status_code == 303
    platform.score_answers = [400]
    grading.award()
    link, where = opened(grading)
    for _ in range(3):
        again(grading.database, where, link)
    (entry,) = entries(grading.database, where)
    assert (entry.state, entry.words, entry.is_queued) == ("waiting", SOON, True)
    grading.work()
    assert len(platform.scores()) == 2
    assert grading.score().state == "sent"
    sent = [mark["timestamp"] for mark in platform.scores()]
    assert sent[0] < sent[1]


def test_a_score_that_waits_is_tried_now_by_the_delivery_that_has_it(
    browser: Browser, runtime: Runtime, platform: Columns
) -> None:
    grading = Grading(runtime)
    assert browser.full_launch().status_code == 303
    platform.score_answers = [503]
    grading.award()
    link, where = opened(grading)
    grading.work()
    assert len(platform.scores()) == 1
    for _ in range(3):
        again(grading.database, where, link)
    grading.work()
    assert grading.score().state == "sent"
    assert [score["timestamp"] for score in platform.scores()] == ["2026-03-04T05:06:07Z"] * 2
    assert len(grading.deliveries()) == 1


def test_a_score_that_was_sent_can_be_sent_again_with_a_later_time(
    browser: Browser, runtime: Runtime, platform: Columns
) -> None:
    """Somebody has emptied the column."""
    grading = Grading(runtime)
    assert browser.full_launch(ags=platform.ags(SCORE_SCOPE, column=7)).status_code == 303
    grading.award()
    link, where = opened(grading)
    again(grading.database, where, link)
    grading.work()
    first, second = (score["timestamp"] for score in platform.scores())
    assert first < second
    assert grading.score().state == "sent"
    assert len(grading.scores()) == 1


def test_an_award_that_is_not_written_down_yet_is_on_its_way_whatever_one_presses(
    database: Database, course: Course
) -> None:
    with database.write() as session:
        link = course.learner(session, "Tess")
        decided(session, link)
    again(database, course, link)
    assert due(database) == 0


def test_a_learner_without_a_score_has_none_to_send(database: Database, course: Course) -> None:
    with database.write() as session:
        link = course.learner(session, "Tess")
    with pytest.raises(ScoreUnknown):
        again(database, course, link)


def test_sending_again_is_audited_by_ids(database: Database, course: Course) -> None:
    with database.write() as session:
        link = course.learner(session, "Tess")
        score(session, link, "failed")
    again(database, course, link)
    with database.read() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "lti.score_sent_again")).one()
        assert (entry.subject_id, entry.actor_id) == (link.id, link.person_id)
        assert session.exec(select(LtiScore)).one().state == "waiting"
