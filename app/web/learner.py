"""The learner's pages: the module as a path, its activities, handing in, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from app.core.db import ReadSession
from app.core.errors import NotFound
from app.issuer import service as issuer
from app.issuer.schemas import CredentialSummary
from app.learning import service as learning
from app.learning.errors import DraftConflict, DraftTooLong, NotReady, Unanswered
from app.learning.schemas import (
    ActivityProgress,
    Draft,
    Enrolment,
    KnowledgeCheckState,
    Missing,
    Progress,
)
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import Activity, ExerciseField, Module
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.forms import PostedForm, whole_number
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

KIND_WORDS = {
    "lesson": "lesson",
    "knowledge_check": "knowledge check",
    "exercise": "workplace exercise",
    "reflection": "reflection",
}
REFLECTION_FIELD = "text"


class NoModuleHere(NotFound):
    """The launch named no module, or one that the catalogue does not have."""

    slug = "no-module-here"
    title = "No module is placed here"


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
    """The module as a path one can walk."""

    module: Module
    progress: Progress
    steps: tuple[Step, ...]
    next_href: str
    next_text: str
    criterion_titles: Mapping[str, str]
    first_visit: bool
    badge: CredentialSummary | None = None


@dataclass(frozen=True)
class ActivityPage:
    """One activity."""

    module: Module
    activity: Activity
    state: ActivityProgress
    number: int
    total: int
    kind_words: str
    locked: bool
    next_href: str
    draft: Draft | None = None
    fields: tuple[ExerciseField, ...] = ()
    posted: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    word_hint: str | None = None
    check: KnowledgeCheckState | None = None
    stored_elsewhere: Draft | None = None
    saved: bool = False
    criteria_feedback: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class HandInPage:
    """The declaration before work is handed in."""

    module: Module
    progress: Progress
    missing: tuple[Missing, ...]
    texts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    error: str | None = None


@dataclass(frozen=True)
class ModulesPage:
    """What there is to learn, where a launch named no module."""

    modules: tuple[Module, ...]


@dataclass(frozen=True)
class TeacherPage:
    """What an LMS's teacher sees who is not an assessor."""

    module: Module | None
    name: str


class DraftIn(BaseModel):
    """What the page sends while somebody types."""

    model_config = ConfigDict(extra="forbid")

    revision: int = Field(ge=0)
    content: dict[str, str]


@router.get("")
def without_slash(session: CurrentLaunch) -> RedirectResponse:
    """The same place with its slash."""
    return RedirectResponse(f"{session.root}/", status_code=303)


@router.get("/")
def land(session: CurrentLaunch, db: ReadDb) -> RedirectResponse:
    """Where a launch arrives: an assessor at the queue, a learner at what comes next."""
    if people.has_role(db, session.person_id, "assessor"):
        return RedirectResponse(f"{session.root}/assess", status_code=303)
    if session.is_teacher or session.is_administrator:
        return RedirectResponse(f"{session.root}/teaching", status_code=303)
    if session.module_key is None:
        return RedirectResponse(f"{session.root}/modules", status_code=303)
    enrolment = learning.enrolment_of(db, person_id=session.person_id, module_key=session.module_key)
    if enrolment is None:
        return RedirectResponse(f"{session.root}/modules", status_code=303)
    progress = learning.progress(db, enrolment.id)
    started = any(activity.state != "not_started" for activity in progress.activities)
    if progress.landing == "activity" and progress.next_activity and started:
        return RedirectResponse(f"{session.root}/activity/{progress.next_activity}", status_code=303)
    return RedirectResponse(f"{session.root}/module", status_code=303)


