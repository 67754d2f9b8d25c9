"""A column of our own where the platform gave none: found or made, once, whoever dies or copies what meanwhile (A2)."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from sqlmodel import select

from app.core import outbox
from app.core.clock import now
from app.core.db import Database
from app.core.runtime import Runtime
from app.lti.events import ScoreRequested
from app.lti.grades import gradebook_of
from app.lti.line_items import ColumnBusy, below, line_item
from app.lti.models import LtiGradeLink, LtiResourceLink
from app.lti.placements import LINE_ITEM_TAG, line_item_resource
from tests.lti.awarding import Grading, grade_worker
from tests.lti.columns import ALL_SCOPES, LINE_ITEM_READ_SCOPE, LINE_ITEM_SCOPE, Columns
from tests.lti.platform import SCORE_SCOPE, Browser

OURS = {"resourceId": line_item_resource("M01"), "tag": LINE_ITEM_TAG}


@pytest.fixture
def platform() -> Columns:
    return Columns()


@pytest.fixture
def grading(runtime: Runtime) -> Grading:
    return Grading(runtime)


@pytest.fixture
def ungraded(browser: Browser, platform: Columns) -> Browser:
    """Tess has opened the module from an activity without a column; the platform lets us make one."""
    assert browser.full_launch(ags=platform.ags()).status_code == 303
    return browser


def posted_to(platform: Columns) -> list[str]:
    return [request.url.path for request in platform.at("/scores")]


def test_a_column_is_made_once_and_the_score_goes_there(ungraded: Browser, grading: Grading, platform: Columns) -> None:
    grading.award()
    (made,) = platform.made()
    assert made == {
        "label": "M01 · What Makes IPS, IPS",
        "scoreMaximum": 100,
        "resourceId": "waymark:M01",
        "tag": "waymark-award",
        "resourceLinkId": "link-5",
    }
    post = next(request for request in platform.at("/items") if request.method == "POST")
    assert post.headers["content-type"] == post.headers["accept"] == "application/vnd.ims.lis.v2.lineitem+json"
    asked = next(request for request in platform.at("/items") if request.method == "GET")
    assert asked.headers["accept"] == "application/vnd.ims.lis.v2.lineitemcontainer+json"
    assert posted_to(platform) == ["/items/8/lineitem/scores"]
    assert grading.score().state == "sent"
    link = grading.link()
    assert (link.line_item_url, link.line_item_made, link.leased_until) == (platform.url_of(8), True, None)
    grading.request("request-1", "3", "4")
    assert posted_to(platform)[1:] == ["/items/8/lineitem/scores"]
    assert len(platform.made()) == 1
    assert len(platform.at("/token")) == 1


def test_a_launch_that_gives_no_column_again_does_not_forget_ours(
    ungraded: Browser, grading: Grading, platform: Columns
) -> None:
    grading.award()
    assert ungraded.full_launch(ags=platform.ags()).status_code == 303
    grading.request("request-1", "3", "4")
    assert len(platform.made()) == 1
    assert len(grading.scores()) == 2


def test_the_platforms_own_column_comes_before_ours(ungraded: Browser, grading: Grading, platform: Columns) -> None:
    """A teacher has switched grades on."""
    grading.award()
    assert ungraded.full_launch(ags=platform.ags(column=7)).status_code == 303
    grading.work()
    assert posted_to(platform) == ["/items/8/lineitem/scores", "/items/7/lineitem/scores"]


def test_a_column_that_is_bound_to_the_link_is_found_and_none_made(
    ungraded: Browser, grading: Grading, platform: Columns
) -> None:
    platform.columns[3] = {"label": "By the teacher", "scoreMaximum": 10, "resourceLinkId": "link-5"}
    grading.award()
    assert platform.made() == []
    assert posted_to(platform) == ["/items/3/lineitem/scores"]


@pytest.mark.parametrize("page_size", [0, 2])
@pytest.mark.parametrize("heeds_filters", [True, False])
def test_a_column_is_found_on_any_page_and_whether_filters_are_heeded_or_not(
    ungraded: Browser, grading: Grading, platform: Columns, page_size: int, heeds_filters: bool
) -> None:
    platform.page_size, platform.heeds_filters = page_size, heeds_filters
    for number in range(20, 29):
        platform.columns[number] = {"label": "Another", "resourceLinkId": f"link-{number}"}
    platform.columns[30] = {"label": "M01", "resourceLinkId": "link-5"}
    grading.award()
    assert platform.made() == []
    assert posted_to(platform) == ["/items/30/lineitem/scores"]


def test_a_column_of_ours_without_a_link_is_taken(ungraded: Browser, grading: Grading, platform: Columns) -> None:
    """A copied course brings the column along, without the link it had."""
    platform.columns[9] = {"label": "M01", **OURS}
    grading.award()
    assert platform.made() == []
    assert posted_to(platform) == ["/items/9/lineitem/scores"]


FOREIGN = {
    "another link's": {**OURS, "resourceLinkId": "link-4"},
    "another module's": {"resourceId": line_item_resource("M02"), "tag": LINE_ITEM_TAG},
    "another tool's": {"resourceId": line_item_resource("M01"), "tag": "homework"},
    "nobody's": {"label": "M01 · What Makes IPS, IPS"},
}


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("heeds_filters", [True, False])
def test_a_column_that_is_not_ours_is_never_taken(
    ungraded: Browser, grading: Grading, platform: Columns, case: str, heeds_filters: bool
) -> None:
    platform.heeds_filters = heeds_filters
    platform.columns[9] = dict(FOREIGN[case])
    grading.award()
    assert len(platform.made()) == 1
    assert posted_to(platform) == ["/items/10/lineitem/scores"]


@pytest.mark.parametrize("keeps_links", [True, False])
def test_a_duplicated_activity_gets_a_column_of_its_own(
    ungraded: Browser, grading: Grading, platform: Columns, keeps_links: bool
) -> None:
    """It shares resourceId and tag with its original; some platforms do not even keep the link of a column."""
    platform.keeps_links = keeps_links
    assert ungraded.full_launch(resource_link={"id": "link-6"}, ags=platform.ags()).status_code == 303
    grading.award()
    assert len(platform.made()) == 2
    assert sorted(posted_to(platform)) == ["/items/8/lineitem/scores", "/items/9/lineitem/scores"]


def test_a_worker_that_died_after_making_a_column_left_it_to_be_found(
    ungraded: Browser, grading: Grading, platform: Columns
) -> None:
    platform.lost = ["POST items"]
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("waiting", "unreachable")
    assert grading.link().leased_until is None
    grading.later()
    assert len(platform.made()) == 1
    assert posted_to(platform) == ["/items/8/lineitem/scores"]


def test_two_workers_at_once_make_one_column(
    ungraded: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    """The second one comes while the first is looking."""
    with database.read() as session:
        gradebook = gradebook_of(session, session.exec(select(LtiGradeLink)).one())
    connector = grading.connectors.to(gradebook.platform, gradebook.scopes)
    is_looking, go_on = threading.Event(), threading.Event()
    listed, found = platform._list, []

    def slowly(request: httpx2.Request) -> httpx2.Response:
        is_looking.set()
        assert go_on.wait(30)
        return listed(request)

    platform._list = slowly  # type: ignore[method-assign]
    first = threading.Thread(target=lambda: found.append(line_item(database, connector, gradebook)))
    first.start()
    assert is_looking.wait(30)
    with pytest.raises(ColumnBusy):
        line_item(database, connector, gradebook)
    go_on.set()
    first.join()
    assert line_item(database, connector, gradebook) == platform.url_of(8)
    assert found == [platform.url_of(8)]
    assert len(platform.made()) == 1


def test_many_workers_and_many_learners_make_one_column_and_ask_for_one_token(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    subjects = [f"subject-{number}" for number in range(6)]
    for subject in subjects:
        assert browser.full_launch(sub=subject, name=subject, ags=platform.ags()).status_code == 303
    with grading.database.write() as session:
        for link in session.exec(select(LtiGradeLink)).all():
            outbox.emit(session, ScoreRequested(f"request-{link.subject}", link.id, "3", "4"))
    threads = [
        threading.Thread(target=grade_worker(grading.runtime, grading.connectors).run_until_idle) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    grading.later()
    assert set(platform.marks) == {(8, subject) for subject in subjects}
    assert len(platform.made()) == 1
    assert len(platform.at("/token")) <= 2, "one before a day has passed, one after"
    assert {row.state for row in grading.scores()} == {"sent"}


def test_a_score_that_finds_the_column_being_made_comes_back_in_a_moment(
    ungraded: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    _lease(database, now() + timedelta(minutes=1))
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("waiting", "column_busy")
    assert now() < grading.delivery().due_at < now() + timedelta(seconds=30)
    _lease(database, now() - timedelta(seconds=1))
    grading.later()
    assert grading.score().state == "sent"


def test_a_worker_that_looked_for_too_long_makes_nothing(
    ungraded: Browser, grading: Grading, platform: Columns, database: Database
) -> None:
    """Its lease ran out, and another has begun."""
    listed = platform._list

    def while_another_begins(request: httpx2.Request) -> httpx2.Response:
        _lease(database, now() + timedelta(minutes=2, seconds=1))
        return listed(request)

    platform._list = while_another_begins  # type: ignore[method-assign]
    grading.award()
    assert platform.made() == []
    assert grading.score().problem == "column_busy"
    assert grading.link().leased_until is not None, "the other's lease stays"


def _lease(database: Database, until: Any) -> None:
    with database.write() as session:
        session.execute(sa.update(LtiResourceLink).values(leased_until=until))


# A column that is gone


def test_a_column_that_was_deleted_is_made_again_and_every_score_in_it_sent_again(
    ungraded: Browser, grading: Grading, platform: Columns
) -> None:
    grading.award()
    del platform.columns[8], platform.marks[8, "subject-41"]
    platform.columns[20] = {"label": "Another"}
    grading.request("request-1", "3", "4")
    assert platform.marks[21, "subject-41"]["scoreGiven"] == 3.0
    assert len(platform.made()) == 2
    assert sorted(row.state for row in grading.scores()) == ["replaced", "sent"]
    assert {row.state for row in grading.deliveries()} == {"done"}


def test_other_learners_scores_come_back_with_the_column(browser: Browser, grading: Grading, platform: Columns) -> None:
    for subject in ("subject-41", "subject-42"):
        assert browser.full_launch(sub=subject, name=subject, ags=platform.ags()).status_code == 303
    with grading.database.read() as session:
        links = session.exec(select(LtiGradeLink)).all()
    for link in links:
        _request(grading, link.id, f"request-{link.subject}")
    assert set(platform.marks) == {(8, "subject-41"), (8, "subject-42")}
    platform.columns.pop(8)
    platform.marks.clear()
    platform.columns[9] = {"label": "Another"}
    with time_machine.travel(now() + timedelta(hours=1)):
        _request(grading, links[0].id, "request-later")
    assert set(platform.marks) == {(10, "subject-41"), (10, "subject-42")}
    assert len(platform.made()) == 2


def _request(grading: Grading, link_id: str, request_id: str) -> None:
    with grading.database.write() as session:
        outbox.emit(session, ScoreRequested(request_id, link_id, "3", "4"))
    grading.work()


def test_a_platforms_column_that_was_deleted_is_replaced_by_one_that_is_bound_to_the_link(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    assert browser.full_launch(ags=platform.ags(column=7)).status_code == 303
    del platform.columns[7]
    platform.columns[11] = {"label": "M01", "resourceLinkId": "link-5"}
    grading.award()
    assert platform.made() == []
    assert posted_to(platform) == ["/items/7/lineitem/scores", "/items/11/lineitem/scores"]
    assert grading.score().state == "sent"


def test_a_404_for_a_person_is_told_from_one_for_a_column(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    """The column is listed, so it is there: the platform does not want this person's score."""
    platform.columns[7]["resourceLinkId"] = "link-5"
    assert browser.full_launch(ags=platform.ags(column=7)).status_code == 303
    platform.score_answers = [404]
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("failed", "not_taken")
    assert platform.made() == []


