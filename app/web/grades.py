"""The ledger of grades: what reached the course's gradebook, what waits, and what its LMS refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.db import ReadSession
from app.lti.ledger import LedgerEntry, LedgerState, ledger, send_one_again
from app.programme import service as programme
from app.web.cohort import Teacher
from app.web.dependencies import ReadDb, WriteDb
from app.web.forms import PostedForm, whole_number
from app.web.pages import render
from app.web.sessions import LaunchSession

router = APIRouter(prefix="/at/{handle}/grades", include_in_schema=False)

PER_PAGE = 50
MOST_PAGES = 10_000
STATES: tuple[LedgerState, ...] = ("refused", "waiting", "not_sent", "sent")

PageNumber = Annotated[int, Query(ge=1, le=MOST_PAGES)]


@dataclass(frozen=True)
class Filter:
    """A way to see one state only, or all."""

    state: LedgerState | None
    count: int


@dataclass(frozen=True)
class GradesPage:
    """One page of the ledger."""

    entries: tuple[LedgerEntry, ...]
    titles: Mapping[str, str]
    filters: tuple[Filter, ...]
    chosen: LedgerState | None
    refused: int
    total: int
    page: int
    pages: int
    asked: str | None
    shows_modules: bool


@router.get("")
def grades(
    request: Request,
    session: Teacher,
    db: ReadDb,
    state: LedgerState | None = None,
    page: PageNumber = 1,
    asked: Literal["one", "all"] | None = None,
) -> HTMLResponse:
    """Every learner with a grade: those that need somebody first."""
    return render(request, "grades/ledger.html", _page(db, session, state, page, asked))


@router.post("/send-again")
def send_all_again(session: Teacher, db: WriteDb, form: PostedForm) -> RedirectResponse:
    """Send every grade again that the LMS refused."""
    for entry in _entries(db, session):
        if entry.state == "refused":
            _send(db, session, entry.grade_link_id)
    return _back(session, form, "all")


@router.post("/{grade_link_id}/send-again")
def send_again(session: Teacher, db: WriteDb, form: PostedForm, grade_link_id: str) -> RedirectResponse:
    """Send one grade again, whatever became of it."""
    _send(db, session, grade_link_id)
    return _back(session, form, "one")


def _back(session: LaunchSession, form: Mapping[str, str], asked: str) -> RedirectResponse:
    """Back to where the teacher was in the list."""
    query = {"asked": asked}
    if form.get("state") in STATES:
        query["state"] = form["state"]
    number = whole_number(form.get("page", ""))
    if number is not None and 1 < number <= MOST_PAGES:
        query["page"] = str(number)
    return RedirectResponse(f"{session.root}/grades?{urlencode(query)}", status_code=303)


def _send(db: WriteDb, session: LaunchSession, grade_link_id: str) -> None:
    send_one_again(
        db,
        grade_link_id=grade_link_id,
        deployment_id=session.deployment_id,
        context_id=session.context_id or "",
        person_id=session.person_id,
    )


def _entries(db: ReadSession, session: LaunchSession) -> tuple[LedgerEntry, ...]:
    return ledger(db, deployment_id=session.deployment_id, context_id=session.context_id or "")


def _page(
    db: ReadSession, session: LaunchSession, chosen: LedgerState | None, number: int, asked: str | None
) -> GradesPage:
    everything = _entries(db, session)
    counts = Counter(entry.state for entry in everything)
    wanted = [entry for entry in everything if chosen in (None, entry.state)]
    pages = max(1, -(-len(wanted) // PER_PAGE))
    number = min(number, pages)
    return GradesPage(
        entries=tuple(wanted[(number - 1) * PER_PAGE : number * PER_PAGE]),
        titles={module.key: module.title for module in programme.modules(db)},
        filters=(Filter(None, len(everything)), *(Filter(each, counts[each]) for each in STATES if counts[each])),
        chosen=chosen,
        refused=counts["refused"],
        total=len(everything),
        page=number,
        pages=pages,
        asked=asked,
        shows_modules=len({entry.module_key for entry in everything}) > 1,
    )
