"""Who was at a session: the pages of whoever runs it, a teacher of that course or an assessor, for that course only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import attendance
from app.learning import service as learning
from app.learning.attendance import Attendance, Course, OpenCode, Session
from app.learning.attendance_errors import AttendanceDateUnusable
from app.learning.errors import ActivityNotFound
from app.learning.schemas import Enrolment
from app.lti.cohort import Cohort, Learner, Rosters, cohort, opened_from
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import Activity, Module
from app.web.cohort import NoCourse, begun_here, rosters
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.errors import NotOfThisLaunch
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/attendance", include_in_schema=False)

PER_PAGE = 50
WAS_THERE = "was-"


class SessionLeadersOnly(NotOfThisLaunch):
    """Only a teacher of the course or an assessor confirms who was there."""

    slug = "session-leaders-only"
    title = "This page is for whoever runs the session"


@dataclass(frozen=True)
class SessionsPage:
    """The sessions whose attendance can be confirmed here."""

    sessions: tuple[tuple[Module, Activity], ...]


@dataclass(frozen=True)
class Presence:
    """One learner of the course: None where nothing is confirmed."""

    learner: Learner
    there: Attendance | None
    can_tick: bool
    can_undo: bool = False
    ticked: bool = False


@dataclass(frozen=True)
class AttendancePage:
    """Who was at one session.

    Attributes:
        has_code: whether a code is shown now.
        reason: why the LMS's list of learners is missing, in words; None if it is there.
    """

    module: Module
    activity: Activity
    href: str
    held_on: str
    rows: tuple[Presence, ...]
    has_code: bool
    page: int
    pages: int
    reason: str | None
    saved: int | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CodePage:
    """The code of a session, to be read at the back of a room; None when it is closed."""

    module: Module
    activity: Activity
    href: str
    code: OpenCode | None


def leader(session: CurrentLaunch, db: ReadDb) -> LaunchSession:
    """The session of somebody who may confirm who was there: the LMS's teacher in this course, or an assessor in it.

    Raises:
        SessionLeadersOnly: of anybody else.
        NoCourse: the launch names no course.
    """
    if not session.is_teacher and not people.has_role(db, session.person_id, "assessor"):
        raise SessionLeadersOnly(
            "Only a teacher of this course or an assessor confirms who was at a session.",
            root=session.root,
            next_step="If you run the session, ask your LMS administrator to make you a teacher of the course.",
        )
    if session.context_id is None:
        raise NoCourse(
            "Your LMS did not say which course you came from.", next_step="Open Waymark from inside a course."
        )
    return session


Leader = Annotated[LaunchSession, Depends(leader)]
Lists = Annotated[Rosters, Depends(rosters)]


@router.get("")
def sessions(request: Request, session: Leader, db: ReadDb) -> Response:
    """The sessions of the link's module, else of all; straight to the one where there is only one."""
    found = _sessions(db, session)
    if len(found) == 1:
        ((module, activity),) = found
        return RedirectResponse(_href(session, module.key, activity.key), status_code=303)
    return render(request, "cohort/sessions.html", SessionsPage(found))


@router.get("/{module_key}/{key}")
def attendance_page(
    request: Request,
    session: Leader,
    runtime: App,
    lists: Lists,
    module_key: str,
    key: str,
    page: int = 1,
    saved: int | None = None,
) -> HTMLResponse:
    """Who of the course was there."""
    found = _cohort(runtime, lists, session)
    with runtime.database.read() as db:
        shown = _page(db, session, found, module_key, key, page, saved=saved)
        return render(request, "cohort/attendance.html", shown)


@router.post("/{module_key}/{key}")
def confirm(
    request: Request, session: Leader, runtime: App, lists: Lists, form: PostedForm, module_key: str, key: str
) -> Response:
    """Those who are ticked were there. Whoever is not in this course's list is left out, whatever the form says."""
    found = _cohort(runtime, lists, session)
    ticked = {name.removeprefix(WAS_THERE) for name in form if name.startswith(WAS_THERE)}
    with runtime.database.read() as db:
        _session(db, session, module_key, key)
        here = _begun_here(db, session, [each for each in found.learners if each.person_id in ticked], module_key)
    day = _day(form.get("held_on", ""))
    try:
        if day is None:
            raise AttendanceDateUnusable
        with runtime.database.write() as db:
            added = attendance.confirm(
                db,
                at=_at(session, module_key, key),
                person_ids=ticked & here.keys(),
                held_on=day,
                confirmed_by=session.person_id,
            )
    except AttendanceDateUnusable as error:
        with runtime.database.read() as db:
            shown = _page(
                db, session, found, module_key, key, 1,
                held_on=form.get("held_on", ""), ticked=ticked, errors={"held_on": error.detail},
            )  # fmt: skip
            return render(request, "cohort/attendance.html", shown, status=error.status)
    return RedirectResponse(f"{_href(session, module_key, key)}?saved={added}", status_code=303)


