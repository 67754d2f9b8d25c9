"""Where people stand, for a client that may know it. An address is searched for in a body: never in a URL."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from app.api.authentication import Caller, requires
from app.api.bodies import Sent, json_object
from app.api.paging import only
from app.api.problems import READING, problems
from app.api.shapes import BadgeOut, ModuleProgressOut, PeopleOut, PersonOut, ProgressOut, badge_members
from app.awards.award_input import Address
from app.core.clock import now
from app.core.runtime import Runtime
from app.issuer import listing
from app.learning import overview
from app.people import confirmed, erasing
from app.people import service as people
from app.people.errors import PersonNotFound

router = APIRouter(prefix="/api/v1", tags=["people"])

Reader = Annotated[Caller, Depends(requires("people:read"))]
NO_STORE: Final = {"Cache-Control": "no-store"}
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SearchIn(BaseModel):
    """Whom to look for."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    email: Address


@router.post(
    "/people/search",
    summary="Find people by address",
    dependencies=[Depends(only())],
    response_model=PeopleOut,
    openapi_extra=json_object(SearchIn, {"address": {"email": "tess@example.org"}}),
    responses=problems(*READING, 408, 413, 415),
)
def search(request: Request, response: Response, caller: Reader, body: Sent) -> PeopleOut:
    """Find whoever is known by an address: those who confirmed it, then those for whom an LMS or a centre gave it."""
    email = body.read(SearchIn).email
    runtime: Runtime = request.app.state.runtime
    with runtime.database.read() as session:
        shown = confirmed.holders_of(session, (email,)).get(email, ())
        told = [each for each in erasing.find_people(session, email) if each not in shown]
        standing = dict.fromkeys(people.standing_id(session, each) for each in told)
    response.headers.update(NO_STORE)
    items = [PersonOut(id=each, address="confirmed") for each in shown]
    items += [PersonOut(id=each, address="told") for each in standing if each not in shown]
    return PeopleOut(items=items, next_cursor=None)


@router.get(
    "/people/{person_id}/progress",
    summary="Where somebody stands",
    dependencies=[Depends(only())],
    response_model=ProgressOut,
    responses=problems(*READING, 404),
)
def progress(request: Request, response: Response, person_id: str, caller: Reader) -> ProgressOut:
    """Tell how far somebody is with their modules, and their badges. No texts, no marks, nobody is ranked.

    A client that is limited to achievements sees those only.
    """
    runtime: Runtime = request.app.state.runtime
    if not _ID.fullmatch(person_id):
        raise _nobody()
    with runtime.database.read() as session:
        standing = people.standing_id(session, person_id)
        try:
            people.person(session, standing)
        except PersonNotFound:
            raise _nobody() from None
        begun = overview.outcomes(session, (standing,))
        badges = listing.badges_held(session, now(), person_ids=(standing,), achievements=caller.achievements)
    response.headers.update(NO_STORE)
    return ProgressOut(
        id=standing,
        modules=[
            ModuleProgressOut(achievement=each.module_key, state=each.state)
            for each in begun
            if caller.achievements is None or each.module_key in caller.achievements
        ],
        badges=[BadgeOut(**badge_members(runtime.settings.base_url, each)) for each in badges],
    )


def _nobody() -> PersonNotFound:
    return PersonNotFound("Nobody here has this id.", next_step="POST /api/v1/people/search finds people by address.")
