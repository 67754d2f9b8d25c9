"""What is wrong within a module, and between it and what it refers to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from pydantic.alias_generators import to_camel

from app.programme import text_checks
from app.programme.errors import Problem, Severity
from app.programme.files import (
    CriterionEntry,
    KnowledgeCheckEntry,
    LessonEntry,
    ModuleFile,
    ObservationEntry,
    QuestionsFile,
    ReflectionEntry,
)
from app.programme.known_ids import Known, repeated, unknown
from app.programme.loader import ModuleFolder, Sheet
from app.programme.located import Route
from app.programme.offered import not_offered_yet

BANK_PER_DRAW = 1.5
# Published before there was a rule for the size of banks: told, not refused, until its bank is replaced.
SMALL_BANKS_IN_USE = frozenset({"M01"})


def problems(module: ModuleFolder, known: Known) -> Iterator[Problem]:
    """Everything that is wrong within a module, and between it and what it refers to."""
    sheet, content = module.sheet, module.sheet.content
    if content.key != module.name:
        yield sheet.problem(f"the key is `{content.key}` but the folder is called `{module.name}`", "key")
    if content.domain not in known.domains:
        yield sheet.problem(f"there is no domain `{content.domain}`", "domain")
    yield from unknown(sheet, content.competencies, known.competencies, "competency", "competencies")
    yield from unknown(sheet, content.fidelity_items, known.fidelity_items, "fidelity item", "fidelityItems")
    yield from unknown(sheet, content.themes, known.themes, "theme", "themes")
    yield from unknown(sheet, content.youth_elements, known.practice_elements, "practice element", "youthElements")
    yield from _prerequisites(module, known)
    yield from _activities(sheet)
    yield from _award(sheet)
    yield from _rubric(sheet, known)
    for questions in module.questions.values():
        yield from _questions(questions)
    for form in module.forms.values():
        yield from repeated(form, [entry.key for entry in form.content.fields], "fields")
    for checklist in module.checklists.values():
        yield from repeated(checklist, [line.key for line in checklist.content.lines], "lines")
    yield from _banks(module)
    links = known.modules if module.is_draft else known.published
    for file, text in (*module.texts.values(), *module.examples.values()):
        yield from text_checks.problems(file, text, modules=known.modules, linked=links)
    if not module.is_draft:
        yield from not_offered_yet(module)


def _prerequisites(module: ModuleFolder, known: Known) -> Iterator[Problem]:
    sheet, given = module.sheet, module.sheet.content.prerequisites
    yield from unknown(sheet, given, known.modules, "module", "prerequisites")
    for index, key in enumerate(given):
        if key == sheet.content.key:
            yield sheet.problem("a module cannot be needed before itself", "prerequisites", index)
        elif not module.is_draft and key in known.modules - known.published:
            message = f"`{key}` is a draft, so nobody can do it before this module: publish it first"
            yield sheet.problem(message, "prerequisites", index)


def _banks(module: ModuleFolder) -> Iterator[Problem]:
    for index, activity in enumerate(module.sheet.content.activities):
        bank = module.questions.get(activity.key)
        if bank is None or not isinstance(activity, KnowledgeCheckEntry):
            continue
        size, wanted = len(bank.content.questions), math.ceil(activity.draw * BANK_PER_DRAW)
        if activity.draw > size:
            message = f"{activity.draw} questions are to be drawn but the bank holds {size}"
            yield module.sheet.problem(message, "activities", index, "draw")
        elif size < wanted:
            message = (
                f"the bank holds {size} questions and {activity.draw} are drawn: with fewer than {wanted} a second try "
                "meets the same questions again"
            )
            severity: Severity = "notice" if module.sheet.content.key in SMALL_BANKS_IN_USE else "error"
            yield replace(module.sheet.problem(message, "activities", index, "draw"), severity=severity)


def _award(sheet: Sheet[ModuleFile]) -> Iterator[Problem]:
    content = sheet.content
    activities = [activity.key for activity in content.activities]
    observed = any(isinstance(activity, ObservationEntry) and activity.required for activity in content.activities)
    if observed and not content.award.observations_meet:
        message = "an observation of this module is required: say `observationsMeet: true` here"
        yield sheet.problem(message, "award")
    if content.award.observations_meet and not observed:
        message = "no observation of this module is required, so nothing can meet this"
        yield sheet.problem(message, "award", "observationsMeet")
    for index, key in enumerate(content.renewal_activities):
        if key not in activities:
            yield sheet.problem(f"there is no activity `{key}` in this module", "renewalActivities", index)
    if content.renewal_activities and content.renewal is None:
        message = "`renewal` is missing: say in a sentence what is done again, and when"
        yield sheet.problem(message, "renewalActivities")


def _activities(sheet: Sheet[ModuleFile]) -> Iterator[Problem]:
    content = sheet.content
    yield from repeated(sheet, [activity.key for activity in content.activities], "activities")
    minutes = sum(activity.minutes for activity in content.activities) + content.award.supervisor_talk_minutes
    if minutes != content.hours * 60:
        message = f"activities and talk add up to {minutes} minutes, but `hours` says {content.hours} hours"
        yield sheet.problem(message, "hours")
    for index, activity in enumerate(content.activities):
        if isinstance(activity, ReflectionEntry) and activity.min_words > activity.max_words:
            yield sheet.problem("`minWords` is larger than `maxWords`", "activities", index, "minWords")
        for name in ("by", "confirmed_by"):
            given = getattr(activity, name, [])
            if len(set(given)) != len(given):
                yield sheet.problem("the same is named twice in this list", "activities", index, to_camel(name))
        for number, source in enumerate(activity.sources if isinstance(activity, LessonEntry) else ()):
            if source.review_by <= source.as_at:
                at: Route = ("activities", index, "sources", number, "reviewBy")
                yield sheet.problem("`reviewBy` must lie after `asAt`", *at)


def _rubric(sheet: Sheet[ModuleFile], known: Known) -> Iterator[Problem]:
    content = sheet.content
    yield from repeated(sheet, [criterion.key for criterion in content.rubric.criteria], "rubric", "criteria")
    for index, criterion in enumerate(content.rubric.criteria):
        yield from _criterion(sheet, criterion, ("rubric", "criteria", index), known)
    credited = {item for criterion in content.rubric.criteria for item in criterion.competencies}
    for index, competency in enumerate(content.competencies):
        if competency in known.competencies and competency not in credited:
            yield sheet.problem(f"no criterion of the rubric credits `{competency}`", "competencies", index)


def _criterion(sheet: Sheet[ModuleFile], criterion: CriterionEntry, at: Route, known: Known) -> Iterator[Problem]:
    if not criterion.competencies:
        message = f"the criterion `{criterion.key}` is not mapped: name at least one competency it credits"
        yield sheet.problem(message, *at, "competencies")
    if len(criterion.levels) != len(sheet.content.rubric.levels):
        message = f"the criterion `{criterion.key}` needs {len(sheet.content.rubric.levels)} level descriptions"
        yield sheet.problem(message, *at, "levels")
    yield from unknown(sheet, criterion.competencies, known.competencies, "competency", *at, "competencies")
    yield from unknown(sheet, criterion.conditions, known.competencies, "competency", *at, "conditions")
    yield from unknown(sheet, criterion.fidelity_items, known.fidelity_items, "fidelity item", *at, "fidelityItems")
    yield from unknown(sheet, criterion.principles, known.principles, "principle", *at, "principles")
    yield from unknown(
        sheet, criterion.youth_elements, known.practice_elements, "practice element", *at, "youthElements"
    )
    for index, competency in enumerate(criterion.competencies):
        if competency in known.competencies and competency not in sheet.content.competencies:
            message = f"`{competency}` is credited here but is not among the module's competencies"
            yield sheet.problem(message, *at, "competencies", index)


def _questions(sheet: Sheet[QuestionsFile]) -> Iterator[Problem]:
    questions = sheet.content.questions
    yield from repeated(sheet, [question.key for question in questions], "questions")
    for index, question in enumerate(questions):
        if question.answer not in question.options:
            message = (
                f"the question `{question.key}` has no right answer: `{question.answer}` is none of "
                f"{', '.join(question.options)}"
            )
            yield sheet.problem(message, "questions", index, "answer")
        texts = [option if isinstance(option, str) else option.text for option in question.options.values()]
        if len(set(texts)) != len(texts):
            yield sheet.problem("two options say the same", "questions", index, "options")
        for letter, option in question.options.items():
            if question.feedback is None and isinstance(option, str):
                message = (
                    "this option is answered with silence: give it `text` and `feedback`, or give the question a "
                    "`feedback` for all its options"
                )
                yield sheet.problem(message, "questions", index, "options", letter)
