"""The answer to a deep linking request: what becomes an activity, and what is refused and why."""

from __future__ import annotations

from typing import Any

import pytest

from practice_lms import DROP, PracticeLms, Settings
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import DL, LTI, OTHER_KEY, StubTool, form_of

LINK = {
    "type": "ltiResourceLink",
    "title": "M02 Getting started",
    "text": "The second module.",
    "url": "http://tool.localhost:8000/modules/M02",
    "custom": {"module": "M02"},
    "lineItem": {"scoreMaximum": 50, "label": "Module two", "resourceId": "M02", "tag": "module"},
}
MODULE = {"type": "ltiResourceLink", "title": "M03"}


def test_what_is_chosen_becomes_an_activity_with_its_grade(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    request = tool.pick("priya")

    page = tool.return_choice(request, tool.chosen(request, clock.now, [LINK, MODULE], **{DL + "msg": "Two it is."}))

    assert page.status_code == 200, page.text
    assert "2 activities are in IPS foundations now" in page.text
    assert "Two it is." in page.text
    made = lms.campus.courses["foundations"].activities[1:]
    assert [(each.title, each.score_maximum, each.description) for each in made] == [
        ("M02 Getting started", 50, "The second module."),
        ("M03", None, ""),
    ]
    item = lms.gradebook.of_link(made[0].resource_link_id)
    assert item is not None
    assert (item.label, item.resource_id, item.tag) == ("M02 Getting started", "M02", "module")
    assert lms.deep_links[0].accepted == tuple(each.key for each in made)
    claims = tool.message(tool.start_at(f"/course/foundations/activity/{made[0].key}/launch"))
    assert claims[LTI + "target_link_uri"] == LINK["url"]
    assert claims[LTI + "custom"] == {"module": "M02"}


def test_nothing_chosen_is_a_good_answer_too(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    request = tool.pick("priya")

    page = tool.return_choice(request, tool.chosen(request, clock.now, [], **{DL + "errormsg": "Sorry <b>"}))

    assert page.status_code == 200
    assert "Nothing was added" in page.text
    assert "Sorry &lt;b&gt;" in page.text
    assert lms.deep_links[0].error_message == "Sorry <b>"


def test_an_answer_whose_cookie_was_held_back_is_posted_again_from_our_own_page(
    tool: StubTool, lms: PracticeLms, clock: Clock
) -> None:
    request = tool.pick("priya")
    token = tool.chosen(request, clock.now, [MODULE])
    cookie = dict(tool.client.cookies)
    tool.client.cookies.clear()

    action, fields = form_of(tool.return_choice(request, token))

    assert action == request[DL + "deep_linking_settings"]["deep_link_return_url"]
    assert tool.return_choice(request, token, repost="1").status_code == 403
    tool.client.cookies.update(cookie)
    assert tool.client.post(action, data=fields).status_code == 200
    assert len(lms.deep_links) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "http://tool.localhost:8000"}, "iss of JWT"),
        ({"aud": "waymark-practice"}, "aud of JWT"),
        ({"aud": None}, "aud of JWT"),
        ({"azp": "http://other.example"}, "azp of JWT"),
        ({"nonce": None}, "nonce of JWT is missing"),
        ({"iat": None}, "iat of JWT"),
        ({"iat": 1_800_000_001}, "issued in the future"),
        ({"iat": 1_799_999_399}, "more than ten minutes ago"),
        ({"exp": None}, "exp of JWT"),
        ({"exp": 1_800_000_000}, "has expired"),
        ({"exp": 1_800_009_000}, "longer than an hour"),
        ({LTI + "message_type": "LtiDeepLinkingRequest"}, "message_type must be"),
        ({LTI + "version": "1.3"}, "version must be"),
        ({LTI + "deployment_id": "2"}, "deployment_id must be"),
        ({LTI + "deployment_id": None}, "deployment_id must be"),
        ({DL + "data": "something else"}, "data must come back"),
        ({DL + "data": None}, "data must come back"),
        ({DL + "content_items": {}}, "content_items must be a list"),
        ({DL + "msg": 7}, "msg must be text"),
    ],
)
def test_an_answer_with_one_claim_wrong_is_refused(
    tool: StubTool, lms: PracticeLms, clock: Clock, changes: dict[str, Any], reason: str
) -> None:
    request = tool.pick("priya")

    page = tool.return_choice(request, tool.chosen(request, clock.now, [MODULE], **changes))

    assert page.status_code == 400
    assert reason in page.text
    assert (lms.refusals[0].part, len(lms.campus.courses["foundations"].activities)) == ("deep_linking", 1)


