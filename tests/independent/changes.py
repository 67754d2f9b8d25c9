"""Tampering: the smallest change at one place."""

from __future__ import annotations

import copy
from typing import Any, Final

# What stands next may be no digit of base58, and what cannot be read is refused in other words than what is false.
NEXT: Final = {"9": "8", "H": "J", "N": "P", "Z": "Y", "k": "m", "z": "y"}


def change_character(text: str) -> str:
    """The text with one letter or digit near its end changed into the next one; dates stay dates."""
    end = len(text) - 1 if text.endswith("Z") else len(text)
    place = next(place for place in range(end - 1, -1, -1) if text[place].isascii() and text[place].isalnum())
    old = text[place]
    return text[:place] + (NEXT.get(old) or chr(ord(old) + 1)) + text[place + 1 :]


def changed_at(document: dict[str, Any], place: str) -> dict[str, Any]:
    """A copy of the document with one character changed at a place such as `proof.0.created`."""
    changed = copy.deepcopy(document)
    *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
    target: Any = changed
    for step in way:
        target = target[step]
    target[last] = change_character(target[last])
    return changed
