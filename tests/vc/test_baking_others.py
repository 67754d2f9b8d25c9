"""Others read what we bake and we read what they bake; whatever the picture, what is not ours stays as it was."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openbadgeslib import baking as theirs

from app.vc.baking import bake_png, bake_svg, unbake_png, unbake_svg
from app.vc.errors import BakingError

from .test_baking import DOCUMENT, JWS, PNG, SVG, _chunk

TEXTS = st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()).map(str.encode)
JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps({"badge": value}, ensure_ascii=False))
KEYWORD = b"openbadgecredential"


def _encodable(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def plain_reader(picture: bytes) -> object:
    """As wallets in the field do it: look for the keyword, and parse the JSON that follows."""
    text = picture.decode("utf-8", "replace")
    start = text.index("{", text.index(KEYWORD.decode()))
    return json.JSONDecoder().raw_decode(text, start)[0]


@pytest.mark.parametrize("document", [DOCUMENT, JWS])
def test_their_bakery_reads_what_ours_bakes(document: bytes) -> None:
    assert theirs.extract_png(bake_png(PNG, document), keyword=theirs.ITXT_KEYWORD_OB3) == document.decode()
    svg = bake_svg(SVG, document)
    assert theirs.extract_svg(svg, element=theirs.SVG_ELEMENT_OB3, text_fallback=True) == document.decode()
    assert theirs.has_png(bake_png(PNG, document), keyword=theirs.ITXT_KEYWORD_OB3)
    assert theirs.has_svg(svg, element=theirs.SVG_ELEMENT_OB3)


@pytest.mark.parametrize("document", [DOCUMENT, JWS])
def test_our_bakery_reads_what_theirs_bakes(document: bytes) -> None:
    text = document.decode()
    assert unbake_png(theirs.bake_png(PNG, text, "made elsewhere", keyword=theirs.ITXT_KEYWORD_OB3)) == document
    svg = theirs.bake_svg(
        SVG, text, "made elsewhere", element=theirs.SVG_ELEMENT_OB3, namespace=theirs.SVG_NS_OB3,
        as_text=document is DOCUMENT,
    )  # fmt: skip
    assert unbake_svg(svg) == document


def test_what_theirs_baked_for_the_older_standard_is_not_ours_and_stays() -> None:
    older = theirs.bake_png(PNG, "a.b.c")
    with pytest.raises(BakingError) as caught:
        unbake_png(older)
    assert caught.value.code == "baking_missing"
    assert theirs.extract_png(bake_png(older, DOCUMENT)) == "a.b.c"


def test_a_reader_that_only_looks_for_the_keyword_finds_the_badge() -> None:
    assert plain_reader(bake_png(PNG, DOCUMENT)) == json.loads(DOCUMENT)


CHUNK_KINDS = st.sampled_from([b"tEXt", b"iTXt", b"gAMA", b"pHYs", b"prIv", b"IDAT", b"zzZz"])


@st.composite
def pngs(draw: st.DrawFn) -> bytes:
    """Any sound PNG: header, whatever chunks in between, an end, and perhaps something behind it."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    row = b"\0" + draw(st.binary(min_size=width, max_size=width))
    before, after = (
        [_chunk(draw(CHUNK_KINDS), draw(st.binary(max_size=60))) for _ in range(draw(st.integers(0, 4)))]
        for _ in range(2)
    )
    pixels = _chunk(b"IDAT", zlib.compress(row * height))
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    tail = draw(st.binary(max_size=20))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *before, pixels, *after, _chunk(b"IEND", b""), tail])


@settings(deadline=None)
@given(pngs(), JSON_TEXTS.filter(_encodable))
def test_any_sound_png_takes_any_badge_and_keeps_every_byte_of_its_own(png: bytes, text: str) -> None:
    document = text.encode()
    baked = bake_png(png, document)
    assert unbake_png(baked) == document
    insert = _chunk(b"iTXt", KEYWORD + b"\0\0\0\0\0" + document)
    start = baked.index(insert)
    assert baked[:start] + baked[start + len(insert) :] == png
    assert bake_png(baked, b"{}") == bake_png(png, b"{}")


SPACES = st.text(" \t\n", max_size=3)
NAMES = st.sampled_from(["g", "path", "title", "rect", "metadata"])
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="<&>\"'￾￿"), max_size=10
)


@st.composite
def svgs(draw: st.DrawFn) -> bytes:
    """Any sound SVG: comments and a declaration before its root, a prefix or none, attributes in either quotes."""
    space = draw(SPACES)
    prefix = draw(st.sampled_from(["", "s:", "svg:"]))
    xmlns = "xmlns:" + prefix[:-1] if prefix else "xmlns"
    quote = draw(st.sampled_from("\"'"))
    extra = "".join(f" data-{n}={quote}{word}>{quote}" for n, word in enumerate(draw(st.lists(WORDS, max_size=3))))
    start = f"<{prefix}svg{space} {xmlns}={quote}http://www.w3.org/2000/svg{quote}{extra}{space}"
    before = draw(st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>\n', "<?xml version='1.0'?>"]))
    before += "".join(f"<!-- {word.replace('-', '')} > -->" for word in draw(st.lists(WORDS, max_size=2)))
    if draw(st.booleans()):
        return (before + start + "/>" + space).encode()
    inside = "".join(
        f"<{prefix}{name}{space}>{word}</{prefix}{name}>\r\n"
        for name, word in draw(st.lists(st.tuples(NAMES, WORDS), max_size=4))
    )
    return (before + start + ">" + inside + f"</{prefix}svg{space}>" + space).encode()


@settings(deadline=None)
@given(svgs(), JSON_TEXTS.filter(_encodable))
def test_any_sound_svg_takes_any_badge_and_keeps_every_byte_of_its_own(svg: bytes, text: str) -> None:
    document = text.encode()
    try:
        baked = bake_svg(svg, document)
    except BakingError:
        # XML has no way to write these characters as they are, so JSON has to escape them.
        assert not all(c in "\t\n" or 0x20 <= ord(c) < 0xFFFE or ord(c) > 0xFFFF for c in text)
        return
    assert unbake_svg(baked) == document
    opened = baked.index(b"<openbadges:credential>")
    closed = baked.index(b"</openbadges:credential>") + len(b"</openbadges:credential>")
    rest = (baked[:opened] + baked[closed:]).replace(b' xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"', b"", 1)
    if svg.rstrip().endswith(b"/>"):
        rest = rest.partition(b"></")[0] + b"/>" + svg[svg.rindex(b"/>") + 2 :]
    assert rest == svg


@settings(deadline=None)
@given(TEXTS)
def test_any_text_that_is_baked_comes_out_byte_for_byte_or_is_not_baked(document: bytes) -> None:
    assert unbake_png(bake_png(PNG, document)) == document
    try:
        baked = bake_svg(SVG, document)
    except BakingError:
        return
    assert unbake_svg(baked) == document


@pytest.mark.parametrize("document", [b'{"a":1}\0', b" {}", b"{}\n", b'{"a":\r\n1}', b'{"a":"\x01"}'])
def test_a_badge_that_xml_would_not_give_back_is_not_baked_into_an_svg(document: bytes) -> None:
    with pytest.raises(BakingError) as caught:
        bake_svg(SVG, document)
    assert caught.value.code == "baking_refused"


def test_a_nul_character_is_not_baked_into_a_png_either() -> None:
    with pytest.raises(BakingError):
        bake_png(PNG, b'{"a":1}\0')
