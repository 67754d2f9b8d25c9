"""`bulk`: badges issued one after the other by one process, both securings made and stored, beside signing alone."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from app.cli.bench_proofs import LIMIT, canonical, endless
from app.cli.bench_timing import Effort, Subject, interleave, timed
from app.issuer import service as issuer
from app.issuer.keys import OpenedKeys, issuer_by_key, open_keys
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.vc.keys import Ed25519Signer
from app.wiring import ISSUER_KEY, Services
from bench.badges import badge_request
from bench.node_peer import STACKS, NodePeer, PeerAbsent, PeerFailed, install, stack_name
from bench.servers import BASE_URL, services_in
from bench.shape import Figure, Plan, Result, compared, row

OURS: Final = "Waymark, both securings, stored"
STACK: Final = STACKS[0]
SAMPLES: Final = 8
HUNDRED_THOUSAND: Final = 100_000


@dataclass(frozen=True)
class Issuing:
    """Issues badges of the programme's own first module, each to another holder."""

    services: Services
    numbers: count[int]

    def request(self) -> IssueRequest:
        """The next badge to be issued."""
        return badge_request(self.services, next(self.numbers))

    def issue(self, request: IssueRequest) -> IssuedCredential:
        """Issue it as every other part of the house does."""
        runtime = self.services.runtime
        return issuer.issue(runtime.database, runtime.secret_box, BASE_URL, request)

    def keys(self) -> OpenedKeys:
        """The issuer's keys, opened."""
        runtime = self.services.runtime
        with runtime.database.read() as session:
            return open_keys(session, runtime.secret_box, BASE_URL, issuer_by_key(session, ISSUER_KEY))


def bulk(plan: Plan) -> Result:
    """Badges per second of one process on SQLite."""
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
        services = services_in(folder)
        stack.callback(services.runtime.database.dispose)
        issuing = Issuing(services, count())
        signed = [json.loads(issuing.issue(issuing.request()).document) for _ in range(SAMPLES)]
        subjects = [
            Subject(OURS, timed(issuing.issue, issuing.request)),
            Subject(LIMIT, timed(_limit(), endless([(canonical(each), each) for each in signed]))),
        ]
        peer = _peer(stack, plan, issuing.keys(), signed, absent)
        measured = interleave([*subjects, *peer], Effort(plan.effort.rounds, 0.0), operations=plan.badges)
    ours = measured[OURS]
    figures = [compared("of the limit", ours, measured[LIMIT])]
    if peer:
        figures.append(compared(f"times {stack_name(STACK)}, which only signs", ours, measured[stack_name(STACK)]))
    minutes = Figure("minutes for 100,000 badges", HUNDRED_THOUSAND / ours.ops_per_second / 60)
    return Result(
        "bulk",
        "Badges issued one by one in one process on SQLite: reserved, signed twice, stored, audited, announced",
        [row(measured[name]) for name in (OURS, stack_name(STACK), LIMIT) if name in measured],
        [*figures, minutes],
        absent,
    )


def _limit() -> Callable[[tuple[bytes, dict[str, Any]]], object]:
    """Both signatures, both hashes and the JSON of both: nothing is stored."""
    embedded = ed25519.Ed25519PrivateKey.generate()
    token = ec.generate_private_key(ec.SECP256R1())
    es256 = ec.ECDSA(hashes.SHA256())

    def operate(pair: tuple[bytes, dict[str, Any]]) -> object:
        digest = hashlib.sha256(pair[0]).digest()
        proof, document = embedded.sign(digest + digest), orjson.dumps(pair[1])
        return proof, document, token.sign(orjson.dumps(pair[1]), es256)

    return operate


def _peer(
    stack: ExitStack, plan: Plan, keys: OpenedKeys, signed: list[dict[str, Any]], absent: dict[str, str]
) -> list[Subject]:
    if not plan.node:
        return []
    try:
        install()
    except PeerAbsent as error:
        absent[stack_name(STACK)] = str(error)
        return []
    badges = [{name: value for name, value in each.items() if name != "proof"} for each in signed]
    if not isinstance(keys.embedded, Ed25519Signer):
        absent[stack_name(STACK)] = "the issuer's key cannot be handed over"
        return []
    peer = stack.enter_context(
        NodePeer(
            STACK, badges=badges, secured=[], signer=keys.embedded, controller=keys.did, method_id=keys.embedded_id
        )
    )
    try:
        return [peer.subject("sign")]
    except PeerFailed as error:
        absent[stack_name(STACK)] = str(error)
        return []
