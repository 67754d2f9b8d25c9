"""Launches that must be let in (certification G1–G19), and what each of them leaves behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from app.core.db import Database
from app.learning import service as learning
from app.lti.models import LtiContext, LtiGradeLink, LtiLogin, LtiRegistration
from app.people import service as people
from app.web.models import LaunchSessionRow
from tests.lti.platform import (
    DROP,
    INSTITUTION,
    INSTRUCTOR,
    LEARNER,
    MEMBERSHIP,
    SCORE_SCOPE,
    TARGET,
    TOOL,
    Browser,
    Platform,
)

NOW = int(time.time())
NO_NAMES: dict[str, Any] = {"name": DROP, "given_name": DROP, "family_name": DROP}

GOOD: dict[str, tuple[dict[str, Any], bool]] = {
    "G1 instructor": ({"roles": [INSTRUCTOR]}, True),
    "G2 learner": ({"roles": [LEARNER]}, False),
    "G3 instructor, staff and other": (
        {"roles": [INSTRUCTOR, INSTITUTION + "#Staff", INSTITUTION + "#Other"]},
        True,
    ),
    "G4 learner, student and mentor": (
        {"roles": [LEARNER, INSTITUTION + "#Student", INSTITUTION + "#Mentor"]},
        False,
    ),
    "G5 short instructor": ({"roles": ["Instructor"]}, True),
    "G6 short learner": ({"roles": ["Learner"]}, False),
    "G7 unknown role": ({"roles": ["http://example.org/roles#Wizard"]}, False),
    "G8 unknown role beside learner": ({"roles": ["Wizard", LEARNER]}, False),
    "G9 an empty role": ({"roles": [""]}, False),
    "G10 no role": ({"roles": []}, False),
    "G11 only an address": ({"name": DROP, "given_name": DROP, "family_name": DROP}, False),
    "G13 only names": ({"email": DROP}, False),
    "G13 names that are null": ({"name": None, "given_name": "Tess", "family_name": "", "email": None}, False),
    "G15 nothing personal": (NO_NAMES | {"email": DROP}, False),
    "G17 no course": ({"context": DROP}, False),
    "G19 two audiences and azp": ({"aud": ["other", "client-1"], "azp": "client-1"}, False),
    "G19 one audience in a list": ({"aud": ["client-1"]}, False),
    "G19 extra claims": ({"https://example.org/claim/x": {"y": [1, None, True]}, "lis": 5}, False),
    "G19 test user": ({"roles": [LEARNER, "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"]}, False),
    "G19 teaching assistant": ({"roles": [MEMBERSHIP + "/Instructor#TeachingAssistant"]}, True),
    "a professor of the institution is no teacher here": (
        {"roles": [INSTITUTION + "#Instructor", INSTITUTION + "#Administrator", LEARNER]},
        False,
    ),
    "an institution's role alone is no teacher": ({"roles": [INSTITUTION + "#Instructor"]}, False),
    "B21 expired five seconds ago": ({"iat": NOW - 60, "exp": DROP}, False),
    "no services": ({"ags": DROP, "nrps": DROP, "launch_presentation": DROP, "tool_platform": DROP}, False),
    "custom values as Canvas sends them": ({"custom": {"module": "M01", "n": 5, "none": None, "l": [1]}}, False),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_launch_starts_one_session_with_the_right_view(
    browser: Browser, platform: Platform, database: Database, case: str
) -> None:
    changes, is_teacher = GOOD[case]
    changes = dict(changes)
    if changes.get("exp") is DROP:
        changes["exp"] = int(time.time()) - 5
        changes["iat"] = changes["exp"] - 60
    response = browser.full_launch(**changes)
    assert response.status_code == 303, response.text
    with database.read() as session:
        row = session.exec(select(LaunchSessionRow)).one()
        assert response.headers["location"] == f"/at/{row.handle}/"
        assert row.is_teacher is is_teacher
        assert row.module_key == "M01"
        person = people.person_by_lms_identity(session, registration_id=row.registration_id, subject="subject-41")
        assert person is not None
        assert row.person_id == person.id
        enrolment = learning.enrolment_of(session, person_id=person.id, module_key="M01")
        assert (enrolment is None) is is_teacher
        assert session.exec(select(LtiLogin)).one().used_at is not None


def test_a_clock_five_seconds_ahead_is_forgiven(browser: Browser) -> None:
    """B21."""
    ahead = int(time.time()) + 5
    assert browser.full_launch(iat=ahead, exp=ahead + 60).status_code == 303


def test_a_launch_remembers_where_the_grade_and_the_roster_are(
    browser: Browser, platform: Platform, database: Database
) -> None:
    assert browser.full_launch().status_code == 303
    assert (
        browser.full_launch(ags={"scope": [SCORE_SCOPE], "lineitem": "https://lms.example/items/8"}).status_code == 303
    )
    with database.read() as session:
        link = session.exec(select(LtiGradeLink)).one()
        assert link.line_item_url == "https://lms.example/items/8"
        assert (link.resource_link_id, link.subject, link.module_key) == ("link-5", "subject-41", "M01")
        assert session.exec(select(LtiContext)).one().memberships_url == "https://lms.example/nrps/memberships"
        assert session.exec(select(LtiRegistration)).one().product_family == "practice"


def test_a_teacher_has_no_grade_link(browser: Browser, database: Database) -> None:
    assert browser.full_launch(roles=[INSTRUCTOR]).status_code == 303
    with database.read() as session:
        assert session.exec(select(LtiGradeLink)).all() == []


def test_the_same_subject_at_the_same_platform_is_one_person(browser: Browser, database: Database) -> None:
    assert browser.full_launch().status_code == 303
    assert browser.full_launch(resource_link={"id": "another"}).status_code == 303
    with database.read() as session:
        sessions = session.exec(select(LaunchSessionRow)).all()
        assert len({row.handle for row in sessions}) == 2
        assert len({row.person_id for row in sessions}) == 1


@pytest.mark.parametrize(
    ("target", "custom", "module"),
    [
        (TARGET, DROP, "M01"),
        (TOOL + "/modules/M01/", {"other": "x"}, "M01"),
        (TOOL + "/lti/launch", DROP, None),
        (TOOL + "/", {"module": ""}, None),
        (TOOL + "/", {"module": "M01"}, "M01"),
    ],
)
def test_the_module_is_named_by_the_custom_parameter_or_the_path(
    browser: Browser, platform: Platform, database: Database, target: str, custom: Any, module: str | None
) -> None:
    begun = browser.login(target_link_uri=target)
    token = platform.sign(platform.claims(begun.nonce, target_link_uri=target, custom=custom))
    assert browser.launch(token, begun.state).status_code == 303
    with database.read() as session:
        assert session.exec(select(LaunchSessionRow)).one().module_key == module


def test_two_logins_in_one_browser_may_finish_in_any_order(browser: Browser, platform: Platform) -> None:
    first, second = browser.login(), browser.login()
    assert len([name for name in browser.cookies if name.startswith("__Host-waymark-login-")]) == 2
    assert browser.launch(platform.sign(platform.claims(second.nonce)), second.state).status_code == 303
    assert browser.launch(platform.sign(platform.claims(first.nonce)), first.state).status_code == 303
    assert not [name for name in browser.cookies if name.startswith("__Host-waymark-login-")]


def test_two_posts_of_one_launch_at_the_same_moment_start_one_session(
    browser: Browser, platform: Platform, database: Database
) -> None:
    begun = browser.login()
    token = platform.sign(platform.claims(begun.nonce))
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}

    def post(_: int) -> httpx2.Response:
        return browser.client.post("/lti/launch", data={"id_token": token, "state": begun.state}, headers=headers)

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(response.status_code for response in pool.map(post, range(4)))
    assert answers == [303, 409, 409, 409]
    with database.read() as session:
        assert len(session.exec(select(LaunchSessionRow)).all()) == 1


def test_a_commit_that_fails_lets_nobody_in_and_leaves_the_launch_usable(
    browser: Browser, platform: Platform, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.core.errors import Unavailable
    from app.web import lti as pages

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("The database is away.")

    begun = browser.login()
    token = platform.sign(platform.claims(begun.nonce))
    with monkeypatch.context() as patch:
        patch.setattr(pages, "start_session", broken)
        assert browser.launch(token, begun.state).status_code == 503
    with database.read() as session:
        assert session.exec(select(LtiGradeLink)).all() == []
    assert browser.launch(token, begun.state).status_code == 303


def test_the_launched_pages_may_be_framed_by_the_platform_and_its_return_page(
    browser: Browser, database: Database
) -> None:
    assert browser.full_launch().status_code == 303
    with database.read() as session:
        row = session.exec(select(LaunchSessionRow)).one()
    assert row.frame_ancestors == ["https://lms.example", "https://school.lms.example"]
