"""Names and Role Provisioning Services 2.0: who is in the course."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from practice_lms.catalogue import Activity, Course, Member
from practice_lms.errors import RosterRefused
from practice_lms.gate import service
from practice_lms.lms import PracticeLms
from practice_lms.messages import LTI, custom_of
from practice_lms.openings import LINK, Opening
from practice_lms.scopes import ROSTER, SCOPE_ROSTER
from practice_lms.services import answer, link_to_next, page_of, require_accept, require_scope
from practice_lms.tools import PERSONAL_CLAIMS

router = APIRouter(dependencies=[Depends(service("roster", RosterRefused))])


@router.get("/nrps/{course_key}/memberships")
async def memberships(request: Request, course_key: str) -> JSONResponse:
    """The members of a course: paged by `limit`, filtered by `role`, with launch details for `rlid` (NRPS 2.0 §2, §3).

    A link relation "next" leads to the next page and keeps the filters.
    """
    lms = require_scope(request, RosterRefused, SCOPE_ROSTER)
    plays = lms.settings.plays
    if request.headers.get("accept", "*/*") != "*/*" or not plays.roster_without_accept:
        require_accept(request, RosterRefused, ROSTER)
    course = lms.campus.courses.get(course_key)
    if course is None:
        raise RosterRefused("No such course.", status=404)
    members = lms.campus.members(course_key)
    if (role := request.query_params.get("role")) is not None:
        members = [member for member in members if role in (*member.user.roles, member.user.membership_role)]
    activity = _activity_asked_for(request, lms, course_key)
    url = f"{lms.settings.back_url}{request.url.path}"
    rows, following = page_of(
        request, members, url, RosterRefused, usual=plays.largest_page, largest=plays.largest_page
    )
    content = {
        "id": url,
        "context": {"id": course.context_id, "label": course.label, "title": course.title},
        "members": [_member_json(lms, course, member, activity) for member in rows],
    }
    response = answer(content, ROSTER)
    link_to_next(response, following)
    return response


def _activity_asked_for(request: Request, lms: PracticeLms, course_key: str) -> Activity | None:
    rlid = request.query_params.get("rlid")
    if rlid is None:
        return None
    found = lms.campus.find_link(rlid)
    if found is None or found[0].key != course_key:
        raise RosterRefused("rlid is not an activity of this course.", status=404)
    return found[1]


def _member_json(lms: PracticeLms, course: Course, member: Member, activity: Activity | None) -> dict[str, Any]:
    user = member.user
    personal = {
        "name": user.name,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "email": user.email,
    }
    told: dict[str, Any] = {
        "status": member.status,
        "user_id": user.sub,
        **{name: personal[name] for name in personal if name in PERSONAL_CLAIMS & lms.tool.shared and personal[name]},
        "roles": lms.settings.plays.roster_roles(user),
    }
    if activity is not None:
        opening = Opening(LINK, user, course, activity, lms.tool, "iframe")
        custom = {LTI + "custom": custom_of(lms, opening)} if lms.settings.plays.roster_tells_custom else {}
        told["message"] = [{LTI + "message_type": "LtiResourceLinkRequest", **custom}]
    return told
