"""Multibase base58btc: how signatures and keys are written in proofs, Multikeys and DIDs.

Written here because it runs in every signature: ten digits are cut off the long number at once, and the rest is done on
short ones. A table of pairs of digits would be fewer steps still, and slower: between two signatures the processor has
forgotten it. https://www.w3.org/TR/cid-1.0/#multibase-0
"""

from typing import Final

PREFIX: Final = "z"
MAX_LENGTH: Final = 200

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {digit: value for value, digit in enumerate(_ALPHABET)}


class MultibaseInvalid(ValueError):
    """The text is not base58btc multibase, or is longer than anything that is written so."""


def encode(data: bytes) -> str:
    """Return `data` in multibase base58btc, with its prefix z; each leading zero byte becomes a leading 1."""
    digit = _ALPHABET
    number = int.from_bytes(data)
    text = ""
    while number:
        number, ten = divmod(number, 58**10)
        high, low = divmod(ten, 58**5)
        # In one expression: a loop over the ten takes twice as long.
        text = (
            f"{digit[high // 58**4]}{digit[high // 58**3 % 58]}{digit[high // 58**2 % 58]}"
            f"{digit[high // 58 % 58]}{digit[high % 58]}"
            f"{digit[low // 58**4]}{digit[low // 58**3 % 58]}{digit[low // 58**2 % 58]}"
            f"{digit[low // 58 % 58]}{digit[low % 58]}{text}"
        )
    zeros = len(data) - len(data.lstrip(b"\0"))
    return PREFIX + "1" * zeros + text.lstrip("1")


def decode(text: str, *, max_length: int = MAX_LENGTH) -> bytes:
    """Return the bytes that `text` writes.

    `max_length` bounds the characters, for the work grows with their square. Raises MultibaseInvalid for longer text,
    for another prefix and for characters outside the alphabet.
    """
    if len(text) > max_length or not text.startswith(PREFIX):
        raise MultibaseInvalid("The text is not base58btc multibase of a length that is read.")
    digits = text[1:]
    number = 0
    try:
        for digit in digits:
            number = number * 58 + _VALUES[digit]
    except KeyError as problem:
        raise MultibaseInvalid("The text holds a character that base58btc does not know.") from problem
    zeros = len(digits) - len(digits.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)
