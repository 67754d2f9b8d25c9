"""What a centre's specialists have shown, competency by competency and fidelity item by fidelity item.

Pure. A badge says what a person can do and never how a service would score: nothing here is added up into one, and
nobody is put before anybody else. Of other centres there are only counts that `suppression` lets through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.issuer.judged import JudgedBadge
from app.pathways.competencies import ENDS_SOON, Catalogue, successors
from app.pathways.suppression import BAND, Band, Holding, band_of, publish
from app.programme.frameworks import Competency, Domain, FidelityItem, FidelityScale
from app.programme.schemas import Level

FEWEST_CENTRES: Final = 3
"""So many other centres have specialists in post, or nothing is told of them: fewer would be a look at one of them."""


@dataclass(frozen=True)
class Chosen:
    """What is looked at; what is empty narrows nothing.

    Attributes:
        theme: id of a training theme of the frameworks.
        level: of the competencies.
        ending: only evidence that ends within 90 days.
    """

    theme: str = ""
    level: Level | None = None
    ending: bool = False

    def takes(self, competency: Competency) -> bool:
        """Whether a competency is looked at."""
        return (not self.theme or self.theme in competency.themes) and self.level in (None, competency.level)


@dataclass(frozen=True)
class Member:
    """A specialist in post.

    Attributes:
        shown: for each competency that a badge in force shows, until when one does; None: without an end.
    """

    person_id: str
    shown: Mapping[str, datetime | None]


@dataclass(frozen=True)
class Holder:
    """A specialist with evidence, and until when it lasts."""

    person_id: str
    until: datetime | None
    is_ending: bool


@dataclass(frozen=True)
class CompetencyRow:
    """A competency: who of the centre has shown it, and what is told of all centres."""

    competency: Competency
    holders: tuple[Holder, ...]
    everywhere: Band | None


@dataclass(frozen=True)
class ItemRow:
    """A fidelity item: who has evidence for a competency that is mapped to it.

    Attributes:
        needs_organisation: no badge shows it: the organisation has to act.
    """

    item: FidelityItem
    holders: tuple[Holder, ...]
    everywhere: Band | None
    needs_organisation: bool


@dataclass(frozen=True)
class Everywhere:
    """What is told of all centres together, the reader's own among them.

    Attributes:
        at: the moment it is told of.
        staff: how many specialists were in post. A range as well: beside the exact number of the month before it would
            say what the one who came meanwhile holds.
        bands: by id of a competency or an item; an id that is not here is not told.
    """

    at: datetime
    staff: Band
    bands: Mapping[str, Band]


@dataclass(frozen=True)
class Coverage:
    """A centre at a moment; `staff` is how many specialists are in post."""

    at: datetime
    staff: int
    domains: tuple[tuple[Domain, tuple[CompetencyRow, ...]], ...]
    sections: tuple[tuple[str, tuple[ItemRow, ...]], ...]


def member(catalogue: Catalogue, person_id: str, badges: Iterable[JudgedBadge], at: datetime) -> Member:
    """What a specialist's badges show at a moment.

    Args:
        catalogue: by which the badges are read.
        person_id: whose they are.
        badges: in every state.
        at: the moment.
    """
    called = successors(catalogue)
    shown: dict[str, datetime | None] = {}
    for badge in badges:
        assessment = catalogue.assessed.get((badge.achievement_key, badge.achievement_version))
        if assessment is None or not badge.counts_at(at):
            continue
        for code in assessment.criteria:
            today = called.get(code, code)
            shown[today] = _later(shown[today], badge.valid_until) if today in shown else badge.valid_until
    return Member(person_id, shown)


def coverage(
    catalogue: Catalogue, scales: Iterable[FidelityScale], members: Sequence[Member], chosen: Chosen,
    everywhere: Everywhere | None, at: datetime,
) -> Coverage:  # fmt: skip
    """Lay out what a centre covers.

    Args:
        catalogue: the frameworks in force.
        scales: whose items are rows.
        members: the centre's specialists in post, in the order in which they are named.
        chosen: narrows the competencies, and the evidence; never what is told of all centres.
        everywhere: what is told of all centres; None where nothing is.
        at: the moment.
    """
    told = everywhere.bands if everywhere else {}
    looked_at = [each for each in _competencies(catalogue) if chosen.takes(each)]
    wanted = {each.id for each in looked_at}
    domains = tuple(
        (
            domain,
            tuple(
                CompetencyRow(each, _holders(members, {each.id}, chosen, at), told.get(each.id))
                for each in domain.competencies
                if each.id in wanted
            ),
        )
        for framework in catalogue.current
        for domain in framework.domains
    )

    def row(item: FidelityItem) -> ItemRow:
        if item.who == "organisation":
            return ItemRow(item, (), None, needs_organisation=True)
        mapped = {each.id for each in looked_at if item.id in each.fidelity_items}
        return ItemRow(item, _holders(members, mapped, chosen, at), told.get(item.id), needs_organisation=False)

    return Coverage(
        at=at,
        staff=len(members),
        domains=tuple((domain, rows) for domain, rows in domains if rows),
        sections=tuple(
            (section.name, tuple(map(row, section.items))) for scale in scales for section in scale.sections
        ),
    )


def everywhere(
    catalogue: Catalogue, scales: Iterable[FidelityScale], known: Sequence[Holding], others: Sequence[Holding],
    at: datetime,
) -> Everywhere | None:  # fmt: skip
    """What may be told of all centres to somebody who knows some of the people; None if the others are fewer than five.

    Args:
        catalogue: the frameworks, and what badges of each version assess.
        scales: whose items are rows.
        known: what those hold whom the reader knows, as `holding` names it.
        others: what everybody else holds.
        at: the moment it is told of.
    """
    if len(others) < BAND:
        return None
    called = successors(catalogue)
    things: dict[str, set[str]] = {}
    for (key, version), assessment in catalogue.assessed.items():
        for code in assessment.criteria:
            things.setdefault(called.get(code, code), set()).add(_thing(key, version))
    rows = {each.id: things.get(each.id, set()) for each in _competencies(catalogue)}
    for item in (item for scale in scales for section in scale.sections for item in section.items):
        if item.who != "organisation":
            mapped = (each.id for each in _competencies(catalogue) if item.id in each.fidelity_items)
            rows[item.id] = {thing for code in mapped for thing in things.get(code, ())}
    bands = publish(known, others, list(rows.values()))
    told = {name: band for name, band in zip(rows, bands, strict=True) if band is not None}
    return Everywhere(at, band_of(len(known) + len(others)), told)


def holding(badges: Iterable[JudgedBadge], at: datetime) -> Holding:
    """What somebody held at a moment, for `everywhere`."""
    return frozenset(_thing(each.achievement_key, each.achievement_version) for each in badges if each.counts_at(at))


def _thing(key: str, version: int) -> str:
    return f"{key} v{version}"


def _competencies(catalogue: Catalogue) -> list[Competency]:
    return [each for framework in catalogue.current for domain in framework.domains for each in domain.competencies]


def _holders(members: Iterable[Member], codes: set[str], chosen: Chosen, at: datetime) -> tuple[Holder, ...]:
    found = []
    for each in members:
        ends = [each.shown[code] for code in codes if code in each.shown]
        if ends:
            until = None if None in ends else max(end for end in ends if end is not None)
            is_ending = until is not None and until <= at + ENDS_SOON
            if is_ending or not chosen.ending:
                found.append(Holder(each.person_id, until, is_ending))
    return tuple(found)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)
