import json
from functools import lru_cache
from typing import Any

import jwt
import pytest

from app.vc import vc_jwt
from app.vc.errors import JwtInvalid, ModelError, ParseError, VcError
from app.vc.keys import P256Signer, PublicKey, RsaSigner, Signer, base64url, base64url_decode
from tests.vc.samples import BASE, DID, ED25519, ED25519_ID, P256, P256_ID, resolve_key, unsigned


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload = (json.loads(base64url_decode(part)) for part in token.split(".")[:2])
    return header, payload


def _forge(payload: dict[str, Any] | str, signer: Signer = P256, **header: Any) -> str:
    """Sign whatever is asked for, as a careless or hostile issuer would."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    head = {"alg": "ES256", "kid": P256_ID, "typ": "JWT", **header}
    head = {key: value for key, value in head.items() if value is not ...}
    signing_input = f"{base64url(json.dumps(head).encode())}.{base64url(text.encode())}"
    return f"{signing_input}.{base64url(signer.sign(signing_input.encode()))}"


def _code(token: str) -> str:
    with pytest.raises(VcError) as caught:
        vc_jwt.verify(token, resolve_key=resolve_key)
    return caught.value.code


@pytest.fixture(scope="module")
def payload() -> dict[str, Any]:
    return _parts(vc_jwt.sign(unsigned(), signer=P256, kid=P256_ID))[1]


@pytest.mark.parametrize(("signer", "kid", "alg"), [(P256, P256_ID, "ES256"), (ED25519, ED25519_ID, "EdDSA")])
def test_a_signed_token_gives_the_credential_back(signer: Signer, kid: str, alg: vc_jwt.Alg) -> None:
    document = unsigned()
    token = vc_jwt.sign(document, signer=signer, kid=kid, alg=alg)
    header, payload = _parts(token)
    assert list(header) == ["alg", "kid", "typ"]
    assert header == {"alg": alg, "kid": kid, "typ": "JWT"}
    claims = {key: value for key, value in payload.items() if key not in document}
    assert claims == {
        "iss": DID,
        "sub": document["credentialSubject"]["id"],
        "jti": document["id"],
        "nbf": 1740877200,
        "exp": 4896460800,
    }
    assert vc_jwt.verify(token, resolve_key=resolve_key) == document


def test_a_badge_without_an_end_has_no_exp() -> None:
    token = vc_jwt.sign(unsigned(valid_until=None), signer=P256, kid=P256_ID)
    assert "exp" not in _parts(token)[1]
    assert "validUntil" not in vc_jwt.verify(token, resolve_key=resolve_key)


@pytest.mark.parametrize("position", [10, 400, -5])
def test_one_changed_character_fails(position: int) -> None:
    token = vc_jwt.sign(unsigned(), signer=P256, kid=P256_ID)
    changed = "A" if token[position] != "A" else "B"
    position %= len(token)
    broken = token[:position] + changed + token[position + 1 :]
    with pytest.raises(VcError):
        vc_jwt.verify(broken, resolve_key=resolve_key)


@pytest.mark.parametrize(
    ("claim", "value", "code"),
    [
        ("iss", "did:web:other.example", "jwt_iss_mismatch"),
        ("iss", None, "jwt_iss_mismatch"),
        ("sub", "urn:uuid:other", "jwt_sub_mismatch"),
        ("sub", None, "jwt_sub_mismatch"),
        ("jti", f"{BASE}/credentials/other", "jwt_jti_mismatch"),
        ("nbf", 0, "jwt_nbf_mismatch"),
        ("nbf", True, "jwt_nbf_mismatch"),
        ("nbf", None, "jwt_nbf_mismatch"),
        ("nbf", "1740877200", "jwt_nbf_mismatch"),
        ("exp", 1740877200, "jwt_exp_mismatch"),
        ("validUntil", "2999-01-01T00:00:00Z", "jwt_exp_mismatch"),
        ("validFrom", "2024-01-01T00:00:00Z", "jwt_nbf_mismatch"),
    ],
)
def test_claims_that_contradict_the_credential_fail(payload: dict[str, Any], claim: str, value: Any, code: str) -> None:
    assert _code(_forge({**payload, claim: value})) == code


def test_a_fraction_of_a_second_is_no_contradiction_and_exp_may_be_left_out(payload: dict[str, Any]) -> None:
    changed = {**payload, "validFrom": "2025-03-02T01:00:00.7Z"}
    del changed["exp"]
    assert vc_jwt.verify(_forge(changed), resolve_key=resolve_key)["validFrom"] == "2025-03-02T01:00:00.7Z"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "none"}, "unsupported_alg"),
        ({"alg": "HS256"}, "unsupported_alg"),
        ({"alg": "RS256"}, "unsupported_alg"),
        ({"alg": "EdDSA"}, "unsupported_alg"),
        ({"alg": ["ES256"]}, "unsupported_alg"),
        ({"alg": ...}, "unsupported_alg"),
        ({"crit": ["exp"]}, "jwt_header"),
        ({"b64": False}, "jwt_header"),
        ({"typ": "at+jwt"}, "jwt_header"),
        ({"kid": ...}, "key_not_found"),
        ({"kid": "key-2"}, "key_not_found"),
        ({"kid": f"{DID}#key-9"}, "key_not_found"),
        ({"kid": ..., "jwk": P256.public_key.to_jwk()}, "key_not_found"),
        ({"kid": ..., "jku": "https://evil.example/jwks"}, "key_not_found"),
    ],
)
def test_a_header_that_would_steer_the_check_fails(payload: dict[str, Any], header: dict[str, Any], code: str) -> None:
    assert _code(_forge(payload, **header)) == code


def test_a_key_in_the_header_is_not_used(payload: dict[str, Any]) -> None:
    stranger = P256Signer.generate()
    assert _code(_forge(payload, stranger, jwk=stranger.public_key.to_jwk())) == "bad_signature"


def test_a_relative_kid_is_read_against_the_issuer(payload: dict[str, Any]) -> None:
    assert vc_jwt.verify(_forge(payload, kid="#key-2"), resolve_key=resolve_key)["id"] == payload["id"]


@pytest.mark.parametrize(
    "token",
    ["", "a.b", "a.b.c.d", "!.!.!", "e30.e30.e30=", ". .", "e30.W10.AA", "A" * 2_000_000, base64url(b"[]") + ".e30.AA"],
)
def test_text_that_is_no_token_is_a_parse_error(token: str) -> None:
    with pytest.raises((ParseError, JwtInvalid)):
        vc_jwt.verify(token, resolve_key=resolve_key)


def test_duplicate_members_are_refused_though_signed(payload: dict[str, Any]) -> None:
    text = json.dumps(payload)
    assert _code(_forge(text[:-1] + ',"name":"Another"}')) == "parse_error"


def test_signing_refuses_what_cannot_stand() -> None:
    with pytest.raises(JwtInvalid) as caught:
        vc_jwt.sign(unsigned(), signer=ED25519, kid=ED25519_ID)
    assert caught.value.code == "unsupported_alg"
    for change in ({"iss": DID}, {"issuer": None}, {"validFrom": "2025-03-02"}):
        with pytest.raises(ModelError):
            vc_jwt.sign({**unsigned(), **change}, signer=P256, kid=P256_ID)


RSA_ID = f"{DID}#key-3"
SECURINGS = pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])


@lru_cache(maxsize=1)
def _rsa() -> RsaSigner:
    return RsaSigner.generate()


def _of(alg: str) -> tuple[Signer, str]:
    return {"ES256": (P256, P256_ID), "EdDSA": (ED25519, ED25519_ID)}.get(alg) or (_rsa(), RSA_ID)


def _resolve(method_id: str, purpose: str) -> PublicKey:
    return _rsa().public_key if method_id == RSA_ID else resolve_key(method_id, purpose)


@SECURINGS
def test_pyjwt_reads_our_token_and_refuses_a_changed_one(alg: vc_jwt.Alg) -> None:
    signer, kid = _of(alg)
    token = vc_jwt.sign(unsigned(), signer=signer, kid=kid, alg=alg)
    key = jwt.PyJWK({**signer.public_key.to_jwk(), "alg": alg})
    said = jwt.decode(token, key, algorithms=[alg], issuer=DID)
    assert said["credentialSubject"] == unsigned()["credentialSubject"]
    assert jwt.get_unverified_header(token) == {"alg": alg, "kid": kid, "typ": "JWT"}
    header, payload, signature = token.split(".")
    changed = base64url(base64url_decode(payload).replace(b"Rapid job search", b"Rapid Job search"))
    for broken in (f"{header}.{changed}.{signature}", f"{header}.{payload}.{'A' * len(signature)}"):
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(broken, key, algorithms=[alg])
        with pytest.raises(JwtInvalid) as caught:
            vc_jwt.verify(broken, resolve_key=_resolve)
        assert caught.value.code == "bad_signature"


@SECURINGS
def test_we_read_pyjwts_token(alg: vc_jwt.Alg, payload: dict[str, Any]) -> None:
    signer, kid = _of(alg)
    private: Any = signer._key  # type: ignore[attr-defined]  # the same key in the other library's hands
    token = jwt.encode(payload, private, algorithm=alg, headers={"kid": kid})
    assert vc_jwt.verify(token, resolve_key=_resolve) == unsigned()


@pytest.mark.parametrize(("alg", "used"), [("ES256", "RS256"), ("EdDSA", "RS256"), ("RS256", "ES256")])
def test_a_key_signs_by_its_own_algorithm_only(alg: vc_jwt.Alg, used: str) -> None:
    signer, kid = _of(used)
    with pytest.raises(JwtInvalid) as caught:
        vc_jwt.sign(unsigned(), signer=signer, kid=kid, alg=alg)
    assert caught.value.code == "unsupported_alg"
