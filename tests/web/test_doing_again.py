"""Doing a module again on the pages: what is offered when a badge is gone, what is asked, and what becomes of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.learning.models import SubmissionRecord
from app.programme import service as programme
from app.wiring import Services
from tests.web.people import SignedIn, hand_in, sign_in
from tests.web.test_holder import award
from tests.web.test_learner_pages import awarded

BUTTON = "Do the module again"


class Lost:
    """Tess was awarded M01, and something became of the badge."""

    def __init__(self, services: Services, client: TestClient, worker: Worker) -> None:
        self.services, self.client, self.worker = services, client, worker
        self.tess, self.badge = awarded(services, client, worker)

    def revoke(self) -> None:
        runtime = self.services.runtime
        issuer.revoke(
            runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=self.badge,
            reason="a test", actor=OPERATOR,
        )  # fmt: skip

    def change(self, **values: Any) -> None:
        with self.services.runtime.database.write() as session:
            row = session.get_one(Credential, self.badge)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)

    def award_again(self) -> None:
        """Tess hands in, Priya awards."""
        priya = sign_in(self.services, self.client, "Priya", roles=("assessor",), teacher=True)
        submission_id = hand_in(self.services, self.tess.person_id)
        page = priya.get(f"/assess/{submission_id}").text
        assert "The module is done again" in page
        levels = {f"level-{key}": "3" for key in re.findall(r'name="level-([^"]+)"', page)}
        talk = {"talk-date": "2026-01-02", "talk-role": "Centre manager"}
        asked = priya.post(f"/assess/{submission_id}", levels | talk | {"decision": "award", "comment": "Well."})
        assert asked.status_code == 200, asked.text
        assert priya.post(f"/assess/{submission_id}/award", {"comment": "Well."}).status_code == 303


@pytest.fixture
def lost(services: Services, client: TestClient, worker: Worker) -> Lost:
    return Lost(services, client, worker)


def test_while_the_badge_counts_nothing_is_offered_and_nothing_can_be_begun(lost: Lost) -> None:
    assert BUTTON not in lost.tess.get("/module").text
    refused = lost.tess.post("/again")
    assert refused.status_code == 409
    assert "cannot be done again now" in refused.text
    assert "Well done" in lost.tess.get("/module").text


def test_from_a_revoked_badge_to_a_new_one(lost: Lost) -> None:
    lost.revoke()
    page = lost.tess.get("/module").text
    for words in ("Your badge was revoked", "You can earn it again", BUTTON, "from the start"):
        assert words in page
    for path in ("/badges", f"/badges/{lost.badge}", f"/badges/{lost.badge}/renew"):
        assert f"choose “{BUTTON}”" in lost.tess.get(path).text, path
    answer = lost.tess.post("/again")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{lost.tess.root}/module")
    page = lost.tess.get("/module").text
    assert "Your second time" in page
    assert "Your badge was revoked" not in page
    assert BUTTON not in page
    assert "0 of" in page
    assert "You are doing it again." in lost.tess.get("/pathway/practitioner").text
    for path in ("/badges", f"/badges/{lost.badge}", f"/badges/{lost.badge}/renew"):
        told = lost.tess.get(path).text
        assert "You are doing the module again." in told, path
        assert BUTTON not in told, path
    lost.award_again()
    page = lost.tess.get("/module").text
    assert "Well done" in page, "also before the badge is made"
    assert BUTTON not in page
    lost.worker.run_until_idle()
    assert "nobody sees it until you share it" in lost.tess.get("/module").text
    with lost.services.runtime.database.read() as session:
        states = sorted(badge.state for badge in issuer.credentials_of(session, lost.tess.person_id))
    assert states == ["issued", "revoked"]
    assert "can be done again" not in lost.tess.get("/badges").text


def test_a_revoked_badge_whose_texts_were_put_away_is_told_as_revoked(lost: Lost) -> None:
    lost.revoke()
    with lost.services.runtime.database.write() as session:
        row = session.exec(select(SubmissionRecord)).one()
        row.quarantined_at, row.texts = now(), {}
        session.add(row)
    page = lost.tess.get("/module").text
    for words in ("Your badge was revoked", "put your texts away", "You can earn it again"):
        assert words in page
    assert "Your award stands" not in page


def test_a_badge_that_came_another_way_is_told_beside_the_second_time(lost: Lost) -> None:
    lost.revoke()
    lost.tess.post("/again")
    until = (now() + timedelta(days=30)).replace(microsecond=0)
    with lost.services.runtime.database.read() as session:
        version = programme.current_module(session, "M01").version
    award(
        lost.services, lost.tess.person_id, "api:1", achievement_key="M01", achievement_version=version,
        valid_until=until, awarded_at=until - timedelta(days=1000),
    )  # fmt: skip
    page = lost.tess.get("/module").text
    for words in ("Your second time", "you need not finish this", "You can renew it now"):
        assert words in page


def test_of_a_badge_that_ended_long_ago_the_pages_lead_to_the_button(lost: Lost) -> None:
    lost.change(valid_until=now() - timedelta(days=400))
    for path in ("/badges", f"/badges/{lost.badge}", f"/badges/{lost.badge}/renew"):
        assert f"choose “{BUTTON}”" in lost.tess.get(path).text, path
    page = lost.tess.get("/module").text
    assert "Well done" not in page
    assert "ended too long ago to be renewed" in page
    assert "Renewing your badge" not in page
    assert BUTTON in page
    lost.tess.post("/again")
    assert "Your second time" in lost.tess.get("/module").text
    assert lost.tess.post("/again").status_code == 303, "a second click changes nothing"


def test_within_twelve_months_it_is_renewed_instead(lost: Lost) -> None:
    lost.change(valid_until=now() - timedelta(days=300))
    page = lost.tess.get("/module").text
    assert BUTTON not in page
    assert "You can renew it now" in page
    assert lost.tess.post("/again").status_code == 409


def test_a_published_set_of_which_the_marks_were_shown_is_said(lost: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.awards.doing_again._is_same_set", lambda *_: True)
    lost.revoke()
    page = lost.tess.get("/module").text
    assert "agreed marks" in page
    assert BUTTON not in page
    assert lost.tess.post("/again").status_code == 409


def test_nobody_begins_it_for_somebody_else_or_without_their_form(lost: Lost) -> None:
    lost.revoke()
    tess: SignedIn = lost.tess
    assert lost.client.post(f"{tess.root}/again", headers={"Cookie": tess.cookie}).status_code in (400, 403)
    assert lost.client.post(f"{tess.root}/again", data={"csrf": tess.token}).status_code == 401
    other = sign_in(lost.services, lost.client, "Noor")
    assert other.post("/again").status_code == 409
    assert "Your second time" not in tess.get("/module").text


def test_the_copy_of_ones_data_has_both_times(lost: Lost) -> None:
    lost.revoke()
    lost.tess.post("/again")
    sections = lost.tess.get("/your-data/everything.json").json()["sections"]
    assert sorted(row["number"] for row in sections["learning.enrolments"]["records"]) == [0, 1]
