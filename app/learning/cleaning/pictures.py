"""Pictures: decoded, turned upright, and encoded anew, so that nothing is left but what can be seen."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from app.learning.cleaning.results import Cleaned, Refused

MOST_PIXELS: Final = 50_000_000
LONGEST_SIDE: Final = 4_000  # a page of text stays readable
QUALITY: Final = 88
LEAST_SEEN: Final = 16  # of 255: below that much opacity nobody sees what a pixel's colour is
PNG_LIMIT: Final = 6_000_000  # bytes; a photograph that came as PNG is then better kept as JPEG

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_TYPES: Final = {"JPEG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png"), "WEBP": ("image/webp", ".webp")}
_AUTHOR_TAGS: Final = {
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.HostComputer,
}
_CAMERA_TAGS: Final = {
    ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.DateTime, ExifTags.Base.Software, ExifTags.Base.ExifOffset,
}  # fmt: skip
_TECHNICAL: Final = {
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "gamma", "srgb", "chromaticity", "interlace", "aspect",
    "adobe", "adobe_transform", "progressive", "progression", "transparency", "icc_profile", "exif", "xmp", "loop",
    "background", "timestamp", "duration", "default_image", "bbox", "disposal", "blend", "mp", "mpoffset",
}  # fmt: skip


def clean_picture(data: bytes, formats: tuple[str, ...] = _FORMATS) -> Cleaned:
    """A picture without its hidden data: GPS, camera, author, texts, colour profile, further frames, what follows it.

    Args:
        data: JPEG, PNG or WebP, told by its content.
        formats: further forms that Pillow may read; they become PNG.

    Raises:
        Refused: it cannot be read to its end, or has more than 50 million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=formats) as picture:
                # Before anything is decoded: the size is in the file's head.
                if picture.width * picture.height > MOST_PIXELS:
                    raise Refused("too_many_pixels")
                removed = _hidden(picture)
                target = "JPEG" if picture.format == "MPO" else picture.format or ""
                picture.load()
                upright = ImageOps.exif_transpose(picture)
                fresh, shrunk = _redrawn(upright)
    except Refused:
        raise
    except Image.DecompressionBombError:
        raise Refused("too_many_pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError, IndexError,
            AttributeError, ArithmeticError, AssertionError, NotImplementedError):  # fmt: skip
        # Pillow's decoders tell a broken file by many names.
        raise Refused("broken") from None
    if shrunk:
        removed.append("size")
    return _encoded(fresh, target if target in _TYPES else "PNG", tuple(removed))


def _hidden(picture: Image.Image) -> list[str]:
    """What is in the file beside the picture, as far as people should be told."""
    removed = []
    exif = picture.getexif()
    tags = set(exif)
    if ExifTags.Base.GPSInfo in tags:
        removed.append("place")
    if tags & _CAMERA_TAGS:
        removed.append("camera")
    if tags & _AUTHOR_TAGS:
        removed.append("author")
    if "xmp" in picture.info or {str(key).lower() for key in picture.info} - _TECHNICAL:
        removed.append("notes")
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        removed.append("animation")
    return removed


def _redrawn(picture: Image.Image) -> tuple[Image.Image, bool]:
    """The same pixels in a picture that never saw the file."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        mode = "RGBA"
    else:
        mode = "L" if picture.mode in ("1", "L") else "RGB"
    if picture.mode.startswith("I"):
        picture = picture.point(lambda value: value / 256).convert("L")
        mode = "L"
    pixels = picture.convert(mode)
    shrunk = max(pixels.size) > LONGEST_SIDE
    if shrunk:
        pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    fresh = Image.new(mode, pixels.size)
    # What was rubbed out in a picture is often still there, only transparent.
    seen = pixels.getchannel("A").point(lambda level: 255 * (level >= LEAST_SEEN)) if mode == "RGBA" else None
    fresh.paste(pixels, mask=seen)
    return fresh, shrunk


def _encoded(picture: Image.Image, target: str, removed: tuple[str, ...]) -> Cleaned:
    content = _bytes(picture, target)
    if target == "PNG" and len(content) > PNG_LIMIT and picture.mode != "RGBA":
        target, content = "JPEG", _bytes(picture, "JPEG")
    media_type, suffix = _TYPES[target]
    return Cleaned(media_type, suffix, content, removed, has_pictures=True)


def _bytes(picture: Image.Image, target: str) -> bytes:
    out = io.BytesIO()
    options = {} if target == "PNG" else {"quality": QUALITY}
    picture.save(out, format=target, **options)
    return out.getvalue()
