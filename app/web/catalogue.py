"""The public catalogue: the programme and its modules for people; achievements and CASE items for both.

Nothing here knows who is asking. Every document may be kept by caches and read by pages of other sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.issuer import documents as issuer_documents
from app.issuer import pictures
from app.programme import case, service, stacks
from app.programme.achievements import LESSONS_LEFT_OUT, achievement_path, assessment_narrative, duration
from app.programme.case import CaseItem
from app.programme.errors import ItemUnknown, ModuleUnknown
from app.programme.frameworks import Competency, FidelityItem, Framework, Programme
from app.programme.schemas import AchievementInfo, Module
from app.vc import json_text
from app.web.dependencies import App, ReadDb
from app.web.documents import AN_HOUR, READ, negotiate, respond
from app.web.pages import render
from app.web.path_numbers import register_path_numbers

register_path_numbers()
router = APIRouter(include_in_schema=False)

FIVE_MINUTES = "public, max-age=300"
A_DAY = "public, max-age=86400"
UNCHANGING = "public, max-age=31536000, immutable"
VARIES = {"Vary": "Accept"}
WHO_WORDS = {
    "specialist": "shown by a specialist's own practice",
    "organisation": "owned by the organisation",
    "both": "shown by the specialist and the organisation together",
}
KIND_WORDS = {"lesson": "Lesson", "knowledge_check": "Knowledge check", "exercise": "Workplace exercise",
              "reflection": "Reflection", "observation": "Observation", "attendance": "Session to attend"}  # fmt: skip


@dataclass(frozen=True)
class CataloguePage:
    """Context of catalogue/programme.html."""

    programme: Programme
    modules: tuple[Module, ...]
    pathways: tuple[PathwayMark, ...]
    document_path: str
    page_description: str


@dataclass(frozen=True)
class PathwayMark:
    """A pathway in one picture; `image` is the address of its badge's medallion."""

    key: str
    title: str
    image: str


@dataclass(frozen=True)
class RubricCell:
    """One level of one criterion, as `ui.rubric_table` wants it."""

    number: int
    name: str
    text: str


@dataclass(frozen=True)
class RubricRow:
    """One criterion, as `ui.rubric_table` wants it."""

    key: str
    title: str
    levels: tuple[RubricCell, ...]
    maps: str
    conditions: str


@dataclass(frozen=True)
class StepLine:
    """One step of a module in words."""

    kind: str
    title: str
    effort: str


@dataclass(frozen=True)
class ModulePage:
    """Context of catalogue/module.html.

    `assessed` is how it is assessed, in Markdown; the page tells the rest of the badge's criteria in places of its own.
    """

    module: Module
    steps: tuple[StepLine, ...]
    rubric: tuple[RubricRow, ...]
    competencies: tuple[tuple[Competency, str], ...]
    fidelity_items: tuple[tuple[FidelityItem, str, str], ...]
    achievement: AchievementInfo
    assessed: str
    lessons_left_out: str
    validity: str
    issuer: tuple[str, str]
    page_description: str


@dataclass(frozen=True)
class AchievementPage:
    """Context of catalogue/achievement.html; `home` is where one learns how to get there: in words, and its address."""

    achievement: AchievementInfo
    rubric: tuple[RubricRow, ...]
    validity: str
    issuer: tuple[str, str]
    current: bool
    home: tuple[str, str]
    page_description: str


@dataclass(frozen=True)
class ItemPage:
    """Context of catalogue/item.html; `related` holds names and addresses."""

    item: CaseItem
    kind: str
    programme: Programme
    document_path: str
    parent: tuple[str, str] | None
    related: tuple[tuple[str, str], ...]
    modules: tuple[Module, ...]
    page_description: str


@dataclass(frozen=True)
class DocumentPage:
    """Context of catalogue/document.html: frameworks with their competencies, then the other items by kind."""

    programme: Programme
    frameworks: tuple[tuple[Framework, tuple[tuple[str, tuple[CaseItem, ...]], ...]], ...]
    others: tuple[tuple[str, tuple[CaseItem, ...]], ...]
    identifier: str
    page_description: str


@router.api_route("/programme", methods=READ)
def programme_page(request: Request, db: ReadDb) -> Response:
    """The catalogue: what there is to learn and what each badge stands for."""
    programme = service.current_programme(db)
    page = CataloguePage(
        programme, service.modules(db), _pathway_marks(db), _document_path(programme), programme.summary
    )
    return _page(request, "catalogue/programme.html", page)


