"""What we tell of ourselves: to each family of platforms, and on paper for administrators."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from app.core.db import Database
from app.lti import registration_errors, registrations
from app.lti.openid_configuration import read_configuration
from app.lti.platform_families import family_of
from app.lti.registrations import PlatformDetails
from app.lti.tool_configuration import canvas_json, scopes_to_ask_for, tool_registration
from tests.conftest import ROOT
from tests.docs.pages import page
from tests.docs.test_what_is_described_exists import check_waymark
from tests.lti.platform import DROP
from tests.lti.registering import AGS, ALL_SCOPES, TOOL_CONFIGURATION, VENDOR, RegisteringPlatform, hosted_canvas

# What we tell of ourselves


def described(family: str | None = None, **changes: Any) -> dict[str, Any]:
    lms = RegisteringPlatform(lti_changes={"product_family_code": family} | changes.pop("lti", {}))
    lms.configuration_changes = changes
    read = read_configuration(lms.configuration(), lms.configuration_url, allow_private=False)
    return tool_registration("https://www.waymark.example", family_of(read.product_family), read)


def test_what_every_platform_asks_of_a_tool_is_there() -> None:
    sent = described()
    assert sent["application_type"] == "web"
    assert sent["response_types"] == ["id_token"]
    assert set(sent["grant_types"]) == {"client_credentials", "implicit"}
    assert sent["token_endpoint_auth_method"] == "private_key_jwt"
    assert sent["initiate_login_uri"] == "https://www.waymark.example/lti/login"
    assert sent["redirect_uris"] == ["https://www.waymark.example/lti/launch"]
    assert sent["jwks_uri"] == "https://www.waymark.example/lti/jwks"
    assert sent["client_name"] == "Waymark"
    assert sent["scope"].split() == ALL_SCOPES
    tool = sent[TOOL_CONFIGURATION]
    assert tool["domain"] == "www.waymark.example"
    assert tool["claims"] == ["iss", "sub", "name", "given_name", "family_name", "email"]
    assert all(isinstance(value, str) for value in tool["custom_parameters"].values())
    assert not {"contacts", "policy_uri", "tos_uri"} & set(sent)
    assert not any(key.startswith(VENDOR) for each in (sent, tool, *tool["messages"]) for key in each)


def test_only_scopes_that_the_platform_lists_are_asked_for() -> None:
    assert described(scopes_supported=["openid", AGS + "score", "https://x/scope/other"])["scope"] == AGS + "score"
    assert described(scopes_supported=DROP)["scope"].split() == ALL_SCOPES


def test_a_list_without_any_service_says_nothing_about_services() -> None:
    """Sakai lists `openid` alone, and gives grades all the same."""
    assert scopes_to_ask_for(frozenset({"openid"})) == tuple(ALL_SCOPES)
    assert scopes_to_ask_for(frozenset({"https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"})) == ()


def test_messages_are_those_that_the_platform_has() -> None:
    supported = [{"type": "LtiSubmissionReviewRequest"}, {"type": "LtiDeepLinkingRequest"}, {"type": "Foo"}]
    messages = described(lti={"messages_supported": supported})[TOOL_CONFIGURATION]["messages"]
    assert [each["type"] for each in messages] == ["LtiDeepLinkingRequest", "LtiSubmissionReviewRequest"]


def test_moodle_is_told_its_one_placement_and_its_kind_of_domain() -> None:
    tool = described("moodle")[TOOL_CONFIGURATION]
    assert tool["domain"] == "waymark.example"
    assert [each.get("placements") for each in tool["messages"]] == [None, ["ContentArea"]]


def test_canvas_is_told_placements_that_it_has_and_what_is_its_own() -> None:
    lms = hosted_canvas()
    read = read_configuration(lms.configuration(), lms.configuration_url, allow_private=False)
    tool = tool_registration("https://waymark.example", family_of("canvas"), read)[TOOL_CONFIGURATION]
    assert tool[VENDOR + "privacy_level"] == "public"
    opening, choosing = tool["messages"]
    assert opening["placements"] == ["course_navigation"]
    assert opening[VENDOR + "course_navigation/default_enabled"] is False
    assert choosing["placements"] == ["assignment_selection", "link_selection"]
    assert VENDOR + "visibility" not in choosing


def test_brightspace_is_told_the_standard_and_no_placement() -> None:
    messages = described("desire2learn", lti={"messages_supported": [
        {"type": "LtiDeepLinkingRequest", "placements": ["QuickLink"]}, {"type": "LtiResourceLinkRequest"},
    ]})[TOOL_CONFIGURATION]["messages"]  # fmt: skip
    assert all("placements" not in each for each in messages)


@pytest.mark.parametrize("code", ["Canvas", "MOODLE", "BlackboardLearn", "desire2learn", "sakailms.org", None, "other"])
def test_a_family_is_known_by_its_code_in_any_case(code: str | None) -> None:
    assert (family_of(code).codes == ()) == (code in (None, "other"))


# The documentation


def test_every_code_of_a_refused_registration_is_described_and_no_other() -> None:
    classes = [value for value in vars(registration_errors).values() if isinstance(value, type)]
    slugs = {each.slug for each in classes if issubclass(each, registration_errors.ConnectionRefused)}
    described_there = set(re.findall(r"^\| `(connect-[a-z-]+)` \|", page("docs/lti-any.md").text, re.MULTILINE))
    assert described_there == slugs


def test_canvas_json_on_paper_is_what_a_server_serves() -> None:
    on_paper = json.loads((ROOT / "lti_config" / "canvas.json").read_text(encoding="utf-8"))
    assert on_paper == canvas_json("https://waymark.example.org")


EXAMPLES = tomllib.loads((ROOT / "lti_config" / "platforms.example.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_a_platform_can_be_entered(database: Database, name: str) -> None:
    example = dict(EXAMPLES[name])
    options = [option for each, value in example.items() for option in (f"--{each.replace('_', '-')}", _one(value))]
    check_waymark(["platform", "add", *options])
    deployment = example.pop("deployment", None)
    details = PlatformDetails(extra_frame_origins=tuple(example.pop("frame_origin", ())), **example)
    with database.write() as session:
        row = registrations.add_registration(session, details, deployment=deployment)
    assert row.auth_token_url == example["auth_token_url"]


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]
