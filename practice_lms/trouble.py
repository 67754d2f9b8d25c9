"""Bad days on request: which service fails, how, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SERVICES: Final = ("token", "jwks", "scores", "line_items", "results", "roster", "registration")
GRADE_SERVICES: Final = ("scores", "line_items", "results")
WAYS: Final = ("status", "slow", "html", "huge")


@dataclass
class Trouble:
    """How one service fails.

    `how` is status (an error under `status`, 503 unless given, with Retry-After), slow (the real answer after `delay`
    seconds), html (a page where JSON was asked for) or huge (10 MB). It ends at `until`, Unix seconds, or after
    `times` answers.
    """

    how: str
    until: float
    status: int | None = None
    retry_after: int | None = None
    times: int | None = None
    delay: float = 0.0


@dataclass
class Troubles:
    """The trouble each service has, if any."""

    clock: Callable[[], float]
    _active: dict[str, Trouble] = field(default_factory=dict)

    def start(
        self,
        service: str,
        *,
        how: str = "status",
        status: int | None = None,
        retry_after: int | None = None,
        seconds: float = 3600.0,
        times: int | None = None,
        delay: float = 30.0,
    ) -> None:
        """Let a service fail from now on. Raises ValueError for a service or a way that does not exist."""
        if service not in SERVICES or how not in WAYS:
            raise ValueError(f"services are {', '.join(SERVICES)}; ways to fail are {', '.join(WAYS)}")
        self._active[service] = Trouble(how, self.clock() + seconds, status, retry_after, times, delay)

    def end(self, service: str | None = None) -> None:
        """Mend one service, or all."""
        for name in SERVICES if service is None else (service,):
            self._active.pop(name, None)

    def now(self) -> dict[str, Trouble]:
        """Every service that fails at this moment."""
        moment = self.clock()
        self._active = {name: trouble for name, trouble in self._active.items() if trouble.until > moment}
        return dict(self._active)

    def meet(self, service: str) -> Trouble | None:
        """The trouble that one request to this service meets; it counts as one of its times."""
        trouble = self.now().get(service)
        if trouble is not None and trouble.times is not None:
            trouble.times -= 1
            if trouble.times <= 0:
                self.end(service)
        return trouble

    def seconds_left(self, service: str) -> int:
        """Whole seconds until a service works again; 0 when it works."""
        trouble = self.now().get(service)
        return max(0, round(trouble.until - self.clock())) if trouble else 0
