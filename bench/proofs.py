"""`sign` and `verify`: the embedded proof of a badge, beside every stack that badges are signed with today."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.cli.bench_proofs import LIMIT, OURS, POOL, PYLD, endless, proof_subjects
from app.cli.bench_sample import BASE, DID, EMBEDDED_ID, SampleIssuer
from app.cli.bench_timing import Measured, Subject, interleave, timed
from app.core.clock import now
from app.vc import json_text
from app.verifier.errors import SourceUnavailable
from app.verifier.known_issuers import KnownIssuers
from app.verifier.schemas import KnownIssuer, Presented
from app.verifier.service import Verifier
from bench.node_peer import STACKS, sample_subjects, stack_name
from bench.shape import Figure, Plan, Result, Row, compared, row

OPENBADGESLIB = "openbadgeslib"
FULL = "Waymark, full verification"
PEERS = (PYLD, OPENBADGESLIB, *(stack_name(stack) for stack in STACKS))
SIGN_MARKS = {PYLD: (50.0, 90.0), LIMIT: (0.25, 0.40)}
VERIFY_MARKS = {PYLD: (20.0, 30.0), LIMIT: (0.25, 0.38)}
FULL_PER_SECOND = (400.0, 1000.0)


def sign(plan: Plan) -> Result:
    """From document to signed JSON bytes."""
    issuer, absent = SampleIssuer(), dict[str, str]()
    subjects = proof_subjects(issuer, "sign")
    library = _openbadgeslib(issuer, absent)
    if library is not None:
        subjects.append(Subject(OPENBADGESLIB, timed(library[0], issuer.unsigned)))
    measured = _with_node(plan, issuer, absent, "sign", subjects)
    return Result(
        "sign",
        "From document to signed JSON bytes, eddsa-rdfc-2022",
        _rows(measured),
        _figures(measured, SIGN_MARKS),
        absent,
    )


def verify(plan: Plan) -> Result:
    """From JSON bytes to the verdict of the proof; the whole verification is a row of its own."""
    issuer, absent = SampleIssuer(), dict[str, str]()
    subjects = proof_subjects(issuer, "verify")
    texts = [json_text.dumps(issuer.sign(issuer.unsigned(), now())) for _ in range(POOL)]
    subjects.append(Subject(FULL, timed(_full_verification(issuer), endless(texts))))
    library = _openbadgeslib(issuer, absent)
    if library is not None:
        subjects.append(Subject(OPENBADGESLIB, timed(library[1], endless(texts))))
    measured = _with_node(plan, issuer, absent, "verify", subjects)
    at_least, aim = FULL_PER_SECOND
    full = Figure("full verifications per second", measured[FULL].ops_per_second, at_least=at_least, aim=aim)
    return Result(
        "verify",
        "From JSON bytes to the verdict of the proof, eddsa-rdfc-2022, keys at hand",
        _rows(measured),
        [*_figures(measured, VERIFY_MARKS), full],
        absent,
    )


def _with_node(
    plan: Plan, issuer: SampleIssuer, absent: dict[str, str], op: str, subjects: list[Subject]
) -> dict[str, Measured]:
    with ExitStack() as stack:
        peers = sample_subjects(stack, plan, issuer, op, absent)
        return dict(interleave([*subjects, *peers], plan.effort))


def _rows(measured: dict[str, Measured]) -> list[Row]:
    """Ourselves first, the limit last."""
    names = [OURS, FULL, *PEERS, LIMIT]
    return [row(measured[name]) for name in names if name in measured]


def _figures(measured: dict[str, Measured], marks: dict[str, tuple[float, float]]) -> list[Figure]:
    ours = measured[OURS]
    found = []
    for name in (*PEERS, LIMIT):
        if name in measured:
            at_least, aim = marks.get(name, (None, None))
            label = "of the limit" if name == LIMIT else f"times {name}"
            found.append(compared(label, ours, measured[name], at_least=at_least, aim=aim))
    return found


def _openbadgeslib(
    issuer: SampleIssuer, absent: dict[str, str]
) -> tuple[Callable[[dict[str, Any]], bytes], Callable[[bytes], None]] | None:
    """Sign and verify as openbadgeslib does; None where its JSON-LD part cannot be had."""
    key = Ed25519PrivateKey.from_private_bytes(issuer.embedded.private_bytes())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        from openbadgeslib.ob3.ldp import add_data_integrity_proof, verify_data_integrity_proof
        from pyld import jsonld  # noqa: F401 - openbadgeslib signs with it, and asks for it only when it does
    except ImportError as error:
        absent[OPENBADGESLIB] = f"{error.name} is not installed"
        return None

    def sign_one(document: dict[str, Any]) -> bytes:
        signed = add_data_integrity_proof(document, private, EMBEDDED_ID, created=now())
        return json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()

    def verify_one(text: bytes) -> None:
        document = json.loads(text)
        document["proof"] = document["proof"][0]
        verify_data_integrity_proof(document, public)

    return sign_one, verify_one


def _full_verification(issuer: SampleIssuer) -> Callable[[bytes], None]:
    """The verifier room with the issuer's documents at hand: every check that an employer's page makes."""
    at = datetime.now(UTC)
    documents = issuer.documents(at)

    class AtHand:
        def get(self, url: str, _accept: str, *, timeout: float = 5.0) -> bytes:
            if url not in documents:
                raise SourceUnavailable("missing")
            return documents[url]

    register = KnownIssuers([KnownIssuer(DID, "Bench issuer", BASE)])
    verifier = Verifier(source=AtHand(), known_issuers=register)

    def check(text: bytes) -> None:
        report = verifier.verify(Presented.from_bytes(text), at=at)
        if report.verdict != "valid":
            raise RuntimeError(f"the sample badge is {report.verdict}: {report.as_dict()['checks']}")

    return check