@router.get("/teaching")
def teaching(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """For an LMS's teacher or administrator without a grant: what this is, and who decides."""
    module = programme.current_module(db, session.module_key) if session.module_key else None
    name = people.display_name(db, session.person_id)
    return render(request, "learner/teaching.html", TeacherPage(module=module, name=name))


@router.get("/modules")
def modules(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """What there is to learn."""
    return render(request, "learner/modules.html", ModulesPage(modules=programme.modules(db)))


@router.get("/module")
def module_page(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """The module as a path: what is done, what is next, what came back."""
    enrolment, module = _enrolment(db, session)
    progress = learning.progress(db, enrolment.id)
    href, text = _next(session, progress, module)
    page = ModulePage(
        module=module,
        progress=progress,
        steps=_steps(session, progress),
        next_href=href,
        next_text=text,
        criterion_titles={criterion.key: criterion.title for criterion in module.rubric.criteria},
        first_visit=all(activity.state == "not_started" for activity in progress.activities),
        badge=next((b for b in issuer.credentials_of(db, session.person_id) if b.achievement_key == module.key), None),
    )
    return render(request, "learner/module.html", page)


@router.get("/activity/{key}")
def activity_page(
    request: Request, session: CurrentLaunch, db: ReadDb, key: str, saved: bool = False, missing: bool = False
) -> HTMLResponse:
    """One activity; with `missing`, each field that still stands between here and the next step is named."""
    errors: dict[str, str] = {}
    if missing:
        enrolment, _module = _enrolment(db, session)
        errors = {
            item.field_key: item.detail
            for item in learning.progress(db, enrolment.id).missing
            if item.activity_key == key and item.field_key
        }
    return _show_activity(request, db, session, key, saved=saved, errors=errors)


@router.post("/activity/{key}/read")
def lesson_read(session: CurrentLaunch, db: WriteDb, key: str) -> RedirectResponse:
    """The lesson is read; on to what comes next."""
    enrolment, module = _enrolment(db, session)
    learning.complete_lesson(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
    progress = learning.progress(db, enrolment.id)
    return RedirectResponse(_next(session, progress, module)[0], status_code=303)


@router.post("/activity/{key}/attempt")
def begin_attempt(session: CurrentLaunch, db: WriteDb, key: str) -> RedirectResponse:
    """Begin a try at the knowledge check."""
    enrolment, _module = _enrolment(db, session)
    learning.start_attempt(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
    return RedirectResponse(f"{session.root}/activity/{key}", status_code=303)


@router.post("/activity/{key}/answers")
def answer(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Count a try at the knowledge check; an unanswered question counts nothing and keeps the answers given."""
    answers = {name[len("answer-") :]: value for name, value in form.items() if name.startswith("answer-")}
    try:
        with runtime.database.write() as db:
            learning.answer_attempt(
                db, attempt_id=form.get("attempt", ""), person_id=session.person_id, answers=answers
            )
    except Unanswered as error:
        errors = dict.fromkeys(error.question_keys, "Please choose one answer.")
        with runtime.database.read() as db:
            return _show_activity(request, db, session, key, posted=answers, errors=errors, status=422)
    return RedirectResponse(f"{session.root}/activity/{key}#result", status_code=303)


@router.put("/activity/{key}/draft")
def autosave(session: CurrentLaunch, runtime: App, key: str, draft: Annotated[DraftIn, Body()]) -> JSONResponse:
    """Save what is being typed; another device's newer text is given back beside it, never overwritten."""
    try:
        saved = _save(runtime, session, key, draft.content, draft.revision)
    except DraftConflict as error:
        return JSONResponse(_draft_json(error.stored), status_code=409)
    return JSONResponse({"revision": saved.revision, "saved_at": _iso(saved.saved_at)})


@router.post("/activity/{key}/draft")
def save(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Save by the button: for those without JavaScript, and before going on."""
    content = {name: value for name, value in form.items() if name not in ("csrf", "revision", "intent")}
    revision = whole_number(form.get("revision", "")) or 0
    try:
        _save(runtime, session, key, content, revision)
    except DraftConflict as error:
        with runtime.database.read() as db:
            return _show_activity(request, db, session, key, posted=content, stored_elsewhere=error.stored, status=409)
    except DraftTooLong as error:
        message = f"This is {error.length:,} characters long; {error.limit:,} fit. Please shorten it."
        with runtime.database.read() as db:
            return _show_activity(
                request, db, session, key, posted=content, errors={error.field_key: message}, status=413
            )
    if form.get("intent") == "stay":
        return RedirectResponse(f"{session.root}/activity/{key}?saved=1", status_code=303)
    with runtime.database.read() as db:
        enrolment, module = _enrolment(db, session)
        return RedirectResponse(_after(session, db, enrolment, module, key), status_code=303)


@router.get("/hand-in")
def hand_in_page(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """What is handed in, what is missing, and the declaration."""
    return _show_hand_in(request, db, session)


@router.post("/hand-in")
def hand_in(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm) -> Response:
    """Hand the work in for marking."""
    declared = form.get("declared") is not None
    try:
        with runtime.database.write() as db:
            enrolment, _module = _enrolment(db, session)
            learning.submit(db, enrolment_id=enrolment.id, person_id=session.person_id, declared=declared)
    except NotReady as error:
        only_declaration = all(item.code == "not_declared" for item in error.missing)
        message = "Please tick the declaration." if only_declaration else "Some steps are not done yet."
        with runtime.database.read() as db:
            return _show_hand_in(request, db, session, error=message, status=422)
    return RedirectResponse(f"{session.root}/module", status_code=303)


def _enrolment(db: ReadSession, session: LaunchSession) -> tuple[Enrolment, Module]:
    if session.module_key is None:
        raise NoModuleHere(
            "This link in your LMS does not say which module it opens.",
            next_step="Ask whoever runs the course to place a module there.",
        )
    enrolment = learning.enrolment_of(db, person_id=session.person_id, module_key=session.module_key)
    if enrolment is None:
        raise NoModuleHere(
            "You are not enrolled in this module.", next_step="Open the activity again from your LMS as a learner."
        )
    return enrolment, learning.module_of(db, enrolment)


def _next(session: LaunchSession, progress: Progress, module: Module) -> tuple[str, str]:
    """Where to go next, and the words on the button."""
    if progress.landing == "activity" and progress.next_activity:
        title = module.activity(progress.next_activity).title
        started = progress.done > 0
        return f"{session.root}/activity/{progress.next_activity}", f"{'Next' if started else 'Begin'}: {title}"
    if progress.landing == "submit":
        return f"{session.root}/hand-in", "Check and hand in"
    if progress.landing == "revise":
        return f"{session.root}/hand-in", "Check and hand in again"
    if progress.landing == "done":
        return f"{session.root}/badges", "See my badge"
    return f"{session.root}/module", "Back to the module"


def _after(session: LaunchSession, db: ReadSession, enrolment: Enrolment, module: Module, key: str) -> str:
    """After saving one text: the next undone activity; while revising, back to the module with its comments."""
    progress = learning.progress(db, enrolment.id)
    if progress.state == "returned":
        return f"{session.root}/module"
    if progress.next_activity == key:
        return f"{session.root}/activity/{key}?saved=1&missing=1"
    return _next(session, progress, module)[0]


def _steps(session: LaunchSession, progress: Progress) -> tuple[Step, ...]:
    statuses = {"done": "done", "in_progress": "current", "not_started": "todo"}
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
    steps.append(_hand_in_step(session, progress))
    return tuple(steps)


def _hand_in_step(session: LaunchSession, progress: Progress) -> Step:
    status, detail = {
        "working": ("current" if progress.landing == "submit" else "todo", "When everything above is done"),
        "submitted": ("waiting", "An assessor reads it, usually within 10 working days"),
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


def _show_activity(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    key: str,
    *,
    posted: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    stored_elsewhere: Draft | None = None,
    saved: bool = False,
    status: int = 200,
) -> HTMLResponse:
    enrolment, module = _enrolment(db, session)
    try:
        activity = module.activity(key)
    except KeyError:
        raise NotFound("This module has no such activity.", next_step="Go back to the module.") from None
    progress = learning.progress(db, enrolment.id)
    state = next(item for item in progress.activities if item.key == key)
    extras: dict[str, Any] = {}
    if activity.kind == "knowledge_check":
        extras["check"] = learning.knowledge_check(
            db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key
        )
    elif activity.kind in ("exercise", "reflection"):
        draft = learning.draft(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
        extras["draft"] = draft
        extras["fields"] = _fields(activity)
        if activity.kind == "reflection":
            extras["word_hint"] = learning.word_hint(activity, draft.content.get(REFLECTION_FIELD, ""))
        if progress.returned:
            extras["criteria_feedback"] = tuple(
                (item.title, item.comment) for item in progress.returned.criteria if item.comment
            )
    page = ActivityPage(
        module=module,
        activity=activity,
        state=state,
        number=1 + next(index for index, item in enumerate(progress.activities) if item.key == key),
        total=progress.total,
        kind_words=KIND_WORDS[activity.kind],
        locked=progress.state in ("submitted", "awarded"),
        next_href=_next(session, progress, module)[0],
        posted=posted or {},
        errors=errors or {},
        stored_elsewhere=stored_elsewhere,
        saved=saved,
        **extras,
    )
    return render(request, f"learner/{activity.kind}.html", page, status=status)


def _fields(activity: Activity) -> tuple[ExerciseField, ...]:
    if activity.kind == "exercise":
        return activity.fields
    hint = None
    if activity.min_words and activity.max_words:
        hint = f"About {activity.min_words} to {activity.max_words} words. Invent or blur every personal detail."
    return (ExerciseField(key=REFLECTION_FIELD, label="Your reflection", hint=hint, kind="long_text"),)


def _shown(item: ExerciseField, value: str) -> str:
    """What was written, or the words of what was chosen from a list."""
    return next((option.label for option in item.options if option.value == value), value)


def _save(runtime: App, session: LaunchSession, key: str, content: Mapping[str, str], revision: int) -> Draft:
    with runtime.database.write() as db:
        enrolment, _module = _enrolment(db, session)
        return learning.save_draft(
            db,
            enrolment_id=enrolment.id,
            person_id=session.person_id,
            activity_key=key,
            content=content,
            base_revision=revision,
        )


def _draft_json(draft: Draft) -> dict[str, Any]:
    return {"revision": draft.revision, "content": dict(draft.content), "saved_at": _iso(draft.saved_at)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _show_hand_in(
    request: Request, db: ReadSession, session: LaunchSession, *, error: str | None = None, status: int = 200
) -> HTMLResponse:
    enrolment, module = _enrolment(db, session)
    progress = learning.progress(db, enrolment.id)
    texts = []
    for activity in module.activities:
        if activity.kind in ("exercise", "reflection"):
            draft = learning.draft(
                db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=activity.key
            )
            rows = tuple((item.label, _shown(item, draft.content.get(item.key, ""))) for item in _fields(activity))
            texts.append((activity.title, rows))
    page = HandInPage(module=module, progress=progress, missing=progress.missing, texts=tuple(texts), error=error)
    return render(request, "learner/hand_in.html", page, status=status)
