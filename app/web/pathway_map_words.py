"""What the map says: every state and every reason of a step, in words. Pure, and in one place.

Nothing here guesses: a day is said only where the record gives it, and nobody is compared with anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.awards.proposals.schemas import ProposalState
from app.awards.renewal_offers import RenewalStage
from app.core.days import day, day_of
from app.learning.schemas import OverallState
from app.pathways.schemas import Need, Step
from app.programme.pathway_words import joined, lately, number
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    TimeInRoleRule,
)
from app.web.pathway_stops import Stop, StopState, Way

SOON: Final = 90  # days: the reminders by mail begin then too (app/messages/expiring.py)

STATE_WORDS: Mapping[StopState, str] = {
    "plain": "", "have": "You have it", "ending": "Ends soon", "recognised": "Recognised", "handed_in": "Handed in",
    "returned": "Came back", "begun": "Begun", "open": "Open to you", "later": "Later",
    "ended": "Ended",
}  # fmt: skip
THERE: Final = "It is there"  # of a step that is no badge
ENDED_WORDS: Mapping[str, str] = {
    "suspended": "Suspended", "revoked": "Revoked", "expired": "Ended", "too_old": "Too old", "withdrawn": "Taken back"
}  # fmt: skip
# Of a badge that still counts the chip names its renewal; of one that has ended the stop stands where the work stands.
RENEWAL_WORDS: Mapping[RenewalStage, str] = {
    "begun": "Renewal begun", "handed_in": "Renewal handed in", "returned": "Renewal came back",
    "decided": "Being renewed", "talked": "Talk on record", "proposed": "Being decided",
}  # fmt: skip
RENEWAL_STATES: Mapping[RenewalStage, StopState] = {
    "begun": "ended", "talked": "ended", "handed_in": "handed_in", "returned": "returned", "decided": "handed_in",
    "proposed": "handed_in",
}  # fmt: skip
RENEWAL_WHY: Mapping[RenewalStage, str] = {
    "begun": "You have begun to renew it. Go on where you stopped.",
    "handed_in": "Your work for its renewal is with an assessor. There is nothing to do until you hear from us.",
    "returned": "Your work for its renewal came back with comments. Nothing is lost: change what you want, and hand in "
    "again.",
    "talked": "Your fresh conversation is on record. The renewal is proposed once every other step is there too. If an "
    "assessor has looked at it already, what they wrote stands on the page of the pathway.",
    "decided": "An assessor has decided: it is being renewed.",
    "proposed": "Your conversation is on record, and an assessor decides on the renewal.",
}
RENEWAL_LINKS: Mapping[RenewalStage | None, str] = {
    "begun": "Go on with the renewal", "handed_in": "See what you handed in", "returned": "See the comments"
}  # fmt: skip


@dataclass(frozen=True)
class EndWords:
    """What the end of a way says once every step of it is there."""

    state: StopState
    word: str
    line: str
    why: str


PROPOSED: Mapping[ProposalState | None, EndWords] = {
    "open": EndWords(
        "handed_in", "Being decided", "all steps are there", "An assessor looks at it and decides; you get a mail."
    ),
    "declined": EndWords(
        "later", "Not awarded yet", "not awarded yet",
        "An assessor looked at it and did not award it. Nothing that you have is lost.",
    ),
    "awarded": EndWords(
        "handed_in", "Being made", "it is awarded", "An assessor has awarded it. The badge is on its way."
    ),
}  # fmt: skip
NOT_PROPOSED: Final = EndWords(
    "later", "Not proposed yet", "all steps are there",
    "Every step is there. It is proposed next, as a rule within minutes, and then an assessor decides. If this still "
    "stands here tomorrow, tell the people who run your programme.",
)  # fmt: skip
WORK: Mapping[OverallState, StopState] = {"working": "begun", "submitted": "handed_in", "returned": "returned"}
BY_WORDS: Mapping[str, str] = {"manager": "your manager", "supervisor": "your supervisor", "assessor": "an assessor"}


def hours(minutes: int) -> str:
    """Effort, as a person plans with it: about 6 h, 45 min."""
    return f"{minutes}\u00a0min" if minutes < 60 else f"about {round(minutes / 60)}\u00a0h"


def months_or_days(days: int) -> str:
    """A stretch of time to look ahead to, coarser the longer it is."""
    if days <= 45:
        return f"{days} day{'' if days == 1 else 's'}"
    return f"about {number(round(days / 30.44))} months"


def step_title(step: Step, badge_title: str = "") -> str:
    """What a step is called."""
    rule = step.rule
    if isinstance(rule, HeldRule):
        return badge_title or rule.achievement
    if isinstance(rule, ExternalBadgeRule):
        return f"{rule.name} ({rule.issuer_name})"
    if isinstance(rule, TimeInRoleRule):
        return f"{number(rule.months).capitalize()} month{'' if rule.months == 1 else 's'} in {rule.role}"
    if isinstance(rule, GroupRule):
        if rule.is_all:
            return "All of these"
        many = number(len(rule.of))
        return f"One of these {many}" if rule.needed == 1 else f"{number(rule.needed).capitalize()} of these {many}"
    return rule.title


def what_it_is(step: Step) -> str:
    """What a step asks for, where that stands with the pathway."""
    if isinstance(step.rule, ConfirmationRule | ConversationRule):
        return step.rule.text
    return ""


def waits_for(names: list[str], *, begun: bool) -> str:
    """That a badge's award waits for other badges, though the work does not."""
    if not names:
        return ""
    return f"{'' if begun else 'You can begin it now. '}Its badge waits for {joined(names)}."


