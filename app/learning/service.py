"""The public face of the learning room."""

from __future__ import annotations

from app.learning.decisions import award, decision_outcome, return_work
from app.learning.drafts import draft, save_draft
from app.learning.enrolments import complete_lesson, enrol, enrolment, enrolment_of, module_of, own_enrolment
from app.learning.knowledge_check import answer_attempt, knowledge_check, start_attempt
from app.learning.marking import mark, record_supervisor_talk
from app.learning.progress import progress
from app.learning.quarantine import purge, quarantine, undo
from app.learning.reviewing import open_submission, proposal, queue
from app.learning.schemas import (
    Decision,
    DecisionOutcome,
    Draft,
    Enrolment,
    Missing,
    Progress,
    Proposal,
    QueueItem,
    Submission,
    SubmissionForMarking,
)
from app.learning.submissions import found_in, submission, submissions_of, submit
from app.learning.texts import fields_of, word_count, word_hint

__all__ = [
    "Decision",
    "DecisionOutcome",
    "Draft",
    "Enrolment",
    "Missing",
    "Progress",
    "Proposal",
    "QueueItem",
    "Submission",
    "SubmissionForMarking",
    "answer_attempt",
    "award",
    "complete_lesson",
    "decision_outcome",
    "draft",
    "enrol",
    "enrolment",
    "enrolment_of",
    "fields_of",
    "found_in",
    "knowledge_check",
    "mark",
    "module_of",
    "open_submission",
    "own_enrolment",
    "progress",
    "proposal",
    "purge",
    "quarantine",
    "queue",
    "record_supervisor_talk",
    "return_work",
    "save_draft",
    "start_attempt",
    "submission",
    "submissions_of",
    "submit",
    "undo",
    "word_count",
    "word_hint",
]
