"""Markdown to safe HTML: markdown-it without raw HTML, then an allow-list, because two locks are better than one."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": False, "typographer": True}).enable(
    ["table", "smartquotes", "replacements"]
)
_TAGS = {
    "a", "blockquote", "br", "code", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "img", "li", "ol", "p",
    "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "th": {"scope"}, "ol": {"start"}}


def render(markdown: str) -> str:
    """HTML of a Markdown text, safe to put into a page.

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
