"""What teachers do to courses by the pages' buttons."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from practice_lms.authoring import copy_course, duplicate_activity
from practice_lms.errors import PageRefused
from practice_lms.lms import PracticeLms
from practice_lms.pages import activity_or_refuse, course_or_refuse, require_own_form, signed_in

router = APIRouter()


@router.post("/course/{course_key}/copy")
async def copy(request: Request, course_key: str) -> Response:
    """Copy a course, as at the start of a term."""
    lms = _as_teacher(request)
    made = copy_course(lms, course_or_refuse(lms, course_key).key)
    return RedirectResponse(f"/course#{made.key}", 303)


@router.post("/course/{course_key}/activity/{activity_key}/duplicate")
async def duplicate(request: Request, course_key: str, activity_key: str) -> Response:
    """Put a second activity like this one into the course."""
    lms = _as_teacher(request)
    course, activity = activity_or_refuse(lms, course_key, activity_key)
    duplicate_activity(lms, course.key, activity.key)
    return RedirectResponse(f"/course#{course.key}", 303)


def _as_teacher(request: Request) -> PracticeLms:
    lms = require_own_form(request)
    user = signed_in(request)
    if user is None or not user.is_teacher:
        raise PageRefused("Only teachers change courses. Choose Priya on the first page.", status=403)
    return lms