def test_a_column_that_can_be_replaced_by_none_is_gone_for_good(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    claim = platform.ags(SCORE_SCOPE, LINE_ITEM_READ_SCOPE, column=7)
    assert browser.full_launch(ags=claim).status_code == 303
    del platform.columns[7]
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("failed", "column_gone")
    assert grading.delivery().state == "dead"


# Where none is made


def test_a_link_to_one_activity_of_a_module_gets_no_column(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    """Only whole modules are graded; five activities would make five columns that say the same."""
    custom = {"module": "M01", "activity": "lesson"}
    assert browser.full_launch(custom=custom, ags=platform.ags()).status_code == 303
    grading.award()
    assert platform.at("/token") == []
    assert (grading.score().state, grading.score().problem) == ("not_sent", "part_only")


def test_a_column_that_may_be_looked_for_but_not_made_is_used_if_it_is_there(
    browser: Browser, grading: Grading, platform: Columns
) -> None:
    claim = platform.ags(SCORE_SCOPE, LINE_ITEM_READ_SCOPE)
    assert browser.full_launch(ags=claim).status_code == 303
    grading.award()
    assert (grading.score().state, grading.score().problem) == ("not_sent", "no_column")
    assert platform.made() == []
    platform.columns[9] = {"label": "M01", "resourceLinkId": "link-5"}
    assert browser.full_launch(ags=claim | {"scope": [*ALL_SCOPES, LINE_ITEM_READ_SCOPE]}).status_code == 303
    grading.work()
    assert grading.score().state == "sent"


# Odd answers


ODD = {
    "a list of texts": ("GET items", httpx2.Response(200, json=["M01", None, 5]), "sent"),
    "addresses on another host": (
        "GET items",
        httpx2.Response(200, json=[{"id": "https://evil.example/1", "resourceLinkId": "link-5"}]),
        "sent",
    ),
    "an address that is none": (
        "GET items",
        httpx2.Response(200, json=[{"id": "javascript:alert(1)", "resourceLinkId": "link-5"}, {"id": 5}]),
        "sent",
    ),
    "no list": ("GET items", httpx2.Response(200, json={"items": []}), "waiting"),
    "a web page": ("GET items", httpx2.Response(200, text="<html>"), "waiting"),
    "10 MB": ("GET items", httpx2.Response(200, content=b"[" * 10_000_000), "waiting"),
    "deep nesting": ("GET items", httpx2.Response(200, content=b"[" * 100_000), "waiting"),
    "an outage": ("GET items", 503, "waiting"),
    "too slow": ("GET items", httpx2.ReadTimeout("slow"), "waiting"),
    "a next page on another host": (
        "GET items",
        httpx2.Response(200, json=[], headers={"Link": '<https://evil.example/>; rel="next"'}),
        "waiting",
    ),
    "no leave to look": ("GET items", 403, "failed"),
    "made without saying where": ("POST items", 201, "waiting"),
    "made on another host": ("POST items", httpx2.Response(201, json={"id": "https://evil.example/1"}), "waiting"),
    "not made": ("POST items", 400, "failed"),
    "a web page instead of a column": ("POST items", httpx2.Response(200, text="<html>"), "waiting"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_answers_are_passed_over_or_waited_out_or_named(
    ungraded: Browser, grading: Grading, platform: Columns, case: str
) -> None:
    what, answer, state = ODD[case]
    platform.odd[what] = [answer]
    grading.award()
    assert grading.score().state == state
    if state == "failed":
        assert grading.score().problem == "column_refused"
    assert not [request for request in platform.requests if request.url.host == "evil.example"]
    assert grading.link().leased_until is None
    grading.later()
    assert grading.score().state == ("failed" if state == "failed" else "sent")


def test_pages_that_lead_back_to_the_first_come_to_an_end(
    ungraded: Browser, grading: Grading, platform: Columns
) -> None:
    platform._list = lambda request: httpx2.Response(  # type: ignore[method-assign]
        200, json=[], headers={"Link": f'<{request.url}>; rel="next"'}
    )
    grading.award()
    assert grading.score().last_error == "the answer's pages have no end"
    assert len(platform.at("/items")) == 1


def test_a_token_for_everything_that_was_granted_gives_way_to_one_for_what_is_needed(
    ungraded: Browser, grading: Grading, platform: Columns
) -> None:
    """An administrator has taken a right back since the launch, and the platform knows no half measures."""
    platform.odd["POST token"] = [httpx2.Response(400, json={"error": "invalid_scope"})]
    grading.award()
    assert grading.score().state == "sent"
    asked = [parse_qs(request.content.decode())["scope"][0].split() for request in platform.at("/token")]
    assert asked[0] == sorted(ALL_SCOPES)
    assert asked[1:] == [[LINE_ITEM_SCOPE], [SCORE_SCOPE]]


@pytest.mark.parametrize(
    ("url", "name", "query", "wanted"),
    [
        ("https://a.example/items/7", "scores", {}, "https://a.example/items/7/scores"),
        ("https://a.example/items/7/", "scores", {}, "https://a.example/items/7/scores"),
        ("https://a.example/i?x=1&y=%20", "scores", {}, "https://a.example/i/scores?x=1&y=%20"),
        ("https://a.example/i?x=a?b", "scores", {}, "https://a.example/i/scores?x=a?b"),
        ("https://a.example/i?x=1", "results", {"user_id": "a b&c"}, "https://a.example/i/results?x=1&user_id=a+b%26c"),
        ("https://a.example/i?x=1", "", {"tag": "t"}, "https://a.example/i?x=1&tag=t"),
        ("https://a.example/i", "", {"tag": "t"}, "https://a.example/i?tag=t"),
    ],
)
def test_addresses_grow_by_their_path_and_keep_their_query(
    url: str, name: str, query: dict[str, str], wanted: str
) -> None:
    """A3."""
    assert below(url, name, **query) == wanted
