"""What is remembered of exact bytes: it spares work, and whatever can change counts at once all the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.vc import data_integrity, json_text
from app.vc.did import VerificationMethodSpec, did_document
from app.vc.keys import Ed25519Signer, PublicKey
from app.verifier import form, reading, remembered
from app.verifier.key_documents import LARGEST_KEPT
from app.verifier.remembered import Drawer
from tests.verifier.field import AT, DAY, LIST_URL, Stranger, outcome

HOUR = timedelta(hours=1)


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the documents whose proofs were computed, in order."""
    computed: list[str] = []
    real = data_integrity.verify

    def counting(document: dict[str, Any], **options: Any) -> data_integrity.VerifiedProof:
        computed.append(document["id"])
        return real(document, **options)

    monkeypatch.setattr(data_integrity, "verify", counting)
    return computed


@pytest.fixture
def badge(issuer: Stranger) -> bytes:
    return issuer.secure(issuer.credential(), "di")


def test_a_lists_proof_is_computed_once_and_the_badges_each_time(
    issuer: Stranger, badge: bytes, proofs: list[str]
) -> None:
    for _ in range(3):
        assert outcome(issuer.judge(badge)) == ("valid", None)
    assert proofs.count(LIST_URL) == 1
    assert len(proofs) - proofs.count(LIST_URL) == 3


def test_a_badge_that_is_revoked_is_seen_at_once(issuer: Stranger, badge: bytes) -> None:
    index = int(json.loads(badge)["credentialStatus"]["statusListIndex"])
    for _ in range(2):
        issuer.publish_list()
        assert outcome(issuer.judge(badge)) == ("valid", None)
        issuer.publish_list((index,))
        assert outcome(issuer.judge(badge)) == ("revoked", "revoked")


def _other_key(issuer: Stranger) -> dict[str, Any]:
    return _listed(issuer, Ed25519Signer.generate().public_key)


def _listed(issuer: Stranger, key: PublicKey | None, **dates: datetime) -> dict[str, Any]:
    """The issuer's document with its token key, and this one for proofs."""
    methods = [VerificationMethodSpec(issuer.p256_id, issuer.p256.public_key)]
    if key is not None:
        methods.append(VerificationMethodSpec(issuer.ed25519_id, key, **dates))
    return did_document(issuer.name, methods)


