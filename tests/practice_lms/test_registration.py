"""Dynamic registration: what each platform hands out, wants, keeps and refuses."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from joserfc import jwt

from practice_lms import PracticeLms, Settings, begin_registration
from practice_lms.profiles.documents import CONFIGURATION
from practice_lms.registration import Begun
from practice_lms.scopes import SCOPE_ITEMS, SCOPE_ROSTER, SCOPE_SCORE
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import AGS, LTI, NRPS, OTHER_KEY, TOOL_CONFIGURATION, StubTool, form_of

VENDOR = "https://canvas.instructure.com/lti/"

PROFILES = {name: Settings(profile=name) for name in ("standard", "moodle", "canvas", "d2l")}
every = pytest.mark.parametrize("lms_settings", PROFILES.values(), ids=PROFILES.keys())
with_token = pytest.mark.parametrize(
    "lms_settings", [PROFILES[name] for name in ("standard", "moodle", "canvas")], ids=["standard", "moodle", "canvas"]
)
moodle = pytest.mark.parametrize("lms_settings", [PROFILES["moodle"]], ids=["moodle"])
canvas = pytest.mark.parametrize("lms_settings", [PROFILES["canvas"]], ids=["canvas"])
d2l = pytest.mark.parametrize("lms_settings", [PROFILES["d2l"]], ids=["d2l"])


def bearer_of(begun: Begun) -> dict[str, str]:
    return {"Authorization": f"Bearer {begun.token}"} if begun.token else {}


def configuration(tool: StubTool, begun: Begun) -> dict[str, Any]:
    answer = tool.client.get(begun.configuration_url, headers=bearer_of(begun))
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def register(tool: StubTool, begun: Begun, document: dict[str, Any] | None = None) -> Response:
    endpoint = configuration(tool, begun)["registration_endpoint"]
    return tool.client.post(
        endpoint, json=tool.description() if document is None else document, headers=bearer_of(begun)
    )


def of_the_tool(tool: StubTool, **changes: Any) -> dict[str, Any]:
    return tool.description(**{TOOL_CONFIGURATION: tool.configuration(**changes)})


@every
def test_the_tool_is_opened_with_what_it_needs(tool: StubTool, lms: PracticeLms, lms_settings: Settings) -> None:
    begun = begin_registration(lms)

    query = parse_qs(urlsplit(begun.url).query)
    assert begun.url.startswith("http://tool.localhost:8000/lti/register?")
    assert query["openid_configuration"] == [begun.configuration_url]
    assert ("registration_token" in query) == (lms_settings.profile != "d2l")
    found = configuration(tool, begun)
    assert found["issuer"] == lms_settings.issuer
    named = ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")
    assert {urlsplit(found[name]).netloc for name in named} == {urlsplit(begun.configuration_url).netloc}
    assert found[CONFIGURATION]["product_family_code"] == lms_settings.plays.product_family
    assert SCOPE_SCORE in found["scopes_supported"]


@every
def test_a_tool_that_registered_itself_waits_for_ali_and_is_then_launched(
    tool: StubTool, lms: PracticeLms, clock: Clock, lms_settings: Settings
) -> None:
    begun = begin_registration(lms)
    answer = register(tool, begun)
    assert answer.status_code == 200, answer.text
    kept = answer.json()
    assert kept["client_id"] == begun.client_id
    assert lms.tools[begun.client_id].state == "pending"
    tool.sign_in("ali")
    assert "Waiting to be activated" in tool.client.get(f"/admin/tool/{begun.client_id}").text

    assert tool.client.post(f"/admin/tool/{begun.client_id}/use", follow_redirects=False).status_code == 303

    tool.sign_in("tess")
    action, login = form_of(tool.client.get("/course/foundations/activity/m01/launch"))
    assert action == "http://tool.localhost:8000/own/login"
    assert login["client_id"] == begun.client_id
    params = tool.auth_params(login, redirect_uri="http://tool.localhost:8000/own/launch")
    action, fields = form_of(tool.client.get("/auth", params=params))
    assert action == "http://tool.localhost:8000/own/launch"
    key = lms.keys.current
    claims = jwt.decode(fields["id_token"], key, ["RS256"]).claims
    assert claims["aud"] == begun.client_id
    assert claims[LTI + "target_link_uri"] == "http://tool.localhost:8000/own"
    assert "context_history" in claims[LTI + "custom"]
    told = kept[TOOL_CONFIGURATION].get("deployment_id")
    assert told == (None if lms_settings.profile == "canvas" else claims[LTI + "deployment_id"])
    audience = configuration_audience(lms_settings)
    assertion = tool.assertion(clock.now, iss=begun.client_id, sub=begun.client_id, aud=audience)
    assert tool.ask_token(assertion).status_code == 200


def configuration_audience(settings: Settings) -> str:
    """What a tool that read the configuration sends: the authorization server if one is named, else the endpoint."""
    named = {"d2l": "https://api.d2l.practice.invalid/auth/token", "canvas": "canvas.practice.invalid"}
    return named.get(settings.profile, f"{settings.front_url}/token")


@every
def test_a_pending_tool_is_not_answered(tool: StubTool, lms: PracticeLms, clock: Clock) -> None:
    begun = begin_registration(lms)
    register(tool, begun)
    tool.sign_in("tess")
    own = "http://tool.localhost:8000/own/launch"
    params = tool.auth_params(tool.start(), client_id=begun.client_id, redirect_uri=own)

    assert "client_id is not registered here" in tool.client.get("/auth", params=params).text
    assertion = tool.assertion(clock.now, iss=begun.client_id, sub=begun.client_id)
    assert tool.ask_token(assertion).status_code == 400


@with_token
def test_a_registration_token_is_needed_counts_once_and_ends_after_an_hour(
    tool: StubTool, lms: PracticeLms, clock: Clock
) -> None:
    begun = begin_registration(lms)
    endpoint = f"{lms.settings.front_url}/register"
    assert tool.client.post(endpoint, json=tool.description()).status_code == 401
    forged = jwt.encode({"alg": "RS256", "kid": "tool-2"}, {"sub": "x", "scope": "reg"}, OTHER_KEY, ["RS256"])
    headers = {"Authorization": f"Bearer {forged}"}
    assert tool.client.post(endpoint, json=tool.description(), headers=headers).status_code == 401
    register(tool, begun)

    again = tool.client.post(endpoint, json=tool.description(), headers=bearer_of(begun))

    assert again.status_code == 401
    assert lms.refusals[0].code == "token_already_used"
    late = begin_registration(lms)
    clock.now += 3600
    assert tool.client.post(endpoint, json=tool.description(), headers=bearer_of(late)).status_code == 401


@moodle
@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"response_types": ["code"]}, "invalid_response_types"),
        ({"redirect_uris": "http://tool.localhost:8000/own/launch"}, "invalid_redirect_uris"),
        ({"token_endpoint_auth_method": "none"}, "invalid_token_endpoint_auth_method"),
        ({"application_type": "native"}, "invalid_application_type"),
        ({"jwks_uri": None}, "missing required attribute jwks_uri"),
        ({"client_name": ""}, "missing required attribute client_name"),
        ({TOOL_CONFIGURATION: {}}, f"missing required attribute {TOOL_CONFIGURATION}"),
        ({TOOL_CONFIGURATION: {"target_link_uri": "http://tool.localhost:8000/"}}, "missing_domain"),
        (
            {TOOL_CONFIGURATION: {"domain": "tool.localhost", "target_link_uri": "http://tool.localhost:8000/"}},
            "domain_targetlinkuri_mismatch",
        ),
        (
            {TOOL_CONFIGURATION: {"domain": "elsewhere.example", "target_link_uri": "http://tool.localhost:8000/"}},
            "domain_targetlinkuri_mismatch",
        ),
    ],
)
def test_moodle_refuses_in_a_word_of_plain_text(
    tool: StubTool, lms: PracticeLms, changes: dict[str, Any], word: str
) -> None:
    answer = register(tool, begin_registration(lms), tool.description(**changes))

    assert (answer.status_code, answer.text) == (400, word)
    assert len(lms.tools) == 1
    assert lms.refusals[0].part == "registration"


@moodle
def test_moodle_gives_services_by_scope_and_names_by_claim(tool: StubTool, lms: PracticeLms) -> None:
    document = tool.description(
        scope=SCOPE_SCORE, **{TOOL_CONFIGURATION: tool.configuration(claims=["iss", "sub", "given_name"])}
    )
    begun = begin_registration(lms)

    kept = register(tool, begun, document).json()

    assert SCOPE_ITEMS not in kept["scope"].split()
    assert SCOPE_ROSTER not in kept["scope"].split()
    assert len(kept["scope"].split()) == 3
    assert lms.use_tool(begun.client_id).shared == {"name", "given_name", "family_name"}
    tool.sign_in("tess")
    params = tool.auth_params(tool_start(tool), redirect_uri="http://tool.localhost:8000/own/launch")
    fields = form_of(tool.client.get("/auth", params=params))[1]
    claims = jwt.decode(fields["id_token"], lms.keys.current, ["RS256"]).claims
    assert "email" not in claims
    assert NRPS not in claims
    assert SCOPE_ITEMS not in claims[AGS]["scope"]


def tool_start(tool: StubTool) -> dict[str, str]:
    return form_of(tool.client.get("/course/foundations/activity/m01/launch"))[1]


@pytest.mark.parametrize("lms_settings", [PROFILES["standard"], PROFILES["moodle"]], ids=["standard", "moodle"])
def test_a_registration_is_brought_up_to_date_and_stays_the_same_tool(tool: StubTool, lms: PracticeLms) -> None:
    first = begin_registration(lms)
    before = register(tool, first).json()
    lms.use_tool(first.client_id)

    update = begin_registration(lms, update=first.client_id)
    endpoint = configuration(tool, update)["registration_endpoint"]
    assert tool.client.get(endpoint, headers=bearer_of(update)).json()["client_name"] == "Stub tool"
    answer = register(tool, update, tool.description(client_name="Stub tool 2"))

    assert answer.status_code == 200
    assert answer.json()["client_id"] == first.client_id
    assert answer.json()[TOOL_CONFIGURATION]["deployment_id"] == before[TOOL_CONFIGURATION]["deployment_id"]
    assert (lms.tool.name, lms.tool.state, len(lms.tools)) == ("Stub tool 2", "active", 2)


@pytest.mark.parametrize("lms_settings", [PROFILES["canvas"], PROFILES["d2l"]], ids=["canvas", "d2l"])
def test_where_registrations_are_not_updated_none_is_begun(tool: StubTool, lms: PracticeLms) -> None:
    begun = begin_registration(lms)
    register(tool, begun)

    with pytest.raises(ValueError, match="no such tool to update"):
        begin_registration(lms, update=begun.client_id)
    tool.sign_in("ali")
    assert "Is this tool here already" not in tool.client.get("/admin/register").text


@canvas
def test_canvas_shows_its_configuration_to_the_holder_of_a_token_only(tool: StubTool, lms: PracticeLms) -> None:
    begun = begin_registration(lms)

    assert tool.client.get("/.well-known/openid-configuration").status_code == 401
    assert tool.client.get(begun.configuration_url).status_code == 200
    found = tool.client.get("/.well-known/openid-configuration", headers=bearer_of(begun)).json()
    assert found[CONFIGURATION][VENDOR + "account_name"] == "Practice agency"


@canvas
@pytest.mark.parametrize(
    "changes",
    [
        {"application_type": None},
        {"grant_types": ["client_credentials"]},
        {"response_types": []},
        {"redirect_uris": []},
        {"redirect_uris": ["/launch"]},
        {"initiate_login_uri": "login"},
        {"client_name": ""},
        {"jwks_uri": None},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"scope": f"{SCOPE_SCORE} https://example.org/unheard-of"},
        {TOOL_CONFIGURATION: None},
    ],
)
def test_canvas_refuses_what_its_schema_does_not_know(
    tool: StubTool, lms: PracticeLms, changes: dict[str, Any]
) -> None:
    answer = register(tool, begin_registration(lms), tool.description(**changes))

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert len(lms.tools) == 1


@canvas
@pytest.mark.parametrize(
    "changes",
    [
        {"domain": None},
        {"domain": "http://tool.localhost:8000"},
        {"domain": "tool.localhost:8000/lti"},
        {"messages": None},
        {"messages": [{"type": "LtiSubmissionReviewRequest"}]},
        {"messages": [{"type": "LtiResourceLinkRequest", "placements": ["sidebar"]}]},
        {"messages": [{"type": "LtiResourceLinkRequest", "custom_parameters": {"a": 1}}]},
        {"claims": None},
        {"claims": "sub"},
        {"custom_parameters": {"a": 1}},
        {VENDOR + "privacy_level": "everything"},
    ],
)
def test_canvas_wants_domain_messages_and_claims_in_its_own_way(
    tool: StubTool, lms: PracticeLms, changes: dict[str, Any]
) -> None:
    answer = register(tool, begin_registration(lms), of_the_tool(tool, **changes))

    assert answer.status_code == 422
    assert len(lms.tools) == 1


@canvas
@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({VENDOR + "privacy_level": "anonymous"}, set()),
        ({VENDOR + "privacy_level": "email_only"}, {"email"}),
        ({"claims": ["sub", "name"]}, {"name", "given_name", "family_name"}),
        ({"claims": ["sub", "name", "email"]}, {"name", "given_name", "family_name", "email"}),
        ({"claims": ["sub"]}, set()),
    ],
)
def test_canvas_tells_of_people_by_privacy_level(
    tool: StubTool, lms: PracticeLms, changes: dict[str, Any], shared: set[str]
) -> None:
    begun = begin_registration(lms)

    assert register(tool, begun, of_the_tool(tool, **changes)).status_code == 200
    assert lms.tools[begun.client_id].shared == shared


@canvas
def test_canvas_names_no_deployment_in_its_answer(tool: StubTool, lms: PracticeLms) -> None:
    kept = register(tool, begin_registration(lms)).json()

    assert kept["client_id"].startswith("1000000000")
    assert "deployment_id" not in kept[TOOL_CONFIGURATION]
    assert kept[TOOL_CONFIGURATION][VENDOR + "registration_config_url"]


@d2l
def test_d2l_takes_a_name_and_a_domain_once_and_each_beginning_once(tool: StubTool, lms: PracticeLms) -> None:
    begun = begin_registration(lms)
    assert begun.token == ""
    assert register(tool, begun).status_code == 200

    assert register(tool, begun).status_code == 401
    same_name = register(tool, begin_registration(lms))
    other_name = register(tool, begin_registration(lms), tool.description(client_name="Another"))

    assert (same_name.status_code, other_name.status_code) == (400, 400)
    assert "name" in same_name.json()["error_description"]
    assert "domain" in other_name.json()["error_description"]
    assert tool.client.post("/register", json=tool.description()).status_code == 401


@d2l
def test_d2l_fetches_the_keys_before_it_registers(tool: StubTool, lms: PracticeLms) -> None:
    tool.jwks = lambda url: b"<html>"  # type: ignore[method-assign]

    answer = register(tool, begin_registration(lms))

    assert answer.status_code == 400
    assert "is not a JWKS" in answer.json()["error_description"]
    assert len(lms.tools) == 1


def test_an_administrator_may_grant_less_than_was_asked(tool: StubTool, lms: PracticeLms) -> None:
    lms.withheld_scopes = frozenset({SCOPE_ITEMS})
    begun = begin_registration(lms)

    kept = register(tool, begun).json()

    assert SCOPE_ITEMS not in kept["scope"].split()
    assert SCOPE_ITEMS not in lms.tools[begun.client_id].scopes


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b"[" * 60_000])
def test_a_body_that_is_no_description_is_refused(tool: StubTool, lms: PracticeLms, body: bytes) -> None:
    headers = bearer_of(begin_registration(lms)) | {"Content-Type": "application/json"}

    assert tool.client.post("/register", content=body, headers=headers).status_code == 400


WRONG: tuple[object, ...] = (7, [7], {"a": 1}, None, "", "x" * 9000, "\x00", "http://[")


@every
@pytest.mark.parametrize("member", ["scope", "redirect_uris", "jwks_uri", "client_name", TOOL_CONFIGURATION])
def test_no_type_of_any_member_upsets_the_platform(tool: StubTool, lms: PracticeLms, member: str) -> None:
    for wrong in WRONG:
        answer = register(tool, begin_registration(lms), {**tool.description(), member: wrong})

        assert answer.status_code in (200, 400, 422), wrong


@every
@pytest.mark.parametrize("member", ["domain", "target_link_uri", "claims", "messages", "custom_parameters"])
def test_no_type_of_any_member_about_lti_upsets_the_platform(tool: StubTool, lms: PracticeLms, member: str) -> None:
    for wrong in WRONG:
        document = tool.description(**{TOOL_CONFIGURATION: {**tool.configuration(), member: wrong}})

        assert register(tool, begin_registration(lms), document).status_code in (200, 400, 422), wrong


def test_alis_page_opens_the_tool_in_a_frame_and_says_when_nothing_came_of_it(tool: StubTool, lms: PracticeLms) -> None:
    tool.sign_in("ali")
    assert 'value="http://tool.localhost:8000/lti/register"' in tool.client.get("/admin/register").text

    page = tool.client.post("/admin/register", data={"url": "http://tool.localhost:8000/lti/register?x=1"})

    assert 'src="http://tool.localhost:8000/lti/register?x=1&amp;openid_configuration=' in page.text
    assert "frame-src 'self' http://tool.localhost:8000;" in page.headers["Content-Security-Policy"]
    assert tool.client.post("/admin/register", data={"url": "javascript:alert(1)"}).status_code == 400
    assert tool.client.post("/admin/register", data={"url": "http://a/", "update": "nobody"}).status_code == 404
    assert "No tool was registered" in tool.client.get("/admin/tool/unknown").text
    assert tool.client.post("/admin/tool/unknown/use").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/admin/register"), ("POST", "/admin/register"), ("GET", "/admin/tool/x"), ("POST", "/admin/tool/x/use")],
)
def test_only_ali_connects_tools(tool: StubTool, method: str, path: str) -> None:
    tool.sign_in("priya")

    assert tool.client.request(method, path, data={"url": "http://tool.localhost:8000/"}).status_code == 403


def test_a_tool_known_already_can_be_updated_from_alis_page(tool: StubTool, lms: PracticeLms) -> None:
    begun = begin_registration(lms)
    register(tool, begun)
    tool.sign_in("ali")
    assert f'value="{begun.client_id}"' in tool.client.get("/admin/register").text

    tool.client.post("/admin/register", data={"url": "http://tool.localhost:8000/", "update": begun.client_id})

    assert "Stub tool" in tool.client.get("/admin").text
