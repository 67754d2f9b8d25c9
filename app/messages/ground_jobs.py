"""The mail that a badge another one rests on has ended, and until when its holder can put that right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.awards.consequences import reading
from app.awards.consequences.events import GraceBegan
from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, decode
from app.issuer import service as issuer
from app.messages.kinds import GROUND_ENDED
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import Around, compose_from


@dataclass(frozen=True)
class GroundMail:
    """A badge rests on another one that has ended.

    Attributes:
        badge, because: names of the achievements.
        ending: how the other one ended: expired, suspended or revoked.
        until: up to when there is time.
        claim_url: the holder's own link to the badge.
    """

    name: str
    badge: str
    because: str
    ending: str
    since: datetime
    until: datetime
    claim_url: str


def send_ground_ended(deps: MessageDeps) -> Handler:
    """Listens to `GraceBegan`: tells the holder what to do, if there is still time and something to do."""

    def handle(delivery: Delivery) -> None:
        event = decode(GraceBegan, delivery.payload)
        with deps.database.read() as session:
            about = reading.in_grace(session, event.flag_id)
        if about is None:
            return  # put right meanwhile, decided, or erased

        def prepare(session: ReadSession) -> Addressed | None:
            flag = reading.in_grace(session, event.flag_id)
            if flag is None or flag.due_at is None or flag.person_id is None:
                return None
            until = flag.due_at
            url = issuer.claim_url(deps.secret_box, deps.settings.base_url, flag.credential_id)
            return addressed_to(
                session,
                flag.person_id,
                lambda name: GroundMail(name, flag.badge, flag.because, flag.ending, flag.since, until, url),
                compose=_compose,
            )

        # One that begins anew, because what had taken its place has ended too, is told anew.
        subject = f"{about.credential_id}.{event.flag_id}.{delivery.created_at:%Y%m%d%H%M%S}"
        send_once(deps, GROUND_ENDED, subject, prepare)

    return handle


def _compose(mail: GroundMail, around: Around) -> tuple[str, str]:
    return compose_from("ground_ended.txt", mail, around)
