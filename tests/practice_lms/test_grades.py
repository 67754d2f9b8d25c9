"""Assignment and Grade Services: what is kept and what is refused."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx2 import Response

from practice_lms import PracticeLms
from practice_lms.catalogue import PRIYA, TESS
from practice_lms.scopes import (
    LINE_ITEM,
    LINE_ITEMS,
    RESULTS,
    SCOPE_ITEMS,
    SCOPE_ITEMS_READ,
    SCOPE_RESULTS_READ,
    SCOPE_ROSTER,
    SCOPE_SCORE,
)
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import StubTool, query_of

ITEMS = "http://127.0.0.1:8100/ags/foundations/lineitems?type_id=1"
ITEM = "http://127.0.0.1:8100/ags/foundations/lineitems/11?type_id=1"
OTHER_ITEM = "http://127.0.0.1:8100/ags/team-practice/lineitems/12?type_id=1"


def score(**changes: Any) -> dict[str, Any]:
    """A good score with changes; None leaves a member out. The test clock stands at 08:00:00 of that day."""
    good: dict[str, Any] = {
        "userId": TESS.sub,
        "scoreGiven": 8,
        "scoreMaximum": 10,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": "2027-01-15T08:00:00Z",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def grade(lms: PracticeLms) -> float | None:
    return lms.gradebook.result(lms.gradebook.items["11"], TESS.sub)


@pytest.fixture
def bearer(tool: StubTool, clock: Clock) -> dict[str, str]:
    return tool.bearer(clock.now)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"userId": None}, "userId is missing"),
        ({"userId": PRIYA.sub}, "not a learner"),
        ({"userId": "nobody"}, "not a learner"),
        ({"userId": 4}, "userId must be text"),
        ({"activityProgress": None}, "activityProgress is missing"),
        ({"activityProgress": "Done"}, "activityProgress must be one of"),
        ({"gradingProgress": None}, "gradingProgress is missing"),
        ({"gradingProgress": "Graded"}, "gradingProgress must be one of"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "2027-01-15T08:00:00"}, "with a time zone"),
        ({"timestamp": "15/01/2027 08:00"}, "with a time zone"),
        ({"timestamp": "2027-02-30T08:00:00Z"}, "not a real time"),
        ({"timestamp": "2027-01-15T08:01:01Z"}, "in the future"),
        ({"scoreMaximum": None}, "needs a scoreMaximum"),
        ({"scoreMaximum": 0}, "needs a scoreMaximum"),
        ({"scoreGiven": -1}, "number of 0 or more"),
        ({"scoreGiven": "8"}, "number of 0 or more"),
        ({"scoreGiven": True}, "number of 0 or more"),
        ({"comment": 7}, "comment must be text"),
    ],
)
def test_a_wrong_score_is_refused_and_nothing_is_kept(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], changes: dict[str, Any], reason: str
) -> None:
    answer = tool.post_score(ITEM, bearer, score(**changes))

    assert answer.status_code == 400
    assert reason in answer.json()["error_description"]
    assert grade(lms) is None
    assert (lms.refusals[0].part, lms.refusals[0].status) == ("grades", 400)


def test_a_time_within_the_next_minute_is_taken(tool: StubTool, bearer: dict[str, str]) -> None:
    assert tool.post_score(ITEM, bearer, score(timestamp="2027-01-15T19:01:00+11:00")).status_code == 200


@pytest.mark.parametrize("later", ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00.999Z", "2027-01-15T07:59:59Z"])
def test_a_score_of_the_same_second_or_earlier_is_refused(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], later: str
) -> None:
    assert tool.post_score(ITEM, bearer, score()).status_code == 200

    answer = tool.post_score(ITEM, bearer, score(scoreGiven=1, timestamp=later))

    assert answer.status_code == 409
    assert answer.json()["error_description"] == "Refusing score with an earlier timestamp"
    assert grade(lms) == 80


def test_a_score_a_second_later_replaces_the_first(tool: StubTool, lms: PracticeLms, bearer: dict[str, str]) -> None:
    tool.post_score(ITEM, bearer, score())
    tool.post_score(ITEM, bearer, score(scoreGiven=0, timestamp="2027-01-15T08:00:01Z"))

    assert grade(lms) == 0
    assert len(tool.client.get("/gradebook.json").json()["rows"][0]["history"]) == 2


@pytest.mark.parametrize("changes", [{"gradingProgress": "PendingManual"}, {"scoreGiven": None, "scoreMaximum": None}])
def test_a_score_that_is_not_final_erases_the_grade(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], changes: dict[str, Any]
) -> None:
    tool.post_score(ITEM, bearer, score())
    assert grade(lms) == 80

    answer = tool.post_score(ITEM, bearer, score(timestamp="2027-01-15T08:00:05Z", **changes))

    assert answer.status_code == 200
    assert grade(lms) is None


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.ims.lis.v2.score+json", ""])
def test_a_score_of_another_media_type_is_refused(tool: StubTool, bearer: dict[str, str], media_type: str) -> None:
    assert tool.post_score(ITEM, bearer, score(), Content_Type=media_type).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"scoreGiven": NaN}', b"[" * 60_000])
def test_a_body_that_is_not_an_object_is_refused(tool: StubTool, bearer: dict[str, str], body: bytes) -> None:
    url = ITEM.replace("?", "/scores?")
    headers = bearer | {"Content-Type": "application/vnd.ims.lis.v1.score+json"}

    assert tool.client.post(url, content=body, headers=headers).status_code == 400


def test_a_body_that_is_too_large_is_refused(tool: StubTool, bearer: dict[str, str]) -> None:
    assert tool.post_score(ITEM, bearer, score(comment="x" * 70_000)).status_code == 413


def test_a_url_whose_query_was_lost_is_refused(tool: StubTool, bearer: dict[str, str]) -> None:
    assert tool.post_score(ITEM.partition("?")[0], bearer, score()).status_code == 400
    assert tool.post_score(ITEM.replace("=1", "=1/scores"), bearer, score()).status_code == 400


@pytest.mark.parametrize(
    ("path", "accept", "method"),
    [
        ("lineitems", LINE_ITEMS, "GET"),
        ("lineitems/11", LINE_ITEM, "GET"),
        ("lineitems/11/results", RESULTS, "GET"),
        ("lineitems/11/scores", "*/*", "POST"),
        ("lineitems/11", "*/*", "DELETE"),
        ("lineitems/11", "*/*", "PUT"),
        ("lineitems", "*/*", "POST"),
    ],
)
def test_each_endpoint_wants_its_scope(tool: StubTool, clock: Clock, path: str, accept: str, method: str) -> None:
    url = f"http://127.0.0.1:8100/ags/foundations/{path}?type_id=1"
    roster_only = tool.bearer(clock.now, SCOPE_ROSTER)

    assert tool.client.request(method, url, headers=roster_only | {"Accept": accept}).status_code == 403


def test_a_reading_scope_does_not_write(tool: StubTool, clock: Clock) -> None:
    readers = tool.bearer(clock.now, f"{SCOPE_ITEMS_READ} {SCOPE_RESULTS_READ}")

    assert tool.client.get(ITEM, headers=readers).status_code == 200
    assert tool.client.delete(ITEM, headers=readers).status_code == 403
    assert tool.post_score(ITEM, tool.bearer(clock.now, SCOPE_ITEMS), score()).status_code == 403
    assert tool.post_score(ITEM, tool.bearer(clock.now, SCOPE_SCORE), score()).status_code == 200


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}])
def test_a_bad_token_is_a_401(tool: StubTool, header: dict[str, str]) -> None:
    answer = tool.post_score(ITEM, header, score())

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_is_a_401(tool: StubTool, bearer: dict[str, str], clock: Clock) -> None:
    clock.now += 3600

    assert tool.post_score(ITEM, bearer, score()).status_code == 401


def test_a_revoked_token_is_a_401(tool: StubTool, bearer: dict[str, str]) -> None:
    tool.sign_in("ali")
    tool.client.post("/admin/revoke-tokens")

    assert tool.post_score(ITEM, bearer, score()).status_code == 401


def test_a_caller_without_a_user_agent_is_refused(tool: StubTool, bearer: dict[str, str]) -> None:
    assert tool.post_score(ITEM, bearer, score(), User_Agent="").status_code == 403


def test_an_outage_is_a_503_with_a_time_and_ends_by_itself(
    tool: StubTool, bearer: dict[str, str], clock: Clock
) -> None:
    tool.sign_in("ali")
    assert tool.client.post("/admin/outage", data={"seconds": "30"}, follow_redirects=False).status_code == 303

    answer = tool.post_score(ITEM, bearer, score())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    clock.now += 31
    assert tool.post_score(ITEM, bearer, score()).status_code == 200


def list_items(tool: StubTool, bearer: dict[str, str], query: str = "", accept: str = LINE_ITEMS) -> Response:
    return tool.client.get(ITEMS + query, headers=bearer | {"Accept": accept})


def create(tool: StubTool, bearer: dict[str, str], **members: Any) -> Response:
    content = {"label": "Observation", "scoreMaximum": 4, "tag": "obs", "resourceId": "obs-1"} | members
    return tool.client.post(ITEMS, json=content, headers=bearer | {"Content-Type": LINE_ITEM})


def test_line_items_are_listed_filtered_and_paged(tool: StubTool, bearer: dict[str, str]) -> None:
    made = create(tool, bearer)
    assert (made.status_code, made.headers["Content-Type"]) == (201, LINE_ITEM)

    everything = list_items(tool, bearer)

    assert everything.headers["Content-Type"] == LINE_ITEMS
    assert [item["label"] for item in everything.json()] == ["M01 What Makes IPS, IPS", "Observation"]
    assert everything.json()[0]["resourceLinkId"] == "link-5501"
    for query in ("&tag=obs", "&resource_id=obs-1"):
        assert [item["id"] for item in list_items(tool, bearer, query).json()] == [made.json()["id"]]
    assert [item["id"] for item in list_items(tool, bearer, "&resource_link_id=link-5501").json()] == [ITEM]
    assert list_items(tool, bearer, "&tag=other").json() == []
    first = list_items(tool, bearer, "&limit=1")
    assert query_of(first.links["next"]["url"]) == {"type_id": ["1"], "limit": ["1"], "from": ["1"]}
    second = tool.client.get(first.links["next"]["url"], headers=bearer | {"Accept": LINE_ITEMS})
    assert [item["label"] for item in second.json()] == ["Observation"]
    assert "Link" not in second.headers


@pytest.mark.parametrize("accept", ["*/*", "application/json", LINE_ITEM, ""])
def test_the_container_wants_its_own_accept_header(tool: StubTool, bearer: dict[str, str], accept: str) -> None:
    assert list_items(tool, bearer, accept=accept).status_code == 400


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_no_number_is_refused(tool: StubTool, bearer: dict[str, str], limit: str) -> None:
    assert list_items(tool, bearer, f"&limit={limit}").status_code == 400


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"label": ""}, 400),
        ({"label": 3}, 400),
        ({"scoreMaximum": 0}, 400),
        ({"scoreMaximum": None}, 400),
        ({"scoreMaximum": "4"}, 400),
        ({"resourceLinkId": "link-7302"}, 404),
    ],
)
def test_a_wrong_line_item_is_refused(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], members: dict[str, Any], status: int
) -> None:
    before = dict(lms.gradebook.items)

    assert create(tool, bearer, **members).status_code == status
    assert lms.gradebook.items == before


def test_posting_a_line_item_as_plain_json_is_refused(tool: StubTool, bearer: dict[str, str]) -> None:
    assert tool.client.post(ITEMS, json={"label": "A", "scoreMaximum": 1}, headers=bearer).status_code == 400


def test_a_line_item_is_read_changed_and_deleted(tool: StubTool, lms: PracticeLms, bearer: dict[str, str]) -> None:
    url = create(tool, bearer).json()["id"]
    as_item = bearer | {"Content-Type": LINE_ITEM}
    assert tool.client.get(url, headers=bearer).json()["tag"] == "obs"
    assert tool.client.get(url, headers=bearer | {"Accept": "text/html"}).status_code == 400
    tool.post_score(url, bearer, score())

    changed = tool.client.put(url, json={"label": "Visit", "scoreMaximum": 40}, headers=as_item)

    assert changed.json() == {"id": url, "label": "Visit", "scoreMaximum": 40}
    results = tool.client.get(url.replace("?", "/results?"), headers=bearer | {"Accept": RESULTS})
    assert results.json()[0]["resultScore"] == 32
    moved = {"label": "Visit", "scoreMaximum": 40, "resourceLinkId": "link-5501"}
    assert tool.client.put(url, json=moved, headers=as_item).status_code == 400
    assert tool.client.delete(url, headers=bearer).status_code == 204
    assert tool.client.get(url, headers=bearer).status_code == 404
    assert not lms.gradebook.scores


def test_an_item_of_another_course_is_not_found(tool: StubTool, bearer: dict[str, str]) -> None:
    mixed = OTHER_ITEM.replace("team-practice", "foundations")

    assert tool.client.get(OTHER_ITEM, headers=bearer).status_code == 200
    assert tool.client.get(mixed, headers=bearer).status_code == 404
    assert tool.client.get(ITEM.replace("foundations", "nowhere"), headers=bearer).status_code == 404


def test_results_show_the_grade_that_stands(tool: StubTool, bearer: dict[str, str]) -> None:
    tool.post_score(ITEM, bearer, score(comment="Good"))
    url = ITEM.replace("?", "/results?")
    accept = bearer | {"Accept": RESULTS}

    result = tool.client.get(url, headers=accept).json()

    assert len(result) == 1
    assert {
        "userId": TESS.sub,
        "resultScore": 80,
        "resultMaximum": 100,
        "scoreOf": ITEM,
        "comment": "Good",
    }.items() <= (result[0].items())
    assert tool.client.get(f"{url}&user_id={PRIYA.sub}", headers=accept).json() == []
    assert len(tool.client.get(f"{url}&user_id={TESS.sub}", headers=accept).json()) == 1
    assert tool.client.get(url, headers=bearer | {"Accept": "application/json"}).status_code == 400


def test_a_service_url_that_does_not_exist_answers_in_json(tool: StubTool) -> None:
    path = urlsplit(ITEM).path + "/unheard-of"

    assert tool.client.get(path).json()["error"] == "refused"
