"""Tokens kept apart by tenant and in time, lenient paging, and the roster over all its pages (N1, N2)."""

from __future__ import annotations

import json
import threading

import httpx2
import pytest
from prometheus_client import REGISTRY

from app.core.db import Database
from app.core.http import HttpClient
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.access_tokens import (
    BETWEEN_REPLACEMENTS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_TENANTS,
    OLD_ENOUGH,
    TokenCache,
)
from app.lti.connector import Connectors, PlatformConnector, TokenFailed, next_page
from app.lti.errors import ServiceFailed
from app.lti.registrations import PlatformDetails
from app.lti.roster import course_members
from tests.lti.awarding import Clock
from tests.lti.conftest import register
from tests.lti.platform import SCORE_SCOPE, Platform

ROSTER = "https://lms.example/nrps/memberships"
TENANT, ONE, BOTH = "tenant", {"a"}, {"a", "b"}


def connector_of(runtime: Runtime, connectors: Connectors, client_id: str) -> PlatformConnector:
    with runtime.database.read() as session:
        row = registrations.find_registration(session, issuer="https://lms.example", client_id=client_id)
        return connectors.to(registrations.platform_of(row))


def given(outcome: str) -> float:
    return REGISTRY.get_sample_value("waymark_lti_token_requests_total", {"outcome": outcome}) or 0.0


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


def test_a_token_for_more_serves_for_less(runtime: Runtime, platform: Platform, registration_id: str) -> None:
    connector = connector_of(runtime, Connectors(runtime), "client-1")
    assert connector.get_access_token([SCORE_SCOPE, "other"]) == connector.get_access_token(["other"])
    assert len(platform.at("/token")) == 1


def test_all_connectors_of_a_process_that_are_shared_share_their_tokens(
    runtime: Runtime, platform: Platform, registration_id: str
) -> None:
    for connectors in (Connectors.shared(runtime), Connectors.shared(runtime)):
        connector_of(runtime, connectors, "client-1").get_access_token([SCORE_SCOPE])
    assert len(platform.at("/token")) == 1
    connector_of(runtime, Connectors(runtime), "client-1").get_access_token([SCORE_SCOPE])
    assert len(platform.at("/token")) == 2, "a check of the connection wants to see for itself"


@pytest.mark.parametrize("lifetime", [{}, {"expires_in": None}, {"expires_in": "an hour"}, {"expires_in": 0}])
def test_a_token_that_does_not_say_how_long_it_lives_is_kept_for_the_usual_hour(
    runtime: Runtime, platform: Platform, registration_id: str, lifetime: dict[str, object]
) -> None:
    platform.token_answer = httpx2.Response(200, content=json.dumps({"access_token": "token"} | lifetime))
    clock = Clock()
    connector = connector_of(runtime, Connectors(runtime, TokenCache(clock)), "client-1")
    for seconds in (0, 3500, 3600):
        clock.seconds = 1000.0 + seconds
        assert connector.get_access_token([SCORE_SCOPE]) == "token"
    assert len(platform.at("/token")) == 2


def test_a_token_is_kept_until_a_minute_before_it_ends() -> None:
    clock = Clock()
    cache = TokenCache(clock)
    cache.put(TENANT, ONE, "token", 3600)
    clock.seconds += 3539
    assert cache.get(TENANT, ONE) == "token"
    clock.seconds += 2
    assert cache.get(TENANT, ONE) is None


@pytest.mark.parametrize("lifetime", [0, -5, 30, 60])
def test_a_token_that_ends_at_once_is_not_kept(lifetime: float) -> None:
    cache = TokenCache(Clock())
    cache.put(TENANT, ONE, "token", lifetime)
    assert cache.get(TENANT, ONE) is None


def test_a_token_for_less_does_not_serve_for_more() -> None:
    cache = TokenCache(Clock())
    cache.put(TENANT, ONE, "token", 3600)
    assert cache.get(TENANT, BOTH) is None
    assert cache.get("another", ONE) is None


def test_the_cache_is_bounded_and_forgets_the_oldest() -> None:
    cache = TokenCache(Clock())
    for number in range(MOST_TENANTS + 1):
        cache.put(str(number), ONE, "token", 3600)
    assert cache.get("0", ONE) is None
    assert cache.get("1", ONE) == "token"


