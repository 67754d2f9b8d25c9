"""What somebody has shown of the competencies, by which badge and when, what is missing, and what is worded anew since.

Pure: the catalogue and the badges go in. A badge counts for a competency only where a criterion of its rubric assesses
it; badges for taking part, and awards, count for none. Nothing that was shown is taken away by a new wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from app.issuer.judged import JudgedBadge
from app.programme.frameworks import Competency, Domain, Framework
from app.programme.pathways import Pathway, conversation
from app.programme.pins import PinnedFramework, Wording
from app.programme.schemas import Level, Module, Rubric

BadgeState = Literal["current", "ending", "expired", "suspended", "revoked"]
CellState = Literal["shown", "ending", "lapsed", "open", "not_offered"]

ENDS_SOON: Final = timedelta(days=90)
NO_COMPETENCE: Final = frozenset({"Badge", "CoCurricular", "Award"})  # for taking part, and recognition
LEVELS: Final[tuple[Level, ...]] = ("basic", "advanced")
_NEAREST: Final[tuple[BadgeState, ...]] = ("current", "ending", "suspended", "expired", "revoked")


@dataclass(frozen=True)
class Assessment:
    """What a badge of an achievement, at one version, shows.

    Attributes:
        criteria: for each competency the keys of the criteria that assess it.
        level_names: of the rubric's levels, 1 to 4.
    """

    key: str
    version: int
    title: str
    level: Level
    criteria: Mapping[str, tuple[str, ...]]
    level_names: Mapping[int, str]


@dataclass(frozen=True)
class Catalogue:
    """What profiles are laid out by.

    Attributes:
        current: the frameworks in force.
        known: every framework that is or was in force, the newest first.
        offered: the achievements in the versions that are awarded now.
        assessed: the same in every version that a badge is of, by key and version.
    """

    current: tuple[Framework, ...]
    known: tuple[PinnedFramework, ...]
    offered: tuple[Assessment, ...]
    assessed: Mapping[tuple[str, int], Assessment]


@dataclass(frozen=True)
class Shown:
    """One badge that shows, or showed, one competency.

    Attributes:
        level: the lowest of the levels reached in the criteria that assess it; None where no results were given.
        was: the competency as it was worded when the badge was issued.
        since_reworded: whether it is worded otherwise now, or is no more.
    """

    badge: JudgedBadge
    assessment: Assessment
    state: BadgeState
    level: int | None
    was: Wording
    since_reworded: bool

    @property
    def level_name(self) -> str | None:
        """The level in the rubric's words."""
        return self.assessment.level_names.get(self.level) if self.level is not None else None

    @property
    def counts(self) -> bool:
        """Whether the badge is in force."""
        return self.state in ("current", "ending")


@dataclass(frozen=True)
class Cell:
    """One competency at one level.

    Attributes:
        state: `open`: nothing shows it yet; `lapsed`: a badge did; `not_offered`: no achievement of this level does.
        shown: the badges, those in force first, of these the one that lasts longest.
        by: what would show it, as it is offered now.
    """

    level: Level
    state: CellState
    shown: tuple[Shown, ...]
    by: tuple[Assessment, ...]

    @property
    def best(self) -> Shown | None:
        """The badge that stands for the cell."""
        return self.shown[0] if self.shown else None


@dataclass(frozen=True)
class Line:
    """One competency as it is worded now."""

    competency: Competency
    now: Wording
    cells: tuple[Cell, ...]

    @property
    def drift(self) -> tuple[Shown, ...]:
        """The badges in force that were judged by another wording."""
        return tuple(each for cell in self.cells for each in cell.shown if each.since_reworded and each.counts)

    @property
    def is_shown(self) -> bool:
        """Whether a badge in force shows it, of whichever level."""
        return any(cell.state in ("shown", "ending") for cell in self.cells)


