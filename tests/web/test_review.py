"""Submission review: from the LMS's gradebook to one learner's progress, and to nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.wiring import Services
from tests.web.people import SignedIn, hand_in, sign_in

REVIEW = {"message_type": "LtiSubmissionReviewRequest"}


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess")


def reviewing(services: Services, client: TestClient, of: str, **options: Any) -> SignedIn:
    return sign_in(services, client, "Ali", **{"teacher": True} | options, **REVIEW, for_user=of)


def test_a_teacher_lands_on_the_learners_progress(services: Services, client: TestClient, tess: SignedIn) -> None:
    ali = reviewing(services, client, "Tess")
    assert ali.get("/").headers["location"] == f"{ali.root}/review"
    page = ali.get("/review").text
    assert "Tess" in page
    assert "In progress" in page
    hand_in(services, tess.person_id)
    assert "Handed in" in ali.get("/review").text


def test_the_work_itself_is_not_shown_to_a_teacher(services: Services, client: TestClient, tess: SignedIn) -> None:
    hand_in(services, tess.person_id)
    page = reviewing(services, client, "Tess").get("/review").text
    assert "/assess/" not in page
    assert "only assessors named by the programme read it" in page


def test_an_assessor_is_led_to_the_work(services: Services, client: TestClient, tess: SignedIn) -> None:
    submission = hand_in(services, tess.person_id)
    priya = reviewing(services, client, "Tess", roles=("assessor",))
    page = priya.get("/review").text
    assert f"{priya.root}/assess/{submission}" in page
    assert priya.get(f"/assess/{submission}").status_code == 200


def test_a_learner_nobody_has_seen_is_told_kindly(services: Services, client: TestClient, tess: SignedIn) -> None:
    assert tess.person_id
    page = reviewing(services, client, "somebody-else").get("/review")
    assert page.status_code == 200
    assert "Not begun" in page.text


def test_ones_own_work_is_the_modules_page(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess", **REVIEW, for_user="Tess")
    assert tess.get("/review").headers["location"] == f"{tess.root}/module"


def test_a_learner_sees_nobody_elses(services: Services, client: TestClient, tess: SignedIn) -> None:
    assert tess.person_id
    sam = sign_in(services, client, "Sam", **REVIEW, for_user="Tess")
    page = sam.get("/review")
    assert page.status_code == 403
    assert "Tess" not in page.text


def test_a_plain_launch_reviews_nobody(services: Services, client: TestClient) -> None:
    assert sign_in(services, client, "Ali", teacher=True).get("/review").status_code == 404
