"""The repository's Markdown pages: their text, links, pictures, headings and shell commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT

# Programme texts have links of their own kind (to modules), which `waymark programme check` judges.
_ELSEWHERE = ("programme", "node_modules", "build")
_ATTRIBUTE = re.compile(r'<(a|img)\b[^>]*?\b(?:href|src)="([^"]*)"', re.IGNORECASE)
_IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_ID = re.compile(r'\bid="([^"]+)"')
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """What is written in it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _tokens(self) -> list[Token]:
        return list(_flat(MarkdownIt("commonmark", {"html": True}).enable("table").parse(self.text)))

    @property
    def targets(self) -> list[str]:
        """Where its links and pictures point to, those written as HTML too."""
        found = [str(value) for token in self._tokens if (value := token.attrGet("href") or token.attrGet("src"))]
        html = "".join(token.content for token in self._tokens if token.type in ("html_block", "html_inline"))
        return found + [target for _tag, target in _ATTRIBUTE.findall(html)]

    @property
    def html_pictures(self) -> list[str]:
        """Its `<img>` tags."""
        return _IMG.findall(self.text)

    @property
    def anchors(self) -> set[str]:
        """The fragments by which one can point into it, made as GitHub makes them."""
        seen: dict[str, int] = {}
        found = set(_ID.findall(self.text))
        for before, token in zip(self._tokens, self._tokens[1:], strict=False):
            if before.type == "heading_open":
                plain = "".join(each.content for each in token.children or () if each.type in ("text", "code_inline"))
                slug = _NOT_IN_ANCHORS.sub("", plain.strip().lower()).replace(" ", "-")
                count = seen.get(slug, 0)
                seen[slug] = count + 1
                found.add(f"{slug}-{count}" if count else slug)
        return found

    @property
    def shell_commands(self) -> list[list[str]]:
        """The commands of its shell blocks as words; comments left out, continued lines joined."""
        blocks = [token.content for token in self._tokens if token.type == "fence" and token.info.strip() == "sh"]
        lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]

    @property
    def code_spans(self) -> list[str]:
        """What stands between backticks inside sentences and tables."""
        return [token.content for token in self._tokens if token.type == "code_inline"]


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def all_pages() -> list[Page]:
    """Every Markdown file of the repository that people read."""
    paths = [
        path
        for path in sorted(ROOT.rglob("*.md"))
        if not any(part in _ELSEWHERE or part.startswith(".") for part in path.relative_to(ROOT).parts[:-1])
    ]
    return [Page(path) for path in paths]


def page(name: str) -> Page:
    """One page by its path in the repository."""
    return Page(ROOT / name)
