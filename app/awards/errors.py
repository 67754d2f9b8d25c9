"""What can go wrong on the way from a decision to a badge."""

from __future__ import annotations

from app.core.errors import BadInput


class AwardRefused(BadInput):
    """What was given does not make an award."""

    slug = "award-refused"
    title = "This award cannot be made"
