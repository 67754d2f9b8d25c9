"""One plain form of a text, so that nothing hides behind look-alikes, with the way back to the text as given."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# What one character may become: enough for ligatures and circled numbers; a few decorative ones become whole sentences.
LONGEST_FOLD = 4
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d\u30fc"
_QUOTES = "\u2018\u2019\u02bc\u02b9\u2032\uff07`\u00b4"
# Cyrillic and Greek letters that look like Latin ones.
_LOOK_ALIKES = dict(
    zip("АВЕКМНОРСТХаеіјорсухѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαν", "ABEKMHOPCTXaeijopcyxsABEZHIKMNOPTYXoav", strict=True)
)
_PLAIN = {**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_QUOTES, "'"), **_LOOK_ALIKES}


@dataclass(frozen=True)
class Folded:
    """A folded text; `origins` says for each of its characters where it came from, None where nothing moved."""

    text: str
    origins: Sequence[int] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The place in the text as given."""
        if self.origins is None:
            return start, end
        return self.origins[start], self.origins[end - 1] + 1


def fold(text: str) -> Folded:
    """Digits of every script as 0 to 9, letters without accents, dashes as `-`, nothing invisible.

    The compatibility forms are those of Unicode: https://www.unicode.org/reports/tr15/
    """
    if text.isascii():
        return Folded(text, None)
    pieces: list[str] = []
    origins: list[int] = []
    for index, character in enumerate(text):
        plain = character if character.isascii() else _fold(character)
        pieces.append(plain)
        origins.extend([index] * len(plain))
    return Folded("".join(pieces), origins)


@lru_cache(maxsize=2_000)
def _fold(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me"):  # zero-width characters, soft hyphens, accents on their own
        return ""
    if category == "Zs":
        return " "
    plain = "".join(
        _digit(part) for part in unicodedata.normalize("NFKD", character) if unicodedata.category(part) != "Mn"
    )
    return plain if len(plain) <= LONGEST_FOLD else character


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
