"""The cohort: a course's learners and how they stand, for the teachers of that course only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from app.core.db import ReadSession
from app.core.errors import NotFound
from app.learning import service as learning
from app.learning.schemas import Enrolment, Progress
from app.lti.cohort import Cohort, Learner, Rosters, cohort, opened_from
from app.programme import service as programme
from app.programme.schemas import Module
from app.web.dependencies import App
from app.web.errors import NotOfThisLaunch
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

PER_PAGE = 25

Opened = frozenset[tuple[str, str]]


class TeachersOnly(NotOfThisLaunch):
    """The LMS does not say that this person teaches the course."""

    slug = "teachers-only"
    title = "This page is for the course's teachers"


class NoCourse(NotFound):
    """The launch came from no course."""

    slug = "no-course"
    title = "This launch belongs to no course"


@dataclass(frozen=True)
class CohortRow:
    """One learner and how they stand with each module; None for one they have not opened."""

    learner: Learner
    standings: tuple[Progress | None, ...]


@dataclass(frozen=True)
class CohortPage:
    """One page of the cohort."""

    modules: tuple[Module, ...]
    rows: tuple[CohortRow, ...]
    total: int
    begun: int
    page: int
    pages: int
    is_complete: bool
    reason: str | None


def teacher(session: CurrentLaunch) -> LaunchSession:
    """The session of somebody whom the LMS calls a teacher or administrator of the course.

    Raises:
        TeachersOnly: of anybody else.
        NoCourse: the launch names no course.
    """
    if not (session.is_teacher or session.is_administrator):
        raise TeachersOnly(
            "Your LMS says that you are not a teacher of this course.",
            root=session.root,
            next_step="If you are, ask your LMS administrator to check your role in the course.",
        )
    if session.context_id is None:
        raise NoCourse(
            "Your LMS did not say which course you came from.", next_step="Open Waymark from inside a course."
        )
    return session


Teacher = Annotated[LaunchSession, Depends(teacher)]


def rosters(request: Request) -> Rosters:
    """This process's way to course lists."""
    found: Rosters = request.app.state.rosters
    return found


@router.get("/cohort")
def cohort_page(
    request: Request, session: Teacher, runtime: App, lists: Annotated[Rosters, Depends(rosters)], page: int = 1
) -> HTMLResponse:
    """The course's learners by name, with what they have done."""
    found = cohort(
        runtime,
        lists,
        registration_id=session.registration_id,
        deployment_id=session.deployment_id,
        context_id=session.context_id or "",
    )
    with runtime.database.read() as db:
        return render(request, "cohort/cohort.html", _page(db, session, found, page))


def _page(db: ReadSession, session: LaunchSession, found: Cohort, number: int) -> CohortPage:
    pages = max(1, -(-len(found.learners) // PER_PAGE))
    number = min(max(number, 1), pages)
    shown = found.learners[(number - 1) * PER_PAGE : number * PER_PAGE]
    modules = _modules(db, session)
    opened = opened_from(db, session.registration_id, [each.person_id for each in shown if each.person_id is not None])
    return CohortPage(
        modules=modules,
        rows=tuple(CohortRow(each, _standings(db, session, opened, each, modules)) for each in shown),
        total=len(found.learners),
        begun=sum(each.person_id is not None for each in found.learners),
        page=number,
        pages=pages,
        is_complete=found.is_complete,
        reason=found.reason,
    )


def _modules(db: ReadSession, session: LaunchSession) -> tuple[Module, ...]:
    """The module of the link that was opened, else every one there is."""
    known: Mapping[str, Module] = {module.key: module for module in programme.modules(db)}
    if session.module_key is not None and session.module_key in known:
        return (known[session.module_key],)
    return tuple(known.values())


def _standings(
    db: ReadSession, session: LaunchSession, opened: Opened, learner: Learner, modules: tuple[Module, ...]
) -> tuple[Progress | None, ...]:
    return tuple(_standing(db, session, opened, learner.person_id, module.key) for module in modules)


def _standing(
    db: ReadSession, session: LaunchSession, opened: Opened, person_id: str | None, module_key: str
) -> Progress | None:
    enrolment = begun_here(db, session, opened, person_id, module_key)
    return learning.progress(db, enrolment.id) if enrolment is not None else None


def begun_here(
    db: ReadSession, session: LaunchSession, opened: Opened, person_id: str | None, module_key: str
) -> Enrolment | None:
    """Somebody's work on a module, for the teachers of a course.

    What they began at another agency is not this one's until they have opened it from here too.
    """
    if person_id is None:
        return None
    enrolment = learning.enrolment_of(db, person_id=person_id, module_key=module_key)
    if enrolment is None:
        return None
    is_ours = enrolment.organisation_id in (None, session.organisation_id)
    return enrolment if is_ours or (person_id, module_key) in opened else None