def test_a_refused_token_is_forgotten_but_not_one_after_the_other() -> None:
    clock = Clock()
    cache = TokenCache(clock)
    cache.put(TENANT, ONE, "first", 3600)
    assert cache.replace(TENANT, "first")
    assert cache.get(TENANT, ONE) is None
    cache.put(TENANT, ONE, "second", 3600)
    assert cache.replace(TENANT, "first"), "somebody else has replaced it already"
    assert not cache.replace(TENANT, "second")
    assert cache.get(TENANT, ONE) == "second"
    clock.seconds += BETWEEN_REPLACEMENTS
    assert cache.replace(TENANT, "second")


def test_a_token_with_too_few_rights_is_forgotten_once_it_is_old() -> None:
    clock = Clock()
    cache = TokenCache(clock)
    cache.put(TENANT, ONE, "token", 3600)
    cache.drop_old(TENANT, "token")
    assert cache.get(TENANT, ONE) == "token"
    clock.seconds += OLD_ENOUGH
    cache.drop_old(TENANT, "token")
    assert cache.get(TENANT, ONE) is None


def test_pauses_after_failures_grow_to_a_limit_and_end_with_a_token() -> None:
    clock = Clock()
    cache = TokenCache(clock)
    pauses = []
    for _ in range(9):
        cache.note_failure(TENANT, ONE, None)
        pauses.append(cache.closed_for(TENANT, ONE))
        clock.seconds += pauses[-1]
        assert cache.closed_for(TENANT, ONE) == 0
    assert pauses[:3] == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    assert pauses[-1] == LONGEST_PAUSE
    cache.put(TENANT, ONE, "token", 3600)
    cache.note_failure(TENANT, ONE, None)
    assert cache.closed_for(TENANT, ONE) == FIRST_PAUSE
    assert cache.closed_for(TENANT, BOTH) == 0, "what is wrong with one scope is not with another"


def test_a_token_endpoint_that_asks_for_patience_is_given_it(
    runtime: Runtime, platform: Platform, registration_id: str
) -> None:
    platform.token_answer = httpx2.Response(429, headers={"Retry-After": "600"})
    clock, before = Clock(), given("failed")
    connector = connector_of(runtime, Connectors(runtime, TokenCache(clock)), "client-1")
    for _ in range(3):
        with pytest.raises(TokenFailed) as failed:
            connector.get_access_token([SCORE_SCOPE])
        assert failed.value.retry_after is not None
        assert failed.value.retry_after >= 500
        clock.seconds += 30
    assert len(platform.at("/token")) == 1
    assert given("failed") == before + 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx2.Response(401, json={"error": "invalid_client"}), "the token endpoint answered 401 (invalid_client)"),
        (httpx2.Response(400, json={"error": "<b>tess@example.org</b>"}), "the token endpoint answered 400"),
        (httpx2.Response(400, json=["invalid_client"]), "the token endpoint answered 400"),
        (httpx2.Response(500, text="down"), "the token endpoint answered 500"),
        (httpx2.Response(200, text="<html>"), "the token endpoint answered with something that is not JSON"),
    ],
)
def test_a_token_endpoint_that_says_why_is_quoted_in_the_standards_words_only(
    runtime: Runtime, platform: Platform, registration_id: str, answer: httpx2.Response, told: str
) -> None:
    platform.token_answer = answer
    with pytest.raises(TokenFailed) as failed:
        connector_of(runtime, Connectors(runtime), "client-1").get_access_token([SCORE_SCOPE])
    assert failed.value.reason == told


def test_threads_that_come_while_a_token_is_refused_do_not_ask_again(
    runtime: Runtime, platform: Platform, registration_id: str
) -> None:
    platform.token_answer = httpx2.Response(503)
    connectors = Connectors(runtime)
    connector_of(runtime, connectors, "client-1")  # the tool's key is there
    together, failures = threading.Barrier(6), []

    def ask() -> None:
        connector = connector_of(runtime, connectors, "client-1")
        together.wait()
        with pytest.raises(TokenFailed):
            connector.get_access_token([SCORE_SCOPE])
        failures.append(1)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(failures) == 6
    assert len(platform.at("/token")) == 1


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
