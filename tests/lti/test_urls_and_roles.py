"""Addresses and roles as strangers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lti.errors import LtiRefused
from app.lti.roles import course_roles
from app.lti.tokens import is_plain_text, parse
from app.lti.urls import origin, origins, same_origin
from tests.lti.platform import INSTITUTION, INSTRUCTOR, LEARNER, MEMBERSHIP


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://LMS.example/a?b#c", "https://lms.example"),
        ("https://lms.example:443/", "https://lms.example"),
        ("http://lms.example:80", "http://lms.example"),
        ("http://lms.example:8100/x", "http://lms.example:8100"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://lms.example;evil/", None),
        ("https://lms.example\n.evil", None),
        ("https://a b/", None),
        ("https://user@lms.example/", None),
        ("https://lms.example:99999/", None),
        ("https:///path", None),
        ("//lms.example", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_an_origin_has_one_spelling_or_is_none(url: object, expected: str | None) -> None:
    assert origin(url) == expected


@given(st.text())
def test_whatever_is_an_origin_can_stand_in_a_security_policy(text: str) -> None:
    found = origin("https://" + text)
    assert found is None or not set(found) & set(" ;,'\"*\\\n")


def test_origins_are_listed_once() -> None:
    assert origins("https://a.example/x", "https://a.example/y", None, "nonsense") == ("https://a.example",)


def test_nothing_is_on_the_origin_of_nothing() -> None:
    assert not same_origin("nonsense", "nonsense")


@given(st.lists(st.text() | st.text().map(lambda name: MEMBERSHIP + name) | st.sampled_from([LEARNER, ""])))
def test_somebody_always_has_a_view_and_nobody_becomes_a_teacher_by_accident(roles: list[str]) -> None:
    found = course_roles(roles)
    assert found.is_teacher or found.is_administrator or found.is_learner
    if not any("Instructor" in role for role in roles):
        assert not found.is_teacher


def test_a_teacher_who_also_learns_has_both_views() -> None:
    found = course_roles([INSTRUCTOR, LEARNER])
    assert (found.is_teacher, found.is_learner) == (True, True)


def test_an_administrator_of_the_course_is_no_learner_and_one_of_the_institution_is() -> None:
    assert course_roles([MEMBERSHIP + "#Administrator"]).is_learner is False
    assert course_roles([INSTITUTION + "#Administrator"]).is_learner is True


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_as_a_token_is_refused_in_words(text: str) -> None:
    with pytest.raises(LtiRefused):
        parse(text)


@pytest.mark.parametrize(("text", "plain"), [("Tess Nguyễn 😀", True), ("a\0", False), ("\udc00", False), ("", True)])
def test_text_that_no_database_keeps_is_known(text: str, plain: bool) -> None:
    assert is_plain_text(text) is plain
