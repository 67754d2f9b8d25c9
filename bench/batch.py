"""`batch`: many badges from one upload, worked by two workers on PostgreSQL while the API goes on answering."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from app.api import clients
from app.api.limits import MOST_PER_MINUTE
from app.cli.bench_timing import Effort, interleave
from app.config import Settings
from app.core import migrations
from app.core.audit import OPERATOR
from app.issuer.keys import issuer_by_key, open_keys
from app.issuer.models import CredentialVersion
from app.vc.keys import Ed25519Signer
from app.verifier.schemas import Presented
from app.wiring import ISSUER_KEY, Services, bind, prepare
from bench.badges import MODULE
from bench.client import Answer, Connection
from bench.node_peer import STACKS, NodePeer, PeerAbsent, PeerFailed, install, stack_name
from bench.servers import BASE_URL, ROOT, Server, ServerFailed, settings_in, waymark
from bench.shape import Figure, Plan, Result, Row, Size, row

OURS: Final = "Waymark, from upload to the last badge"
MEANWHILE: Final = "a call of the API meanwhile"
STACK: Final = STACKS[0]
ROWS: Final[Mapping[Size, int]] = {"tiny": 8, "small": 1_000, "full": 20_000}
WORKERS: Final = 2
PATIENCE_SECONDS: Final = 600.0
SCOPES: Final = ("credentials:issue", "credentials:read")
PAUSE_SECONDS: Final = 0.05
SAMPLES: Final = 8


@dataclass(frozen=True)
class _Measured:
    """One batch, watched by a client."""

    rows: int
    seconds: float
    calls: list[float]
    megabytes: float


def batch(plan: Plan) -> Result:
    """Badges per second of two workers, the API's answers meanwhile, and memory."""
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
        url, kind = stack.enter_context(_database(folder))
        settings = settings_in(folder).model_copy(update={"database_url": url} if url else {})
        services = _services(settings)
        stack.callback(services.runtime.database.dispose)
        measured = _measure(services, folder, url, ROWS[plan.size])
        samples = _verified(services)
        peer = _peer(plan, services, samples, absent)
    rate = measured.rows / measured.seconds
    calls = sorted(measured.calls)
    rows = [
        Row(OURS, measured.rows, rate, 1000 / rate, 1000 / rate),
        Row(MEANWHILE, len(calls), len(calls) / measured.seconds, _percentile(calls, 0.5), _percentile(calls, 0.99)),
    ]
    figures = [
        Figure("badges per second", rate, at_least=500, aim=1500),
        Figure("API call meanwhile, p95 ms", _percentile(calls, 0.95), at_most=150),
        Figure("largest process, MB", measured.megabytes, at_most=400),
    ]
    if peer is not None:
        rows.append(peer)
        figures.append(
            Figure(f"times {stack_name(STACK)}, which only signs, in one process", rate / peer.ops_per_second)
        )
    what = (
        f"{measured.rows:,} badges from one upload by {WORKERS} workers on {kind}: read, checked, signed twice, stored"
    )
    return Result("batch", what, rows, figures, absent)


@contextmanager
def _database(folder: Path) -> Iterator[tuple[str, str]]:
    """A fresh database on PostgreSQL, or nothing and then SQLite, where PostgreSQL cannot be had."""
    try:
        from tests.databases import PostgresServer

        server = PostgresServer(ROOT / ".tools" / "postgres-bench")
    except ImportError:
        yield "", "SQLite"
        return
    name = folder.name.replace("-", "_").lower()
    with psycopg.connect(server.url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):  # which the tests do without, and no server in earnest
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server.url).set(database=name).render_as_string(hide_password=False), "PostgreSQL"
    finally:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _services(settings: Settings) -> Services:
    services = bind(settings)
    migrations.migrate(services.runtime.database)
    prepare(services)
    return services


def _measure(services: Services, folder: Path, url: str, rows: int) -> _Measured:
    with services.runtime.database.write() as session:
        client = clients.add(session, name="Bench", scopes_held=SCOPES, actor=OPERATOR, per_minute=MOST_PER_MINUTE)
    services.runtime.database.dispose()
    more = {"WAYMARK_DATABASE_URL": url} if url else {}
    with waymark(folder, more) as server, Connection(server.port, urlsplit(BASE_URL).hostname or "") as connection:
        token = _token(connection, client.client_id, client.secret or "")
        workers = [_worker(folder, more) for _ in range(WORKERS)]
        try:
            return _watch(connection, server, workers, token, rows)
        finally:
            for each in workers:
                each.terminate()
                each.communicate()


