"""What badges can be issued for, as a client of the API sees it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from app.api.authentication import Caller, requires
from app.api.paging import only
from app.api.problems import READING, problems
from app.api.shapes import AchievementOut, AchievementsOut, CriterionOut, LevelOut
from app.awards.checking import needed_scope
from app.core.runtime import Runtime
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.schemas import AchievementInfo

router = APIRouter(prefix="/api/v1", tags=["achievements"])

Reader = Annotated[Caller, Depends(requires("achievements:read"))]
_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,60}")
CACHING: Final = {"Cache-Control": "private, no-cache"}


@router.get(
    "/achievements",
    summary="List achievements",
    response_model=AchievementsOut,
    responses=problems(*READING),
    dependencies=[Depends(only())],
)
def list_achievements(request: Request, response: Response, caller: Reader) -> dict[str, Any]:
    """List what badges can be issued for now: modules by key, then stacks. A limited client sees what it may issue."""
    runtime: Runtime = request.app.state.runtime
    with runtime.database.read() as session:
        found = programme.current_achievements(session)
    response.headers.update(CACHING)
    base_url = runtime.settings.base_url
    return {"items": [_told(base_url, each) for each in found if _may_see(caller, each.key)], "next_cursor": None}


@router.get(
    "/achievements/{key}",
    summary="Read an achievement",
    dependencies=[Depends(only())],
    response_model=AchievementOut,
    responses=problems(*READING, 404),
)
def read_achievement(request: Request, response: Response, key: str, caller: Reader) -> AchievementOut:
    """Read an achievement in the version that is issued now, with its rubric and what it rests on."""
    runtime: Runtime = request.app.state.runtime
    if not _KEY.fullmatch(key) or not _may_see(caller, key):
        raise _nothing()
    try:
        with runtime.database.read() as session:
            found = programme.current_achievement(session, key)
    except ModuleUnknown:
        raise _nothing() from None
    response.headers.update(CACHING)
    return _told(runtime.settings.base_url, found)


def _may_see(caller: Caller, key: str) -> bool:
    return caller.achievements is None or key in caller.achievements


def _nothing() -> ModuleUnknown:
    return ModuleUnknown(
        "The programme has no published achievement of this key, or this client may not issue it.",
        next_step="GET /api/v1/achievements lists what it may.",
    )


def _told(base_url: str, info: AchievementInfo) -> AchievementOut:
    return AchievementOut(
        key=info.key,
        version=info.version,
        name=info.name,
        description=info.description,
        level=info.level,
        scope=needed_scope(info.level),
        url=f"{base_url}{info.path}",
        validity_months=info.validity_months,
        prerequisites=[list(group) for group in info.needed_before],
        minimum_level=info.minimum_level,
        criteria=[
            CriterionOut(
                key=criterion.key,
                title=criterion.title,
                levels=[LevelOut(level=level.level, name=level.name) for level in criterion.levels],
            )
            for criterion in info.rubric.criteria
        ],
        issue_until=info.issue_until.isoformat() if info.issue_until is not None else None,
    )
