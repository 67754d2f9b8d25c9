"""What an assessor is shown of pathways: who waits for what, one person's steps, and what a proposed badge rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from app.awards.proposals import due, finding, reading
from app.awards.proposals.due import RenewalDue
from app.awards.proposals.schemas import Finding, Proposal
from app.core.clock import now
from app.core.days import day
from app.core.db import ReadSession
from app.issuer import service as issuer
from app.issuer.errors import CredentialErased, CredentialNotFound
from app.issuer.schemas import CredentialSummary
from app.pathways import service as pathways
from app.pathways import standing
from app.pathways.progress import progress
from app.pathways.records import ConversationRecorded, RecognitionGranted
from app.pathways.rules import step_key
from app.pathways.schemas import Progress, Step
from app.pathways.summary import Standing, StandingState
from app.people import service as people
from app.programme import service as programme
from app.programme import stacks
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    TimeInRoleRule,
    conversation,
)
from app.web.assessor_page import MarkedCriterion, Said, level_words

# `met` and not proposed: it was declined, the work for its module is not awarded yet, or the badge ended long ago.
ON_THE_WAY: Final[tuple[StandingState, ...]] = ("on_the_way", "lapsed", "met")
MOST_OTHERS: Final = 50
STATES: Final = {
    "met": ("met", "There"),
    "lapsing": ("met", "There"),
    "waived": ("done", "Recognised"),
    "open": ("not_started", "Open"),
    "lapsed": ("expired", "Over"),
}
WITHDRAWN_WORDS: Final = {
    "not_met": "A step does not hold any more, or the badge was awarded in another way.",
    "joined": "Two records of this person were joined.",
    "badge_ended": "A badge that it rests on was revoked or suspended before the new badge was made.",
    "held": "The same badge was issued in another way before this one was made. There is one badge, not two.",
}


@dataclass(frozen=True)
class StepLine:
    """One step in words for whoever decides.

    Attributes:
        state: kind of the status chip, and its word.
        since, until: since when it is there or over, and when it will be over.
        code: `kind:key`, by which it is recognised; empty where it cannot be.
        depth: how deep in the rule, from 0.
    """

    title: str
    state: tuple[str, str]
    note: str
    since: datetime | None
    until: datetime | None
    code: str
    depth: int


@dataclass(frozen=True)
class PersonLine:
    """Somebody on a pathway, in a list; without a way in where they are for another assessor.

    Attributes:
        since: since when they stand there; None of a renewal.
        ends: of a renewal, when the badge ends or ended; None of a new badge.
        has_ended: of a renewal, whether that day is over.
    """

    person_id: str
    name: str = field(repr=False)
    pathway_key: str
    pathway_title: str
    open_steps: int
    since: datetime | None
    mine: bool
    ends: datetime | None = None
    has_ended: bool = False


@dataclass(frozen=True)
class ProposalLine:
    """A proposal in a list."""

    proposal: Proposal
    name: str = field(repr=False)
    badge_name: str
    mine: bool
    why: str = ""


@dataclass(frozen=True)
class PathwaysListPage:
    """Context of assessor/pathways.html; `more` is how many others are not shown."""

    proposals: tuple[ProposalLine, ...]
    talks: tuple[PersonLine, ...]
    others: tuple[PersonLine, ...]
    more: int
    find: str
    decided: tuple[ProposalLine, ...]
    said: Said | None


@dataclass(frozen=True)
class TalkShown:
    """A conversation with its levels in words."""

    talk: ConversationRecorded
    assessor: str
    levels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RecognitionShown:
    """A recognition, with what it is for in words."""

    granted: RecognitionGranted
    title: str
    assessor: str


@dataclass(frozen=True)
class PersonOnPathwayPage:
    """Context of assessor/pathway_person.html.

    Attributes:
        rule: the conversation that the pathway asks for, if it does.
        open_proposal: id of what waits to be decided.
        choices: steps that can be recognised: `kind:key` and their title.
        renewal: where the badge at the end can be renewed by a conversation that is still to be held.
    """

    person_id: str
    name: str = field(repr=False)
    pathway: Pathway
    steps: tuple[StepLine, ...]
    progress: Progress
    rule: ConversationRule | None
    talks: tuple[TalkShown, ...]
    recognitions: tuple[RecognitionShown, ...]
    open_proposal: str | None
    choices: tuple[tuple[str, str], ...]
    renewal: RenewalDue | None = None
    said: Said | None = None
    errors: tuple[tuple[str, str], ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TalkPage:
    """Context of assessor/pathway_talk.html; where `asks` the levels are shown once more before they are kept."""

    person_id: str
    name: str = field(repr=False)
    pathway: Pathway
    rule: ConversationRule
    criteria: tuple[MarkedCriterion, ...]
    held_on: str
    held_day: date | None
    comment: str
    today: date
    errors: tuple[tuple[str, str], ...] = ()
    asks: bool = False
    reaches: bool = True
    levels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class BadgeBelow:
    """A badge that a proposed one rests on; `href` only where anybody may see it."""

    key: str
    name: str
    version: int
    awarded_at: datetime
    valid_until: datetime | None
    href: str | None


@dataclass(frozen=True)
class ProposalPage:
    """Context of assessor/pathway_proposal.html.

    Attributes:
        found: what is to be decided on as things stand; None where the rule is not met now.
        talk: the conversation whose levels the badge gets.
        waived: recognitions that stand for a step.
        earlier: what was decided about this person and pathway before.
    """

    proposal: Proposal
    name: str = field(repr=False)
    pathway: Pathway
    badge_name: str
    found: Finding | None
    below: tuple[BadgeBelow, ...]
    talk: TalkShown | None
    waived: tuple[RecognitionShown, ...]
    others: tuple[StepLine, ...]
    earlier: tuple[ProposalLine, ...]
    decided_by: str | None
    why: str
    said: Said | None = None
    comment: str = ""
    reason: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    asks: bool = False


@dataclass(frozen=True)
class NotYoursPage:
    """Context of assessor/pathway_not_yours.html."""

    names: tuple[str, ...]
    own: bool


def list_page(db: ReadSession, assessor_id: str, said: Said | None, find: str = "") -> PathwaysListPage:
    """Who waits for a decision, who is ready for the conversation, and who else is on the way.

    Args:
        db: for reading.
        assessor_id: who looks.
        said: what is told above.
        find: a part of a name; only others of that name are shown.
    """
    known = {pathway.key: pathway for pathway in stacks.pathways(db)}
    waiting, decided = reading.open_proposals(db), reading.decided_lately(db)
    asked = {(each.person_id, each.pathway_key) for each in waiting}
    renewals = [each for each in due.renewals_due(db) if (each.person_id, each.pathway_key) not in asked]
    renewing = {(each.person_id, each.pathway_key) for each in renewals}
    found = [each for each in _on_the_way(db) if each.pathway_key in known and _whose(each) not in renewing]
    ready = [each for each in found if _waits_for_talk(each) and _whose(each) not in asked]
    ready_again = [each for each in renewals if not each.has_talk]
    concerned = {each.person_id for each in (*waiting, *decided)} | {each.person_id for each in found}
    concerned |= {each.person_id for each in renewals}
    names = people.display_names(db, concerned)
    others: list[Standing | RenewalDue] = [
        *(each for each in found if not _waits_for_talk(each) and (each.state != "met" or _whose(each) not in asked)),
        *(each for each in renewals if each.has_talk),
    ]
    rest = [each for each in others if find.lower() in names[each.person_id].lower()]
    rest.sort(key=lambda each: (names[each.person_id], each.person_id, each.pathway_key))
    shown = {each.person_id for each in (*waiting, *ready, *ready_again, *rest[:MOST_OTHERS])}
    mine = {each: pathways.may_assess(db, person_id=each, assessor_id=assessor_id) for each in shown}
    return PathwaysListPage(
        proposals=tuple(_proposal_line(each, names, known, mine) for each in waiting),
        talks=_person_lines([*ready, *ready_again], names, known, mine),
        others=_person_lines(rest[:MOST_OTHERS], names, known, mine),
        more=max(len(rest) - MOST_OTHERS, 0),
        find=find,
        decided=tuple(_proposal_line(each, names, known, mine) for each in decided),
        said=said,
    )


def person_page(
    db: ReadSession, person_id: str, pathway_key: str, *, said: Said | None = None,
    errors: tuple[tuple[str, str], ...] = (), typed: Mapping[str, str] | None = None,
) -> PersonOnPathwayPage:  # fmt: skip
    """One person's steps on one pathway, with what was recorded for them."""
    pathway = stacks.current_pathway(db, pathway_key)
    where = pathways.progress_of(db, person_id, pathway_key)
    lines = step_lines(db, where)
    mine = reading.proposals_of(db, person_id, (pathway_key,))
    renewal = due.renewal_due(db, person_id, pathway)
    return PersonOnPathwayPage(
        person_id=person_id,
        name=people.display_name(db, person_id),
        pathway=pathway,
        steps=lines,
        progress=where,
        rule=conversation(pathway),
        talks=talks_shown(db, person_id, pathway_key),
        recognitions=_recognitions(db, person_id, pathway, lines),
        open_proposal=next((each.id for each in mine if each.state == "open"), None),
        choices=tuple((each.code, each.title) for each in lines if each.code and each.state[1] in ("Open", "Over")),
        renewal=renewal if renewal is not None and not renewal.has_talk else None,
        said=said,
        errors=errors,
        typed=typed or {},
    )


