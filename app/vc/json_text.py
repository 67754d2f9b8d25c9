"""Strict JSON for documents that are signed or come from strangers.

A signature covers what a document *means*; two readers that parse the same bytes differently would check different
documents. So everything on which JSON parsers differ is refused here, once.
"""

import json
import re
from typing import Any, Final, NoReturn

import orjson

from app.vc.errors import ParseError

MAX_SAFE_INTEGER: Final = 2**53 - 1

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DISPUTED_ESCAPE: Final = re.compile(r"\\u(?:[dD][89a-fA-F]|[fF]{3}[eEfF])")


def loads(data: bytes | str, *, max_bytes: int = 1_000_000, max_depth: int = 64) -> dict[str, Any]:
    """Parse one JSON object strictly.

    `data` is UTF-8 bytes without a byte order mark, or text. `max_bytes` bounds its UTF-8 length, `max_depth` how deep
    objects and arrays may nest. Raises ParseError for anything else than one object, and for duplicate keys, lone
    surrogates, U+FFFE, U+FFFF, NaN or Infinity and integers beyond ±(2^53-1).
    https://www.rfc-editor.org/rfc/rfc7493 (I-JSON)
    """
    text = _decode(data, max_bytes)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except ParseError:
        raise
    except RecursionError:
        raise _too_deep(max_depth) from None
    except ValueError as problem:
        raise ParseError("parse_error", f"This is not JSON: {problem}.") from problem
    if not isinstance(value, dict):
        raise ParseError("parse_error", "A credential must be one JSON object.")
    _check_depth(value, max_depth)
    if "\ufffe" in text or "\uffff" in text:
        raise _not_a_character()
    if _DISPUTED_ESCAPE.search(text):
        _refuse_disputed_characters(value)
    return value


def dumps(document: dict[str, Any]) -> bytes:
    """Write compact UTF-8 JSON in the order of the members; raise ParseError for what JSON cannot carry."""
    try:
        quick = orjson.dumps(document)
        if b"null" not in quick:  # orjson writes NaN so; the word may also be text, or null itself
            return quick
    except orjson.JSONEncodeError:
        pass  # numbers that orjson does not hold, or what is no JSON: the other writer tells them apart
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as problem:
        raise ParseError("parse_error", f"This cannot be written as JSON: {problem}.") from problem


def _decode(data: bytes | str, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise ParseError("parse_error", f"The document is larger than {max_bytes} bytes.")
    try:
        encoded = data.encode() if isinstance(data, str) else data
        text = encoded.decode()
    except UnicodeError as problem:
        raise ParseError("parse_error", "The document is not valid UTF-8.") from problem
    if len(encoded) > max_bytes:
        raise ParseError("parse_error", f"The document is larger than {max_bytes} bytes.")
    return text


def _check_depth(value: dict[str, Any], max_depth: int) -> None:
    """Count the levels of objects and arrays; the parser itself gives up before its own recursion hurts."""
    level: list[Any] = [value]
    for _ in range(max_depth):
        level = [
            member
            for each in level
            for member in (each.values() if type(each) is dict else each)
            if type(member) is dict or type(member) is list
        ]
        if not level:
            return
    raise _too_deep(max_depth)


def _too_deep(max_depth: int) -> ParseError:
    return ParseError("parse_error", f"The document nests deeper than {max_depth} levels.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ParseError("parse_error", f"The member {repeated[:60]!a} is given twice in one object.")
    return result


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_SAFE_INTEGER:
        raise ParseError("parse_error", "A whole number is larger than every reader can hold exactly.")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ParseError("parse_error", "A number is too large.")
    return value


def _constant(text: str) -> NoReturn:
    raise ParseError("parse_error", f"{text} is not JSON.")


def _refuse_disputed_characters(value: Any) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str):
            _check_characters(item)


def _check_characters(text: str) -> None:
    if _SURROGATE.search(text):
        raise ParseError("parse_error", "The document holds half of a character (a lone surrogate).")
    if "\ufffe" in text or "\uffff" in text:
        raise _not_a_character()


def _not_a_character() -> ParseError:
    return ParseError("parse_error", "The document holds U+FFFE or U+FFFF, which are no characters.")
