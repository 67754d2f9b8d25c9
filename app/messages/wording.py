"""Turning what a template gives into text that every mail program shows well, whatever names and titles hold."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import Final

NAME_LENGTH: Final = 60
# What mail programs make into links by themselves, telephone numbers among them, and what no name has.
_LINK_LIKE = re.compile(r"[/\\@:<>\d]|www\.|\w\.\w{2}", re.IGNORECASE)
_INVISIBLE = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
# They turn the order of what follows around (Unicode bidirectional algorithm, https://www.unicode.org/reports/tr9/).
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """A text without line breaks, control characters or marks that turn the direction of writing."""
    seen = "".join(" " if unicodedata.category(each) in _INVISIBLE else each for each in text if each not in _TURNING)
    return " ".join(seen.split())


def greeting(name: str) -> str:
    """How a mail begins: with the name, if it is one.

    An LMS can tell any text as a name and any address as that person's. A name that could be read as a message, or as
    a link, is not passed on to whoever that address belongs to.
    """
    known = as_name(name)
    return f"Hello {known}," if known else "Hello,"


def as_name(text: str) -> str:
    """A text that could be the name of somebody, or of a role; empty if it could be read as a message or a link."""
    known = one_line(text)
    return "" if len(known) > NAME_LENGTH or _LINK_LIKE.search(known) else known


def flowing(text: str) -> str:
    """Each paragraph on one line, for the reader's program to break as wide as its window is: many read on a phone.

    On the way, quoted-printable keeps lines short. What is indented, such as a link or a code, keeps its own line.
    """
    lines: list[str] = []
    for kept, several in groupby(text.splitlines(), key=lambda line: not line.strip() or line.startswith(" ")):
        ended = [line.rstrip() for line in several]
        lines += ended if kept else [" ".join(ended)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
