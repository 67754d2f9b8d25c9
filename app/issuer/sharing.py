"""Who sees a badge: its holder decides, signed in or by the link of the award mail."""

from __future__ import annotations

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox, token_made_with
from app.issuer import key_claims
from app.issuer.errors import credential_not_found
from app.issuer.key_claims import CLAIM_PURPOSE
from app.issuer.models import Credential

CLAIM_LINK = Actor(kind="person", id="claim-link")  # whoever holds the link of a badge without a person of ours


def share(session: WriteSession, credential_id: str, person_id: str, shared: bool) -> None:
    """Let strangers see a badge at its address, or hide it again. Only its holder may.

    Args:
        session: the caller's transaction.
        credential_id: the badge.
        person_id: who asks.
        shared: True to share, False to hide.

    Raises:
        CredentialNotFound: unknown, unfinished, or somebody else's.
    """
    row = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
    if row is None or row.person_id != person_id:
        raise credential_not_found()
    _set_shared(session, row, shared, Actor(kind="person", id=person_id))


def share_by_claim(session: WriteSession, secret_box: SecretBox, credential_id: str, token: str, shared: bool) -> None:
    """The same for whoever holds the link of the award mail.

    Raises:
        CredentialNotFound: the link is not one of ours, or the badge is unfinished.
    """
    check_claim(session, secret_box, credential_id, token)
    row = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
    if row is None:
        raise credential_not_found()
    holder = Actor(kind="person", id=row.person_id) if row.person_id else CLAIM_LINK
    _set_shared(session, row, shared, holder)


def _set_shared(session: WriteSession, row: Credential, shared: bool, actor: Actor) -> None:
    if row.state not in ("issued", "revoked"):
        raise credential_not_found()
    if row.shared == shared:
        return
    row.shared = shared
    session.add(row)
    action = "issuer.credential_shared" if shared else "issuer.credential_hidden"
    audit.record(session, actor=actor, action=action, subject="credential", subject_id=row.id)


def claim_token(secret_box: SecretBox, credential_id: str) -> str:
    """The secret part of a holder's link; derived, so no row keeps it."""
    return secret_box.token(CLAIM_PURPOSE, credential_id)


def claim_url(secret_box: SecretBox, base_url: str, credential_id: str) -> str:
    """The holder's link, for the award mail."""
    return f"{base_url}/claim/{credential_id}.{claim_token(secret_box, credential_id)}"


def check_claim(session: ReadSession, secret_box: SecretBox, credential_id: str, token: str) -> None:
    """Make sure that a holder's link is genuine: made under a master key in use, or under one given up since.

    Raises:
        CredentialNotFound: it is not.
    """
    if secret_box.token_matches(CLAIM_PURPOSE, credential_id, token):
        return
    if not token_made_with(key_claims.kept_keys(session, secret_box), credential_id, token):
        raise credential_not_found()
