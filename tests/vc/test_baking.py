import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from app.vc.baking import bake_png, bake_svg, unbake_png, unbake_svg
from app.vc.errors import BakingError
from tests import zeros

DOCUMENT = '{"name":"Tess — 🌱 ]]> <b>&amp;</b>"}'.encode()
JWS = b"eyJhbGciOiJFUzI1NiJ9.e30.AAAA"
SVG = (
    b'<?xml version="1.0"?>\n<!-- art > < -->\n'
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0"/></svg>\n'
)


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), "green").save(buffer, "PNG")
    return buffer.getvalue()


PNG = _png()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _with(*chunks: bytes) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def _code(picture: bytes) -> str:
    unbake = unbake_png if picture.startswith(b"\x89PNG") else unbake_svg
    with pytest.raises(BakingError) as caught:
        unbake(picture)
    return caught.value.code


@settings(deadline=None)
@given(st.binary(max_size=300).map(lambda raw: b'{"a":"' + raw.hex().encode() + b'"}'))
def test_what_is_baked_into_a_png_comes_out_and_nothing_else_changes(document: bytes) -> None:
    baked = bake_png(PNG, document)
    assert unbake_png(baked) == document
    chunk = _chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0" + document)
    assert baked.replace(chunk, b"") == PNG
    assert baked.index(chunk) < baked.index(b"IDAT")


def test_other_software_reads_the_chunk_and_the_picture() -> None:
    with PngImageFile(io.BytesIO(bake_png(PNG, DOCUMENT))) as picture:
        picture.load()
        assert picture.text["openbadgecredential"].encode() == DOCUMENT
        assert picture.getpixel((0, 0)) == (0, 128, 0)


def test_a_badge_baked_before_is_replaced() -> None:
    baked = bake_png(bake_png(PNG, b'{"old":1}'), DOCUMENT)
    assert unbake_png(baked) == DOCUMENT
    assert baked == bake_png(PNG, DOCUMENT)


@pytest.mark.parametrize(
    "chunk",
    [
        _chunk(b"iTXt", b"openbadgecredential\0\1\0\0\0" + zlib.compress(DOCUMENT)),
        _chunk(b"iTXt", b"openbadgecredential\0\0\0en\0Badge\0" + DOCUMENT),
        _chunk(b"zTXt", b"openbadgecredential\0\0" + zlib.compress(DOCUMENT)),
        _chunk(b"tEXt", b"openbadgecredential\0" + DOCUMENT),
    ],
)
def test_every_way_others_write_the_text_is_read(chunk: bytes) -> None:
    assert unbake_png(_with(chunk)) == DOCUMENT


BADGE = _chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0{}")


@pytest.mark.parametrize(
    "picture",
    [
        _with(BADGE, BADGE),
        _with(BADGE, _chunk(b"tEXt", b"openbadgecredential\0{}")),
        _with(BADGE[:-1] + b"\0"),
        _with(BADGE)[:-6],
        _with(BADGE)[:60],
        _with(_chunk(b"iTXt", b"openbadgecredential\0\2\0\0\0{}")),
        _with(_chunk(b"iTXt", b"openbadgecredential\0\0")),
        _with(_chunk(b"iTXt", b"openbadgecredential\0\1\0\0\0not packed")),
        _with(_chunk(b"zTXt", b"openbadgecredential\0\0" + zlib.compress(DOCUMENT)[:-9])),
        _with(_chunk(b"zTXt", b"openbadgecredential\0\0" + zeros.packed(30_000_000))),
        _with(_chunk(b"tEXt", b"openbadgecredential\0\xff\xfe")),
        PNG[:8] + (2**31).to_bytes(4) + PNG[12:],
        b"\x89PNG\r\n\x1a\n",
        _with(BADGE) + bytes(5_000_000),
    ],
)
def test_pngs_that_are_broken_double_or_bombs_are_refused(picture: bytes) -> None:
    assert _code(picture) == "baking_refused"


def test_a_picture_without_a_badge_says_so() -> None:
    assert _code(PNG) == "baking_missing"
    assert _code(SVG) == "baking_missing"


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_give_a_badge_or_a_baking_error(data: bytes) -> None:
    for unbake, start in ((unbake_png, PNG[:40]), (unbake_svg, b"<svg ")):
        with pytest.raises(BakingError):
            unbake(start + data)
        with pytest.raises(BakingError):
            unbake(data)


@pytest.mark.parametrize("document", [b"", b"\xff\xfe", b"x" * 1_000_001])
def test_what_is_no_badge_is_not_baked(document: bytes) -> None:
    with pytest.raises(BakingError):
        bake_png(PNG, document)
    with pytest.raises(BakingError):
        bake_svg(SVG, document)


@pytest.mark.parametrize("document", [DOCUMENT, JWS, b'{"a":"\\ud83c ]]> ]]&gt;"}'])
def test_what_is_baked_into_an_svg_comes_out_and_nothing_else_changes(document: bytes) -> None:
    baked = bake_svg(SVG, document)
    assert unbake_svg(baked) == document
    start, end = baked.index(b"<openbadges:credential"), baked.index(b"</openbadges:credential>") + 24
    assert (baked[:start] + baked[end:]).replace(b' xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"', b"") == SVG
    assert baked[:start].endswith(b'xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">')


@pytest.mark.parametrize(
    "svg",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg" aria-label="a > b" />',
        b'<s:svg xmlns:s="http://www.w3.org/2000/svg"></s:svg>',
        b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>',
        b'\xef\xbb\xbf<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"></svg>',
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
        b'<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    ],
)
def test_every_usual_root_element_takes_a_badge(svg: bytes) -> None:
    assert unbake_svg(bake_svg(svg, DOCUMENT)) == DOCUMENT


ENTITY = b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'


@pytest.mark.parametrize(
    "svg",
    [
        b"",
        b"not xml",
        b"<html></html>",
        b"<svg></svg>",
        ENTITY,
        b'<?xml version="1.0" encoding="utf-7"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        SVG.decode().encode("utf-16"),
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://other.example"></svg>',
        SVG + bytes(5_000_001),
        bake_svg(SVG, DOCUMENT),
    ],
)
def test_svgs_that_are_unsafe_or_baked_already_take_no_badge(svg: bytes) -> None:
    with pytest.raises(BakingError) as caught:
        bake_svg(svg, DOCUMENT)
    assert caught.value.code == "baking_refused"


def test_two_badges_in_one_svg_are_refused() -> None:
    baked = bake_svg(SVG, DOCUMENT)
    element = baked[baked.index(b"<openbadges:credential") : baked.index(b"<path")]
    assert _code(baked.replace(b"<path", element + b"<path")) == "baking_refused"
    assert _code(ENTITY) == "baking_refused"