def proposal_page(
    db: ReadSession, proposal: Proposal, *, said: Said | None = None, comment: str = "", reason: str = "",
    errors: tuple[tuple[str, str], ...] = (), asks: bool = False,
) -> ProposalPage:  # fmt: skip
    """What is proposed, what it rests on, and what was decided."""
    is_open = proposal.state == "open"
    found = finding.find(db, proposal.person_id, proposal.pathway_key) if is_open else None
    pathway = stacks.current_pathway(db, proposal.pathway_key)
    if not is_open:
        pathway = stacks.pathway_version(db, proposal.pathway_key, proposal.pathway_version)
    where = _progress_then(db, proposal, pathway) if found is None else found.progress
    talk_id = found.talk_id if found is not None else proposal.talk_id
    lines = step_lines(db, where)
    waived_by = set(found.progress.root.waived_by if found is not None else proposal.waived_by)
    shown = _recognitions(db, proposal.person_id, pathway, lines)
    rests_on = found.progress.rests_on if found is not None else proposal.rests_on
    before = [each for each in reading.proposals_of(db, proposal.person_id, (pathway.key,)) if each.id != proposal.id]
    names = people.display_names(db, {proposal.person_id, *([proposal.decided_by] if proposal.decided_by else [])})
    return ProposalPage(
        proposal=proposal,
        name=names[proposal.person_id],
        pathway=pathway,
        badge_name=_badge_name(pathway),
        found=found,
        below=tuple(_below(db, [(each.achievement, each.credential_id, each.version) for each in rests_on])),
        talk=next((each for each in talks_shown(db, proposal.person_id, pathway.key) if each.talk.id == talk_id), None),
        waived=tuple(each for each in shown if each.granted.id in waived_by),
        others=tuple(each for each in lines if not each.code.startswith("held:") and each.depth == 0),
        earlier=tuple(_proposal_line(each, names, {pathway.key: pathway}, {}) for each in before),
        decided_by=names.get(proposal.decided_by) if proposal.decided_by else None,
        why=_why(proposal),
        said=said,
        comment=comment,
        reason=reason,
        errors=errors,
        asks=asks,
    )


