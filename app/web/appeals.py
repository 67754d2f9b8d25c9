"""Appeals: a learner's page to make one, and the assessors' pages to answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.db import ReadSession
from app.core.errors import AppError
from app.learning import appeals, second_marking
from app.learning import service as learning
from app.learning.appeal_errors import AppealNotPossible
from app.learning.errors import FindingsUnanswered, UnusableText, WorkPutAway
from app.learning.evidence import Place
from app.learning.files import EvidenceFile, files_of_submission
from app.learning.marking_errors import CommentTooLong, ReasonMissing
from app.learning.schemas import Progress
from app.learning.texts import clean_comment
from app.learning.workbench_schemas import AppealForAssessor, AppealItem, AppealStanding
from app.programme.schemas import Module
from app.web.assessor_page import Errors, Texts, labels_of, level_words, texts_of
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.found import KEEP, FoundPlace, shown
from app.web.learner_path import enrolled
from app.web.observers import ShownObservation, observations_shown
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

NOT_A_PERSON = "Please change these words, or say that they name nobody."


@dataclass(frozen=True)
class AppealPage:
    """A learner's appeal: to be written, or as it stands."""

    module: Module
    progress: Progress
    standing: AppealStanding
    reason: str
    found: tuple[FoundPlace, ...]
    errors: Mapping[str, str]
    done: bool
    days: int
    keep_as: str


@dataclass(frozen=True)
class AppealsPage:
    """The open appeals, for assessors."""

    appeals: tuple[AppealItem, ...]
    done: str


@dataclass(frozen=True)
class AnswerPage:
    """An appeal beside the work and the first decision."""

    work: AppealForAssessor
    texts: Texts
    levels: tuple[tuple[str, str, str], ...]
    answer: str
    errors: Errors
    error: str | None
    files: tuple[EvidenceFile, ...]
    observations: tuple[ShownObservation, ...]


@router.get("/appeal")
def appeal(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """Where the learner makes an appeal, or sees how it stands."""
    return _show_learner(request, db, session, done=done == "made")


@router.post("/appeal")
def make(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm) -> Response:
    """Make the appeal, once each place that the scan finds is changed or answered for."""
    places: tuple[Place, ...] = ()
    errors: dict[str, str] = {}
    try:
        with runtime.database.write() as db:
            enrolment, _module = enrolled(db, session)
            appeals.make(
                db, enrolment_id=enrolment.id, person_id=session.person_id, decision_id=form.get("about", ""),
                reason=form.get("reason", ""), kept=_ticked(form),
            )  # fmt: skip
    except FindingsUnanswered as error:
        places = error.places
        errors = {f"{KEEP}{place.id}": NOT_A_PERSON for place in places}
    except (ReasonMissing, CommentTooLong, UnusableText) as error:
        errors = {"reason": error.detail}
    else:
        return RedirectResponse(f"{session.root}/appeal?done=made", status_code=303)
    with runtime.database.read() as db:
        return _show_learner(request, db, session, form=form, places=places, errors=errors, status=422)


@router.get("/assess/appeals")
def appeals_to_answer(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """The open appeals, oldest first."""
    items = appeals.appeals_to_answer(db, assessor_id=session.person_id)
    return render(request, "assessor/appeals.html", AppealsPage(appeals=items, done=done))


@router.get("/assess/appeals/{appeal_id}")
def one_appeal(request: Request, session: CurrentLaunch, runtime: App, appeal_id: str) -> HTMLResponse:
    """One appeal beside the work and the decision; whoever has seen that gives no blind second mark of it."""
    with runtime.database.read() as db:
        work = appeals.open_appeal(db, appeal_id=appeal_id, assessor_id=session.person_id)
        could_be_blind = second_marking.awaits(db, submission_id=work.submission.id, assessor_id=session.person_id)
    if could_be_blind:
        with runtime.database.write() as writing:
            second_marking.note_seen(writing, submission_id=work.submission.id, assessor_id=session.person_id)
    with runtime.database.read() as db:
        return _show_assessor(request, db, session, appeal_id, "", [])


@router.post("/assess/appeals/{appeal_id}")
def answer(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, appeal_id: str) -> Response:
    """Uphold or decline."""
    said, outcome = form.get("answer", ""), form.get("outcome", "")
    try:
        with runtime.database.write() as db:
            if outcome == "uphold":
                appeals.uphold(db, appeal_id=appeal_id, assessor_id=session.person_id, answer=said)
            elif outcome == "decline":
                appeals.decline(db, appeal_id=appeal_id, assessor_id=session.person_id, answer=said)
            else:
                return RedirectResponse(f"{session.root}/assess/appeals/{appeal_id}", status_code=303)
    except ReasonMissing:
        wrong = "Please tell the learner why the decision stands."
    except (CommentTooLong, UnusableText, WorkPutAway) as error:
        wrong = _words(error)
    else:
        return RedirectResponse(f"{session.root}/assess/appeals?done={outcome}", status_code=303)
    with runtime.database.read() as db:
        return _show_assessor(request, db, session, appeal_id, said, [("answer", wrong)], status=422)


def _words(error: AppError) -> str:
    return error.detail


def _ticked(form: Mapping[str, str]) -> frozenset[str]:
    return frozenset(name.removeprefix(KEEP) for name in form if name.startswith(KEEP))


def _show_learner(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    *,
    form: Mapping[str, str] | None = None,
    places: tuple[Place, ...] = (),
    errors: Mapping[str, str] | None = None,
    done: bool = False,
    status: int = 200,
) -> HTMLResponse:
    enrolment, module = enrolled(db, session)
    standing = appeals.standing(db, enrolment_id=enrolment.id, person_id=session.person_id)
    if standing.possible_until is None and standing.appeal is None:
        raise AppealNotPossible("There is no decision about your work that you can appeal against.")
    form = form or {}
    activity, field = appeals.REASON_FIELD
    reason = form.get("reason", "")
    # As it was scanned: line breaks are made one kind, and the ends are cut.
    scanned = clean_comment(reason) if places else reason
    page = AppealPage(
        module=module,
        progress=learning.progress(db, enrolment.id),
        standing=standing,
        reason=reason,
        found=shown(places, {activity: {field: scanned}}, activities_href="#f-reason", ticked=_ticked(form)),
        errors=errors or {},
        done=done,
        days=appeals.APPEAL_WITHIN.days,
        keep_as=f"{enrolment.id}/appeal",
    )
    return render(request, "learner/appeal.html", page, status=status)


def _show_assessor(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    appeal_id: str,
    said: str,
    errors: Errors,
    *,
    status: int = 200,
) -> HTMLResponse:
    work = appeals.open_appeal(db, appeal_id=appeal_id, assessor_id=session.person_id)
    levels = []
    for criterion in work.module.rubric.criteria:
        mark = work.marks.get(criterion.key)
        words = level_words(criterion, mark.level if mark is not None else None)
        levels.append((criterion.title, words, mark.comment if mark is not None else ""))
    page = AnswerPage(
        work=work,
        texts=texts_of(work.module, work.submission, work.places, labels_of(work.module)),
        levels=tuple(levels),
        answer=said,
        errors=errors,
        error=dict(errors).get("answer"),
        files=files_of_submission(db, work.submission.id),
        observations=observations_shown(db, session, work.submission.enrolment_id, work.module),
    )
    return render(request, "assessor/appeal.html", page, status=status)
