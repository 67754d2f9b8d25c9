"""For those who run the server: is it alive, is it ready, how is it doing.

None of the three waits for the database: it may hang, and these are the addresses that must say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.awards import overrides
from app.awards.batches.control import tell as tell_batches
from app.awards.consequences import jobs as consequences
from app.core import audit_seal, metrics, migrations, outbox
from app.core.db import FileReplaced, ReadSession
from app.core.db_state import is_read_only
from app.core.db_trouble import Trouble, trouble_of
from app.core.logging import get_logger
from app.core.outbox_overdue import overdue_seconds
from app.core.runtime import Runtime
from app.core.secrets import SecretUnreadable
from app.issuer import service as issuer
from app.issuer import status_watch
from app.issuer.status import LIFETIME
from app.lti.scores import tell_states
from app.lti.tool_key_check import ToolKeysUnreadable, check_tool_keys
from app.messages.expiring import tell_due
from app.pathways.coverage_months import tell_due as tell_coverage_due
from app.pathways.jobs import tell_due as tell_standings_due
from app.web.probe import Probe

log = get_logger()
router = APIRouter(include_in_schema=False)

OLD_OUTBOX_SECONDS = 600
SECONDS_FOR_AN_ANSWER = 3.0
OK = "ok"
CHECKS = ("database", "migrations", "keys", "outbox")
# Told, but no reason to send visitors away: the next one who asks for an old list has it signed.
WARNINGS = ("status_lists",)
NO_ANSWER = "not answering"
NO_CACHE = {"Cache-Control": "no-store"}
IN_TROUBLE = {
    Trouble.GONE: NO_ANSWER,
    Trouble.BUSY: "too busy to answer",
    Trouble.READ_ONLY: "read-only: nothing can be saved",
    Trouble.FULL: "full: nothing can be saved",
}
OF_ANOTHER_FORM = {
    "older": "missing: run waymark migrate",
    "newer": "newer than this version of Waymark: run the version that migrated the database",
}


@dataclass
class State:
    """How it is doing, as the database tells it: each check in words, and figures if the database has our form."""

    checks: dict[str, str] = field(default_factory=dict)
    has_figures: bool = False
    credential_versions: int = 0
    overdue_seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether every check that decides was made and is ok."""
        return all(self.checks.get(name) == OK for name in CHECKS)


@router.get("/healthz")
async def alive() -> PlainTextResponse:
    """The process answers. Async, so that it does so even when all threads wait for the database."""
    return PlainTextResponse("ok\n", headers=NO_CACHE)


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """The process can do its work: database, migrations, keys, outbox; 503 names what is wrong.

    Status lists that nobody signs are told as well, with 200.
    """
    state = await _state(request)
    if not state.good:
        log.error("readiness.not_ready", **state.checks)
    elif any(words != OK for words in state.checks.values()):
        log.warning("readiness.warned", **state.checks)
    body = {"ready": state.good, "checks": state.checks}
    return JSONResponse(body, status_code=200 if state.good else 503, headers=NO_CACHE)


@router.get("/metrics")
async def metrics_page(request: Request) -> PlainTextResponse:
    """Figures for Prometheus; no personal data in them. What is only in the database is left out while it is away."""
    state = await _state(request)
    metrics.CHECK_OK.clear()
    for name, words in state.checks.items():
        metrics.CHECK_OK.labels(name).set(words == OK)
    figures = metrics.told()
    if state.has_figures:
        metrics.CREDENTIAL_VERSIONS.set(state.credential_versions)
        metrics.OUTBOX_OVERDUE.set(state.overdue_seconds)
        figures += generate_latest(metrics.FROM_DATABASE)
    return PlainTextResponse(figures, media_type=CONTENT_TYPE_LATEST, headers=NO_CACHE)


async def _state(request: Request) -> State:
    """How the process is doing, within seconds; a database that has not answered by then does not answer.

    What an endpoint depends on is fetched by a thread of the pool, so this takes it by itself.
    """
    kept = request.app.state
    if not hasattr(kept, "probe"):
        kept.probe = Probe(lambda: look(kept.runtime))
    state: State | None = await kept.probe.answer(SECONDS_FOR_AN_ANSWER)
    return state or State({"database": NO_ANSWER})


def look(runtime: Runtime) -> State:
    """Ask the database for everything that is to be told. Never raises: what went wrong is what is told."""
    state = State()
    try:
        read_only = is_read_only(runtime.database)
        with runtime.database.read() as session:
            _look(runtime, session, state)
        state.checks["database"] = IN_TROUBLE[Trouble.READ_ONLY] if read_only else OK
    except Exception as error:  # noqa: BLE001 - whatever it is, this process cannot do its work, and it is told
        log.error("readiness.check_failed", error=type(error).__name__)
        state.checks["database"] = _what_ails(error)
        state.has_figures = False
    state.checks = {name: state.checks[name] for name in (*CHECKS, *WARNINGS) if name in state.checks}
    return state


def _what_ails(error: Exception) -> str:
    if isinstance(getattr(error, "orig", None), FileReplaced):
        return "another file was put in its place: start again"
    trouble = trouble_of(error)
    return IN_TROUBLE[trouble] if trouble else f"a check failed: {type(error).__name__}"


def _look(runtime: Runtime, session: ReadSession, state: State) -> None:
    form = migrations.form(session)
    if form != "current":
        state.checks["migrations"] = OF_ANOTHER_FORM[form]
        return  # tables of another form would tell nothing of use
    state.checks["migrations"] = OK
    state.checks["keys"] = _keys(runtime, session)
    state.overdue_seconds = overdue_seconds(session)
    old = state.overdue_seconds > OLD_OUTBOX_SECONDS
    state.checks["outbox"] = f"old: {state.overdue_seconds:.0f} s; is a worker running?" if old else OK
    state.checks["status_lists"] = _status_lists(session)
    outbox.health(session)  # sets its gauges
    tell_states(session)
    state.credential_versions = issuer.count_versions(session)
    issuer.tell_resting(session)
    tell_due(session)
    tell_standings_due(session)
    tell_coverage_due(session)
    consequences.tell(session)
    tell_batches(session)
    overrides.waiting(session)
    audit_seal.tell_unsealed(session)
    state.has_figures = True


def _status_lists(session: ReadSession) -> str:
    lists = status_watch.health(session)
    if not lists.is_old:
        return OK
    return f"old: signed {lists.age.days} days ago, good for {LIFETIME.days}; is a worker running?"


def _keys(runtime: Runtime, session: ReadSession) -> str:
    try:
        issuer.check_keys(session, runtime.secret_box)
        check_tool_keys(session, runtime.secret_box)
    except ToolKeysUnreadable:
        return "those for LMSs cannot be opened: is WAYMARK_SECRET_KEY the one they were made with?"
    except SecretUnreadable:
        return "cannot be opened: is WAYMARK_SECRET_KEY the one they were made with?"
    return OK