def not_yours(db: ReadSession, person_id: str, assessor_id: str) -> NotYoursPage:
    """Why there is nothing to decide here, and who may."""
    others = [each for each in people.people_with_role(db, "assessor") if each != assessor_id]
    may = {each for each in others if pathways.may_assess(db, person_id=person_id, assessor_id=each)}
    return NotYoursPage(names=tuple(sorted(people.display_names(db, may).values())), own=person_id == assessor_id)


def talks_shown(db: ReadSession, person_id: str, pathway_key: str) -> tuple[TalkShown, ...]:
    """The conversations about a pathway, the newest first, each with its rubric's words of that time."""
    held = [each for each in pathways.conversations_of(db, person_id) if each.pathway_key == pathway_key]
    names = people.display_names(db, {each.decided_by for each in held})
    shown = []
    for each in held:
        rule = conversation(stacks.pathway_version(db, pathway_key, each.pathway_version))
        criteria = rule.rubric.criteria if rule is not None else ()
        levels = tuple((one.title, level_words(one, each.levels.get(one.key))) for one in criteria)
        shown.append(TalkShown(each, names[each.decided_by], levels))
    return tuple(shown)


def step_lines(db: ReadSession, where: Progress) -> tuple[StepLine, ...]:
    """Every step of a rule with where it stands, in the rule's order; parts of a choice below it."""
    root = where.root
    parts = root.parts if isinstance(root.rule, GroupRule) and root.rule.is_all else (root,)
    titles = _titles(db)
    return tuple(line for part in parts for line in _lines(part, titles, 0))


