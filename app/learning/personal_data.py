"""What the learning room keeps of a person, for the person; and how it goes.

Of work that was assessed, the digest of the texts and the result by the rubric stay without a text: what was awarded
can still be defended, and an authority can still be shown that a given text was, or was not, what was judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.db import ReadSession, Record, WriteSession
from app.learning import workbench_personal_data as workbench
from app.learning.files import personal as files
from app.learning.models import (
    ActivityDraftRecord,
    AttendanceCodeRecord,
    AttendanceRecord,
    AttendanceTryRecord,
    CriterionMarkRecord,
    DecisionRecord,
    EnrolmentRecord,
    KnowledgeCheckAttemptRecord,
    LessonCompletionRecord,
    RecognitionRecord,
    ReviewedServiceRecord,
    SubmissionRecord,
    SupervisorTalkRecord,
)
from app.learning.observation import personal as observation
from app.people.exporting import section
from app.people.schemas import Count, Kept, Section

BY_ASSESSOR = "An assessor is named by the role, as you were told."


class LearningPersonalData:
    """Enrolments, what was written and answered, and what was decided about it."""

    room = "learning"
    tables = frozenset(
        {
            "enrolment", "lesson_completion", "knowledge_check_attempt", "activity_draft", "submission",
            "criterion_mark", "supervisor_talk", "decision", "attendance", "attendance_try", "attendance_code",
            "recognition", "reviewed_service",
        }
    ) | observation.TABLES | workbench.TABLES | files.TABLES  # fmt: skip
    kept = (
        *observation.KEPT,
        *workbench.KEPT,
        *files.KEPT,
        Kept(
            "Of work that was decided: the module, a digest of the texts, the levels by the rubric, the outcome, and "
            "who decided when, by ids only",
            "Decisions must be defensible, and statistics of a module must stay true. No text and no comment stays.",
        ),
        Kept(
            "That the person confirmed others' attendance, or showed the code of a session, by their id only",
            "It is those others' record that they were there.",
        ),
        Kept(
            "Marks, comments and decisions that the person made as an assessor about others' work, by their id only",
            "They belong to those others, who were told them.",
        ),
    )

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """All work in full, and what was said of it."""
        enrolments, submissions = _enrolments(person_id), _submissions(person_id)

        def part(name: str, about: str, model: type[Record], mine: sa.ColumnElement[bool], *without: str) -> Section:
            return section(session, f"learning.{name}", about, model, mine, without=("person_id", *without))

        return (
            part("enrolments", "Modules you began.", EnrolmentRecord, col(EnrolmentRecord.person_id) == person_id),
            *(
                part(name, about, model, col(model.enrolment_id).in_(enrolments), "put_aside")
                for name, about, model in _BY_ENROLMENT
            ),
            _without_quarantined(
                part("submissions", "Work as you handed it in, without what is in quarantine: it may name a client.",
                     SubmissionRecord, col(SubmissionRecord.person_id) == person_id, "quarantined_by")
            ),
            *(
                _by_role(part(name, f"{about} {BY_ASSESSOR}", model, mine, column), column)
                for name, about, model, mine, column in (
                    ("marks", "What was said of each criterion.", CriterionMarkRecord,
                     col(CriterionMarkRecord.submission_id).in_(submissions), "marked_by"),
                    ("decisions", "What was decided about your work.", DecisionRecord,
                     col(DecisionRecord.submission_id).in_(submissions), "decided_by"),
                    ("supervisor_talks", "Talks with your supervisor on record.", SupervisorTalkRecord,
                     col(SupervisorTalkRecord.enrolment_id).in_(enrolments), "recorded_by"),
                )
            ),
            part("attendance", "Sessions at which you were. Who confirmed it, a teacher or an assessor, is left out.",
                 AttendanceRecord, col(AttendanceRecord.enrolment_id).in_(enrolments), "confirmed_by"),
            *_as_assessor(session, person_id),
            *_at_sessions(session, person_id),
            *observation.export(session, person_id),
            *workbench.export(session, person_id),
            *files.export(session, person_id),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """Work that waits for a decision is withdrawn, so it hinders nothing."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Remove all that was written and said, and every record of work that nobody decided about."""
        _lock(session, person_id)
        enrolments, decided = _enrolments(person_id), _decided(person_id)
        mine = col(SubmissionRecord.person_id) == person_id
        undecided = select(SubmissionRecord.id).where(mine, col(SubmissionRecord.id).not_in(decided))
        counts = [
            _texts(session, decided),
            *observation.erase(session, person_id),
            *workbench.erase(session, person_id),
        ]
        counts += files.erase(session, person_id, decided)
        counts += [_count(session, what, model, col(model.enrolment_id).in_(enrolments)) for what, model in _GONE]
        counts.append(
            _count(
                session, "marks of work that waited for a decision", CriterionMarkRecord,
                col(CriterionMarkRecord.submission_id).in_(undecided),
            )
        )  # fmt: skip
        counts.append(
            _count(
                session, "pieces of work that waited for a decision; it is withdrawn", SubmissionRecord,
                mine, col(SubmissionRecord.id).not_in(decided),
            )
        )  # fmt: skip
        judged = select(SubmissionRecord.enrolment_id)  # by whichever id: a joined record's work names the person
        counts.append(
            _count(
                session, "modules begun, without a decision", EnrolmentRecord,
                col(EnrolmentRecord.person_id) == person_id, col(EnrolmentRecord.id).not_in(judged),
            )
        )  # fmt: skip
        session.execute(
            sa.update(EnrolmentRecord)
            .where(col(EnrolmentRecord.person_id) == person_id)
            .values(organisation_id=None, renews=None),
            execution_options={"synchronize_session": False},
        )
        return tuple(counts)