def asked(rule: ConfirmationRule, at: datetime) -> str:
    """That somebody was asked for a word and has not answered yet."""
    return f"You asked on {day(at)}. {BY_WORDS[rule.by].capitalize()} has not answered yet."


def ended_until_talk(step: Step) -> str:
    """That a badge has ended which a fresh conversation renews, and whose turn it is."""
    over = f"{_over(step, step.need)} " if step.need is not None and step.need.on is not None else ""
    return f"{over}A fresh practice conversation renews it, and an assessor finds a time with you."


def renewing(stage: RenewalStage, state: StopState, word: str) -> tuple[StopState, str]:
    """The state of a badge whose renewal is under way, and its word: as long as it counts, it goes on counting."""
    if state == "ending":
        return state, RENEWAL_WORDS[stage]
    if RENEWAL_STATES[stage] == "ended":
        return state, word
    told = RENEWAL_STATES[stage]
    return told, STATE_WORDS[told] if stage in ("handed_in", "returned") else RENEWAL_WORDS[stage]


def why_renewing(step: Step, stage: RenewalStage) -> str:
    """That a renewal is under way, and whose turn it is."""
    over = _over(step, step.need) if step.need is not None and step.need.on is not None else ""
    return " ".join(filter(None, (over, RENEWAL_WHY[stage])))


def done_again(step: Step) -> str:
    """That a badge is gone whose module is being done once more."""
    need = step.need
    if need is None or need.on is None:
        return ""
    how = {"revoked": "was revoked on", "suspended": "has been suspended since"}.get(need.reason, "ended on")
    return f"It {how} {day(need.on)}. You are doing it again."


def why_open(step: Step, *, renewable: bool = True) -> str:
    """Why a step is open and what would meet it, in whole sentences.

    Args:
        step: one that is not met; of any other nothing is said.
        renewable: whether the badge that ended can be renewed now.
    """
    need = step.need
    if need is None:
        return ""
    if need.reason == "missing":
        return _missing(step)
    if need.reason == "time_short":
        return _time(step, need)
    if need.reason == "too_few":
        more = "One more of these is" if need.count == 1 else f"{number(need.count).capitalize()} more of these are"
        return f"{more} needed."
    if isinstance(step.rule, ConversationRule) and need.reason == "below_level":
        return _below(step.rule, need)
    return _ended(step, need, renewable=renewable)


def _missing(step: Step) -> str:
    rule = step.rule
    if isinstance(rule, HeldRule):
        return ""  # that it is not there the state says already
    if isinstance(rule, ExternalBadgeRule):
        return f"This badge comes from {rule.issuer_name}. We have not seen it yet."
    if isinstance(rule, ConfirmationRule):
        return f"{BY_WORDS[rule.by].capitalize()} has not confirmed it yet."
    return "It has not been held yet. Once the badges are there, an assessor finds a time with you."


def _time(step: Step, need: Need) -> str:
    left = need.days_left or 0
    if step.meets_at is not None:
        return f"{months_or_days(left).capitalize()} to go. It fills up by itself on {day(step.meets_at)}."
    pause = "" if need.on is None else f" It was full until {day(need.on)}."
    missing = f"{months_or_days(left).capitalize()} of work {'is' if left == 1 else 'are'} missing on our record."
    return f"{missing}{pause} Your centre’s manager keeps the dates of your role; ask them if this looks wrong."


def _below(rule: ConversationRule, need: Need) -> str:
    titles = {each.key: each.title for each in rule.rubric.criteria}
    named = joined([f"“{titles.get(key, key)}”" for key in need.criteria])
    when = f"You talked on {day(need.on)}. " if need.on is not None else ""
    have = "has" if len(need.criteria) == 1 else "have"
    return f"{when}{named} {have} not reached level {rule.minimum_level} yet. Talk again when you are ready."


