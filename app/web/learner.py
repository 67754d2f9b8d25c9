"""The learner's pages: the module as a path, handing in, and what came back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.awards import doing_again, renewal_offers
from app.awards.doing_again import AgainOffer
from app.awards.service import award_for_decision
from app.core.db import ReadSession
from app.issuer import service as issuer
from app.issuer.schemas import CredentialSummary
from app.learning import appeals, recognition
from app.learning import service as learning
from app.learning.errors import FindingsUnanswered, NotReady
from app.learning.evidence import KIND_WORDS as FOUND_WORDS
from app.learning.evidence import Place
from app.learning.files import EvidenceFile, files_of
from app.learning.provisional import ProvisionalState
from app.learning.renewal_errors import NotDoneAgain
from app.learning.schemas import Enrolment, Missing, Progress
from app.learning.workbench_schemas import AppealStanding
from app.lti.schemas import DEEP_LINKING_REQUEST, PATHWAY_VIEW, SUBMISSION_REVIEW_REQUEST
from app.people import notice
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import ExerciseField, Module
from app.web import calibration_form
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.forms import PostedForm
from app.web.found import KEEP, FoundPlace, in_field, marked, shown
from app.web.learner_path import KIND_WORDS, enrolled, fields_of, next_step
from app.web.pages import render
from app.web.renewing_words import AgainLine, RenewalLine, again_line, line_of
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)


@dataclass(frozen=True)
class Step:
    """One step on the path."""

    title: str
    status: str
    href: str | None
    detail: str | None
    effort: str | None


@dataclass(frozen=True)
class ModulePage:
    """The module as a path one can walk.

    Attributes:
        may_be_left_behind: no address is confirmed by which what is done here could be found again from another job.
    """

    module: Module
    progress: Progress
    steps: tuple[Step, ...]
    next_href: str
    next_text: str
    criterion_titles: Mapping[str, str]
    notice_version: str | None
    badge: CredentialSummary | None = None
    manages: bool = False
    appeal: AppealStanding | None = None
    renewal: RenewalLine | None = None
    again: AgainLine | None = None
    may_be_left_behind: bool = False


@dataclass(frozen=True)
class HandInPage:
    """What was found in the work, and the declaration before it is handed in.

    Attributes:
        found: places that may point at a real person, each to be changed or answered for.
        errors: what stands in the way, by the name of the box it is about.
    """

    module: Module
    progress: Progress
    missing: tuple[Missing, ...]
    texts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    found: tuple[FoundPlace, ...] = ()
    declared: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModulesPage:
    """What there is to learn, where a launch named no module."""

    modules: tuple[Module, ...]
    manages: bool = False
    provisional: ProvisionalState | None = None


@dataclass(frozen=True)
class TeacherPage:
    """What an LMS's teacher sees who is not an assessor."""

    module: Module | None
    name: str
    manages: bool = False


@router.get("")
def without_slash(session: CurrentLaunch) -> RedirectResponse:
    """The same place with its slash."""
    return RedirectResponse(f"{session.root}/", status_code=303)


@router.get("/")
def land(session: CurrentLaunch, db: ReadDb) -> RedirectResponse:
    """Where a launch arrives: an assessor at the queue, a learner at what comes next."""
    if session.renewing:
        return RedirectResponse(f"{session.root}/module", status_code=303)
    if session.message_type == DEEP_LINKING_REQUEST:
        return RedirectResponse(f"{session.root}/picker", status_code=303)
    if session.message_type == SUBMISSION_REVIEW_REQUEST:
        return RedirectResponse(f"{session.root}/review", status_code=303)
    if people.has_role(db, session.person_id, "assessor"):
        return RedirectResponse(f"{session.root}/assess", status_code=303)
    if session.module_key is None and _manages_only(db, session):
        return RedirectResponse(f"{session.root}/centre", status_code=303)
    if session.is_teacher or session.is_administrator:
        page = "platforms" if people.has_role(db, session.person_id, "operator") else "teaching"
        return RedirectResponse(f"{session.root}/{page}", status_code=303)
    if session.module_key is None:
        page = "pathway" if session.view == PATHWAY_VIEW else "modules"
        return RedirectResponse(f"{session.root}/{page}", status_code=303)
    enrolment = learning.enrolment_of(db, person_id=session.person_id, module_key=session.module_key)
    if enrolment is None:
        return RedirectResponse(f"{session.root}/modules", status_code=303)
    if session.activity_key is not None and session.activity_key in _keys(learning.module_of(db, enrolment)):
        return RedirectResponse(f"{session.root}/activity/{session.activity_key}", status_code=303)
    progress = learning.progress(db, enrolment.id)
    started = any(activity.state != "not_started" for activity in progress.activities)
    if progress.landing == "activity" and progress.next_activity and started:
        return RedirectResponse(f"{session.root}/activity/{progress.next_activity}", status_code=303)
    return RedirectResponse(f"{session.root}/module", status_code=303)


