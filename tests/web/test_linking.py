"""“I have used Waymark before”, from page to page: the same words whoever asks, and one person in the end."""

from __future__ import annotations

import re

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.people import linking
from app.people import service as people
from app.people.link_models import LinkRequestRecord
from app.web.models import LaunchSessionRow
from app.wiring import Services, build_worker
from tests.web.people import SignedIn, hand_in, sign_in

EARLIER = "/your-data/earlier"
HOME = "tess.home@example.org"


@pytest.fixture
def before(services: Services, client: TestClient) -> SignedIn:
    """Tess at her first workplace, with an address that she confirmed."""
    who = sign_in(services, client, "Tess Before")
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=who.person_id, email=HOME)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=who.person_id, code=code)
    return who


@pytest.fixture
def today(services: Services, client: TestClient) -> SignedIn:
    with services.runtime.database.write() as session:
        agency = people.ensure_organisation(session, key="hn", name="Harbour & North")
    return sign_in(services, client, "Tess Today", organisation_id=agency.id)


def code_for(services: Services, who: SignedIn) -> str:
    """The code of the mail, whether or not one is sent."""
    runtime = services.runtime
    with runtime.database.read() as session:
        newest = session.exec(
            select(LinkRequestRecord.id)
            .where(LinkRequestRecord.person_id == who.person_id)
            .order_by(col(LinkRequestRecord.requested_at).desc())
        ).first()
    assert newest is not None
    return runtime.secret_box.code(linking.PURPOSE, newest)


def enter_code(services: Services, who: SignedIn, email: str = HOME) -> None:
    assert who.post(EARLIER, {"email": email}).status_code == 303
    answer = who.post(f"{EARLIER}/code", {"code": code_for(services, who)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{who.root}{EARLIER}/join")


def test_whoever_has_begun_and_confirmed_no_address_is_told_how_their_work_can_come_along(
    services: Services, before: SignedIn, today: SignedIn
) -> None:
    advice = "Confirm an address that stays yours"
    assert advice not in today.get("/module").text, "nothing is there to be left behind yet"
    for who, is_told in ((today, True), (before, False)):
        who.post("/activity/lesson/read")
        assert (advice in who.get("/module").text) == is_told


def without_what_differs(page: str) -> str:
    return re.sub(r'value="[^"]{20,}"|nonce="[^"]*"', "", page)


def test_the_way_there_is_on_your_data_and_where_badges_are_missed(today: SignedIn) -> None:
    for path in ("/your-data", "/badges"):
        assert f'href="{today.root}{EARLIER}"' in today.get(path).text, path
    assert "e-mail" in today.get(EARLIER).text


def test_from_the_address_to_one_person(services: Services, before: SignedIn, today: SignedIn) -> None:
    enter_code(services, today)
    page = today.get(f"{EARLIER}/join")
    assert page.headers["cache-control"] == "no-store"
    for words in ("Modules begun", "You cannot undo this", "You began “", "Join them for good"):
        assert words in page.text, words
    done = today.post(f"{EARLIER}/join")
    assert (done.status_code, done.headers["location"]) == (303, f"{today.root}{EARLIER}/joined")
    told = today.get(f"{EARLIER}/joined").text
    for words in ("Harbour &amp; North", "stays with the old record", "We sent a mail"):
        assert words in told, words
    assert HOME in today.get("/your-data").text
    assert f"{today.root}{EARLIER}/joined" in today.get("/your-data").text
    again = today.post(f"{EARLIER}/join")
    assert (again.status_code, again.headers["location"]) == (303, f"{today.root}{EARLIER}/joined")
    with services.runtime.database.read() as session:
        assert set(session.exec(select(LaunchSessionRow.person_id)).all()) == {before.person_id}


def test_nobody_learns_from_the_pages_which_addresses_are_known(
    services: Services, before: SignedIn, today: SignedIn
) -> None:
    pages = []
    for email in (HOME, "none.home@example.org"):
        answers = [today.post(EARLIER, {"email": email}), today.get(f"{EARLIER}/code")]
        answers.append(today.post(f"{EARLIER}/code", {"code": "12"}))
        pages.append([(one.status_code, without_what_differs(one.text.replace(email, "ADDRESS"))) for one in answers])
        assert today.get(f"{EARLIER}/join").status_code == 303, "nothing is shown before the code"
    assert pages[0] == pages[1]
    refused = today.post(f"{EARLIER}/code", {"code": code_for(services, today)})
    assert refused.status_code == 400, "the code of a mail that was never sent opens nothing"


def test_wrong_codes_are_counted_and_then_a_new_one_is_asked_for(
    services: Services, before: SignedIn, today: SignedIn
) -> None:
    today.post(EARLIER, {"email": HOME})
    right = code_for(services, today)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for left in ("4 tries", "3 tries", "2 tries", "1 try"):
        answer = today.post(f"{EARLIER}/code", {"code": wrong})
        assert (answer.status_code, left in answer.text) == (400, True)
    assert today.post(f"{EARLIER}/code", {"code": wrong}).status_code == 410
    assert today.post(f"{EARLIER}/code", {"code": right}).status_code == 410
    assert today.get(f"{EARLIER}/join").headers["location"] == f"{today.root}{EARLIER}"


def test_what_is_no_address_and_too_many_are_told_on_the_page(today: SignedIn) -> None:
    refused = today.post(EARLIER, {"email": "no address"})
    assert (refused.status_code, "no address" in refused.text) == (400, True)
    for number in range(5):
        today.post(EARLIER, {"email": f"try{number}@example.org"})
    assert today.post(EARLIER, {"email": "one.more@example.org"}).status_code == 429


def test_a_second_launch_of_the_same_login_cannot_use_the_first_ones_code(
    services: Services, client: TestClient, before: SignedIn, today: SignedIn
) -> None:
    second = sign_in(services, client, "Tess Today")
    assert second.person_id == today.person_id
    today.post(EARLIER, {"email": HOME})
    code = code_for(services, today)
    assert second.get(f"{EARLIER}/code").status_code == 303
    assert second.post(f"{EARLIER}/code", {"code": code}).status_code == 409
    enter_code(services, today)
    assert second.get(f"{EARLIER}/join").status_code == 303
    assert second.post(f"{EARLIER}/join").status_code == 410
    assert today.post(f"{EARLIER}/join").headers["location"].endswith("/joined")
    assert HOME in second.get("/your-data").text, "its session goes on as the one person, too"


def test_what_hinders_is_told_and_the_button_is_not_there(
    services: Services, before: SignedIn, today: SignedIn
) -> None:
    for who in (before, today):
        hand_in(services, who.person_id)
    enter_code(services, today)
    page = today.get(f"{EARLIER}/join").text
    assert "waits for an assessor" in page
    assert "Join them for good" not in page
    assert today.post(f"{EARLIER}/join").headers["location"] == f"{today.root}{EARLIER}/join"
    assert today.get(f"{EARLIER}/joined").status_code == 303


def test_only_a_form_of_the_sessions_own_joins(services: Services, before: SignedIn, today: SignedIn) -> None:
    enter_code(services, today)
    assert today.post(f"{EARLIER}/join", {"csrf": "x"}).status_code == 403
    assert today.get(f"{EARLIER}/join").status_code == 200


def test_names_of_modules_are_written_out_as_text(services: Services, before: SignedIn, today: SignedIn) -> None:
    enter_code(services, today)
    build_worker(services).run_until_idle()
    assert "What Makes IPS, IPS" in today.get(f"{EARLIER}/join").text
