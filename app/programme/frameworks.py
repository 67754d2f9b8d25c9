"""What modules refer to: frameworks, scales, principles, and the programme that holds them together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.programme.pathways import Pathway
from app.programme.schemas import Level, Module

Who = Literal["specialist", "organisation", "both"]


@dataclass(frozen=True)
class Competency:
    """What a specialist can do.

    Attributes:
        statement: completes "the specialist can …".
        replaces: ids of earlier competencies of which this one is the new wording.
    """

    id: str
    name: str
    statement: str
    level: Level
    domain: str
    fidelity_items: tuple[str, ...]
    principles: tuple[str, ...]
    themes: tuple[str, ...]
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Domain:
    """A group of competencies; `colour` (`#rrggbb`) is that of its badges."""

    id: str
    name: str
    colour: str
    competencies: tuple[Competency, ...]


@dataclass(frozen=True)
class Theme:
    """A training theme of the workforce framework."""

    id: str
    name: str


@dataclass(frozen=True)
class Framework:
    """A competency framework."""

    key: str
    title: str
    version: str
    creator: str
    description: str
    last_changed: date
    themes: tuple[Theme, ...]
    domains: tuple[Domain, ...]


@dataclass(frozen=True)
class FidelityItem:
    """One item of a fidelity scale; `who` says whose practice can show it."""

    id: str
    name: str
    section: str
    scale: str
    who: Who


@dataclass(frozen=True)
class Band:
    """A range of total scores and its name."""

    name: str
    minimum: int
    maximum: int


@dataclass(frozen=True)
class ScaleSection:
    """A part of a scale."""

    key: str
    name: str
    items: tuple[FidelityItem, ...]


@dataclass(frozen=True)
class FidelityScale:
    """A fidelity scale: item names, sections and bands, never the anchors, which are not ours."""

    key: str
    title: str
    version: str
    locale: str
    creator: str
    licence: str
    last_changed: date
    item_minimum: int
    item_maximum: int
    sections: tuple[ScaleSection, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class PrincipleLabel:
    """How one vocabulary names a principle, and where it stands in that list."""

    vocabulary: str
    order: int
    label: str


@dataclass(frozen=True)
class Principle:
    """One of the eight principles, under a neutral id, with the names both vocabularies give it."""

    id: str
    name: str
    statement: str
    labels: tuple[PrincipleLabel, ...]
    fidelity_items: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """A published list of the principles; its key is what labels refer to."""

    key: str
    title: str


@dataclass(frozen=True)
class PracticeElement:
    """A youth practice element of our own, until the young-adult scale is loaded."""

    id: str
    name: str
    statement: str


@dataclass(frozen=True)
class IssuerIdentity:
    """Who issues the programme's badges."""

    key: str
    name: str
    url: str
    description: str


@dataclass(frozen=True)
class ProvisionalRule:
    """What makes a new specialist provisional: an internal status on the way, never a badge.

    Attributes:
        awarded: keys of the modules that must be awarded.
        knowledge_checks: keys of the modules whose knowledge checks must be passed.
        within_weeks: counted from the first module begun.
    """

    awarded: tuple[str, ...]
    knowledge_checks: tuple[str, ...]
    within_weeks: int


@dataclass(frozen=True)
class Programme:
    """A programme at one version, and the modules that came with it.

    Attributes:
        version: covers everything but the modules and pathways, which have their own.
        modules: empty when read back from the database: ask `service.modules`.
        digest: SHA-256 of everything but the modules and pathways as canonical JSON, in hex.
        pathways: empty when read back from the database: ask `stacks.pathways`.
    """

    key: str
    version: int
    title: str
    summary: str
    language: str
    last_changed: date
    issuer: IssuerIdentity
    frameworks: tuple[Framework, ...]
    scales: tuple[FidelityScale, ...]
    vocabularies: tuple[Vocabulary, ...]
    principles: tuple[Principle, ...]
    practice_elements: tuple[PracticeElement, ...]
    modules: tuple[Module, ...] = ()
    digest: str = ""
    provisional: ProvisionalRule | None = None
    pathways: tuple[Pathway, ...] = ()

    @property
    def competencies(self) -> tuple[Competency, ...]:
        """The competencies of all frameworks."""
        return tuple(c for framework in self.frameworks for domain in framework.domains for c in domain.competencies)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The domains of all frameworks."""
        return tuple(domain for framework in self.frameworks for domain in framework.domains)

    @property
    def fidelity_items(self) -> tuple[FidelityItem, ...]:
        """The items of all scales."""
        return tuple(item for scale in self.scales for section in scale.sections for item in section.items)
