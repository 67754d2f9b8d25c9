"""Pathways as a client of the API sees them: their rules as data, and how far somebody has come."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from app.api.authentication import Caller, requires
from app.api.paging import only
from app.api.problems import READING, problems
from app.api.shapes import Told
from app.core.clock import now
from app.core.runtime import Runtime
from app.pathways.gathering import evidence_of
from app.pathways.progress import progress
from app.pathways.rules import step_key
from app.pathways.schemas import Evidence, Progress, Reason, State, Step
from app.pathways.service import effort_of
from app.pathways.summary import StandingState, standing_from
from app.people import service as people
from app.people.errors import PersonNotFound
from app.programme import stacks
from app.programme.errors import PathwayUnknown
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
)

router = APIRouter(prefix="/api/v1", tags=["pathways"])

Reader = Annotated[Caller, Depends(requires("achievements:read"))]
PeopleReader = Annotated[Caller, Depends(requires("people:read"))]
Kind = Literal["held", "external_badge", "time_in_role", "confirmation", "conversation", "group"]
NO_STORE: Final = {"Cache-Control": "no-store"}
CACHING: Final = {"Cache-Control": "private, no-cache"}
_KEY: Final = re.compile(r"[a-z][a-z0-9-]{0,59}")
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RuleOut(BaseModel):
    """A rule: of a `group` the parts and how many of them are needed; members that its kind does not have are null."""

    kind: Kind
    key: str | None = Field(description="Of the step: an achievement's, a confirmation's or a conversation's key.")
    needed: int | None = None
    of: list[RuleOut] | None = None
    title: str | None = None
    awarded_within_months: int | None = Field(
        default=None, description="How many months ago the badge was awarded or last renewed at most."
    )
    issuer: str | None = Field(default=None, description="Another issuer's DID or URL.")
    months: int | None = Field(default=None, description="Of time in a role.")
    role: str | None = None
    longest_gap_days: int | None = None
    by: Literal["manager", "supervisor", "assessor"] | None = Field(default=None, description="Whose word it takes.")
    minimum_level: int | None = None
    minutes: int | None = None


class PathwayOut(BaseModel):
    """A pathway in its current version."""

    key: str = Field(examples=["practitioner"])
    version: int
    digest: str = Field(description="SHA-256 of the pathway as canonical JSON, in hex.")
    title: str
    summary: str
    level: Literal["basic", "advanced"]
    ends_in: str = Field(description="Key of the achievement at its end.")
    url: str = Field(description="Its page, for people.")
    review_by: str
    rule: RuleOut = Field(description="What must be there before that badge.")


class PathwaysOut(BaseModel):
    """All pathways: the basic ones first."""

    items: list[PathwayOut]
    next_cursor: str | None


class RestsOnOut(BaseModel):
    """A version of a badge by which a step is met."""

    achievement: str
    credential_id: str
    version: int


class StepOut(BaseModel):
    """A step and its parts."""

    kind: Kind
    key: str | None
    state: State
    since: Told | None = Field(description="Since when it has been met, or lapsed.")
    until: Told | None = Field(description="When it stops being met; null: no end is known.")
    meets_at: Told | None = Field(description="When it will be met without anything new.")
    reason: Reason | None = Field(description="Why it is not met.")
    rests_on: list[RestsOnOut]
    needed: int | None
    met: int | None = Field(description="Of a group, how many parts are met.")
    parts: list[StepOut]


class PathwayProgressOut(BaseModel):
    """How far somebody has come on a pathway."""

    pathway: str
    version: int
    digest: str = Field(description="By which rule this was worked out.")
    ends_in: str
    state: StandingState
    met_since: Told | None
    met_until: Told | None
    next_change: Told | None = Field(description="When this will be another without anything new.")
    step: StepOut = Field(description="The whole rule.")


class PersonPathwaysOut(BaseModel):
    """Where a person stands on pathways. Nobody is ranked, and nothing is predicted."""

    id: str
    at: Told
    pathways: list[PathwayProgressOut]


@router.get(
    "/pathways",
    summary="List pathways",
    response_model=PathwaysOut,
    responses=problems(*READING),
    dependencies=[Depends(only())],
)
def list_pathways(request: Request, response: Response, caller: Reader) -> PathwaysOut:
    """List the pathways as they are now, with their rules as data. A limited client sees those to what it may issue."""
    runtime: Runtime = request.app.state.runtime
    with runtime.database.read() as session:
        found = [each for each in stacks.pathways(session) if _may_see(caller, each)]
    response.headers.update(CACHING)
    return PathwaysOut(items=[_pathway(runtime.settings.base_url, each) for each in found], next_cursor=None)


@router.get(
    "/pathways/{key}",
    summary="Read a pathway",
    dependencies=[Depends(only())],
    response_model=PathwayOut,
    responses=problems(*READING, 404),
)
def read_pathway(request: Request, response: Response, key: str, caller: Reader) -> PathwayOut:
    """Read a pathway in its current version."""
    runtime: Runtime = request.app.state.runtime
    if not _KEY.fullmatch(key):
        raise _nothing()
    with runtime.database.read() as session:
        try:
            found = stacks.current_pathway(session, key)
        except PathwayUnknown:
            raise _nothing() from None
    if not _may_see(caller, found):
        raise _nothing()
    response.headers.update(CACHING)
    return _pathway(runtime.settings.base_url, found)


@router.get(
    "/people/{person_id}/pathways",
    summary="How far somebody has come on each pathway",
    dependencies=[Depends(only())],
    response_model=PersonPathwaysOut,
    responses=problems(*READING, 404),
)
def person_pathways(request: Request, response: Response, person_id: str, caller: PeopleReader) -> PersonPathwaysOut:
    """Tell how far somebody has come on each pathway at this moment, step by step, and by which badges.

    A client that is limited to achievements sees the pathways that end in one of those, and of badges only theirs.
    """
    runtime: Runtime = request.app.state.runtime
    if not _ID.fullmatch(person_id):
        raise _nobody()
    moment = now()
    with runtime.database.read() as session:
        standing = people.standing_id(session, person_id)
        try:
            people.person(session, standing)
        except PersonNotFound:
            raise _nobody() from None
        pathways = [each for each in stacks.pathways(session) if _may_see(caller, each)]
        evidence = evidence_of(session, (standing,))[standing]
        effort = effort_of(session)
    response.headers.update(NO_STORE)
    return PersonPathwaysOut(
        id=standing,
        at=moment,
        pathways=[
            _progress(standing, each, progress(each, evidence, moment, effort), evidence, caller.achievements)
            for each in pathways
        ],
    )


def _may_see(caller: Caller, pathway: Pathway) -> bool:
    return caller.achievements is None or pathway.ends_in in caller.achievements


def _pathway(base_url: str, pathway: Pathway) -> PathwayOut:
    return PathwayOut(
        key=pathway.key,
        version=pathway.version,
        digest=pathway.digest,
        title=pathway.title,
        summary=pathway.summary,
        level=pathway.level,
        ends_in=pathway.ends_in,
        url=f"{base_url}/programme/pathways/{pathway.key}",
        review_by=pathway.review_by.isoformat(),
        rule=_rule(pathway.rule),
    )


def _rule(rule: Rule) -> RuleOut:
    if isinstance(rule, GroupRule):
        return RuleOut(kind="group", key=None, needed=rule.needed, of=[_rule(each) for each in rule.of])
    return RuleOut(kind=rule.kind, key=step_key(rule) or None, **_particulars(rule))


def _particulars(rule: Rule) -> dict[str, Any]:
    """What a leaf of its kind says beside its key."""
    if isinstance(rule, HeldRule):
        return {"awarded_within_months": rule.awarded_within_months}
    if isinstance(rule, ExternalBadgeRule):
        return {"issuer": rule.issuer, "title": rule.name}
    if isinstance(rule, TimeInRoleRule):
        return {"months": rule.months, "role": rule.role, "longest_gap_days": rule.longest_gap_days}
    if isinstance(rule, ConfirmationRule):
        return {"title": rule.title, "by": rule.by}
    if isinstance(rule, ConversationRule):
        return {"title": rule.title, "minutes": rule.minutes, "minimum_level": rule.minimum_level}
    raise TypeError(f"no such rule: {type(rule).__name__}")


def _progress(
    person_id: str, pathway: Pathway, found: Progress, evidence: Evidence, only_of: Collection[str] | None
) -> PathwayProgressOut:
    return PathwayProgressOut(
        pathway=found.pathway,
        version=found.version,
        digest=found.digest,
        ends_in=pathway.ends_in,
        state=standing_from(person_id, found, evidence).state,
        met_since=found.met_since,
        met_until=found.met_until,
        next_change=found.next_change,
        step=_step(found.root, only_of),
    )


def _step(step: Step, only_of: Collection[str] | None) -> StepOut:
    is_group = isinstance(step.rule, GroupRule)
    return StepOut(
        kind=step.rule.kind,
        key=None if isinstance(step.rule, GroupRule) else step_key(step.rule) or None,
        state=step.state,
        since=step.since,
        until=step.until,
        meets_at=step.meets_at,
        reason=step.need.reason if step.need is not None else None,
        rests_on=[
            RestsOnOut(achievement=each.achievement, credential_id=each.credential_id, version=each.version)
            for each in step.rests_on
            if only_of is None or each.achievement in only_of
        ],
        needed=step.needed if is_group else None,
        met=step.held if is_group else None,
        parts=[_step(each, only_of) for each in step.parts],
    )


def _nothing() -> PathwayUnknown:
    return PathwayUnknown(
        "The programme has no pathway of this key, or this client may not see it.",
        next_step="GET /api/v1/pathways lists what it may.",
    )


def _nobody() -> PersonNotFound:
    return PersonNotFound("Nobody here has this id.", next_step="POST /api/v1/people/search finds people by address.")
