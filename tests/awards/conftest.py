"""A learner, an assessor, and a worker that makes the awards room's deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlmodel import select

from app.awards.jobs import AwardDeps, award_from_decision, reissue_after_confirmation
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox import Subscription, Worker
from app.core.outbox_models import OutboxDelivery
from app.issuer import service as issuer
from app.issuer.schemas import CredentialSummary, PublicCredential
from app.learning import service as learning
from app.learning.events import AwardDecided
from app.people import service as people
from app.people.events import EmailConfirmed
from app.programme import service as programme
from app.wiring import Services

LEVELS = {"principles-in-use": 3, "seeing-gates": 4, "fidelity-thinking": 3, "reflection-and-safety": 3}
EMAIL = "tess@example.org"


@dataclass
class Story:
    """Tess works through M01 and Priya decides."""

    services: Services
    deps: AwardDeps
    tess: str
    priya: str

    def hand_in(self) -> str:
        """Tess does everything and hands it in; returns the submission."""
        with self.services.runtime.database.write() as session:
            module = programme.current_module(session, "M01")
            enrolment = learning.enrol(session, person_id=self.tess, module=module, organisation_id=None)
            for activity in module.activities:
                at = {"enrolment_id": enrolment.id, "person_id": self.tess, "activity_key": activity.key}
                if activity.kind == "lesson":
                    learning.complete_lesson(session, **at)
                elif activity.kind == "knowledge_check":
                    right = {question.key: question.correct_key for question in activity.questions}
                    attempt = learning.start_attempt(session, **at)
                    answers = {asked.key: right[asked.key] for asked in attempt.questions}
                    learning.answer_attempt(session, attempt_id=attempt.id, person_id=self.tess, answers=answers)
                else:
                    texts = {item.key: "12" if item.kind == "count" else "Some words." for item in activity.fields}
                    texts |= {item.key: item.options[0].value for item in activity.fields if item.options}
                    content = texts or {"text": "Not yet. " * 160}
                    learning.save_draft(session, **at, content=content, base_revision=0)
            return learning.submit(session, enrolment_id=enrolment.id, person_id=self.tess, declared=True).id

    def decide(self) -> str:
        """Tess hands in, Priya awards; returns the decision."""
        submission_id = self.hand_in()
        with self.services.runtime.database.write() as session:
            for key, level in LEVELS.items():
                learning.mark(
                    session, submission_id=submission_id, assessor_id=self.priya, criterion_key=key, level=level
                )
            learning.record_supervisor_talk(
                session, submission_id=submission_id, recorded_by=self.priya,
                held_on=(now() - timedelta(days=1)).date(), supervisor_role="Centre manager",
            )  # fmt: skip
            return learning.award(session, submission_id=submission_id, assessor_id=self.priya).id

    def confirm(self, email: str = EMAIL) -> None:
        """Tess confirms an address by the code that was sent to it."""
        runtime = self.services.runtime
        with runtime.database.write() as session:
            asked = people.request_email_confirmation(session, runtime.secret_box, person_id=self.tess, email=email)
            code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
        people.confirm_email(runtime.database, runtime.secret_box, person_id=self.tess, code=code)

    def work(self) -> None:
        """The worker makes every delivery that is due; none may fail."""
        worker = Worker(
            self.deps.database,
            [
                Subscription(AwardDecided.KIND, "awards.award_from_decision", award_from_decision(self.deps)),
                Subscription(
                    EmailConfirmed.KIND, "awards.reissue_after_confirmation", reissue_after_confirmation(self.deps)
                ),
            ],
        )
        worker.run_until_idle()
        with self.deps.database.read() as session:
            assert [row.state for row in session.exec(select(OutboxDelivery)).all() if row.state != "done"] == []

    def badges(self) -> tuple[CredentialSummary, ...]:
        """Tess's badges."""
        with self.deps.database.read() as session:
            return issuer.credentials_of(session, self.tess)

    def badge(self) -> PublicCredential:
        """Tess's one badge."""
        (summary,) = self.badges()
        with self.deps.database.read() as session:
            return issuer.stored_credential(session, summary.id)


@pytest.fixture
def story(services: Services) -> Story:
    """Tess and Priya on a server that is ready."""
    runtime = services.runtime
    with runtime.database.write() as session:
        tess, priya = (
            people.person_for_lms_identity(
                session, registration_id="registration-1", subject=name, name=name,
                email=f"{name.lower()}@example.org", organisation_id=None,
            ).id
            for name in ("Tess", "Priya")
        )  # fmt: skip
        people.grant_role(session, person_id=priya, role="assessor", actor=OPERATOR)
    deps = AwardDeps(runtime.database, runtime.secret_box, runtime.settings.base_url, "orygen")
    return Story(services, deps, tess, priya)
