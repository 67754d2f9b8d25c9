"""The rules of the VC Data Model, read off a document's own JSON; the VC API's tests have one row for each of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc import multibase
from app.vc.contexts import OB_V3, VC_V1, VC_V2
from app.vc.data_model import Credential, Presentation, read_credential, read_presentation
from app.vc.errors import MALFORMED_VALUE_ERROR, CanonicalizationRefused, ModelError, StatusListError, VcError
from app.vc.open_badges import digest_multibase
from tests.vc.samples import DID, unsigned

SUBJECT = {"id": "did:example:subject"}
TYPED = {"type": "https://example.org/#Thing"}


def credential(**changes: Any) -> dict[str, Any]:
    members = {
        "@context": [VC_V2],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": SUBJECT,
    }
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def old(**changes: Any) -> dict[str, Any]:
    return credential(**{"@context": [VC_V1], "issuanceDate": "2020-01-01T00:00:00Z", **changes})


def refusal(document: dict[str, Any], *, to_issue: bool = False) -> VcError:
    with pytest.raises(VcError) as caught:
        read_credential(document, to_issue=to_issue)
    return caught.value


def test_what_a_credential_says_is_told() -> None:
    document = credential(
        id="urn:x:1",
        issuer={"id": "did:example:issuer", "name": "I"},
        validFrom="2026-03-01T09:00:00Z",
        validUntil="2026-03-01T20:00:00+10:00",
    )
    assert read_credential(document, to_issue=True) == Credential(
        version="2.0",
        types=("VerifiableCredential",),
        id="urn:x:1",
        issuer="did:example:issuer",
        valid_from=datetime(2026, 3, 1, 9, tzinfo=UTC),
        valid_until=datetime(2026, 3, 1, 10, tzinfo=UTC),
    )


def test_our_own_badge_follows_the_data_model() -> None:
    found = read_credential(unsigned(), to_issue=True)
    assert found.issuer == DID
    assert "OpenBadgeCredential" in found.types


def test_version_1_1_is_told_by_its_own_words() -> None:
    found = read_credential(old(expirationDate="2021-01-01T00:00:00Z", validFrom="not looked at"))
    assert found.version == "1.1"
    assert found.valid_from == datetime(2020, 1, 1, tzinfo=UTC)
    assert found.valid_until == datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuanceDate": None},
        {"issuanceDate": "2020-01-01"},
        {"expirationDate": "2019-12-31T23:59:59Z"},
        {"credentialStatus": TYPED},
        {"refreshService": TYPED},
        {"credentialSchema": TYPED},
    ],
    ids=str,
)
def test_version_1_1_asks_for_more(changes: dict[str, Any]) -> None:
    assert refusal(old(**changes)).problem_type == MALFORMED_VALUE_ERROR


@pytest.mark.parametrize("changes", [{"credentialStatus": TYPED}, {"refreshService": TYPED}, {"evidence": TYPED}])
def test_version_2_0_asks_for_a_type_only(changes: dict[str, Any]) -> None:
    read_credential(credential(**changes))


@pytest.mark.parametrize(
    ("contexts", "code"),
    [
        (None, "context_missing"),
        ([], "context_missing"),
        ([OB_V3], "context_order"),
        ([{"@vocab": "urn:x:"}], "context_order"),
        (VC_V2, "malformed_value"),
        ([VC_V2, 4], "malformed_value"),
        ([VC_V2, "relative"], "malformed_value"),
        ([VC_V2, [OB_V3]], "malformed_value"),
    ],
)
def test_the_contexts_are_an_ordered_set_that_begins_with_the_base(contexts: Any, code: str) -> None:
    assert refusal(credential(**{"@context": contexts})).code == code
    with pytest.raises((CanonicalizationRefused, ModelError)) as caught:
        read_presentation({"@context": contexts, "type": "VerifiablePresentation"})
    assert caught.value.code == code


def test_a_type_may_stand_alone_and_in_any_order() -> None:
    assert read_credential(credential(type="VerifiableCredential")).types == ("VerifiableCredential",)
    assert read_credential(credential(type=["A", "VerifiableCredential"])).types == ("A", "VerifiableCredential")


@pytest.mark.parametrize(
    "types", [None, "", [], " ", ["A"], ["VerifiableCredential", ""], ["VerifiableCredential"] * 2, {}]
)
def test_a_wrong_type_is_refused(types: Any) -> None:
    assert refusal(credential(type=types)).problem_type == MALFORMED_VALUE_ERROR


@pytest.mark.parametrize("value", ["2026-03-01T09:00:00", "2026-03-01T09:00:00.5"])
def test_a_time_without_offset_is_utc_to_a_verifier_and_an_error_to_an_issuer(value: str) -> None:
    found = read_credential(credential(validFrom=value)).valid_from
    assert found is not None
    assert found.replace(microsecond=0) == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert refusal(credential(validFrom=value), to_issue=True).code == "malformed_value"


@pytest.mark.parametrize(
    "value", ["2026-03-01T24:01:00Z", "2026-13-01T00:00:00Z", "2026-03-01 09:00:00Z", "2026-03-01T09:00Z", 0, []]
)
def test_a_date_that_is_none_is_refused(value: Any) -> None:
    assert refusal(credential(validUntil=value)).problem_type == MALFORMED_VALUE_ERROR


def test_a_validity_of_one_moment_is_no_error_and_a_negative_one_is() -> None:
    read_credential(credential(validFrom="2026-03-01T09:00:00Z", validUntil="2026-03-01T19:00:00+10:00"))
    reason = refusal(credential(validFrom="2026-03-01T09:00:00Z", validUntil="2026-03-01T18:59:59+10:00"))
    assert reason.detail == "The validUntil lies before the validFrom."


@pytest.mark.parametrize("member", ["confidenceMethod", "evidence", "refreshService", "renderMethod", "termsOfUse"])
def test_what_stands_at_a_reserved_place_says_its_type(member: str) -> None:
    read_credential(credential(**{member: [TYPED, {**TYPED, "id": "urn:x:1"}]}))
    for wrong in ({"id": "urn:x:1"}, [], {}, "urn:x:1", [TYPED, 4], {**TYPED, "id": "relative"}, {**TYPED, "id": None}):
        assert refusal(credential(**{member: wrong})).problem_type == MALFORMED_VALUE_ERROR


def test_an_entry_of_a_status_list_follows_the_rules_of_those() -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://example.org/status/1",
    }
    read_credential(credential(credentialStatus=entry))
    with pytest.raises(StatusListError):
        read_credential(credential(credentialStatus={**entry, "statusListIndex": 7}))


@pytest.mark.parametrize(
    "digest", [digest_multibase(b"x"), multibase.encode(b"\x12\x20" + bytes(30)), ["u" + "A" * 43, "u" + "A" * 86]]
)
def test_resources_of_others_need_a_digest_in_a_known_form(digest: Any) -> None:
    read_credential(credential(relatedResource={"id": "https://example.org/1", "digestMultibase": digest}))


@pytest.mark.parametrize(
    "resource",
    [
        {"digestMultibase": ""},
        {"digestMultibase": "u"},
        {"digestMultibase": "uAAAA"},
        {"digestMultibase": "u" + "A" * 44},
        {"digestMultibase": "mAAAA"},
        {"digestMultibase": "z0OIl"},
        {"digestMultibase": []},
        {"digestMultibase": [4]},
        {"digestMultibase": digest_multibase(b"x")[:-3]},
        {"digestSRI": ""},
        {"digestSRI": "sha256-"},
        {"digestSRI": "sha256-AAAA"},
        {"digestSRI": "md5-AAAAAAAAAAAAAAAAAAAAAA=="},
        {"digestSRI": "sha256-" + "A" * 43},
        {"digestSRI": 4},
        {"digestMultibase": digest_multibase(b"x"), "mediaType": 4},
        {"digestMultibase": digest_multibase(b"x"), "id": "relative"},
    ],
    ids=str,
)
def test_a_resource_with_an_unreadable_digest_is_refused(resource: dict[str, Any]) -> None:
    named = {"id": "https://example.org/1", **resource}
    assert refusal(credential(relatedResource=named)).problem_type == MALFORMED_VALUE_ERROR


def test_what_a_presentation_says_is_told() -> None:
    inner = credential()
    document = {"@context": [VC_V2], "type": ["VerifiablePresentation", "A"], "holder": {"id": "did:example:h"}}
    assert read_presentation({**document, "id": "urn:x:1", "verifiableCredential": inner}) == Presentation(
        version="2.0",
        types=("VerifiablePresentation", "A"),
        id="urn:x:1",
        holder="did:example:h",
        credentials=(inner,),
    )
    assert read_presentation({**document, "@context": [VC_V1]}).version == "1.1"
    assert read_presentation({**document, "verifiableCredential": []}).credentials == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "VerifiableCredential"},
        {"type": None},
        {"holder": None},
        {"holder": {"name": "x"}},
        {"holder": "relative"},
        {"id": "relative"},
        {"verifiableCredential": ["https://example.org/1"]},
        {"verifiableCredential": [{}]},
        {"verifiableCredential": None},
        {"termsOfUse": {"id": "urn:x:1"}},
    ],
    ids=str,
)
def test_a_wrong_presentation_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        read_presentation({"@context": [VC_V2], "type": "VerifiablePresentation", **changes})


MEMBERS = (
    "@context", "id", "type", "issuer", "holder", "credentialSubject", "credentialStatus", "credentialSchema",
    "evidence", "relatedResource", "validFrom", "validUntil", "issuanceDate", "name", "verifiableCredential",
    "digestSRI", "@value",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([VC_V2, VC_V1, "VerifiableCredential", "urn:x:1", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=15,
)


@given(changes=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_whatever_a_document_holds_ends_in_an_answer_or_a_refusal(changes: dict[str, Any]) -> None:
    for read in (read_credential, read_presentation):
        with suppress(VcError):
            assert read({**credential(), **changes}).version in ("1.1", "2.0")
