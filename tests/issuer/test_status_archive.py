"""How a status list stood at a moment: never another moment's list, and never more than there is room for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from app.core import migrations
from app.core.audit import OPERATOR
from app.core.db import Database
from app.issuer import service, status, status_archive
from app.issuer.documents import own_document, status_list_then
from app.issuer.errors import StatusMomentUnreadable, StatusNotKept
from app.issuer.models import Issuer, StatusList, StatusListVersion
from app.issuer.status_archive import THINNING, SignedList
from app.vc import data_integrity
from app.vc.did import key_from_document
from app.vc.errors import VcError
from app.vc.keys import PublicKey
from app.vc.status_list import read_bit
from app.vc.timestamps import rfc3339

from .conftest import BASE, House
from .test_key_rotation import DID, did_document, rotate

LONG_AGO = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime.now(UTC).replace(microsecond=0) + DAY  # after the issuer's keys were made


def as_of(database: Database, at: datetime, number: int = 1) -> bytes:
    with database.read() as session:
        return status_archive.as_of(session, number, at).document


def versions(database: Database) -> list[StatusListVersion]:
    with database.read() as session:
        return list(session.exec(select(StatusListVersion).order_by(col(StatusListVersion.since))).all())


def at(moment: datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)


def issue(house: House, number: int) -> tuple[str, int]:
    """A badge's id and its index."""
    issued = house.issue(f"decision:{number}", awarded_at=START - DAY, valid_until=START + 3_000 * DAY)
    return issued.credential_id, int(json.loads(issued.document)["credentialStatus"]["statusListIndex"])


def revoke(house: House, credential_id: str) -> None:
    service.revoke(house.database, house.secret_box, BASE, credential_id=credential_id, reason="x", actor=OPERATOR)


def test_one_badge_was_revoked_on_the_third_of_march_and_another_on_the_fifth(house: House) -> None:
    with at(START):
        (first, first_index), (second, second_index) = issue(house, 1), issue(house, 2)
    with at(START + 2 * DAY):
        revoke(house, first)
    with at(START + 4 * DAY):
        revoke(house, second)
    with at(START + 30 * DAY):
        told = {}
        for moment in (0 * DAY, 2 * DAY - timedelta(seconds=1), 2 * DAY, 3 * DAY, 4 * DAY, 20 * DAY):
            listed = json.loads(as_of(house.database, START + moment))
            told[moment] = (
                read_bit(listed, first_index, "revocation"),
                read_bit(listed, second_index, "revocation"),
            )
    assert list(told.values()) == [(False, False)] * 2 + [(True, False)] * 2 + [(True, True)] * 2


def test_what_is_answered_was_valid_at_that_moment_and_is_byte_for_byte_what_was_told(house: House) -> None:
    told: dict[datetime, bytes] = {}
    with at(START):
        badge, _ = issue(house, 1)
    for hours in range(0, 24 * 12, 7):
        with at(START + hours * HOUR):
            if hours == 70:
                revoke(house, badge)
            told[START + hours * HOUR] = status.refresh(house.database, house.secret_box, BASE, 1).document
    with at(START + 30 * DAY):
        for moment, document in told.items():
            then = as_of(house.database, moment)
            listed, text = json.loads(then), moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            assert listed["validFrom"] <= text < listed["validUntil"]
            assert listed["credentialSubject"] == json.loads(document)["credentialSubject"]
            assert listed["issuer"] == json.loads(document)["issuer"]
        assert set(told.values()) >= {version.document for version in versions(house.database)}


def test_at_least_one_a_day_is_kept_and_no_more_while_nothing_changes(house: House) -> None:
    with at(START):
        issue(house, 1)
    for hour in range(24 * 10):
        with at(START + hour * HOUR):
            status.refresh_stale(house.database, house.secret_box, BASE)
            status.refresh(house.database, house.secret_box, BASE, 1)
    kept = versions(house.database)
    assert 9 <= len(kept) <= 11
    assert all(later.since - earlier.since <= 26 * HOUR for earlier, later in pairwise(kept))


def test_a_list_signed_again_without_a_change_is_not_kept_twice(house: House) -> None:
    with at(START):
        issue(house, 1)
    for minute in range(1, 4):
        with house.database.write() as session:
            status.mark_changed(session, 1)
        with at(START + timedelta(minutes=minute)):
            status.refresh(house.database, house.secret_box, BASE, 1)
    assert len(versions(house.database)) == 1


@pytest.mark.parametrize(
    ("moment", "number", "why"),
    [
        (START - DAY, 1, "begins later"),
        (START + 10 * DAY, 1, "has not come"),
        (START + DAY, 7, "no list of that number"),
    ],
)
def test_a_moment_without_a_list_is_not_answered_with_another(
    house: House, moment: datetime, number: int, why: str
) -> None:
    with at(START):
        issue(house, 1)
    with at(START + 2 * DAY), pytest.raises(StatusNotKept, match=why):
        as_of(house.database, moment, number)


