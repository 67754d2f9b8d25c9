"""The older kinds of status, and statuses that say more than yes or no."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from app.vc import json_text, status_list
from app.vc.contexts import DATA_INTEGRITY_V2, STATUS_LIST_2021, VC_V1
from app.vc.keys import base64url
from app.vc.timestamps import rfc3339
from app.verifier import status
from app.verifier.issuer_keys import IssuerKeys
from app.verifier.sources import Budgeted
from app.verifier.wording import Stopped
from tests.verifier.field import AT, BADGE_URL, DAY, LIST_URL, SITE, Stranger, outcome

REVOCATIONS = f"{SITE}/issuers/test/revocations"


def _old_badge(issuer: Stranger, version: str = "2.0") -> bytes:
    entry = {"id": REVOCATIONS, "type": "1EdTechRevocationList"}
    make = issuer.credential if version == "2.0" else issuer.credential_v1
    return json_text.dumps(issuer.sign_as_others_do(make(credentialStatus=entry)))


def _publish(stranger: Stranger, revoked: Any, **members: Any) -> None:
    stranger.web.pages[REVOCATIONS] = json_text.dumps({"revokedCredential": revoked, **members})


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize(
    ("revoked", "expected"),
    [
        ([], ("valid", None)),
        ([{"id": BADGE_URL + "0"}], ("valid", None)),
        ([{"id": BADGE_URL, "revoked": False}], ("valid", None)),
        ([{"id": BADGE_URL, "revoked": True, "revocationReason": "error"}], ("revoked", "revoked")),
        ([{"id": BADGE_URL}], ("revoked", "revoked")),
        ([{"id": f" {BADGE_URL.replace('credentials', '%63redentials')} "}], ("revoked", "revoked")),
        ([{"id": BADGE_URL, "revoked": "false"}], ("invalid", "status_malformed")),
        ([{"revoked": True}], ("invalid", "status_malformed")),
        ("none", ("invalid", "status_malformed")),
    ],
)
def test_the_unsigned_list_of_the_issuers_own_host_is_heeded(
    issuer: Stranger, version: str, revoked: Any, expected: tuple[str, str | None]
) -> None:
    _publish(issuer, revoked)
    assert outcome(issuer.judge(_old_badge(issuer, version))) == expected


def test_an_unsigned_list_that_is_down_never_means_not_revoked(issuer: Stranger) -> None:
    assert outcome(issuer.judge(_old_badge(issuer))) == ("unknown", "status_unavailable")
    issuer.web.pages[REVOCATIONS] = b"<html>"
    assert outcome(issuer.judge(_old_badge(issuer))) == ("unknown", "status_unavailable")


def test_an_unsigned_list_of_another_issuer_is_not_relied_on(issuer: Stranger) -> None:
    _publish(issuer, [], issuer="did:web:badges.example.au:issuers:other")
    assert outcome(issuer.judge(_old_badge(issuer))) == ("unknown", "status_issuer")
    _publish(issuer, [], id=REVOCATIONS + "0")
    assert outcome(issuer.judge(_old_badge(issuer))) == ("invalid", "status_malformed")


@pytest.mark.parametrize("url", ["https://lists.example/1", "http://badges.example.au/issuers/test/revocations"])
def test_an_unsigned_list_from_elsewhere_is_not_even_fetched(issuer: Stranger, url: str) -> None:
    issuer.web.pages[url] = json_text.dumps({"revokedCredential": []})
    entry = {"id": url, "type": "1EdTechRevocationList"}
    report = issuer.judge(issuer.secure(issuer.credential(credentialStatus=entry), "di"))
    assert outcome(report) == ("unknown", "status_issuer")
    assert url not in issuer.web.asked


def test_an_issuer_without_a_host_can_have_no_unsigned_list(issuer: Stranger) -> None:
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    entry = {"id": REVOCATIONS, "type": "1EdTechRevocationList"}
    _publish(issuer, [])
    badge = issuer.sign(issuer.credential(credentialStatus=entry), method=f"{issuer.name}#{key}")
    assert outcome(issuer.judge(json_text.dumps(badge))) == ("unknown", "status_issuer")


@pytest.mark.parametrize(
    "changes",
    [
        {
            "statusPurpose": "message",
            "statusMessage": [{"status": "0x0", "message": "ok"}, {"status": "0x1", "message": "x"}],
        },
        {"statusSize": 2, "statusMessage": [{"status": f"0x{n}", "message": str(n)} for n in range(4)]},
        {"statusPurpose": "something"},
        {"statusSize": 64},
    ],
)
def test_a_status_that_says_more_than_yes_or_no_is_an_open_question(issuer: Stranger, changes: dict[str, Any]) -> None:
    entry = status_list.entry(LIST_URL, 4711) | changes
    badge = issuer.raw_status_badge(entry)
    assert outcome(issuer.judge(badge)) == ("unknown", "status_unsupported")


@pytest.mark.parametrize("index", [4711, "4711"])
def test_an_index_may_be_written_as_a_number(issuer: Stranger, index: Any) -> None:
    issuer.publish_list((4711,))
    badge = issuer.secure(
        issuer.credential(credentialStatus=status_list.entry(LIST_URL, 0) | {"statusListIndex": index}), "di"
    )
    assert outcome(issuer.judge(badge)) == ("revoked", "revoked")


def _list_of_2021(issuer: Stranger, set_bits: tuple[int, ...], **changes: Any) -> dict[str, Any]:
    subject = {
        "id": f"{LIST_URL}#list",
        "type": "StatusList2021",
        "statusPurpose": "revocation",
        "encodedList": status_list.encode_list(set_bits)[1:],
        **changes,
    }
    return {
        "@context": [VC_V1, STATUS_LIST_2021, DATA_INTEGRITY_V2],
        "id": LIST_URL,
        "type": ["VerifiableCredential", "StatusList2021Credential"],
        "issuer": issuer.name,
        "issuanceDate": rfc3339(AT - DAY),
        "credentialSubject": subject,
    }


def _look_up(issuer: Stranger, document: dict[str, Any], **changes: Any) -> str:
    """The status part alone."""
    claims = {
        "vc": document, "iss": issuer.name, "jti": LIST_URL, "sub": f"{LIST_URL}#list",
        "nbf": int((AT - DAY).timestamp()),
    }  # fmt: skip
    issuer.web.pages[LIST_URL] = issuer.raw_jwt(json_text.dumps(claims)).encode()
    source = Budgeted(issuer.web)
    keys = IssuerKeys(issuer.name, source, at=AT, allow_http_localhost=False)
    entry = {
        "id": f"{LIST_URL}#4711", "type": "StatusList2021Entry", "statusPurpose": "revocation",
        "statusListIndex": "4711", "statusListCredential": LIST_URL, **changes,
    }  # fmt: skip
    try:
        return status.check({"credentialStatus": entry}, status.Lists(source, issuer.name, keys, AT)).code
    except Stopped as stop:
        return stop.code


@pytest.mark.parametrize(("bits", "code"), [((), "ok"), ((4711,), "revoked")])
def test_a_list_of_2021_is_read(issuer: Stranger, bits: tuple[int, ...], code: str) -> None:
    assert _look_up(issuer, _list_of_2021(issuer, bits)) == code


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize(("bits", "expected"), [((), ("valid", None)), ((4711,), ("revoked", "revoked"))])
def test_a_badge_on_a_list_of_2021_is_judged_by_it(
    issuer: Stranger, version: str, bits: tuple[int, ...], expected: tuple[str, str | None]
) -> None:
    issuer.web.pages[LIST_URL] = json_text.dumps(issuer.sign_as_others_do(_list_of_2021(issuer, bits)))
    entry = {
        "id": f"{LIST_URL}#4711", "type": "StatusList2021Entry", "statusPurpose": "revocation",
        "statusListIndex": "4711", "statusListCredential": LIST_URL,
    }  # fmt: skip
    make = issuer.credential if version == "2.0" else issuer.credential_v1
    document = make(credentialStatus=entry)
    document["@context"] = [*document["@context"], STATUS_LIST_2021]
    badge = json_text.dumps(issuer.sign_as_others_do(document))
    assert outcome(issuer.judge(badge)) == expected


def test_a_list_of_2021_in_plain_base64_is_read(issuer: Stranger) -> None:
    plain = status_list.encode_list((4711,))[1:].replace("-", "+").replace("_", "/")
    padded = plain + "=" * (-len(plain) % 4)
    assert _look_up(issuer, _list_of_2021(issuer, (), encodedList=padded)) == "revoked"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"encodedList": base64url(gzip.compress(bytes(1250)))}, "status_length"),
        ({"encodedList": "!"}, "status_malformed"),
        ({"encodedList": 7}, "status_malformed"),
        ({"type": "BitstringStatusList"}, "status_malformed"),
        ({"statusPurpose": "suspension"}, "status_purpose"),
    ],
)
def test_a_list_of_2021_that_breaks_the_rules_fails(issuer: Stranger, changes: dict[str, Any], code: str) -> None:
    assert _look_up(issuer, _list_of_2021(issuer, (), **changes)) == code


def test_the_two_kinds_of_lists_are_not_mixed(issuer: Stranger) -> None:
    assert _look_up(issuer, _list_of_2021(issuer, ()), type="BitstringStatusListEntry") == "status_malformed"
    issuer.publish_list()
    entry = status_list.entry(LIST_URL, 1) | {"type": "StatusList2021Entry"}
    source = Budgeted(issuer.web)
    keys = IssuerKeys(issuer.name, source, at=AT, allow_http_localhost=False)
    with pytest.raises(Stopped, match="status_malformed"):
        status.check({"credentialStatus": entry}, status.Lists(source, issuer.name, keys, AT))
