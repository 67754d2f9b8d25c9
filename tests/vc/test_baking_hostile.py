"""Pictures that were made to harm whoever reads them: each is refused by name, at once, and in little memory."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc.baking import bake_png, bake_svg, unbake_png, unbake_svg
from app.vc.baking_svg import NAMESPACE
from app.vc.errors import BakingError
from tests import zeros

from .test_baking import DOCUMENT, JWS, PNG, SVG, _chunk, _with

ROOT = f'xmlns="http://www.w3.org/2000/svg" xmlns:ob="{NAMESPACE}"'
MOST_BYTES = 40_000_000


def svg(inside: str, *, before: str = "", attributes: str = ROOT) -> bytes:
    return f"{before}<svg {attributes}>{inside}</svg>".encode()


def refusal(unbake: Callable[[bytes], bytes], picture: bytes) -> BakingError:
    """The error; nothing may cost more than a few times the picture's own size."""
    tracemalloc.start()
    try:
        with pytest.raises(BakingError) as caught:
            unbake(picture)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    return caught.value


def text_chunk(data: bytes) -> bytes:
    return _chunk(b"iTXt", b"openbadgecredential\0" + data)


def header(width: int, height: int) -> bytes:
    return _chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0")


BODY = PNG[33:]
BADGE = text_chunk(b"\0\0\0\0{}")
BOMB = zeros.packed(200_000_000)
PNGS = {
    "twenty thousand pixels wide": PNG[:8] + header(20_000, 1) + BADGE + BODY,
    "twenty thousand pixels high": PNG[:8] + header(1, 20_000) + BADGE + BODY,
    "four thousand million pixels": PNG[:8] + header(2**32 - 1, 2**32 - 1) + BADGE + BODY,
    "no pixels": PNG[:8] + header(0, 1) + BADGE + BODY,
    "no header": PNG[:8] + BADGE + BODY,
    "a header that is too short": PNG[:8] + _chunk(b"IHDR", b"\0\0\0\1\0\0\0\1") + BADGE + BODY,
    "a header behind the badge": PNG[:8] + BADGE + PNG[8:],
    "a length beyond the end": _with((10_000).to_bytes(4) + BADGE[4:]),
    "a length of four gigabytes": _with(b"\xff\xff\xff\xff" + BADGE[4:]),
    "a length that is too short": _with((3).to_bytes(4) + BADGE[4:]),
    "a wrong checksum of the badge": _with(BADGE[:-4] + b"\0\0\0\0"),
    "a wrong checksum elsewhere": PNG[:29] + b"\0\0\0\0" + BADGE + BODY,
    "a hundred thousand chunks": _with(_chunk(b"teSt", b"") * 100_000, BADGE),
    "no end": _with(BADGE)[:-12],
    "a thousand badges": _with(BADGE * 1_000),
    "a bomb in zTXt": _with(_chunk(b"zTXt", b"openbadgecredential\0\0" + BOMB)),
    "a bomb in iTXt": _with(text_chunk(b"\1\0\0\0" + BOMB)),
    "a text that is packed and goes on": _with(text_chunk(b"\1\0\0\0" + zlib.compress(b"{}") + b"{}")),
    "two packed texts": _with(text_chunk(b"\1\0\0\0" + zlib.compress(b"{}") * 2)),
    "packed by an unknown method": _with(text_chunk(b"\1\1\0\0" + zlib.compress(b"{}"))),
    "packed by an unknown method in zTXt": _with(_chunk(b"zTXt", b"openbadgecredential\0\1" + zlib.compress(b"{}"))),
    "an unknown flag": _with(text_chunk(b"\2\0\0\0{}")),
    "a badge of nothing": _with(text_chunk(b"\0\0\0\0")),
    "a badge of more than a megabyte": _with(text_chunk(b"\0\0\0\0" + b" " * 1_000_001)),
    "a keyword and no more": _with(_chunk(b"iTXt", b"openbadgecredential")),
    "a badge in Latin-1": _with(_chunk(b"tEXt", b'openbadgecredential\0{"a":"\xe9"}')),
    "another kind of picture": b"GIF89a" + BADGE,
}


@pytest.mark.parametrize("name", PNGS)
def test_a_hostile_png_is_refused(name: str) -> None:
    assert refusal(unbake_png, PNGS[name]).code == "baking_refused"


