"""Three hundred whole badges, good ones and bad ones of every kind, judged by us and by two libraries of others.

openbadgeslib and `@digitalbazaar/vc` get the same badge with the same DID document and status list. Whatever one of
them refuses is not valid here, unless the reason stands in `REASONS`, with what tells that it is that reason and no
other, and in docs/verification.md. The other way round there is nothing to compare: neither library looks at all of it.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openbadgeslib.ob3 import OB3LdpVerifier, OB3Verifier

from app.vc import json_text, status_list
from app.vc.keys import Ed25519Signer, base64url
from app.vc.timestamps import rfc3339
from app.verifier.schemas import Presented, Report
from app.verifier.service import verify
from tests.docs.pages import page
from tests.verifier.field import LIST_URL, SITE, Stranger

from .changes import change_character
from .node import Node

NOW = datetime.now(UTC).replace(microsecond=0)  # the libraries read the clock themselves
DAY = timedelta(days=1)
EACH = 9
KEYS_URL = f"{SITE}/keys.json"
LIST_BITS = 131_072
TEXTS = ("Gate", "Tür", "ворота", "門", "\N{SEEDLING} seed", "a \\ b", 'say "so"', "two\nlines", "x" * 300)


@dataclass
class Case:
    """One badge, its issuer's site, and the same status list as openbadgeslib reads it: as a token."""

    kind: str
    chosen: random.Random
    issuer: Stranger = field(default_factory=Stranger)
    as_tokens: dict[str, bytes] = field(default_factory=dict)
    badge: bytes = b""

    @property
    def index(self) -> int:
        """Where the badge stands in its list."""
        return self._index

    def __post_init__(self) -> None:
        self._index = self.chosen.randrange(LIST_BITS)
        keys = {"keys": [{**self.issuer.p256.public_key.to_jwk(), "kid": self.issuer.p256_id, "alg": "ES256"}]}
        self.issuer.web.pages[KEYS_URL] = json_text.dumps(keys)
        self.list_of()

    def list_of(self, *bits: int, by: Stranger | None = None, **changes: Any) -> None:
        """Publish the list, in both forms."""
        by = by or self.issuer
        dates = {"validFrom": rfc3339(NOW - DAY), "validUntil": rfc3339(NOW + DAY)}
        document = by.list_document(bits, **{**dates, **changes})
        self.issuer.serve_list(by.sign_as_others_do(document))
        claims = {**document, "iss": by.name, "jti": document["id"], "sub": f"{LIST_URL}#list"}
        head = {
            "alg": "EdDSA",
            "kid": by.ed25519_id,
            "typ": "JWT",
        }  # it looks for the key of a list among the first only
        signing_input = f"{base64url(json_text.dumps(head))}.{base64url(json_text.dumps(claims))}"
        signature = base64url(by.ed25519.sign(signing_input.encode()))
        self.as_tokens[LIST_URL] = f"{signing_input}.{signature}".encode()

    def document(self, **changes: Any) -> dict[str, Any]:
        """An unsigned badge that says something else each time."""
        chosen = self.chosen
        entry = {
            "id": f"{LIST_URL}#{self.index}", "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
            "statusListIndex": str(self.index), "statusListCredential": LIST_URL,
        }  # fmt: skip
        dates = {"validFrom": rfc3339(NOW - 9 * DAY), "validUntil": rfc3339(NOW + 9 * DAY), "awardedDate": None}
        made = self.issuer.credential(**{"credentialStatus": entry, **dates, **changes})
        subject = made.get("credentialSubject")
        if "credentialSubject" not in changes and isinstance(subject, dict):
            achievement = subject["achievement"]
            achievement["description"] = chosen.choice(TEXTS)
            achievement["tag"] = [f"tag {number}" for number in range(1 + chosen.randrange(4))]
            achievement["alignment"] = [
                {**achievement["alignment"][0], "targetUrl": f"{SITE}/competencies/{number}", "targetName": text}
                for number, text in enumerate(chosen.sample(TEXTS, chosen.randrange(1, 4)))
            ]
        return made

    def secured(self, document: dict[str, Any], **proof: Any) -> bytes:
        """Signed as others sign, now and then with spaces or members in another order."""
        signed = self.issuer.sign_as_others_do(document, **proof)
        if self.chosen.random() < 0.3:
            signed = dict(self.chosen.sample(list(signed.items()), len(signed)))
        return json.dumps(signed, indent=self.chosen.choice([None, None, 2]), ensure_ascii=False).encode()

    def token(self, document: dict[str, Any], **claims: Any) -> bytes:
        """The same as a token; `claims` replace what it says beside the badge, None removes."""
        found = {
            **document, "iss": self.issuer.name, "jti": document["id"], "sub": document["credentialSubject"]["id"],
            "nbf": int(datetime.fromisoformat(document["validFrom"]).timestamp()),
            "exp": int(datetime.fromisoformat(document["validUntil"]).timestamp()), **claims,
        }  # fmt: skip
        payload = {name: value for name, value in found.items() if value is not None}
        return self.issuer.raw_jwt(json_text.dumps(payload)).encode()


