"""The score endpoint of Assignment and Grade Services 2.0 (§3.4)."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from practice_lms.ags import item_or_refuse, open_grades
from practice_lms.catalogue import user_by_sub
from practice_lms.errors import GradesRefused
from practice_lms.gradebook import Score, StaleScore
from practice_lms.lms import PracticeLms
from practice_lms.services import SCOPE_SCORE, SCORE, number_of, read_json, text_of

router = APIRouter()

ACTIVITY_PROGRESS: Final = frozenset(("Initialized", "Started", "InProgress", "Submitted", "Completed"))
GRADING_PROGRESS: Final = frozenset(("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"))
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
FARTHEST_AHEAD: Final = timedelta(minutes=1)


@router.post("/ags/{course_key}/lineitems/{item_id}/scores")
async def post_score(request: Request, course_key: str, item_id: str) -> Response:
    """Take in a score: 200 and an empty body, as Moodle answers."""
    lms = open_grades(request, SCOPE_SCORE)
    item = item_or_refuse(lms, course_key, item_id)
    score = _score_in(lms, await read_json(request, GradesRefused, SCORE))
    try:
        lms.gradebook.record(item, score)
    except StaleScore as error:
        raise GradesRefused("Refusing score with an earlier timestamp", status=409) from error
    return Response(status_code=200)


def _score_in(lms: PracticeLms, content: dict[str, Any]) -> Score:
    given = number_of(content, "scoreGiven", GradesRefused)
    maximum = number_of(content, "scoreMaximum", GradesRefused)
    if given is not None and not maximum:
        raise GradesRefused("scoreGiven needs a scoreMaximum above 0.")
    return Score(
        user_sub=_learner_in(content),
        given=given,
        maximum=maximum,
        comment=text_of(content, "comment", GradesRefused),
        activity_progress=_one_of(content, "activityProgress", ACTIVITY_PROGRESS),
        grading_progress=_one_of(content, "gradingProgress", GRADING_PROGRESS),
        timestamp=_timestamp_in(lms, content),
        received_at=lms.now(),
    )


def _learner_in(content: dict[str, Any]) -> str:
    sub = text_of(content, "userId", GradesRefused, required=True)
    user = user_by_sub(sub)
    if user is None or not user.is_learner:
        raise GradesRefused("userId is not a learner in this course.")
    return sub


def _one_of(content: dict[str, Any], name: str, allowed: frozenset[str]) -> str:
    value = text_of(content, name, GradesRefused, required=True)
    if value not in allowed:
        raise GradesRefused(f"{name} must be one of {', '.join(sorted(allowed))}.")
    return value


def _timestamp_in(lms: PracticeLms, content: dict[str, Any]) -> datetime:
    text = text_of(content, "timestamp", GradesRefused, required=True)
    if not _TIMESTAMP.fullmatch(text):
        raise GradesRefused("timestamp must be an ISO 8601 time with a time zone.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise GradesRefused("timestamp is not a real time.") from error
    if moment > lms.now() + FARTHEST_AHEAD:
        raise GradesRefused("timestamp is more than one minute in the future.")
    return moment
