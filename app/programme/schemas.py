"""What the catalogue is made of: frozen, complete, and rebuilt from its stored JSON word for word.

A learner who began under version 1 is judged under version 1, so every version that was ever loaded must come back as
the same objects. Fields that are added later therefore need a default, and are named in `documents.LATER`, so that what
was stored before them keeps its digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

ActivityKind = Literal["lesson", "knowledge_check", "exercise", "reflection", "observation", "attendance"]
Grant = Literal["assessor"]
FieldKind = Literal["text", "count", "long_text", "file"]
Observer = Literal["supervisor", "mentor", "clinician", "assessor"]
Confirmation = Literal["roster", "code"]
LineAnswer = Literal["meets", "not yet"]
Outcome = Literal["award", "return"]
Level = Literal["basic", "advanced"]
BadgeLevel = Literal["basic", "advanced", "stack"]
CaseKind = Literal["domain", "competency", "fidelity_item", "principle", "practice_element"]


@dataclass(frozen=True)
class Option:
    """One answer to choose from; `feedback` is what choosing it is answered with, where the option has its own."""

    key: str
    text: str
    correct: bool
    feedback: str | None = None


@dataclass(frozen=True)
class Question:
    """A knowledge-check question with exactly one right answer and feedback for after answering.

    Attributes:
        feedback: shown whatever was chosen; empty where each option has feedback of its own.
        group: what it is about, where every draw is to ask something about it.
    """

    key: str
    stem: str
    options: tuple[Option, ...]
    feedback: str
    group: str | None = None

    @property
    def correct_key(self) -> str:
        """The key of the right answer."""
        return next(option.key for option in self.options if option.correct)


@dataclass(frozen=True)
class FieldOption:
    """One entry of a list a field is chosen from."""

    value: str
    label: str


@dataclass(frozen=True)
class ExerciseField:
    """One field of a workplace exercise.

    Attributes:
        kind: `text` one line, `long_text` several, `count` a whole number or `<5`, `file` something handed in.
        options: if any, the value is one of these.
    """

    key: str
    label: str
    hint: str | None
    kind: FieldKind
    required: bool = True
    options: tuple[FieldOption, ...] = ()


@dataclass(frozen=True)
class ChecklistLine:
    """One thing an observer sees or hears; answered meets or not yet, with a comment."""

    key: str
    text: str


@dataclass(frozen=True)
class Activity:
    """One step of a module; which fields are filled depends on `kind`.

    Attributes:
        key: stable within the module; drafts and attempts refer to it.
        minutes: expected effort.
        body_markdown: lesson text or instructions, CommonMark.
        questions: the bank of a knowledge check.
        draw: how many questions of the bank one attempt asks.
        draw_from_each_group: how many of them, at least, are of each group of the bank; 0 where groups do not matter.
        tries_before_wait: attempts that need no pause; each later one waits `wait_minutes`.
        fields: the form of an exercise.
        min_words: the guide for a reflection, in words: from here ...
        max_words: ... to here. A guide, never a wall.
        example_markdown: a filled-in example of an exercise, with invented names; None without one.
        checklist: the lines of an observation.
        observers: who may observe.
        required: whether an award waits for this observation.
        confirmed_by: how attendance is confirmed: by a roster, by a code that is told on the day.
        of_review: whether it is of a review of somebody's service, so that the reviewed agency is on record.
    """

    key: str
    kind: ActivityKind
    title: str
    minutes: int
    body_markdown: str
    questions: tuple[Question, ...] = ()
    draw: int = 0
    tries_before_wait: int = 0
    wait_minutes: int = 0
    fields: tuple[ExerciseField, ...] = ()
    min_words: int | None = None
    max_words: int | None = None
    example_markdown: str | None = None
    checklist: tuple[ChecklistLine, ...] = ()
    observers: tuple[Observer, ...] = ()
    required: bool = True
    confirmed_by: tuple[Confirmation, ...] = ()
    of_review: bool = False
    draw_from_each_group: int = 0


@dataclass(frozen=True)
class Picture:
    """A picture that a module's texts show, kept with the version of the module that shows it.

    Attributes:
        sha256: of its bytes, in hex.
        width: in pixels, as it is shown; `height` likewise.
        data: its bytes in Base64.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    data: str


@dataclass(frozen=True)
class RubricLevel:
    """What one level of one criterion looks like: `level` 1 (lowest) to 4."""

    level: int
    name: str
    description: str


