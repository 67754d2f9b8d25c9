"""The submission review message: what it must say, and what it opens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lti.platform import DROP, INSTRUCTOR, Browser, Platform

FOR_USER = "https://purl.imsglobal.org/spec/lti/claim/for_user"
REVIEW = {"message_type": "LtiSubmissionReviewRequest", "roles": [INSTRUCTOR], "sub": "teacher-1"}


def test_it_opens_the_learner_whom_the_gradebook_named(browser: Browser) -> None:
    browser.full_launch()
    response = browser.full_launch(**REVIEW, **{FOR_USER: {"user_id": "subject-41"}})
    root = response.headers["location"]
    assert browser.get(root).headers["location"] == f"{root}review"
    assert "Tess Nguyen" in browser.get(f"{root}review").text


def test_it_enrols_nobody(browser: Browser) -> None:
    response = browser.full_launch(**REVIEW, **{FOR_USER: {"user_id": "never-seen"}})
    assert "Not begun" in browser.get(f"{response.headers['location']}review").text


@pytest.mark.parametrize("for_user", [DROP, {}, "subject-41", {"user_id": 7}, {"user_id": ""}, {"user_id": "x" * 256}])
def test_one_that_does_not_say_whose_is_refused(browser: Browser, platform: Platform, for_user: Any) -> None:
    assert platform
    response = browser.full_launch(**REVIEW, **{FOR_USER: for_user})
    assert response.status_code == 400
    assert "lti-reviewed-user-missing" in response.text


def test_it_needs_its_resource_link(browser: Browser) -> None:
    response = browser.full_launch(**REVIEW, resource_link=DROP, **{FOR_USER: {"user_id": "subject-41"}})
    assert response.status_code == 400
    assert "lti-resource-link" in response.text
