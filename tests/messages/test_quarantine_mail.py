"""The mail about texts that an assessor put away: kind, without what was found, and only when it is final."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.outbox import Worker
from app.core.outbox_models import OutboxDelivery
from app.learning import quarantine
from app.learning.models import SubmissionRecord
from app.wiring import Services
from tests.messages.post import Post
from tests.messages.test_mails import TESS, make_due, sent_mails, submitted, tess_of

LISTENER = "messages.send_quarantined"


@dataclasses.dataclass(frozen=True)
class Case:
    """Work of Tess and the assessor who looks at it."""

    services: Services
    worker: Worker
    submission_id: str
    assessor_id: str

    def put_away(self) -> None:
        with self.services.runtime.database.write() as session:
            quarantine.quarantine(session, submission_id=self.submission_id, assessor_id=self.assessor_id)

    def take_back(self) -> None:
        with self.services.runtime.database.write() as session:
            quarantine.undo(session, submission_id=self.submission_id, assessor_id=self.assessor_id)

    def purge(self) -> None:
        with self.services.runtime.database.write() as session:
            quarantine.purge(session, submission_id=self.submission_id, assessor_id=self.assessor_id)

    def after(self, minutes: float) -> None:
        """Let so many minutes go by since it was put away, and let the worker look again."""
        with self.services.runtime.database.write() as session:
            put_away = sa.update(SubmissionRecord).where(col(SubmissionRecord.quarantined_at).is_not(None))
            session.execute(put_away.values(quarantined_at=now() - timedelta(minutes=minutes)))
        make_due(self.services)
        self.worker.run_until_idle()


def case_of(services: Services, worker: Worker) -> Case:
    return Case(services, worker, *submitted(services, tess_of(services)))


def told(post: Post) -> list[str]:
    return [mail.get_content() for mail in post.taken if "was put away" in str(mail["Subject"])]


def test_it_comes_once_and_only_when_the_assessor_cannot_take_it_back_any_more(
    services: Services, worker: Worker, post: Post
) -> None:
    case = case_of(services, worker)
    case.put_away()
    worker.run_until_idle()
    assert told(post) == []
    with services.runtime.database.read() as session:
        waiting = session.exec(select(OutboxDelivery).where(OutboxDelivery.handler == LISTENER)).one()
    assert waiting.state == "waiting"
    assert waiting.due_at > now() + timedelta(minutes=9)
    case.after(9.9)
    assert told(post) == []
    for _ in range(2):
        case.after(10)
    assert len(told(post)) == 1
    assert post.recipients[-1] == [TESS]
    assert ("work_quarantined", case.submission_id) in sent_mails(services)


def test_what_was_taken_back_is_told_to_nobody(services: Services, worker: Worker, post: Post) -> None:
    case = case_of(services, worker)
    case.put_away()
    worker.run_until_idle()
    case.take_back()
    case.after(11)
    assert told(post) == []


def test_what_was_taken_back_and_put_away_again_is_told_once_in_its_own_time(
    services: Services, worker: Worker, post: Post
) -> None:
    case = case_of(services, worker)
    case.put_away()
    case.after(9)
    case.take_back()
    case.put_away()
    case.after(2)
    assert told(post) == []
    case.after(10)
    assert len(told(post)) == 1


def test_what_was_removed_for_good_is_told_at_once(services: Services, worker: Worker, post: Post) -> None:
    case = case_of(services, worker)
    case.put_away()
    case.purge()
    worker.run_until_idle()
    assert len(told(post)) == 1


def test_it_says_what_happened_what_was_kept_and_what_to_do_and_never_what_was_found(
    services: Services, worker: Worker, post: Post
) -> None:
    case = case_of(services, worker)
    with services.runtime.database.write() as session:
        secret = {"exercise": {"text": "Marmalade Jones of Ballarat"}}
        session.execute(sa.update(SubmissionRecord).values(texts=secret))
    case.put_away()
    case.after(10)
    (text,) = (" ".join(each.split()) for each in told(post))
    for words in ("no judgement of your work", "What was kept", "What to do next", "open the module from your LMS"):
        assert words in text, words
    for word in ("Marmalade", "Jones", "Ballarat", "Priya", "switch them off"):
        assert word not in post.taken[-1].as_string(), word


def test_who_was_awarded_all_the_same_hears_that_there_is_nothing_to_do(
    services: Services, worker: Worker, post: Post
) -> None:
    case = case_of(services, worker)
    with services.runtime.database.write() as session:
        session.execute(sa.update(SubmissionRecord).values(state="awarded", decided_at=now()))
    case.put_away()
    case.after(10)
    (text,) = (" ".join(each.split()) for each in told(post))
    assert "Your award stands. There is nothing you need to do." in text
    assert "What to do next" not in text
