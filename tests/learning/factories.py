"""A small module, and people who work on it and mark it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from app.core.audit import OPERATOR
from app.core.db import Database, WriteSession
from app.learning import service as learning
from app.learning.schemas import Enrolment, KnowledgeCheckResult, Submission
from app.people import service as people
from app.programme import documents
from app.programme import service as programme
from app.programme.models import ProgrammeModuleVersion
from app.programme.schemas import (
    Activity,
    AwardRule,
    Criterion,
    CriticalInformation,
    ExerciseField,
    FieldOption,
    Module,
    Option,
    Question,
    Rubric,
    RubricLevel,
)

CRITERIA = ("principles", "gates")
REFLECTION = "I once said not yet to somebody who asked for work. I meant well and was wrong."
EXERCISE = {"mentioned": "20", "met": "11", "test": "We ask every week, for a month.", "item": "FI-09"}


def question(number: int) -> Question:
    options = tuple(Option(key, f"Answer {key} to {number}", correct=key == "b") for key in "abcd")
    return Question(f"q{number}", f"Question {number}?", options, f"Because {number}.")


def criterion(key: str) -> Criterion:
    levels = tuple(RubricLevel(level, f"Level {level}", f"What {level} looks like") for level in (1, 2, 3, 4))
    return Criterion(key, key.title(), ("IPSV-A1",), (), (), levels)


def module(version: int = 1, **changes: object) -> Module:
    activities = (
        Activity("lesson", "lesson", "Why IPS", 60, "Mia is nineteen."),
        Activity("check", "knowledge_check", "Check", 30, "", tuple(question(n) for n in range(1, 6)), 5, 2, 60),
        Activity(
            "exercise",
            "exercise",
            "Find the gate",
            180,
            "Counts only.",
            fields=(
                ExerciseField("mentioned", "Mentioned", None, "count"),
                ExerciseField("met", "Met", None, "count"),
                ExerciseField("test", "Test", None, "long_text"),
                ExerciseField("item", "Item", None, "text", options=(FieldOption("FI-09", "Zero exclusion"),)),
                ExerciseField("remark", "Remark", None, "text", required=False),
            ),
        ),
        Activity("reflection", "reflection", "Not yet", 60, "Describe a time.", min_words=300, max_words=500),
    )
    made = Module(
        key="M01",
        version=version,
        title="What Makes IPS, IPS",
        summary="The order IPS works in.",
        level="basic",
        domain="A",
        achievement_type="MicroCredential",
        hours=6,
        validity_months=36,
        language="en-AU",
        competencies=("IPSV-A1",),
        fidelity_items=(),
        themes=(),
        tags=(),
        outcomes=("Explain the order.",),
        activities=activities,
        rubric=Rubric(version, tuple(criterion(key) for key in CRITERIA)),
        award_rule=AwardRule(0.8, 3, supervisor_talk=True),
        what_to_leave_out=("Names",),
        critical_information=CriticalInformation(*("",) * 10),
        review_by=date(2030, 1, 1),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def publish(session: WriteSession, published: Module) -> Module:
    """Make a module known to the programme room."""
    session.add(
        ProgrammeModuleVersion(
            key=published.key,
            version=published.version,
            programme_key="ips",
            digest="0" * 64,
            document=documents.module_document(published),
        )
    )
    return published


def new_person(session: WriteSession, name: str, *, assessor: bool = False) -> str:
    person = people.person_for_lms_identity(
        session,
        registration_id="lms",
        subject=name,
        name=name,
        email=f"{name.lower()}@example.org",
        organisation_id=None,
    )
    if assessor:
        people.grant_role(session, person_id=person.id, role="assessor", actor=OPERATOR)
    return person.id


@dataclass(frozen=True)
class House:
    """A database with Tess enrolled in M01, Priya and Paul as assessors, and Ines, an instructor without the grant."""

    database: Database
    enrolment: Enrolment
    tess: str
    priya: str
    paul: str
    ines: str

    @property
    def at(self) -> dict[str, str]:
        return {"enrolment_id": self.enrolment.id, "person_id": self.tess}

    def answer(self, *, wrong: int = 0) -> KnowledgeCheckResult:
        """One try at the knowledge check with so many wrong answers."""
        with self.database.write() as session:
            attempt = learning.start_attempt(session, **self.at, activity_key="check")
            keys = [asked.key for asked in attempt.questions]
            answers = {key: "a" if index < wrong else "b" for index, key in enumerate(keys)}
            return learning.answer_attempt(session, attempt_id=attempt.id, person_id=self.tess, answers=answers)

    def save(self, activity_key: str, content: Mapping[str, str], base_revision: int) -> learning.Draft:
        with self.database.write() as session:
            return learning.save_draft(
                session, **self.at, activity_key=activity_key, content=content, base_revision=base_revision
            )

    def complete_everything(self) -> None:
        self.answer()
        self.complete_everything_but_the_check()

    def complete_everything_but_the_check(self) -> None:
        with self.database.write() as session:
            learning.complete_lesson(session, **self.at, activity_key="lesson")
        self.save("exercise", EXERCISE, 0)
        self.save("reflection", {"text": REFLECTION}, 0)

    def submit(self, *, declared: bool = True) -> Submission:
        with self.database.write() as session:
            return learning.submit(session, **self.at, declared=declared)

    def handed_in(self) -> Submission:
        self.complete_everything()
        return self.submit()

    def mark_all(self, submission_id: str, level: int = 3) -> None:
        with self.database.write() as session:
            for key in CRITERIA:
                learning.mark(
                    session, submission_id=submission_id, assessor_id=self.priya, criterion_key=key, level=level
                )

    def record_talk(self, submission_id: str) -> None:
        with self.database.write() as session:
            learning.record_supervisor_talk(
                session,
                submission_id=submission_id,
                recorded_by=self.priya,
                held_on=date(2025, 1, 6),
                supervisor_role="centre manager",
            )

    def ready_to_award(self) -> Submission:
        submission = self.handed_in()
        self.mark_all(submission.id)
        self.record_talk(submission.id)
        return submission

    def award(self, submission_id: str, by: str | None = None) -> learning.Decision:
        with self.database.write() as session:
            return learning.award(session, submission_id=submission_id, assessor_id=by or self.priya)

    def give_back(self, submission_id: str, comment: str = "Say which gate.") -> learning.Decision:
        with self.database.write() as session:
            return learning.return_work(session, submission_id=submission_id, assessor_id=self.priya, comment=comment)

    def progress(self) -> learning.Progress:
        with self.database.read() as session:
            return learning.progress(session, self.enrolment.id)


def furnish(database: Database) -> House:
    with database.write() as session:
        tess = new_person(session, "Tess")
        priya = new_person(session, "Priya", assessor=True)
        paul = new_person(session, "Paul", assessor=True)
        ines = new_person(session, "Ines")
        loaded = next((one for one in programme.modules(session) if one.key == "M01"), None)
        enrolment = learning.enrol(
            session, person_id=tess, module=loaded or publish(session, module()), organisation_id=None
        )
    return House(database, enrolment, tess, priya, paul, ines)
