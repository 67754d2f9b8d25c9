"""My competencies: what my badges show of each, what is still open, and what has been worded anew since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.pathways import competence
from app.pathways.competencies import Line, Profile
from app.programme import service as programme
from app.programme.frameworks import Domain, Framework
from app.web.dependencies import ReadDb
from app.web.pages import render
from app.web.sessions import CurrentLaunch

router = APIRouter(prefix="/at/{handle}/competencies", include_in_schema=False)

Choice = Literal["all", "open"]


@dataclass(frozen=True)
class CompetenciesPage:
    """Context of competencies/profile.html.

    Attributes:
        domains: those with something to show under the choice.
        choice: `all`, or `open` for the competencies that no badge in force shows.
        drifted: how many competencies were shown under another wording.
    """

    profile: Profile
    frameworks: tuple[Framework, ...]
    domains: tuple[tuple[Domain, tuple[Line, ...]], ...]
    choice: Choice
    drifted: int


@router.get("")
def my_competencies(request: Request, session: CurrentLaunch, db: ReadDb, show: str = "") -> HTMLResponse:
    """The competencies of the person who is signed in."""
    profile = competence.profile_of(db, session.person_id)
    choice: Choice = "open" if show == "open" else "all"
    chosen = (
        (domain, tuple(line for line in lines if choice == "all" or not line.is_shown))
        for domain, lines in profile.domains
    )
    page = CompetenciesPage(
        profile=profile,
        frameworks=programme.current_programme(db).frameworks,
        domains=tuple((domain, lines) for domain, lines in chosen if lines),
        choice=choice,
        drifted=sum(bool(line.drift) for line in profile.lines),
    )
    return render(request, "competencies/profile.html", page)
