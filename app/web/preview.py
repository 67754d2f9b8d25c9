"""A module as its author wants to look at it: the learner's pages with every answer, and what the check says of it.

An application of its own without a database, for `waymark programme preview`; nothing of it is part of the tool that
learners use.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from app.programme import lesson_pictures, readings
from app.programme.achievements import duration
from app.programme.frameworks import Competency, FidelityItem, PracticeElement
from app.programme.readings import ModuleReading
from app.programme.schemas import Activity, ActivityKind, Module
from app.web.catalogue import effort, rubric_rows
from app.web.learner_path import KIND_WORDS, fields_of
from app.web.middleware import CONTENT_SECURITY_POLICY
from app.web.pages import STATIC, environment

WORDS: dict[ActivityKind, str] = {
    "lesson": "lesson",
    "knowledge_check": "knowledge check",
    "exercise": "workplace exercise",
    "reflection": "reflection",
    "observation": "observation",
    "attendance": "attendance",
}


@dataclass(frozen=True)
class Around:
    """What the learner's templates ask of a session: where the links of this preview begin."""

    root: str
    module_key: str | None = None
    context_title: str = "Preview for authors"


@dataclass(frozen=True)
class Step:
    """One step of the module, as `ui.step_list` wants it."""

    title: str
    status: str
    effort: str
    detail: str
    href: str


@dataclass(frozen=True)
class NotBegun:
    """How far a learner is who has not begun."""

    state: str = "not_started"


def create_preview(folder: Path) -> FastAPI:
    """The preview of a programme's folder; every page reads the files anew.

    Args:
        folder: holds `programme.yaml`.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    # A page of another site could give its own name this computer's address, and read every answer under it.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", "::1"])

    @app.middleware("http")
    async def with_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers["Content-Security-Policy"] = "; ".join((*CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"))
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/preview/{key}")
    @app.get("/programme/modules/{key}")
    def begin(key: str) -> RedirectResponse:
        return RedirectResponse(f"/preview/{key if key in readings.module_names(folder) else 'unknown'}/module")

    @app.get("/preview/{key}/module")
    def module_page(request: Request, key: str) -> HTMLResponse:
        return _page(request, folder, key, None)

    @app.get("/preview/{key}/activity/{activity}")
    def activity_page(request: Request, key: str, activity: str) -> HTMLResponse:
        return _page(request, folder, key, activity)

    @app.get("/programme/modules/{key}/{version}/media/{name}")
    def picture(key: str, version: int, name: str) -> Response:
        module = readings.read_module(folder, key).module if key in readings.module_names(folder) else None
        known = lesson_pictures.found(module.media, name) if module and module.version == version else None
        if known is None:
            return HTMLResponse("There is no such picture.", status_code=404)
        return Response(known[0], media_type=known[1])

    return app


def _page(request: Request, folder: Path, key: str, activity_key: str | None) -> HTMLResponse:
    if key not in readings.module_names(folder):
        return HTMLResponse("There is no such module.", status_code=404)
    reading = readings.read_module(folder, key)
    names: dict[str, Any] = {
        "session": Around(f"/preview/{key}"),
        "request_path": request.url.path,
        "key": key,
        "module": reading.module,
        "is_draft": reading.is_draft,
        "findings": reading.findings,
        "errors": sum(problem.is_error for problem in reading.findings),
    }
    if activity_key is None or reading.module is None:
        return _rendered("preview/module.html", {**names, **_module_names(reading, key)})
    activities = reading.module.activities
    index = next((number for number, activity in enumerate(activities) if activity.key == activity_key), None)
    if index is None:
        return HTMLResponse("This module has no such step.", status_code=404)
    return _rendered("preview/activity.html", {**names, **_activity_names(activities, index, key)})


def _module_names(reading: ModuleReading, key: str) -> dict[str, Any]:
    module, programme = reading.module, reading.programme
    if module is None or programme is None:
        return {}
    competencies: list[Competency] = [c for c in programme.competencies if c.id in module.competencies]
    items: list[FidelityItem] = [item for item in programme.fidelity_items if item.id in module.fidelity_items]
    elements: list[PracticeElement] = [e for e in programme.practice_elements if e.id in module.youth_elements]
    return {
        "steps": [_step(activity, key) for activity in module.activities],
        "rubric": rubric_rows(module),
        "validity": duration(module.validity_months),
        "competencies": competencies,
        "fidelity_items": items,
        "practice_elements": elements,
        "renewed_by": _titles(module),
    }


def _titles(module: Module) -> list[str]:
    return [activity.title for activity in module.activities if activity.key in module.renewal_activities]


def _step(activity: Activity, key: str) -> Step:
    words = _words(activity).capitalize()
    if activity.kind == "observation" and not activity.required:
        words += ", not required"
    return Step(activity.title, "todo", effort(activity.minutes), words, f"/preview/{key}/activity/{activity.key}")


def _activity_names(activities: tuple[Activity, ...], index: int, key: str) -> dict[str, Any]:
    activity = activities[index]
    before = activities[index - 1] if index else None
    after = activities[index + 1] if index + 1 < len(activities) else None
    return {
        "activity": activity,
        "fields": fields_of(activity) if activity.kind in ("exercise", "reflection") else (),
        "number": index + 1,
        "total": len(activities),
        "kind_words": _words(activity),
        "state": NotBegun(),
        "locked": False,
        "previous": before and (before.title, f"/preview/{key}/activity/{before.key}"),
        "next": (after.title, f"/preview/{key}/activity/{after.key}")
        if after
        else ("Back to the module", f"/preview/{key}/module"),
    }


def _words(activity: Activity) -> str:
    return KIND_WORDS.get(activity.kind) or WORDS[activity.kind]


def _rendered(template: str, names: dict[str, Any]) -> HTMLResponse:
    return HTMLResponse(environment(reload=True).get_template(template).render(names))
