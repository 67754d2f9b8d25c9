"""Your data, from a launch: what is kept, who sees it, everything as a file, and the notice at the first launch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.core.clock import now
from app.core.db import ReadSession
from app.people import exporting, notice
from app.people import service as people
from app.people.errors import OrganisationNotFound
from app.people.linked import linked_ids
from app.people.ports import PersonalData
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/your-data", include_in_schema=False)


@dataclass(frozen=True)
class YourDataPage:
    """Context of learner/your_data.html.

    Attributes:
        name: what the person is called here.
        told_email: the address an LMS gave.
        confirmed_email: the one they confirmed.
        organisation: the lead agency they come from.
        contact: where to ask for correction or erasure, if the operator has said so.
        session_hours: how long a launch stays signed in.
        evidence_months: after how many months decided work loses its texts and files; 0 if it keeps them.
        linked: whether an earlier record was joined into this one.
        centres: where they are entered as staff.
        line_manager: who manages them, as was said here.
        mentors: who mentors them.
    """

    name: str
    told_email: str | None
    confirmed_email: str | None
    organisation: str | None
    contact: str | None
    session_hours: int
    evidence_months: int
    linked: bool
    centres: tuple[str, ...] = ()
    line_manager: str | None = None
    mentors: tuple[str, ...] = ()


@router.get("")
def your_data(request: Request, session: CurrentLaunch, db: ReadDb, runtime: App) -> Response:
    """What is kept, for how long, who sees it, and how to have it corrected or erased."""
    confirmed = people.confirmed_email(db, session.person_id)
    lines = people.lines_of(db, session.person_id)
    names = people.display_names(db, (line.other_id for line in lines))
    page = YourDataPage(
        name=people.display_name(db, session.person_id),
        told_email=people.asserted_email(db, session.person_id),
        confirmed_email=confirmed.email if confirmed else None,
        organisation=_organisation(db, session),
        contact=runtime.settings.contact_email or None,
        session_hours=runtime.settings.launch_session_hours,
        evidence_months=runtime.settings.evidence_months,
        linked=bool(linked_ids(db, session.person_id)),
        centres=tuple(centre.name for centre in people.centres_of(db, session.person_id)),
        line_manager=next((names[line.other_id] for line in lines if line.relation == "line_manager"), None),
        mentors=tuple(names[line.other_id] for line in lines if line.relation == "mentor"),
    )
    return render(request, "learner/your_data.html", page, headers=dict(PRIVATE))


@router.get("/everything.json")
def everything(request: Request, session: CurrentLaunch, db: ReadDb) -> Response:
    """Everything that is kept of the person who is signed in, as a file."""
    bound: Sequence[PersonalData] = request.app.state.personal_data
    exported = exporting.export_person(db, bound, session.person_id).as_json()
    name = f"waymark-my-data-{now():%Y-%m-%d}.json"
    return Response(
        json.dumps(exported, indent=2, ensure_ascii=False) + "\n",
        media_type="application/json",
        headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/notice")
def close_notice(session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """The notice at the first launch was read."""
    with runtime.database.write() as db:
        notice.close_notice(db, session.person_id, form.get("version", ""))
    return see_other(f"{session.root}/module")


def _organisation(db: ReadSession, session: LaunchSession) -> str | None:
    if session.organisation_id is None:
        return None
    try:
        return people.organisation(db, session.organisation_id).name
    except OrganisationNotFound:
        return None
