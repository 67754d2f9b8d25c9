"""`page`: a badge as JSON and as the employer's page, beside an empty route of the same server; few rows and many."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import col

from app.cli.bench_proofs import endless
from app.cli.bench_timing import Measured, Run, Subject, interleave, timed
from app.core.db import Database
from app.issuer import service as issuer
from app.issuer.models import Credential, CredentialVersion, StatusList
from app.wiring import Services
from bench.badges import badge_request
from bench.client import Connection
from bench.servers import BASE_URL, Server, ServerFailed, services_in, waymark
from bench.shape import Plan, Result, Row, compared, row

EMPTY: Final = "/healthz"
JSON: Final = "/credentials/{id}.json"
HTML: Final = "/credentials/{id}"
MARKS: Final = {JSON: 0.3, HTML: 0.08}
FLAT: Final = 0.8
BADGES: Final = 5
_BATCH: Final = 5_000
_FIRST_LIST: Final = 1_000
_PLACEHOLDER: Final = b'{"note": "a row that is there to be passed over"}'


@dataclass
class Page:
    """One address of one server, and the processor time its answers took."""

    name: str
    server: Server
    fetch: Run
    fetched: int = 0
    cpu_seconds: float = 0.0

    def run(self, count: int) -> list[float]:
        """Fetch it so many times."""
        before = self.server.cpu_seconds()
        seconds = list(self.fetch(count))
        self.cpu_seconds += self.server.cpu_seconds() - before
        self.fetched += count
        return seconds


@dataclass
class House:
    """A server whose table holds so many credentials, and a few real badges in it."""

    rows: int
    server: Server
    badges: list[str]
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        """Open no connection yet; the first request does."""
        self.connection = Connection(self.server.port, urlsplit(BASE_URL).hostname or "")

    def page(self, path: str, accept: str) -> Page:
        """An address as a subject: one of the badges after the other."""
        wanted = [path.replace("{id}", badge) for badge in self.badges]
        requests = [self.connection.request("GET", each, headers={"Accept": accept}) for each in wanted]
        name = path if path == EMPTY else f"{path}, {self.rows:,} rows"
        return Page(name, self.server, timed(self._fetch, endless(requests)))

    def _fetch(self, request: bytes) -> None:
        answer = self.connection.send(request)
        if answer.status != 200:
            raise ServerFailed(f"{request[:80]!r} was answered with {answer.status}.")


def page(plan: Plan) -> Result:
    """Requests one after the other over a kept connection."""
    with ExitStack() as stack:
        few, many = (_house(stack, rows) for rows in plan.rows)
        pages = [
            few.page(EMPTY, "*/*"),
            few.page(JSON, "application/json"),
            few.page(HTML, "text/html"),
            many.page(JSON, "application/json"),
            many.page(HTML, "text/html"),
        ]
        measured = _measure(pages, plan)
        for house in (few, many):
            house.connection.close()
    empty, small_json, small_html, large_json, large_html = (measured[each.name] for each in pages)
    return Result(
        "page",
        "A shared badge over HTTP from one server process, SQLite, one request after the other",
        [_row(measured[each.name], each) for each in pages],
        [
            compared("JSON: of an empty route", small_json, empty, at_least=MARKS[JSON]),
            compared("HTML: of an empty route", small_html, empty, at_least=MARKS[HTML]),
            compared(f"JSON: {many.rows:,} rows to {few.rows:,}", large_json, small_json, at_least=FLAT),
            compared(f"HTML: {many.rows:,} rows to {few.rows:,}", large_html, small_html, at_least=FLAT),
        ],
    )


def _row(measured: Measured, page_: Page) -> Row:
    return row(measured, page_.cpu_seconds / page_.fetched * 1000)


def _measure(pages: list[Page], plan: Plan) -> dict[str, Measured]:
    for each in pages:
        each.run(BADGES)
        each.cpu_seconds, each.fetched = 0.0, 0
    return dict(interleave([Subject(each.name, each.run) for each in pages], plan.effort))


def _house(stack: ExitStack, rows: int) -> House:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
    services = services_in(folder)
    badges = [_issue(services, number) for number in range(BADGES)]
    fill(services.runtime.database, badges[0], max(0, rows - BADGES))
    services.runtime.database.dispose()
    return House(rows, stack.enter_context(waymark(folder)), badges)


def _issue(services: Services, number: int) -> str:
    runtime = services.runtime
    request = badge_request(services, number, shared=True)
    return issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request).credential_id


def fill(database: Database, like: str, count: int) -> None:
    """Put `count` further credentials beside the one named `like`: rows to be passed over, with next to no document."""
    with database.write_engine.begin() as connection:
        lists = _copies(connection, sa.select(StatusList), count // 100_000 + 1, _a_list)
        _insert(connection, StatusList, lists)
        credentials = _copies(connection, sa.select(Credential).where(col(Credential.id) == like), count, _a_credential)
        ids: list[str] = []
        _insert(connection, Credential, _noting(credentials, ids))
        query = sa.select(CredentialVersion).where(col(CredentialVersion.credential_id) == like)
        versions = _copies(connection, query, count, lambda number: {"credential_id": ids[number], **_A_DOCUMENT})
        _insert(connection, CredentialVersion, versions)


_A_DOCUMENT: Final = {"document": _PLACEHOLDER, "jwt": "", "digest": ""}


def _a_list(number: int) -> dict[str, Any]:
    return {"number": _FIRST_LIST + number}


def _a_credential(number: int) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "idempotency_key": f"bench:filling:{number}",
        "subject_id": f"urn:uuid:{uuid.uuid4()}",
        "status_list_number": _FIRST_LIST + number // 100_000,
        "status_index": number % 100_000,
    }


def _copies(
    connection: sa.Connection, query: sa.Select[Any], count: int, change: Callable[[int], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The one row that `query` finds, `count` times, each with its changes."""
    pattern = dict(connection.execute(query).mappings().one())
    return ({**pattern, **change(number)} for number in range(count))


def _insert(connection: sa.Connection, table: type[Any], rows: Iterable[dict[str, Any]]) -> None:
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        connection.execute(sa.insert(table.__table__), batch)


def _noting(rows: Iterable[dict[str, Any]], ids: list[str]) -> Iterator[dict[str, Any]]:
    for each in rows:
        ids.append(each["id"])
        yield each
