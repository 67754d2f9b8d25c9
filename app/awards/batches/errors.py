"""What can be wrong with a batch as a whole. What is wrong with one row stands with the row."""

from __future__ import annotations

from app.core.errors import BadInput, Conflict, NotFound, TooLarge

MAX_BYTES = 100_000_000
NOTHING_KEPT = "Nothing of it was kept, and nothing was issued."


class BatchUnreadable(BadInput):
    """The upload cannot be read as a whole: its rows cannot be told apart, or it has none."""

    slug = "batch-unreadable"
    title = "This batch cannot be read"


class BatchNotCommas(BatchUnreadable):
    """A table whose columns are separated by something else than commas."""

    slug = "batch-not-commas"
    title = "The columns of this table are not separated by commas"


class BatchTooLarge(TooLarge):
    """More rows, or more bytes, than one batch may have."""

    slug = "batch-too-large"
    title = "This batch is too large"


def too_many_bytes() -> BatchTooLarge:
    """An upload has more bytes than are read."""
    return BatchTooLarge(
        f"An upload may have up to {MAX_BYTES // 1_000_000} MB.",
        kept=NOTHING_KEPT,
        next_step="Split it into several files, and send each with a key of its own.",
    )


class BatchNotFound(NotFound):
    """There is none of this id, or it is another client's."""

    slug = "batch-not-found"
    title = "There is no such batch"


class BatchKeyConflict(Conflict):
    """The idempotency key was used for another upload."""

    slug = "idempotency-conflict"
    title = "This request was used before for something else"


class BatchStillArriving(Conflict):
    """The same upload is being written down at this moment."""

    slug = "batch-still-arriving"
    title = "The same batch is just being taken in"


class BatchOver(Conflict):
    """What is over cannot be paused, resumed or cancelled."""

    slug = "batch-over"
    title = "This batch is over"
