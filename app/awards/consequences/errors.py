"""What can be wrong with deciding about a badge whose ground has ended."""

from __future__ import annotations

from app.core.errors import BadInput, Conflict, Forbidden, NotFound

_AS_IT_WAS = "Nothing was changed."
_LIST = "Go back to the list."


class FlagNotFound(NotFound):
    """There is nothing noted under this id."""

    slug = "consequence-not-found"
    title = "There is nothing to decide here"

    def __init__(self) -> None:
        super().__init__("Nothing is noted at this address.", kept=_AS_IT_WAS, next_step=_LIST)


class FlagSettled(Conflict):
    """Somebody was faster, or it settled itself."""

    slug = "consequence-settled"
    title = "This is settled already"

    def __init__(self) -> None:
        super().__init__(
            "Another assessor has decided this, or what had ended is in force again.",
            kept="What was decided stands.",
            next_step="Open it again: it says what became of it.",
        )


class NoteNeeded(BadInput):
    """A decision without a reason, or with too long a one."""

    slug = "consequence-note-needed"
    title = "Please say why"

    def __init__(self, most: int) -> None:
        super().__init__(f"A decision about somebody’s badge has a reason, in 1 to {most} characters.", kept=_AS_IT_WAS)


class WaitRefused(BadInput):
    """No number of days, or one that makes no sense."""

    slug = "consequence-wait-refused"
    title = "That is no time to wait"

    def __init__(self, most: int) -> None:
        super().__init__(f"You can wait for 1 to {most} days.", kept=_AS_IT_WAS)


class OwnBadge(Forbidden):
    """Nobody decides about their own badge."""

    slug = "own-badge"
    title = "This is your own badge"

    def __init__(self) -> None:
        super().__init__(
            "Nobody decides about their own badge.", kept=_AS_IT_WAS, next_step="Another assessor finds it in the list."
        )


class NotIndependentOfHolder(Forbidden):
    """The assessor is the holder's line manager or mentor, or perhaps the holder under another id.

    Args:
        reasons: why, a sentence each.
    """

    slug = "not-independent"
    title = "Somebody else decides this"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(
            " ".join((*reasons, "So that nobody can doubt the decision, another assessor makes it.")),
            kept=_AS_IT_WAS,
            next_step="Another assessor finds it in the list.",
        )
        self.reasons = reasons
