"""What may stand between a score and a gradebook: one short name each, told by what a platform answered."""

from __future__ import annotations

from app.lti.connector import TokenFailed
from app.lti.errors import ServiceFailed

UNREACHABLE = "unreachable"  # no usable answer: no connection, too slow, too long, a web page
TROUBLE = "trouble"  # the platform had an error of its own
BUSY = "busy"  # it asked us to wait
NO_TOKEN = "no_token"  # noqa: S105 - it lets us in nowhere
CONFLICT = "conflict"  # it holds a later score, as it says
CLOCK = "clock"  # the second in which the score may be dated has not begun
COLUMN_BUSY = "column_busy"  # somebody else is making the column just now
NOT_TAKEN = "not_taken"  # this score of this person is not wanted
NO_LEAVE = "no_leave"  # we may not write scores
COLUMN_GONE = "column_gone"  # there is no such column
COLUMN_REFUSED = "column_refused"  # the platform makes no column for us
REJECTED = "rejected"  # refused in a way that no good platform has
NO_SERVICE = "no_service"  # the platform offers no grades at all
NO_COLUMN = "no_column"  # the activity has no column, and we may not make one
PART_ONLY = "part_only"  # the link opens one activity of a module; whole modules are graded
OTHER_MODULE = "other_module"  # the link was changed to open something else than what was awarded
SWITCHED_OFF = "switched_off"  # the connection, or this deployment of it

MAY_HAVE_ARRIVED = frozenset({None, UNREACHABLE, TROUBLE})
"""After these nobody knows whether the platform took the score: None is a try that never came to its end."""

A_MOMENT = 0.05  # seconds

_BY_STATUS = {
    400: NOT_TAKEN,
    401: NO_TOKEN,
    403: NO_LEAVE,
    404: COLUMN_GONE,
    408: UNREACHABLE,
    409: CONFLICT,
    410: COLUMN_GONE,
    422: NOT_TAKEN,
    423: BUSY,
    425: BUSY,
    429: BUSY,
}
_PASSING = frozenset({UNREACHABLE, TROUBLE, BUSY, NO_TOKEN, CONFLICT})


def problem_of(error: ServiceFailed) -> str:
    """The name of what a platform's service answered, or did not."""
    if isinstance(error, TokenFailed):
        return NO_TOKEN
    status = error.status_code
    if status is None or status < 400:
        return UNREACHABLE
    return TROUBLE if status >= 500 else _BY_STATUS.get(status, REJECTED)


def may_pass(problem: str) -> bool:
    """Whether trying again later may help without anybody doing anything."""
    return problem in _PASSING


class SendingFailed(Exception):
    """A score is not there.

    Args:
        problem: its name.
        reason: short and technical, without personal data.
        retry_after: seconds to wait before the next try, if that is known.
        passing: whether another try may help without anybody doing anything.
    """

    def __init__(self, problem: str, reason: str, *, passing: bool, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.problem, self.reason, self.retry_after, self.passing = problem, reason, retry_after, passing


def failed(error: ServiceFailed, *, for_good: str | None = None) -> SendingFailed:
    """What a service answered, as the end of this try.

    Args:
        error: the answer.
        for_good: names the problem where it will not pass, if that is not what the answer stands for.
    """
    problem = problem_of(error)
    if may_pass(problem):
        return SendingFailed(problem, error.reason, passing=True, retry_after=error.retry_after)
    return SendingFailed(for_good or problem, error.reason, passing=False)


def not_yet(wait: float, problem: str) -> SendingFailed:
    """The second in which a score may be dated begins in so many seconds."""
    return SendingFailed(problem, "its second has not begun yet", passing=True, retry_after=wait + A_MOMENT)
