"""Services that answer with nonsense: pages open without them, and no score counts as sent unless it is."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from app.core.runtime import Runtime
from app.lti import cohort, health, roster, sending
from app.lti.cohort import Rosters
from app.lti.errors import ServiceFailed
from app.lti.registrations import find_registration, platform_of
from tests.lti.awarding import Clock, Grading
from tests.lti.columns import LINE_ITEM_SCOPE, Columns
from tests.lti.platform import SCORE_SCOPE, Browser, Platform
from tests.lti.test_cohort import member, names, teach

ROSTER = "https://lms.example/nrps/memberships"
JSON = {"Content-Type": "application/json"}
ODD_DATE = "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"


@pytest.fixture
def platform() -> Columns:
    return Columns()


def listed(*members: Any, **headers: str) -> httpx2.Response:
    """A roster, also with characters that JSON can name and no encoder can write."""
    return httpx2.Response(200, content=json.dumps({"members": members}).encode(), headers=JSON | headers)


@pytest.mark.parametrize("name", ["A\ud800", "A\0", "x" * 2000])
def test_a_name_that_is_no_text_counts_as_not_told(browser: Browser, platform: Columns, name: str) -> None:
    platform.roster[ROSTER] = listed(member("a", name), member("b", "Ben", status="\ud800"))
    assert names(browser.get(f"{teach(browser)}/cohort")) == ["Ben", "Name not told"]


@pytest.mark.parametrize(
    "answer",
    [
        listed(member("a\ud800", "Ana")),
        listed(member("a\0", "Ana")),
        listed(member("a" * 256, "Ana")),
        listed(*(member(f"u{number}") for number in range(7))),
        httpx2.Response(503, headers={"Retry-After": ODD_DATE}),
        httpx2.Response(302),
        httpx2.Response(304),
    ],
    ids=["half a character", "NUL", "long", "too many", "odd date", "nowhere", "unchanged"],
)
def test_a_roster_that_cannot_be_used_leaves_those_who_were_here(
    browser: Browser, platform: Columns, monkeypatch: pytest.MonkeyPatch, answer: httpx2.Response
) -> None:
    monkeypatch.setattr(roster, "MOST_MEMBERS", 6)
    browser.full_launch()
    platform.roster[ROSTER] = answer
    page = browser.get(f"{teach(browser)}/cohort")
    assert names(page) == ["Tess Nguyen"]
    assert "did not give the list" in page.text


@pytest.mark.parametrize("charset", ["punycode", "utf-16", "iso-8859-1", "nonsense", ""])
def test_json_is_read_as_utf8_whatever_code_the_platform_names(
    browser: Browser, platform: Columns, charset: str
) -> None:
    """To read a megabyte as punycode takes minutes, in which this process would do nothing else."""
    content = json.dumps({"members": [member("a", "Zoë")]}, ensure_ascii=False).encode()
    headers = {"Content-Type": f"application/json; charset={charset}"}
    platform.roster[ROSTER] = httpx2.Response(200, content=content, headers=headers)
    platform.token_answer = httpx2.Response(200, content=b'{"access_token": "token"}', headers=headers)
    assert names(browser.get(f"{teach(browser)}/cohort")) == ["Zoë"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, content=b"[" * 100_000, headers=JSON),
        httpx2.Response(401, headers={"Retry-After": ODD_DATE}),
        httpx2.Response(302),
    ],
    ids=["deep", "odd date", "nowhere"],
)
def test_a_token_endpoint_that_answers_with_nonsense_leaves_those_who_were_here(
    browser: Browser, platform: Columns, answer: httpx2.Response
) -> None:
    browser.full_launch()
    platform.token_answer = answer
    platform.roster[ROSTER] = listed(member("a", "Ana"))
    assert names(browser.get(f"{teach(browser)}/cohort")) == ["Tess Nguyen"]


def test_a_token_that_lives_beyond_all_numbers_is_kept_for_the_usual_hour(browser: Browser, platform: Columns) -> None:
    content = b'{"access_token": "token", "expires_in": ' + b"1" * 400 + b"}"
    platform.token_answer = httpx2.Response(200, content=content, headers=JSON)
    platform.roster[ROSTER] = listed(member("a", "Ana"))
    assert names(browser.get(f"{teach(browser)}/cohort")) == ["Ana"]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307])
@pytest.mark.parametrize("location", [None, "https://lms.example/€", "https://evil.example/scores"])
def test_a_score_that_was_only_pointed_elsewhere_is_not_sent_yet(
    browser: Browser, runtime: Runtime, platform: Columns, status: int, location: str | None
) -> None:
    """As an LMS does that sends everybody to its login page while it is being mended."""
    grading = Grading(runtime)
    browser.full_launch()
    headers = {b"Location": location.encode()} if location else {}
    platform.score_answers = [httpx2.Response(status, headers=headers)]  # type: ignore[arg-type]
    grading.award()
    row = grading.score()
    assert (row.state, row.problem) == ("waiting", "unreachable")
    grading.later()
    assert grading.score().state == "sent"
    assert {request.url.host for request in platform.requests} == {"lms.example"}


def test_a_platform_that_names_an_odd_time_to_wait_is_asked_again_in_our_own_time(
    browser: Browser, runtime: Runtime, platform: Columns
) -> None:
    grading = Grading(runtime)
    browser.full_launch()
    platform.score_answers = [httpx2.Response(503, headers={"Retry-After": ODD_DATE})]
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("waiting", "trouble")


def test_a_column_that_was_only_pointed_to_is_not_made(browser: Browser, runtime: Runtime, platform: Columns) -> None:
    grading = Grading(runtime)
    browser.full_launch(ags=platform.ags(SCORE_SCOPE, LINE_ITEM_SCOPE))
    platform.odd["POST items"] = [httpx2.Response(302, content=json.dumps({"id": platform.url_of(9)}).encode())]
    grading.award()
    assert (grading.score().state, grading.link().line_item_url) == ("waiting", None)


def test_a_clock_that_cannot_be_read_is_told_as_unknown(
    runtime: Runtime, platform: Platform, registration_id: str
) -> None:
    platform.jwks_answer = httpx2.Response(200, json={"keys": []}, headers={"Date": ODD_DATE})
    checks = {each.name: each for each in health.check_platform(runtime, registration_id)}
    assert checks["clock"].result == "unknown"


def test_course_lists_are_let_go_when_they_are_over_or_too_many(
    runtime: Runtime, platform: Platform, registration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name people who never came here, and a hostile platform may have as many courses as it likes."""
    monkeypatch.setattr(cohort, "MOST_MEMBERS_KEPT", 5)
    clock = Clock()
    lists = Rosters(runtime, clock)
    with runtime.database.read() as session:
        known = platform_of(find_registration(session, issuer=platform.issuer, client_id=platform.client_id))
    for number in range(4):
        platform.roster[f"{ROSTER}/{number}"] = listed(member("a"), member("b"))
        lists.members(known, f"{ROSTER}/{number}")
    assert [len(members) for _, members in lists._kept.values()] == [2, 2]
    clock.seconds += cohort.KEPT_FOR
    platform.roster[ROSTER] = listed(member("c"))
    lists.members(known, ROSTER)
    assert [len(members) for _, members in lists._kept.values()] == [1]


