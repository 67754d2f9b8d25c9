"""Numbers that agencies give to people: Medicare, Centrelink, tax file and record numbers, in a folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.learning.evidence.findings import Span

MEDICARE = re.compile(r"(?<![\d.,+$])[2-6]\d{3}[ -]?\d{5}[ -]?\d(?:\s?[/-]\s?\d|\s\d)?(?![\d%])")
CRN = re.compile(r"(?<![\w.,+$])\d{3}[ -]?\d{3}[ -]?\d{3}(?:[ -]?[A-Z]|[a-z])(?!\w)")
NINE = re.compile(r"(?<![\w.,+$])\d{3}[ -]?\d{3}[ -]?\d{3}(?![\w%])(?!,\d)")
RECORD = re.compile(
    r"\b(?:(?:client|participant|customer|patient|case|file|record|job\s?seeker|referral)\s(?:number|no\.?|id|ID)"
    r"|JSID|JSI|UR|URN|MRN|UR\sno\.?|PID)[\s:#=]{0,3}(?:is\s|was\s)?(?P<number>[A-Z]{0,3}-?\d{4,12}[A-Z]?)\b"
)
MEDICARE_WORD = re.compile(r"\bmedicare\b", re.IGNORECASE)
TAX_WORD = re.compile(r"\b(?:TFN|tax\sfile)\b", re.IGNORECASE)
CENTRELINK_WORD = re.compile(r"\b(?:CRN|centrelink|customer\sreference)\b", re.IGNORECASE)
PATTERNS = (MEDICARE, CRN, NINE, RECORD, MEDICARE_WORD, TAX_WORD, CENTRELINK_WORD)
NEAR = 40  # characters before a number in which a word says what it is

_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)
_TAX_WEIGHTS = (1, 4, 3, 7, 5, 8, 6, 9, 10)


def agency_numbers(text: str) -> Iterator[Span]:
    """Numbers by their form, their check digit, and the word before them."""
    for match in MEDICARE.finditer(text):
        if medicare_digit_fits(match[0]):
            yield Span("medicare", match.start(), match.end(), "certain")
        elif _said(MEDICARE_WORD, text, match.start()):
            # Mistyped, it is still somebody's number but for one digit.
            yield Span("medicare", match.start(), match.end(), "likely")
    for match in CRN.finditer(text):
        yield Span("crn", match.start(), match.end(), "certain")
    for match in NINE.finditer(text):
        fits = tax_digits_fit(match[0])
        if _said(CENTRELINK_WORD, text, match.start()):
            yield Span("crn", match.start(), match.end(), "likely")
        elif _said(TAX_WORD, text, match.start()):
            yield Span("tax_file_number", match.start(), match.end(), "certain" if fits else "likely")
        elif fits and match[0].isdigit():  # in threes it may as well be three numbers
            yield Span("tax_file_number", match.start(), match.end(), "likely")
    for match in RECORD.finditer(text):
        yield Span("record_number", match.start("number"), match.end("number"), "likely")


def medicare_digit_fits(number: str) -> bool:
    """Whether the ninth digit is the check digit of the first eight: their weighted sum, modulo 10.

    Args:
        number: ten digits, or eleven with the person's own, with anything between them.
    """
    digits = _digits(number)
    return sum(map(int.__mul__, digits, _MEDICARE_WEIGHTS)) % 10 == digits[8]


def tax_digits_fit(number: str) -> bool:
    """Whether nine digits could be a tax file number: their weighted sum is a multiple of 11.

    Args:
        number: nine digits, with anything between them.
    """
    return sum(map(int.__mul__, _digits(number), _TAX_WEIGHTS)) % 11 == 0


def _digits(number: str) -> list[int]:
    return [int(character) for character in number if character in "0123456789"]


def _said(word: re.Pattern[str], text: str, start: int) -> bool:
    return word.search(text, max(0, start - NEAR), start) is not None
