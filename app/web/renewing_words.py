"""How it stands with the renewal of a badge, or with doing its module again, in words for its holder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.awards.doing_again import AgainOffer, AgainState
from app.awards.renewal_offers import RenewalOffer, WhyNot
from app.core.days import day
from app.learning.knowledge_check import pass_count
from app.programme.renewals import update_of
from app.programme.schemas import Activity, Module
from app.web.learner_path import KIND_WORDS

AN_HOUR: Final = 60

WHY_NOT: Final[Mapping[WhyNot, str]] = {
    "no_end": "This badge does not end, so there is nothing to renew.",
    "revoked": "This badge was revoked, so it cannot be renewed. If you think that is a mistake, ask the people who "
    "run your programme.",
    "suspended": "This badge is suspended. It can be renewed once it is in force again. Ask the people who run your "
    "programme what happens next.",
    "over": "This badge ended more than twelve months ago, so it is not renewed any more. It still shows what you did.",
    "replaced": "You have another badge of the same module that ends later, so this one need not be renewed.",
    "no_way": "The programme does not say how this badge is renewed. Ask the people who run it.",
    "same_set": "This badge is renewed by marking a fresh calibration set, and none has been published since you "
    "earned it. There is nothing you need to do until then.",
    "talk": "This badge stands on others. It is renewed by keeping them current and by a fresh practice conversation. "
    "You need not ask for the conversation: from 90 days before the badge ends until twelve months after it, the "
    "assessors see you in their list, and one of them finds a time with you. If nobody has been in touch, tell the "
    "people who run your programme.",
    "talked": "Your fresh practice conversation is on record. The renewal is proposed once every other step of the "
    "pathway is there too. If an assessor has looked at it already, what they wrote stands on the page of the pathway.",
    "proposed": "Your fresh practice conversation is on record, and the renewal is proposed. An assessor decides; you "
    "get a mail.",
    "talk_over": "This badge ended more than twelve months ago. It still shows what you did. Once the badges that it "
    "stands on are current and a fresh practice conversation was held, a new one is proposed. Ask the people who run "
    "your programme for a time.",
    "no_module": "The programme does not say how this badge is renewed. Ask the people who run it.",
    "decided": "An assessor has decided: your badge is being renewed. That takes a minute or two.",
}


@dataclass(frozen=True)
class StepWords:
    """One thing that is done again."""

    title: str
    detail: str


@dataclass(frozen=True)
class WayWords:
    """One way to renew a badge.

    Attributes:
        value: stands for it in the form.
        title: what tells it from the other ways.
        steps: all of them; `always` are those that every way has.
    """

    value: str
    title: str
    steps: tuple[StepWords, ...]
    always: tuple[StepWords, ...]


@dataclass(frozen=True)
class RenewalLine:
    """What a list or a badge's page says of it.

    Attributes:
        text: a sentence or two.
        action: the words of the link to where it is done; None where there is nothing to do.
    """

    text: str
    action: str | None = None


# What comes after the renewal of a module's badge, where there is none any more.
THEN: Final[Mapping[AgainState | None, str]] = {
    None: "The module can be done as a whole: open it from your LMS.",
    "open": "The module can be done again: open it from your LMS and choose “Do the module again”.",
    "begun": "You are doing the module again.",
    "same_set": "The module can be done again once a fresh calibration set is published.",
}


def line_of(offer: RenewalOffer, again: AgainOffer | None) -> RenewalLine | None:
    """What is to be said of a badge's renewal beside it; None where nothing needs saying yet.

    Args:
        offer: how it stands with its renewal.
        again: how it stands with doing its module again.
    """
    until = offer.badge.valid_until
    if offer.why_not in ("revoked", "over") and offer.module is not None:
        return RenewalLine(why_not(offer, again) or "")
    if offer.badge.state != "issued" or until is None or offer.closes_at is None:
        return None
    if offer.underway is not None and offer.why_not is None:
        states = {
            "working": ("You have begun to renew it.", "Go on with the renewal"),
            "submitted": ("Your work for its renewal is with an assessor.", "See what you handed in"),
            "returned": ("Your work for its renewal came back with comments.", "See the comments"),
        }
        return RenewalLine(*states[offer.underway.state])
    if offer.why_not is None:
        return RenewalLine(f"You can renew it now, and until {day(offer.closes_at)}.", "Renew")
    if offer.why_not == "talk":
        return RenewalLine("It is renewed by a fresh practice conversation.", "How it is renewed")
    if offer.why_not in ("decided", "same_set", "talked", "proposed", "talk_over"):
        return RenewalLine(WHY_NOT[offer.why_not])
    return None


@dataclass(frozen=True)
class AgainLine:
    """What the module's page says of doing the module again.

    Attributes:
        title: what stands above it.
        text: what happened, and what happens then.
        can_begin: whether there is a button.
        is_revoked: whether the badge was revoked, which stands in a notice of its own above.
    """

    title: str
    text: str
    can_begin: bool = False
    is_revoked: bool = False


# That a badge was revoked stands in a notice of its own above it.
BECAUSE: Final = {
    "revoked": "",
    "ended": "Your badge ended too long ago to be renewed. It still shows what you did. ",
    "erased": "The badge that you earned here was erased. ",
}
SECOND_TIME: Final = (
    "You do this module again, from the start and in its newest version. Nothing of the first time is "
    "touched: what is kept of it stands in the copy of your data. An award makes a new badge."
)


MEANWHILE: Final = "You have a badge of this module all the same, so you need not finish this. Look under “My badges”."


def again_line(offer: AgainOffer) -> AgainLine:
    """What is to be said of doing a module again."""
    if offer.state == "begun":
        counts = "" if offer.counting is None else f" {MEANWHILE}"
        return AgainLine("Your second time", f"{SECOND_TIME}{counts}")
    because, is_revoked = BECAUSE[offer.why], offer.why == "revoked"
    if offer.state == "same_set":
        return AgainLine(
            "Doing the module again",
            f"{because}This module is judged by a calibration set of which you were shown the agreed marks. Once a "
            "fresh one is published, you can do the module again. There is nothing you need to do until then.",
            is_revoked=is_revoked,
        )
    return AgainLine(
        "You can earn it again",
        f"{because}You can do the module again: from the start, in its newest version, and judged as for everybody. "
        "Nothing of the first time is touched: what is kept of it stands in the copy of your data. An award makes a "
        "new badge; the old one stays what it is.",
        can_begin=True,
        is_revoked=is_revoked,
    )


def why_not(offer: RenewalOffer, again: AgainOffer | None) -> str | None:
    """Why a badge cannot be renewed at this moment, and what comes then; None if it can.

    Args:
        offer: how it stands with its renewal.
        again: how it stands with doing its module again.
    """
    if offer.why_not is None:
        return None
    if offer.why_not == "early" and offer.opens_at is not None:
        return f"This badge can be renewed from {day(offer.opens_at)}: 90 days before it ends. We send you a mail then."
    text = WHY_NOT.get(offer.why_not, "This badge cannot be renewed now.")
    if offer.why_not in ("revoked", "over") and offer.module is not None:
        return f"{text} {THEN[again.state if again is not None else None]}"
    return text


def ways_of(offer: RenewalOffer, module: Module) -> tuple[WayWords, ...]:
    """The ways to renew a badge, each with its steps."""
    common = set.intersection(*(set(way) for way in offer.ways)) if offer.ways else set()
    found = []
    for number, way in enumerate(offer.ways):
        steps = {activity.key: _step(activity, module) for activity in update_of(module, way).activities}
        own = [f"{step.title} ({step.detail})" for key, step in steps.items() if key not in common]
        always = tuple(step for key, step in steps.items() if key in common)
        found.append(WayWords(str(number), " and ".join(own), tuple(steps.values()), always))
    return tuple(found)


def _step(activity: Activity, module: Module) -> StepWords:
    if activity.kind == "knowledge_check":
        total = activity.draw or len(activity.questions)
        right = pass_count(module.award_rule, total)
        return StepWords("A short update check", f"{total} questions on how it stands today; {right} right is enough")
    return StepWords(activity.title, f"{KIND_WORDS[activity.kind].capitalize()} · {_time(activity.minutes)}")


def _time(minutes: int) -> str:
    if minutes < AN_HOUR:
        return f"about {minutes} minutes"
    hours = round(minutes / AN_HOUR, 1)
    return "about an hour" if hours == 1 else f"about {hours:g} hours"
