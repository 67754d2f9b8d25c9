"""What the scan found, on the pages of the learner who wrote it and of the assessor who reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import AuditEntry
from app.learning import service as learning
from app.learning.models import SubmissionRecord
from app.wiring import Services
from tests.databases import files_with, leave_what_is_deleted
from tests.web.people import SignedIn, hand_in, sign_in

NUMBER = "0412 345 678"
STORY = f"I said not yet to a young person. She wrote {NUMBER} on a card & left <quietly>."


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    """Tess, with everything done and a phone number in her reflection."""
    tess = sign_in(services, client, "Tess")
    submission = hand_in(services, tess.person_id)
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    with services.runtime.database.write() as session:
        learning.return_work(session, submission_id=submission, assessor_id=priya.person_id, comment="More, please.")
    write(tess, STORY)
    return tess


def write(tess: SignedIn, text: str) -> None:
    revision = re.search(r'name="revision" value="(\d+)"', tess.get("/activity/reflection").text)
    assert revision is not None
    answer = tess.post("/activity/reflection/draft", {"text": text, "revision": revision[1], "intent": "stay"})
    assert answer.status_code == 303


def boxes(page: str) -> list[str]:
    return re.findall(r'name="(keep-[0-9a-f]+)"', page)


def rounds(services: Services) -> list[SubmissionRecord]:
    with services.runtime.database.read() as session:
        return list(session.exec(select(SubmissionRecord).order_by("number")).all())


def test_a_draft_is_saved_as_typed_and_the_form_says_quietly_what_to_look_at(tess: SignedIn) -> None:
    page = tess.get("/activity/reflection").text
    assert "Look again before you hand in" in page
    assert "Phone number." in page
    assert "on a card &amp; left &lt;quietly&gt;" in page
    assert 'role="alert"' not in page


def autosave(tess: SignedIn, text: str) -> Any:
    revision = re.search(r'name="revision" value="(\d+)"', tess.get("/activity/reflection").text)
    assert revision is not None
    return tess.put_json("/activity/reflection/draft", {"revision": int(revision[1]), "content": {"text": text}})


def test_each_autosave_is_answered_with_what_the_scan_finds_and_keeps_the_draft(tess: SignedIn) -> None:
    answer = autosave(tess, f"Ask Sister Bukola, or ring {NUMBER}.")
    assert answer.status_code == 200
    found = answer.json()["found"]
    assert list(found) == ["text"]
    assert [(place["kind"], place["words"]) for place in found["text"]] == [
        ("person’s name", "Bukola"),
        ("phone number", NUMBER),
    ]
    assert all(place["reason"] for place in found["text"])
    assert NUMBER in tess.get("/activity/reflection").text
    assert autosave(tess, "Ask the nurse.").json()["found"] == {}


def test_a_newer_draft_of_another_device_brings_what_the_scan_finds_in_it(tess: SignedIn) -> None:
    typed = {"text": "Typed without knowing of the other."}
    answer = tess.put_json("/activity/reflection/draft", {"revision": 0, "content": typed})
    assert answer.status_code == 409
    assert [place["words"] for place in answer.json()["found"]["text"]] == [NUMBER]


def test_what_an_autosave_finds_is_in_no_log(tess: SignedIn, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        assert autosave(tess, f"Another one: {NUMBER}.").json()["found"]
    assert NUMBER not in caplog.text


def test_nothing_is_handed_in_before_each_place_is_answered_for(services: Services, tess: SignedIn) -> None:
    page = tess.get("/hand-in").text
    assert "One place to look at" in page
    assert f'<mark class="found">{NUMBER}<' in page
    assert re.search(r'href="/at/[^"]+/activity/reflection#f-text"', page)
    answer = tess.post("/hand-in", {"declared": "yes"})
    assert answer.status_code == 422
    assert "change it, or tick that it is not about a real person" in answer.text
    assert 'id="f-declared" name="declared" value="yes" checked' in answer.text
    assert len(rounds(services)) == 1


def test_what_is_answered_for_is_handed_in_and_counted_by_kind_alone(services: Services, tess: SignedIn) -> None:
    [box] = boxes(tess.get("/hand-in").text)
    assert tess.post("/hand-in", {"declared": "yes", box: "yes"}).status_code == 303
    latest = rounds(services)[-1]
    assert latest.kept_findings == {"phone": 1}
    with services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == latest.id)).all()
    assert [entry.ids["findings_kept"] for entry in entries] == [1]
    assert NUMBER not in str([entry.ids for entry in entries])


def test_an_answer_holds_for_the_words_it_was_given_for(services: Services, tess: SignedIn) -> None:
    [box] = boxes(tess.get("/hand-in").text)
    write(tess, STORY.replace(NUMBER, "0498 765 432"))
    assert tess.post("/hand-in", {"declared": "yes", box: "yes"}).status_code == 422
    assert len(rounds(services)) == 1


def test_ticks_stay_where_they_were_set_when_something_else_is_missing(tess: SignedIn) -> None:
    [box] = boxes(tess.get("/hand-in").text)
    answer = tess.post("/hand-in", {box: "yes"})
    assert answer.status_code == 422
    assert re.search(rf'name="{box}" value="yes"\s+checked', answer.text) or f'name="{box}" value="yes" checked' in (
        answer.text
    )
    assert "Please tick the declaration." in answer.text


def test_a_changed_text_is_handed_in_without_a_question(services: Services, tess: SignedIn) -> None:
    write(tess, STORY.replace(NUMBER, "her number"))
    assert boxes(tess.get("/hand-in").text) == []
    assert tess.post("/hand-in", {"declared": "yes"}).status_code == 303
    assert rounds(services)[-1].kept_findings == {}


def test_the_invented_people_of_the_module_and_ones_own_name_are_no_findings(tess: SignedIn) -> None:
    write(tess, "I, Tess, thought of Mia in the lesson when I said not yet.")
    assert boxes(tess.get("/hand-in").text) == []


def test_the_assessor_sees_what_was_kept_marked_in_the_text(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    [box] = boxes(tess.get("/hand-in").text)
    tess.post("/hand-in", {"declared": "yes", box: "yes"})
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    page = priya.get(f"/assess/{rounds(services)[-1].id}").text
    assert "Kept by the learner" in page
    assert "1 × phone number" in page
    assert f'<mark class="found">{NUMBER}<' in page
    assert "on a card &amp; left &lt;quietly&gt;" in page


def test_a_text_without_findings_shows_the_assessor_no_warning(services: Services, client: TestClient) -> None:
    learner = sign_in(services, client, "Lou")
    submission_id = hand_in(services, learner.person_id)
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    page = priya.get(f"/assess/{submission_id}").text
    assert "Kept by the learner" not in page
    assert "Marked by the scan" not in page


def test_an_assessor_puts_texts_away_brings_them_back_and_removes_them(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    [box] = boxes(tess.get("/hand-in").text)
    tess.post("/hand-in", {"declared": "yes", box: "yes"})
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    work = f"/assess/{rounds(services)[-1].id}"
    assert priya.post(f"{work}/quarantine").status_code == 303
    away = priya.get(work).text
    assert "The texts are put away" in away
    assert "1 × phone number" in away
    assert "An assessor put your texts away" in tess.get("/module").text
    for page in (away, *(tess.get(path).text for path in ("/module", "/hand-in", "/activity/reflection"))):
        assert NUMBER not in page
    assert priya.post(f"{work}/quarantine/undo").status_code == 303
    assert NUMBER in priya.get(work).text
    priya.post(f"{work}/quarantine")
    assert priya.post(f"{work}/purge").status_code == 422
    assert priya.post(f"{work}/purge", {"sure": "yes"}).status_code == 303
    gone = priya.get(work).text
    assert "The texts are removed" in gone
    assert "Bring the texts back" not in gone
    assert NUMBER not in str([row.texts for row in rounds(services)])


def test_after_texts_are_removed_neither_the_databases_file_nor_its_log_holds_them(
    services: Services, client: TestClient, tess: SignedIn, tmp_path: Path
) -> None:
    database = services.runtime.database
    leave_what_is_deleted(database)
    [box] = boxes(tess.get("/hand-in").text)
    tess.post("/hand-in", {"declared": "yes", box: "yes"})
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    work = f"/assess/{rounds(services)[-1].id}"
    priya.post(f"{work}/quarantine")
    if database.is_sqlite:
        assert files_with(tmp_path, NUMBER), "the test sees what it looks for"
    priya.post(f"{work}/purge", {"sure": "yes"})
    assert files_with(tmp_path, NUMBER) == []


@pytest.mark.parametrize("step", ["quarantine", "quarantine/undo", "purge"])
def test_a_learner_and_a_teacher_without_the_grant_put_nothing_away(
    services: Services, client: TestClient, tess: SignedIn, step: str
) -> None:
    latest = rounds(services)[-1]
    teacher = sign_in(services, client, "Ines", teacher=True)
    for somebody in (tess, teacher):
        assert somebody.post(f"/assess/{latest.id}/{step}", {"sure": "yes"}).status_code == 403
    assert rounds(services)[-1].quarantined_at is None
