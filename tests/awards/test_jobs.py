"""From a decision to a badge, and from a confirmed address to a badge that names its holder."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.awards import jobs, service
from app.awards.models import Award
from app.core.audit import AuditEntry
from app.core.outbox import Delivery
from app.issuer import issuing
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.schemas import IssuedCredential, IssueRequest

from .conftest import EMAIL, LEVELS, Story


class Crash(BaseException):
    """The process dies here."""


def delivery_of(decision_id: str) -> Delivery:
    payload = {"decision_id": decision_id}
    names = ("submission_id", "enrolment_id", "person_id", "module_key")
    payload |= dict.fromkeys(names, "unused")
    return Delivery("d", "learning.award_decided", payload | {"module_version": 1}, 1, datetime.now(UTC))  # type: ignore[arg-type,operator]


def test_a_decision_becomes_one_badge_with_the_levels_that_were_marked(story: Story) -> None:
    decision_id = story.decide()
    story.work()
    badge = story.badge()
    document = json.loads(badge.document)
    reached = [
        result["achievedLevel"].rpartition("#criterion-")[2] for result in document["credentialSubject"]["result"]
    ]
    assert sorted(reached) == sorted(f"{key}-level-{level}" for key, level in LEVELS.items())
    assert not badge.shared
    with story.deps.database.read() as session:
        award = session.exec(select(Award)).one()
        decision = service.award_for_decision(session, decision_id)
    assert (award.decided_by_person_id, award.decided_by_role, award.decided_by_name) == (story.priya, "assessor", None)
    assert decision is not None
    assert decision.credential_id == badge.id


def test_the_badge_is_valid_from_the_decision_for_as_long_as_the_module_says(story: Story) -> None:
    story.decide()
    story.work()
    badge = story.badge()
    assert badge.valid_until == service.months_after(badge.awarded_at, 36)
    assert badge.valid_from >= badge.awarded_at


def test_the_same_delivery_twice_awards_once(story: Story) -> None:
    decision_id = story.decide()
    story.work()
    before = story.badge()
    jobs.award_from_decision(story.deps)(delivery_of(decision_id))
    assert story.badge() == before
    with story.deps.database.read() as session:
        assert len(session.exec(select(Award)).all()) == 1


@pytest.mark.parametrize("name", ["record_award", "bind_badges"])
def test_a_crash_in_the_middle_and_a_repeat_award_once(
    story: Story, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    decision_id = story.decide()

    def die(*_args: object, **_options: object) -> None:
        raise Crash

    handle = jobs.award_from_decision(story.deps)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, name, die)
        with pytest.raises(Crash):
            handle(delivery_of(decision_id))
    handle(delivery_of(decision_id))
    assert len(story.badges()) == 1
    with story.deps.database.read() as session:
        assert len(session.exec(select(Award)).all()) == 1


def test_an_address_the_lms_asserts_is_not_in_the_badge(story: Story) -> None:
    story.decide()
    story.work()
    assert "identifier" not in json.loads(story.badge().document)["credentialSubject"]


def test_an_address_confirmed_before_the_award_is_in_its_first_version(story: Story) -> None:
    story.confirm()
    story.decide()
    story.work()
    badge = story.badge()
    assert badge.identified
    assert badge.version == 1


def test_confirming_an_address_later_re_issues_every_live_badge_once(story: Story) -> None:
    story.decide()
    story.work()
    first = story.badge()
    story.confirm()
    story.work()
    story.confirm()
    story.work()
    second = story.badge()
    (identity,) = json.loads(second.document)["credentialSubject"]["identifier"]
    assert second.version == 2
    assert identity["identityHash"] == "sha256$" + hashlib.sha256((EMAIL + identity["salt"]).encode()).hexdigest()
    assert second.awarded_at == first.awarded_at
    assert second.valid_from > first.valid_from


def test_a_revoked_badge_stays_as_it_is_when_an_address_is_confirmed(story: Story) -> None:
    story.decide()
    story.work()
    deps = story.deps
    issuer.revoke(
        deps.database,
        deps.secret_box,
        deps.base_url,
        credential_id=story.badge().id,
        reason="x",
        actor=jobs.Actor("system", "t"),
    )
    story.confirm()
    story.work()
    assert story.badge().version == 1


def test_a_badge_that_has_ended_hinders_no_confirmation(story: Story) -> None:
    story.decide()
    story.work()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=4 * 365)):
        story.confirm()
        story.work()
    assert story.badge().version == 1


def test_an_address_confirmed_while_the_badge_is_being_signed_is_not_missed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.decide()
    genuine = issuing.sign
    confirmed: list[bool] = []

    def slow_sign(*args: object, **options: object) -> object:
        if not confirmed:
            confirmed.append(True)
            story.confirm()
        return genuine(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(issuing, "sign", slow_sign)
    story.work()
    assert confirmed
    assert story.badge().identified


def test_the_assessor_is_in_the_audit_by_id_and_nobody_is_by_name(story: Story) -> None:
    story.decide()
    story.work()
    with story.deps.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.credential_reserved")).all()
        everything = json.dumps([[e.actor_id, e.subject_id, e.ids] for e in session.exec(select(AuditEntry)).all()])
    assert [(entry.actor_kind, entry.actor_id) for entry in entries] == [("person", story.priya)]
    assert "Tess" not in everything
    assert "@" not in everything


def test_awarding_is_asked_of_the_issuer_under_the_decisions_own_key(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[IssueRequest] = []
    genuine = issuer.issue

    def spy(database: object, box: object, base_url: object, request: IssueRequest) -> IssuedCredential:
        asked.append(request)
        return genuine(database, box, base_url, request)  # type: ignore[arg-type]

    monkeypatch.setattr(issuer, "issue", spy)
    decision_id = story.decide()
    story.work()
    assert [request.idempotency_key for request in asked] == [f"decision:{decision_id}"]
    with story.deps.database.read() as session:
        assert session.exec(select(Credential.idempotency_key)).all() == [f"decision:{decision_id}"]


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 3, 4), 36, (2029, 3, 4)),
        ((2024, 2, 29), 36, (2027, 2, 28)),
        ((2026, 10, 31), 4, (2027, 2, 28)),
        ((2026, 12, 31), 1, (2027, 1, 31)),
        ((2026, 1, 15), 12, (2027, 1, 15)),
    ],
)
def test_months_are_counted_by_the_calendar(
    start: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    assert service.months_after(datetime(*start, 9, 30, tzinfo=UTC), months) == datetime(*end, 9, 30, tzinfo=UTC)
