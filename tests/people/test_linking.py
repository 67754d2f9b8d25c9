"""Joining a record with an earlier one: what a code proves, and what cannot be guessed, borrowed or repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import Database
from app.core.outbox_models import OutboxEvent
from app.core.secrets import SecretBox
from app.people import linking
from app.people import service as people
from app.people.email import REQUESTS_PER_ADDRESS_AND_DAY
from app.people.errors import (
    AddressBusy,
    CodeExpired,
    CodeWrong,
    EmailNotUsable,
    NoCodeRequested,
    PersonNotFound,
    TooManyConfirmations,
)
from app.people.link_errors import LinkOver, PersonLinked
from app.people.models import ConfirmedEmailRecord
from app.people.person_merge import PeopleMerge
from tests.people.test_email_confirmation import ask, code_of, confirmed, wrong
from tests.people.test_identities import launch

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOME = "tess@example.org"
TAB, OTHER_TAB = "this-tab", "another-tab"
ROOMS = (PeopleMerge(),)


def confirm(database: Database, box: SecretBox, person_id: str, email: str = HOME) -> None:
    asked = ask(database, box, person_id, email)
    people.confirm_email(database, box, person_id=person_id, code=code_of(database, box, asked.id))


def before_and_now(database: Database, box: SecretBox) -> tuple[str, str]:
    """Tess at agency A with a confirmed address, and Tess at agency B: two persons so far."""
    before = launch(database, name="Tess A", email="tess@a.example")
    confirm(database, box, before.id)
    return before.id, launch(database, lms="canvas", name="Tess B", email="tess@b.example").id


def request(database: Database, person_id: str, email: str = HOME, tab: str = TAB) -> str:
    with database.write() as session:
        return linking.request_link(
            session, person_id=person_id, email=email, asked_in=tab, organisation_id=None
        ).id  # fmt: skip


def mailed(database: Database, box: SecretBox, request_id: str) -> str:
    with database.read() as session:
        mail = linking.link_code_mail(session, box, request_id)
    assert mail is not None
    assert mail.email == HOME
    return mail.code


def prove(database: Database, box: SecretBox, person_id: str, code: str, tab: str = TAB) -> None:
    linking.prove_link(database, box, person_id=person_id, asked_in=tab, code=code)


def join(database: Database, person_id: str, tab: str = TAB) -> None:
    linking.link_persons(database, ROOMS, person_id=person_id, asked_in=tab)


def proven(database: Database, person_id: str, tab: str = TAB) -> bool:
    with database.read() as session:
        return linking.proven_link(session, person_id, tab) is not None


def audited(database: Database, action: str) -> list[AuditEntry]:
    with database.read() as session:
        return list(session.exec(select(AuditEntry).where(AuditEntry.action == action)).all())


def test_the_code_and_a_confirmation_make_one_person_of_two(database: Database, secret_box: SecretBox) -> None:
    before, now_ = before_and_now(database, secret_box)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_, " TESS@example.org ")))
    assert proven(database, now_)
    assert launch(database, lms="canvas").id == now_, "nothing changes before the confirmation"
    join(database, now_)
    assert launch(database, lms="canvas").id == launch(database).id == before
    assert confirmed(database, before) == HOME
    with database.read() as session:
        assert linking.links(session, before) == linking.links(session)
        (link,) = linking.links(session)
        assert people.display_name(session, now_) == people.display_name(session, before)
        assert people.notification_address(session, now_) == HOME, "an event from before still finds the person"
        event = session.exec(select(OutboxEvent).where(OutboxEvent.kind == "people.persons_linked")).one()
    assert (link.person_id, link.now_with, link.joined_into) == (now_, before, before)
    assert event.payload == {"linked_id": now_, "person_id": before}
    (entry,) = audited(database, "people.persons_linked")
    assert (entry.actor_id, entry.subject_id, entry.ids) == (now_, before, {"linked_id": now_})


def test_an_address_nobody_confirmed_is_answered_like_one_that_somebody_did(
    database: Database, secret_box: SecretBox
) -> None:
    _, now_ = before_and_now(database, secret_box)
    asked = request(database, now_, "nobody@example.org")
    with database.read() as session:
        assert linking.link_code_mail(session, secret_box, asked) is None
        pending = linking.pending_link(session, now_, TAB)
        events = session.exec(select(OutboxEvent).where(OutboxEvent.kind == "people.link_code_requested")).all()
    assert pending is not None
    assert pending.tries_left == 5
    assert len(events) == 1
    would_be = secret_box.code(linking.PURPOSE, asked)
    for left in (4, 3):
        with pytest.raises(CodeWrong) as refused:
            prove(database, secret_box, now_, would_be)
        assert refused.value.tries_left == left


def test_an_address_that_an_lms_asserts_or_that_is_ones_own_leads_to_nobody(
    database: Database, secret_box: SecretBox
) -> None:
    victim = launch(database, email="victim@example.org")
    hostile = launch(database, lms="hostile", name="Victim", email="victim@example.org")
    confirm(database, secret_box, hostile.id, "mine@example.org")
    for email in ("victim@example.org", "mine@example.org"):
        asked = request(database, hostile.id, email)
        with database.read() as session:
            assert linking.link_code_mail(session, secret_box, asked) is None
    assert launch(database).id == victim.id


def test_five_wrong_codes_end_it_although_each_was_answered_by_an_error(
    database: Database, secret_box: SecretBox
) -> None:
    _, now_ = before_and_now(database, secret_box)
    code = mailed(database, secret_box, request(database, now_))
    for _ in range(4):
        with pytest.raises(CodeWrong):
            prove(database, secret_box, now_, wrong(code))
    for attempt in (wrong(code), code):
        with pytest.raises(CodeExpired):
            prove(database, secret_box, now_, attempt)
    assert not proven(database, now_)


def test_guesses_made_at_once_are_counted_one_by_one(database: Database, secret_box: SecretBox) -> None:
    _, now_ = before_and_now(database, secret_box)
    code = mailed(database, secret_box, request(database, now_))

    def guess(_: int) -> str:
        try:
            prove(database, secret_box, now_, wrong(code))
        except (CodeWrong, CodeExpired) as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(8) as threads:
        outcomes = sorted(threads.map(guess, range(8)))
    assert outcomes == ["CodeExpired"] * 4 + ["CodeWrong"] * 4


def test_a_code_is_good_for_who_asked_in_the_session_in_which_they_did(
    database: Database, secret_box: SecretBox
) -> None:
    before, now_ = before_and_now(database, secret_box)
    stranger = launch(database, lms="hostile").id
    code = mailed(database, secret_box, request(database, now_))
    for person_id, tab in ((stranger, TAB), (before, TAB), (now_, OTHER_TAB)):
        with pytest.raises(NoCodeRequested):
            prove(database, secret_box, person_id, code, tab)
    prove(database, secret_box, now_, code)
    for person_id, tab in ((stranger, TAB), (now_, OTHER_TAB), (stranger, OTHER_TAB)):
        assert not proven(database, person_id, tab)
        with pytest.raises(LinkOver):
            join(database, person_id, tab)
    assert launch(database, lms="canvas").id == now_


def test_neither_kind_of_code_works_in_place_of_the_other(database: Database, secret_box: SecretBox) -> None:
    _, now_ = before_and_now(database, secret_box)
    link_code = mailed(database, secret_box, request(database, now_))
    asked = ask(database, secret_box, now_, HOME)
    confirm_code = code_of(database, secret_box, asked.id)
    assert link_code != confirm_code
    with pytest.raises(CodeWrong):
        prove(database, secret_box, now_, confirm_code)
    with pytest.raises(CodeWrong):
        people.confirm_email(database, secret_box, person_id=now_, code=link_code)


def test_only_the_newest_code_works_and_for_fifteen_minutes(database: Database, secret_box: SecretBox) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        _, now_ = before_and_now(database, secret_box)
        old = mailed(database, secret_box, request(database, now_))
        traveller.shift(timedelta(seconds=1))
        new = mailed(database, secret_box, request(database, now_))
        with pytest.raises(CodeWrong):
            prove(database, secret_box, now_, old)
        traveller.shift(timedelta(minutes=15))
        with pytest.raises(CodeExpired):
            prove(database, secret_box, now_, new)
        assert not proven(database, now_)


def test_what_was_proved_holds_for_half_an_hour(database: Database, secret_box: SecretBox) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        _, now_ = before_and_now(database, secret_box)
        prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
        traveller.shift(timedelta(minutes=29))
        assert proven(database, now_)
        traveller.shift(timedelta(minutes=1))
        assert not proven(database, now_)
        with pytest.raises(LinkOver):
            join(database, now_)


@pytest.mark.parametrize("is_proved", [False, True])
def test_an_address_that_was_given_up_proves_nothing_any_more(
    database: Database, secret_box: SecretBox, is_proved: bool
) -> None:
    before, now_ = before_and_now(database, secret_box)
    asked = request(database, now_)
    code = mailed(database, secret_box, asked)
    if is_proved:
        prove(database, secret_box, now_, code)
    confirm(database, secret_box, before, "new@example.org")
    if is_proved:
        with pytest.raises(LinkOver):
            join(database, now_)
    else:
        with pytest.raises(CodeExpired):
            prove(database, secret_box, now_, code)
        with database.read() as session:
            assert linking.link_code_mail(session, secret_box, asked) is None
    assert launch(database, lms="canvas").id == now_


def test_both_kinds_of_code_count_together_for_a_person_and_for_an_address(
    database: Database, secret_box: SecretBox
) -> None:
    _, now_ = before_and_now(database, secret_box)
    for number in range(4):
        request(database, now_, f"try{number}@example.org")
    ask(database, secret_box, now_, "own@example.org")
    with pytest.raises(TooManyConfirmations):
        request(database, now_)
    with pytest.raises(TooManyConfirmations):
        ask(database, secret_box, now_)
    for number in range(REQUESTS_PER_ADDRESS_AND_DAY):
        request(database, launch(database, f"invented-{number}", lms="hostile").id, "busy@example.org")
    with pytest.raises(AddressBusy):
        request(database, launch(database, "one-more", lms="hostile").id, "busy@example.org")
    with pytest.raises(AddressBusy):
        ask(database, secret_box, launch(database, "one-more", lms="hostile").id, "busy@example.org")
    with pytest.raises(EmailNotUsable):
        request(database, launch(database, "one-more", lms="hostile").id, "no address")


def test_two_clicks_at_once_and_a_late_third_join_once(database: Database, secret_box: SecretBox) -> None:
    before, now_ = before_and_now(database, secret_box)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: join(database, now_), range(2)))
    join(database, now_)
    join(database, before)  # the session goes on as the one person
    assert len(audited(database, "people.persons_linked")) == 1
    assert not proven(database, before)


def test_two_who_join_each_other_at_once_make_one(database: Database, secret_box: SecretBox) -> None:
    before, now_ = before_and_now(database, secret_box)
    confirm(database, secret_box, now_, "work@example.org")
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    asked = request(database, before, "work@example.org", OTHER_TAB)
    with database.read() as session:
        mail = linking.link_code_mail(session, secret_box, asked)
    assert mail is not None
    prove(database, secret_box, before, mail.code, OTHER_TAB)

    def click(who: tuple[str, str]) -> bool:
        try:
            join(database, *who)
        except LinkOver:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(click, [(now_, TAB), (before, OTHER_TAB)]))
    assert sorted(done) == [False, True]
    assert launch(database).id == launch(database, lms="canvas").id
    with database.read() as session:
        assert len(linking.links(session)) == 1


def test_launches_at_the_same_moment_lose_nothing(database: Database, secret_box: SecretBox) -> None:
    before, now_ = before_and_now(database, secret_box)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    with ThreadPoolExecutor(5) as threads:
        joining = threads.submit(join, database, now_)
        met = [threads.submit(launch, database, lms=lms) for lms in ("canvas", "moodle") * 2]
        joining.result()
    assert {each.result().id for each in met} <= {before, now_}
    assert launch(database, lms="canvas").id == before


def test_a_record_that_was_joined_is_nobody_to_act_for(database: Database, secret_box: SecretBox) -> None:
    _, now_ = before_and_now(database, secret_box)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    join(database, now_)
    with pytest.raises(PersonNotFound):
        request(database, now_)
    with pytest.raises(PersonNotFound):
        ask(database, secret_box, now_)
    with database.write() as session, pytest.raises(PersonLinked):
        people.grant_role(session, person_id=now_, role="assessor", actor=OPERATOR)


def test_roles_end_on_both_sides_and_are_told_beforehand(database: Database, secret_box: SecretBox) -> None:
    """From then on an LMS opens the person's pages that the operator did not think of when giving the role."""
    before, now_ = before_and_now(database, secret_box)
    with database.write() as session:
        people.grant_role(session, person_id=now_, role="assessor", actor=OPERATOR)
        people.grant_role(session, person_id=before, role="operator", actor=OPERATOR)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    with database.read() as session:
        link = linking.proven_link(session, now_, TAB)
        assert link is not None
        foreseen = linking.foresee_link(session, ROOMS, link)
    assert len(foreseen.apart) == 1
    assert "assessor, operator" in foreseen.apart[0]
    join(database, now_)
    with database.write() as session:
        assert people.roles_of(session, now_) | people.roles_of(session, before) == frozenset()
        people.grant_role(session, person_id=before, role="operator", actor=OPERATOR)
        linking.absorb_again(session, ROOMS, now_)
        assert people.roles_of(session, before) == {"operator"}, "the worker's second look ends nothing"
        assert linking.kept_apart(session, ROOMS, before) == ()
    assert len(audited(database, "people.role_revoked")) == 2


