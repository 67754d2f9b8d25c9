"""Ali's pages: the platform itself, connecting a tool by its URL, switches for trouble."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from practice_lms.errors import PageRefused
from practice_lms.lms import PracticeLms
from practice_lms.pages import field, require_own_form
from practice_lms.profiles.documents import is_address
from practice_lms.registration import begin_registration
from practice_lms.render import SESSION_COOKIE, page
from practice_lms.services import lms_behind
from practice_lms.settings import platform_details
from practice_lms.tools import Tool

router = APIRouter()

LONGEST_OUTAGE = 3600


@router.get("/admin")
async def admin(request: Request) -> Response:
    """The registration, the keys, what was refused and why, and switches for trouble."""
    lms = _as_ali(request)
    return page(
        request,
        "admin.html",
        details=platform_details(lms.settings),
        keys=lms.keys,
        tools=list(lms.tools.values()),
        refusals=list(lms.refusals),
        outage_left=lms.outage_seconds_left(),
        tokens=len(lms.access_tokens),
    )


@router.get("/admin/register")
async def register(request: Request) -> Response:
    """Where to paste the URL of a tool."""
    lms = _as_ali(request)
    updates = lms.settings.plays.updates_registrations
    known = [tool for tool in lms.tools.values() if tool.source == "dynamic" and updates]
    return page(request, "register.html", url=lms.settings.tool_registration_url, known=known)


@router.post("/admin/register")
async def begin(request: Request) -> Response:
    """Open the tool's own page in a frame, with all it needs to register itself or to update what it is."""
    require_own_form(request)
    lms = _as_ali(request)
    url, update = await field(request, "url"), await field(request, "update")
    if not is_address(url):
        raise PageRefused("The tool's registration URL must be an absolute http or https address.")
    try:
        begun = begin_registration(lms, update=update or None, tool_url=url)
    except ValueError as error:
        raise PageRefused(str(error), status=404) from error
    return page(
        request,
        "registering.html",
        frames_tool=True,
        frames=begun.url,
        begun=begun,
        origin="/".join(url.split("/")[:3]),
    )


@router.get("/admin/tool/{client_id}")
async def tool_page(request: Request, client_id: str) -> Response:
    """What a registration left: the tool, or that there is none."""
    lms = _as_ali(request)
    return page(request, "tool.html", shown=lms.tools.get(client_id), client_id=client_id)


@router.post("/admin/tool/{client_id}/use")
async def use_tool(request: Request, client_id: str) -> Response:
    """Activate a tool and launch it from now on."""
    require_own_form(request)
    lms = _as_ali(request)
    _known(lms, client_id)
    lms.use_tool(client_id)
    return RedirectResponse(f"/admin/tool/{client_id}", 303)


@router.post("/admin/outage")
async def outage(request: Request) -> Response:
    """Let the grade service answer 503 for `seconds` (0 ends it), to see that no score is lost."""
    require_own_form(request)
    lms = _as_ali(request)
    seconds = await field(request, "seconds")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 6 and int(seconds) <= LONGEST_OUTAGE):
        raise PageRefused(f"seconds must be a whole number from 0 to {LONGEST_OUTAGE}.")
    lms.start_outage(int(seconds))
    return RedirectResponse("/admin", 303)


@router.post("/admin/rotate-key")
async def rotate_key(request: Request) -> Response:
    """Sign with the next key from now on."""
    require_own_form(request)
    _as_ali(request).keys.rotate()
    return RedirectResponse("/admin", 303)


@router.post("/admin/revoke-tokens")
async def revoke_tokens(request: Request) -> Response:
    """Make every access token worthless, to see that the tool fetches a new one."""
    require_own_form(request)
    _as_ali(request).revoke_access_tokens()
    return RedirectResponse("/admin", 303)


def _known(lms: PracticeLms, client_id: str) -> Tool:
    if client_id not in lms.tools:
        raise PageRefused("There is no such tool here.", status=404)
    return lms.tools[client_id]


def _as_ali(request: Request) -> PracticeLms:
    lms = lms_behind(request)
    user = lms.signed_in(request.cookies.get(SESSION_COOKIE))
    if user is None or user.key != "ali":
        raise PageRefused("This page is for Ali, who looks after the LMS. Choose Ali on the first page.", status=403)
    return lms
