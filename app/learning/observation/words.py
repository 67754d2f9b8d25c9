"""How an observation stands, in a line for the learner's path and in a sentence for what is still missing."""

from __future__ import annotations

from datetime import date

from app.core.days import day_of
from app.learning.observation.schemas import ObservationState
from app.learning.schemas import ActivityState


def path_line(state: ObservationState) -> tuple[ActivityState, str | None]:
    """How far an observation is, and one line about it, e.g. `4 of 6 meet`."""
    seen = meets(state) if state.made else None
    if state.satisfied:
        return "done", seen
    if state.open:
        return "waiting", "; ".join(filter(None, (seen, _waits(state, again=state.made))))
    if state.made:
        return "in_progress", seen
    if state.state == "declined":
        return "in_progress", "Ask somebody else"
    return ("not_started", None) if state.required else ("left_out", "Not required")


def missing_line(title: str, state: ObservationState) -> str | None:
    """What a required observation still needs before work can be handed in; None: nothing."""
    if state.satisfied:
        return None
    seen = f" So far {meets(state, small=True)}." if state.made else ""
    if state.state == "proposed":
        return f"“{title}” waits for an assessor to approve your observer.{seen}"
    if state.open and state.asked_at is not None:
        return f"“{title}” waits for your observer, asked on {_day(day_of(state.asked_at))}.{seen}"
    if state.made:
        return f"“{title}” is not met yet: {meets(state, small=True)}. Ask for another observation when you are ready."
    if state.state == "declined":
        return f"Ask somebody else to observe “{title}”."
    return f"Ask somebody to observe “{title}”."


def meets(state: ObservationState, *, small: bool = False) -> str:
    """How many lines are met: `All 6 meet`, `4 of 6 meet`."""
    if state.all_meet:
        return f"{'all' if small else 'All'} {state.lines} meet"
    return f"{state.meets} of {state.lines} meet"


def _waits(state: ObservationState, *, again: bool) -> str:
    if state.state == "proposed" or state.asked_at is None:
        return "an assessor looks at whom you named" if again else "An assessor looks at whom you named"
    return f"{'asked again' if again else 'Asked'} on {_day(day_of(state.asked_at))}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"
