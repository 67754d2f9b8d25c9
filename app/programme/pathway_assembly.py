"""From checked pathway files to the catalogue's objects, with what they take from the modules they name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from app.programme import pathway_files as files
from app.programme.documents import pathway_with_digest
from app.programme.frameworks import Programme
from app.programme.loader import ProgrammeFolder
from app.programme.pathway_rules import certain, least_minutes
from app.programme.pathways import (
    GRACE_DAYS,
    Component,
    ConfirmationRule,
    Consequence,
    Consequences,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    StackAchievement,
    TimeInRoleRule,
    leaves,
)
from app.programme.rubric_assembly import rubric
from app.programme.schemas import CriticalInformation, Module


def pathways(folder: ProgrammeFolder, programme: Programme, modules: Iterable[Module]) -> tuple[Pathway, ...]:
    """The published pathways of a folder, each with its digest; none if not every published module was read.

    Args:
        folder: the files, without errors.
        programme: gives the order of competencies and items.
        modules: the published ones.
    """
    if not folder.is_whole:
        return ()
    entries = {sheet.content.key: sheet.content for sheet in folder.pathways if sheet.content.status == "published"}
    known = _Known(programme, {module.key: module for module in modules}, entries)
    return tuple(known.pathway(key) for key in entries)


def rule_of(entry: files.RuleEntry) -> Rule:
    """The rule an entry describes."""
    if isinstance(entry, str):
        return HeldRule(entry)
    if isinstance(entry, files.BadgeEntry):
        return HeldRule(entry.badge, entry.awarded_within_months)
    if isinstance(entry, files.TimeInRoleEntry):
        time = entry.time_in_role
        return TimeInRoleRule(time.months, time.role, time.longest_gap_days)
    if isinstance(entry, files.ExternalBadgeEntry):
        badge = entry.external_badge
        return ExternalBadgeRule(badge.issuer, badge.issuer_name, badge.name, badge.achievement)
    if isinstance(entry, files.ConfirmationEntry):
        word = entry.confirmation
        return ConfirmationRule(word.key, word.title, word.text, word.by)
    if isinstance(entry, files.ConversationEntry):
        talk = entry.conversation
        return ConversationRule(talk.key, talk.title, talk.text, talk.minutes, rubric(talk.rubric), talk.minimum_level)
    if isinstance(entry, files.AllEntry):
        return _group(len(entry.all), entry.all)
    if isinstance(entry, files.OneOfEntry):
        return _group(1, entry.one_of)
    return _group(entry.at_least, entry.of)


def consequences_from(entry: files.ConsequencesEntry) -> Consequences:
    """What an entry declares."""
    return Consequences(_consequence(entry.expired), _consequence(entry.suspended), _consequence(entry.revoked))


def _consequence(entry: files.ConsequenceEntry) -> Consequence:
    if isinstance(entry, files.GraceEntry):
        return Consequence("grace", entry.grace)
    if entry == "grace":
        return Consequence("grace", GRACE_DAYS)
    return Consequence("propose_suspension" if entry == "proposeSuspension" else entry)


def _group(needed: int, of: list[files.RuleEntry]) -> GroupRule:
    return GroupRule(needed, tuple(rule_of(each) for each in of))


class _Known:
    """What the badges of a folder stand for; a stack may stand on another, and the check saw that none goes round."""

    def __init__(self, programme: Programme, modules: dict[str, Module], entries: dict[str, files.PathwayFile]) -> None:
        self._programme = programme
        self._modules = modules
        self._entries = entries
        self._built: dict[str, Pathway] = {}

    def pathway(self, key: str) -> Pathway:
        if key not in self._built:
            self._built[key] = self._build(self._entries[key])
        return self._built[key]

    def _build(self, content: files.PathwayFile) -> Pathway:
        rule = rule_of(content.rule)
        return pathway_with_digest(
            Pathway(
                key=content.key,
                version=content.version,
                title=content.title,
                summary=content.summary,
                level=content.level,
                language=self._programme.language,
                rule=rule,
                review_by=content.review_by,
                leads_to=content.leads_to,
                achievement=self._achievement(content.achievement, rule) if content.achievement else None,
                consequences=consequences_from(content.consequences) if content.consequences else None,
            )
        )

    def _achievement(self, entry: files.StackAchievementEntry, rule: Rule) -> StackAchievement:
        named = dict.fromkeys(leaf.achievement for leaf in leaves(rule) if isinstance(leaf, HeldRule))
        bare = StackAchievement(
            name=entry.name,
            description=entry.description,
            achievement_type=entry.achievement_type,
            code=entry.code,
            domain=entry.domain,
            tags=tuple(entry.tags),
            validity_months=entry.validity_months,
            renewal=entry.renewal,
            critical_information=CriticalInformation(**entry.critical_information.model_dump()),
        )
        credited = certain(rule, self._competencies)
        items = certain(rule, self._items)
        return replace(
            bare,
            components=tuple(self._component(key) for key in named),
            hours=math.ceil(least_minutes(rule, self._minutes) / 60),
            competencies=tuple(each.id for each in self._programme.competencies if each.id in credited),
            fidelity_items=tuple(each.id for each in self._programme.fidelity_items if each.id in items),
        )

    def _stack(self, key: str) -> StackAchievement:
        achievement = self.pathway(key).achievement
        if achievement is None:
            raise LookupError(f"{key} has no achievement of its own")
        return achievement

    def _of(self, key: str) -> Module | StackAchievement:
        return self._modules.get(key) or self._stack(key)

    def _competencies(self, key: str) -> frozenset[str]:
        return frozenset(self._of(key).competencies)

    def _items(self, key: str) -> frozenset[str]:
        return frozenset(self._of(key).fidelity_items)

    def _minutes(self, key: str) -> int:
        return self._of(key).hours * 60

    def _component(self, key: str) -> Component:
        found = self._of(key)
        return Component(key, found.title if isinstance(found, Module) else found.name, found.domain)
