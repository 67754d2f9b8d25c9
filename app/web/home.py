"""The front page, and the description of the API for people."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from app.web.api_view import describe
from app.web.pages import render

router = APIRouter(include_in_schema=False)


@router.get("/")
def front_page(request: Request) -> HTMLResponse:
    """What Waymark is, for whoever lands here."""
    return render(request, "home.html")


@router.get("/api/docs")
def api_page(request: Request) -> HTMLResponse:
    """The API's operations as a page of our own: nothing is loaded from elsewhere, and it prints."""
    return render(request, "api.html", describe(request.app.openapi()))


@router.get("/docs")
def docs_moved() -> RedirectResponse:
    """Where API documentation is usually looked for."""
    return RedirectResponse("/api/docs", status_code=308)


@router.get("/favicon.ico")
def favicon() -> RedirectResponse:
    """Browsers ask here first."""
    return RedirectResponse("/static/img/favicon.svg", status_code=308)


@router.get("/robots.txt")
def robots() -> PlainTextResponse:
    """Badges are for those who were given the link, not for search engines."""
    return PlainTextResponse(
        "User-agent: *\nDisallow: /credentials/\nDisallow: /s/\nDisallow: /claim/\nDisallow: /refresh/\n"
        "Disallow: /at/\n"
    )
