"""Badges that an operator issues one by one at the terminal, on a named person's decision.

They are checked as a client's are. Their keys and fingerprints are of their own kind, and the same since the first of
them, so that a command of long ago may still be repeated. No mail is sent: the operator hands on the link.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from sqlmodel import col, select

from app.awards import checking, overrides, requests
from app.awards.award_input import REASON_LENGTH
from app.awards.errors import AwardRefused, PrerequisiteMissing
from app.awards.models import Award, AwardRequest
from app.awards.recipients import digest_of
from app.awards.schemas import CheckedAward, ClientAward, IssuingRights, OperatorAward
from app.awards.service import record_award
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.issuer import issuing
from app.issuer.erasing import repeat_keys
from app.issuer.models import Credential
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.people import service as people
from app.people.errors import EmailNotUsable
from app.programme import service as programme

FINGERPRINT_PURPOSE: Final = "awards.operator-request"
NAME_LENGTH: Final = 200
RIGHTS: Final = IssuingRights(
    OPERATOR.id, frozenset({checking.ISSUE, checking.ISSUE_ADVANCED, checking.OVERRIDE}), None
)
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_ROLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9 &/'-]{0,59}")


def issue_by_operator(
    database: Database, secret_box: SecretBox, base_url: str, award: OperatorAward
) -> IssuedCredential:
    """Issue a badge on a named person's decision, from the command line.

    Args:
        database: the database.
        secret_box: opens the issuer's keys, and digests the request for its repeat.
        base_url: this server's address.
        award: what to award, to whom, by whose decision. Of a repeat nothing is checked again.

    Raises:
        AwardRefused: an address, a name, a role or a reason is missing or has the wrong form.
        PrerequisiteMissing: the recipient does not hold what the badge rests on, and no reason was given.
        ContentTooOld: the module's review is overdue.
        IdempotencyConflict: the key was used for something else.
        ModuleUnknown, IssuerNotFound: no such achievement or issuer.
    """
    _check_form(award)
    checked, person_id = None, None
    with database.read() as session:
        made = _made(session, secret_box, award)
        if made is not None:
            version, person_id = made.achievement_version, made.person_id
        else:
            checked = _checked(session, secret_box, award)
            version = checked.achievement_version
    request = _request(secret_box, award, version, person_id, checked)
    beside = _noted(secret_box, award, checked)
    credential_id = issuing.reserve(database, secret_box, base_url, request, beside=beside)
    issued = issuing.finish(database, secret_box, base_url, credential_id)
    record_award(
        database,
        credential_id=credential_id,
        decision_id=None,
        decided_by_person_id=None,
        decided_by_name=award.decided_by_name.strip(),
        decided_by_role=award.decided_by_role.strip(),
    )
    return issued


def _check_form(award: OperatorAward) -> None:
    if not _EMAIL.fullmatch(award.email.strip()):
        raise _no_address()
    if not award.idempotency_key.strip():
        raise AwardRefused("An idempotency key is needed, so that a repeat cannot issue a second badge.")
    if not 0 < len(award.decided_by_name.strip()) <= NAME_LENGTH:
        raise AwardRefused(
            "A named person decides every award.", kept=checking.NOTHING_ISSUED, next_step="Say who decided."
        )
    if not _ROLE.fullmatch(award.decided_by_role.strip()):
        raise AwardRefused(
            "The role of the person who decided is needed: up to 60 letters, such as “programme lead”.",
            kept=checking.NOTHING_ISSUED,
        )
    reason = award.override_reason
    if reason is not None and not (0 < len(reason.strip()) <= REASON_LENGTH and reason.strip().isprintable()):
        raise AwardRefused(
            f"Why a prerequisite is passed over is said in one line of 1 to {REASON_LENGTH} characters.",
            kept=checking.NOTHING_ISSUED,
        )


def _no_address() -> AwardRefused:
    return AwardRefused("The recipient's address is not an e-mail address.", kept=checking.NOTHING_ISSUED)


def _key(award: OperatorAward) -> str:
    return f"operator:{award.idempotency_key}"


def _made(session: ReadSession, secret_box: SecretBox, award: OperatorAward) -> Credential | None:
    """The badge that the key stands for already, reserved at least; or what is left of one that was erased."""
    keys = (_key(award), *repeat_keys(secret_box, _key(award)))
    return session.exec(select(Credential).where(col(Credential.idempotency_key).in_(keys))).first()


def _checked(session: ReadSession, secret_box: SecretBox, award: OperatorAward) -> CheckedAward:
    achievement = programme.current_achievement(session, award.achievement_key)
    try:
        email = people.normalise_email(award.email)
    except EmailNotUsable:
        raise _no_address() from None
    asked = ClientAward(
        achievement_key=achievement.key,
        email=email,
        name=None,
        did=None,
        decided_by_name=award.decided_by_name.strip(),
        decided_by_role=award.decided_by_role.strip(),
        awarded_at=None,
        results=(),
        override_reason=award.override_reason.strip() if award.override_reason is not None else None,
    )
    try:
        return checking.check(session, secret_box, asked, RIGHTS, now())
    except PrerequisiteMissing as error:
        raise PrerequisiteMissing(
            error.missing,
            next_step=(
                "Issue what is missing first. If a person has decided to award it all the same, give the reason with "
                "--override-reason: it is kept, and `waymark override list` shows it for review."
            ),
        ) from None


def _request(
    secret_box: SecretBox, award: OperatorAward, version: int, person_id: str | None, checked: CheckedAward | None
) -> IssueRequest:
    """What the issuer is asked for; for a repeat, what it was asked for then.

    A new badge names no person, also where one has confirmed the address: that would send a mail that tells of an
    assessor. It becomes theirs when the address is confirmed after it.
    """
    fingerprint, *older = _fingerprints(secret_box, award)
    return IssueRequest(
        idempotency_key=_key(award),
        issuer_key=award.issuer_key,
        achievement_key=award.achievement_key,
        achievement_version=version,
        person_id=person_id,
        recipient_email=award.email.strip(),
        awarded_at=checked.awarded_at if checked is not None else now().replace(microsecond=0),
        valid_until=checked.valid_until if checked is not None else None,
        shared=award.shared,
        actor=OPERATOR,
        decided_by_role=award.decided_by_role.strip(),
        fingerprint=fingerprint,
        older_fingerprints=tuple(older),
        related=checked.related if checked is not None else (),
    )


def _noted(
    secret_box: SecretBox, award: OperatorAward, checked: CheckedAward | None
) -> Callable[[WriteSession, str], None]:
    """Writes, beside the reservation, who decided, what was passed over, and by what the recipient is found again.

    The last also for a repeat: badges from before it was written down count as prerequisites from then on.
    """
    request_key = f"{requests.BY_OPERATOR}{requests.request_key(award.idempotency_key)}"
    recipient_digest = digest_of(secret_box, award.email.strip().lower())

    def write(session: WriteSession, credential_id: str) -> None:
        if session.exec(select(AwardRequest.id).where(AwardRequest.credential_id == credential_id)).first() is not None:
            return
        session.add(
            AwardRequest(
                client_id=OPERATOR.id,
                request_key=request_key,
                credential_id=credential_id,
                recipient_digest=recipient_digest,
            )
        )
        if checked is None:
            return
        asked = checked.award
        session.add(
            Award(
                credential_id=credential_id,
                decided_by_name=asked.decided_by_name,
                decided_by_role=asked.decided_by_role,
            )
        )
        overrides.note(session, credential_id, OPERATOR.id, asked, checked.missing)

    return write


def _fingerprints(secret_box: SecretBox, award: OperatorAward) -> list[str]:
    """Keyed digests of what makes the request this one, newest key first: nobody can guess the address from them."""
    identity = [award.issuer_key, award.achievement_key, award.email.strip().lower(), award.decided_by_name.strip()]
    return [value.hex() for value in secret_box.derive_all(FINGERPRINT_PURPOSE, json.dumps(identity))]
