"""`vc-jwt`: the same badge as an ES256 token, beside PyJWT and the limit."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from app.cli.bench_proofs import LIMIT, OURS, POOL, endless
from app.cli.bench_sample import TOKEN_ID, SampleIssuer
from app.cli.bench_timing import Measured, Subject, interleave, timed
from app.vc import vc_jwt
from bench.shape import Figure, Plan, Result, compared, row

PYJWT = "PyJWT"
SIGN, VERIFY = "sign", "verify"
_ES256 = ec.ECDSA(hashes.SHA256())


def tokens(plan: Plan) -> Result:
    """Both directions; the limit is one ECDSA operation on P-256 and orjson."""
    issuer = SampleIssuer()
    key = ec.derive_private_key(int.from_bytes(issuer.token.private_bytes()), ec.SECP256R1())
    measured = interleave([*_signing(issuer, key), *_verifying(issuer, key)], plan.effort)
    return Result(
        "vc-jwt",
        "VC-JWT with ES256, from document to token and from token to verdict, keys at hand",
        [row(each) for each in measured.values()],
        [*_figures(measured, SIGN), *_figures(measured, VERIFY)],
    )


def _figures(measured: Any, op: str) -> list[Figure]:
    ours: Measured = measured[f"{OURS}, {op}"]
    return [
        compared(f"{op}: times {PYJWT}", ours, measured[f"{PYJWT}, {op}"]),
        compared(f"{op}: of the limit", ours, measured[f"{LIMIT}, {op}"]),
    ]


def _signing(issuer: SampleIssuer, key: ec.EllipticCurvePrivateKey) -> list[Subject]:
    def payload() -> dict[str, Any]:
        return dict(jwt.decode(issuer.sign_token(issuer.unsigned()), options={"verify_signature": False}))

    header = {"alg": "ES256", "kid": TOKEN_ID, "typ": "JWT"}
    payloads = [payload() for _ in range(POOL)]
    return [
        Subject(f"{OURS}, {SIGN}", timed(issuer.sign_token, issuer.unsigned)),
        Subject(
            f"{PYJWT}, {SIGN}",
            timed(lambda claims: jwt.encode(claims, key, algorithm="ES256", headers=header), endless(payloads)),
        ),
        Subject(f"{LIMIT}, {SIGN}", timed(lambda claims: key.sign(orjson.dumps(claims), _ES256), endless(payloads))),
    ]


def _verifying(issuer: SampleIssuer, key: ec.EllipticCurvePrivateKey) -> list[Subject]:
    public = key.public_key()
    made = [issuer.sign_token(issuer.unsigned()) for _ in range(POOL)]
    parts = [_parts(token) for token in made]

    def limit(part: tuple[bytes, bytes, bytes]) -> None:
        public.verify(part[1], part[0], _ES256)
        orjson.loads(part[2])

    def peer(token: str) -> None:
        jwt.decode(token, public, algorithms=["ES256"], options={"verify_aud": False})

    return [
        Subject(
            f"{OURS}, {VERIFY}",
            timed(lambda token: vc_jwt.verify(token, resolve_key=issuer.resolve_key), endless(made)),
        ),
        Subject(f"{PYJWT}, {VERIFY}", timed(peer, endless(made))),
        Subject(f"{LIMIT}, {VERIFY}", timed(limit, endless(parts))),
    ]


def _parts(token: str) -> tuple[bytes, bytes, bytes]:
    """Signing input, signature in DER, payload: what is left to do is the limit."""
    signing_input, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    payload = signing_input.partition(".")[2]
    data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    json.loads(data)
    return signing_input.encode(), encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])), data
