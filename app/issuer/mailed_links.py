"""Links to one badge, made and ended by whoever has its award mail; what such a link opens is for `share_links`.

A mail can be passed on. So it proves the one badge that it is about and nothing beyond: a link made with it shows that
badge alone, whoever holds others too, and of links that its holder made otherwise nothing is told here. They, signed
in, see these and end them like their own.
"""

from __future__ import annotations

from typing import Final

from sqlmodel import col, select

from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.issuer import share_links
from app.issuer.errors import credential_not_found
from app.issuer.models import BadgeShare, Credential
from app.issuer.share_links import LinkOwner, ShareLink
from app.issuer.sharing import CLAIM_LINK, check_claim

MOST_LINKS: Final = 10


def make(session: WriteSession, secret_box: SecretBox, credential_id: str, token: str, *, days: int) -> str:
    """Make a link to the badge and return the link's id.

    Args:
        session: the caller's transaction.
        secret_box: knows the mail's secret, and what the link's token is derived from.
        credential_id: the badge.
        token: the secret of its award mail.
        days: how long it works: 7, 30, 90 or 365.

    Raises:
        CredentialNotFound: the mail's link is not one of ours, or the badge is unfinished or gone.
        ShareLinkRefused: another number of days.
        TooManyShareLinks: ten links made with this mail work.
    """
    check_claim(session, secret_box, credential_id, token)
    share_links.check_choice((credential_id,), days)
    finished = (Credential.id == credential_id, col(Credential.current_version) > 0)
    # nobody erases it before the link refers to it
    if session.exec(select(Credential.id).where(*finished).with_for_update(read=True)).first() is None:
        raise credential_not_found()
    whose = col(BadgeShare.claimed_credential_id) == credential_id
    owner = LinkOwner(whose, MOST_LINKS, CLAIM_LINK, claimed_credential_id=credential_id)
    return share_links.store(session, secret_box, owner, (credential_id,), days)


def end(session: WriteSession, secret_box: SecretBox, credential_id: str, token: str, *, link_id: str) -> None:
    """End a link that was made with the badge's mail. One that is over stays as it is.

    Raises:
        CredentialNotFound: the mail's link is not one of ours.
        ShareLinkNotFound: no link of this id was made with that mail.
    """
    check_claim(session, secret_box, credential_id, token)
    share_links.end_one(session, link_id, col(BadgeShare.claimed_credential_id) == credential_id, CLAIM_LINK)


def links_of(
    session: ReadSession, secret_box: SecretBox, base_url: str, credential_id: str, token: str
) -> tuple[ShareLink, ...]:
    """The links that were made with the badge's mail, the newest first, those that are over included.

    Raises:
        CredentialNotFound: the mail's link is not one of ours.
    """
    check_claim(session, secret_box, credential_id, token)
    return share_links.list_links(session, secret_box, base_url, col(BadgeShare.claimed_credential_id) == credential_id)
