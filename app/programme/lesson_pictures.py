"""Pictures that lie beside a module's texts: read, looked at by content, and given the address they are served at."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from app.programme.schemas import Picture

FOLDER: Final = "media"
NAMED: Final = re.compile(rf"{FOLDER}/[A-Za-z0-9][A-Za-z0-9._-]*")
MAX_BYTES: Final = 2_000_000
MAX_BYTES_OF_A_MODULE: Final = 5_000_000
MAX_SIDE: Final = 5_000  # pixels; what is larger costs a phone more than it shows
_KINDS: Final = {"PNG": ("image/png", (".png",)), "JPEG": ("image/jpeg", (".jpg", ".jpeg")),
                 "WEBP": ("image/webp", (".webp",))}  # fmt: skip
_ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_ALLOWED: Final = "save it as PNG, JPEG or WebP"
# Where a text names a picture: after `](`, or in a line of its own that gives a name its address.
_SHOWN: Final = re.compile(rf"(\]\(\s*<?|\]:\s*<?)({NAMED.pattern})(?=[\s>)]|$)", re.MULTILINE)
_ORIENTATION, _GPS, _LIES_ON_ITS_SIDE = 0x0112, 0x8825, 5  # of Exif; from 5 on width and height change places


def read(folder: Path, texts: Iterable[str]) -> dict[str, Picture | str]:
    """The pictures that a module's texts name and that are there; in place of one that cannot be used, why.

    Args:
        folder: the module's.
        texts: all that may show them.
    """
    names = {match[2] for text in texts for match in _SHOWN.finditer(text)}
    return {name: _picture(folder / name) for name in sorted(names) if (folder / name).is_file()}


def in_use(media: Mapping[str, Picture | str]) -> tuple[Picture, ...]:
    """Those that can be shown, each once, in the order of their digests."""
    found = {each.sha256: each for each in media.values() if not isinstance(each, str)}
    return tuple(found[digest] for digest in sorted(found))


def with_addresses(text: str, module: str, version: int, media: Mapping[str, Picture | str]) -> str:
    """The text with each picture's address on this server in place of its file's name."""

    def addressed(match: re.Match[str]) -> str:
        picture = media.get(match[2])
        if picture is None or isinstance(picture, str):
            return match[0]
        return f"{match[1]}{path_of(module, version, picture)}"

    return _SHOWN.sub(addressed, text)


def path_of(module: str, version: int, picture: Picture) -> str:
    """Where a picture of a module's version is served. Its size is in it, so that a page can keep its place free."""
    return f"/programme/modules/{module}/{version}/media/{file_name(picture)}"


def file_name(picture: Picture) -> str:
    """The last part of its address: the same bytes for good."""
    return f"{picture.sha256}-{picture.width}x{picture.height}.{_ENDINGS[picture.media_type]}"


def found(pictures: Iterable[Picture], name: str) -> tuple[bytes, str] | None:
    """Bytes and content type of the picture with this file name, if it is among these."""
    for picture in pictures:
        if file_name(picture) == name:
            return base64.b64decode(picture.data), picture.media_type
    return None


def _picture(path: Path) -> Picture | str:
    if path.stat().st_size > MAX_BYTES:
        return f"is larger than {MAX_BYTES // 1_000_000} MB: save it smaller"
    # Here, because most programmes show no picture, and the library takes its time to load.
    from PIL import Image, UnidentifiedImageError

    raw = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(raw), formats=tuple(_KINDS)) as image:
                media_type, endings = _KINDS[image.format or ""]
                width, height = image.size
                if max(width, height) > MAX_SIDE:
                    return f"is {width} by {height} pixels: no side may have more than {MAX_SIDE}"
                if getattr(image, "n_frames", 1) > 1:
                    return "moves, and nobody could stop it: save a still picture"
                exif = image.getexif()
                if exif.get_ifd(_GPS):
                    return "says where it was taken: save it without location data"
                image.load()
    except (UnidentifiedImageError, KeyError):
        return f"is by its content no picture we can show: {_ALLOWED}"
    except Exception:  # noqa: BLE001 - a broken file makes the library fail in many ways, and all mean the same
        return f"is damaged and cannot be read to its end: {_ALLOWED} once more"
    if path.suffix.lower() not in endings:
        return f"is {media_type.removeprefix('image/').upper()} by its content: let its name end in {endings[0]}"
    if int(exif.get(_ORIENTATION, 1)) >= _LIES_ON_ITS_SIDE:
        width, height = height, width
    return Picture(hashlib.sha256(raw).hexdigest(), media_type, width, height, base64.b64encode(raw).decode("ascii"))
