"""The shape of the files that modules refer to: programme, frameworks, scales, principles, practice elements."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from app.programme.file_model import FileModel, HttpsUrl, ItemId, Key, ModuleKey, Text, Version
from app.programme.frameworks import Who
from app.programme.schemas import Level


class IssuerEntry(FileModel):
    """Who issues the badges."""

    key: Key
    name: Text
    url: HttpsUrl
    description: Text


class ProvisionalEntry(FileModel):
    """What makes a new specialist provisional: an internal status on the way, never a badge."""

    awarded: list[ModuleKey] = Field(default_factory=list)
    knowledge_checks: list[ModuleKey] = Field(default_factory=list)
    within_weeks: Annotated[int, Field(ge=1, le=104)]


class ProgrammeFile(FileModel):
    """`programme.yaml`.

    `main_scale` is the scale whose items forms offer, needed where there are several. `time_critical` names the modules
    whose content is wrong soon after it is old: no new badge is issued once their review is too long overdue.
    """

    key: Key
    version: Version
    title: Text
    summary: Text
    language: Text
    last_changed: date
    issuer: IssuerEntry
    main_scale: Key | None = None
    time_critical: list[ModuleKey] = Field(default_factory=list)
    provisional: ProvisionalEntry | None = None


class ThemeEntry(FileModel):
    """A training theme."""

    id: ItemId
    name: Text


class CompetencyEntry(FileModel):
    """A competency; its statement completes "the specialist can …".

    `replaces` names the earlier ids of which it is the new wording: whoever showed those has shown this.
    """

    id: ItemId
    name: Text
    statement: Text
    level: Level
    fidelity_items: list[ItemId]
    principles: list[ItemId]
    themes: list[ItemId]
    replaces: list[ItemId] = Field(default_factory=list)


class DomainEntry(FileModel):
    """A group of competencies; `colour` is that of its badges."""

    id: ItemId
    name: Text
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
    competencies: Annotated[list[CompetencyEntry], Field(min_length=1)]


class FrameworkFile(FileModel):
    """`frameworks/*.yaml`."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.-]*$")]
    title: Text
    version: Text
    creator: Text
    description: Text
    last_changed: date
    themes: list[ThemeEntry]
    domains: Annotated[list[DomainEntry], Field(min_length=1)]


class ScaleItemEntry(FileModel):
    """An item of a scale, by name only."""

    id: ItemId
    name: Text
    who: Who


class SectionEntry(FileModel):
    """A part of a scale."""

    key: Key
    name: Text
    items: Annotated[list[ScaleItemEntry], Field(min_length=1)]


class BandEntry(FileModel):
    """A range of totals, both ends included."""

    name: Text
    minimum: int
    maximum: int


class ScoreRange(FileModel):
    """Lowest and highest score of one item."""

    minimum: int
    maximum: int


class ScaleFile(FileModel):
    """`scales/*.yaml`."""

    key: Key
    title: Text
    version: Text
    locale: Text
    creator: Text
    licence: Text
    last_changed: date
    item_score: ScoreRange
    sections: Annotated[list[SectionEntry], Field(min_length=1)]
    bands: Annotated[list[BandEntry], Field(min_length=1)]


class VocabularyEntry(FileModel):
    """A published list of the principles."""

    key: Key
    title: Text


class LabelEntry(FileModel):
    """A principle's place and name in one vocabulary."""

    order: Annotated[int, Field(ge=1)]
    label: Text


class PrincipleEntry(FileModel):
    """One principle, under a neutral id."""

    id: ItemId
    name: Text
    statement: Text
    labels: dict[Key, LabelEntry]
    fidelity_items: list[ItemId]


class PrinciplesFile(FileModel):
    """`principles.yaml`."""

    vocabularies: Annotated[list[VocabularyEntry], Field(min_length=1)]
    principles: Annotated[list[PrincipleEntry], Field(min_length=1)]


class ElementEntry(FileModel):
    """A youth practice element."""

    id: ItemId
    name: Text
    statement: Text


class YouthElementsFile(FileModel):
    """`youth-elements.yaml`."""

    elements: Annotated[list[ElementEntry], Field(min_length=1)]
