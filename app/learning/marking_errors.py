"""What can be wrong when work is marked and decided, in words for the person who meets it."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import BadInput, Conflict, Forbidden, NotFound, TooLarge

_NOTHING_CHANGED = "Nothing was changed."


class NotAnAssessor(Forbidden):
    """Only a person with the assessor grant may do this; a role in an LMS is not one."""

    slug = "not-an-assessor"
    title = "Only an assessor may do that"

    def __init__(self) -> None:
        super().__init__(
            "You do not hold the assessor role. Being an instructor in an LMS does not give it.",
            kept=_NOTHING_CHANGED,
            next_step="Ask the people who run Waymark to grant it to you.",
        )


class OwnWork(Forbidden):
    """Nobody marks or decides their own work."""

    slug = "own-work"
    title = "This is your own work"

    def __init__(self) -> None:
        super().__init__(
            "Nobody marks or decides their own work.",
            kept=_NOTHING_CHANGED,
            next_step="Another assessor will find it in the queue.",
        )


class AlreadyDecided(Conflict):
    """A decision is final for its submission."""

    slug = "already-decided"
    title = "This work has been decided already"

    def __init__(self) -> None:
        super().__init__(
            "Somebody has decided this work already. A decision is final for what was handed in.",
            kept="The decision stands as it was made.",
            next_step="Open the work again to see it, or take the next from the queue.",
        )


class PanelDecides(Conflict):
    """Two assessors decide this work; one alone cannot."""

    slug = "panel-decides"
    title = "Two assessors decide this work"

    def __init__(self) -> None:
        super().__init__(
            "The rule of this module asks for two assessors, so nobody decides alone.",
            kept="Your marks and comments are kept.",
            next_step="Give your mark as a member of the panel.",
        )


class PanelMarkGiven(Conflict):
    """This member has given their mark, and the other has not."""

    slug = "panel-mark-given"
    title = "You have given your mark"

    def __init__(self) -> None:
        super().__init__(
            "Your mark is given and cannot be changed while the other member of the panel has not given theirs.",
            kept="Your mark is kept as you gave it.",
            next_step="Wait for the second member, or step back from the panel.",
        )


class PanelMarkNotGiven(Conflict):
    """Only a mark that was given, and about which nothing is decided, can be taken back."""

    slug = "panel-mark-not-given"
    title = "There is nothing to step back from"

    def __init__(self) -> None:
        super().__init__(
            "You hold no seat in a panel that still decides about this work.",
            kept=_NOTHING_CHANGED,
            next_step="Go back to the queue.",
        )


class MarksAreKept(BadInput):
    """The marks of a calibration set stay as they were handed in, once the agreed ones were shown."""

    slug = "calibration-marks-are-kept"
    title = "Your marks of this set stay as you handed them in"

    def __init__(self) -> None:
        super().__init__(
            "The agreed marks have been shown to you, so your levels and decisions can no longer be changed.",
            kept="Your marks are kept as you handed them in.",
            next_step="Open the activity again. Your reasons and comments can still be changed.",
        )


class UnknownCriterion(BadInput):
    """The rubric has no such criterion."""

    slug = "unknown-criterion"
    title = "The rubric has no such criterion"

    def __init__(self) -> None:
        super().__init__("The rubric has no such criterion.", kept=_NOTHING_CHANGED, next_step="Open the work again.")


class LevelOutOfRange(BadInput):
    """The criterion has no such level."""

    slug = "level-out-of-range"
    title = "There is no such level"

    def __init__(self) -> None:
        super().__init__("There is no such level.", kept=_NOTHING_CHANGED, next_step="Choose a level from 1 to 4.")


class CommentTooLong(TooLarge):
    """A comment is longer than is accepted.

    Args:
        length: how many characters were sent.
        limit: how many are accepted.
    """

    slug = "comment-too-long"
    title = "This comment is too long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(
            f"The comment has {length:,} characters. At most {limit:,} can be saved.",
            kept="What was saved before is kept.",
            next_step="Shorten it and save again.",
        )
        self.length = length
        self.limit = limit


class CommentMissing(BadInput):
    """Returned work needs a word to the learner."""

    slug = "comment-missing"
    title = "Please tell the learner why"

    def __init__(self) -> None:
        super().__init__(
            "Work can only be returned with a comment that says what to change.",
            kept="Your marks are kept.",
            next_step="Write the comment and return the work again.",
        )


class TalkInFuture(BadInput):
    """The talk cannot have been held yet."""

    slug = "talk-in-future"
    title = "This date is still to come"

    def __init__(self) -> None:
        super().__init__(
            "The talk with the supervisor cannot have been held on a day that is still to come.",
            kept=_NOTHING_CHANGED,
            next_step="Enter the day on which it was held.",
        )


class SupervisorRoleUnusable(BadInput):
    """The supervisor's role is missing or too long."""

    slug = "supervisor-role-unusable"
    title = "Please say in what role the supervisor spoke"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The supervisor's role needs between 1 and {limit} characters on one line.",
            kept=_NOTHING_CHANGED,
            next_step="Enter a role such as “centre manager”. Leave out names.",
        )


