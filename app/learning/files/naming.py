"""A file's name made harmless: no path, nothing invisible, the suffix of what the file really is."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 80
UNNAMED: Final = "file"
_TABLE: Final = re.compile(r"\.csv\s*$", re.IGNORECASE)
# What no file system of those in use takes in a name, or takes as something else.
_ODD: Final = re.compile(r'[<>:"/\\|?*%;\']')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def harmless(name: str, suffix: str) -> str:
    """A name that can be shown and saved under anywhere.

    Args:
        name: as the browser told it; anything.
        suffix: of what the file is, e.g. `.pdf`.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    # Categories C: controls, invisible and right-to-left marks, halves of characters, what is not assigned.
    shown = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", base)
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    stem = shown.rpartition(".")[0] or shown
    # A suffix in the middle (`photo.svg.png`) would be one again for programs that cut the last.
    stem = _ODD.sub(" ", stem.replace(".", " "))
    stem = " ".join(stem.split())[:LONGEST].strip() or UNNAMED
    if _RESERVED.fullmatch(stem):
        stem = f"{UNNAMED} {stem}"
    return stem + suffix


def says_table(name: str) -> bool:
    """Whether a name says that the file is a table of comma-separated values."""
    return _TABLE.search(name) is not None
