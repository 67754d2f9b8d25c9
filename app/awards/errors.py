"""What can go wrong on the way from a decision to a badge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from app.core.errors import BadInput, Conflict, Forbidden, NotFound


class AwardRefused(BadInput):
    """What was given does not make an award."""

    slug = "award-refused"
    title = "This award cannot be made"


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong at one place of what was sent; never what was there.

    Attributes:
        field: the place, e.g. `recipient.email`, `results[2].level`, or the column of a file.
        code: stable, for programs, e.g. `missing`.
        message: for people, after the place: "is missing".
    """

    field: str
    code: str
    message: str


class AwardInputRefused(AwardRefused):
    """What was sent has not the form of an award.

    Args:
        problems: each place that is wrong; at least one.
    """

    slug = "award-unreadable"
    title = "This award cannot be read"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(
            "; ".join(f"{problem.field} {problem.message}" for problem in problems) + ".",
            kept="Nothing was issued.",
            next_step="Mend the members that are named, and send it again.",
        )
        self.problems = tuple(problems)
        self.members: Mapping[str, Any] = {"problems": [asdict(problem) for problem in problems]}


class AchievementUnknown(AwardRefused):
    """The programme has no such achievement."""

    slug = "achievement-unknown"
    title = "There is no such achievement"


class AwardNotAllowed(Forbidden):
    """The client is known and may not award this."""

    slug = "not-allowed"
    title = "This client may not award that"


class OverrideNotAllowed(Forbidden):
    """The client may not pass over a prerequisite."""

    slug = "override-not-allowed"
    title = "This client may not pass over a prerequisite"


class AwardedInTheFuture(AwardRefused):
    """The award is dated ahead of this server's clock."""

    slug = "in-the-future"
    title = "The date of the award lies in the future"


class AwardedTooLongAgo(AwardRefused):
    """The award is dated before there was anything to award, or so long ago that the badge would have ended."""

    slug = "too-long-ago"
    title = "The date of the award lies too far back"


class ContentTooOld(AwardRefused):
    """The module's content is past the day until which badges of it may be issued."""

    slug = "content-too-old"
    title = "No badge of this may be issued until its content is reviewed"


class ResultUnknown(AwardRefused):
    """A result names what the achievement's rubric does not have, one thing twice, or a level that is no award."""

    slug = "result-refused"
    title = "A result does not fit the achievement"


@dataclass(frozen=True)
class MissingPrerequisite:
    """A prerequisite that the recipient does not hold.

    Attributes:
        achievement: its key; of several of which one is needed, `M03|M04`.
        why: what is known of it.
        since: since when it is expired, revoked or suspended.
    """

    achievement: str
    why: Literal["missing", "expired", "revoked", "suspended"]
    since: datetime | None = None


class PrerequisiteMissing(Conflict):
    """The recipient does not hold a current badge that this one rests on.

    Args:
        missing: each of them, and why; at least one.
        next_step: what to do where the award was not asked for by a client.
    """

    slug = "prerequisite-missing"
    title = "A badge that this one rests on is missing"

    def __init__(self, missing: Sequence[MissingPrerequisite], *, next_step: str | None = None) -> None:
        super().__init__(
            "The recipient does not hold what this achievement rests on: "
            + "; ".join(f"{each.achievement.replace('|', ' or ')} ({_why(each)})" for each in missing)
            + ".",
            kept="Nothing was issued.",
            next_step=next_step
            or (
                "Award what is missing first. If a person has decided to award it all the same, send override with "
                "the reason, by a client that has the scope credentials:override."
            ),
        )
        self.missing = tuple(missing)
        self.members: Mapping[str, Any] = {
            "missing": [{"achievement": each.achievement, "why": each.why} for each in missing]
        }


def _why(missing: MissingPrerequisite) -> str:
    if missing.why == "missing":
        return "missing: no badge of it is known for this address"
    return f"{missing.why} on {missing.since:%Y-%m-%d}" if missing.since is not None else missing.why


class OverrideNotFound(NotFound):
    """No award was made without a prerequisite under that id."""

    slug = "override-not-found"
    title = "There is no such override"


class OverrideReviewed(Conflict):
    """It was reviewed before."""

    slug = "override-reviewed"
    title = "This override was reviewed before"


class ReviewByAnother(Forbidden):
    """Nobody reviews their own."""

    slug = "review-by-another"
    title = "Somebody else has to review this"


class ReviewNoteNeeded(AwardRefused):
    """A review without a word, or with too many."""

    slug = "review-note-needed"
    title = "A review says what was found"


class NothingToCorrect(AwardRefused):
    """A correction without anything to correct."""

    slug = "nothing-to-correct"
    title = "Nothing was named to correct"


class RecipientStays(AwardRefused):
    """Whose a badge is cannot be corrected."""

    slug = "recipient-stays"
    title = "Whose a badge is cannot be corrected"


class NotRenewable(Conflict):
    """A badge cannot be renewed at this moment."""

    slug = "not-renewable"
    title = "This badge cannot be renewed now"

    def __init__(self) -> None:
        super().__init__(
            "A badge can be renewed from 90 days before its end until twelve months after it, while it is in force "
            "or expired.",
            kept="The badge is as it was.",
            next_step="Open My badges: it says for each badge from when and how it is renewed.",
        )
