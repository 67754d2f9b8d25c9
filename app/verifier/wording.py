"""The sentences of a report, by code. None of them repeats anything a badge says: a badge may lie.

Codes are stable and documented in docs/verification.md; sentences may be improved at any time.
"""

from __future__ import annotations

from typing import Final

from app.verifier.schemas import NOT_CHECKED, OK, Check, CheckName, Result

_PASSED: Final[dict[CheckName, str]] = {
    "read": "It is whole and well formed.",
    "form": "Every part that the standard requires is there.",
    "signature": "Nothing has been changed since it was signed.",
    "issuer_binding": "The issuer itself publishes the key that signed it.",
    "dates": "It has begun, and it has not run out.",
    "status": "The issuer’s list of revoked badges does not name it.",
    "host_status": "Nothing suspends it on this server.",
    "issuer_known": "It is in our register of known issuers.",
    "refresh": "Its issuer offers a newer copy, and that is what we judged.",
    "chain": "The documents that it rests on are still what they were, and the badges among them are valid.",
    "endorsements": "Each of its endorsements holds.",
}

_SENTENCES: Final[dict[str, str]] = {
    NOT_CHECKED: "Not checked, because an earlier step did not pass.",
    "no_status": "The badge names no status list, so its issuer has no way to revoke it.",
    "issuer_unknown": "The issuer is not in our register. We know which address signed, not who stands behind it.",
    "issuer_look_alike": "The issuer is not in our register, and could be taken for one that is.",
    # reading
    "parse_error": "This is not a badge file we can read. It may be cut off, or not be a badge at all.",
    "not_a_badge": "We could read this, but it is not an Open Badges 3.0 credential.",
    "no_badge_in_picture": "The picture holds no badge. Some phones remove it when a picture is saved or sent.",
    "url_unavailable": "The address did not answer with a badge in time.",
    "too_large": "It is larger than any badge we read.",
    # form
    "context_missing": "It does not say which vocabulary its words come from.",
    "context_order": "Its vocabularies are not named in the order the standard demands.",
    "context_unknown": "It uses a vocabulary we do not know, so we cannot tell what its words mean.",
    "unsafe_jsonld": "It holds words that its vocabularies do not define, which a signature cannot protect.",
    "too_complex": "It is built in a way that takes too long to check.",
    "canonicalization_refused": "It cannot be turned into one agreed set of statements.",
    "schema_invalid": "A required part of an Open Badges 3.0 credential is missing or has the wrong form.",
    "schema_unsupported": "It asks to be checked against a further schema that we do not read yet.",
    "subject_unidentified": "It does not say whose badge it is.",
    # signature
    "no_proof": "It is not signed.",
    "malformed_proof": "Its signature is incomplete or has the wrong form.",
    "unsupported_suite": "It is signed in a way we do not check yet.",
    "unsupported_alg": "It is signed with a method we do not accept.",
    "wrong_proof_purpose": "It was signed for another purpose than issuing a badge.",
    "bad_signature": "The signature does not fit. It was changed after signing, or this key never signed it.",
    "key_not_found": "The issuer does not publish the key that the signature names.",
    "key_malformed": "The issuer's key cannot be read.",
    "key_revoked": "The issuer has withdrawn the key that signed it.",
    "key_expired": "The key that signed it has expired.",
    "key_not_authorised": "The issuer does not allow this key to sign badges.",
    "did_malformed": "The issuer's identifier is not well formed.",
    "did_unsupported": "The issuer uses a kind of identifier we do not look up yet.",
    "did_document_invalid": "The place where the issuer publishes its keys does not answer with a proper document.",
    "jwt_header": "The head of the token holds something that is not allowed there.",
    "jwt_iss_mismatch": "The token and the badge inside it name different issuers.",
    "jwt_sub_mismatch": "The token and the badge inside it name different holders.",
    "jwt_jti_mismatch": "The token and the badge inside it have different identifiers.",
    "jwt_nbf_mismatch": "The token and the badge inside it begin to be valid at different times.",
    "jwt_vc_mismatch": "The token wraps its badge as the older version 1.1 does, but what is inside is no such badge.",
    "jwt_exp_mismatch": "The token and the badge inside it expire at different times.",
    "issuer_key_mismatch": "The key that signed it belongs to somebody else than the issuer it names.",
    # dates
    "not_yet_valid": "It is not valid yet.",
    "expired": "It has expired.",
    # status
    "revoked": "The issuer has revoked it.",
    "suspended": "It is suspended for now.",
    "status_unavailable": "The issuer's status list could not be fetched, so it may have been revoked.",
    "status_unsupported": "Its status is kept in a form we do not read yet, so it may have been revoked.",
    "status_signature": "The issuer's status list is not properly signed.",
    "status_issuer": "The status list is signed by somebody else than the badge's issuer, so we do not rely on it.",
    "status_malformed": "The issuer's status list, or the badge's place in it, has the wrong form.",
    "status_purpose": "The status list is not the kind of list the badge says it is.",
    "status_length": "The status list is too short to hide which badge is looked up. The standard forbids that.",
    "status_range": "The badge's place lies outside its status list.",
    "status_stale": "The issuer's status list is out of date, so the badge may have been revoked since.",
    # what hangs on it
    "refresh_failed": "Its issuer says where a newer copy is, but we could not get one, so we judged this copy.",
    "superseded": "Its issuer has replaced this copy by a newer one. Rely on that one: it is at the badge's address.",
    "related_digest": "A document that it rests on is not the one it was signed with.",
    "related_unavailable": "A document that it rests on could not be fetched, so we could not compare it.",
    "related_same": "It is still the document that the badge was signed with.",
    "chain_stands": "It is signed by its issuer, in date and not revoked.",
    "chain_renewed": "It has been renewed since: its newer copy is signed by its issuer, in date and not revoked.",
    "chain_broken": "A badge that it rests on is not valid any more. That does not make this badge invalid.",
    "chain_unshared": "A badge that it rests on is not there for us to see: its holder has not shared it.",
    "chain_unknown": "A badge that it rests on could not be checked.",
    "endorsement_invalid": "An endorsement of it does not hold. That does not make this badge invalid.",
    "endorsement_target": "It endorses something else than what it is attached to.",
    "endorsement_unknown": "An endorsement of it could not be checked.",
    "too_many": "It has more parts than we check at once.",
}

