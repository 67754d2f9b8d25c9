"""Issuing in three steps, so that neither a crash nor a repeat nor a race can make a second badge.

Write 1 reserves everything that must exist once: the badge's id, its place in the status list, the idempotency key.
Then the document is signed, outside any transaction. Write 2 stores the bytes and tells the others. Whatever stops in
between leaves a reservation, which the next call with the same key, or the sweeper, finishes from what was reserved.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.logging import get_logger
from app.core.secrets import SecretBox
from app.issuer import status
from app.issuer.content import new_salt, recipient_hash
from app.issuer.erasing import refuse_erased, repeat_keys
from app.issuer.errors import (
    IdempotencyConflict,
    IssueRefused,
    IssuerNotFound,
    KeysUnreadable,
    credential_not_found,
)
from app.issuer.keys import issuer_by_key, open_keys
from app.issuer.models import Credential, CredentialVersion, Issuer
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.issuer.signing import issued, sign, store
from app.programme import pins
from app.programme import service as programme
from app.programme.pins import FrameworkPin
from app.programme.schemas import AchievementInfo

log = get_logger()

RACES = 5
STOPS_EVERYTHING = (KeysUnreadable, IssuerNotFound)  # no fault of the one request


def issue(database: Database, secret_box: SecretBox, base_url: str, request: IssueRequest) -> IssuedCredential:
    """Issue a badge, once for each idempotency key, however often and from however many threads it is asked.

    Args:
        database: not a session: this takes two writes with the signing between them.
        secret_box: opens the issuer's keys.
        base_url: this server's address, without a slash at its end; all addresses in the badge begin with it.
        request: what to issue. A repeat is answered with the stored badge; nothing of it is read but its identity.

    Raises:
        IssueRefused: the dates or results do not hold together.
        IdempotencyConflict: the key was used for another badge.
        CredentialErased: the badge of this key was erased; a repeat does not bring it back.
        IssuerNotFound, ModuleUnknown: no such issuer or achievement.
        KeysUnreadable: the master key does not open the keys; nothing was reserved.
    """
    reservation = reserve(database, secret_box, base_url, request)
    return finish(database, secret_box, base_url, reservation)


def reserve(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    request: IssueRequest,
    *,
    beside: Callable[[WriteSession, str], None] | None = None,
) -> str:
    """Write 1: the id of the credential reserved for this request, now or by an earlier call.

    Args:
        database, secret_box, base_url, request: as in `issue`.
        beside: writes what must exist if and only if the reservation does, in the same transaction; gets the
            credential's id, and is called again when the same is reserved again.
    """
    race: IntegrityError | None = None
    for _ in range(RACES):
        try:
            with database.write() as session:
                credential_id = _find_or_reserve(session, secret_box, base_url, request)
                if beside is not None:
                    beside(session, credential_id)
                    session.flush()
                return credential_id
        except IntegrityError as error:
            # Somebody else inserted the same key or opened the same list first; everything of ours was rolled back.
            race = error
    raise Unavailable(
        "Too many badges are being issued at this moment.",
        kept="Nothing was issued twice.",
        next_step="Please try again in a moment; the same request is safe to repeat.",
    ) from race


def _find_or_reserve(session: WriteSession, secret_box: SecretBox, base_url: str, request: IssueRequest) -> str:
    issuer = issuer_by_key(session, request.issuer_key)
    keys = (request.idempotency_key, *repeat_keys(secret_box, request.idempotency_key))
    row = session.exec(select(Credential).where(col(Credential.idempotency_key).in_(keys))).first()
    if row is not None:
        refuse_erased(session, row.id)
        check_same(row, issuer, request)
        return row.id
    check_request(request)
    open_keys(session, secret_box, base_url, issuer)  # a wrong master key must not leave a reservation behind
    achievement = programme.achievement(session, request.achievement_key, request.achievement_version)
    check_results(request, achievement)
    place = status.allocate(session, secret_box, issuer)
    salt = new_salt()
    email, judged = request.recipient_email, judged_by(pins.pin_of(session, achievement))
    row = Credential(
        idempotency_key=request.idempotency_key,
        fingerprint=request.fingerprint,
        issuer_id=issuer.id,
        achievement_key=request.achievement_key,
        achievement_version=request.achievement_version,
        person_id=request.person_id,
        subject_id=request.subject_id or f"urn:uuid:{new_id()}",
        identity_salt=salt,
        identity_hash=recipient_hash(email, salt) if email else None,
        results=[list(result) for result in request.results],
        related=[list(each) for each in request.related],
        awarded_at=request.awarded_at,
        valid_until=request.valid_until,
        status_list_number=place.number,
        status_index=place.index,
        shared=request.shared,
        reserved_at=now(),
        framework_key=judged["framework_key"],
        framework_version=judged["framework_version"],
        framework_digest=judged["framework_digest"],
    )
    session.add(row)
    audit.record(
        session,
        actor=request.actor,
        action="issuer.credential_reserved",
        subject="credential",
        subject_id=row.id,
        **reserved_ids(request),
    )
    return row.id


def judged_by(pin: FrameworkPin | None) -> dict[str, str | None]:
    """The columns that say by which framework a badge was judged."""
    return {
        "framework_key": pin.key if pin else None,
        "framework_version": pin.version if pin else None,
        "framework_digest": pin.digest if pin else None,
    }


def reserved_ids(request: IssueRequest) -> dict[str, str | int | None]:
    """What the audit says of a reservation."""
    return {
        "achievement": request.achievement_key,
        "achievement_version": request.achievement_version,
        "decided_by_role": request.decided_by_role,
        "shared": int(request.shared),
    }


def finish(database: Database, secret_box: SecretBox, base_url: str, credential_id: str) -> IssuedCredential:
    """Sign what was reserved and store it, unless somebody already did.

    Raises:
        CredentialNotFound: there is no such reservation.
        KeysUnreadable: the master key does not open the keys; the reservation waits.
    """
    with database.read() as session:
        row = session.get(Credential, credential_id)
        if row is None:
            raise credential_not_found()
        if row.current_version > 0:
            return issued(base_url, row.id, session.get_one(CredentialVersion, (row.id, row.current_version)))
    status.refresh(database, secret_box, base_url, row.status_list_number)  # a badge must not point at nothing
    signed = sign(database, secret_box, base_url, row, identity_hash=row.identity_hash, valid_from=first_moment(row))
    with database.write() as session:
        current = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).one()
        if current.current_version > 0:
            return issued(base_url, row.id, session.get_one(CredentialVersion, (row.id, current.current_version)))
        current.state = "issued"
        current.issued_at = signed.signed_at
        return store(session, base_url, current, 1, signed)


def finish_orphans(
    database: Database, secret_box: SecretBox, base_url: str, *, older_than: timedelta = timedelta(minutes=2)
) -> int:
    """Finish what a crash left reserved, and sign stale status lists again. For the worker's loop, once a minute.

    Args:
        database: the database.
        secret_box: opens the keys.
        base_url: this server's address.
        older_than: reservations younger than this are somebody's work in progress.

    Returns:
        How many badges were finished. One that cannot be finished is logged and hinders no other.
    """
    limit = now() - older_than
    with database.read() as session:
        waiting = session.exec(
            select(Credential.id)
            .where(Credential.state == "reserved", col(Credential.reserved_at) < limit)
            .order_by(col(Credential.reserved_at))
        ).all()
    finished = 0
    for credential_id in waiting:
        try:
            finish(database, secret_box, base_url, credential_id)
        except Exception as error:
            reason = type(error).__name__
            log.error("issuer.orphan_not_finished", credential_id=credential_id, error=reason, exc_info=True)
        else:
            finished += 1
    status.refresh_stale(database, secret_box, base_url)
    return finished


def check_request(request: IssueRequest) -> None:
    """Refuse what no badge can say; raises IssueRefused."""
    if not request.idempotency_key:
        raise IssueRefused("An idempotency key is needed, so that a repeat cannot issue a second badge.")
    if request.awarded_at > now():
        raise IssueRefused("The date of the award lies in the future.", kept="Nothing was issued.")
    if request.valid_until is not None and request.valid_until <= now():
        raise IssueRefused("The badge would already have ended on the day it is issued.", kept="Nothing was issued.")
    if len({key for key, _ in request.results}) != len(request.results):
        raise IssueRefused("Two results are given for one criterion.", kept="Nothing was issued.")


def check_results(request: IssueRequest, achievement: AchievementInfo) -> None:
    """Refuse results that the rubric does not have; raises IssueRefused."""
    known = {criterion.key: {level.level for level in criterion.levels} for criterion in achievement.rubric.criteria}
    if any(level not in known.get(key, ()) for key, level in request.results):
        raise IssueRefused("A result names a criterion or a level that the achievement's rubric does not have.")


def check_same(row: Credential, issuer: Issuer, request: IssueRequest) -> None:
    """A repeat must ask for the same badge. The address is left out: it may have been confirmed in between."""
    asked = (issuer.id, request.achievement_key, request.achievement_version, request.person_id)
    stored = (row.issuer_id, row.achievement_key, row.achievement_version, row.person_id)
    if asked != stored or row.fingerprint not in (request.fingerprint, *request.older_fingerprints):
        raise IdempotencyConflict(
            "This idempotency key was used before for another badge.",
            kept="The earlier badge stands; nothing new was issued.",
            next_step="Use a new key for a new badge, or repeat the earlier request unchanged.",
        )


def first_moment(row: Credential) -> datetime:
    """`validFrom` of version 1: not before the award, and the same however often signing is tried."""
    return max(row.awarded_at, row.reserved_at).replace(microsecond=0)
