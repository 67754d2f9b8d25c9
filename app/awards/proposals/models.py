"""Tables of proposals, and of words that were asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id

ONE_PROPOSAL: Final = "uq_award_proposal_open"
ONE_REQUEST: Final = "uq_confirmation_request_open"
_OPEN = sa.text("state = 'open'")


class AwardProposal(Record, table=True):
    """A badge at the end of a pathway whose rule is met: proposed by the machine, decided by a person.

    `rests_on` is a list of [achievement, credential, version]; while it is open what it was met by last,
    then what the person who awarded it decided on. `facts` is a digest of what a decision rests on: of the same facts
    nothing is proposed a second time. `talk_id` is the decision about the conversation, whose levels the badge gets.
    """

    __tablename__ = "award_proposal"
    __table_args__ = (
        sa.Index(ONE_PROPOSAL, "person_id", "pathway_key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        sa.Index("ix_award_proposal_state_proposed_at", "state", "proposed_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str  # award | renewal
    pathway_key: str
    pathway_version: int
    rule_digest: str
    rests_on: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    waived: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    talk_id: str | None = Field(default=None)
    results: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    facts: str
    credential_id: str | None = Field(default=None)  # that is renewed; of an award, once it is made
    state: str = Field(default="open")  # open | awarded | declined | withdrawn
    proposed_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decided_by: str | None = Field(default=None)  # None where the machine withdrew it
    reason: str | None = Field(default=None, sa_type=sa.Text)


class ConfirmationRequest(Record, table=True):
    """A word that somebody asked for, for one step of one pathway; and what became of it."""

    __tablename__ = "confirmation_request"
    __table_args__ = (
        sa.Index(
            ONE_REQUEST, "person_id", "pathway_key", "confirmation_key", unique=True,
            sqlite_where=_OPEN, postgresql_where=_OPEN,
        ),
    )  # fmt: skip

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    pathway_key: str
    confirmation_key: str
    asked_of: str  # manager | supervisor | assessor, as the pathway has it
    state: str = Field(default="open")  # open | confirmed | declined | taken_back
    asked_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answered_by: str | None = Field(default=None)
    reason: str | None = Field(default=None, sa_type=sa.Text)
