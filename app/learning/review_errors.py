"""What can be wrong with a review of a service that a learner names."""

from __future__ import annotations

from datetime import date

from app.core.errors import BadInput, Conflict


class ReviewNotUsable(BadInput):
    """Something about the review cannot be used.

    Args:
        field_key: `agency`, `reviewed-on` or `declared`.
        detail: what.
    """

    slug = "review-not-usable"
    title = "This review cannot be put on record"

    def __init__(self, field_key: str, detail: str) -> None:
        self.field_key = field_key
        super().__init__(
            detail, kept="Nothing was changed.", next_step="Everything you filled in is still on the page."
        )


class ReviewInConflict(Conflict):
    """A learner worked for the agency whose service they reviewed.

    Args:
        agency: its name.
        left_on: when they left it; None while they are there.
        years: within which nobody reviews an agency they worked for.
    """

    slug = "review-in-conflict"
    title = "This review does not count"

    def __init__(self, agency: str, left_on: date | None, years: int) -> None:
        self.field_key = "agency"
        when = f"worked for {agency} until {left_on.day} {left_on:%B %Y}" if left_on else f"belong to {agency}"
        super().__init__(
            f"As far as we know you {when}. Nobody reviews a lead agency they worked for in the {years} years before.",
            kept="Nothing was changed.",
            next_step="Take part in a review of another agency. If this is wrong, ask the centre's manager to correct "
            "the staff list.",
        )