@router.api_route("/programme/{key}/{version:number}.json", methods=READ)
def programme_file(request: Request, key: str, version: int, db: ReadDb) -> Response:
    """Frameworks, scales and principles at one version: the same bytes for good."""
    return respond(request, service.programme_bytes(db, key, version), "application/json", cache=UNCHANGING)


@router.api_route("/programme/pathways/{key}/{version:number}.json", methods=READ)
def pathway_file(request: Request, key: str, version: int, db: ReadDb) -> Response:
    """A pathway's rule at one version: the same bytes for good, by whose digest badges name it."""
    return respond(request, stacks.pathway_bytes(db, key, version), "application/json", cache=UNCHANGING)


@router.api_route("/programme/modules/{key}", methods=READ)
def module_page(request: Request, key: str, db: ReadDb) -> Response:
    """One module: outcomes, effort, how it is judged, and what to know before choosing it."""
    module = service.current_module(db, key)
    programme = service.current_programme(db)
    items = tuple(service.fidelity_item(db, item_id) for item_id in module.fidelity_items)
    page = ModulePage(
        module=module,
        steps=tuple(StepLine(KIND_WORDS[a.kind], a.title, effort(a.minutes)) for a in module.activities),
        rubric=rubric_rows(module),
        competencies=tuple(
            (service.competency(db, item_id), case.cf_item_path("competency", item_id))
            for item_id in module.competencies
        ),
        fidelity_items=tuple(
            (item, case.cf_item_path("fidelity_item", item.id), WHO_WORDS[item.who]) for item in items
        ),
        achievement=service.achievement(db, module.key, module.version),
        assessed=assessment_narrative(module, programme.issuer.name),
        lessons_left_out=LESSONS_LEFT_OUT,
        validity=duration(module.validity_months),
        issuer=_issuer(programme),
        page_description=module.summary,
    )
    return _page(request, "catalogue/module.html", page)


@router.api_route("/achievements/{key}/v{version:number}", methods=READ)
def achievement(request: Request, key: str, version: int, db: ReadDb, runtime: App) -> Response:
    """What a badge stands for: the page for a browser, the Achievement for everybody else."""
    if not _wants_page(request):
        return _achievement_json(request, key, version, db, runtime)
    info = service.achievement(db, key, version)
    page = AchievementPage(
        achievement=info,
        rubric=rubric_rows(info),
        validity=duration(info.validity_months),
        issuer=_issuer(service.current_programme(db)),
        current=service.current_achievement(db, key).version == version,
        home=("the pathway", f"/programme/pathways#{key}")
        if info.level == "stack"
        else ("the module", f"/programme/modules/{key}"),
        page_description=info.description,
    )
    return _page(request, "catalogue/achievement.html", page)


@router.api_route("/achievements/{key}/v{version:number}.{suffix}", methods=READ)
def achievement_file(request: Request, key: str, version: int, suffix: str, db: ReadDb, runtime: App) -> Response:
    """The Achievement document, or its picture."""
    if suffix == "json":
        return _achievement_json(request, key, version, db, runtime)
    info = service.achievement(db, key, version)
    if suffix == "svg":
        return respond(request, pictures.achievement_svg(info), "image/svg+xml", cache=A_DAY)
    if suffix == "png":
        return respond(request, pictures.achievement_png(info), "image/png", cache=A_DAY)
    raise ModuleUnknown("An achievement is served as .json, .svg or .png.")


@router.api_route("/ims/case/v1p1/CFItems/{identifier:uuid}", methods=READ)
def case_item(request: Request, identifier: UUID, db: ReadDb, runtime: App) -> Response:
    """A competency, domain, fidelity item or principle as a CASE CFItem, or as a page."""
    programme, item = service.case_item_by_uuid(db, str(identifier))
    if not _wants_page(request):
        return _json(request, case.cf_item(programme, item, runtime.settings.base_url))
    names = {(other.kind, other.id): other.name for other in case.case_items(programme)}
    parent = item.parent and (names[item.parent], case.cf_item_path(*item.parent))
    page = ItemPage(
        item=item,
        kind=case.TYPE_NAMES[item.kind],
        programme=programme,
        document_path=_document_path(programme),
        parent=parent,
        related=tuple((f"{key[1]} {names[key]}", case.cf_item_path(*key)) for key in item.related),
        modules=tuple(
            module for module in service.modules(db) if item.id in (*module.competencies, *module.fidelity_items)
        ),
        page_description=item.statement,
    )
    return _page(request, "catalogue/item.html", page)