CHANGES: dict[str, Callable[[Stranger], dict[str, Any]]] = {
    "revoked": lambda issuer: _listed(issuer, issuer.ed25519.public_key, revoked=AT - HOUR),
    "expired": lambda issuer: _listed(issuer, issuer.ed25519.public_key, expires=AT - HOUR),
    "replaced": _other_key,
    "taken off": lambda issuer: _listed(issuer, None),
    "without its purpose": lambda issuer: (
        _listed(issuer, issuer.ed25519.public_key) | {"assertionMethod": [issuer.p256_id]}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_list_that_held_does_not_hold_by_a_key_that_its_issuer_gives_no_more(issuer: Stranger, change: str) -> None:
    """The badge is signed by the token key, so that only the list hangs on the key that goes."""
    badge = issuer.secure(issuer.credential(), "jwt")
    for _ in range(2):
        issuer.publish_keys()
        assert outcome(issuer.judge(badge)) == ("valid", None)
        issuer.web.pages[issuer.key_url] = json_text.dumps(CHANGES[change](issuer))
        assert outcome(issuer.judge(badge)) == ("invalid", "status_signature")


def test_a_list_that_held_is_not_relied_on_while_its_issuers_keys_cannot_be_had(issuer: Stranger, badge: bytes) -> None:
    assert outcome(issuer.judge(badge)) == ("valid", None)
    del issuer.web.pages[issuer.key_url]
    assert outcome(issuer.judge(badge)) == ("unknown", "key_not_found")


def test_a_list_is_out_of_date_though_its_proof_held(issuer: Stranger) -> None:
    badge = issuer.secure(issuer.credential(), "di")
    assert outcome(issuer.judge(badge)) == ("valid", None)
    assert outcome(issuer.judge(badge, at=AT + 2 * DAY)) == ("unknown", "status_stale")


def test_a_list_with_one_letter_changed_is_another_list(issuer: Stranger, badge: bytes) -> None:
    assert outcome(issuer.judge(badge)) == ("valid", None)
    page = issuer.web.pages[LIST_URL]
    issuer.web.pages[LIST_URL] = page.replace(b'"validFrom":"2026', b'"validFrom":"2025')
    assert issuer.web.pages[LIST_URL] != page
    for _ in range(2):
        assert outcome(issuer.judge(badge)) == ("invalid", "status_signature")


def test_a_list_that_does_not_hold_is_looked_at_each_time(issuer: Stranger, badge: bytes) -> None:
    signed = json.loads(issuer.web.pages[LIST_URL])
    held = issuer.web.pages[LIST_URL]
    signed["proof"][0]["proofValue"] = "z" + "2" * 86
    issuer.serve_list(signed)
    assert outcome(issuer.judge(badge)) == ("invalid", "status_signature")
    issuer.web.pages[LIST_URL] = held
    assert outcome(issuer.judge(badge)) == ("valid", None)


def test_an_outcome_that_hung_on_several_keys_is_not_remembered(
    issuer: Stranger, badge: bytes, proofs: list[str]
) -> None:
    other = issuer.neighbour()
    page = json.loads(issuer.web.pages[LIST_URL])
    foreign = {**page["proof"][0], "verificationMethod": other.ed25519_id}
    issuer.serve_list({**page, "proof": [foreign, page["proof"][0]]})
    for _ in range(2):
        assert outcome(issuer.judge(badge)) == ("valid", None)
    assert proofs.count(LIST_URL) == 2


def test_nothing_changes_in_a_list_that_is_remembered(issuer: Stranger, badge: bytes) -> None:
    readable = remembered.read_list(issuer.web.pages[LIST_URL])
    before = copy.deepcopy(readable.document)
    issuer.judge(badge)
    again = remembered.read_list(bytes(bytearray(issuer.web.pages[LIST_URL])))
    assert again is readable
    assert readable.document == before


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What kinds of document were looked at for their form."""
    looked: list[str] = []
    real = form.check

    def counting(readable: reading.Readable, kind: form.Kind = "badge") -> None:
        looked.append(kind)
        real(readable, kind)

    monkeypatch.setattr(form, "check", counting)
    return looked


@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_the_form_of_the_same_bytes_is_looked_at_once(issuer: Stranger, forms: list[str], securing: str) -> None:
    badge = issuer.secure(issuer.credential(), securing)
    for _ in range(3):
        assert outcome(issuer.judge(badge)) == ("valid", None)
    assert forms == ["badge"]
    issuer.judge(issuer.secure(issuer.credential(name="Another"), securing))
    assert forms == ["badge", "badge"]


def test_a_wrong_form_is_found_each_time_and_a_badge_is_no_endorsement(issuer: Stranger, forms: list[str]) -> None:
    wrong = issuer.secure(issuer.credential(), "di").replace(b'"Achievement"', b'"Achieved"')
    for _ in range(2):
        assert outcome(issuer.judge(wrong)) == ("invalid", "schema_invalid")
    assert forms == ["badge", "badge"]
    readable = reading.read_bytes(issuer.secure(issuer.credential(), "di"))
    remembered.check_form(readable, "badge")
    with pytest.raises(Exception, match="schema_invalid"):
        remembered.check_form(readable, "endorsement")


def test_of_a_badge_nothing_but_its_digest_is_kept(issuer: Stranger) -> None:
    issuer.judge(issuer.secure(issuer.credential(name="Nobody else has this name"), "di"))
    kept = repr(vars(remembered)) + "".join(repr(vars(each)) for each in (remembered._forms, remembered._lists))
    assert "Nobody else has this name" not in kept


def test_a_drawer_keeps_what_was_asked_for_last() -> None:
    drawer: Drawer[int] = Drawer(2)
    drawer.put("a", 1)
    drawer.put("b", 2)
    assert drawer.get("a") == 1
    drawer.put("c", 3)
    assert (drawer.get("a"), drawer.get("b"), drawer.get("c"), len(drawer)) == (1, None, 3, 2)


def test_large_documents_are_read_and_not_kept(issuer: Stranger, badge: bytes) -> None:
    padding = {"description": "x" * (LARGEST_KEPT + 1)}
    page = json.loads(issuer.web.pages[issuer.key_url])
    issuer.web.pages[issuer.key_url] = json_text.dumps(page | padding)
    for _ in range(2):
        assert outcome(issuer.judge(badge)) == ("valid", None)
    large = issuer.sign(issuer.list_document(**padding))
    issuer.serve_list(large)
    kept = remembered._read.cache_info().currsize
    assert outcome(issuer.judge(badge)) == ("valid", None)
    assert remembered._read.cache_info().currsize == kept
