"""Presentations, and credentials and presentations in envelopes."""

from __future__ import annotations

from typing import Any

import pytest

from app.vc.contexts import VC_V2
from app.vc.data_integrity import ASSERTION, AUTHENTICATION, Extras
from app.vc.keys import Ed25519Signer, P256Signer
from tests.api.suites import (
    CHALLENGE,
    DOMAIN,
    EXAMPLES,
    Party,
    Server,
    Spoil,
    accepted,
    credential,
    envelope,
    presentation,
    refused,
    spoiled,
    token,
)

ENVELOPED_CREDENTIAL, ENVELOPED_PRESENTATION = "EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation"
ASKED = {"domain": DOMAIN, "challenge": CHALLENGE}


@pytest.fixture
def holder() -> Party:
    return Party()


@pytest.fixture
def inside() -> dict[str, Any]:
    """A credential that somebody else signed."""
    return Party().sign(credential())


@pytest.fixture
def presented(holder: Party, inside: dict[str, Any]) -> dict[str, Any]:
    return holder.present(presentation(holder=holder.did, verifiableCredential=[inside]))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id": "urn:uuid:313801ba-24b7-11ee-be02-ff560265cf9b"},
        {"holder": "did:example:holder"},
        {"holder": {"id": "did:example:holder"}},
        {"@context": [VC_V2, EXAMPLES], "type": ["VerifiablePresentation", "Anything"]},
        {
            "@context": [VC_V2, {"Shown": "https://example.org/#Shown"}],
            "type": ["VerifiablePresentation", "Shown"],
        },
        {"https://www.w3.org/2018/credentials#verifiableCredential": [credential()]},
        {"termsOfUse": {"type": "https://example.org/#Terms"}},
    ],
    ids=str,
)
def test_a_good_presentation_is_accepted(server: Server, holder: Party, changes: dict[str, Any]) -> None:
    signed = holder.present(presentation(**changes))
    accepted(server.verify_presentation(signed, **ASKED))
    accepted(server.post("/presentations/verify", {"verifiablePresentation": signed}))


def test_a_presentation_of_nothing_is_accepted(server: Server, holder: Party) -> None:
    accepted(server.verify_presentation(holder.sign_freely(presentation(verifiableCredential=[]))))


def test_every_credential_in_it_is_verified_too(server: Server, holder: Party, inside: dict[str, Any]) -> None:
    other = Party().sign(credential(credentialSubject={"id": "did:example:other"}), suite="eddsa-jcs-2022")
    accepted(server.verify_presentation(holder.present(presentation(verifiableCredential=[inside, other])), **ASKED))
    accepted(server.verify_presentation(holder.present(presentation(verifiableCredential=inside)), **ASKED))
    changed = spoiled(inside, lambda each: each.update(issuer="did:example:somebodyelse"))
    refused(server.verify_presentation(holder.present(presentation(verifiableCredential=[other, changed])), **ASKED))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each: each.pop("proof"),
        lambda each: each["proof"].update(proofValue="z5nmMBw2u9TGKd9NxxHJtyZKgjN2Eh"),
        lambda each: each.pop("@context"),
        lambda each: each.update({"@context": []}),
        lambda each: each.update({"@context": [EXAMPLES]}),
        lambda each: each["@context"].append("https ://not-a-url/contexts/example/v1"),
        lambda each: each["@context"].append(123192875),
        lambda each: each["@context"].append("https://example.com"),
        lambda each: each.pop("type"),
        lambda each: each.update(type=[]),
        lambda each: each.update(type=["VerifiableCredential"]),
        lambda each: each.update(type="VerifiablePresentation"),
        lambda each: each["type"].append("Undefined"),
        lambda each: each.update(holder="not-a-url"),
        lambda each: each.update(holder={"name": "x"}),
        lambda each: each.update(holder=None),
        lambda each: each.update(holder="did:example:somebodyelse"),
        lambda each: each.update(id="not-a-url"),
        lambda each: each.update(verifiableCredential=["https://example.org/credential"]),
        lambda each: each.update(verifiableCredential=4),
        lambda each: each.update(verifiableCredential=[None]),
        lambda each: each.update(verifiableCredential=[{}]),
        lambda each: each["verifiableCredential"][0].pop("type"),
        lambda each: each["verifiableCredential"][0].pop("proof"),
        lambda each: each["verifiableCredential"][0].update(name="x"),
        lambda each: each["verifiableCredential"].append(each["verifiableCredential"][0]),
    ],
)
def test_a_presentation_that_was_changed_is_refused(server: Server, presented: dict[str, Any], spoil: Spoil) -> None:
    refused(server.verify_presentation(spoiled(presented, spoil), **ASKED))


