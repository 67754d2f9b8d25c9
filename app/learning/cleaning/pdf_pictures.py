"""Pictures inside a PDF keep their bytes, but not what stands beside the picture in them: EXIF, XMP, comments."""

from __future__ import annotations

from typing import Final

from app.learning.cleaning.results import Refused

_START: Final = b"\xff\xd8"
_SCAN: Final = 0xDA
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
# APP0 says the density, APP14 how the colours are meant; every other APPn and comments say things about people.
_KEPT_APPS: Final = frozenset((0xE0, 0xEE))
_JFIF: Final = (b"JFIF\0", 18)  # how it begins, and how long it is with its marker; a longer one holds a small picture
_BOXES: Final = frozenset((b"jP  ", b"ftyp", b"jp2h", b"jp2c"))
_BOX_HEAD: Final = 8


def bare_jpeg(data: bytes) -> bytes:
    """A JPEG without its application segments and comments (ITU-T T.81, Annex B). Its picture is not decoded.

    Raises:
        Refused: it is none.
    """
    if not data.startswith(_START):
        raise Refused("broken")
    pieces, position = [_START], 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise Refused("broken")
        marker = data[position + 1]
        if marker == 0xFF or marker in _ALONE:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _SCAN:
            return b"".join((*pieces, _up_to_end(data[position:])))
        if _is_kept(marker, data[position:end]):
            pieces.append(data[position:end])
        if end <= position + 3 or end > len(data):
            raise Refused("broken")
        position = end
    raise Refused("broken")


def _is_kept(marker: int, segment: bytes) -> bool:
    """Whether a segment says how the picture is drawn, and no more. A small picture in it may show what was cut off."""
    if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
        return True
    begins, long = _JFIF
    return marker in _KEPT_APPS and (marker != 0xE0 or (segment[4:].startswith(begins) and len(segment) == long))


def _up_to_end(scans: bytes) -> bytes:
    """The scans up to the picture's end. Within them a 0xFF of the picture is followed by 0, so the first end is it.

    Later segments between scans of a progressive picture are tables; others are not told apart here.
    """
    end = scans.find(b"\xff\xd9")
    if end < 0:
        raise Refused("broken")
    kept = scans[: end + 2]
    if any(bytes((0xFF, marker)) in kept for marker in (*range(0xE1, 0xEE), 0xEF, 0xFE)):
        raise Refused("inner_picture")
    return kept


def bare_jpeg2000(data: bytes) -> bytes:
    """A JPEG 2000 file without boxes of texts and others' data (ITU-T T.800, Annex I), or a bare codestream.

    Raises:
        Refused: it is none.
    """
    if data.startswith(b"\xff\x4f"):
        return data
    pieces, position = [], 0
    while position + _BOX_HEAD <= len(data):
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        end = len(data) if length == 0 else position + length
        if length == 1 or end > len(data) or (length and length < _BOX_HEAD):
            raise Refused("broken")
        if kind in _BOXES:
            pieces.append(data[position:end])
        position = end
    if not pieces:
        raise Refused("broken")
    return b"".join(pieces)
