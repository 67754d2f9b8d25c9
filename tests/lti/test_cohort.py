"""A course's learners and how they stand: for its teachers, by the LMS's own list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.core.db import Database
from tests.lti.conftest import everything
from tests.lti.platform import DROP, INSTITUTION, INSTRUCTOR, LEARNER, Browser, Platform

TEACHER = {"sub": "teacher-1", "name": "Ali", "roles": [INSTRUCTOR]}


def member(user_id: str, name: str | None = None, *, roles: tuple[str, ...] = ("Learner",), **more: Any) -> Any:
    return {"user_id": user_id, "roles": list(roles), **({"name": name} if name else {}), **more}


@pytest.fixture
def roster(platform: Platform) -> Callable[..., None]:
    """Sets what the LMS answers when it is asked for the course's members."""

    def answer(*members: Any, **options: Any) -> None:
        url = f"{platform.issuer}/nrps/memberships"
        platform.roster[url] = httpx2.Response(200, json={"members": list(members)}, **options)

    return answer


def teach(browser: Browser, **claims: Any) -> str:
    response = browser.full_launch(**TEACHER | claims)
    assert response.status_code == 303, response.text
    return str(response.headers["location"].rstrip("/"))


def names(page: httpx2.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return [name.strip() for name in re.findall(r'<th scope="row">([^<]+)<', page.text)]


def test_everybody_whom_the_lms_lists_is_shown_by_name_with_progress(
    browser: Browser, roster: Callable[..., None]
) -> None:
    browser.full_launch()
    teacher = member("t1", "T", roles=("Instructor",))
    roster(member("subject-41", "Tess Nguyen"), member("u2", "Ana"), member("u3"), teacher)
    page = browser.get(f"{teach(browser)}/cohort")
    assert names(page) == ["Ana", "Tess Nguyen", "Name not told"]
    assert "1 of 3 have opened Waymark" in page.text
    assert "0 of 4 done" in page.text


def test_deleted_members_are_left_out_and_inactive_ones_marked(browser: Browser, roster: Callable[..., None]) -> None:
    inactive, deleted = member("a", "Ana", status="Inactive"), member("b", "Ben", status="Deleted")
    roster(inactive, deleted, member("c", "Cy", status="Active"))
    page = browser.get(f"{teach(browser)}/cohort")
    assert names(page) == ["Ana", "Cy"]
    assert page.text.count("Inactive in the LMS") == 1


def test_one_who_is_on_two_pages_is_one_learner(
    browser: Browser, platform: Platform, roster: Callable[..., None]
) -> None:
    second = f"{platform.issuer}/nrps/memberships?page=2"
    roster(member("a", "Ana"), headers={"Link": f'<{second}>; rel="next"'})
    platform.roster[second] = httpx2.Response(200, json={"members": [member("a", "Ana"), member("b", "Ben")]})
    assert names(browser.get(f"{teach(browser)}/cohort")) == ["Ana", "Ben"]


@pytest.mark.parametrize("answer", [httpx2.Response(503), httpx2.Response(200, text="<html>"), None])
def test_an_lms_that_does_not_answer_leaves_those_who_were_here(
    browser: Browser, platform: Platform, answer: httpx2.Response | None
) -> None:
    browser.full_launch()
    if answer is not None:
        platform.roster[f"{platform.issuer}/nrps/memberships"] = answer
    page = browser.get(f"{teach(browser)}/cohort")
    assert names(page) == ["Tess Nguyen"]
    assert "Only those who have opened Waymark" in page.text


def test_without_a_list_from_the_lms_those_who_were_here_are_shown(browser: Browser) -> None:
    browser.full_launch(nrps=DROP)
    page = browser.get(f"{teach(browser, nrps=DROP)}/cohort")
    assert names(page) == ["Tess Nguyen"]
    assert "NRPS" in page.text


def test_other_courses_learners_are_not_shown(browser: Browser) -> None:
    browser.full_launch(nrps=DROP)
    other = {"nrps": DROP, "context": {"id": "course-9"}, "resource_link": {"id": "link-9"}}
    browser.full_launch(**other, sub="u9", name="Zoe Elsewhere")
    assert names(browser.get(f"{teach(browser, nrps=DROP)}/cohort")) == ["Tess Nguyen"]
    assert names(browser.get(f"{teach(browser, **other)}/cohort")) == ["Zoe Elsewhere"]


@pytest.mark.parametrize("roles", [[LEARNER], [], [f"{INSTITUTION}#Administrator"]])
def test_learners_do_not_see_it(browser: Browser, roster: Callable[..., None], roles: list[str]) -> None:
    roster(member("a", "Ana"))
    response = browser.full_launch(roles=roles)
    page = browser.get(f"{response.headers['location']}cohort")
    assert page.status_code == 403
    assert "Ana" not in page.text


def test_a_launch_without_course_has_no_cohort(browser: Browser) -> None:
    assert browser.get(f"{teach(browser, context=DROP)}/cohort").status_code == 404


def test_the_list_is_asked_for_once_a_minute_and_kept_nowhere(
    browser: Browser, platform: Platform, database: Database, roster: Callable[..., None]
) -> None:
    roster(member("a", "Ana Kept-Nowhere"))
    root = teach(browser)
    for _ in range(3):
        assert names(browser.get(f"{root}/cohort")) == ["Ana Kept-Nowhere"]
    assert len(platform.at("/nrps/memberships")) == 1
    assert len(platform.at("/token")) == 1
    assert "Kept-Nowhere" not in repr(everything(database))


def test_a_long_list_has_pages(browser: Browser, roster: Callable[..., None]) -> None:
    roster(*(member(f"u{number:03}", f"Learner {number:03}") for number in range(60)))
    root = teach(browser)
    first = browser.get(f"{root}/cohort")
    assert names(first)[0] == "Learner 000"
    assert len(names(first)) == 25
    assert "cohort?page=2" in first.text
    assert names(browser.get(f"{root}/cohort?page=3"))[-1] == "Learner 059"
    assert names(browser.get(f"{root}/cohort?page=99")) == names(browser.get(f"{root}/cohort?page=3"))


def test_a_name_from_the_lms_is_text_and_nothing_else(browser: Browser, roster: Callable[..., None]) -> None:
    roster(member("a", "<script>alert(1)</script>"))
    assert "<script>alert(1)" not in browser.get(f"{teach(browser)}/cohort").text


def test_teachers_find_the_way_to_it(browser: Browser) -> None:
    root = teach(browser)
    assert browser.get(f"{root}/").headers["location"] == f"{root}/teaching"
    assert f"{root}/cohort" in browser.get(f"{root}/teaching").text
