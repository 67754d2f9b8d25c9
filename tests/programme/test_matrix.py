"""What is assessed where: computed from the catalogue, the same whichever way one reads it."""

from __future__ import annotations

from pathlib import Path

from app.programme.frameworks import Programme
from app.programme.matrix import Matrix, matrix
from app.programme.readings import read

IPS = Path(__file__).resolve().parents[2] / "programme" / "ips"


def _whole() -> tuple[Programme, Matrix]:
    """The programme with its drafts, as it will be."""
    reading = read(IPS)
    return reading.programme, matrix(reading.programme, (*reading.programme.modules, *reading.drafts))


def test_every_competency_and_every_item_has_its_row(ips: Programme) -> None:
    laid_out = matrix(ips, ips.modules)
    assert [row.competency for _domain, rows in laid_out.domains for row in rows] == list(ips.competencies)
    assert [row.item for _name, rows in laid_out.sections for row in rows] == list(ips.fidelity_items)
    assert [row.principle for row in laid_out.principles] == list(ips.principles)


def test_a_module_counts_through_its_criteria_only(ips: Programme) -> None:
    laid_out = matrix(ips, ips.modules[:1])
    rows = {row.competency.id: row for _domain, found in laid_out.domains for row in found}
    (seen,) = rows["IPSV-A2"].modules
    assert (seen.module_key, seen.criteria) == ("M01", ("Seeing gates",))
    # M01 may hold an award back for privacy; it does not credit it.
    assert rows["IPSV-G3"].modules == ()


def test_both_ways_tell_the_same() -> None:
    _programme, laid_out = _whole()
    there = {
        (row.competency.id, item.id)
        for _domain, rows in laid_out.domains
        for row in rows
        for item in row.fidelity_items
    }
    back = {
        (competency.id, row.item.id)
        for _name, rows in laid_out.sections
        for row in rows
        for competency in row.competencies
    }
    assert there == back
    assert there


def test_every_competency_is_assessed_by_the_whole_programme() -> None:
    programme, laid_out = _whole()
    assert [row.competency.id for _domain, rows in laid_out.domains for row in rows if not row.modules] == []
    assert laid_out.competencies_assessed == len(programme.competencies)


def test_a_programme_without_modules_is_told_as_such(ips: Programme) -> None:
    laid_out = matrix(ips, ())
    assert (laid_out.competencies_assessed, laid_out.items_assessed) == (0, 0)
