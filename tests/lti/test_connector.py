"""Tokens kept apart by tenant and in time, lenient paging, and the roster over all its pages (N1, N2)."""

from __future__ import annotations

import httpx2
import pytest

from app.core.db import Database
from app.core.http import HttpClient
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.connector import MOST_TOKENS, Connectors, TokenCache, next_page
from app.lti.errors import ServiceFailed
from app.lti.registrations import PlatformDetails
from app.lti.roster import course_members
from tests.lti.conftest import register
from tests.lti.platform import SCORE_SCOPE, Platform

ROSTER = "https://lms.example/nrps/memberships"


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def connector_of(runtime: Runtime, connectors: Connectors, client_id: str):  # type: ignore[no-untyped-def]
    with runtime.database.read() as session:
        row = registrations.find_registration(session, issuer="https://lms.example", client_id=client_id)
        return connectors.to(registrations.platform_of(row))


def test_two_schools_on_one_issuer_never_share_a_token(
    runtime: Runtime, database: Database, platform: Platform, registration_id: str
) -> None:
    register(database, Platform(client_id="client-2"))
    connectors = Connectors(runtime)
    first = connector_of(runtime, connectors, "client-1").get_access_token([SCORE_SCOPE])
    second = connector_of(runtime, connectors, "client-2").get_access_token([SCORE_SCOPE])
    assert first.endswith("client-1")
    assert second.endswith("client-2")
    assert connector_of(runtime, connectors, "client-1").get_access_token([SCORE_SCOPE]) == first
    assert len(platform.at("/token")) == 2


def test_another_scope_is_another_token(runtime: Runtime, platform: Platform, registration_id: str) -> None:
    connector = connector_of(runtime, Connectors(runtime), "client-1")
    assert connector.get_access_token([SCORE_SCOPE]) != connector.get_access_token([SCORE_SCOPE, "other"])


def test_a_token_is_kept_until_a_minute_before_it_ends() -> None:
    clock = Clock()
    cache = TokenCache(clock)
    cache.put("key", "token", 3600)
    clock.seconds += 3539
    assert cache.get("key") == "token"
    clock.seconds += 2
    assert cache.get("key") is None


@pytest.mark.parametrize("lifetime", [0, -5, 30, 60])
def test_a_token_that_ends_at_once_is_not_kept(lifetime: float) -> None:
    cache = TokenCache(Clock())
    cache.put("key", "token", lifetime)
    assert cache.get("key") is None


def test_the_cache_is_bounded_and_forgets_the_oldest() -> None:
    cache = TokenCache(Clock())
    for number in range(MOST_TOKENS + 1):
        cache.put(str(number), "token", 3600)
    assert cache.get("0") is None
    assert cache.get("1") == "token"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://a.example/?p=2>; rel="next"', "https://a.example/?p=2"),
        ("<https://a.example/?p=2>; rel=next", "https://a.example/?p=2"),
        ("<https://a.example/?p=1&amp;from=1>; rel=\u201cnext\u201d", "https://a.example/?p=1&from=1"),
        ("<https://a.example/?p=1>; rel=\u00e2\u0080\u009cnext\u00e2\u0080\u009d", "https://a.example/?p=1"),
        ('<https://a.example/?p=0>; rel="prev", <https://a.example/?P=Aa>; rel="next"', "https://a.example/?P=Aa"),
        ('<https://a.example/>; rel="differences"', None),
        ('<https://a.example/>; rel="nextday"', None),
        ("", None),
    ],
)
def test_the_next_page_is_found_in_the_forms_that_platforms_send(header: str, found: str | None) -> None:
    assert next_page(header) == found


def page(members: object, following: str | None = None) -> httpx2.Response:
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return httpx2.Response(200, json={"id": "x", "context": {"id": "c"}, "members": members}, headers=headers)


def test_the_roster_is_read_over_all_pages(runtime: Runtime, platform: Platform, registration_id: str) -> None:
    """N1: short roles, members without names, those who left."""
    platform.roster = {
        ROSTER: page([{"user_id": "1", "name": "Tess", "roles": ["Learner"]}], ROSTER + "?from=Aa"),
        ROSTER + "?from=Aa": page([{"user_id": "2", "status": "Inactive", "email": None}]),
    }
    members = course_members(connector_of(runtime, Connectors(runtime), "client-1"), ROSTER)
    assert [(each.user_id, each.name, each.roles, each.status) for each in members] == [
        ("1", "Tess", ("Learner",), "Active"),
        ("2", None, (), "Inactive"),
    ]
    accepted = {request.headers["accept"] for request in platform.at("/memberships")}
    assert accepted == {"application/vnd.ims.lti-nrps.v2.membershipcontainer+json"}


TROUBLE = {
    "a page on another host": page([], "https://evil.example/nrps"),
    "pages without end": page([], ROSTER),
    "no members": httpx2.Response(200, json={"id": "x"}),
    "a list": httpx2.Response(200, json=[]),
    "HTML": httpx2.Response(200, text="<html>"),
    "nothing": httpx2.Response(200),
    "a member without id": page([{"name": "Tess"}]),
    "a member that is a text": page(["Tess"]),
    "an error": httpx2.Response(500),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_a_roster_that_cannot_be_trusted_is_refused_and_no_token_leaves_its_host(
    runtime: Runtime, platform: Platform, registration_id: str, case: str
) -> None:
    """N2."""
    platform.roster = {ROSTER: TROUBLE[case]}
    with pytest.raises(ServiceFailed):
        course_members(connector_of(runtime, Connectors(runtime), "client-1"), ROSTER)
    assert not [request for request in platform.requests if request.url.host == "evil.example"]


def test_services_pass_the_guard_of_the_way_out(runtime: Runtime, database: Database, platform: Platform) -> None:
    """A token endpoint on plain http is refused by the guard, not called."""
    from app.core.runtime import Runtime as Means

    with database.write() as session:
        details = PlatformDetails(
            "https://lms.example", "client-1", platform.auth_url, "http://127.0.0.1/token", platform.jwks_url
        )
        registrations.add_registration(session, details, allow_http=True)
    guarded = HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(platform.handle))
    means = Means(runtime.settings, database, guarded, runtime.jwks, runtime.secret_box)
    with pytest.raises(ServiceFailed, match="fetch-refused"):
        connector_of(means, Connectors(means), "client-1").get_access_token([SCORE_SCOPE])
    assert platform.requests == []
