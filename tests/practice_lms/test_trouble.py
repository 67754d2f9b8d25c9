"""Bad days on request, counted requests, and the switches as JSON."""

from __future__ import annotations

import time
from typing import Any

import pytest
from httpx2 import Response

from practice_lms import PracticeLms
from practice_lms.catalogue import TESS
from practice_lms.scopes import LINE_ITEMS, RESULTS
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import DL, StubTool
from tests.practice_lms.test_grades import ITEM, ITEMS, score

ROSTER_URL = "http://127.0.0.1:8100/nrps/foundations/memberships"
API = "http://127.0.0.1:8100/admin/api"


@pytest.fixture
def bearer(tool: StubTool, clock: Clock) -> dict[str, str]:
    return tool.bearer(clock.now)


def call(service: str, tool: StubTool, clock: Clock, bearer: dict[str, str]) -> Response:
    """One good request to a service."""
    if service == "token":
        return tool.ask_token(tool.assertion(clock.now))
    if service == "jwks":
        return tool.client.get("/jwks")
    if service == "scores":
        return tool.post_score(ITEM, bearer, score())
    if service == "line_items":
        return tool.client.get(ITEMS, headers=bearer | {"Accept": LINE_ITEMS})
    if service == "results":
        return tool.client.get(ITEM.replace("?", "/results?"), headers=bearer | {"Accept": RESULTS})
    if service == "roster":
        return tool.roster(ROSTER_URL, bearer)
    return tool.client.get("/.well-known/openid-configuration")


every_service = pytest.mark.parametrize(
    "service", ["token", "jwks", "scores", "line_items", "results", "roster", "registration"]
)


@every_service
def test_a_service_fails_as_long_as_it_was_told_and_then_works_again(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str], service: str
) -> None:
    lms.trouble.start(service, status=429, retry_after=7, seconds=30)

    answer = call(service, tool, clock, bearer)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert "down for the moment" in lms.refusals[0].reason
    clock.now += 31
    assert call(service, tool, clock, bearer).status_code == 200


@every_service
def test_a_service_may_fail_for_some_requests_only(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str], service: str
) -> None:
    lms.trouble.start(service, status=500, times=2)

    assert [call(service, tool, clock, bearer).status_code for _ in range(3)] == [500, 500, 200]


@every_service
def test_a_service_may_answer_with_a_page(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str], service: str
) -> None:
    lms.trouble.start(service, how="html")

    page = call(service, tool, clock, bearer)

    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    lms.trouble.end()
    assert call(service, tool, clock, bearer).status_code == 200


def test_a_service_may_answer_with_far_too_much(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str]
) -> None:
    lms.trouble.start("jwks", how="huge", times=1)

    huge = call("jwks", tool, clock, bearer)

    assert (huge.status_code, huge.headers["Content-Type"]) == (200, "application/json")
    assert len(huge.content) > 10_000_000
    assert isinstance(huge.json(), list)
    assert len(call("jwks", tool, clock, bearer).content) < 10_000


@every_service
def test_a_slow_service_gives_the_real_answer_late(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str], service: str
) -> None:
    lms.trouble.start(service, how="slow", delay=0.05)
    before = time.monotonic()

    assert call(service, tool, clock, bearer).status_code == 200
    assert time.monotonic() - before >= 0.05


@every_service
def test_every_request_to_a_service_is_counted_refused_ones_too(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str], service: str
) -> None:
    before = lms.counts[service]
    lms.trouble.start(service, times=1)
    for _ in range(2):
        call(service, tool, clock, bearer)

    assert lms.counts[service] == before + 2


def test_what_came_of_requests_is_counted_too(tool: StubTool, lms: PracticeLms, bearer: dict[str, str]) -> None:
    tool.post_score(ITEM, bearer, score())
    tool.post_score(ITEM, bearer, score())

    assert (lms.counts["scores"], lms.counts["scores.taken"]) == (2, 1)
    assert (lms.counts["token"], lms.counts["token.granted"]) == (1, 1)


@pytest.mark.parametrize("wrong", [("mail", "status"), ("scores", "explode")])
def test_trouble_that_does_not_exist_cannot_be_made(lms: PracticeLms, wrong: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="services are"):
        lms.trouble.start(wrong[0], how=wrong[1])


def switch(tool: StubTool, path: str, **members: Any) -> Response:
    return tool.client.post(f"{API}{path}", json=members)


def state(tool: StubTool) -> dict[str, Any]:
    content: dict[str, Any] = tool.client.get(f"{API}/state").json()
    return content


