"""What a centre covers, for its manager: by competency and by fidelity item, with names of the own centre only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.core.db import ReadSession
from app.core.text import is_plain_text
from app.pathways import coverage_months, coverage_reading
from app.pathways.coverage import Chosen, CompetencyRow, Coverage, Everywhere, Holder, ItemRow
from app.pathways.suppression import Band
from app.people.errors import CentreNotFound
from app.people.schemas import Centre
from app.programme import service as programme
from app.programme.frameworks import Theme
from app.programme.schemas import Level
from app.web.centre import Manager, own_centres
from app.web.centre_view import Colleague, Result, colleagues
from app.web.dependencies import ReadDb
from app.web.pages import render
from app.web.sessions import LaunchSession

router = APIRouter(prefix="/at/{handle}/centre/{centre_id}", include_in_schema=False)

ORGANISATIONAL = "Needs organisational action – not shown by badges"
NOT_TOLD = "not shown"
FORMULA_SIGNS = "=+-@＝＋－＠"
COLUMNS = (
    "kind", "id", "name", "staff with evidence", "staff in post", "ends within 90 days", "names",
    "all centres with evidence", "all centres in post",
)  # fmt: skip


@dataclass(frozen=True)
class CoveragePage:
    """Context of centre/coverage.html.

    Attributes:
        specialists: of the centre, by name; each with their badges.
        ending: their badges that end within 90 days, the next one first.
        names: of the specialists, by id.
        told: what is told of all centres; None: too few others, or nothing was worked out for these centres.
    """

    centre: Centre
    specialists: tuple[Colleague, ...]
    ending: tuple[tuple[Colleague, Result], ...]
    names: Mapping[str, str] = field(repr=False)
    coverage: Coverage
    told: Everywhere | None
    themes: tuple[Theme, ...]
    chosen: Chosen
    organisational: str = ORGANISATIONAL


@router.get("/coverage")
def coverage_page(
    request: Request, session: Manager, db: ReadDb, centre_id: str, theme: str = "", level: str = "", ending: str = ""
) -> HTMLResponse:
    """Who holds what, what ends soon, and what the centre covers."""
    return render(request, "centre/coverage.html", _page(db, session, centre_id, theme, level, ending))


@router.get("/coverage.csv")
def coverage_table(
    session: Manager, db: ReadDb, centre_id: str, theme: str = "", level: str = "", ending: str = ""
) -> Response:
    """The same as a table for a spreadsheet: a line for each competency and each fidelity item."""
    page = _page(db, session, centre_id, theme, level, ending)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_lines(page))
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    return Response(
        ("\ufeff" + text.getvalue()).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="coverage-{page.centre.key}.csv"'},
    )


def _page(db: ReadSession, session: LaunchSession, centre_id: str, theme: str, level: str, ending: str) -> CoveragePage:
    mine = own_centres(db, session.person_id)
    centre = next((each for each in mine if each.id == centre_id), None)
    if centre is None:
        raise CentreNotFound(
            "You manage no centre at this address.", kept="Nothing was changed.",
            next_step="Open Waymark again from your LMS.",
        )  # fmt: skip
    themes = tuple(each for framework in programme.current_programme(db).frameworks for each in framework.themes)
    chosen = Chosen(
        theme=theme if is_plain_text(theme) and theme in {each.id for each in themes} else "",
        level=cast(Level, level) if level in ("basic", "advanced") else None,
        ending=bool(ending),
    )
    specialists = tuple(each for each in colleagues(db, centre) if each.is_specialist)
    told = coverage_months.of_all(db, [each.id for each in mine])
    soon = [(each, result) for each in specialists for result in each.results if result.is_ending]
    return CoveragePage(
        centre=centre,
        specialists=specialists,
        ending=tuple(sorted(soon, key=lambda pair: (str(pair[1].valid_until), pair[0].name))),
        names={each.person_id: each.name for each in specialists},
        coverage=coverage_reading.of_centre(db, [each.person_id for each in specialists], chosen, told=told),
        told=told,
        themes=themes,
        chosen=chosen,
    )


def _lines(page: CoveragePage) -> Iterator[tuple[object, ...]]:
    for _domain, competencies in page.coverage.domains:
        for row in competencies:
            yield ("competency", row.competency.id, row.competency.name, *_numbers(page, row))
    for _section, items in page.coverage.sections:
        for item in items:
            if item.needs_organisation:
                yield "fidelity item", item.item.id, item.item.name, ORGANISATIONAL, "", "", "", "", ""
            else:
                yield ("fidelity item", item.item.id, item.item.name, *_numbers(page, item))


def _numbers(page: CoveragePage, row: CompetencyRow | ItemRow) -> tuple[object, ...]:
    return (
        len(row.holders),
        page.coverage.staff,
        sum(each.is_ending for each in row.holders),
        "; ".join(_named(page, each) for each in row.holders),
        _band(row.everywhere),
        _band(page.told.staff if page.told else None),
    )


def _named(page: CoveragePage, holder: Holder) -> str:
    return plain_cell(page.names[holder.person_id])


def plain_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula, whatever blanks or wide signs it begins with."""
    shown = " ".join(text.split())
    return f"'{shown}" if shown[:1] and shown[:1] in FORMULA_SIGNS else shown


def _band(band: Band | None) -> str:
    return f"{band.low} to {band.high}" if band else NOT_TOLD
