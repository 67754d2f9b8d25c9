"""What stops nothing and is worth knowing: overdue reviews, sources nobody confirmed, what no module assesses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from app.programme.assemble import issue_until
from app.programme.errors import Problem
from app.programme.file_model import FileModel
from app.programme.files import LessonEntry
from app.programme.loader import ModuleFolder, ProgrammeFolder, Sheet
from app.programme.located import Route

# What authors write into the note of a source until somebody has settled it.
UNSETTLED = re.compile(r"\bnot yet\s+(?:confirmed|read)\b", re.IGNORECASE)


def notices(folder: ProgrammeFolder, today: date) -> Iterator[Problem]:
    """Everything an author should know although the files can be used.

    Args:
        folder: the files. Where modules were left out, what they assess is not known, so nothing is said of that.
        today: by which reviews are overdue, in UTC.
    """
    for module in folder.modules:
        yield from _overdue(module, today)
        yield from _unsettled(module)
        if module.sheet.content.key in folder.programme.content.time_critical:
            yield from _too_old_to_issue(module, today)
    if not folder.left_out:
        yield from _uncovered(folder)


def _overdue(module: ModuleFolder, today: date) -> Iterator[Problem]:
    sheet = module.sheet
    if sheet.content.review_by < today:
        yield _notice(sheet, f"the review of this module is overdue: it was due by {_day(sheet.content.review_by)}",
                      "reviewBy")  # fmt: skip
    for index, activity in enumerate(sheet.content.activities):
        for number, source in enumerate(activity.sources if isinstance(activity, LessonEntry) else ()):
            if source.review_by < today:
                message = f"this claim was to be checked again by {_day(source.review_by)}"
                yield _notice(sheet, message, "activities", index, "sources", number, "reviewBy")


def _unsettled(module: ModuleFolder) -> Iterator[Problem]:
    """One notice for a module, at the first such source: its authors then find the others by the lines it names."""
    sheet = module.sheet
    routes: list[Route] = [
        ("activities", index, "sources", number, "source")
        for index, activity in enumerate(sheet.content.activities)
        for number, source in enumerate(activity.sources if isinstance(activity, LessonEntry) else ())
        if UNSETTLED.search(source.source) or UNSETTLED.search(source.claim)
    ]
    if routes:
        lines = ", ".join(str(sheet.located.line(*route)) for route in routes)
        what = "1 source is" if len(routes) == 1 else f"{len(routes)} sources are"
        message = f"{what} not yet confirmed or not yet read, in line{'s' * (len(routes) > 1)} {lines}"
        yield _notice(sheet, f"{message}: settle this before the module opens", *routes[0])


def _too_old_to_issue(module: ModuleFolder, today: date) -> Iterator[Problem]:
    last_day = issue_until(module.sheet.content)
    if last_day < today:
        message = (
            f"`timeCritical` names this module, and something in it is more than 60 days overdue: since "
            f"{_day(last_day)} no new badge may be issued for it"
        )
        yield _notice(module.sheet, message, "key")


def _uncovered(folder: ProgrammeFolder) -> Iterator[Problem]:
    criteria = [criterion for module in folder.modules for criterion in module.sheet.content.rubric.criteria]
    competencies = {item for criterion in criteria for item in criterion.competencies}
    items = {item for criterion in criteria for item in criterion.fidelity_items}
    for framework in folder.frameworks:
        for d, domain in enumerate(framework.content.domains):
            for c, competency in enumerate(domain.competencies):
                if competency.id not in competencies:
                    message = f"no criterion of any module credits the competency `{competency.id}`"
                    yield _notice(framework, message, "domains", d, "competencies", c, "id")
    for scale in folder.scales:
        for s, section in enumerate(scale.content.sections):
            for i, item in enumerate(section.items):
                if item.id not in items:
                    whose = "; it is the organisation's own" if item.who == "organisation" else ""
                    message = f"no criterion of any module speaks to the fidelity item `{item.id}`{whose}"
                    yield _notice(scale, message, "sections", s, "items", i, "id")


def _notice(sheet: Sheet[FileModel], message: str, *route: str | int) -> Problem:
    found = sheet.problem(message, *route)
    return Problem(found.file, found.line, found.message, "notice")


def _day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"
