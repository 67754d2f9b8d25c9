"""Badges issued many at once are those that would have been issued one by one: the same rows, the same bytes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import rows
from app.core.audit import AuditEntry
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.errors import AppError
from app.core.outbox_models import OutboxEvent
from app.issuer import bulk, issuing, signing, status
from app.issuer.errors import IssueRefused
from app.issuer.keys import issuer_by_key
from app.issuer.models import Credential, CredentialVersion, StatusList
from app.issuer.schemas import IssueRequest
from app.programme import service as programme
from app.vc import json_text
from app.vc.canonicalization import canonicalize, canonicalize_generally
from app.verifier.schemas import Presented
from app.wiring import Services
from tests.issuer.conftest import House

CHANGING = {
    "id", "idempotency_key", "subject_id", "identity_salt", "identity_hash", "status_index", "reserved_at", "issued_at",
}  # fmt: skip


def reserve(house: House, requests: list[IssueRequest]) -> list[str | AppError]:
    with house.database.write() as session:
        return bulk.reserve_many(session, house.secret_box, house.base_url, requests)


def issue_all(house: House, requests: list[IssueRequest]) -> list[str]:
    ids = [each for each in reserve(house, requests) if isinstance(each, str)]
    badges = bulk.sign_many(house.database, house.secret_box, house.base_url, ids)
    with house.database.write() as session:
        bulk.store_many(session, badges)
    return ids


DID = "did:key:z6MkrHKzgsahxBLyNAbLQyB1pcWNYC9GmywiWPgkrvntAZcj"
RELATED = tuple((f"/credentials/00000000-0000-4000-8000-00000000000{number}/v1.json", "ab" * 32) for number in range(3))


def of_many_forms(house: House) -> list[IssueRequest]:
    """Requests that differ in everything in which badges of one server differ."""
    with house.database.read() as session:
        modules = [programme.current_module(session, key) for key in ("M01", "M02")]
    found = []
    for module in modules:
        for level in (3, 4):
            for number, email in enumerate((None, "tess@example.org", "Zoë.Nguyễn@example.org", "k@example.org")):
                found.append(
                    house.request(
                        f"{module.key}-{level}-{number}",
                        achievement_key=module.key,
                        achievement_version=module.version,
                        recipient_email=email,
                        person_id=None,
                        awarded_at=now() - timedelta(days=number),
                        valid_until=None if number == 3 else now() + timedelta(days=300 + number),
                        results=tuple((criterion.key, level) for criterion in module.rubric.criteria[number:]),
                        related=RELATED[:number],
                        subject_id=DID if number == 2 else None,
                    )
                )
    return found


def test_each_document_is_byte_for_byte_what_the_single_path_signs(house: House) -> None:
    ids = [each for each in reserve(house, of_many_forms(house)) if isinstance(each, str)]
    with time_machine.travel(now(), tick=False):
        badges = {
            each.credential_id: each.signed
            for each in bulk.sign_many(house.database, house.secret_box, house.base_url, ids)
        }
        assert len(badges) == len(ids) == 16
        for credential_id in ids:
            with house.database.read() as session:
                row = session.get_one(Credential, credential_id)
            alone = signing.sign(
                house.database,
                house.secret_box,
                house.base_url,
                row,
                identity_hash=row.identity_hash,
                valid_from=issuing.first_moment(row),
            )
            together = badges[credential_id]
            assert together.document == alone.document
            # ES256 signs with a random number, so the tokens agree up to their signature.
            assert together.jwt.rpartition(".")[0] == alone.jwt.rpartition(".")[0]
            assert (together.valid_from, together.embedded_kid) == (alone.valid_from, alone.embedded_kid)


def test_what_was_signed_quickly_says_the_same_by_the_general_path(house: House) -> None:
    ids = [each for each in reserve(house, of_many_forms(house)) if isinstance(each, str)]
    for badge in bulk.sign_many(house.database, house.secret_box, house.base_url, ids)[::5]:
        document = json_text.loads(badge.signed.document)
        del document["proof"]
        assert canonicalize(document) == canonicalize_generally(document)


def test_the_same_rows_are_written(house: House) -> None:
    with time_machine.travel(now(), tick=False):
        house.issue("alone", recipient_email="a@example.org")
        issue_all(house, [house.request("together", recipient_email="b@example.org")])
    with house.database.read() as session:
        found = {row.idempotency_key: row for row in session.exec(select(Credential)).all()}
        alone, together = found["alone"].model_dump(), found["together"].model_dump()
        assert {name for name in alone if alone[name] != together[name]} <= CHANGING
        versions = [session.get_one(CredentialVersion, (row["id"], 1)) for row in (alone, together)]
        for version in versions:
            assert version.digest == hashlib.sha256(version.document).hexdigest()
        told = [
            [
                (entry.actor_kind, entry.action, entry.subject, sorted(entry.ids))
                for entry in session.exec(
                    select(AuditEntry).where(AuditEntry.subject_id == row["id"]).order_by(col(AuditEntry.id))
                ).all()
            ]
            for row in (alone, together)
        ]
        assert told[0] == told[1]
        assert len(told[0]) == 2
        events = {event.payload["credential_id"]: event for event in session.exec(select(OutboxEvent)).all()}
    first, second = events[alone["id"]], events[together["id"]]
    assert (first.kind, set(first.payload)) == (second.kind, set(second.payload))
    assert (first.background, second.background) == (False, True)


def test_a_bad_request_among_good_ones_is_answered_in_its_place(house: House) -> None:
    ahead = house.request("ahead", awarded_at=now() + timedelta(days=1))
    odd = house.request("odd", results=(("no-such-criterion", 3),))
    answers = reserve(house, [house.request("a"), ahead, house.request("b"), odd])
    assert [isinstance(each, IssueRefused) for each in answers] == [False, True, False, True]
    with house.database.read() as session:
        keys = {row.id: row.idempotency_key for row in session.exec(select(Credential)).all()}
        counter = session.exec(select(StatusList.next_position)).one()
    assert [keys.get(each) for each in answers if isinstance(each, str)] == ["a", "b"]
    assert counter == 2


def test_a_key_that_was_used_before_stops_the_whole_write(house: House) -> None:
    house.issue("used")
    with pytest.raises(IntegrityError):
        reserve(house, [house.request("new"), house.request("used")])
    with house.database.read() as session:
        assert len(session.exec(select(Credential)).all()) == 1


def test_places_are_taken_at_once_and_over_the_end_of_a_list(house: House) -> None:
    with house.database.write() as session:
        issuer = issuer_by_key(session, "orygen")
        status.allocate(session, house.secret_box, issuer, length=131_072)
        session.execute(sa.update(StatusList).values(next_position=131_070))
    with house.database.write() as session:
        places = status.allocate_many(session, house.secret_box, issuer, 5)
        places += status.allocate_many(session, house.secret_box, issuer, 3)
    assert len({(place.number, place.index) for place in places}) == 8
    assert [place.number for place in places] == [1, 1, 2, 2, 2, 2, 2, 2]
    with house.database.read() as session:
        counters = session.exec(select(StatusList.next_position).order_by(col(StatusList.number))).all()
    assert list(counters) == [131_072, 6]


def test_what_somebody_else_stored_meanwhile_is_left_alone(house: House) -> None:
    ids = [each for each in reserve(house, [house.request("a"), house.request("b")]) if isinstance(each, str)]
    badges = bulk.sign_many(house.database, house.secret_box, house.base_url, ids)
    swept = issuing.finish(house.database, house.secret_box, house.base_url, ids[0])
    with house.database.write() as session:
        assert bulk.store_many(session, badges) == {ids[1]}
    with house.database.read() as session:
        assert session.get_one(CredentialVersion, (ids[0], 1)).document == swept.document
    assert bulk.sign_many(house.database, house.secret_box, house.base_url, ids) == []


def test_any_text_and_any_bytes_come_back_as_they_went_in(house: House) -> None:
    odd: dict[str, Any] = {
        "at": now(),
        "actor_kind": "tab\there",
        "actor_id": "back\\slash \\N",
        "action": "line\nbreak\r",
        "subject": "“Zoë” 🦘",
        "subject_id": "",
        "ids": {"quote": '"', "back": "\\n", "number": 7, "word": "🦘"},
    }
    with house.database.write() as session:
        insert_rows(session, rows.table(AuditEntry), [odd])
    with house.database.read() as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.subject_id == "")).one()
    assert {name: getattr(found, name) for name in odd} == odd


def test_badges_of_a_chunk_verify_as_any_other(services: Services) -> None:
    runtime = services.runtime
    with runtime.database.read() as session:
        module = programme.current_module(session, "M01")
    house = House(runtime.database, runtime.secret_box, runtime.settings.base_url, module)
    ids = issue_all(house, [house.request(f"n{n}", recipient_email=f"n{n}@example.org") for n in range(3)])
    with runtime.database.read() as session:
        versions = [session.get_one(CredentialVersion, (each, 1)) for each in ids]
    for version in versions:
        assert services.verifier.verify(Presented.from_bytes(version.document)).verdict == "valid"
        assert services.verifier.verify(Presented.from_bytes(version.jwt.encode())).verdict == "valid"
