import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest

from app.vc import data_integrity, json_text
from app.vc.canonicalization import check_issuable
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.errors import ModelError
from app.vc.keys import base64url_decode
from app.vc.open_badges import Alignment, Image, Recipient, Result, StatusEntry, digest_multibase, hash_recipient
from tests.vc.samples import BASE, CREATED, ED25519, ED25519_ID, ISSUER, REFERENCE_DATA, achievement, unsigned

SCHEMA = REFERENCE_DATA / "schemas/json-schema/ob_v3p0_achievementcredential_schema.json"
BARE: dict[str, Any] = {
    "valid_until": None,
    "description": None,
    "image": None,
    "results": (),
    "status": None,
    "related": (),
    "recipient": Recipient("urn:uuid:0b1e5c9e-8f0a-4b6f-9a59-3a6a3f2f8b11"),
    "achievement": replace(achievement(), image=None, alignments=(), result_descriptions=(), tags=()),
}


def _nodes(value: Any) -> Any:
    yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(member)


@pytest.mark.parametrize("changes", [{}, BARE])
def test_no_member_is_null_or_empty_and_the_contexts_are_exactly_three(changes: dict[str, Any]) -> None:
    document = unsigned(**changes)
    assert document["@context"] == list(CREDENTIAL_CONTEXTS)
    assert len(CREDENTIAL_CONTEXTS) == 3
    assert all(node is not None and node != "" and node != [] and node != {} for node in _nodes(document))
    check_issuable(document)


def test_the_full_badge_has_the_members_verifiers_look_for() -> None:
    document = unsigned()
    subject = document["credentialSubject"]
    assert document["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert document["issuer"]["type"] == ["Profile"]
    assert (document["validFrom"], document["awardedDate"]) == ("2025-03-02T01:00:00Z", "2025-03-01T09:30:00Z")
    assert subject["type"] == ["AchievementSubject"]
    assert subject["achievement"]["criteria"].keys() == {"id", "narrative"}
    assert subject["result"][0].keys() == {"type", "resultDescription", "achievedLevel"}
    assert document["credentialStatus"]["statusListIndex"] == "81234"
    assert document["credentialSchema"][0]["type"] == "1EdTechJsonSchemaValidator2019"


@pytest.mark.parametrize("changes", [{}, BARE])
def test_a_signed_badge_satisfies_the_official_schema(changes: dict[str, Any]) -> None:
    if not SCHEMA.exists():
        pytest.skip("the official 1EdTech schema is not in WAYMARK_TEST_DATA")
    validator = jsonschema_rs.validator_for(json_text.loads(SCHEMA.read_bytes()))
    signed = data_integrity.sign(
        unsigned(**changes), suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )
    assert [error.message for error in validator.iter_errors(signed)] == []
    assert not validator.is_valid({**signed, "proof": signed["proof"][0]})


def test_the_address_is_hashed_with_its_salt_and_never_written() -> None:
    document = unsigned()
    identity = document["credentialSubject"]["identifier"][0]
    expected = "sha256$" + hashlib.sha256(b"tess@example.au" + identity["salt"].encode()).hexdigest()
    assert identity["identityHash"] == expected == hash_recipient(" TESS@example.AU ", identity["salt"])
    assert b"tess@" not in json_text.dumps(document).lower()


def test_a_name_is_shown_only_when_given() -> None:
    named = unsigned(recipient=Recipient("urn:uuid:1", name="Tess"))
    assert [entry["identityType"] for entry in named["credentialSubject"]["identifier"]] == ["name"]
    assert "identifier" not in unsigned(**BARE)["credentialSubject"]


def test_dates_are_written_in_utc_at_whole_seconds() -> None:
    moment = datetime.fromisoformat("2025-03-02T11:00:00.987654+10:00")
    assert unsigned(valid_from=moment)["validFrom"] == "2025-03-02T01:00:00Z"


def test_the_digest_is_a_sha256_multihash() -> None:
    digest = digest_multibase(b"bytes")
    assert base64url_decode(digest[1:]) == b"\x12\x20" + hashlib.sha256(b"bytes").digest()
    assert digest.startswith("uEi")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "credentials/1"},
        {"id": "https://badges.example.au/a b"},
        {"name": "  "},
        {"issuer": replace(ISSUER, name="")},
        {"image": Image("art.png")},
        {"recipient": Recipient("tess")},
        {"recipient": Recipient("urn:uuid:1", email="tess@example.au")},
        {"recipient": Recipient("urn:uuid:1", email="tess@example.au", salt="short")},
        {"recipient": Recipient("urn:uuid:1", email="no address", salt="0123456789abcdef")},
        {"status": StatusEntry(f"{BASE}/status/1", -1)},
        {"results": [Result(f"{achievement().id}#plan", f"{achievement().id}#other")]},
        {"results": [Result(f"{achievement().id}#other", f"{achievement().id}#plan-1")]},
        {"results": [Result(f"{achievement().id}#plan", f"{achievement().id}#plan-1")] * 2},
        {"achievement": replace(achievement(), criteria_narrative="")},
        {"achievement": replace(achievement(), alignments=[Alignment("Name", "no url")])},
        {"valid_until": CREATED},
        {"valid_from": datetime(2025, 1, 1)},  # noqa: DTZ001
        {"valid_until": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_facts_that_make_no_badge_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        unsigned(**changes)
    assert caught.value.code == "malformed_value"
