"""Assignment and Grade Services 2.0: line items and results, as strict as the strictest platform in each respect."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from practice_lms.catalogue import COURSES, Course, link_by_id, user_by_sub
from practice_lms.errors import GradesRefused
from practice_lms.gradebook import LineItem
from practice_lms.lms import PracticeLms
from practice_lms.services import (
    LINE_ITEM,
    LINE_ITEMS,
    RESULTS,
    SCOPE_ITEMS,
    SCOPE_ITEMS_READ,
    SCOPE_RESULTS_READ,
    TYPE_QUERY,
    answer,
    line_item_url,
    number_of,
    page_of,
    read_json,
    require_accept,
    require_scope,
    text_of,
)

router = APIRouter()


def open_grades(request: Request, *scopes: str) -> PracticeLms:
    """The checks every grade call goes through first: token, outage, and the query this platform put into its URLs."""
    lms = require_scope(request, GradesRefused, *scopes)
    if lms.outage_seconds_left():
        raise GradesRefused("The grade service is down for the moment.", status=503)
    for name, value in TYPE_QUERY.items():
        if request.query_params.get(name) != value:
            raise GradesRefused(f"The query parameter {name}={value} of the URL was lost.")
    return lms


def course_or_refuse(key: str) -> Course:
    """The course in the path."""
    if key not in COURSES:
        raise GradesRefused("No such course.", status=404)
    return COURSES[key]


def item_or_refuse(lms: PracticeLms, course_key: str, item_id: str) -> LineItem:
    """The line item in the path; it must belong to the course in the path."""
    item = lms.gradebook.items.get(item_id)
    if item is None or item.course_key != course_or_refuse(course_key).key:
        raise GradesRefused("No such line item.", status=404)
    return item


def item_json(lms: PracticeLms, item: LineItem) -> dict[str, Any]:
    """A line item as the service shows it (AGS 2.0 §3.2)."""
    members: dict[str, Any] = {
        "id": line_item_url(lms.settings, item),
        "label": item.label,
        "scoreMaximum": item.score_maximum,
    }
    optional = {"resourceId": item.resource_id, "tag": item.tag, "resourceLinkId": item.resource_link_id}
    return members | {name: value for name, value in optional.items() if value}


@router.get("/ags/{course_key}/lineitems")
async def list_items(request: Request, course_key: str) -> JSONResponse:
    """The line items of a course, filtered by `tag`, `resource_id`, `resource_link_id`, paged by `limit`."""
    lms = open_grades(request, SCOPE_ITEMS, SCOPE_ITEMS_READ)
    require_accept(request, GradesRefused, LINE_ITEMS)
    items = lms.gradebook.of_course(course_or_refuse(course_key).key)
    for name in ("tag", "resource_id", "resource_link_id"):
        if wanted := request.query_params.get(name):
            items = [item for item in items if getattr(item, name) == wanted]
    rows, headers = page_of(request, items, f"{lms.settings.back_url}{request.url.path}", GradesRefused)
    return answer([item_json(lms, item) for item in rows], LINE_ITEMS, headers=headers)


@router.post("/ags/{course_key}/lineitems")
async def create_item(request: Request, course_key: str) -> JSONResponse:
    """A new column. Posting twice makes two: a tool has to look first."""
    lms = open_grades(request, SCOPE_ITEMS)
    course = course_or_refuse(course_key)
    content = await read_json(request, GradesRefused, LINE_ITEM)
    label, maximum = _label_and_maximum(content)
    link = _link_in(content, course)
    item = lms.gradebook.add(course.key, label, maximum)
    _fill(item, content, link)
    return answer(item_json(lms, item), LINE_ITEM, status=201)


@router.get("/ags/{course_key}/lineitems/{item_id}")
async def read_item(request: Request, course_key: str, item_id: str) -> JSONResponse:
    """One line item; here `*/*` and no Accept header will do."""
    lms = open_grades(request, SCOPE_ITEMS, SCOPE_ITEMS_READ)
    if request.headers.get("accept", "*/*") != "*/*":
        require_accept(request, GradesRefused, LINE_ITEM)
    return answer(item_json(lms, item_or_refuse(lms, course_key, item_id)), LINE_ITEM)


@router.put("/ags/{course_key}/lineitems/{item_id}")
async def update_item(request: Request, course_key: str, item_id: str) -> JSONResponse:
    """Replace label, maximum, tag and resource id; the resource link of a column stays."""
    lms = open_grades(request, SCOPE_ITEMS)
    item = item_or_refuse(lms, course_key, item_id)
    content = await read_json(request, GradesRefused, LINE_ITEM)
    label, maximum = _label_and_maximum(content)
    if (link := _link_in(content, COURSES[course_key])) and link != item.resource_link_id:
        raise GradesRefused("resourceLinkId of a line item cannot be changed.")
    item.label, item.score_maximum = label, maximum
    _fill(item, content, item.resource_link_id)
    return answer(item_json(lms, item), LINE_ITEM)


@router.delete("/ags/{course_key}/lineitems/{item_id}")
async def delete_item(request: Request, course_key: str, item_id: str) -> Response:
    """Drop a column and every score in it."""
    lms = open_grades(request, SCOPE_ITEMS)
    lms.gradebook.remove(item_or_refuse(lms, course_key, item_id))
    return Response(status_code=204)


@router.get("/ags/{course_key}/lineitems/{item_id}/results")
async def list_results(request: Request, course_key: str, item_id: str) -> JSONResponse:
    """The grades that stand now, one for each learner who has one."""
    lms = open_grades(request, SCOPE_RESULTS_READ)
    require_accept(request, GradesRefused, RESULTS)
    item = item_or_refuse(lms, course_key, item_id)
    wanted = request.query_params.get("user_id")
    subs = [sub for scored_item, sub in lms.gradebook.scores if scored_item == item.id and wanted in (None, sub)]
    results = [result for sub in subs if (result := _result_json(lms, item, sub))]
    rows, headers = page_of(request, results, f"{lms.settings.back_url}{request.url.path}", GradesRefused)
    return answer(rows, RESULTS, headers=headers)


def _result_json(lms: PracticeLms, item: LineItem, sub: str) -> dict[str, Any] | None:
    grade = lms.gradebook.result(item, sub)
    if grade is None or user_by_sub(sub) is None:
        return None
    url = line_item_url(lms.settings, item)
    members: dict[str, Any] = {
        "id": url.replace("?", f"/results/{sub}?"),
        "scoreOf": url,
        "userId": sub,
        "resultScore": grade,
        "resultMaximum": item.score_maximum,
    }
    comment = lms.gradebook.history(item, sub)[-1].comment
    return members | ({"comment": comment} if comment else {})


def _label_and_maximum(content: dict[str, Any]) -> tuple[str, float]:
    label = text_of(content, "label", GradesRefused, required=True)
    maximum = number_of(content, "scoreMaximum", GradesRefused)
    if not maximum:
        raise GradesRefused("scoreMaximum must be a number above 0.")
    return label, maximum


def _link_in(content: dict[str, Any], course: Course) -> str:
    link = text_of(content, "resourceLinkId", GradesRefused)
    if link:
        found = link_by_id(link)
        if found is None or found[0] != course:
            raise GradesRefused("resourceLinkId is not an activity of this course.", status=404)
    return link


def _fill(item: LineItem, content: dict[str, Any], resource_link_id: str) -> None:
    item.resource_id = text_of(content, "resourceId", GradesRefused)
    item.tag = text_of(content, "tag", GradesRefused)
    item.resource_link_id = resource_link_id
