"""The assessor's pages: the queue, the work beside the rubric, and the decision of a named person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.clock import now
from app.core.db import ReadSession
from app.core.errors import AppError
from app.core.runtime import Runtime
from app.learning import service as learning
from app.learning.errors import CommentMissing, CommentTooLong, NotReady, TalkInFuture, UnusableText
from app.learning.schemas import QueueItem, SubmissionForMarking
from app.people import service as people
from app.programme.schemas import Criterion, Module
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.found import counted, in_field, marked
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess", include_in_schema=False)

Errors = list[tuple[str, str]]


@dataclass(frozen=True)
class QueuePage:
    """What waits to be marked."""

    items: tuple[QueueItem, ...]
    done: str | None
    is_operator: bool


@dataclass(frozen=True)
class LevelChoice:
    """One level of one criterion."""

    number: int
    name: str
    text: str


@dataclass(frozen=True)
class MarkedCriterion:
    """A criterion with what was chosen so far."""

    key: str
    title: str
    maps_to: str
    levels: tuple[LevelChoice, ...]
    selected: int | None
    comment: str
    error: str | None
    comment_error: str | None


@dataclass(frozen=True)
class SubmissionPage:
    """The work beside the rubric."""

    work: SubmissionForMarking
    texts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    labels: Mapping[tuple[str, str], str]
    criteria: tuple[MarkedCriterion, ...]
    talk_date: str
    talk_role: str
    today: str
    comment: str
    errors: Errors = field(default_factory=list)
    talk_errors: Mapping[str, str] = field(default_factory=dict)
    comment_error: str | None = None
    saved: bool = False
    kept: str = ""
    found: int = 0


@dataclass(frozen=True)
class QuarantinePage:
    """Work whose texts were put away: which kind of work, when, and what can be done."""

    work: SubmissionForMarking
    kept: str
    errors: Errors


@dataclass(frozen=True)
class AwardPage:
    """The question before an award."""

    work: SubmissionForMarking
    levels: tuple[tuple[str, str], ...]
    comment: str = ""


@router.get("")
def queue(request: Request, session: CurrentLaunch, db: ReadDb, done: str | None = None) -> HTMLResponse:
    """What waits, oldest first."""
    items = learning.queue(db, assessor_person_id=session.person_id)
    is_operator = people.has_role(db, session.person_id, "operator")
    return render(request, "assessor/queue.html", QueuePage(items=items, done=done, is_operator=is_operator))


@router.get("/{submission_id}")
def submission(
    request: Request, session: CurrentLaunch, db: ReadDb, submission_id: str, saved: bool = False
) -> HTMLResponse:
    """One piece of work beside its rubric."""
    return _show(request, db, session, submission_id, saved=saved)


@router.post("/{submission_id}")
def mark(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, submission_id: str) -> Response:
    """Keep the marks; then return the work, ask about the award, or just stay.

    Marks are kept first, in a transaction of their own: whatever is then refused, they are not lost.
    """
    errors = _keep_marks(runtime, session, submission_id, form)
    decision = form.get("decision", "save")
    if not errors and decision == "return":
        try:
            with runtime.database.write() as db:
                learning.return_work(
                    db, submission_id=submission_id, assessor_id=session.person_id, comment=form.get("comment", "")
                )
            return RedirectResponse(f"{session.root}/assess?done=returned", status_code=303)
        except (CommentMissing, CommentTooLong, UnusableText) as error:
            errors = [("comment", error.detail)]
    if not errors and decision == "award":
        with runtime.database.read() as db:
            work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
        if work.proposal.ready:
            # Shown at once instead of by a redirect, so that the comment just written goes along.
            return _ask(request, work, form.get("comment", ""))
        errors = _missing(work)
    if errors:
        with runtime.database.read() as db:
            return _show(request, db, session, submission_id, posted=form, errors=errors, status=422)
    return RedirectResponse(f"{session.root}/assess/{submission_id}?saved=1", status_code=303)


@router.get("/{submission_id}/award")
def ask_before_award(request: Request, session: CurrentLaunch, db: ReadDb, submission_id: str) -> HTMLResponse:
    """The question before an award: it cannot be undone."""
    work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    return _ask(request, work, "")


@router.post("/{submission_id}/award")
def award(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, submission_id: str) -> Response:
    """A named person awards."""
    try:
        with runtime.database.write() as db:
            learning.award(
                db, submission_id=submission_id, assessor_id=session.person_id, comment=form.get("comment", "")
            )
    except NotReady:
        with runtime.database.read() as db:
            work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
            return _show(request, db, session, submission_id, errors=_missing(work), status=422)
    return RedirectResponse(f"{session.root}/assess?done=awarded", status_code=303)


@router.post("/{submission_id}/quarantine")
def quarantine(session: CurrentLaunch, runtime: App, submission_id: str) -> Response:
    """Put the texts away, at once: asking first would leave them in sight. It can be taken back."""
    with runtime.database.write() as db:
        learning.quarantine(db, submission_id=submission_id, assessor_id=session.person_id)
    return RedirectResponse(f"{session.root}/assess/{submission_id}", status_code=303)


@router.post("/{submission_id}/quarantine/undo")
def undo_quarantine(session: CurrentLaunch, runtime: App, submission_id: str) -> Response:
    """Bring the texts back."""
    with runtime.database.write() as db:
        learning.undo(db, submission_id=submission_id, assessor_id=session.person_id)
    return RedirectResponse(f"{session.root}/assess/{submission_id}", status_code=303)


@router.post("/{submission_id}/purge")
def purge(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, submission_id: str) -> Response:
    """Remove every copy, once it is confirmed that this cannot be taken back."""
    if form.get("sure") != "yes":
        with runtime.database.read() as db:
            return _show(
                request, db, session, submission_id, errors=[("sure", "Please tick that you mean it.")], status=422
            )
    with runtime.database.write() as db:
        learning.purge(db, submission_id=submission_id, assessor_id=session.person_id)
    return RedirectResponse(f"{session.root}/assess/{submission_id}", status_code=303)


def _ask(request: Request, work: SubmissionForMarking, comment: str) -> HTMLResponse:
    levels = tuple((criterion.title, _level_words(work, criterion)) for criterion in work.rubric.criteria)
    return render(request, "assessor/award.html", AwardPage(work=work, levels=levels, comment=comment))


def _keep_marks(runtime: Runtime, session: LaunchSession, submission_id: str, form: Mapping[str, str]) -> Errors:
    """Store every level, comment and the talk; what cannot be stored is named, the rest is kept."""
    with runtime.database.read() as db:
        work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    errors: Errors = []
    with runtime.database.write() as db:
        for criterion in work.rubric.criteria:
            level = form.get(f"level-{criterion.key}", "")
            comment = form.get(f"comment-{criterion.key}", "")
            if not level and not comment:
                continue
            try:
                learning.mark(
                    db,
                    submission_id=submission_id,
                    assessor_id=session.person_id,
                    criterion_key=criterion.key,
                    level=whole_number(level),
                    comment=comment,
                )
            except (CommentTooLong, UnusableText) as error:
                errors.append((f"comment-{criterion.key}", f"{criterion.title}: {error.detail}"))
    return errors + _keep_talk(runtime, session, submission_id, form)


def _keep_talk(runtime: Runtime, session: LaunchSession, submission_id: str, form: Mapping[str, str]) -> Errors:
    held_on, role = form.get("talk-date", "").strip(), form.get("talk-role", "").strip()
    if not held_on and not role:
        return []
    if not held_on or not role:
        missing = "talk-date" if not held_on else "talk-role"
        return [(missing, "The talk needs both: the day and the role of who held it.")]
    try:
        day = date.fromisoformat(held_on)
    except ValueError:
        return [("talk-date", "Please give the day as day, month and year.")]
    try:
        with runtime.database.write() as db:
            learning.record_supervisor_talk(
                db, submission_id=submission_id, recorded_by=session.person_id, held_on=day, supervisor_role=role
            )
    except TalkInFuture as error:
        return [("talk-date", error.detail)]
    except AppError as error:
        if error.status not in (400, 413, 422):
            raise
        return [("talk-role", error.detail)]
    return []


def _missing(work: SubmissionForMarking) -> Errors:
    errors: Errors = []
    for item in work.proposal.missing:
        if item.criterion_key:
            errors.append((f"level-{item.criterion_key}", item.detail))
        elif item.code == "talk_missing":
            errors.append(("talk-date", item.detail))
        else:
            errors.append(("comment", item.detail))
    return errors


def _show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    submission_id: str,
    *,
    posted: Mapping[str, str] | None = None,
    errors: Errors | None = None,
    saved: bool = False,
    status: int = 200,
) -> HTMLResponse:
    work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    if work.submission.quarantined_at is not None:
        away = QuarantinePage(work=work, kept=counted(work.submission.kept_findings), errors=errors or [])
        return render(request, "assessor/quarantined.html", away, status=status)
    form, named = posted or {}, dict(errors or [])
    labels = _labels(work.module)
    page = SubmissionPage(
        work=work,
        texts=_texts(work, labels),
        labels=labels,
        criteria=tuple(_criterion(criterion, work, form, named) for criterion in work.rubric.criteria),
        talk_date=form.get("talk-date", work.talk.held_on.isoformat() if work.talk else ""),
        talk_role=form.get("talk-role", work.talk.supervisor_role if work.talk else ""),
        today=now().date().isoformat(),
        comment=form.get("comment", ""),
        errors=errors or [],
        talk_errors={key: value for key, value in named.items() if key.startswith("talk-")},
        comment_error=named.get("comment"),
        saved=saved,
        kept=counted(work.submission.kept_findings),
        found=len(work.places),
    )
    return render(request, "assessor/submission.html", page, status=status)


def _criterion(
    criterion: Criterion, work: SubmissionForMarking, form: Mapping[str, str], errors: Mapping[str, str]
) -> MarkedCriterion:
    mark = work.marks.get(criterion.key)
    chosen = form.get(f"level-{criterion.key}", "")
    maps = (*criterion.competencies, *criterion.conditions, *criterion.fidelity_items, *criterion.principles)
    return MarkedCriterion(
        key=criterion.key,
        title=criterion.title,
        maps_to=" · ".join(maps),
        levels=tuple(LevelChoice(level.level, level.name, level.description) for level in criterion.levels),
        selected=whole_number(chosen) if chosen else (mark.level if mark else None),
        comment=form.get(f"comment-{criterion.key}", mark.comment if mark else ""),
        error=errors.get(f"level-{criterion.key}"),
        comment_error=errors.get(f"comment-{criterion.key}"),
    )


def _labels(module: Module) -> dict[tuple[str, str], str]:
    labels = {(activity.key, item.key): item.label for activity in module.activities for item in activity.fields}
    labels.update({(activity.key, "text"): activity.title for activity in module.activities_of("reflection")})
    return labels


def _texts(
    work: SubmissionForMarking, labels: Mapping[tuple[str, str], str]
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    shown = []
    for activity in work.module.activities:
        handed_in = work.submission.texts.get(activity.key)
        if handed_in:
            chosen = {(item.key, option.value): option.label for item in activity.fields for option in item.options}
            rows = tuple(
                (
                    labels.get((activity.key, key), key),
                    chosen.get((key, value)) or marked(value, in_field(work.places, activity.key, key)),
                )
                for key, value in handed_in.items()
            )
            shown.append((activity.title, rows))
    return tuple(shown)


def _level_words(work: SubmissionForMarking, criterion: Criterion) -> str:
    mark = work.marks.get(criterion.key)
    if mark is None or mark.level is None:
        return "not marked"
    name = next(level.name for level in criterion.levels if level.level == mark.level)
    return f"{mark.level} {name}"
