"""What can be wrong when attendance is confirmed, in words for the person who meets it."""

from __future__ import annotations

from app.core.errors import BadInput, Conflict, Forbidden

_NOTHING_CHANGED = "Nothing was changed."


class OwnAttendance(Forbidden):
    """Nobody confirms that they were there themselves."""

    slug = "own-attendance"
    title = "This is your own attendance"

    def __init__(self) -> None:
        super().__init__(
            "Nobody confirms their own attendance.",
            kept=_NOTHING_CHANGED,
            next_step="Ask another teacher of the course, or an assessor.",
        )


class AttendanceByOther(Conflict):
    """This session is confirmed in another way.

    Args:
        how: the way that was tried.
    """

    slug = "attendance-by-other"
    title = "This session is confirmed in another way"

    def __init__(self, how: str) -> None:
        other = "by name" if how == "code" else "by the code that is shown there"
        super().__init__(
            f"Who was at this session is confirmed {other}.",
            kept=_NOTHING_CHANGED,
            next_step="Ask who ran the session.",
        )


class AttendanceDateUnusable(BadInput):
    """The day of the session is still to come, or long ago."""

    slug = "attendance-date-unusable"
    title = "Please check the day"

    def __init__(self) -> None:
        super().__init__(
            "The day of the session must be today or within the last year.",
            kept=_NOTHING_CHANGED,
            next_step="Enter the day on which it was held.",
        )


class AttendanceSettled(Conflict):
    """The module was awarded, and this was part of it."""

    slug = "attendance-settled"
    title = "This can no longer be taken back"

    def __init__(self) -> None:
        super().__init__(
            "The module was awarded to this learner, and their attendance was part of that.",
            kept="The attendance stays as it was confirmed.",
            next_step="If it was wrong, tell the people who run Waymark: they can revoke the badge.",
        )


class CodeNotKnown(BadInput):
    """This is not the code that is shown."""

    slug = "attendance-code-unknown"
    title = "This is not the code that is shown"

    def __init__(self) -> None:
        super().__init__(
            "This is not the code that is shown in your course now.",
            kept=_NOTHING_CHANGED,
            next_step="Look at the screen again and type all six characters. If the session is over, its teacher can "
            "confirm you by name.",
        )


class TooManyCodes(Conflict):
    """Ten codes were typed within an hour."""

    slug = "attendance-too-many-codes"
    title = "Too many codes were tried"

    def __init__(self) -> None:
        super().__init__(
            "Ten codes were tried within an hour, so the next one has to wait.",
            kept=_NOTHING_CHANGED,
            next_step="Try again in an hour, or ask the teacher to confirm you by name.",
        )
