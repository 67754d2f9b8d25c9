"""A platform that is not ours, over real HTTP: the LTI consumer of Open edX."""

from __future__ import annotations

import html
import re
from unittest.mock import ANY

import httpx2

from .stack import AUTHOR, Stack, form_with

MODULE_TITLE = "What Makes IPS, IPS"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


def test_a_learner_is_let_in_and_lands_on_the_module(stack: Stack) -> None:
    page = stack.visit("mira").enter("/open/graded")
    assert heading(page) == MODULE_TITLE


def test_an_instructor_is_let_in_as_a_teacher(stack: Stack) -> None:
    page = stack.visit(AUTHOR).enter("/open/graded")
    assert str(page.url).endswith("/teaching")


def test_two_clicks_in_one_browser_are_both_let_in_whichever_comes_first(stack: Stack) -> None:
    visit = stack.visit("mira")
    first, second = visit.launch("/open/graded"), visit.launch("/open/column-by-tool")
    assert heading(visit.follow(visit.send(second))) == MODULE_TITLE
    assert heading(visit.follow(visit.send(first))) == MODULE_TITLE


def test_a_message_that_was_changed_on_its_way_is_refused(stack: Stack) -> None:
    visit = stack.visit("jun")
    where, fields = visit.launch("/open/graded")
    refused = visit.send((where, fields | {"id_token": changed(fields["id_token"])}))
    assert (refused.status_code, "lti-token-signature" in refused.text) == (400, True), refused.text
    assert visit.send((where, fields)).status_code == 303, "the message itself was good"
    again = visit.send((where, fields))
    assert (again.status_code, "lti-launch-replayed" in again.text) == (409, True), again.text


def test_an_award_arrives_in_the_gradebook_and_is_read_back_from_the_results(stack: Stack) -> None:
    stack.visit("ada").enter("/open/graded")
    stack.award("ada")
    stack.settle()
    assert stack.campus.grade("graded", "ada") == {"grade": 10, "maximum": 10, "comment": ANY}
    (result,) = stack.results_of("graded", "ada")
    assert (result["resultScore"], result["resultMaximum"]) == (100, 100)
    assert stack.scores("ada") == [("sent", None)]


def test_a_score_that_the_platform_has_already_is_known_as_such(stack: Stack) -> None:
    stack.visit("noor").enter("/open/graded")
    stack.award("noor")
    stack.settle()
    assert stack.scores("noor") == [("sent", None)]
    stack.forget_that_scores_were_sent("noor")
    stack.settle()
    assert stack.scores("noor") == [("already_there", None)]
    assert [each["resultScore"] for each in stack.results_of("graded", "noor")] == [100]


def test_a_column_that_the_platform_leaves_to_us_is_made_once(stack: Stack) -> None:
    learners = ("leo", "jun")
    for learner in learners:
        stack.visit(learner).enter("/open/column-by-tool")
    for learner in learners:
        stack.award(learner)
    stack.settle()
    assert len(stack.campus.columns("column-by-tool")) == 1
    for learner in learners:
        assert stack.campus.grade("column-by-tool", learner) == {"grade": 10, "maximum": 10, "comment": ANY}


def test_an_operator_repairs_one_score(stack: Stack) -> None:
    stack.visit("sam").enter("/open/graded")
    stack.platform(
        "score", "--resource-link", stack.copied["links"]["graded"], "--user", stack.subject("sam"), "--given", "35",
        "--maximum", "70",
    )  # fmt: skip
    stack.settle()
    assert stack.campus.grade("graded", "sam") == {"grade": 5, "maximum": 10, "comment": ANY}


def test_the_roster_is_read_to_its_last_page(stack: Stack) -> None:
    stack.visit("mira").enter("/open/graded")
    before = stack.campus.asked("/memberships")
    members = stack.platform("roster", "--context", stack.copied["course"])
    assert stack.campus.asked("/memberships") - before == 3
    assert {member["user_id"] for member in members} == set(stack.copied["subjects"].values())
    assert len(members) == 8
    known = {member["name"]: member for member in members}
    assert INSTRUCTOR in known["Tomas Varga"]["roles"]
    assert (known["Mira Solberg"]["roles"], known["Mira Solberg"]["email"]) == ([LEARNER], "mira@example.org")


def test_the_check_of_the_connection_is_green_throughout(stack: Stack) -> None:
    stack.visit("mira").enter("/open/graded")
    (checked,) = stack.platform("check")
    results = {each["name"]: each["result"] for each in checked["checks"]}
    assert results == dict.fromkeys(("configuration", "keys", "clock", "token", "line_items", "roster"), "pass")


def test_what_an_author_picks_is_placed(stack: Stack) -> None:
    saved = pick(stack, "module:M01")
    assert (saved.status_code, "successfully saved" in saved.text) == (200, True), saved.text
    (kept,) = stack.campus.picked("picked")
    assert (kept["type"], MODULE_TITLE in kept["title"]) == ("ltiResourceLink", True)


def test_what_was_picked_opens_for_a_learner(stack: Stack) -> None:
    pick(stack, "module:M01")
    assert heading(stack.visit("mira").enter("/open/picked")) == MODULE_TITLE


def test_an_answer_that_somebody_changed_places_nothing(stack: Stack) -> None:
    before = stack.campus.picked("picked")
    refused = pick(stack, "pathway", spoil=True)
    assert (refused.status_code, stack.campus.picked("picked")) == (403, before), refused.text


def pick(stack: Stack, item: str, *, spoil: bool = False) -> httpx2.Response:
    """An author picks one thing, and the browser takes the tool's answer to the platform; what the platform says."""
    author, tool = stack.visit(AUTHOR), stack.house.tool
    picker = form_with(author.enter("/pick/picked"), "item", tool)
    assert item in picker.choices["item"]
    posted = author.walker.post(picker.action, {**picker.hidden, "item": item}, origin=tool)
    answer = form_with(posted, "JWT", tool)
    token = answer.hidden["JWT"]
    return author.walker.post(answer.action, {"JWT": changed(token) if spoil else token}, origin=tool)


def changed(token: str) -> str:
    """The same message with another payload under the old signature."""
    head, payload, signature = token.split(".")
    middle = len(payload) // 2
    other = "A" if payload[middle] != "A" else "B"
    return ".".join((head, payload[:middle] + other + payload[middle + 1 :], signature))


def heading(page: httpx2.Response) -> str:
    """A page's first heading, as text."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    assert found is not None, page.text
    return html.unescape(re.sub(r"<[^>]+>", "", found.group(1))).strip()
