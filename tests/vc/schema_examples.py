"""The examples in credential_schemas/examples: what each is, and how it comes about.

`python -m tests.vc.schema_examples` writes them anew. They are signed with the published test key of samples.py, which
nobody may ever trust.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.vc import credential_schema, data_integrity
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.open_badges import Recipient, RelatedResource, StatusEntry, digest_multibase
from app.vc.status_list import status_list_credential
from app.vc.timestamps import rfc3339
from tests.vc.samples import BASE, CREATED, DID, ED25519, ED25519_ID, ISSUER, achievement, issuer_document, unsigned

FOLDER = credential_schema.FOLDER / "examples"
STATUS_URL = f"{BASE}/status/1"
BASIC_URL = f"{BASE}/credentials/5f6c0a38-96a5-4f37-9df3-0a4b6c7f1a01"
ENDORSEMENT_SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_endorsementcredential_schema.json"
# 131,072 bits of which the 4,711th is set. Written out, because each build of zlib packs the same bits in its own way.
ENCODED_LIST = "uH4sIAAAAAAACA-3QQREAAAwCIO1f2g67PSECCfyoAgAAAAAAAAAAAAAAAAAAgLMBDtgvfQBAAAA"
KINDS: Mapping[str, credential_schema.Kind] = {
    "basic-badge": "badge",
    "advanced-badge": "badge",
    "endorsement": "endorsement",
    "status-list": "status-list",
}
NAMES = ("issuer.did.json", *(f"{name}{ending}.json" for name in KINDS for ending in ("", ".signed")))


def examples() -> dict[str, bytes]:
    """File name to content: each document unsigned and signed, and the issuer's DID document to check them with."""
    made = {"issuer.did.json": as_text(issuer_document())}
    for name in KINDS:
        document = _advanced(made["basic-badge.signed.json"]) if name == "advanced-badge" else _FIXED[name]()
        made[f"{name}.json"] = as_text(document)
        made[f"{name}.signed.json"] = as_text(_signed(document))
    return made


def as_text(document: dict[str, Any]) -> bytes:
    """A document as it is written to its file."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def write() -> None:
    """Write every example."""
    for name, content in examples().items():
        (FOLDER / name).write_bytes(content)


def _basic() -> dict[str, Any]:
    return unsigned(id=BASIC_URL, related=())


def _advanced(basic: bytes) -> dict[str, Any]:
    """A badge that rests on the basic one, bound by the digest of that file's very bytes."""
    url = f"{BASE}/achievements/a01/v1"
    what = replace(
        achievement(),
        id=url,
        name="Practice lead",
        description="Leads a team that works to the practice principles.",
        criteria_id=f"{url}#criteria",
        criteria_narrative="A review panel looked at a year of practice, and at the badge that this one rests on.",
        version="1",
        image=None,
        result_descriptions=(),
    )
    return unsigned(
        id=f"{BASE}/credentials/c2a4f1de-7d9b-4a0e-8a51-6a0d4de1b702",
        recipient=Recipient("urn:uuid:6a1f0f3e-2b0c-4a55-9f0c-5b7a2f1e9d03"),
        achievement=what,
        name=what.name,
        description=what.description,
        image=None,
        results=(),
        status=StatusEntry(STATUS_URL, 40_961),
        related=[
            RelatedResource(f"{BASIC_URL}/v1.json", digest_multibase(basic), "application/vc+ld+json"),
            RelatedResource(f"{BASE}/programme/ips/1.json", digest_multibase(b"{}"), "application/json"),
            RelatedResource(f"{BASE}/programme/pathways/lead/1.json", digest_multibase(b"{}"), "application/json"),
        ],
    )


def _endorsement() -> dict[str, Any]:
    return {
        "@context": list(CREDENTIAL_CONTEXTS),
        "id": f"{BASE}/endorsements/1",
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "name": "A word for Rapid job search",
        "issuer": ISSUER.to_dict(),
        "validFrom": rfc3339(CREATED),
        "credentialSubject": {
            "id": achievement().id,
            "type": ["EndorsementSubject"],
            "endorsementComment": "People who hold it find work with those they support.",
        },
        "credentialSchema": [{"id": ENDORSEMENT_SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
    }


def _status_list() -> dict[str, Any]:
    return status_list_credential(
        list_url=STATUS_URL,
        issuer=DID,
        encoded_list=ENCODED_LIST,
        valid_from=CREATED,
        valid_until=CREATED + timedelta(days=36_500),
    )


_FIXED = {"basic-badge": _basic, "endorsement": _endorsement, "status-list": _status_list}


def _signed(document: dict[str, Any]) -> dict[str, Any]:
    return data_integrity.sign(
        document, suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )


if __name__ == "__main__":
    write()
