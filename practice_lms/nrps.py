"""Names and Role Provisioning Services 2.0: who is in the course."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from practice_lms.catalogue import COURSES, MEMBERSHIP, USERS, Activity, User, link_by_id
from practice_lms.errors import RosterRefused
from practice_lms.launches import LTI
from practice_lms.services import ROSTER, SCOPE_ROSTER, answer, page_of, require_accept, require_scope

router = APIRouter()


@router.get("/nrps/{course_key}/memberships")
async def memberships(request: Request, course_key: str) -> JSONResponse:
    """The members of a course: paged by `limit`, filtered by `role`, with launch details for `rlid` (NRPS 2.0 §2, §3).

    A link relation "next" leads to the next page and keeps the filters.
    """
    lms = require_scope(request, RosterRefused, SCOPE_ROSTER)
    require_accept(request, RosterRefused, ROSTER)
    course = COURSES.get(course_key)
    if course is None:
        raise RosterRefused("No such course.", status=404)
    members = sorted(USERS.values(), key=lambda user: user.family_name)
    if (role := request.query_params.get("role")) is not None:
        members = [user for user in members if role in (*user.roles, user.membership_role)]
    activity = _activity_asked_for(request, course_key)
    url = f"{lms.settings.back_url}{request.url.path}"
    rows, headers = page_of(request, members, url, RosterRefused)
    content = {
        "id": url,
        "context": {"id": course.context_id, "label": course.label, "title": course.title},
        "members": [_member_json(user, activity) for user in rows],
    }
    return answer(content, ROSTER, headers=headers)


def _activity_asked_for(request: Request, course_key: str) -> Activity | None:
    rlid = request.query_params.get("rlid")
    if rlid is None:
        return None
    found = link_by_id(rlid)
    if found is None or found[0].key != course_key:
        raise RosterRefused("rlid is not an activity of this course.", status=404)
    return found[1]


def _member_json(user: User, activity: Activity | None) -> dict[str, Any]:
    member: dict[str, Any] = {
        "status": "Active",
        "user_id": user.sub,
        "name": user.name,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "email": user.email,
        # Only the role in this course: an institution's role says nothing about it.
        "roles": [MEMBERSHIP + user.membership_role],
    }
    if activity is not None:
        member["message"] = [{LTI + "message_type": "LtiResourceLinkRequest", LTI + "custom": dict(activity.custom)}]
    return member
