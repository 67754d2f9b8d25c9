"""Second marks: what waits for one, and the work, blind, beside its rubric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.db import ReadSession
from app.learning import calibration, second_marking
from app.learning.calibration import Comparison
from app.learning.errors import UnusableText
from app.learning.files import EvidenceFile, files_of_submission
from app.learning.marking_errors import CommentTooLong, SecondMarkIncomplete
from app.learning.workbench_schemas import BlindWork, SecondQueue
from app.web.assessor_page import Errors, MarkedCriterion, Texts, labels_of, level_choices, maps_to, texts_of
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.observers import ShownObservation, observations_shown
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess/second", include_in_schema=False)


@dataclass(frozen=True)
class SecondQueuePage:
    """What waits for a second mark."""

    queue: SecondQueue
    done: bool


@dataclass(frozen=True)
class BlindPage:
    """Work as it was handed in, beside its rubric, and what was chosen so far."""

    work: BlindWork
    texts: Texts
    criteria: tuple[MarkedCriterion, ...]
    outcome: str
    reason: str
    errors: Errors
    named: Mapping[str, str]
    files: tuple[EvidenceFile, ...]
    observations: tuple[ShownObservation, ...]
    calibration: Comparison | None = None


@router.get("")
def second_queue(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """What waits, oldest first."""
    queue = second_marking.second_queue(db, assessor_id=session.person_id)
    return render(request, "assessor/second_queue.html", SecondQueuePage(queue=queue, done=done == "given"))


@router.get("/{second_mark_id}")
def blind(request: Request, session: CurrentLaunch, db: ReadDb, second_mark_id: str) -> HTMLResponse:
    """The work, without a trace of the decision."""
    return _show(request, db, session, second_mark_id, {}, {})


@router.post("/{second_mark_id}")
def give(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, second_mark_id: str) -> Response:
    """Give the second mark."""
    with runtime.database.read() as db:
        work = second_marking.open_blind(db, second_mark_id=second_mark_id, assessor_id=session.person_id)
    levels = {one.key: whole_number(form.get(f"level-{one.key}", "")) for one in work.module.rubric.criteria}
    try:
        with runtime.database.write() as db:
            second_marking.give(
                db, second_mark_id=second_mark_id, assessor_id=session.person_id, outcome=form.get("outcome", ""),
                levels=levels, reason=form.get("reason", ""),
            )  # fmt: skip
    except SecondMarkIncomplete as error:
        named = error.fields
    except (CommentTooLong, UnusableText) as error:
        named = {"reason": error.detail}
    else:
        return RedirectResponse(f"{session.root}/assess/second?done=given", status_code=303)
    with runtime.database.read() as db:
        return _show(request, db, session, second_mark_id, form, named, status=422)


def _show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    second_mark_id: str,
    form: Mapping[str, str],
    named: Mapping[str, str],
    *,
    status: int = 200,
) -> HTMLResponse:
    work = second_marking.open_blind(db, second_mark_id=second_mark_id, assessor_id=session.person_id)
    criteria = tuple(
        MarkedCriterion(
            key=one.key,
            title=one.title,
            maps_to=maps_to(one),
            levels=level_choices(one),
            selected=whole_number(form.get(f"level-{one.key}", "")),
            comment="",
            error=named.get(f"level-{one.key}"),
            comment_error=None,
        )
        for one in work.module.rubric.criteria
    )
    page = BlindPage(
        work=work,
        texts=texts_of(work.module, work.submission, work.places, labels_of(work.module)),
        criteria=criteria,
        outcome=form.get("outcome", ""),
        reason=form.get("reason", ""),
        errors=list(named.items()),
        named=named,
        files=files_of_submission(db, work.submission.id),
        observations=tuple(
            _nameless(one) for one in observations_shown(db, session, work.submission.enrolment_id, work.module)
        ),
        calibration=calibration.compare(work.module, work.submission.texts),
    )
    return render(request, "assessor/second_mark.html", page, status=status)


def _nameless(shown: ShownObservation) -> ShownObservation:
    """What was observed without who did: it may have been the one who decided."""
    seen = tuple(replace(one, observer_name="The observer") for one in shown.observed.observations)
    return replace(shown, observed=replace(shown.observed, observations=seen))
