"""Badges in PNG files. https://www.imsglobal.org/spec/ob/v3p0/#png https://www.w3.org/TR/png-3/"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.vc.errors import BakingError

MAX_PICTURE: Final = 5_000_000
MAX_DOCUMENT: Final = 1_000_000
KEYWORD: Final = b"openbadgecredential"

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TEXT_TYPES: Final = (b"iTXt", b"tEXt", b"zTXt")
_MAX_CHUNKS: Final = 10_000
_MAX_SIDE: Final = 10_000
_HEADER_BYTES: Final = 13
_ITXT_PARTS: Final = 3


@dataclass(frozen=True)
class _Chunk:
    start: int
    end: int
    kind: bytes
    data: bytes


def bake_png(png: bytes, document: bytes) -> bytes:
    """Return `png` (up to 5 MB) with `document` (UTF-8, up to 1 MB) in it; a badge baked before is replaced.

    Raises BakingError (baking_refused) for anything that is not a whole PNG, and for a badge with a NUL character,
    which no text in a PNG may hold.
    """
    if not document or len(document) > MAX_DOCUMENT:
        raise _refused("The badge is empty or larger than 1 MB.")
    if b"\0" in _text(document):
        raise _refused("The badge holds a NUL character.")
    chunks = list(_chunks(png))
    place = next(chunk.start for chunk in chunks if chunk.kind in (b"IDAT", b"IEND"))
    # After the keyword: not compressed, no method, no language, no translated keyword.
    data = KEYWORD + b"\0\0\0\0\0" + document
    new = len(data).to_bytes(4) + b"iTXt" + data + zlib.crc32(b"iTXt" + data).to_bytes(4)
    baked = [_SIGNATURE]
    for chunk in chunks:
        if chunk.start == place:
            baked.append(new)
        if not _is_badge(chunk):
            baked.append(png[chunk.start : chunk.end])
    return b"".join([*baked, png[chunks[-1].end :]])


def unbake_png(png: bytes) -> bytes:
    """Return the badge in `png`: JSON, or a compact JWS; it is a stranger's text and not yet checked in any way.

    Raises BakingError: baking_missing where there is none; baking_refused for a broken file, for two badges (which one
    would be shown?) or for one that unpacks to more than 1 MB.
    """
    badges = [chunk for chunk in _chunks(png) if _is_badge(chunk)]
    if not badges:
        raise BakingError("baking_missing", "The picture holds no badge.")
    if len(badges) > 1:
        raise _refused("The picture holds more than one badge.")
    return _content(badges[0])


def _chunks(png: bytes) -> Iterator[_Chunk]:
    """Yield every chunk up to IEND, each with its checksum proven; the first is a header that claims a sane size."""
    if len(png) > MAX_PICTURE or not png.startswith(_SIGNATURE):
        raise _refused("The picture is not a PNG, or is larger than 5 MB.")
    position = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(png[position : position + 4])
        end = position + 12 + length
        if position + 12 > len(png) or end > len(png):
            raise _refused("The PNG is cut off.")
        kind, data = png[position + 4 : position + 8], png[position + 8 : end - 4]
        if zlib.crc32(kind + data) != int.from_bytes(png[end - 4 : end]):
            raise _refused("The PNG is damaged: a checksum does not fit.")
        chunk = _Chunk(position, end, kind, data)
        if position == len(_SIGNATURE):
            _check_header(chunk)
        yield chunk
        if kind == b"IEND":
            return
        position = end
    raise _refused("The PNG has too many parts.")


def _check_header(chunk: _Chunk) -> None:
    """A few bytes may claim more pixels than any viewer has memory for, though nothing here ever paints them."""
    if chunk.kind != b"IHDR" or len(chunk.data) != _HEADER_BYTES:
        raise _refused("The PNG does not begin with its header.")
    if not all(0 < int.from_bytes(side) <= _MAX_SIDE for side in (chunk.data[:4], chunk.data[4:8])):
        raise _refused(f"The PNG claims to be empty, or more than {_MAX_SIDE} pixels wide or high.")


def _is_badge(chunk: _Chunk) -> bool:
    return chunk.kind in _TEXT_TYPES and chunk.data.partition(b"\0")[0] == KEYWORD


def _content(chunk: _Chunk) -> bytes:
    rest = chunk.data.partition(b"\0")[2]
    if chunk.kind == b"tEXt":
        return _text(rest)
    if chunk.kind == b"zTXt":
        if rest[:1] != b"\0":
            raise _refused("The badge in the PNG is packed in an unknown way.")
        return _text(_unpack(rest[1:]))
    flag, after = rest[:1], rest[2:].split(b"\0", 2)
    # Not packed, whatever the method; or packed by method 0, the only one there is.
    if (flag != b"\0" and rest[:2] != b"\1\0") or len(after) != _ITXT_PARTS:
        raise _refused("The badge in the PNG is not written correctly.")
    return _text(_unpack(after[2]) if flag == b"\1" else after[2])


def _unpack(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, MAX_DOCUMENT + 1)
    except zlib.error as problem:
        raise _refused("The badge in the PNG cannot be unpacked.") from problem
    if len(text) <= MAX_DOCUMENT and (not unpacker.eof or unpacker.unused_data):
        raise _refused("The badge in the PNG is cut off or has something after it.")
    return text


def _text(data: bytes) -> bytes:
    if not data or len(data) > MAX_DOCUMENT:
        raise _refused("The badge in the PNG is empty or larger than 1 MB.")
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        raise _refused("The badge is not UTF-8 text.") from problem
    return data


def _refused(detail: str) -> BakingError:
    return BakingError("baking_refused", detail)