@pytest.mark.parametrize("token", ["", "abc", "a.b.c"])
def test_what_is_not_a_jwt_is_refused(tool: StubTool, token: str) -> None:
    assert tool.return_choice(tool.pick("priya"), token).status_code == 400


def test_a_signature_of_somebody_else_is_refused(tool: StubTool, clock: Clock) -> None:
    request = tool.pick("priya")

    assert tool.return_choice(request, tool.chosen(request, clock.now, [], key=OTHER_KEY)).status_code == 400


def test_an_answer_counts_once(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    request, other = tool.pick("priya"), tool.pick("priya")
    token = tool.chosen(request, clock.now, [MODULE], nonce="n-1")
    assert tool.return_choice(request, token).status_code == 200

    assert tool.return_choice(request, token).status_code == 400
    page = tool.return_choice(other, tool.chosen(other, clock.now, [MODULE], nonce="n-1"))

    assert "nonce of JWT was used before" in page.text
    assert len(lms.deep_links) == 1


def test_an_answer_in_somebody_elses_session_is_refused(tool: StubTool, clock: Clock) -> None:
    request = tool.pick("priya")
    tool.sign_in("tess")

    assert tool.return_choice(request, tool.chosen(request, clock.now, [MODULE])).status_code == 403


def test_the_key_in_the_return_address_must_come_back(tool: StubTool, clock: Clock) -> None:
    request = tool.pick("priya")
    url = request[DL + "deep_linking_settings"]["deep_link_return_url"].partition("?")[0]

    assert tool.client.post(url, data={"JWT": tool.chosen(request, clock.now, [])}).status_code == 400


def test_data_comes_back_byte_by_byte(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    lms.ask_deep_linking(data='ü "quoted" &amp; \\ {"a": 1}')
    request = tool.pick("priya")
    assert tool.return_choice(request, tool.chosen(request, clock.now, [MODULE])).status_code == 200
    lms.ask_deep_linking(data=DROP)
    request = tool.pick("priya")

    assert "data" not in request[DL + "deep_linking_settings"]
    page = tool.return_choice(request, tool.chosen(request, clock.now, [], **{DL + "data": "more"}))
    assert page.status_code == 400


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("M02", "not an object"),
        ({"title": "No type"}, "not an object with a type"),
        ({"type": "link", "url": "http://tool.localhost:8000/"}, "the type link was not asked for"),
        (LINK | {"url": "https://evil.example/"}, "does not lie on the tool"),
        (LINK | {"url": "/modules/M02"}, "does not lie on the tool"),
        (LINK | {"url": "http://tool.localhost:8001/"}, "does not lie on the tool"),
        (LINK | {"title": 7}, "title is not text"),
        (LINK | {"custom": {}}, "custom is empty"),
        (LINK | {"custom": {"a": 1}}, "object of texts"),
        (LINK | {"custom": []}, "object of texts"),
        (LINK | {"lineItem": {}}, "scoreMaximum must be"),
        (LINK | {"lineItem": {"scoreMaximum": 0}}, "scoreMaximum must be"),
        (LINK | {"lineItem": {"scoreMaximum": True}}, "scoreMaximum must be"),
        (LINK | {"lineItem": {"scoreMaximum": 1, "submissionReview": {"custom": {}}}}, "custom is empty"),
    ],
)
def test_an_item_that_cannot_be_used_is_named_and_the_others_are_taken(
    tool: StubTool, lms: PracticeLms, clock: Clock, item: Any, reason: str
) -> None:
    request = tool.pick("priya")

    page = tool.return_choice(request, tool.chosen(request, clock.now, [item, MODULE]))

    assert page.status_code == 200
    assert reason in lms.deep_links[0].refused[0]
    assert reason in lms.refusals[0].reason
    assert len(lms.deep_links[0].accepted) == 1


