"""App and workers may die at any moment of a batch: it still ends with exactly one badge for each row."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator

import httpx2
import sqlalchemy as sa
from sqlmodel import col

from app.awards.batches import control
from app.awards.batches.models import AwardBatchChunk
from app.core import audit_seal
from app.core.clock import now
from tests.system.house import House, Process, eventually

ROWS, APP_KILLS, WORKER_KILLS = 5_000, 10, 10
SCOPES = "credentials:issue credentials:read"
PIECE = 250  # rows


def rows(kill_after: int | None, kill: Callable[[], None]) -> Iterator[bytes]:
    """The body in pieces; after so many of them the server is killed under the request."""
    decided = {"name": "Priya Raman", "role": "panel chair"}
    for first in range(0, ROWS, PIECE):
        if kill_after == first // PIECE:
            kill()
        lines = (
            {"achievement": "M01", "recipient": {"email": f"p{number}@example.org"}, "decided_by": decided}
            for number in range(first, first + PIECE)
        )
        yield "".join(json.dumps(line) + "\n" for line in lines).encode()


def ended(process: Process) -> None:
    process.kill()
    process.wait()


def sent(house: House, client: dict[str, str], kill_after: int | None) -> str | None:
    """Send the batch to a new server, under the key that it always has: its id, or None if the server died first."""
    app = house.start_app()
    with httpx2.Client(base_url=f"http://127.0.0.1:{house.ports[0]}", trust_env=False, timeout=60) as http:
        who = (client["client_id"], client["client_secret"])
        token = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=who).json()["access_token"]
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/jsonl", "Idempotency-Key": "autumn",
        }  # fmt: skip
        try:
            answer = http.post("/api/v1/batches", content=rows(kill_after, lambda: ended(app)), headers=headers)
        except httpx2.TransportError:
            return None
        ended(app)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def wait_for_work(house: House) -> None:
    """Until the worker has a part of the batch in hand, however slowly it begins."""
    in_hand = sa.select(sa.func.count()).select_from(AwardBatchChunk).where(col(AwardBatchChunk.leased_until) > now())
    with house.services() as services:

        def found() -> bool:
            with services.runtime.database.read() as session:
                return bool(session.execute(in_hand).scalar_one())

        eventually(found, "the worker takes a part in hand", pause=0.005)


def test_killed_again_and_again_a_batch_has_exactly_its_badges(house: House) -> None:
    assert house.waymark("migrate").returncode == 0
    added = house.waymark("client", "add", "--name", "Batches", "--scope", SCOPES, "--json")
    client = json.loads(added.stdout)
    moments = random.Random(20261122)  # any moments will do, but the same ones in every run
    for _ in range(APP_KILLS):
        assert sent(house, client, moments.randrange(1, ROWS // PIECE)) is None
    batch_id = sent(house, client, None)
    assert batch_id is not None
    assert sent(house, client, None) == batch_id, "a repeat after a crash is the same batch"

    met = 0
    for _ in range(WORKER_KILLS):
        worker = house.start_worker()
        wait_for_work(house)
        time.sleep(moments.uniform(0, 0.3))
        ended(worker)
        met += house.count("award_batch_chunk", "state = 'in_hand'")
        with house.services() as services, services.runtime.database.write() as session:
            session.execute(sa.update(AwardBatchChunk).values(leased_until=now()))
    assert met, "no kill met a worker at work: this run has shown nothing"
    assert house.count("credential_version") < ROWS, "the batch was over before the last kill"
    house.start_worker()

    def is_over() -> bool:
        with house.services() as services, services.runtime.database.read() as session:
            found = control.info(session, client["client_id"], batch_id)
            return (found.state, found.issued, found.failed) == ("done", ROWS, 0)

    eventually(is_over, "the batch is done", pause=0.5)
    assert house.count("credential", "state = 'issued'") == house.count("credential") == ROWS
    places = "SELECT count(*) FROM (SELECT DISTINCT status_list_number, status_index FROM credential) AS places"
    assert house.rows(places)[0][0] == ROWS
    badges = "SELECT count(DISTINCT credential_id) FROM award_batch_row WHERE state = 'issued'"
    assert house.rows(badges)[0][0] == ROWS
    for table in ("credential_version", "award", "award_request"):
        assert house.count(table) == ROWS, table
    for action in ("issuer.credential_reserved", "issuer.credential_issued"):
        assert house.count("audit_entry", f"action = '{action}'") == ROWS
    assert house.count("outbox_event", "kind = 'issuer.credential_issued'") == ROWS
    with house.services() as services:
        while audit_seal.seal_due(services.runtime.database, services.runtime.secret_box):
            pass
    judged = house.waymark("audit", "verify", "--json")
    assert judged.returncode == 0, judged.stdout