@dataclass(frozen=True)
class Criterion:
    """One row of a rubric.

    Attributes:
        competencies: ids this criterion credits.
        fidelity_items: ids it speaks to.
        principles: ids it speaks to.
        conditions: competencies that can block an award here but are credited elsewhere (privacy, reflection).
        maps_note: what the ids cannot say, e.g. that the learner chooses the item.
        youth_elements: ids of practice elements it speaks to.
    """

    key: str
    title: str
    competencies: tuple[str, ...]
    fidelity_items: tuple[str, ...]
    principles: tuple[str, ...]
    levels: tuple[RubricLevel, ...]
    conditions: tuple[str, ...] = ()
    maps_note: str | None = None
    youth_elements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rubric:
    """How exercise and reflection are judged."""

    version: int
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class AwardRule:
    """What must be there before an assessor may award.

    Attributes:
        knowledge_check_pass: share of right answers, 0 to 1.
        minimum_level: the level every criterion must reach.
        supervisor_talk: whether a talk with the supervisor must be confirmed.
        supervisor_talk_minutes: its expected length.
        observations_meet: whether every line of every required observation must be answered "meets".
        panel: how many assessors decide together: 1, or 2 who judge apart and must agree.
        conflict_years: for so many years nobody reviews a lead agency they worked for, and nobody who worked for the
            learner's decides; 0 where there is no such rule.
    """

    knowledge_check_pass: float
    minimum_level: int
    supervisor_talk: bool
    supervisor_talk_minutes: int = 0
    observations_meet: bool = False
    panel: int = 1
    conflict_years: int = 0


@dataclass(frozen=True)
class CriticalInformation:
    """What a person must know before choosing the module (National Microcredentials Framework)."""

    audience: str
    delivery: str
    language: str
    prerequisites: str
    assessment: str
    identity_check: str
    recognition: str
    stackability: str
    quality_assurance: str
    price: str


@dataclass(frozen=True)
class SampleAnswer:
    """What an invented learner wrote; `field` is None for a reflection, which has one text only."""

    activity: str
    field: str | None
    text: str


@dataclass(frozen=True)
class SampleLine:
    """What an invented observer answered to one line of a checklist."""

    activity: str
    line: str
    answer: LineAnswer


@dataclass(frozen=True)
class SampleLevel:
    """The level agreed for one criterion of a sample."""

    criterion: str
    level: int


@dataclass(frozen=True)
class CalibrationSample:
    """An invented submission with agreed marks, by which assessors come to mark alike.

    Attributes:
        module: key of the module it was made for.
        rubric_version: of the rubric by which the marks were agreed.
        range: what the sample is for, e.g. `borderline`.
        decision: what was agreed.
        quarantine: whether it holds something that could identify somebody, and must be stopped.
        reason: why these marks; like them hidden until the assessor in training has sent all.
    """

    key: str
    module: str
    rubric_version: int
    title: str
    range: str
    answers: tuple[SampleAnswer, ...]
    observations: tuple[SampleLine, ...]
    levels: tuple[SampleLevel, ...]
    decision: Outcome
    quarantine: bool
    reason: str


@dataclass(frozen=True)
class Calibration:
    """A set of samples and how near an assessor in training must come.

    Attributes:
        marks: how many marks the whole set asks for.
        within_one_level: share of the marks, 0 to 1, that may differ from the agreed one by no more than a level.
        decisions_as_agreed: how many decisions must be those agreed.
    """

    version: int
    marks: int
    within_one_level: float
    decisions_as_agreed: int
    samples: tuple[CalibrationSample, ...]


