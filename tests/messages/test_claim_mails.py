"""The mail about a badge that came by the API: to the address that came with it, once, and then that is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from app.awards import requests
from app.awards.award_input import award_from_json
from app.awards.by_operator import issue_by_operator
from app.awards.models import AwardRequest
from app.awards.schemas import IssuingRights, OperatorAward
from app.core.audit import OPERATOR
from app.core.outbox import Worker
from app.core.outbox_models import OutboxDelivery
from app.issuer import service as issuer
from app.messages import preferences
from app.people import service as people
from app.wiring import Services
from tests.messages.post import Post

EMAIL = "tess.by.api@example.org"


def issued(services: Services, key: str = "1", **recipient: Any) -> str:
    """A badge that a client asked for."""
    runtime = services.runtime
    award = award_from_json(
        {
            "achievement": "M01",
            "recipient": {"email": EMAIL, "name": "Tess"} | recipient,
            "decided_by": {"name": "Priya Raman", "role": "panel chair"},
        }
    )
    fingerprint, *_ = requests.fingerprints(runtime.secret_box, award)
    rights = IssuingRights("a-client", frozenset({"credentials:issue"}), None)
    return requests.issue_by_client(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        award=award, rights=rights, idempotency_key=key, fingerprint=fingerprint,
    ).credential_id  # fmt: skip


def test_a_badge_that_an_operator_issued_by_itself_sends_nobody_a_mail(
    services: Services, worker: Worker, post: Post
) -> None:
    runtime = services.runtime
    award = OperatorAward("M01", EMAIL, "k", "Priya Raman", "panel chair", "orygen")
    issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, award)
    worker.run_until_idle()
    assert post.taken == []
    with runtime.database.read() as session:
        assert {row.state for row in session.exec(select(OutboxDelivery)).all()} <= {"done"}


def request_of(services: Services) -> AwardRequest:
    with services.runtime.database.read() as session:
        return session.exec(select(AwardRequest)).one()


def test_the_mail_says_who_awarded_what_and_how_to_claim_it(services: Services, worker: Worker, post: Post) -> None:
    badge = issued(services)
    assert EMAIL not in str(request_of(services).sealed_recipient)
    worker.run_until_idle()
    (mail,) = post.taken
    text = mail.get_content()
    assert post.recipients == [[EMAIL]]
    assert mail["Subject"].startswith("Your badge: ")
    assert text.startswith("Hello Tess,")
    assert "Orygen" in text
    assert "Priya Raman (panel chair) made the decision" in text
    assert issuer.claim_url(services.runtime.secret_box, services.runtime.settings.base_url, badge) in text
    assert "You get this mail because somebody awarded you a badge and gave this address for it." in text


def test_once_the_mail_is_sent_the_address_is_forgotten_and_no_second_one_goes_out(
    services: Services, worker: Worker, post: Post
) -> None:
    issued(services)
    worker.run_until_idle()
    assert request_of(services).sealed_recipient is None
    issued(services)
    worker.run_until_idle()
    assert len(post.taken) == 1


def test_while_the_mail_server_is_away_the_address_stays(services: Services, worker: Worker, post: Post) -> None:
    post.data = "451 Later"
    issued(services)
    worker.run_until_idle()
    assert (post.taken, request_of(services).sealed_recipient is None) == ([], False)


def test_a_recipient_without_a_name_is_greeted_all_the_same(services: Services, worker: Worker, post: Post) -> None:
    issued(services, name=None)
    worker.run_until_idle()
    assert post.taken[0].get_content().startswith("Hello,")


def revoke(services: Services, badge: str) -> None:
    runtime = services.runtime
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=badge, reason="x", actor=OPERATOR
    )


def erase(services: Services, badge: str) -> None:
    with services.runtime.database.write() as session:
        issuer.erase(session, services.runtime.secret_box, badge, actor=OPERATOR)


@pytest.mark.parametrize("ended", [revoke, erase])
def test_a_badge_that_is_gone_before_anybody_heard_of_it_is_not_told(
    services: Services, worker: Worker, post: Post, ended: Any
) -> None:
    ended(services, issued(services))
    worker.run_until_idle()
    assert post.taken == []
    assert request_of(services).sealed_recipient is None


def test_a_person_who_switched_such_mails_off_gets_none(services: Services, worker: Worker, post: Post) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        tess = people.person_for_lms_identity(
            session, registration_id="r", subject="s", name="Tess", email=None, organisation_id=None
        ).id
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=tess, email=EMAIL)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=tess, code=code)
    with runtime.database.write() as session:
        preferences.switch(session, tess, {"credential_awarded": False})
    issued(services)
    worker.run_until_idle()
    assert [mail["Subject"] for mail in post.taken if mail["Subject"].startswith("Your badge")] == []
