"""An advanced badge and what it rests on: digests, the badges themselves, and what their state means for it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from app.vc import contexts, json_text, status_list
from app.vc.open_badges import digest_multibase
from app.vc.timestamps import rfc3339
from app.verifier import chain
from app.verifier.schemas import ChainLink, Check, Report
from tests.verifier.field import AT, DAY, LIST_URL, SITE, Stranger, outcome

BASIC = f"{SITE}/credentials/basic-1/v1.json"
FRAMEWORK = f"{SITE}/programme/ips/3.json"


def _basic(issuer: Stranger, **changes: Any) -> bytes:
    members = {"id": f"{SITE}/credentials/basic-1", "credentialStatus": status_list.entry(LIST_URL, 99), **changes}
    return issuer.secure(issuer.credential(**members), "di")


def _judge(issuer: Stranger, *resources: dict[str, Any]) -> Report:
    return issuer.judge(issuer.secure(issuer.credential(relatedResource=list(resources)), "di"))


def _check(report: Report) -> Check:
    check = report.check("chain")
    assert check is not None
    return check


def _only(report: Report) -> ChainLink:
    (link,) = report.chain
    return link


def test_a_badge_that_rests_on_nothing_has_no_such_check(issuer: Stranger) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(), "di"))
    assert (report.chain, report.check("chain")) == ((), None)


def test_a_chain_that_stands_passes_and_tells_of_each_badge(issuer: Stranger) -> None:
    report = _judge(issuer, issuer.publish_badge(BASIC, _basic(issuer)))
    assert outcome(report) == ("valid", None)
    assert (_check(report).result, _check(report).code) == ("pass", "ok")
    link = _only(report)
    assert (link.kind, link.result, link.verdict, link.url) == ("badge", "pass", "valid", BASIC)
    assert link.facts is not None
    assert link.facts.credential_id == f"{SITE}/credentials/basic-1"


def test_a_basic_badge_of_another_issuer_is_judged_by_that_issuers_keys(issuer: Stranger) -> None:
    other = issuer.neighbour()
    basic = other.secure(other.credential(credentialStatus=None), "jwt")
    link = _only(_judge(issuer, issuer.publish_badge(BASIC, basic)))
    assert (link.result, link.verdict) == ("pass", "valid_unknown_issuer")


def test_a_changed_byte_makes_the_advanced_badge_invalid(issuer: Stranger) -> None:
    named = issuer.publish_badge(BASIC, _basic(issuer))
    issuer.web.pages[BASIC] += b"\n"
    report = _judge(issuer, named)
    assert outcome(report) == ("invalid", "related_digest")
    assert (_only(report).code, _only(report).facts) == ("related_digest", None)


def test_a_basic_badge_that_was_revoked_is_told_and_leaves_the_advanced_one_its_own_verdict(issuer: Stranger) -> None:
    issuer.publish_list((99,))
    report = _judge(issuer, issuer.publish_badge(BASIC, _basic(issuer)))
    assert outcome(report) == ("valid", None)
    assert (_check(report).result, _check(report).code) == ("fail", "chain_broken")
    assert (_only(report).result, _only(report).verdict, _only(report).code) == ("fail", "revoked", "revoked")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"validUntil": rfc3339(AT - DAY)}, "expired"),
        ({"validFrom": rfc3339(AT + DAY)}, "not_yet_valid"),
    ],
)
def test_so_is_one_that_is_out_of_its_dates(issuer: Stranger, changes: dict[str, Any], verdict: str) -> None:
    report = _judge(issuer, issuer.publish_badge(BASIC, _basic(issuer, **changes)))
    assert report.verdict == "valid"
    assert (_check(report).code, _only(report).verdict) == ("chain_broken", verdict)


def test_nothing_is_shown_of_a_basic_badge_whose_signature_fails(issuer: Stranger) -> None:
    forged = _basic(issuer).replace(b"tested one gate", b"tested two gates")
    link = _only(_judge(issuer, issuer.publish_badge(BASIC, forged)))
    assert (link.result, link.verdict, link.facts) == ("fail", "invalid", None)


def test_a_basic_badge_that_its_holder_has_not_shared_is_an_open_question(issuer: Stranger) -> None:
    named = issuer.publish_badge(BASIC, _basic(issuer))
    del issuer.web.pages[BASIC]
    issuer.web.missing.add(BASIC)
    report = _judge(issuer, named)
    assert outcome(report) == ("valid", None)
    assert (_check(report).result, _check(report).code) == ("unknown", "chain_unshared")
    assert "has not shared it" in _only(report).detail


def test_one_that_could_not_be_checked_is_not_taken_for_valid(issuer: Stranger) -> None:
    named = issuer.publish_badge(BASIC, _basic(issuer))
    del issuer.web.pages[BASIC]
    report = _judge(issuer, named)
    assert (report.verdict, _check(report).result, _check(report).code) == ("valid", "unknown", "chain_unknown")
    list_down = _basic(issuer, credentialStatus=status_list.entry(LIST_URL + "9", 1))
    report = _judge(issuer, issuer.publish_badge(BASIC, list_down))
    assert (_check(report).code, _only(report).verdict) == ("chain_unknown", "unknown")


def test_another_document_is_compared_by_its_digest_alone(issuer: Stranger) -> None:
    data = b'{"framework": "IPS"}'
    named = {"id": FRAMEWORK, "digestMultibase": digest_multibase(data), "mediaType": "application/json"}
    issuer.web.pages[FRAMEWORK] = data
    report = _judge(issuer, named)
    assert (outcome(report), _check(report).result) == (("valid", None), "pass")
    assert (_only(report).kind, _only(report).verdict) == ("document", None)
    issuer.web.pages[FRAMEWORK] = data.replace(b"IPS", b"XYZ")
    assert outcome(_judge(issuer, named)) == ("invalid", "related_digest")
    del issuer.web.pages[FRAMEWORK]
    report = _judge(issuer, named)
    assert outcome(report) == ("valid", None)
    assert (_check(report).result, _check(report).code) == ("unknown", "related_unavailable")


def _sri(name: str, data: bytes) -> str:
    return f"{name}-{base64.b64encode(hashlib.new(name, data).digest()).decode()}"


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_a_digest_may_be_given_in_the_manner_of_the_web(issuer: Stranger, name: str) -> None:
    issuer.web.pages[FRAMEWORK] = b"rules"
    assert _check(_judge(issuer, {"id": FRAMEWORK, "digestSRI": _sri(name, b"rules")})).result == "pass"
    assert outcome(_judge(issuer, {"id": FRAMEWORK, "digestSRI": _sri(name, b"other")})) == (
        "invalid",
        "related_digest",
    )


def test_of_two_kinds_of_digests_both_must_fit_and_of_several_of_one_kind_one(issuer: Stranger) -> None:
    issuer.web.pages[FRAMEWORK] = b"rules"
    right, wrong = digest_multibase(b"rules"), digest_multibase(b"other")
    both = {"id": FRAMEWORK, "digestMultibase": right, "digestSRI": _sri("sha256", b"other")}
    assert outcome(_judge(issuer, both)) == ("invalid", "related_digest")
    assert _check(_judge(issuer, {"id": FRAMEWORK, "digestMultibase": [wrong, right]})).result == "pass"


@pytest.mark.parametrize(
    "resource",
    [
        {"id": FRAMEWORK},
        {"id": FRAMEWORK, "digestMultibase": "uAAAA"},
        {"digestMultibase": digest_multibase(b"")},
        {"id": FRAMEWORK, "digestSRI": "md5-AAAA"},
    ],
)
def test_one_that_is_not_named_by_address_and_digest_breaks_the_form(
    issuer: Stranger, resource: dict[str, Any]
) -> None:
    badge = json_text.dumps(issuer.sign_as_others_do(issuer.credential(relatedResource=[resource])))
    assert outcome(issuer.judge(badge)) == ("invalid", "schema_invalid")


def test_the_chain_of_a_basic_badge_is_not_followed(issuer: Stranger) -> None:
    deeper = f"{SITE}/credentials/deeper/v1.json"
    basic = _basic(issuer, relatedResource=[issuer.publish_badge(deeper, _basic(issuer))])
    report = _judge(issuer, issuer.publish_badge(BASIC, basic))
    assert _check(report).result == "pass"
    assert deeper not in issuer.web.asked


def test_nor_is_a_newer_copy_of_it_asked_for(issuer: Stranger) -> None:
    service = f"{SITE}/refresh/basic-1"
    basic = _basic(issuer, refreshService={"id": service, "type": "1EdTechCredentialRefresh"})
    assert _check(_judge(issuer, issuer.publish_badge(BASIC, basic))).result == "pass"
    assert service not in issuer.web.asked


def test_only_so_many_are_fetched_and_the_rest_is_an_open_question(issuer: Stranger) -> None:
    named = [issuer.publish_badge(f"{SITE}/r/{number}", b"x") for number in range(chain.MAX_LINKS + 5)]
    report = _judge(issuer, *named)
    assert report.verdict == "valid"
    assert [link.code for link in report.chain].count("too_many") == 5
    assert len([url for url in issuer.web.asked if "/r/" in url]) == chain.MAX_LINKS
    assert (_check(report).result, _check(report).code) == ("unknown", "too_many")


def test_a_context_is_compared_with_the_pinned_text_and_not_fetched(issuer: Stranger) -> None:
    named = [
        {"id": url, "digestMultibase": digest_multibase(contexts.pinned_bytes(url))}
        for url in contexts.CREDENTIAL_CONTEXTS
    ]
    assert _check(_judge(issuer, *named)).result == "pass"
    another = {"id": contexts.OB_V3, "digestMultibase": digest_multibase(b"the other text in use")}
    assert _check(_judge(issuer, another)).code == "related_unavailable"
    assert not any(url in issuer.web.asked for url in contexts.CREDENTIAL_CONTEXTS)


@pytest.mark.parametrize("url", ["urn:uuid:0f2d3f0e-5a6b-4c7d-8e9f-a0b1c2d3e4f5", "file:///etc/passwd"])
def test_what_has_no_web_address_is_not_asked_for(issuer: Stranger, url: str) -> None:
    report = _judge(issuer, {"id": url, "digestMultibase": digest_multibase(b"")})
    assert _check(report).code == "related_unavailable"
    assert url not in issuer.web.asked


def test_a_badge_that_does_not_hold_sends_nobody_anywhere(issuer: Stranger) -> None:
    named = issuer.publish_badge(BASIC, _basic(issuer))
    badge = issuer.secure(issuer.credential(relatedResource=[named]), "di")
    report = issuer.judge(badge.replace(b"tested one gate", b"tested two gates"))
    assert (report.verdict, report.chain) == ("invalid", ())
    assert BASIC not in issuer.web.asked


def test_the_public_report_lists_each_link_and_nothing_a_badge_says(issuer: Stranger) -> None:
    told = _judge(issuer, issuer.publish_badge(BASIC, _basic(issuer))).as_dict()
    assert told["chain"] == [
        {
            "url": BASIC, "kind": "badge", "result": "pass", "verdict": "valid", "code": "ok",
            "detail": "It is signed by its issuer, in date and not revoked.",
        }
    ]  # fmt: skip
    assert told["endorsements"] == []
