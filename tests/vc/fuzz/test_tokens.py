"""VC-JWTs under attack: a token holds only as it was signed, and a signed one only where its claims agree."""

from __future__ import annotations

import copy
import hashlib
import hmac
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.vc import vc_jwt
from app.vc.keys import Signer, base64url, base64url_decode
from tests.vc.samples import ED25519, ED25519_ID, P256, P256_ID, resolve_key, unsigned

from .documents import at, names, places, scalars, values
from .effort import outcome, tried

DOCUMENT = unsigned()
TOKENS = [
    vc_jwt.sign(DOCUMENT, signer=P256, kid=P256_ID),
    vc_jwt.sign(DOCUMENT, signer=ED25519, kid=ED25519_ID, alg="EdDSA"),
]
INPUTS = {token.rpartition(".")[0] for token in TOKENS}
SECRETS = [P256.public_key.raw, ED25519.public_key.raw, b""]


def judge(token: str) -> bool:
    """Whether a token holds; if so, it must be one that was signed."""
    kind, found = outcome(vc_jwt.verify, token, resolve_key=resolve_key)
    if kind == "refused":
        return False
    assert token.rpartition(".")[0] in INPUTS
    assert found == DOCUMENT
    return True


def test_what_was_signed_holds() -> None:
    assert all(judge(token) for token in TOKENS)


@tried(500)
@given(
    st.sampled_from(TOKENS),
    st.floats(0, 1),
    st.integers(0, 4),
    st.one_of(st.text("ABCabc019-_=.+/ \né", max_size=4), st.text(max_size=3)),
)
def test_a_token_with_some_characters_replaced(token: str, where: float, length: int, new: str) -> None:
    start = int(where * len(token))
    judge(token[:start] + new + token[start + length :])


headers = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "alg": st.one_of(
                st.sampled_from(["none", "None", "NONE", "", "HS256", "ES256", "RS256", "EdDSA", "Ed25519", "ES384"]),
                scalars,
            ),
            "kid": st.one_of(st.sampled_from([P256_ID, ED25519_ID, "#key-1", "#key-2", "key-1"]), scalars),
            "typ": st.one_of(st.sampled_from(["JWT", "jwt", "vc+jwt", "at+jwt"]), scalars),
            "b64": st.booleans(),
            "crit": st.sampled_from([["b64"], [], ["exp"], "b64", None]),
            "jwk": st.sampled_from([P256.public_key.to_jwk(), ED25519.public_key.to_jwk()]),
            "x5c": values,
            "jku": st.just("https://attacker.example/jwks.json"),
            "zip": st.just("DEF"),
            "enc": st.just("A256GCM"),
        },
    ),
    st.dictionaries(names, values, max_size=3),
)


def written(value: Any) -> str:
    """A part of a token; what JSON cannot hold becomes a part that is none."""
    try:
        return base64url(orjson.dumps(value))
    except (orjson.JSONEncodeError, TypeError):
        return base64url(repr(value).encode(errors="replace"))


@tried(250)
@given(headers, st.sampled_from(TOKENS), st.sampled_from(["kept", "none", "hmac", "other", "random"]), st.binary())
@example({"alg": "none", "kid": P256_ID}, TOKENS[0], "none", b"")
@example({"alg": "HS256", "kid": P256_ID}, TOKENS[0], "hmac", b"")
def test_another_header_never_holds(header: dict[str, Any], token: str, kind: str, noise: bytes) -> None:
    body = f"{written(header)}.{token.split('.')[1]}"
    signature = {
        "kept": token.split(".")[2],
        "none": "",
        "hmac": base64url(hmac.new(SECRETS[len(noise) % 3], body.encode(), hashlib.sha256).digest()),
        "other": TOKENS[len(noise) % 2].split(".")[2],
        "random": base64url(noise),
    }[kind]
    assert judge(f"{body}.{signature}") is (f"{body}.{signature}" in TOKENS)


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """A payload with some of its claims or of its members replaced, removed or added."""
    document = copy.deepcopy(PAYLOAD)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([(claim,) for claim in CLAIMS] + places(document)))
        try:
            holder, key = at(document, path[:-1]), path[-1]
            kind = draw(st.sampled_from(["set", "remove", "add"]))
            if kind == "remove":
                del holder[key]
            else:
                holder[key if kind == "set" else draw(names)] = draw(st.one_of(scalars, values))
        except (KeyError, IndexError, TypeError):
            continue
    return document


