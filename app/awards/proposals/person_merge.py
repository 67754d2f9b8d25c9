"""Joining two records: what may be open once only of a person is closed on the record that goes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.awards.proposals.models import AwardProposal, ConfirmationRequest
from app.core import rows
from app.core.clock import now
from app.core.db import WriteSession
from app.people.merging import QUIETLY


def close_open(session: WriteSession, from_id: str, to_id: str) -> None:
    """Withdraw what is open of the one and of the other too; the machine proposes anew of what both have together."""
    closed = {"state": "withdrawn", "reason": "joined", "decided_at": now()}
    _close(session, AwardProposal, ("pathway_key",), closed, from_id, to_id)
    taken_back = {"state": "taken_back", "answered_at": now()}
    _close(session, ConfirmationRequest, ("pathway_key", "confirmation_key"), taken_back, from_id, to_id)


def _close(
    session: WriteSession, model: type[Any], keys: tuple[str, ...], values: dict[str, Any], from_id: str, to_id: str
) -> None:
    table = rows.table(model)
    theirs: Any = table.alias("theirs")
    same = (theirs.c[key] == table.c[key] for key in keys)
    both = sa.exists(
        sa.select(sa.literal(1)).select_from(theirs).where(theirs.c.person_id == to_id, theirs.c.state == "open", *same)
    )
    closing = sa.update(model).where(table.c.person_id == from_id, table.c.state == "open", both).values(**values)
    session.execute(closing, execution_options=QUIETLY)
