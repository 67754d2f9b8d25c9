"""The palette keeps WCAG 2.2 AA contrast (1.4.3 text 4.5:1, 1.4.11 controls 3:1) in light and in dark."""

import re
from pathlib import Path

import pytest

import app.web

CSS = Path(app.web.__file__).parent / "static" / "css"
GROUNDS = ("paper", "sheet")
TEXT = ("ink", "ink-soft", "link", "link-hover", "brand", "danger-ink")
TONES = ("success", "caution", "danger", "info", "neutral")


def tokens(mode: str) -> dict[str, str]:
    source = (CSS / "tokens.css").read_text()
    light, dark = source.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    if mode == "dark":
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark))
    return found


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_pairs() -> list[tuple[str, str]]:
    pairs = [(text, ground) for text in TEXT for ground in GROUNDS]
    pairs += [(f"{tone}-ink", f"{tone}-soft") for tone in TONES]
    pairs += [("ink", f"{tone}-soft") for tone in TONES] + [("ink-soft", f"{tone}-soft") for tone in TONES]
    pairs += [("sheet", f"{tone}-ink") for tone in TONES]  # the verdict's icon on its tile
    pairs += [
        ("on-brand", "brand"),
        ("on-brand", "brand-strong"),
        ("brand", "brand-soft"),
        ("brand-strong", "brand-soft"),
    ]
    pairs += [("ink", "brand-soft"), ("ink-soft", "brand-soft"), ("on-wattle", "wattle"), ("ink-soft", "neutral-soft")]
    pairs += [("caution-ink", "paper"), ("info-ink", "paper"), ("success-ink", "paper"), ("success-ink", "sheet")]
    return pairs


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), text_pairs())
def test_words_can_be_read(mode: str, text: str, ground: str) -> None:
    palette = tokens(mode)
    assert contrast(palette[text], palette[ground]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", [*GROUNDS, "brand-soft", "neutral-soft", *(f"{tone}-soft" for tone in TONES)])
@pytest.mark.parametrize("edge", ["line-strong", "focus", "brand"])
def test_edges_of_controls_and_the_focus_ring_can_be_seen(mode: str, edge: str, ground: str) -> None:
    palette = tokens(mode)
    assert contrast(palette[edge], palette[ground]) >= 3


def test_every_colour_of_the_pages_comes_from_the_tokens() -> None:
    for name in ("base", "components", "forms", "pages"):
        source = (CSS / f"{name}.css").read_text()
        stray = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", source))
        assert not stray, f"{name}.css has its own colours {stray}"


def test_every_token_a_style_uses_is_defined() -> None:
    defined = set(re.findall(r"--([\w-]+):", (CSS / "tokens.css").read_text()))
    for sheet in CSS.glob("*.css"):
        used = set(re.findall(r"var\(--([\w-]+)", sheet.read_text()))
        assert used <= defined, f"{sheet.name} uses undefined {used - defined}"
