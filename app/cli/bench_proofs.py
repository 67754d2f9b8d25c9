"""Who signs and who verifies in the proof benches: the production path, plain PyLD with cryptography, and the limit.

The limit is what no implementation can do without: SHA-256 of the canonical form, one Ed25519 operation, and reading or
writing the JSON with orjson. https://www.w3.org/TR/vc-di-eddsa/#eddsa-rdfc-2022
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal, TypeVar

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from openvc.multibase import decode_multibase, encode_multibase

from app.cli.bench_sample import EMBEDDED_ID, SUITE, SampleIssuer
from app.cli.bench_timing import Effort, Ratio, Subject, interleave, timed
from app.core.clock import now
from app.vc import contexts, data_integrity, json_text
from app.vc.canonicalization import canonicalize
from app.vc.timestamps import rfc3339

T = TypeVar("T")
Direction = Literal["sign", "verify"]
POOL = 32
OURS, PYLD, LIMIT = "Waymark", "PyLD + cryptography", "limit"


@dataclass(frozen=True)
class ProofFigures:
    """What `waymark bench sign|verify` prints; `vs_pyld` is None where PyLD is not installed."""

    ops_per_second: float
    p50_ms: float
    vs_pyld: float | None
    of_limit: float


def figures(direction: Direction, effort: Effort) -> ProofFigures:
    """Measure one direction on the production path beside PyLD and the limit."""
    subjects = proof_subjects(SampleIssuer(), direction)
    measured = interleave(subjects, effort)
    ours = measured[OURS]
    pyld: Ratio | None = ours.speed_over(measured[PYLD]) if PYLD in measured else None
    return ProofFigures(
        ops_per_second=round(ours.ops_per_second, 1),
        p50_ms=round(ours.percentile_ms(0.5), 4),
        vs_pyld=None if pyld is None else round(pyld.median, 2),
        of_limit=round(ours.speed_over(measured[LIMIT]).median, 4),
    )


def proof_subjects(issuer: SampleIssuer, direction: Direction) -> list[Subject]:
    """The production path, PyLD where it is installed, and the limit."""
    signed = [issuer.sign(issuer.unsigned(), now()) for _ in range(POOL)]
    if direction == "sign":
        found = [
            Subject(OURS, timed(lambda d: json_text.dumps(issuer.sign(d, now())), issuer.unsigned)),
            Subject(LIMIT, timed(_limit_sign(issuer), endless([(canonical(each), each) for each in signed]))),
        ]
    else:
        texts = [json_text.dumps(each) for each in signed]
        pairs = [(canonical(each), text) for each, text in zip(signed, texts, strict=True)]
        found = [
            Subject(OURS, timed(lambda text: verify(issuer, text), endless(texts))),
            Subject(LIMIT, timed(_limit_verify(issuer, pairs), endless(pairs))),
        ]
    normalize = _pyld()
    if normalize is None:
        return found
    peer = Pyld(issuer, normalize)
    if direction == "sign":
        return [*found, Subject(PYLD, timed(peer.sign, issuer.unsigned))]
    return [*found, Subject(PYLD, timed(peer.verify, endless(texts)))]


def verify(issuer: SampleIssuer, text: bytes) -> data_integrity.VerifiedProof:
    """From bytes to the verdict of the proof, as the verifier room does it with the issuer's key at hand."""
    return data_integrity.verify(json_text.loads(text), resolve_key=issuer.resolve_key)


def endless(items: Sequence[T]) -> Callable[[], T]:
    """The items one after the other, from the beginning again after the last."""
    return cycle(items).__next__


def canonical(signed: dict[str, Any]) -> bytes:
    """The canonical form of a signed document without its proof."""
    return canonicalize({name: value for name, value in signed.items() if name != "proof"}).encode()


@dataclass(frozen=True)
class Pyld:
    """The stack that Python projects take from the shelf: PyLD with its contexts at hand, and cryptography."""

    issuer: SampleIssuer
    normalize: Callable[[dict[str, Any]], str]

    def sign(self, document: dict[str, Any]) -> bytes:
        """From a document to signed JSON."""
        options = {
            "type": "DataIntegrityProof",
            "cryptosuite": SUITE,
            "created": rfc3339(now()),
            "verificationMethod": EMBEDDED_ID,
            "proofPurpose": "assertionMethod",
        }
        value = encode_multibase(_private(self.issuer).sign(self._hash_data(document, options)))
        return json.dumps({**document, "proof": [{**options, "proofValue": value}]}, separators=(",", ":")).encode()

    def verify(self, text: bytes) -> None:
        """From JSON to return, or InvalidSignature."""
        document = json.loads(text)
        options = document.pop("proof")[0]
        signature = decode_multibase(options.pop("proofValue"))
        _public(self.issuer).verify(signature, self._hash_data(document, options))

    def _hash_data(self, document: dict[str, Any], options: dict[str, Any]) -> bytes:
        texts = (self.normalize({"@context": document["@context"], **options}), self.normalize(document))
        return b"".join(hashlib.sha256(text.encode()).digest() for text in texts)


def _pyld() -> Callable[[dict[str, Any]], str] | None:
    try:
        from pyld import jsonld
    except ImportError:
        return None

    def load(url: str, _options: dict[str, Any]) -> dict[str, Any]:
        document = contexts.load(url)
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}

    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": load}

    def normalize(document: dict[str, Any]) -> str:
        return str(jsonld.normalize(document, options))

    return normalize


def _limit_sign(issuer: SampleIssuer) -> Callable[[tuple[bytes, dict[str, Any]]], object]:
    key = _private(issuer)

    def operate(pair: tuple[bytes, dict[str, Any]]) -> object:
        digest = hashlib.sha256(pair[0]).digest()
        return key.sign(digest + digest), orjson.dumps(pair[1])

    return operate


def _limit_verify(issuer: SampleIssuer, pairs: list[tuple[bytes, bytes]]) -> Callable[[tuple[bytes, bytes]], object]:
    key, public = _private(issuer), _public(issuer)
    signatures = {}
    for form, _ in pairs:
        digest = hashlib.sha256(form).digest()
        signatures[digest] = key.sign(digest + digest)

    def operate(pair: tuple[bytes, bytes]) -> object:
        digest = hashlib.sha256(pair[0]).digest()
        public.verify(signatures[digest], digest + digest)
        return orjson.loads(pair[1])

    return operate


def _private(issuer: SampleIssuer) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(issuer.embedded.private_bytes())


def _public(issuer: SampleIssuer) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(issuer.embedded.public_key.raw)
