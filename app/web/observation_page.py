"""The learner's page of an observation: what will be looked at, whom to ask, how it stands, what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import service as learning
from app.learning.errors import UnusableText
from app.learning.observation import service as observation
from app.learning.observation.errors import AlreadyAsked, ObserverNotUsable, ReminderTooEarly, TooManyAsked
from app.learning.observation.schemas import Candidate, ObservedActivity
from app.learning.review_errors import ReviewInConflict, ReviewNotUsable
from app.learning.schemas import ActivityProgress
from app.programme.schemas import Activity, Module
from app.web import review_form
from app.web.dependencies import App
from app.web.forms import PostedForm
from app.web.holder import see_other
from app.web.learner_path import KIND_WORDS, enrolled, next_step
from app.web.pages import render
from app.web.review_form import ReviewPart
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/activity/{key}/observer", include_in_schema=False)
ASSESSORS = "assessors"


@dataclass(frozen=True)
class ObservationPage:
    """Context of learner/observation.html.

    Attributes:
        can_ask: whether somebody may be asked now.
        choices: staff to choose from, then the assessors where they observe: value, words, hint.
        roles: in which somebody else may be proposed.
    """

    module: Module
    activity: Activity
    state: ActivityProgress
    number: int
    total: int
    kind_words: str
    locked: bool
    next_href: str
    observed: ObservedActivity
    can_ask: bool
    can_remind: bool
    remind_from: datetime | None
    choices: tuple[tuple[str, str, str], ...]
    roles: tuple[tuple[str, str], ...]
    who: str
    posted: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    changed: str = ""
    review: ReviewPart | None = None


def show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    key: str,
    *,
    posted: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    changed: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The page.

    Args:
        request: the request it answers.
        db: for reading.
        session: the learner's.
        key: of an observation of their module.
        posted: what was filled in, if it was refused.
        errors: why, by field.
        changed: what was done just now: `asked`, `proposed`, `withdrawn`, `reminded` or `reviewed`.
        status: of the answer.
    """
    enrolment, module = enrolled(db, session)
    activity = module.activity(key)
    progress = learning.progress(db, enrolment.id)
    observed = observation.observed_activities(db, enrolment.id, module)[key]
    locked = progress.state in ("submitted", "awarded")
    staff = observation.candidates(db, session.person_id, activity)
    remind_from = observed.request.can_remind_at if observed.state.state == "asked" and observed.request else None
    page = ObservationPage(
        module=module,
        activity=activity,
        state=next(item for item in progress.activities if item.key == key),
        number=1 + next(index for index, item in enumerate(progress.activities) if item.key == key),
        total=len(progress.activities),
        kind_words=KIND_WORDS["observation"],
        locked=locked,
        next_href=next_step(session, progress, module)[0],
        observed=observed,
        can_ask=not locked and not observed.state.open and observed.state.state != "met",
        can_remind=remind_from is not None and remind_from <= now(),
        remind_from=remind_from,
        choices=_choices(staff, activity),
        roles=tuple((role, role.capitalize()) for role in observation.staff_roles(activity)),
        who=_listed(activity.observers),
        posted=posted or {},
        errors=errors or {},
        changed=changed,
        review=review_form.part(db, enrolment, module, activity),
    )
    return render(request, "learner/observation.html", page, status=status)


@router.post("/ask")
def ask(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Ask a member of staff, or the assessors."""
    chosen = form.get("observer", "")
    try:
        with runtime.database.write() as db:
            enrolment, _module = enrolled(db, session)
            own = {"enrolment_id": enrolment.id, "person_id": session.person_id, "activity_key": key}
            if chosen == ASSESSORS:
                observation.ask_assessors(db, **own)
            else:
                observation.ask_staff(db, **own, membership_id=chosen)
    except (ObserverNotUsable, TooManyAsked, AlreadyAsked) as error:
        return _refused(request, runtime, session, key, form, "observer", error)
    return see_other(f"{session.root}/activity/{key}?changed={'proposed' if chosen == ASSESSORS else 'asked'}")


@router.post("/propose")
def propose(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Propose somebody who is not staff of the centre."""
    try:
        with runtime.database.write() as db:
            enrolment, _module = enrolled(db, session)
            observation.propose(
                db,
                enrolment_id=enrolment.id,
                person_id=session.person_id,
                activity_key=key,
                name=form.get("name", ""),
                role=form.get("role", ""),
                email=form.get("email", ""),
            )
    except (ObserverNotUsable, TooManyAsked, AlreadyAsked, UnusableText) as error:
        return _refused(request, runtime, session, key, form, "name", error)
    return see_other(f"{session.root}/activity/{key}?changed=proposed")


@router.post("/withdraw")
def withdraw(session: CurrentLaunch, runtime: App, key: str) -> Response:
    """Take the open request back."""
    with runtime.database.write() as db:
        enrolment, _module = enrolled(db, session)
        observation.withdraw(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
    return see_other(f"{session.root}/activity/{key}?changed=withdrawn")


@router.post("/remind")
def remind(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Send the mail again."""
    try:
        with runtime.database.write() as db:
            enrolment, _module = enrolled(db, session)
            observation.remind(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
    except (ReminderTooEarly, TooManyAsked) as error:
        return _refused(request, runtime, session, key, form, "remind", error)
    return see_other(f"{session.root}/activity/{key}?changed=reminded")


@router.post("/reviewed")
def reviewed(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Whose service it was that was reviewed."""
    try:
        with runtime.database.write() as db:
            enrolment, _module = enrolled(db, session)
            review_form.name(db, enrolment, key, form)
    except (ReviewNotUsable, ReviewInConflict) as error:
        return _refused(request, runtime, session, key, form, error.field_key, error)
    return see_other(f"{session.root}/activity/{key}?changed=reviewed")


def _refused(
    request: Request,
    runtime: App,
    session: LaunchSession,
    key: str,
    form: Mapping[str, str],
    otherwise: str,
    error: ObserverNotUsable
    | TooManyAsked
    | AlreadyAsked
    | ReminderTooEarly
    | UnusableText
    | ReviewNotUsable
    | ReviewInConflict,
) -> Response:
    """The page again with everything that was filled in, and what is wrong with it."""
    name = error.field_key if isinstance(error, ObserverNotUsable) else otherwise
    message = " ".join(filter(None, (error.detail, error.next_step)))
    with runtime.database.read() as db:
        return show(request, db, session, key, posted=form, errors={name: message}, status=error.status)


def _choices(staff: tuple[Candidate, ...], activity: Activity) -> tuple[tuple[str, str, str], ...]:
    several = len({person.centre_name for person in staff}) > 1
    choices = [
        (person.membership_id, person.name, person.role.capitalize() + (f", {person.centre_name}" if several else ""))
        for person in staff
    ]
    if "assessor" in activity.observers:
        choices.append((ASSESSORS, "An assessor", "They see it in their list and get in touch with you"))
    return tuple(choices)


def _listed(roles: tuple[str, ...]) -> str:
    """Roles in words: `a supervisor, a mentor or an assessor`."""
    named = [f"{'an' if role[0] in 'aeiou' else 'a'} {role}" for role in roles]
    return " or ".join(filter(None, (", ".join(named[:-1]), named[-1])))