def test_it_must_be_bound_to_what_the_request_asks_for(server: Server, presented: dict[str, Any]) -> None:
    accepted(server.verify_presentation(presented, **ASKED))
    refused(server.verify_presentation(presented, domain="other.example", challenge=CHALLENGE), "INVALID_DOMAIN_ERROR")
    refused(server.verify_presentation(presented, domain=DOMAIN, challenge="other"), "INVALID_CHALLENGE_ERROR")


def test_an_unbound_presentation_does_not_answer_a_challenge(server: Server, holder: Party) -> None:
    for purpose in (AUTHENTICATION, ASSERTION):
        signed = holder.sign(presentation(), purpose=purpose)
        accepted(server.verify_presentation(signed))
        refused(server.verify_presentation(signed, challenge=CHALLENGE), "INVALID_CHALLENGE_ERROR")
    refused(server.verify_presentation(holder.sign(presentation(), purpose="capabilityInvocation")))


def test_a_credential_without_proof_speaks_for_the_holder_only(server: Server, holder: Party) -> None:
    own = credential(issuer=holder.did)
    accepted(server.verify_presentation(holder.present(presentation(holder=holder.did, verifiableCredential=[own]))))
    for changes in (
        {"verifiableCredential": [own]},
        {"holder": "did:example:somebodyelse", "verifiableCredential": [own]},
        {"holder": holder.did, "verifiableCredential": [credential(issuer="did:example:somebodyelse")]},
        {"holder": holder.did, "verifiableCredential": [credential(issuer=holder.did, credentialSubject=None)]},
        {"holder": (stranger := Party().did), "verifiableCredential": [credential(issuer=stranger)]},
    ):
        refused(server.verify_presentation(holder.present(presentation(**changes))), "MALFORMED_VALUE_ERROR")


def credential_token(signer: P256Signer | Ed25519Signer, **changes: Any) -> str:
    did = f"did:key:{signer.public_key.multikey}"
    return token({"iss": did, "sub": "did:example:subject", "vc": credential(issuer=did), **changes}, signer)


def presentation_token(signer: Ed25519Signer, *credentials: Any, **changes: Any) -> str:
    did = f"did:key:{signer.public_key.multikey}"
    vp = presentation(holder=did, verifiableCredential=list(credentials) or None)
    return token({"iss": did, "aud": "suite.example", "nonce": "123456789", "vp": vp, **changes}, signer)


