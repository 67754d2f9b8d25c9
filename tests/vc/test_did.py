import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.vc.did import VerificationMethodSpec, did_document, did_key, did_web_for, did_web_url, key_from_document
from app.vc.errors import DidError, VcError
from tests.vc.samples import CREATED, DID, ED25519, ED25519_ID, P256, P256_ID, issuer_document

PURPOSE = "assertionMethod"


def _code(document: dict[str, Any], method_id: str = ED25519_ID, did: str = DID, purpose: str = PURPOSE) -> str:
    with pytest.raises(VcError) as caught:
        key_from_document(document, did, method_id, purpose, at=CREATED)
    return caught.value.code


@pytest.mark.parametrize(
    ("base_url", "did", "url"),
    [
        ("https://badges.example.au", DID, "https://badges.example.au/issuers/ips/did.json"),
        (
            "http://tool.localhost:8000",
            "did:web:tool.localhost%3A8000:issuers:ips",
            "http://tool.localhost:8000/issuers/ips/did.json",
        ),
        (
            "http://127.0.0.1:8000",
            "did:web:127.0.0.1%3A8000:issuers:ips",
            "http://127.0.0.1:8000/issuers/ips/did.json",
        ),
        (
            "https://example.au/way/mark",
            "did:web:example.au:way:mark:issuers:ips",
            "https://example.au/way/mark/issuers/ips/did.json",
        ),
    ],
)
def test_an_issuers_did_leads_back_to_its_document(base_url: str, did: str, url: str) -> None:
    assert did_web_for(base_url, "ips") == did
    assert did_web_url(did, allow_http_localhost=True) == url


def test_plain_http_is_for_this_machine_and_only_where_allowed() -> None:
    assert did_web_url("did:web:localhost%3A8000", allow_http_localhost=True).startswith(
        "http://localhost:8000/.well-kn"
    )
    assert did_web_url("did:web:a.localhost:x", allow_http_localhost=False) == "https://a.localhost/x/did.json"
    assert did_web_url("did:web:localhost.example.com", allow_http_localhost=True).startswith("https:")
    with pytest.raises(DidError):
        did_web_url("did:web:127.0.0.1%3A8000:x", allow_http_localhost=False)


@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:web:example.au:",
        "did:web:example.au::x",
        "did:web:EXAMPLE.au",
        "did:web:exämple.au",
        "did:web:user@example.au",
        "did:web:user%40example.au",
        "did:web:example.au%2Fpath",
        "did:web:example.au%3A",
        "did:web:example.au%3A0",
        "did:web:example.au%3A99999",
        "did:web:example.au%3A80%3A81",
        "did:web:example.au:..:x",
        "did:web:example.au:%2e%2e",
        "did:web:example.au:a%2Fb",
        "did:web:example.au:a%00",
        "did:web:example.au:a/b",
        "did:web:example.au:a?b",
        "did:web:example.au#key",
        "did:web:10.0.0.1",
        "did:web:169.254.169.254:latest",
        "did:web:127.1",
        "did:web:0x7f000001",
        "did:web:2130706433",
        "did:web:[::1]",
        "did:web:" + "a." * 600 + "au",
    ],
)
def test_a_did_that_cannot_be_followed_safely_is_refused(did: str) -> None:
    with pytest.raises(DidError) as caught:
        did_web_url(did, allow_http_localhost=True)
    assert caught.value.code == "did_malformed"


def test_other_methods_are_named_as_unsupported() -> None:
    with pytest.raises(DidError) as caught:
        did_web_url("did:example:1", allow_http_localhost=False)
    assert caught.value.code == "did_unsupported"


@pytest.mark.parametrize(
    "base_url", ["ftp://a.example", "https://", "https://u:p@a.example", "https://a.example?x=1", "a"]
)
def test_a_base_url_that_makes_no_did_is_refused(base_url: str) -> None:
    with pytest.raises(DidError):
        did_web_for(base_url, "ips")


def test_the_document_lists_keys_in_the_forms_verifiers_read() -> None:
    document = issuer_document()
    first, second = document["verificationMethod"]
    assert document["@context"][0] == "https://www.w3.org/ns/did/v1"
    assert document["assertionMethod"] == [ED25519_ID, P256_ID]
    assert (first["type"], first["publicKeyMultibase"]) == ("Multikey", ED25519.public_key.multikey)
    assert (second["type"], second["publicKeyJwk"]) == ("JsonWebKey", P256.public_key.to_jwk())
    assert key_from_document(document, DID, ED25519_ID, PURPOSE, at=CREATED) == ED25519.public_key
    assert key_from_document(document, DID, P256_ID, PURPOSE, at=CREATED) == P256.public_key