@dataclass(frozen=True)
class Profile:
    """A person's competencies at a moment.

    Attributes:
        domains: every domain of the frameworks in force with its competencies, in order.
        earlier: what badges show that no framework in force has any more, under this or another id.
    """

    at: datetime
    domains: tuple[tuple[Domain, tuple[Line, ...]], ...]
    earlier: tuple[Shown, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """All competencies in force."""
        return tuple(line for _domain, lines in self.domains for line in lines)

    @property
    def shown(self) -> int:
        """How many of them a badge in force shows."""
        return sum(line.is_shown for line in self.lines)


def of_module(module: Module) -> Assessment:
    """What a module's badge shows."""
    counts = module.achievement_type not in NO_COMPETENCE
    return _assessment(module.key, module.version, module.title, module.level, module.rubric if counts else None)


def of_pathway(pathway: Pathway) -> Assessment:
    """What the badge at a pathway's end shows of itself: what its conversation assesses. The badges below show more."""
    talk = conversation(pathway)
    counts = pathway.achievement is not None and pathway.achievement.achievement_type not in NO_COMPETENCE
    title = pathway.achievement.name if pathway.achievement else pathway.title
    rubric = talk.rubric if talk and counts else None
    return _assessment(pathway.key, pathway.version, title, pathway.level, rubric)


def state_of(badge: JudgedBadge, at: datetime) -> BadgeState:
    """How a badge stands at a moment."""
    if badge.revoked_at is not None:
        return "revoked"
    if badge.suspended_at is not None:
        return "suspended"
    if badge.valid_until is None:
        return "current"
    if badge.valid_until <= at:
        return "expired"
    return "ending" if badge.valid_until <= at + ENDS_SOON else "current"


def successors(catalogue: Catalogue) -> Mapping[str, str]:
    """Ids that are no more, each with the id in force that has taken its place."""
    following = {
        earlier: wording.competency.id
        for framework in reversed(catalogue.known)  # so that the newest word holds
        for wording in framework.wordings.values()
        for earlier in wording.competency.replaces
    }
    current = {each.id for each in _competencies(catalogue.current)}
    found: dict[str, str] = {}
    for first in following:
        at, seen = first, {first}
        while at not in current and at in following and following[at] not in seen:
            at = following[at]
            seen.add(at)
        if first not in current and at in current:
            found[first] = at
    return found


def profile(catalogue: Catalogue, badges: Iterable[JudgedBadge], at: datetime) -> Profile:
    """Lay out what a person's badges show.

    Args:
        catalogue: the frameworks, what is offered, and what the badges assess.
        badges: of one person, in every state.
        at: the moment.
    """
    now_called = successors(catalogue)
    wordings = _current_wordings(catalogue)
    shown: dict[tuple[str, Level], list[Shown]] = {}
    earlier: list[Shown] = []
    for badge in badges:
        assessment = catalogue.assessed.get((badge.achievement_key, badge.achievement_version))
        for code in assessment.criteria if assessment else ():
            was = _wording(catalogue, badge, code)
            if assessment is None or was is None:
                continue
            today = now_called.get(code, code)
            now = wordings.get(today)
            each = Shown(
                badge=badge,
                assessment=assessment,
                state=state_of(badge, at),
                level=_level(badge, assessment.criteria[code]),
                was=was,
                since_reworded=now is None or now.digest != was.digest,
            )
            if now is None:
                earlier.append(each)
            else:
                shown.setdefault((today, assessment.level), []).append(each)
    domains = tuple(
        (
            domain,
            tuple(
                Line(each, wordings[each.id], tuple(_cell(catalogue, each.id, level, shown) for level in LEVELS))
                for each in domain.competencies
            ),
        )
        for framework in catalogue.current
        for domain in framework.domains
    )
    return Profile(at, domains, tuple(sorted(earlier, key=_order)))


def _assessment(key: str, version: int, title: str, level: Level, rubric: Rubric | None) -> Assessment:
    criteria: dict[str, tuple[str, ...]] = {}
    for criterion in rubric.criteria if rubric else ():
        for code in criterion.competencies:
            criteria[code] = (*criteria.get(code, ()), criterion.key)
    levels = rubric.criteria[0].levels if rubric and rubric.criteria else ()
    return Assessment(key, version, title, level, criteria, {each.level: each.name for each in levels})


def _competencies(frameworks: Iterable[Framework]) -> tuple[Competency, ...]:
    return tuple(each for framework in frameworks for domain in framework.domains for each in domain.competencies)


def _current_wordings(catalogue: Catalogue) -> dict[str, Wording]:
    """Of each competency in force its newest wording."""
    found: dict[str, Wording] = {}
    for framework in catalogue.known:
        for code, wording in framework.wordings.items():
            found.setdefault(code, wording)
    current = {each.id for each in _competencies(catalogue.current)}
    return {code: wording for code, wording in found.items() if code in current}


def _wording(catalogue: Catalogue, badge: JudgedBadge, code: str) -> Wording | None:
    """A competency as the badge's own framework words it, or else the newest one that knows it."""
    pin = badge.judged_by
    own = [each for each in catalogue.known if pin is not None and each.pin.digest == pin.digest]
    for framework in (*own, *catalogue.known):
        if code in framework.wordings:
            return framework.wordings[code]
    return None


def _level(badge: JudgedBadge, criteria: Iterable[str]) -> int | None:
    reached = dict(badge.results)
    levels = [reached.get(key) for key in criteria]
    given = [level for level in levels if level is not None]
    return min(given) if given and len(given) == len(levels) else None


def _cell(catalogue: Catalogue, code: str, level: Level, shown: Mapping[tuple[str, Level], Iterable[Shown]]) -> Cell:
    badges = tuple(sorted(shown.get((code, level), ()), key=_order))
    by = tuple(each for each in catalogue.offered if each.level == level and code in each.criteria)
    state: CellState
    if not badges:
        state = "open" if by else "not_offered"
    elif badges[0].counts:
        state = "shown" if any(each.state == "current" for each in badges) else "ending"
    else:
        state = "lapsed"
    return Cell(level, state, badges, by)


def _order(each: Shown) -> tuple[int, float, str]:
    """Those in force first, of these the one that lasts longest."""
    until = each.badge.valid_until
    return (_NEAREST.index(each.state), -until.timestamp() if until else float("-inf"), each.badge.id)
