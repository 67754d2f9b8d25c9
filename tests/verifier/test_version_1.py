"""Badges of the VC Data Model 1.1, and tokens in its manner; envelopes of the later standard."""

from __future__ import annotations

from typing import Any

import pytest

from app.vc import contexts, json_text
from app.vc.keys import base64url, base64url_decode
from app.vc.timestamps import rfc3339
from tests.verifier.field import AT, BADGE_URL, DAY, OB, SECRET_CLAIM, Stranger, contain, outcome

SCHEMA = {
    "id": f"{OB}schema/json/ob_v3p0_anyachievementcredential_schema.json",
    "type": "1EdTechJsonSchemaValidator2019",
}
BARE_V1 = [contexts.VC_V1, OB + "context-3.0.2.json", OB + "extensions.json"]


def _signed(issuer: Stranger, securing: str, **changes: Any) -> bytes:
    document = issuer.credential_v1(**changes)
    if securing == "jwt":
        return issuer.wrap_jwt(document, exp=None).encode()
    suite = "eddsa-jcs-2022" if securing == "jcs" else "eddsa-rdfc-2022"
    return json_text.dumps(issuer.sign_as_others_do(document, suite))


@pytest.mark.parametrize("container", ["bare", "png", "svg"])
@pytest.mark.parametrize("securing", ["di", "jcs", "jwt"])
def test_a_good_badge_of_version_1_is_valid(issuer: Stranger, securing: str, container: str) -> None:
    report = issuer.judge(contain(_signed(issuer, securing), container))
    assert outcome(report) == ("valid", None)
    assert report.facts is not None
    assert (report.facts.name, report.facts.valid_until) == (SECRET_CLAIM, AT + 30 * DAY)


@pytest.mark.parametrize("securing", ["di", "jcs", "jwt"])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"expirationDate": rfc3339(AT - DAY)}, ("expired", "expired")),
        ({"validUntil": rfc3339(AT - DAY)}, ("expired", "expired")),
        ({"validFrom": rfc3339(AT + DAY)}, ("not_yet_valid", "not_yet_valid")),
        ({"credentialSchema": [SCHEMA]}, ("valid", None)),
        (
            {"credentialSchema": [SCHEMA], "description": {"@value": "x", "@language": "en"}},
            ("invalid", "schema_invalid"),
        ),
    ],
)
def test_its_dates_and_schema_are_judged(
    issuer: Stranger, securing: str, changes: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    assert outcome(issuer.judge(_signed(issuer, securing, **changes))) == expected


def test_it_must_say_when_it_was_issued(issuer: Stranger) -> None:
    document = issuer.credential_v1(issuanceDate=None, validFrom=rfc3339(AT - DAY))
    report = issuer.judge(json_text.dumps(issuer.sign_as_others_do(document)))
    assert outcome(report) == ("invalid", "schema_invalid")


def test_one_changed_character_fails(issuer: Stranger) -> None:
    badge = _signed(issuer, "di").replace(b"Found and tested", b"Found and Tested")
    assert outcome(issuer.judge(badge)) == ("invalid", "bad_signature")


def test_a_context_of_the_drafts_is_an_open_question(issuer: Stranger) -> None:
    named = [contexts.VC_V1, "https://purl.imsglobal.org/spec/ob/v3p0/context.json"]
    token = issuer.wrap_jwt(issuer.credential_v1(**{"@context": named}))
    assert outcome(issuer.judge(token.encode())) == ("unknown", "context_unknown")


@pytest.mark.parametrize("member", ["id", "issuer", "issuanceDate", "expirationDate"])
def test_what_only_the_claims_say_is_read_from_them(issuer: Stranger, member: str) -> None:
    document = {name: value for name, value in issuer.credential_v1().items() if name != member}
    report = issuer.judge(issuer.wrap_jwt(document).encode())
    assert outcome(report) == ("valid", None)
    assert report.facts is not None
    assert (report.facts.credential_id, report.facts.issuer.id) == (BADGE_URL, issuer.name)
    assert (report.facts.valid_from, report.facts.valid_until) == (AT - 30 * DAY, AT + 30 * DAY)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "did:web:other.example"}, "jwt_iss_mismatch"),
        ({"iss": None}, "jwt_iss_mismatch"),
        ({"jti": BADGE_URL + "0"}, "jwt_jti_mismatch"),
        ({"sub": "urn:uuid:0f2d3f0e-5a6b-4c7d-8e9f-a0b1c2d3e4f6"}, "jwt_sub_mismatch"),
        ({"sub": None}, "jwt_sub_mismatch"),
        ({"nbf": 5}, "jwt_nbf_mismatch"),
        ({"nbf": None}, "jwt_nbf_mismatch"),
        ({"nbf": 10**30}, "jwt_nbf_mismatch"),
        ({"nbf": True}, "jwt_nbf_mismatch"),
        ({"exp": 4102444800}, "jwt_exp_mismatch"),
        ({"vc": []}, "jwt_vc_mismatch"),
        ({"vc": {"@context": contexts.VC_V2}}, "jwt_vc_mismatch"),
    ],
)
def test_claims_and_credential_must_agree(issuer: Stranger, claims: dict[str, Any], code: str) -> None:
    if claims.get("nbf") == 10**30:
        token = issuer.wrap_jwt(issuer.credential_v1(), nbf=1e30)
    else:
        token = issuer.wrap_jwt(issuer.credential_v1(), **claims)
    assert outcome(issuer.judge(token.encode())) == ("invalid", code)