class NotIndependent(Forbidden):
    """The assessor stands too near to the learner, or to the decision, to decide this work.

    Args:
        reasons: why, one sentence each.
    """

    slug = "not-independent"
    title = "Somebody else decides this work"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(
            " ".join((*reasons, "So that nobody can doubt the decision, another assessor makes it.")),
            kept="Marks that were saved before are kept.",
            next_step="Take the next from the queue. Another assessor finds this one there.",
        )
        self.reasons = reasons


class WaitsForSecondMark(Forbidden):
    """Decided work that may come to this assessor for a blind second mark: they do not see the decision before."""

    slug = "waits-for-second-mark"
    title = "This work waits for a second mark"
    action: Mapping[str, str] | None = None  # set by the page that knows the way

    def __init__(self) -> None:
        super().__init__(
            "This work was decided, and waits for a second mark by somebody who has not seen the decision.",
            kept="The decision stands as it was made.",
            next_step="Open it under “Second marks” and mark it there. After that you see both.",
        )


class SecondMarkNotFound(NotFound):
    """There is no such second mark, or it is not for this person."""

    slug = "second-mark-not-found"
    title = "There is no such second mark"

    def __init__(self) -> None:
        super().__init__(
            "No second mark of this work waits for you.",
            next_step="Go back to the list of second marks.",
        )


class SecondMarkGiven(Conflict):
    """The second mark was given already; it is given once."""

    slug = "second-mark-given"
    title = "The second mark is given already"

    def __init__(self) -> None:
        super().__init__(
            "The second mark of this work was given already, by you in another window or by another assessor.",
            kept="The mark that was given first stands.",
            next_step="Take the next from the list of second marks.",
        )


class SecondMarkIncomplete(BadInput):
    """A second mark needs a level for each criterion, an outcome and a reason.

    Args:
        fields: what is missing or wrong, by field: `level-KEY`, `outcome` or `reason`.
    """

    slug = "second-mark-incomplete"
    title = "The second mark is not complete"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(
            " ".join(fields.values()),
            kept="What you chose is still on this page.",
            next_step="Complete it and send again.",
        )
        self.fields = fields


class AlreadyConcluded(Conflict):
    """What came of talking two marks over is written once."""

    slug = "already-concluded"
    title = "The conclusion is written already"

    def __init__(self) -> None:
        super().__init__(
            "The conclusion of this talk is written already, perhaps by the other assessor.",
            kept="The first one stands.",
            next_step="Open the page again to read it.",
        )


class SavedCommentNotFound(NotFound):
    """There is no such saved comment, or it is somebody else's."""

    slug = "saved-comment-not-found"
    title = "There is no such saved comment"

    def __init__(self) -> None:
        super().__init__("You have no such saved comment.", next_step="Go back to your saved comments.")


class CommentBankFull(Conflict):
    """More saved comments than anybody finds their way in."""

    slug = "comment-bank-full"
    title = "Your comment bank is full"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You have {most} saved comments, and there is no room for more.",
            kept="All of them are kept, and so is what you typed.",
            next_step="Delete some that you no longer use.",
        )


class ReasonMissing(BadInput):
    """An appeal, and an answer to one, needs its reason."""

    slug = "reason-missing"
    title = "Please say why"

    def __init__(self) -> None:
        super().__init__(
            "Please say why, in a sentence or two.",
            kept="Nothing was sent yet.",
            next_step="Write the reason and send again.",
        )
