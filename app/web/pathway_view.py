"""From pathways and somebody's progress to the stops of a map. Pure: it asks nobody and knows no clock.

Without a traveller the same map shows the ways alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.awards.proposals.schemas import ProposalState
from app.awards.renewal_offers import RenewalStage
from app.learning.schemas import OverallState
from app.pathways.rules import step_key
from app.pathways.schemas import Progress, Step
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
)
from app.programme.schemas import AchievementInfo
from app.programme.stacks import is_pathway_key
from app.web import pathway_map_words as words
from app.web.pathway_stops import Link, Stop, StopKind, StopState, Way

ENDED = frozenset({"suspended", "expired", "too_old", "revoked", "withdrawn"})
GONE = frozenset({"revoked", "expired", "suspended"})  # after which a module may be done again


@dataclass(frozen=True)
class Catalogue:
    """What there is: every pathway in its order, and every badge by its key."""

    pathways: tuple[Pathway, ...]
    badges: Mapping[str, AchievementInfo]

    def title(self, key: str) -> str:
        """What a badge is called."""
        return self.badges[key].name if key in self.badges else key

    def code(self, key: str) -> str:
        """A module's code; a pathway's badge has a name and no code."""
        return "" if is_pathway_key(key) else key

    def needed(self, key: str) -> tuple[tuple[str, ...], ...]:
        """The badges that stand before this one, one of each group."""
        return self.badges[key].needed_before if key in self.badges else ()

    def waiting_for(self, key: str) -> tuple[str, ...]:
        """The badges that name this one as needed before."""
        return tuple(other for other in self.badges if any(key in group for group in self.needed(other)))


@dataclass(frozen=True)
class Traveller:
    """Whose map it is.

    Attributes:
        root: where the pages of this launch begin.
        progress: by the pathway's key.
        work: the modules that were begun, and how far that has come.
        module_key: the module that this launch opened.
        at: the moment that the map shows, in UTC.
        asked: words that were asked for and not answered yet, by pathway and confirmation, with the moment.
        renewable: ids of the badges that can be renewed now.
        by_talk: ids of those that a fresh conversation renews now.
        proposals: by the pathway's key what became of the latest proposal of its badge.
        renewals: by the badge's id how far its renewal has come, where one is under way.
        again: modules that are done once more, because their badge is gone.
    """

    root: str
    progress: Mapping[str, Progress]
    work: Mapping[str, OverallState]
    module_key: str | None
    at: datetime
    asked: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    renewable: frozenset[str] = frozenset()
    by_talk: frozenset[str] = frozenset()
    proposals: Mapping[str, ProposalState] = field(default_factory=dict)
    renewals: Mapping[str, RenewalStage] = field(default_factory=dict)
    again: frozenset[str] = frozenset()

    def badge(self, key: str) -> Step | None:
        """How it stands with a badge, wherever a pathway asks for it."""
        found = [
            step
            for progress in self.progress.values()
            for step in (progress.end, *_leaves(progress.root))
            if isinstance(step.rule, HeldRule) and step.rule.achievement == key
        ]
        return max(found, key=lambda step: step.is_met, default=None)

    def has(self, key: str) -> bool:
        """Whether a badge counts now."""
        step = self.badge(key)
        return step is not None and step.is_met


def ways(catalogue: Catalogue, traveller: Traveller | None) -> tuple[Way, ...]:
    """Every pathway with its stops, the basic one first."""
    return tuple(way(catalogue, pathway, traveller) for pathway in catalogue.pathways)


def way(catalogue: Catalogue, pathway: Pathway, traveller: Traveller | None) -> Way:
    """One pathway with its stops."""
    return _Drawn(catalogue, pathway, traveller).way()


class _Drawn:
    """One pathway while its stops are found."""

    def __init__(self, catalogue: Catalogue, pathway: Pathway, traveller: Traveller | None) -> None:
        self._catalogue = catalogue
        self._pathway = pathway
        self._traveller = traveller
        self._progress = traveller.progress.get(pathway.key) if traveller else None

    def way(self) -> Way:
        rule = self._pathway.rule
        root = self._progress.root if self._progress is not None else None
        if isinstance(rule, GroupRule) and rule.is_all:
            steps = root.parts if root is not None else tuple(_unseen(each) for each in rule.of)
        else:
            steps = (root if root is not None else _unseen(rule),)
        stops = tuple(self._stop(step) for step in steps)
        return Way(
            self._pathway.key, self._pathway.level, self._pathway.title, self._pathway.summary, stops, self._end(stops)
        )

    def _end(self, stops: tuple[Stop, ...]) -> Stop:
        progress = self._progress
        key = self._pathway.ends_in
        step = progress.end if progress is not None else _unseen(HeldRule(key))
        stop = replace(self._badge(step, key), href=self._end_href(key))
        if progress is None or stop.is_behind or stop.state == "ended":
            return stop
        behind = sum(each.is_behind for each in stops)
        if stop.state in ("handed_in", "returned", "begun"):
            return stop
        if not progress.is_met:
            return _changed(stop, "later", words.STATE_WORDS["later"], f"{behind} of {len(stops)} steps there")
        if self._pathway.leads_to is None:
            return self._waiting(stop)
        return _changed(stop, "open", words.STATE_WORDS["open"], stop.effort)

    def _waiting(self, stop: Stop) -> Stop:
        """The end of a way of which every step is there, and whose badge a person awards."""
        proposal = self._traveller.proposals.get(self._pathway.key) if self._traveller is not None else None
        told = words.PROPOSED.get(proposal, words.NOT_PROPOSED)
        found = replace(_changed(stop, told.state, told.word, told.line), why=told.why)
        if proposal != "declined" or self._traveller is None:
            return found
        why = Link("See why", f"{self._traveller.root}/pathway/{self._pathway.key}#decision")
        return replace(found, links=(why, *found.links))

    def _stop(self, step: Step) -> Stop:
        rule = step.rule
        if isinstance(rule, HeldRule):
            return self._badge(step, rule.achievement)
        if isinstance(rule, GroupRule):
            return self._choice(step)
        kinds: Mapping[str, StopKind] = {
            "time_in_role": "time", "confirmation": "confirmation", "conversation": "conversation",
            "external_badge": "external_badge",
        }  # fmt: skip
        state, word = self._state_of_other(step)
        asked = rule.key if isinstance(rule, ConfirmationRule) and state in ("open", "ended", "handed_in") else None
        effort = words.hours(rule.minutes) if isinstance(rule, ConversationRule) else ""
        key = step_key(rule) or "time-in-role"
        return Stop(
            key="".join(sign if sign.isalnum() else "-" for sign in key.lower()),
            kind=kinds[rule.kind],
            code="",
            title=words.step_title(step),
            state=state,
            word=word,
            line=self._line_of_other(step, state, effort),
            about=words.what_it_is(step),
            why=self._why(step),
            effort=effort,
            minutes=rule.minutes if isinstance(rule, ConversationRule) else 0,
            since=step.since if step.is_met else None,
            until=step.until,
            href=self._href(key),
            links=(Link("What you asked" if state == "handed_in" else "Ask for it", "#ask"),) if asked else (),
            ask=asked if state != "handed_in" else None,
        )

    def _state_of_other(self, step: Step) -> tuple[StopState, str]:
        if self._traveller is None:
            return "plain", ""
        if step.is_met:
            state = _counting(step, self._traveller.at)
            return state, words.STATE_WORDS[state] if state != "have" else words.THERE
        if self._asked_at(step) is not None:
            return "handed_in", "Asked"
        if step.need is not None and step.need.reason in ENDED and not isinstance(step.rule, TimeInRoleRule):
            return "ended", words.ENDED_WORDS[step.need.reason]
        if isinstance(step.rule, TimeInRoleRule):
            return ("begun", "Counting") if step.meets_at else ("open", "Not there yet")
        if isinstance(step.rule, ConversationRule):
            if step.need is not None and step.need.reason == "below_level":
                return "open", "Talk again"
            return ("later", words.STATE_WORDS["later"]) if self._badges_missing() else ("open", "To be held")
        return "open", "To ask for" if isinstance(step.rule, ConfirmationRule) else words.STATE_WORDS["open"]

    def _line_of_other(self, step: Step, state: StopState, effort: str) -> str:
        if isinstance(step.rule, TimeInRoleRule) and step.need is not None and self._traveller is not None:
            if step.meets_at is not None:
                return f"full on {words.short_day(step.meets_at)}"
            return f"{words.months_or_days(step.need.days_left or 0)} to go"
        if state in ("have", "ending") and step.until is not None:
            return words.until_line(step.until, state)
        if state == "later":
            return "after the badges"
        asked_at = self._asked_at(step)
        if state == "handed_in" and asked_at is not None:
            return words.short_day(asked_at)
        return effort if state in ("plain", "open") else ""

    def _asked_at(self, step: Step) -> datetime | None:
        """When a word was asked for that nobody has answered yet."""
        if self._traveller is None or not isinstance(step.rule, ConfirmationRule):
            return None
        return self._traveller.asked.get((self._pathway.key, step.rule.key))

    def _choice(self, step: Step) -> Stop:
        parts = tuple(self._stop(part) for part in step.parts or tuple(_unseen(each) for each in _of(step.rule)))
        state: StopState = "plain"
        if self._traveller is not None:
            state = _counting(step, self._traveller.at) if step.is_met else "open"
        there = "" if self._traveller is None else f"{step.held} of {step.needed} there"
        key = f"choice-{'-'.join(part.key for part in parts)}"
        return Stop(
            key=key.lower(), kind="choice", code="", title=words.step_title(step), state=state,
            word=words.THERE if state == "have" else words.STATE_WORDS[state], line=there,
            why=self._why(step), until=step.until, since=step.since if step.is_met else None, parts=parts,
            href=self._href(key.lower()), needed=step.needed,
        )  # fmt: skip

    def _badge(self, step: Step, key: str) -> Stop:
        info = self._catalogue.badges.get(key)
        effort = words.hours(info.hours * 60) if info is not None else ""
        missing = self._missing_before(key)
        state, word = self._state_of_badge(step, key, missing)
        stage = self._stage(step)
        if stage is not None:
            state, word = words.renewing(stage, state, word)
        return Stop(
            key=key.lower(),
            kind="badge",
            code=self._catalogue.code(key),
            title=self._catalogue.title(key),
            state=state,
            word=word,
            line=self._line(step, state, effort, missing, key),
            why=" ".join(filter(None, (self._why(step), self._waits(key, state, missing))))
            if stage is None
            else words.why_renewing(step, stage),
            effort=effort,
            minutes=info.hours * 60 if info is not None else 0,
            since=step.since if step.is_met else None,
            until=step.until,
            image=f"{info.path}.svg" if info is not None else None,
            href=self._href(key.lower(), badge=key),
            links=self._links(step, key, state),
            opens=tuple(filter(None, map(self._catalogue.code, self._catalogue.waiting_for(key)))),
            renewal=stage,
        )

    def _stage(self, step: Step) -> RenewalStage | None:
        """How far the renewal of a badge has come that ends soon, has expired or is older than the rule accepts."""
        traveller = self._traveller
        if traveller is None:
            return None
        if step.is_met and step.rests_on and _counting(step, traveller.at) == "ending":
            return traveller.renewals.get(step.rests_on[0].credential_id)
        if step.need is not None and step.need.reason in ("expired", "too_old") and step.need.badge is not None:
            return traveller.renewals.get(step.need.badge.credential_id)
        return None

    def _state_of_badge(self, step: Step, key: str, missing: list[str]) -> tuple[StopState, str]:
        traveller = self._traveller
        if traveller is None:
            return "plain", ""
        if step.is_met:
            state = _counting(step, traveller.at)
            return state, words.STATE_WORDS[state]
        if step.need is not None and step.need.reason in ENDED and not self._is_done_again(step, key):
            return "ended", words.ENDED_WORDS[step.need.reason]
        ahead: StopState = "later" if missing or is_pathway_key(key) else "open"
        work = traveller.work.get(key)
        state = ahead if work is None else words.WORK.get(work, ahead)
        return state, words.STATE_WORDS[state]

    def _is_done_again(self, step: Step, key: str) -> bool:
        """Whether the module is being done once more, because its badge is gone for good."""
        traveller, need = self._traveller, step.need
        if traveller is None or need is None or traveller.work.get(key) not in words.WORK:
            return False
        return need.reason in GONE and key in traveller.again

    def _missing_before(self, key: str) -> list[str]:
        if self._traveller is None:
            return []
        groups = self._catalogue.needed(key)
        return [" or ".join(map(self._name, group)) for group in groups if not any(map(self._traveller.has, group))]

    def _name(self, key: str) -> str:
        return self._catalogue.code(key) or "the basic pathway"

    def _line(self, step: Step, state: StopState, effort: str, missing: list[str], key: str) -> str:
        if state in ("have", "ending", "recognised"):
            return words.until_line(step.until, state) if step.until is not None else ""
        if state == "ended" and step.need is not None and step.need.on is not None:
            return words.short_day(step.need.on)
        if state == "later":
            return words.after_line(missing) or ("at the end of its way" if is_pathway_key(key) else "")
        return effort if state in ("plain", "open") else ""

    def _why(self, step: Step) -> str:
        if self._traveller is None:
            return ""
        asked_at = self._asked_at(step)
        if asked_at is not None and isinstance(step.rule, ConfirmationRule) and not step.is_met:
            return words.asked(step.rule, asked_at)
        badge = step.need.badge if step.need is not None else None
        if isinstance(step.rule, HeldRule) and self._is_done_again(step, step.rule.achievement):
            return words.done_again(step)
        if badge is not None and badge.credential_id in self._traveller.by_talk:
            return words.ended_until_talk(step)
        return words.why_open(step, renewable=badge is None or badge.credential_id in self._traveller.renewable)

    def _waits(self, key: str, state: StopState, missing: list[str]) -> str:
        if is_pathway_key(key) or state not in ("later", "begun", "handed_in"):
            return ""
        return words.waits_for(missing, begun=state != "later")

    def _badges_missing(self) -> bool:
        root = self._progress.root if self._progress else None
        return any(not part.is_met for part in root.parts if isinstance(part.rule, HeldRule)) if root else False

    def _href(self, key: str, badge: str | None = None) -> str:
        if self._traveller is not None:
            return f"{self._traveller.root}/pathway/{self._pathway.key}#{key}"
        if badge is None:
            return f"/programme/pathways/{self._pathway.key}#{key}"
        return f"/programme/pathways/{badge}" if is_pathway_key(badge) else f"/programme/modules/{badge}"

    def _end_href(self, key: str) -> str:
        if self._traveller is None:
            return f"/programme/pathways/{self._pathway.key}"
        return f"{self._traveller.root}/pathway/{self._pathway.key}#{key.lower()}"

    def _links(self, step: Step, key: str, state: StopState) -> tuple[Link, ...]:
        traveller = self._traveller
        about = Link(f"About {self._catalogue.code(key)}", f"/programme/modules/{key}", elsewhere=True)
        if traveller is None:
            return (Link(about.text, about.href),) if not is_pathway_key(key) else ()
        held = step.rests_on[0] if step.rests_on else step.need.badge if step.need is not None else None
        found = []
        if held is not None:
            is_running_out = state in ("ending", "ended") or self._stage(step) is not None
            found.append(_own(traveller, held.credential_id, is_running_out=is_running_out))
        if key == self._pathway.key:
            return tuple(found)
        if is_pathway_key(key):
            return (*found, Link("The way there", f"{traveller.root}/pathway/{key}"))
        if traveller.module_key == key and not step.is_met:
            return (*found, Link("Go to this module", f"{traveller.root}/module"))
        return (*found, about) if not step.is_met else tuple(found)


def _unseen(rule: Rule) -> Step:
    """A rule of which nobody's standing is known."""
    parts = tuple(_unseen(each) for each in _of(rule))
    return Step(rule, "open", None, parts=parts)


