"""Credentials with a place in a status list, and the list: what the bitstring suite looks at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from app.vc import status_list
from app.vc.contexts import VC_V2
from app.vc.timestamps import parse_rfc3339
from tests.api.suites import BASE_URL, Server, accepted, refused

PATH = "/bitstring/credentials/issue"


def list_of(server: Server, issued: dict[str, Any]) -> dict[str, Any]:
    """The status list that a credential names."""
    url = issued["credentialStatus"]["statusListCredential"]
    assert url.startswith(BASE_URL)
    answer = server.client.get(urlsplit(url).path)
    assert answer.status_code == 200
    assert "json" in answer.headers["content-type"]
    found: dict[str, Any] = answer.json()
    return found


def test_the_server_adds_the_status_and_changes_nothing_else(server: Server) -> None:
    asked = server.credential(id="urn:uuid:1b3a2f0c-5d1e-4a57-9a0d-2f6c4b7e8d01")
    issued = server.issued(asked, PATH)
    entry = issued["credentialStatus"]
    assert {name: issued[name] for name in asked} == asked
    assert entry["type"] == "BitstringStatusListEntry"
    assert entry["statusPurpose"] == "revocation"
    assert entry["statusListIndex"] == str(int(entry["statusListIndex"]))
    assert entry["id"] != entry["statusListCredential"]
    assert isinstance(issued["proof"], dict)
    accepted(server.verify(issued))


def test_each_credential_gets_a_place_of_its_own_that_does_not_tell_the_order(server: Server) -> None:
    indexes = [int(server.issued(server.credential(), PATH)["credentialStatus"]["statusListIndex"]) for _ in range(8)]
    assert len(set(indexes)) == 8
    assert indexes != sorted(indexes)
    assert all(0 <= index < status_list.MINIMUM_ENTRIES for index in indexes)


def test_the_list_is_a_credential_of_the_same_issuer_that_verifies(server: Server) -> None:
    issued = server.issued(server.credential(), PATH)
    found = list_of(server, issued)
    assert found["@context"][0] == VC_V2
    assert found["id"] == issued["credentialStatus"]["statusListCredential"]
    assert found["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert found["issuer"] == server.did()
    assert parse_rfc3339(found["validFrom"]) <= datetime.now(UTC)
    assert found["credentialSubject"]["type"] == "BitstringStatusList"
    assert found["credentialSubject"]["statusPurpose"] == "revocation"
    accepted(server.verify(found))


def test_the_list_is_long_enough_to_hide_in_and_no_bit_is_set(server: Server) -> None:
    found = list_of(server, server.issued(server.credential(), PATH))
    encoded = found["credentialSubject"]["encodedList"]
    assert encoded.startswith("u")
    bits = status_list.decode_list(encoded)
    assert len(bits) * 8 >= 131_072
    assert not any(bits)


def test_a_status_of_the_callers_own_is_refused(server: Server) -> None:
    entry = status_list.entry("https://example.org/status/1", 7)
    refused(server.issue(server.credential(credentialStatus=entry), PATH), "MALFORMED_VALUE_ERROR")
    refused(server.issue(server.credential(statusEntry={**entry, "statusListIndex": True}), PATH))


def test_an_entry_that_breaks_the_rules_of_status_lists_is_not_issued(server: Server) -> None:
    good = status_list.entry("https://example.org/status/1", 7)
    server.issued(server.credential(credentialStatus=good))
    for change in (
        {"statusListIndex": 7},
        {"statusListIndex": "-1"},
        {"statusListIndex": "007"},
        {"statusListIndex": True},
        {"statusPurpose": ["revocation"]},
        {"statusListCredential": "not-a-url"},
        {"statusSize": 0},
        {"statusSize": 2},
    ):
        refused(server.issue(server.credential(credentialStatus={**good, **change})), "MALFORMED_VALUE_ERROR")
