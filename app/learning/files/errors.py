"""What can be wrong with a file, in words for the person who chose it."""

from __future__ import annotations

from app.core.errors import BadInput, Conflict, NotFound, TooLarge, Unavailable
from app.learning.cleaning.results import RefusalCode
from app.learning.files.schemas import FilePlace
from app.learning.files.words import REFUSALS

_KEPT = "Nothing of this file was stored. What you wrote and your other files are kept."


class FileRefused(BadInput):
    """A file of a kind that is not taken, or with something in it that cannot be taken out.

    Args:
        code: why.
    """

    status = 422
    slug = "file-refused"
    title = "This file cannot be taken"

    def __init__(self, code: RefusalCode) -> None:
        happened, next_step = REFUSALS[code]
        super().__init__(happened, kept=_KEPT, next_step=next_step)
        self.code = code


class FileTooLarge(TooLarge):
    """A file above the size that is taken.

    Args:
        most_mb: that size.
        page: where another can be chosen.
    """

    slug = "file-too-large"
    title = "This file is too large"

    def __init__(self, most_mb: int, page: str | None = None) -> None:
        super().__init__(
            f"A file can have at most {most_mb} MB.",
            kept=_KEPT,
            next_step="Send a smaller picture, or save the file as PDF with fewer pages, and choose that.",
        )
        self.action = {"text": "Choose another file", "href": page} if page else None


class NoRoomForFile(Conflict):
    """The field or the module holds as much as it may."""

    slug = "no-room-for-file"
    title = "There is no room for another file"

    def __init__(self, what: str) -> None:
        super().__init__(what, kept=_KEPT, next_step="Remove a file that you do not need, then add this one.")


class FileFindings(Conflict):
    """A file in which places may point at a real person, and the learner has not said of each kind that none does.

    Args:
        places: those they have not answered to.
        kinds: every kind found in the file, answered or not.
        seen: marks of all places, to tell later whether an answer was about the same words.
    """

    status = 422
    slug = "file-findings"
    title = "Please look at these places first"

    def __init__(self, places: tuple[FilePlace, ...], kinds: tuple[str, ...], seen: frozenset[str]) -> None:
        super().__init__(
            "Some places in this file may point at a real person.",
            kept=_KEPT,
            next_step="Change them in your file and choose it again, or say that they are not about a real person.",
        )
        self.places = places
        self.kinds = kinds
        self.seen = seen


class PicturesUnlooked(BadInput):
    """Nobody has said that they looked at the pictures."""

    status = 422
    slug = "pictures-unlooked"
    title = "Please look at the picture first"

    def __init__(self) -> None:
        super().__init__(
            "Nobody can read pictures for you. Please tick that you looked at what can be seen in it.",
            kept=_KEPT,
            next_step="Look for faces, screens, whiteboards and name tags. Then tick the box and send it again.",
        )


class FileNotFound(NotFound):
    """There is no such file, or it is somebody else's, or nobody may see it now."""

    slug = "file-not-found"
    title = "There is no such file"

    def __init__(self) -> None:
        super().__init__("We have no such file here, or it was removed.", next_step="Go back to the page before.")


class RemovalTooLate(Conflict):
    """A removed file can no longer be brought back."""

    slug = "removal-too-late"
    title = "This file is gone"

    def __init__(self) -> None:
        super().__init__(
            "A removed file can be brought back for ten minutes. After that it is deleted.",
            kept="Your other files are kept.",
            next_step="Choose the file again.",
        )


class CleaningBusy(Unavailable):
    """Too many files are being read at once."""

    slug = "cleaning-busy"
    title = "We are reading other files just now"

    def __init__(self) -> None:
        super().__init__(
            "Many files arrive at the same time, so yours was not read.",
            kept=_KEPT,
            next_step="Please try again in a minute.",
        )
