"""The next version of a badge: signed first, stored only if nobody stored one in between. Nothing is reserved."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.errors import Unavailable
from app.core.outbox import emit
from app.core.secrets import SecretBox
from app.issuer.content import name_in, recipient_hash
from app.issuer.errors import IssueRefused, credential_not_found
from app.issuer.events import HolderBound
from app.issuer.models import Credential, CredentialVersion
from app.issuer.schemas import IssuedCredential
from app.issuer.signing import Signed, issued, sign, store

RACES = 5
LONGEST_WAIT = 1.5
NAME_LENGTH = 200


@dataclass(frozen=True)
class _Holder:
    """How one version names its holder."""

    identity_hash: str | None
    name: str | None
    subject_id: str


def reissue(
    database: Database, secret_box: SecretBox, base_url: str, credential_id: str, *, recipient_email: str | None
) -> IssuedCredential:
    """Issue the next version of a badge, bound to another confirmed e-mail address or to none.

    Same `id` and `awardedDate`, strictly later `validFrom`: the later one stands
    (Open Badges 3.0, https://www.imsglobal.org/spec/ob/v3p0/#equality-and-comparison-algorithm).
    When the current version already says the same, it is returned and nothing new is made. A name that the holder
    chose to show stays.

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

    def wanted(row: Credential, known: _Holder) -> _Holder:
        bound = recipient_hash(recipient_email, row.identity_salt) if recipient_email else None
        return replace(known, identity_hash=bound)

    return _next_version(database, secret_box, base_url, credential_id, wanted, note=None)


def show_name(
    database: Database, secret_box: SecretBox, base_url: str, credential_id: str, *, name: str | None, actor: Actor
) -> IssuedCredential:
    """Issue the next version of a badge, with its holder's name or without one; otherwise as in `reissue`.

    The name is kept in the signed document only. An address that is bound stays bound.
    https://www.imsglobal.org/spec/ob/v3p0/#identityobject

    Args:
        database, secret_box, base_url, credential_id: as in `reissue`.
        name: the name, by somebody else's word than the holder's; None to show none.
        actor: who asks, for the audit; the caller has made sure that they hold the badge.

    Raises:
        CredentialNotFound, IssueRefused, KeysUnreadable, Unavailable: as in `reissue`.
        ValueError: a name that is empty or longer than 200 characters.
    """
    if name is not None and not 0 < len(name.strip()) <= NAME_LENGTH:
        raise ValueError("a name has between 1 and 200 characters")
    action = "issuer.holder_named" if name is not None else "issuer.holder_unnamed"

    def note(session: WriteSession, version: int) -> None:
        audit.record(
            session, actor=actor, action=action, subject="credential", subject_id=credential_id, version=version
        )

    def wanted(_row: Credential, known: _Holder) -> _Holder:
        return replace(known, name=name)

    return _next_version(database, secret_box, base_url, credential_id, wanted, note)


def change_subject(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    credential_id: str,
    *,
    choose: Callable[[int, str], str],
    action: str,
    actor: Actor,
    is_bound: bool = False,
) -> IssuedCredential:
    """Issue the next version of a badge under another identifier of its holder; otherwise as in `reissue`.

    A name that is shown and an address that is bound stay. The identifier itself goes into no log and no audit: a
    did:web may hold a name.

    Args:
        database, secret_box, base_url, credential_id: as in `reissue`.
        choose: gets the version and the identifier that are in force and returns the identifier to be; may be asked
            again if others change the badge meanwhile, and may raise.
        action: what is done, for the audit.
        actor: who asks, for the audit; the caller has made sure that they hold the badge.
        is_bound: whether the identifier is a DID of which the holder is to be told.

    Raises:
        CredentialNotFound, IssueRefused, KeysUnreadable, Unavailable: as in `reissue`; and what `choose` raises.
    """

    def note(session: WriteSession, version: int) -> None:
        audit.record(
            session, actor=actor, action=action, subject="credential", subject_id=credential_id, version=version
        )
        if is_bound:
            person_id = session.get_one(Credential, credential_id).person_id
            emit(session, HolderBound(credential_id=credential_id, version=version, person_id=person_id))

    def wanted(row: Credential, known: _Holder) -> _Holder:
        return replace(known, subject_id=choose(row.current_version, known.subject_id))

    return _next_version(database, secret_box, base_url, credential_id, wanted, note)


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
        known = holder_of(row, version)
        signed = _sign(database, secret_box, base_url, row, version, known)
        stored = _store_unless_changed(database, base_url, row, known, signed, note=None)
        if stored is not None:
            return stored
    raise always_changed()


def _next_version(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    credential_id: str,
    wanted: Callable[[Credential, _Holder], _Holder],
    note: Callable[[WriteSession, int], None] | None,
) -> IssuedCredential:
    """A version that names its holder as `wanted`; the current one if it does already. `note` writes beside it."""
    for _ in range(RACES):
        with database.read() as session:
            row = session.get(Credential, credential_id)
            if row is None or row.state != "issued":
                raise credential_not_found()
            version = session.get_one(CredentialVersion, (row.id, row.current_version))
        known = holder_of(row, version)
        holder = wanted(row, known)
        if holder == known:
            return issued(base_url, row.id, version)
        if row.valid_until is not None and row.valid_until <= now():
            raise IssueRefused(
                "This badge has ended, so no later version can be issued.", kept="The badge is as it was."
            )
        signed = _sign(database, secret_box, base_url, row, version, holder)
        stored = _store_unless_changed(database, base_url, row, holder, signed, note)
        if stored is not None:
            return stored
    raise always_changed()


def holder_of(row: Credential, version: CredentialVersion) -> _Holder:
    """How a version names its holder."""
    name = name_in(version.document) if row.holder_named else None
    return _Holder(row.identity_hash, name, row.subject_id)


def _sign(
    database: Database, secret_box: SecretBox, base_url: str, row: Credential, version: CredentialVersion, who: _Holder
) -> Signed:
    return sign(
        database,
        secret_box,
        base_url,
        row,
        identity_hash=who.identity_hash,
        valid_from=next_moment(version.valid_from),
        holder_name=who.name,
        subject_id=who.subject_id,
    )


def _store_unless_changed(
    database: Database,
    base_url: str,
    row: Credential,
    holder: _Holder,
    signed: Signed,
    note: Callable[[WriteSession, int], None] | None,
) -> IssuedCredential | None:
    """Store the version after the one that `row` was read with; None if somebody else changed the badge since."""
    with database.write() as session:
        current = session.exec(select(Credential).where(Credential.id == row.id).with_for_update()).first()
        if current is None or current.state != "issued" or current.current_version != row.current_version:
            return None
        current.identity_hash, current.holder_named = holder.identity_hash, holder.name is not None
        current.subject_id = holder.subject_id
        if note is not None:
            note(session, row.current_version + 1)
        return store(session, base_url, current, row.current_version + 1, signed)


def always_changed() -> Unavailable:
    """The error for a badge that others change faster than this process can follow."""
    return Unavailable(
        "The badge is being changed by somebody else at this moment.",
        kept="The badge is as it was.",
        next_step="Please try again in a moment.",
    )


def next_moment(previous: datetime) -> datetime:
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