def _ended(step: Step, need: Need, *, renewable: bool) -> str:
    on = day(need.on) if need.on is not None else ""
    rule = step.rule
    if need.reason == "begins":
        return f"It counts from {on}. There is nothing to do until then."
    if need.reason == "suspended":
        return f"It has been suspended since {on}. A person looks into it; ask the people who run your program."
    if need.reason == "too_old" and need.badge is None:
        return _over(step, need)  # what was recognised has no badge that could be renewed
    if need.reason in ("expired", "too_old"):
        then = "Renew it, and it counts again." if renewable else "Its page says what you can do."
        return f"{_over(step, need)} {then}"
    if need.reason == "revoked":
        return f"It was revoked on {on}. It can be earned anew."
    if need.reason == "withdrawn":
        who = BY_WORDS[rule.by].capitalize() if isinstance(rule, ConfirmationRule) else "Whoever decided it"
        return f"{who} took it back on {on}."
    return "A newer version of it took its place, and that one does not count yet."


def _over(step: Step, need: Need) -> str:
    """Since when a badge has ended, or is older than the rule accepts."""
    on = day(need.on) if need.on is not None else ""
    months = step.rule.awarded_within_months if isinstance(step.rule, HeldRule) else None
    if need.reason != "too_old" or months is None:
        return f"It ended on {on}."
    shown = "recognised" if need.badge is None else "awarded or renewed"
    return f"It must have been {shown} {lately(months)}, and that was over on {on}."


def short_day(moment: datetime) -> str:
    """A date for the map, where room is short: 4 Mar 2026."""
    shown = day_of(moment)
    return f"{shown.day}\u00a0{shown:%b}\u00a0{shown:%Y}"


def until_line(until: datetime, state: StopState) -> str:
    """Until when something counts: to the day where that day is near."""
    if state == "ending":
        return short_day(until)
    last = day_of(until)
    return f"until {last:%b}\u00a0{last:%Y}"


def after_line(codes: list[str]) -> str:
    """What comes before, for the map."""
    return f"after {joined(codes)}" if codes else ""


def here(way: Way) -> str:
    """How far somebody is on a way, and how much of it is left."""
    behind, whole = way.behind, len(way.stops)
    if behind == whole:
        return "All its steps are there."
    left = sum(stop.minutes for stop in way.stops if not stop.is_behind)
    effort = f", {hours(left)} of work" if left else ""
    if behind == 0:
        begins = " Everybody begins here." if way.level == "basic" else ""
        return f"{number(whole).capitalize()} steps{effort}.{begins}"
    there = f"{number(behind).capitalize()} of {number(whole)} steps {'is' if behind == 1 else 'are'} there."
    return f"{there} {number(whole - behind).capitalize()} to go{effort}."


def state_line(stop: Stop) -> str:
    """What stands below a stop's title: where it stands in words, and the one thing to know beside it."""
    if not stop.is_next:
        return _state_line(stop)
    if stop.state == "open":
        return " · ".join(filter(None, ("Next", stop.line)))
    line = _state_line(stop)
    return f"Next · {line[:1].lower()}{line[1:]}"


def _state_line(stop: Stop) -> str:
    if stop.state == "have" and stop.line:
        return f"{'Yours' if stop.kind == 'badge' else 'There'} {stop.line}"
    if stop.state == "have":
        return "Yours" if stop.kind == "badge" else "It is there"
    if stop.state == "later" and stop.line:
        return stop.line[:1].upper() + stop.line[1:]
    if stop.state in ("ending", "ended"):
        return f"{'Ends' if stop.state == 'ending' else stop.word} {stop.line}"
    if stop.state == "open" and stop.kind == "badge":
        return " · ".join(filter(None, ("Open", stop.line)))
    return " · ".join(filter(None, (stop.word, stop.line)))


def name_of(stop: Stop) -> str:
    """A stop in one phrase: what it is, and where it stands."""
    title = f"{stop.code} {stop.short}".strip()
    line = state_line(stop)
    return f"{title}: {line}" if line else title


def here_on(ways: tuple[Way, ...]) -> str:
    """Where somebody stands on the first way that they have not walked to its end, or that all are walked."""
    way = next((each for each in ways if not each.end.is_behind), None)
    if way is None:
        return (
            f"You have walked it to its end: {ways[0].end.short}." if len(ways) == 1 else "You have walked every way."
        )
    walked = [each for each in ways if each.end.is_behind]
    if walked and way.level != "basic":
        ahead = sum(not each.end.is_behind for each in ways)
        names = joined([each.end.short for each in walked])
        more = "One way goes" if ahead == 1 else f"{number(ahead).capitalize()} ways go"
        return f"You are here: {names}. {more} on from here."
    return here(way)


def told(way: Way, beyond: tuple[Way, ...]) -> str:
    """What the picture shows, for who cannot see it."""
    further = f" {number(len(beyond)).capitalize()} ways go on from there." if beyond else ""
    return (
        f"A track with {number(len(way.stops))} stops leads to {way.end.title}.{further} The table below says the same."
    )
