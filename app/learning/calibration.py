"""A calibration set: invented submissions that a learner marks, and how near they came to what was agreed.

A set belongs to the exercise whose form has four fields for each sample: `KEY-levels`, `KEY-decision`,
`KEY-quarantine`, `KEY-reason`. So what a learner chooses is a draft like every other text. What was agreed leaves this
module in a `Comparison` only, which needs marks that were handed in; `OpenSample`, what the learner marks, has no place
for it. Once a decision has shown a learner what was agreed, their marks of that set stay as they were handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlmodel import col, select

from app.core.db import ReadSession
from app.learning.enrolments import module_of_work
from app.learning.marking_errors import MarksAreKept
from app.learning.models import DecisionRecord, SubmissionRecord
from app.learning.schemas import Missing
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.schemas import Activity, Calibration, CalibrationSample, Criterion, Module, RubricLevel

LEVELS, DECISION, QUARANTINE, REASON = PARTS = ("levels", "decision", "quarantine", "reason")
KEPT_PARTS = (LEVELS, DECISION, QUARANTINE)
DECISIONS, ANSWERS = ("award", "return"), ("yes", "no")
_LEVEL = re.compile(r"([a-z0-9-]+) ([1-4])(?:, |$)")


@dataclass(frozen=True)
class OpenSample:
    """A sample as the learner marks it.

    Attributes:
        answers: by activity of its module: the activity's title, and pairs of question and answer.
        observations: by observation: its title, and pairs of line and answer.
        criteria: of the rubric it is marked by.
    """

    key: str
    number: int
    module_key: str
    module_title: str
    title: str
    answers: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    observations: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class SampleMarks:
    """What a learner chose for one sample so far; empty texts where they have not."""

    levels: Mapping[str, int]
    decision: str
    quarantine: str
    reason: str


@dataclass(frozen=True)
class ComparedCriterion:
    """One mark beside the agreed one."""

    title: str
    given: int | None
    agreed: int

    @property
    def apart(self) -> int | None:
        """How many levels lie between them."""
        return abs(self.given - self.agreed) if self.given is not None else None


@dataclass(frozen=True)
class ComparedSample:
    """A sample's marks beside the agreed ones."""

    number: int
    module_key: str
    title: str
    criteria: tuple[ComparedCriterion, ...]
    decision: str
    agreed_decision: str
    quarantine: bool
    agreed_quarantine: bool
    reason: str
    agreed_reason: str

    @property
    def as_agreed(self) -> bool:
        """Whether decision and quarantine are those agreed and no mark is more than a level away."""
        near = all(one.apart is not None and one.apart <= 1 for one in self.criteria)
        return near and self.decision == self.agreed_decision and self.quarantine == self.agreed_quarantine


@dataclass(frozen=True)
class Comparison:
    """All marks beside the agreed ones, counted.

    Attributes:
        marks, within: how many marks the set has, and how many are at most one level away.
        within_needed: how many of them the standard asks for.
        decisions, exact: how many decisions there are, and how many are as agreed.
        exact_needed: how many of them the standard asks for.
        to_stop, stopped: how many samples are to be put into quarantine, and how many of these were.
        stopped_more: how many others were.
    """

    samples: tuple[ComparedSample, ...]
    marks: int
    within: int
    within_needed: int
    decisions: int
    exact: int
    exact_needed: int
    to_stop: int
    stopped: int
    stopped_more: int

    @property
    def met(self) -> bool:
        """Whether marks and decisions reach the standard. Quarantine is for the assessor to judge."""
        return self.within >= self.within_needed and self.exact >= self.exact_needed


def field(sample_key: str, part: str) -> str:
    """The key of a sample's field."""
    return f"{sample_key}-{part}"


def set_of(module: Module, activity_key: str) -> Calibration | None:
    """The calibration set that an activity of a module asks to mark; None for every other activity."""
    found = module.calibration
    if found is None or activity_key != _activity_key(module, found):
        return None
    return found


def fields_of_set(calibration: Calibration, *parts: str) -> frozenset[str]:
    """Keys of the fields that hold the marks of a set: all parts, or some."""
    return frozenset(field(sample.key, part) for sample in calibration.samples for part in parts or PARTS)


def open_samples(session: ReadSession, calibration: Calibration) -> tuple[OpenSample, ...]:
    """The samples with their learners' words and the rubric to mark them by; nothing of what was agreed."""
    return tuple(_open(session, sample, number) for number, sample in enumerate(calibration.samples, start=1))


