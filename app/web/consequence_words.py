"""What follows when a badge ends that another one rests on, in words: for assessors and for the badge's holder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.awards.consequences.reading import Flag
from app.core.days import day
from app.programme.pathways import Consequence, Ending

ENDED: Final[dict[Ending, str]] = {
    "expired": "expired on", "suspended": "was suspended on", "revoked": "was revoked on",
}  # fmt: skip
CHIPS: Final[dict[str, tuple[str, str]]] = {
    "open": ("waiting", "To look at"),
    "grace": ("due_soon", "Has time"),
    "proposed": ("overdue", "Suspend it?"),
    "suspended": ("suspended", "Suspended"),
    "reinstate": ("waiting", "Lift the suspension?"),
    "cleared": ("done", "Settled by itself"),
    "dismissed": ("done", "May stand"),
}


def chip(flag: Flag) -> tuple[str, str]:
    """Kind and words of its status."""
    return CHIPS["reinstate" if flag.waits_for_reinstatement else flag.state]


def declared_words(then: Consequence) -> str:
    """What the programme declares, for an assessor."""
    if then.kind == "grace":
        days = f"{then.days} days" if then.days else "some time"
        return f"The holder has {days} from the end to put it right. After that an assessor decides about a suspension."
    if then.kind == "propose_suspension":
        return "An assessor is asked at once whether to suspend the badge."
    return "An assessor looks at it and decides." if then.kind == "flag" else "Nothing follows."


@dataclass(frozen=True)
class HolderWords:
    """What a holder reads about one of their badges.

    Attributes:
        title: in a few words.
        text: what ended, and what follows.
        next_step: what the holder can do.
        short: for a list of badges.
        note: what the assessor wrote, as it was written; empty if nothing was.
    """

    title: str
    text: str
    next_step: str
    short: str
    note: str


def for_holder(flag: Flag) -> HolderWords:
    """One flag in the holder's words."""
    ended = f"“{flag.because}” {ENDED[flag.ending]} {day(flag.since)}. This badge rests on it."
    title, text, short = _follows(flag)
    return HolderWords(title, f"{ended} {text}", _next_step(flag), short, flag.note)


def _follows(flag: Flag) -> tuple[str, str, str]:
    because = f"“{flag.because}”"
    if flag.waits_for_reinstatement:
        text = "What this badge rests on is in force again. We have asked an assessor to lift the suspension."
        return "The suspension may soon be lifted", text, "An assessor is asked to lift the suspension."
    if flag.state == "suspended":
        decided = f" on {day(flag.decided_at)}" if flag.decided_at is not None else ""
        text = f"So an assessor suspended this badge{decided}. Once {because} is in force again, we ask an assessor to "
        return "Why this badge is suspended", f"{text}lift the suspension.", f"Suspended because {because} ended."
    if flag.state == "grace" and flag.due_at is not None:
        until = day(flag.due_at)
        text = (
            f"You have until {until} to have it in force again. Until then this badge counts as before. After that an "
            "assessor decides whether it is suspended; it never happens by itself."
        )
        return f"Something to do by {until}", text, f"Rests on {because}, which ended: please act by {until}."
    if flag.state == "proposed":
        text = "An assessor decides whether this badge is suspended for that. Until then it counts as before."
        return "An assessor looks at this badge", text, f"Rests on {because}, which ended: an assessor looks at it."
    text = "An assessor looks at what that means for this badge. It counts until a person decides otherwise."
    return "An assessor looks at this badge", text, f"Rests on {because}, which ended: an assessor looks at it."


def _next_step(flag: Flag) -> str:
    if flag.waits_for_reinstatement:
        return "There is nothing you need to do."
    if flag.ending == "expired":
        return f"What you can do: renew “{flag.because}”. Its own page under “My badges” says how."
    if flag.ending == "suspended":
        return f"What you can do: ask the people who run your programme why “{flag.because}” is suspended."
    how = "“My badges” says how; or ask the people who run your programme."
    return f"What you can do: earn “{flag.because}” again. {how}"
