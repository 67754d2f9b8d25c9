"""The front page, and the description of the API for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from app.web.pages import render

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    place: str
    required: bool
    description: str


@dataclass(frozen=True)
class Answer:
    """One answer an operation may give."""

    status: str
    description: str


@dataclass(frozen=True)
class Operation:
    """One operation of the API."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body_types: tuple[str, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class ApiPage:
    """What the API page shows."""

    title: str
    version: str
    description: str
    operations: tuple[Operation, ...]


@router.get("/")
def front_page(request: Request) -> HTMLResponse:
    """What Waymark is, for whoever lands here."""
    return render(request, "home.html")


@router.get("/api/docs")
def api_page(request: Request) -> HTMLResponse:
    """The API's operations as a page of our own: nothing is loaded from elsewhere, and it prints."""
    return render(request, "api.html", _describe(request.app.openapi()))


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
        "User-agent: *\nDisallow: /credentials/\nDisallow: /s/\nDisallow: /claim/\nDisallow: /at/\n"
    )


def _describe(document: dict[str, Any]) -> ApiPage:
    operations = []
    for path, methods in sorted(document.get("paths", {}).items()):
        for method, details in methods.items():
            operations.append(_operation(method, path, details))
    info = document["info"]
    return ApiPage(info["title"], info["version"], info.get("description", ""), tuple(operations))


def _operation(method: str, path: str, details: dict[str, Any]) -> Operation:
    parameters = tuple(
        Parameter(item["name"], item["in"], item.get("required", False), item.get("description", ""))
        for item in details.get("parameters", ())
    )
    answers = tuple(
        Answer(status, answer.get("description", "")) for status, answer in details.get("responses", {}).items()
    )
    body = tuple(details.get("requestBody", {}).get("content", {}))
    return Operation(
        method.upper(), path, details.get("summary", ""), details.get("description", ""), parameters, body, answers
    )
