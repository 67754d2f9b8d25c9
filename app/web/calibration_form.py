"""The form of a calibration set: radios for each sample on the page, a few short texts in the draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.db import ReadSession
from app.learning import calibration
from app.learning.calibration import Comparison, OpenSample, SampleMarks
from app.programme.schemas import Criterion, ExerciseField, Module
from app.web.assessor_page import LevelChoice, level_choices

LEVEL = "level-"  # before a sample's key and a criterion's: a group of radios


@dataclass(frozen=True)
class SampleCriterion:
    """A criterion of a sample's rubric, as `ui.rubric_criterion` wants it; `key` is that of its group of radios."""

    key: str
    title: str
    levels: tuple[LevelChoice, ...]
    selected: int | None


@dataclass(frozen=True)
class SampleOnPage:
    """A sample with what was chosen for it.

    Attributes:
        chosen: how many of its criteria have a level.
        is_done: whether everything is chosen and the reason is written.
        is_open: whether it is unfolded.
        errors: what is missing, by field.
    """

    sample: OpenSample
    criteria: tuple[SampleCriterion, ...]
    marks: SampleMarks
    chosen: int
    is_done: bool
    is_open: bool
    errors: Mapping[str, str]

    @property
    def state(self) -> str:
        """How far it is, in a word or two."""
        if self.is_done:
            return "marked"
        begun = self.chosen or self.marks.decision or self.marks.quarantine or self.marks.reason
        return "begun" if begun else "not begun"


@dataclass(frozen=True)
class CalibrationPart:
    """What the page of a calibration set shows beyond a usual exercise.

    Attributes:
        samples: what to mark.
        fields: the rest of the form.
        compared: the learner's marks beside the agreed ones, once a decision was made.
    """

    samples: tuple[SampleOnPage, ...]
    fields: tuple[ExerciseField, ...]
    compared: Comparison | None

    @property
    def done(self) -> int:
        """How many samples are marked."""
        return sum(one.is_done for one in self.samples)


def part(
    db: ReadSession,
    module: Module,
    activity_key: str,
    enrolment_id: str,
    content: Mapping[str, str],
    errors: Mapping[str, str],
) -> CalibrationPart | None:
    """What the page of a calibration set shows; None for every other activity."""
    asked = calibration.set_of(module, activity_key)
    if asked is None:
        return None
    compared = calibration.shown_to_learner(db, enrolment_id, module)
    of_set = calibration.fields_of_set(asked)
    fields = tuple(each for each in module.activity(activity_key).fields if each.key not in of_set)
    samples: list[SampleOnPage] = []
    for each in calibration.open_samples(db, asked):
        opened = any(one.is_open for one in samples)
        samples.append(_sample(each, calibration.marks_in(each.key, content), errors, opened=opened))
    return CalibrationPart(tuple(samples), fields, compared)


def collapsed(module: Module, activity_key: str, posted: Mapping[str, str]) -> dict[str, str]:
    """What a page sent, as the draft keeps it: the levels of a sample become one text. Other forms stay as they are.

    What is no level of a criterion of the set stays as it was sent, so that it is refused as an unknown field.
    """
    asked = calibration.set_of(module, activity_key)
    kept = dict(posted)
    for sample in asked.samples if asked is not None else ():
        names = {f"{LEVEL}{sample.key}-{one.criterion}": one.criterion for one in sample.levels}
        sent = {name: kept.pop(name) for name in names if kept.get(name) in ("", "1", "2", "3", "4")}
        if sent:
            levels = {names[name]: int(value) for name, value in sent.items() if value}
            kept[calibration.field(sample.key, calibration.LEVELS)] = calibration.levels_text(levels)
    return kept


def expanded(module: Module, activity_key: str, content: Mapping[str, str]) -> dict[str, str]:
    """A draft by the names of the page's form: what `collapsed` was made of."""
    asked = calibration.set_of(module, activity_key)
    shown = dict(content)
    for sample in asked.samples if asked is not None else ():
        levels = calibration.marks_in(sample.key, content).levels
        shown.pop(calibration.field(sample.key, calibration.LEVELS), None)
        for one in sample.levels:
            shown[f"{LEVEL}{sample.key}-{one.criterion}"] = str(levels.get(one.criterion, ""))
    return shown


def in_words(module: Module, activity_key: str, field_key: str, value: str) -> str:
    """What a field holds as its writer reads it: the keys of criteria in a calibration set become words."""
    asked = calibration.set_of(module, activity_key)
    if asked is None or field_key not in calibration.fields_of_set(asked, calibration.LEVELS):
        return value
    return value.replace("-", " ").capitalize()


def _sample(sample: OpenSample, marks: SampleMarks, errors: Mapping[str, str], *, opened: bool) -> SampleOnPage:
    criteria = tuple(_criterion(sample, one, marks) for one in sample.criteria)
    chosen = sum(one.selected is not None for one in criteria)
    done = bool(chosen == len(criteria) and marks.decision and marks.quarantine and marks.reason)
    own = {calibration.field(sample.key, each) for each in calibration.PARTS}
    wrong = {key: words for key, words in errors.items() if key in own}
    return SampleOnPage(
        sample, criteria, marks, chosen, done, is_open=bool(wrong) or not (done or opened), errors=wrong
    )


def _criterion(sample: OpenSample, criterion: Criterion, marks: SampleMarks) -> SampleCriterion:
    key = f"{sample.key}-{criterion.key}"
    return SampleCriterion(key, criterion.title, level_choices(criterion), marks.levels.get(criterion.key))
