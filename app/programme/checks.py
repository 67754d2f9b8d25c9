"""What no single file can tell: that ids are unique, references lead somewhere, and rules fit together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

from app.programme.errors import Problem
from app.programme.files import CriterionEntry, FileModel, LessonEntry, ModuleFile, ReflectionEntry
from app.programme.loader import ModuleFolder, ProgrammeFolder, Sheet
from app.programme.located import Route

MODULE_LINK = "/programme/modules/"
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class _Known:
    """Every id that may be referred to."""

    domains: frozenset[str]
    competencies: frozenset[str]
    fidelity_items: frozenset[str]
    principles: frozenset[str]
    themes: frozenset[str]
    modules: frozenset[str]


def problems(folder: ProgrammeFolder) -> list[Problem]:
    """Everything that is wrong between the files of a programme whose forms are right."""
    known = _Known(
        domains=frozenset(d.id for s in folder.frameworks for d in s.content.domains),
        competencies=frozenset(c.id for s in folder.frameworks for d in s.content.domains for c in d.competencies),
        fidelity_items=frozenset(i.id for s in folder.scales for section in s.content.sections for i in section.items),
        principles=frozenset(p.id for p in folder.principles.content.principles),
        themes=frozenset(t.id for s in folder.frameworks for t in s.content.themes),
        modules=frozenset(m.sheet.content.key for m in folder.modules),
    )
    found = [*_duplicates(folder), *_frameworks(folder, known), *_scales(folder), *_principles(folder, known)]
    for module in folder.modules:
        found.extend(_module(module, known))
    return found


def _duplicates(folder: ProgrammeFolder) -> Iterator[Problem]:
    """One space of ids: badges and CASE documents refer to them from outside."""
    seen: dict[str, str] = {}
    for sheet, item_id, route in _all_ids(folder):
        place = f"{sheet.located.file}:{sheet.located.line(*route)}"
        if item_id in seen:
            yield sheet.problem(f"the id `{item_id}` is used twice; first at {seen[item_id]}", *route)
        else:
            seen[item_id] = place


def _all_ids(folder: ProgrammeFolder) -> Iterator[tuple[Sheet[FileModel], str, Route]]:
    for framework in folder.frameworks:
        for t, theme in enumerate(framework.content.themes):
            yield framework, theme.id, ("themes", t, "id")
        for d, domain in enumerate(framework.content.domains):
            yield framework, domain.id, ("domains", d, "id")
            for c, competency in enumerate(domain.competencies):
                yield framework, competency.id, ("domains", d, "competencies", c, "id")
    for scale in folder.scales:
        for s, section in enumerate(scale.content.sections):
            for i, item in enumerate(section.items):
                yield scale, item.id, ("sections", s, "items", i, "id")
    for p, principle in enumerate(folder.principles.content.principles):
        yield folder.principles, principle.id, ("principles", p, "id")
    for e, element in enumerate(folder.youth_elements.content.elements):
        yield folder.youth_elements, element.id, ("elements", e, "id")
    for module in folder.modules:
        yield module.sheet, module.sheet.content.key, ("key",)


def _frameworks(folder: ProgrammeFolder, known: _Known) -> Iterator[Problem]:
    for sheet in folder.frameworks:
        for d, domain in enumerate(sheet.content.domains):
            for c, entry in enumerate(domain.competencies):
                at: Route = ("domains", d, "competencies", c)
                yield from _unknown(
                    sheet, entry.fidelity_items, known.fidelity_items, "fidelity item", *at, "fidelityItems"
                )
                yield from _unknown(sheet, entry.principles, known.principles, "principle", *at, "principles")
                yield from _unknown(sheet, entry.themes, known.themes, "theme", *at, "themes")


def _scales(folder: ProgrammeFolder) -> Iterator[Problem]:
    for sheet in folder.scales:
        scale = sheet.content
        count = sum(len(section.items) for section in scale.sections)
        lowest, highest = count * scale.item_score.minimum, count * scale.item_score.maximum
        bands = sorted(enumerate(scale.bands), key=lambda pair: pair[1].minimum)
        expected = lowest
        for index, band in bands:
            if band.minimum != expected or band.maximum < band.minimum:
                yield sheet.problem(
                    f"the band `{band.name}` must begin at {expected}: bands leave no gap and do not overlap",
                    "bands",
                    index,
                )
            expected = band.maximum + 1
        if expected != highest + 1:
            yield sheet.problem(f"the highest band must end at {highest}: {count} items were counted", "bands")


def _principles(folder: ProgrammeFolder, known: _Known) -> Iterator[Problem]:
    sheet = folder.principles
    vocabularies = {vocabulary.key for vocabulary in sheet.content.vocabularies}
    for index, principle in enumerate(sheet.content.principles):
        yield from _unknown(
            sheet,
            principle.fidelity_items,
            known.fidelity_items,
            "fidelity item",
            *("principles", index, "fidelityItems"),
        )
        for key in principle.labels.keys() - vocabularies:
            yield sheet.problem(f"`{key}` is no vocabulary of this file", "principles", index, "labels", key)
        for key in sorted(vocabularies - principle.labels.keys()):
            yield sheet.problem(f"the label of the vocabulary `{key}` is missing", "principles", index, "labels")


def _module(module: ModuleFolder, known: _Known) -> Iterator[Problem]:
    sheet, content = module.sheet, module.sheet.content
    if content.key != module.name:
        yield sheet.problem(f"the key is `{content.key}` but the folder is called `{module.name}`", "key")
    if content.domain not in known.domains:
        yield sheet.problem(f"there is no domain `{content.domain}`", "domain")
    yield from _unknown(sheet, content.competencies, known.competencies, "competency", "competencies")
    yield from _unknown(sheet, content.fidelity_items, known.fidelity_items, "fidelity item", "fidelityItems")
    yield from _unknown(sheet, content.themes, known.themes, "theme", "themes")
    yield from _activities(sheet)
    yield from _rubric(sheet, known)
    for questions in module.questions.values():
        yield from _questions(questions)
    for form in module.forms.values():
        yield from _repeated(form, [entry.key for entry in form.content.fields], "fields")
    for index, activity in enumerate(content.activities):
        bank = module.questions.get(activity.key)
        draw = getattr(activity, "draw", None)
        if bank is not None and draw is not None and draw > len(bank.content.questions):
            message = f"{draw} questions are to be drawn but the bank holds {len(bank.content.questions)}"
            yield sheet.problem(message, "activities", index, "draw")
    for file, text in module.texts.values():
        yield from _markdown(file, text, known.modules)


def _activities(sheet: Sheet[ModuleFile]) -> Iterator[Problem]:
    content = sheet.content
    yield from _repeated(sheet, [activity.key for activity in content.activities], "activities")
    minutes = sum(activity.minutes for activity in content.activities) + content.award.supervisor_talk_minutes
    if minutes != content.hours * 60:
        message = f"activities and talk add up to {minutes} minutes, but `hours` says {content.hours} hours"
        yield sheet.problem(message, "hours")
    for index, activity in enumerate(content.activities):
        if isinstance(activity, ReflectionEntry) and activity.min_words > activity.max_words:
            yield sheet.problem("`minWords` is larger than `maxWords`", "activities", index, "minWords")
        for number, source in enumerate(activity.sources if isinstance(activity, LessonEntry) else ()):
            if source.review_by <= source.as_at:
                at: Route = ("activities", index, "sources", number, "reviewBy")
                yield sheet.problem("`reviewBy` must lie after `asAt`", *at)


def _rubric(sheet: Sheet[ModuleFile], known: _Known) -> Iterator[Problem]:
    content = sheet.content
    yield from _repeated(sheet, [criterion.key for criterion in content.rubric.criteria], "rubric", "criteria")
    for index, criterion in enumerate(content.rubric.criteria):
        yield from _criterion(sheet, criterion, ("rubric", "criteria", index), known)
    credited = {item for criterion in content.rubric.criteria for item in criterion.competencies}
    for index, competency in enumerate(content.competencies):
        if competency in known.competencies and competency not in credited:
            yield sheet.problem(f"no criterion of the rubric credits `{competency}`", "competencies", index)


def _criterion(sheet: Sheet[ModuleFile], criterion: CriterionEntry, at: Route, known: _Known) -> Iterator[Problem]:
    if not criterion.competencies:
        message = f"the criterion `{criterion.key}` is not mapped: name at least one competency it credits"
        yield sheet.problem(message, *at, "competencies")
    if len(criterion.levels) != len(sheet.content.rubric.levels):
        message = f"the criterion `{criterion.key}` needs {len(sheet.content.rubric.levels)} level descriptions"
        yield sheet.problem(message, *at, "levels")
    yield from _unknown(sheet, criterion.competencies, known.competencies, "competency", *at, "competencies")
    yield from _unknown(sheet, criterion.conditions, known.competencies, "competency", *at, "conditions")
    yield from _unknown(sheet, criterion.fidelity_items, known.fidelity_items, "fidelity item", *at, "fidelityItems")
    yield from _unknown(sheet, criterion.principles, known.principles, "principle", *at, "principles")
    for index, competency in enumerate(criterion.competencies):
        if competency in known.competencies and competency not in sheet.content.competencies:
            message = f"`{competency}` is credited here but is not among the module's competencies"
            yield sheet.problem(message, *at, "competencies", index)


def _questions(sheet: Sheet[FileModel]) -> Iterator[Problem]:
    questions = getattr(sheet.content, "questions", [])
    yield from _repeated(sheet, [question.key for question in questions], "questions")
    for index, question in enumerate(questions):
        if question.answer not in question.options:
            message = (
                f"the question `{question.key}` has no right answer: `{question.answer}` is none of "
                f"{', '.join(question.options)}"
            )
            yield sheet.problem(message, "questions", index, "answer")
        if len(set(question.options.values())) != len(question.options):
            yield sheet.problem("two options say the same", "questions", index, "options")


def _markdown(file: str, text: str, modules: frozenset[str]) -> Iterator[Problem]:
    if not text.strip():
        yield Problem(file, 1, "this file is empty")
    lines = text.split("\n")
    for token in _PARSER.parse(text):
        first, last = token.map or [0, 1]
        if token.type == "heading_open" and token.tag == "h1":
            yield Problem(file, first + 1, "the page has its title already: begin headings with `##`")
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if isinstance(target, str):
                line = next((n for n in range(first, last) if target in lines[n]), first)
                message = _link_problem(target, modules)
                if message is not None:
                    yield Problem(file, line + 1, message)


def _link_problem(target: str, modules: frozenset[str]) -> str | None:
    if target.startswith(("https://", "mailto:")):
        return None
    if target.startswith(MODULE_LINK) and target.removeprefix(MODULE_LINK) in modules:
        return None
    return (
        f"the link `{target}` leads nowhere: link to an https:// address or to `{MODULE_LINK}` and a module of "
        "this programme"
    )


def _unknown(
    sheet: Sheet[FileModel],
    given: Iterable[str],
    known: frozenset[str],
    what: str,
    *route: str | int,
) -> Iterator[Problem]:
    for index, item in enumerate(given):
        if item not in known:
            yield sheet.problem(f"there is no {what} `{item}`", *route, index)


def _repeated(sheet: Sheet[FileModel], keys: list[str], *route: str | int) -> Iterator[Problem]:
    for index, key in enumerate(keys):
        if key in keys[:index]:
            yield sheet.problem(f"the key `{key}` is used twice in this list", *route, index, "key")