@pytest.mark.parametrize("ids", [[f"{DID}#a", f"{DID}#a"], ["did:web:other.example#a"], [DID]])
def test_keys_of_another_did_or_of_one_name_are_not_listed(ids: list[str]) -> None:
    with pytest.raises(DidError):
        did_document(DID, [VerificationMethodSpec(method_id, ED25519.public_key) for method_id in ids])


def test_names_are_compared_exactly() -> None:
    document = issuer_document()
    assert _code(document, did="did:web:badges.example.au:issuers:other") == "did_document_invalid"
    assert _code(document, method_id="#key-1") == "key_not_found"
    assert _code(document, method_id=ED25519_ID.upper()) == "key_not_found"
    assert _code(document, method_id=f"{DID}#{ED25519.public_key.multikey}") == "key_not_found"
    assert _code(document, purpose="authentication") == "key_not_authorised"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"controller": "did:web:other.example"}, "key_not_authorised"),
        ({"controller": None}, "key_not_authorised"),
        ({"publicKeyMultibase": None}, "did_document_invalid"),
        ({"publicKeyJwk": {}}, "did_document_invalid"),
        ({"publicKeyMultibase": "z6Mk"}, "key_malformed"),
        ({"revoked": "not a date"}, "did_document_invalid"),
        ({"expires": 7}, "did_document_invalid"),
    ],
)
def test_a_method_that_is_not_in_order_gives_no_key(change: dict[str, Any], code: str) -> None:
    document = issuer_document()
    document["verificationMethod"][0] |= change
    assert _code(document) == code


@pytest.mark.parametrize("listed", [[], [ED25519_ID + "x"], ED25519_ID, None, [{"id": ED25519_ID}]])
def test_a_key_not_listed_for_the_purpose_is_not_given(listed: Any) -> None:
    document = issuer_document()
    document["assertionMethod"] = listed
    assert _code(document) in ("key_not_authorised", "did_document_invalid")


def test_a_method_written_out_inside_the_purpose_is_read() -> None:
    document = copy.deepcopy(issuer_document())
    document["assertionMethod"] = [document["verificationMethod"].pop(0)]
    assert key_from_document(document, DID, ED25519_ID, PURPOSE, at=CREATED) == ED25519.public_key


def test_revoked_and_expired_keys_say_so_from_their_moment_on() -> None:
    for member, code in (("revoked", "key_revoked"), ("expires", "key_expired")):
        spec = VerificationMethodSpec(ED25519_ID, ED25519.public_key, **{member: CREATED})
        document = did_document(DID, [spec])
        assert _code(document) == code
        assert (document["assertionMethod"] == []) == (member == "revoked")
    earlier = CREATED - timedelta(seconds=1)
    assert key_from_document(document, DID, ED25519_ID, PURPOSE, at=earlier) == ED25519.public_key


@pytest.mark.parametrize("document", [{}, {"id": DID}, {"id": DID, "verificationMethod": "x"}, {"id": DID, "x": [[]]}])
def test_a_document_without_keys_is_refused(document: dict[str, Any]) -> None:
    assert _code(document) in ("key_not_found", "did_document_invalid")


@pytest.mark.parametrize("issuer_key", ["", "a:b", "a/b", "..", "a b", "ä"])
def test_an_issuer_key_that_would_lead_elsewhere_is_refused(issuer_key: str) -> None:
    with pytest.raises(DidError):
        did_web_for("https://badges.example.au", issuer_key)


@pytest.mark.parametrize("signer", [ED25519, P256])
def test_a_did_key_is_its_key(signer: Any) -> None:
    assert did_key("did:key:" + signer.public_key.multikey) == signer.public_key


@pytest.mark.parametrize(
    "did", ["did:web:a", "did:key:", "did:key:z", "did:key:z6Mk", "did:key:z0", "did:key:z" + "6" * 999]
)
def test_what_is_no_did_key_is_refused(did: str) -> None:
    with pytest.raises(VcError):
        did_key(did)


def test_moments_are_aware() -> None:
    spec = VerificationMethodSpec(ED25519_ID, ED25519.public_key, expires=datetime(2030, 1, 1, tzinfo=UTC))
    assert did_document(DID, [spec])["verificationMethod"][0]["expires"] == "2030-01-01T00:00:00Z"
