"""The map of the pathways, for whoever walks them: all of them on one page, and each on its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response

from app.awards import renewal_offers
from app.awards.proposals import asking, reading
from app.awards.proposals.schemas import ProposalState
from app.core.clock import now
from app.core.db import ReadSession
from app.learning import overview
from app.learning import service as learning
from app.learning.provisional import ProvisionalState
from app.pathways import service as pathways
from app.people import service as people
from app.programme import service as programme
from app.programme import stacks
from app.programme.schemas import AchievementInfo
from app.web import pathway_map_words as words
from app.web import pathway_next, pathway_view
from app.web.dependencies import ReadDb
from app.web.outside_badges import asks_for_outside_badge
from app.web.pages import render
from app.web.pathway_answers import PathwayAnswers, answers_on
from app.web.pathway_drawing import Drawing, Plan, drawings
from app.web.pathway_next import Suggestion
from app.web.pathway_stops import Stop, Way
from app.web.pathway_view import Catalogue, Traveller
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)


@dataclass(frozen=True)
class Sheet:
    """One map: its picture in every width, and the stops for the table beneath, those beyond its end apart."""

    title: str
    told: str
    pictures: tuple[Drawing, ...]
    way: Way
    beyond: tuple[Way, ...] = ()


@dataclass(frozen=True)
class PathwayMapPage:
    """Context of pathway/map.html.

    Attributes:
        here: how far somebody is, in a line.
        first: what to do now; `also` is what can be done as well.
        running_out: what stops counting soon.
        is_new: no badge is there yet.
        ahead: once the first way is walked, those that go on from its end.
    """

    sheets: tuple[Sheet, ...]
    here: str
    first: Suggestion | None
    also: tuple[Suggestion, ...]
    running_out: tuple[Stop, ...]
    is_new: bool
    ahead: tuple[Way, ...]
    provisional: ProvisionalState | None
    manages: bool


@dataclass(frozen=True)
class WayPage:
    """Context of pathway/way.html."""

    sheet: Sheet
    way: Way
    end: AchievementInfo
    here: str
    first: Suggestion | None
    met_until: datetime | None
    next_change: datetime | None
    manages: bool
    answers: PathwayAnswers
    asks_outside: bool = False


@router.get("/pathway")
def my_pathway(request: Request, session: CurrentLaunch, db: ReadDb) -> Response:
    """The whole map: what I have, what is next, and what it opens."""
    catalogue, traveller = catalogue_of(db), _traveller(db, session)
    found = pathway_view.ways(catalogue, traveller)
    todo = pathway_next.suggestions(found)
    found = pathway_next.with_next(found, todo[0] if todo else None)
    ends = pathway_next.running_out(found)
    provisional = learning.provisional_state(db, session.person_id)
    walked = any(way.end.is_behind for way in found if way.level == "basic")
    page = PathwayMapPage(
        sheets=sheets(found),
        here=words.here_on(found),
        first=todo[0] if todo else None,
        also=tuple(each for each in todo[1:] if each.stop.state != "ending"),
        running_out=() if len(ends) == 1 and ends[0].is_next else ends,
        is_new=not any(stop.is_behind and stop.kind == "badge" for way in found for stop in way.stops),
        ahead=tuple(way for way in found if walked and not way.end.is_behind),
        provisional=None if walked or (provisional and provisional.state == "reached") else provisional,
        manages=people.has_role(db, session.person_id, "manager"),
    )
    return render(request, "pathway/map.html", page)


@router.get("/pathway/{key}")
def my_way(request: Request, key: str, session: CurrentLaunch, db: ReadDb, done: str = "") -> Response:
    """One pathway: every step of it, why it is open, and what can be done."""
    pathway = stacks.current_pathway(db, key)
    catalogue, traveller = catalogue_of(db), _traveller(db, session)
    found = pathway_view.way(catalogue, pathway, traveller)
    todo = pathway_next.suggestions((found,), is_alone=True)
    (found,) = pathway_next.with_next((found,), todo[0] if todo else None)
    progress = traveller.progress[key]
    page = WayPage(
        sheet=sheet(found),
        way=found,
        end=catalogue.badges[pathway.ends_in],
        here=words.here_on((found,)),
        first=todo[0] if todo else None,
        met_until=progress.met_until,
        next_change=progress.next_change,
        manages=people.has_role(db, session.person_id, "manager"),
        answers=answers_on(db, session.person_id, key, done),
        asks_outside=asks_for_outside_badge(pathway),
    )
    return render(request, "pathway/way.html", page)


def catalogue_of(db: ReadSession) -> Catalogue:
    """All that is published of ways and badges."""
    return Catalogue(stacks.pathways(db), {each.key: each for each in programme.current_achievements(db)})


def sheets(ways: tuple[Way, ...]) -> tuple[Sheet, ...]:
    """One map with all that lies beyond it; where there is no basic pathway, one map for each."""
    basic = [way for way in ways if way.level == "basic"]
    if len(basic) != 1:
        return tuple(sheet(way) for way in ways)
    return (sheet(basic[0], tuple(way for way in ways if way.level != "basic")),)


def sheet(way: Way, beyond: tuple[Way, ...] = ()) -> Sheet:
    """The map of a way, and of the ways that go on from its end."""
    plan = Plan(way.stops, way.end, tuple((other.end, other.stops) for other in beyond))
    return Sheet(way.title, words.told(way, beyond), drawings(plan), way, beyond)


def _traveller(db: ReadSession, session: LaunchSession) -> Traveller:
    at = now()
    known = {each.pathway: each for each in pathways.all_progress(db, session.person_id, at)}
    offers = renewal_offers.offers(db, session.person_id, at)
    begun = overview.outcomes(db, (session.person_id,))
    return Traveller(
        root=session.root,
        progress=known,
        work={each.module_key: each.state for each in begun},
        again=frozenset(each.module_key for each in begun if each.is_again),
        module_key=session.module_key,
        at=at,
        asked={
            (each.pathway_key, each.confirmation_key): each.asked_at
            for each in asking.requests_of(db, session.person_id)
            if each.state == "open"
        },
        renewable=frozenset(each.badge.id for each in offers if each.is_open),
        proposals=_latest_proposals(db, session.person_id),
        renewals={each.badge.id: each.stage for each in offers if each.stage is not None},
        by_talk=frozenset(each.badge.id for each in offers if each.why_not == "talk"),
    )


def _latest_proposals(db: ReadSession, person_id: str) -> dict[str, ProposalState]:
    """What became of the latest proposal, by the pathway's key; an award of which the badge was made says nothing."""
    latest = {each.pathway_key: each for each in reversed(reading.proposals_of(db, person_id))}
    return {key: each.state for key, each in latest.items() if each.state != "awarded" or each.credential_id is None}
