"""`waymark platform check`: each part of a connection green or red, with the reason and the mend."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest

from app.core.clock import now
from app.core.db import Database
from app.core.runtime import Runtime
from app.lti import health, registrations
from app.lti.errors import RegistrationNotFound
from app.lti.health import HealthCheck
from tests.lti.conftest import register
from tests.lti.platform import KEY, SCORE_SCOPE, Browser, Platform

LINE_ITEM_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"


def checks(runtime: Runtime, registration_id: str) -> dict[str, HealthCheck]:
    found = health.check_platform(runtime, registration_id)
    assert [each.name for each in found] == ["configuration", "keys", "clock", "token", "line_items", "roster"]
    assert all(each.mend for each in found if each.result == "fail"), "every red part says how to mend it"
    return {each.name: each for each in found}


def results(found: dict[str, HealthCheck]) -> dict[str, str]:
    return {name: each.result for name, each in found.items()}


def used(browser: Browser, platform: Platform, **changes: Any) -> None:
    """A launch that tells of gradebook and roster, both of which answer."""
    claim = {"scope": [SCORE_SCOPE, LINE_ITEM_SCOPE], "lineitems": f"{platform.issuer}/items?type_id=2"}
    browser.full_launch(ags=claim | changes)
    platform.roster[f"{platform.issuer}/items?type_id=2"] = httpx2.Response(200, json=[{"id": "x"}])
    platform.roster[f"{platform.issuer}/nrps/memberships"] = httpx2.Response(200, json={"members": []})


def key_set(**headers: str) -> httpx2.Response:
    return httpx2.Response(200, json={"keys": [KEY.as_dict(private=False)]}, headers=headers)


def test_a_connection_in_use_is_green_throughout(
    browser: Browser, platform: Platform, runtime: Runtime, registration_id: str
) -> None:
    used(browser, platform)
    platform.jwks_answer = key_set(date=format_datetime(now(), usegmt=True))
    assert set(results(checks(runtime, registration_id)).values()) == {"pass"}


def test_before_the_first_launch_what_cannot_be_known_is_not_called_red(runtime: Runtime, registration_id: str) -> None:
    found = results(checks(runtime, registration_id))
    assert found == {
        "configuration": "pass", "keys": "pass", "clock": "unknown", "token": "pass", "line_items": "unknown",
        "roster": "unknown",
    }  # fmt: skip


def test_one_that_nobody_let_in_is_red(runtime: Runtime, database: Database, platform: Platform) -> None:
    registration_id = register(database, platform, approved=False)
    assert checks(runtime, registration_id)["configuration"].result == "fail"


def test_an_approved_one_without_deployment_waits_for_its_first_launch(
    runtime: Runtime, database: Database, registration_id: str
) -> None:
    with database.write() as session:
        for each in registrations.deployments(session, registration_id):
            session.delete(each)
    assert checks(runtime, registration_id)["configuration"].result == "unknown"


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(500), httpx2.Response(200, text="<html>"), httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"keys": []}), httpx2.Response(200, json={"keys": [{"kty": "EC", "kid": "1"}]}),
        httpx2.Response(200, json={"keys": "none"}), httpx2.ConnectError("refused"),
    ],
)  # fmt: skip
def test_a_key_set_that_cannot_be_used_is_red(
    runtime: Runtime, platform: Platform, registration_id: str, answer: httpx2.Response | Exception
) -> None:
    platform.jwks_answer = answer
    found = checks(runtime, registration_id)
    assert found["keys"].result == "fail"
    assert found["token"].result == "pass"


@pytest.mark.parametrize(("seconds", "words"), [(-300, "behind"), (300, "ahead of")])
def test_clocks_that_differ_are_red_and_say_by_how_much(
    runtime: Runtime, platform: Platform, registration_id: str, seconds: int, words: str
) -> None:
    platform.jwks_answer = key_set(date=format_datetime(now() + timedelta(seconds=seconds), usegmt=True))
    clock = checks(runtime, registration_id)["clock"]
    assert clock.result == "fail"
    assert words in clock.detail


@pytest.mark.parametrize("date", ["nonsense", "", "Mon, 99 Foo 2026"])
def test_a_date_that_is_none_is_not_known(
    runtime: Runtime, platform: Platform, registration_id: str, date: str
) -> None:
    platform.jwks_answer = key_set(date=date)
    assert checks(runtime, registration_id)["clock"].result == "unknown"


@pytest.mark.parametrize("answer", [httpx2.Response(404, text="<html>"), httpx2.Response(200, json={})])
def test_without_a_token_everything_that_needs_one_is_red_and_points_to_the_keys(
    browser: Browser, runtime: Runtime, platform: Platform, registration_id: str, answer: httpx2.Response
) -> None:
    used(browser, platform)
    platform.token_answer = answer
    found = checks(runtime, registration_id)
    assert {found[name].result for name in ("token", "line_items", "roster")} == {"fail"}
    assert all("/lti/jwks" in (found[name].mend or "") for name in ("token", "line_items", "roster"))


def test_a_gradebook_that_takes_no_scores_is_red(
    browser: Browser, runtime: Runtime, platform: Platform, registration_id: str
) -> None:
    used(browser, platform, scope=[LINE_ITEM_SCOPE])
    assert checks(runtime, registration_id)["line_items"].result == "fail"


def test_services_that_fail_are_red_each_for_itself(
    browser: Browser, runtime: Runtime, platform: Platform, registration_id: str
) -> None:
    used(browser, platform)
    platform.roster[f"{platform.issuer}/nrps/memberships"] = httpx2.Response(403)
    found = checks(runtime, registration_id)
    assert (found["line_items"].result, found["roster"].result) == ("pass", "fail")
    assert "403" in found["roster"].detail


def test_each_check_asks_for_a_token_of_its_own(runtime: Runtime, platform: Platform, registration_id: str) -> None:
    """A token kept from before would hide that the LMS gives none any more."""
    checks(runtime, registration_id)
    platform.token_answer = httpx2.Response(500)
    assert checks(runtime, registration_id)["token"].result == "fail"


def test_what_is_not_connected_cannot_be_checked(runtime: Runtime) -> None:
    with pytest.raises(RegistrationNotFound):
        health.check_platform(runtime, "nobody")
