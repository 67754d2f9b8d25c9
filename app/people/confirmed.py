"""Who has confirmed an address: asked for many addresses at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from app.core import rows
from app.core.db import ReadSession
from app.people.models import ConfirmedEmailRecord


def holders_of(session: ReadSession, addresses: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """The persons who have confirmed each address and hold it still; of several, whoever did so first comes first.

    Args:
        session: for one question per 500 addresses.
        addresses: as `normalise_email` gives them.

    Returns:
        Address to ids; an address that nobody has confirmed is left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for row in rows.of_any(session, _HOLDERS, _CONFIRMED.email, addresses):
        found[row.email] = (*found.get(row.email, ()), row.person_id)
    return found


_CONFIRMED = rows.table(ConfirmedEmailRecord).c
_HOLDERS = (
    sa.select(_CONFIRMED.email, _CONFIRMED.person_id)
    .where(_CONFIRMED.superseded_at.is_(None))
    .order_by(_CONFIRMED.confirmed_at, _CONFIRMED.id)
)