def _lines(step: Step, titles: Mapping[str, str], depth: int) -> Iterator[StepLine]:
    rule = step.rule
    code = "" if isinstance(rule, GroupRule | ConversationRule) else f"{rule.kind}:{step_key(rule)}"
    yield StepLine(
        title=_title(step, titles),
        state=STATES[step.state],
        note=_note(step),
        since=step.since,
        until=step.until,
        code=code,
        depth=depth,
    )
    for part in step.parts:
        yield from _lines(part, titles, depth + 1)


def _title(step: Step, titles: Mapping[str, str]) -> str:
    rule = step.rule
    if isinstance(rule, HeldRule):
        return f"{rule.achievement} · {titles[rule.achievement]}" if rule.achievement in titles else rule.achievement
    if isinstance(rule, ExternalBadgeRule):
        return f"{rule.name} ({rule.issuer_name})"
    if isinstance(rule, TimeInRoleRule):
        return f"{rule.months} months in {rule.role}"
    if isinstance(rule, GroupRule):
        return f"{rule.needed} of these {len(rule.of)}"
    return rule.title


def _note(step: Step) -> str:
    """Why it is open, for somebody other than the person."""
    need, rule = step.need, step.rule
    if need is None:
        return ""
    on = f" on {day(need.on)}" if need.on is not None else ""
    if need.reason == "missing":
        if isinstance(rule, ConfirmationRule):
            return f"Not confirmed yet. It is asked of the person’s {rule.by}."
        return "Not held yet." if isinstance(rule, ConversationRule) else "Not there yet."
    if need.reason == "time_short":
        return f"{need.days_left} days of work are missing on our record."
    if need.reason == "below_level" and isinstance(rule, ConversationRule):
        titles = {each.key: each.title for each in rule.rubric.criteria}
        named = ", ".join(f"“{titles.get(key, key)}”" for key in need.criteria)
        return f"Held{on}, below level {rule.minimum_level}: {named}."
    words = {
        "begins": f"It counts from{on.replace(' on', '')}.", "suspended": f"Suspended{on}.", "expired": f"Expired{on}.",
        "too_old": f"Awarded or last renewed too long ago since{on.replace(' on', '')}.", "revoked": f"Revoked{on}.",
        "withdrawn": f"Taken back{on}.", "too_few": f"{need.count} more needed.",
    }  # fmt: skip
    return words.get(need.reason, "A newer version takes its place.")


def _titles(db: ReadSession) -> dict[str, str]:
    """What the badges are called, by key."""
    titles = {module.key: module.title for module in programme.modules(db)}
    return titles | {each.key: each.achievement.name for each in stacks.pathways(db) if each.achievement is not None}


