"""How many calls a client may make, counted in the database so that all processes share it.

The count is one number on the client's row: the moment until which its calls keep it busy if each takes its share of a
minute (the leaky bucket that telephone networks call GCRA). One atomic UPDATE asks and counts at once; a call that is
refused writes nothing and so costs a greedy client's neighbours nothing. A client that was quiet may spend a whole
minute's calls at once; from then on they come back evenly.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from app.api.errors import ClientLimited
from app.api.models import ApiClient
from app.core import metrics
from app.core.clock import now
from app.core.db import Database, UTCDateTime
from app.core.rows import find, table

MINUTE: Final = 60_000_000  # microseconds, the unit of every number here
# No count reaches this far, unless a clock that was wrong has been set right since: then it counts for nothing.
IMPOSSIBLE: Final = 2 * MINUTE
MOST_PER_MINUTE: Final = 60_000
USUAL_PER_MINUTE: Final = 600

_CLIENT = table(ApiClient)
_MOMENT = sa.bindparam("moment_us", type_=sa.BigInteger)
_IMPOSSIBLE = sa.bindparam("impossible_us", type_=sa.BigInteger)
_BUSY = sa.and_(_CLIENT.c.busy_until > _MOMENT, _CLIENT.c.busy_until <= _IMPOSSIBLE)
_SPEND = (
    sa.update(_CLIENT)
    .where(
        _CLIENT.c.id == sa.bindparam("wanted"),
        sa.or_(
            _CLIENT.c.busy_until <= sa.bindparam("latest_us", type_=sa.BigInteger), _CLIENT.c.busy_until > _IMPOSSIBLE
        ),
    )
    .values(
        busy_until=sa.case((_BUSY, _CLIENT.c.busy_until), else_=_MOMENT)
        + sa.bindparam("share_us", type_=sa.BigInteger),
        last_used_at=sa.bindparam("used_at", type_=UTCDateTime()),
    )
)
_HURRY = sa.text("SET LOCAL synchronous_commit TO OFF")


def spend(database: Database, client_id: str, per_minute: int) -> None:
    """Count one call of a client, and note that it was used.

    Args:
        database: shared by the processes.
        client_id: whose call it is, once that is certain: nobody may use up another's calls.
        per_minute: how many the client may make in a minute; 1 to `MOST_PER_MINUTE`.

    Raises:
        ClientLimited: it has made them; the error says after how many seconds the next is let in.
    """
    moment = now()
    at, share = int(moment.timestamp() * 1_000_000), MINUTE // per_minute
    latest = at + (per_minute - 1) * share
    with database.write() as session:
        if not database.is_sqlite:
            # A count that is lost when the power fails harms nobody, and every call would wait for the disk.
            session.execute(_HURRY)
        spent = session.run(
            _SPEND,
            {
                "wanted": client_id, "moment_us": at, "impossible_us": at + IMPOSSIBLE, "latest_us": latest,
                "share_us": share, "used_at": moment,
            },
        ).rowcount  # fmt: skip
    if spent:
        return
    with database.look() as look:
        row = find(look, ApiClient, id=client_id)
    metrics.API_REFUSALS.labels("limited").inc()
    raise ClientLimited(_seconds(row.busy_until - latest if row is not None else 0), per_minute)


def _seconds(microseconds: int) -> int:
    """Whole seconds, rounded up, as the header Retry-After has them; at least one."""
    return max(1, -(-microseconds // 1_000_000))
