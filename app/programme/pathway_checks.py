"""What is wrong within a pathway, between it and what it names, and what goes round in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from app.programme.errors import Problem
from app.programme.known_ids import Known, repeated, unknown, unknown_badge
from app.programme.loader import ProgrammeFolder, Sheet
from app.programme.located import Route
from app.programme.pathway_assembly import consequences_from, rule_of
from app.programme.pathway_files import (
    AllEntry,
    AtLeastEntry,
    BadgeEntry,
    ConfirmationEntry,
    ConversationEntry,
    ExternalBadgeEntry,
    OneOfEntry,
    PathwayFile,
    RuleEntry,
    TimeInRoleEntry,
)
from app.programme.pathway_rules import certain
from app.programme.pathways import ConsequenceKind, Ending

Placed = tuple[RuleEntry, Route]
RULE: Route = ("rule",)
_WEIGHT: Mapping[ConsequenceKind, int] = {"nothing": 0, "flag": 1, "grace": 2, "propose_suspension": 3}
_ENDINGS: tuple[Ending, ...] = ("expired", "suspended", "revoked")
_DAYS_OF_A_MONTH = 28  # the fewest


def problems(folder: ProgrammeFolder, known: Known) -> Iterator[Problem]:
    """Everything that is wrong with the pathways of a folder, and every circle of badges that wait for each other."""
    reached: dict[str, str] = {}
    for sheet in folder.pathways:
        yield from _facts(sheet, known, reached)
        yield from _named(sheet, known)
        yield from _sense(sheet, known)
        yield from _conversation(sheet, known)
        yield from _consequences(sheet)
    yield from _circles(folder)
    yield from _easier_than_its_module(folder, known)


def overdue(folder: ProgrammeFolder, today: date) -> Iterator[Problem]:
    """A notice for each pathway whose review is overdue."""
    for sheet in folder.pathways:
        due = sheet.content.review_by
        if due < today:
            found = sheet.problem(
                f"the review of this pathway is overdue: it was due by {due.day} {due:%B %Y}", "reviewBy"
            )
            yield Problem(found.file, found.line, found.message, "notice")


def walk(entry: RuleEntry, at: Route = RULE) -> Iterator[Placed]:
    """A rule and all rules within it, each with its place in the file."""
    yield entry, at
    for name in ("all", "one_of", "of"):
        for index, each in enumerate(getattr(entry, name, ())):
            yield from walk(each, (*at, "oneOf" if name == "one_of" else name, index))


def badge_of(entry: RuleEntry) -> str | None:
    """The badge a rule asks for, if it asks for one."""
    if isinstance(entry, BadgeEntry):
        return entry.badge
    return entry if isinstance(entry, str) else None


def _facts(sheet: Sheet[PathwayFile], known: Known, reached: dict[str, str]) -> Iterator[Problem]:
    content, file = sheet.content, sheet.located.file
    if file != f"pathways/{content.key}.yaml":
        yield sheet.problem(f"the key is `{content.key}` but the file is called `{file.split('/')[-1]}`", "key")
    if (content.leads_to is None) is (content.achievement is None):
        message = "say where it ends, in one way: `leadsTo` names a module, `achievement` describes a badge of its own"
        yield sheet.problem(message, "leadsTo" if content.leads_to else "key")
    if content.achievement is not None and content.achievement.domain not in known.domains:
        yield sheet.problem(f"there is no domain `{content.achievement.domain}`", "achievement", "domain")
    end = content.leads_to
    if end is None:
        return
    if end not in known.modules:
        yield sheet.problem(unknown_badge(end), "leadsTo")
    elif content.status == "published" and end not in known.published:
        yield sheet.problem(f"`{end}` is a draft, so nobody can reach it: publish it first", "leadsTo")
    if reached.setdefault(end, file) != file:
        yield sheet.problem(f"{reached[end]} leads to `{end}` already", "leadsTo")


def _named(sheet: Sheet[PathwayFile], known: Known) -> Iterator[Problem]:
    """Badges that are unknown, drafts, or the pathway's own end.

    The age of a badge is never refused, however high: a badge that was renewed early or judged by an
    earlier version may last longer than its module says now, and what was recognised has no end of its own.
    """
    content = sheet.content
    own = content.leads_to or content.key
    badges = [(badge, at) for entry, at in walk(content.rule) if (badge := badge_of(entry)) is not None]
    if content.achievement is not None and not badges:
        yield sheet.problem("this rule names no badge, so the achievement would stand on nothing", "rule")
    for badge, at in badges:
        if badge == own:
            yield sheet.problem(f"`{badge}` cannot be needed before itself", *at)
        elif badge not in known.modules and badge not in known.stacks:
            yield sheet.problem(unknown_badge(badge), *at)
        elif content.status == "published" and badge not in known.published | known.published_stacks:
            yield sheet.problem(f"`{badge}` is a draft, so nobody can hold it: publish it first", *at)


def _sense(sheet: Sheet[PathwayFile], known: Known) -> Iterator[Problem]:
    """Rules that contradict themselves: more than there is, the same twice, two times in a role."""
    seen_keys: dict[str, Route] = {}
    times = 0
    for entry, at in walk(sheet.content.rule):
        of = _parts(entry)
        if isinstance(entry, AtLeastEntry) and entry.at_least > len(of):
            message = f"nobody can meet this: {entry.at_least} of {len(of)}"
            yield sheet.problem(message, *at, "atLeast")
        yield from _twice(sheet, entry, at)
        if isinstance(entry, TimeInRoleEntry):
            times += 1
            if times > 1:
                yield sheet.problem("time in a role is asked for twice: name the longer one only", *at)
        part = entry.confirmation if isinstance(entry, ConfirmationEntry) else None
        key = part.key if part else entry.conversation.key if isinstance(entry, ConversationEntry) else None
        if key is not None and seen_keys.setdefault(key, at) != at:
            yield sheet.problem(f"the key `{key}` is used twice in this pathway", *at)


def _parts(entry: RuleEntry) -> list[RuleEntry]:
    if isinstance(entry, AllEntry):
        return entry.all
    if isinstance(entry, OneOfEntry):
        return entry.one_of
    return entry.of if isinstance(entry, AtLeastEntry) else []


def _twice(sheet: Sheet[PathwayFile], entry: RuleEntry, at: Route) -> Iterator[Problem]:
    name = "all" if isinstance(entry, AllEntry) else "oneOf" if isinstance(entry, OneOfEntry) else "of"
    badges = [badge_of(each) or _their_badge(each) for each in _parts(entry)]
    for index, badge in enumerate(badges):
        if badge is not None and badge in badges[:index]:
            told = badge if isinstance(badge, str) else badge[-1]
            yield sheet.problem(f"`{told}` is named twice here", *at, name, index)


def _their_badge(entry: RuleEntry) -> tuple[str, str] | None:
    """By what another issuer's badge is known, if a rule asks for one."""
    if not isinstance(entry, ExternalBadgeEntry):
        return None
    return entry.external_badge.issuer, entry.external_badge.achievement or entry.external_badge.name