def _of(rule: Rule) -> tuple[Rule, ...]:
    return rule.of if isinstance(rule, GroupRule) else ()


def _leaves(step: Step) -> Iterator[Step]:
    if not step.parts:
        yield step
    for part in step.parts:
        yield from _leaves(part)


def _own(traveller: Traveller, credential_id: str, *, is_running_out: bool) -> Link:
    """The way to a badge of one's own: where it can be renewed and should be, straight to that."""
    page = f"{traveller.root}/badges/{credential_id}"
    stage = traveller.renewals.get(credential_id)
    if is_running_out and stage in words.RENEWAL_LINKS:
        return Link(words.RENEWAL_LINKS[stage], f"{page}/renew")
    if is_running_out and credential_id in traveller.renewable:
        return Link("Renew it", f"{page}/renew")
    if is_running_out and credential_id in traveller.by_talk:
        return Link("How it is renewed", f"{page}/renew")
    return Link("Your badge", page)


def _counting(step: Step, at: datetime) -> StopState:
    """The state of a step that counts."""
    if step.until is not None and step.until - at <= timedelta(days=words.SOON):
        return "ending"
    return "recognised" if step.state == "waived" else "have"


def _changed(stop: Stop, state: StopState, word: str, line: str) -> Stop:
    return replace(stop, state=state, word=word, line=line)
