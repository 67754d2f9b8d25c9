"""What can be wrong when a badge is renewed, or its module done again, in words for the person who meets it."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound

_NOTHING_CHANGED = "Nothing was changed."


class RenewalOver(Conflict):
    """The badge ended too long ago to be renewed."""

    slug = "renewal-over"
    title = "This badge can no longer be renewed"

    def __init__(self) -> None:
        super().__init__(
            "A badge can be renewed until twelve months after its end. After that the module is done as a whole again.",
            kept="Everything you wrote is kept, and the badge still shows what you did.",
            next_step="Open the module from your LMS, and choose “Do the module again” there.",
        )


class NotDoneAgain(Conflict):
    """A badge of this module is in force or can be renewed, or the work that led to one is not decided yet."""

    slug = "not-done-again"
    title = "This module cannot be done again now"

    def __init__(self) -> None:
        super().__init__(
            "A module is done again as a whole when its badge was revoked, or ended more than twelve months ago.",
            kept="Your work and your badges are as they were.",
            next_step="Open My badges: it says for each badge what comes next.",
        )


class NoSuchRenewal(NotFound):
    """There is no renewal of this module's badge by this person, or the module cannot be renewed that way."""

    slug = "no-such-renewal"
    title = "There is no such renewal"

    def __init__(self) -> None:
        super().__init__(
            "We have no such renewal of a badge of yours here.",
            kept=_NOTHING_CHANGED,
            next_step="Open My badges and choose Renew beside the badge.",
        )
