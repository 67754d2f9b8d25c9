"""The assessor's pages about pathways: the practice conversation, steps that are recognised, and proposed badges.

Each page asks for the assessor role, and nothing of a person is shown to an assessor who stands too near to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.awards.proposals import reading, service
from app.awards.proposals.errors import NoLongerMet, ProposalChanged, ProposalDecided
from app.awards.proposals.schemas import Proposal
from app.core.clock import now
from app.core.db import ReadSession
from app.core.errors import AppError, BadInput
from app.core.runtime import Runtime
from app.core.text import is_plain_text
from app.learning import marking_errors
from app.learning.assessors import require_assessor
from app.learning.errors import UnusableText
from app.pathways import errors as pathway_errors
from app.pathways import service as pathways
from app.pathways.schemas import LeafKind
from app.people import service as people
from app.programme import stacks
from app.programme.pathways import ConversationRule, conversation
from app.web import pathway_deciding_view as view
from app.web.assessor_page import MarkedCriterion, Said, level_choices, level_words, maps_to
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.holder import see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess/pathways", include_in_schema=False)

LONGEST_SEARCH: Final = 100
DONE: Final = {
    "awarded": Said("success", "Awarded", "The badge is being signed, and the person is told."),
    "declined": Said("success", "Declined", "The person is told, with your reason. You can open it again below."),
    "again": Said("success", "Open again", "The proposal waits for a decision, yours or another assessor’s."),
    "talk": Said("success", "Recorded", "If every step is there now, the badge is proposed within a minute or two."),
    "recognised": Said("success", "Recognised", "The step counts. It says who decided it, and why."),
    "withdrawn": Said("success", "Taken back", "The step is open again, unless it is shown in another way."),
}
TEXT_TROUBLE: Final = (
    marking_errors.ReasonMissing,
    marking_errors.CommentTooLong,
    UnusableText,
    pathway_errors.ReasonMissing,
)


@router.get("")
def list_of_all(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "", find: str = "") -> HTMLResponse:
    """What waits for a decision, who is ready for the conversation, and who is on the way."""
    require_assessor(db, session.person_id)
    sought = find.strip()[:LONGEST_SEARCH] if is_plain_text(find) else ""
    return render(request, "assessor/pathways.html", view.list_page(db, session.person_id, DONE.get(done), sought))


@router.get("/people/{person_id}/{pathway_key}")
def person_page(
    request: Request, session: CurrentLaunch, db: ReadDb, person_id: str, pathway_key: str, done: str = ""
) -> HTMLResponse:
    """One person's steps on one pathway."""
    barred = _barred(request, db, session, person_id)
    return barred or render(
        request, "assessor/pathway_person.html", view.person_page(db, person_id, pathway_key, said=DONE.get(done))
    )


@router.get("/people/{person_id}/{pathway_key}/conversation")
def talk_page(request: Request, session: CurrentLaunch, db: ReadDb, person_id: str, pathway_key: str) -> HTMLResponse:
    """The form for a conversation that was held."""
    barred = _barred(request, db, session, person_id)
    return barred or _talk_form(request, db, person_id, pathway_key, {})


@router.post("/people/{person_id}/{pathway_key}/conversation")
def record_talk(
    request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, person_id: str, pathway_key: str
) -> Response:
    """Show the levels once more; then keep the conversation as it stands there."""
    with runtime.database.read() as db:
        barred = _barred(request, db, session, person_id)
        if barred is not None:
            return barred
        errors = _form_errors(db, pathway_key, form)
        if errors or form.get("sure") != "yes":
            back = form.get("sure") == "change"
            return _talk_form(request, db, person_id, pathway_key, form, errors, asks=not errors and not back)
        rule = _rule(db, pathway_key)
    held_on = cast(date, _day(form.get("held_on", "")))
    levels = {each.key: cast(int, whole_number(form.get(f"level-{each.key}", ""))) for each in rule.rubric.criteria}
    try:
        with runtime.database.write() as writing:
            pathways.record_conversation(
                writing, person_id=person_id, pathway_key=pathway_key, conversation_key=rule.key, held_on=held_on,
                levels=levels, comment=form.get("comment", ""), decided_by=session.person_id,
            )  # fmt: skip
    except (pathway_errors.ConversationNotUsable, *TEXT_TROUBLE) as error:
        field = "comment" if isinstance(error, TEXT_TROUBLE) else "held_on"
        with runtime.database.read() as db:
            return _talk_form(request, db, person_id, pathway_key, form, {field: _said(error)})
    return see_other(f"{_person(session, person_id, pathway_key)}?done=talk")


