"""Awards by clients when things go wrong on the way: between two writes, at the mail server, or by bad intent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.awards import requests
from app.awards.award_input import award_from_json
from app.awards.batches import reading
from app.awards.models import Award, AwardRequest
from app.awards.schemas import IssuingRights
from app.config import Settings
from app.core import metrics, outbox_keeping
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.errors import Unavailable
from app.core.outbox import Worker
from app.core.outbox_models import DEAD, OutboxDelivery, OutboxEvent
from app.issuer import issuing
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.people import exporting
from app.people import service as people
from app.people.erasing import erase_person
from app.people.person_merge import PeopleMerge
from app.wiring import Services, personal_data
from tests.messages.post import Post, mailing, running

EMAIL = "tess.by.api@example.org"
RIGHTS = IssuingRights("a-client", frozenset({"credentials:issue"}), None)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def settings(settings: Settings, post: Post) -> Iterator[Settings]:
    with running(post) as port:
        yield mailing(settings, port)


def asked(**changes: Any) -> Any:
    return award_from_json(
        {
            "achievement": "M01",
            "recipient": {"email": EMAIL, "name": "Tess"},
            "decided_by": {"name": "Priya Raman", "role": "panel chair"},
        }
        | changes
    )


def issued(services: Services, key: str = "1", **changes: Any) -> str:
    runtime, award = services.runtime, asked(**changes)
    fingerprint, *_ = requests.fingerprints(runtime.secret_box, award)
    return requests.issue_by_client(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        award=award, rights=RIGHTS, idempotency_key=key, fingerprint=fingerprint,
    ).credential_id  # fmt: skip


def reserved(services: Services) -> str:
    """What a process leaves that loses its database between the reservation and the signature."""
    runtime, award = services.runtime, asked()
    fingerprint, *_ = requests.fingerprints(runtime.secret_box, award)
    with runtime.database.read() as session:
        checked = requests.checking.check(session, runtime.secret_box, award, RIGHTS, now())
    return issuing.reserve(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        requests.issue_request("orygen", checked, RIGHTS, "1", fingerprint),
        beside=requests.note(runtime.secret_box, checked, RIGHTS, "1", fingerprint),
    )  # fmt: skip


def sweep(services: Services) -> int:
    runtime = services.runtime
    return issuer.finish_orphans(
        runtime.database, runtime.secret_box, runtime.settings.base_url, older_than=timedelta(seconds=-1)
    )


def person(services: Services, subject: str) -> str:
    with services.runtime.database.write() as session:
        return people.person_for_lms_identity(
            session, registration_id="r", subject=subject, name=subject, email=None, organisation_id=None
        ).id


def confirm(services: Services, person_id: str, email: str = EMAIL) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        asked_for = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
        code = people.confirmation_mail(session, runtime.secret_box, asked_for.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)


def claims(post: Post) -> list[str]:
    return [mail.get_content() for mail in post.taken if mail["Subject"].startswith("Your badge")]


def test_what_was_lost_between_reservation_and_signature_comes_whole_with_its_mail(
    services: Services, worker: Worker, post: Post
) -> None:
    badge = reserved(services)
    worker.run_until_idle()
    assert claims(post) == []
    assert sweep(services) == 1
    worker.run_until_idle()
    (text,) = claims(post)
    assert f"/claim/{badge}." in text
    with services.runtime.database.read() as session:
        (request,), (award,) = session.exec(select(AwardRequest)).all(), session.exec(select(Award)).all()
    assert (request.credential_id, request.sealed_recipient, award.credential_id) == (badge, None, badge)
    assert issued(services) == badge


def test_what_was_lost_on_the_way_belongs_to_whoever_confirmed_the_address_meanwhile(
    services: Services, worker: Worker
) -> None:
    badge, tess = reserved(services), person(services, "tess")
    confirm(services, tess)
    worker.run_until_idle()
    sweep(services)
    worker.run_until_idle()
    with services.runtime.database.read() as session:
        assert session.get_one(Credential, badge).person_id == tess


@pytest.mark.parametrize("is_joined", [False, True])
def test_whoever_goes_between_checking_and_reserving_is_looked_at_once_more(
    services: Services, worker: Worker, monkeypatch: pytest.MonkeyPatch, is_joined: bool
) -> None:
    runtime, old = services.runtime, person(services, "tess")
    confirm(services, old)
    worker.run_until_idle()
    new = person(services, "tess-again") if is_joined else None
    real = requests.checking.check

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(requests.checking, "check", real)
        checked = real(*given)
        if new is not None:
            with runtime.database.write() as session:
                PeopleMerge().absorb(session, old, new)
        else:
            erase_person(runtime.database, personal_data(runtime), old, reason="asked for", actor=OPERATOR)
        return checked

    monkeypatch.setattr(requests.checking, "check", meanwhile)
    badge = issued(services)
    with runtime.database.read() as session:
        (only,) = session.exec(select(Credential)).all()
    assert (only.id, only.person_id) == (badge, None)  # joining ends the address; whoever has the mail can claim it


def test_a_recipient_who_never_stands_still_is_told_and_nothing_is_issued(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes(*_: Any) -> None:
        raise requests.HolderChanged

    monkeypatch.setattr(requests, "refuse_changed_holders", changes)
    with pytest.raises(Unavailable):
        issued(services)
    with services.runtime.database.read() as session:
        assert session.exec(select(Credential)).all() == []


def test_of_two_who_confirm_one_address_the_second_gets_nothing_that_the_first_has(
    services: Services, worker: Worker
) -> None:
    badge, first, second = issued(services), person(services, "first"), person(services, "second")
    for each in (first, second):
        confirm(services, each)
        worker.run_until_idle()
    with services.runtime.database.read() as session:
        assert [each.id for each in issuer.credentials_of(session, first)] == [badge]
        assert issuer.credentials_of(session, second) == ()


@pytest.mark.parametrize(
    "name",
    ["Claim your prize at https://evil.example/now", "Call 1900 123 456 now", "www.evil.example", "a@evil.example"],
)
@pytest.mark.parametrize("place", ["recipient", "decided_by"])
def test_no_name_makes_the_mail_say_what_a_stranger_wants(
    services: Services, worker: Worker, post: Post, place: str, name: str
) -> None:
    whole = {
        "recipient": {"email": EMAIL, "name": "Tess"},
        "decided_by": {"name": "Priya Raman", "role": "panel chair"},
    }
    issued(services, **{place: whole[place] | {"name": name}})
    worker.run_until_idle()
    (text,) = claims(post)
    assert name not in text


def test_html_in_a_name_stays_text(services: Services, worker: Worker, post: Post) -> None:
    issued(services, recipient={"email": EMAIL, "name": "<script>alert(1)</script>{{ claim_url }}"})
    worker.run_until_idle()
    (mail,) = post.taken
    assert mail.get_content_type() == "text/plain"
    assert "<script>" not in mail.get_content()


def test_a_mail_that_comes_too_late_for_its_address_is_told_to_the_operator(
    services: Services, worker: Worker, post: Post
) -> None:
    post.data = "550 No"
    badge = issued(services)
    worker.run_until_idle()
    runtime = services.runtime
    with runtime.database.write() as session:
        row = session.exec(select(AwardRequest)).one()
        row.created_at = now() - timedelta(days=31)
        session.add(row)
    assert requests.forget_recipients(runtime.database) == 1
    with runtime.database.read() as session:
        dead = session.exec(select(OutboxDelivery).where(OutboxDelivery.state == DEAD)).one()
    post.data = "250 OK"
    before = _not_sent()
    outbox_keeping.resend(runtime.database, [dead.id], actor=OPERATOR)
    worker.run_until_idle()
    assert claims(post) == []
    with runtime.database.read() as session:
        state = session.get_one(OutboxDelivery, dead.id).state
    assert state == DEAD or _not_sent() > before, f"the badge {badge} was never told of, and nothing says so"


def _not_sent() -> float:
    return sum(
        sample.value
        for family in metrics.MAILS.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels.get("outcome") not in ("sent", "refused", "later")
    )


def test_an_export_has_the_badges_of_the_api_and_no_others_secrets(services: Services, worker: Worker) -> None:
    badge, tess = issued(services, "the-key-of-the-client"), person(services, "tess")
    confirm(services, tess)
    worker.run_until_idle()
    with services.runtime.database.read() as session:
        row = session.exec(select(AwardRequest)).one()
        told = exporting.export_person(session, personal_data(services.runtime), tess)
    text = json.dumps(asdict(told), default=str)
    assert badge in text
    for secret in (row.request_key, row.recipient_digest, row.fingerprint, "the-key-of-the-client"):
        assert str(secret) not in text


def test_nothing_that_leaves_a_room_has_an_address(services: Services, worker: Worker) -> None:
    issued(services)
    worker.run_until_idle()
    with services.runtime.database.read() as session:
        payloads = [json.dumps(row.payload) for row in session.exec(select(OutboxEvent)).all()]
        errors = [row.last_error or "" for row in session.exec(select(OutboxDelivery)).all()]
    assert not [text for text in (*payloads, *errors) if EMAIL in text or "Tess" in text or "Priya" in text]


@pytest.mark.parametrize("key", ["tess@example.org", "another-batch#5"])
def test_a_row_has_no_key_that_a_request_could_not_have(key: str) -> None:
    line = json.dumps(
        {
            "achievement": "M01", "recipient": {"email": EMAIL}, "idempotency_key": key,
            "decided_by": {"name": "Priya Raman", "role": "panel chair"},
        }
    )  # fmt: skip
    (row,) = reading.rows_of(io.BytesIO(line.encode()), "jsonl")
    assert [problem.field for problem in row.problems] == ["idempotency_key"]
