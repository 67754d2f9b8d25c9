"""Every way a badge can go wrong, in both securings and every container."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from app.vc import json_text, status_list
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.keys import Ed25519Signer, P256Signer, base64url, base64url_decode
from app.vc.timestamps import rfc3339
from tests.verifier.field import AT, DAY, LIST_URL, SECRET_CLAIM, Stranger, contain, outcome

SECURINGS = ("di", "jwt")
CONTAINERS = ("bare", "png", "svg")

Case = Callable[[Stranger, str], bytes]
CASES: dict[str, tuple[Case, str, str | None]] = {}


def case(verdict: str, code: str | None) -> Callable[[Case], Case]:
    def add(build: Case) -> Case:
        CASES[build.__name__] = (build, verdict, code)
        return build

    return add


@case("valid", None)
def valid(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(), securing)


@case("valid", None)
def valid_without_a_status_list(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(credentialStatus=None), securing)


@case("expired", "expired")
def expired(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(validUntil=rfc3339(AT - DAY)), securing)


@case("not_yet_valid", "not_yet_valid")
def not_yet_valid(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(validFrom=rfc3339(AT + DAY)), securing)


@case("revoked", "revoked")
def revoked(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list((4711,))
    return issuer.secure(issuer.credential(), securing)


@case("suspended", "suspended")
def suspended_by_its_own_list(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list((4711,), credentialSubject=_list_subject((4711,), purpose="suspension"))
    return issuer.secure(issuer.credential(credentialStatus=_entry(statusPurpose="suspension")), securing)


@case("revoked", "expired")
def revoked_and_expired(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list((4711,))
    return issuer.secure(issuer.credential(validUntil=rfc3339(AT - DAY)), securing)


@case("revoked", "revoked")
def revoked_in_the_second_of_two_lists(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list((4711,))
    entries = [_entry(id=f"{LIST_URL}#1", statusListIndex="1"), _entry()]
    # The VC Data Model allows it; the schema of Open Badges does not, so such a badge cannot name that schema.
    return issuer.secure(issuer.credential(credentialStatus=entries, credentialSchema=None), securing)


@case("invalid", "schema_invalid")
def two_lists_against_the_schema_it_names(issuer: Stranger, securing: str) -> bytes:
    entries = [_entry(id=f"{LIST_URL}#1", statusListIndex="1"), _entry()]
    return issuer.secure(issuer.credential(credentialStatus=entries), securing)


@case("unknown", "status_unavailable")
def list_down(issuer: Stranger, securing: str) -> bytes:
    del issuer.web.pages[LIST_URL]
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "status_unavailable")
def list_is_a_web_page(issuer: Stranger, securing: str) -> bytes:
    issuer.web.pages[LIST_URL] = b"<!doctype html><title>Welcome</title>"
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "status_stale")
def list_stale(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list(validUntil=rfc3339(AT - DAY / 2))
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "status_stale")
def list_whose_own_proof_ran_out(issuer: Stranger, securing: str) -> bytes:
    issuer.serve_list(issuer.sign_until(issuer.list_document(), AT - DAY / 2))
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "status_stale")
def list_from_the_future(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list(validFrom=rfc3339(AT + DAY / 2))
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "status_purpose")
def list_wrong_purpose(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list(credentialSubject=_list_subject(purpose="suspension"))
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "status_length")
def list_too_short(issuer: Stranger, securing: str) -> bytes:
    short = "u" + base64url(gzip.compress(bytes(1250)))
    issuer.publish_list(credentialSubject=_list_subject() | {"encodedList": short})
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "status_range")
def index_out_of_range(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(credentialStatus=_entry(statusListIndex="131072")), securing)


@case("invalid", "status_malformed")
def index_is_not_a_number(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(credentialStatus=_entry(statusListIndex="-1")), securing)


@case("invalid", "status_signature")
def list_changed_after_signing(issuer: Stranger, securing: str) -> bytes:
    signed = issuer.sign(issuer.list_document((4711,)))
    issuer.serve_list(signed | {"credentialSubject": _list_subject()})
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "status_signature")
def list_unsigned(issuer: Stranger, securing: str) -> bytes:
    issuer.serve_list(issuer.list_document())
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "status_issuer")
def list_of_another_issuer(issuer: Stranger, securing: str) -> bytes:
    other = Stranger(name="did:web:other.example:issuers:x", web=issuer.web)
    issuer.serve_list(other.sign(other.list_document()))
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "status_malformed")
def list_of_another_address(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_list(id=LIST_URL + "0")
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "status_unsupported")
def status_of_a_kind_we_do_not_read(issuer: Stranger, securing: str) -> bytes:
    entry = {"id": f"{LIST_URL}#r", "type": "1EdTechCredentialRefresh"}
    return issuer.secure(issuer.credential(credentialStatus=entry), securing)


@case("invalid", "bad_signature")
def wrong_key(issuer: Stranger, securing: str) -> bytes:
    issuer.ed25519, issuer.p256 = Ed25519Signer.generate(), P256Signer.generate()
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "key_not_found")
def fragment_key(issuer: Stranger, securing: str) -> bytes:
    attacker = Stranger(name=issuer.name)
    key = (attacker.ed25519 if securing == "di" else attacker.p256).public_key.multikey
    return attacker.secure(issuer.credential(), securing, method=f"{issuer.name}#{key}")


@case("invalid", "issuer_key_mismatch")
def key_of_somebody_else(issuer: Stranger, securing: str) -> bytes:
    other = Stranger(name="did:web:other.example:issuers:x", web=issuer.web)
    return other.secure(issuer.credential(), securing)


@case("invalid", "key_not_authorised")
def key_listed_but_not_for_assertions(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_keys(assertionMethod=[])
    return issuer.secure(issuer.credential(), securing)


@case("unknown", "key_not_found")
def keys_out_of_reach(issuer: Stranger, securing: str) -> bytes:
    badge = issuer.secure(issuer.credential(), securing)
    issuer.web.pages.clear()
    return badge


@case("invalid", "did_document_invalid")
def did_document_of_somebody_else(issuer: Stranger, securing: str) -> bytes:
    issuer.publish_keys(id="did:web:other.example")
    return issuer.secure(issuer.credential(), securing)


@case("invalid", "unsafe_jsonld")
def undefined_term(issuer: Stranger, securing: str) -> bytes:
    return _edit(issuer, securing, lambda text: text.replace('"awardedDate"', '"workloadHours":"8","awardedDate"', 1))


@case("invalid", "context_order")
def reordered_context(issuer: Stranger, securing: str) -> bytes:
    vc, badge, extensions = CREDENTIAL_CONTEXTS
    text = json.dumps([badge, vc, extensions], separators=(",", ":"))
    return _edit(
        issuer, securing, lambda old: old.replace(json.dumps(list(CREDENTIAL_CONTEXTS), separators=(",", ":")), text)
    )


@case("unknown", "context_unknown")
def context_of_a_stranger(issuer: Stranger, securing: str) -> bytes:
    extensions = CREDENTIAL_CONTEXTS[2]
    return _edit(issuer, securing, lambda text: text.replace(extensions, "https://example.com/context.json"))


@case("invalid", "parse_error")
def duplicate_json_key(issuer: Stranger, securing: str) -> bytes:
    return _edit(issuer, securing, lambda text: text.replace('"name":', '"name":"Something else","name":', 1))


@case("invalid", "bad_signature")
def one_changed_character(issuer: Stranger, securing: str) -> bytes:
    badge = issuer.secure(issuer.credential(), securing)
    if securing == "di":
        return badge.replace(b"Found and tested", b"Found and Tested")
    head, payload, signature = badge.decode().split(".")
    changed = base64url_decode(payload).replace(b"Found and tested", b"Found and Tested")
    return f"{head}.{base64url(changed)}.{signature}".encode()


@case("invalid", None)
def empty_proof(issuer: Stranger, securing: str) -> bytes:
    if securing == "di":
        return json_text.dumps({**issuer.credential(), "proof": []})
    return issuer.secure(issuer.credential(), securing).rpartition(b".")[0] + b"."


@case("invalid", "schema_invalid")
def achievement_without_a_description(issuer: Stranger, securing: str) -> bytes:
    subject = issuer.credential()["credentialSubject"]
    del subject["achievement"]["description"]
    return issuer.secure(issuer.credential(credentialSubject=subject), securing)


@case("invalid", "not_a_badge")
def another_kind_of_credential(issuer: Stranger, securing: str) -> bytes:
    return issuer.secure(issuer.credential(type=["VerifiableCredential", "EndorsementCredential"]), securing)


@case("unknown", "schema_unsupported")
def further_schema(issuer: Stranger, securing: str) -> bytes:
    schema = [{"id": "https://example.com/own.json", "type": "1EdTechJsonSchemaValidator2019"}]
    return issuer.secure(issuer.credential(credentialSchema=schema), securing)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("securing", SECURINGS)
@pytest.mark.parametrize("name", CASES)
def test_each_case_gets_its_verdict_and_code(issuer: Stranger, name: str, securing: str, container: str) -> None:
    build, verdict, code = CASES[name]
    report = issuer.judge(contain(build(issuer, securing), container))
    if code is None:
        assert report.verdict == verdict, report.checks
    else:
        assert outcome(report) == (verdict, code), report.checks


@pytest.mark.parametrize("securing", SECURINGS)
@pytest.mark.parametrize("name", CASES)
def test_without_a_signature_by_the_issuer_nothing_of_the_badge_is_in_the_report(
    issuer: Stranger, name: str, securing: str
) -> None:
    report = issuer.judge(CASES[name][0](issuer, securing))
    signed = {check.result for check in report.checks if check.name in ("signature", "issuer_binding")} == {"pass"}
    assert (report.facts is not None) == signed
    if not signed:
        assert SECRET_CLAIM not in repr(report)
        assert issuer.name not in repr(report)


@pytest.mark.parametrize("securing", SECURINGS)
def test_a_good_badge_of_an_issuer_nobody_knows_is_not_plainly_valid(issuer: Stranger, securing: str) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(), securing), known=False)
    assert outcome(report) == ("valid_unknown_issuer", "issuer_unknown")
    assert report.issuer is None


@pytest.mark.parametrize("securing", SECURINGS)
def test_checks_come_in_one_order_whatever_happens(issuer: Stranger, securing: str) -> None:
    names = ["read", "form", "signature", "issuer_binding", "dates", "status", "issuer_known"]
    for build, _, _ in CASES.values():
        report = issuer.judge(build(Stranger(), securing))
        assert [check.name for check in report.checks] == names


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _entry(**changes: Any) -> dict[str, Any]:
    return status_list.entry(LIST_URL, 4711) | changes


def _list_subject(set_bits: tuple[int, ...] = (), *, purpose: str = "revocation") -> dict[str, Any]:
    return {
        "id": f"{LIST_URL}#list",
        "type": "BitstringStatusList",
        "statusPurpose": purpose,
        "encodedList": status_list.encode_list(set_bits),
    }


def _edit(issuer: Stranger, securing: str, change: Callable[[str], str]) -> bytes:
    """A badge whose text was edited: before signing where the securing allows it, so that only the edit is at fault."""
    if securing == "di":
        text = issuer.secure(issuer.credential(), "di").decode()
        assert change(text) != text
        return change(text).encode()
    payload = base64url_decode(issuer.sign_jwt(issuer.credential()).split(".")[1]).decode()
    assert change(payload) != payload
    return issuer.raw_jwt(change(payload).encode()).encode()