def _worker(folder: Path, more: Mapping[str, str]) -> subprocess.Popen[str]:
    """A worker that has started: it says so."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("WAYMARK_")}
    settings = settings_in(folder)
    own = {
        "WAYMARK_ENV": settings.env, "WAYMARK_BASE_URL": BASE_URL, "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_SECRET_KEY": settings.secret_key, "WAYMARK_PROGRAMME_DIR": str(settings.programme_dir),
        "WAYMARK_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "worker"],
        cwd=ROOT, env={**inherited, "PYTHONPATH": str(ROOT), **own, **more},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    if process.stdout is None or not process.stdout.readline():
        raise ServerFailed("A worker did not start.")
    return process


def _watch(
    connection: Connection, server: Server, workers: list[subprocess.Popen[str]], token: str, rows: int
) -> _Measured:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    sent = {**headers, "Content-Type": "application/jsonl", "Idempotency-Key": "bench"}
    upload = connection.request("POST", "/api/v1/batches", headers=sent, body=_body(rows))
    began = time.perf_counter()
    path = str(urlsplit(_json(connection.send(upload), 202)["url"]).path)
    asking = [connection.request("GET", each, headers=headers) for each in (path, "/api/v1/credentials?limit=20")]
    calls: list[float] = []
    while True:
        answers = []
        for each in asking:
            asked = time.perf_counter()
            answers.append(_json(connection.send(each), 200))
            calls.append((time.perf_counter() - asked) * 1000)
        if answers[0]["state"] == "done":
            break
        if answers[0]["state"] not in ("queued", "running") or time.perf_counter() - began > PATIENCE_SECONDS:
            raise ServerFailed(f"The batch is {answers[0]['state']}: {answers[0]['reason']}.")
        time.sleep(PAUSE_SECONDS)
    seconds = time.perf_counter() - began
    if answers[0]["issued"] != rows:
        raise ServerFailed(f"Of {rows} badges {answers[0]['issued']} were issued.")
    return _Measured(rows, seconds, calls, max(map(_peak, [*server.processes(), *(each.pid for each in workers)])))


def _body(rows: int) -> bytes:
    decided = {"name": "Priya Raman", "role": "panel chair"}
    lines = (
        {
            "achievement": MODULE,
            "recipient": {"email": f"holder-{number}@example.org", "name": f"Holder {number}"},
            "decided_by": decided,
            "awarded_at": "2026-03-04T15:00:00+11:00",
        }
        for number in range(rows)
    )
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _token(connection: Connection, client_id: str, secret: str) -> str:
    shown = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {shown}", "Content-Type": "application/x-www-form-urlencoded"}
    asked = connection.request("POST", "/oauth/token", headers=headers, body=b"grant_type=client_credentials")
    return str(_json(connection.send(asked), 200)["access_token"])


def _json(answer: Answer, status: int) -> dict[str, Any]:
    if answer.status != status:
        raise ServerFailed(f"Waymark answered {answer.status}: {answer.body[:300]!r}.")
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _peak(pid: int) -> float:
    """The most memory that a process had so far, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1000


def _percentile(ordered: list[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def _verified(services: Services) -> list[dict[str, Any]]:
    """Some of the badges, each of which must verify in both forms."""
    with services.runtime.database.read() as session:
        stored = session.exec(select(CredentialVersion).order_by(col(CredentialVersion.credential_id)).limit(SAMPLES))
        found = [(each.document, each.jwt) for each in stored.all()]
    for document, jwt in found:
        for form in (document, jwt.encode()):
            verdict = services.verifier.verify(Presented.from_bytes(form)).verdict
            if verdict != "valid":
                raise ServerFailed(f"A badge of the batch is {verdict}.")
    return [json.loads(document) for document, _ in found]


def _peer(plan: Plan, services: Services, samples: list[dict[str, Any]], absent: dict[str, str]) -> Row | None:
    """The same credentials signed one after the other by the usual stack; nothing is stored."""
    if not plan.node:
        return None
    runtime = services.runtime
    with runtime.database.read() as session:
        keys = open_keys(session, runtime.secret_box, BASE_URL, issuer_by_key(session, ISSUER_KEY))
    if not isinstance(keys.embedded, Ed25519Signer):
        absent[stack_name(STACK)] = "the issuer's key cannot be handed over"
        return None
    badges = [{name: value for name, value in each.items() if name != "proof"} for each in samples]
    try:
        install()
        with NodePeer(
            STACK, badges=badges, secured=[], signer=keys.embedded, controller=keys.did, method_id=keys.embedded_id
        ) as peer:
            subject = peer.subject("sign")
            measured = interleave([subject], Effort(plan.effort.rounds, 0.0), operations=plan.badges)
    except (PeerAbsent, PeerFailed) as error:
        absent[stack_name(STACK)] = str(error)
        return None
    return row(measured[subject.name])
