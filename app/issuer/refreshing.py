"""The refresh service: where whoever has a copy of a badge gets the copy that stands now.

Its address is in every signed copy (https://www.imsglobal.org/spec/ob/v3p0/#refreshservice), shared or not, so it must
let in those who have the copy and nobody else: it ends in a token that only this server can make, for this badge and
this version. It is derived as the holders' links are, so it lives as long as they do when the master key changes.

A refresh brings a badge's dates and results up to date. It is no way to learn more of its holder than the copy says:
another identifier of theirs is never given, and a name that they show since only where they share the badge.
"""

from __future__ import annotations

from app.core.days import day_of
from app.core.db import ReadSession
from app.core.secrets import SecretBox, token_made_with, token_of
from app.issuer import key_claims
from app.issuer.content import name_in, subject_of
from app.issuer.errors import CredentialSuspended, NewestNotShared, credential_not_found
from app.issuer.key_claims import CLAIM_PURPOSE
from app.issuer.models import CredentialVersion
from app.issuer.reading import stored_credential
from app.issuer.schemas import PublicCredential

MOST_VERSIONS = 10**6


class RefreshAddresses:
    """Gives copies their refresh addresses; one for many badges, because deriving the key takes longer than using it.

    Args:
        secret_box: makes the tokens, under the newest master key.
        base_url: this server's address.
    """

    def __init__(self, secret_box: SecretBox, base_url: str) -> None:
        self._key = secret_box.token_keys(CLAIM_PURPOSE)[0]
        self._base_url = base_url

    def of(self, credential_id: str, version: int) -> str:
        """The address that stands in one version of a badge."""
        token = token_of(self._key, _message(credential_id, version))
        return f"{self._base_url}/refresh/{credential_id}/v{version}/{token}"


def newest_copy(
    session: ReadSession, secret_box: SecretBox, credential_id: str, version: int, token: str
) -> PublicCredential:
    """The badge as it stands now, for whoever has a copy of it. A revoked one too: its status list says so.

    Args:
        session: for reading.
        secret_box: recognises the token.
        credential_id, version, token: as they stand in the copy's refresh address.

    Raises:
        CredentialNotFound: no copy of ours has this address.
        CredentialErased: the badge was erased.
        CredentialSuspended: it is suspended, which no copy says.
        NewestNotShared: the newest copy says more of the holder than this one, and they have not shared it.
    """
    if not _is_ours(session, secret_box, _message(credential_id, version), token):
        raise credential_not_found()
    newest = stored_credential(session, credential_id)
    known = session.get(CredentialVersion, (credential_id, version)) if version < MOST_VERSIONS else None
    if known is None:
        raise credential_not_found()
    if newest.suspended_at is not None and newest.state != "revoked":
        raise CredentialSuspended(
            f"This badge has been suspended since {day_of(newest.suspended_at)}, so there is no newer copy of it.",
            next_step="Ask its holder, or try again later: a suspension can be lifted.",
        )
    if version != newest.version and _says_more(newest, known.document):
        raise NewestNotShared(
            "There is a newer copy of this badge. It says more of its holder, who does not share it here.",
            next_step="Ask its holder for the newer copy.",
        )
    return newest


def _message(credential_id: str, version: int) -> str:
    """What a token is made for; no holder's link has a message like it, which is a badge's bare id."""
    return f"refresh/{credential_id}/{version}"


def _is_ours(session: ReadSession, secret_box: SecretBox, message: str, token: str) -> bool:
    if not token.isascii():
        return False
    if secret_box.token_matches(CLAIM_PURPOSE, message, token):
        return True
    return token_made_with(key_claims.kept_keys(session, secret_box), message, token)


def _says_more(newest: PublicCredential, known: bytes) -> bool:
    """Whether the newest copy tells who holds the badge beyond what a known one does."""
    if subject_of(newest.document) != subject_of(known):
        return True
    return not newest.shared and name_in(newest.document) not in (None, name_in(known))
