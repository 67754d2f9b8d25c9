"""The medallions are one family, the same bytes every time, and harmless in a stranger's viewer."""

import io
import re

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.programme.artwork import DOMAIN_COLOURS, Level, medallion_png, medallion_svg
from app.programme.artwork_letters import STROKES, drawable
from app.programme.artwork_motifs import MOTIFS

SVG = "{http://www.w3.org/2000/svg}"


def draw(code: str = "M01", *, colour: str = "A", level: Level = "basic", title: str = "What Makes IPS, IPS") -> str:
    return medallion_svg(
        code=code, title=title, domain_colour=colour, level=level, ring_text="IPS Vocational Specialist"
    )


def test_the_same_badge_is_drawn_with_the_same_bytes() -> None:
    assert draw() == draw()
    assert medallion_png(draw(), 96) == medallion_png(draw(), 96)


@pytest.mark.parametrize("size", [64, 512])
def test_a_png_is_square_of_the_asked_size_and_transparent_at_its_corners(size: int) -> None:
    picture = Image.open(io.BytesIO(medallion_png(draw(), size)))
    picture.load()

    assert (picture.format, picture.size, picture.mode) == ("PNG", (size, size), "RGBA")
    assert picture.getpixel((0, 0)) == (0, 0, 0, 0)
    assert picture.getpixel((size // 2, size // 100 + size // 32)) != (0, 0, 0, 0)


def test_no_two_modules_and_no_two_levels_look_alike() -> None:
    drawings = [draw(code) for code in (*MOTIFS, "M11", "M12")]
    drawings += [
        draw(level="advanced"),
        draw(level="stack"),
        *(draw(colour=key) for key in DOMAIN_COLOURS if key != "A"),
    ]
    # The code's letters alone do not count as a difference between modules: the motifs are compared by themselves.
    motifs = [
        re.findall(r'<g transform="translate\(256.*?(?=<circle cx="256" cy="256" r="176" fill="none")', d)[0]
        for d in drawings
    ]

    assert len(set(drawings)) == len(drawings)
    assert len(set(motifs[: len(MOTIFS)])) == len(MOTIFS)


@pytest.mark.parametrize("code", [*MOTIFS, "IPSV", "NEW-7"])
def test_a_medallion_is_plain_shapes_with_a_title_and_a_description(code: str) -> None:
    svg = draw(code, title='Open <Door> & "Reach"')
    root = ElementTree.fromstring(svg)
    tags = {element.tag for element in root.iter()}

    assert root.findtext(f"{SVG}title") == 'Open <Door> & "Reach"'
    assert code in root.findtext(f"{SVG}desc", "")
    assert root.get("role") == "img"
    assert tags <= {SVG + name for name in ("svg", "title", "desc", "g", "path", "circle", "ellipse", "polygon")}
    for element in root.iter():
        assert not any(name.startswith("on") or name.endswith("href") or name == "style" for name in element.attrib)
        assert not any("url(" in value for value in element.attrib.values())


def test_a_stack_bears_the_colours_of_the_badges_below_it_in_their_order() -> None:
    marks = ["A", "#574A8C", "D"]
    ring = draw_stack(marks).split('stroke="#fdfcf6" stroke-width="3"')[1]

    assert re.findall(r'l10 10-10 10-10-10Z" fill="(#[0-9a-f]{6})"', ring) == ["#1f5f54", "#574a8c", "#9a4526"]
    assert draw_stack(marks) == draw_stack(marks)
    assert len({draw_stack([]), draw_stack(marks), draw_stack(marks[::-1])}) == 3
    assert draw_stack([]).count("l10 10-10 10-10-10Z") == 10
    with pytest.raises(ValueError, match="neither a domain key"):
        draw_stack(["A", "red"])


def draw_stack(marks: list[str]) -> str:
    return medallion_svg(
        code="practitioner", title="Practitioner", domain_colour="A", level="stack", ring_text="IPS", marks=marks
    )


@pytest.mark.parametrize("colour", ["I", "", "red", "#12345", "#12345g", '#12345"'])
def test_a_colour_that_is_neither_key_nor_hex_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="neither a domain key"):
        draw(colour=colour)


def test_every_stroke_of_the_alphabet_can_be_rendered() -> None:
    for sign in STROKES:
        assert medallion_png(draw(f"A{sign}"), 32).startswith(b"\x89PNG")


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_words_can_run_around_the_ring(words: str) -> None:
    svg = medallion_svg(code=words[:5], title=words, domain_colour="C", level="stack", ring_text=words)

    assert set(drawable(words)) <= set(STROKES)
    assert medallion_png(svg, 16).startswith(b"\x89PNG")
