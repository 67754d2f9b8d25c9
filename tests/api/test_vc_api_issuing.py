"""What the data model suite sends to be issued: what must come back, and what must be refused."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest

from app.vc.contexts import DATA_INTEGRITY_V2, VC_V1, VC_V2, pinned_bytes
from app.vc.keys import base64url
from tests.api.suites import EXAMPLES, Server, accepted, refused

LANGUAGE = {"@value": "Badge", "@language": "en"}
DIRECTED = {**LANGUAGE, "@direction": "ltr"}
TYPED = {"type": "https://example.org/#Thing"}
DIGEST = hashlib.sha256(pinned_bytes(VC_V2)).digest()
SRI = "sha384-" + b64encode(hashlib.sha384(pinned_bytes(VC_V2)).digest()).decode()
RAW, MULTIHASH = "u" + base64url(DIGEST), "u" + base64url(b"\x12\x20" + DIGEST)
OTHER = "u" + base64url(hashlib.sha256(b"something else").digest())

GOOD: list[dict[str, Any]] = [
    {},
    {"id": "urn:uuid:58172aac-0000-4a4a-8a8a-0b3aef56cc33"},
    {"@context": [VC_V2, EXAMPLES]},
    {
        "@context": [VC_V2, EXAMPLES],
        "type": ["VerifiableCredential", "Alumni"],
        "credentialSubject": {"id": "did:example:a", "of": {"name": "x", "since": 1999}},
    },
    {
        "@context": [VC_V2, {"Alumni": "https://example.org/#Alumni"}],
        "type": ["VerifiableCredential", "Alumni"],
    },
    {"type": ["VerifiableCredential", "https://example.org/#Alumni"]},
    {"type": ["https://example.org/#A", "VerifiableCredential", "https://example.org/#B"]},
    {"name": "Badge", "description": "Of tin"},
    {"name": LANGUAGE, "description": DIRECTED},
    {"name": [LANGUAGE, {"@value": "Insigne", "@language": "fr"}]},
    {"credentialSubject": [{"id": "did:example:a"}, {"id": "did:example:b"}]},
    {"validFrom": "2026-03-01T09:00:00.123Z"},
    {"validFrom": "2030-03-01T09:00:00-05:00"},
    {"validUntil": "2010-01-01T00:00:00.5Z"},
    {"validFrom": "2026-03-01T09:00:00Z", "validUntil": "2026-03-01T10:00:00+01:00"},
    {"credentialStatus": TYPED},
    {"credentialStatus": [TYPED, {**TYPED, "id": "did:example:status"}]},
    {"credentialSchema": {**TYPED, "id": "https://example.org/schema"}},
    {"credentialSchema": [{**TYPED, "id": f"https://example.org/schema/{number}"} for number in range(2)]},
    {"refreshService": TYPED},
    {"refreshService": [{**TYPED, "id": f"did:example:refresh/{number}"} for number in range(2)]},
    {"termsOfUse": [TYPED, {**TYPED, "id": "https://example.org/terms"}]},
    {"evidence": [TYPED, TYPED]},
    {"relatedResource": {"id": VC_V2, "digestSRI": SRI}},
    {"relatedResource": [{"id": VC_V2, "digestMultibase": RAW, "mediaType": "application/ld+json"}]},
    {"relatedResource": {"id": VC_V2, "digestMultibase": MULTIHASH}},
    {"relatedResource": [{"id": f"https://example.org/{n}", "digestMultibase": RAW} for n in range(2)]},
]

BAD: list[dict[str, Any]] = [
    {"@context": None},
    {"@context": []},
    {"@context": VC_V2},
    {"@context": [EXAMPLES, VC_V2]},
    {"@context": [EXAMPLES]},
    {"@context": [{"Alumni": "https://example.org/#Alumni"}, VC_V2]},
    {"@context": [VC_V2, "https ://not-a-url/contexts/example/v1"]},
    {"@context": [VC_V2, "https://example.com"]},
    {"@context": [VC_V2, 123192875]},
    {"@context": [VC_V2, None]},
    {"@context": [VC_V2, {"VerifiableCredential": "https://example.org/#Bad"}]},
    {
        "@context": [
            VC_V2,
            {"@protected": True, "Alumni": "https://example.org/#Alumni"},
            {"Alumni": "https://example.org/#Other"},
        ],
        "type": ["VerifiableCredential", "Alumni"],
    },
    {
        "@context": [VC_V2, {"Alumni": "https ://not-a-url#Alumni"}],
        "type": ["VerifiableCredential", "Alumni"],
    },
    {"type": None},
    {"type": []},
    {"type": ["https://example.org/#A"]},
    {"type": ["VerifiableCredential", "Alumni"]},
    {"type": ["VerifiableCredential", 4]},
    {"id": ["urn:x:1", "urn:x:2"]},
    {"id": "not-a-url"},
    {"id": "https ://not-a-url"},
    {"id": 4},
    {"issuer": None},
    {"issuer": "not-a-url"},
    {"issuer": 4},
    {"issuer": {}},
    {"issuer": {"id": None, "name": "x"}},
    {"issuer": {"id": "not-a-url"}},
    {"issuer": ["did:example:a"]},
    {"credentialSubject": None},
    {"credentialSubject": {}},
    {"credentialSubject": []},
    {"credentialSubject": [{"id": "did:example:a"}, {}]},
    {"credentialSubject": "did:example:a"},
    {"credentialSubject": {"id": ["did:example:a", "did:example:b"]}},
    *({member: {**DIRECTED, "url": "x"}} for member in ("name", "description")),
    *(
        {"name": value}
        for value in (4, [], ["a", "b"], {"@value": 4}, {"@language": "en"}, {**LANGUAGE, "@direction": "up"})
    ),
    *(
        {member: value}
        for member in ("validFrom", "validUntil")
        for value in ("2026-03-01", "2026-03-01T09:00:00", "2026-02-30T09:00:00Z", "2026-03-01t09:00:00Z", 1, "soon")
    ),
    {"validFrom": "2026-03-01T09:00:01Z", "validUntil": "2026-03-01T10:00:00+01:00"},
    *(
        {member: value}
        for member in ("credentialStatus", "credentialSchema", "refreshService", "termsOfUse", "evidence")
        for value in (
            "https://example.org/1",
            {"id": "https://example.org/1"},
            [],
            {},
            [{}],
            {"type": "Unmapped", "id": "urn:x:1"},
            {**TYPED, "id": "not-a-url"},
            {**TYPED, "id": ["urn:x:1", "urn:x:2"]},
        )
    ),
    {"credentialSchema": TYPED},
    {"relatedResource": [VC_V2]},
    {"relatedResource": {"digestMultibase": RAW}},
    {"relatedResource": {"id": "not-a-url", "digestMultibase": RAW}},
    {"relatedResource": {"id": VC_V2}},
    {"relatedResource": [{"id": "urn:x:1", "digestMultibase": RAW}, {"id": "urn:x:1", "digestMultibase": RAW}]},
    {"relatedResource": {"id": VC_V2, "digestMultibase": OTHER}},
    {"relatedResource": {"id": VC_V2, "digestSRI": "sha384-" + b64encode(bytes(48)).decode()}},
    {"relatedResource": {"id": VC_V2, "digestSRI": SRI, "digestMultibase": OTHER}},
    {"statusEntry": {"type": "BitstringStatusListEntry", "statusListIndex": True}},
]


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_a_good_credential_is_issued_unchanged_and_verifies(server: Server, changes: dict[str, Any]) -> None:
    asked = server.credential(**changes)
    issued = server.issued(asked)
    proof = issued["proof"]
    assert {name: value for name, value in issued.items() if name != "proof"} == asked
    assert list(issued)[: len(asked)] == list(asked)
    assert (proof["type"], proof["cryptosuite"]) == ("DataIntegrityProof", "eddsa-rdfc-2022")
    assert proof["verificationMethod"] == f"{server.did()}#{server.did().removeprefix('did:key:')}"
    assert proof["proofPurpose"] == "assertionMethod"
    assert proof["proofValue"].startswith("z")
    accepted(server.verify(issued))


@pytest.mark.parametrize("changes", BAD, ids=str)
def test_a_credential_that_breaks_a_rule_is_not_issued(server: Server, changes: dict[str, Any]) -> None:
    refused(server.issue(server.credential(**changes)))


def test_the_issuer_may_be_an_object_whose_name_has_a_language(server: Server) -> None:
    issuer = {"id": server.did(), "name": DIRECTED, "description": [LANGUAGE]}
    assert server.issued(server.credential(issuer=issuer))["issuer"] == issuer
    refused(
        server.issue(server.credential(issuer={**issuer, "name": {**LANGUAGE, "url": "x"}})), "MALFORMED_VALUE_ERROR"
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"validFrom": "soon"}, "MALFORMED_VALUE_ERROR"),
        ({"undefinedMember": 1}, "DATA_LOSS_DETECTION_ERROR"),
        ({"type": ["VerifiableCredential", "Undefined"]}, "DATA_LOSS_DETECTION_ERROR"),
    ],
)
def test_a_refusal_has_the_problem_type_of_the_standard(server: Server, changes: dict[str, Any], kind: str) -> None:
    refused(server.issue(server.credential(**changes)), kind)


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_each_suite_has_an_address_of_its_own(server: Server, suite: str) -> None:
    issued = server.issued(server.credential(), f"/{suite}/credentials/issue")
    assert issued["proof"]["cryptosuite"] == suite
    accepted(server.verify(issued))


def test_an_unknown_suite_is_not_found(server: Server) -> None:
    assert server.issue(server.credential(), "/rsa-1977/credentials/issue").status_code == 404


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_a_credential_of_version_1_1_gets_the_context_that_knows_its_proof(server: Server, suite: str) -> None:
    asked = server.credential(
        **{"@context": [VC_V1, {"@context": {"name": "https://schema.org/name"}}]},
        issuanceDate="2020-03-16T22:37:26.544Z",
        credentialSubject={"id": "did:example:subject", "name": "Tess"},
    )
    issued = server.issued(asked, f"/{suite}/credentials/issue")
    assert issued["@context"] == [*asked["@context"], DATA_INTEGRITY_V2]
    accepted(server.verify(issued))
    again = server.issued({**asked, "@context": issued["@context"]}, f"/{suite}/credentials/issue")
    assert again["@context"] == issued["@context"]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuanceDate": None},
        {"issuanceDate": "2020-03-16"},
        {"expirationDate": "2019-01-01T00:00:00Z"},
        {"credentialStatus": {"type": "https://example.org/#S"}},
        {"refreshService": {"type": "https://example.org/#S"}},
        {"credentialSubject": {"id": "did:example:subject", "nobodyKnows": "x"}},
    ],
    ids=str,
)
def test_a_credential_of_version_1_1_follows_its_own_rules(server: Server, changes: dict[str, Any]) -> None:
    good = {"@context": [VC_V1], "issuanceDate": "2020-03-16T22:37:26Z"}
    server.issued(server.credential(**good))
    refused(server.issue(server.credential(**good | changes)))


def test_what_carries_a_proof_already_is_not_issued_again(server: Server) -> None:
    refused(server.issue(server.issued(server.credential())), "MALFORMED_VALUE_ERROR")
