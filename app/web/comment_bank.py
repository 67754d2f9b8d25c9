"""An assessor's saved comments: to read through, change, delete and bring back."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.db import ReadSession
from app.learning import comment_bank
from app.learning.errors import UnusableText
from app.learning.marking_errors import CommentBankFull, CommentTooLong, ReasonMissing
from app.learning.workbench_schemas import SavedComment
from app.programme import service as programme
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.found import counted
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess/comments", include_in_schema=False)

WRONG = (ReasonMissing, CommentTooLong, UnusableText, CommentBankFull)
SAID = {"saved": "Saved", "changed": "Changed", "restored": "The comment is back"}


@dataclass(frozen=True)
class ShownComment:
    """A saved comment with its place and what the scan finds in it, in words."""

    comment: SavedComment
    place: str
    found: str
    text: str
    error: str | None


@dataclass(frozen=True)
class BankPage:
    """All saved comments.

    Attributes:
        deleted: id of the one that was just deleted and can be brought back.
        text: what was typed for a new one and could not be saved.
    """

    comments: tuple[ShownComment, ...]
    said: str | None
    deleted: str | None
    text: str = ""
    error: str | None = None


@router.get("")
def bank(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "", deleted: str = "") -> HTMLResponse:
    """All of them, by module and criterion."""
    return _show(request, db, session, said=SAID.get(done), deleted=deleted or None)


@router.post("")
def add(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm) -> Response:
    """Save one that fits everywhere."""
    text = form.get("text", "")
    try:
        with runtime.database.write() as db:
            comment_bank.save(db, assessor_id=session.person_id, text=text)
    except WRONG as error:
        with runtime.database.read() as db:
            return _show(request, db, session, text=text, error=error.detail, status=422)
    return RedirectResponse(f"{session.root}/assess/comments?done=saved", status_code=303)


@router.post("/{comment_id}")
def change(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, comment_id: str) -> Response:
    """Change the words of one."""
    text = form.get(f"text-{comment_id}", "")
    try:
        with runtime.database.write() as db:
            comment_bank.edit(db, comment_id=comment_id, assessor_id=session.person_id, text=text)
    except WRONG as error:
        with runtime.database.read() as db:
            return _show(request, db, session, changed=(comment_id, text, error.detail), status=422)
    return RedirectResponse(f"{session.root}/assess/comments?done=changed", status_code=303)


@router.post("/{comment_id}/delete")
def delete(session: CurrentLaunch, runtime: App, comment_id: str) -> RedirectResponse:
    """Delete one, at once: it can be brought back."""
    with runtime.database.write() as db:
        comment_bank.delete_saved(db, comment_id=comment_id, assessor_id=session.person_id)
    return RedirectResponse(f"{session.root}/assess/comments?deleted={comment_id}", status_code=303)


@router.post("/{comment_id}/restore")
def restore(session: CurrentLaunch, runtime: App, comment_id: str) -> RedirectResponse:
    """Bring back one that was deleted."""
    with runtime.database.write() as db:
        comment_bank.restore(db, comment_id=comment_id, assessor_id=session.person_id)
    return RedirectResponse(f"{session.root}/assess/comments?done=restored", status_code=303)


def _show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    *,
    said: str | None = None,
    deleted: str | None = None,
    text: str = "",
    error: str | None = None,
    changed: tuple[str, str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    shown = tuple(
        ShownComment(
            comment=one,
            place=_place(db, one),
            found=counted(one.kinds),
            text=changed[1] if changed is not None and changed[0] == one.id else one.text,
            error=changed[2] if changed is not None and changed[0] == one.id else None,
        )
        for one in comment_bank.saved_comments(db, assessor_id=session.person_id)
    )
    page = BankPage(comments=shown, said=said, deleted=deleted, text=text, error=error)
    return render(request, "assessor/comments.html", page, status=status)


def _place(db: ReadSession, comment: SavedComment) -> str:
    if comment.module_key is None:
        return "Any work"
    module = programme.current_module(db, comment.module_key)
    title = next((one.title for one in module.rubric.criteria if one.key == comment.criterion_key), None)
    return f"{module.key} · {title}" if title else f"{module.key} · the whole work"
