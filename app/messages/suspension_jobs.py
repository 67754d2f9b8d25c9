"""The mails that a person suspended a badge because another one had ended, and that they lifted the suspension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.awards.consequences import reading
from app.awards.consequences.events import SuspendedForGround, SuspensionLifted
from app.awards.consequences.reading import Flag
from app.core.clock import now
from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, decode
from app.issuer import listing
from app.issuer import service as issuer
from app.messages.kinds import GROUND_ENDED
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import Around, compose_from

SUSPENDED = "ground_suspended"  # under what each is noted as sent
LIFTED = "ground_lifted"


@dataclass(frozen=True)
class SuspendedMail:
    """A badge is suspended, because one that it rests on has ended.

    Attributes:
        badge, because: names of the achievements.
        ending: how the other one ended: expired, suspended or revoked; and since when.
        mended: that one is in force again meanwhile.
        claim_url: the holder's own link to the badge, whose page says why.
    """

    name: str
    badge: str
    because: str
    ending: str
    since: datetime
    mended: bool
    claim_url: str


@dataclass(frozen=True)
class LiftedMail:
    """A badge is not suspended any more.

    Attributes:
        badge, because: names of the achievements.
        mended: the other one is in force again.
        ended: the badge itself has ended meanwhile.
        claim_url: the holder's own link to the badge.
    """

    name: str
    badge: str
    because: str
    mended: bool
    ended: bool
    claim_url: str


def send_suspended(deps: MessageDeps) -> Handler:
    """Listens to `SuspendedForGround`: tells the holder what it means and what to do, while it is so."""

    def words(session: ReadSession, flag: Flag, url: str) -> Callable[[str], Any] | None:
        if flag.state != "suspended" or _standing(session, flag) != "suspended":
            return None
        mended = flag.waits_for_reinstatement
        return lambda name: SuspendedMail(name, flag.badge, flag.because, flag.ending, flag.since, mended, url)

    def handle(delivery: Delivery) -> None:
        event = decode(SuspendedForGround, delivery.payload)
        _tell(deps, delivery, event.flag_id, SUSPENDED, words)

    return handle


def send_suspension_lifted(deps: MessageDeps) -> Handler:
    """Listens to `SuspensionLifted`: tells the holder that the badge is not suspended any more, if that is still so."""

    def words(session: ReadSession, flag: Flag, url: str) -> Callable[[str], Any] | None:
        standing = _standing(session, flag)
        if standing not in ("issued", "expired"):
            return None
        mended, ended = flag.mended_at is not None, standing == "expired"
        return lambda name: LiftedMail(name, flag.badge, flag.because, mended, ended, url)

    def handle(delivery: Delivery) -> None:
        event = decode(SuspensionLifted, delivery.payload)
        _tell(deps, delivery, event.flag_id, LIFTED, words)

    return handle


def _tell(
    deps: MessageDeps,
    delivery: Delivery,
    flag_id: str,
    note: str,
    words: Callable[[ReadSession, Flag, str], Callable[[str], Any] | None],
) -> None:
    with deps.database.read() as session:
        about = reading.noted(session, flag_id)
    if about is None:
        return  # erased

    def prepare(session: ReadSession) -> Addressed | None:
        flag = reading.noted(session, flag_id)
        if flag is None or flag.person_id is None:
            return None
        url = issuer.claim_url(deps.secret_box, deps.settings.base_url, flag.credential_id)
        told = words(session, flag, url)
        return None if told is None else addressed_to(session, flag.person_id, told, compose=_from(f"{note}.txt"))

    # A badge can be suspended for the same ground more than once; each time it is told.
    subject = f"{about.credential_id}.{flag_id}.{delivery.created_at:%Y%m%d%H%M%S}"
    send_once(deps, GROUND_ENDED, subject, prepare, note=note)


def _standing(session: ReadSession, flag: Flag) -> str:
    return listing.badge(session, flag.credential_id, now()).standing


def _from(template: str) -> Callable[[Any, Around], tuple[str, str]]:
    return lambda mail, around: compose_from(template, mail, around)
