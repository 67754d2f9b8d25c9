"""The public face of the learning room."""

from __future__ import annotations

from app.learning.decisions import award, decision_outcome, return_work
from app.learning.drafts import draft, save_draft
from app.learning.enrolments import complete_lesson, enrol, enrolment, enrolment_of, module_of, own_enrolment
from app.learning.knowledge_check import answer_attempt, knowledge_check, start_attempt
from app.learning.marking import mark, record_supervisor_talk
from app.learning.panel import PanelStep, give_panel_mark, step_back
from app.learning.progress import progress
from app.learning.provisional import provisional_state
from app.learning.quarantine import purge, quarantine, undo
from app.learning.reviewing import open_submission, proposal
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
from app.learning.waiting import next_waiting, queue, waiting_page

__all__ = [
    "Decision",
    "DecisionOutcome",
    "Draft",
    "Enrolment",
    "Missing",
    "PanelStep",
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
    "give_panel_mark",
    "knowledge_check",
    "mark",
    "module_of",
    "next_waiting",
    "open_submission",
    "own_enrolment",
    "progress",
    "proposal",
    "provisional_state",
    "purge",
    "quarantine",
    "queue",
    "record_supervisor_talk",
    "return_work",
    "save_draft",
    "start_attempt",
    "step_back",
    "submission",
    "submissions_of",
    "submit",
    "undo",
    "waiting_page",
    "word_count",
    "word_hint",
]
