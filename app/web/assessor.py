"""The assessor's pages: the queue, the work beside the rubric, and the decision of a named person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.background import BackgroundTask

from app.core.errors import AppError
from app.core.runtime import Runtime
from app.core.scrubbing import empty_log
from app.learning import comment_bank, panel_marks
from app.learning import service as learning
from app.learning.errors import NotReady, UnusableText
from app.learning.marking_errors import (
    CommentBankFull,
    CommentMissing,
    CommentTooLong,
    NotIndependent,
    ReasonMissing,
    TalkInFuture,
    WaitsForSecondMark,
)
from app.learning.observation import service as observation
from app.learning.schemas import SubmissionForMarking
from app.learning.workbench_schemas import QueueFilter, WaitingPage
from app.people import service as people
from app.programme.schemas import Criterion
from app.web.assessor_page import OF_CRITERION, WHOLE, Errors, Said, level_words, show
from app.web.deciding import MarksChanged, award_or_give, levels_of, return_or_give
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.found import counted
from app.web.pages import render
from app.web.panel import AFTER_A_MARK, DIFFER
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess", include_in_schema=False)

DONE = {
    "returned": Said("success", "Returned", "The learner is told, and reads your comments beside the work."),
    "awarded": Said(
        "success",
        "Awarded",
        "The badge is being signed and the learner is told. The grade of a first award goes to the LMS by itself.",
    ),
}
SAVED = Said("success", "Saved", "Your marks and comments are kept. Nothing is decided yet.")


@dataclass(frozen=True)
class Wanted:
    """Which part of the queue somebody goes through; it travels in the address from page to page."""

    filter: QueueFilter
    page: int

    @property
    def query(self) -> str:
        """As in an address, from the question mark on; empty for the whole queue. The page is left out."""
        named = {
            "module": self.filter.module_key,
            "org": self.filter.organisation_id,
            "round": self.filter.round,
            "late": "yes" if self.filter.overdue else None,
            "mine": "yes" if self.filter.begun else None,
        }
        said = urlencode({key: value for key, value in named.items() if value})
        return f"?{said}" if said else ""

    def leading_to(self, **more: str | int) -> str:
        """The query with more in it."""
        said = urlencode(more)
        return f"{self.query}&{said}" if self.query else f"?{said}"


def asked_for(
    module: str = "",
    org: str = "",
    round: str = "",
    late: str = "",
    mine: str = "",
    page: str = "",
) -> Wanted:
    """The filter of an address; what makes no sense in it is left out."""
    return Wanted(
        QueueFilter(
            module_key=module or None,
            organisation_id=org or None,
            overdue=late == "yes",
            round="first" if round == "first" else "again" if round == "again" else None,
            begun=mine == "yes",
        ),
        whole_number(page) or 1,
    )


InQueue = Annotated[Wanted, Depends(asked_for)]


@dataclass(frozen=True)
class QueuePage:
    """What waits to be marked."""

    queue: WaitingPage
    wanted: Wanted
    said: Said | None
    is_operator: bool
    observers_waiting: int = 0
    is_manager: bool = False


@dataclass(frozen=True)
class AwardPage:
    """The question before an award.

    Attributes:
        seen: on which levels.
        changed: whether they were others a moment ago.
        below: that a calibration set is below its standard, which only a person can set aside.
    """

    work: SubmissionForMarking
    levels: tuple[tuple[str, str], ...]
    query: str
    comment: str = ""
    seen: str = ""
    changed: bool = False
    comment_error: str | None = None
    below: str | None = None


@dataclass(frozen=True)
class NotYoursPage:
    """Work that somebody else decides: why, and who may."""

    reasons: tuple[str, ...]
    names: tuple[str, ...]
    query: str


@router.get("")
def queue(request: Request, session: CurrentLaunch, db: ReadDb, wanted: InQueue, done: str = "") -> HTMLResponse:
    """What waits, oldest first."""
    page = QueuePage(
        queue=learning.waiting_page(db, assessor_person_id=session.person_id, wanted=wanted.filter, number=wanted.page),
        wanted=wanted,
        said={**DONE, **AFTER_A_MARK}.get(done),
        is_operator=people.has_role(db, session.person_id, "operator"),
        observers_waiting=observation.proposals_waiting(db, assessor_id=session.person_id),
        is_manager=people.has_role(db, session.person_id, "manager"),
    )
    return render(request, "assessor/queue.html", page)


@router.get("/{submission_id}")
def submission(
    request: Request, session: CurrentLaunch, db: ReadDb, submission_id: str, wanted: InQueue, done: str = ""
) -> HTMLResponse:
    """One piece of work beside its rubric."""
    said = {**DONE, **AFTER_A_MARK, "saved": SAVED, "differ": DIFFER}.get(done)
    if said is not None and done not in ("saved", "differ"):
        said = Said(said.kind, said.title, f"{said.text} Here is the next, the oldest that waits.", decided=True)
    try:
        return show(request, db, session, submission_id, query=wanted.query, said=said)
    except NotIndependent as error:
        names = panel_marks.who_may(db, submission_id)
        page = NotYoursPage(reasons=error.reasons, names=names, query=wanted.query)
        return render(request, "assessor/not_yours.html", page, status=error.status)
    except WaitsForSecondMark as error:
        error.action = {"text": "Go to second marks", "href": f"{session.root}/assess/second"}
        raise


@router.post("/{submission_id}")
def mark(
    request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, submission_id: str, wanted: InQueue
) -> Response:
    """Keep the marks; then return the work, ask about the award, use the comment bank, or just stay.

    Marks are kept first, in a transaction of their own: whatever is then refused, they are not lost.
    """
    decision, _, field = form.get("decision", "save").partition(":")
    if decision == "insert":
        form = _inserted(runtime, session, form, field)
    errors = _keep_marks(runtime, session, submission_id, form)
    if not errors and decision == "return":
        try:
            return _next(
                runtime, session, wanted, *return_or_give(runtime, session, submission_id, form.get(WHOLE, ""))
            )
        except (CommentMissing, CommentTooLong, UnusableText) as error:
            errors = [(WHOLE, error.detail)]
    if not errors and decision == "award":
        with runtime.database.read() as db:
            work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
        if work.proposal.ready or _below(work) is not None:
            # Shown at once instead of by a redirect, so that the comment just written goes along.
            return _ask(request, work, wanted, form.get(WHOLE, ""))
        errors = _missing(work)
    said, focus = SAVED, None
    if not errors and decision in ("keep", "insert"):
        focus = f"f-{field}"
        said = Said("success", "Inserted", "The saved comment is in the text, and your marks are kept.")
        if decision == "keep":
            said = _kept_for_later(runtime, session, submission_id, form, field)
    if not errors and decision == "save" and not form.get(WHOLE, "").strip():
        return RedirectResponse(
            f"{session.root}/assess/{submission_id}{wanted.leading_to(done='saved')}", status_code=303
        )
    with runtime.database.read() as db:
        return show(
            request, db, session, submission_id, query=wanted.query, posted=form, errors=errors,
            said=None if errors else said, focus=focus, status=422 if errors else 200,
        )  # fmt: skip


@router.get("/{submission_id}/award")
def ask_before_award(
    request: Request, session: CurrentLaunch, db: ReadDb, submission_id: str, wanted: InQueue
) -> HTMLResponse:
    """The question before an award: it cannot be undone."""
    work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    return _ask(request, work, wanted, "")


@router.post("/{submission_id}/award")
def award(
    request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, submission_id: str, wanted: InQueue
) -> Response:
    """A named person awards, on the levels that they were shown."""
    comment, seen = form.get(WHOLE, ""), form.get("levels")
    try:
        done = award_or_give(runtime, session, submission_id, comment, seen, below_standard=form.get("below") == "yes")
    except (MarksChanged, CommentMissing, CommentTooLong, UnusableText) as error:
        with runtime.database.read() as db:
            work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
        return _ask(request, work, wanted, comment, because=error)
    except NotReady:
        with runtime.database.read() as db:
            work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
            return show(request, db, session, submission_id, query=wanted.query, errors=_missing(work), status=422)
    return _next(runtime, session, wanted, *done)


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
            return show(
                request, db, session, submission_id, errors=[("sure", "Please tick that you mean it.")], status=422
            )
    with runtime.database.write() as db:
        learning.purge(db, submission_id=submission_id, assessor_id=session.person_id)
    # Only once the answer is there has this request itself no transaction open any more.
    after = BackgroundTask(empty_log, runtime.database)
    return RedirectResponse(f"{session.root}/assess/{submission_id}", status_code=303, background=after)


def _next(
    runtime: Runtime, session: LaunchSession, wanted: Wanted, done: str, found: str | None = None
) -> RedirectResponse:
    """After a decision: the oldest that waits in this part of the queue, or the queue where there is none."""
    if found is None:
        with runtime.database.read() as db:
            found = learning.next_waiting(db, assessor_person_id=session.person_id, wanted=wanted.filter)
    place = f"/assess/{found}" if found is not None else "/assess"
    return RedirectResponse(f"{session.root}{place}{wanted.leading_to(done=done)}", status_code=303)


def _ask(
    request: Request, work: SubmissionForMarking, wanted: Wanted, comment: str, *, because: Exception | None = None
) -> HTMLResponse:
    changed = isinstance(because, MarksChanged)
    wrong = because.detail if isinstance(because, AppError) else None
    levels = tuple((criterion.title, _level(work, criterion)) for criterion in work.rubric.criteria)
    page = AwardPage(
        work,
        levels,
        query=wanted.query,
        comment=comment,
        seen=levels_of(work.marks),
        changed=changed,
        comment_error=wrong,
        below=_below(work),
    )
    return render(request, "assessor/award.html", page, status=409 if changed else 422 if wrong else 200)


def _below(work: SubmissionForMarking) -> str | None:
    """What only a person can set aside, where nothing else is missing: a calibration set below its standard."""
    missing = work.proposal.missing
    alone = len(missing) == 1 and missing[0].code == "calibration_below" and work.panel is None
    return missing[0].detail if alone else None


def _keep_marks(runtime: Runtime, session: LaunchSession, submission_id: str, form: Mapping[str, str]) -> Errors:
    """Store every level, comment and the talk; what cannot be stored is named, the rest is kept."""
    with runtime.database.read() as db:
        work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    errors: Errors = []
    with runtime.database.write() as db:
        for criterion in work.rubric.criteria:
            level = form.get(f"level-{criterion.key}", "")
            comment = form.get(f"{OF_CRITERION}{criterion.key}", "")
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
                errors.append((f"{OF_CRITERION}{criterion.key}", f"{criterion.title}: {error.detail}"))
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


def _inserted(runtime: Runtime, session: LaunchSession, form: Mapping[str, str], field: str) -> Mapping[str, str]:
    """The form with the saved comment that was chosen for a field below what stands in it; the scripts do it alone."""
    with runtime.database.read() as db:
        saved = comment_bank.saved_comments(db, assessor_id=session.person_id)
    text = next((one.text for one in saved if one.id == form.get(f"bank-{field}")), "")
    written = form.get(field, "").rstrip()
    return {**form, field: f"{written}\n{text}".strip() if text else written}


def _kept_for_later(
    runtime: Runtime, session: LaunchSession, submission_id: str, form: Mapping[str, str], field: str
) -> Said:
    """Put what was typed in a field into the comment bank, and say what became of it."""
    with runtime.database.read() as db:
        work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    try:
        with runtime.database.write() as db:
            kept = comment_bank.save(
                db,
                assessor_id=session.person_id,
                text=form.get(field, ""),
                module_key=work.module.key,
                criterion_key=field.removeprefix(OF_CRITERION) if field != WHOLE else None,
            )
    except ReasonMissing:
        return Said("info", "Nothing to save yet", "Write the comment first. Your marks are kept.")
    except (CommentBankFull, CommentTooLong, UnusableText) as error:
        return Said("caution", error.title, f"{error.detail} {error.next_step or ''}")
    if kept.kinds:
        return Said(
            "caution",
            "Saved to your comments: please look again",
            f"The scan finds {counted(kept.kinds)}. A comment that is used again should name nobody.",
        )
    return Said("success", "Saved to your comments", "You can insert it in other work on this module.")


def _missing(work: SubmissionForMarking) -> Errors:
    errors: Errors = []
    for item in work.proposal.missing:
        if item.criterion_key:
            errors.append((f"level-{item.criterion_key}", item.detail))
        elif item.code == "talk_missing":
            errors.append(("talk-date", item.detail))
        else:
            errors.append((WHOLE, item.detail))
    return errors


def _level(work: SubmissionForMarking, criterion: Criterion) -> str:
    mark = work.marks.get(criterion.key)
    return level_words(criterion, mark.level if mark is not None else None)
