"""The code that shows that whoever fills in a checklist reads the invited person's mail.

The link alone proves little: a mail is passed on, and scanners open it. The code is not stored but derived, works for
15 minutes and five tries, and goes to the invited address only, whoever asks for it.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import outbox
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.learning.events import ObservationCodeAsked
from app.learning.observation.errors import (
    ObservationCodeOver,
    ObservationCodeWrong,
    ObservationOver,
    TooManyObservationCodes,
)
from app.learning.observation.links import invited, learner_name, why_over
from app.learning.observation.models import ObservationCodeRecord, ObservationRequestRecord
from app.learning.observation.schemas import ObservationCodeMail

PURPOSE = "learning.observation-code"
LIFETIME = timedelta(minutes=15)
MAX_TRIES = 5
CODES_PER_HOUR = 5  # for one request
CODES_PER_REQUEST = 30  # with five tries each, one chance in 6,600 for somebody who has the link and not the inbox
CODES_PER_ADDRESS_AND_HOUR = 20  # over all requests: an inbox stays usable, and guessing stays hopeless


def send_code(session: WriteSession, secret_box: SecretBox, token: str) -> None:
    """Send a code to the invited address. Codes asked for earlier stop working.

    Args:
        session: the caller's transaction.
        secret_box: knows the link.
        token: of the link.

    Raises:
        ObservationNotFound, ObservationOver: the link is none, or has ended.
        TooManyObservationCodes: five were asked for within the hour, thirty in all, or twenty for this address.
    """
    row = invited(session, secret_box, token)
    session.exec(
        select(ObservationRequestRecord.id).where(ObservationRequestRecord.id == row.id).with_for_update()
    ).one()
    _check_pace(session, row)
    moment = now()
    close_codes(session, row.id)
    code = ObservationCodeRecord(request_id=row.id, requested_at=moment, expires_at=moment + LIFETIME)
    session.add(code)
    session.flush()
    outbox.emit(session, ObservationCodeAsked(code_id=code.id))


def has_code(session: ReadSession, request_id: str) -> bool:
    """Whether a code can be typed now."""
    code = newest(session, request_id)
    return code is not None and _usable(code)


def code_mail(session: ReadSession, secret_box: SecretBox, code_id: str) -> ObservationCodeMail | None:
    """What the mail with the code needs; None: the code is of no use any more, so no mail is due."""
    code = session.get(ObservationCodeRecord, code_id)
    if code is None or not _usable(code):
        return None
    row = session.get_one(ObservationRequestRecord, code.request_id)
    if not row.observer_email or why_over(session, row) is not None:
        return None
    return ObservationCodeMail(
        to=row.observer_email,
        code=secret_box.code(PURPOSE, code.id),
        learner_name=learner_name(session, row),
        expires_at=code.expires_at,
    )


def check_code(database: Database, secret_box: SecretBox, request_id: str, typed: str, *, used: bool = False) -> str:
    """Compare what was typed with the newest code of a request; the code's id.

    The try is counted in a transaction of its own, before the code is looked at: an error in the caller's transaction
    would roll the count back and leave six digits to be guessed without end.

    Args:
        database: where to count; do not hold a write session while calling.
        secret_box: derives the code to compare with.
        request_id: of the request.
        typed: as typed; spaces do not matter.
        used: whether a code that did its work a moment ago counts too, for a form that was sent twice.

    Raises:
        ObservationCodeOver: there is none, or it is over.
        ObservationCodeWrong: it is another.
    """
    with database.write() as session:
        code = newest(session, request_id)
        if code is None or not _count_try(session, code, used=used):
            code = None
    if code is None:
        raise ObservationCodeOver
    if not _matches(secret_box, code.id, typed):
        if code.tries >= MAX_TRIES:
            raise ObservationCodeOver
        raise ObservationCodeWrong(MAX_TRIES - code.tries)
    return code.id


def close_codes(session: WriteSession, request_id: str) -> None:
    """No code of this request works any more."""
    session.exec(
        sa.update(ObservationCodeRecord)
        .where(col(ObservationCodeRecord.request_id) == request_id, col(ObservationCodeRecord.closed_at).is_(None))
        .values(closed_at=now())
    )


def newest(session: ReadSession, request_id: str) -> ObservationCodeRecord | None:
    """The last code that was asked for."""
    return session.exec(
        select(ObservationCodeRecord)
        .where(ObservationCodeRecord.request_id == request_id)
        .order_by(col(ObservationCodeRecord.requested_at).desc(), col(ObservationCodeRecord.id).desc())
        .execution_options(populate_existing=True)
    ).first()


def _check_pace(session: ReadSession, row: ObservationRequestRecord) -> None:
    recent = col(ObservationCodeRecord.requested_at) > now() - timedelta(hours=1)
    to_address = session.exec(
        select(ObservationCodeRecord.request_id)
        .join(ObservationRequestRecord, col(ObservationRequestRecord.id) == ObservationCodeRecord.request_id)
        .where(recent, ObservationRequestRecord.observer_email == row.observer_email)
        .limit(CODES_PER_ADDRESS_AND_HOUR)
    ).all()
    if to_address.count(row.id) >= CODES_PER_HOUR or len(to_address) >= CODES_PER_ADDRESS_AND_HOUR:
        raise TooManyObservationCodes
    in_all = session.exec(
        select(sa.func.count()).select_from(ObservationCodeRecord).where(ObservationCodeRecord.request_id == row.id)
    ).one()
    if in_all >= CODES_PER_REQUEST:
        raise ObservationOver("So many codes were asked for with this link that it no longer works.")


def _count_try(session: WriteSession, code: ObservationCodeRecord, *, used: bool) -> bool:
    """Use up one try of a code, whoever else tries at the same moment."""
    mine = [
        col(ObservationCodeRecord.id) == code.id,
        col(ObservationCodeRecord.tries) < MAX_TRIES,
        col(ObservationCodeRecord.expires_at) > now(),
    ]
    if not used:
        mine.append(col(ObservationCodeRecord.closed_at).is_(None))
    counted = session.exec(sa.update(ObservationCodeRecord).where(*mine).values(tries=ObservationCodeRecord.tries + 1))
    session.refresh(code)
    return counted.rowcount == 1


def _usable(code: ObservationCodeRecord) -> bool:
    return code.closed_at is None and code.tries < MAX_TRIES and code.expires_at > now()


def _matches(secret_box: SecretBox, code_id: str, typed: str) -> bool:
    """Whether this is the code, under any of the server's keys, compared in constant time."""
    return secret_box.code_matches(PURPOSE, code_id, typed)
