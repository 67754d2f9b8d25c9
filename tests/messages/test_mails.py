"""The mails: what they say, that each is sent once, and what becomes of those that cannot be sent."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlmodel import select

from app.config import Settings
from app.core.audit import OPERATOR, Actor
from app.core.clock import now
from app.core.outbox import Delivery, GiveUp, RetryLater, Worker, decode
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.issuer import did_binding
from app.issuer.events import CredentialIssued
from app.issuer.models import Credential
from app.learning import service as learning
from app.learning.events import AppealDecided, WorkReturned
from app.messages import appeal_jobs, jobs, mail
from app.messages.jobs import MessageDeps
from app.messages.models import SentMail
from app.people import service as people
from app.people.events import EmailConfirmationRequested
from app.programme import service as programme
from app.wiring import Services, build_worker
from tests.messages.post import Post
from tests.web.people import hand_in

TESS = "tess@example.org"


def tess_of(services: Services, email: str | None = TESS) -> str:
    with services.runtime.database.write() as session:
        person = people.person_for_lms_identity(
            session, registration_id="r", subject="s", name="Tess Nguyen", email=email, organisation_id=None
        )
        module = programme.current_module(session, "M01")
        learning.enrol(session, person_id=person.id, module=module, organisation_id=None)
    return person.id


def ask_for_a_code(services: Services, person_id: str, email: str = TESS) -> str:
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
    return asked.id


def deps_of(services: Services, **changes: Any) -> MessageDeps:
    runtime = services.runtime
    settings: Settings = runtime.settings.model_copy(update=changes)
    return MessageDeps(settings, runtime.database, runtime.secret_box)


def delivery(event: Any) -> Delivery:
    return Delivery(id="d", kind=event.KIND, payload=dataclasses.asdict(event), attempt=1, created_at=now())


def deliveries(services: Services, handler: str) -> list[tuple[str, str | None]]:
    with services.runtime.database.read() as session:
        rows = session.exec(select(OutboxDelivery).where(OutboxDelivery.handler == handler)).all()
    return [(row.state, row.last_error) for row in rows]


def sent_mails(services: Services) -> list[tuple[str, str]]:
    with services.runtime.database.read() as session:
        return [(row.kind, row.subject_id) for row in session.exec(select(SentMail)).all()]


def test_the_mail_with_the_code_confirms_the_address(services: Services, worker: Worker, post: Post) -> None:
    person_id = tess_of(services)
    asked = ask_for_a_code(services, person_id, "New.Address@Example.org")
    worker.run_until_idle()
    (message,) = post.taken
    assert post.recipients == [["new.address@example.org"]]
    assert message["From"] == "Waymark <no-reply@waymark.example>"
    assert message["Message-ID"] == f"<email_code.{asked}@waymark.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    code = str(message["Subject"]).split()[0]
    assert code in message.get_content()
    assert "15 minutes" in message.get_content()
    runtime = services.runtime
    confirmed = people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)
    assert confirmed.email == "new.address@example.org"
    assert sent_mails(services) == [("email_code", asked)]


def test_a_repeated_delivery_sends_nothing_again(services: Services, post: Post) -> None:
    event = EmailConfirmationRequested(confirmation_id=ask_for_a_code(services, tess_of(services)))
    handle = jobs.send_code(deps_of(services))
    for _ in range(3):
        handle(delivery(event))
    assert len(post.taken) == 1


def test_a_code_that_is_over_is_not_sent_any_more(services: Services, worker: Worker, post: Post) -> None:
    person_id = tess_of(services)
    ask_for_a_code(services, person_id)
    newest = ask_for_a_code(services, person_id)
    worker.run_until_idle()
    assert [str(message["Message-ID"]) for message in post.taken] == [f"<email_code.{newest}@waymark.example>"]


def test_returned_work_is_told_without_a_word_of_it(services: Services, post: Post) -> None:
    person_id = tess_of(services)
    decision_id = returned(services, person_id, "Which gate is it? A secret word: marmalade.")
    handle = jobs.send_returned(deps_of(services))
    for _ in range(2):
        handle(delivery(WorkReturned(decision_id=decision_id, submission_id="s", person_id=person_id)))
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    assert "Hello Tess Nguyen" in message.get_content()
    assert "What Makes IPS, IPS" in message["Subject"]
    assert "marmalade" not in message.as_string()


@pytest.mark.parametrize(("outcome", "words"), [("upheld", "judged anew"), ("declined", "The first decision stands")])
def test_an_answered_appeal_is_told_once_without_the_answer(
    services: Services, post: Post, outcome: str, words: str
) -> None:
    person_id = tess_of(services)
    decision_id = returned(services, person_id, "Which gate is it? A secret word: marmalade.")
    event = AppealDecided(appeal_id="a", decision_id=decision_id, person_id=person_id, outcome=outcome)
    for _ in range(2):
        appeal_jobs.send_appeal_decided(deps_of(services))(delivery(event))
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    assert words in " ".join(message.get_content().split())
    assert "marmalade" not in message.as_string()


def test_an_award_is_told_with_the_holders_own_link(services: Services, worker: Worker, post: Post) -> None:
    person_id = tess_of(services)
    awarded(services, person_id)
    worker.run_until_idle()
    (message,) = [each for each in post.taken if "Your badge" in str(each["Subject"])]
    assert post.recipients[post.taken.index(message)] == [TESS]
    assert "http://tool.localhost:8000/claim/" in message.get_content()
    handle = jobs.send_awarded(deps_of(services))
    with services.runtime.database.read() as session:
        stored = session.exec(select(OutboxEvent).where(OutboxEvent.kind == CredentialIssued.KIND)).one()
    before = len(post.taken)
    handle(delivery(decode(CredentialIssued, stored.payload)))
    handle(delivery(dataclasses.replace(decode(CredentialIssued, stored.payload), version=2)))
    assert len(post.taken) == before


def test_a_bound_wallet_is_told_to_the_holder_each_time_and_taking_it_off_is_not(
    services: Services, worker: Worker, post: Post
) -> None:
    """Whoever has the award mail can bind one: the holder hears of it, and how to undo it."""
    person_id = tess_of(services)
    awarded(services, person_id)
    worker.run_until_idle()
    runtime, base_url = services.runtime, services.runtime.settings.base_url
    with runtime.database.read() as session:
        badge_id = session.exec(select(Credential.id)).one()
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    holder = Actor(kind="claim-link", id=badge_id)
    for version in (1, 3):
        answered = did_binding.challenge(runtime.secret_box, badge_id, version)
        did_binding.bind(
            runtime.database, runtime.secret_box, base_url, badge_id, did=did, answered=answered, actor=holder
        )
        did_binding.unbind(runtime.database, runtime.secret_box, base_url, badge_id, actor=holder)
        worker.run_until_idle()
    told = [each for each in post.taken if "wallet" in str(each["Subject"])]
    assert [str(each["Message-ID"]).strip().split("@")[0] for each in told] == [
        f"<wallet_bound.{badge_id}.v2", f"<wallet_bound.{badge_id}.v4",
    ]  # fmt: skip
    for message in told:
        assert post.recipients[post.taken.index(message)] == [TESS]
        assert "/claim/" in message.get_content()
        assert did not in message.as_string()


def test_who_has_no_address_gets_no_mail_and_nothing_fails(services: Services, post: Post) -> None:
    person_id = tess_of(services, email="not an address, at all")
    decision_id = returned(services, person_id, "Please change this.")
    jobs.send_returned(deps_of(services))(
        delivery(WorkReturned(decision_id=decision_id, submission_id="s", person_id=person_id))
    )
    assert post.taken == []
    assert sent_mails(services) == []


def test_without_a_mail_server_the_delivery_is_dead_and_says_why(services: Services) -> None:
    bare = dataclasses.replace(
        services,
        runtime=dataclasses.replace(
            services.runtime, settings=services.runtime.settings.model_copy(update={"smtp_host": ""})
        ),
    )
    ask_for_a_code(services, tess_of(services))
    build_worker(bare).run_until_idle()
    ((state, reason),) = deliveries(services, "messages.send_code")
    assert state == "dead"
    assert "WAYMARK_SMTP_HOST" in str(reason)


LATER = {"the mail": ("data", "451 Try later"), "the address": ("recipient", "450 Greylisted")}
NEVER = {"the mail": ("data", "554 Spam"), "the address": ("recipient", "550 No such user tess@example.org")}


@pytest.mark.parametrize("case", LATER)
def test_a_server_that_says_not_now_is_asked_again(services: Services, worker: Worker, post: Post, case: str) -> None:
    setattr(post, *LATER[case])
    ask_for_a_code(services, tess_of(services))
    worker.run_until_idle()
    ((state, reason),) = deliveries(services, "messages.send_code")
    assert state == "waiting"
    assert reason
    assert sent_mails(services) == []
    post.data = post.recipient = "250 OK"
    make_due(services)
    worker.run_until_idle()
    assert len(post.taken) == 1
    assert deliveries(services, "messages.send_code")[0][0] == "done"


@pytest.mark.parametrize("case", NEVER)
def test_a_server_that_says_no_for_good_ends_it(services: Services, worker: Worker, post: Post, case: str) -> None:
    setattr(post, *NEVER[case])
    ask_for_a_code(services, tess_of(services))
    worker.run_until_idle()
    ((state, reason),) = deliveries(services, "messages.send_code")
    assert state == "dead"
    assert TESS not in str(reason)


@pytest.mark.parametrize(
    "changes", [{"smtp_port": 1}, {"smtp_starttls": True}, {"smtp_username": "u", "smtp_password": "p"}]
)
def test_what_the_operator_can_mend_is_tried_again(services: Services, changes: dict[str, Any]) -> None:
    """A server that is down, one without STARTTLS, one that does not let us in: the mail itself is good."""
    settings = deps_of(services, **changes).settings
    with pytest.raises(RetryLater) as raised:
        mail.send(settings, to=TESS, subject="s", text="t", reference="r")
    assert TESS not in str(raised.value)


@pytest.mark.parametrize("case", [*LATER.values(), *NEVER.values()])
def test_no_address_is_in_what_is_noted_of_a_failure(services: Services, post: Post, case: tuple[str, str]) -> None:
    setattr(post, *case)
    with pytest.raises((RetryLater, GiveUp)) as raised:
        mail.send(deps_of(services).settings, to=TESS, subject="s", text="t", reference="r")
    error: BaseException | None = raised.value
    assert TESS not in str(error)
    assert error is not None
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_subject_is_one_line_whatever_it_is_made_of(services: Services, post: Post) -> None:
    mail.send(
        deps_of(services).settings, to=TESS, subject="Hello\r\nBcc: mallory@evil.example", text="t", reference="r"
    )
    (message,) = post.taken
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: mallory@evil.example"
    assert post.recipients == [[TESS]]


def make_due(services: Services) -> None:
    with services.runtime.database.write() as session:
        for row in session.exec(select(OutboxDelivery)).all():
            row.due_at = now()
            session.add(row)


def submitted(services: Services, person_id: str) -> tuple[str, str]:
    """A submission of this person and an assessor for it."""
    with services.runtime.database.write() as session:
        priya = people.person_for_lms_identity(
            session, registration_id="r", subject="p", name="Priya", email=None, organisation_id=None
        )
        people.grant_role(session, person_id=priya.id, role="assessor", actor=OPERATOR)
    return hand_in(services, person_id), priya.id


def returned(services: Services, person_id: str, comment: str) -> str:
    submission_id, assessor_id = submitted(services, person_id)
    with services.runtime.database.write() as session:
        decision = learning.return_work(session, submission_id=submission_id, assessor_id=assessor_id, comment=comment)
    return decision.id


def awarded(services: Services, person_id: str) -> None:
    submission_id, assessor_id = submitted(services, person_id)
    with services.runtime.database.write() as session:
        for criterion in programme.current_module(session, "M01").rubric.criteria:
            learning.mark(
                session, submission_id=submission_id, assessor_id=assessor_id, criterion_key=criterion.key, level=3
            )
        learning.record_supervisor_talk(
            session, submission_id=submission_id, recorded_by=assessor_id, held_on=now().date(),
            supervisor_role="Centre manager",
        )  # fmt: skip
        learning.award(session, submission_id=submission_id, assessor_id=assessor_id)