@pytest.mark.parametrize("name", [name for name in PNGS if "badge" not in name and "text" not in name][:11])
def test_nothing_is_baked_into_a_broken_png(name: str) -> None:
    assert refusal(lambda png: bake_png(png, DOCUMENT), PNGS[name]).code == "baking_refused"


def _laughs(levels: int = 9) -> str:
    lines = ['<!ENTITY e0 "ha">'] + [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels)]
    return "<!DOCTYPE svg [" + "".join(lines) + "]>"


CREDENTIAL = "<ob:credential><![CDATA[{}]]></ob:credential>"
SVGS = {
    "a thousand million laughs": svg("<ob:credential>&e8;</ob:credential>", before=_laughs()),
    "one long entity, many times": svg(
        f"<ob:credential>{'&a;' * 50_000}</ob:credential>", before=f'<!DOCTYPE svg [<!ENTITY a "{"a" * 50_000}">]>'
    ),
    "a file of this machine": svg(
        "<ob:credential>&f;</ob:credential>", before='<!DOCTYPE svg [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    ),
    "an entity from elsewhere": svg(
        "<ob:credential>&f;</ob:credential>", before='<!DOCTYPE svg [<!ENTITY f SYSTEM "http://127.0.0.1:9/">]>'
    ),
    "declarations from elsewhere": svg("&f;" + CREDENTIAL, before='<!DOCTYPE svg SYSTEM "http://127.0.0.1:9/">'),
    "a parameter entity": svg(CREDENTIAL, before='<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>'),
    "attributes that stand nowhere": svg(
        "<ob:credential/>", before='<!DOCTYPE svg [<!ATTLIST ob:credential verify CDATA "a.b.c">]>'
    ),
    "half a million elements": svg("<g/>" * 500_000 + CREDENTIAL),
    "half a million levels": svg("<g>" * 300_000 + CREDENTIAL + "</g>" * 300_000),
    "two badges": svg(CREDENTIAL * 2),
    "two badges, one deep": svg(f"{CREDENTIAL}<g><g>{CREDENTIAL}</g></g>"),
    "a badge in a badge": svg(f"<ob:credential>{CREDENTIAL}</ob:credential>"),
    "two badges of different prefixes": svg(f'{CREDENTIAL}<x:credential xmlns:x="{NAMESPACE}">{{}}</x:credential>'),
    "a picture in a badge": svg("<ob:credential>{<g/>}</ob:credential>"),
    "a comment in a badge": svg('<ob:credential>{"a":1<!-- -->,"a":2}</ob:credential>'),
    "an instruction in a badge": svg('<ob:credential>{"a":1<?x y?>,"a":2}</ob:credential>'),
    "a token and a text": svg('<ob:credential verify="a.b.c">{}</ob:credential>'),
    "a text where a token belongs": svg('<ob:credential verify="{}"></ob:credential>'),
    "an empty token": svg('<ob:credential verify="">{}</ob:credential>'),
    "a badge of nothing": svg("<ob:credential> \n </ob:credential>"),
    "a badge of more than a megabyte": svg(f"<ob:credential>{'x' * 1_000_001}</ob:credential>"),
    "UTF-16": svg(CREDENTIAL).decode().encode("utf-16"),
    "UTF-16 without a mark": svg(CREDENTIAL).decode().encode("utf-16-le"),
    "UTF-16 that calls itself UTF-8": svg(CREDENTIAL, before='<?xml version="1.0" encoding="UTF-8"?>')
    .decode()
    .encode("utf-16"),
    "UTF-8 that calls itself UTF-16": svg(CREDENTIAL, before='<?xml version="1.0" encoding="UTF-16"?>'),
    "Latin-1": svg(CREDENTIAL, before='<?xml version="1.0" encoding="ISO-8859-1"?>'),
    "Latin-1 that does not say so": svg("<text>\xe9</text>" + CREDENTIAL).decode().encode("latin-1"),
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>' + svg(CREDENTIAL),
    "a prefix that nobody declared": svg(CREDENTIAL, attributes='xmlns="http://www.w3.org/2000/svg"'),
    "a page around the picture": b"<html>" + svg(CREDENTIAL) + b"</html>",
    "two pictures": svg(CREDENTIAL) * 2,
    "something behind the picture": svg(CREDENTIAL) + b"x",
    "no end": svg(CREDENTIAL)[:-6],
    "a NUL character": svg(CREDENTIAL + "\0"),
    "eight megabytes": svg(CREDENTIAL + " " * 8_000_000),
}


@pytest.mark.parametrize("name", SVGS)
def test_a_hostile_svg_is_refused(name: str) -> None:
    assert refusal(unbake_svg, SVGS[name]).code == "baking_refused"


@pytest.mark.parametrize("name", SVGS)
def test_nothing_is_baked_into_a_hostile_svg(name: str) -> None:
    assert refusal(lambda picture: bake_svg(picture, DOCUMENT), SVGS[name]).code == "baking_refused"


@pytest.mark.parametrize(
    ("picture", "badge"),
    [
        (svg('<ob:credential verify=" a.b.c\n"> </ob:credential>'), b"a.b.c"),
        (svg("<g><ob:credential>\n  <![CDATA[{}]]>\n</ob:credential></g>"), b"{}"),
        (svg('<ob:credential>{"a":<![CDATA["]]]]><![CDATA[>"}]]></ob:credential>'), b'{"a":"]]>"}'),
        (svg("<ob:credential>{&quot;a&quot;:&#34;&#x1F331;&#34;}</ob:credential>"), '{"a":"🌱"}'.encode()),
        (svg(f'<credential xmlns="{NAMESPACE}">{{}}</credential>'), b"{}"),
        (svg('<x:credential xmlns:x="https://other.example">{"no":1}</x:credential>' + CREDENTIAL), b"{}"),
        (b"\xef\xbb\xbf" + svg("<!-- outside --><?x outside?>" + CREDENTIAL), b"{}"),
        (
            svg(CREDENTIAL, before='<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg11.dtd">'),
            b"{}",
        ),
    ],
)
def test_every_honest_way_to_write_a_badge_is_read(picture: bytes, badge: bytes) -> None:
    assert unbake_svg(picture) == badge


def _mutated(seed: int, picture: bytes) -> bytes:
    """The picture with a few bytes changed, cut, doubled or swapped, the same for each seed."""
    chance = random.Random(seed)
    data = bytearray(picture)
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(data) or 1)
        end = min(len(data), start + chance.choice((1, 1, 2, 8, 64)))
        piece = bytes(data[start:end])
        match chance.randrange(5):
            case 0:
                data[start:end] = chance.randbytes(end - start)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = piece * chance.choice((1, 2, 300))
            case 3:
                elsewhere = chance.randrange(len(data) or 1)
                data[elsewhere:elsewhere] = piece
            case _:
                data[start:end] = chance.choice(
                    (b"\xff\xff\xff\xff", b"]]>", b"<", b"&a;", b"\0", b"openbadgecredential")
                )
    return bytes(data)


