"""Places in status lists, and lists that are signed in time whatever dies in between."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from prometheus_client import REGISTRY
from sqlmodel import select

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.secrets import SecretBox
from app.issuer import keys, service, status, status_watch
from app.issuer.errors import KeysUnreadable
from app.issuer.models import Issuer, StatusList
from app.issuer.status import Place
from app.vc.status_list import read_bit
from tests.conftest import TEST_SECRET

from .conftest import BASE, House

LENGTH = 64
WRONG = SecretBox(["another-master-key-that-was-never-used-here"])


def allocate(house: House, issuer_key: str = "orygen", length: int = LENGTH) -> Place:
    """One place, in a transaction of its own, as issuing takes it."""
    with house.database.write() as session:
        issuer = keys.issuer_by_key(session, issuer_key)
        return status.allocate(session, house.secret_box, issuer, length=length)


def lists(house: House) -> dict[int, StatusList]:
    with house.database.read() as session:
        return {row.number: row for row in session.exec(select(StatusList)).all()}


def second_issuer(house: House) -> None:
    with house.database.write() as session:
        service.ensure_issuer(
            session,
            house.secret_box,
            base_url=BASE,
            key="other",
            name="Other",
            description="w",
            url="https://o.example",
        )


def revoke(house: House, credential_id: str) -> None:
    service.revoke(house.database, house.secret_box, BASE, credential_id=credential_id, reason="x", actor=OPERATOR)


def signings(outcome: str) -> float:
    return REGISTRY.get_sample_value("waymark_status_lists_signed_total", {"outcome": outcome}) or 0.0


def test_at_the_boundary_of_lists_eight_at_once_share_no_place_and_lose_none(house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda _: allocate(house), range(3 * LENGTH)))
    assert len(set(places)) == 3 * LENGTH
    assert set(places) == {Place(number, index) for number in (1, 2, 3) for index in range(LENGTH)}
    assert {number: row.next_position for number, row in lists(house).items()} == dict.fromkeys((1, 2, 3), LENGTH)


def test_two_issuers_that_open_lists_at_once_get_lists_of_their_own(house: House) -> None:
    second_issuer(house)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: (n % 2, allocate(house, ("orygen", "other")[n % 2])), range(4 * LENGTH)))
    assert len({place for _, place in taken}) == 4 * LENGTH
    owners = {place.number: issuer for issuer, place in taken}
    assert all(owners[place.number] == issuer for issuer, place in taken)
    assert Counter(owners.values()) == {0: 2, 1: 2}


def test_a_place_that_was_rolled_back_is_given_to_the_next(house: House) -> None:
    class Undone(Exception):
        pass

    def take_and_undo() -> None:
        with house.database.write() as session:
            status.allocate(session, house.secret_box, keys.issuer_by_key(session, "orygen"), length=LENGTH)
            raise Undone

    with pytest.raises(Undone):
        take_and_undo()
    assert {allocate(house) for _ in range(LENGTH)} == {Place(1, index) for index in range(LENGTH)}


def test_each_list_scatters_its_places_by_a_key_of_its_own(house: House) -> None:
    orders = [[allocate(house).index for _ in range(LENGTH)] for _ in range(2)]
    assert orders[0] != orders[1]
    assert all(order != sorted(order) for order in orders)


def test_issuing_goes_on_where_a_list_of_full_size_ends(house: House) -> None:
    house.issue("decision:0")
    with house.database.write() as session:
        session.execute(sa.update(StatusList).values(next_position=StatusList.length - 2))
    with ThreadPoolExecutor(6) as pool:
        issued = list(pool.map(lambda number: house.issue(f"decision:{number}"), range(1, 7)))
    entries = [json.loads(each.document)["credentialStatus"] for each in issued]
    assert Counter(entry["statusListCredential"] for entry in entries) == {f"{BASE}/status/1": 2, f"{BASE}/status/2": 4}
    assert len({entry["id"] for entry in entries}) == 6
    assert all(row.document is not None for row in lists(house).values()), "no badge points at a list that is not there"


KILLED_WHILE_REVOKING = """
import os, signal, sys
from app.core.audit import OPERATOR
from app.core.db import Database
from app.core.secrets import SecretBox
from app.issuer import service, status

