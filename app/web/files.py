"""Files as evidence: the learner's page for one field, and the way a file is handed out."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile

from app.core.db import ReadSession
from app.core.errors import AppError, BadInput
from app.core.text import is_plain_text
from app.learning import files as evidence
from app.learning import service as learning
from app.learning.evidence import KIND_WORDS
from app.learning.files import (
    CleaningBusy,
    EvidenceFile,
    FileFindings,
    FileNotFound,
    FilePlace,
    FileRefused,
    FileTooLarge,
    NoRoomForFile,
    Offered,
    PicturesUnlooked,
)
from app.programme.schemas import Activity, ExerciseField, Module
from app.web.dependencies import App, ReadDb
from app.web.forms import MAX_FIELDS
from app.web.learner_path import enrolled, enrolment_here
from app.web.pages import render
from app.web.sessions import (
    CSRF_FIELD,
    CurrentLaunch,
    FormNotOurs,
    LaunchSession,
    check_same_origin,
    current_launch,
)

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

ANSWER = "fine-"  # before a kind of place, the name of the box by which the learner answers for it
LOOKED = "looked"
SEEN = "seen"  # marks of the places that the page showed, so that an answer counts for these and for no others
MOST_SEEN = 1_000
FILE = "file"
# What a file may do when a browser opens it as a page of its own: nothing.
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"


class NoFileChosen(BadInput):
    """The form came without a file."""

    status = 422
    slug = "no-file-chosen"
    title = "No file was chosen"

    def __init__(self) -> None:
        super().__init__(
            "No file came with the form.", kept="Your other files are kept.", next_step="Choose a file, then add it."
        )


@dataclass(frozen=True)
class FilesPage:
    """The files of one field.

    Attributes:
        removed: those that can still be brought back.
        added: the one just stored, if any.
        places: what the scan found in a file that was not stored, by kind.
        problem: why a file was not stored.
        answered: kinds that were ticked, and of which no place is open.
        seen: marks of the places that were found, for the form to bring back.
    """

    module: Module
    activity: Activity
    item: ExerciseField
    files: tuple[EvidenceFile, ...]
    removed: tuple[EvidenceFile, ...]
    locked: bool
    most_mb: int
    most_files: int
    added: EvidenceFile | None = None
    problem: AppError | None = None
    places: Sequence[tuple[str, str, tuple[FilePlace, ...]]] = ()
    answered: frozenset[str] = frozenset()
    seen: str = ""
    looked: bool = False


@dataclass(frozen=True)
class Posted:
    """What the upload's form brought."""

    fields: Mapping[str, str]
    file: UploadFile | None


async def posted_file(
    request: Request, runtime: App, session: Annotated[LaunchSession, Depends(current_launch)]
) -> AsyncIterator[Posted]:
    """The upload's form, read only for whoever is signed in, and only if it is of this session.

    Raises:
        FormNotOurs: wrong origin, or the session's token is missing.
    """
    check_same_origin(request, runtime.settings.base_url)
    # What is large lies in a temporary file until the form is closed.
    async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str) and is_plain_text(value)}
        if not hmac.compare_digest(fields.get(CSRF_FIELD, "").encode(), session.csrf_token.encode()):
            raise FormNotOurs(
                "The form was not made for this session, perhaps because the page was open for very long.",
                kept="What was saved before is kept.",
                next_step="Go back, reload the page and choose the file again.",
            )
        file = form.get(FILE)
        yield Posted(fields, file if isinstance(file, UploadFile) and (file.filename or file.size) else None)


@router.get("/activity/{key}/files/{field}")
def files_page(
    request: Request, session: CurrentLaunch, runtime: App, db: ReadDb, key: str, field: str, added: str | None = None
) -> HTMLResponse:
    """What is there, and how to add one more."""
    return _show(request, runtime, session, db, key, field, added=added)


@router.post("/activity/{key}/files/{field}")
def add(
    request: Request,
    session: Annotated[LaunchSession, Depends(current_launch)],
    posted: Annotated[Posted, Depends(posted_file, scope="function")],
    runtime: App,
    key: str,
    field: str,
) -> Response:
    """Take a file in; what stands in the way is shown on the same page, and nothing is stored by then."""
    answered = frozenset(name.removeprefix(ANSWER) for name in posted.fields if name.startswith(ANSWER))
    looked, told = LOOKED in posted.fields, posted.fields.get(SEEN)
    with runtime.database.read() as db:
        enrolment, _module = enrolled(db, session)
    try:
        if posted.file is None:
            raise NoFileChosen
        most = runtime.settings.evidence_max_mb
        offered = Offered(
            posted.file.filename or "", posted.file.file.read(most * 1_000_000 + 1), answered=answered, looked=looked,
            seen=told.split() if told else None,
        )  # fmt: skip
        stored = evidence.receive(
            runtime.database, offered, enrolment_id=enrolment.id, person_id=session.person_id, activity_key=key,
            field_key=field, most_mb=most,
        )  # fmt: skip
    except (
        FileRefused, FileTooLarge, FileFindings, PicturesUnlooked, NoRoomForFile, NoFileChosen, CleaningBusy,
    ) as error:  # fmt: skip
        with runtime.database.read() as db:
            return _show(
                request, runtime, session, db, key, field, problem=error, answered=answered, looked=looked,
                seen=told or "", status=error.status,
            )  # fmt: skip
    return RedirectResponse(f"{session.root}/activity/{key}/files/{field}?added={stored.id}", status_code=303)


