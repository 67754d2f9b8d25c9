"""Plain texts and tables of comma-separated values (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180)."""

from __future__ import annotations

import re
import unicodedata

from app.learning.cleaning.results import MOST_CHARACTERS, Cleaned, Passage, Refused

_MARKUP = re.compile(r"<\s*(?:!doctype|html|head|body|script|iframe|object|embed|link|meta|style|\?xml)\b|<\?xml", re.I)
_SVG = re.compile(r"<\s*svg\b", re.IGNORECASE)
# A number as people write it, or a dash for none, to the end of its cell. Bounded, so that no text makes it slow.
_NUMBER = r"[+\- ]{0,5}(?:\d[\d.,:/ ]{0,40}(?:[eE][+\-]?\d{1,3})?%?)? {0,5}(?:$|[,;\t|\"])"
# A cell that a spreadsheet would compute, or send somewhere, when the table is opened; also with wide signs.
_FORMULA = re.compile(rf"(?m)(^|[,;\t|\"])([ ]*)(?=[=@\uff1d\uff20]|[\uff0b\uff0d]|[+\-](?!{_NUMBER}))")
# A first line by which a spreadsheet takes another character as what parts cells.
_PARTED = re.compile(r'\A\s*"?sep=', re.IGNORECASE)


def clean_text(data: bytes, *, as_table: bool) -> Cleaned:
    """A text in UTF-8, without what cannot be seen; of a table, no cell is a formula.

    Args:
        data: the file.
        as_table: it is a table of comma-separated values.

    Raises:
        Refused: not UTF-8, markup, control characters, or too long.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("not_utf8")
    if b"\0" in data:
        raise Refused("unknown")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("not_utf8" if _mostly_letters(data) else "unknown") from None
    if len(text) > MOST_CHARACTERS:
        raise Refused("too_much_text")
    if _SVG.search(text):
        raise Refused("svg")
    if _MARKUP.search(text):
        raise Refused("web_page")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in set(text)):
        raise Refused("unknown")
    if not text.strip():
        raise Refused("empty")
    removed = []
    shown = "".join(character for character in text if unicodedata.category(character) != "Cf")
    if shown != text:
        removed.append("hidden")
    if as_table:
        plain = _FORMULA.sub(r"\1\2'", _PARTED.sub("'sep=", shown))
        if plain != shown:
            removed.append("formulas")
        shown = plain
    lines = tuple(Passage(f"line {number}", line) for number, line in enumerate(shown.split("\n"), 1) if line.strip())
    kind, suffix = ("text/csv", ".csv") if as_table else ("text/plain", ".txt")
    return Cleaned(kind, suffix, shown.encode("utf-8"), tuple(removed), lines)


def _mostly_letters(data: bytes) -> bool:
    """Whether it looks like a text in an older code, rather than like no text at all."""
    start = data[:4_000]
    return sum(byte >= 0x20 or byte in b"\t\r\n" for byte in start) > len(start) * 0.98
