"""Story 1 and 2 of a tool, from the LMS's side: login, launch, token, score, gradebook."""

from starlette.testclient import TestClient

from practice_lms import PracticeLms, Settings, platform_details
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import AGS, LTI, NRPS, StubTool, form_of

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


def test_a_learner_launches_and_her_score_reaches_the_gradebook(tool: StubTool, clock: Clock) -> None:
    claims = tool.launch("tess")
    score = {
        "userId": claims["sub"],
        "scoreGiven": 17,
        "scoreMaximum": 20,
        "comment": "Clear <b>and</b> kind.",
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": "2027-01-15T08:00:00.123+00:00",
    }

    answer = tool.post_score(claims[AGS]["lineitem"], tool.bearer(clock.now), score)

    assert (answer.status_code, answer.content) == (200, b"")
    rows = {row["course"]: row for row in tool.client.get("/gradebook.json").json()["rows"]}
    assert (rows["foundations"]["score"], rows["foundations"]["maximum"]) == (85, 100)
    assert rows["team-practice"]["score"] is None
    page = tool.client.get("/gradebook").text
    assert '<strong class="grade">85</strong>' in page
    assert "Clear &lt;b&gt;and&lt;/b&gt; kind." in page


def test_the_id_token_says_who_where_and_how(tool: StubTool, clock: Clock) -> None:
    claims = tool.launch("tess", target="window")

    assert claims["iss"] == "http://lms.localhost:8100"
    assert claims["aud"] == "waymark-practice"
    assert claims["exp"] == claims["iat"] + 60 == int(clock.now) + 60
    assert claims["nonce"] == "nonce-1"
    assert claims["name"] == "Tess Nguyen"
    assert claims["email"] == "tess.nguyen@example.org"
    assert claims[LTI + "deployment_id"] == "1"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[LTI + "message_type"] == "LtiResourceLinkRequest"
    assert claims[LTI + "target_link_uri"] == tool.settings.target_link_uri
    assert MEMBERSHIP + "Learner" in claims[LTI + "roles"]
    assert claims[LTI + "context"]["title"] == "IPS foundations"
    assert claims[LTI + "resource_link"]["title"] == "M01 What Makes IPS, IPS"
    assert claims[LTI + "custom"] == {"module": "M01"}
    assert claims[LTI + "launch_presentation"]["document_target"] == "window"
    assert claims[LTI + "tool_platform"]["product_family_code"] == "practice"
    assert len(claims[AGS]["scope"]) == 4
    assert claims[AGS]["lineitem"].startswith("http://127.0.0.1:8100/ags/")
    assert claims[NRPS]["service_versions"] == ["2.0"]


def test_the_two_courses_are_different_contexts_and_links(tool: StubTool) -> None:
    first, second = tool.launch("tess", "foundations"), tool.launch("tess", "team-practice")

    assert first["sub"] == second["sub"]
    assert first[LTI + "context"]["id"] != second[LTI + "context"]["id"]
    assert first[LTI + "resource_link"]["id"] != second[LTI + "resource_link"]["id"]
    assert first[AGS]["lineitem"] != second[AGS]["lineitem"]


def test_each_person_has_their_own_role(tool: StubTool) -> None:
    assert MEMBERSHIP + "Instructor" in tool.launch("priya")[LTI + "roles"]
    roles = tool.launch("ali")[LTI + "roles"]
    assert MEMBERSHIP + "Administrator" in roles
    assert "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator" in roles


def test_the_login_is_posted_with_moodles_fields(tool: StubTool) -> None:
    tool.sign_in("tess")

    fields = tool.start()

    assert set(fields) == {
        "iss",
        "target_link_uri",
        "login_hint",
        "lti_message_hint",
        "client_id",
        "lti_deployment_id",
    }
    assert (fields["iss"], fields["client_id"]) == (tool.settings.issuer, "waymark-practice")


def test_a_launch_by_post_works_like_one_by_redirect(tool: StubTool) -> None:
    tool.sign_in("tess")

    answer = tool.client.post("/auth", data=tool.auth_params(tool.start()))

    assert form_of(answer)[0] == tool.settings.redirect_uri


def test_a_login_can_be_restarted_with_the_same_hint(tool: StubTool) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())

    assert tool.client.get("/auth", params=params).status_code == 200
    assert tool.client.get("/auth", params=params).status_code == 200


def test_a_browser_that_held_back_the_cookie_gets_one_more_try_from_our_own_page(tool: StubTool) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())
    cookie = dict(tool.client.cookies)
    tool.client.cookies.clear()

    action, fields = form_of(tool.client.get("/auth", params=params))

    assert action == tool.settings.auth_url
    assert fields == params | {"repost": "1"}
    tool.client.cookies.update(cookie)
    assert form_of(tool.client.post("/auth", data=fields))[0] == tool.settings.redirect_uri


def test_a_rotated_key_signs_with_one_published_before(tool: StubTool, lms: PracticeLms) -> None:
    before = [key["kid"] for key in tool.client.get("/jwks").json()["keys"]]
    tool.sign_in("ali")

    assert tool.client.post("/admin/rotate-key", follow_redirects=False).status_code == 303

    answer = tool.client.get("/jwks")
    after = [key["kid"] for key in answer.json()["keys"]]
    assert lms.keys.current.kid == after[0] == before[1]
    assert len(set(before + after)) == 3
    assert "max-age=" in answer.headers["Cache-Control"]
    assert all("d" not in key for key in answer.json()["keys"])
    assert tool.launch("tess")["name"] == "Tess Nguyen"


def test_the_registration_values_are_those_of_the_endpoints(client: TestClient, lms_settings: Settings) -> None:
    assert platform_details(lms_settings) == {
        "issuer": "http://lms.localhost:8100",
        "client_id": "waymark-practice",
        "deployment_id": "1",
        "auth_login_url": "http://lms.localhost:8100/auth",
        "auth_token_url": "http://127.0.0.1:8100/token",
        "jwks_url": "http://127.0.0.1:8100/jwks",
        "audience": "http://127.0.0.1:8100/token",
    }
