"""The master key is exchanged under running processes, and the old one dropped: nobody who holds a link notices."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests import loopback
from tests.conftest import TEST_SECRET
from tests.system.house import House, Process

NEW_SECRET = "another-secret-key-for-tests-that-everybody-may-read"
ISSUE = ("issue", "--achievement", "M01", "--email", "robin@example.org", "--decided-by", "Helen Chapman",
         "--role", "programme lead", "--json", "--idempotency-key")  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def end(process: Process) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def claim_page(house: House, url: str) -> int:
    path = url.removeprefix(house.tool)
    return loopback.get(f"http://127.0.0.1:{house.ports[0]}{path}").status_code


def test_a_link_from_before_opens_after_the_old_key_is_gone(house: House) -> None:
    house.connect()
    issued = house.waymark(*ISSUE, "k1")
    assert issued.returncode == 0, issued.stderr
    claim = httpx2.Response(200, text=issued.stdout).json()["claim_url"]
    house.extra["WAYMARK_SECRET_KEY"] = f"{NEW_SECRET},{TEST_SECRET}"
    app = house.start_app()
    worker = house.start_worker()
    assert claim_page(house, claim) == 200
    resealed = house.waymark("key", "reseal")
    assert resealed.returncode == 0, resealed.stdout + resealed.stderr
    assert claim_page(house, claim) == 200
    end(app)
    end(worker)
    house.extra["WAYMARK_SECRET_KEY"] = NEW_SECRET
    house.start_app()
    assert claim_page(house, claim) == 200
    assert claim_page(house, f"{claim[:-4]}AAAA") == 404
    assert house.waymark(*ISSUE, "k2").returncode == 0
    assert house.waymark("key", "reseal", "--check").returncode == 0