def test_a_wrapped_token_changed_after_signing_fails(issuer: Stranger) -> None:
    head, payload, signature = issuer.wrap_jwt(issuer.credential_v1()).split(".")
    changed = base64url_decode(payload).replace(b"Found and tested", b"Found and Tested")
    report = issuer.judge(f"{head}.{base64url(changed)}.{signature}".encode())
    assert outcome(report) == ("invalid", "bad_signature")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"alg": "none"}, ("invalid", "unsupported_alg")),
        ({"alg": "HS256"}, ("invalid", "unsupported_alg")),
        ({"alg": "EdDSA"}, ("invalid", "unsupported_alg")),
        ({"alg": "PS256"}, ("unknown", "unsupported_alg")),
        ({"alg": "ES256", "crit": ["b64"], "b64": False}, ("invalid", "jwt_header")),
        ({"alg": "ES256", "typ": "at+jwt"}, ("invalid", "jwt_header")),
        ({"alg": "ES256", "kid": "p256-1"}, ("invalid", "key_not_found")),
        ({"alg": "ES256", "kid": "did:web:other.example#p256-1"}, ("invalid", "issuer_key_mismatch")),
    ],
)
def test_a_wrapped_token_cannot_choose_how_it_is_checked(
    issuer: Stranger, header: dict[str, Any], expected: tuple[str, str]
) -> None:
    payload = base64url_decode(issuer.wrap_jwt(issuer.credential_v1()).split(".")[1])
    token = issuer.raw_jwt(payload, {"kid": issuer.p256_id, **header})
    assert outcome(issuer.judge(token.encode())) == expected


def test_a_key_may_be_named_by_its_fragment(issuer: Stranger) -> None:
    payload = base64url_decode(issuer.wrap_jwt(issuer.credential_v1()).split(".")[1])
    token = issuer.raw_jwt(payload, {"alg": "ES256", "kid": "#p256-1"})
    assert outcome(issuer.judge(token.encode())) == ("valid", None)


@pytest.mark.parametrize("media_type", ["application/vc+jwt", "application/jwt"])
def test_an_enveloped_badge_is_the_token_in_it(issuer: Stranger, media_type: str) -> None:
    report = issuer.judge(_envelope(issuer.sign_jwt(issuer.credential()), media_type))
    assert outcome(report) == ("valid", None)
    assert report.technical.securing == "jwt"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "data:application/vc+sd-jwt,a.b.c"},
        {"id": "https://badges.example.au/1"},
        {"id": 7},
        {"@context": contexts.VC_V1},
        {"type": ["EnvelopedVerifiableCredential", "OpenBadgeCredential"]},
        {"name": SECRET_CLAIM},
    ],
)
def test_an_envelope_that_is_something_else_as_well_is_not_read(issuer: Stranger, changes: dict[str, Any]) -> None:
    envelope = json_text.loads(_envelope(issuer.sign_jwt(issuer.credential()), "application/vc+jwt")) | changes
    assert outcome(issuer.judge(json_text.dumps(envelope))) == ("invalid", "parse_error")


def _envelope(token: str, media_type: str) -> bytes:
    return json_text.dumps(
        {
            "@context": contexts.VC_V2,
            "type": "EnvelopedVerifiableCredential",
            "id": f"data:{media_type},{token}",
        }
    )
