"""Whose key is it? DIDs that are their key, and issuers whose id is a web address."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.vc import json_text
from app.vc.keys import base64url
from app.vc.timestamps import rfc3339
from tests.verifier.field import AT, DAY, SITE, Stranger, outcome

ISSUER = f"{SITE}/issuers/test"
JWKS = f"{SITE}/.well-known/jwks.json"


@pytest.fixture
def on_the_web() -> Stranger:
    """An issuer whose id is the address at which its key document lies."""
    return Stranger(name=ISSUER)


def _badge(issuer: Stranger, method: str | None = None, securing: str = "di") -> bytes:
    return issuer.secure(issuer.credential(credentialStatus=None), securing, method=method)


def _multikey(issuer: Stranger, method: str, **changes: Any) -> dict[str, Any]:
    key = {"id": method, "type": "Multikey", "controller": issuer.name}
    return {**key, "publicKeyMultibase": issuer.ed25519.public_key.multikey, **changes}


def _jwk(issuer: Stranger, kid: str, **changes: Any) -> dict[str, Any]:
    return {**issuer.p256.public_key.to_jwk(), "kid": kid, **changes}


def _serve(issuer: Stranger, url: str, document: dict[str, Any]) -> None:
    issuer.web.pages[url] = json_text.dumps(document)


@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_a_did_jwk_is_its_own_key(issuer: Stranger, securing: str) -> None:
    key = (issuer.ed25519 if securing == "di" else issuer.p256).public_key
    issuer.name = f"did:jwk:{base64url(json.dumps(key.to_jwk()).encode())}"
    issuer.web.pages.clear()
    assert outcome(issuer.judge(_badge(issuer, f"{issuer.name}#0", securing))) == ("valid", None)
    assert outcome(issuer.judge(_badge(issuer, issuer.name, securing))) == ("valid", None)
    assert outcome(issuer.judge(_badge(issuer, f"{issuer.name}#1", securing))) == ("invalid", "key_not_found")


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        ("A", "did_malformed"),
        (base64url(b"[]"), "did_malformed"),
        (base64url(b'{"kty":"oct","k":"AA"}'), "key_malformed"),
        (base64url(b'{"kty":"OKP","crv":"Ed25519","use":"enc","x":"AA"}'), "key_not_authorised"),
        ("A" * 5000, "schema_invalid"),
    ],
)
def test_a_did_jwk_that_is_no_key_fails(issuer: Stranger, jwk: str, code: str) -> None:
    issuer.name = f"did:jwk:{jwk}"
    assert outcome(issuer.judge(_badge(issuer, f"{issuer.name}#0"))) == ("invalid", code)


@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_the_document_at_the_issuers_address_lists_its_keys(on_the_web: Stranger, securing: str) -> None:
    assert outcome(on_the_web.judge(_badge(on_the_web, securing=securing))) == ("valid", None)
    assert on_the_web.web.asked == [ISSUER]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": f"{SITE}/issuers/other"}, "did_document_invalid"),
        ({"assertionMethod": []}, "key_not_authorised"),
        ({"verificationMethod": []}, "key_not_found"),
    ],
)
def test_a_document_that_does_not_list_the_key_proves_nothing(
    on_the_web: Stranger, changes: dict[str, Any], code: str
) -> None:
    on_the_web.publish_keys(**changes)
    assert outcome(on_the_web.judge(_badge(on_the_web))) == ("invalid", code)


def test_one_key_may_lie_in_the_issuers_own_folder(on_the_web: Stranger) -> None:
    method = f"{ISSUER}/keys/1"
    _serve(on_the_web, method, _multikey(on_the_web, method))
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("valid", None)
    _serve(on_the_web, method, _jwk(on_the_web, method, controller=ISSUER))
    assert outcome(on_the_web.judge(_badge(on_the_web, method, "jwt"))) == ("valid", None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"controller": f"{SITE}/issuers/other"}, "key_not_authorised"),
        ({"id": f"{ISSUER}/keys/2"}, "key_not_found"),
        ({"revoked": rfc3339(AT - DAY)}, "key_revoked"),
        ({"expires": rfc3339(AT - DAY)}, "key_expired"),
    ],
)
def test_a_single_key_must_be_the_issuers_and_in_use(on_the_web: Stranger, changes: dict[str, Any], code: str) -> None:
    method = f"{ISSUER}/keys/1"
    _serve(on_the_web, method, _multikey(on_the_web, method, **changes))
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("invalid", code)


def test_a_key_elsewhere_on_the_host_that_claims_the_issuer_is_not_believed(on_the_web: Stranger) -> None:
    """Many hosts show files of many people: anybody could put such a file beside the issuer's."""
    method = f"{SITE}/uploads/somebody/key.json"
    _serve(on_the_web, method, _multikey(on_the_web, method))
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("unknown", "key_not_found")  # no key set in reach
    on_the_web.web.missing.add(JWKS)
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("invalid", "key_not_authorised")


