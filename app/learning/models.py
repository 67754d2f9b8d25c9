"""Tables of the learning room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class EnrolmentRecord(Record, table=True):
    """A person's work on a module, under the version that was current when they began."""

    __tablename__ = "enrolment"
    __table_args__ = (sa.UniqueConstraint("person_id", "module_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    module_key: str
    module_version: int
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    enrolled_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class LessonCompletionRecord(Record, table=True):
    """A lesson read to its end."""

    __tablename__ = "lesson_completion"
    __table_args__ = (sa.UniqueConstraint("enrolment_id", "activity_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    completed_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class KnowledgeCheckAttemptRecord(Record, table=True):
    """One try at a knowledge check; its questions and their order follow from its id."""

    __tablename__ = "knowledge_check_attempt"
    __table_args__ = (sa.UniqueConstraint("enrolment_id", "activity_key", "number"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    number: int
    started_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    answers: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    correct: int = Field(default=0)
    total: int
    passed: bool = Field(default=False)


class ActivityDraftRecord(Record, table=True):
    """What a learner has written so far in one activity."""

    __tablename__ = "activity_draft"
    __table_args__ = (sa.UniqueConstraint("enrolment_id", "activity_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    content: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    put_aside: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))  # while in quarantine
    revision: int
    saved_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class SubmissionRecord(Record, table=True):
    """Work as it was handed in. The texts never change; the state goes from submitted to returned or awarded, once.

    What was put into quarantine before a decision is `returned` without one. Purged work has no texts any more.
    """

    __tablename__ = "submission"
    __table_args__ = (
        sa.UniqueConstraint("enrolment_id", "number"),
        sa.Index(
            "uq_submission_open",
            "enrolment_id",
            unique=True,
            sqlite_where=sa.text("state = 'submitted'"),
            postgresql_where=sa.text("state = 'submitted'"),
        ),
        sa.CheckConstraint("state IN ('submitted', 'returned', 'awarded')", name="state"),
        sa.Index("ix_submission_queue", "state", "submitted_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    person_id: str = Field(foreign_key="person.id", index=True)
    module_key: str
    module_version: int
    number: int
    state: str = Field(default="submitted")
    texts: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    texts_digest: str
    knowledge_check_correct: int
    knowledge_check_total: int
    declared_at: datetime = Field(sa_type=UTCDateTime)
    kept_findings: dict[str, Any] = Field(
        default_factory=dict, sa_type=sa.JSON, sa_column_kwargs={"server_default": sa.text("'{}'")}
    )
    submitted_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    quarantined_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    quarantined_by: str | None = Field(default=None)  # the assessor's id as a person
    purged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class CriterionMarkRecord(Record, table=True):
    """How one criterion of the rubric was judged in one round."""

    __tablename__ = "criterion_mark"
    __table_args__ = (sa.UniqueConstraint("submission_id", "criterion_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    submission_id: str = Field(foreign_key="submission.id")
    criterion_key: str
    level: int | None = Field(default=None)
    comment: str = Field(default="")
    marked_by: str = Field(foreign_key="person.id")
    marked_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class SupervisorTalkRecord(Record, table=True):
    """The learner's talk with their supervisor: it happened once and holds for every round."""

    __tablename__ = "supervisor_talk"

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id", unique=True)
    held_on: date
    supervisor_role: str
    recorded_by: str = Field(foreign_key="person.id")
    recorded_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class DecisionRecord(Record, table=True):
    """What a named person decided about one submission: one row, never changed."""

    __tablename__ = "decision"
    __table_args__ = (sa.CheckConstraint("outcome IN ('returned', 'awarded')", name="outcome"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    submission_id: str = Field(foreign_key="submission.id", unique=True)
    enrolment_id: str = Field(foreign_key="enrolment.id", index=True)
    outcome: str
    comment: str
    decided_by: str = Field(foreign_key="person.id")
    decided_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    rubric_version: int
