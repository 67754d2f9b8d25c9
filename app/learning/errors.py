"""What can be wrong in the learning room, in words for the person who meets it."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import BadInput, Conflict, NotFound, TooLarge
from app.learning.evidence import Place
from app.learning.schemas import Draft, Missing

_NOTHING_CHANGED = "Nothing was changed."


class EnrolmentNotFound(NotFound):
    """There is no such enrolment, or it is somebody else's."""

    slug = "enrolment-not-found"
    title = "There is no such enrolment"

    def __init__(self) -> None:
        super().__init__("We have no work of yours here.", next_step="Open the module again from your LMS.")


class ActivityNotFound(NotFound):
    """The module has no such activity, or it is of another kind."""

    slug = "activity-not-found"
    title = "This module has no such activity"

    def __init__(self) -> None:
        super().__init__("This module has no such activity.", next_step="Go back to the module's first page.")


class SubmissionNotFound(NotFound):
    """There is no such submission, or it is somebody else's."""

    slug = "submission-not-found"
    title = "There is no such work"

    def __init__(self) -> None:
        super().__init__("We have no such work here.", next_step="Go back to the list.")


class DecisionNotFound(NotFound):
    """No decision has this id."""

    slug = "decision-not-found"
    title = "There is no such decision"


class WorkLocked(Conflict):
    """The work is with an assessor, or awarded: the learner cannot change it."""

    slug = "work-locked"
    title = "This work cannot be changed now"


class NotReady(Conflict):
    """Something is missing before work can be handed in or awarded.

    Args:
        what: what was asked for.
        missing: each thing that is missing.
        kept: what was kept.
    """

    slug = "not-ready"
    title = "Not everything is there yet"

    def __init__(self, what: str, missing: tuple[Missing, ...], *, kept: str) -> None:
        super().__init__(
            " ".join((what, *(item.detail for item in missing))),
            kept=kept,
            next_step="Complete this and try again.",
        )
        self.missing = missing


class FindingsUnanswered(Conflict):
    """The scan found places that may point at a real person, and the learner has not yet said of each that it does not.

    Args:
        places: those they have not answered to.
    """

    slug = "findings-unanswered"
    title = "Please look at these places first"

    def __init__(self, places: tuple[Place, ...]) -> None:
        number = len(places)
        super().__init__(
            f"{number} {'place' if number == 1 else 'places'} in your work may point at a real person.",
            kept="Nothing was handed in, and everything you wrote is kept as a draft.",
            next_step="Change each, or say that it is not about a real person. Then hand in again.",
        )
        self.places = places


class NotQuarantined(Conflict):
    """The texts were not put away, so there is nothing to bring back or to remove."""

    slug = "not-quarantined"
    title = "These texts are not put away"

    def __init__(self) -> None:
        super().__init__(
            "These texts are not in quarantine.",
            kept=_NOTHING_CHANGED,
            next_step="Open the work again to see how it stands.",
        )


class UndoTooLate(Conflict):
    """A quarantine can no longer be taken back."""

    slug = "undo-too-late"
    title = "This can no longer be taken back"

    def __init__(self) -> None:
        super().__init__(
            "A quarantine can be taken back for ten minutes, by the assessor who made it, while no new work is there.",
            kept="The texts stay put away.",
            next_step="Wait for the learner's new work, or remove the texts for good.",
        )


class DraftConflict(Conflict):
    """Somebody, most likely the same person in another window, saved in between.

    Args:
        stored: what is kept, with its revision.
        offered: what was sent; not stored, so the page must keep showing it.
    """

    slug = "draft-conflict"
    title = "This text was changed in another window"

    def __init__(self, stored: Draft, offered: Mapping[str, str]) -> None:
        super().__init__(
            "Another window saved a different text in the meantime.",
            kept="Both texts are still here: the saved one, and yours on this page.",
            next_step="Compare the two, keep what you want, and save again.",
        )
        self.stored = stored
        self.offered = offered


class DraftTooLong(TooLarge):
    """A field holds more than is accepted.

    Args:
        field_key: which field.
        length: how many characters were sent.
        limit: how many are accepted.
    """

    slug = "draft-too-long"
    title = "This text is too long"

    def __init__(self, field_key: str, label: str, length: int, limit: int) -> None:
        super().__init__(
            f"“{label}” has {length:,} characters. At most {limit:,} can be saved.",
            kept="What you saved before is kept, and your text is still on this page.",
            next_step="Shorten it and save again.",
        )
        self.field_key = field_key
        self.length = length
        self.limit = limit


class UnknownField(BadInput):
    """The activity has no such field."""

    slug = "unknown-field"
    title = "This activity has no such field"

    def __init__(self) -> None:
        super().__init__(
            "What was sent does not fit this activity.",
            kept="What you saved before is kept.",
            next_step="Open the activity again.",
        )


class UnusableText(BadInput):
    """A text holds characters that cannot be kept."""

    slug = "unusable-text"
    title = "This text holds characters we cannot keep"

    def __init__(self, label: str) -> None:
        super().__init__(
            f"“{label}” holds control characters that cannot be saved. They often come from copying out of a file.",
            kept="What you saved before is kept, and your text is still on this page.",
            next_step="Paste it again as plain text.",
        )


class WorkPutAway(Conflict):
    """The texts are in quarantine or removed: nobody can judge them."""

    slug = "work-put-away"
    title = "The texts of this work are put away"

    def __init__(self) -> None:
        super().__init__(
            "The texts of this work were put away, because somebody could be recognised in them.",
            kept="What was decided stands.",
            next_step="Go back to the list.",
        )
