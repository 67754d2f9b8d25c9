"""Doing a whole module again: for whoever was awarded it, once nothing of that counts any more or can be renewed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.awards import renewal_offers
from app.awards.renewal_offers import RenewalOffer
from app.awards.service import award_for_decision, decision_key
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.issuer import erasing
from app.learning import calibration, enrolments
from app.learning import service as learning
from app.learning.renewal_errors import NotDoneAgain
from app.learning.schemas import Enrolment
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.schemas import Module

AgainState = Literal[
    "open",
    "begun",  # the newest enrolment does the module again, and is not awarded yet
    "same_set",  # its calibration set is still the one of which the person was shown the agreed marks
]
# Of a badge that is `replaced`, the other one says what holds.
_GONE = ("over", "revoked", "replaced")


@dataclass(frozen=True)
class AgainOffer:
    """How it stands with doing a module again.

    Attributes:
        state: whether it can be begun.
        why: what became of the newest badge: `revoked`, `ended`, or `erased` where none is left.
        module: in its newest version.
        counting: a badge of the module that counts all the same, or can be renewed: one that came another way since.
    """

    state: AgainState
    why: Literal["revoked", "ended", "erased"]
    module: Module
    counting: RenewalOffer | None = None


def offer(
    session: ReadSession, secret_box: SecretBox, person_id: str, module_key: str, at: datetime | None = None
) -> AgainOffer | None:
    """How it stands with doing a module again; None while there is no reason to.

    Args:
        session: for reading.
        secret_box: knows the badges that were erased.
        person_id: who would do it.
        module_key: which module.
        at: the moment, in UTC; None for now.
    """
    own = learning.enrolment_of(session, person_id=person_id, module_key=module_key)
    if own is None:
        return None
    try:
        module = programme.current_module(session, module_key)
    except ModuleUnknown:
        return None
    moment = at or now()
    of_module = [
        each
        for each in renewal_offers.offers(session, person_id, moment)
        if each.badge.achievement_key == module_key
    ]  # fmt: skip
    why = _why(of_module)
    found = learning.progress(session, own.id)
    if found.state != "awarded":
        return AgainOffer("begun", why, module, _counting(of_module, moment)) if own.is_again else None
    if found.decision_id is None or not _is_issued(session, secret_box, found.decision_id):
        return None
    if _counting(of_module, moment) is not None:
        return None
    return AgainOffer("same_set" if _is_same_set(session, person_id, module) else "open", why, module)


def after(session: ReadSession, secret_box: SecretBox, person_id: str, badge: RenewalOffer) -> AgainOffer | None:
    """How it stands with doing the module of a badge again, where the badge cannot be renewed any more."""
    if badge.why_not not in ("revoked", "over") or badge.module is None:
        return None
    return offer(session, secret_box, person_id, badge.module.key)


def begin(
    session: WriteSession,
    secret_box: SecretBox,
    *,
    person_id: str,
    module_key: str,
    organisation_id: str | None,
    at: datetime | None = None,
) -> Enrolment:
    """Begin to do a module again; repeating it changes nothing.

    Args:
        session: the caller's transaction.
        secret_box: as in `offer`.
        person_id: who does it.
        module_key: which module.
        organisation_id: from whose LMS, if that is known.
        at: the moment, in UTC; None for now.

    Raises:
        NotDoneAgain: a badge of it counts or can be renewed, or there is none to take the place of.
    """
    found = offer(session, secret_box, person_id, module_key, at)
    if found is None or found.state == "same_set":
        raise NotDoneAgain
    return enrolments.begin_again(session, person_id=person_id, module=found.module, organisation_id=organisation_id)


def _why(of_module: Collection[RenewalOffer]) -> Literal["revoked", "ended", "erased"]:
    if not of_module:
        return "erased"
    newest = max(of_module, key=lambda each: each.badge.awarded_at)
    return "revoked" if newest.badge.state == "revoked" else "ended"


def _counting(of_module: Collection[RenewalOffer], at: datetime) -> RenewalOffer | None:
    """A badge that counts or can come to count again."""
    return next((each for each in of_module if not _is_gone(each, at)), None)


def _is_gone(each: RenewalOffer, at: datetime) -> bool:
    until = each.badge.valid_until
    if each.why_not in _GONE or (each.why_not == "no_way" and until is not None and until <= at):
        return True
    # What came back so late may be handed in once more, or the module done again: its holder chooses.
    came_back = each.underway is not None and each.underway.state == "returned"
    return each.why_not is None and came_back and each.closes_at is not None and each.closes_at <= at


def _is_issued(session: ReadSession, secret_box: SecretBox, decision_id: str) -> bool:
    """Whether the badge of a decision was made, be it that it was erased since: before that nobody begins again."""
    if award_for_decision(session, decision_id) is not None:
        return True
    return erasing.was_erased(session, secret_box, decision_key(decision_id))


def _is_same_set(session: ReadSession, person_id: str, module: Module) -> bool:
    """Whether a calibration set would be marked whose agreed marks the person was shown before."""
    if module.calibration is None:
        return False
    return module.calibration.version in calibration.sets_shown(session, person_id, module.key)