def marks_in(sample_key: str, content: Mapping[str, str]) -> SampleMarks:
    """What the texts of the activity say of one sample."""
    return SampleMarks(
        levels={key: int(level) for key, level in _LEVEL.findall(content.get(field(sample_key, LEVELS), ""))},
        decision=content.get(field(sample_key, DECISION), "").strip(),
        quarantine=content.get(field(sample_key, QUARANTINE), "").strip(),
        reason=content.get(field(sample_key, REASON), "").strip(),
    )


def levels_text(levels: Mapping[str, int]) -> str:
    """Levels as the activity's field keeps them, e.g. `seeing-gates 3, fidelity-thinking 2`."""
    return ", ".join(f"{key} {level}" for key, level in levels.items())


def missing_marks(module: Module, activity: Activity, content: Mapping[str, str]) -> Iterator[Missing]:
    """What is not marked yet, beyond fields that are empty: those the readiness of every form names."""
    calibration = set_of(module, activity.key)
    for number, sample in enumerate(calibration.samples if calibration is not None else (), start=1):
        marks = marks_in(sample.key, content)
        left = sum(1 for one in sample.levels if one.criterion not in marks.levels)
        where = f"submission {number}"
        if left and content.get(field(sample.key, LEVELS), "").strip():
            detail = f"Choose a level for {'one more criterion' if left == 1 else f'{left} more criteria'} of {where}."
            yield Missing("field_empty", detail, activity.key, field(sample.key, LEVELS))
        if marks.decision and marks.decision not in DECISIONS:
            yield Missing("option_unknown", f"Choose award or return for {where}.", activity.key,
                          field(sample.key, DECISION))  # fmt: skip
        if marks.quarantine and marks.quarantine not in ANSWERS:
            yield Missing("option_unknown", f"Say whether you would put {where} into quarantine.", activity.key,
                          field(sample.key, QUARANTINE))  # fmt: skip


def compare(module: Module, texts: Mapping[str, Mapping[str, str]]) -> Comparison | None:
    """What was handed in beside what was agreed; None without a set, or where the texts of it are not there."""
    calibration = module.calibration
    content = texts.get(_activity_key(module, calibration) or "") if calibration is not None else None
    if calibration is None or not content:
        return None
    samples = tuple(
        _compared(sample, number, marks_in(sample.key, content))
        for number, sample in enumerate(calibration.samples, start=1)
    )
    apart = [one.apart for sample in samples for one in sample.criteria]
    return Comparison(
        samples=samples,
        marks=calibration.marks,
        within=sum(one is not None and one <= 1 for one in apart),
        within_needed=_at_least(calibration.within_one_level, calibration.marks),
        decisions=len(samples),
        exact=sum(one.decision == one.agreed_decision for one in samples),
        exact_needed=calibration.decisions_as_agreed,
        to_stop=sum(one.agreed_quarantine for one in samples),
        stopped=sum(one.agreed_quarantine and one.quarantine for one in samples),
        stopped_more=sum(one.quarantine and not one.agreed_quarantine for one in samples),
    )


def missing_standard(module: Module, texts: Mapping[str, Mapping[str, str]]) -> Iterator[Missing]:
    """That the marks handed in do not reach the standard of the set."""
    found = compare(module, texts)
    if found is not None and not found.met:
        detail = (
            f"The calibration set is below its standard: {found.within} of {found.marks} marks within one level "
            f"({found.within_needed} needed), {found.exact} of {found.decisions} decisions as agreed "
            f"({found.exact_needed} needed)."
        )
        yield Missing("calibration_below", detail, _activity_key(module, module.calibration))


def shown_to_learner(session: ReadSession, enrolment_id: str, module: Module) -> Comparison | None:
    """What the learner may see beside the agreed marks: their marks of the first round that was decided."""
    texts = _first_decided(session, enrolment_id) if module.calibration is not None else None
    return compare(module, texts) if texts is not None else None


def sets_shown(session: ReadSession, person_id: str, module_key: str, *, but_of: str | None = None) -> frozenset[int]:
    """The sets of which a person was shown the agreed marks: those of every round that was decided, renewals too.

    Args:
        session: for reading.
        person_id: whose rounds.
        module_key: of which module.
        but_of: id of an enrolment that is left out.
    """
    rounds = session.exec(
        select(SubmissionRecord)
        .join(DecisionRecord, col(DecisionRecord.submission_id) == col(SubmissionRecord.id))
        .where(SubmissionRecord.person_id == person_id, SubmissionRecord.module_key == module_key)
    ).all()
    modules = [module_of_work(session, row) for row in rounds if row.enrolment_id != but_of]
    return frozenset(
        each.calibration.version
        for each in modules
        if each.calibration is not None and _activity_key(each, each.calibration) is not None
    )


