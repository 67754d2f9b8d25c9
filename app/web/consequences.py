"""The assessor's pages about badges of which one that they rest on has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.awards.consequences import deciding, reading
from app.awards.consequences.errors import NoteNeeded, WaitRefused
from app.awards.consequences.reading import Flag
from app.core.db import ReadSession, WriteSession
from app.web.assessor_page import Said
from app.web.consequence_words import ENDED, chip, declared_words
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess/consequences", include_in_schema=False)

DEFAULT_DAYS: Final = 30
DONE: Final = {
    "suspend": Said(
        "success", "Suspended", "Checks on this server say so from now on. The holder reads why, and you can lift it."
    ),
    "wait": Said("success", "You wait", "The holder sees until when. After that an assessor is asked again."),
    "dismiss": Said("success", "It may stand", "The badge counts as before. For this reason nobody is asked again."),
    "reinstate": Said("success", "The suspension is lifted", "The badge counts again, as it did before."),
}


@dataclass(frozen=True)
class Row:
    """One of them in the list: `chip` is kind and words of its status."""

    flag: Flag
    ended: str
    chip: tuple[str, str]


@dataclass(frozen=True)
class ListPage:
    """All that is not settled, the oldest first."""

    rows: tuple[Row, ...]
    said: Said | None


@dataclass(frozen=True)
class OnePage:
    """One of them, and what can be decided about it.

    Attributes:
        declared: what the programme says.
        others: what else is not settled about the same badge.
        words, days: what was typed.
        errors: fields and what is wrong with them.
        longest: the most characters of a reason.
    """

    flag: Flag
    ended: str
    chip: tuple[str, str]
    declared: str
    others: tuple[Row, ...]
    words: str
    days: str
    errors: tuple[tuple[str, str], ...]
    longest: int = deciding.NOTE_LENGTH
    most_days: int = deciding.MOST_DAYS


@router.get("")
def listed(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """What is not settled, the oldest first."""
    rows = tuple(_row(flag) for flag in reading.waiting(db, assessor_id=session.person_id))
    return render(request, "assessor/consequences.html", ListPage(rows, DONE.get(done)))


@router.get("/{flag_id}")
def one(request: Request, session: CurrentLaunch, db: ReadDb, flag_id: str) -> HTMLResponse:
    """One of them."""
    return _show(request, db, session, flag_id, {}, ())


@router.post("/{flag_id}")
def decide(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, flag_id: str) -> Response:
    """Suspend, wait, let it stand, or lift the suspension."""
    wanted = form.get("decision", "")
    try:
        with runtime.database.write() as db:
            if not _decided(db, session, flag_id, wanted, form):
                return RedirectResponse(f"{session.root}/assess/consequences/{flag_id}", status_code=303)
    except NoteNeeded as error:
        errors = (("reason", error.detail),)
    except WaitRefused as error:
        errors = (("days", error.detail),)
    else:
        return RedirectResponse(f"{session.root}/assess/consequences?done={wanted}", status_code=303)
    with runtime.database.read() as reading_db:
        return _show(request, reading_db, session, flag_id, form, errors)


def _decided(db: WriteSession, session: LaunchSession, flag_id: str, wanted: str, form: Mapping[str, str]) -> bool:
    about = {"assessor_id": session.person_id, "reason": form.get("reason", "")}
    if wanted == "suspend":
        deciding.suspend(db, flag_id, **about)
    elif wanted == "dismiss":
        deciding.dismiss(db, flag_id, **about)
    elif wanted == "reinstate":
        deciding.reinstate(db, flag_id, **about)
    elif wanted == "wait":
        deciding.wait(db, flag_id, days=whole_number(form.get("days", "").strip()), **about)
    else:
        return False
    return True


def _row(flag: Flag) -> Row:
    return Row(flag, ENDED[flag.ending], chip(flag))


def _show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    flag_id: str,
    form: Mapping[str, str],
    errors: tuple[tuple[str, str], ...],
) -> HTMLResponse:
    flag = reading.one(db, flag_id, assessor_id=session.person_id)
    same = reading.of_badges(db, (flag.credential_id,)).get(flag.credential_id, ())
    page = OnePage(
        flag=flag,
        ended=ENDED[flag.ending],
        chip=chip(flag),
        declared=declared_words(flag.declared),
        others=tuple(_row(each) for each in same if each.id != flag.id),
        words=form.get("reason", ""),
        days=form.get("days", str(DEFAULT_DAYS)),
        errors=errors,
    )
    return render(request, "assessor/consequence.html", page, status=422 if errors else 200)
