"""Somebody shows that they control a DID: a presentation with an authentication proof, or a JWT of the DID's own key.

Either way the DID's key must have signed the challenge that was set, for this server and for no other, and only keys
count that the DID lists for `authentication`. https://www.w3.org/TR/vc-data-integrity/#dfn-challenge
https://www.w3.org/TR/vc-data-model-2.0/#presentations-including-holder-claims
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core import metrics
from app.core.errors import BadInput
from app.vc import data_integrity, data_model, holder_jwt, json_text
from app.vc.errors import DidError, VcError
from app.vc.timestamps import parse_rfc3339
from app.verifier.issuer_keys import IssuerKeys
from app.verifier.key_documents import KeyUnreachable
from app.verifier.ports import DocumentSource
from app.verifier.sources import Budgeted

MAX_PROOF: Final = 20_000
MAX_DID: Final = 1_000
_DID: Final = re.compile(r"did:(?:key:z[1-9A-HJ-NP-Za-km-z]+|jwk:[A-Za-z0-9_-]+|web:[A-Za-z0-9.:%_-]+)")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_WORDS: Final[dict[str, str]] = {
    "invalid_challenge": "It answers another challenge than the one on this page.",
    "invalid_domain": "It was made for another website than this one.",
    "bad_signature": "Its signature does not hold.",
    "wrong_proof_purpose": "It was signed for another purpose. The purpose must be “authentication”.",
    "unsupported_suite": "It is signed in a way that we do not read. We read eddsa-rdfc-2022, eddsa-jcs-2022, and JWT.",
    "unsupported_alg": "It is signed in a way that we do not read. We read EdDSA, ES256 and RS256.",
    "no_proof": "There is no signature in it.",
    "key_not_found": "The DID does not list the key that signed.",
    "issuer_key_mismatch": "The key that signed is not one of the DID’s own.",
    "key_not_authorised": "The DID does not let this key sign its holder in (authentication).",
    "key_revoked": "The DID has given up the key that signed.",
    "key_expired": "The key that signed is past its end.",
    "jwt_exp_mismatch": "The token is past its end. Make a new one.",
    "jwt_nbf_mismatch": "The token is for a later time. Check the clock of your device.",
    "did_unsupported": "It is for a kind of DID that we do not read. We read did:key, did:jwk and did:web.",
}


class HolderProofRefused(BadInput):
    """What was given does not show control of a DID."""

    slug = "holder-proof-refused"
    title = "This does not prove that the DID is yours"

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail, kept="The badge is as it was.", next_step="Sign the challenge on this page again and try once more."
        )


@dataclass(frozen=True)
class Asked:
    """What had to be signed: the challenge, and for whom (the address of this server)."""

    challenge: str
    domain: str


def proven_did(
    text: str, asked: Asked, *, source: DocumentSource, at: datetime, allow_http_localhost: bool = False
) -> str:
    """Return the DID that whoever made `text` controls.

    Args:
        text: a Verifiable Presentation (JSON) with a Data Integrity proof, or a JWT.
        asked: what it has to answer.
        source: where the document of a did:web is fetched, within the budget of one verification.
        at: now, aware.
        allow_http_localhost: may did:web names of this machine be asked by plain http?

    Raises:
        HolderProofRefused: it does not answer, does not hold, or is in a form that is not read.
    """
    try:
        found = _proven(text.strip(), asked, source, at, allow_http_localhost)
    except KeyUnreachable as error:
        metrics.HOLDER_PROOFS.labels("unreachable").inc()
        raise HolderProofRefused("The place where the DID publishes its keys did not answer.") from error
    except VcError as error:
        metrics.HOLDER_PROOFS.labels("refused").inc()
        raise HolderProofRefused(_WORDS.get(error.code, "It is not in a form that we read.")) from error
    metrics.HOLDER_PROOFS.labels("held").inc()
    return found


def _proven(text: str, asked: Asked, source: DocumentSource, at: datetime, allow_http_localhost: bool) -> str:
    def keys(did: str) -> IssuerKeys:
        if len(did) > MAX_DID or not _DID.fullmatch(did):
            raise DidError("did_unsupported", "The DID is of a kind or a length that is not read.")
        return IssuerKeys(did, Budgeted(source), at=at, allow_http_localhost=allow_http_localhost)

    if len(text) > MAX_PROOF:
        raise HolderProofRefused("It is longer than any such proof.")
    if _TOKEN.fullmatch(text):
        did = holder_jwt.claimed_issuer(text)
        resolve = keys(did)
        holder_jwt.verify(text, resolve_key=resolve, audience=(asked.domain,), nonce=asked.challenge, at=at)
        return did
    document = json_text.loads(text.encode("utf-8", "replace"), max_bytes=4 * MAX_PROOF)
    did = _holder(document)
    held = data_integrity.verify(
        document,
        resolve_key=keys(did),
        purpose=data_integrity.AUTHENTICATION,
        expected_domain=asked.domain,
        expected_challenge=asked.challenge,
    )
    if held.expires is not None and parse_rfc3339(held.expires) <= at:
        raise HolderProofRefused("The proof is past its end. Make a new one.")
    return did


def _holder(document: dict[str, Any]) -> str:
    holder = data_model.read_presentation(document).holder
    if holder is None:
        raise HolderProofRefused("It does not say whose it is: the presentation has no “holder”.")
    return holder
