"""Pathways: what a badge stands on, as data. Which steps a person has taken is not known here.

A rule is a tree. Its leaves are things that can be shown: a badge in force, ours or another issuer's, time in a role,
somebody's word, a conversation with an assessor. Its branches say how many of them are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from app.programme.schemas import CriticalInformation, Level, Rubric

ConfirmedBy = Literal["manager", "supervisor", "assessor"]
ConsequenceKind = Literal["nothing", "flag", "grace", "propose_suspension"]
Ending = Literal["expired", "suspended", "revoked"]
GRACE_DAYS: Final = 90


@dataclass(frozen=True)
class HeldRule:
    """A badge that is in force: not expired, revoked or suspended.

    Attributes:
        achievement: key of a module (`M01`) or of a pathway with an achievement of its own (`practitioner`).
        awarded_within_months: how many months ago it may have been awarded or, if that was later, renewed at most; None
            where being in force is enough.
    """

    achievement: str
    awarded_within_months: int | None = None
    kind: Literal["held"] = "held"


@dataclass(frozen=True)
class ExternalBadgeRule:
    """Another issuer's badge that is in force.

    Attributes:
        issuer: its DID or URL, as the badge names it. It always decides: anybody can name somebody else's achievement.
        issuer_name: what the issuer is called.
        name: what the achievement is called; the badge must bear this name unless `achievement` says which it is.
        achievement: the achievement's id, a URI; None where the name is enough.
    """

    issuer: str
    issuer_name: str
    name: str
    achievement: str | None = None
    kind: Literal["external_badge"] = "external_badge"


@dataclass(frozen=True)
class TimeInRoleRule:
    """So many months of work in a role, all together.

    Attributes:
        role: in words that follow "in".
        longest_gap_days: a longer time without such work begins the count anew; None where none does.
    """

    months: int
    role: str
    longest_gap_days: int | None = None
    kind: Literal["time_in_role"] = "time_in_role"


@dataclass(frozen=True)
class ConfirmationRule:
    """Somebody's word, given once: `by` is who gives it, `title` and `text` say what they confirm."""

    key: str
    title: str
    text: str
    by: ConfirmedBy
    kind: Literal["confirmation"] = "confirmation"


@dataclass(frozen=True)
class ConversationRule:
    """A conversation with an assessor, who judges it by a rubric of the pathway's own.

    Attributes:
        minutes: its expected length.
        text: what it is about.
        minimum_level: the level every criterion must reach.
    """

    key: str
    title: str
    text: str
    minutes: int
    rubric: Rubric
    minimum_level: int
    kind: Literal["conversation"] = "conversation"


@dataclass(frozen=True)
class GroupRule:
    """`needed` of the rules in `of`, each counted once: all of them, one of them, or some."""

    needed: int
    of: tuple[Rule, ...]
    kind: Literal["group"] = "group"

    @property
    def is_all(self) -> bool:
        """Whether none of them may be missing."""
        return self.needed == len(self.of)


Rule = Annotated[
    HeldRule | ExternalBadgeRule | TimeInRoleRule | ConfirmationRule | ConversationRule | GroupRule,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class Consequence:
    """What follows for a badge when one that it rests on ends.

    Attributes:
        kind: `nothing`; `flag`: an assessor looks at it; `grace`: an assessor is asked about a suspension once so many
            days are over; `propose_suspension`: at once. The machine asks, a person decides.
        days: of grace, counted from the end; None of the other kinds.
    """

    kind: ConsequenceKind
    days: int | None = None


FLAG = Consequence("flag")


@dataclass(frozen=True)
class Consequences:
    """What follows, by how a badge below has ended. What a pathway does not say is looked at by a person."""

    expired: Consequence = FLAG
    suspended: Consequence = FLAG
    revoked: Consequence = FLAG

    def of(self, ending: Ending) -> Consequence:
        """What follows when a badge below has ended so."""
        return {"expired": self.expired, "suspended": self.suspended, "revoked": self.revoked}[ending]


@dataclass(frozen=True)
class StackAchievement:
    """The achievement at the end of a pathway, where it is not a module's.

    What it takes from the badges below it is written out when the files are loaded and kept with the version, so that
    a badge says for good what it said on its first day.

    Attributes:
        code: stands at the foot of the medallion.
        domain: id of the framework domain that gives the badge its colour.
        components: every badge its rule names, with title and domain, in the order of the rule.
        hours: effort, that of the badges below it included; of a choice the shortest way.
        competencies: ids that are credited whichever way the rule is met.
        fidelity_items: the same.
        components_expired_days: of versions loaded before pathways declared consequences: for how many days a badge
            below it may be expired; None of all others. `consequences_of` reads both.
    """

    name: str
    description: str
    achievement_type: str
    code: str
    domain: str
    tags: tuple[str, ...]
    validity_months: int
    renewal: str
    critical_information: CriticalInformation
    components_expired_days: int | None = None
    components: tuple[Component, ...] = ()
    hours: int = 0
    competencies: tuple[str, ...] = ()
    fidelity_items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Component:
    """A badge that a stack stands on: `domain` gives its mark on the medallion a colour."""

    key: str
    title: str
    domain: str


@dataclass(frozen=True)
class Pathway:
    """One way through the programme, at one version.

    Attributes:
        key: lower case, so that it is never a module's key.
        version: raised with every change of content.
        leads_to: key of the module whose badge is at the end; None where there is an achievement of its own.
        rule: what must be there before that badge: for a module's, on top of the module's own work.
        consequences: what follows for that badge when one that it rests on ends; None where nothing is declared.
        digest: SHA-256 of all of the above as canonical JSON, in hex.
    """

    key: str
    version: int
    title: str
    summary: str
    level: Level
    language: str
    rule: Rule
    review_by: date
    leads_to: str | None = None
    achievement: StackAchievement | None = None
    consequences: Consequences | None = None
    digest: str = ""

    @property
    def ends_in(self) -> str:
        """The key of the achievement at its end."""
        return self.leads_to or self.key


def leaves(rule: Rule) -> Iterator[HeldRule | ExternalBadgeRule | TimeInRoleRule | ConfirmationRule | ConversationRule]:
    """Everything a rule can ask for, in order."""
    if isinstance(rule, GroupRule):
        for each in rule.of:
            yield from leaves(each)
    else:
        yield rule


def conversation(pathway: Pathway) -> ConversationRule | None:
    """The conversation by which a pathway is judged, if there is one; the files allow one at most."""
    return next((leaf for leaf in leaves(pathway.rule) if isinstance(leaf, ConversationRule)), None)


def consequences_of(pathway: Pathway) -> Consequences:
    """What a pathway declares; where it says nothing, a person looks at whatever ends.

    A version from before there were consequences said for how long a badge below may be expired; that holds for it.
    """
    if pathway.consequences is not None:
        return pathway.consequences
    days = pathway.achievement.components_expired_days if pathway.achievement is not None else None
    if days is None:
        return Consequences()
    return Consequences(expired=Consequence("grace", days) if days else Consequence("propose_suspension"))
