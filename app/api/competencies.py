"""What somebody has shown of the competencies, for a client that may know it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from app.api.authentication import Caller, requires
from app.api.paging import only
from app.api.problems import READING, problems
from app.api.shapes import Told
from app.core.clock import now
from app.core.runtime import Runtime
from app.issuer.judged import judged
from app.pathways import competence
from app.pathways.competencies import Cell, Line, Shown, profile
from app.people import service as people
from app.people.errors import PersonNotFound
from app.programme.pins import Wording

router = APIRouter(prefix="/api/v1", tags=["people"])

Reader = Annotated[Caller, Depends(requires("people:read"))]
NO_STORE: Final = {"Cache-Control": "no-store"}


class WordingOut(BaseModel):
    """A competency as one version of the framework words it."""

    id: str = Field(examples=["IPSV-A1"])
    statement: str = Field(description="Completes: the specialist can …")
    framework: str = Field(examples=["ipsv-0.1"])
    framework_version: str = Field(examples=["0.1"])
    framework_digest: str = Field(description="SHA-256 of that framework, in hex.")
    statement_digest: str = Field(description="SHA-256 of id and statement, in hex.")


class ShownOut(BaseModel):
    """A badge that shows a competency, or showed it."""

    credential_id: str
    achievement: str
    achievement_version: int
    status: Literal["current", "ending", "expired", "suspended", "revoked"] = Field(
        description="`ending`: within 90 days."
    )
    level_reached: int | None = Field(description="The lowest of the criteria that assess it; null: none was given.")
    awarded_at: Told
    valid_until: Told | None
    worded: WordingOut = Field(description="As it was worded when the badge was issued.")
    reworded_since: bool


class CellOut(BaseModel):
    """A competency at one level."""

    level: Literal["basic", "advanced"]
    state: Literal["shown", "ending", "lapsed", "open", "not_offered"]
    shown_by: list[ShownOut]
    can_be_shown_by: list[str] = Field(description="Keys of achievements.")


class CompetencyOut(BaseModel):
    """A competency as it is worded now, and how it stands with it at both levels."""

    domain: str
    worded: WordingOut
    levels: list[CellOut]


class CompetenciesOut(BaseModel):
    """A person's competencies. Nobody is ranked, and nothing is predicted."""

    id: str
    competencies: list[CompetencyOut]
    earlier: list[ShownOut] = Field(description="What the framework in force no longer has.")


@router.get(
    "/people/{person_id}/competencies",
    summary="What somebody has shown of the competencies",
    dependencies=[Depends(only())],
    response_model=CompetenciesOut,
    responses=problems(*READING, 404),
)
def competencies(request: Request, response: Response, person_id: str, caller: Reader) -> CompetenciesOut:
    """Tell for each competency and level by which badge it is shown, since when, until when, and how it was worded.

    A client that is limited to achievements sees what badges for those show.
    """
    runtime: Runtime = request.app.state.runtime
    with runtime.database.read() as session:
        standing = people.standing_id(session, person_id)
        try:
            people.person(session, standing)
        except PersonNotFound:
            raise _nobody() from None
        badges = [
            each
            for each in judged(session, (standing,))
            if caller.achievements is None or each.achievement_key in caller.achievements
        ]
        found = profile(competence.catalogue(session, badges), badges, now())
    response.headers.update(NO_STORE)
    return CompetenciesOut(
        id=standing,
        competencies=[_line(line) for line in found.lines],
        earlier=[_shown(each) for each in found.earlier],
    )


def _line(line: Line) -> CompetencyOut:
    return CompetencyOut(
        domain=line.competency.domain, worded=_worded(line.now), levels=[_cell(cell) for cell in line.cells]
    )


def _cell(cell: Cell) -> CellOut:
    return CellOut(
        level=cell.level,
        state=cell.state,
        shown_by=[_shown(each) for each in cell.shown],
        can_be_shown_by=[each.key for each in cell.by],
    )


def _shown(each: Shown) -> ShownOut:
    badge = each.badge
    return ShownOut(
        credential_id=badge.id,
        achievement=badge.achievement_key,
        achievement_version=badge.achievement_version,
        status=each.state,
        level_reached=each.level,
        awarded_at=badge.awarded_at,
        valid_until=badge.valid_until,
        worded=_worded(each.was),
        reworded_since=each.since_reworded,
    )


def _worded(wording: Wording) -> WordingOut:
    return WordingOut(
        id=wording.competency.id,
        statement=wording.competency.statement,
        framework=wording.pin.key,
        framework_version=wording.pin.version,
        framework_digest=wording.pin.digest,
        statement_digest=wording.digest,
    )


def _nobody() -> PersonNotFound:
    return PersonNotFound("Nobody here has this id.", next_step="POST /api/v1/people/search finds people by address.")
