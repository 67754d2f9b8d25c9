"""The next version of a badge: signed first, stored only if nobody stored one in between. Nothing is reserved."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import select

from app.core.clock import now
from app.core.db import Database
from app.core.errors import Unavailable
from app.core.secrets import SecretBox
from app.issuer.content import recipient_hash
from app.issuer.errors import IssueRefused, credential_not_found
from app.issuer.models import Credential, CredentialVersion
from app.issuer.schemas import IssuedCredential
from app.issuer.signing import issued, sign, store

RACES = 5
LONGEST_WAIT = 1.5


def reissue(
    database: Database, secret_box: SecretBox, base_url: str, credential_id: str, *, recipient_email: str | None
) -> IssuedCredential:
    """Issue the next version of a badge, bound to another confirmed e-mail address or to none.

    Same `id` and `awardedDate`, strictly later `validFrom`: the later one stands
    (Open Badges 3.0, https://www.imsglobal.org/spec/ob/v3p0/#equality-and-comparison-algorithm).
    When the current version already says the same, it is returned and nothing new is made.

    Args:
        database: not a session: this writes after signing.
        secret_box: opens the issuer's keys.
        base_url: this server's address.
        credential_id: the badge.
        recipient_email: the confirmed address to bind, or None to bind none.

    Raises:
        CredentialNotFound: unknown, unfinished or revoked.
        IssueRefused: the badge has ended.
        KeysUnreadable: the master key does not open the keys; nothing was changed.
        Unavailable: the server's clock is behind the current version.
    """
    for _ in range(RACES):
        with database.read() as session:
            row = session.get(Credential, credential_id)
            if row is None or row.state != "issued":
                raise credential_not_found()
            version = session.get_one(CredentialVersion, (row.id, row.current_version))
        identity_hash = recipient_hash(recipient_email, row.identity_salt) if recipient_email else None
        if identity_hash == row.identity_hash:
            return issued(base_url, row.id, version)
        if row.valid_until is not None and row.valid_until <= now():
            raise IssueRefused(
                "This badge has ended, so no later version can be issued.", kept="The badge is as it was."
            )
        valid_from = _next_moment(version.valid_from)
        signed = sign(database, secret_box, base_url, row, identity_hash=identity_hash, valid_from=valid_from)
        with database.write() as session:
            current = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).one()
            if current.state == "issued" and current.current_version == row.current_version:
                current.identity_hash = identity_hash
                return store(session, base_url, current, row.current_version + 1, signed)
    raise _always_changed()


def sign_again(
    database: Database, secret_box: SecretBox, base_url: str, credential_id: str, revoked: Collection[str]
) -> IssuedCredential | None:
    """The next version of a badge, saying the same, if its latest one was signed with a revoked key.

    Same `id` and `awardedDate`, strictly later `validFrom`, as in `reissue`. Whoever does the same at the same moment,
    or changes the badge otherwise, makes this one unneeded or is followed by it.

    Args:
        database: not a session: this writes after signing.
        secret_box: opens the issuer's keys.
        base_url: this server's address.
        credential_id: the badge.
        revoked: names of the keys that are not to be rested on.

    Returns:
        The new version; None when there was nothing to do: it rests on no such key, is not in force, or is gone.

    Raises:
        KeysUnreadable, SigningServiceDown, SigningServiceWrong: nothing can be signed just now; nothing was changed.
        Unavailable: the server's clock is behind the current version, or others changed the badge all the time.
    """
    for _ in range(RACES):
        with database.read() as session:
            row = session.get(Credential, credential_id)
            if row is None or row.state != "issued" or (row.valid_until is not None and row.valid_until <= now()):
                return None
            version = session.get_one(CredentialVersion, (row.id, row.current_version))
        if not {version.embedded_kid, version.token_kid} & set(revoked):
            return None
        valid_from = _next_moment(version.valid_from)
        signed = sign(database, secret_box, base_url, row, identity_hash=row.identity_hash, valid_from=valid_from)
        with database.write() as session:
            current = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).one()
            if current.state == "issued" and current.current_version == row.current_version:
                return store(session, base_url, current, row.current_version + 1, signed)
    raise _always_changed()


def _always_changed() -> Unavailable:
    return Unavailable(
        "The badge is being changed by somebody else at this moment.",
        kept="The badge is as it was.",
        next_step="Please try again in a moment.",
    )


def _next_moment(previous: datetime) -> datetime:
    """A whole second after `previous` that is not in the future: waits out the rest of a second if it must.

    A `validFrom` ahead of the clock would make the badge not yet valid for those who look at once.
    """
    ahead = (previous + timedelta(seconds=1) - now()).total_seconds()
    if ahead > LONGEST_WAIT:
        raise Unavailable(
            "This server's clock is behind the badge's last version, so no later version can be signed.",
            kept="The badge is as it was.",
            next_step="Whoever runs this server should check its clock.",
        )
    if ahead > 0:
        time.sleep(ahead)
    return max(now().replace(microsecond=0), previous + timedelta(seconds=1))
