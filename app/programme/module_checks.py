"""What is wrong within a module, and between it and what it refers to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from pydantic.alias_generators import to_camel

from app.programme import lesson_pictures, text_checks
from app.programme.errors import Problem
from app.programme.files import (
    KnowledgeCheckEntry,
    LessonEntry,
    ModuleFile,
    ObservationEntry,
    QuestionsFile,
    ReflectionEntry,
)
from app.programme.known_ids import Known, repeated, unknown, unknown_badge
from app.programme.loader import ModuleFolder, Sheet
from app.programme.located import Route
from app.programme.module_parts import CriterionEntry
from app.programme.offered import not_offered_yet

BANK_PER_DRAW = 1.5


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
        yield from _questions(questions, draft=module.is_draft)
    for form in module.forms.values():
        yield from repeated(form, [entry.key for entry in form.content.fields], "fields")
    for checklist in module.checklists.values():
        yield from repeated(checklist, [line.key for line in checklist.content.lines], "lines")
    yield from _banks(module)
    links = known.modules if module.is_draft else known.published
    for file, text in (*module.texts.values(), *module.examples.values()):
        yield from text_checks.problems(file, text, modules=known.modules, linked=links, media=module.media)
    yield from _media(module)
    if not module.is_draft:
        yield from not_offered_yet(module)


def _media(module: ModuleFolder) -> Iterator[Problem]:
    together = sum(len(picture.data) * 3 // 4 for picture in lesson_pictures.in_use(module.media))
    if together > lesson_pictures.MAX_BYTES_OF_A_MODULE:
        most = lesson_pictures.MAX_BYTES_OF_A_MODULE // 1_000_000
        message = f"the pictures of this module are larger than {most} MB together: save them smaller, or show fewer"
        yield module.sheet.problem(message, "key")


def _prerequisites(module: ModuleFolder, known: Known) -> Iterator[Problem]:
    sheet, given = module.sheet, module.sheet.content.prerequisites
    named: list[tuple[str, Route]] = []
    for index, each in enumerate(given):
        if isinstance(each, str):
            named.append((each, ("prerequisites", index)))
        else:
            named += [(key, ("prerequisites", index, "anyOf", number)) for number, key in enumerate(each.any_of)]
    for at, (key, route) in enumerate(named):
        if key not in known.modules and key not in known.stacks:
            yield sheet.problem(unknown_badge(key), *route)
        elif key == sheet.content.key:
            yield sheet.problem("a module cannot be needed before itself", *route)
        elif not module.is_draft and key not in known.published | known.published_stacks:
            message = f"`{key}` is a draft, so nobody can do it before this module: publish it first"
            yield sheet.problem(message, *route)
        elif key in (earlier for earlier, _ in named[:at]):
            yield sheet.problem(f"`{key}` is named twice here", *route)


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
            yield module.sheet.problem(message, "activities", index, "draw")
        yield from _groups(module, bank, activity, index)


def _groups(
    module: ModuleFolder, bank: Sheet[QuestionsFile], activity: KnowledgeCheckEntry, index: int
) -> Iterator[Problem]:
    """What keeps a draw from asking so many questions of each group as the activity promises."""
    groups: dict[str, list[int]] = {}
    for number, question in enumerate(bank.content.questions):
        if question.group is not None:
            groups.setdefault(question.group, []).append(number)
    each, at = activity.draw_from_each_group, ("activities", index, "drawFromEachGroup")
    if each is None:
        for name, members in groups.items():
            message = f"nothing asks for the group `{name}`: say `drawFromEachGroup` in module.yaml, or leave it out"
            yield bank.problem(message, "questions", members[0], "group")
        return
    if not groups:
        yield module.sheet.problem("no question of the bank names a `group`", *at)
    if each * len(groups) > activity.draw:
        message = f"{each} of each of {len(groups)} groups are {each * len(groups)}, but {activity.draw} are drawn"
        yield module.sheet.problem(message, *at)
    wanted = math.ceil(each * BANK_PER_DRAW)
    for name, members in groups.items():
        if len(members) < wanted:
            message = (
                f"the group `{name}` needs at least {wanted} questions, because {each} are drawn from it; it holds "
                f"{len(members)}"
            )
            yield bank.problem(message, "questions", members[0], "group")


def _award(sheet: Sheet[ModuleFile]) -> Iterator[Problem]:
    content = sheet.content
    observed = any(isinstance(activity, ObservationEntry) and activity.required for activity in content.activities)
    if observed and not content.award.observations_meet:
        message = "an observation of this module is required: say `observationsMeet: true` here"
        yield sheet.problem(message, "award")
    if content.award.observations_meet and not observed:
        message = "no observation of this module is required, so nothing can meet this"
        yield sheet.problem(message, "award", "observationsMeet")
    of_review = any(isinstance(activity, ObservationEntry) and activity.of_review for activity in content.activities)
    if of_review and not content.award.conflict_years:
        message = "an observation of this module is of a review: say here for how many years, as `conflictYears: 3`"
        yield sheet.problem(message, "award")
    yield from _renewal(sheet)


def _renewal(sheet: Sheet[ModuleFile]) -> Iterator[Problem]:
    content = sheet.content
    kinds = {activity.key: activity.kind for activity in content.activities}
    named: list[str] = []
    for index, entry in enumerate(content.renewal_activities):
        for key in [entry] if isinstance(entry, str) else entry.any_of:
            where = ("renewalActivities", index)
            if key not in kinds:
                yield sheet.problem(f"there is no activity `{key}` in this module", *where)
            elif kinds[key] in ("lesson", "attendance"):
                yield sheet.problem(f"`{key}` is no step that can be done again and handed in", *where)
            elif key in named:
                yield sheet.problem(f"`{key}` is named twice", *where)
            named.append(key)
    if content.renewal_activities and content.renewal is None:
        message = "`renewal` is missing: say in a sentence what is done again, and when"
        yield sheet.problem(message, "renewalActivities")
    judged = {key for key in named if kinds.get(key) not in (None, "knowledge_check")}
    criteria = {criterion.key for criterion in content.rubric.criteria}
    for step, keys in content.renewal_criteria.items():
        if step not in judged:
            message = f"`{step}` is not done again, or is a knowledge check, which no criterion judges"
            yield sheet.problem(message, "renewalCriteria", step)
        for index, key in enumerate(keys):
            if key not in criteria:
                yield sheet.problem(f"there is no criterion `{key}` in this module", "renewalCriteria", step, index)
    if content.renewal_criteria and judged - content.renewal_criteria.keys():
        left = ", ".join(sorted(judged - content.renewal_criteria.keys()))
        yield sheet.problem(f"say which criteria {left} speaks to", "renewalCriteria")


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


def _questions(sheet: Sheet[QuestionsFile], *, draft: bool) -> Iterator[Problem]:
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
            if not isinstance(option, str):
                continue
            silent = question.feedback is None
            lack = "is answered with silence" if silent else "has no feedback of its own"
            found = sheet.problem(
                f"this option {lack}: give it `text` and `feedback`", "questions", index, "options", letter
            )
            yield replace(found, severity="notice") if draft and not silent else found
