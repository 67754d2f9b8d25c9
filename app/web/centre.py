"""A centre in the hands of its manager: who works there, who is whose manager or mentor, and how specialists stand.

For a person whom an operator granted `manager` and who is entered as supervisor of the centre: one of the two is not
enough. Of other centres nothing is told, not even that they are there.
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.audit import Actor
from app.core.db import ReadSession
from app.core.errors import Conflict
from app.core.runtime import Runtime
from app.core.text import is_plain_text
from app.people import service as people
from app.people.errors import CentreNotFound, EmailNotUsable, LineNotPossible, StaffMemberNotFound, StaffNotUsable
from app.people.schemas import RELATIONS, Centre, Relation, StaffFunction
from app.web import centre_view
from app.web.centre_view import Colleague, ColleaguePage
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.errors import NotOfThisLaunch
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/centre", include_in_schema=False)

LONGEST_SEARCH = 100


class ManagersOnly(NotOfThisLaunch):
    """The person has no manager grant."""

    slug = "managers-only"
    title = "This page is for centre managers"


class NotYourself(Conflict):
    """A manager would shut themselves out."""

    slug = "not-yourself"
    title = "You cannot end your own place here"


def manager(session: CurrentLaunch, db: ReadDb) -> LaunchSession:
    """The session of a person with the manager grant.

    Raises:
        ManagersOnly: of anybody else.
    """
    if not people.has_role(db, session.person_id, "manager"):
        raise ManagersOnly(
            "A centre's staff and their results are for its manager.",
            root=session.root,
            next_step="If you manage a centre, ask whoever runs Waymark for your programme for the manager grant.",
        )
    return session


Manager = Annotated[LaunchSession, Depends(manager)]


def own_centres(db: ReadSession, person_id: str) -> tuple[Centre, ...]:
    """The centres that a person with the manager grant manages: those where they are supervisor."""
    return tuple(
        each for each in people.centres_of(db, person_id) if "supervisor" in people.functions_at(db, person_id, each.id)
    )


@router.get("")
def first_centre(request: Request, session: Manager, db: ReadDb) -> Response:
    """The manager's centre; for one who has none yet, how to get there."""
    centres = own_centres(db, session.person_id)
    if not centres:
        return render(request, "centre/none.html")
    return RedirectResponse(f"{session.root}/centre/{centres[0].id}", status_code=303)


@router.get("/{centre_id}")
def centre_page(
    request: Request, session: Manager, db: ReadDb, centre_id: str, find: str = "", done: str | None = None
) -> HTMLResponse:
    """Who works in the centre, how specialists stand, and whose badges end soon."""
    centre = _own(db, session, centre_id)
    sought = find[:LONGEST_SEARCH] if is_plain_text(find) else ""
    page = centre_view.centre_page(
        db, centre, own_centres(db, session.person_id), session.person_id, find=sought, done=done
    )
    return render(request, "centre/centre.html", page)


@router.post("/{centre_id}/add")
def add(request: Request, session: Manager, runtime: App, centre_id: str, form: PostedForm) -> Response:
    """Enter a colleague by name, work address and function."""
    function = form.get("function", "")
    try:
        with runtime.database.write() as db:
            centre = _own(db, session, centre_id)
            people.add_staff(
                db, centre_id=centre.id, name=form.get("name", ""), email=form.get("email", ""),
                function=cast(StaffFunction, function), actor=_actor(session),
            )  # fmt: skip
    except EmailNotUsable as error:
        return _show_again(request, runtime, session, centre_id, form, {"email": f"{error.detail} {error.next_step}"})
    except StaffNotUsable as error:
        field = "name" if function in centre_view.FUNCTION_WORDS else "function"
        return _show_again(request, runtime, session, centre_id, form, {field: f"{error.detail} {error.next_step}"})
    return _to(session, centre_id, "?done=added")


@router.post("/{centre_id}/join")
def join(session: Manager, db: WriteDb, centre_id: str, form: PostedForm) -> RedirectResponse:
    """Confirm a person whom the agency's own LMS brought here as staff of the centre."""
    centre = _own(db, session, centre_id)
    person_id = form.get("person", "")
    if not person_id:
        return _to(session, centre_id, "?done=nobody")
    if not people.known_from(db, centre.organisation_id, person_id=person_id):
        raise StaffMemberNotFound(
            "This person is not among those your agency's LMS brought here, or is staff already.",
            kept="Nothing was changed.", next_step="Go back and look at the list again.",
        )  # fmt: skip
    people.join_centre(
        db, person_id=person_id, centre_id=centre.id, function=cast(StaffFunction, form.get("function", "")),
        actor=_actor(session),
    )  # fmt: skip
    return _to(session, centre_id, "?done=joined")


@router.get("/{centre_id}/staff/{person_id}")
def colleague_page(
    request: Request, session: Manager, db: ReadDb, centre_id: str, person_id: str, done: str | None = None
) -> HTMLResponse:
    """One colleague: functions, line manager, mentors, and of a specialist the results."""
    centre = _own(db, session, centre_id)
    staff = centre_view.colleagues(db, centre)
    colleague = _of_staff(staff, person_id)
    page = ColleaguePage(
        centre=centre,
        colleague=colleague,
        choices=tuple((each.person_id, each.name) for each in staff if each.person_id != person_id),
        own_id=session.person_id,
        done=done,
    )
    return render(request, "centre/colleague.html", page)