def _resealed(png: bytes) -> bytes:
    """A PNG whose checksums fit again as far as its lengths go, so that what is behind them is reached."""
    sealed, position = png[:8], 8
    while position + 12 <= len(png):
        end = position + 8 + int.from_bytes(png[position : position + 4])
        body = png[position + 4 : end]
        sealed += png[position : position + 4] + body + zlib.crc32(body).to_bytes(4)
        position = end + 4
    return sealed


PACKED = _with(text_chunk(b"\1\0en\0Badge\0" + zlib.compress(DOCUMENT)))
SEEDS: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "png": (unbake_png, bake_png(PNG, DOCUMENT)),
    "packed": (unbake_png, PACKED),
    "svg": (unbake_svg, bake_svg(SVG, DOCUMENT)),
    "token": (unbake_svg, bake_svg(SVG, JWS)),
}


@pytest.mark.parametrize("kind", SEEDS)
@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**64))
def test_a_changed_picture_gives_a_text_or_a_baking_error_and_nothing_else(kind: str, seed: int) -> None:
    unbake, picture = SEEDS[kind]
    changed = _mutated(seed, picture)
    for each in (changed, _resealed(changed)) if unbake is unbake_png else (changed,):
        try:
            badge = unbake(each)
        except BakingError:
            continue
        assert badge.decode()


@pytest.mark.parametrize("kind", ["png", "svg"])
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_a_changed_picture_takes_a_badge_that_comes_out_again_or_none(kind: str, seed: int) -> None:
    if kind == "png":
        picture, bake, unbake = _resealed(_mutated(seed, PNG)), bake_png, unbake_png
    else:
        picture, bake, unbake = _mutated(seed, SVG), bake_svg, unbake_svg
    try:
        baked = bake(picture, DOCUMENT)
    except BakingError:
        return
    assert unbake(baked) == DOCUMENT