def decision_ids(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Ids of the decisions about a person's work: by these the mails about them are noted."""
    mine = col(DecisionRecord.submission_id).in_(_submissions(person_id))
    return tuple(session.exec(select(DecisionRecord.id).where(mine)).all())


_BY_ENROLMENT: tuple[tuple[str, str, Any], ...] = (
    ("lessons_read", "Lessons you read to the end.", LessonCompletionRecord),
    ("knowledge_checks", "Every try at a knowledge check, with your answers.", KnowledgeCheckAttemptRecord),
    ("drafts", "What you have written so far.", ActivityDraftRecord),
    ("recognition", "That you chose recognition of prior learning.", RecognitionRecord),
    ("reviewed_services", "Whose service you reviewed, and when.", ReviewedServiceRecord),
    ("attendance_tries", "Codes that you typed at a session in the last hour or so: when.", AttendanceTryRecord),
)
_GONE: tuple[tuple[str, Any], ...] = (
    ("lessons read", LessonCompletionRecord),
    ("tries at knowledge checks", KnowledgeCheckAttemptRecord),
    ("drafts", ActivityDraftRecord),
    ("talks with a supervisor", SupervisorTalkRecord),
    ("sessions attended", AttendanceRecord),
    ("codes tried at a session", AttendanceTryRecord),
    ("choices of recognition of prior learning", RecognitionRecord),
    ("records of whose service was reviewed", ReviewedServiceRecord),
)


def _without_quarantined(of: Section) -> Section:
    """The same without texts that an assessor put into quarantine: what they say of a client goes nowhere."""
    return replace(
        of, records=tuple({**each, "texts": None} if each.get("quarantined_at") else each for each in of.records)
    )


def _by_role(of: Section, column: str) -> Section:
    """The same, with the role of whoever did it, in place of who it was."""
    return replace(of, records=tuple({**record, column: "assessor"} for record in of.records))


def _as_assessor(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """What they decided as an assessor: when and what, but not about whom nor in what words, which are another's."""
    return (
        section(
            session, "learning.decisions_you_made",
            "Decisions you made about others' work. About whom, and your words, are in those persons' own data.",
            DecisionRecord, col(DecisionRecord.decided_by) == person_id,
            without=("id", "submission_id", "enrolment_id", "comment", "decided_by"),
        ),
        section(
            session, "learning.marks_you_gave", "When you marked others' work.",
            CriterionMarkRecord, col(CriterionMarkRecord.marked_by) == person_id,
            without=("id", "submission_id", "comment", "level", "marked_by"),
        ),
    )  # fmt: skip


def _at_sessions(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """What they did as whoever ran a session: when and for which, but not about whom."""
    return (
        section(
            session, "learning.attendance_you_confirmed", "When you confirmed that somebody was at a session.",
            AttendanceRecord, col(AttendanceRecord.confirmed_by) == person_id,
            without=("id", "enrolment_id", "confirmed_by"),
        ),
        section(
            session, "learning.codes_you_showed", "Codes that you showed at a session.",
            AttendanceCodeRecord, col(AttendanceCodeRecord.opened_by) == person_id, without=("id", "opened_by"),
        ),
    )  # fmt: skip


def _enrolments(person_id: str) -> Any:
    return select(EnrolmentRecord.id).where(EnrolmentRecord.person_id == person_id)


def _submissions(person_id: str) -> Any:
    return select(SubmissionRecord.id).where(SubmissionRecord.person_id == person_id)


def _decided(person_id: str) -> Any:
    mine = col(DecisionRecord.submission_id).in_(_submissions(person_id))
    return select(DecisionRecord.submission_id).where(mine)


def _lock(session: WriteSession, person_id: str) -> None:
    """Whoever writes a draft, hands in or decides does so before this, or finds nothing to do it to."""
    for model in (EnrolmentRecord, SubmissionRecord):
        session.exec(select(model.id).where(model.person_id == person_id).with_for_update(key_share=True)).all()


def _texts(session: WriteSession, decided: Any) -> Count:
    """Take the words from work that was decided; digest, levels and outcome stay."""
    quietly = {"synchronize_session": False}
    for model in (CriterionMarkRecord, DecisionRecord):
        of_it = col(model.submission_id).in_(decided)
        session.execute(sa.update(model).where(of_it).values(comment=""), execution_options=quietly)
    of_it = col(SubmissionRecord.id).in_(decided)
    emptied = sa.update(SubmissionRecord).where(of_it, sa.cast(SubmissionRecord.texts, sa.String) != "{}")
    result = session.execute(emptied.values(texts={}, kept_findings={}), execution_options=quietly)
    return Count("texts of work that was decided, with what was said of it", result.rowcount)  # type: ignore[attr-defined]


def _count(session: WriteSession, what: str, model: type[Record], *where: sa.ColumnElement[bool]) -> Count:
    result = session.execute(delete(model).where(*where), execution_options={"synchronize_session": False})
    return Count(what, result.rowcount)  # type: ignore[attr-defined]
