"""Reminders that a badge expires: 90, 30 and 7 days before, each once.

A worker's chore finds what is due and notes it with an event in one transaction; the mail is the outbox's work. The
note's key lets two workers that find the same badge make one event, and whatever dies leaves both or neither.

A badge that is found late gets the nearest reminder only. One that its holder got less long ago than a reminder looks
ahead gets none for that: whoever receives a badge for 60 days has just been told.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from math import ceil
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.awards import renewal_offers
from app.core import metrics
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.logging import get_logger
from app.core.outbox import Delivery, Handler, decode, emit
from app.issuer import expiring as badges
from app.issuer import service as issuer
from app.issuer.schemas import EndingBadge
from app.messages.events import ReminderDue
from app.messages.kinds import EXPIRING
from app.messages.models import ExpiryReminder
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import ExpiringMail
from app.programme import service as programme
from app.programme import stacks
from app.programme.errors import ModuleUnknown

log = get_logger()

WINDOWS: Final = (90, 30, 7)  # days
BATCH: Final = 100
MOST_BATCHES: Final = 20  # in one go, so that the worker gets back to its work
DAY: Final = timedelta(days=1)


def note_reminders(database: Database) -> int:
    """Find badges that end soon and have their holders reminded; returns how many reminders are due by that.

    Any number of workers may do it at once, and as often as they like.
    """
    due = 0
    for days in WINDOWS:
        for _ in range(MOST_BATCHES):
            found = _unnoted(database, days)
            due += _note(database, found, days)
            if len(found) < BATCH:
                break
    return due


def tell_due(session: ReadSession) -> None:
    """Set the gauge of badges whose reminder nobody has seen to."""
    metrics.REMINDERS_DUE.set(
        sum(badges.count_ending(session, **_span(days), passed=partial(_noted, days)) for days in WINDOWS)
    )


def send_reminder(deps: MessageDeps) -> Handler:
    """Listens to `ReminderDue`: reminds the holder, if the badge is still theirs and still ends then."""

    def handle(delivery: Delivery) -> None:
        event = decode(ReminderDue, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            # A mail server that was away for days: what is nearer by now has a reminder of its own.
            if not badges.is_ending(session, event.credential_id, **_span(event.days)):
                return None
            return _reminder(deps, session, event.credential_id)

        send_once(deps, EXPIRING, event.credential_id, prepare, note=f"expiring_{event.days}")

    return handle


def _span(days: int) -> dict[str, timedelta]:
    """From when to when a badge ends that gets the reminder of this window."""
    nearer = max((each for each in WINDOWS if each < days), default=0)
    return {"within": days * DAY, "but_not_within": nearer * DAY}


def _noted(days: int, badge: Any) -> sa.ColumnElement[bool]:
    same = (col(ExpiryReminder.credential_id) == badge, col(ExpiryReminder.days) == days)
    return sa.select(col(ExpiryReminder.credential_id)).where(*same).exists()


def _unnoted(database: Database, days: int) -> tuple[EndingBadge, ...]:
    with database.read() as session:
        return badges.ending(session, **_span(days), passed=partial(_noted, days), limit=BATCH)


def _note(database: Database, found: tuple[EndingBadge, ...], days: int) -> int:
    if not found:
        return 0
    with database.write() as session:
        noted = [badge for badge in found if _is_first(session, badge.id, days)]
        due = [badge for badge in noted if badge.issued_at is None or badge.issued_at < badge.valid_until - days * DAY]
        for badge in due:
            emit(session, ReminderDue(credential_id=badge.id, days=days))
    if noted:
        log.info("messages.reminders_noted", days=days, due=len(due), passed_over=len(noted) - len(due))
    return len(due)


def _is_first(session: WriteSession, credential_id: str, days: int) -> bool:
    """Note a reminder; False if another worker did at the same moment."""
    try:
        with session.begin_nested():
            session.add(ExpiryReminder(credential_id=credential_id, days=days))
            session.flush()
    except IntegrityError:
        return False
    return True


def _reminder(deps: MessageDeps, session: ReadSession, credential_id: str) -> Addressed | None:
    badge = issuer.stored_credential(session, credential_id)
    until = badge.valid_until
    if badge.person_id is None or until is None:
        return None
    achievement = programme.achievement(session, badge.achievement_key, badge.achievement_version)
    renewal, is_module = _renewal(session, badge.achievement_key)
    offer = renewal_offers.offer(session, badge.person_id, credential_id)
    if offer.stage == "decided":
        return None  # its new end is being written into it
    by_talk = offer.why_not == "talk"
    claim_url = issuer.claim_url(deps.secret_box, deps.settings.base_url, credential_id)

    def words(name: str) -> ExpiringMail:
        days = max(ceil((until - now()) / DAY), 1)
        return ExpiringMail(name, achievement.name, until, days, renewal, is_module, claim_url, by_talk, offer.stage)

    return addressed_to(session, badge.person_id, words)


def _renewal(session: ReadSession, achievement_key: str) -> tuple[str | None, bool]:
    """What renewing asks for by the newest version of the module, and whether there is one."""
    try:
        return programme.current_module(session, achievement_key).renewal, True
    except ModuleUnknown:
        return _renewal_of_stack(session, achievement_key), False


def _renewal_of_stack(session: ReadSession, achievement_key: str) -> str | None:
    """The same for a pathway with an achievement of its own."""
    try:
        stack = stacks.current_pathway(session, achievement_key).achievement
    except ModuleUnknown:
        return None
    return stack.renewal if stack else None
