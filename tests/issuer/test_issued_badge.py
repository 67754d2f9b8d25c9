"""What a badge says, and whether strangers' verifiers accept it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier

from app.core.audit import OPERATOR
from app.issuer import service
from app.issuer.documents import did_document, status_list
from app.vc import data_integrity, json_text, vc_jwt
from app.vc.did import key_from_document
from app.vc.keys import PublicKey
from app.vc.status_list import read_bit

from .conftest import BASE, EMAIL, House

DID = "did:web:tool.localhost%3A8000:issuers:orygen"


def resolver(house: House) -> Callable[[str, str], PublicKey]:
    def resolve(method: str, purpose: str) -> PublicKey:
        with house.database.read() as session:
            document = did_document(session, BASE, "orygen")
        return key_from_document(document, DID, method, purpose, at=datetime.now(UTC))

    return resolve


def test_both_securings_hold_under_the_issuers_published_keys(house: House) -> None:
    issued = house.issue()
    document = json_text.loads(issued.document)
    proof = data_integrity.verify(document, resolve_key=resolver(house))
    assert proof.cryptosuite == "eddsa-rdfc-2022"
    assert vc_jwt.verify(issued.jwt, resolve_key=resolver(house)) == document


def test_the_token_header_holds_alg_kid_and_typ_only(house: House) -> None:
    header = jwt.get_unverified_header(house.issue().jwt)
    assert header == {"alg": "ES256", "typ": "JWT", "kid": f"{DID}#orygen-p-256-1"}


def test_the_badge_says_what_was_decided_and_no_more(house: House) -> None:
    request = house.request()
    document = json.loads(house.issue().document)
    subject = document["credentialSubject"]
    url = f"{BASE}/achievements/M01/v{house.module.version}"
    assert document["issuer"]["id"] == DID
    assert document["awardedDate"] == request.awarded_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert document["validFrom"] >= document["awardedDate"]
    assert subject["id"].startswith("urn:uuid:")
    assert "identifier" not in subject
    assert "evidence" not in document
    assert subject["achievement"]["id"] == url
    assert subject["result"] == [
        {
            "type": ["Result"],
            "resultDescription": f"{url}#criterion-{criterion.key}",
            "achievedLevel": f"{url}#criterion-{criterion.key}-level-3",
        }
        for criterion in house.module.rubric.criteria
    ]
    descriptions = subject["achievement"]["resultDescription"]
    assert [item["name"] for item in descriptions] == [c.title for c in house.module.rubric.criteria]
    assert all(item["requiredLevel"] == f"{item['id']}-level-3" for item in descriptions)
    assert {a["targetUrl"].split("/ims/")[0] for a in subject["achievement"]["alignment"]} == {BASE}


def test_arrays_are_arrays_and_nothing_is_null_or_empty(house: House) -> None:
    def check(value: object) -> None:
        assert value is not None
        assert value not in ([], "", {})
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    document = json.loads(house.issue(recipient_email=EMAIL).document)
    check(document)
    assert isinstance(document["proof"], list)
    assert isinstance(document["credentialSchema"], list)


def test_a_confirmed_address_stands_in_the_badge_as_a_salted_hash_only(house: House) -> None:
    issued = house.issue(recipient_email=" Tess@Example.org ")
    (identity,) = json.loads(issued.document)["credentialSubject"]["identifier"]
    salted = hashlib.sha256((EMAIL + identity["salt"]).encode()).hexdigest()
    assert identity["identityHash"] == f"sha256${salted}"
    assert len(bytes.fromhex(identity["salt"])) >= 16
    for column in (issued.document, issued.jwt.encode()):
        assert b"tess@example" not in column.lower()


def test_two_badges_of_one_person_cannot_be_linked(house: House) -> None:
    first, second = (json.loads(house.issue(f"decision:{n}", recipient_email=EMAIL).document) for n in (1, 2))
    for member in ("id", "identifier"):
        assert first["credentialSubject"][member] != second["credentialSubject"][member]


def test_the_whole_second_rule_holds_for_every_date(house: House) -> None:
    awarded = datetime.now(UTC).replace(microsecond=987654) - timedelta(seconds=3)
    document = json.loads(house.issue(awarded_at=awarded).document)
    for member in ("validFrom", "validUntil", "awardedDate"):
        assert len(document[member]) == len("2026-01-01T00:00:00Z")


def test_another_library_accepts_the_embedded_proof_and_the_status(
    house: House, download: Callable[[str], bytes]
) -> None:
    issued = house.issue()
    verifier = OB3LdpVerifier.for_issuer_did(DID)
    credential = verifier.verify(issued.document, check_status=True, download=download, verify_status_list=False)
    assert credential.issuer.id == DID


def test_another_library_accepts_the_token_and_the_status(house: House, download: Callable[[str], bytes]) -> None:
    issued = house.issue()
    verifier = OB3Verifier.for_issuer_did(DID, download=download)
    credential = verifier.verify(issued.jwt, check_status=True, download=download, verify_status_list=False)
    assert credential.issuer.id == DID


@pytest.mark.parametrize("form", ["document", "jwt"])
def test_another_library_sees_that_a_badge_was_revoked(
    house: House, download: Callable[[str], bytes], form: str
) -> None:
    issued = house.issue()
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=issued.credential_id, reason="a test", actor=OPERATOR
    )
    verifier = OB3LdpVerifier.for_issuer_did(DID) if form == "document" else OB3Verifier.for_issuer_did(DID, download)
    with pytest.raises(LibOpenBadgesException, match="is set at index"):
        verifier.verify(getattr(issued, form), check_status=True, download=download, verify_status_list=False)


def test_the_status_list_is_signed_dated_and_tells_one_badge_from_the_others(house: House) -> None:
    badges = [house.issue(f"decision:{number}") for number in range(3)]
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=badges[1].credential_id, reason="a test", actor=OPERATOR
    )
    listed = json_text.loads(status_list(house.database, house.secret_box, BASE, 1).document)
    data_integrity.verify(listed, resolve_key=resolver(house))
    entries = [json.loads(badge.document)["credentialStatus"] for badge in badges]
    assert [read_bit(listed, int(entry["statusListIndex"]), "revocation") for entry in entries] == [False, True, False]
    assert {entry["statusListCredential"] for entry in entries} == {listed["id"]}
    assert listed["credentialSubject"]["ttl"] == 300_000
    assert listed["validFrom"] < listed["validUntil"]
