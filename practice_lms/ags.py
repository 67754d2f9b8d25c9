"""Assignment and Grade Services 2.0: line items and results, as strict as the strictest platform in each respect."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from practice_lms.catalogue import Course, ReviewTarget
from practice_lms.errors import GradesRefused
from practice_lms.gate import service
from practice_lms.gradebook import LineItem
from practice_lms.lms import PracticeLms
from practice_lms.scopes import LINE_ITEM, LINE_ITEMS, RESULTS, SCOPE_ITEMS, SCOPE_ITEMS_READ, SCOPE_RESULTS_READ
from practice_lms.services import (
    Row,
    answer,
    line_item_url,
    link_to_next,
    number_of,
    page_of,
    read_json,
    require_accept,
    require_scope,
    text_of,
)

router = APIRouter(dependencies=[Depends(service("line_items", GradesRefused))])
results_router = APIRouter(dependencies=[Depends(service("results", GradesRefused))])


def open_grades(request: Request, *scopes: str) -> PracticeLms:
    """The checks every grade call goes through first: token, and the query this platform put into its URLs."""
    lms = require_scope(request, GradesRefused, *scopes)
    for name, value in lms.settings.plays.service_query.items():
        if request.query_params.get(name) != value:
            raise GradesRefused(f"The query parameter {name}={value} of the URL was lost.")
    return lms


def course_or_refuse(lms: PracticeLms, key: str) -> Course:
    """The course in the path."""
    if key not in lms.campus.courses:
        raise GradesRefused("No such course.", status=404)
    return lms.campus.courses[key]


def item_or_refuse(lms: PracticeLms, course_key: str, item_id: str) -> LineItem:
    """The line item in the path; it must belong to the course in the path."""
    item = lms.gradebook.items.get(item_id)
    if item is None or item.course_key != course_or_refuse(lms, course_key).key:
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
    members |= {name: value for name, value in optional.items() if value}
    if item.review is not None:
        review = {"url": item.review.url, "custom": dict(item.review.custom)}
        members["submissionReview"] = {name: value for name, value in review.items() if value}
    return members


@router.get("/ags/{course_key}/lineitems")
async def list_items(request: Request, course_key: str) -> JSONResponse:
    """The line items of a course, filtered by `tag`, `resource_id`, `resource_link_id`, paged by `limit`."""
    lms = open_grades(request, SCOPE_ITEMS, SCOPE_ITEMS_READ)
    require_accept(request, GradesRefused, LINE_ITEMS)
    items = lms.gradebook.of_course(course_or_refuse(lms, course_key).key)
    for name in ("tag", "resource_id", "resource_link_id"):
        if wanted := request.query_params.get(name):
            items = [item for item in items if getattr(item, name) == wanted]
    return _paged(request, lms, [item_json(lms, item) for item in items], LINE_ITEMS)


@router.post("/ags/{course_key}/lineitems")
async def create_item(request: Request, course_key: str) -> JSONResponse:
    """A new column. Posting twice makes two: a tool has to look first."""
    lms = open_grades(request, SCOPE_ITEMS)
    course = course_or_refuse(lms, course_key)
    content = await read_json(request, GradesRefused, LINE_ITEM)
    label, maximum = _label_and_maximum(content)
    link = _link_in(lms, content, course)
    item = lms.gradebook.add(course.key, label, maximum)
    _fill(item, content, link)
    lms.counts["line_items.created"] += 1
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
    if (link := _link_in(lms, content, course_or_refuse(lms, course_key))) and link != item.resource_link_id:
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


@results_router.get("/ags/{course_key}/lineitems/{item_id}/results")
async def list_results(request: Request, course_key: str, item_id: str) -> JSONResponse:
    """The grades that stand now, one for each learner who has one."""
    lms = open_grades(request, SCOPE_RESULTS_READ)
    require_accept(request, GradesRefused, RESULTS)
    item = item_or_refuse(lms, course_key, item_id)
    wanted = request.query_params.get("user_id")
    known = {sub for scored, sub in (*lms.gradebook.scores, *lms.gradebook.grades) if scored == item.id}
    results = [_result_json(lms, item, sub) for sub in sorted(known) if wanted in (None, sub)]
    return _paged(request, lms, [result for result in results if result is not None], RESULTS)


def _paged(request: Request, lms: PracticeLms, rows: list[Row], media_type: str) -> JSONResponse:
    plays = lms.settings.plays
    url = f"{lms.settings.back_url}{request.url.path}"
    shown, following = page_of(
        request, rows, url, GradesRefused, usual=plays.usual_grades_page, largest=plays.largest_grades_page
    )
    response = answer(shown, media_type)
    link_to_next(response, following, typographic=plays.typographic_links)
    return response


def _result_json(lms: PracticeLms, item: LineItem, sub: str) -> dict[str, Any] | None:
    grade = lms.gradebook.told_result(item, sub)
    if grade is None or lms.campus.member(item.course_key, sub) is None:
        return None
    url = line_item_url(lms.settings, item)
    path, mark, query = url.partition("?")
    members: dict[str, Any] = {
        "id": f"{path}/results/{sub}{mark}{query}",
        "scoreOf": url,
        "userId": sub,
        "resultScore": grade,
        "resultMaximum": item.score_maximum,
    }
    history = lms.gradebook.history(item, sub)
    comment = history[-1].comment if history else ""
    return members | ({"comment": comment} if comment else {})


def _label_and_maximum(content: dict[str, Any]) -> tuple[str, float]:
    label = text_of(content, "label", GradesRefused, required=True)
    maximum = number_of(content, "scoreMaximum", GradesRefused)
    if not maximum:
        raise GradesRefused("scoreMaximum must be a number above 0.")
    return label, maximum


def _link_in(lms: PracticeLms, content: dict[str, Any], course: Course) -> str:
    link = text_of(content, "resourceLinkId", GradesRefused)
    if link:
        found = lms.campus.find_link(link)
        if found is None or found[0] != course:
            raise GradesRefused("resourceLinkId is not an activity of this course.", status=404)
    return link


def _fill(item: LineItem, content: dict[str, Any], resource_link_id: str) -> None:
    item.resource_id = text_of(content, "resourceId", GradesRefused)
    item.tag = text_of(content, "tag", GradesRefused)
    item.resource_link_id = resource_link_id
    review = content.get("submissionReview")
    if isinstance(review, dict):
        custom = review.get("custom")
        item.review = ReviewTarget(text_of(review, "url", GradesRefused), custom if isinstance(custom, dict) else {})
