"""Turning templates into pages, each under a strict content security policy."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from practice_lms.services import lms_behind

SESSION_COOKIE: Final = "practice_lms_session"
HERE: Final = Path(__file__).parent


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    framed: bool = False,
    posts_to_tool: bool = False,
    frames_tool: bool = False,
    **context: Any,
) -> HTMLResponse:
    """A page of this LMS.

    `framed`: this LMS may show it in a frame of its own; `posts_to_tool`: it holds a form for the tool; `frames_tool`:
    it holds the tool's frame, and perhaps the one that keeps data for it.
    """
    lms = lms_behind(request)
    user = lms.signed_in(request.cookies.get(SESSION_COOKIE))
    html = (
        _environment()
        .get_template(template)
        .render(
            user=user, settings=lms.settings, plays=lms.settings.plays, tool=lms.tool, path=request.url.path, **context
        )
    )
    tool = " ".join(sorted({lms.settings.tool_url, lms.tool.origin, lms.tool.login_origin}))
    # The browser holds a form's redirects to form-action too: the tool's answer to a login leads back to /auth here.
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "form-action": f"'self' {lms.settings.front_url} {tool}"
        if posts_to_tool
        else f"'self' {lms.settings.front_url}",
        "frame-src": f"'self' {tool}" if frames_tool else "'none'",
        "frame-ancestors": "'self'" if framed else "'none'",
    }
    return HTMLResponse(html, status, headers=_headers(policy))


def auto_post(request: Request, action: str, fields: Mapping[str, str], *, heading: str) -> HTMLResponse:
    """A page that posts a form by itself, or by a button where scripts are off."""
    return page(
        request, "auto_post.html", framed=True, posts_to_tool=True, action=action, fields=dict(fields), heading=heading
    )


def _headers(policy: Mapping[str, str]) -> dict[str, str]:
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        # The tool may want to see where a launch came from, so the origin is told and nothing more.
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(when=_when, number=_number, words=_words)
    return environment


def _when(moment: datetime) -> str:
    """The machine's own zone, named, so that it can be set beside any other clock."""
    local = moment.astimezone()
    half = "am" if local.hour < 12 else "pm"
    return f"{local.day} {local:%b %Y}, {local.hour % 12 or 12}:{local:%M:%S} {half} {local:%Z}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _words(progress: str) -> str:
    """`PendingManual` as "Pending manual": the standard's names in a form people read."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in progress).strip()
    return spaced[:1].upper() + spaced[1:]
