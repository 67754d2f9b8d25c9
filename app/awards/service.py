"""Awards: the link between a decision and a badge, and the badges that operators issue."""

from __future__ import annotations

import calendar
import json
import re
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from app.awards.errors import AwardRefused
from app.awards.models import Award
from app.awards.schemas import AwardInfo, OperatorAward
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.programme import service as programme

FINGERPRINT_PURPOSE = "awards.operator-request"
NAME_LENGTH = 200
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9 &/'-]{0,59}")


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and time a number of months later; the month's last day where it has no such day."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)


def award_for_decision(session: ReadSession, decision_id: str) -> AwardInfo | None:
    """The award a decision led to, once its badge is issued."""
    row = session.exec(select(Award).where(Award.decision_id == decision_id)).first()
    return None if row is None else AwardInfo(row.credential_id, row.decision_id, row.created_at)


def record_award(
    database: Database,
    *,
    credential_id: str,
    decision_id: str | None,
    decided_by_person_id: str | None,
    decided_by_name: str | None,
    decided_by_role: str,
) -> None:
    """Note who stands for a badge; done once however often it is asked.

    Args:
        database: not a session, so that losing a race costs the caller nothing.
        credential_id: the badge.
        decision_id: the assessor's decision, if there was one here.
        decided_by_person_id: the person who decided, if one of ours.
        decided_by_name: that person's name, if not one of ours.
        decided_by_role: in what role.
    """
    with database.read() as session:
        if session.exec(select(Award).where(Award.credential_id == credential_id)).first() is not None:
            return
    award = Award(
        credential_id=credential_id,
        decision_id=decision_id,
        decided_by_person_id=decided_by_person_id,
        decided_by_name=decided_by_name,
        decided_by_role=decided_by_role,
    )
    try:
        with database.write() as session:
            session.add(award)
    except IntegrityError:
        with database.read() as session:  # somebody was faster; anything else that went wrong still shows
            session.exec(select(Award).where(Award.credential_id == credential_id)).one()


def forget_award(session: WriteSession, credential_id: str) -> None:
    """Delete who stands for a badge and by which decision: for one that is being erased. May be repeated.

    Args:
        session: the transaction in which the badge is erased.
        credential_id: the badge.
    """
    session.execute(delete(Award).where(col(Award.credential_id) == credential_id))


def issue_by_operator(
    database: Database, secret_box: SecretBox, base_url: str, award: OperatorAward
) -> IssuedCredential:
    """Issue a badge on a named person's decision, from the command line.

    Args:
        database: the database.
        secret_box: opens the issuer's keys, and digests the request for its repeat.
        base_url: this server's address.
        award: what to award, to whom, by whose decision.

    Raises:
        AwardRefused: an address, a name or a role is missing or has the wrong form.
        IdempotencyConflict: the key was used for something else.
        ModuleUnknown, IssuerNotFound: no such achievement or issuer.
    """
    _check(award)
    with database.read() as session:
        module = programme.current_module(session, award.achievement_key)
    awarded_at = now().replace(microsecond=0)
    fingerprint, *older = _fingerprints(secret_box, award)
    request = IssueRequest(
        idempotency_key=f"operator:{award.idempotency_key}",
        issuer_key=award.issuer_key,
        achievement_key=module.key,
        achievement_version=module.version,
        person_id=None,
        recipient_email=award.email.strip(),
        awarded_at=awarded_at,
        valid_until=months_after(awarded_at, module.validity_months),
        shared=award.shared,
        actor=OPERATOR,
        decided_by_role=award.decided_by_role.strip(),
        fingerprint=fingerprint,
        older_fingerprints=tuple(older),
    )
    issued = issuer.issue(database, secret_box, base_url, request)
    record_award(
        database,
        credential_id=issued.credential_id,
        decision_id=None,
        decided_by_person_id=None,
        decided_by_name=award.decided_by_name.strip(),
        decided_by_role=award.decided_by_role.strip(),
    )
    return issued


def _check(award: OperatorAward) -> None:
    if not _EMAIL.fullmatch(award.email.strip()):
        raise AwardRefused("The recipient's address is not an e-mail address.", kept="Nothing was issued.")
    if not award.idempotency_key.strip():
        raise AwardRefused("An idempotency key is needed, so that a repeat cannot issue a second badge.")
    if not 0 < len(award.decided_by_name.strip()) <= NAME_LENGTH:
        raise AwardRefused(
            "A named person decides every award.", kept="Nothing was issued.", next_step="Say who decided."
        )
    if not _ROLE.fullmatch(award.decided_by_role.strip()):
        raise AwardRefused(
            "The role of the person who decided is needed: up to 60 letters, such as “programme lead”.",
            kept="Nothing was issued.",
        )


def _fingerprints(secret_box: SecretBox, award: OperatorAward) -> list[str]:
    """Keyed digests of what makes the request this one, newest key first: nobody can guess the address from them."""
    identity = [award.issuer_key, award.achievement_key, award.email.strip().lower(), award.decided_by_name.strip()]
    return [value.hex() for value in secret_box.derive_all(FINGERPRINT_PURPOSE, json.dumps(identity))]
