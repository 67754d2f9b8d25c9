"""Deep linking, from the platform's message to the signed answer: rows D1 to D6 of the reference."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.testclient import TestClient

from app.core.db import Database
from app.programme import documents
from app.programme import service as programme
from app.programme.models import ProgrammeModuleVersion
from app.programme.schemas import Activity
from tests.lti.platform import DROP, INSTRUCTOR, LEARNER, TOOL, Browser, Platform

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
RETURN_URL = "https://lms.example/deep_link_return?c=2&sesskey=a%2Bb"
SETTINGS = {
    "deep_link_return_url": RETURN_URL,
    "accept_types": ["ltiResourceLink", "link"],
    "accept_presentation_document_targets": ["iframe", "window"],
    "accept_multiple": True,
    "data": 'opaque "data" <&> \u00e9\u2028',
}


def settings(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**SETTINGS, **changes}.items() if value is not DROP}


@dataclass
class Teacher:
    """A teacher who was launched to place something."""

    browser: Browser
    platform: Platform
    root: str

    def picker(self) -> Any:
        return self.browser.get(f"{self.root}/picker")

    def pick(self, *items: str, **fields: str) -> Any:
        token = re.search(r'name="csrf" value="([^"]+)"', self.picker().text)
        assert token is not None
        body = [("csrf", token.group(1)), *(("item", item) for item in items), *fields.items()]
        content = "&".join(f"{name}={value.replace(':', '%3A').replace('/', '%2F')}" for name, value in body)
        headers = self.browser._headers() | {"Content-Type": "application/x-www-form-urlencoded"}
        return self.browser.client.post(f"{self.root}/picker", content=content, headers=headers)

    def answer(self, response: Any) -> dict[str, Any]:
        """The claims that reach the platform, their signature checked with the key that we publish."""
        assert response.status_code == 200, response.text
        action = re.search(r'<form method="post" action="([^"]+)"', response.text)
        token = re.search(r'name="JWT" value="([^"]+)"', response.text)
        assert action is not None
        assert token is not None
        assert unescape(action.group(1)) == RETURN_URL
        keys = KeySet.import_key_set(self.browser.client.get("/lti/jwks").json())
        decoded = jwt.decode(token.group(1), keys, ["RS256"])
        assert decoded.header.keys() == {"alg", "kid", "typ"}
        return dict(decoded.claims)


def launch(browser: Browser, platform: Platform, deep_linking: Any, **claims: Any) -> Any:
    wanted = {"message_type": "LtiDeepLinkingRequest", "resource_link": DROP, "roles": [INSTRUCTOR], "custom": DROP}
    return browser.full_launch(**wanted | {DL + "deep_linking_settings": deep_linking} | claims)


def teacher(browser: Browser, platform: Platform, **changes: Any) -> Teacher:
    response = launch(browser, platform, settings(**changes))
    assert response.status_code == 303, response.text
    handle = response.headers["location"].rstrip("/")
    landing = browser.get(f"{handle}/")
    assert landing.headers["location"] == f"{handle}/picker"
    return Teacher(browser, platform, handle)


def test_the_answer_is_signed_and_says_everything_the_platform_checks(browser: Browser, platform: Platform) -> None:
    """D1."""
    at = teacher(browser, platform)
    claims = at.answer(at.pick("module:M01"))
    assert claims["iss"] == platform.client_id
    assert claims["aud"] == [platform.issuer]
    assert claims[LTI + "deployment_id"] == platform.deployment_id
    assert claims[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[DL + "data"] == SETTINGS["data"]
    assert 0 < claims["exp"] - claims["iat"] <= 600
    (item,) = claims[DL + "content_items"]
    assert item["type"] == "ltiResourceLink"
    assert item["url"] == "http://tool.localhost:8000/modules/M01"
    assert item["custom"]["module"] == "M01"
    assert item["lineItem"]["scoreMaximum"] == 100
    other = at.answer(at.pick("module:M01"))
    assert other["nonce"] != claims["nonce"]


def test_without_data_the_answer_has_none(browser: Browser, platform: Platform) -> None:
    """D2."""
    at = teacher(browser, platform, data=DROP)
    assert DL + "data" not in at.answer(at.pick("pathway"))


def test_empty_data_goes_back_empty(browser: Browser, platform: Platform) -> None:
    """D1: whatever was there comes back."""
    at = teacher(browser, platform, data="")
    assert at.answer(at.pick("pathway"))[DL + "data"] == ""


@pytest.mark.parametrize("no", [False, "false", "False"])
def test_where_one_item_is_taken_the_picker_offers_one(browser: Browser, platform: Platform, no: object) -> None:
    """D3."""
    at = teacher(browser, platform, accept_multiple=no)
    page = at.picker().text
    assert 'type="radio"' in page
    assert 'type="checkbox"' not in page
    refused = at.pick("module:M01", "pathway")
    assert refused.status_code == 422
    assert "one thing at a time" in refused.text
    assert len(at.answer(at.pick("module:M01"))[DL + "content_items"]) == 1


def test_a_module_with_an_observation_and_a_session_can_be_placed(
    browser: Browser, platform: Platform, database: Database
) -> None:
    with database.write() as session:
        current = programme.current_module(session, "M01")
        more = (
            Activity("watched", "observation", "Handing over", 60, "Watch."),
            Activity("day", "attendance", "A day together", 60, "Come.", confirmed_by=("code",)),
        )
        made = replace(current, version=current.version + 1, activities=(*current.activities, *more))
        session.add(
            ProgrammeModuleVersion(
                key=made.key, version=made.version, programme_key="ips",
                digest=documents.with_digest(made).digest, document=documents.module_document(made),
            )
        )  # fmt: skip
    page = teacher(browser, platform).picker()
    assert page.status_code == 200
    assert "Observation, about 60 minutes" in page.text
    assert "Session to attend, about 60 minutes" in page.text


def test_several_are_placed_in_the_order_of_the_page(browser: Browser, platform: Platform) -> None:
    at = teacher(browser, platform, accept_multiple="true")
    assert 'type="checkbox"' in at.picker().text
    found = at.answer(at.pick("pathway", "activity:M01/reflection", "module:M01"))[DL + "content_items"]
    assert [item["custom"].get("activity", item["custom"].get("view", "module")) for item in found] == [
        "module", "reflection", "pathway",
    ]  # fmt: skip
    assert [("lineItem" in item) for item in found] == [True, False, False]


@pytest.mark.parametrize(("accept", "graded"), [(False, False), ("false", False), (True, True), (DROP, True)])
def test_line_items_go_only_where_they_are_taken(
    browser: Browser, platform: Platform, accept: object, graded: bool
) -> None:
    """D3; a platform that says nothing, as Moodle, makes the column from it."""
    at = teacher(browser, platform, accept_lineitem=accept)
    (item,) = at.answer(at.pick("module:M01"))[DL + "content_items"]
    assert ("lineItem" in item) is graded


def test_a_platform_that_takes_no_links_is_told_so_and_can_go_back(browser: Browser, platform: Platform) -> None:
    """D3."""
    at = teacher(browser, platform, accept_types=["html", "image"])
    page = at.picker().text
    assert "takes nothing" in page
    assert 'name="item"' not in page
    assert at.pick("module:M01").status_code == 422
    assert at.answer(at.pick(cancel="yes"))[DL + "content_items"] == []


@pytest.mark.parametrize(
    "roles", [[LEARNER], [], ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"]]
)
def test_learners_place_nothing(browser: Browser, platform: Platform, roles: list[str]) -> None:
    """D4."""
    response = launch(browser, platform, settings(), roles=roles)
    assert response.status_code == 403
    assert "lti-deep-linking-not-allowed" in response.text


def test_going_back_places_nothing_and_says_so(browser: Browser, platform: Platform) -> None:
    """D5."""
    at = teacher(browser, platform)
    claims = at.answer(at.pick(cancel="yes"))
    assert claims[DL + "content_items"] == []
    assert claims[DL + "msg"]
    assert claims[DL + "data"] == SETTINGS["data"]


BAD_SETTINGS = {
    "missing": DROP,
    "a list": [],
    "no return address": settings(deep_link_return_url=DROP),
    "return address is no address": settings(deep_link_return_url="javascript:alert(1)"),
    "return address is not https": settings(deep_link_return_url="http://lms.example/back"),
    "accept_types missing": settings(accept_types=DROP),
    "accept_types of numbers": settings(accept_types=[1]),
    "data is an object": settings(data={"a": 1}),
    "data without end": settings(data="x" * 20_001),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_settings_that_cannot_be_answered_are_refused(browser: Browser, platform: Platform, case: str) -> None:
    """D6."""
    response = launch(browser, platform, BAD_SETTINGS[case])
    assert response.status_code == 400
    assert "lti-deep-linking-invalid" in response.text


@pytest.mark.parametrize("items", [(), ("module:M99",), ("module:M01", "activity:M01/none"), ("<script>",)])
def test_what_is_not_on_offer_is_not_placed(browser: Browser, platform: Platform, items: tuple[str, ...]) -> None:
    at = teacher(browser, platform)
    response = at.pick(*items)
    assert response.status_code == 422
    assert 'name="JWT"' not in response.text


def test_the_answer_may_leave_for_the_lms_and_the_picker_may_not(browser: Browser, platform: Platform) -> None:
    at = teacher(browser, platform)
    assert "form-action 'self';" in at.picker().headers["content-security-policy"]
    assert "form-action 'self' https://lms.example https:;" in at.pick("pathway").headers["content-security-policy"]


def test_no_item_carries_anything_empty(browser: Browser, platform: Platform) -> None:
    """Moodle stops at an empty `custom`."""

    def empties(value: Any) -> bool:
        if isinstance(value, dict):
            return not value or any(map(empties, value.values()))
        return value in ("", [], None) if not isinstance(value, list) else any(map(empties, value))

    at = teacher(browser, platform)
    every = re.findall(r'name="item" value="([^"]+)"', at.picker().text)
    found = at.answer(at.pick(*every))[DL + "content_items"]
    assert len(found) == len(every) > 5
    assert not empties(found), json.dumps(found)


def test_a_placed_activity_opens_itself(browser: Browser, platform: Platform, client: TestClient) -> None:
    at = teacher(browser, platform)
    (item,) = at.answer(at.pick("activity:M01/reflection"))[DL + "content_items"]
    begun = browser.login(target_link_uri=item["url"])
    claims = platform.claims(begun.nonce, target_link_uri=item["url"], custom=item["custom"])
    response = browser.launch(platform.sign(claims), begun.state)
    root = response.headers["location"]
    assert browser.get(root).headers["location"] == f"{root}activity/reflection"


def test_a_placed_activity_opens_also_where_every_login_begins_at_one_address(
    browser: Browser, platform: Platform
) -> None:
    """Open edX names what was placed in the message only."""
    begun = browser.login(target_link_uri=TOOL + "/lti/launch")
    place = TOOL + "/modules/M01/activities/reflection"
    claims = platform.claims(begun.nonce, target_link_uri=place, custom=DROP)
    root = browser.launch(platform.sign(claims), begun.state).headers["location"]
    assert browser.get(root).headers["location"] == f"{root}activity/reflection"


@pytest.mark.parametrize("path", ["/elsewhere", "/lti/login", "/modules", "/at/x/module", "/lti/launch?item=1"])
def test_a_login_at_that_address_does_not_open_just_any_other(browser: Browser, platform: Platform, path: str) -> None:
    begun = browser.login(target_link_uri=TOOL + "/lti/launch")
    response = browser.launch(platform.sign(platform.claims(begun.nonce, target_link_uri=TOOL + path)), begun.state)
    assert response.status_code == 400
    assert "lti-target-mismatch" in response.text