def _on_the_way(db: ReadSession) -> Iterator[Standing]:
    for state in ON_THE_WAY:
        yield from standing.standings(db, state=state)


def _whose(each: Standing) -> tuple[str, str]:
    return each.person_id, each.pathway_key


def _waits_for_talk(each: Standing) -> bool:
    """Whether nothing but the conversation is open."""
    return bool(each.open_steps) and all(step.kind == "conversation" for step in each.open_steps)


def _person_lines(
    found: Sequence[Standing | RenewalDue],
    names: Mapping[str, str],
    known: Mapping[str, Pathway],
    mine: Mapping[str, bool],
) -> tuple[PersonLine, ...]:
    lines = (_person_line(each, names, known, mine) for each in found)
    return tuple(sorted(lines, key=lambda line: (line.name, line.person_id, line.pathway_key)))


def _person_line(
    each: Standing | RenewalDue, names: Mapping[str, str], known: Mapping[str, Pathway], mine: Mapping[str, bool]
) -> PersonLine:
    renewal = each if isinstance(each, RenewalDue) else None
    return PersonLine(
        person_id=each.person_id,
        name=names[each.person_id],
        pathway_key=each.pathway_key,
        pathway_title=known[each.pathway_key].title,
        open_steps=each.open_steps if isinstance(each, RenewalDue) else len(each.open_steps),
        since=None if isinstance(each, RenewalDue) else each.computed_at,
        mine=mine[each.person_id],
        ends=renewal.ends if renewal else None,
        has_ended=renewal is not None and renewal.has_ended,
    )


def _proposal_line(
    each: Proposal, names: Mapping[str, str], known: Mapping[str, Pathway], mine: Mapping[str, bool]
) -> ProposalLine:
    pathway = known.get(each.pathway_key)
    name = _badge_name(pathway) if pathway is not None else each.pathway_key
    return ProposalLine(each, names[each.person_id], name, mine.get(each.person_id, False), _why(each))


def _badge_name(pathway: Pathway) -> str:
    return pathway.achievement.name if pathway.achievement is not None else pathway.title


def _why(proposal: Proposal) -> str:
    """Why a proposal came to its end, where nobody wrote it."""
    if proposal.state != "withdrawn":
        return proposal.reason or ""
    return WITHDRAWN_WORDS.get(proposal.reason or "", "")


def _progress_then(db: ReadSession, proposal: Proposal, pathway: Pathway) -> Progress:
    """How it stood when it was decided; of what is open, how it stands."""
    at = proposal.decided_at or now()
    return progress(pathway, pathways.evidence_of(db, (proposal.person_id,))[proposal.person_id], at)


def _recognitions(
    db: ReadSession, person_id: str, pathway: Pathway, lines: tuple[StepLine, ...]
) -> tuple[RecognitionShown, ...]:
    granted = [each for each in pathways.recognitions_of(db, person_id) if each.pathway_key in (None, pathway.key)]
    titles = {line.code: line.title for line in lines if line.code}
    names = people.display_names(db, {each.granted_by for each in granted})
    return tuple(
        RecognitionShown(each, titles[f"{each.kind}:{each.key}"], names[each.granted_by])
        for each in granted
        if f"{each.kind}:{each.key}" in titles
    )


def _below(db: ReadSession, rests_on: list[tuple[str, str, int]]) -> Iterator[BadgeBelow]:
    for key, credential_id, version in sorted(rests_on):
        summary = _summary(db, credential_id)
        if summary is None:
            continue  # another issuer's, or erased since
        yield BadgeBelow(
            key=key,
            name=summary.name,
            version=version,
            awarded_at=summary.awarded_at,
            valid_until=summary.valid_until,
            href=f"/credentials/{credential_id}" if summary.shared else None,
        )


def _summary(db: ReadSession, credential_id: str) -> CredentialSummary | None:
    try:
        return issuer.credential_summary(db, credential_id)
    except (CredentialErased, CredentialNotFound):
        return None