def test_trouble_is_made_and_ended_by_curl(tool: StubTool, clock: Clock, bearer: dict[str, str]) -> None:
    assert switch(tool, "/trouble", service="scores", status=503, retry_after=9).json() == {"trouble": ["scores"]}
    assert call("scores", tool, clock, bearer).headers["Retry-After"] == "9"
    told = state(tool)
    assert (told["counts"]["scores"], told["refusals"][0]["part"]) == (1, "grades")
    assert told["trouble"]["scores"]["status"] == 503

    assert tool.client.delete(f"{API}/trouble?service=scores").json() == {"trouble": []}

    assert call("scores", tool, clock, bearer).status_code == 200
    assert tool.client.delete(f"{API}/counts").json() == {"counts": {}}
    assert state(tool)["counts"] == {}


@pytest.mark.parametrize(
    "members",
    [{}, {"service": "mail"}, {"service": "scores", "how": 7}, {"service": "scores", "status": "x"}, {"unheard": 1}],
)
def test_a_switch_that_makes_no_sense_is_refused(tool: StubTool, lms: PracticeLms, members: dict[str, Any]) -> None:
    assert switch(tool, "/trouble", **members).status_code == 400
    assert lms.trouble.now() == {}


def test_deep_linking_settings_are_changed_and_put_back_by_curl(tool: StubTool) -> None:
    changed = switch(tool, "/deep-linking", accept_multiple="false", data=None).json()["settings"]
    assert changed["accept_multiple"] == "false"
    assert "data" not in changed
    assert tool.pick()[DL + "deep_linking_settings"]["accept_multiple"] == "false"

    tool.client.delete(f"{API}/deep-linking")

    assert tool.pick()[DL + "deep_linking_settings"]["accept_multiple"] is True


def test_courses_are_copied_filled_and_changed_by_curl(tool: StubTool, lms: PracticeLms) -> None:
    course = switch(tool, "/courses/foundations/copy").json()
    assert course["history"] == ["ctx-8d21"]
    activity = switch(
        tool,
        f"/courses/{course['key']}/activities",
        title="Visit",
        custom={"module": "M03"},
        score_maximum=4,
        tag="obs",
    ).json()
    twin = switch(tool, f"/courses/{course['key']}/activities/{activity['key']}/duplicate").json()
    assert (twin["tag"], twin["history"]) == ("obs", [activity["resource_link_id"]])
    assert twin["line_item"] != activity["line_item"]
    assert switch(tool, f"/courses/{course['key']}/members", count=70).json()["members"] == 73
    switch(tool, f"/courses/{course['key']}/members", user_id=TESS.sub, status="Deleted")
    member = lms.campus.member(course["key"], TESS.sub)
    assert member is not None
    assert member.status == "Deleted"
    assert len(state(tool)["courses"]) == 4


def test_a_teachers_grade_keys_and_tokens_are_set_by_curl(
    tool: StubTool, lms: PracticeLms, clock: Clock, bearer: dict[str, str]
) -> None:
    kid = lms.keys.upcoming.kid

    assert switch(tool, "/grades", course="foundations", activity="m01", user_id=TESS.sub, score=40).json() == {
        "score": 40
    }
    assert switch(tool, "/rotate-key").json() == {"kid": kid}
    assert switch(tool, "/revoke-tokens").status_code == 200
    assert call("scores", tool, clock, bearer).status_code == 401


def test_a_tool_is_registered_and_put_to_use_by_curl(tool: StubTool, lms: PracticeLms) -> None:
    begun = switch(tool, "/registrations").json()
    headers = {"Authorization": f"Bearer {begun['token']}"}
    assert tool.client.post("/register", json=tool.description(), headers=headers).status_code == 200

    assert switch(tool, f"/tools/{begun['client_id']}/use").json()["state"] == "active"

    assert state(tool)["tool"]["client_id"] == begun["client_id"] == lms.tool.client_id
    assert switch(tool, "/tools/nobody/use").status_code == 404
    assert switch(tool, "/registrations", update="nobody").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/courses/nowhere/copy",
        "/courses/nowhere/activities",
        "/courses/foundations/activities/nothing/duplicate",
        "/courses/nowhere/members",
    ],
)
def test_a_switch_for_what_is_not_there_is_refused(tool: StubTool, path: str) -> None:
    assert switch(tool, path, title="x", count=1).status_code == 404


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://tool.localhost:8000"}, {"Host": "evil.example"}, {"Content-Type": "text/plain"}]
)
def test_pages_of_other_sites_reach_no_switch(tool: StubTool, lms: PracticeLms, headers: dict[str, str]) -> None:
    answer = tool.client.post(
        f"{API}/trouble", content=b'{"service":"scores"}', headers={"Content-Type": "application/json"} | headers
    )

    assert answer.status_code in (400, 403)
    assert lms.trouble.now() == {}
