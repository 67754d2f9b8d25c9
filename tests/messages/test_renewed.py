"""A renewed badge: its holder is told once, and is reminded anew before its new end."""

from __future__ import annotations

from sqlmodel import select

from app.awards.jobs import AwardDeps
from app.awards.renewals import RenewalOf, renew
from app.core.clock import now
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.messages import expiring
from app.messages.models import ExpiryReminder, SentMail
from app.messages.renewed import remind_anew
from app.programme import service as programme
from app.wiring import ISSUER_KEY, Services
from tests.messages.badges import badge_of, change, in_days
from tests.messages.post import Post
from tests.messages.test_mails import tess_of


def renewed(services: Services, worker: Worker, badge: str, source: str = "decision:1") -> None:
    runtime = services.runtime
    deps = AwardDeps(runtime.database, runtime.secret_box, runtime.settings.base_url, ISSUER_KEY)
    with runtime.database.read() as session:
        row = session.get_one(Credential, badge)
        info = programme.achievement(session, row.achievement_key, row.achievement_version)
    renew(deps, RenewalOf(source, badge, info, (), now(), "a person"))
    worker.run_until_idle()


def told(post: Post) -> list[str]:
    return [str(mail["Subject"]) for mail in post.taken if "is renewed" in str(mail["Subject"])]


def test_the_holder_is_told_once_with_the_new_end(services: Services, worker: Worker, post: Post) -> None:
    badge = badge_of(services, tess_of(services), 20)
    renewed(services, worker, badge)
    renewed(services, worker, badge)
    assert len(told(post)) == 1
    with services.runtime.database.read() as session:
        until = issuer.stored_credential(session, badge).valid_until
    assert until is not None
    (mail,) = [mail for mail in post.taken if "is renewed" in str(mail["Subject"])]
    text = mail.get_content()
    assert f"{until.day} {until:%B %Y}" in text.replace("\n", " ")
    assert f"/claim/{badge}." in text


def test_another_version_tells_nobody(services: Services, worker: Worker, post: Post) -> None:
    badge = badge_of(services, tess_of(services), 20)
    runtime = services.runtime
    issuer.reissue(
        runtime.database, runtime.secret_box, runtime.settings.base_url, badge, recipient_email="tess@example.org"
    )
    worker.run_until_idle()
    assert told(post) == []


def test_before_its_new_end_it_is_reminded_of_again(services: Services, worker: Worker) -> None:
    badge = badge_of(services, tess_of(services), 20)
    expiring.note_reminders(services.runtime.database)
    worker.run_until_idle()
    assert reminders(services) == 1
    renewed(services, worker, badge)
    with services.runtime.database.read() as session:
        assert session.exec(select(ExpiryReminder)).all() == []
    change(services, badge, valid_until=in_days(25))
    assert expiring.note_reminders(services.runtime.database) == 1
    worker.run_until_idle()
    assert reminders(services) == 1


def test_only_reminders_of_an_end_that_is_past_are_forgotten(services: Services, worker: Worker) -> None:
    badge = badge_of(services, tess_of(services), 20)
    expiring.note_reminders(services.runtime.database)
    worker.run_until_idle()
    with services.runtime.database.write() as session:
        remind_anew(session, badge)  # nothing about its end has changed
    assert expiring.note_reminders(services.runtime.database) == 0
    assert reminders(services) == 1


def reminders(services: Services) -> int:
    with services.runtime.database.read() as session:
        return sum(kind.startswith("expiring") for kind in session.exec(select(SentMail.kind)).all())
