"""What clients of the API do to badges later on: revoke, suspend, reinstate, correct; and who decided it.

Each leads to a state, so that a call may be repeated: what is so already is answered as if it had just been done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlmodel import select

from app.awards import checking, requests
from app.awards.errors import AwardedInTheFuture, AwardNotAllowed, NothingToCorrect
from app.awards.models import AwardChange, AwardRenewal
from app.awards.service import months_after
from app.core.audit import Actor
from app.core.clock import now, rfc3339
from app.core.db import Database, ReadSession, WriteSession
from app.core.errors import Conflict
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer.correcting import Correction, correct
from app.issuer.errors import AlreadyRevoked, AlreadySuspended, NotSuspended
from app.issuer.listing import BadgeRecord
from app.issuer.models import Credential
from app.issuer.schemas import IssuedCredential
from app.programme import service as programme


@dataclass(frozen=True)
class Decider:
    """The person who decided; the role is audited, the name only kept."""

    name: str = field(repr=False)
    role: str


MANAGE: Final = "credentials:revoke"


def _as_it_is(_session: WriteSession) -> None:
    """The badge may be changed however it stands."""


@dataclass(frozen=True)
class Means:
    """What every change takes.

    Attributes:
        actor: the client, for the audit.
        still: looks, in the transaction of the change, whether the badge is as it was decided on; raises if not.
    """

    database: Database
    secret_box: SecretBox
    base_url: str
    actor: Actor
    still: Callable[[WriteSession], None] = _as_it_is


def revoke(means: Means, credential_id: str, *, reason: str, decider: Decider | None) -> None:
    """Revoke a badge for good. One that is revoked stays so, for the first reason.

    Raises:
        IssueRefused, CredentialNotFound, KeysUnreadable: as `issuer.revoke`.
    """

    def beside(session: WriteSession) -> None:
        means.still(session)
        _note(session, means, "revoke", credential_id, decider)

    with suppress(AlreadyRevoked):
        issuer.revoke(
            means.database,
            means.secret_box,
            means.base_url,
            credential_id=credential_id,
            reason=reason,
            actor=means.actor,
            # In one transaction: the list is signed after it, which may fail, and a repeat has nothing to note.
            beside=beside,
        )


def suspend(means: Means, credential_id: str, *, reason: str, decider: Decider) -> None:
    """Suspend a badge until it is reinstated. One that is suspended stays so, for the first reason.

    Raises:
        IssueRefused, CredentialNotFound, AlreadyRevoked: as `issuer.suspend`.
    """
    with suppress(AlreadySuspended), means.database.write() as session:
        if not _is_suspended(session, credential_id):
            means.still(session)
        issuer.suspend(session, credential_id, reason=reason, actor=means.actor)
        _note(session, means, "suspend", credential_id, decider)


def reinstate(means: Means, credential_id: str, *, decider: Decider) -> None:
    """End a suspension. A badge that is not suspended stays as it is.

    Raises:
        CredentialNotFound, AlreadyRevoked: as `issuer.reinstate`.
    """
    with suppress(NotSuspended), means.database.write() as session:
        if _is_suspended(session, credential_id):
            means.still(session)
        issuer.reinstate(session, credential_id, actor=means.actor)
        _note(session, means, "reinstate", credential_id, decider)


def may_correct(database: Database, badge: BadgeRecord, client_id: str, scopes: Collection[str]) -> None:
    """Refuse a client that could not have issued the badge, or would rewrite what others decided.

    Args:
        database: the database.
        badge: which.
        client_id: who asks.
        scopes: of its token.

    Raises:
        AwardNotAllowed: the token lacks the scope that its achievement takes, or the one that it takes to change a
            badge that another client or an assessor here awarded.
    """
    with database.read() as session:
        info = programme.achievement(session, badge.achievement_key, badge.achievement_version)
        is_own = requests.is_of(session, badge.id, client_id)
    checking.check_scope(info, scopes)
    if not is_own and MANAGE not in scopes:
        raise AwardNotAllowed(
            f"This client has not issued this badge; to correct others' badges takes the scope {MANAGE} as well.",
            kept="The badge is as it was.",
            next_step="Ask for a token with that scope; whoever runs this server gives it to the client.",
        )


def says_already(
    database: Database,
    credential_id: str,
    *,
    results: tuple[tuple[str, int], ...] | None,
    awarded_at: datetime | None,
) -> bool:
    """Whether a correction has been made already, so that a repeat of it has nothing to do."""
    with database.read() as session:
        row = session.get(Credential, credential_id)
    if row is None or (results is None and awarded_at is None):
        return False
    said = sorted((str(key), int(level)) for key, level in row.results)
    return (results is None or sorted(results) == said) and awarded_at in (None, row.awarded_at)


def correct_award(
    means: Means,
    credential_id: str,
    *,
    seen: int,
    results: tuple[tuple[str, int], ...] | None,
    awarded_at: datetime | None,
    reason: str,
    decider: Decider,
) -> IssuedCredential:
    """Issue the next version of a badge with other results, or another date of the award.

    Args:
        means: of the process.
        credential_id: the badge.
        seen: the version that it was decided on.
        results: all of them as they should be; None leaves them.
        awarded_at: when it was decided; None leaves it. The badge's end moves with it, unless it was renewed: then the
            end was decided by itself, and stays.
        reason: why, kept beside who decided.
        decider: the person who decided.

    Raises:
        NothingToCorrect: neither is given.
        ResultUnknown, AwardedInTheFuture, AwardedTooLongAgo: they do not fit the achievement.
        Conflict: the badge has another version by now.
        CredentialNotFound, AlreadyRevoked, IssueRefused, KeysUnreadable, Unavailable: as `correcting.correct`.
    """
    if results is None and awarded_at is None:
        raise NothingToCorrect("A correction names results, awarded_at or both.", kept="The badge is as it was.")

    def choose(row: Credential) -> Correction:
        if row.current_version != seen:
            raise Conflict(
                "The badge has changed since you saw it.",
                kept="The badge is as somebody else left it.",
                next_step="GET the badge again and decide on what it says now.",
            )
        with means.database.read() as session:
            info = programme.achievement(session, row.achievement_key, row.achievement_version)
            is_renewed = _is_renewed(session, row.id)
        checking.check_results(results or (), info)
        moment, ends = row.awarded_at, row.valid_until
        if awarded_at is not None and awarded_at != row.awarded_at:
            checking.check_day(awarded_at, now())
            _check_not_after(awarded_at, row)
            moment = awarded_at
            if not is_renewed:
                checking.check_awarded_at(awarded_at, info, now())
                ends = months_after(awarded_at, info.validity_months)
        kept = tuple((str(key), int(level)) for key, level in row.results)
        return Correction(kept if results is None else results, moment, ends)

    def beside(session: WriteSession) -> None:
        means.still(session)
        _note(session, means, "correct", credential_id, decider, reason)

    return correct(
        means.database,
        means.secret_box,
        means.base_url,
        credential_id,
        choose=choose,
        actor=means.actor,
        decided_by_role=decider.role,
        beside=beside,
    )


def _is_renewed(session: ReadSession, credential_id: str) -> bool:
    """Whether a later decision gave the badge its end."""
    return session.exec(select(AwardRenewal.id).where(AwardRenewal.credential_id == credential_id)).first() is not None


def _is_suspended(session: WriteSession, credential_id: str) -> bool:
    """Whether it is, with the row held so that it stays so."""
    row = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
    return row is not None and row.suspended_at is not None


def _check_not_after(awarded_at: datetime, row: Credential) -> None:
    """A badge was decided before it was issued: a later date would only prolong it, without a new decision.

    Raises:
        AwardedInTheFuture: as said.
    """
    if awarded_at > row.reserved_at:
        raise AwardedInTheFuture(
            f"awarded_at lies behind the moment at which this badge was issued, {rfc3339(row.reserved_at)}.",
            kept="The badge is as it was.",
            next_step="Check the date. A new decision leads to a new badge: issue one.",
        )


def _note(
    session: WriteSession,
    means: Means,
    action: str,
    credential_id: str,
    decider: Decider | None,
    reason: str | None = None,
) -> None:
    """Reasons to revoke or suspend are kept with the badge."""
    session.add(
        AwardChange(
            credential_id=credential_id,
            client_id=means.actor.id,
            action=action,
            decided_by_name=decider.name if decider is not None else None,
            decided_by_role=decider.role if decider is not None else None,
            reason=reason,
        )
    )