# Names of sentences that go with the code ok.
_NO_CODES: Final = frozenset({"related_same", "chain_stands", "chain_renewed"})

# What makes a check impossible rather than failed: this verifier's limits, and servers that do not answer.
UNSUPPORTED: Final = frozenset({"context_unknown", "unsupported_suite", "did_unsupported", "schema_unsupported"})


class Stopped(Exception):
    """Inside the verifier: a check ends here with this result and code."""

    def __init__(self, result: Result, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.result = result
        self.code = code
        self.detail = detail


def fail(code: str, detail: str | None = None) -> Stopped:
    """The check fails; `detail` replaces the code's sentence and must be our own words."""
    return Stopped("fail", code, detail)


def unknown(code: str, detail: str | None = None) -> Stopped:
    """The check cannot be made; `detail` as in `fail`."""
    return Stopped("unknown", code, detail)


def from_code(code: str) -> Stopped:
    """What a code of the credential engine means here: a failure, or something this verifier cannot check."""
    return Stopped("unknown" if code in UNSUPPORTED else "fail", code)


def passed(name: CheckName, code: str = OK) -> Check:
    """A check that passed; with a code of its own where that needs a word."""
    return Check(name, "pass", code, _PASSED[name] if code == OK else _SENTENCES[code])


def stopped(name: CheckName, stop: Stopped) -> Check:
    """A check that did not pass."""
    detail = stop.detail or _SENTENCES.get(stop.code, "This step did not pass.")
    return Check(name, stop.result, stop.code, detail)


def sentence(code: str) -> str:
    """The sentence of a code, for what is told without a check of its own."""
    return _SENTENCES[code]


def codes() -> frozenset[str]:
    """Every code with a sentence: the list that docs/verification.md must hold."""
    return (frozenset(_SENTENCES) | {OK}) - _NO_CODES
