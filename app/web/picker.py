"""The picker: a teacher places a module, an activity or the pathway in a course (Deep Linking 2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from app.core.db import ReadSession
from app.core.errors import NotFound
from app.lti import deep_linking
from app.lti.deep_linking import DeepLinkingResponse, Placeable
from app.lti.errors import PickInvalid
from app.lti.schemas import DeepLinkingRequest
from app.programme import service as programme
from app.programme.schemas import Module
from app.web.dependencies import App, ReadDb
from app.web.learner_path import KIND_WORDS
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

ITEM_FIELD = "item"
CANCEL_FIELD = "cancel"
MOST_FIELDS = 500


class NothingToPlace(NotFound):
    """The launch did not ask for content."""

    slug = "nothing-to-place"
    title = "This launch does not place content"


@dataclass(frozen=True)
class Shelf:
    """A module and its activities, as the picker shows them."""

    module: Module
    whole: Placeable
    activities: tuple[Placeable, ...]


@dataclass(frozen=True)
class PickerPage:
    """What there is to place, and how the LMS takes it.

    Attributes:
        multiple: whether it takes more than one item.
        graded: whether a module may bring a column in the gradebook.
        takes_links: whether it takes anything that we offer.
        kind_words: what each kind of activity is called.
        chosen: keys that were chosen before something went wrong.
    """

    shelves: tuple[Shelf, ...]
    pathway: Placeable
    multiple: bool
    graded: bool
    takes_links: bool
    kind_words: Mapping[str, str]
    chosen: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class HandBackPage:
    """The form that takes the answer back to the LMS."""

    response: DeepLinkingResponse
    lms: str
    items: tuple[Placeable, ...]


@dataclass(frozen=True)
class Pick:
    """What the picker's form sent."""

    keys: tuple[str, ...]
    cancelled: bool


async def posted_pick(request: Request) -> Pick:
    """Every value of the form's checkboxes or radios, and whether the teacher goes back instead."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    keys = tuple(value for value in form.getlist(ITEM_FIELD) if isinstance(value, str))
    return Pick(keys, CANCEL_FIELD in form)


@router.get("/picker")
def picker(request: Request, session: CurrentLaunch, db: ReadDb) -> HTMLResponse:
    """What can be placed."""
    return _show(request, db, _asked(session))


@router.post("/picker")
def place(
    request: Request, session: CurrentLaunch, runtime: App, db: ReadDb, pick: Annotated[Pick, Depends(posted_pick)]
) -> HTMLResponse:
    """Answer the LMS with what was picked, or with nothing if the teacher goes back."""
    asked = _asked(session)
    try:
        offered = deep_linking.placeables(programme.modules(db))
        items = () if pick.cancelled else deep_linking.chosen(asked, offered, pick.keys)
    except PickInvalid as error:
        return _show(request, db, asked, chosen=pick.keys, error=f"{error.detail} {error.next_step}")
    answer = deep_linking.respond(
        runtime, asked, registration_id=session.registration_id, deployment_id=session.deployment_id, items=items
    )
    request.state.form_targets = form_targets(asked)
    page = HandBackPage(answer, urlsplit(asked.return_url).netloc, items)
    return render(request, "picker/hand_back.html", page)


def form_targets(asked: DeepLinkingRequest) -> tuple[str, ...]:
    """Where the answer's form may lead: the LMS, and whatever https page the LMS goes on to.

    Browsers hold a form's redirects to the policy as well, and an LMS may go on to another of its hosts.
    """
    parts = urlsplit(asked.return_url)
    return (f"{parts.scheme}://{parts.netloc}", "https:")


def _asked(session: LaunchSession) -> DeepLinkingRequest:
    if session.deep_linking is None:
        raise NothingToPlace(
            "Your LMS did not ask for anything to be placed.",
            next_step="Begin from your course: add an activity and choose Waymark as the tool.",
        )
    return session.deep_linking


def _show(
    request: Request, db: ReadSession, asked: DeepLinkingRequest, *, chosen: tuple[str, ...] = (),
    error: str | None = None,
) -> HTMLResponse:  # fmt: skip
    modules = programme.modules(db)
    offered = deep_linking.placeables(modules)
    page = PickerPage(
        shelves=tuple(_shelf(module, offered) for module in modules),
        pathway=offered[-1],
        multiple=asked.accept_multiple,
        graded=asked.accept_line_item is not False,
        takes_links=deep_linking.takes_our_links(asked),
        kind_words=KIND_WORDS,
        chosen=chosen,
        error=error,
    )
    return render(request, "picker/picker.html", page, status=422 if error else 200)


def _shelf(module: Module, offered: tuple[Placeable, ...]) -> Shelf:
    mine = [each for each in offered if each.module_key == module.key]
    return Shelf(module, mine[0], tuple(mine[1:]))
