"""What wrong secrets lead to: whoever sent ten of them waits a quarter of an hour.

A lock-out can be turned against those it protects: whoever knows a client's id, which is no secret, could keep the
client out by sending wrong secrets for it. So the lock falls on the client *and* the place on the network from which
the wrong ones came, not on the client: it comes in from elsewhere, and tokens it has go on working. That weighs right
here, because secrets have 256 random bits that we drew ourselves: nobody guesses one, however many places they ask
from. What the lock is for is a broken client that hammers, and a trace (log, metric, audit) of one that is attacked.
Behind a proxy that does not say for whom it asks (`app/api/places.py`), all places are one: then keys
(`private_key_jwt`), which no lock falls on, are the better choice.

Ids that no client has are counted in the same way, in the same time, with the same answers: nothing tells whether an
id exists. How many rows a stranger can make is bounded by `TokenLimit`, and they go when their time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from app.api.models import ApiWrongSecret
from app.core.clock import now
from app.core.db import Look, ReadSession, UTCDateTime, WriteSession
from app.core.ids import digest, one_in
from app.core.rows import find, insert, table
from app.core.secrets import SecretBox

MOST_WRONG: Final = 10
LOCKED_FOR: Final = timedelta(minutes=15)
PURPOSE: Final = "api.place"
SWEPT_ONCE_IN: Final = 20

_WRONG = table(ApiWrongSecret)
_MOMENT = sa.bindparam("moment", type_=UTCDateTime())
_UNTIL = sa.bindparam("locked_until", type_=UTCDateTime())
_COUNT = (
    sa.update(_WRONG)
    .where(_WRONG.c.client_digest == sa.bindparam("client"), _WRONG.c.place_digest == sa.bindparam("place"))
    .values(wrong=sa.case((_WRONG.c.until > _MOMENT, _WRONG.c.wrong + 1), else_=1), until=_UNTIL)
    .returning(_WRONG.c.wrong)
)


@dataclass(frozen=True)
class Attempt:
    """Who is said to ask, and from where; both as digests, for a stranger may type anything."""

    client_digest: str
    place_digest: str


def attempt(secret_box: SecretBox, client_id: str, place: str) -> Attempt:
    """An attempt as it is counted.

    Args:
        secret_box: without it, a digest of an address could be undone by trying all addresses.
        client_id: as it came.
        place: as `places.place_of` gives it.
    """
    return Attempt(digest(client_id), secret_box.derive(PURPOSE, place).hex())


def seconds_locked(session: ReadSession | Look, tried: Attempt) -> int | None:
    """For how many seconds no secret is looked at, also a right one; None if they are."""
    row = find(session, ApiWrongSecret, client_digest=tried.client_digest, place_digest=tried.place_digest)
    moment = now()
    if row is None or row.wrong < MOST_WRONG or row.until <= moment:
        return None
    return int((row.until - moment).total_seconds()) + 1


def note_wrong(session: WriteSession, tried: Attempt) -> bool:
    """Count a wrong secret; true if this one was one too many."""
    moment = now()
    values: dict[str, str | datetime] = {
        "client": tried.client_digest, "place": tried.place_digest, "moment": moment,
        "locked_until": moment + LOCKED_FOR,
    }  # fmt: skip
    wrong = session.run(_COUNT, values).scalar()
    if wrong is None:
        wrong = _first(session, tried, values)
    if one_in(SWEPT_ONCE_IN):
        session.run(sa.delete(_WRONG).where(_WRONG.c.until < moment))
    return bool(wrong == MOST_WRONG)


def note_right(session: WriteSession, tried: Attempt) -> None:
    """A right secret: what was wrong before is forgotten."""
    session.run(
        sa.delete(_WRONG).where(
            _WRONG.c.client_digest == tried.client_digest, _WRONG.c.place_digest == tried.place_digest
        )
    )


def forget(session: WriteSession, client_id: str) -> None:
    """Forget every wrong secret that came for a client."""
    session.run(sa.delete(_WRONG).where(_WRONG.c.client_digest == digest(client_id)))


def _first(session: WriteSession, tried: Attempt, values: dict[str, str | datetime]) -> int:
    try:
        with session.begin_nested():
            insert(
                session, ApiWrongSecret, client_digest=tried.client_digest, place_digest=tried.place_digest, wrong=1,
                until=values["locked_until"],
            )  # fmt: skip
    except sa.exc.IntegrityError:  # another process was first
        return int(session.run(_COUNT, values).scalar() or 1)
    return 1
