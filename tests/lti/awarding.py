"""A decision about a learner, the worker that tells of it, and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from app.core import outbox
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Subscription, Worker
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.core.runtime import Runtime
from app.learning.events import AwardDecided
from app.learning.models import DecisionRecord, EnrolmentRecord, SubmissionRecord
from app.lti import jobs
from app.lti.access_tokens import TokenCache
from app.lti.connector import Connectors
from app.lti.events import ScoreDue, ScoreRequested
from app.lti.models import LtiGradeLink, LtiResourceLink, LtiScore

DECIDED = datetime(2026, 3, 4, 5, 6, 7, 891011, UTC)
SENDER = "lti.send_score"


@dataclass
class Clock:
    """Seconds that grow when a test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def grade_worker(runtime: Runtime, connectors: Connectors | None = None) -> Worker:
    """A worker with every listener that has to do with grades, and no other."""
    return Worker(
        runtime.database,
        [
            Subscription(AwardDecided.KIND, "lti.post_award_score", jobs.post_award_score(runtime)),
            Subscription(ScoreRequested.KIND, "lti.post_requested_score", jobs.post_requested_score(runtime)),
            Subscription(ScoreDue.KIND, SENDER, jobs.send_due_score(runtime, connectors)),
        ],
    )


@dataclass
class Grading:
    """The grades of a house, and everything a test wants to do to them."""

    runtime: Runtime
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.database = self.runtime.database
        self.connectors = Connectors(self.runtime, TokenCache(self.clock))
        self.worker = grade_worker(self.runtime, self.connectors)

    def award(self, *, decided_at: datetime = DECIDED, tell: bool = True) -> AwardDecided:
        """Award the only enrolment there is, and have the worker do what is due."""
        event = decide(self.database, decided_at)
        with self.database.write() as session:
            outbox.emit(session, event)
        if tell:
            self.work()
        return event

    def request(self, request_id: str, given: str, maximum: str) -> None:
        """An operator asks for a score."""
        with self.database.write() as session:
            link = session.exec(select(LtiGradeLink)).one()
            outbox.emit(session, ScoreRequested(request_id, link.id, given, maximum))
        self.work()

    def work(self) -> None:
        self.worker.run_until_idle()

    def later(self) -> None:
        """Whatever waits is due, a day has passed for the tokens, and the worker does what is due."""
        self.clock.seconds += 86_400
        self._due(OutboxDelivery.state == "waiting")

    def repeat(self, *, handler: str = "lti.post_award_score") -> None:
        """Make the deliveries to a listener once more, as after a crash."""
        self._due(OutboxDelivery.handler == handler)

    def _due(self, *those: object) -> None:
        with self.database.write() as session:
            for row in session.exec(select(OutboxDelivery).where(*those)).all():  # type: ignore[arg-type]
                row.state, row.due_at, row.leased_until = "waiting", now() - timedelta(seconds=1), None
                session.add(row)
        self.work()

    def change(self, alter: Callable[[LtiScore], None]) -> None:
        """Put something else into the only score."""
        with self.database.write() as session:
            row = session.exec(select(LtiScore)).one()
            alter(row)
            session.add(row)

    def scores(self) -> list[LtiScore]:
        with self.database.read() as session:
            return list(session.exec(select(LtiScore).order_by(col(LtiScore.created_at))).all())

    def score(self) -> LtiScore:
        (row,) = self.scores()
        return row

    def deliveries(self, handler: str = SENDER) -> list[OutboxDelivery]:
        with self.database.read() as session:
            return list(session.exec(select(OutboxDelivery).where(OutboxDelivery.handler == handler)).all())

    def delivery(self) -> OutboxDelivery:
        (row,) = self.deliveries()
        return row

    def events(self, kind: str) -> list[OutboxEvent]:
        with self.database.read() as session:
            return list(session.exec(select(OutboxEvent).where(OutboxEvent.kind == kind)).all())

    def link(self) -> LtiResourceLink:
        with self.database.read() as session:
            return session.exec(select(LtiResourceLink)).one()


def decide(database: Database, decided_at: datetime) -> AwardDecided:
    """A decision about the newest enrolment of the only learner there is, as the learning room leaves it."""
    with database.write() as session:
        newest = select(EnrolmentRecord).order_by(col(EnrolmentRecord.number).desc())
        enrolment = session.exec(newest).first()
        assert enrolment is not None
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
            decided_at=decided_at,
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