def _is_manager(db: ReadSession, session: LaunchSession) -> bool:
    """Whether the navigation shows the way to a centre."""
    return people.has_role(db, session.person_id, "manager")


def _manages_only(db: ReadSession, session: LaunchSession) -> bool:
    """Whether somebody came as a centre's manager: with that grant, and none that brings them elsewhere."""
    roles = people.roles_of(db, session.person_id)
    return "manager" in roles and "operator" not in roles


def _keys(module: Module) -> frozenset[str]:
    return frozenset(activity.key for activity in module.activities)


@router.get("/teaching")
def teaching(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """For an LMS's teacher or administrator without a grant: what this is, and who decides."""
    module = programme.current_module(db, session.module_key) if session.module_key else None
    name = people.display_name(db, session.person_id)
    page = TeacherPage(module=module, name=name, manages=_is_manager(db, session))
    return render(request, "learner/teaching.html", page)


@router.get("/modules")
def modules(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """What there is to learn."""
    page = ModulesPage(
        modules=programme.modules(db),
        manages=_is_manager(db, session),
        provisional=learning.provisional_state(db, session.person_id),
    )
    return render(request, "learner/modules.html", page)


@router.get("/module")
def module_page(request: Request, session: CurrentLaunch, db: ReadDb, runtime: App) -> HTMLResponse:
    """The module as a path: what is done, what is next, what came back."""
    enrolment, module = enrolled(db, session)
    progress = learning.progress(db, enrolment.id)
    href, text = next_step(session, progress, module)
    badge = _badge(db, session, enrolment, progress)
    again = None if session.renewing else doing_again.offer(db, runtime.secret_box, session.person_id, module.key)
    page = ModulePage(
        module=module,
        progress=progress,
        steps=_steps(session, progress, panel=module.award_rule.panel > 1),
        next_href=href,
        next_text=text,
        criterion_titles={criterion.key: criterion.title for criterion in module.rubric.criteria},
        notice_version=notice.NOTICE_VERSION if notice.notice_due(db, session.person_id) else None,
        badge=badge,
        renewal=_renewal(db, session, badge, again),
        again=again_line(again) if again is not None else None,
        manages=_is_manager(db, session),
        appeal=appeals.standing(db, enrolment_id=enrolment.id, person_id=session.person_id),
        may_be_left_behind=progress.done > 0 and people.confirmed_email(db, session.person_id) is None,
    )
    return render(request, "learner/module.html", page)


def _badge(db: ReadSession, session: LaunchSession, own: Enrolment, progress: Progress) -> CredentialSummary | None:
    """The badge that the work is about: that which it renews, or else the newest of the module.

    Of a module that is done again only the badge that this leads to.
    """
    badges = [each for each in issuer.credentials_of(db, session.person_id) if each.achievement_key == own.module_key]
    if own.is_again:
        award = award_for_decision(db, progress.decision_id) if progress.decision_id is not None else None
        return next((each for each in badges if award is not None and each.id == award.credential_id), None)
    return next((each for each in badges if each.id == own.renews), next(iter(badges), None))


def _renewal(
    db: ReadSession, session: LaunchSession, badge: CredentialSummary | None, again: AgainOffer | None
) -> RenewalLine | None:
    if session.renewing:
        return None
    if again is not None:
        return line_of(again.counting, None) if again.counting is not None else None
    return line_of(renewal_offers.offer(db, session.person_id, badge.id), None) if badge is not None else None


@router.post("/recognition")
def recognise(session: CurrentLaunch, db: WriteDb, form: PostedForm) -> RedirectResponse:
    """Choose to show what one can do without the lessons, or take that back."""
    enrolment, _module = enrolled(db, session)
    chosen = form.get("choice") == "recognition"
    recognition.choose(db, enrolment_id=enrolment.id, person_id=session.person_id, chosen=chosen)
    return RedirectResponse(f"{session.root}/module", status_code=303)


@router.post("/again")
def do_again(session: CurrentLaunch, db: WriteDb, runtime: App) -> RedirectResponse:
    """Begin the whole module once more, as nothing that the first time led to counts any more or can be renewed."""
    enrolment, _module = enrolled(db, session)
    if session.renewing:
        raise NotDoneAgain
    doing_again.begin(
        db,
        runtime.secret_box,
        person_id=session.person_id,
        module_key=enrolment.module_key,
        organisation_id=session.organisation_id,
    )
    return RedirectResponse(f"{session.root}/module", status_code=303)


@router.get("/hand-in")
def hand_in_page(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """What is handed in, what is missing, and the declaration."""
    return _show_hand_in(request, db, session)


@router.post("/hand-in")
def hand_in(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm) -> Response:
    """Hand the work in for marking; what the scan finds is shown first, and nothing is stored as handed in by then."""
    declared = form.get("declared") is not None
    kept = frozenset(name.removeprefix(KEEP) for name in form if name.startswith(KEEP))
    try:
        with runtime.database.write() as db:
            enrolment, _module = enrolled(db, session)
            learning.submit(db, enrolment_id=enrolment.id, person_id=session.person_id, declared=declared, kept=kept)
    except NotReady as error:
        only_declaration = all(item.code == "not_declared" for item in error.missing)
        message = "Please tick the declaration." if only_declaration else "Some steps are not done yet."
        errors = {"declared": message}
    except FindingsUnanswered:
        errors = {}
    else:
        return RedirectResponse(f"{session.root}/module", status_code=303)
    with runtime.database.read() as db:
        return _show_hand_in(request, db, session, errors=errors, kept=kept, declared=declared, status=422)


def _steps(session: LaunchSession, progress: Progress, *, panel: bool = False) -> tuple[Step, ...]:
    statuses = {
        "done": "done", "in_progress": "current", "not_started": "todo", "waiting": "waiting", "left_out": "left_out"
    }  # fmt: skip
    steps = []
    for activity in progress.activities:
        current = progress.landing == "activity" and activity.key == progress.next_activity
        detail = " · ".join(filter(None, (KIND_WORDS[activity.kind].capitalize(), activity.detail)))
        steps.append(
            Step(
                title=activity.title,
                status="current" if current else statuses[activity.state],
                href=f"{session.root}/activity/{activity.key}",
                detail=detail,
                effort=_effort(activity.minutes),
            )
        )
    steps.append(_hand_in_step(session, progress, panel=panel))
    return tuple(steps)


def _hand_in_step(session: LaunchSession, progress: Progress, *, panel: bool) -> Step:
    readers = "Two assessors read it" if panel else "An assessor reads it"
    status, detail = {
        "working": ("current" if progress.landing == "submit" else "todo", "When everything above is done"),
        "submitted": ("waiting", f"{readers}, usually within 10 working days"),
        "returned": ("returned", "Came back with comments; hand it in again when you are ready"),
        "awarded": ("done", "Awarded"),
    }[progress.state]
    href = f"{session.root}/hand-in" if progress.state in ("working", "returned") else None
    return Step(title="Hand in and be assessed", status=status, href=href, detail=detail, effort=None)


def _effort(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h" if rest == 0 else f"{hours} h {rest} min"


def _shown(item: ExerciseField, value: str) -> str:
    """What was written, or the words of what was chosen from a list."""
    return next((option.label for option in item.options if option.value == value), value)


def _show_hand_in(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    *,
    errors: Mapping[str, str] | None = None,
    kept: Collection[str] = (),
    declared: bool = False,
    status: int = 200,
) -> HTMLResponse:
    enrolment, module = enrolled(db, session)
    progress = learning.progress(db, enrolment.id)
    own = {"enrolment_id": enrolment.id, "person_id": session.person_id}
    written = {
        activity.key: learning.draft(db, activity_key=activity.key, **own).content
        for activity in module.activities
        if activity.kind in ("exercise", "reflection")
    }
    places = learning.found_in(db, module, written, session.person_id)
    files = files_of(db, enrolment.id)
    texts = []
    for activity in module.activities:
        if activity.key in written:
            rows = tuple(
                (
                    item.label,
                    marked(
                        calibration_form.in_words(module, activity.key, item.key, _shown(item, text)),
                        in_field(places, activity.key, item.key),
                    ),
                )
                for item in fields_of(activity)
                for text in (written[activity.key].get(item.key, "") or _names(files, activity.key, item.key),)
            )
            texts.append((activity.title, rows))
    if errors is not None and not progress.missing:
        errors = {**_unanswered(places, kept), **errors}
    page = HandInPage(
        module=module,
        progress=progress,
        missing=progress.missing,
        texts=tuple(texts),
        found=shown(places, written, activities_href=f"{session.root}/activity", ticked=kept),
        declared=declared,
        errors=errors or {},
    )
    return render(request, "learner/hand_in.html", page, status=status)


def _names(files: tuple[EvidenceFile, ...], activity_key: str, field_key: str) -> str:
    """The files of a field, one a line; a field for texts has none."""
    here = [one.name for one in files if (one.activity_key, one.field_key) == (activity_key, field_key)]
    return "\n".join(here)


def _unanswered(places: tuple[Place, ...], kept: Collection[str]) -> dict[str, str]:
    """What to do about each place that its writer has not answered for, by the name of its box."""
    return {
        f"{KEEP}{place.id}": f"{FOUND_WORDS[place.finding.kind].capitalize()}: change it, or tick that it is not about "
        "a real person."
        for place in places
        if place.id not in kept
    }
