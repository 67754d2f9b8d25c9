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
    """A person's work on a module, under the version that was current when they began.

    Number 0 is the work that leads to the badge first. One with `renewal_steps` renews a badge: it asks for these steps
    only, and takes no work that is handed in after `renew_by`. One without them and with a higher number does the whole
    module again, because the badge was revoked or ended too long ago to be renewed.
    """

    __tablename__ = "enrolment"
    __table_args__ = (sa.UniqueConstraint("person_id", "module_key", "number"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    module_key: str
    module_version: int
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    enrolled_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    number: int = Field(default=0, sa_column_kwargs={"server_default": sa.text("0")})
    renews: str | None = Field(default=None, index=True)  # the badge's id
    renewal_steps: list[Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))  # keys of activities
    renew_by: datetime | None = Field(default=None, sa_type=UTCDateTime)


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
    renewal_steps: list[Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))  # as of its enrolment


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


class SavedCommentRecord(Record, table=True):
    """A comment that an assessor keeps for writing it again; nobody else sees it."""

    __tablename__ = "saved_comment"

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    module_key: str | None = Field(default=None)  # None: for every module
    criterion_key: str | None = Field(default=None)  # None: for every criterion and for the whole
    text: str
    saved_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class SecondMarkRecord(Record, table=True):
    """A decision that was chosen for a second, blind mark; and that mark, once it is given. Then it never changes."""

    __tablename__ = "second_mark"
    __table_args__ = (
        sa.CheckConstraint("outcome IN ('returned', 'awarded')", name="outcome"),
        sa.CheckConstraint("why IN ('first_five', 'sample')", name="why"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    decision_id: str = Field(foreign_key="decision.id", unique=True)
    submission_id: str = Field(foreign_key="submission.id", unique=True)
    decided_by: str = Field(foreign_key="person.id", index=True)
    why: str
    rubric_version: int
    chosen_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    marked_by: str | None = Field(default=None, foreign_key="person.id", index=True)
    marked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str | None = Field(default=None)
    levels: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    reason: str = Field(default="")
    conclusion: str = Field(default="")
    concluded_by: str | None = Field(default=None, foreign_key="person.id")
    concluded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class PanelMarkRecord(Record, table=True):
    """What one assessor of a panel thinks of one round.

    `draft` is what they are writing; the rest is what they gave, which counts while they hold one of the two seats.
    """

    __tablename__ = "panel_mark"
    __table_args__ = (
        sa.UniqueConstraint("submission_id", "marked_by"),
        sa.UniqueConstraint("submission_id", "seat"),
        sa.CheckConstraint("outcome IN ('returned', 'awarded')", name="outcome"),
        sa.CheckConstraint("seat IN (1, 2)", name="seat"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    submission_id: str = Field(foreign_key="submission.id")
    marked_by: str = Field(foreign_key="person.id", index=True)
    seat: int | None = Field(default=None)
    draft: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    outcome: str | None = Field(default=None)
    levels: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    comments: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    comment: str = Field(default="")
    begun_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    given_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class AppealRecord(Record, table=True):
    """A learner's appeal against a return: at most one for each decision, and answered once."""

    __tablename__ = "appeal"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'upheld', 'declined', 'overtaken')", name="state"),
        sa.Index("ix_appeal_state_made_at", "state", "made_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    decision_id: str = Field(foreign_key="decision.id", unique=True)
    submission_id: str = Field(foreign_key="submission.id", unique=True)
    enrolment_id: str = Field(foreign_key="enrolment.id", index=True)
    reason: str
    state: str = Field(default="open")
    made_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    answer: str = Field(default="")
    answered_by: str | None = Field(default=None, foreign_key="person.id")
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    new_submission_id: str | None = Field(default=None, foreign_key="submission.id", unique=True)


class AttendanceCodeRecord(Record, table=True):
    """A code that is shown in a session of one course: who types it while it is open was there."""

    __tablename__ = "attendance_code"
    __table_args__ = (
        sa.Index(
            "uq_attendance_code_open",
            "deployment_id",
            "context_id",
            "module_key",
            "activity_key",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    deployment_id: str
    context_id: str
    module_key: str
    activity_key: str
    code: str
    opened_by: str = Field(foreign_key="person.id")
    opened_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class AttendanceRecord(Record, table=True):
    """That somebody was at a session: confirmed by a person, or by the code that a person showed there."""

    __tablename__ = "attendance"
    __table_args__ = (
        sa.UniqueConstraint("enrolment_id", "activity_key"),
        sa.CheckConstraint("how IN ('roster', 'code')", name="how"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    deployment_id: str
    context_id: str
    how: str
    held_on: date
    confirmed_by: str = Field(foreign_key="person.id")
    confirmed_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class AttendanceTryRecord(Record, table=True):
    """A code that a learner typed: they are counted, so that none can be guessed."""

    __tablename__ = "attendance_try"
    __table_args__ = (sa.Index("ix_attendance_try_enrolment_id_activity_key", "enrolment_id", "activity_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    tried_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class ReviewedServiceRecord(Record, table=True):
    """Whose service a learner took part in reviewing, for one observation; no agency where Waymark knows none of it."""

    __tablename__ = "reviewed_service"
    __table_args__ = (sa.UniqueConstraint("enrolment_id", "activity_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    reviewed_on: date
    declared_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class RecognitionRecord(Record, table=True):
    """A learner's choice to show what they can do already, without the lessons."""

    __tablename__ = "recognition"

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id", unique=True)
    chosen_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