@router.post("/activity/{key}/files/{field}/{file_id}/remove")
def remove(session: CurrentLaunch, runtime: App, key: str, field: str, file_id: str) -> RedirectResponse:
    """Take a file out; it can be brought back for ten minutes."""
    with runtime.database.write() as db:
        enrolment, _module = enrolled(db, session)
        evidence.remove_file(db, enrolment_id=enrolment.id, person_id=session.person_id, file_id=file_id)
    return RedirectResponse(f"{session.root}/activity/{key}/files/{field}", status_code=303)


@router.post("/activity/{key}/files/{field}/{file_id}/undo")
def undo(session: CurrentLaunch, runtime: App, key: str, field: str, file_id: str) -> RedirectResponse:
    """Bring it back."""
    with runtime.database.write() as db:
        enrolment, _module = enrolled(db, session)
        evidence.bring_back(db, enrolment_id=enrolment.id, person_id=session.person_id, file_id=file_id)
    return RedirectResponse(f"{session.root}/activity/{key}/files/{field}", status_code=303)


@router.get("/files/{file_id}")
def hand_out(session: CurrentLaunch, runtime: App, file_id: str) -> Response:
    """A file: to whoever handed it in, and to assessors, whose opening of it is noted."""
    opened = None
    if session.module_key is not None:
        with runtime.database.read() as db:
            enrolment = enrolment_here(db, session, session.module_key)
            if enrolment is not None:
                try:
                    opened = evidence.own_file(
                        db, file_id=file_id, person_id=session.person_id, enrolment_id=enrolment.id
                    )
                except FileNotFound:
                    opened = None
    if opened is None:
        with runtime.database.write() as db:
            opened = evidence.open_for_assessor(db, file_id=file_id, assessor_id=session.person_id)
    shown = "inline" if opened.file.is_picture else "attachment"
    return Response(
        opened.content,
        media_type=opened.file.media_type,
        headers={
            "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(opened.file.name, safe='')}",
            "Content-Security-Policy": SANDBOX,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )


def _show(
    request: Request,
    runtime: App,
    session: LaunchSession,
    db: ReadSession,
    key: str,
    field: str,
    *,
    added: str | None = None,
    problem: AppError | None = None,
    answered: frozenset[str] = frozenset(),
    seen: str = "",
    looked: bool = False,
    status: int = 200,
) -> HTMLResponse:
    enrolment, module = enrolled(db, session)
    item = evidence.file_field(module, key, field)
    files = _in_field(evidence.files_of(db, enrolment.id), key, field)
    if isinstance(problem, FileFindings):
        answered -= {place.kind for place in problem.places}
        seen = " ".join(sorted(problem.seen)) if len(problem.seen) <= MOST_SEEN else ""
    page = FilesPage(
        module=module,
        activity=module.activity(key),
        item=item,
        files=files,
        removed=_in_field(evidence.removed_lately(db, enrolment.id), key, field),
        locked=learning.progress(db, enrolment.id).state in ("submitted", "awarded"),
        most_mb=runtime.settings.evidence_max_mb,
        most_files=evidence.MOST_IN_FIELD,
        added=next((one for one in files if one.id == added), None),
        problem=problem,
        places=_by_kind(problem.places) if isinstance(problem, FileFindings) else (),
        answered=answered,
        seen=seen,
        looked=looked,
    )
    return render(request, "learner/files.html", page, status=status)


def _in_field(files: tuple[EvidenceFile, ...], key: str, field: str) -> tuple[EvidenceFile, ...]:
    return tuple(one for one in files if (one.activity_key, one.field_key) == (key, field))


def _by_kind(places: Sequence[FilePlace]) -> list[tuple[str, str, tuple[FilePlace, ...]]]:
    """The places of each kind: its box, its words, and the first of them."""
    kinds = list(dict.fromkeys(place.kind for place in places))
    return [(kind, KIND_WORDS[kind], tuple(place for place in places if place.kind == kind)) for kind in kinds]
