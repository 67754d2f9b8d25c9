"""The mails that a person suspended a badge because of another one, and that the suspension is lifted: once each."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from app.awards.consequences import deciding
from app.awards.consequences.events import SuspendedForGround, SuspensionLifted
from app.core.audit import OPERATOR
from app.core.outbox import Worker
from app.core.outbox_models import OutboxEvent
from app.issuer.models import Credential
from app.messages import preferences
from app.messages.kinds import GROUND_ENDED
from app.messages.models import SentMail
from app.messages.suspension_jobs import send_suspended, send_suspension_lifted
from app.people import service as people
from app.wiring import Services
from tests.awards.shelf import DAY, Shelf
from tests.messages.post import Post
from tests.messages.test_mails import TESS, delivery, deps_of, tess_of

WHY = "Only she and the assessor read this."
HANDLERS: dict[Any, Any] = {SuspendedForGround: send_suspended, SuspensionLifted: send_suspension_lifted}


class Question(Shelf):
    """Tess's badges, of which one has ended that another rests on, and Priya, who decides."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, tess_of(services))
        with services.runtime.database.write() as session:
            self.priya = people.person_for_lms_identity(
                session, registration_id="r-1", subject="Priya", name="Priya Rao", email=None, organisation_id=None
            ).id
            people.grant_role(session, person_id=self.priya, role="assessor", actor=OPERATOR)
        self.issue("M07", lasts=YEAR)
        self.issue("practitioner", on=("M07",))
        self.suspend("M07")

    def decide(self, what: Any, reason: str = WHY) -> None:
        with self.services.runtime.database.write() as session:
            what(session, self.flag("practitioner").id, assessor_id=self.priya, reason=reason)

    def tell(self, kind: Any) -> None:
        """The worker makes each delivery of this kind, and once more after a crash."""
        with self.services.runtime.database.read() as session:
            noted = session.exec(select(OutboxEvent).where(OutboxEvent.kind == kind.KIND)).all()
        handle = HANDLERS[kind](deps_of(self.services))
        for one in [delivery(kind(**event.payload)) for event in noted]:
            for _ in range(2):
                handle(one)


YEAR = 365 * DAY


@pytest.fixture
def question(services: Services) -> Question:
    return Question(services)


def text_of(message: Any) -> str:
    return " ".join(message.get_content().split())


def test_the_holder_is_told_once_of_a_suspension_what_it_means_and_what_to_do(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.tell(SuspendedForGround)
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    text = text_of(message)
    assert message["Subject"].startswith("Your badge “")
    assert message["Subject"].endswith("” is suspended")
    for words in (
        "an assessor has suspended your badge",
        "“Money, Disclosure and Rights”, which it rests on, was suspended on",
        "reads that it is suspended",
        "Nothing is deleted",
        "ask the people who run your programme why “Money, Disclosure and Rights” is suspended",
        f"/claim/{question.badges['practitioner'].credential_id}.",
    ):
        assert words in text
    assert WHY not in text  # it is on the badge's page, for its holder alone
    assert "Priya" not in text


def test_the_holder_is_told_once_that_a_suspension_is_lifted_and_why_it_is(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.reinstate("M07")
    question.decide(deciding.reinstate)
    question.work()
    question.tell(SuspensionLifted)
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    text = text_of(message)
    assert message["Subject"].endswith("” is not suspended any more")
    assert "“Money, Disclosure and Rights”, which it rests on, is in force again." in text
    assert "counts as before" in text
    assert "There is nothing you need to do." in text
    assert f"/claim/{question.badges['practitioner'].credential_id}." in text
    assert WHY not in text


def test_a_suspension_that_was_not_right_is_lifted_without_saying_what_is_not_so(
    question: Question, post: Post
) -> None:
    question.decide(deciding.suspend)
    question.decide(deciding.reinstate)
    question.work()
    question.tell(SuspensionLifted)
    (message,) = post.taken
    assert "in force again" not in text_of(message)


def test_a_suspension_whose_cause_is_mended_before_the_mail_asks_for_nothing(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.reinstate("M07")
    question.tell(SuspendedForGround)
    (message,) = post.taken
    assert "in force again meanwhile" in text_of(message)
    assert "There is nothing you need to do." in text_of(message)


def test_what_is_not_so_any_more_when_the_mail_is_due_is_not_sent(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.decide(deciding.reinstate)
    question.tell(SuspendedForGround)
    assert post.taken == []
    question.suspend("practitioner")
    question.tell(SuspensionLifted)
    assert post.taken == []


def test_of_a_badge_that_is_revoked_meanwhile_neither_is_said(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.tell(SuspensionLifted)
    question.revoke("practitioner")
    question.tell(SuspendedForGround)
    assert post.taken == []


def test_a_badge_that_ended_under_its_suspension_is_not_said_to_count(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.decide(deciding.reinstate)
    with question.services.runtime.database.write() as session:
        row = session.get_one(Credential, question.badges["practitioner"].credential_id)
        row.valid_until = question.began - DAY
        session.add(row)
    question.tell(SuspensionLifted)
    text = text_of(post.taken[0])
    assert "counts as before" not in text
    assert "It has ended meanwhile" in text


def test_the_worker_tells_each_decision_once(question: Question, post: Post, worker: Worker) -> None:
    for what in (deciding.suspend, deciding.reinstate):
        question.decide(what)
        worker.run_until_idle()
        worker.run_until_idle()
    subjects = [message["Subject"] for message in post.taken if "suspended" in message["Subject"]]
    assert len(subjects) == 2
    assert [subject.endswith("is suspended") for subject in subjects] == [True, False]


def test_whoever_switched_these_mails_off_gets_neither(question: Question, post: Post) -> None:
    with question.services.runtime.database.write() as session:
        preferences.switch(session, question.tess, {GROUND_ENDED.key: False})
    question.decide(deciding.suspend)
    question.tell(SuspendedForGround)
    question.decide(deciding.reinstate)
    question.tell(SuspensionLifted)
    assert post.taken == []


def test_what_is_kept_of_the_mails_goes_with_the_person(question: Question, post: Post) -> None:
    question.decide(deciding.suspend)
    question.tell(SuspendedForGround)
    with question.services.runtime.database.read() as session:
        (noted,) = session.exec(select(SentMail)).all()
    assert noted.subject_id.startswith(f"{question.badges['practitioner'].credential_id}.")


def test_of_a_badge_that_is_nobodys_nobody_is_told(question: Question, post: Post) -> None:
    question.issue("M03", person_id=None, lasts=YEAR)
    question.issue("practitioner", on=("M03",), person_id=None)
    question.suspend("M03")
    question.decide(deciding.suspend)
    with question.services.runtime.database.read() as session:
        assert session.exec(select(OutboxEvent).where(OutboxEvent.kind == SuspendedForGround.KIND)).all() == []
