"""What no single file can tell: that ids are unique, references lead somewhere, and rules fit together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from app.programme import calibration_checks, module_checks, notices, pathway_checks
from app.programme.errors import Problem
from app.programme.file_model import FileModel
from app.programme.known_ids import Known, known_ids, unknown
from app.programme.loader import ProgrammeFolder, Sheet
from app.programme.located import Route


def problems(folder: ProgrammeFolder, today: date) -> list[Problem]:
    """Everything that is wrong between files whose forms are right, and what their authors should know.

    Args:
        folder: the files.
        today: by which reviews are overdue, in UTC.
    """
    known = known_ids(folder)
    found = [
        *_duplicates(folder),
        *_same_keys(folder),
        *_settings(folder, known),
        *_frameworks(folder, known),
        *_scales(folder),
        *_principles(folder, known),
    ]
    for module in folder.modules:
        found.extend(module_checks.problems(module, known))
        found.extend(calibration_checks.problems(module, known))
    found.extend(pathway_checks.problems(folder, known))
    found.extend(notices.notices(folder, today))
    found.extend(pathway_checks.overdue(folder, today))
    return found


def _settings(folder: ProgrammeFolder, known: Known) -> Iterator[Problem]:
    sheet, scales = folder.programme, [scale.content.key for scale in folder.scales]
    main = sheet.content.main_scale
    if main is not None and main not in scales:
        yield sheet.problem(f"there is no scale `{main}`", "mainScale")
    if main is None and len(scales) > 1:
        message = "there are several scales: say with `mainScale:` which one's items forms offer"
        yield sheet.problem(message)
    yield from unknown(sheet, sheet.content.time_critical, known.modules, "module", "timeCritical")
    provisional = sheet.content.provisional
    if provisional is not None:
        checks = {
            key: any(activity.kind == "knowledge_check" for activity in module.sheet.content.activities)
            for key, module in known.folders.items()
        }
        yield from unknown(sheet, provisional.awarded, known.modules, "module", "provisional", "awarded")
        yield from unknown(
            sheet, provisional.knowledge_checks, known.modules, "module", "provisional", "knowledgeChecks"
        )
        for index, key in enumerate(provisional.knowledge_checks):
            if not checks.get(key, True):
                message = f"`{key}` has no knowledge check"
                yield sheet.problem(message, "provisional", "knowledgeChecks", index)
        if not provisional.awarded and not provisional.knowledge_checks:
            yield sheet.problem("name at least one module: this rule asks for nothing", "provisional")


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


def _same_keys(folder: ProgrammeFolder) -> Iterator[Problem]:
    """Frameworks and scales are told apart by their keys, and have versions of their own under them."""
    for sheets, what in ((folder.frameworks, "framework"), (folder.scales, "scale")):
        seen: dict[str, str] = {}
        for sheet in sheets:
            first = seen.setdefault(sheet.content.key, sheet.located.file)
            if first != sheet.located.file:
                yield sheet.problem(f"{first} is a {what} with the key `{sheet.content.key}` already", "key")


def _frameworks(folder: ProgrammeFolder, known: Known) -> Iterator[Problem]:
    yield from _replaced(folder)
    for sheet in folder.frameworks:
        for d, domain in enumerate(sheet.content.domains):
            for c, entry in enumerate(domain.competencies):
                at: Route = ("domains", d, "competencies", c)
                yield from unknown(
                    sheet, entry.fidelity_items, known.fidelity_items, "fidelity item", *at, "fidelityItems"
                )
                yield from unknown(sheet, entry.principles, known.principles, "principle", *at, "principles")
                yield from unknown(sheet, entry.themes, known.themes, "theme", *at, "themes")


def _replaced(folder: ProgrammeFolder) -> Iterator[Problem]:
    """An id that is replaced has left the files, and one competency alone has taken its place."""
    entries = [
        (sheet, ("domains", d, "competencies", c), entry)
        for sheet in folder.frameworks
        for d, domain in enumerate(sheet.content.domains)
        for c, entry in enumerate(domain.competencies)
    ]
    there = {entry.id for _sheet, _at, entry in entries}
    followed: dict[str, str] = {}
    for sheet, at, entry in entries:
        for index, earlier in enumerate(entry.replaces):
            route: Route = (*at, "replaces", index)
            if earlier in there:
                yield sheet.problem(
                    f"`{earlier}` is replaced, so it may not be among the competencies any more", *route
                )
            elif earlier in followed:
                yield sheet.problem(f"`{earlier}` is replaced by `{followed[earlier]}` already", *route)
            followed.setdefault(earlier, entry.id)


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


def _principles(folder: ProgrammeFolder, known: Known) -> Iterator[Problem]:
    sheet = folder.principles
    vocabularies = {vocabulary.key for vocabulary in sheet.content.vocabularies}
    for index, principle in enumerate(sheet.content.principles):
        yield from unknown(
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
