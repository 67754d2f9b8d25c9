"""What goes into the question how far somebody has come, and what comes out: frozen, and without a word for readers.

All moments are in UTC. What a record says holds for good: an end that lies ahead is an end that is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.programme.pathways import ConfirmedBy, GroupRule, Rule

LeafKind = Literal["held", "external_badge", "time_in_role", "confirmation", "conversation"]
State = Literal["met", "lapsing", "waived", "open", "lapsed"]
Reason = Literal[
    "missing", "begins", "suspended", "expired", "too_old", "revoked", "withdrawn", "replaced", "below_level",
    "time_short", "too_few",
]  # fmt: skip


@dataclass(frozen=True)
class BadgeHeld:
    """One version of one badge that somebody holds or held.

    Attributes:
        achievement: our key (`M01`, `practitioner`); of another issuer's badge the achievement's id, a URI.
        version: of the badge. From a later version's `valid_from` on, an earlier one of the same badge is replaced.
        credential_id: of the badge, the same for all its versions.
        awarded_at: stays the same when a badge is renewed.
        valid_from: from here the badge counts, though never from before its award ...
        valid_until: ... up to here; None where it has no end.
        revoked_at: for all versions of the badge, whichever of them says so.
        suspended_at: the same, while a suspension lasts.
        issuer: the other issuer's DID or URL, and the caller has verified the badge; None for our own.
        name: of another issuer's achievement.
        renewed_at: from when the last renewal up to this version stands; None where there was none. A version that
            corrects an earlier one keeps its moment.
    """

    achievement: str
    version: int
    credential_id: str
    awarded_at: datetime
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None
    suspended_at: datetime | None = None
    issuer: str | None = None
    name: str = ""
    renewed_at: datetime | None = None

    @property
    def shown_at(self) -> datetime:
        """When its holder last showed what it stands for: at its award, or at the last renewal."""
        return max(self.awarded_at, self.renewed_at or self.awarded_at)


@dataclass(frozen=True)
class Recognition:
    """What somebody need not show, because a person decided that they have it already.

    Attributes:
        kind: of the step.
        key: of the step as `rules.step_key` gives it: an achievement's, a confirmation's, a conversation's key.
        granted_at: counts as the day of an award where a rule asks how old that is.
        decision_id: of the decision.
        pathway: the only one it is for; None where it is for all.
        withdrawn_at: when it was taken back.
    """

    kind: LeafKind
    key: str
    granted_at: datetime
    decision_id: str
    pathway: str | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True)
class RolePeriod:
    """Work in the role that the pathway speaks of, at one agency; without `ended_at` it goes on.

    Raises:
        ValueError: it ends before it begins.
    """

    began_at: datetime
    ended_at: datetime | None
    agency_id: str

    def __post_init__(self) -> None:
        """Refuse time that runs backwards, which would take away from what others count."""
        if self.ended_at is not None and self.ended_at < self.began_at:
            raise ValueError("a period of work ends before it begins")


@dataclass(frozen=True)
class Confirmed:
    """Somebody's word; it counts for one pathway's rule and if whoever gave it is the one who is asked."""

    pathway: str
    key: str
    by: ConfirmedBy
    given_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True)
class ConversationHeld:
    """The result of a conversation with an assessor.

    Attributes:
        levels: key of a criterion and the level reached, 1 to 4.
        decision_id: of the assessor's decision.
        recorded_at: when it was written down, where that is known: of two of one day the later word stands.
    """

    pathway: str
    key: str
    held_at: datetime
    levels: tuple[tuple[str, int], ...]
    decision_id: str
    recorded_at: datetime | None = None

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """By which the latest is found."""
        return self.held_at, self.recorded_at or self.held_at, self.decision_id

    def is_after(self, moment: datetime) -> bool:
        """Whether it came after something. Of the conversation the day is known, and when it was written down."""
        return self.held_at.date() >= moment.date() and (self.recorded_at or self.held_at) > moment


@dataclass(frozen=True)
class Evidence:
    """All that is known of one person. The order within each tuple means nothing."""

    badges: tuple[BadgeHeld, ...] = ()
    recognitions: tuple[Recognition, ...] = ()
    roles: tuple[RolePeriod, ...] = ()
    confirmations: tuple[Confirmed, ...] = ()
    conversations: tuple[ConversationHeld, ...] = ()


@dataclass(frozen=True, order=True)
class BadgeVersion:
    """The version of a badge that a step rests on."""

    achievement: str
    credential_id: str
    version: int


@dataclass(frozen=True)
class Need:
    """Why a step is open, from which follows what would meet it; the rule beside it has the other parameters.

    Attributes:
        reason: of a badge: `missing` (earn it), `begins` (wait until `on`), `suspended` (have it lifted), `expired`
            (renew it), `too_old` (renew it too), `revoked` (earn it anew); `withdrawn`: a word or recognition that was
            taken back; `below_level`: the conversation did not reach the level; `time_short`: work on; `too_few`: meet
            more parts.
        on: since when that is so, or for `begins` from when on it will be met.
        badge: the badge that is suspended, expired, too old or revoked.
        criteria: keys of the criteria below the level, in the rubric's order.
        days_left: of work, counted up to whole days. It runs with the clock and is no part of the answer's identity.
        count: how many parts are missing.
        cheapest: places in `parts` of so many missing ones as are needed, those with the least effort, the least first.
    """

    reason: Reason
    on: datetime | None = None
    badge: BadgeVersion | None = None
    criteria: tuple[str, ...] = ()
    days_left: int | None = field(default=None, compare=False)
    count: int = 0
    cheapest: tuple[int, ...] = ()


@dataclass(frozen=True)
class Step:
    """How it stands with one rule of the tree, and below it with its parts.

    Attributes:
        rule: what is asked for.
        state: `met` without a known end, `lapsing` with one, `waived` by recognition, `open`, or `lapsed`: met before.
        since: since when it has been met without a break, or since when it has lapsed; None while it was never met.
        until: the first moment at which it stops being met; None where none is known.
        meets_at: of a step that is not met: when it will be without anything new, such as time in a role going on.
        need: why it is not met; None where it is.
        rests_on: the badge versions by which it is met; of several that would do, those that last longest.
        waived_by: ids of the decisions by which it is met, or parts of it.
        parts: of a group, one for each of its rules, in their order.
        held: of a group, how many of its parts are met.
    """

    rule: Rule
    state: State
    since: datetime | None
    until: datetime | None = None
    meets_at: datetime | None = None
    need: Need | None = None
    rests_on: tuple[BadgeVersion, ...] = ()
    waived_by: tuple[str, ...] = ()
    parts: tuple[Step, ...] = ()
    held: int = 0

    @property
    def is_met(self) -> bool:
        """Whether it holds, for good or for now."""
        return self.state in ("met", "lapsing", "waived")

    @property
    def needed(self) -> int:
        """How many of its parts are needed; none of a leaf."""
        return self.rule.needed if isinstance(self.rule, GroupRule) else 0


@dataclass(frozen=True)
class Progress:
    """How far somebody has come on a pathway at a moment.

    Attributes:
        pathway: its key; `version` and `digest` say by which rule this was worked out.
        root: the whole rule.
        end: the badge at the end of the pathway: whether it is held already, or was.
        next_change: the first moment after `at` at which `root` or `end` will be another without anything new.
    """

    pathway: str
    version: int
    digest: str
    at: datetime
    root: Step
    end: Step
    next_change: datetime | None

    @property
    def is_met(self) -> bool:
        """Whether the rule is met as a whole."""
        return self.root.is_met

    @property
    def met_since(self) -> datetime | None:
        """The first moment since which all that is needed has held together; None while it does not."""
        return self.root.since if self.root.is_met else None

    @property
    def met_until(self) -> datetime | None:
        """The first moment at which the whole stops being met; None where none is known, or it is not met."""
        return self.root.until

    @property
    def rests_on(self) -> tuple[BadgeVersion, ...]:
        """The badge versions by which the whole is met, none more than needed."""
        return self.root.rests_on if self.root.is_met else ()
