"""Awards that clients of the API ask for: each is made once, however often and from wherever it is asked for.

The client's key leads to one row, which is written in the transaction that reserves the badge. So whatever dies on the
way leaves either nothing, and a repeat begins anew, or a reservation, which a repeat or the sweeper finishes. A repeat
is answered with what was answered first, whatever became of the badge since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards import checking, overrides
from app.awards.models import Award, AwardRequest
from app.awards.recipients import SEAL_PURPOSE, Recipient, digests_of, seal, unseal
from app.awards.schemas import CheckedAward, ClientAward, IssuingRights
from app.core import metrics, rows
from app.core.audit import SYSTEM, Actor
from app.core.clock import now, rfc3339
from app.core.db import Database, ReadSession, WriteSession
from app.core.errors import Unavailable
from app.core.logging import get_logger
from app.core.resealing import SealedColumn
from app.core.secrets import SecretBox
from app.issuer import issuing, listing
from app.issuer.errors import IdempotencyConflict
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.people import confirmed
from app.programme import service as programme

log = get_logger()

FINGERPRINT_PURPOSE: Final = "awards.client-request"
ADDRESS_KEPT: Final = timedelta(days=30)
BY_OPERATOR: Final = "operator:"  # no client's key begins so: of those a digest is kept
_SEALED: Final[Any] = AwardRequest.sealed_recipient
SEALED: Final = (SealedColumn("addresses that a claim mail is on its way to", _SEALED, SEAL_PURPOSE),)


def fingerprints(secret_box: SecretBox, award: ClientAward) -> tuple[str, ...]:
    """Keyed digests of all that an award says, newest master key first: by these a repeat is known to be one.

    They are of the meaning, not of the bytes: members in another order, or another zone for the same moment, are the
    same request.
    """
    said = [
        award.achievement_key,
        award.email,
        award.name,
        award.did,
        award.decided_by_name,
        award.decided_by_role,
        rfc3339(award.awarded_at) if award.awarded_at is not None else None,
        sorted(award.results),
        award.override_reason,
    ]
    return tuple(value.hex() for value in secret_box.derive_all(FINGERPRINT_PURPOSE, json.dumps(said)))


def request_key(idempotency_key: str) -> str:
    """What is kept of a client's key: it may be anything, a name or an address among it."""
    return hashlib.sha256(idempotency_key.encode()).hexdigest()


def issuer_key_of(client_id: str, idempotency_key: str) -> str:
    """The issuer's key of a client's request: no other client's, no operator's and no decision's can be the same."""
    return f"client:{client_id}:{request_key(idempotency_key)}"


def issue_by_client(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    *,
    award: ClientAward,
    rights: IssuingRights,
    idempotency_key: str,
    fingerprint: str,
    older_fingerprints: tuple[str, ...] = (),
) -> IssuedCredential:
    """Issue a badge on a named person's decision, as a client of the API tells it.

    Args:
        database: not a session: this takes two writes with the signing between them.
        secret_box: opens the issuer's keys, seals the address for the claim mail.
        base_url: this server's address.
        award: what is asked for.
        rights: what the client may do; of a repeat nothing is checked again.
        idempotency_key: the client's own.
        fingerprint: of the request, as `fingerprints` gives it first.
        older_fingerprints: the others that it gives.

    Returns:
        The first version of the badge.

    Raises:
        AppError: as `checking.check`.
        IdempotencyConflict: the key was used for another award.
        CredentialErased: the badge of this key was erased.
        KeysUnreadable: the master key does not open the keys; nothing was reserved.
    """
    known = (fingerprint, *older_fingerprints)
    credential_id = find(database, rights.client_id, idempotency_key, known)
    if credential_id is None:
        try:
            credential_id = _reserve(database, secret_box, base_url, award, rights, idempotency_key, known)
        except IdempotencyConflict:
            # Somebody was faster by a moment in which the recipient confirmed the address, say.
            credential_id = find(database, rights.client_id, idempotency_key, known)
            if credential_id is None:
                raise
        metrics.AWARDS_BY_CLIENTS.labels("issued").inc()
    else:
        metrics.AWARDS_BY_CLIENTS.labels("repeated").inc()
    return _finished(database, secret_box, base_url, credential_id, award.email)


