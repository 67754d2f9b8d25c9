"""For those who run the server: is it alive, is it ready, how is it doing."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.core import metrics, migrations, outbox
from app.core.db import ReadSession
from app.core.logging import get_logger
from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer.errors import KeysUnreadable
from app.web.dependencies import App

log = get_logger()
router = APIRouter(include_in_schema=False)

OLD_OUTBOX_SECONDS = 600


@router.get("/healthz")
def alive() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def ready(runtime: App) -> JSONResponse:
    """The process can do its work: database, migrations, keys, outbox; 503 names what is wrong."""
    checks: dict[str, str] = {}
    try:
        with runtime.database.read() as session:
            session.exec(sa.text("SELECT 1"))  # type: ignore[call-overload]
            checks["database"] = "ok"
            current = migrations.current(session) == migrations.head()
            checks["migrations"] = "ok" if current else "missing: run waymark migrate"
            checks["keys"] = _keys(runtime, session)
            state = outbox.health(session)
            old = state.oldest_seconds > OLD_OUTBOX_SECONDS
            checks["outbox"] = f"old: {state.oldest_seconds:.0f} s; is a worker running?" if old else "ok"
    except sa.exc.SQLAlchemyError as error:
        log.error("readiness.database", error=type(error).__name__)
        checks.setdefault("database", "not answering")
    good = all(value == "ok" for value in checks.values())
    return JSONResponse({"ready": good, "checks": checks}, status_code=200 if good else 503)


def _keys(runtime: Runtime, session: ReadSession) -> str:
    try:
        issuer.check_keys(session, runtime.secret_box)
    except KeysUnreadable:
        return "cannot be opened: is WAYMARK_SECRET_KEY the one they were made with?"
    return "ok"


@router.get("/metrics")
def metrics_page(runtime: App) -> PlainTextResponse:
    """Figures for Prometheus; no personal data in them."""
    try:
        with runtime.database.read() as session:
            outbox.health(session)
            metrics.CREDENTIAL_VERSIONS.set(issuer.count_versions(session))
    except sa.exc.SQLAlchemyError:
        log.warning("metrics.database_unavailable")
    return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)
