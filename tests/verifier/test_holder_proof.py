"""That a DID is its holder's: what proves it, and everything that looks like it and does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.vc import did as dids
from app.vc import json_text
from app.vc.keys import Ed25519Signer
from app.verifier.errors import SourceUnavailable
from app.verifier.holder_proof import Asked, HolderProofRefused, proven_did
from tests.wallets import Wallet, p256_wallet

ASKED = Asked("1790000000.c2VjcmV0", "https://badges.example.au")
AT = datetime.now(UTC)
WEB = "did:web:tess.example"


class Pages:
    """A small web."""

    def __init__(self, **pages: bytes) -> None:
        self.pages = pages

    def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
        if url not in self.pages:
            raise SourceUnavailable("failed")
        return self.pages[url]


def proven(text: str, pages: Pages | None = None) -> str:
    return proven_did(text, ASKED, source=pages or Pages(), at=AT)


def asked_of(make: Callable[..., str], **changes: Any) -> str:
    return make(ASKED.challenge, ASKED.domain, **changes)


def published(wallet: Wallet, **changes: Any) -> Pages:
    document = dids.did_document(WEB, [dids.VerificationMethodSpec(wallet.key_id, wallet.signer.public_key)])
    document["authentication"] = [wallet.key_id]
    return Pages(**{"https://tess.example/.well-known/did.json": json_text.dumps(document | changes)})


@pytest.mark.parametrize("make", [Wallet.presentation, Wallet.token])
def test_either_form_proves_a_did_key(make: Callable[..., str]) -> None:
    wallet = Wallet()
    assert proven(make(wallet, ASKED.challenge, ASKED.domain)) == wallet.did
    assert proven(f"\n  {make(wallet, ASKED.challenge, ASKED.domain)}  \n") == wallet.did


def test_a_presentation_of_the_other_suite_counts_too() -> None:
    wallet = Wallet()
    assert proven(asked_of(wallet.presentation, suite="eddsa-jcs-2022")) == wallet.did


def test_a_token_of_a_phones_key_proves_a_did_jwk_with_or_without_naming_the_key() -> None:
    wallet = p256_wallet()
    assert proven(asked_of(wallet.token)) == wallet.did
    assert proven(asked_of(wallet.token, header={"kid": None})) == wallet.did
    assert proven(asked_of(wallet.token, header={"kid": "#0", "typ": "openid4vci-proof+jwt"})) == wallet.did


def test_a_did_web_is_proven_by_a_key_that_its_document_lists_for_authentication() -> None:
    wallet = Wallet(name=WEB, key_name="k1")
    assert proven(asked_of(wallet.presentation), published(wallet)) == WEB
    assert proven(asked_of(wallet.token), published(wallet)) == WEB
    with pytest.raises(HolderProofRefused, match="does not let this key"):
        proven(asked_of(wallet.presentation), published(wallet, authentication=[]))
    with pytest.raises(HolderProofRefused, match="did not answer"):
        proven(asked_of(wallet.presentation))


@pytest.mark.parametrize("make", [Wallet.presentation, Wallet.token])
def test_an_answer_to_another_challenge_or_for_another_place_is_refused(make: Callable[..., str]) -> None:
    wallet = Wallet()
    with pytest.raises(HolderProofRefused, match="another challenge"):
        proven(make(wallet, "1790000000.b3RoZXI", ASKED.domain))
    for domain in ("https://badges.example.com", "badges.example.au", "https://badges.example.au/"):
        with pytest.raises(HolderProofRefused, match="another website"):
            proven(make(wallet, ASKED.challenge, domain))


def test_a_did_of_somebody_else_is_not_proven_by_ones_own_key() -> None:
    mine, theirs = Wallet(), Wallet()
    for text in (
        asked_of(mine.presentation, holder=theirs.did),
        asked_of(mine.presentation, holder=theirs.did, verification_method=theirs.key_id),
        asked_of(mine.token, iss=theirs.did),
        asked_of(mine.token, iss=theirs.did, header={"kid": theirs.key_id}),
        asked_of(mine.token, iss=theirs.did, header={"kid": None}),
        asked_of(mine.token, iss=theirs.did, header={"kid": None, "jwk": mine.signer.public_key.to_jwk()}),
    ):
        with pytest.raises(HolderProofRefused):
            proven(text)


def test_a_proof_for_another_purpose_is_none() -> None:
    wallet = Wallet()
    with pytest.raises(HolderProofRefused, match="another purpose"):
        proven(asked_of(wallet.presentation, proof_purpose="assertionMethod"))


def test_what_is_past_its_end_is_refused() -> None:
    wallet = Wallet()
    with pytest.raises(HolderProofRefused, match="past its end"):
        proven(asked_of(wallet.presentation, expires=AT - timedelta(minutes=5)))
    with pytest.raises(HolderProofRefused, match="past its end"):
        proven(asked_of(wallet.token, exp=int(AT.timestamp()) - 300))
    with pytest.raises(HolderProofRefused, match="later time"):
        proven(asked_of(wallet.token, nbf=int(AT.timestamp()) + 300))
    assert proven(asked_of(wallet.token, exp=AT.timestamp() + 300, nbf=int(AT.timestamp()) + 5)) == wallet.did


def test_a_word_changed_after_signing_breaks_it() -> None:
    wallet = Wallet()
    document = json.loads(asked_of(wallet.presentation)) | {"id": "urn:uuid:5b1f3a0e-3c0c-4e4f-9a63-5b1b3c0f0001"}
    with pytest.raises(HolderProofRefused, match="does not hold"):
        proven(json.dumps(document))
    head, _, signature = asked_of(wallet.token).split(".")
    other = asked_of(wallet.token, sub="x").split(".")[1]
    with pytest.raises(HolderProofRefused, match="does not hold"):
        proven(f"{head}.{other}.{signature}")


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"alg": "none"}}, {"header": {"alg": "HS256"}}, {"header": {"alg": "ES256"}},
        {"header": {"crit": ["b64"]}}, {"header": {"typ": "at+jwt"}}, {"header": {"kid": 7}}, {"header": {"kid": ""}},
        {"iss": None}, {"iss": 3}, {"iss": "https://tess.example"}, {"iss": "did:example:tess"}, {"aud": None},
        {"aud": [ASKED.domain, "https://elsewhere.example"]}, {"aud": {}}, {"nonce": None}, {"exp": True},
        {"exp": "soon"}, {"nbf": []},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(HolderProofRefused):
        proven(asked_of(Wallet().token, **changes))


@pytest.mark.parametrize(
    "text",
    ["", "hello", "{", "{}", "[]", "a.b.c", "ey.ey.ey", '{"a": 1, "a": 2}', "[" * 9000, "x" * 20_001, "\ud800", "\x00",
     '{"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"]}',
     '{"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"], '
     '"holder": "did:key:z6Mk"}'],
)  # fmt: skip
def test_what_is_no_proof_is_refused_in_words(text: str) -> None:
    with pytest.raises(HolderProofRefused) as refused:
        proven(text)
    assert refused.value.detail
    assert refused.value.kept == "The badge is as it was."


def test_a_did_of_unbounded_length_or_on_an_odd_host_asks_nobody() -> None:
    for name in ("did:web:" + "a" * 2000, "did:web:127.0.0.1", "did:web:tess.example:..:x", "did:jwk:" + "e" * 5000):
        with pytest.raises(HolderProofRefused):
            proven(asked_of(Wallet(Ed25519Signer.generate(), name, "k").token))
