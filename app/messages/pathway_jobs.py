"""Mails about pathways: to whoever is asked for a word, and to the person about what became of it, or of a proposal.

No text of anybody is in them: names, the pathway and what is asked for, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.awards.proposals import asking
from app.awards.proposals.errors import ProposalNotFound
from app.awards.proposals.events import ConfirmationAnswered, ConfirmationAsked, ProposalDeclined
from app.awards.proposals.reading import awarded_with, stored
from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, decode
from app.messages.kinds import CONFIRMATION_ASKED, PATHWAY_NEWS
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import Around, compose_from
from app.messages.wording import greeting, one_line
from app.pathways import service as pathways
from app.pathways.errors import StepUnknown
from app.people import service as people
from app.programme import stacks

A_COLLEAGUE = "a colleague"


@dataclass(frozen=True)
class ConfirmationAskedMail:
    """Somebody asks for a word; `title` says what for."""

    name: str
    asked_by: str
    title: str
    pathway_title: str


@dataclass(frozen=True)
class ConfirmationAnsweredMail:
    """The word was given, or not."""

    name: str
    title: str
    pathway_title: str
    confirmed: bool


@dataclass(frozen=True)
class ProposalDeclinedMail:
    """A badge that was proposed is not awarded now."""

    name: str
    badge_name: str


def send_confirmation_asked(deps: MessageDeps) -> Handler:
    """Listens to `ConfirmationAsked`: tells each of those who can give the word, as one of them is enough."""

    def handle(delivery: Delivery) -> None:
        request_id = decode(ConfirmationAsked, delivery.payload).request_id
        with deps.database.read() as session:
            request = asking.stored_request(session, request_id)
            if request is None or request.state != "open":
                return  # erased, taken back or answered since
            asked = asking.who_may_give(session, request.person_id, request.asked_of)
        for person_id in asked:
            _ask(deps, request_id, person_id)

    return handle


def send_confirmation_answered(deps: MessageDeps) -> Handler:
    """Listens to `ConfirmationAnswered`: tells whoever asked."""

    def handle(delivery: Delivery) -> None:
        request_id = decode(ConfirmationAnswered, delivery.payload).request_id

        def prepare(session: ReadSession) -> Addressed | None:
            request = asking.stored_request(session, request_id)
            if request is None or request.state not in ("confirmed", "declined"):
                return None
            told = _titles(session, request.pathway_key, request.confirmation_key)
            if told is None:
                return None
            confirmed = request.state == "confirmed"
            return addressed_to(
                session, request.person_id, lambda name: ConfirmationAnsweredMail(name, *told, confirmed),
                compose=_from("confirmation_answered.txt"),
            )  # fmt: skip

        send_once(deps, PATHWAY_NEWS, request_id, prepare, note="confirmation_answered")

    return handle


def send_proposal_declined(deps: MessageDeps) -> Handler:
    """Listens to `ProposalDeclined`: tells the person, unless it has been opened again since."""

    def handle(delivery: Delivery) -> None:
        proposal_id = decode(ProposalDeclined, delivery.payload).proposal_id

        def prepare(session: ReadSession) -> Addressed | None:
            try:
                proposal = stored(session, proposal_id)
            except ProposalNotFound:
                return None  # erased with the person
            pathway = stacks.pathway_version(session, proposal.pathway_key, proposal.pathway_version)
            badge_name = pathway.achievement.name if pathway.achievement is not None else pathway.title
            return addressed_to(
                session, proposal.person_id, lambda name: ProposalDeclinedMail(name, badge_name),
                compose=_from("proposal_declined.txt"),
            )  # fmt: skip

        send_once(deps, PATHWAY_NEWS, proposal_id, prepare, note="proposal_declined")

    return handle


def note_of_award(session: ReadSession, credential_id: str) -> str:
    """The title of the pathway on whose page an assessor's words about an award stand; empty where they wrote none."""
    proposal = awarded_with(session, credential_id)
    if proposal is None or not proposal.reason:
        return ""
    return stacks.pathway_version(session, proposal.pathway_key, proposal.pathway_version).title


def _ask(deps: MessageDeps, request_id: str, person_id: str) -> None:
    def prepare(session: ReadSession) -> Addressed | None:
        request = asking.stored_request(session, request_id)
        told = None if request is None else _titles(session, request.pathway_key, request.confirmation_key)
        if request is None or told is None or request.state != "open":
            return None
        asked_by = people.display_name(session, request.person_id)
        shown = one_line(asked_by) if greeting(asked_by) != greeting("") else A_COLLEAGUE
        return addressed_to(
            session, person_id, lambda name: ConfirmationAskedMail(name, shown, *told),
            compose=_from("confirmation_asked.txt"),
        )  # fmt: skip

    send_once(deps, CONFIRMATION_ASKED, asked_subject(request_id, person_id), prepare)


def asked_subject(request_id: str, person_id: str) -> str:
    """Under what a mail to one of those asked is noted: in the export of whoever asked it leads to nobody."""
    return f"{request_id}.{hashlib.sha256(f'{request_id} {person_id}'.encode()).hexdigest()[:16]}"


def _titles(session: ReadSession, pathway_key: str, confirmation_key: str) -> tuple[str, str] | None:
    """What is asked for and on which pathway; None where the pathway asks for it no more."""
    try:
        title = pathways.confirmation_rule(session, pathway_key, confirmation_key).title
    except StepUnknown:
        return None
    return title, stacks.current_pathway(session, pathway_key).title


def _from(template: str) -> Callable[[Any, Around], tuple[str, str]]:
    def composed(mail: Any, around: Around) -> tuple[str, str]:
        return compose_from(template, mail, around)

    return composed