CLAIMS = ("iss", "sub", "jti", "nbf", "exp", "issuer", "id", "validFrom", "validUntil", "credentialSubject")
PAYLOAD = orjson.loads(base64url_decode(TOKENS[0].split(".")[1]))


def token_of(header: Any, payload: Any, signer: Signer = P256) -> str:
    """A token whose signature holds, whatever it says: what an issuer that is a liar can make."""
    body = f"{written(header)}.{written(payload)}"
    return f"{body}.{base64url(signer.sign(body.encode()))}"


def _named(value: Any) -> Any:
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return value.get("id") if isinstance(value, dict) else value


@tried(250)
@given(payloads())
def test_a_payload_holds_only_if_the_claims_say_what_the_credential_says(payload: dict[str, Any]) -> None:
    token = token_of({"alg": "ES256", "kid": P256_ID, "typ": "JWT"}, payload)
    kind, found = outcome(vc_jwt.verify, token, resolve_key=resolve_key)
    if kind == "value":
        assert payload["iss"] == _named(payload["issuer"])
        assert payload["jti"] == payload["id"]
        assert payload.get("sub") == _named(payload.get("credentialSubject"))
        assert type(payload["nbf"]) in (int, float)
        assert ("exp" not in payload) or "validUntil" in payload
        assert not {"iss", "sub", "jti", "nbf", "exp"} & found.keys()


@tried(150)
@given(headers)
def test_a_signed_header_holds_only_with_its_own_algorithm(header: dict[str, Any]) -> None:
    token = token_of(header, PAYLOAD)
    kind, _ = outcome(vc_jwt.verify, token, resolve_key=resolve_key)
    if kind == "value":
        assert header["alg"] == "ES256"
        assert header["kid"] in (P256_ID, "#key-2")
        assert not {"crit", "b64"} & header.keys()


HEADER = {"alg": "ES256", "kid": P256_ID, "typ": "JWT"}


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("." * 1_000_000, "parse_error"),
        ("A" * 1_400_001, "parse_error"),
        ("", "parse_error"),
        ("..", "parse_error"),
        (f"{TOKENS[0]}.", "parse_error"),
        (f"{TOKENS[0]}=", "parse_error"),
        (f" {TOKENS[0]}", "parse_error"),
        (token_of({**HEADER, "padding": "x" * 4_000}, PAYLOAD), "parse_error"),
        (token_of({**HEADER, "crit": ["exp"]}, PAYLOAD), "jwt_header"),
        (token_of({**HEADER, "b64": True}, PAYLOAD), "jwt_header"),
        (token_of({**HEADER, "typ": "at+jwt"}, PAYLOAD), "jwt_header"),
        (token_of({**HEADER, "alg": "none"}, PAYLOAD), "unsupported_alg"),
        (token_of({**HEADER, "alg": "HS256"}, PAYLOAD), "unsupported_alg"),
        (token_of({**HEADER, "alg": "EdDSA"}, PAYLOAD), "unsupported_alg"),
        (token_of({**HEADER, "alg": ["ES256"]}, PAYLOAD), "unsupported_alg"),
        (token_of({"alg": "ES256", "jwk": P256.public_key.to_jwk()}, PAYLOAD), "key_not_found"),
        (token_of(HEADER, {**PAYLOAD, "nested": TOKENS[0], "iss": "did:web:other.example"}), "jwt_iss_mismatch"),
        (token_of(HEADER, {"vc": PAYLOAD}), "jwt_iss_mismatch"),
        (token_of(HEADER, {**PAYLOAD, "nbf": True}), "jwt_nbf_mismatch"),
        (token_of(HEADER, {**PAYLOAD, "exp": 10**15}), "jwt_exp_mismatch"),
        (token_of(HEADER, [PAYLOAD]), "parse_error"),
        (token_of([HEADER], PAYLOAD), "parse_error"),
    ],
)
def test_known_tricks_are_refused_by_name(token: str, code: str) -> None:
    assert outcome(vc_jwt.verify, token, resolve_key=resolve_key) == ("refused", code)