def test_a_key_elsewhere_on_the_host_counts_if_the_issuer_lists_it(on_the_web: Stranger) -> None:
    method = f"{SITE}/keys/1"
    _serve(on_the_web, method, _multikey(on_the_web, method))
    on_the_web.publish_keys(assertionMethod=[method])
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("valid", None)


@pytest.mark.parametrize("kid", [f"{SITE}/keys/1", f"{JWKS}#k1"])
def test_the_hosts_key_set_may_list_it(on_the_web: Stranger, kid: str) -> None:
    _serve(on_the_web, JWKS, {"keys": [_jwk(on_the_web, kid.rpartition("#")[2] if "#" in kid else kid)]})
    assert outcome(on_the_web.judge(_badge(on_the_web, kid, "jwt"))) == ("valid", None)


def test_in_a_key_set_of_many_issuers_only_the_issuers_own_keys_count(on_the_web: Stranger) -> None:
    kid = f"{SITE}/keys/1"
    _serve(on_the_web, JWKS, {"keys": [_jwk(on_the_web, kid, iss=f"{SITE}/issuers/other")]})
    assert outcome(on_the_web.judge(_badge(on_the_web, kid, "jwt"))) == ("invalid", "key_not_authorised")
    _serve(on_the_web, JWKS, {"keys": [_jwk(on_the_web, "other", iss="x"), _jwk(on_the_web, kid, iss=ISSUER)]})
    assert outcome(on_the_web.judge(_badge(on_the_web, kid, "jwt"))) == ("valid", None)


def test_the_whole_host_is_nobodys_own_folder() -> None:
    issuer = Stranger(name=SITE)
    issuer.web.missing.add(JWKS)
    method = f"{SITE}/anybody/key.json"
    _serve(issuer, method, _multikey(issuer, method))
    assert outcome(issuer.judge(_badge(issuer, method))) == ("invalid", "key_not_authorised")


@pytest.mark.parametrize(
    "method",
    [
        "https://other.example/keys/1",
        "https://badges.example.au:444/issuers/test/keys/1",
        "did:web:badges.example.au#ed25519-1",
        "did:key:z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi",
    ],
)
def test_a_key_of_another_host_or_kind_is_somebody_elses(on_the_web: Stranger, method: str) -> None:
    _serve(on_the_web, method, _multikey(on_the_web, method))
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("invalid", "issuer_key_mismatch")


@pytest.mark.parametrize("path", ["/../../uploads/key", "/%2e%2e/key"])
def test_a_key_address_cannot_climb_out_of_the_issuers_folder(on_the_web: Stranger, path: str) -> None:
    method = ISSUER + path
    _serve(on_the_web, method, _multikey(on_the_web, method))
    assert outcome(on_the_web.judge(_badge(on_the_web, method))) == ("invalid", "did_malformed")


def test_an_address_that_does_not_answer_is_an_open_question(on_the_web: Stranger) -> None:
    badge = _badge(on_the_web)
    on_the_web.web.pages.clear()
    assert outcome(on_the_web.judge(badge)) == ("unknown", "key_not_found")


def test_an_issuer_without_a_domain_has_no_web_keys(issuer: Stranger) -> None:
    issuer.name = "urn:uuid:0f2d3f0e-5a6b-4c7d-8e9f-a0b1c2d3e4f5"
    report = issuer.judge(_badge(issuer, f"{SITE}/keys/1"))
    assert outcome(report) == ("invalid", "issuer_key_mismatch")
