"""The shape of the files authors edit: one strict model for each kind of file.

Unknown names are refused, because a misspelt name that is silently ignored is a rule that silently does not hold.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from app.programme.frameworks import Who
from app.programme.schemas import FieldKind, Level

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(?:[-.][A-Z0-9]+)*$", max_length=40)]
ModuleKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,2}$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=500)]
Version = Annotated[int, Field(ge=1)]
FilePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$", max_length=200)]


class FileModel(BaseModel):
    """Strict: no guessing of types, no unknown names; names in files are camelCase."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)


class IssuerEntry(FileModel):
    """Who issues the badges."""

    key: Key
    name: Text
    url: HttpsUrl
    description: Text


class ProgrammeFile(FileModel):
    """`programme.yaml`."""

    key: Key
    version: Version
    title: Text
    summary: Text
    language: Text
    last_changed: date
    issuer: IssuerEntry


class ThemeEntry(FileModel):
    """A training theme."""

    id: ItemId
    name: Text


class CompetencyEntry(FileModel):
    """A competency; its statement completes "the specialist can …"."""

    id: ItemId
    name: Text
    statement: Text
    level: Level
    fidelity_items: list[ItemId]
    principles: list[ItemId]
    themes: list[ItemId]


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


class ActivityBase(FileModel):
    """What every activity says of itself."""

    key: Key
    title: Text
    minutes: Annotated[int, Field(ge=1, le=6000)]


class SourceEntry(FileModel):
    """A claim of the lesson and where it comes from."""

    claim: Text
    source: Text
    as_at: date
    review_by: date


class LessonEntry(ActivityBase):
    """A lesson: one Markdown file, and where its claims come from (an empty list if it makes none)."""

    kind: Literal["lesson"]
    text: FilePath
    sources: list[SourceEntry]


class KnowledgeCheckEntry(ActivityBase):
    """A knowledge check: an introduction and a bank of questions."""

    kind: Literal["knowledge_check"]
    introduction: Text
    questions: FilePath
    draw: Annotated[int, Field(ge=1)]
    tries_before_wait: Annotated[int, Field(ge=1)]
    wait_minutes: Annotated[int, Field(ge=0)]


class ExerciseEntry(ActivityBase):
    """A workplace exercise: instructions and a form."""

    kind: Literal["exercise"]
    text: FilePath
    form: FilePath


class ReflectionEntry(ActivityBase):
    """A reflection: instructions and a guide to its length."""

    kind: Literal["reflection"]
    text: FilePath
    min_words: Annotated[int, Field(ge=1)]
    max_words: Annotated[int, Field(ge=1)]


ActivityEntry = Annotated[
    LessonEntry | KnowledgeCheckEntry | ExerciseEntry | ReflectionEntry, Field(discriminator="kind")
]


class CriterionEntry(FileModel):
    """A rubric's row; `levels` describes level 1 first."""

    key: Key
    title: Text
    competencies: list[ItemId]
    fidelity_items: list[ItemId] = Field(default_factory=list)
    principles: list[ItemId] = Field(default_factory=list)
    conditions: list[ItemId] = Field(default_factory=list)
    maps_note: Text | None = None
    levels: list[Text]


class RubricEntry(FileModel):
    """How work is judged."""

    version: Version
    levels: Annotated[list[Text], Field(min_length=4, max_length=4)]
    criteria: Annotated[list[CriterionEntry], Field(min_length=1)]


class AwardEntry(FileModel):
    """What must be there before an assessor may award."""

    knowledge_check_pass: Annotated[float, Field(gt=0, le=1)]
    minimum_level: Annotated[int, Field(ge=1, le=4)]
    supervisor_talk_minutes: Annotated[int, Field(ge=0)]


class CriticalInformationEntry(FileModel):
    """What a person must know before choosing the module."""

    audience: Text
    delivery: Text
    language: Text
    prerequisites: Text
    assessment: Text
    identity_check: Text
    recognition: Text
    stackability: Text
    quality_assurance: Text
    price: Text


class ModuleFile(FileModel):
    """`modules/KEY/module.yaml`."""

    key: ModuleKey
    version: Version
    title: Text
    summary: Text
    level: Level
    domain: ItemId
    achievement_type: Literal["MicroCredential", "Badge", "CoCurricular", "Certification", "LearningProgram", "Award"]
    hours: Annotated[int, Field(ge=1)]
    validity_months: Annotated[int, Field(ge=1)]
    review_by: date
    competencies: Annotated[list[ItemId], Field(min_length=1)]
    fidelity_items: list[ItemId]
    themes: list[ItemId]
    tags: list[Text]
    outcomes: Annotated[list[Text], Field(min_length=1)]
    activities: Annotated[list[ActivityEntry], Field(min_length=1)]
    rubric: RubricEntry
    award: AwardEntry
    what_to_leave_out: Annotated[list[Text], Field(min_length=1)]
    critical_information: CriticalInformationEntry


class QuestionEntry(FileModel):
    """A question; `answer` names the right option."""

    key: Key
    stem: Text
    options: Annotated[dict[Annotated[str, StringConstraints(pattern=r"^[a-z]$")], Text], Field(min_length=2)]
    answer: Text
    feedback: Text


class QuestionsFile(FileModel):
    """The bank of a knowledge check."""

    questions: Annotated[list[QuestionEntry], Field(min_length=1)]


class FieldEntry(FileModel):
    """A field of an exercise's form."""

    key: Key
    label: Text
    hint: Text | None = None
    kind: FieldKind
    required: bool = True
    options_from: Literal["fidelity-items", "principles"] | None = None


class FormFile(FileModel):
    """The form of an exercise."""

    fields: Annotated[list[FieldEntry], Field(min_length=1)]


FILES: dict[str, type[FileModel]] = {
    "programme": ProgrammeFile,
    "framework": FrameworkFile,
    "scale": ScaleFile,
    "principles": PrinciplesFile,
    "youth-elements": YouthElementsFile,
    "module": ModuleFile,
    "questions": QuestionsFile,
    "form": FormFile,
}
