"""Ali's switches as JSON, for scripts and for curl; only under this machine's own names."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from practice_lms.authoring import add_activity, copy_course, duplicate_activity
from practice_lms.catalogue import Activity, Course
from practice_lms.errors import PageRefused, Refused
from practice_lms.lms import DROP, PracticeLms
from practice_lms.registration import begin_registration
from practice_lms.services import lms_behind, read_json
from practice_lms.tools import Tool


class SwitchRefused(Refused):
    """A switch that does not exist, or cannot be set like this."""


def from_here(request: Request) -> None:
    """Refuse pages of other sites, and names that only pretend to be this machine's."""
    settings = lms_behind(request).settings
    own = {f"{name}:{settings.port}" for name in (settings.front_host, settings.host, "localhost")}
    origin = request.headers.get("origin")
    if request.headers.get("host", "") not in own or origin not in (None, settings.front_url, settings.back_url):
        raise SwitchRefused("The switches are for programs on this machine.", status=403)


router = APIRouter(prefix="/admin/api", dependencies=[Depends(from_here)])


@router.get("/state")
async def state(request: Request) -> JSONResponse:
    """Everything a test may want to know."""
    lms = lms_behind(request)
    return JSONResponse(
        {
            "profile": lms.settings.profile,
            "tool": _tool_json(lms.tool),
            "tools": [_tool_json(tool) for tool in lms.tools.values()],
            "counts": dict(lms.counts),
            "trouble": {name: asdict(trouble) for name, trouble in lms.trouble.now().items()},
            "refusals": [asdict(refusal) | {"at": refusal.at.isoformat()} for refusal in lms.refusals],
            "deep_links": [asdict(outcome) for outcome in lms.deep_links],
            "courses": [_course_json(lms, course) for course in lms.campus.courses.values()],
        }
    )


@router.post("/trouble")
async def start_trouble(request: Request) -> JSONResponse:
    """Let a service fail: `{"service", "how", "status", "retry_after", "seconds", "times", "delay"}`."""
    lms = lms_behind(request)
    wanted = await _members(request, {"service", "how", "status", "retry_after", "seconds", "times", "delay"})
    service = wanted.pop("service", None)
    if not all(isinstance(value, int | float) for name, value in wanted.items() if name != "how"):
        raise SwitchRefused("All but service and how must be numbers.")
    try:
        lms.trouble.start(str(service), **wanted)
    except ValueError as error:
        raise SwitchRefused(str(error)) from error
    return JSONResponse({"trouble": sorted(lms.trouble.now())})


@router.delete("/trouble")
async def end_trouble(request: Request, service: str | None = None) -> JSONResponse:
    """Mend the service named in the query, or all."""
    lms = lms_behind(request)
    lms.trouble.end(service)
    return JSONResponse({"trouble": sorted(lms.trouble.now())})


@router.delete("/counts")
async def reset_counts(request: Request) -> JSONResponse:
    """Count from nought again."""
    lms_behind(request).counts.clear()
    return JSONResponse({"counts": {}})


@router.post("/deep-linking")
async def ask_deep_linking(request: Request) -> JSONResponse:
    """Change the deep linking settings of later requests; null leaves one out."""
    lms = lms_behind(request)
    wanted = await _members(request, None)
    lms.ask_deep_linking(**{name: DROP if value is None else value for name, value in wanted.items()})
    return JSONResponse({"settings": dict(lms.deep_linking_settings())})


@router.delete("/deep-linking")
async def reset_deep_linking(request: Request) -> JSONResponse:
    """The platform's own settings again."""
    lms = lms_behind(request)
    lms.ask_deep_linking()
    return JSONResponse({"settings": dict(lms.deep_linking_settings())})


@router.post("/registrations")
async def begin(request: Request) -> JSONResponse:
    """Begin a registration, or an update of the tool named by `update`."""
    lms = lms_behind(request)
    wanted = await _members(request, {"update", "tool_url"})
    try:
        begun = begin_registration(lms, update=wanted.get("update"), tool_url=wanted.get("tool_url"))
    except ValueError as error:
        raise SwitchRefused(str(error), status=404) from error
    return JSONResponse(asdict(begun), 201)


@router.post("/tools/{client_id}/use")
async def use_tool(request: Request, client_id: str) -> JSONResponse:
    """Activate a tool and launch it from now on."""
    lms = lms_behind(request)
    if client_id not in lms.tools:
        raise SwitchRefused("There is no such tool.", status=404)
    return JSONResponse(_tool_json(lms.use_tool(client_id)))


@router.post("/courses/{course_key}/copy")
async def copy(request: Request, course_key: str) -> JSONResponse:
    """Copy a course."""
    lms = lms_behind(request)
    return JSONResponse(_course_json(lms, copy_course(lms, _course(lms, course_key).key)), 201)


