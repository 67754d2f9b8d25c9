"""What becomes of a score: how each platform checks it, keeps it and lets a grade stand."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from practice_lms.errors import GradesRefused
from practice_lms.gradebook import LineItem, Score
from practice_lms.lms import PracticeLms
from practice_lms.services import line_item_url, number_of, text_of

ACTIVITY_PROGRESS: Final = frozenset(("Initialized", "Started", "InProgress", "Submitted", "Completed"))
GRADING_PROGRESS: Final = frozenset(("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"))
CANVAS_SUBMISSION: Final = "https://canvas.instructure.com/lti/submission"
FARTHEST_AHEAD: Final = timedelta(minutes=1)
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


class Scoring:
    """A platform as strict as any in each respect."""

    looks_ahead: ClassVar[bool] = True
    """Whether a time in the future is refused."""
    unfit: ClassVar[int] = 400
    """Status for somebody who cannot be graded, and for a maximum that is missing."""

    def take(self, lms: PracticeLms, item: LineItem, content: dict[str, Any]) -> dict[str, Any] | None:
        """Check a score and keep it; what to answer, None for an empty body. Raises GradesRefused."""
        score = self.read(lms, item, content)
        self.store(lms, item, score, content)
        return None

    def read(self, lms: PracticeLms, item: LineItem, content: dict[str, Any]) -> Score:
        """The score in a body (AGS 2.0 §3.4). Raises GradesRefused."""
        given = number_of(content, "scoreGiven", GradesRefused)
        maximum = number_of(content, "scoreMaximum", GradesRefused)
        if given is not None and not maximum:
            raise GradesRefused("scoreGiven needs a scoreMaximum above 0.", status=self.unfit)
        return Score(
            user_sub=self._learner_in(lms, item, content),
            given=given,
            maximum=maximum,
            comment=text_of(content, "comment", GradesRefused),
            activity_progress=_one_of(content, "activityProgress", ACTIVITY_PROGRESS),
            grading_progress=_one_of(content, "gradingProgress", GRADING_PROGRESS),
            timestamp=self._timestamp_in(lms, content),
            received_at=lms.now(),
        )

    def store(self, lms: PracticeLms, item: LineItem, score: Score, content: Mapping[str, Any]) -> None:
        """Keep a score; anything but a final one erases the grade. Raises GradesRefused for one that is not later."""
        history = lms.gradebook.history(item, score.user_sub)
        if history and _second(score) <= _second(history[-1]):
            raise GradesRefused("Refusing score with an earlier timestamp", status=409)
        lms.gradebook.keep(item, score)
        lms.gradebook.give(item, score.user_sub, score.share if score.counts else None)

    def _learner_in(self, lms: PracticeLms, item: LineItem, content: dict[str, Any]) -> str:
        sub = text_of(content, "userId", GradesRefused, required=True)
        if lms.campus.learner(item.course_key, sub) is None:
            raise GradesRefused("userId is not a learner in this course.", status=self.unfit)
        return sub

    def _timestamp_in(self, lms: PracticeLms, content: dict[str, Any]) -> datetime:
        moment = _moment(content, "timestamp")
        if self.looks_ahead and moment > lms.now() + FARTHEST_AHEAD:
            raise GradesRefused("timestamp is more than one minute in the future.")
        return moment


class MoodleScoring(Scoring):
    """Moodle: a time in the future is taken and blocks all others until then; what is above the maximum is cut."""

    looks_ahead: ClassVar[bool] = False

    def store(self, lms: PracticeLms, item: LineItem, score: Score, content: Mapping[str, Any]) -> None:
        """As measured: times are compared only with those of a grade that stands; five decimals are kept."""
        book = lms.gradebook
        history = book.history(item, score.user_sub)
        if book.grade(item, score.user_sub) and history and _second(score) <= _second(history[-1]):
            raise GradesRefused("Refusing score with an earlier timestamp", status=409)
        book.keep(item, score)
        share = min(score.share, 1.0) if score.counts and score.share is not None else None
        if share is not None:
            share = round(share * item.score_maximum, 5) / item.score_maximum
        book.give(item, score.user_sub, share)


class CanvasScoring(Scoring):
    """Canvas: a score is a submission too, and may be told not to overwrite what is there."""

    looks_ahead: ClassVar[bool] = False
    unfit: ClassVar[int] = 422

    def take(self, lms: PracticeLms, item: LineItem, content: dict[str, Any]) -> dict[str, Any]:
        """As Canvas does, in its order; the answer names the result."""
        score = self.read(lms, item, content)
        book, sub, told = lms.gradebook, score.user_sub, _submission(content)
        history = book.history(item, sub)
        if history and history[-1].timestamp > score.timestamp:
            raise GradesRefused("Provided timestamp is before the last updated timestamp.")
        _check_submitted_at(lms, content, told)
        if _is_new(told):
            limit = lms.settings.attempts_allowed
            if limit is not None and book.submissions_of(item, sub) >= limit:
                raise GradesRefused(
                    "The maximum number of allowed attempts has been reached for this submission", status=422
                )
            if score.activity_progress != "Initialized":
                book.submit(item, sub)
        book.keep(item, score)
        self._grade(lms, item, score, told)
        path, mark, query = line_item_url(lms.settings, item).partition("?")
        return {"resultUrl": f"{path}/results/{sub}{mark}{query}"}

    def _grade(self, lms: PracticeLms, item: LineItem, score: Score, told: Mapping[str, Any]) -> None:
        """With `prioritize_non_tool_grade` any grade that is there stays, whoever gave it."""
        book, sub = lms.gradebook, score.user_sub
        accepted = score.grading_progress in ("FullyGraded", "PendingManual") and score.share is not None
        kept = told.get("preserve_score") is True
        stays = accepted and told.get("prioritize_non_tool_grade") is True and book.grade(item, sub) is not None
        if not kept and not stays:
            book.give(item, sub, score.share if accepted else None)
        book.tell(item, sub, score.share)


SCORINGS: Final[Mapping[str, Scoring]] = {
    "standard": Scoring(),
    "moodle": MoodleScoring(),
    "canvas": CanvasScoring(),
}


def _second(score: Score) -> int:
    return int(score.timestamp.timestamp())


def _one_of(content: dict[str, Any], name: str, allowed: frozenset[str]) -> str:
    value = text_of(content, name, GradesRefused, required=True)
    if value not in allowed:
        raise GradesRefused(f"{name} must be one of {', '.join(sorted(allowed))}.")
    return value


def _moment(content: dict[str, Any], name: str) -> datetime:
    text = text_of(content, name, GradesRefused, required=True)
    if not _TIMESTAMP.fullmatch(text):
        raise GradesRefused(f"{name} must be an ISO 8601 time with a time zone.")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise GradesRefused(f"{name} is not a real time.") from error


def _submission(content: Mapping[str, Any]) -> dict[str, Any]:
    told = content.get(CANVAS_SUBMISSION, {})
    if not isinstance(told, dict):
        raise GradesRefused(f"{CANVAS_SUBMISSION} must be an object.")
    return told


def _is_new(told: Mapping[str, Any]) -> bool:
    return told.get("new_submission", True) is not False and told.get("submission_type") != "none"


def _check_submitted_at(lms: PracticeLms, content: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    submission = content.get("submission")
    if isinstance(submission, dict) and "submittedAt" in submission:
        moment = _moment(submission, "submittedAt")
    elif "submitted_at" in told:
        moment = _moment(dict(told), "submitted_at")
    else:
        return
    if moment > lms.now() + FARTHEST_AHEAD:
        raise GradesRefused("Provided submitted_at timestamp is in the future.")
