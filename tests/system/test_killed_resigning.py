"""A key is revoked and the command that signs again is killed in the middle: the workers finish what it began."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.schemas import IssueRequest
from app.programme import service as programme
from app.vc.keys import Ed25519Signer
from app.verifier.schemas import Presented
from app.wiring import Services
from examples.signing_service import SigningService
from tests.system.house import House, eventually
from tests.system.test_two_of_each_on_postgres import PostgresHouse
from tests.system.test_two_of_each_on_postgres import postgres as postgres

BADGES = 12
BEFORE_IT_HANGS = 5
STOLEN = "orygen-ed25519-1"


class HangingService(SigningService):
    """Signs a few times and then lets whoever asks wait, until it is let go on."""

    def __init__(self) -> None:
        super().__init__(0, "token", {"proofs": Ed25519Signer.generate()})
        self.left = 10_000
        self.somebody_waits, self.may_go_on = threading.Event(), threading.Event()

    def sign(self, name: str, data: bytes) -> bytes:
        self.left -= 1
        if self.left < 0:
            self.somebody_waits.set()
            self.may_go_on.wait(120)
        return super().sign(name, data)


@pytest.fixture
def service() -> Iterator[HangingService]:
    service = HangingService()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.may_go_on.set()
    service.shutdown()
    service.server_close()
    thread.join()


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    if request.param == "postgres":
        maker = request.getfixturevalue("postgres")
        house = PostgresHouse(
            tmp_path, database_url=maker.copy(maker.template("empty", lambda _database: None), tmp_path)
        )
    yield house
    house.close()


def issue(services: Services) -> None:
    runtime = services.runtime
    with runtime.database.read() as session:
        module = programme.current_module(session, "M01")
    for number in range(BADGES):
        request = IssueRequest(
            idempotency_key=f"badge-{number}", issuer_key="orygen", achievement_key="M01",
            achievement_version=module.version, person_id=None, recipient_email=None, awarded_at=now(), shared=True,
        )  # fmt: skip
        issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request)


def test_killed_in_the_middle_of_signing_again_two_workers_finish_it(house: House, service: HangingService) -> None:
    house.connect()
    with house.services() as services:
        issue(services)
    house.extra |= {
        "WAYMARK_REMOTE_SIGNER_URL": f"http://127.0.0.1:{service.server_address[1]}",
        "WAYMARK_REMOTE_SIGNER_TOKEN": "token",
    }
    rotated = house.waymark("key", "rotate", "--issuer", "orygen", "--remote", "proofs", "--now")
    assert rotated.returncode == 0, rotated.stderr
    service.left = BEFORE_IT_HANGS
    revoking = house.start("revoke", "app", "key", "revoke", STOLEN, "--reason", "stolen", "--yes")
    eventually(service.somebody_waits.is_set, f"it is in the middle: {house.log_of('revoke')}")
    os.killpg(revoking.pid, signal.SIGKILL)
    revoking.wait()
    left = house.count("credential", "current_version = 1")
    assert BADGES - BEFORE_IT_HANGS <= left < BADGES
    service.left = 10_000
    service.may_go_on.set()
    house.start_worker()
    house.start_worker()
    eventually(
        lambda: house.count("credential", "current_version = 1") == 0, f"all is signed: {house.log_of('worker')}"
    )
    assert house.count("credential", "current_version = 2") == BADGES
    assert house.count("credential_version") == 2 * BADGES
    resting = f"credential_version.embedded_kid = '{STOLEN}' AND version > 1"
    assert house.count("credential_version", resting) == 0
    again = house.waymark("key", "revoke", STOLEN, "--reason", "stolen", "--yes", "--json")
    assert again.returncode == 0, again.stderr
    with house.services() as services:
        expect_valid(services)


def expect_valid(services: Services) -> None:
    with services.runtime.database.read() as session:
        found = [
            issuer.stored_credential(session, row[0])
            for row in session.connection().exec_driver_sql("SELECT id FROM credential").all()
        ]
    for badge in found:
        for secured in (badge.document, badge.jwt.encode()):
            assert services.verifier.verify(Presented.from_bytes(secured)).verdict == "valid"