@router.api_route("/ims/case/v1p1/CFDocuments/{identifier:uuid}", methods=READ)
def case_document(request: Request, identifier: UUID, db: ReadDb, runtime: App) -> Response:
    """The programme's competencies, items and principles as one CASE CFDocument, or as a page."""
    programme = _programme_of(db, identifier)
    if not _wants_page(request):
        return _json(request, case.cf_document(programme, runtime.settings.base_url))
    items = tuple(case.case_items(programme))
    others: list[tuple[str, tuple[CaseItem, ...]]] = [
        (title, tuple(item for item in items if item.kind == kind))
        for title, kind in (
            ("Fidelity items", "fidelity_item"),
            ("Principles", "principle"),
            ("Youth practice elements", "practice_element"),
        )
    ]
    page = DocumentPage(
        programme=programme,
        frameworks=tuple((framework, _by_domain(framework, items)) for framework in programme.frameworks),
        others=tuple(others),
        identifier=str(identifier),
        page_description=programme.summary,
    )
    return _page(request, "catalogue/document.html", page)


@router.api_route("/ims/case/v1p1/CFPackages/{identifier:uuid}", methods=READ)
def case_package(request: Request, identifier: UUID, db: ReadDb, runtime: App) -> Response:
    """The document with all its items and associations, for import into another system."""
    return _json(request, case.cf_package(_programme_of(db, identifier), runtime.settings.base_url))


@router.api_route("/ims/case/v1p1/CFAssociations/{identifier:uuid}", methods=READ)
def case_association(request: Request, identifier: UUID, db: ReadDb, runtime: App) -> Response:
    """How two items belong together."""
    package = case.cf_package(service.current_programme(db), runtime.settings.base_url)
    for association in package["CFAssociations"]:
        if association["identifier"] == str(identifier):
            return _json(request, association)
    raise ItemUnknown("This programme has no such association.")


def _document_path(programme: Programme) -> str:
    return f"{case.DOCUMENT_PATH}{case.cf_document_uuid(programme.key)}"


def _pathway_marks(db: ReadDb) -> tuple[PathwayMark, ...]:
    return tuple(
        PathwayMark(each.key, each.title, f"{service.current_achievement(db, each.ends_in).path}.svg")
        for each in stacks.pathways(db)
    )


def _by_domain(framework: Framework, items: tuple[CaseItem, ...]) -> tuple[tuple[str, tuple[CaseItem, ...]], ...]:
    return tuple(
        (domain.name, tuple(item for item in items if item.parent == ("domain", domain.id)))
        for domain in framework.domains
    )


def _programme_of(db: ReadDb, identifier: UUID) -> Programme:
    programme = service.current_programme(db)
    if case.cf_document_uuid(programme.key) != identifier:
        raise ItemUnknown("There is no such document.")
    return programme


def _wants_page(request: Request) -> bool:
    """Whether a browser asks: only who names HTML gets it, because these addresses stand in badges for machines."""
    accept = request.headers.get("accept", "")
    return "html" in accept and negotiate(accept) == "html"


def _page(request: Request, template: str, context: object) -> Response:
    html = bytes(render(request, template, context).body)
    return respond(request, html, "text/html; charset=utf-8", cache=FIVE_MINUTES, headers=VARIES)


def _json(request: Request, document: dict[str, Any]) -> Response:
    return respond(request, json_text.dumps(document), "application/json", cache=AN_HOUR, headers=VARIES)


def _achievement_json(request: Request, key: str, version: int, db: ReadDb, runtime: App) -> Response:
    document = issuer_documents.achievement_json(db, runtime.settings.base_url, key, version)
    headers = {**VARIES, "Link": f'<{runtime.settings.base_url}{achievement_path(key, version)}>; rel="canonical"'}
    return respond(request, json_text.dumps(document), "application/ld+json", cache=AN_HOUR, headers=headers)


def _issuer(programme: Programme) -> tuple[str, str]:
    return programme.issuer.name, f"/issuers/{programme.issuer.key}"


def rubric_rows(of: Module | AchievementInfo) -> tuple[RubricRow, ...]:
    """The rubric of a module or an achievement as `ui.rubric_table` wants it."""
    return tuple(
        RubricRow(
            key=criterion.key,
            title=criterion.title,
            levels=tuple(RubricCell(level.level, level.name, level.description) for level in criterion.levels),
            maps=", ".join(
                filter(None, (*criterion.competencies, *criterion.fidelity_items, criterion.maps_note or ""))
            ),
            conditions=", ".join(criterion.conditions),
        )
        for criterion in of.rubric.criteria
    )


def effort(minutes: int) -> str:
    """Minutes in words: `30 min`, `1 h`, `1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{rest} min" if rest else "")))
