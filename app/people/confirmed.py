"""Who has confirmed an address: asked for many addresses at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import col, select

from app.core.db import ReadSession
from app.people.models import ConfirmedEmailRecord

AT_ONCE = 500  # databases bound how many values one question may hold


def holders_of(session: ReadSession, addresses: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """The persons who have confirmed each address and hold it still; of several, whoever did so first comes first.

    Args:
        session: for one question per 500 addresses.
        addresses: as `normalise_email` gives them.

    Returns:
        Address to ids; an address that nobody has confirmed is left out.
    """
    wanted = sorted(set(addresses))
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.exec(
            select(ConfirmedEmailRecord.email, ConfirmedEmailRecord.person_id)
            .where(
                col(ConfirmedEmailRecord.email).in_(wanted[start : start + AT_ONCE]),
                col(ConfirmedEmailRecord.superseded_at).is_(None),
            )
            .order_by(col(ConfirmedEmailRecord.confirmed_at), col(ConfirmedEmailRecord.id))
        ).all()
        for email, person_id in rows:
            found[email] = (*found.get(email, ()), person_id)
    return found
