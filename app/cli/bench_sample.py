"""The badge that benches sign and verify: of the size and kind that Waymark issues, made up, with its issuer.

About 6 kB of JSON, 150 statements and 13 blank nodes: the workload that the figures in docs/performance.md are for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from app.vc import data_integrity, json_text, vc_jwt
from app.vc.did import VerificationMethodSpec, did_document
from app.vc.keys import Ed25519Signer, P256Signer, PublicKey
from app.vc.open_badges import (
    Achievement,
    Alignment,
    Image,
    IssuerProfile,
    Recipient,
    RefreshService,
    Result,
    ResultDescription,
    RubricCriterionLevel,
    StatusEntry,
    build_credential,
)
from app.vc.status_list import MINIMUM_ENTRIES, encode_list, status_list_credential

SUITE = "eddsa-rdfc-2022"
BASE = "https://waymark.example.org"
DID = "did:web:waymark.example.org:issuers:bench"
EMBEDDED_ID = f"{DID}#ed25519-1"
TOKEN_ID = f"{DID}#p-256-1"
STATUS_URL = f"{BASE}/status/1"
ACHIEVEMENT = f"{BASE}/achievements/bench/v1"
AWARDED = datetime(2026, 1, 15, 2, 30, tzinfo=UTC)

_LEVELS = ("Not shown yet", "Shown in part", "Shown", "Shown in full")
_CRITERIA = ("Principles in use", "Seeing the gates")
_ITEMS = (
    "Talks about work in the first meeting", "Counts who is referred and who is not", "Meets employers every week",
    "Plans support together with the person", "Names the fidelity item behind a habit", "Keeps what was said private",
    "Writes what was seen, not what was felt", "Works inside the clinical team", "Follows up after the first day",
    "Keeps a job search short",
)  # fmt: skip


@dataclass
class SampleIssuer:
    """An issuer whose keys follow from published words: nothing that they sign may ever be trusted."""

    embedded: Ed25519Signer = field(default_factory=lambda: Ed25519Signer.from_private_bytes(_seed("Ed25519")))
    token: P256Signer = field(default_factory=lambda: P256Signer.from_private_bytes(_seed("P-256")))
    numbers: count[int] = field(default_factory=count)

    def unsigned(self) -> dict[str, Any]:
        """The next badge: another holder and another place in the status list each time, the achievement the same."""
        return sample_credential(next(self.numbers))

    def sign(self, document: dict[str, Any], created: datetime) -> dict[str, Any]:
        """The badge with its embedded proof, made as `app.issuer.signing` makes it."""
        return data_integrity.sign(
            document, suite=SUITE, signer=self.embedded, verification_method=EMBEDDED_ID, created=created
        )

    def sign_token(self, document: dict[str, Any]) -> str:
        """The badge as a VC-JWT, made as `app.issuer.signing` makes it."""
        return vc_jwt.sign(document, signer=self.token, kid=TOKEN_ID, alg="ES256")

    def resolve_key(self, method_id: str, _purpose: str) -> PublicKey:
        """The public key of that id, at hand like one fetched before."""
        return {EMBEDDED_ID: self.embedded.public_key, TOKEN_ID: self.token.public_key}[method_id]

    def documents(self, at: datetime) -> dict[str, bytes]:
        """What a verifier fetches: the DID document and the signed status list, by address."""
        methods = (
            VerificationMethodSpec(EMBEDDED_ID, self.embedded.public_key),
            VerificationMethodSpec(TOKEN_ID, self.token.public_key),
        )
        unsigned = status_list_credential(
            list_url=STATUS_URL,
            issuer=DID,
            encoded_list=encode_list([], MINIMUM_ENTRIES),
            valid_from=at - timedelta(hours=1),
            valid_until=at + timedelta(days=7),
        )
        return {
            f"{BASE}/issuers/bench/did.json": json_text.dumps(did_document(DID, methods)),
            STATUS_URL: json_text.dumps(self.sign(unsigned, at - timedelta(hours=1))),
        }


def sample_credential(number: int) -> dict[str, Any]:
    """The unsigned badge of that number, as `build_credential` makes it."""
    results = [
        Result(f"{ACHIEVEMENT}#{index}", f"{ACHIEVEMENT}#{index}-{3 + (number + index) % 2}")
        for index in range(len(_CRITERIA))
    ]
    return build_credential(
        id=f"{BASE}/credentials/{_uuid('badge', number)}",
        issuer=IssuerProfile(
            DID,
            "Waymark's bench issuer",
            f"{BASE}/",
            "Issues badges that nobody holds, to be signed against the clock.",
        ),
        recipient=Recipient(
            f"urn:uuid:{_uuid('holder', number)}", f"holder-{number}@example.org", f"salt-{_uuid('salt', number)}"
        ),
        achievement=_achievement(),
        awarded_at=AWARDED,
        valid_from=AWARDED + timedelta(seconds=number % 1000),
        valid_until=AWARDED + timedelta(days=1826),
        name="First steps in supported employment",
        description="Uses the eight principles at work, counts where people are lost, and says what to change first.",
        results=results,
        status=StatusEntry(STATUS_URL, number * 7919 % MINIMUM_ENTRIES),
        refresh=RefreshService(f"{BASE}/refresh/{_uuid('badge', number)}/v1/{_token(number)}"),
    )


def _achievement() -> Achievement:
    return Achievement(
        id=ACHIEVEMENT,
        name="First steps in supported employment",
        description="The holder uses the principles at work and can say where people are lost on the way to a job.",
        criteria_id=f"{ACHIEVEMENT}#criteria",
        criteria_narrative="The learner passed a check of ten questions, did the exercise and wrote about it.\n\n"
        "An assessor judged what was handed in against a rubric of two criteria. **A person decided.**",
        version="1",
        image=Image(f"{ACHIEVEMENT}.png", "A medallion with a path"),
        alignments=[
            Alignment(name, f"{BASE}/items/{index + 1:02}/v1", f"IPSV-{index + 1:02}")
            for index, name in enumerate(_ITEMS)
        ],
        result_descriptions=[_described(index, name) for index, name in enumerate(_CRITERIA)],
        tags=("IPS", "supported employment", "fidelity"),
    )


def _described(index: int, name: str) -> ResultDescription:
    head = f"{ACHIEVEMENT}#{index}"
    levels = [RubricCriterionLevel(f"{head}-{level}", text, level=str(level)) for level, text in enumerate(_LEVELS, 1)]
    return ResultDescription(head, name, levels, required_level=f"{head}-3")


def _seed(name: str) -> bytes:
    return hashlib.sha256(f"Waymark published bench key, {name}".encode()).digest()


def _token(number: int) -> str:
    """As long as the tokens of refresh addresses are."""
    return hashlib.sha256(f"token {number}".encode()).hexdigest()[:43]


def _uuid(kind: str, number: int) -> str:
    text = hashlib.sha256(f"{kind} {number}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"