def test_the_moment_at_which_the_first_badge_begins_has_a_list(house: House) -> None:
    with at(START + timedelta(milliseconds=700)):
        badge, index = issue(house, 1)
    with at(START + DAY):
        with house.database.read() as session:
            begins = json.loads(service.stored_credential(session, badge).document)["validFrom"]
        listed = json.loads(as_of(house.database, datetime.fromisoformat(begins)))
    assert not read_bit(listed, index, "revocation")


def test_lists_kept_while_the_clock_was_ahead_are_not_told_when_that_time_comes(house: House) -> None:
    with at(START):
        badge, index = issue(house, 1)
    with at(START + 3 * DAY):
        status.refresh(house.database, house.secret_box, BASE, 1)
    with at(START + DAY):
        revoke(house, badge)
    with at(START + 5 * DAY):
        for moment in (DAY, 2 * DAY, 3 * DAY, 4 * DAY):
            assert read_bit(json.loads(as_of(house.database, START + moment)), index, "revocation")
        assert not read_bit(json.loads(as_of(house.database, START + DAY - HOUR)), index, "revocation")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-03T10:00:00Z", datetime(2026, 3, 3, 10, tzinfo=UTC)),
        ("2026-03-03T10:00:00.25Z", datetime(2026, 3, 3, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-03T21:00:00+11:00", datetime(2026, 3, 3, 10, tzinfo=UTC)),
        ("2026-03-03T10:00:00-00:00", datetime(2026, 3, 3, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_with_its_zone(text: str, moment: datetime) -> None:
    assert status_archive.moment_asked(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-03-03", "2026-03-03T10:00:00", "2026-03-03T10:00:00 11:00", "2026-02-30T10:00:00Z",
     "2026-03-03T25:00:00Z", "1772532000", "٢٠٢٦-03-03T10:00:00Z", "2026-03-03T10:00:00Z\n", "9" * 100_000],
)  # fmt: skip
def test_what_is_no_moment_is_said_so(text: str) -> None:
    with pytest.raises(StatusMomentUnreadable):
        status_archive.moment_asked(text)


def test_a_moment_that_is_not_there_in_utc_is_none() -> None:
    with pytest.raises(StatusMomentUnreadable):
        status_archive.moment_asked("0001-01-01T00:00:00+14:00")


def test_our_own_verifier_gets_the_past_only_if_it_asks_for_it(house: House, download: Callable[[str], bytes]) -> None:
    with at(START):
        badge, _ = issue(house, 1)
        before = download(f"{BASE}/status/1")
    with at(START + DAY):
        revoke(house, badge)
        after = download(f"{BASE}/status/1")
        assert after != before
        then = rfc3339(START + HOUR)
        assert download(f"{BASE}/status/1?timestamp={then}") == before
        assert download(f"{BASE}/status/1?other={then}#5") == after
        for query in ("timestamp=", "timestamp=yesterday", "timestamp=2020-01-01T00:00:00Z", "timestamp=a&timestamp=b"):
            url = f"{BASE}/status/1?{query}"
            assert own_document(house.database, house.secret_box, BASE, url) is None


def test_several_moments_at_once_are_refused(house: House) -> None:
    with pytest.raises(StatusMomentUnreadable):
        status_list_then(house.database, 1, ["2026-03-01T12:00:00Z"] * 2)


def test_a_list_signed_anew_by_another_key_is_kept_though_its_bits_are_the_same(house: House) -> None:
    house.issue()
    rotate(house, "Ed25519", timedelta(0))
    with house.database.write() as session:
        status.mark_changed(session, 1)
    signed = status.refresh(house.database, house.secret_box, BASE, 1).document
    methods = [json.loads(each.document)["proof"][0]["verificationMethod"] for each in versions(house.database)]
    assert len(set(methods)) == 2
    assert as_of(house.database, datetime.now(UTC)) == signed


def test_a_list_of_before_is_told_as_it_was_signed_and_fails_once_its_key_was_revoked(house: House) -> None:
    with at(START):
        _, index = issue(house, 1)
        then = as_of(house.database, START)
    with at(START + DAY):
        service.revoke_key(
            house.database, house.secret_box, kid="orygen-ed25519-1", reason="stolen", since=None, actor=OPERATOR
        )
        told_now = status.refresh(house.database, house.secret_box, BASE, 1).document
        assert as_of(house.database, START) == then, "what stood is evidence: it is neither hidden nor dressed up"
        assert not read_bit(json.loads(then), index, "revocation")
        for signed, holds in ((then, False), (told_now, True)):
            assert proof_holds(house, json.loads(signed)) is holds


def proof_holds(house: House, document: dict[str, Any]) -> bool:
    """By the keys that the issuer's DID document lists at this moment."""

    def resolve(method_id: str, purpose: str) -> PublicKey:
        return key_from_document(did_document(house), DID, method_id, purpose, at=datetime.now(UTC))

    try:
        data_integrity.verify(document, resolve_key=resolve)
    except VcError:
        return False
    return True


def test_a_list_from_before_there_was_an_archive_begins_it(house: House) -> None:
    house.issue()
    told = status.refresh(house.database, house.secret_box, BASE, 1).document
    migrations.migrate(house.database, "2026_11_22_issuer_keys", may_lose_data=True)
    migrations.migrate(house.database)
    assert as_of(house.database, datetime.now(UTC)) == told
    with house.database.write() as session:
        status.mark_changed(session, 1)
    status.refresh(house.database, house.secret_box, BASE, 1)
    assert [each.superseded_at is None for each in versions(house.database)] == [False, True]


def one_list(database: Database) -> None:
    """A list without badges, so that what is kept of it can be made up."""
    with database.write() as session:
        issuer = Issuer(key="k", name="n", description="d", url="https://u.example")
        session.add(issuer)
        session.flush()
        session.add(StatusList(number=1, issuer_id=issuer.id, length=131_072, sealed_permutation_key="-"))


def keep(database: Database, moment: datetime, bits: str) -> None:
    with at(moment), database.write() as session:
        status_archive.keep(session, 1, SignedList(bits.encode(), moment), bits)


def test_what_grows_old_is_thinned_out_step_by_step(database: Database) -> None:
    one_list(database)
    moments = [LONG_AGO + timedelta(milliseconds=300 * number) for number in range(400)]
    for number, moment in enumerate(moments):
        keep(database, moment, str(number))
    end = moments[-1]
    counts = []
    for age, _ in ((timedelta(seconds=30), None), *THINNING):
        with at(end + age + 2 * DAY if age >= DAY else end + age + timedelta(minutes=2)):
            status_archive.thin_out(database)
        counts.append(len(versions(database)))
    assert counts == [121, 121, 3, 2, 1], "the first one counts from five minutes before it was signed"
    assert versions(database)[-1].document == b"399"


def test_however_often_it_is_thinned_out_one_of_each_span_remains(database: Database) -> None:
    one_list(database)
    for number in range(13):
        keep(database, LONG_AGO + number * HOUR / 3, str(number))
    for minutes in range(0, 8 * 60, 25):
        with at(LONG_AGO + 30 * DAY + timedelta(minutes=minutes)):
            status_archive.thin_out(database)
    assert [version.document for version in versions(database)] == [b"0", b"2", b"5", b"8", b"11", b"12"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 400_000), min_size=1, max_size=40), st.lists(st.integers(0, 500 * 86_400), max_size=12))
def test_whatever_was_thinned_out_no_moment_gets_another_moments_list(
    database: Database, pauses: list[int], asked: list[int]
) -> None:
    with database.write() as session:
        for table in (StatusListVersion, StatusList, Issuer):
            session.execute(table.__table__.delete())  # type: ignore[attr-defined]
    one_list(database)
    moment, truth = LONG_AGO, []
    for number, pause in enumerate(pauses):
        keep(database, moment, str(number))
        truth.append((moment, str(number).encode()))
        moment += timedelta(seconds=pause)
    end = LONG_AGO + 900 * DAY
    for now in (moment + DAY, moment + 40 * DAY, end):
        with at(now):
            status_archive.thin_out(database)
            assert status_archive.thin_out(database) == 0
            for seconds in asked:
                when = LONG_AGO + timedelta(seconds=seconds)
                if when > now:
                    continue
                right = next(text for since, text in reversed(truth) if since <= when)
                try:
                    found = as_of(database, when)
                except StatusNotKept:
                    continue
                assert found == right
    with at(end):
        assert as_of(database, moment) == truth[-1][1], "the newest stays, however old"
        spans = [(each.since - datetime(2000, 1, 1, tzinfo=UTC)) // DAY for each in versions(database)]
        assert len(spans) == len(set(spans))


def test_a_moment_that_was_thinned_out_is_answered_with_the_next_one_that_is_kept(database: Database) -> None:
    one_list(database)
    for hours in range(5):
        keep(database, LONG_AGO + hours * HOUR, str(hours))
    with at(LONG_AGO + 500 * DAY):
        status_archive.thin_out(database)
        with pytest.raises(StatusNotKept) as caught:
            as_of(database, LONG_AGO + 2 * HOUR)
        assert caught.value.next_step == "Ask for 2026-03-01T13:00:00Z."
        assert as_of(database, LONG_AGO + 4 * HOUR) == b"4"
