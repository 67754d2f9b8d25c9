"""What ails a database that refuses: told apart by the codes that the two databases give, never by their words."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa


class Trouble(StrEnum):
    """Why nothing could be read or saved just now; none of it is a fault of the request."""

    GONE = "gone"
    BUSY = "busy"
    READ_ONLY = "read-only"
    FULL = "full"


# https://www.postgresql.org/docs/current/errcodes-appendix.html; a class of two characters stands for all its codes.
_POSTGRES = {
    "25006": Trouble.READ_ONLY,
    "53100": Trouble.FULL,  # disk_full
    "53": Trouble.BUSY,  # other resources: too many connections, out of memory
    "55P03": Trouble.BUSY,  # lock_not_available
    "57014": Trouble.BUSY,  # query_canceled, by the time-out of statements
    "40001": Trouble.BUSY,  # serialization_failure
    "40P01": Trouble.BUSY,  # deadlock_detected
    "08": Trouble.GONE,  # connections
    "57P": Trouble.GONE,  # shut down, crashed, or not up yet
    "58": Trouble.GONE,  # its system fails it
}
# https://www.sqlite.org/rescode.html: the primary code is the last byte.
_SQLITE = {
    5: Trouble.BUSY,
    6: Trouble.BUSY,
    8: Trouble.READ_ONLY,
    10: Trouble.GONE,  # reading or writing the disk failed
    13: Trouble.FULL,
    14: Trouble.GONE,  # the file cannot be opened
}


def trouble_of(error: Exception) -> Trouble | None:
    """What ails the database, or None if the error is another one: a fault of ours, a constraint, a missing table."""
    if isinstance(error, sa.exc.TimeoutError):
        return Trouble.BUSY  # no connection of the pool came free
    if not isinstance(error, sa.exc.DBAPIError):
        return None
    told = _code_of(error.orig)
    if told is not None:
        return trouble_told_by(error.orig)
    # Without a code there was no answer, or no connection over which one could come.
    return Trouble.GONE if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) else None


def trouble_told_by(error: BaseException | None) -> Trouble | None:
    """The same, by the code of a driver's own error; None also if it has no code."""
    code = _code_of(error)
    if isinstance(code, int):
        return _SQLITE.get(code & 0xFF)
    return next((_POSTGRES[code[:length]] for length in (5, 3, 2) if code and code[:length] in _POSTGRES), None)


def _code_of(error: BaseException | None) -> int | str | None:
    code: int | str | None = getattr(error, "sqlite_errorcode", None) or getattr(error, "sqlstate", None)
    return code