def refuse_changed_marks(
    session: ReadSession, enrolment_id: str, module: Module, activity_key: str, texts: Mapping[str, str]
) -> None:
    """Keep a learner from marking anew what they have seen the agreed marks of.

    Raises:
        MarksAreKept: a level, decision or quarantine is another than in the round that was decided.
    """
    calibration = set_of(module, activity_key)
    first = _first_decided(session, enrolment_id) if calibration is not None else None
    if calibration is None or first is None or not first.get(activity_key):
        return
    kept = first[activity_key]
    if any(texts.get(key, "") != kept.get(key, "") for key in fields_of_set(calibration, *KEPT_PARTS)):
        raise MarksAreKept


def _activity_key(module: Module, calibration: Calibration | None) -> str | None:
    if calibration is None:
        return None
    wanted = fields_of_set(calibration)
    exercises = module.activities_of("exercise")
    return next((one.key for one in exercises if wanted <= {each.key for each in one.fields}), None)


def _at_least(share: float, of: int) -> int:
    """The smallest number that is this share: 0.9 of 32 is 29. In thousandths, for a share has no exact binary form."""
    return -(-round(share * 1000) * of // 1000)


def _first_decided(session: ReadSession, enrolment_id: str) -> Mapping[str, Mapping[str, str]] | None:
    row = session.exec(
        select(SubmissionRecord)
        .join(DecisionRecord, col(DecisionRecord.submission_id) == col(SubmissionRecord.id))
        .where(SubmissionRecord.enrolment_id == enrolment_id)
        .order_by(col(SubmissionRecord.number))
        .execution_options(populate_existing=True)
    ).first()
    return row.texts if row is not None and row.quarantined_at is None and row.texts else None


def _open(session: ReadSession, sample: CalibrationSample, number: int) -> OpenSample:
    module = _module_of(session, sample)
    activities = {activity.key: activity for activity in module.activities} if module is not None else {}
    answers: dict[str, list[tuple[str, str]]] = {}
    for answer in sample.answers:
        labels = {each.key: each.label for each in activities[answer.activity].fields} if module is not None else {}
        question = labels.get(answer.field, answer.field) if answer.field is not None else ""
        answers.setdefault(answer.activity, []).append((question, answer.text.strip()))
    seen: dict[str, list[tuple[str, str]]] = {}
    for line in sample.observations:
        words = {each.key: each.text for each in activities[line.activity].checklist} if module is not None else {}
        seen.setdefault(line.activity, []).append((words.get(line.line, line.line), line.answer))

    def titled(found: Mapping[str, list[tuple[str, str]]]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        return tuple(
            (activities[key].title if key in activities else key, tuple(pairs)) for key, pairs in found.items()
        )

    return OpenSample(
        key=sample.key,
        number=number,
        module_key=sample.module,
        module_title=module.title if module is not None else sample.module,
        title=sample.title,
        answers=titled(answers),
        observations=titled(seen),
        criteria=module.rubric.criteria if module is not None else tuple(_bare(one.criterion) for one in sample.levels),
    )


def _module_of(session: ReadSession, sample: CalibrationSample) -> Module | None:
    """The newest version of the sample's module with the rubric that it was agreed by and the steps it answers."""
    try:
        newest = programme.current_module(session, sample.module)
    except ModuleUnknown:
        return None
    wanted = {answer.activity for answer in sample.answers} | {line.activity for line in sample.observations}
    for version in range(newest.version, 0, -1):
        try:
            module = programme.module_version(session, sample.module, version)
        except ModuleUnknown:
            continue
        if module.rubric.version == sample.rubric_version and wanted <= {one.key for one in module.activities}:
            return module
    return None


def _bare(key: str) -> Criterion:
    """A criterion of a rubric that is not there to be read."""
    levels = tuple(RubricLevel(level, f"Level {level}", "") for level in (1, 2, 3, 4))
    return Criterion(key, key.replace("-", " ").capitalize(), (), (), (), levels)


def _compared(sample: CalibrationSample, number: int, marks: SampleMarks) -> ComparedSample:
    return ComparedSample(
        number=number,
        module_key=sample.module,
        title=sample.title,
        criteria=tuple(
            ComparedCriterion(one.criterion.replace("-", " ").capitalize(), marks.levels.get(one.criterion), one.level)
            for one in sample.levels
        ),
        decision=marks.decision,
        agreed_decision=sample.decision,
        quarantine=marks.quarantine == "yes",
        agreed_quarantine=sample.quarantine,
        reason=marks.reason,
        agreed_reason=sample.reason.strip(),
    )
