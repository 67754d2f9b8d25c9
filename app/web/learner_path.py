"""What the learner's pages share: whose module it is, what comes next, which fields a text has."""

from __future__ import annotations

from app.core.db import ReadSession
from app.core.errors import NotFound
from app.learning import renewing
from app.learning import service as learning
from app.learning.renewal_errors import NoSuchRenewal
from app.learning.schemas import Enrolment, Progress
from app.programme.schemas import Activity, ExerciseField, Module
from app.web.sessions import LaunchSession

KIND_WORDS = {
    "lesson": "lesson",
    "knowledge_check": "knowledge check",
    "exercise": "workplace exercise",
    "reflection": "reflection",
    "observation": "observation",
    "attendance": "session to attend",
}
REFLECTION_FIELD = "text"


class NoModuleHere(NotFound):
    """The launch named no module, or one that the catalogue does not have."""

    slug = "no-module-here"
    title = "No module is placed here"


def enrolled(db: ReadSession, session: LaunchSession) -> tuple[Enrolment, Module]:
    """The enrolment that this launch is about, and its module at the version it began with.

    On the pages of a renewal that is the newest renewal of the module's badge.

    Raises:
        NoModuleHere: the launch named no module, or the person is not enrolled in it.
        NoSuchRenewal: they have begun no renewal of its badge.
    """
    if session.module_key is None:
        raise NoModuleHere(
            "This link in your LMS does not say which module it opens.",
            next_step="Ask whoever runs the course to place a module there.",
        )
    enrolment = enrolment_here(db, session, session.module_key)
    if enrolment is None and session.renewing:
        raise NoSuchRenewal
    if enrolment is None:
        raise NoModuleHere(
            "You are not enrolled in this module.", next_step="Open the activity again from your LMS as a learner."
        )
    return enrolment, learning.module_of(db, enrolment)


def enrolment_here(db: ReadSession, session: LaunchSession, module_key: str) -> Enrolment | None:
    """The person's own enrolment in a module that these pages are about, if there is one."""
    if session.renewing:
        return renewing.current(db, person_id=session.person_id, module_key=module_key)
    return learning.enrolment_of(db, person_id=session.person_id, module_key=module_key)


def next_step(session: LaunchSession, progress: Progress, module: Module) -> tuple[str, str]:
    """Where to go next, and the words on the button."""
    if progress.landing == "activity" and progress.next_activity:
        title = module.activity(progress.next_activity).title
        started = progress.done > 0
        return f"{session.root}/activity/{progress.next_activity}", f"{'Next' if started else 'Begin'}: {title}"
    if progress.landing == "submit":
        return f"{session.root}/hand-in", "Check and hand in"
    if progress.landing == "revise":
        return f"{session.root}/hand-in", "Check and hand in again"
    if progress.landing == "done":
        return f"{session.root}/badges", "See my badge"
    return f"{session.root}/module", "Back to the module"


def fields_of(activity: Activity) -> tuple[ExerciseField, ...]:
    """The fields of an exercise; a reflection has one."""
    if activity.kind == "exercise":
        return activity.fields
    hint = None
    if activity.min_words and activity.max_words:
        hint = f"About {activity.min_words} to {activity.max_words} words. Invent or blur every personal detail."
    return (ExerciseField(key=REFLECTION_FIELD, label="Your reflection", hint=hint, kind="long_text"),)
