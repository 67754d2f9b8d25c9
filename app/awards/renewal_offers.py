"""Which badges of a person can be renewed now, how, and until when; and beginning it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from app.awards.errors import NotRenewable
from app.awards.proposals import reading
from app.awards.proposals.due import is_renewed_by_talk, renewal_due
from app.awards.service import months_after
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.issuer import service as issuer
from app.issuer.schemas import CredentialSummary
from app.learning import calibration, renewing
from app.learning.enrolments import is_left_behind
from app.learning.renewing import RenewalStanding
from app.learning.schemas import Enrolment, OverallState
from app.programme import service as programme
from app.programme import stacks
from app.programme.errors import ModuleUnknown
from app.programme.renewals import ways
from app.programme.schemas import Module

OPENS_BEFORE: Final = timedelta(days=90)  # with the first reminder
# Whoever was on leave for a year comes back to a short update; after longer, what they showed is too old to build on.
CLOSES_AFTER_MONTHS: Final = 12

WhyNot = Literal[
    "no_end",  # it does not end
    "early",
    "over",  # ended too long ago
    "revoked",
    "suspended",
    "replaced",  # another badge of the same achievement ends later
    "talk",  # the badge of a pathway, and a practice conversation renews it now
    "talked",  # that was held, and nothing is proposed: another step is open, or the renewal was declined
    "proposed",  # that was held, and the renewal waits for a person's decision
    "talk_over",  # such a badge that ended too long ago
    "no_module",  # neither a module nor a conversation renews it
    "no_way",  # the module does not say how
    "same_set",  # the calibration set is still the one that was marked for the badge
    "decided",  # its renewal is decided, and the worker has not made the new version yet
]
# `decided`, `talked` and `proposed` as in `WhyNot`.
RenewalStage = Literal["begun", "handed_in", "returned", "decided", "talked", "proposed"]
STAGES: Final[Mapping[OverallState, RenewalStage]] = {
    "working": "begun", "submitted": "handed_in", "returned": "returned", "awarded": "decided"
}  # fmt: skip


@dataclass(frozen=True)
class RenewalOffer:
    """How it stands with the renewal of one badge.

    Attributes:
        badge: as its holder sees it.
        opens_at: from when it can be renewed; None if it does not end.
        closes_at: until when.
        why_not: what stands in the way; None if it can be renewed now.
        module: in its newest version; None for a badge that is no module's.
        ways: the steps by which it can be renewed, as `programme.renewals.ways`.
        underway: a renewal that was begun and is not decided yet.
        renewed: the newest one that was decided with an award.
    """

    badge: CredentialSummary
    opens_at: datetime | None
    closes_at: datetime | None
    why_not: WhyNot | None
    module: Module | None
    ways: tuple[tuple[str, ...], ...]
    underway: RenewalStanding | None
    renewed: RenewalStanding | None

    @property
    def is_open(self) -> bool:
        """Whether it can be begun, or gone on with."""
        return self.why_not is None

    @property
    def stage(self) -> RenewalStage | None:
        """How far a renewal that is under way has come; None where nothing was begun, or nothing can come of it now."""
        if self.why_not == "decided" or self.why_not == "proposed" or self.why_not == "talked":
            return self.why_not
        if self.why_not is not None or self.underway is None:
            return None
        return STAGES[self.underway.state]


def offers(session: ReadSession, person_id: str, at: datetime | None = None) -> tuple[RenewalOffer, ...]:
    """How it stands with each badge of a person, in the order in which they see their badges.

    Args:
        session: for reading.
        person_id: whose badges.
        at: the moment, in UTC; None for now.
    """
    badges = issuer.credentials_of(session, person_id)
    begun = renewing.renewals_of(session, person_id)
    return tuple(_offer(session, person_id, badge, badges, begun, at or now()) for badge in badges)


def offer(session: ReadSession, person_id: str, credential_id: str, at: datetime | None = None) -> RenewalOffer:
    """The same for one badge.

    Raises:
        CredentialNotFound: there is none, or it is somebody else's.
    """
    badge = issuer.held_credential(session, credential_id, person_id)
    return next(each for each in offers(session, person_id, at) if each.badge.id == badge.id)


def begin(
    session: WriteSession,
    *,
    person_id: str,
    credential_id: str,
    steps: Collection[str],
    organisation_id: str | None,
    at: datetime | None = None,
) -> Enrolment:
    """Begin to renew a badge, go on with it, or choose its other way; repeating it changes nothing.

    Args:
        session: the caller's transaction.
        person_id: whose badge it is.
        credential_id: the badge.
        steps: keys of the activities of one of its ways.
        organisation_id: from whose LMS, if that is known.
        at: the moment, in UTC; None for now.

    Raises:
        CredentialNotFound: there is none, or it is somebody else's.
        NotRenewable: it cannot be renewed now.
        NoSuchRenewal, WorkLocked: as in `learning.renewing.begin`.
    """
    found = offer(session, person_id, credential_id, at)
    if found.why_not is not None or found.module is None or found.closes_at is None:
        raise NotRenewable
    return renewing.begin(
        session,
        person_id=person_id,
        credential_id=credential_id,
        module=found.module,
        steps=steps,
        renew_by=found.closes_at,
        organisation_id=organisation_id,
    )


def _offer(
    session: ReadSession,
    person_id: str,
    badge: CredentialSummary,
    badges: Collection[CredentialSummary],
    begun: Collection[RenewalStanding],
    at: datetime,
) -> RenewalOffer:
    module = _module(session, badge.achievement_key)
    of_badge = [each for each in begun if each.enrolment.renews == badge.id]
    underway = next((each for each in of_badge if each.state != "awarded"), None)
    renewed = next((each for each in of_badge if each.state == "awarded"), None)
    end = badge.valid_until
    closes_at = months_after(end, CLOSES_AFTER_MONTHS) if end is not None else None
    why_not = _why_not(session, person_id, badge, badges, module, at)
    # What was handed in in time may be decided, and come back, later than that; unless the module is being done again.
    if why_not == "over" and underway is not None and underway.state != "working":
        why_not = why_not if is_left_behind(session, underway.enrolment) else None
    if why_not is None and module is not None and _is_same_set(session, person_id, badge, module, underway):
        why_not = "same_set"
    if why_not is None or why_not == "over":
        why_not = _decided(renewed, end) or why_not
    return RenewalOffer(
        badge=badge,
        opens_at=end - OPENS_BEFORE if end is not None else None,
        closes_at=closes_at,
        why_not=why_not,
        module=module,
        ways=_ways(session, module, underway),
        underway=underway,
        renewed=renewed,
    )


def _why_not(
    session: ReadSession,
    person_id: str,
    badge: CredentialSummary,
    badges: Collection[CredentialSummary],
    module: Module | None,
    at: datetime,
) -> WhyNot | None:
    end = badge.valid_until
    if badge.state != "issued":
        return "replaced" if any(_counts_for(other, badge, at) for other in badges) else "revoked"
    if end is None:
        return "no_end"
    is_over = at >= months_after(end, CLOSES_AFTER_MONTHS)
    checks: tuple[tuple[WhyNot, bool], ...] = (
        # Of a module's badge that ended so long ago nothing changes by the end of its suspension.
        ("suspended", badge.suspended_at is not None and not (is_over and module is not None)),
        ("replaced", any(_replaces(other, badge, end) for other in badges)),
        ("early", at < end - OPENS_BEFORE),
    )
    first = next((why for why, holds in checks if holds), None)
    if first is not None:
        return first
    if module is None:
        return _why_not_by_talk(session, person_id, badge, at, is_over=is_over)
    return _why_not_by_work(module, is_over=is_over)


def _why_not_by_work(module: Module, *, is_over: bool) -> WhyNot | None:
    if is_over:
        return "over"
    if not ways(module):
        return "no_way"
    return None


def _why_not_by_talk(
    session: ReadSession, person_id: str, badge: CredentialSummary, at: datetime, *, is_over: bool
) -> WhyNot:
    """A badge that is no module's is renewed by no work of its holder's here; it says what renews it instead."""
    try:
        pathway = stacks.current_pathway(session, badge.achievement_key)
    except ModuleUnknown:
        return "no_module"
    if not is_renewed_by_talk(pathway):
        return "no_module"
    if any(each.state == "open" for each in reading.proposals_of(session, person_id, (pathway.key,))):
        return "proposed"
    due = renewal_due(session, person_id, pathway, at)
    if due is not None and due.has_talk:
        return "talked"
    return "talk_over" if is_over else "talk"


def _decided(renewed: RenewalStanding | None, end: datetime | None) -> WhyNot | None:
    """A decision since the renewal opened would have moved the end, and the opening with it, had it been done."""
    at = renewed.decided_at if renewed is not None else None
    return "decided" if at is not None and end is not None and at >= end - OPENS_BEFORE else None


def _counts_for(other: CredentialSummary, badge: CredentialSummary, at: datetime) -> bool:
    """Whether another badge of the same achievement is in force."""
    is_over = other.valid_until is not None and other.valid_until <= at
    same = other.id != badge.id and other.achievement_key == badge.achievement_key
    return same and other.state == "issued" and other.suspended_at is None and not is_over


def _replaces(other: CredentialSummary, badge: CredentialSummary, end: datetime) -> bool:
    return (
        other.id != badge.id
        and other.achievement_key == badge.achievement_key
        and other.state == "issued"
        and other.suspended_at is None
        and (other.valid_until is None or other.valid_until > end)
    )


def _module(session: ReadSession, key: str) -> Module | None:
    try:
        return programme.current_module(session, key)
    except ModuleUnknown:
        return None


def _ways(session: ReadSession, module: Module | None, underway: RenewalStanding | None) -> tuple[tuple[str, ...], ...]:
    """Those of the version that the renewal began with, if it has begun."""
    if module is None:
        return ()
    if underway is None:
        return ways(module)
    return ways(programme.module_version(session, module.key, underway.enrolment.module_version))


def _is_same_set(
    session: ReadSession, person_id: str, badge: CredentialSummary, module: Module, underway: RenewalStanding | None
) -> bool:
    """Whether a calibration set would be marked whose agreed marks its holder was shown before, but by this renewal."""
    if module.calibration is None:
        return False
    before = programme.module_version(session, module.key, badge.achievement_version).calibration
    shown = calibration.sets_shown(
        session, person_id, module.key, but_of=underway.enrolment.id if underway is not None else None
    )
    return module.calibration.version in shown | ({before.version} if before is not None else set())
