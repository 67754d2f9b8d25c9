"""The pathways: which ways there are through the programme, what each asks for, and what is at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.core.db import ReadSession
from app.programme import pathway_words, service, stacks
from app.programme.achievements import duration
from app.programme.pathway_words import StepWords
from app.programme.pathways import Pathway
from app.programme.schemas import AchievementInfo, CriticalInformation
from app.web import pathway_view
from app.web.dependencies import ReadDb
from app.web.documents import READ, respond
from app.web.pages import render
from app.web.pathway_map import Sheet, sheet, sheets
from app.web.pathway_stops import Way
from app.web.pathway_view import Catalogue

router = APIRouter(include_in_schema=False)

FIVE_MINUTES = "public, max-age=300"


@dataclass(frozen=True)
class BadgeLink:
    """A badge that a step speaks of; `href` is where one learns of it."""

    key: str
    name: str
    href: str


@dataclass(frozen=True)
class ShownStep:
    """One step in words, with links; `parts` is what there is to choose from."""

    text: str
    badges: tuple[BadgeLink, ...]
    parts: tuple[ShownStep, ...]
    note: str


@dataclass(frozen=True)
class ShownPathway:
    """One pathway: `end` is the badge at its end, `module` the work that leads there where it is a module's.

    `about` is what to know before choosing it; of a module's badge that stands on the module's page.
    """

    key: str
    title: str
    summary: str
    hours: str
    validity: str
    end: AchievementInfo
    module: BadgeLink | None
    steps: tuple[ShownStep, ...]
    about: CriticalInformation | None


@dataclass(frozen=True)
class PathwaysPage:
    """Context of catalogue/pathways.html."""

    basic: tuple[ShownPathway, ...]
    advanced: tuple[ShownPathway, ...]
    sheets: tuple[Sheet, ...]
    page_description: str


@dataclass(frozen=True)
class PathwayPage:
    """Context of catalogue/pathway.html."""

    shown: ShownPathway
    way: Way
    sheet: Sheet
    page_description: str


@router.api_route("/programme/pathways", methods=READ)
def pathways_page(request: Request, db: ReadDb) -> Response:
    """The list of all pathways."""
    service.current_programme(db)  # where none is loaded, the page says so
    known = {each.key: each for each in service.current_achievements(db)}
    found = stacks.pathways(db)
    shown = tuple(_shown(db, pathway, known) for pathway in found)
    levels = {pathway.key: pathway.level for pathway in found}
    page = PathwaysPage(
        basic=tuple(each for each in shown if levels[each.key] == "basic"),
        advanced=tuple(each for each in shown if levels[each.key] == "advanced"),
        sheets=sheets(pathway_view.ways(Catalogue(found, known), None)),
        page_description="From the first module to the advanced roles: what each pathway asks for and leads to.",
    )
    html = bytes(render(request, "catalogue/pathways.html", page).body)
    return respond(request, html, "text/html; charset=utf-8", cache=FIVE_MINUTES)


@router.api_route("/programme/pathways/{key}", methods=READ)
def pathway_page(request: Request, key: str, db: ReadDb) -> Response:
    """One pathway: its map, and every step of it."""
    pathway = stacks.current_pathway(db, key)
    known = {each.key: each for each in service.current_achievements(db)}
    way = pathway_view.way(Catalogue(stacks.pathways(db), known), pathway, None)
    page = PathwayPage(_shown(db, pathway, known), way, sheet(way), pathway.summary)
    html = bytes(render(request, "catalogue/pathway.html", page).body)
    return respond(request, html, "text/html; charset=utf-8", cache=FIVE_MINUTES)


def _shown(db: ReadSession, pathway: Pathway, known: Mapping[str, AchievementInfo]) -> ShownPathway:
    end = known.get(pathway.ends_in) or service.current_achievement(db, pathway.ends_in)
    below = "the badges below it included" if pathway.achievement else "on top of what it stands on"
    return ShownPathway(
        key=pathway.key,
        title=pathway.title,
        summary=pathway.summary,
        hours=f"About {end.hours} hours, {below}",
        validity=duration(end.validity_months),
        end=end,
        module=_link(pathway.leads_to, known) if pathway.leads_to else None,
        steps=tuple(_step(step, known) for step in pathway_words.steps(pathway.rule)),
        about=pathway.achievement.critical_information if pathway.achievement else None,
    )


def _step(step: StepWords, known: Mapping[str, AchievementInfo]) -> ShownStep:
    return ShownStep(
        text=step.text[:1].upper() + step.text[1:],
        badges=tuple(_link(key, known) for key in step.badges),
        parts=tuple(_step(part, known) for part in step.parts),
        note=step.note,
    )


def _link(key: str, known: Mapping[str, AchievementInfo]) -> BadgeLink:
    info = known.get(key)
    return BadgeLink(key, info.name if info else key, page_of(key))


def page_of(key: str) -> str:
    """Where one learns of a badge before one has it: a module's page, or its pathway on the list."""
    return f"/programme/pathways#{key}" if stacks.is_pathway_key(key) else f"/programme/modules/{key}"