def test_an_lms_that_hangs_does_not_take_every_thread(
    runtime: Runtime, platform: Columns, registration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its teachers could otherwise hold the pages of all other agencies up."""
    monkeypatch.setattr(cohort, "AT_A_TIME", 1)
    lists = Rosters(runtime)
    with runtime.database.read() as session:
        known = platform_of(find_registration(session, issuer=platform.issuer, client_id=platform.client_id))
    asked, answer = threading.Event(), threading.Event()
    platform.roster[ROSTER] = listed(member("a"))
    handle = platform.handle

    def hang(request: httpx2.Request) -> httpx2.Response:
        asked.set()
        assert answer.wait(30)
        return handle(request)

    monkeypatch.setattr(runtime.http._client._transport, "handler", hang)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lists.members, known, ROSTER)
        assert asked.wait(30)
        try:
            with pytest.raises(ServiceFailed, match="asked before"):
                lists.members(known, f"{ROSTER}/2")
        finally:
            answer.set()
        assert [each.user_id for each in first.result()] == ["a"]
    platform.roster[f"{ROSTER}/2"] = listed(member("b"))
    assert [each.user_id for each in lists.members(known, f"{ROSTER}/2")] == ["b"]


def test_an_lms_that_hangs_is_asked_for_one_score_and_not_for_each(
    browser: Browser, runtime: Runtime, platform: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker makes one delivery after the other, so each time-out delays whatever comes behind it."""
    monkeypatch.setattr(sending, "SLOW", 0.0)
    grading = Grading(runtime)
    for number in range(5):
        browser.full_launch(resource_link={"id": f"link-{number}"})
    platform.odd["POST scores"] = [httpx2.ReadTimeout("slow")] * 2
    grading.award()
    assert len(platform.at("/scores")) == 1
    assert {row.state for row in grading.scores()} == {"waiting"}
    assert {row.last_error for row in grading.deliveries()} == {
        "the service could not be reached (fetch-failed)", "the platform kept us waiting for nothing a moment ago",
    }  # fmt: skip
    grading.later()
    assert len(platform.at("/scores")) == 2
    grading.later()
    assert {row.state for row in grading.scores()} == {"sent"}


def test_an_lms_that_fails_at_once_holds_nobody_up_and_is_asked_for_each(
    browser: Browser, runtime: Runtime, platform: Columns
) -> None:
    grading = Grading(runtime)
    for number in range(3):
        browser.full_launch(resource_link={"id": f"link-{number}"})
    platform.odd["POST scores"] = [httpx2.ConnectError("no")]
    grading.award()
    assert sorted(row.state for row in grading.scores()) == ["sent", "sent", "waiting"]
