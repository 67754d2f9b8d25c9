"""What is assessed where: competencies, modules, fidelity items and principles against each other, both ways.

Everything is computed from the catalogue, so no table is kept by hand. A module counts for a competency or an item only
through a criterion of its rubric: naming it in a list is not assessing it. Conditions of a rubric hold an award back
and credit nothing (programme rule on cross-cutting criteria), so they do not count here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.programme.frameworks import Competency, Domain, FidelityItem, Principle, Programme
from app.programme.schemas import Module


@dataclass(frozen=True)
class Assessed:
    """One module that assesses something, and by which criteria of its rubric."""

    module_key: str
    module_title: str
    criteria: tuple[str, ...]


@dataclass(frozen=True)
class CompetencyRow:
    """A competency and everything it is tied to; empty `modules`: no published module assesses it."""

    competency: Competency
    fidelity_items: tuple[FidelityItem, ...]
    principles: tuple[Principle, ...]
    modules: tuple[Assessed, ...]


@dataclass(frozen=True)
class ItemRow:
    """A fidelity item and everything it is tied to."""

    item: FidelityItem
    competencies: tuple[Competency, ...]
    principles: tuple[Principle, ...]
    modules: tuple[Assessed, ...]


@dataclass(frozen=True)
class PrincipleRow:
    """A principle and everything it is tied to."""

    principle: Principle
    competencies: tuple[Competency, ...]
    fidelity_items: tuple[FidelityItem, ...]
    modules: tuple[Assessed, ...]


@dataclass(frozen=True)
class Matrix:
    """The whole catalogue against itself.

    Attributes:
        domains: each domain with its competencies, in order.
        sections: each section of each scale, by name, with its items.
    """

    domains: tuple[tuple[Domain, tuple[CompetencyRow, ...]], ...]
    sections: tuple[tuple[str, tuple[ItemRow, ...]], ...]
    principles: tuple[PrincipleRow, ...]

    @property
    def competencies_assessed(self) -> int:
        """How many competencies at least one criterion credits."""
        return sum(bool(row.modules) for _domain, rows in self.domains for row in rows)

    @property
    def items_assessed(self) -> int:
        """How many fidelity items at least one criterion speaks to."""
        return sum(bool(row.modules) for _name, rows in self.sections for row in rows)


def matrix(programme: Programme, modules: Iterable[Module]) -> Matrix:
    """Lay a programme out.

    Args:
        programme: frameworks, scales and principles.
        modules: the modules to look at, in order.
    """
    known = tuple(modules)
    items = {item.id: item for item in programme.fidelity_items}
    principles = {principle.id: principle for principle in programme.principles}
    by_competency = _assessed(known, "competencies")
    by_item = _assessed(known, "fidelity_items")
    by_principle = _assessed(known, "principles")
    return Matrix(
        domains=tuple(
            (
                domain,
                tuple(
                    CompetencyRow(
                        competency,
                        tuple(items[key] for key in competency.fidelity_items if key in items),
                        tuple(principles[key] for key in competency.principles if key in principles),
                        by_competency.get(competency.id, ()),
                    )
                    for competency in domain.competencies
                ),
            )
            for domain in programme.domains
        ),
        sections=tuple(
            (
                section.name,
                tuple(
                    ItemRow(
                        item,
                        tuple(each for each in programme.competencies if item.id in each.fidelity_items),
                        tuple(each for each in programme.principles if item.id in each.fidelity_items),
                        by_item.get(item.id, ()),
                    )
                    for item in section.items
                ),
            )
            for scale in programme.scales
            for section in scale.sections
        ),
        principles=tuple(
            PrincipleRow(
                principle,
                tuple(each for each in programme.competencies if principle.id in each.principles),
                tuple(items[key] for key in principle.fidelity_items if key in items),
                by_principle.get(principle.id, ()),
            )
            for principle in programme.principles
        ),
    )


def _assessed(modules: tuple[Module, ...], kind: str) -> Mapping[str, tuple[Assessed, ...]]:
    """For each id of one kind that a criterion names: the modules and their criteria."""
    found: dict[str, list[Assessed]] = {}
    for module in modules:
        criteria: dict[str, list[str]] = {}
        for criterion in module.rubric.criteria:
            for each in getattr(criterion, kind):
                criteria.setdefault(each, []).append(criterion.title)
        for each, titles in criteria.items():
            found.setdefault(each, []).append(Assessed(module.key, module.title, tuple(titles)))
    return {key: tuple(each) for key, each in found.items()}
