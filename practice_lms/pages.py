"""The pages of the LMS that a learner or teacher walks through: signing in, courses, the way back from a tool."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from practice_lms.catalogue import USERS, Activity, Course, User
from practice_lms.errors import PageRefused
from practice_lms.lms import PracticeLms
from practice_lms.render import SESSION_COOKIE, page
from practice_lms.services import SERVICE_PATHS, lms_behind

router = APIRouter()

LONGEST_MESSAGE = 500


def require_own_form(request: Request) -> PracticeLms:
    """Refuse a form that another site's page sent; the session cookie's `SameSite=Lax` alone leaves gaps."""
    lms = lms_behind(request)
    origin = request.headers.get("origin")
    if origin is not None and origin not in (lms.settings.front_url, lms.settings.back_url):
        raise PageRefused("This form was sent from another site.", status=403)
    return lms


async def field(request: Request, name: str) -> str:
    """One text field of a posted form; empty if it is not there."""
    value = (await request.form(max_files=0, max_fields=10)).get(name)
    return value if isinstance(value, str) else ""


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """For scripts that wait until the server answers."""
    return {"status": "ok"}


@router.get("/")
async def home(request: Request) -> Response:
    """Choose who you are, and what to try in which order."""
    return page(request, "home.html", users=USERS.values())


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Become one of the invented people."""
    lms = require_own_form(request)
    chosen = USERS.get(await field(request, "user"))
    if chosen is None:
        raise PageRefused("There is nobody of that name here.")
    lms.sign_out(request.cookies.get(SESSION_COOKIE))
    response = RedirectResponse("/admin" if chosen.key == "ali" else "/course", 303)
    response.set_cookie(SESSION_COOKIE, lms.sign_in(chosen), httponly=True, samesite="lax", path="/")
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Be nobody again."""
    require_own_form(request).sign_out(request.cookies.get(SESSION_COOKIE))
    response = RedirectResponse("/", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", path="/")
    return response


@router.get("/course")
async def courses(request: Request) -> Response:
    """All courses and what is in them."""
    if signed_in(request) is None:
        return RedirectResponse("/", 303)
    return page(request, "courses.html", courses=lms_behind(request).campus.courses.values())


@router.get("/course/{course_key}/return")
async def return_page(request: Request, course_key: str) -> Response:
    """Where a tool sends people back to, perhaps with a message (LTI 1.3 core §5.4.4, launch presentation claim)."""
    course = course_or_refuse(lms_behind(request), course_key)
    query = request.query_params
    message, trouble = (query.get(name, "")[:LONGEST_MESSAGE] for name in ("lti_msg", "lti_errormsg"))
    return page(request, "return.html", framed=True, course=course, message=message, trouble=trouble)


def signed_in(request: Request) -> User | None:
    """Whoever uses this browser."""
    return lms_behind(request).signed_in(request.cookies.get(SESSION_COOKIE))


def course_or_refuse(lms: PracticeLms, course_key: str) -> Course:
    """The course in the path."""
    if course_key not in lms.campus.courses:
        raise PageRefused("There is no such course.", status=404)
    return lms.campus.courses[course_key]


def activity_or_refuse(lms: PracticeLms, course_key: str, activity_key: str) -> tuple[Course, Activity]:
    """The course and activity in the path."""
    course = course_or_refuse(lms, course_key)
    activity = course.activity(activity_key)
    if activity is None:
        raise PageRefused("There is no such activity in this course.", status=404)
    return course, activity


def front_channel_redirect(request: Request) -> Response | None:
    """Lead a browser that came by address to this LMS's name.

    A session cookie of 127.0.0.1 would be lost as soon as the tool redirects back to the name.
    """
    settings = lms_behind(request).settings
    host = request.headers.get("host", "")
    wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if (
        not wants_page
        or request.url.path.startswith(SERVICE_PATHS)
        or host not in (f"127.0.0.1:{settings.port}", f"localhost:{settings.port}")
    ):
        return None
    if host == urlsplit(settings.front_url).netloc:
        return None
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{settings.front_url}{request.url.path}{query}", 307)