def _conversation(sheet: Sheet[PathwayFile], known: Known) -> Iterator[Problem]:
    talks = [(entry, at) for entry, at in walk(sheet.content.rule) if isinstance(entry, ConversationEntry)]
    for _entry, at in talks[1:]:
        yield sheet.problem("one conversation is enough: its rubric is the badge's rubric", *at)
    for entry, at in talks:
        if sheet.content.leads_to is not None:
            yield sheet.problem("a module has a rubric of its own: leave the conversation to it", *at)
        rubric, route = entry.conversation.rubric, (*at, "conversation", "rubric")
        yield from repeated(sheet, [criterion.key for criterion in rubric.criteria], *route, "criteria")
        for index, criterion in enumerate(rubric.criteria):
            here = (*route, "criteria", index)
            if len(criterion.levels) != len(rubric.levels):
                message = f"the criterion `{criterion.key}` needs {len(rubric.levels)} level descriptions"
                yield sheet.problem(message, *here, "levels")
            for given, ids, what, name in (
                (criterion.competencies, known.competencies, "competency", "competencies"),
                (criterion.conditions, known.competencies, "competency", "conditions"),
                (criterion.fidelity_items, known.fidelity_items, "fidelity item", "fidelityItems"),
                (criterion.principles, known.principles, "principle", "principles"),
                (criterion.youth_elements, known.practice_elements, "practice element", "youthElements"),
            ):
                yield from unknown(sheet, given, ids, what, *here, name)


