"""A newer copy takes the place of the one presented, if it is a copy of the same badge and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from app.vc import json_text
from app.vc.timestamps import rfc3339
from tests.verifier.field import AT, BADGE_URL, DAY, SITE, Stranger, outcome

SERVICE = f"{SITE}/refresh/7f3a91c2"
OFFER = {"id": SERVICE, "type": "1EdTechCredentialRefresh"}


def _presented(issuer: Stranger, **changes: Any) -> bytes:
    return issuer.secure(issuer.credential(refreshService=OFFER, **changes), "di")


def _offer(stranger: Stranger, securing: str = "di", **changes: Any) -> None:
    newer = {"validFrom": rfc3339(AT - DAY), "awardedDate": None, "refreshService": OFFER, **changes}
    stranger.web.pages[SERVICE] = stranger.secure(stranger.credential(**newer), securing)


@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_a_newer_copy_is_judged_in_place_of_the_old(issuer: Stranger, securing: str) -> None:
    _offer(issuer, securing, name="Renewed")
    report = issuer.judge(_presented(issuer, validUntil=rfc3339(AT - DAY / 2)))
    assert outcome(report) == ("valid", None)
    assert report.refreshed
    assert report.facts is not None
    assert (report.facts.name, report.facts.valid_from) == ("Renewed", AT - DAY)
    assert [check.name for check in report.checks][3:6] == ["issuer_binding", "refresh", "dates"]


def test_it_is_asked_for_once_only(issuer: Stranger) -> None:
    """The newer copy offers a newer copy as well; two that point at each other would go on for ever."""
    _offer(issuer, refreshService={"id": SERVICE + "/next", "type": "1EdTechCredentialRefresh"})
    assert outcome(issuer.judge(_presented(issuer))) == ("valid", None)
    assert SERVICE + "/next" not in issuer.web.asked


def test_a_newer_copy_that_was_revoked_revokes(issuer: Stranger) -> None:
    issuer.publish_list((4711,))
    _offer(issuer)
    assert outcome(issuer.judge(_presented(issuer, credentialStatus=None))) == ("revoked", "revoked")


def _failed(issuer: Stranger) -> None:
    report = issuer.judge(_presented(issuer))
    assert outcome(report) == ("valid", None)
    assert not report.refreshed
    check = report.check("refresh")
    assert check is not None
    assert (check.result, check.code) == ("unknown", "refresh_failed")
    assert report.facts is not None
    assert report.facts.valid_from == AT - 30 * DAY


@pytest.mark.parametrize("answer", [None, b"", b"<html>", b"{}", b"x" * 100])
def test_where_there_is_none_the_original_is_judged_on(issuer: Stranger, answer: bytes | None) -> None:
    if answer is not None:
        issuer.web.pages[SERVICE] = answer
    _failed(issuer)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": BADGE_URL + "0"},
        {"validFrom": rfc3339(AT - 31 * DAY)},
        {"credentialSubject.id": "urn:uuid:0f2d3f0e-5a6b-4c7d-8e9f-a0b1c2d3e4f6"},
        {"credentialSubject.id": None},
    ],
)
def test_another_badge_is_not_taken_for_a_newer_copy(issuer: Stranger, changes: dict[str, Any]) -> None:
    subject = issuer.credential()["credentialSubject"]
    if "credentialSubject.id" in changes:
        subject = {"id": changes["credentialSubject.id"], **{k: v for k, v in subject.items() if k != "id"}}
        subject = {name: value for name, value in subject.items() if value is not None}
    members = {name: value for name, value in changes.items() if "." not in name}
    _offer(issuer, credentialSubject=subject, **members)
    _failed(issuer)


def test_a_copy_signed_by_somebody_else_is_not_taken(issuer: Stranger) -> None:
    other = issuer.neighbour()
    document = issuer.credential(validFrom=rfc3339(AT - DAY), awardedDate=None)
    issuer.web.pages[SERVICE] = other.secure(document, "di")
    _failed(issuer)
    issuer.web.pages[SERVICE] = other.secure(document | {"issuer": {"id": other.name, "type": ["Profile"]}}, "di")
    _failed(issuer)


def test_a_copy_that_names_another_issuer_is_not_taken_though_the_first_signed_it(issuer: Stranger) -> None:
    _offer(issuer, issuer={"id": "did:web:other.example:issuers:x", "type": ["Profile"]})
    _failed(issuer)


def test_a_copy_changed_after_signing_is_not_taken(issuer: Stranger) -> None:
    _offer(issuer)
    issuer.web.pages[SERVICE] = issuer.web.pages[SERVICE].replace(b"tested one gate", b"tested two gates")
    _failed(issuer)


def test_holders_without_an_id_are_compared_by_their_identifiers(issuer: Stranger) -> None:
    subject = {name: value for name, value in issuer.credential()["credentialSubject"].items() if name != "id"}
    badge = _presented(issuer, credentialSubject=subject)
    _offer(issuer, credentialSubject=subject)
    assert issuer.judge(badge).refreshed
    other = {**subject, "identifier": [{**subject["identifier"][0], "salt": "another"}]}
    _offer(issuer, credentialSubject=other)
    assert not issuer.judge(badge).refreshed


def test_a_badge_whose_signature_fails_sends_nobody_anywhere(issuer: Stranger) -> None:
    _offer(issuer)
    report = issuer.judge(_presented(issuer).replace(b"tested one gate", b"tested two gates"))
    assert outcome(report) == ("invalid", "bad_signature")
    assert SERVICE not in issuer.web.asked


def test_another_kind_of_service_is_left_alone(issuer: Stranger) -> None:
    badge = issuer.sign(issuer.credential(refreshService={"id": SERVICE, "type": "1EdTechRevocationList"}))
    report = issuer.judge(json_text.dumps({**badge, "credentialSchema": badge["credentialSchema"]}))
    assert report.check("refresh") is None
    assert SERVICE not in issuer.web.asked
