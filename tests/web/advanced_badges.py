"""A badge with a chain and with endorsements, as the issuer of a real house signs one; for the tests of its page."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.issuer.keys import open_keys
from app.issuer.models import CredentialVersion, Issuer
from app.issuer.schemas import IssuedCredential
from app.issuer.signing import SUITE
from app.vc import data_integrity, json_text
from app.vc.contexts import CREDENTIAL_CONTEXTS, VC_V2, pinned_bytes
from app.vc.open_badges import digest_multibase
from app.vc.timestamps import rfc3339
from tests.wallets import Wallet
from tests.web.badge_states import Stage

COMMENT: Final = "Our centres hire on this badge. Whoever holds it can **build a caseload** from the first week."


def version_url(badge: IssuedCredential) -> str:
    """Where one version of a badge is for ever."""
    return f"{badge.url}/v{badge.version}.json"


def ground(badge: IssuedCredential, data: bytes | None = None) -> dict[str, Any]:
    """How a badge names another one that it rests on; `data` if it was signed for other bytes."""
    return {
        "id": version_url(badge), "mediaType": "application/vc+ld+json",
        "digestMultibase": digest_multibase(badge.document if data is None else data),
    }  # fmt: skip


def endorsement(target: str, by: Wallet, comment: str = COMMENT) -> dict[str, Any]:
    """What somebody signs about a badge, its achievement or its issuer."""
    document = {
        "@context": list(CREDENTIAL_CONTEXTS),
        "id": f"urn:uuid:5b1f3a0e-3c0c-4e4f-9a63-{abs(hash((target, by.did))) % 10**12:012}",
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "issuer": {"id": by.did, "type": ["Profile"], "name": "Peak Body of Claims"},
        "name": "Endorsement",
        "validFrom": rfc3339(now() - timedelta(days=2)),
        "credentialSubject": {"id": target, "type": ["EndorsementSubject"], "endorsementComment": comment},
    }
    return data_integrity.sign(
        document, suite=SUITE, signer=by.signer, verification_method=by.key_id, created=now() - timedelta(days=2)
    )


def sign_anew(stage: Stage, badge: IssuedCredential, document: dict[str, Any]) -> None:
    """The issuer's own signature over another document under the same badge."""
    runtime = stage.services.runtime
    with runtime.database.read() as session:
        row = session.exec(select(Issuer).where(Issuer.key == "orygen")).one()
        keys = open_keys(session, runtime.secret_box, runtime.settings.base_url, row)
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    secured = data_integrity.sign(
        unsigned, suite=SUITE, signer=keys.embedded, verification_method=keys.embedded_id, created=now()
    )
    data = json_text.dumps(secured)
    with runtime.database.write() as session:
        session.execute(
            sa.update(CredentialVersion)
            .where(col(CredentialVersion.credential_id) == badge.credential_id)
            .values(document=data, digest=hashlib.sha256(data).hexdigest())
        )


def advanced(stage: Stage, **parts: Any) -> IssuedCredential:
    """A shared badge that carries these further members."""
    badge = stage.issue()
    sign_anew(stage, badge, json_text.loads(badge.document) | parts)
    return badge


def chained(stage: Stage) -> str:
    """Rests on four badges and two documents: one stands, one is revoked, one suspended, one not shared."""
    stands, revoked, suspended, unshared = stage.issue(), stage.issue(), stage.issue(), stage.issue(shared=False)
    stage.revoke(revoked)
    stage.suspend(suspended)
    framework = {"id": VC_V2, "digestMultibase": digest_multibase(pinned_bytes(VC_V2))}
    elsewhere = {"id": "https://gone.invalid/framework.json", "digestMultibase": digest_multibase(b"{}")}
    grounds = [ground(each) for each in (stands, revoked, suspended, unshared)]
    return stage.path(advanced(stage, relatedResource=[*grounds, framework, elsewhere]))


def altered(stage: Stage) -> str:
    """Was signed for other grounds than those that are there."""
    return stage.path(advanced(stage, relatedResource=[ground(stage.issue(), b"other bytes")]))


def standing(stage: Stage) -> str:
    """Rests on three badges that all stand."""
    return stage.path(advanced(stage, relatedResource=[ground(stage.issue()) for _ in range(3)]))


def endorsed(stage: Stage) -> str:
    """Endorsed by a stranger, by somebody whose words were changed, and of another badge."""
    badge = stage.issue()
    good, changed, astray = (
        endorsement(badge.url, Wallet()), endorsement(badge.url, Wallet()), endorsement(f"{badge.url}0", Wallet()),
    )  # fmt: skip
    changed = changed | {"name": "A better endorsement"}
    sign_anew(stage, badge, json_text.loads(badge.document) | {"endorsement": [good, changed, astray]})
    return stage.path(badge)


def everything(stage: Stage) -> str:
    """A chain that stands in part, and endorsements."""
    badge, revoked = stage.issue(), stage.issue()
    stage.revoke(revoked)
    grounds = [ground(stage.issue()), ground(stage.issue(shared=False)), ground(revoked)]
    parts = {"relatedResource": grounds, "endorsement": [endorsement(badge.url, Wallet())]}
    sign_anew(stage, badge, json_text.loads(badge.document) | parts)
    return stage.path(badge)


ADVANCED: Final = {
    "resting on badges that stand": (standing, "Valid"),
    "resting on badges of every kind": (chained, "Valid"),
    "resting on something altered": (altered, "Not valid: do not rely on it"),
    "endorsed": (endorsed, "Valid"),
    "advanced and endorsed": (everything, "Valid"),
}
"""What makes a badge of each state and returns its path; the page's first heading."""
