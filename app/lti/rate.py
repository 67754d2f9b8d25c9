"""How often one visitor may begin a login: each is a row, and anybody may begin one."""

from __future__ import annotations

from typing import Final

from app.core.rate import PerMinute
from app.lti.errors import TooManyLogins

# A whole region may sit behind one address, or behind one proxy of the operator's, and must not wait while the server
# itself could go on: a process makes some 300 logins a second. Somebody who wants to push out other people's logins
# needs MOST_OPEN in the seconds that a browser takes from login to launch; this lets them have so many in fifteen.
LOGINS_A_MINUTE: Final = 20_000


class LoginLimit:
    """Counts logins of each visitor in this process's memory; nothing is written down.

    Args:
        a_minute: how many logins are allowed in one minute.
    """

    def __init__(self, a_minute: int = LOGINS_A_MINUTE) -> None:
        self._limit = PerMinute(a_minute)

    def spend(self, visitor: str) -> None:
        """Count one login of `visitor` (an address on the network).

        Raises:
            TooManyLogins: beyond the limit.
        """
        if not self._limit.allows(visitor):
            raise TooManyLogins