@pytest.mark.parametrize("media_type", ["application/vc+jwt", "application/jwt"])
@pytest.mark.parametrize("signer", [P256Signer.generate(), Ed25519Signer.generate()], ids=["ES256", "EdDSA"])
def test_an_enveloped_credential_is_accepted(
    server: Server, signer: P256Signer | Ed25519Signer, media_type: str
) -> None:
    accepted(server.verify(envelope(ENVELOPED_CREDENTIAL, credential_token(signer), media_type)))
    plain = token(credential(issuer="https://example.org/issuer"), signer)
    accepted(server.verify(envelope(ENVELOPED_CREDENTIAL, plain, media_type), challenge="123456789"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each: each.update({"@context": []}),
        lambda each: each.pop("@context"),
        lambda each: each.update({"@context": EXAMPLES}),
        lambda each: each.update({"@context": [EXAMPLES]}),
        lambda each: each.pop("type"),
        lambda each: each.update(type="VerifiableCredential"),
        lambda each: each.update(type=["VerifiableCredential"]),
        lambda each: each.update(type=["VerifiableCredential", each["type"]]),
        lambda each: each.update(id=each["id"].split(",")[1]),
        lambda each: each.update(id=each["id"].replace("data:", "date:")),
        lambda each: each.update(id=each["id"].replace("jwt", "cwt", 1)),
        lambda each: each.pop("id"),
        lambda each: each.update(id=4),
        lambda each: each.update(id=each["id"][:-6]),
        lambda each: each.update(id=each["id"] + "."),
        lambda each: each.update(id="data:application/jwt,"),
        lambda each: each.update(id=each["id"].rpartition(".")[0] + "."),
        lambda each: each.update(id=each["id"].replace(".", ".A", 1)),
    ],
)
@pytest.mark.parametrize("kind", [ENVELOPED_CREDENTIAL, ENVELOPED_PRESENTATION])
def test_a_wrong_envelope_is_refused(server: Server, kind: str, spoil: Spoil) -> None:
    signer = Ed25519Signer.generate()
    if kind == ENVELOPED_CREDENTIAL:
        refused(server.verify(spoiled(envelope(kind, credential_token(signer)), spoil)))
    else:
        refused(server.verify_presentation(spoiled(envelope(kind, presentation_token(signer)), spoil)))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": 4},
        {"crit": ["exp"]},
        {"b64": False},
        {"kid": "key-1"},
        {"kid": "did:web:example.org#key"},
        {"kid": "did:key:zNothing#zNothing"},
    ],
)
def test_a_token_with_another_header_is_refused(server: Server, header: dict[str, Any]) -> None:
    signer = Ed25519Signer.generate()
    refused(server.verify(envelope(ENVELOPED_CREDENTIAL, token(credential(), signer, **header))))


def test_a_token_that_says_something_else_than_its_content_is_refused(server: Server) -> None:
    signer = P256Signer.generate()
    for changes in ({"iss": "did:example:somebodyelse"}, {"vc": "text"}, {"vc": credential(type=None)}, {"vc": {}}):
        refused(server.verify(envelope(ENVELOPED_CREDENTIAL, credential_token(signer, **changes))))


@pytest.mark.parametrize("media_type", ["application/vp+jwt", "application/jwt"])
def test_an_enveloped_presentation_is_accepted_with_what_is_in_it(server: Server, media_type: str) -> None:
    inside = envelope(ENVELOPED_CREDENTIAL, credential_token(P256Signer.generate()))
    for credentials in ((), (inside,), ([inside],), (Party().sign(credential()), inside)):
        shown = presentation_token(Ed25519Signer.generate(), *credentials)
        answer = server.verify_presentation(envelope(ENVELOPED_PRESENTATION, shown, media_type), challenge="123456789")
        accepted(answer)
    broken = spoiled(inside, lambda each: each.update(id=each["id"][:-6]))
    shown = presentation_token(Ed25519Signer.generate(), broken)
    refused(server.verify_presentation(envelope(ENVELOPED_PRESENTATION, shown, media_type)))


def test_an_enveloped_presentation_must_answer_the_challenge(server: Server) -> None:
    shown = envelope(ENVELOPED_PRESENTATION, presentation_token(Ed25519Signer.generate()))
    accepted(server.verify_presentation(shown))
    refused(server.verify_presentation(shown, challenge="another"), "INVALID_CHALLENGE_ERROR")


def test_a_presentation_may_hold_an_enveloped_credential(server: Server, holder: Party) -> None:
    inside = envelope(ENVELOPED_CREDENTIAL, credential_token(P256Signer.generate()), "application/vc+jwt")
    accepted(server.verify_presentation(holder.present(presentation(verifiableCredential=[inside])), **ASKED))
    untyped = spoiled(inside, lambda each: each.pop("type"))
    refused(server.verify_presentation(holder.present(presentation(verifiableCredential=[untyped])), **ASKED))


def test_extras_of_the_proof_do_not_matter_to_the_suite(server: Server, holder: Party) -> None:
    signed = holder.sign(presentation(), purpose=AUTHENTICATION, extras=Extras(nonce="n", id="urn:uuid:1"))
    accepted(server.verify_presentation(signed))
