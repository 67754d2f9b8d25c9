"""What the messages of each platform look like, as measured or read (claims, logins, hints, roles, custom values)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from practice_lms import PracticeLms, Settings, add_activity, copy_course, duplicate_activity, platform_details
from practice_lms.catalogue import TESS
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import AGS, DL, LTI, NRPS, StubTool, form_of

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
HISTORY = {"context_history": "$Context.id.history", "link_history": "$ResourceLink.id.history"}

moodle = pytest.mark.parametrize("lms_settings", [Settings(profile="moodle")], ids=["moodle"])
canvas = pytest.mark.parametrize("lms_settings", [Settings(profile="canvas")], ids=["canvas"])
d2l = pytest.mark.parametrize("lms_settings", [Settings(profile="d2l")], ids=["d2l"])
standard = pytest.mark.parametrize("lms_settings", [Settings()], ids=["standard"])
every = pytest.mark.parametrize(
    "lms_settings",
    [Settings(profile=name) for name in ("standard", "moodle", "canvas", "d2l")],
    ids=lambda s: s.profile,
)


def with_history(profile: str) -> Settings:
    return Settings(profile=profile, custom_parameters=HISTORY)


def test_a_platform_that_does_not_exist_cannot_be_played() -> None:
    with pytest.raises(ValueError, match="no such profile: sakai"):
        Settings(profile="sakai")


@every
def test_every_platform_launches(tool: StubTool, lms_settings: Settings) -> None:
    claims = tool.launch("tess")

    family = {"standard": "practice", "d2l": "desire2learn"}.get(lms_settings.profile, lms_settings.profile)
    assert claims[LTI + "tool_platform"]["product_family_code"] == family
    assert claims["iss"] == lms_settings.issuer == platform_details(lms_settings)["issuer"]
    assert claims["sub"] == TESS.sub


@every
def test_a_hint_returned_with_one_character_less_is_refused(tool: StubTool) -> None:
    tool.sign_in("tess")
    login = tool.start()

    shorter = tool.auth_params(login, lti_message_hint=login["lti_message_hint"][:-1])

    assert tool.client.get("/auth", params=shorter).status_code == 400


@moodle
def test_moodles_login_has_a_hint_in_json_and_no_storage(tool: StubTool) -> None:
    tool.sign_in("tess")

    login = tool.start()

    hint = json.loads(login["lti_message_hint"])
    assert set(hint) == {"cmid", "launchid"}
    assert hint["launchid"].startswith(f"ltilaunch{hint['cmid']}_")
    assert "lti_storage_target" not in login
    assert login["lti_deployment_id"] == "1"


@moodle
@pytest.mark.parametrize("hint", ["{", "[]", "{}", '{"launchid":7}', '{"launchid":"ltilaunch2_1"}', "[" * 3000])
def test_a_hint_moodle_did_not_give_out_is_refused(tool: StubTool, hint: str) -> None:
    tool.sign_in("tess")

    answer = tool.client.get("/auth", params=tool.auth_params(tool.start(), lti_message_hint=hint))

    assert answer.status_code == 400
    assert "data-autopost" not in answer.text


@moodle
def test_moodles_hint_works_once_and_ends_on_a_page_of_moodle(tool: StubTool, lms: PracticeLms) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())
    assert tool.client.get("/auth", params=params).status_code == 200

    answer = tool.client.get("/auth", params=params)

    assert answer.status_code == 400
    assert "was used before" in lms.refusals[0].reason


@moodle
def test_moodles_own_launch_page_begins_anew_by_the_number_in_the_hint(tool: StubTool) -> None:
    tool.sign_in("tess")
    number = json.loads(tool.start("team-practice")["lti_message_hint"])["cmid"]

    claims = tool.message(tool.start_at("/mod/lti/launch.php", id=str(number)))

    assert claims[LTI + "resource_link"]["id"] == "link-7302"
    assert claims[LTI + "launch_presentation"]["document_target"] == "window"
    assert tool.client.get("/mod/lti/launch.php?id=99").status_code == 404


@moodle
def test_moodles_message_lasts_a_minute_and_says_more_than_lti_asks(tool: StubTool) -> None:
    claims = tool.launch("tess")

    assert claims["exp"] - claims["iat"] == 60
    assert claims[LTI + "ext"]["lms"] == "moodle-2"
    assert "https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome" in claims
    assert claims[LTI + "roles"] == [MEMBERSHIP + "Learner"]


@moodle
def test_moodles_administrator_is_a_teacher_too(tool: StubTool) -> None:
    assert tool.launch("ali")[LTI + "roles"] == [
        INSTITUTION + "Administrator",
        SYSTEM + "Administrator",
        MEMBERSHIP + "Instructor",
    ]


@moodle
def test_moodle_sends_custom_names_twice_and_leaves_unknown_variables(tool: StubTool, lms: PracticeLms) -> None:
    custom = {"CamelCase": "a=b;c", "with-dash": "$User.id", "odd": "$ToolPlatform.productFamilyCode", "plain": "x"}
    activity = add_activity(lms, "foundations", title="More", custom=custom)
    tool.sign_in("tess")

    sent = tool.message(tool.start_at(f"/course/foundations/activity/{activity.key}/launch"))[LTI + "custom"]

    assert sent["CamelCase"] == sent["camelcase"] == "a=b;c"
    assert sent["with-dash"] == sent["with_dash"] == TESS.sub
    assert sent["odd"] == "$ToolPlatform.productFamilyCode"
    assert [name for name in sent if "plain" in name] == ["plain"]
    assert sent["context_memberships_url"].endswith("/nrps/foundations/memberships")


@pytest.mark.parametrize(
    ("lms_settings", "link_history"),
    [
        (with_history("moodle"), "$ResourceLink.id.history"),
        (with_history("canvas"), "$ResourceLink.id.history"),
        (with_history("d2l"), "link-5501"),
        (with_history("standard"), "link-5501"),
    ],
    ids=["moodle", "canvas", "d2l", "standard"],
)
def test_a_copied_course_says_what_it_was_copied_from_as_each_platform_can(
    tool: StubTool, lms: PracticeLms, link_history: str
) -> None:
    course = copy_course(lms, "foundations")

    custom = tool.launch("tess", course.key)[LTI + "custom"]

    assert custom["context_history"] == "ctx-8d21"
    assert custom["link_history"] == link_history
    assert tool.launch("tess", "foundations")[LTI + "custom"]["context_history"] == ""


@canvas
def test_canvas_has_one_issuer_that_is_none_of_its_addresses(tool: StubTool, lms_settings: Settings) -> None:
    details = platform_details(lms_settings)

    assert details["issuer"] == platform_details(Settings(profile="canvas", port=9999))["issuer"]
    assert details["auth_login_url"].startswith("http://lms.localhost:8100/")
    assert details["audience"] == details["auth_token_url"]
    assert tool.launch("tess")["iss"] == "https://canvas.practice.invalid"


@canvas
def test_canvas_names_the_frame_that_keeps_data_at_login_and_launch_but_not_in_a_window(tool: StubTool) -> None:
    tool.sign_in("tess")
    login = tool.start()
    _, fields = form_of(tool.client.get("/auth", params=tool.auth_params(login)))

    assert login["lti_storage_target"] == fields["lti_storage_target"] == "post_message_forwarding"
    assert {"canvas_region", "canvas_environment", "lti_deployment_id"} <= set(login)
    assert "lti_storage_target" not in tool.start(target="window")


@canvas
def test_canvas_tells_the_tool_when_a_launch_was_used_or_is_somebody_elses(tool: StubTool, lms: PracticeLms) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())
    tool.client.get("/auth", params=params)

    action, fields = form_of(tool.client.get("/auth", params=params))

    assert action == tool.settings.redirect_uri
    assert (fields["error"], fields["state"]) == ("launch_no_longer_valid", "state-1")
    assert "id_token" not in fields
    fresh = tool.auth_params(tool.start())
    tool.sign_in("priya")
    assert form_of(tool.client.get("/auth", params=fresh))[1]["error"] == "login_required"
    assert lms.refusals[0].part == "auth"


@canvas
def test_canvas_sends_roles_of_the_institution_beside_that_of_the_course(tool: StubTool) -> None:
    roles = tool.launch("tess")[LTI + "roles"]

    assert {INSTITUTION + "Instructor", INSTITUTION + "Student", MEMBERSHIP + "Learner", SYSTEM + "User"} == set(roles)


@pytest.mark.parametrize(
    "lms_settings",
    [Settings(profile="canvas", custom_parameters={"course": "$Canvas.course.id", "sis": "$Canvas.user.sisSourceId"})],
)
def test_canvas_sends_numbers_and_nothing_as_custom_values(tool: StubTool) -> None:
    custom = tool.launch("tess")[LTI + "custom"]

    assert isinstance(custom["course"], int)
    assert custom["sis"] is None
    assert custom["module"] == "M01"


@canvas
def test_canvas_puts_no_query_into_its_service_addresses(tool: StubTool) -> None:
    claims = tool.launch("tess")

    assert claims[AGS]["lineitem"] == "http://127.0.0.1:8100/ags/foundations/lineitems/11"
    assert claims["https://www.instructure.com/placement"] == "link_selection"


@d2l
def test_d2l_names_no_line_item_and_an_audience_that_is_no_address_of_its_own(
    tool: StubTool, clock: Clock, lms_settings: Settings
) -> None:
    claims = tool.launch("tess")

    assert set(claims[AGS]) == {"scope", "lineitems"}
    assert platform_details(lms_settings)["audience"] == "https://api.d2l.practice.invalid/auth/token"
    assert tool.ask_token(tool.assertion(clock.now)).status_code == 200
    assert tool.ask_token(tool.assertion(clock.now, aud=lms_settings.token_url)).status_code == 400


@d2l
def test_d2l_keeps_data_itself_and_tells_histories_in_a_claim_of_its_own(tool: StubTool, lms: PracticeLms) -> None:
    course = copy_course(lms, "foundations")
    tool.sign_in("tess")
    assert tool.start()["lti_storage_target"] == "_parent"

    own = tool.launch("tess", course.key)["http://www.brightspace.com"]

    assert (own["Context.id.history"], own["ResourceLink.id.history"]) == ("ctx-8d21", "link-5501")


@pytest.mark.parametrize("lms_settings", [Settings(storage_target="_parent")])
def test_the_standard_platform_can_be_given_storage(tool: StubTool) -> None:
    tool.sign_in("tess")

    assert tool.start()["lti_storage_target"] == "_parent"


@standard
def test_an_ungraded_activity_has_no_line_item(tool: StubTool) -> None:
    tool.sign_in("tess")

    claims = tool.message(tool.start_at("/course/statewide/activity/pathway/launch"))

    assert "lineitem" not in claims[AGS]
    assert claims[LTI + "custom"] == {"view": "pathway"}


@every
def test_a_review_says_whose_work_is_looked_at(tool: StubTool, lms_settings: Settings) -> None:
    tool.sign_in("priya")

    claims = tool.message(tool.start_at("/course/foundations/activity/m01/review/launch", user="tess"))

    assert claims[LTI + "message_type"] == "LtiSubmissionReviewRequest"
    told: dict[str, Any] = claims[LTI + "for_user"]
    assert told["user_id"] == TESS.sub
    assert ("name" in told) == (lms_settings.profile != "moodle")
    assert claims[LTI + "resource_link"]["id"] == "link-5501"


@standard
def test_only_learners_of_the_course_have_work_to_review(tool: StubTool) -> None:
    tool.sign_in("priya")

    for nobody in ("ali", "learner-1", ""):
        assert tool.client.get(f"/course/foundations/activity/m01/review?user={nobody}").status_code == 404
    assert "Work of Tess Nguyen" in tool.client.get("/course/foundations/activity/m01/review?user=tess").text


@every
def test_a_deep_linking_request_says_what_is_taken(tool: StubTool, lms_settings: Settings) -> None:
    claims = tool.pick("priya")

    assert claims[LTI + "message_type"] == "LtiDeepLinkingRequest"
    assert LTI + "resource_link" not in claims
    settings = claims[DL + "deep_linking_settings"]
    assert settings["deep_link_return_url"].startswith(f"{lms_settings.front_url}/deep-link/")
    assert "ltiResourceLink" in settings["accept_types"]
    assert ("data" in settings) == (lms_settings.profile in ("standard", "d2l"))
    assert ("accept_lineitem" in settings) == (lms_settings.profile != "moodle")
    assert NRPS in claims


@standard
def test_a_duplicated_activity_has_a_link_and_line_item_of_its_own_and_the_same_tag(
    tool: StubTool, lms: PracticeLms
) -> None:
    first = add_activity(lms, "foundations", title="Visit", resource_id="visit", tag="obs", score_maximum=5)

    twin = duplicate_activity(lms, "foundations", first.key)

    items = [lms.gradebook.of_link(each.resource_link_id) for each in (first, twin)]
    assert items[0] is not None
    assert items[1] is not None
    assert items[0].id != items[1].id
    assert {(item.resource_id, item.tag, item.score_maximum) for item in items if item} == {("visit", "obs", 5)}
    assert twin.history == (first.resource_link_id,)


@standard
def test_teachers_copy_and_duplicate_by_buttons_and_learners_do_not(tool: StubTool, lms: PracticeLms) -> None:
    tool.sign_in("tess")
    assert tool.client.post("/course/foundations/copy").status_code == 403
    assert "Copy this course" not in tool.client.get("/course").text
    tool.sign_in("priya")

    assert tool.client.post("/course/foundations/copy", follow_redirects=False).status_code == 303
    assert tool.client.post("/course/foundations/activity/m01/duplicate", follow_redirects=False).status_code == 303

    page = tool.client.get("/course").text
    assert "IPS foundations (copy)" in page
    assert "M01 What Makes IPS, IPS (copy)" in page
    assert len(lms.campus.courses) == 4
