"""A ZIP file of a stranger, read under hard bounds (APPNOTE 6.3, https://pkware.com/appnote)."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import Final

from app.learning.cleaning.results import Refused

MOST_ENTRIES: Final = 600
MOST_INSIDE: Final = 80_000_000  # bytes of all entries unpacked
MOST_OF_ONE: Final = 30_000_000
MOST_TIMES: Final = 250  # how much longer an entry may be than it is packed, from 100 kB on
RATIO_FROM: Final = 100_000

_NAME: Final = re.compile(r"[A-Za-z0-9_\[\]. $%&+()-]+(?:/[A-Za-z0-9_\[\]. $%&+()-]+)*/?")
_LONGEST_NAME: Final = 200
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ENCRYPTED: Final = 0x1
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_END: Final = b"PK\x05\x06"


def unpack(data: bytes) -> dict[str, bytes]:
    """The files in a ZIP by name, each exactly as long as it says.

    Raises:
        Refused: too many, too large, too tightly packed, encrypted, overlapping, odd names, ZIP64, or simply broken.
    """
    if data.count(_END) == 0:
        raise Refused("broken")
    if _ZIP64_LOCATOR in data[-200:] or len(data) > 0xFFFFFFF0:
        raise Refused("broken")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check(entries, data)
            return {entry.filename: _read(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError,
            struct.error, UnicodeError, OverflowError):  # fmt: skip
        raise Refused("broken") from None


def _check(entries: list[zipfile.ZipInfo], data: bytes) -> None:
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_INSIDE:
        raise Refused("too_big_inside")
    names = [entry.filename.lower() for entry in entries]
    if len(set(names)) != len(names):
        raise Refused("broken")
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        # In order, none begins before the one before it ends: nothing is unpacked twice.
        if entry.header_offset < end:
            raise Refused("too_big_inside")
        end = _data_start(entry, data) + entry.compress_size
        if end > len(data):
            raise Refused("broken")
        _check_one(entry)


def _check_one(entry: zipfile.ZipInfo) -> None:
    parts = entry.filename.split("/")
    if not _NAME.fullmatch(entry.filename) or len(entry.filename) > _LONGEST_NAME or ".." in parts or "." in parts:
        raise Refused("broken")
    if entry.flag_bits & _ENCRYPTED:
        raise Refused("encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("broken")
    if entry.file_size > MOST_OF_ONE:
        raise Refused("too_big_inside")
    if entry.file_size > RATIO_FROM and entry.file_size > entry.compress_size * MOST_TIMES:
        raise Refused("too_big_inside")


def _data_start(entry: zipfile.ZipInfo, data: bytes) -> int:
    head = data[entry.header_offset : entry.header_offset + _LOCAL.size]
    signature, *_others, name_length, extra_length = _LOCAL.unpack(head)
    if signature != b"PK\x03\x04":
        raise Refused("broken")
    return int(entry.header_offset + _LOCAL.size + name_length + extra_length)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One entry, never more than it announced."""
    with archive.open(entry) as packed:
        content = packed.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise Refused("broken")
    return content
