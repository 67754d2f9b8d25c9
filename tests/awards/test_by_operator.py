"""Badges that an operator issues at the terminal: checked as a client's are, and repeated as they always were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from app.awards import overrides, requests
from app.awards.by_operator import issue_by_operator
from app.awards.errors import AwardRefused, PrerequisiteMissing
from app.awards.models import Award, AwardOverride
from app.awards.schemas import OperatorAward
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.issuer import issuing
from app.issuer import service as issuer
from app.issuer.errors import CredentialErased, IdempotencyConflict
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.programme import service as programme
from app.wiring import Services
from tests.api.awarding import EMAIL, confirmed_person, count, direct

M01 = OperatorAward("M01", EMAIL, "k1", "Helen Chapman", "programme lead", "orygen")
M02 = replace(M01, achievement_key="M02", idempotency_key="k2")


def issue(services: Services, award: OperatorAward) -> IssuedCredential:
    runtime = services.runtime
    return issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, award)


def issued_long_ago(services: Services, award: OperatorAward) -> str:
    """A badge as it was issued before anything was checked, its key and its fingerprint as they were then; its id."""
    runtime = services.runtime
    said = json.dumps([award.issuer_key, award.achievement_key, award.email.lower(), award.decided_by_name])
    fingerprint = runtime.secret_box.derive("awards.operator-request", said).hex()
    moment = now().replace(microsecond=0) - timedelta(days=9)
    with runtime.database.read() as session:
        version = programme.current_achievement(session, award.achievement_key).version
    request = IssueRequest(
        idempotency_key=f"operator:{award.idempotency_key}", issuer_key=award.issuer_key,
        achievement_key=award.achievement_key, achievement_version=version, person_id=None, recipient_email=award.email,
        awarded_at=moment, valid_until=moment + timedelta(days=900), actor=OPERATOR, decided_by_role="programme lead",
        fingerprint=fingerprint,
    )  # fmt: skip
    made = issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request)
    return made.credential_id


def test_a_badge_that_rests_on_another_is_refused_and_nothing_is_kept(services: Services) -> None:
    with pytest.raises(PrerequisiteMissing) as refused:
        issue(services, M02)
    assert [(each.achievement, each.why) for each in refused.value.missing] == [("M01", "missing")]
    assert "--override-reason" in str(refused.value.next_step)
    with services.runtime.database.read() as session:
        assert not issuer.has_credentials(session)


@pytest.mark.parametrize("by", ["operator", "client"])
def test_a_badge_issued_to_the_same_address_counts_whoever_issued_it(services: Services, by: str) -> None:
    if by == "operator":
        issue(services, M01)
    else:
        direct(services, "1", EMAIL)
    document = json.loads(issue(services, replace(M02, email=EMAIL.title())).document)
    assert len(document["relatedResource"]) == 2, "the badge it rests on, and the framework"
    assert count(services, AwardOverride) == 0


def test_a_reason_passes_over_it_and_is_kept_for_review(services: Services) -> None:
    issued = issue(services, replace(M02, override_reason=" Did it all in Bendigo. "))
    with services.runtime.database.read() as session:
        (override,) = overrides.listed(session)
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == issued.credential_id)).all()
    assert (override.credential_id, override.missing, override.reason, override.client_id) == (
        issued.credential_id, ("M01",), "Did it all in Bendigo.", OPERATOR.id,
    )  # fmt: skip
    (entry,) = (entry for entry in entries if entry.action == "awards.prerequisite_overridden")
    assert (entry.actor_kind, entry.actor_id) == (OPERATOR.kind, OPERATOR.id)
    assert "Bendigo" not in json.dumps(entry.ids)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "two\nlines", "a\x1b[31mcolour"])
def test_a_reason_that_says_nothing_or_too_much_is_refused(services: Services, reason: str) -> None:
    with pytest.raises(AwardRefused):
        issue(services, replace(M02, override_reason=reason))
    with services.runtime.database.read() as session:
        assert not issuer.has_credentials(session)


def test_a_command_of_long_ago_is_repeated_though_it_would_be_refused_today(services: Services) -> None:
    old = issued_long_ago(services, M02)
    assert issue(services, M02).credential_id == old
    with services.runtime.database.read() as session:
        assert session.exec(select(Award)).one().decided_by_name == "Helen Chapman"
    with pytest.raises(IdempotencyConflict):
        issue(services, replace(M02, email="robin@example.org"))


def test_a_badge_of_long_ago_counts_once_its_command_is_repeated(services: Services) -> None:
    issued_long_ago(services, M01)
    with pytest.raises(PrerequisiteMissing):
        issue(services, M02)
    issue(services, M01)
    assert issue(services, M02).version == 1


def test_it_becomes_its_holders_who_confirms_the_address_and_the_command_may_still_be_repeated(
    services: Services,
) -> None:
    runtime = services.runtime
    issued = issue(services, M01)
    person_id = confirmed_person(services, EMAIL)
    assert requests.adopt(runtime.database, runtime.secret_box, person_id, EMAIL) == 1
    with runtime.database.read() as session:
        assert [badge.id for badge in issuer.credentials_of(session, person_id)] == [issued.credential_id]
    assert issue(services, M01).credential_id == issued.credential_id


def test_what_a_crash_left_reserved_has_its_decider_and_is_finished_by_the_repeat(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "finish", crash)
        with pytest.raises(KeyboardInterrupt):
            issue(services, M01)
    with services.runtime.database.read() as session:
        left = session.exec(select(Award)).one()
    assert issue(services, M01).credential_id == left.credential_id


def test_an_erased_badge_is_not_issued_again_by_a_repeat(services: Services) -> None:
    runtime = services.runtime
    issued = issue(services, M01)
    with runtime.database.write() as session:
        issuer.erase(session, runtime.secret_box, issued.credential_id, actor=OPERATOR)
    with pytest.raises(CredentialErased):
        issue(services, M01)
