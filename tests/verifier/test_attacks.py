"""What somebody who means harm would try, and what it comes to. Each test is one attack.

Look-alike names, false pages and old screenshots are met where the pages and the register are.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from typing import Any

import httpx2
import pytest

from app.core.http import HttpClient
from app.vc import json_text, status_list
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.did import VerificationMethodSpec, did_document
from app.vc.keys import Ed25519Signer, base64url, base64url_decode
from app.vc.timestamps import rfc3339
from app.verifier.holder import email_matches
from app.verifier.hosts import Hosts
from app.verifier.schemas import Presented
from app.verifier.service import verify
from app.verifier.sources import Budgeted, HttpSource
from tests.verifier.field import (
    AT,
    BADGE_URL,
    DAY,
    EMAIL,
    LIST_URL,
    PNG,
    SECRET_CLAIM,
    SITE,
    SVG,
    Stranger,
    outcome,
)


def _judge(issuer: Stranger, document: dict[str, Any]) -> tuple[str, str | None]:
    return outcome(issuer.judge(json_text.dumps(document)))


# Who issued it


def test_an_issuer_that_calls_itself_a_famous_name_is_never_plainly_valid(issuer: Stranger) -> None:
    profile = {"id": issuer.name, "type": ["Profile"], "name": "University X", "url": "https://university-x.example"}
    report = issuer.judge(issuer.secure(issuer.credential(issuer=profile), "di"), known=False)
    assert report.verdict == "valid_unknown_issuer"
    assert report.issuer is None
    assert report.facts is not None
    assert (report.facts.issuer.claimed_name, report.facts.issuer.domain) == ("University X", "badges.example.au")


@pytest.mark.parametrize("name", ["did:web:badges.example.au:issuers:test", f"{SITE}/issuers/test"])
def test_a_key_smuggled_in_behind_the_hash_is_no_key_of_the_issuer(name: str) -> None:
    victim, attacker = Stranger(name=name), Ed25519Signer.generate()
    victim.ed25519, honest = attacker, victim.ed25519
    badge = victim.sign(victim.credential(), method=f"{name}#{attacker.public_key.multikey}")
    victim.ed25519 = honest
    assert _judge(victim, badge) == ("invalid", "key_not_found")


def test_a_proof_by_a_stranger_beside_the_issuers_broken_one_does_not_help(issuer: Stranger) -> None:
    other = issuer.neighbour()
    forged = issuer.sign(issuer.credential()) | {"name": "Another"}
    theirs = other.sign({name: value for name, value in forged.items() if name != "proof"})["proof"]
    assert _judge(issuer, {**forged, "proof": [*forged["proof"], *theirs]})[0] == "invalid"


@pytest.mark.parametrize(("member", "code"), [("revoked", "key_revoked"), ("expires", "key_expired")])
def test_a_key_that_its_issuer_gave_up_signs_no_more(issuer: Stranger, member: str, code: str) -> None:
    spec = VerificationMethodSpec(issuer.ed25519_id, issuer.ed25519.public_key, **{member: AT - DAY})
    document = did_document(issuer.name, [spec]) | {"assertionMethod": [issuer.ed25519_id]}
    issuer.web.pages[issuer.key_url] = json_text.dumps(document)
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("invalid", code)


# Whether it still stands


def test_a_list_that_is_out_of_reach_never_means_not_revoked(issuer: Stranger) -> None:
    del issuer.web.pages[LIST_URL]
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("unknown", "status_unavailable")


def test_an_old_list_from_before_the_revocation_is_not_relied_on(issuer: Stranger) -> None:
    issuer.publish_list(validFrom=rfc3339(AT - 9 * DAY), validUntil=rfc3339(AT - 8 * DAY))
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("unknown", "status_stale")


def test_a_list_that_nobody_signed_is_not_relied_on(issuer: Stranger) -> None:
    issuer.serve_list(issuer.list_document())
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("invalid", "status_signature")


def test_a_list_of_another_issuer_is_not_relied_on(issuer: Stranger) -> None:
    other = issuer.neighbour()
    issuer.serve_list(other.sign(other.list_document()))
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("unknown", "status_issuer")


def test_a_list_for_another_purpose_is_not_relied_on(issuer: Stranger) -> None:
    subject = issuer.list_document()["credentialSubject"] | {"statusPurpose": "suspension"}
    issuer.publish_list(credentialSubject=subject)
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("invalid", "status_purpose")


@pytest.mark.parametrize("place", range(3))
def test_every_entry_is_looked_up_wherever_the_bad_one_stands(issuer: Stranger, place: int) -> None:
    issuer.publish_list((4711,))
    entries = [status_list.entry(LIST_URL, index) for index in (1, 2)]
    entries.insert(place, status_list.entry(LIST_URL, 4711))
    document = issuer.credential(credentialStatus=entries, credentialSchema=None)
    assert _judge(issuer, issuer.sign(document)) == ("revoked", "revoked")


def test_a_status_entry_cannot_be_pointed_at_another_place_or_list(issuer: Stranger) -> None:
    issuer.publish_list((4711,))
    for entry in (status_list.entry(LIST_URL, 1), status_list.entry(LIST_URL + "0", 4711), None):
        signed = issuer.sign(issuer.credential())
        signed = (
            {**signed, "credentialStatus": entry}
            if entry
            else {k: v for k, v in signed.items() if k != "credentialStatus"}
        )
        assert _judge(issuer, signed) == ("invalid", "bad_signature")


def test_another_list_of_the_issuer_cannot_be_served_in_its_place(issuer: Stranger) -> None:
    issuer.publish_list(id=LIST_URL + "0")
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("invalid", "status_malformed")


def test_a_newer_copy_cannot_be_another_badge(issuer: Stranger) -> None:
    service = f"{SITE}/refresh"
    better = issuer.credential(id=BADGE_URL + "0", name="Something grander")
    issuer.web.pages[service] = issuer.secure(better, "di")
    offer = {"id": service, "type": "1EdTechCredentialRefresh"}
    report = issuer.judge(issuer.secure(issuer.credential(refreshService=offer), "di"))
    assert report.facts is not None
    assert (report.facts.name, report.refreshed) == (SECRET_CLAIM, False)


# What the words mean


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_a_word_that_no_context_defines_is_not_read(issuer: Stranger, suite: str) -> None:
    signed = issuer.sign_as_others_do(issuer.credential(), suite)
    assert _judge(issuer, {**signed, "gradePoint": "4.0"}) == ("invalid", "unsafe_jsonld")


@pytest.mark.parametrize(
    "contexts",
    [
        [*CREDENTIAL_CONTEXTS, {"name": "https://schema.org/description"}],
        [*CREDENTIAL_CONTEXTS, "https://attacker.example/context.json"],
        [CREDENTIAL_CONTEXTS[0], *CREDENTIAL_CONTEXTS[2:], CREDENTIAL_CONTEXTS[1]],
        [*CREDENTIAL_CONTEXTS, CREDENTIAL_CONTEXTS[1]],
        CREDENTIAL_CONTEXTS[0],
        [],
        {},
    ],
)
def test_contexts_cannot_be_added_swapped_or_fetched(issuer: Stranger, contexts: Any) -> None:
    signed = issuer.sign(issuer.credential())
    assert not issuer.judge(json_text.dumps({**signed, "@context": contexts})).is_valid
    assert not any("attacker" in url for url in issuer.web.asked)


@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_a_member_given_twice_is_not_read(issuer: Stranger, securing: str) -> None:
    if securing == "di":
        badge = issuer.secure(issuer.credential(), "di").replace(b'"name":', b'"name":"x","name":', 1)
    else:
        payload = base64url_decode(issuer.sign_jwt(issuer.credential()).split(".")[1])
        badge = issuer.raw_jwt(payload.replace(b'"name":', b'"name":"x","name":', 1)).encode()
    assert outcome(issuer.judge(badge)) == ("invalid", "parse_error")


# Tokens


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "hs256"])
def test_a_token_cannot_do_without_a_signature_or_turn_the_public_key_into_a_secret(issuer: Stranger, alg: str) -> None:
    payload = base64url_decode(issuer.sign_jwt(issuer.credential()).split(".")[1])
    token = issuer.raw_jwt(payload, {"alg": alg, "kid": issuer.p256_id, "typ": "JWT"})
    assert outcome(issuer.judge(token.encode())) == ("invalid", "unsupported_alg")
    assert not issuer.judge(f"{token.rpartition('.')[0]}.".encode()).is_valid


def test_a_key_in_the_head_of_a_token_is_not_looked_at(issuer: Stranger) -> None:
    attacker = Stranger(name=issuer.name)
    payload = base64url_decode(attacker.sign_jwt(attacker.credential()).split(".")[1])
    for head in ({}, {"kid": issuer.p256_id}):
        token = attacker.raw_jwt(payload, {"alg": "ES256", "jwk": attacker.p256.public_key.to_jwk(), **head})
        assert outcome(issuer.judge(token.encode()))[0] == "invalid"


# Where this server can be sent


@pytest.mark.parametrize(
    "url",
    [
        "http://badges.example.au/1", "https://127.0.0.1/1", "https://[::1]/1", "https://169.254.169.254/latest",
        "https://10.0.0.7/x", "https://user@badges.example.au/", "file:///etc/passwd", "gopher://badges.example.au/",
    ],
)  # fmt: skip
def test_only_public_https_addresses_are_asked_wherever_they_are_named(issuer: Stranger, url: str) -> None:
    reached: list[str] = []

    class Watched(HttpSource):
        def get(self, url: str, accept: str, *, timeout: float = 4.0) -> bytes:
            data = super().get(url, accept, timeout=timeout)
            reached.append(url)
            return data

    guarded = Watched(HttpClient(allow_private_networks=False))
    report = verify(Presented.from_url(url), source=guarded, known_issuers=issuer.known, at=AT)
    assert (outcome(report), reached) == (("unknown", "url_unavailable"), [])
    entry = status_list.entry(url, 1) if url.startswith("http") else {"id": url, "type": "1EdTechRevocationList"}
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    badge = issuer.sign_as_others_do(
        issuer.credential(credentialStatus=entry), verificationMethod=f"{issuer.name}#{key}"
    )
    presented = Presented.from_bytes(json_text.dumps(badge))
    report = verify(presented, source=guarded, known_issuers=issuer.known, at=AT)
    assert (report.verdict, reached) == ("unknown", [])


def test_an_issuer_that_never_answers_costs_a_bounded_time_and_then_nothing(issuer: Stranger) -> None:
    asked: list[tuple[str, float]] = []
    clock = [0.0]

    def hang(request: httpx2.Request) -> httpx2.Response:
        allowed = request.extensions["timeout"]["read"]
        asked.append((str(request.url), allowed))
        clock[0] += allowed
        raise httpx2.ReadTimeout("nobody answers")

    http = HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(hang))
    source = HttpSource(http, hosts=Hosts(clock=lambda: clock[0]))
    badge = Presented.from_bytes(issuer.secure(issuer.credential(), "di"))
    for _ in range(3):
        report = verify(badge, source=source, known_issuers=issuer.known, at=AT)
        assert outcome(report) == ("unknown", "key_not_found")
    assert len(asked) == 1
    assert clock[0] < 10


def test_all_fetches_of_one_badge_together_stay_under_ten_seconds() -> None:
    """Each address answers at the last moment it is given."""
    clock = [0.0]

    class Late:
        def get(self, url: str, accept: str, *, timeout: float = 4.0) -> bytes:
            clock[0] += timeout
            return b"x"

    budget = Budgeted(Late(), clock=lambda: clock[0])
    for number in range(40):
        try:
            budget.get(f"https://{number}.example/", "*/*")
        except Exception:  # noqa: BLE001 - what matters is the clock
            budget.go_further()
    assert clock[0] < 10


# Bombs


def test_a_list_that_unpacks_to_gigabytes_is_refused_unopened(issuer: Stranger) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()
    subject = issuer.list_document()["credentialSubject"] | {"encodedList": "u" + base64url(bomb)}
    issuer.publish_list(credentialSubject=subject)
    assert _judge(issuer, issuer.sign(issuer.credential())) == ("invalid", "status_length")


def test_a_packed_text_in_a_picture_is_refused_before_it_unfolds(issuer: Stranger) -> None:
    text = zlib.compress(bytes(50_000_000), 9)
    body = b"iTXt" + b"openbadgecredential\0\1\0\0\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = PNG.rindex(b"IEND") - 4
    assert issuer.judge(PNG[:end] + chunk + PNG[end:]).verdict == "invalid"


def test_a_picture_of_twenty_thousand_pixels_is_not_painted(issuer: Stranger) -> None:
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + head
    huge = PNG[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + PNG[33:]
    assert issuer.judge(huge).verdict == "invalid"


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE svg SYSTEM "https://attacker.example/x.dtd">',
    ],
)
def test_a_picture_with_entities_is_refused(issuer: Stranger, prolog: bytes) -> None:
    assert outcome(issuer.judge(prolog + SVG)) == ("invalid", "no_badge_in_picture")


@pytest.mark.parametrize(
    "data",
    [
        b"{" + b'"a":{' * 10_000 + b"}" * 10_001,
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"a":' + b"9" * 400_000 + b"}",
    ],
)
def test_json_that_is_too_deep_or_too_large_is_refused(issuer: Stranger, data: bytes) -> None:
    assert outcome(issuer.judge(data)) == ("invalid", "parse_error")


def test_fifty_megabytes_are_refused_unread(issuer: Stranger) -> None:
    assert outcome(issuer.judge(b"{" * 50_000_000)) == ("invalid", "too_large")


def test_a_graph_made_to_hold_the_processor_is_refused_and_asks_nobody(issuer: Stranger) -> None:
    """Nodes without names that all look alike: ordering them takes time without end."""
    leaves = [{"type": ["Alignment"], "targetName": "x", "targetUrl": f"{SITE}/x"} for _ in range(12)]
    signed = issuer.sign(issuer.credential())
    subject = signed["credentialSubject"] | {"result": [{"type": ["Result"], "alignment": leaves} for _ in range(6)]}
    assert _judge(issuer, {**signed, "credentialSubject": subject}) == ("invalid", "too_complex")
    assert issuer.web.asked == []


# Whose badge it is


def test_a_badge_shown_by_somebody_else_does_not_match_their_address(issuer: Stranger) -> None:
    facts = issuer.judge(issuer.secure(issuer.credential(), "di")).facts
    assert facts is not None
    assert email_matches(facts.holder, EMAIL)
    assert not email_matches(facts.holder, "somebody.else@agency.example")


def test_a_report_gives_no_hash_away_that_an_address_could_be_guessed_from(issuer: Stranger) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(), "di"))
    told = json.dumps(report.as_dict()) + repr(report)
    hashed = issuer.credential()["credentialSubject"]["identifier"][0]
    assert hashed["identityHash"] not in told
    assert hashed["salt"] not in told


@pytest.mark.parametrize("member", ["credentialSubject", "issuer", "validUntil", "relatedResource"])
def test_nothing_that_matters_can_be_changed_after_signing(issuer: Stranger, member: str) -> None:
    other = issuer.credential(
        issuer={"id": issuer.name, "type": ["Profile"], "name": "University X"},
        validUntil=rfc3339(AT + 9_999 * DAY),
        credentialSubject=issuer.credential()["credentialSubject"] | {"id": "did:key:z6Mk"},
        relatedResource=[{"id": f"{SITE}/1", "digestMultibase": "uEiB" + base64url(bytes(31))[:-1] + "A"}],
    )
    signed = {**issuer.sign(issuer.credential()), member: other[member]}
    assert _judge(issuer, signed)[0] == "invalid"


def test_gzip_is_not_asked_for_and_not_taken(issuer: Stranger) -> None:
    def packed(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=gzip.compress(b"x" * 10**6), headers={"Content-Encoding": "gzip"})

    http = HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(packed))
    report = verify(Presented.from_url(BADGE_URL), source=HttpSource(http), known_issuers=issuer.known, at=AT)
    assert outcome(report) == ("unknown", "url_unavailable")
