"""One badge that uses everything Waymark issues, and the published key that signs it in tests.

The key is published on purpose, so that anybody can reproduce the golden files. Nothing it signs may ever be trusted.
"""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.vc.did import VerificationMethodSpec, did_document
from app.vc.errors import DidError
from app.vc.keys import Ed25519Signer, P256Signer, PublicKey
from app.vc.open_badges import (
    Achievement,
    Alignment,
    Image,
    IssuerProfile,
    Recipient,
    RefreshService,
    RelatedResource,
    Result,
    ResultDescription,
    RubricCriterionLevel,
    StatusEntry,
    build_credential,
    digest_multibase,
)

# Other people's schemas and samples are not copied into this repository; tests of them skip where they are absent.
REFERENCE_DATA = Path(os.environ.get("WAYMARK_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
BASE = "https://badges.example.au"
DID = "did:web:badges.example.au:issuers:ips"
ED25519 = Ed25519Signer.from_private_bytes(hashlib.sha256(b"Waymark published test key, Ed25519").digest())
P256 = P256Signer.from_private_bytes(hashlib.sha256(b"Waymark published test key, P-256").digest())
ED25519_ID = f"{DID}#key-1"
P256_ID = f"{DID}#key-2"
CREATED = datetime(2025, 3, 2, 1, 0, tzinfo=UTC)
METHODS = (VerificationMethodSpec(ED25519_ID, ED25519.public_key), VerificationMethodSpec(P256_ID, P256.public_key))
ISSUER = IssuerProfile(
    id=DID,
    name="Example IPS Programme",
    url=f"{BASE}/issuers/ips",
    description="Trains vocational specialists — «with care» 🌱.",
    email="badges@example.au",
    image=Image(f"{BASE}/static/logo.png", "A path through hills"),
)


def achievement() -> Achievement:
    """Return an achievement with alignments and a rubric."""
    url = f"{BASE}/achievements/b03/v2"
    names = ("Not yet", "Met", "Exceeded")
    levels = [
        RubricCriterionLevel(f"{url}#plan-{i}", name, f"Level {i} of the plan.", str(i), str(i))
        for i, name in enumerate(names)
    ]
    return Achievement(
        id=url,
        name="Rapid job search",
        description="Helps a person start looking for a real job within 30 days.",
        criteria_id=f"{url}#criteria",
        criteria_narrative="A named assessor marked a plan and an observation against the rubric.\n\n- 6 hours of work",
        version="2",
        image=Image(f"{BASE}/achievements/b03/v2.png", "A green medallion with one ring"),
        alignments=[
            Alignment("Rapid engagement", f"{BASE}/ims/case/v1p1/CFItems/1", "IPS-5", "Starts early.", "IPS fidelity"),
            Alignment("Job search plan", f"{BASE}/ims/case/v1p1/CFItems/2"),
        ],
        result_descriptions=[ResultDescription(f"{url}#plan", "Plan", levels, levels[1].id)],
        tags=["IPS", "job search"],
    )


def unsigned(**changes: Any) -> dict[str, Any]:
    """Return the sample badge as an unsigned document; `changes` replace arguments of build_credential."""
    what = achievement()
    arguments: dict[str, Any] = {
        "id": f"{BASE}/credentials/5f6c0a38-96a5-4f37-9df3-0a4b6c7f1a01",
        "issuer": ISSUER,
        "recipient": Recipient("urn:uuid:0b1e5c9e-8f0a-4b6f-9a59-3a6a3f2f8b11", "Tess@Example.au", "9f86d081884c7d65"),
        "achievement": what,
        "awarded_at": datetime(2025, 3, 1, 9, 30, tzinfo=UTC),
        "valid_from": CREATED,
        "valid_until": datetime(2125, 3, 1, tzinfo=UTC),
        "name": what.name,
        "description": what.description,
        "image": what.image,
        "results": [Result(f"{what.id}#plan", f"{what.id}#plan-2")],
        "status": StatusEntry(f"{BASE}/status/1", 81_234),
        "related": [RelatedResource(f"{BASE}/programme/ips/1.json", digest_multibase(b"{}"), "application/json")],
    }
    badge_id = str(changes.get("id", arguments["id"])).rpartition("/")[2]
    arguments["refresh"] = RefreshService(f"{BASE}/refresh/{badge_id}/v1/{'t0ken' * 8}-_w")
    return build_credential(**(arguments | changes))


def issuer_document() -> dict[str, Any]:
    """Return the issuer's DID document."""
    return did_document(DID, METHODS)


def resolve_key(method_id: str, purpose: str) -> PublicKey:
    """Return the sample issuer's key as a resolver would."""
    for method in METHODS:
        if (method.id, "assertionMethod") == (method_id, purpose):
            return method.public_key
    raise DidError("key_not_found", "The DID document does not list the key that signed.")
