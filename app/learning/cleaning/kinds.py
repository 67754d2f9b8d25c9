"""What a file is, by its first bytes; its name and the type that a browser tells count for nothing."""

from __future__ import annotations

from app.learning.cleaning.documents import clean_document
from app.learning.cleaning.pdf import clean_pdf
from app.learning.cleaning.pictures import clean_picture
from app.learning.cleaning.plain_text import clean_text
from app.learning.cleaning.results import Cleaned, RefusalCode, Refused

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
# Forms that are refused each in its own words. https://www.iana.org/assignments/media-types
_KNOWN: tuple[tuple[bytes, RefusalCode], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_office"),
    (b"{\\rtf", "other_office"),
    (b"Rar!", "archive"), (b"7z\xbc\xaf\x27\x1c", "archive"), (b"\x1f\x8b", "archive"), (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"GIF8", "other_picture"), (b"BM", "other_picture"), (b"II*\x00", "other_picture"),
    (b"MM\x00*", "other_picture"),
    (b"ID3", "media"), (b"OggS", "media"), (b"\x1aE\xdf\xa3", "media"),
)  # fmt: skip
_STILL = (b"heic", b"heix", b"mif1", b"msf1", b"heif", b"avif")


def clean(data: bytes, *, as_table: bool = False) -> Cleaned:
    """A file written anew from what was understood of it.

    Args:
        data: the file.
        as_table: the learner calls it a table (CSV); it matters only if it is text.

    Raises:
        Refused: it is none of the kinds that are taken, broken, or holds what cannot be taken out.
    """
    if not data:
        raise Refused("empty")
    if data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return clean_picture(data)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:5] == b"%PDF-":
        return clean_pdf(data)
    if data.startswith(b"PK\x03\x04"):
        return clean_document(data)
    if data[4:8] == b"ftyp":
        raise Refused("heic" if data[8:12] in _STILL else "media")
    if data[:4] == b"RIFF":
        raise Refused("media")
    for start, code in _KNOWN:
        if data.startswith(start) and (len(start) > 2 or b"\0" in data[:64]):
            raise Refused(code)
    return clean_text(data, as_table=as_table)
