"""What an assessor looks at: one piece of work beside its rubric, and what the machine proposes."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.db import ReadSession
from app.learning import panel_marks, second_marking
from app.learning.assessors import foreign_work, require_assessor
from app.learning.enrolments import enrolment, module_of_work
from app.learning.errors import SubmissionNotFound
from app.learning.marking_errors import NotIndependent, WaitsForSecondMark
from app.learning.models import SubmissionRecord
from app.learning.quarantine import can_undo
from app.learning.recognition import is_chosen
from app.learning.rounds import decision_on, marks_of, missing_now, talk_of
from app.learning.schemas import CriterionMark, EarlierRound, Proposal, SubmissionForMarking
from app.learning.submissions import found_in, rounds_of, to_submission
from app.people import service as people
from app.programme.schemas import Module


def open_submission(session: ReadSession, *, submission_id: str, assessor_person_id: str) -> SubmissionForMarking:
    """One piece of work with everything an assessor needs beside it.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
        SubmissionNotFound: there is none.
        OwnWork: it is the assessor's own.
        NotIndependent: it waits for a decision, and they stand too near to the learner or to an earlier decision, or
            two others form the panel that decides.
        WaitsForSecondMark: it was decided, and they may be the one who judges it a second time, blind.
    """
    require_assessor(session, assessor_person_id)
    row = foreign_work(session.get(SubmissionRecord, submission_id), assessor_person_id)
    if row.state == "submitted":
        barred = panel_marks.bars(session, row, assessor_person_id)
        if barred:
            raise NotIndependent(tuple(bar.words for bar in barred))
    elif second_marking.awaits(session, submission_id=row.id, assessor_id=assessor_person_id):
        raise WaitsForSecondMark
    module = module_of_work(session, row)
    submission = to_submission(row)
    earlier, kept_back = _earlier(session, row, assessor_person_id)
    marks = marks_of(session, row.id)
    if panel_marks.applies(module) and row.state == "submitted":
        marks = panel_marks.written(session, row.id, assessor_person_id)
    return SubmissionForMarking(
        submission=submission,
        learner_name=people.display_name(session, row.person_id),
        module=module,
        rubric=module.rubric,
        marks=marks,
        talk=talk_of(session, row.enrolment_id),
        earlier=earlier,
        proposal=_proposal(session, row, module, marks),
        decision=decision_on(session, row.id),
        places=found_in(session, module, submission.texts, row.person_id),
        can_undo=can_undo(row, assessor_person_id),
        recognition=is_chosen(session, row.enrolment_id),
        kept_back=kept_back,
        panel=panel_marks.view(session, row, assessor_person_id),
        is_again=enrolment(session, row.enrolment_id).is_again,
    )


def proposal(session: ReadSession, submission_id: str) -> Proposal:
    """What the machine sees of a submission's completeness. It proposes and never decides.

    Raises:
        SubmissionNotFound: there is none.
    """
    row = session.get(SubmissionRecord, submission_id)
    if row is None:
        raise SubmissionNotFound
    module = module_of_work(session, row)
    return _proposal(session, row, module, marks_of(session, row.id))


def _proposal(
    session: ReadSession, row: SubmissionRecord, module: Module, marks: Mapping[str, CriterionMark]
) -> Proposal:
    if row.quarantined_at is not None:
        return Proposal(row.id, ready=False, statement="The texts of this work are in quarantine.", missing=())
    if row.state != "submitted":
        return Proposal(row.id, ready=False, statement="This work has been decided.", missing=())
    missing = missing_now(session, row, module, marks)
    if missing:
        statement = " ".join(("Not ready to award.", *(item.detail for item in missing)))
    else:
        statement = "Everything the award rule asks for is there. Ready to award, if you agree."
    return Proposal(row.id, ready=not missing, statement=statement, missing=missing)


def _earlier(session: ReadSession, current: SubmissionRecord, assessor_id: str) -> tuple[tuple[EarlierRound, ...], int]:
    """The decided rounds before this one, and how many more are not shown: those that may be judged blind."""
    found = []
    kept_back = 0
    for row in rounds_of(session, current.enrolment_id):
        decision = decision_on(session, row.id) if row.number < current.number else None
        if decision is None:
            continue
        if second_marking.awaits(session, submission_id=row.id, assessor_id=assessor_id):
            kept_back += 1
        else:
            found.append(EarlierRound(to_submission(row), decision, marks_of(session, row.id)))
    return tuple(found), kept_back