@router.post("/{centre_id}/staff/{person_id}/line")
def line(session: Manager, db: WriteDb, centre_id: str, person_id: str, form: PostedForm) -> RedirectResponse:
    """Say who of the staff is a colleague's line manager or mentor, or that nobody manages them."""
    centre = _own(db, session, centre_id)
    staff = centre_view.colleagues(db, centre)
    colleague, relation, other_id = _of_staff(staff, person_id), _relation(form), form.get("other", "")
    manages = colleague.others("line_manager")
    if relation == "line_manager" and any(each.name is None for each in manages):
        raise LineNotPossible(
            "This person's line manager is at another organisation.",
            kept="Nothing was changed.", next_step="Ask whoever runs Waymark for your programme to change it.",
        )  # fmt: skip
    if other_id:
        _of_staff(staff, other_id)
        people.set_line(db, person_id=person_id, other_id=other_id, relation=relation, actor=_actor(session))
    elif relation == "line_manager":
        for each in manages:
            people.end_line(db, person_id=person_id, other_id=each.other_id, relation=relation, actor=_actor(session))
    return _to(session, centre_id, f"/staff/{person_id}?done=line")


@router.post("/{centre_id}/staff/{person_id}/mentors/end")
def end_mentor(session: Manager, db: WriteDb, centre_id: str, person_id: str, form: PostedForm) -> RedirectResponse:
    """Say that somebody no longer is a colleague's mentor."""
    centre = _own(db, session, centre_id)
    colleague = _of_staff(centre_view.colleagues(db, centre), person_id)
    named = next(
        (each for each in colleague.others("mentor") if each.other_id == form.get("other") and each.name is not None),
        None,
    )
    if named is not None:
        people.end_line(db, person_id=person_id, other_id=named.other_id, relation="mentor", actor=_actor(session))
    return _to(session, centre_id, f"/staff/{person_id}?done=line")


@router.post("/{centre_id}/memberships/{membership_id}/end")
def end(session: Manager, db: WriteDb, centre_id: str, membership_id: str, form: PostedForm) -> RedirectResponse:
    """End a colleague's work in one function, once the manager has said that they mean it."""
    centre = _own(db, session, centre_id)
    member = people.staff_member(db, membership_id)
    if member.centre_id != centre.id:
        raise _nobody()
    if form.get("sure") != "yes":
        return _to(session, centre_id, f"/staff/{member.person_id}?done=unsure")
    if member.person_id == session.person_id and member.function == "supervisor":
        raise NotYourself(
            "You manage this centre, so ending that would shut you out of this page.",
            kept="Nothing was changed.",
            next_step="Ask whoever runs Waymark for your programme to end it for you.",
        )
    people.end_membership(db, membership_id=membership_id, actor=_actor(session))
    return _to(session, centre_id, "?done=ended")


def _own(db: ReadSession, session: LaunchSession, centre_id: str) -> Centre:
    """A centre that the person manages; any other looks as if it were not there."""
    found = next((each for each in own_centres(db, session.person_id) if each.id == centre_id), None)
    if found is None:
        raise CentreNotFound(
            "You manage no centre at this address.", kept="Nothing was changed.",
            next_step="Open Waymark again from your LMS.",
        )  # fmt: skip
    return found


def _of_staff(staff: tuple[Colleague, ...], person_id: str) -> Colleague:
    found = next((each for each in staff if each.person_id == person_id), None)
    if found is None:
        raise _nobody()
    return found


def _nobody() -> StaffMemberNotFound:
    return StaffMemberNotFound(
        "Nobody of this centre's staff is at this address. Perhaps their work here was ended in the meantime.",
        kept="Nothing was changed.", next_step="Go back to the centre and look at the list again.",
    )  # fmt: skip


def _relation(form: PostedForm) -> Relation:
    relation = form.get("relation", "")
    if relation not in RELATIONS:
        raise LineNotPossible("There is no such relation.", kept="Nothing was changed.", next_step="Go back.")
    return relation


def _actor(session: LaunchSession) -> Actor:
    return Actor("person", session.person_id)


def _to(session: LaunchSession, centre_id: str, rest: str) -> RedirectResponse:
    return RedirectResponse(f"{session.root}/centre/{centre_id}{rest}", status_code=303)


def _show_again(
    request: Request, runtime: Runtime, session: LaunchSession, centre_id: str, form: PostedForm, errors: dict[str, str]
) -> HTMLResponse:
    """The form that was sent, with what is wrong with it and what was typed."""
    with runtime.database.read() as db:
        centre = _own(db, session, centre_id)
        page = centre_view.centre_page(
            db, centre, own_centres(db, session.person_id), session.person_id, errors=errors, typed=form
        )
        return render(request, "centre/centre.html", page, status=422)