Make = Callable[[Case], bytes]
GOOD: dict[str, Make] = {}
BAD: dict[str, Make] = {}


def good(make: Make) -> Make:
    GOOD[make.__name__] = make
    return make


def bad(make: Make) -> Make:
    BAD[make.__name__] = make
    return make


@good
def plain(case: Case) -> bytes:
    return case.secured(case.document())


@good
def without_a_list(case: Case) -> bytes:
    return case.secured(case.document(credentialStatus=None))


@good
def without_an_end(case: Case) -> bytes:
    return case.secured(case.document(validUntil=None))


@good
def others_in_its_list_are_revoked(case: Case) -> bytes:
    case.list_of(*[bit for bit in (case.index - 1, case.index + 1) if 0 <= bit < LIST_BITS])
    return case.secured(case.document())


@good
def with_evidence(case: Case) -> bytes:
    evidence = [{"id": f"{SITE}/evidence/{number}", "type": ["Evidence"], "name": "Log"} for number in range(3)]
    return case.secured(case.document(evidence=evidence))


@good
def with_a_proof_that_is_good_for_a_while(case: Case) -> bytes:
    return case.secured(case.document(), expires=rfc3339(NOW + DAY))


@good
def as_a_token(case: Case) -> bytes:
    return case.token(case.document())