@router.post("/courses/{course_key}/activities")
async def add(request: Request, course_key: str) -> JSONResponse:
    """Add an activity: `{"title", "description", "custom", "url", "score_maximum", "resource_id", "tag"}`."""
    lms = lms_behind(request)
    course = _course(lms, course_key)
    names = {"title", "description", "custom", "url", "score_maximum", "resource_id", "tag"}
    wanted = await _members(request, names)
    if not isinstance(wanted.get("title"), str):
        raise SwitchRefused("title is missing.")
    return JSONResponse(_activity_json(lms, add_activity(lms, course.key, **wanted)), 201)


@router.post("/courses/{course_key}/activities/{activity_key}/duplicate")
async def duplicate(request: Request, course_key: str, activity_key: str) -> JSONResponse:
    """Duplicate an activity."""
    lms = lms_behind(request)
    if _course(lms, course_key).activity(activity_key) is None:
        raise SwitchRefused("There is no such activity.", status=404)
    return JSONResponse(_activity_json(lms, duplicate_activity(lms, course_key, activity_key)), 201)


@router.post("/courses/{course_key}/members")
async def enrol(request: Request, course_key: str) -> JSONResponse:
    """Add `count` invented learners, or give the member `user_id` another `status`."""
    lms = lms_behind(request)
    course = _course(lms, course_key)
    wanted = await _members(request, {"count", "user_id", "status"})
    count, sub, status = wanted.get("count"), wanted.get("user_id"), wanted.get("status")
    if isinstance(count, int) and 0 < count <= 5000:
        lms.campus.enrol_crowd(course.key, count)
    elif isinstance(sub, str) and lms.campus.member(course.key, sub) and status in ("Active", "Inactive", "Deleted"):
        lms.campus.set_status(course.key, sub, status)
    else:
        raise SwitchRefused("Either count (1 to 5000), or user_id of a member and status.")
    return JSONResponse(_course_json(lms, lms.campus.courses[course.key]))


@router.post("/grades")
async def grade(request: Request) -> JSONResponse:
    """A teacher enters a grade by hand: `{"course", "activity", "user_id", "score"}`."""
    lms = lms_behind(request)
    wanted = await _members(request, {"course", "activity", "user_id", "score"})
    activity = _course(lms, str(wanted.get("course"))).activity(str(wanted.get("activity")))
    item = lms.gradebook.of_link(activity.resource_link_id) if activity else None
    sub, score = wanted.get("user_id"), wanted.get("score")
    if item is None or not isinstance(sub, str) or not isinstance(score, int | float):
        raise SwitchRefused("activity must be a graded one, user_id text and score a number.")
    lms.gradebook.grade_by_teacher(item, sub, float(score))
    return JSONResponse({"score": lms.gradebook.result(item, sub)})


@router.post("/rotate-key")
async def rotate_key(request: Request) -> JSONResponse:
    """Sign with the next key from now on."""
    lms = lms_behind(request)
    lms.keys.rotate()
    return JSONResponse({"kid": lms.keys.current.kid})


@router.post("/revoke-tokens")
async def revoke_tokens(request: Request) -> JSONResponse:
    """Make every access token worthless."""
    lms_behind(request).revoke_access_tokens()
    return JSONResponse({"revoked": True})


async def _members(request: Request, known: set[str] | None) -> dict[str, Any]:
    content = await read_json(request, SwitchRefused, "application/json")
    if known is not None and (unknown := set(content) - known):
        raise SwitchRefused(f"Unknown: {', '.join(sorted(unknown))}.")
    return content


def _course(lms: PracticeLms, key: str) -> Course:
    if key not in lms.campus.courses:
        raise PageRefused("There is no such course.", status=404)
    return lms.campus.courses[key]


def _tool_json(tool: Tool) -> dict[str, Any]:
    return {
        "client_id": tool.client_id,
        "deployment_id": tool.deployment_id,
        "name": tool.name,
        "state": tool.state,
        "source": tool.source,
        "login_url": tool.login_url,
        "redirect_uris": list(tool.redirect_uris),
        "target_link_uri": tool.target_link_uri,
        "jwks_url": tool.jwks_url,
        "scopes": sorted(tool.scopes),
        "shared": sorted(tool.shared),
        "custom": dict(tool.custom),
    }


def _course_json(lms: PracticeLms, course: Course) -> dict[str, Any]:
    return {
        "key": course.key,
        "context_id": course.context_id,
        "title": course.title,
        "history": list(course.history),
        "members": len(lms.campus.members(course.key)),
        "activities": [_activity_json(lms, activity) for activity in course.activities],
    }


def _activity_json(lms: PracticeLms, activity: Activity) -> dict[str, Any]:
    item = lms.gradebook.of_link(activity.resource_link_id)
    custom: Mapping[str, str] = activity.custom
    return {
        "key": activity.key,
        "resource_link_id": activity.resource_link_id,
        "title": activity.title,
        "url": activity.url,
        "custom": dict(custom),
        "score_maximum": activity.score_maximum,
        "resource_id": activity.resource_id,
        "tag": activity.tag,
        "history": list(activity.history),
        "line_item": item.id if item else None,
    }
