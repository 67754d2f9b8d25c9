"""What cleaning gives back, and why it may refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MOST_CHARACTERS: Final = 300_000  # of text in one file: some hundred pages
MOST_BYTES: Final = 40_000_000  # of what is written anew; the caller's own bound is lower

Removed = Literal[
    "place", "camera", "author", "notes", "animation", "size", "hidden", "formulas", "links", "fields", "history",
    "template", "other_data", "attachments", "actions", "comments", "layers",
    "unhidden",
]  # fmt: skip
RefusalCode = Literal[
    "empty", "unknown", "broken", "web_page", "svg", "archive", "macros", "old_office", "other_office", "heic", "media",
    "other_picture", "not_utf8", "too_many_pixels", "too_much_text", "too_big_inside", "tracked", "embedded",
    "linked_picture", "inner_picture", "encrypted", "form", "too_many_pages", "too_hard", "result_too_large",
]  # fmt: skip


@dataclass(frozen=True)
class Passage:
    """A piece of a file's text, and where it stands, e.g. `paragraph 3`."""

    where: str
    text: str


@dataclass(frozen=True)
class Cleaned:
    """A file as it may be stored.

    Attributes:
        media_type: what `content` is, by what was written and not by any name.
        suffix: that goes with it, e.g. `.png`.
        removed: what was taken out.
        passages: all its text, in its order.
        has_pictures: whether it shows pictures, whose content nobody has read.
    """

    media_type: str
    suffix: str
    content: bytes
    removed: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    has_pictures: bool = False


class Refused(Exception):
    """A file that is not taken.

    Args:
        code: why.
    """

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code: RefusalCode = code


def bounded(passages: list[Passage]) -> tuple[Passage, ...]:
    """The passages that have text, if they are not too long together.

    Raises:
        Refused: more than 300,000 characters.
    """
    if sum(len(passage.text) for passage in passages) > MOST_CHARACTERS:
        raise Refused("too_much_text")
    return tuple(passage for passage in passages if passage.text.strip())
