"""The learner's activities: lesson, knowledge check, exercise and reflection, with drafts saved as one types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from app.core.db import ReadSession
from app.core.errors import NotFound
from app.learning import attendance as sessions
from app.learning import service as learning
from app.learning.attendance import Attendance, Course, Session
from app.learning.attendance_errors import CodeNotKnown, TooManyCodes
from app.learning.check_errors import Unanswered
from app.learning.errors import DraftConflict, DraftTooLong
from app.learning.files import EvidenceFile, files_of
from app.learning.schemas import ActivityProgress, Draft, Enrolment, KnowledgeCheckState
from app.programme.schemas import Activity, ExerciseField, Module
from app.web import calibration_form, observation_page
from app.web.calibration_form import CalibrationPart
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.forms import PostedForm, whole_number
from app.web.found import FoundPlace, in_field, shown, told
from app.web.learner_path import KIND_WORDS, REFLECTION_FIELD, enrolled, fields_of, next_step
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

SAMPLE = "sample-"  # before a sample's key, what the button says that leads to that sample of a calibration set
FILES = "files-"  # before a field's key, what the button says that leads from a form to the field's files


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
    attendance: Attendance | None = None
    stored_elsewhere: Draft | None = None
    saved: bool = False
    keep_as: str = ""
    criteria_feedback: tuple[tuple[str, str], ...] = ()
    found: Mapping[str, tuple[FoundPlace, ...]] = field(default_factory=dict)
    files: tuple[EvidenceFile, ...] = ()
    calibration: CalibrationPart | None = None


class DraftIn(BaseModel):
    """What the page sends while somebody types."""

    model_config = ConfigDict(extra="forbid")

    revision: int = Field(ge=0)
    content: dict[str, str]


@router.get("/activity/{key}")
def activity_page(
    request: Request, session: CurrentLaunch, db: ReadDb, key: str, saved: bool = False, missing: bool = False
) -> HTMLResponse:
    """One activity; with `missing`, each field that still stands between here and the next step is named."""
    errors: dict[str, str] = {}
    if missing:
        enrolment, _module = enrolled(db, session)
        errors = {
            item.field_key: item.detail
            for item in learning.progress(db, enrolment.id).missing
            if item.activity_key == key and item.field_key
        }
    return _show_activity(request, db, session, key, saved=saved, errors=errors)


@router.post("/activity/{key}/read")
def lesson_read(session: CurrentLaunch, db: WriteDb, key: str) -> RedirectResponse:
    """The lesson is read; on to what comes next."""
    enrolment, module = enrolled(db, session)
    learning.complete_lesson(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
    progress = learning.progress(db, enrolment.id)
    return RedirectResponse(next_step(session, progress, module)[0], status_code=303)


@router.post("/activity/{key}/attempt")
def begin_attempt(session: CurrentLaunch, db: WriteDb, key: str) -> RedirectResponse:
    """Begin a try at the knowledge check."""
    enrolment, _module = enrolled(db, session)
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


@router.post("/activity/{key}/attendance")
def attend(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """The code that is shown in the session: it counts in the course it is shown in, which is this launch's."""
    with runtime.database.read() as db:
        enrolment, module = enrolled(db, session)
    at = Session(Course(session.deployment_id, session.context_id or ""), module.key, key)
    code = form.get("code", "")
    try:
        sessions.use_code(runtime.database, at=at, enrolment_id=enrolment.id, person_id=session.person_id, code=code)
    except (CodeNotKnown, TooManyCodes) as error:
        message = f"{error.detail} {error.next_step}"
        with runtime.database.read() as db:
            return _show_activity(
                request, db, session, key, posted={"code": code}, errors={"code": message}, status=error.status
            )
    return RedirectResponse(f"{session.root}/activity/{key}", status_code=303)


@router.put("/activity/{key}/draft")
def autosave(session: CurrentLaunch, runtime: App, key: str, draft: Annotated[DraftIn, Body()]) -> JSONResponse:
    """Save what is being typed, and tell what the scan finds in it.

    Another device's newer text is given back beside it, never overwritten. Findings block no draft: decision 0025.
    """
    try:
        saved = _save(runtime, session, key, draft.content, draft.revision)
    except DraftConflict as error:
        with runtime.database.read() as db:
            _enrolment, module = enrolled(db, session)
            found = _told(db, session, module, key, error.stored.content)
        stored = replace(error.stored, content=calibration_form.expanded(module, key, error.stored.content))
        return JSONResponse({**_draft_json(stored), "found": found}, status_code=409)
    with runtime.database.read() as db:
        _enrolment, module = enrolled(db, session)
        found = _told(db, session, module, key, saved.content)
    return JSONResponse({"revision": saved.revision, "saved_at": _iso(saved.saved_at), "found": found})