def test_what_was_joined_goes_along_when_its_person_is_joined_to_a_third(
    database: Database, secret_box: SecretBox
) -> None:
    before, now_ = before_and_now(database, secret_box)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    join(database, now_)
    third = launch(database, lms="brightspace").id
    confirm(database, secret_box, third, "third@example.org")
    asked = request(database, before, "third@example.org", OTHER_TAB)
    with database.read() as session:
        mail = linking.link_code_mail(session, secret_box, asked)
    assert mail is not None
    prove(database, secret_box, before, mail.code, OTHER_TAB)
    join(database, before, OTHER_TAB)
    with database.read() as session:
        assert {link.person_id: (link.now_with, link.joined_into) for link in linking.links(session)} == {
            now_: (third, before), before: (third, third),
        }  # fmt: skip
        assert people.standing_id(session, now_) == third
        in_force = session.exec(select(ConfirmedEmailRecord).where(ConfirmedEmailRecord.person_id == third)).all()
    assert sorted((row.email, row.superseded_at is None) for row in in_force) == [
        ("tess@example.org", False), ("third@example.org", True),
    ]  # fmt: skip


def test_of_several_who_confirmed_an_address_it_is_the_first(database: Database, secret_box: SecretBox) -> None:
    before, now_ = before_and_now(database, secret_box)
    later = launch(database, lms="brightspace").id
    confirm(database, secret_box, later)
    prove(database, secret_box, now_, mailed(database, secret_box, request(database, now_)))
    join(database, now_)
    assert launch(database, lms="canvas").id == before
    prove(database, secret_box, later, mailed(database, secret_box, request(database, later, tab=OTHER_TAB)), OTHER_TAB)
    join(database, later, OTHER_TAB)
    assert launch(database, lms="brightspace").id == before