def die(*_args, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

status.refresh = die
url, secret, base_url, credential_id = sys.argv[1:]
service.revoke(
    Database(url), SecretBox([secret]), base_url, credential_id=credential_id, reason="a test", actor=OPERATOR
)
"""


@pytest.mark.parametrize("mended_by", ["the next who asks", "the worker"])
def test_a_process_killed_between_revoking_and_signing_hides_no_revocation(
    house: House, download: Callable[[str], bytes], mended_by: str
) -> None:
    issued = house.issue()
    index = int(json.loads(issued.document)["credentialStatus"]["statusListIndex"])
    arguments = [house.database.url, TEST_SECRET, BASE, issued.credential_id]
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_REVOKING, *arguments], check=False)
    assert killed.returncode == -9
    with house.database.read() as session:
        assert status_watch.health(session).behind == 1
    if mended_by == "the worker":
        service.finish_orphans(house.database, house.secret_box, BASE)
        row = lists(house)[1]
        assert row.document is not None
        listed = json.loads(row.document)
    else:
        listed = json.loads(download(f"{BASE}/status/1"))
    assert read_bit(listed, index, "revocation")
    with house.database.read() as session:
        assert status_watch.health(session).behind == 0


def test_the_worker_signs_every_list_once_a_day_long_before_it_ends(house: House) -> None:
    house.issue()
    for day in range(1, 4):
        with time_machine.travel(now() + timedelta(days=day, minutes=day), tick=False):
            assert status.refresh_stale(house.database, house.secret_box, BASE) == 1
            assert status.refresh_stale(house.database, house.secret_box, BASE) == 0
            row = lists(house)[1]
            assert row.document is not None
            assert json.loads(row.document)["validUntil"] > (now() + timedelta(days=6)).isoformat()
            with house.database.read() as session:
                assert status_watch.health(session) == status_watch.StatusHealth(timedelta(0), 0)


def test_a_list_that_nobody_signs_is_told_days_before_it_ends(house: House) -> None:
    house.issue()
    start = now()
    for days, is_old in ((2, False), (4, True), (9, True)):
        with time_machine.travel(start + timedelta(days=days), tick=False), house.database.read() as session:
            found = status_watch.health(session)
            assert found.is_old is is_old
            assert found.age.days in (days - 1, days)
    assert status_watch.OLD_AFTER + timedelta(days=3) < status.LIFETIME


def test_a_list_that_cannot_be_signed_is_counted_and_hinders_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    second_issuer(house)
    for issuer_key in ("orygen", "other"):
        allocate(house, issuer_key, length=131_072)
    with house.database.read() as session:
        broken = session.exec(select(Issuer.id).where(Issuer.key == "orygen")).one()
    openly = status.open_keys

    def fail_for_one(session: object, box: object, base_url: object, issuer: Issuer) -> object:
        if issuer.id == broken:
            raise ConnectionError("the signing service does not answer")
        return openly(session, box, base_url, issuer)  # type: ignore[arg-type]

    before = signings("ok"), signings("failed")
    with monkeypatch.context() as patched:
        patched.setattr(status, "open_keys", fail_for_one)
        assert status.refresh_stale(house.database, house.secret_box, BASE) == 1
    assert (signings("ok"), signings("failed")) == (before[0] + 1, before[1] + 1)
    said = [line for line in capsys.readouterr().err.splitlines() if "status_list_not_signed" in line]
    assert len(said) == 1
    assert "ConnectionError" in said[0]
    assert status.refresh_stale(house.database, house.secret_box, BASE) == 1


def test_a_wrong_master_key_signs_no_list_and_says_why(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    allocate(house, length=131_072)
    before = signings("failed")
    assert status.refresh_stale(house.database, WRONG, BASE) == 0
    assert signings("failed") == before + 1
    assert "the master key does not open the keys" in capsys.readouterr().err
    with pytest.raises(KeysUnreadable):
        status.refresh(house.database, WRONG, BASE, 1)
