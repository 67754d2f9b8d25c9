"""How far an assessor's decisions and the second marks of them agree, and the pairs to talk over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.core.db import ReadSession
from app.learning import agreement
from app.learning.assessors import require_assessor
from app.learning.errors import UnusableText
from app.learning.marking_errors import CommentTooLong, ReasonMissing
from app.learning.workbench_schemas import ENOUGH_PAIRS, Agreement, Pair
from app.people import service as people
from app.web.assessor_page import level_words
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess/agreement", include_in_schema=False)


@dataclass(frozen=True)
class ShownPair:
    """A pair of marks that disagree: (criterion, first, second, whether they are more than one level apart)."""

    pair: Pair
    rows: tuple[tuple[str, str, str, bool], ...]
    text: str
    error: str | None


@dataclass(frozen=True)
class AgreementPage:
    """One's own rate, the pairs to talk over, and for operators the rates of all in the order of names."""

    own: Agreement
    pairs: tuple[ShownPair, ...]
    everybody: tuple[Agreement, ...]
    enough: int
    done: bool


@router.get("")
def agreement_page(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """The rate and the pairs."""
    return _show(request, db, session, {}, {}, done=done == "concluded")


@router.post("/{second_mark_id}")
def conclude(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, second_mark_id: str) -> Response:
    """Write down what came of talking a pair over."""
    try:
        with runtime.database.write() as db:
            require_assessor(db, session.person_id)
            agreement.conclude(
                db, second_mark_id=second_mark_id, person_id=session.person_id,
                conclusion=form.get(f"conclusion-{second_mark_id}", ""),
            )  # fmt: skip
    except ReasonMissing:
        wrong = "Please write what you found out together."
    except (CommentTooLong, UnusableText) as error:
        wrong = error.detail
    else:
        return RedirectResponse(f"{session.root}/assess/agreement?done=concluded", status_code=303)
    with runtime.database.read() as db:
        return _show(request, db, session, form, {second_mark_id: wrong}, status=422)


def _show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    form: Mapping[str, str],
    wrong: Mapping[str, str],
    *,
    done: bool = False,
    status: int = 200,
) -> HTMLResponse:
    require_assessor(db, session.person_id)
    is_operator = people.has_role(db, session.person_id, "operator")
    page = AgreementPage(
        own=agreement.agreement_of(db, session.person_id),
        pairs=tuple(_shown(pair, form, wrong) for pair in agreement.pairs_to_talk_over(db, session.person_id)),
        everybody=agreement.agreements(db) if is_operator else (),
        enough=ENOUGH_PAIRS,
        done=done,
    )
    return render(request, "assessor/agreement.html", page, status=status)


def _shown(pair: Pair, form: Mapping[str, str], wrong: Mapping[str, str]) -> ShownPair:
    rows = []
    for criterion in pair.module.rubric.criteria:
        first, second = pair.first.get(criterion.key), pair.second.get(criterion.key)
        far = first is not None and second is not None and abs(first - second) > 1
        rows.append((criterion.title, level_words(criterion, first), level_words(criterion, second), far))
    return ShownPair(pair, tuple(rows), form.get(f"conclusion-{pair.id}", ""), wrong.get(pair.id))
