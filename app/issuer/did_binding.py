"""A badge bound to a DID of its holder: the challenge that they sign, and the versions that follow.

A challenge is made of the badge's id, the version in force and its own end, under the master key: no row keeps it, and
looking at a page writes nothing. It serves once, because what it is used for makes the next version.
https://www.w3.org/TR/vc-data-integrity/#dfn-challenge
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Conflict
from app.core.secrets import SecretBox
from app.issuer.content import is_did
from app.issuer.reissuing import change_subject
from app.issuer.schemas import IssuedCredential

PURPOSE: Final = "issuer.did-challenge"
LIFETIME: Final = timedelta(minutes=30)
BOUND: Final = "issuer.holder_bound"
UNBOUND: Final = "issuer.holder_unbound"


class ChallengeOver(Conflict):
    """The challenge was used, is too old, or was never set."""

    slug = "challenge-over"
    title = "This challenge no longer serves"


def challenge(secret_box: SecretBox, credential_id: str, version: int) -> str:
    """What the holder of a badge signs to have it bound: good for half an hour, and for the version in force.

    Args:
        secret_box: what it is derived from.
        credential_id: the badge.
        version: its version in force.
    """
    ends = int((now() + LIFETIME).timestamp())
    return f"{ends}.{secret_box.token(PURPOSE, _message(credential_id, version, str(ends)))}"


def check_challenge(secret_box: SecretBox, credential_id: str, version: int, text: str) -> None:
    """Make sure that a challenge was set here for this version of the badge, not too long ago.

    Raises:
        ChallengeOver: it was not.
    """
    ends, _, token = text.partition(".")
    genuine = secret_box.token_matches(PURPOSE, _message(credential_id, version, ends), token)
    if not genuine or datetime.fromtimestamp(int(ends), UTC) <= now():
        raise _over()


def bind(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    credential_id: str,
    *,
    did: str,
    answered: str,
    actor: Actor,
) -> IssuedCredential:
    """Issue the next version of a badge with the holder's DID as the subject's id.

    Args:
        database, secret_box, base_url, credential_id: as in `reissuing.reissue`.
        did: the DID; the caller has made sure that whoever asks holds the badge and controls it.
        answered: the challenge that was signed with it.
        actor: who asks, for the audit.

    Raises:
        ChallengeOver: the challenge was not set for the version in force, or too long ago.
        CredentialNotFound, IssueRefused, KeysUnreadable, Unavailable: as in `reissuing.reissue`.
    """

    def choose(version: int, _known: str) -> str:
        check_challenge(secret_box, credential_id, version, answered)
        return did

    return change_subject(
        database, secret_box, base_url, credential_id, choose=choose, action=BOUND, actor=actor, is_bound=True
    )


def unbind(
    database: Database, secret_box: SecretBox, base_url: str, credential_id: str, *, actor: Actor
) -> IssuedCredential:
    """Issue the next version of a badge under a fresh identifier that leads nowhere; one that is not bound stays.

    Raises:
        CredentialNotFound, IssueRefused, KeysUnreadable, Unavailable: as in `reissuing.reissue`.
    """

    def choose(_version: int, known: str) -> str:
        return f"urn:uuid:{uuid4()}" if is_did(known) else known

    return change_subject(database, secret_box, base_url, credential_id, choose=choose, action=UNBOUND, actor=actor)


def _message(credential_id: str, version: int, ends: str) -> str:
    return f"{credential_id}:{version}:{ends}"


def _over() -> ChallengeOver:
    return ChallengeOver(
        "The challenge that was signed is too old, was used before, or was made for something else.",
        kept="The badge is as it was.",
        next_step="Sign the challenge that this page shows now.",
    )
