"""Files as evidence on their pages: sent by either carrier of a session, refused in words, handed to the right few."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import AuditEntry
from app.learning import service as learning
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord
from app.programme import service as programme
from app.programme.schemas import ExerciseField
from app.web.sessions import SESSION_HEADER
from app.wiring import Services
from tests.learning.factories import publish
from tests.learning.files import hostile
from tests.web.people import SignedIn, hand_in, sign_in
from tests.web.test_sessions_in_memory import signed_in

NUMBER = "0412 345 678"


@pytest.fixture
def exercise(services: Services) -> str:
    """The key of an exercise of M01 that asks for a file from now on."""
    with services.runtime.database.write() as session:
        module = programme.current_module(session, "M01")
        key = next(one.key for one in module.activities if one.kind == "exercise")
        field = ExerciseField("map", "Your map as one page", "Text or a simple drawing.", "file")
        activities = tuple(
            replace(one, fields=(*one.fields, field)) if one.key == key else one for one in module.activities
        )
        publish(session, replace(module, version=module.version + 1, activities=activities))
    return key


@pytest.fixture
def tess(services: Services, client: TestClient, exercise: str) -> SignedIn:
    return sign_in(services, client, "Tess")


def send(who: SignedIn, exercise: str, data: bytes, name: str = "map.txt", **fields: str) -> Any:
    return who.post(f"/activity/{exercise}/files/map", fields, files={"file": (name, data)})


def stored(services: Services) -> list[EvidenceFileRecord]:
    with services.runtime.database.read() as session:
        return list(session.exec(select(EvidenceFileRecord).order_by("stored_at")).all())


def contents(services: Services) -> list[bytes]:
    with services.runtime.database.read() as session:
        return list(session.exec(select(EvidenceContentRecord.content)).all())


def test_from_the_exercise_to_its_files_and_back_without_losing_a_word(
    services: Services, tess: SignedIn, exercise: str
) -> None:
    page = tess.get(f"/activity/{exercise}")
    assert "Add a file" in page.text
    field = re.search(r'<textarea class="input" id="f-[a-z-]+" name="([a-z-]+)"', page.text)
    assert field is not None
    answer = tess.post(
        f"/activity/{exercise}/draft", {field[1]: "Half a sentence", "revision": "0", "intent": "files-map"}
    )
    assert answer.headers["location"].endswith(f"/activity/{exercise}/files/map")
    assert "Half a sentence" in tess.get(f"/activity/{exercise}").text
    answer = send(tess, exercise, b"A map of care.")
    assert answer.status_code == 303
    after = tess.client.get(answer.headers["location"], headers={"Cookie": tess.cookie, "Accept": "text/html"}).text
    assert "Added: map.txt" in after
    assert "map.txt" in tess.get(f"/activity/{exercise}").text


def test_a_photograph_needs_a_look_and_loses_its_place(services: Services, tess: SignedIn, exercise: str) -> None:
    refused = send(tess, exercise, hostile.photo(), "IMG.jpg")
    assert refused.status_code == 422
    assert "Please tick that you looked" in refused.text
    assert stored(services) == []
    answer = send(tess, exercise, hostile.photo(), "IMG.jpg", looked="yes")
    page = tess.client.get(answer.headers["location"], headers={"Cookie": tess.cookie, "Accept": "text/html"}).text
    assert "We took out: the place where the picture was taken" in page
    (content,) = contents(services)
    assert b"Exif" not in content


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (f"Ring {NUMBER} to ask.".encode(), "map.txt"),
        (hostile.word(hostile.paragraph("All fine.") + hostile.paragraph(f"Ring {NUMBER}.")), "map.docx"),
        (hostile.written(hostile.pdf(f"Ring {NUMBER}.")), "map.pdf"),
    ],
)
def test_a_number_in_a_file_is_shown_with_its_place_and_nothing_is_stored_until_it_is_answered(
    services: Services, tess: SignedIn, exercise: str, data: bytes, name: str
) -> None:
    page = send(tess, exercise, data, name)
    assert page.status_code == 422
    assert f'<mark class="found">{NUMBER}</mark>' in page.text
    where = {"map.txt": "line 1", "map.docx": "paragraph 2", "map.pdf": "page 1"}[name]
    assert f"In {where}:" in page.text
    assert stored(services) == []
    assert 'name="fine-phone"' in page.text
    assert send(tess, exercise, data, name, **{"fine-email": "yes"}).status_code == 422
    assert send(tess, exercise, data, name, **{"fine-phone": "yes"}).status_code == 303
    assert [row.kept_findings for row in stored(services)] == [{"phone": 1}]


def test_a_kind_behind_a_hundred_places_of_another_is_asked_about_too(
    services: Services, tess: SignedIn, exercise: str
) -> None:
    data = "\n".join((*(f"0412 345 {number:03}" for number in range(120)), "Jessica Nguyen came.")).encode()
    page = send(tess, exercise, data, **{"fine-phone": "yes"})
    assert page.status_code == 422
    assert '<mark class="found">Jessica Nguyen</mark>' in page.text
    assert send(tess, exercise, data, **{"fine-phone": "yes", "fine-name": "yes"}).status_code == 303
    assert [row.kept_findings for row in stored(services)] == [{"phone": 120, "name": 1}]


def test_an_answer_counts_for_the_words_it_was_given_for_and_not_for_the_next_files(
    services: Services, tess: SignedIn, exercise: str
) -> None:
    page = send(tess, exercise, f"Ring {NUMBER} or write to a@agency.example.".encode()).text
    (seen,) = re.findall(r'name="seen" value="([0-9a-f ]+)"', page)
    half = send(
        tess, exercise, f"Ring {NUMBER} or write to a@agency.example.".encode(), seen=seen, **{"fine-phone": "on"}
    )
    assert 'type="hidden" name="fine-phone"' in half.text, "ticked once is enough"
    both = {"fine-phone": "yes", "fine-email": "on", "seen": seen}
    other = send(tess, exercise, b"Ring 0499 888 777 or write to a@agency.example.", **both)
    assert other.status_code == 422
    assert '<mark class="found">0499 888 777</mark>' in other.text
    assert 'type="hidden" name="fine-phone"' not in other.text
    assert stored(services) == []
    assert send(tess, exercise, f"Write to a@agency.example. Or ring {NUMBER}.".encode(), **both).status_code == 303


def test_a_name_in_the_files_own_name_is_found(services: Services, tess: SignedIn, exercise: str) -> None:
    page = send(tess, exercise, b"A map.", "Jessica_Nguyen-map.txt")
    assert page.status_code == 422
    assert "In the file’s name:" in page.text
    assert stored(services) == []


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (hostile.SVG, "map.png", "Save it as a picture (PNG) or as PDF"),
        (hostile.HTML, "map.txt", "This is a web page"),
        (hostile.word('<w:p><w:ins w:id="1" w:author="X"/></w:p>'), "map.docx",
         "Your file still shows changes or comments, with names. Accept all changes, remove comments"),
        (hostile.huge_png(), "map.png", "more than 50 million pixels"),
        (hostile.locked_pdf(), "map.pdf", "protected by a password"),
        (b"", "map.txt", "This file is empty"),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_refused_in_words_and_nothing_is_lost(
    services: Services, tess: SignedIn, exercise: str, data: bytes, name: str, says: str
) -> None:
    send(tess, exercise, b"The first.")
    page = send(tess, exercise, data, name, looked="yes")
    assert page.status_code == 422
    assert says in page.text
    assert "Nothing of this file was stored" in page.text
    assert contents(services) == [b"The first."]


def test_a_form_without_a_file_says_so(tess: SignedIn, exercise: str) -> None:
    page = tess.post(f"/activity/{exercise}/files/map", {}, files={"other": ("", b"")})
    assert page.status_code == 422
    page = tess.post(f"/activity/{exercise}/files/map", {})
    assert page.status_code == 422
    assert "No file was chosen" in page.text


def test_a_file_that_is_too_large_is_refused_by_its_announced_length(
    services: Services, tess: SignedIn, exercise: str
) -> None:
    page = send(tess, exercise, b"x" * 10_200_000)
    assert page.status_code == 413
    assert "at most 10 MB" in page.text
    assert f"/activity/{exercise}/files/map" in page.text, "the way back"
    assert send(tess, exercise, b"y" * 10_050_000).status_code == 413
    assert stored(services) == []


def test_other_forms_keep_their_own_bound(tess: SignedIn, exercise: str) -> None:
    page = tess.post(f"/activity/{exercise}/draft", {"x": "y" * 6_500_000})
    assert page.status_code == 413


def test_a_form_of_another_page_is_not_taken(services: Services, tess: SignedIn, exercise: str) -> None:
    assert send(replace(tess, token="wrong"), exercise, b"A map.").status_code == 403
    foreign = tess.post(
        f"/activity/{exercise}/files/map", files={"file": ("a.txt", b"A map.")},
        headers={"Origin": "http://evil.example"},
    )  # fmt: skip
    assert foreign.status_code == 403
    assert send(replace(tess, cookie="a=b"), exercise, b"A map.").status_code == 401
    assert stored(services) == []


def test_only_a_field_for_files_takes_one(tess: SignedIn, exercise: str) -> None:
    assert tess.get(f"/activity/{exercise}/files/nothing").status_code == 404
    assert tess.get("/activity/reflection/files/text").status_code == 404
    assert tess.post("/activity/nothing/files/map", files={"file": ("a.txt", b"A map.")}).status_code == 404


def test_removed_and_brought_back(services: Services, tess: SignedIn, exercise: str) -> None:
    send(tess, exercise, b"A map.")
    (row,) = stored(services)
    there = f"/activity/{exercise}/files/map"
    assert tess.post(f"{there}/{row.id}/remove").status_code == 303
    page = tess.get(there).text
    assert "bring a file back for ten minutes" in page
    assert "Your file" not in page
    assert tess.post(f"{there}/{row.id}/undo").status_code == 303
    assert "Your file" in tess.get(there).text
    assert tess.post(f"{there}/nothing/remove").status_code == 404


def test_a_file_is_handed_out_so_that_nothing_in_it_can_run(services: Services, tess: SignedIn, exercise: str) -> None:
    send(tess, exercise, "Über".encode(), "Karte für mich.txt")
    send(tess, exercise, hostile.photo(), "p.jpg", looked="yes")
    text, picture = (tess.get(f"/files/{row.id}") for row in stored(services))
    assert text.headers["content-disposition"] == "attachment; filename*=UTF-8''Karte%20f%C3%BCr%20mich.txt"
    assert picture.headers["content-disposition"].startswith("inline;")
    for answer in (text, picture):
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert picture.headers["content-type"] == "image/jpeg"


def test_who_sees_a_file(services: Services, client: TestClient, tess: SignedIn, exercise: str) -> None:
    send(tess, exercise, b"A map.")
    (row,) = stored(services)
    submission = hand_in(services, tess.person_id)
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    teacher = sign_in(services, client, "Ines", teacher=True)
    other = sign_in(services, client, "Olga")
    assert "map.txt" in priya.get(f"/assess/{submission}").text
    assert priya.get(f"/files/{row.id}").content == b"A map."
    assert tess.get(f"/files/{row.id}").content == b"A map."
    assert teacher.get(f"/files/{row.id}").status_code == 403
    assert other.get(f"/files/{row.id}").status_code == 403
    with services.runtime.database.read() as session:
        seen = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.file_opened")).all()
    assert [entry.actor_id for entry in seen] == [priya.person_id]
    with services.runtime.database.write() as session:
        learning.quarantine(session, submission_id=submission, assessor_id=priya.person_id)
    assert priya.get(f"/files/{row.id}").status_code == 404
    assert tess.get(f"/files/{row.id}").status_code == 403
    assert "map.txt" not in tess.get(f"/activity/{exercise}").text


def test_before_handing_in_the_files_are_named(tess: SignedIn, exercise: str) -> None:
    send(tess, exercise, b"A map.", "My map.txt")
    assert "My map.txt" in tess.get("/hand-in").text


def test_a_session_in_memory_sends_and_fetches_files_too(services: Services, client: TestClient, exercise: str) -> None:
    tess = signed_in(services, client, "Tess")
    address = f"{tess.root}/activity/{exercise}/files/map"
    without = client.post(address, data={"csrf": tess.csrf}, files={"file": ("a.txt", b"A map.")})
    assert without.status_code == 401
    headers = {SESSION_HEADER: tess.token, "Accept": "text/html"}
    sent = client.post(address, data={"csrf": tess.csrf}, files={"file": ("a.txt", b"A map.")}, headers=headers)
    assert sent.status_code == 303
    (row,) = stored(services)
    assert tess.get(f"/files/{row.id}").content == b"A map."
    assert client.get(f"{tess.root}/files/{row.id}").status_code == 401
