"""Who may decide: never the learner's line manager or mentor, nor a manager, supervisor or mentor of a centre where the
learner works, nor, after an appeal, whoever decided before. Where a module has a rule on conflicts of interest, nor
whoever worked for the learner's lead agency lately.

It is looked at in the transaction that marks or decides, so a line entered meanwhile counts from that moment.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select

from app.core.db import ReadSession
from app.learning.fidelity_reviews import share_an_agency
from app.learning.marking_errors import NotIndependent
from app.learning.models import AppealRecord, DecisionRecord, PanelMarkRecord, SubmissionRecord
from app.learning.workbench_schemas import Bar, BarCode
from app.people import service as people
from app.programme import service as programme

WORDS: dict[BarCode, str] = {
    "line_manager": "You are this learner’s line manager.",
    "mentor": "You are this learner’s mentor.",
    "centre_manager": "You have the manager role and work at a centre where this learner works, or did so since it was "
    "handed in.",
    "centre_supervisor": "You are a supervisor at a centre where this learner works, or were since it was handed in.",
    "centre_mentor": "You are a mentor at a centre where this learner works, or were since it was handed in.",
    "same_agency": "You and this learner have worked for the same lead agency in the last years.",
    "first_decider": "The learner appealed against your decision, and the appeal was upheld.",
    "panel_complete": "Two other assessors form the panel that decides it.",
}


def bars(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> tuple[Bar, ...]:
    """Why this assessor does not decide this work, as it stands now; empty where they may."""
    codes: list[BarCode] = list(near(session, row, assessor_id))
    if assessor_id in deciders_before(session, row.id):
        codes.append("first_decider")
    return tuple(Bar(code, WORDS[code]) for code in codes)


def near(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> tuple[BarCode, ...]:
    """What this assessor is to the learner that keeps them from deciding: line manager, mentor, above them at a
    centre, of the same agency.

    A line that they ended themselves since the work was handed in counts still: whoever manages a centre too could
    else end it, decide, and enter it again. (`declared_at` is when the learner handed in, also of what an appeal
    handed in once more.) What somebody is at a centre needs no line: many centres enter none. There it counts
    whoever ended it, for managers end memberships by themselves.
    """
    of_them = {"person_id": row.person_id, "other_id": assessor_id}
    relations = people.relation_to(session, **of_them)
    relations |= people.relations_put_off(session, **of_them, since=row.declared_at)
    barring: tuple[BarCode, ...] = ("line_manager", "mentor")
    found: list[BarCode] = [code for code in barring if code in relations]
    found += _above(session, row, assessor_id)
    years = programme.module_version(session, row.module_key, row.module_version).award_rule.conflict_years
    if years and share_an_agency(session, row.person_id, assessor_id, years):
        found.append("same_agency")
    return tuple(found)


def _above(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> list[BarCode]:
    """What the assessor is at the learner's centre; of a supervisor who manages it only the more."""
    above = people.above_at_centre(session, person_id=row.person_id, other_id=assessor_id, since=row.declared_at)
    if "manager" in above:
        return ["centre_manager"]
    codes: list[BarCode] = ["centre_supervisor"] if "supervisor" in above else []
    return [*codes, "centre_mentor"] if "mentor" in above else codes


def require_independent(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> None:
    """Refuse an assessor who stands too near.

    Raises:
        NotIndependent: they do; says why.
    """
    found = bars(session, row, assessor_id)
    if found:
        raise NotIndependent(tuple(bar.words for bar in found))


def who_may(session: ReadSession, submission_id: str) -> tuple[str, ...]:
    """Names of the assessors who may decide this work, in the order of the alphabet; none if there is no such work."""
    row = session.get(SubmissionRecord, submission_id)
    if row is None:
        return ()
    assessors = [one for one in people.people_with_role(session, "assessor") if one != row.person_id]
    allowed = {one for one in assessors if not bars(session, row, one)}
    return tuple(sorted(people.display_names(session, allowed).values()))


def deciders_before(session: ReadSession, submission_id: str) -> frozenset[str]:
    """Who decided this very work before: upheld appeals handed it in again, perhaps more than once."""
    found: set[str] = set()
    at: str | None = submission_id
    while at is not None:
        before = session.exec(
            select(DecisionRecord.decided_by, AppealRecord.submission_id)
            .join(AppealRecord, col(AppealRecord.decision_id) == col(DecisionRecord.id))
            .where(AppealRecord.new_submission_id == at)
        ).first()
        if before is not None:
            found |= {before[0], *panel_of(session, before[1])}
        at = before[1] if before is not None else None
    return frozenset(found)


def panel_of(session: ReadSession, submission_id: str) -> frozenset[str]:
    """Who has given a mark of this round as a member of its panel; nobody where one assessor decides."""
    of_it = PanelMarkRecord.submission_id == submission_id
    given = select(PanelMarkRecord.marked_by).where(of_it, col(PanelMarkRecord.seat).is_not(None))
    return frozenset(session.exec(given).all())


def reopened(session: ReadSession, submission_ids: Collection[str]) -> frozenset[str]:
    """Those rounds that an upheld appeal brought about."""
    rows = session.exec(
        select(AppealRecord.new_submission_id).where(col(AppealRecord.new_submission_id).in_(submission_ids))
    ).all()
    return frozenset(one for one in rows if one is not None)
