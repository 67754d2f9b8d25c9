"""Whether the samples for assessors in training fit the modules they were made for."""

from __future__ import annotations

from collections.abc import Iterator

from app.programme.errors import Problem
from app.programme.files import CalibrationFile, FormFile, SampleEntry
from app.programme.known_ids import Known, repeated
from app.programme.loader import ModuleFolder, Sheet
from app.programme.located import Route

# What a learner says of each sample; a field of the exercise's form for each, its key after the sample's.
MARKED = ("levels", "decision", "quarantine", "reason")


def problems(module: ModuleFolder, known: Known) -> Iterator[Problem]:
    """Everything in a module's calibration that does not fit."""
    for sheet in module.calibrations:
        content = sheet.content
        yield from repeated(sheet, [sample.key for sample in content.samples], "samples")
        marks = sum(len(sample.levels) for sample in content.samples)
        if content.standard.marks != marks:
            yield sheet.problem(f"the samples hold {marks} marks in all, not {content.standard.marks}",
                                "standard", "marks")  # fmt: skip
        if content.standard.decisions_as_agreed > len(content.samples):
            message = f"there are only {len(content.samples)} decisions to agree on"
            yield sheet.problem(message, "standard", "decisionsAsAgreed")
        if not any(_asks_for_all(form, content) for form in module.forms.values()):
            message = (
                "no exercise of this module asks for the marks: its form needs the fields KEY-levels, KEY-decision, "
                "KEY-quarantine and KEY-reason for the key of each sample"
            )
            yield sheet.problem(message, "samples")
        for index, sample in enumerate(content.samples):
            yield from _sample(sheet, sample, ("samples", index), known)


def _asks_for_all(form: Sheet[FormFile], content: CalibrationFile) -> bool:
    """Whether a form has the four fields of every sample, by which learners mark the set."""
    there = {field.key for field in form.content.fields}
    return all(f"{sample.key}-{part}" in there for sample in content.samples for part in MARKED)


def _sample(sheet: Sheet[CalibrationFile], sample: SampleEntry, at: Route, known: Known) -> Iterator[Problem]:
    if sample.module not in known.modules:
        yield sheet.problem(f"there is no module `{sample.module}`", *at, "module")
    target = known.folders.get(sample.module)
    if target is None:
        return
    rubric = target.sheet.content.rubric
    if sample.rubric_version != rubric.version:
        message = f"the rubric of {sample.module} is at version {rubric.version}: agree the marks anew"
        yield sheet.problem(message, *at, "rubricVersion")
    criteria = {criterion.key for criterion in rubric.criteria}
    yield from _fits(sheet, set(sample.levels), criteria, f"criterion of {sample.module}", (*at, "levels"))
    for activity, given in sample.answers.items():
        route: Route = (*at, "answers", activity)
        if isinstance(given, str):
            if activity not in _of_kind(target, "reflection"):
                yield sheet.problem(f"there is no reflection `{activity}` in {sample.module}", *route)
        elif activity not in target.forms:
            yield sheet.problem(f"there is no exercise `{activity}` in {sample.module}", *route)
        else:
            fields = {field.key: field.required for field in target.forms[activity].content.fields}
            needed = {key for key, required in fields.items() if required}
            yield from _fits(sheet, set(given), set(fields), f"field of {activity}", route, needed)
    for activity, lines in sample.observations.items():
        route = (*at, "observations", activity)
        if activity not in target.checklists:
            yield sheet.problem(f"there is no observation `{activity}` in {sample.module}", *route)
        else:
            wanted = {line.key for line in target.checklists[activity].content.lines}
            yield from _fits(sheet, set(lines), wanted, f"line of {activity}", route)


def _of_kind(module: ModuleFolder, kind: str) -> set[str]:
    return {activity.key for activity in module.sheet.content.activities if activity.kind == kind}


def _fits(
    sheet: Sheet[CalibrationFile],
    given: set[str],
    known: set[str],
    what: str,
    route: Route,
    needed: set[str] | None = None,
) -> Iterator[Problem]:
    """What is given must be known, and what is needed (all, if not said) must be given."""
    for key in sorted(given - known):
        yield sheet.problem(f"there is no {what} `{key}`", *route, key)
    for key in sorted((known if needed is None else needed) - given):
        yield sheet.problem(f"the {what} `{key}` is missing here", *route)