@router.post("/activity/{key}/draft")
def save(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, key: str) -> Response:
    """Save by the button: for those without JavaScript, and before going on."""
    with runtime.database.read() as db:
        _enrolment, of_launch = enrolled(db, session)
    written = {name: value for name, value in form.items() if name not in ("csrf", "revision", "intent")}
    content = calibration_form.collapsed(of_launch, key, written)
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
    if form.get("intent", "").startswith(FILES):
        return RedirectResponse(
            f"{session.root}/activity/{key}/files/{quote(form['intent'].removeprefix(FILES), safe='')}", status_code=303
        )
    if form.get("intent", "").startswith(SAMPLE):
        at = quote(form["intent"].removeprefix(SAMPLE), safe="")
        return RedirectResponse(f"{session.root}/activity/{key}?saved=1#f-{at}-levels", status_code=303)
    if form.get("intent") == "stay":
        return RedirectResponse(f"{session.root}/activity/{key}?saved=1", status_code=303)
    with runtime.database.read() as db:
        enrolment, module = enrolled(db, session)
        return RedirectResponse(_after(session, db, enrolment, module, key), status_code=303)


def _after(session: LaunchSession, db: ReadSession, enrolment: Enrolment, module: Module, key: str) -> str:
    """After saving one text: the next undone activity; while revising, back to the module with its comments."""
    progress = learning.progress(db, enrolment.id)
    if progress.state == "returned":
        return f"{session.root}/module"
    if progress.next_activity == key:
        return f"{session.root}/activity/{key}?saved=1&missing=1"
    return next_step(session, progress, module)[0]


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
    enrolment, module = enrolled(db, session)
    try:
        activity = module.activity(key)
    except KeyError:
        raise NotFound("This module has no such activity.", next_step="Go back to the module.") from None
    if activity.kind == "observation":
        return observation_page.show(request, db, session, key, changed=request.query_params.get("changed", ""))
    progress = learning.progress(db, enrolment.id)
    state = next(item for item in progress.activities if item.key == key)
    extras: dict[str, Any] = {}
    if activity.kind == "knowledge_check":
        extras["check"] = learning.knowledge_check(
            db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key
        )
    elif activity.kind == "attendance":
        extras["attendance"] = sessions.attended(db, enrolment.id).get(key)
    elif activity.kind in ("exercise", "reflection"):
        draft = learning.draft(db, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key)
        extras["draft"] = draft
        extras["fields"] = fields_of(activity)
        extras["files"] = tuple(one for one in files_of(db, enrolment.id) if one.activity_key == key)
        if progress.state not in ("submitted", "awarded"):
            extras["found"] = _found(db, session, module, key, {**draft.content, **(posted or {})})
        if activity.kind == "reflection":
            extras["word_hint"] = learning.word_hint(activity, draft.content.get(REFLECTION_FIELD, ""))
        written = {**draft.content, **(posted or {})}
        extras["calibration"] = calibration_form.part(db, module, key, enrolment.id, written, errors or {})
        if progress.returned:
            extras["criteria_feedback"] = tuple(
                (item.title, item.comment) for item in progress.returned.criteria if item.comment
            )
    page = ActivityPage(
        module=module,
        activity=activity,
        state=state,
        number=1 + next(index for index, item in enumerate(progress.activities) if item.key == key),
        total=len(progress.activities),
        kind_words=KIND_WORDS[activity.kind],
        locked=progress.state in ("submitted", "awarded"),
        next_href=next_step(session, progress, module)[0],
        posted=posted or {},
        errors=errors or {},
        stored_elsewhere=stored_elsewhere,
        saved=saved,
        keep_as=f"{enrolment.id}/{key}",
        **extras,
    )
    template = "calibration" if page.calibration is not None else activity.kind
    return render(request, f"learner/{template}.html", page, status=status)


def _found(
    db: ReadSession, session: LaunchSession, module: Module, key: str, content: Mapping[str, str]
) -> dict[str, tuple[FoundPlace, ...]]:
    """What the scan sees in what is on the page, by field."""
    texts = {key: content}
    places = learning.found_in(db, module, texts, session.person_id)
    return {
        place.field_key: shown(
            in_field(places, key, place.field_key), texts, activities_href=f"{session.root}/activity"
        )
        for place in places
    }


def _told(
    db: ReadSession, session: LaunchSession, module: Module, key: str, content: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """What the scan sees in a draft, by field, for the page on which it is being written."""
    texts = {key: content}
    return told(learning.found_in(db, module, texts, session.person_id), texts)


def _save(runtime: App, session: LaunchSession, key: str, content: Mapping[str, str], revision: int) -> Draft:
    with runtime.database.write() as db:
        enrolment, module = enrolled(db, session)
        return learning.save_draft(
            db,
            enrolment_id=enrolment.id,
            person_id=session.person_id,
            activity_key=key,
            content=calibration_form.collapsed(module, key, content),
            base_revision=revision,
        )


def _draft_json(draft: Draft) -> dict[str, Any]:
    return {"revision": draft.revision, "content": dict(draft.content), "saved_at": _iso(draft.saved_at)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