@pytest.mark.parametrize("one_only", [False, "false"])
def test_two_items_where_one_was_asked_for_are_refused(
    tool: StubTool, lms: PracticeLms, clock: Clock, one_only: object
) -> None:
    lms.ask_deep_linking(accept_multiple=one_only)
    request = tool.pick("priya")
    assert request[DL + "deep_linking_settings"]["accept_multiple"] == one_only

    assert tool.return_choice(request, tool.chosen(request, clock.now, [MODULE, MODULE])).status_code == 400
    assert tool.return_choice(request, tool.chosen(request, clock.now, [MODULE])).status_code == 200


def test_a_line_item_where_none_is_taken_is_refused(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    lms.ask_deep_linking(accept_lineitem=False)
    request = tool.pick("priya")

    tool.return_choice(request, tool.chosen(request, clock.now, [LINK]))

    assert "accept_lineitem was false" in lms.deep_links[0].refused[0]


def test_a_learner_may_ask_so_that_the_tool_can_refuse(tool: StubTool) -> None:
    assert tool.pick("tess")[LTI + "message_type"] == "LtiDeepLinkingRequest"


@pytest.mark.parametrize("lms_settings", [Settings(profile="moodle")])
@pytest.mark.parametrize(
    "item", [LINK | {"custom": {}}, LINK | {"lineItem": {"scoreMaximum": 1, "submissionReview": {"custom": {}}}}]
)
def test_moodle_dies_of_an_empty_custom_object(
    tool: StubTool, lms: PracticeLms, clock: Clock, item: dict[str, Any]
) -> None:
    request = tool.pick("priya")

    page = tool.return_choice(request, tool.chosen(request, clock.now, [item]))

    assert page.status_code == 500
    assert "TypeError" in page.text
    assert len(lms.campus.courses["foundations"].activities) == 1


@pytest.mark.parametrize("lms_settings", [Settings(profile="moodle")])
def test_moodle_makes_an_activity_of_any_item_and_calls_its_column_after_the_title(
    tool: StubTool, lms: PracticeLms, clock: Clock
) -> None:
    request = tool.pick("priya")

    tool.return_choice(request, tool.chosen(request, clock.now, [{"type": "html", "html": "<b>", "title": "T"}, LINK]))

    made = lms.campus.courses["foundations"].activities[1:]
    assert [each.title for each in made] == ["T", "M02 Getting started"]
    item = lms.gradebook.of_link(made[1].resource_link_id)
    assert item is not None
    assert item.label == "M02 Getting started"


@pytest.mark.parametrize("lms_settings", [Settings(profile="d2l")])
def test_on_d2l_the_tool_makes_the_line_item_itself(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    request = tool.pick("priya")

    tool.return_choice(request, tool.chosen(request, clock.now, [LINK]))

    made = lms.campus.courses["foundations"].activities[1]
    assert (made.score_maximum, lms.gradebook.of_link(made.resource_link_id)) == (50, None)


def test_teachers_find_the_way_to_add_on_the_course_page(tool: StubTool) -> None:
    tool.sign_in("priya")
    assert 'href="/course/foundations/add"' in tool.client.get("/course").text
    page = tool.client.get("/course/foundations/add")
    assert 'src="/course/foundations/add/launch?target=iframe"' in page.text
    tool.sign_in("tess")
    assert 'href="/course/foundations/add"' not in tool.client.get("/course").text
