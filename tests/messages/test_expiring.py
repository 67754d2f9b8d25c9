"""Reminders that a badge expires: 90, 30 and 7 days before, each once, whoever else is at work."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlmodel import select

from app.cli import operate
from app.core.audit import OPERATOR
from app.core.outbox import Worker
from app.core.outbox_models import OutboxEvent
from app.issuer import service as issuer
from app.messages import expiring, preferences
from app.messages.events import ReminderDue
from app.messages.kinds import EXPIRING
from app.messages.models import SentMail
from app.programme import service as programme
from app.programme.stacks import current_pathway
from app.web import operations
from app.wiring import Services
from tests.messages.badges import badge_of, change, in_days
from tests.messages.post import Post
from tests.messages.test_mails import TESS, tess_of
from tests.programme.folders import module_version


def reminded(services: Services, worker: Worker) -> list[str]:
    """Let the chore and the worker do what is due; which reminders went out so far."""
    expiring.note_reminders(services.runtime.database)
    worker.run_until_idle()
    with services.runtime.database.read() as session:
        return sorted(kind for kind in session.exec(select(SentMail.kind)).all() if kind.startswith("expiring"))


def reminders_due(services: Services) -> int:
    with services.runtime.database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == ReminderDue.KIND)).all())


def noted(services: Services) -> int:
    return expiring.note_reminders(services.runtime.database)


def test_as_its_end_comes_nearer_a_badge_gets_each_reminder_once(
    services: Services, worker: Worker, post: Post
) -> None:
    badge = badge_of(services, tess_of(services), 120)
    seen = []
    for days in (91, 89, 60, 31, 29, 8, 6, 0.5, -0.5):
        change(services, badge, valid_until=in_days(days))
        reminded(services, worker)
        seen.append(len(reminded(services, worker)))
    assert seen == [0, 1, 1, 1, 2, 2, 3, 3, 3]
    told = [
        str(mail["Message-ID"]).strip().split("@")[0] for mail in post.taken if "expires on" in str(mail["Subject"])
    ]
    assert told == [f"<expiring_{days}.{badge}" for days in (90, 30, 7)]


@pytest.mark.parametrize(("days", "kind"), [(45, "expiring_90"), (20, "expiring_30"), (2, "expiring_7")])
def test_a_badge_that_is_found_late_gets_the_nearest_reminder_only(
    services: Services, worker: Worker, days: int, kind: str
) -> None:
    badge_of(services, tess_of(services), days)
    assert reminded(services, worker) == [kind]
    assert reminded(services, worker) == [kind]


def words_of_the_reminder(post: Post) -> str:
    (mail,) = (mail for mail in post.taken if "expires on" in str(mail["Subject"]))
    assert post.recipients[post.taken.index(mail)] == [TESS]
    return " ".join(mail.get_content().split())


def test_the_mail_says_when_where_to_begin_and_what_happens_otherwise(
    services: Services, worker: Worker, post: Post
) -> None:
    badge = badge_of(services, tess_of(services), 29)
    with services.runtime.database.read() as session:
        until = issuer.stored_credential(session, badge).valid_until
    assert until is not None
    reminded(services, worker)
    text = words_of_the_reminder(post)
    for words in (
        f"expires on {until.day} {until:%B %Y}", "That is in 29 days", "My badges and choose Renew",
        "shown as expired", "It is not taken back", f"/claim/{badge}.", "What renewing asks for: In the three months",
    ):  # fmt: skip
        assert words in text, words


def test_of_a_badge_that_a_conversation_renews_the_mail_says_who_arranges_that(
    services: Services, worker: Worker, post: Post
) -> None:
    badge = badge_of(services, tess_of(services), 29)
    with services.runtime.database.read() as session:
        version = current_pathway(session, "practitioner").version
    change(services, badge, achievement_key="practitioner", achievement_version=version)
    reminded(services, worker)
    text = words_of_the_reminder(post)
    assert "one fresh practice conversation" in text
    assert "the assessors see you in their list" in text
    assert "ask whoever you had the badge from" not in text
    assert "choose Renew" not in text


def test_what_renewing_asks_for_is_what_the_newest_version_of_the_module_says(
    services: Services, worker: Worker, post: Post, tmp_path: Path
) -> None:
    badge_of(services, tess_of(services), 29)
    changed = Path(shutil.copytree(services.runtime.settings.programme_dir, tmp_path / "ips"))
    file = changed / "modules" / "M01" / "module.yaml"
    text = re.sub(r"\nversion: \d+\n", "\nversion: 99\n", file.read_text("utf-8"), count=1)
    words = "\nrenewal: Meet a new employer and tell us about it.\nrenewalActivities"
    file.write_text(re.sub(r"\nrenewal: .*?\nrenewalActivities", words, text, flags=re.DOTALL), "utf-8")
    with services.runtime.database.write() as session:
        programme.store(session, programme.load_programme(changed))
    reminded(services, worker)
    assert "What renewing asks for: Meet a new employer and tell us about it." in words_of_the_reminder(post)


def _revoked(services: Services, badge: str) -> None:
    runtime = services.runtime
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        credential_id=badge, reason="A mistake.", actor=OPERATOR,
    )  # fmt: skip


def _erased(services: Services, badge: str) -> None:
    with services.runtime.database.write() as session:
        issuer.erase(session, services.runtime.secret_box, badge, actor=OPERATOR)


NO_LONGER: dict[str, Callable[[Services, str], None]] = {
    "revoked": _revoked,
    "erased": _erased,
    "suspended": lambda services, badge: change(services, badge, suspended_at=in_days(-1)),
    "expired": lambda services, badge: change(services, badge, valid_until=in_days(-1)),
    "given no end": lambda services, badge: change(services, badge, valid_until=None),
    "nobody's": lambda services, badge: change(services, badge, person_id=None),
}


@pytest.mark.parametrize("case", NO_LONGER)
@pytest.mark.parametrize("after_it_was_noted", [False, True])
def test_of_a_badge_that_is_not_in_force_or_does_not_end_nobody_is_reminded(
    services: Services, worker: Worker, case: str, after_it_was_noted: bool
) -> None:
    badge = badge_of(services, tess_of(services), 20)
    if after_it_was_noted:
        assert noted(services) == 1
    NO_LONGER[case](services, badge)
    assert reminded(services, worker) == []
    assert reminders_due(services) == after_it_was_noted


@pytest.mark.parametrize("ends_in", [700, None])
def test_a_badge_that_was_renewed_reminds_nobody(services: Services, worker: Worker, ends_in: int | None) -> None:
    tess = tess_of(services)
    badge_of(services, tess, 20)
    newer = badge_of(services, tess, ends_in, had_for=1)
    assert reminded(services, worker) == []
    _revoked(services, newer)
    assert reminded(services, worker) == ["expiring_30"]


def test_another_badge_or_another_persons_is_no_renewal(services: Services, worker: Worker) -> None:
    badge_of(services, tess_of(services), 20)
    other = badge_of(services, tess_of(services), 700, had_for=1)
    change(services, other, achievement_key="M03", achievement_version=module_version("M03"))
    badge_of(services, None, 700, had_for=1)
    assert reminded(services, worker) == ["expiring_30"]


def test_who_has_just_received_a_badge_for_a_short_time_is_not_reminded_at_once(
    services: Services, worker: Worker
) -> None:
    badge = badge_of(services, tess_of(services), 60, had_for=1)
    assert reminded(services, worker) == []
    change(services, badge, valid_until=in_days(29), issued_at=in_days(-32))
    assert reminded(services, worker) == ["expiring_30"]


def test_who_switched_reminders_off_gets_none(services: Services, worker: Worker, post: Post) -> None:
    tess = tess_of(services)
    badge_of(services, tess, 20)
    with services.runtime.database.write() as session:
        preferences.switch(session, tess, {EXPIRING.key: False})
    assert reminded(services, worker) == []
    assert [mail for mail in post.taken if "expires" in str(mail["Subject"])] == []


def test_a_reminder_that_could_not_be_sent_in_its_time_is_not_sent_beside_the_next(
    services: Services, worker: Worker
) -> None:
    badge = badge_of(services, tess_of(services), 31)
    assert noted(services) == 1
    change(services, badge, valid_until=in_days(29))
    assert reminded(services, worker) == ["expiring_30"]


def test_workers_that_look_at_the_same_moment_have_one_mail_sent(services: Services) -> None:
    badge_of(services, tess_of(services), 20)
    together = Barrier(4)

    def look() -> int:
        together.wait()
        return noted(services)

    with ThreadPoolExecutor(4) as workers:
        found = [each.result() for each in [workers.submit(look) for _ in range(4)]]
    assert sorted(found) == [0, 0, 0, 1]
    assert reminders_due(services) == 1


def test_a_worker_that_dies_on_the_way_leaves_the_reminder_to_the_next(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    badge_of(services, tess_of(services), 20)

    def die(*_given: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(expiring, "emit", die)
        with pytest.raises(SystemExit):
            noted(services)
    assert reminders_due(services) == 0
    assert noted(services) == 1


def test_many_are_seen_to_in_small_portions(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    tess = tess_of(services)
    for days in (20, 21, 22, 23, 24):
        badge = badge_of(services, None, days)
        change(services, badge, person_id=tess, achievement_key=f"K{days}")
    monkeypatch.setattr(expiring, "BATCH", 2)
    monkeypatch.setattr(expiring, "MOST_BATCHES", 2)
    assert [noted(services) for _ in range(3)] == [4, 1, 0]


def test_the_worker_does_it_by_itself_and_the_gauge_tells_what_is_left(services: Services, worker: Worker) -> None:
    badge_of(services, tess_of(services), 20)

    def gauge() -> float:
        assert operations.look(services.runtime).has_figures
        return operations.metrics.REMINDERS_DUE._value.get()

    assert gauge() == 1
    operate._chores(services, worker)
    assert gauge() == 0
    assert reminders_due(services) == 1


def test_what_was_seen_to_goes_with_the_person_and_is_told_to_them(services: Services, worker: Worker) -> None:
    from app.wiring import personal_data

    tess = tess_of(services)
    badge_of(services, tess, 20)
    reminded(services, worker)
    (room,) = (each for each in personal_data(services.runtime) if each.room == "messages")
    with services.runtime.database.read() as session:
        told = {section.name: section.records for section in room.export(session, tess)}
    assert [record["days"] for record in told["messages.reminders"]] == [30]
    with services.runtime.database.write() as session:
        counts = {count.what: count.number for count in room.erase(session, tess)}
    assert counts["notes of reminders that a badge expires"] == 1


def test_an_end_is_never_told_a_day_too_late(services: Services, worker: Worker, post: Post) -> None:
    badge = badge_of(services, tess_of(services), 5)
    change(services, badge, valid_until=in_days(0) + timedelta(hours=3))
    reminded(services, worker)
    (mail,) = [mail for mail in post.taken if "expires" in str(mail["Subject"])]
    assert "That is within a day" in " ".join(mail.get_content().split())
