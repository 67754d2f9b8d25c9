"""Confirming an address by a code: what counts, what runs out, what cannot be guessed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.db import Database
from app.core.outbox_models import OutboxEvent
from app.core.secrets import SecretBox
from app.people import service as people
from app.people.email import REQUESTS_PER_ADDRESS_AND_DAY, normalise_email
from app.people.errors import (
    AddressBusy,
    CodeExpired,
    CodeWrong,
    ConfirmationNotFound,
    EmailNotUsable,
    NoCodeRequested,
    PersonNotFound,
    TooManyConfirmations,
)
from app.people.models import ConfirmedEmailRecord
from tests.people.test_identities import launch

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ask(
    database: Database, box: SecretBox, person_id: str, email: str = "tess@example.org"
) -> people.EmailConfirmation:
    with database.write() as session:
        return people.request_email_confirmation(session, box, person_id=person_id, email=email)


def code_of(database: Database, box: SecretBox, confirmation_id: str) -> str:
    with database.read() as session:
        return people.confirmation_mail(session, box, confirmation_id).code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def confirmed(database: Database, person_id: str) -> str | None:
    with database.read() as session:
        found = people.confirmed_email(session, person_id)
    return found.email if found is not None else None


def test_the_code_from_the_mail_confirms_the_address(database: Database, secret_box: SecretBox) -> None:
    person = launch(database, email="lms@example.org")
    asked = ask(database, secret_box, person.id, " Tess@Example.ORG ")
    with database.read() as session:
        mail = people.confirmation_mail(session, secret_box, asked.id)
        assert people.pending_confirmation(session, person.id) == asked
        assert people.notification_address(session, person.id) == "lms@example.org"
    assert (mail.email, mail.person_id, mail.expires_at) == ("tess@example.org", person.id, asked.expires_at)
    assert len(mail.code) == 6
    assert mail.code.isdigit()
    typed = f" {mail.code[:3]} {mail.code[3:]} "
    outcome = people.confirm_email(database, secret_box, person_id=person.id, code=typed)
    assert outcome.email == "tess@example.org"
    with database.read() as session:
        assert people.confirmed_email(session, person.id) == outcome
        assert people.notification_address(session, person.id) == "tess@example.org"
        assert people.pending_confirmation(session, person.id) is None


def test_both_steps_are_told_to_others_by_ids_alone(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    asked = ask(database, secret_box, person.id)
    outcome = people.confirm_email(
        database, secret_box, person_id=person.id, code=code_of(database, secret_box, asked.id)
    )
    with database.read() as session:
        payloads = {event.kind: event.payload for event in session.exec(select(OutboxEvent)).all()}
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "people.email_confirmed")).one()
    assert payloads == {
        "people.email_confirmation_requested": {"confirmation_id": asked.id},
        "people.email_confirmed": {"person_id": person.id, "confirmed_email_id": outcome.id},
    }
    assert entry.ids == {"confirmed_email_id": outcome.id}


def test_five_wrong_codes_end_it_although_each_was_answered_by_an_error(
    database: Database, secret_box: SecretBox
) -> None:
    person = launch(database)
    asked = ask(database, secret_box, person.id)
    code = code_of(database, secret_box, asked.id)
    for left in (4, 3, 2, 1):
        with pytest.raises(CodeWrong) as refused:
            people.confirm_email(database, secret_box, person_id=person.id, code=wrong(code))
        assert refused.value.tries_left == left
    for attempt in (wrong(code), code):
        with pytest.raises(CodeExpired):
            people.confirm_email(database, secret_box, person_id=person.id, code=attempt)
    assert confirmed(database, person.id) is None
    with database.read() as session:
        assert people.pending_confirmation(session, person.id) is None


def test_guesses_made_at_once_are_counted_one_by_one(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    code = code_of(database, secret_box, ask(database, secret_box, person.id).id)
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def guess() -> None:
        barrier.wait()
        try:
            people.confirm_email(database, secret_box, person_id=person.id, code=wrong(code))
        except CodeWrong:
            outcomes.append("wrong")
        except CodeExpired:
            outcomes.append("over")

    guesses = [threading.Thread(target=guess) for _ in range(8)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert sorted(outcomes) == ["over"] * 4 + ["wrong"] * 4


def test_a_code_works_for_fifteen_minutes(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    with time_machine.travel(START, tick=False) as traveller:
        asked = ask(database, secret_box, person.id)
        assert asked.expires_at == START + timedelta(minutes=15)
        code = code_of(database, secret_box, asked.id)
        traveller.shift(timedelta(minutes=15))
        with pytest.raises(CodeExpired):
            people.confirm_email(database, secret_box, person_id=person.id, code=code)
        with pytest.raises(CodeExpired):
            code_of(database, secret_box, asked.id)


def test_only_the_newest_code_counts(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    first = ask(database, secret_box, person.id, "one@example.org")
    old_code = code_of(database, secret_box, first.id)
    second = ask(database, secret_box, person.id, "two@example.org")
    new_code = code_of(database, secret_box, second.id)
    assert old_code != new_code
    with pytest.raises(CodeWrong):
        people.confirm_email(database, secret_box, person_id=person.id, code=old_code)
    assert people.confirm_email(database, secret_box, person_id=person.id, code=new_code).email == "two@example.org"


def test_a_sixth_request_within_the_hour_is_refused_with_the_time_it_opens(
    database: Database, secret_box: SecretBox
) -> None:
    person = launch(database)
    with time_machine.travel(START, tick=False) as traveller:
        for _ in range(5):
            ask(database, secret_box, person.id)
            traveller.shift(timedelta(minutes=1))
        with pytest.raises(TooManyConfirmations) as refused:
            ask(database, secret_box, person.id)
        assert refused.value.opens_at == START + timedelta(hours=1)
        traveller.move_to(START + timedelta(hours=1), tick=False)
        ask(database, secret_box, person.id)


def test_another_persons_code_is_of_no_use(database: Database, secret_box: SecretBox) -> None:
    tess, priya = launch(database), launch(database, "priya")
    code = code_of(database, secret_box, ask(database, secret_box, tess.id).id)
    with pytest.raises(NoCodeRequested):
        people.confirm_email(database, secret_box, person_id=priya.id, code=code)


def test_a_form_sent_twice_is_told_the_same_twice(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    code = code_of(database, secret_box, ask(database, secret_box, person.id).id)
    first = people.confirm_email(database, secret_box, person_id=person.id, code=code)
    assert people.confirm_email(database, secret_box, person_id=person.id, code=code) == first
    with pytest.raises(NoCodeRequested):
        people.confirm_email(database, secret_box, person_id=person.id, code=wrong(code))


def test_a_newly_confirmed_address_takes_the_place_of_the_old_one(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    for email in ("old@example.org", "new@example.org"):
        code = code_of(database, secret_box, ask(database, secret_box, person.id, email).id)
        people.confirm_email(database, secret_box, person_id=person.id, code=code)
    assert confirmed(database, person.id) == "new@example.org"
    with database.read() as session:
        rows = session.exec(select(ConfirmedEmailRecord)).all()
    assert {row.email: row.superseded_at is None for row in rows} == {
        "old@example.org": False,
        "new@example.org": True,
    }


def test_a_code_survives_the_rotation_of_the_servers_key(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    code = code_of(database, secret_box, ask(database, secret_box, person.id).id)
    rotated = SecretBox(["another-key-that-came-later-and-is-long-enough", *secret_box._keys])
    assert people.confirm_email(database, rotated, person_id=person.id, code=code).email == "tess@example.org"


def test_without_the_servers_key_the_database_gives_no_code_away(database: Database, secret_box: SecretBox) -> None:
    person = launch(database)
    asked = ask(database, secret_box, person.id)
    stranger = SecretBox(["a-key-somebody-else-made-up-for-themselves"])
    assert code_of(database, stranger, asked.id) != code_of(database, secret_box, asked.id)


def test_unknown_requests_and_persons_are_not_found(database: Database, secret_box: SecretBox) -> None:
    with pytest.raises(ConfirmationNotFound):
        code_of(database, secret_box, "none")
    with pytest.raises(PersonNotFound):
        ask(database, secret_box, "nobody")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_is_wrong_and_counted(database: Database, secret_box: SecretBox, code: str) -> None:
    person = launch(database)
    ask(database, secret_box, person.id)
    with pytest.raises(CodeWrong):
        people.confirm_email(database, secret_box, person_id=person.id, code=code)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "tess",
        "tess@",
        "@example.org",
        "tess@localhost",
        "tess@example..org",
        "te ss@example.org",
        "tess@example.org\nBcc: all@example.org",
        "tess@example.org,other@example.org",
        "Tess <tess@example.org>",
        ".tess@example.org",
        "tess@-example.org",
        "x" * 65 + "@example.org",
        "tess@" + "x" * 250 + ".org",
        "téss@example.org",
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(database: Database, secret_box: SecretBox, email: str) -> None:
    person = launch(database)
    with pytest.raises(EmailNotUsable):
        ask(database, secret_box, person.id, email)


@pytest.mark.parametrize("email", ["a@b.co", "tess.o'brien+ips@mail.example.org", "x" * 64 + "@example.org"])
def test_usual_addresses_are_taken(email: str) -> None:
    assert normalise_email(f" {email.upper()} ") == email


def test_invented_persons_do_not_add_up_to_a_guessed_code(database: Database, secret_box: SecretBox) -> None:
    """A hostile LMS can invent any number of persons; the codes for one address are counted over all of them."""
    sent = 0
    with time_machine.travel(START, tick=False):
        for number in range(REQUESTS_PER_ADDRESS_AND_DAY):
            ask(database, secret_box, launch(database, subject=f"invented-{number}").id, "victim@example.org")
            sent += 1
        late = launch(database, subject="one-more")
        with pytest.raises(AddressBusy):
            ask(database, secret_box, late.id, "Victim@Example.org")
        ask(database, secret_box, late.id, "late@example.org")
    with time_machine.travel(START + timedelta(days=1, minutes=1), tick=False):
        ask(database, secret_box, late.id, "victim@example.org")
    assert sent == REQUESTS_PER_ADDRESS_AND_DAY


def test_one_persons_code_confirms_nothing_for_another(database: Database, secret_box: SecretBox) -> None:
    tess, mallory = launch(database, subject="tess"), launch(database, subject="mallory")
    asked = ask(database, secret_box, tess.id, "tess@example.org")
    code = code_of(database, secret_box, asked.id)
    with pytest.raises(NoCodeRequested):
        people.confirm_email(database, secret_box, person_id=mallory.id, code=code)
    own = ask(database, secret_box, mallory.id, "tess@example.org")
    assert code_of(database, secret_box, own.id) != code
    with pytest.raises(CodeWrong):
        people.confirm_email(database, secret_box, person_id=mallory.id, code=code)
    assert confirmed(database, mallory.id) is None


@pytest.mark.parametrize(
    "told",
    ["tess@example.org, mallory@evil.example", "Tess <tess@example.org>", "tess@example.org\r\nBcc: x@evil.example",
     "not an address", "tess@exämple.org", '"a b"@example.org'],
)  # fmt: skip
def test_what_an_lms_gives_gets_mail_only_if_it_is_one_plain_address(database: Database, told: str) -> None:
    person = launch(database, email=told)
    with database.read() as session:
        assert people.notification_address(session, person.id) is None
