"""Badges of other issuers that a learner adds because a pathway asks for one; our verifier judges them each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from app.awards.outside_badges import checker
from app.core.db import ReadSession
from app.core.errors import AppError
from app.pathways import service as pathways
from app.pathways.errors import (
    ExternalBadgeNotValid,
    ExternalBadgeNotYours,
    ExternalBadgeOurs,
    TooManyExternalBadges,
)
from app.pathways.records import ExternalBadge
from app.people import service as people
from app.programme import stacks
from app.programme.pathways import ExternalBadgeRule, Pathway, leaves
from app.verifier.reading import MAX_BADGE_BYTES
from app.web.dependencies import App, BadgeVerifier, ReadDb, WriteDb
from app.web.files import Posted, posted_file
from app.web.holder import see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession, current_launch

router = APIRouter(prefix="/at/{handle}/badges/elsewhere", include_in_schema=False)

NOTHING: Final = "Give the badge's address, choose its file, or paste its text."
MORE_THAN_ONE: Final = "You gave more than one badge. Keep one of them, and add the next one after it."
TOO_LARGE: Final = f"This is larger than {MAX_BADGE_BYTES // 1_000_000} MB, which no badge is."
NO_ADDRESS: Final = "An address begins with https://. Paste the whole address of the badge."
LONGEST_ADDRESS: Final = 2000
VERDICTS: Final = {
    "valid": "In force",
    "valid_unknown_issuer": "In force",
    "not_yet_valid": "Not in force yet",
    "expired": "Ended",
    "suspended": "Suspended by its issuer",
    "revoked": "Revoked by its issuer",
    "invalid": "Does not stand any more",
    "unknown": "Could not be checked the last time; we try again",
}


@dataclass(frozen=True)
class Wanted:
    """A badge of another issuer that a pathway asks for."""

    pathway_key: str
    pathway_title: str
    name: str
    issuer: str


@dataclass(frozen=True)
class OutsidePage:
    """Context of badges/elsewhere.html; `words` by verdict, `errors` by field."""

    badges: tuple[ExternalBadge, ...]
    wanted: tuple[Wanted, ...]
    address: str | None
    words: dict[str, str]
    done: str = ""
    url: str = ""
    text: str = ""
    errors: tuple[tuple[str, str], ...] = ()


class _Refused(Exception):
    """The form cannot be used: which field, and what to do."""

    def __init__(self, name: str, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.name, self.words, self.status = name, words, status


@router.get("")
def outside_badges(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """What was added, and how to add one."""
    return render(request, "badges/elsewhere.html", _page(db, session, done=done))


@router.post("")
def add(
    request: Request,
    session: Annotated[LaunchSession, Depends(current_launch)],
    posted: Annotated[Posted, Depends(posted_file, scope="function")],
    runtime: App,
    verifier: BadgeVerifier,
) -> Response:
    """Judge a badge and keep it if it is in force and theirs; what stands in the way is shown on the same page."""
    url, text = (posted.fields.get(name, "").strip() for name in ("url", "badge"))
    try:
        data, address = _given(url, text, posted)
        verifier.limit.spend(session.person_id)
        pathways.add_external_badge(
            runtime.database, checker(verifier), person_id=session.person_id, data=data, address=address
        )
    except _Refused as error:
        name, words, status = error.name, error.words, error.status
    except (ExternalBadgeNotValid, ExternalBadgeOurs, ExternalBadgeNotYours, TooManyExternalBadges) as error:
        name, words, status = "url" if url else "badge" if text else "file", _told(error), error.status
    else:
        return see_other(f"{session.root}/badges/elsewhere?done=added")
    with runtime.database.read() as db:
        # A text that is too long is not sent back: the page could not be sent either.
        kept = text if len(text) <= MAX_BADGE_BYTES // 10 else ""
        page = _page(db, session, url=url[:LONGEST_ADDRESS], text=kept, errors=((name, words),))
        return render(request, "badges/elsewhere.html", page, status=status)


@router.post("/{badge_id}/remove")
def remove(session: CurrentLaunch, db: WriteDb, badge_id: str) -> Response:
    """Take one away; it can be added again."""
    pathways.remove_external_badge(db, person_id=session.person_id, badge_id=badge_id)
    return see_other(f"{session.root}/badges/elsewhere?done=removed")


def asks_for_outside_badge(pathway: Pathway) -> bool:
    """Whether a pathway asks for a badge of another issuer."""
    return any(isinstance(leaf, ExternalBadgeRule) for leaf in leaves(pathway.rule))


def _given(url: str, text: str, posted: Posted) -> tuple[bytes | None, str | None]:
    """The badge, or its address."""
    data = posted.file.file.read(MAX_BADGE_BYTES + 1) if posted.file is not None else None
    given = [name for name, there in (("url", url), ("badge", text), ("file", data is not None)) if there]
    if not given:
        raise _Refused("url", NOTHING)
    if len(given) > 1:
        raise _Refused(given[0], MORE_THAN_ONE)
    if url:
        if not url.startswith(("https://", "http://")) or len(url) > LONGEST_ADDRESS:
            raise _Refused("url", NO_ADDRESS)
        return None, url
    data = text.encode() if data is None else data
    if len(data) > MAX_BADGE_BYTES:
        raise _Refused(given[0], TOO_LARGE, 413)
    if not data:
        raise _Refused(given[0], NOTHING)
    return data, None


def _told(error: AppError) -> str:
    return " ".join(filter(None, (error.detail, error.next_step)))


def _page(
    db: ReadSession,
    session: LaunchSession,
    *,
    done: str = "",
    url: str = "",
    text: str = "",
    errors: tuple[tuple[str, str], ...] = (),
) -> OutsidePage:
    confirmed = people.confirmed_email(db, session.person_id)
    return OutsidePage(
        badges=pathways.external_badges_of(db, session.person_id),
        wanted=tuple(
            Wanted(each.key, each.title, leaf.name, leaf.issuer_name)
            for each in stacks.pathways(db)
            for leaf in leaves(each.rule)
            if isinstance(leaf, ExternalBadgeRule)
        ),
        address=confirmed.email if confirmed else None,
        words=VERDICTS,
        done=done,
        url=url,
        text=text,
        errors=errors,
    )