def find(database: Database, client_id: str, idempotency_key: str, fingerprints: tuple[str, ...]) -> str | None:
    """The badge that a client's key stands for, reserved at least; None if the key is new.

    Raises:
        IdempotencyConflict: it stands for another award.
    """
    with database.read() as session:
        row = _row(session, client_id, idempotency_key)
    if row is None:
        return None
    if row.fingerprint is not None and row.fingerprint not in fingerprints:
        raise IdempotencyConflict(
            "This idempotency key was used before for another award.",
            kept="The earlier badge stands; nothing new was issued.",
            next_step="Use a new key for a new award, or repeat the earlier request unchanged.",
        )
    return str(row.credential_id)


def note(
    secret_box: SecretBox, checked: CheckedAward, rights: IssuingRights, idempotency_key: str, fingerprint: str
) -> Callable[[WriteSession, str], None]:
    """What is written beside the reservation: the request, who decided, and what was passed over.

    Args:
        secret_box: seals the recipient's address.
        checked: the award.
        rights: whose request it is.
        idempotency_key: the client's key.
        fingerprint: of the request.

    What is given back raises HolderChanged as `refuse_changed_holders` does.
    """
    make = records(secret_box, checked, rights, idempotency_key, fingerprint)

    def write(session: WriteSession, credential_id: str) -> None:
        if _row(session, rights.client_id, idempotency_key) is not None:
            return
        refuse_changed_holders(session, (checked,))
        session.add_all(make(credential_id))
        overrides.note(session, credential_id, rights.client_id, checked.award, checked.missing)

    return write


class HolderChanged(Exception):
    """A recipient was erased, or joined with another record, since the award was checked: check it again."""


def refuse_changed_holders(session: ReadSession, checked: Sequence[CheckedAward]) -> None:
    """Look once more, in the transaction that reserves, who the recipients are: no badge goes to nobody's id.

    Whoever confirms an address in between is no matter: they get the badge as soon as it is signed.

    Raises:
        HolderChanged: of at least one it is another person, or nobody any more.
    """
    known = {each.award.email: each.person_id for each in checked if each.person_id is not None}
    holders = confirmed.holders_of(session, known)
    if any(holders.get(email, ())[:1] != (person_id,) for email, person_id in known.items()):
        raise HolderChanged


def records(
    secret_box: SecretBox, checked: CheckedAward, rights: IssuingRights, idempotency_key: str, fingerprint: str
) -> Callable[[str], tuple[AwardRequest, Award]]:
    """Makes the rows of a request for the badge of an id, all but an override, which `overrides.note` writes."""
    award = checked.award
    sealed = seal(secret_box, Recipient(award.email, award.name))

    def make(credential_id: str) -> tuple[AwardRequest, Award]:
        request = AwardRequest(
            client_id=rights.client_id,
            request_key=request_key(idempotency_key),
            credential_id=credential_id,
            fingerprint=fingerprint,
            recipient_digest=checked.recipient_digest,
            sealed_recipient=sealed,
        )
        decided = Award(
            credential_id=credential_id, decided_by_name=award.decided_by_name, decided_by_role=award.decided_by_role
        )
        return request, decided

    return make


def issue_request(
    issuer_key: str,
    checked: CheckedAward,
    rights: IssuingRights,
    idempotency_key: str,
    fingerprint: str,
    older: tuple[str, ...] = (),
) -> IssueRequest:
    """What the issuer is asked for."""
    award = checked.award
    return IssueRequest(
        idempotency_key=issuer_key_of(rights.client_id, idempotency_key),
        issuer_key=issuer_key,
        achievement_key=award.achievement_key,
        achievement_version=checked.achievement_version,
        person_id=checked.person_id,
        recipient_email=award.email,
        awarded_at=checked.awarded_at,
        valid_until=checked.valid_until,
        results=award.results,
        actor=Actor(kind="client", id=rights.client_id),
        decided_by_role=award.decided_by_role,
        fingerprint=fingerprint,
        older_fingerprints=older,
        subject_id=award.did,
        related=checked.related,
    )


def recipient_of(session: ReadSession, secret_box: SecretBox, credential_id: str) -> Recipient | None:
    """Where the claim mail of a badge goes; None for a badge that no client asked for, or when it is over.

    Raises:
        SecretUnreadable: no master key opens it.
    """
    sealed = session.exec(
        select(AwardRequest.sealed_recipient).where(AwardRequest.credential_id == credential_id)
    ).first()
    return unseal(secret_box, sealed) if sealed is not None else None