@good
def with_one_proof_by_itself(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    return json_text.dumps({**signed, "proof": signed["proof"][0]})


@good
def with_rare_letters(case: Case) -> bytes:
    return case.secured(_with_tags(case, ["\N{SEEDLING} first", "\uffee second"]))


@good
def with_control_characters(case: Case) -> bytes:
    return case.secured(_with_tags(case, ["bell \x07 and \x0b"]))


@good
def with_lists_that_look_alike(case: Case) -> bytes:
    document = case.document()
    description = document["credentialSubject"]["achievement"]["resultDescription"][0]
    description["allowedValue"] = ["A", "F", "F", "C", "B"]
    return case.secured(document)


def _with_tags(case: Case, tags: list[str]) -> dict[str, Any]:
    document = case.document()
    document["credentialSubject"]["achievement"]["tag"] = tags
    return document


@bad
def changed(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    subject = signed["credentialSubject"]
    where, name = case.chosen.choice(
        [(signed, "name"), (signed, "id"), (signed["issuer"], "name"), (subject, "id"), (signed, "validFrom"),
         (subject["achievement"], "description"), (subject["achievement"]["criteria"], "narrative"),
         (signed["credentialStatus"], "statusListIndex")]
    )  # fmt: skip
    where[name] = where[name] + "1" if name in ("statusListIndex", "description") else change_character(where[name])
    return json_text.dumps(signed)


@bad
def a_part_taken_away(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    del signed[case.chosen.choice(["credentialStatus", "validUntil", "name", "credentialSchema"])]
    return json_text.dumps(signed)


@bad
def a_part_added(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    return json_text.dumps({**signed, "evidence": [{"id": f"{SITE}/evidence/x", "type": ["Evidence"]}]})


@bad
def another_key_under_the_same_name(case: Case) -> bytes:
    case.issuer.ed25519 = Ed25519Signer.generate()
    return case.secured(case.document())


@bad
def a_key_the_issuer_does_not_list(case: Case) -> bytes:
    return case.secured(case.document(), verificationMethod=f"{case.issuer.name}#elsewhere")


@bad
def the_key_of_another_issuer(case: Case) -> bytes:
    other = case.issuer.neighbour()
    document = case.document()
    case.issuer.ed25519 = other.ed25519
    return case.secured(document, verificationMethod=other.ed25519_id)


@bad
def a_key_written_into_its_own_name(case: Case) -> bytes:
    document = case.document()
    case.issuer.ed25519 = Ed25519Signer.generate()
    name = f"{case.issuer.name}#{case.issuer.ed25519.public_key.multikey}"
    return case.secured(document, verificationMethod=name)


@bad
def a_key_listed_for_something_else(case: Case) -> bytes:
    case.issuer.publish_keys(assertionMethod=[case.issuer.p256_id], authentication=[case.issuer.ed25519_id])
    return case.secured(case.document())


@bad
def a_document_of_keys_of_another(case: Case) -> bytes:
    case.issuer.publish_keys(id="did:web:other.example")
    return case.secured(case.document())


@bad
def expired(case: Case) -> bytes:
    return case.secured(case.document(validUntil=rfc3339(NOW - DAY)))


@bad
def not_begun(case: Case) -> bytes:
    return case.secured(case.document(validFrom=rfc3339(NOW + DAY)))


@bad
def a_proof_that_has_ended(case: Case) -> bytes:
    return case.secured(case.document(), expires=rfc3339(NOW - DAY))


@bad
def revoked(case: Case) -> bytes:
    case.list_of(case.index)
    return case.secured(case.document())


@bad
def revoked_as_a_token(case: Case) -> bytes:
    case.list_of(case.index)
    return case.token(case.document())


@bad
def a_list_of_another_issuer(case: Case) -> bytes:
    case.list_of(by=case.issuer.neighbour())
    return case.secured(case.document())


@bad
def a_list_that_was_changed(case: Case) -> bytes:
    listed = json.loads(case.issuer.web.pages[LIST_URL])
    listed["credentialSubject"]["encodedList"] = status_list.encode_list((5,))
    case.issuer.serve_list(listed)
    head, _, rest = case.as_tokens[LIST_URL].partition(b".")
    case.as_tokens[LIST_URL] = head + b"." + rest[:40] + (b"A" if rest[40:41] != b"A" else b"B") + rest[41:]
    return case.secured(case.document())


@bad
def a_list_that_is_too_short(case: Case) -> bytes:
    subject = {
        "id": f"{LIST_URL}#list", "type": "BitstringStatusList", "statusPurpose": "revocation",
        "encodedList": "uH4sIAAAAAAAAA2NgoBwAAEa7-OoQAAAA",
    }  # fmt: skip
    case.list_of(credentialSubject=subject)
    return case.secured(case.document())


@bad
def a_list_for_another_purpose(case: Case) -> bytes:
    subject = case.issuer.list_document()["credentialSubject"] | {"statusPurpose": "suspension"}
    case.list_of(credentialSubject=subject)
    return case.secured(case.document())


@bad
def a_list_that_has_run_out(case: Case) -> bytes:
    case.list_of(validFrom=rfc3339(NOW - 2 * DAY), validUntil=rfc3339(NOW - DAY))
    return case.secured(case.document())


@bad
def a_list_that_is_not_there(case: Case) -> bytes:
    del case.issuer.web.pages[LIST_URL], case.as_tokens[LIST_URL]
    return case.secured(case.document())


@bad
def beyond_the_end_of_its_list(case: Case) -> bytes:
    case._index = LIST_BITS * 8 + case.chosen.randrange(1000)
    return case.secured(case.document())


@bad
def another_purpose_of_the_proof(case: Case) -> bytes:
    return case.secured(case.document(), proofPurpose="authentication")


@bad
def a_word_inside_that_no_context_defines(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    achievement = {**signed["credentialSubject"]["achievement"], "workload": "6 hours"}
    return json_text.dumps({**signed, "credentialSubject": {**signed["credentialSubject"], "achievement": achievement}})


@bad
def a_word_added_that_no_context_defines(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    return json_text.dumps({**signed, "workload": "6 hours"})


@bad
def contexts_in_another_order(case: Case) -> bytes:
    first, *others = case.document()["@context"]
    return case.token(case.document(**{"@context": [others[0], first, *others[1:]]}))


@bad
def contexts_put_in_another_order_afterwards(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    first, second, *others = signed["@context"]
    return json_text.dumps({**signed, "@context": [first, *others, second]})


@bad
def a_name_given_twice(case: Case) -> bytes:
    text = json.dumps(json.loads(case.secured(case.document())))
    return ('{"name": "Another", ' + text[1:]).encode()


@bad
def a_proof_value_that_is_broken(case: Case) -> bytes:
    signed = json.loads(case.secured(case.document()))
    value = signed["proof"][0]["proofValue"]
    broken = [change_character(value), value[:-1], "u" + value[1:], value[1:], "", "z"]
    signed["proof"][0]["proofValue"] = case.chosen.choice(broken)
    return json_text.dumps(signed)


@bad
def no_proof(case: Case) -> bytes:
    return json_text.dumps(case.document())


@bad
def the_proof_of_another_badge(case: Case) -> bytes:
    one, other = (json.loads(case.secured(case.document(name=name))) for name in ("One", "Other"))
    return json_text.dumps({**one, "proof": other["proof"]})


@bad
def a_token_that_was_changed(case: Case) -> bytes:
    head, payload, signature = case.token(case.document()).split(b".")
    return b".".join([head, payload[:100] + (b"A" if payload[100:101] != b"A" else b"B") + payload[101:], signature])


@bad
def a_token_with_another_end(case: Case) -> bytes:
    return case.token(case.document(), exp=int((NOW + 900 * DAY).timestamp()))


@bad
def a_token_of_another_issuer(case: Case) -> bytes:
    return case.token(case.document(), iss="did:web:other.example")


REASONS: dict[str, list[tuple[str, Callable[[Case, str], bool]]]] = {
    "openbadgeslib": [
        (
            "control characters written raw",
            lambda case, error: case.kind == "with_control_characters" and "signature mismatch" in error,
        ),
    ],
    "@digitalbazaar/vc": [
        (
            "lines sorted by UTF-16",
            lambda case, error: case.kind == "with_rare_letters" and "Invalid signature" in error,
        ),
        (
            "gives up on look-alikes",
            lambda case, error: case.kind == "with_lists_that_look_alike" and "Maximum deep iterations" in error,
        ),
    ],
}


def _cases() -> Iterator[Case]:
    for kind, make in (GOOD | BAD).items():
        for number in range(EACH if kind in BAD else EACH - 2):
            case = Case(kind, random.Random(f"{kind} {number}"))
            case.badge = make(case)
            yield case


@dataclass(frozen=True)
class Judged:
    """What the three say of one badge: an empty text is a yes."""

    case: Case
    ours: Report
    theirs: dict[str, str]


def _by_openbadgeslib(case: Case) -> str:
    pages = {**case.issuer.web.pages, **case.as_tokens}
    if LIST_URL not in case.as_tokens:
        pages.pop(LIST_URL, None)
    try:
        if case.badge.startswith(b"ey"):
            token_reader = OB3Verifier.for_issuer_did(case.issuer.name, download=pages.__getitem__)
            token_reader.verify(case.badge.decode(), check_status=True, download=pages.__getitem__)
        else:
            reader = OB3LdpVerifier.for_issuer_did(case.issuer.name)
            reader.verify(case.badge, check_status=True, download=pages.__getitem__)
    except Exception as error:  # noqa: BLE001 - any refusal, by whatever exception, is a no
        return f"{type(error).__name__}: {error}"
    return ""


def _by_node(node: Node, case: Case) -> str:
    documents = {
        url: {"type": "application/json", "text": data.decode()} for url, data in case.issuer.web.pages.items()
    }
    if case.badge.startswith(b"ey"):
        verdict = node.judge_token(case.badge.decode(), documents, keys=KEYS_URL, issuer=case.issuer.name)
    else:
        verdict = node.judge("vc", case.badge, documents)
    return "" if verdict.accepted else verdict.errors or json.dumps(verdict.answer)[:300]


def _here(case: Case) -> Report:
    presented = Presented.from_bytes(case.badge)
    return verify(presented, source=case.issuer.web, known_issuers=case.issuer.known, at=NOW)


@pytest.fixture(scope="module")
def judged(node: Node) -> list[Judged]:
    """Every badge, judged by all three."""
    return [
        Judged(case, _here(case), {"openbadgeslib": _by_openbadgeslib(case), "@digitalbazaar/vc": _by_node(node, case)})
        for case in _cases()
    ]


def test_there_are_three_hundred_of_every_kind() -> None:
    kinds = Counter(case.kind for case in _cases())
    assert kinds.total() >= 300
    assert set(kinds) == GOOD.keys() | BAD.keys()


def test_a_good_badge_is_valid_here_and_a_bad_one_is_not(judged: list[Judged]) -> None:
    wrong = [
        (each.case.kind, each.ours.verdict, [check.code for check in each.ours.checks if check.result != "pass"])
        for each in judged
        if (each.ours.verdict == "valid") != (each.case.kind in GOOD)
    ]
    assert wrong == []


@pytest.mark.parametrize("library", REASONS)
def test_what_a_library_refuses_is_not_valid_here_without_a_written_reason(judged: list[Judged], library: str) -> None:
    unexplained = [
        (each.case.kind, each.theirs[library])
        for each in judged
        if each.ours.is_valid
        and each.theirs[library]
        and not any(applies(each.case, each.theirs[library]) for _, applies in REASONS[library])
    ]
    assert unexplained == []


@pytest.mark.parametrize("library", REASONS)
def test_the_library_did_judge(judged: list[Judged], library: str) -> None:
    """It takes most of the good ones and refuses most of the bad ones: its no is worth something."""
    taken = Counter(each.case.kind in GOOD for each in judged if not each.theirs[library])
    every = Counter(each.case.kind in GOOD for each in judged)
    assert taken[True] >= 0.7 * every[True]
    assert taken[False] <= 0.3 * every[False]


def test_the_reasons_stand_in_the_documentation(judged: list[Judged]) -> None:
    text = page("docs/verification.md").text
    for library, reasons in REASONS.items():
        for reason, applies in reasons:
            assert reason in text
            needed = [each for each in judged if each.ours.is_valid and applies(each.case, each.theirs[library])]
            assert needed, f"{library} has mended it: {reason}"
