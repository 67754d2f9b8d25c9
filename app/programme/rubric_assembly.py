"""From a rubric in an author's file to the catalogue's."""

from __future__ import annotations

from app.programme import schemas
from app.programme.module_parts import CriterionEntry, RubricEntry


def rubric(entry: RubricEntry) -> schemas.Rubric:
    """The rubric a file describes; the check counts its levels, a preview shows those that are there."""
    return schemas.Rubric(
        version=entry.version, criteria=tuple(_criterion(each, entry.levels) for each in entry.criteria)
    )


def _criterion(entry: CriterionEntry, level_names: list[str]) -> schemas.Criterion:
    pairs = zip(level_names, entry.levels, strict=False)
    return schemas.Criterion(
        key=entry.key,
        title=entry.title,
        competencies=tuple(entry.competencies),
        fidelity_items=tuple(entry.fidelity_items),
        principles=tuple(entry.principles),
        levels=tuple(schemas.RubricLevel(n, name, text) for n, (name, text) in enumerate(pairs, start=1)),
        conditions=tuple(entry.conditions),
        maps_note=entry.maps_note,
        youth_elements=tuple(entry.youth_elements),
    )
