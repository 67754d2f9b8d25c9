"""The shape of the files authors edit: one strict model for each kind of file."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from app.programme.file_model import (
    AchievementKey,
    FileModel,
    FilePath,
    ItemId,
    Key,
    LongText,
    ModuleKey,
    Text,
    Version,
)
from app.programme.framework_files import FrameworkFile, PrinciplesFile, ProgrammeFile, ScaleFile, YouthElementsFile
from app.programme.module_parts import CriticalInformationEntry, RubricEntry
from app.programme.pathway_files import CONSEQUENCE_TAGS, RULE_TAGS, PathwayFile
from app.programme.schemas import Confirmation, FieldKind, Grant, Level, LineAnswer, Observer, Outcome


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
    draw_from_each_group: Annotated[int, Field(ge=1)] | None = None
    tries_before_wait: Annotated[int, Field(ge=1)]
    wait_minutes: Annotated[int, Field(ge=0)]


class ExerciseEntry(ActivityBase):
    """A workplace exercise: instructions, a form, and perhaps a filled-in example."""

    kind: Literal["exercise"]
    text: FilePath
    form: FilePath
    example: FilePath | None = None


class ReflectionEntry(ActivityBase):
    """A reflection: instructions and a guide to its length."""

    kind: Literal["reflection"]
    text: FilePath
    min_words: Annotated[int, Field(ge=1)]
    max_words: Annotated[int, Field(ge=1)]


class ObservationEntry(ActivityBase):
    """An observation: instructions for both sides, a checklist, who may observe, whether an award waits for it."""

    kind: Literal["observation"]
    text: FilePath
    checklist: FilePath
    by: Annotated[list[Observer], Field(min_length=1)]
    required: bool
    of_review: bool = False


class AttendanceEntry(ActivityBase):
    """Being there: what it is about, and how it is confirmed."""

    kind: Literal["attendance"]
    text: FilePath
    confirmed_by: Annotated[list[Confirmation], Field(min_length=1)]


AnyActivityEntry = (
    LessonEntry | KnowledgeCheckEntry | ExerciseEntry | ReflectionEntry | ObservationEntry | AttendanceEntry
)
ActivityEntry = Annotated[AnyActivityEntry, Field(discriminator="kind")]


class AwardEntry(FileModel):
    """What must be there before an assessor may award."""

    knowledge_check_pass: Annotated[float, Field(gt=0, le=1)]
    minimum_level: Annotated[int, Field(ge=1, le=4)]
    supervisor_talk_minutes: Annotated[int, Field(ge=0)]
    observations_meet: bool = False
    panel: Literal[1, 2] = 1
    conflict_years: Annotated[int, Field(ge=0, le=20)] = 0


class AnyOfEntry(FileModel):
    """Badges of which one is to be held before."""

    any_of: Annotated[list[AchievementKey], Field(min_length=2)]


def _prerequisite_form(value: Any) -> str:
    return ANY_OF if isinstance(value, dict | AnyOfEntry) else ONE_BADGE


ONE_BADGE, ANY_OF = "one badge", "any of several"
PrerequisiteEntry = Annotated[
    Annotated[AchievementKey, Tag(ONE_BADGE)] | Annotated[AnyOfEntry, Tag(ANY_OF)], Discriminator(_prerequisite_form)
]


class RenewalAnyOf(FileModel):
    """Steps of which one is done again, whichever the holder chooses."""

    any_of: Annotated[list[Key], Field(min_length=2)]


def _renewal_form(value: Any) -> str:
    return ANY_STEP if isinstance(value, dict | RenewalAnyOf) else ONE_STEP


ONE_STEP, ANY_STEP = "one step", "any of several steps"
RenewalEntry = Annotated[
    Annotated[Key, Tag(ONE_STEP)] | Annotated[RenewalAnyOf, Tag(ANY_STEP)], Discriminator(_renewal_form)
]


class ModuleFile(FileModel):
    """`modules/KEY/module.yaml`. A draft is checked and previewed, but not loaded."""

    key: ModuleKey
    version: Version
    status: Literal["draft", "published"] = "published"
    title: Text
    summary: Text
    level: Level
    domain: ItemId
    achievement_type: Literal["MicroCredential", "Badge", "CoCurricular", "Certification", "LearningProgram", "Award"]
    hours: Annotated[int, Field(ge=1)]
    validity_months: Annotated[int, Field(ge=1)]
    review_by: date
    prerequisites: list[PrerequisiteEntry] = Field(default_factory=list)
    competencies: Annotated[list[ItemId], Field(min_length=1)]
    fidelity_items: list[ItemId]
    themes: list[ItemId]
    youth_elements: list[ItemId] = Field(default_factory=list)
    qualifies_for: list[Grant] = Field(default_factory=list)
    tags: list[Text]
    outcomes: Annotated[list[Text], Field(min_length=1)]
    activities: Annotated[list[ActivityEntry], Field(min_length=1)]
    rubric: RubricEntry
    award: AwardEntry
    renewal: Text | None = None
    renewal_activities: list[RenewalEntry] = Field(default_factory=list)
    renewal_criteria: dict[Key, Annotated[list[Key], Field(min_length=1)]] = Field(default_factory=dict)
    calibration: FilePath | None = None
    what_to_leave_out: Annotated[list[Text], Field(min_length=1)]
    critical_information: CriticalInformationEntry


class OptionWithFeedback(FileModel):
    """An option that is answered with words of its own."""

    text: Text
    feedback: Text


def _option_form(value: Any) -> str:
    return WITH_FEEDBACK if isinstance(value, dict | OptionWithFeedback) else PLAIN_OPTION


PLAIN_OPTION, WITH_FEEDBACK = "plain option", "option with feedback"
OptionLetter = Annotated[str, StringConstraints(pattern=r"^[a-z]$")]
OptionEntry = Annotated[
    Annotated[Text, Tag(PLAIN_OPTION)] | Annotated[OptionWithFeedback, Tag(WITH_FEEDBACK)],
    Discriminator(_option_form),
]


class QuestionEntry(FileModel):
    """A question; `answer` names the right option.

    `feedback` is for questions whose options have none of their own, which only a draft may have.
    `group` gathers questions about the same thing, of which every draw asks some.
    """

    key: Key
    group: Key | None = None
    stem: Text
    options: Annotated[dict[OptionLetter, OptionEntry], Field(min_length=2)]
    answer: Text
    feedback: Text | None = None


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


class LineEntry(FileModel):
    """Something that can be seen or heard."""

    key: Key
    text: Text


class ChecklistFile(FileModel):
    """The checklist of an observation."""

    lines: Annotated[list[LineEntry], Field(min_length=1)]


class StandardEntry(FileModel):
    """How near the agreed marks an assessor in training must come."""

    marks: Annotated[int, Field(ge=1)]
    within_one_level: Annotated[float, Field(gt=0, le=1)]
    decisions_as_agreed: Annotated[int, Field(ge=1)]


def _answer_form(value: Any) -> str:
    return BY_FIELD if isinstance(value, dict) else WHOLE_ANSWER


WHOLE_ANSWER, BY_FIELD = "whole answer", "answer by field"
AnswerEntry = Annotated[
    Annotated[LongText, Tag(WHOLE_ANSWER)] | Annotated[dict[Key, LongText], Tag(BY_FIELD)],
    Discriminator(_answer_form),
]
TAGS = RULE_TAGS | CONSEQUENCE_TAGS | {PLAIN_OPTION, WITH_FEEDBACK, WHOLE_ANSWER, BY_FIELD, ONE_BADGE, ANY_OF}


class SampleEntry(FileModel):
    """An invented submission: answers by activity and field (a reflection is one text), and what was agreed."""

    key: Key
    module: ModuleKey
    rubric_version: Version
    title: Text
    range: Literal["clear award", "borderline", "clear return", "quarantine"]
    answers: dict[Key, AnswerEntry]
    observations: dict[Key, dict[Key, LineAnswer]] = Field(default_factory=dict)
    levels: dict[Key, Annotated[int, Field(ge=1, le=4)]]
    decision: Outcome
    quarantine: bool
    reason: Text


class CalibrationFile(FileModel):
    """The samples by which assessors come to mark alike."""

    version: Version
    standard: StandardEntry
    samples: Annotated[list[SampleEntry], Field(min_length=1)]


FILES: dict[str, type[FileModel]] = {
    "programme": ProgrammeFile,
    "framework": FrameworkFile,
    "scale": ScaleFile,
    "principles": PrinciplesFile,
    "youth-elements": YouthElementsFile,
    "pathway": PathwayFile,
    "module": ModuleFile,
    "questions": QuestionsFile,
    "form": FormFile,
    "observation": ChecklistFile,
    "calibration": CalibrationFile,
}