@dataclass(frozen=True)
class Module:
    """One micro-credential module at one version.

    Attributes:
        key: e.g. `M01`.
        version: raised with every change of content; begun work stays with its version.
        domain: id of the framework domain that gives the badge its colour.
        hours: learner effort including workplace time.
        validity_months: how long the badge stays valid.
        what_to_leave_out: what must not be handed in.
        review_by: when the content is due for review.
        prerequisites: keys of modules to be done before, every one of them.
        prerequisites_any: groups of modules of each of which one is to be done before.
        youth_elements: ids of practice elements it speaks to.
        qualifies_for: the grants that ask for this badge; whoever grants without it waives it, on record.
        renewal: in words, how the badge is renewed.
        renewal_activities: keys of the activities done again for it.
        renewal_any: groups of these of each of which one is done, whichever the holder chooses.
        renewal_criteria: which criteria each of these speaks to, by their keys; where nothing is said, all of them.
        calibration: samples for assessors in training.
        issue_until: the last day on which a new badge may be issued while nothing is reviewed, for content that is
            wrong soon after it is old (payments, disclosure, rights); None where age does not stop an award.
        full_criteria: whether the criteria of its badge also tell outcomes and critical information. Versions loaded
            before criteria could do so do not, so that a published achievement stays what it was.
        media: the pictures its texts show.
        digest: SHA-256 of all of the above as canonical JSON, in hex.
    """

    key: str
    version: int
    title: str
    summary: str
    level: Level
    domain: str
    achievement_type: str
    hours: int
    validity_months: int
    language: str
    competencies: tuple[str, ...]
    fidelity_items: tuple[str, ...]
    themes: tuple[str, ...]
    tags: tuple[str, ...]
    outcomes: tuple[str, ...]
    activities: tuple[Activity, ...]
    rubric: Rubric
    award_rule: AwardRule
    what_to_leave_out: tuple[str, ...]
    critical_information: CriticalInformation
    review_by: date
    digest: str = ""
    prerequisites: tuple[str, ...] = ()
    youth_elements: tuple[str, ...] = ()
    renewal: str | None = None
    renewal_activities: tuple[str, ...] = ()
    calibration: Calibration | None = None
    issue_until: date | None = None
    prerequisites_any: tuple[tuple[str, ...], ...] = ()
    qualifies_for: tuple[Grant, ...] = ()
    renewal_any: tuple[tuple[str, ...], ...] = ()
    renewal_criteria: tuple[tuple[str, tuple[str, ...]], ...] = ()
    full_criteria: bool = False
    media: tuple[Picture, ...] = ()

    @property
    def needed_before(self) -> tuple[tuple[str, ...], ...]:
        """The modules to be done before, in groups: one of each group is needed."""
        return (*((key,) for key in self.prerequisites), *self.prerequisites_any)

    def activity(self, key: str) -> Activity:
        """The activity with this key.

        Raises:
            KeyError: there is none.
        """
        for activity in self.activities:
            if activity.key == key:
                return activity
        raise KeyError(key)

    def activities_of(self, kind: ActivityKind) -> tuple[Activity, ...]:
        """All activities of one kind, in order."""
        return tuple(activity for activity in self.activities if activity.kind == kind)


@dataclass(frozen=True)
class AlignmentInfo:
    """What an achievement is aligned to.

    Attributes:
        target_path: path of the CASE item on this server; the issuer puts the base URL before it.
    """

    target_name: str
    target_path: str
    target_code: str
    target_description: str
    target_framework: str
    target_type: str = "CFItem"


@dataclass(frozen=True)
class AchievementInfo:
    """What the issuer needs to know of a module or stack to describe the achievement (Open Badges 3.0 Achievement).

    Attributes:
        key: of a module (`M01`), or of a pathway with an achievement of its own (`practitioner`).
        level: `stack` where it stands on other badges and is not a module's.
        rubric: without criteria where nothing of its own is judged; then a badge carries no result descriptions.
        code: stands at the foot of the medallion; the key if empty.
        marks: colours `#rrggbb` of the badges a stack stands on, set into the medallion's ring.
        needed_before: keys of the badges it stands on, in groups: one of each group must be in force at the award.
        issue_until: the last day for a new badge while nothing is reviewed; None where age does not stop an award.
        criteria_narrative: Markdown: how it is assessed and by whose role, effort, review date; of a module also its
            outcomes, and what is told before it is chosen.
        domain_colour: the badge's colour, `#rrggbb`.
        image_path: path of the PNG on this server.
        path: path of the achievement on this server.
    """

    key: str
    version: int
    name: str
    description: str
    criteria_narrative: str
    achievement_type: str
    level: BadgeLevel
    domain_colour: str
    hours: int
    validity_months: int
    language: str
    tags: tuple[str, ...]
    alignments: tuple[AlignmentInfo, ...]
    rubric: Rubric
    minimum_level: int
    review_by: date
    issuer_key: str
    path: str
    image_path: str
    code: str = ""
    marks: tuple[str, ...] = ()
    needed_before: tuple[tuple[str, ...], ...] = ()
    issue_until: date | None = None


@dataclass(frozen=True)
class LoadReport:
    """What a load did: names such as `M01 v1` or `ips v1`."""

    loaded: tuple[str, ...]
    unchanged: tuple[str, ...]
