"""What can be wrong when a badge is renewed, in words for the person who meets it."""

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
            next_step="Ask the people who run your programme how to do the module again.",
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
