"""The JSON Canonicalization Scheme: one text for one JSON value. https://www.rfc-editor.org/rfc/rfc8785

orjson is many times faster than any canonicalizer and writes the same text, except for numbers that are not small whole
ones and for keys that UTF-16 and code points order differently. Documents that hold neither take the quick way.
"""

from typing import Any, Final

import orjson
import rfc8785

from app.vc.errors import CanonicalizationRefused
from app.vc.json_text import MAX_SAFE_INTEGER

MAX_DEPTH: Final = 80


def canonicalize(value: Any) -> bytes:
    """Return the canonical UTF-8 bytes of a JSON value.

    Raises CanonicalizationRefused (canonicalization_refused) for what has no canonical form: NaN and Infinity, integers
    beyond ±(2^53-1), lone surrogates, and what is no JSON; (too_complex) for a value nested deeper than 80 levels.
    """
    try:
        if _is_plain(value, MAX_DEPTH):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        return rfc8785.dumps(value)
    except (orjson.JSONEncodeError, rfc8785.CanonicalizationError, UnicodeError) as problem:
        raise CanonicalizationRefused(
            "canonicalization_refused", "The document holds a number or a text that JSON has no canonical form for."
        ) from problem


def _is_plain(value: Any, depth: int) -> bool:
    """Whether orjson writes `value` as RFC 8785 does; types by identity, for True is an int and Enums are texts."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)
    if depth == 0:
        raise CanonicalizationRefused("too_complex", f"The document nests deeper than {MAX_DEPTH} levels.")
    # Every member is looked at, also after the answer is known: the depth has to hold for both ways.
    if kind is list:
        items = [_is_plain(item, depth - 1) for item in value]
        return all(items)
    if kind is dict:
        members = [_is_plain(item, depth - 1) and type(key) is str and key.isascii() for key, item in value.items()]
        return all(members)
    return False
