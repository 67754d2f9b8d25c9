"""The panel of two on the workbench: a member's mark, what came of it, and stepping back."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.core.db import WriteSession
from app.learning import service as learning
from app.learning.schemas import Outcome
from app.web.assessor_page import Said
from app.web.dependencies import App
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess", include_in_schema=False)

AFTER_A_MARK = {
    "waiting": Said("success", "Your mark is given", "The work now waits for the second member of its panel."),
    "stepped-back": Said("success", "You have stepped back", "Another assessor can take your place in the panel."),
}
DIFFER = Said("caution", "The two of you differ", "Nothing is decided. Both marks are below.")


def give(
    db: WriteSession, session: LaunchSession, submission_id: str, outcome: Outcome, comment: str
) -> tuple[str, str | None]:
    """Give one's mark: what became of it, in the word of the page that comes next, and the work if the two differ.

    Raises:
        AppError: as `learning.give_panel_mark`.
    """
    step = learning.give_panel_mark(
        db, submission_id=submission_id, assessor_id=session.person_id, outcome=outcome, comment=comment
    )
    if step.state == "differ":
        return "differ", submission_id
    return ("waiting" if step.state == "waiting" else outcome), None


@router.post("/{submission_id}/step-back")
def step_back(session: CurrentLaunch, runtime: App, submission_id: str) -> Response:
    """Leave the panel before anything is decided."""
    with runtime.database.write() as db:
        learning.step_back(db, submission_id=submission_id, assessor_id=session.person_id)
    return RedirectResponse(f"{session.root}/assess?done=stepped-back", status_code=303)
