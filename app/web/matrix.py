"""The matrix: competencies, modules, fidelity items and principles against each other, for people and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.programme import case, service
from app.programme.frameworks import Competency, FidelityItem, Principle, Programme
from app.programme.matrix import Assessed, Matrix, matrix
from app.programme.schemas import CaseKind
from app.web.dependencies import ReadDb
from app.web.documents import READ, respond
from app.web.pages import render

router = APIRouter(include_in_schema=False)

FIVE_MINUTES = "public, max-age=300"
COLUMNS = ("kind", "id", "name", "competencies", "fidelity items", "principles", "modules", "criteria")


@dataclass(frozen=True)
class MatrixPage:
    """Context of catalogue/matrix.html; `path` gives an item's address by kind and id."""

    programme: Programme
    matrix: Matrix
    total_competencies: int
    total_items: int
    published: int
    page_description: str
    path: Callable[[CaseKind, str], str] = case.cf_item_path


@router.api_route("/programme/matrix", methods=READ)
def matrix_page(request: Request, db: ReadDb) -> Response:
    """What is assessed where, both ways."""
    programme = service.current_programme(db)
    modules = service.modules(db)
    page = MatrixPage(
        programme=programme,
        matrix=matrix(programme, modules),
        total_competencies=len(programme.competencies),
        total_items=len(programme.fidelity_items),
        published=len(modules),
        page_description="Which module assesses which competency, fidelity item and principle.",
    )
    html = bytes(render(request, "catalogue/matrix.html", page).body)
    return respond(request, html, "text/html; charset=utf-8", cache=FIVE_MINUTES)


@router.api_route("/programme/matrix.csv", methods=READ)
def matrix_table(request: Request, db: ReadDb) -> Response:
    """The same as a table for a spreadsheet: a line for each competency, item and principle."""
    laid_out = matrix(service.current_programme(db), service.modules(db))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_lines(laid_out))
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    body = ("\ufeff" + text.getvalue()).encode()
    name = {"Content-Disposition": 'attachment; filename="waymark-matrix.csv"'}
    return respond(request, body, "text/csv; charset=utf-8", cache=FIVE_MINUTES, headers=name)


def _lines(laid_out: Matrix) -> Iterator[tuple[str, ...]]:
    for _domain, rows in laid_out.domains:
        for row in rows:
            tied = ("", _ids(row.fidelity_items), _ids(row.principles))
            yield ("competency", row.competency.id, row.competency.name, *tied, *_by(row.modules))
    for _section, items in laid_out.sections:
        for line in items:
            tied = (_ids(line.competencies), "", _ids(line.principles))
            yield ("fidelity item", line.item.id, line.item.name, *tied, *_by(line.modules))
    for each in laid_out.principles:
        tied = (_ids(each.competencies), _ids(each.fidelity_items), "")
        yield ("principle", each.principle.id, each.principle.name, *tied, *_by(each.modules))


def _ids(of: Iterable[Competency | FidelityItem | Principle]) -> str:
    return " ".join(each.id for each in of)


def _by(modules: tuple[Assessed, ...]) -> tuple[str, str]:
    criteria = "; ".join(f"{each.module_key}: {title}" for each in modules for title in each.criteria)
    return " ".join(each.module_key for each in modules), criteria
