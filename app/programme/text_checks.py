"""What is wrong within a Markdown text: links that lead nowhere, titles, pictures, films without words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.core.markdown import stands_alone
from app.programme.errors import Problem
from app.programme.lesson_pictures import NAMED
from app.programme.schemas import Picture

MODULE_LINK = "/programme/modules/"
FILMS_AND_SOUNDS = (".mp4", ".webm", ".mov", ".ogv", ".mp3", ".ogg", ".m4a", ".wav")
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


def problems(
    file: str, text: str, *, modules: frozenset[str], linked: frozenset[str], media: Mapping[str, Picture | str]
) -> Iterator[Problem]:
    """Everything that is wrong within a text.

    Args:
        file: its path inside the programme's folder.
        text: CommonMark with tables.
        modules: keys of all modules, drafts too.
        linked: keys of those this text may link to.
        media: the pictures beside it that can be shown; why not, of the others.
    """
    if not text.strip():
        yield Problem(file, 1, "this file is empty")
    lines = text.split("\n")
    for token in _PARSER.parse(text):
        first, last = token.map or [0, 1]
        if token.type == "heading_open" and token.tag == "h1":
            yield Problem(file, first + 1, "the page has its title already: begin headings with `##`")
        children = token.children or ()
        for child in children:
            target = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if isinstance(target, str):
                line = next((n for n in range(first, last) if target in lines[n]), first)
                said = (
                    _of_picture(child, target, media, alone=stands_alone(children))
                    if child.type == "image"
                    else _of_link(child, target, modules, linked)
                )
                for message in said:
                    yield Problem(file, line + 1, message)


def _of_picture(token: Token, target: str, media: Mapping[str, Picture | str], *, alone: bool) -> Iterator[str]:
    if not token.content.strip():
        yield f"the picture `{target}` has no words for those who cannot see it: write them between `![` and `]`"
    if not str(token.attrGet("title") or "").strip():
        yield f'the picture `{target}` has no caption: write it in quotes after the address, `(address "caption")`'
    if not alone:
        yield f"the picture `{target}` stands within a text: put an empty line before and after it"
    known = media.get(target)
    if target.startswith(("http:", "https:", "//")):
        yield (
            f"the picture `{target}` lies elsewhere, and no browser shows it: a learner's browser asks no other place, "
            "which would learn who is here. Save the picture in the folder `media` of this module and write "
            "`media/` and its name"
        )
    elif not NAMED.fullmatch(target):
        yield (
            f"the picture `{target}` cannot be used: pictures lie in the folder `media` of this module, and their "
            "names have letters, digits, `-`, `_` and `.`"
        )
    elif known is None:
        yield f"the picture `{target}` does not exist in the folder of this module"
    elif isinstance(known, str):
        yield f"the picture `{target}` {known}"


def _of_link(token: Token, target: str, modules: frozenset[str], linked: frozenset[str]) -> Iterator[str]:
    if urlsplit(target).path.lower().endswith(FILMS_AND_SOUNDS) and not token.attrGet("title"):
        yield (
            f"say where the captions or the transcript of `{target}` are: in quotes after the address, "
            '`(address "Captions: …")`'
        )
    problem = _link_problem(target, modules, linked)
    if problem is not None:
        yield problem


def _link_problem(target: str, modules: frozenset[str], linked: frozenset[str]) -> str | None:
    if target.startswith(("https://", "mailto:")):
        return None
    if target.startswith(MODULE_LINK):
        key = target.removeprefix(MODULE_LINK)
        if key in linked:
            return None
        if key in modules:
            return f"the link `{target}` leads to a draft, which no learner can open: publish it first"
    return (
        f"the link `{target}` leads nowhere: link to an https:// address or to `{MODULE_LINK}` and a module of "
        "this programme"
    )
