"""Opening the tool: an activity, choosing one to add, looking at somebody's submission."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from practice_lms import deep_linking
from practice_lms.catalogue import Activity, Course, User
from practice_lms.errors import PageRefused
from practice_lms.lms import PracticeLms
from practice_lms.openings import LINK, REVIEW, Opening, login_fields
from practice_lms.pages import activity_or_refuse, course_or_refuse, signed_in
from practice_lms.render import auto_post, page
from practice_lms.services import lms_behind

router = APIRouter()

TARGETS: Final = ("iframe", "window")


@router.get("/course/{course_key}/activity/{activity_key}")
async def activity_page(request: Request, course_key: str, activity_key: str) -> Response:
    """An activity with the tool in a frame."""
    lms = lms_behind(request)
    course, activity = activity_or_refuse(lms, course_key, activity_key)
    if signed_in(request) is None:
        return RedirectResponse("/", 303)
    return page(request, "activity.html", frames_tool=True, storage=storage(lms), course=course, activity=activity)


@router.get("/course/{course_key}/activity/{activity_key}/launch")
async def launch(request: Request, course_key: str, activity_key: str, target: str = "iframe") -> Response:
    """Start a launch, in the frame or in a window of its own, by posting the login form to the tool."""
    lms = lms_behind(request)
    course, activity = activity_or_refuse(lms, course_key, activity_key)
    user = _user_or_refuse(request)
    opening = Opening(
        LINK, user, course, activity, lms.tool, _target(target), number=number_of_link(lms, course, activity)
    )
    return _post_login(request, lms, opening, f"Opening {activity.title}")


@router.get("/mod/lti/launch.php")
async def launch_by_number(request: Request, id: str = "") -> Response:
    """Moodle's own address of a launch, by the number of the course module that its hint names; in this window."""
    lms = lms_behind(request)
    for course in lms.campus.courses.values():
        for activity in course.activities:
            if str(number_of_link(lms, course, activity)) == id:
                return await launch(request, course.key, activity.key, "window")
    raise PageRefused("There is no such activity.", status=404)


@router.get("/course/{course_key}/add")
async def add_page(request: Request, course_key: str) -> Response:
    """Choose what to add to a course, in the tool."""
    lms = lms_behind(request)
    course = course_or_refuse(lms, course_key)
    if signed_in(request) is None:
        return RedirectResponse("/", 303)
    return page(request, "add.html", frames_tool=True, storage=storage(lms), course=course)


@router.get("/course/{course_key}/add/launch")
async def add_launch(request: Request, course_key: str, target: str = "iframe") -> Response:
    """Ask the tool what to add. Learners may ask too: it is the tool that has to turn them away."""
    lms = lms_behind(request)
    course = course_or_refuse(lms, course_key)
    opening = deep_linking.ask(lms, _user_or_refuse(request), course, _target(target))
    return _post_login(request, lms, opening, f"Choosing for {course.title}")


@router.get("/course/{course_key}/activity/{activity_key}/review")
async def review_page(request: Request, course_key: str, activity_key: str, user: str = "") -> Response:
    """Somebody's submission, shown by the tool."""
    lms = lms_behind(request)
    course, activity = activity_or_refuse(lms, course_key, activity_key)
    if signed_in(request) is None:
        return RedirectResponse("/", 303)
    learner = _learner_or_refuse(lms, course, user)
    return page(
        request,
        "review.html",
        frames_tool=True,
        storage=storage(lms),
        course=course,
        activity=activity,
        learner=learner,
    )


@router.get("/course/{course_key}/activity/{activity_key}/review/launch")
async def review_launch(
    request: Request, course_key: str, activity_key: str, user: str = "", target: str = "iframe"
) -> Response:
    """Ask the tool to show a submission. Learners may ask too: it is the tool that decides what they see."""
    lms = lms_behind(request)
    course, activity = activity_or_refuse(lms, course_key, activity_key)
    opening = Opening(
        REVIEW,
        _user_or_refuse(request),
        course,
        activity,
        lms.tool,
        _target(target),
        for_user=_learner_or_refuse(lms, course, user),
        number=number_of_link(lms, course, activity),
    )
    return _post_login(request, lms, opening, f"Opening {activity.title}")


@router.get("/platform-storage")
async def storage_page(request: Request) -> Response:
    """The frame that keeps data for the tool where the platform names one (1EdTech postMessage Storage 0.1)."""
    return page(request, "storage.html", framed=True)


def storage(lms: PracticeLms) -> str:
    """The frame that keeps data for the tool; empty if this platform has none."""
    return lms.settings.plays.storage_target or lms.settings.storage_target


def number_of_link(lms: PracticeLms, course: Course, activity: Activity) -> int:
    """The number of an activity among all there are; the same as long as its course stays as it is."""
    links = [link for each in lms.campus.courses.values() for link in each.activities]
    return links.index(activity) + 2


def _post_login(request: Request, lms: PracticeLms, opening: Opening, heading: str) -> Response:
    return auto_post(request, opening.tool.login_url, login_fields(lms, opening), heading=heading)


def _user_or_refuse(request: Request) -> User:
    user = signed_in(request)
    if user is None:
        raise PageRefused("Nobody is signed in to Practice LMS. Choose who you are on the first page.", status=403)
    return user


def _learner_or_refuse(lms: PracticeLms, course: Course, name: str) -> User:
    for member in lms.campus.members(course.key):
        if name in (member.user.key, member.user.sub) and member.user.is_learner:
            return member.user
    raise PageRefused("There is no such learner in this course.", status=404)


def _target(target: str) -> str:
    if target not in TARGETS:
        raise PageRefused("An activity opens in an iframe or in a window.")
    return target