def _consequences(sheet: Sheet[PathwayFile]) -> Iterator[Problem]:
    """Consequences that can never come, or that make less of an end for good than of one that can be mended."""
    declared = sheet.content.consequences
    if declared is None:
        return
    if all(badge_of(entry) is None for entry, _at in walk(sheet.content.rule)):
        yield sheet.problem("this says nothing: the rule names no badge that could end", "consequences")
    found = consequences_from(declared)
    for ending in _ENDINGS:
        if _WEIGHT[found.of(ending).kind] > _WEIGHT[found.revoked.kind]:
            message = f"a badge that is revoked is gone for good, so it cannot weigh less than one that is {ending}"
            at = ("consequences", "revoked") if "revoked" in declared.model_fields_set else ("consequences",)
            yield sheet.problem(message, *at)
            return
    stack = sheet.content.achievement
    for ending in _ENDINGS:
        days = found.of(ending).days
        if stack is not None and days is not None and days >= stack.validity_months * _DAYS_OF_A_MONTH:
            message = f"this says nothing: the badge itself ends after {stack.validity_months} months"
            yield sheet.problem(message, "consequences", ending)


def _circles(folder: ProgrammeFolder) -> Iterator[Problem]:
    """Badges of which each waits for the other. Each circle is told once, where it begins."""
    edges, places = _edges(folder)
    told: set[frozenset[str]] = set()
    for start in sorted(edges):
        way = _way_back(edges, start)
        if len(way) > 1 and frozenset(way) not in told:
            told.add(frozenset(way))
            sheet_problem = places[start]
            chain = " → ".join(f"`{key}`" for key in (*way, start))
            yield Problem(*sheet_problem, f"these badges wait for each other, so nobody can get any of them: {chain}")


def _edges(folder: ProgrammeFolder) -> tuple[dict[str, list[str]], dict[str, tuple[str, int]]]:
    """Which badges each badge waits for, and where that is written."""
    edges: dict[str, list[str]] = {}
    places: dict[str, tuple[str, int]] = {}
    for sheet in folder.pathways:
        key = sheet.content.leads_to or sheet.content.key
        badges = [badge for entry, _at in walk(sheet.content.rule) if (badge := badge_of(entry)) is not None]
        edges.setdefault(key, []).extend(badges)
        places.setdefault(key, (sheet.located.file, sheet.located.line("rule")))
    for module in folder.modules:
        content, located = module.sheet.content, module.sheet.located
        for each in content.prerequisites:
            edges.setdefault(content.key, []).extend([each] if isinstance(each, str) else each.any_of)
        places[content.key] = (located.file, located.line("prerequisites"))
    return edges, places


def _way_back(edges: dict[str, list[str]], start: str) -> list[str]:
    """The shortest way from a badge through what it waits for back to itself; empty if there is none."""
    before: dict[str, str] = {}
    queue = [start]
    while queue:
        key = queue.pop(0)
        for needed in edges.get(key, ()):
            if needed == start:
                way = [key]
                while way[0] != start:
                    way.insert(0, before[way[0]])
                return way
            if needed not in before:
                before[needed] = key
                queue.append(needed)
    return []


def _easier_than_its_module(folder: ProgrammeFolder, known: Known) -> Iterator[Problem]:
    """A pathway that could be met without what its module asks for first: its map would promise too much."""
    stacks = {sheet.content.key: sheet.content for sheet in folder.pathways}
    for sheet in folder.pathways:
        module = known.folders.get(sheet.content.leads_to or "")
        if module is None:
            continue
        sure = _sure(sheet.content, stacks, ())
        for each in module.sheet.content.prerequisites:
            keys = {each} if isinstance(each, str) else set(each.any_of)
            if not keys & sure:
                end, wanted = sheet.content.leads_to, " or ".join(sorted(keys))
                message = f"`{end}` asks for {wanted} first, and this rule can be met without"
                yield sheet.problem(message, "rule")


def _sure(content: PathwayFile, stacks: dict[str, PathwayFile], above: tuple[str, ...]) -> frozenset[str]:
    """The badges that whoever meets this rule holds, those below a stack included."""

    def of(key: str) -> frozenset[str]:
        below = stacks.get(key)
        if below is None or key in above:
            return frozenset({key})
        return _sure(below, stacks, (*above, key)) | {key}

    return certain(rule_of(content.rule), of)
