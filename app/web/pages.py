"""From a template and a dataclass to a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from app.core import days
from app.core.clock import now
from app.core.markdown import render as render_markdown
from app.learning.files.words import KIND_NAMES, size_words, taken_out

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_KEPT = 10_000
MOST_FRAGMENTS = 1_000
STATIC = Path(__file__).parent / "static"


@lru_cache(maxsize=2)
def environment(*, reload: bool = False) -> jinja2.Environment:
    """The Jinja environment: everything escaped, an unknown name is an error.

    Args:
        reload: look at each use whether a template's file was changed; for those who write one.
    """
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=reload,
    )
    env.globals["kept"] = Fragments()
    env.filters["markdown"] = markdown
    env.filters["day"] = days.day
    env.filters["day_of"] = days.day_of
    env.filters["moment"] = days.moment
    env.filters["iso"] = lambda moment: moment.isoformat()
    env.filters["file_kind"] = lambda media_type: KIND_NAMES.get(media_type, media_type)
    env.filters["file_size"] = size_words
    env.filters["taken_out"] = taken_out
    return env


class Fragments:
    """`kept(macro, …)` in a template: what a macro makes of the same values is made once.

    For macros that look at nothing but their values, and values that are the same for many pages or next to none: never
    what a badge says of its holder. Values are compared as such; what is changed gives another fragment.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Markup] = {}

    def __call__(self, macro: Callable[..., str], *values: Hashable) -> Markup:
        """The fragment, made now if it is not there. Two threads may both make it; either will do."""
        key = (macro, *values)
        found = self._made.get(key)
        if found is None:
            found = Markup(macro(*values))  # noqa: S704 - a macro escapes what it is given
            if len(found) <= LONGEST_KEPT:
                if len(self._made) >= MOST_FRAGMENTS:
                    self._made.pop(next(iter(self._made)), None)
                self._made[key] = found
        return found


def markdown(text: str) -> Markup:
    """A Markdown text as safe HTML. The same texts are shown again and again, so those of usual length are kept."""
    return _kept_markdown(text) if len(text) <= LONGEST_KEPT else _markdown(text)


def _markdown(text: str) -> Markup:
    return Markup(render_markdown(text))  # noqa: S704 - cleaned by core.markdown


_kept_markdown = lru_cache(maxsize=300)(_markdown)


def render(
    request: Request,
    template: str,
    context: Any = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """A page.

    Args:
        request: the request it answers.
        template: path below `templates/`.
        context: a dataclass whose fields become the template's names, or None.
        status: HTTP status.
        headers: further headers.
    """
    names: dict[str, Any] = {}
    if context is not None:
        names = {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}
    names.setdefault("session", getattr(request.state, "launch_session", None))
    names["request_path"] = request.url.path
    settings = request.app.state.runtime.settings
    names["base_url"] = settings.base_url
    names["now"] = now()
    html = environment(reload=settings.env != "production").get_template(template).render(names)
    return HTMLResponse(html, status_code=status, headers=headers)
