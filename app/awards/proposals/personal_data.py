"""What proposals and requests keep of a person; a part of what the awards room answers for."""

from __future__ import annotations

from typing import Any, Final

from sqlmodel import col, delete, select

from app.awards.proposals.models import AwardProposal, ConfirmationRequest
from app.core.db import ReadSession, WriteSession
from app.people.exporting import section
from app.people.schemas import Count, Kept, Section

TABLES: Final = frozenset({"award_proposal", "confirmation_request"})
KEPT: Final = Kept(
    "Which proposals and requests about others the person decided, by their id only",
    "Whoever was judged must be able to see by whom.",
)


def export(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """What was proposed about a person and what they asked for; who decided is told by the role, as on the pages."""
    return (
        section(
            session, "awards.proposals", "Badges at the end of a pathway that were proposed for you.", AwardProposal,
            col(AwardProposal.person_id) == person_id, without=("person_id", "decided_by"),
        ),
        section(
            session, "awards.confirmation_requests", "Words that you asked others for.", ConfirmationRequest,
            col(ConfirmationRequest.person_id) == person_id, without=("person_id", "answered_by"),
        ),
    )  # fmt: skip


def mail_subjects(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Ids of proposals and requests of a person that mails may have been about."""
    found: list[str] = []
    for model in (AwardProposal, ConfirmationRequest):
        found.extend(session.exec(select(model.id).where(model.person_id == person_id)).all())
    return tuple(found)


def erase(session: WriteSession, person_id: str) -> tuple[Count, ...]:
    """Delete both; what the person decided about others stays, by id."""
    return (
        _delete(session, "proposals of badges", AwardProposal, person_id),
        _delete(session, "requests for a word", ConfirmationRequest, person_id),
    )


def _delete(session: WriteSession, what: str, model: type[Any], person_id: str) -> Count:
    gone = session.execute(delete(model).where(col(model.person_id) == person_id))
    return Count(what, int(gone.rowcount))  # type: ignore[attr-defined]