@router.post("/people/{person_id}/{pathway_key}/recognise")
def recognise(
    request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, person_id: str, pathway_key: str
) -> Response:
    """Let a step count without its being shown, with the reason."""
    kind, _, key = form.get("step", "").partition(":")
    try:
        with runtime.database.write() as db:
            if not kind:
                raise _ChooseStep("Please choose the step.", next_step="Choose one, then send it again.")
            pathways.recognise(
                db, person_id=person_id, kind=cast(LeafKind, kind), key=key,
                pathway_key=None if form.get("everywhere") == "yes" else pathway_key,
                reason=form.get("reason", ""), granted_by=session.person_id,
            )  # fmt: skip
    except _ChooseStep as error:
        return _person_again(request, runtime, session, person_id, pathway_key, ("step", error.detail), form)
    except TEXT_TROUBLE as error:
        return _person_again(request, runtime, session, person_id, pathway_key, ("reason", _said(error)), form)
    return see_other(f"{_person(session, person_id, pathway_key)}?done=recognised")


@router.post("/people/{person_id}/{pathway_key}/recognitions/{recognition_id}/withdraw")
def withdraw_recognition(
    request: Request,
    session: CurrentLaunch,
    runtime: App,
    form: PostedForm,
    person_id: str,
    pathway_key: str,
    recognition_id: str,
) -> Response:
    """Take a recognition back, with the reason."""
    try:
        with runtime.database.write() as db:
            pathways.withdraw_recognition(db, recognition_id, reason=form.get("why", ""), by=session.person_id)
    except TEXT_TROUBLE as error:
        wrong = (f"why-{recognition_id}", _said(error))
        return _person_again(request, runtime, session, person_id, pathway_key, wrong, form)
    return see_other(f"{_person(session, person_id, pathway_key)}?done=withdrawn")


@router.get("/proposals/{proposal_id}")
def proposal_page(
    request: Request, session: CurrentLaunch, db: ReadDb, proposal_id: str, done: str = ""
) -> HTMLResponse:
    """What is proposed, what it rests on, and the decision."""
    require_assessor(db, session.person_id)
    proposal = reading.stored(db, proposal_id)
    barred = _barred(request, db, session, proposal.person_id)
    return barred or _proposal(request, db, proposal, said=DONE.get(done))


@router.post("/proposals/{proposal_id}/award")
def award(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, proposal_id: str) -> Response:
    """Ask whether that is meant, then award on what was shown."""
    comment = form.get("comment", "")
    with runtime.database.read() as db:
        require_assessor(db, session.person_id)
        proposal = reading.stored(db, proposal_id)
        barred = _barred(request, db, session, proposal.person_id)
        if barred is not None:
            return barred
        if form.get("sure") != "yes" and proposal.state == "open":
            return _proposal(request, db, proposal, comment=comment, asks=True)
    try:
        with runtime.database.write() as writing:
            service.award(
                writing, proposal_id=proposal_id, assessor_id=session.person_id, comment=comment,
                seen=form.get("facts"),
            )  # fmt: skip
    except (ProposalChanged, NoLongerMet, ProposalDecided, *TEXT_TROUBLE) as error:
        with runtime.database.read() as db:
            wrong = (("comment", _said(error)),)
            now_ = reading.stored(db, proposal_id)
            return _proposal(request, db, now_, comment=comment, errors=wrong, status=_status(error))
    return see_other(f"{session.root}/assess/pathways?done=awarded")


@router.post("/proposals/{proposal_id}/decline")
def decline(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, proposal_id: str) -> Response:
    """Decline it, with the reason; it can be opened again."""
    reason = form.get("reason", "")
    try:
        with runtime.database.write() as db:
            service.decline(db, proposal_id=proposal_id, assessor_id=session.person_id, reason=reason)
    except (ProposalDecided, *TEXT_TROUBLE) as error:
        with runtime.database.read() as db:
            wrong = (("reason", _said(error)),)
            now_ = reading.stored(db, proposal_id)
            return _proposal(request, db, now_, reason=reason, errors=wrong, status=_status(error))
    return see_other(f"{session.root}/assess/pathways/proposals/{proposal_id}?done=declined")


@router.post("/proposals/{proposal_id}/again")
def propose_again(session: CurrentLaunch, runtime: App, proposal_id: str) -> Response:
    """Open anew what was decided, as something was overlooked."""
    with runtime.database.write() as db:
        opened = service.propose_again(db, proposal_id=proposal_id, assessor_id=session.person_id)
    return see_other(f"{session.root}/assess/pathways/proposals/{opened}?done=again")