def was_asked_for(session: ReadSession, credential_id: str) -> bool:
    """Whether a client of the API, or a file, asked for this badge: then its recipient is owed a mail.

    Of a badge that an operator issues by itself nobody is mailed: whoever issued it hands on the link.
    """
    asked = (AwardRequest.credential_id == credential_id, col(AwardRequest.request_key).not_like(f"{BY_OPERATOR}%"))
    return session.exec(select(AwardRequest.id).where(*asked)).first() is not None


def is_of(session: ReadSession, credential_id: str, client_id: str) -> bool:
    """Whether this client asked for this badge."""
    asked = (AwardRequest.credential_id == credential_id, AwardRequest.client_id == client_id)
    return session.exec(select(AwardRequest.id).where(*asked)).first() is not None


def by_client(client_id: str) -> sa.Select[Any]:
    """A selection of the ids of the badges that a client asked for."""
    return sa.select(col(AwardRequest.credential_id)).where(col(AwardRequest.client_id) == client_id)


def forget_recipient(database: Database, credential_id: str) -> None:
    """Forget an address, for the claim mail is sent. May be repeated."""
    with database.write() as session:
        session.execute(
            sa.update(AwardRequest)
            .where(col(AwardRequest.credential_id) == credential_id, col(AwardRequest.sealed_recipient).is_not(None))
            .values(sealed_recipient=None)
            .execution_options(synchronize_session=False)
        )


def forget_recipients(database: Database) -> int:
    """Forget addresses whose claim mail could not be sent within 30 days; returns how many. A worker's chore."""
    with database.write() as session:
        forgotten = session.execute(
            sa.update(AwardRequest)
            .where(col(AwardRequest.sealed_recipient).is_not(None), col(AwardRequest.created_at) < now() - ADDRESS_KEPT)
            .values(sealed_recipient=None)
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]
    return int(forgotten)


def adopt(database: Database, secret_box: SecretBox, person_id: str, email: str) -> int:
    """Let badges that clients issued to an address be the person's who has confirmed it; returns how many.

    May be repeated. A badge that is somebody's already stays theirs.
    """
    with database.read() as session:
        waiting = session.exec(
            select(AwardRequest.credential_id).where(
                col(AwardRequest.recipient_digest).in_(digests_of(secret_box, email))
            )
        ).all()
    given = 0
    for credential_id in waiting:
        with database.write() as session:
            given += listing.give_to(session, credential_id, person_id, actor=SYSTEM)
    return given


def _reserve(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    award: ClientAward,
    rights: IssuingRights,
    idempotency_key: str,
    known: tuple[str, ...],
) -> str:
    for _ in range(issuing.RACES):
        with database.read() as session:
            checked = checking.check(session, secret_box, award, rights, now())
            issuer_key = programme.achievement(session, award.achievement_key, checked.achievement_version).issuer_key
        request = issue_request(issuer_key, checked, rights, idempotency_key, known[0], known[1:])
        beside = note(secret_box, checked, rights, idempotency_key, known[0])
        with suppress(HolderChanged):
            return issuing.reserve(database, secret_box, base_url, request, beside=beside)
    raise Unavailable(
        "Who the recipient is changes at this moment.",
        kept="Nothing was issued.",
        next_step="Please try again in a moment; the same request is safe to repeat.",
    )


def _finished(
    database: Database, secret_box: SecretBox, base_url: str, credential_id: str, email: str
) -> IssuedCredential:
    """The first version, signed now if nobody did yet."""
    with database.read() as session:
        first = listing.first_version(session, base_url, credential_id)
    if first is not None:
        return first
    first = issuing.finish(database, secret_box, base_url, credential_id)
    # The address may have been confirmed while the badge was being signed; that event's own round missed this badge.
    with database.read() as session:
        holders = confirmed.holders_of(session, (email,)).get(email, ())
    if holders:
        with database.write() as session:
            listing.give_to(session, credential_id, holders[0], actor=SYSTEM)
    return first


def _row(session: ReadSession, client_id: str, idempotency_key: str) -> sa.Row[Any] | None:
    return rows.find(session, AwardRequest, client_id=client_id, request_key=request_key(idempotency_key))
