"""The mail about a badge that a client of the API asked for: it goes to the address that came with the award.

That address is kept, sealed, until the mail is sent. It is all that this server knows of whoever is not a person here.
"""

from __future__ import annotations

from app.awards import requests
from app.awards.service import decider_of
from app.core.db import ReadSession
from app.core.logging import get_logger
from app.core.outbox import GiveUp
from app.core.secrets import SecretUnreadable
from app.issuer import service as issuer
from app.issuer.errors import CredentialNotFound
from app.messages.kinds import CLAIM
from app.messages.sending import Addressed, MessageDeps, send_once
from app.messages.service import ClaimMail
from app.messages.wording import as_name
from app.people import service as people
from app.programme import service as programme

log = get_logger()


def send_claim(deps: MessageDeps, credential_id: str, person_id: str | None) -> None:
    """Send the mail by which a badge is claimed, once, and forget the address.

    Args:
        deps: of the process.
        credential_id: the badge.
        person_id: its holder, if that is a person we know: they may have switched such mails off.

    Raises:
        RetryLater, GiveUp: as `mail.send`; the address stays for another try, at most 30 days.
    """

    def prepare(session: ReadSession) -> Addressed | None:
        return _prepared(deps, session, credential_id, person_id)

    send_once(deps, CLAIM, credential_id, prepare)
    requests.forget_recipient(deps.database, credential_id)


def _prepared(deps: MessageDeps, session: ReadSession, credential_id: str, person_id: str | None) -> Addressed | None:
    try:
        recipient = requests.recipient_of(session, deps.secret_box, credential_id)
        stored = issuer.stored_credential(session, credential_id)
    except CredentialNotFound:
        return None  # erased: whoever asked for that wants no mail about it
    except SecretUnreadable:
        raise GiveUp("the address is sealed under a master key that is not there any more") from None
    if stored.state == "revoked":
        return None  # revoked before anybody heard of it: a mail would only hurt
    if recipient is None:
        raise GiveUp("no mail went out while the address was kept; whoever asked for the badge has to tell its holder")
    achievement = programme.achievement(session, stored.achievement_key, stored.achievement_version)
    decider = decider_of(session, credential_id)
    if decider is None:
        return None
    holder = people.standing_id(session, person_id) if person_id is not None else None
    return Addressed(
        recipient.email,
        ClaimMail(
            name=recipient.name or "",
            achievement_name=achievement.name,
            issuer_name=issuer.issuer_info(session, deps.settings.base_url, stored.issuer_key).name,
            decided_by=as_name(decider[0]),
            decided_by_role=as_name(decider[1]),
            claim_url=issuer.claim_url(deps.secret_box, deps.settings.base_url, credential_id),
        ),
        holder,
    )
