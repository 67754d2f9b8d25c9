"""Markdown to safe HTML: markdown-it without raw HTML, then an allow-list, because two locks are better than one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_TAGS = {
    "a", "blockquote", "br", "code", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "img", "li", "ol", "p",
    "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href"}, "img": {"src", "alt", "title", "width", "height", "loading"}, "th": {"scope"}, "ol": {"start"},
}  # fmt: skip
# A picture of a module: its address tells its size, so that a page keeps its place free and nothing jumps.
_OWN_PICTURE = re.compile(
    r"/programme/modules/[A-Za-z0-9-]+/\d+/media/[0-9a-f]{64}-(\d{1,5})x(\d{1,5})\.(?:png|jpg|webp)"
)


def render(markdown: str) -> str:
    """HTML of a Markdown text, safe to put into a page.

    A picture of a module that stands alone becomes a figure with its caption; what a link says in quotes stands after
    it in brackets, where everybody can read it.

    Args:
        markdown: CommonMark with tables; raw HTML in it is shown as text.
    """
    return nh3.clean(
        _PARSER.render(markdown),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


def stands_alone(children: Sequence[Token]) -> bool:
    """Whether a paragraph holds pictures and nothing else.

    Args:
        children: what the paragraph holds.
    """
    return any(each.type == "image" for each in children) and all(
        each.type in ("image", "softbreak") or (each.type == "text" and not each.content.strip()) for each in children
    )


def _figures(state: StateCore) -> None:
    """Make figures of paragraphs that hold our own pictures only."""
    tokens: list[Token] = []
    for token in state.tokens:
        tokens.append(token)
        is_whole = token.type == "paragraph_close" and tokens[-3].type == "paragraph_open"
        children = tokens[-2].children or [] if is_whole else []
        pictures = [each for each in children if each.type == "image"]
        sizes = [_OWN_PICTURE.fullmatch(str(each.attrGet("src"))) for each in pictures]
        if stands_alone(children) and all(sizes):
            html = "".join(_figure(each, size) for each, size in zip(pictures, sizes, strict=True) if size)
            tokens[-3:] = [Token("html_block", "", 0, content=html, block=True)]
    state.tokens = tokens


def _figure(picture: Token, size: re.Match[str]) -> str:
    caption = str(picture.attrGet("title") or "").strip()
    words = f"<figcaption>{escapeHtml(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><img src="{size[0]}" alt="{escapeHtml(picture.content)}" width="{size[1]}" height="{size[2]}" '
        f'loading="lazy">{words}</figure>\n'
    )


def _titles(state: StateCore) -> None:
    """Put what a link says in quotes behind it: most readers never see a title."""
    for token in state.tokens:
        if token.children:
            token.children = list(_with_titles(token.children))


def _with_titles(children: Sequence[Token]) -> Iterator[Token]:
    title = ""
    for child in children:
        yield child
        if child.type == "link_open":
            title = str(child.attrs.pop("title", "")).strip()
        elif child.type == "link_close" and title:
            yield Token("text", "", 0, content=f" ({title})")


_PARSER = MarkdownIt("commonmark", {"html": False, "typographer": True}).enable(
    ["table", "smartquotes", "replacements"]
)
_PARSER.core.ruler.push("figures", _figures)
_PARSER.core.ruler.push("titles", _titles)
