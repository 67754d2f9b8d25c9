"""How grades and rosters behave on each platform, as measured or read."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response

from practice_lms import PracticeLms, Settings, add_activity
from practice_lms.catalogue import PRIYA, TESS
from practice_lms.scopes import LINE_ITEM, LINE_ITEMS, RESULTS
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import LTI, StubTool

SUBMISSION = "https://canvas.instructure.com/lti/submission"
MOODLE_ITEM = "http://127.0.0.1:8100/ags/foundations/lineitems/11?type_id=1"
CANVAS_ITEM = "http://127.0.0.1:8100/ags/foundations/lineitems/11"
ROSTER_URL = "http://127.0.0.1:8100/nrps/{}/memberships"
NOW = "2027-01-15T08:00:00Z"

moodle = pytest.mark.parametrize("lms_settings", [Settings(profile="moodle")], ids=["moodle"])
canvas = pytest.mark.parametrize("lms_settings", [Settings(profile="canvas")], ids=["canvas"])
d2l = pytest.mark.parametrize("lms_settings", [Settings(profile="d2l")], ids=["d2l"])


@pytest.fixture
def bearer(tool: StubTool, clock: Clock) -> dict[str, str]:
    return tool.bearer(clock.now)


def score(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "userId": TESS.sub,
        "scoreGiven": 8,
        "scoreMaximum": 10,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": NOW,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def grade(lms: PracticeLms) -> float | None:
    return lms.gradebook.result(lms.gradebook.items["11"], TESS.sub)


def told(tool: StubTool, item: str, bearer: dict[str, str]) -> list[float]:
    path, mark, query = item.partition("?")
    answer = tool.client.get(f"{path}/results{mark}{query}", headers=bearer | {"Accept": RESULTS})
    return [result["resultScore"] for result in answer.json()]


@moodle
def test_a_score_from_the_future_blocks_moodle_until_then(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    assert tool.post_score(MOODLE_ITEM, bearer, score(timestamp="2027-01-15T09:00:00Z")).status_code == 200

    assert tool.post_score(MOODLE_ITEM, bearer, score(scoreGiven=10)).status_code == 409
    assert grade(lms) == 80


@moodle
@pytest.mark.parametrize("changes", [{"gradingProgress": "PendingManual"}, {"scoreGiven": None}])
def test_what_is_not_final_erases_moodles_grade_and_its_guard_on_time(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], changes: dict[str, Any]
) -> None:
    tool.post_score(MOODLE_ITEM, bearer, score())
    assert tool.post_score(MOODLE_ITEM, bearer, score(timestamp="2027-01-15T08:00:01Z", **changes)).status_code == 200
    assert grade(lms) is None

    assert tool.post_score(MOODLE_ITEM, bearer, score(timestamp="2020-01-01T00:00:00Z")).status_code == 200
    assert grade(lms) == 80


@moodle
def test_moodle_cuts_what_is_above_the_maximum_and_keeps_five_decimals(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    tool.post_score(MOODLE_ITEM, bearer, score(scoreGiven=12))
    assert grade(lms) == 100

    tool.post_score(MOODLE_ITEM, bearer, score(scoreGiven=1, scoreMaximum=3, timestamp="2027-01-15T08:00:01Z"))
    assert grade(lms) == pytest.approx(33.33333, abs=1e-9)


@moodle
def test_moodles_tokens_come_as_html(tool: StubTool, clock: Clock) -> None:
    good, bad = tool.ask_token(tool.assertion(clock.now)), tool.ask_token("abc")

    assert good.headers["Content-Type"].startswith("text/html")
    assert good.json()["token_type"] == "Bearer"
    assert (bad.status_code, bad.headers["Content-Type"].partition(";")[0]) == (400, "text/html")
    assert tool.ask_token(tool.assertion(clock.now)).json()["access_token"] != good.json()["access_token"]


@moodle
def test_moodles_roster_has_short_roles_and_takes_no_accept_header(tool: StubTool, bearer: dict[str, str]) -> None:
    url = ROSTER_URL.format("foundations")

    plain = tool.client.get(url, headers=bearer)

    assert plain.status_code == 200
    assert [member["roles"] for member in plain.json()["members"]] == [["Instructor"], ["Learner"], ["Instructor"]]
    assert tool.roster(url, bearer, "application/json").status_code == 400
    message = tool.roster(f"{url}?rlid=link-5501", bearer).json()["members"][0]["message"][0]
    assert LTI + "custom" not in message


def canvas_score(
    tool: StubTool, bearer: dict[str, str], told: dict[str, Any] | None = None, **changes: Any
) -> Response:
    return tool.post_score(CANVAS_ITEM, bearer, score(**changes) | ({} if told is None else {SUBMISSION: told}))


@canvas
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"scoreMaximum": None}, 422),
        ({"userId": PRIYA.sub}, 422),
        ({"userId": "nobody"}, 422),
        ({"gradingProgress": "Graded"}, 400),
        ({"timestamp": "yesterday"}, 400),
        ({"submission": {"submittedAt": "2027-01-15T08:01:01Z"}}, 400),
    ],
)
def test_canvas_refuses_under_its_own_status(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], changes: dict[str, Any], status: int
) -> None:
    assert canvas_score(tool, bearer, **changes).status_code == status
    assert grade(lms) is None


@canvas
def test_canvas_answers_with_the_result_and_takes_the_same_time_again_but_no_earlier_one(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    answer = canvas_score(tool, bearer)

    assert answer.json() == {"resultUrl": f"{CANVAS_ITEM}/results/{TESS.sub}"}
    assert canvas_score(tool, bearer, scoreGiven=9).status_code == 200
    assert grade(lms) == 90
    assert canvas_score(tool, bearer, scoreGiven=1, timestamp="2027-01-15T07:59:59Z").status_code == 400
    assert grade(lms) == 90


@pytest.mark.parametrize("lms_settings", [Settings(profile="canvas", attempts_allowed=1)])
def test_a_new_submission_uses_up_an_attempt(tool: StubTool, lms: PracticeLms, bearer: dict[str, str]) -> None:
    assert canvas_score(tool, bearer).status_code == 200

    again = canvas_score(tool, bearer, scoreGiven=9)

    assert again.status_code == 422
    assert "maximum number of allowed attempts" in again.json()["error_description"]
    assert canvas_score(tool, bearer, {"new_submission": False}, scoreGiven=9).status_code == 200
    assert canvas_score(tool, bearer, {"submission_type": "none"}, scoreGiven=9).status_code == 200
    assert lms.gradebook.submissions_of(lms.gradebook.items["11"], TESS.sub) == 1


@canvas
def test_a_grade_that_is_there_stays_if_the_tool_says_so(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    item = lms.gradebook.items["11"]
    lms.gradebook.grade_by_teacher(item, TESS.sub, 40)
    polite = {"new_submission": False, "prioritize_non_tool_grade": True}

    assert canvas_score(tool, bearer, polite).status_code == 200

    assert grade(lms) == 40
    assert told(tool, CANVAS_ITEM, bearer) == [80]
    assert "Entered by hand" in tool.client.get("/gradebook").text
    assert canvas_score(tool, bearer, {"new_submission": False}).status_code == 200
    assert grade(lms) == 80


@canvas
def test_a_score_in_need_of_a_teacher_sets_a_grade_and_other_progress_clears_it_unless_told_not_to(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    canvas_score(tool, bearer, gradingProgress="PendingManual")
    assert grade(lms) == 80
    canvas_score(tool, bearer, {"preserve_score": True}, gradingProgress="Pending")
    assert grade(lms) == 80
    canvas_score(tool, bearer, gradingProgress="Pending")
    assert grade(lms) is None


@canvas
def test_canvas_gives_fifty_members_to_a_page_whatever_is_asked(tool: StubTool, bearer: dict[str, str]) -> None:
    url: str | None = ROSTER_URL.format("statewide") + "?limit=1000"
    pages: list[list[dict[str, Any]]] = []
    while url:
        page = tool.roster(url, bearer)
        pages.append(page.json()["members"])
        url = page.links.get("next", {}).get("url")

    assert [len(page) for page in pages] == [50, 14]
    assert len({member["user_id"] for page in pages for member in page}) == 64


def test_the_statewide_course_has_people_who_left_and_people_without_a_name(
    tool: StubTool, bearer: dict[str, str]
) -> None:
    members = tool.roster(ROSTER_URL.format("statewide"), bearer).json()["members"]

    assert {member["status"] for member in members} == {"Active", "Inactive", "Deleted"}
    nameless = [member for member in members if "name" not in member]
    assert len(nameless) == 6
    assert all("email" not in member and member["user_id"] for member in nameless)


def test_members_change_while_the_lms_runs(tool: StubTool, lms: PracticeLms, bearer: dict[str, str]) -> None:
    lms.campus.enrol_crowd("foundations", 2)
    lms.campus.set_status("foundations", TESS.sub, "Inactive")

    members = tool.roster(ROSTER_URL.format("foundations"), bearer).json()["members"]

    assert len(members) == 5
    assert next(member["status"] for member in members if member["user_id"] == TESS.sub) == "Inactive"
    assert tool.post_score(MOODLE_ITEM, bearer, score()).status_code == 400


@canvas
def test_canvas_gives_ten_line_items_to_a_page_and_a_link_to_the_next(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    for number in range(11):
        add_activity(lms, "foundations", title=f"More {number}")
    url: str | None = "http://127.0.0.1:8100/ags/foundations/lineitems"
    sizes = []
    while url:
        page = tool.client.get(url, headers=bearer | {"Accept": LINE_ITEMS})
        sizes.append(len(page.json()))
        url = page.links.get("next", {}).get("url")

    assert sizes == [10, 2]


@d2l
def test_on_d2l_a_made_line_item_is_found_by_its_link_and_takes_scores(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str]
) -> None:
    items = "http://127.0.0.1:8100/ags/foundations/lineitems"
    assert tool.client.get(items, headers=bearer | {"Accept": LINE_ITEMS}).json() == []
    content = {"label": "M01", "scoreMaximum": 20, "resourceLinkId": "link-5501"}

    made = tool.client.post(items, json=content, headers=bearer | {"Content-Type": LINE_ITEM})

    found = tool.client.get(f"{items}?resource_link_id=link-5501", headers=bearer | {"Accept": LINE_ITEMS}).json()
    assert [item["id"] for item in found] == [made.json()["id"]]
    assert tool.post_score(found[0]["id"], bearer, score()).status_code == 200
    assert told(tool, found[0]["id"], bearer) == [16]
    assert lms.counts["line_items.created"] == 1


def test_a_line_item_keeps_where_its_submissions_are_reviewed(tool: StubTool, bearer: dict[str, str]) -> None:
    review = {"url": "http://tool.localhost:8000/review", "custom": {"a": "b"}}
    content = {"label": "Visit", "scoreMaximum": 4, "submissionReview": review}

    made = tool.client.post(
        "http://127.0.0.1:8100/ags/foundations/lineitems?type_id=1",
        json=content,
        headers=bearer | {"Content-Type": LINE_ITEM},
    )

    assert made.json()["submissionReview"] == review