@router.post("/{module_key}/{key}/undo")
def undo(session: Leader, runtime: App, lists: Lists, form: PostedForm, module_key: str, key: str) -> RedirectResponse:
    """Take back that somebody of this course was there."""
    found = _cohort(runtime, lists, session)
    person_id = form.get("person", "")
    if person_id not in {each.person_id for each in found.learners}:
        raise ActivityNotFound
    with runtime.database.write() as db:
        _session(db, session, module_key, key)
        attendance.undo(db, at=_at(session, module_key, key), person_id=person_id, undone_by=session.person_id)
    return RedirectResponse(_href(session, module_key, key), status_code=303)


@router.get("/{module_key}/{key}/code")
def code_page(request: Request, session: Leader, db: ReadDb, module_key: str, key: str) -> HTMLResponse:
    """The code, large."""
    module, activity = _session(db, session, module_key, key)
    code = attendance.code_shown(db, _at(session, module_key, key))
    return render(request, "cohort/code.html", CodePage(module, activity, _href(session, module_key, key), code))


@router.post("/{module_key}/{key}/code")
def show_code(session: Leader, db: WriteDb, module_key: str, key: str) -> RedirectResponse:
    """Show a code; the one that is shown already, if there is one."""
    _session(db, session, module_key, key)
    attendance.open_code(db, at=_at(session, module_key, key), opened_by=session.person_id)
    return RedirectResponse(f"{_href(session, module_key, key)}/code", status_code=303)


@router.post("/{module_key}/{key}/code/close")
def close_code(session: Leader, db: WriteDb, module_key: str, key: str) -> RedirectResponse:
    """Nobody can use the code any more."""
    _session(db, session, module_key, key)
    attendance.close_code(db, at=_at(session, module_key, key))
    return RedirectResponse(_href(session, module_key, key), status_code=303)


def has_sessions(db: ReadSession, session: LaunchSession) -> bool:
    """Whether there is any session here whose attendance can be confirmed."""
    return bool(_sessions(db, session))


def _sessions(db: ReadSession, session: LaunchSession) -> tuple[tuple[Module, Activity], ...]:
    modules = [module for module in programme.modules(db) if session.module_key in (None, module.key)]
    return tuple((module, activity) for module in modules for activity in module.activities_of("attendance"))


def _session(db: ReadSession, session: LaunchSession, module_key: str, key: str) -> tuple[Module, Activity]:
    for module, activity in _sessions(db, session):
        if (module.key, activity.key) == (module_key, key):
            return module, activity
    raise ActivityNotFound


def _at(session: LaunchSession, module_key: str, key: str) -> Session:
    return Session(Course(session.deployment_id, session.context_id or ""), module_key, key)


def _href(session: LaunchSession, module_key: str, key: str) -> str:
    return f"{session.root}/attendance/{module_key}/{key}"


def _cohort(runtime: App, lists: Rosters, session: LaunchSession) -> Cohort:
    return cohort(
        runtime,
        lists,
        registration_id=session.registration_id,
        deployment_id=session.deployment_id,
        context_id=session.context_id or "",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _page(
    db: ReadSession,
    session: LaunchSession,
    found: Cohort,
    module_key: str,
    key: str,
    number: int,
    *,
    held_on: str | None = None,
    ticked: Collection[str] = (),
    errors: Mapping[str, str] | None = None,
    saved: int | None = None,
) -> AttendancePage:
    module, activity = _session(db, session, module_key, key)
    pages = max(1, -(-len(found.learners) // PER_PAGE))
    number = min(max(number, 1), pages)
    shown = found.learners[(number - 1) * PER_PAGE : number * PER_PAGE]
    here = _begun_here(db, session, shown, module_key)
    return AttendancePage(
        module=module,
        activity=activity,
        href=_href(session, module_key, key),
        held_on=held_on if held_on is not None else attendance.day_of(now()).isoformat(),
        rows=tuple(_presence(db, session, each, here, module_key, activity, ticked) for each in shown),
        has_code=attendance.code_shown(db, _at(session, module_key, key)) is not None,
        page=number,
        pages=pages,
        reason=found.reason,
        saved=saved,
        errors=errors or {},
    )


def _begun_here(
    db: ReadSession, session: LaunchSession, learners: Sequence[Learner], module_key: str
) -> dict[str, Enrolment]:
    """The work of those learners who have begun the module here, by person; what is another agency's is left out."""
    ids = [each.person_id for each in learners if each.person_id is not None]
    opened = opened_from(db, session.registration_id, ids)
    found = {each: begun_here(db, session, opened, each, module_key) for each in ids}
    return {person_id: enrolment for person_id, enrolment in found.items() if enrolment is not None}


def _presence(
    db: ReadSession, session: LaunchSession, each: Learner, here: Mapping[str, Enrolment], module_key: str,
    activity: Activity, ticked: Collection[str],
) -> Presence:  # fmt: skip
    enrolment = here.get(each.person_id or "")
    if enrolment is None or each.person_id is None:
        return Presence(each, None, can_tick=False)
    own = learning.module_of(db, enrolment).activities_of("attendance")
    could = any(it.key == activity.key and "roster" in it.confirmed_by for it in own)
    there = attendance.attended(db, enrolment.id).get(activity.key)
    is_other = each.person_id != session.person_id
    return Presence(
        each,
        there,
        can_tick=could and is_other,
        can_undo=there is not None and is_other and there.course == _at(session, module_key, activity.key).course,
        ticked=each.person_id in ticked,
    )
