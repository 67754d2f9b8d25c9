"""Which texts every database and every encoder can take."""

from __future__ import annotations


def is_plain_text(text: str) -> bool:
    """Whether a text has neither NUL, which PostgreSQL refuses, nor half a surrogate pair, which nobody can encode."""
    # Most texts are ASCII, which Python knows of a text without looking; a token of 100 kB need not be walked through.
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