class _ChooseStep(BadInput):
    """A recognition without a step."""

    slug = "step-missing"
    title = "Which step?"


def _barred(request: Request, db: ReadSession, session: LaunchSession, person_id: str) -> HTMLResponse | None:
    """The page for an assessor who stands too near, and nothing of the person; None for any other.

    Raises:
        NotAnAssessor: for anybody else.
        PersonNotFound: there is no such person.
    """
    require_assessor(db, session.person_id)
    people.person(db, person_id)
    if pathways.may_assess(db, person_id=person_id, assessor_id=session.person_id):
        return None
    page = view.not_yours(db, person_id, session.person_id)
    return render(request, "assessor/pathway_not_yours.html", page, status=403)


def _proposal(
    request: Request, db: ReadSession, proposal: Proposal, *, said: Said | None = None, comment: str = "",
    reason: str = "", errors: tuple[tuple[str, str], ...] = (), asks: bool = False, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    page = view.proposal_page(
        db, proposal, said=said, comment=comment, reason=reason, errors=errors, asks=asks and not errors
    )
    return render(request, "assessor/pathway_proposal.html", page, status=status)


def _person_again(
    request: Request,
    runtime: Runtime,
    session: LaunchSession,
    person_id: str,
    pathway_key: str,
    wrong: tuple[str, str],
    form: Mapping[str, str],
) -> HTMLResponse:
    with runtime.database.read() as db:
        barred = _barred(request, db, session, person_id)
        page = view.person_page(db, person_id, pathway_key, errors=(wrong,), typed=form)
        return barred or render(request, "assessor/pathway_person.html", page, status=422)


def _talk_form(
    request: Request,
    db: ReadSession,
    person_id: str,
    pathway_key: str,
    form: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    *,
    asks: bool = False,
) -> HTMLResponse:
    rule, wrong = _rule(db, pathway_key), errors or {}
    chosen = {each.key: whole_number(form.get(f"level-{each.key}", "")) for each in rule.rubric.criteria}
    criteria = tuple(
        MarkedCriterion(
            key=each.key, title=each.title, maps_to=maps_to(each), levels=level_choices(each),
            selected=chosen[each.key], comment="", error=wrong.get(f"level-{each.key}"), comment_error=None,
        )
        for each in rule.rubric.criteria
    )  # fmt: skip
    page = view.TalkPage(
        person_id=person_id,
        name=people.display_name(db, person_id),
        pathway=stacks.current_pathway(db, pathway_key),
        rule=rule,
        criteria=criteria,
        held_on=form.get("held_on", ""),
        held_day=_day(form.get("held_on", "")),
        comment=form.get("comment", ""),
        today=now().date(),
        errors=tuple(wrong.items()),
        asks=asks,
        reaches=all((level or 0) >= rule.minimum_level for level in chosen.values()),
        levels=tuple((each.title, level_words(each, chosen[each.key])) for each in rule.rubric.criteria),
    )
    return render(request, "assessor/pathway_talk.html", page, status=422 if wrong else 200)


def _rule(db: ReadSession, pathway_key: str) -> ConversationRule:
    rule = conversation(stacks.current_pathway(db, pathway_key))
    if rule is None:
        raise pathway_errors.StepUnknown
    return rule


def _form_errors(db: ReadSession, pathway_key: str, form: Mapping[str, str]) -> dict[str, str]:
    """What is missing in the form, by field, in the order of the page."""
    wrong = {
        f"level-{each.key}": f"“{each.title}” has no level yet."
        for each in _rule(db, pathway_key).rubric.criteria
        if whole_number(form.get(f"level-{each.key}", "")) not in {level.level for level in each.levels}
    }
    day = _day(form.get("held_on", ""))
    if day is None:
        wrong["held_on"] = "Please give the day of the conversation."
    elif day > now().date() + timedelta(days=1):
        wrong["held_on"] = "That day lies ahead. Record the conversation once it was held."
    return wrong


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _said(error: AppError) -> str:
    return f"{error.detail} {error.next_step}" if isinstance(error, ProposalChanged | NoLongerMet) else error.detail


def _status(error: AppError) -> int:
    return 409 if isinstance(error, ProposalChanged | NoLongerMet | ProposalDecided) else 422


def _person(session: LaunchSession, person_id: str, pathway_key: str) -> str:
    return f"{session.root}/assess/pathways/people/{person_id}/{pathway_key}"
