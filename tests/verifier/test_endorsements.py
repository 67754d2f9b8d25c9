"""Each endorsement has its own verdict; none makes or breaks the badge."""

from __future__ import annotations

from typing import Any

import pytest

from app.vc import json_text
from app.vc.timestamps import rfc3339
from app.verifier import endorsements
from app.verifier.schemas import EndorsementReport, Report
from tests.verifier.field import AT, BADGE_URL, CONTEXTS_V1, DAY, SITE, Stranger, outcome

ACHIEVEMENT = f"{SITE}/achievements/gate/v1"
COMMENT = "A gate that holds in practice."


@pytest.fixture
def endorser(issuer: Stranger) -> Stranger:
    """Somebody else, on the same web."""
    return issuer.neighbour("did:web:sector.example:bodies:x")


def _endorsement(endorser: Stranger, target: str, **changes: Any) -> dict[str, Any]:
    document = endorser.credential(
        id="https://sector.example/endorsements/1",
        type=["VerifiableCredential", "EndorsementCredential"],
        issuer={"id": endorser.name, "type": ["Profile"], "name": "Peak Body of Claims"},
        name="Endorsement",
        awardedDate=None,
        credentialStatus=None,
        credentialSchema=None,
        credentialSubject={"id": target, "type": ["EndorsementSubject"], "endorsementComment": COMMENT},
    )
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def _with(issuer: Stranger, part: str, *given: Any) -> dict[str, Any]:
    document = issuer.credential()
    subject = document["credentialSubject"]
    node = {"credential": document, "achievement": subject["achievement"], "issuer": document["issuer"]}[part]
    node["endorsement"] = list(given)
    return document


def _judge(issuer: Stranger, document: dict[str, Any]) -> Report:
    # The official schema judges endorsements inside as well; without it nothing but the endorsement is at fault.
    free = {name: value for name, value in document.items() if name != "credentialSchema"}
    return issuer.judge(json_text.dumps(issuer.sign_as_others_do(free)))


def _one(report: Report) -> EndorsementReport:
    assert report.verdict == "valid"
    (found,) = report.endorsements
    return found


def _target(issuer: Stranger, part: str) -> str:
    return {"credential": BADGE_URL, "achievement": ACHIEVEMENT, "issuer": issuer.name}[part]


@pytest.mark.parametrize("part", ["credential", "achievement", "issuer"])
def test_a_good_endorsement_is_shown_with_who_gave_it(issuer: Stranger, endorser: Stranger, part: str) -> None:
    given = endorser.sign(_endorsement(endorser, _target(issuer, part)))
    report = _judge(issuer, _with(issuer, part, given))
    found = _one(report)
    assert (found.of, found.verdict) == (part, "valid_unknown_issuer")
    assert found.facts is not None
    assert (found.facts.comment, found.facts.issuer.domain) == (COMMENT, "sector.example")
    check = report.check("endorsements")
    assert check is not None
    assert check.result == "pass"


def test_an_endorsement_may_be_a_token_of_version_1(issuer: Stranger, endorser: Stranger) -> None:
    older = _endorsement(endorser, BADGE_URL, **{"@context": list(CONTEXTS_V1)})
    older = {name: value for name, value in older.items() if name not in ("validFrom", "validUntil")}
    document = {**issuer.credential(), "endorsementJwt": [endorser.wrap_jwt(older)]}
    assert _one(_judge(issuer, document)).verdict == "valid_unknown_issuer"


def test_an_endorsement_may_be_a_token(issuer: Stranger, endorser: Stranger) -> None:
    document = {**issuer.credential(), "endorsementJwt": [endorser.sign_jwt(_endorsement(endorser, BADGE_URL))]}
    found = _one(_judge(issuer, document))
    assert (found.verdict, found.facts is not None) == ("valid_unknown_issuer", True)


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "expired": ({"validUntil": rfc3339(AT - DAY)}, "expired", "expired"),
    "not yet": ({"validFrom": rfc3339(AT + DAY)}, "not_yet_valid", "not_yet_valid"),
    "a badge": ({"type": ["VerifiableCredential", "OpenBadgeCredential"]}, "invalid", "schema_invalid"),
    "another target": (
        {"credentialSubject": {"id": BADGE_URL + "0", "type": ["EndorsementSubject"], "endorsementComment": COMMENT}},
        "invalid",
        "endorsement_target",
    ),
    "no target": (
        {"credentialSubject": {"type": ["EndorsementSubject"], "endorsementComment": COMMENT}},
        "invalid",
        "schema_invalid",
    ),
    "another subject": (
        {"credentialSubject": {"id": BADGE_URL, "type": ["Profile"]}}, "invalid", "schema_invalid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_one_that_does_not_hold_is_told_and_harms_nothing(
    issuer: Stranger, endorser: Stranger, securing: str, name: str
) -> None:
    changes, verdict, code = BROKEN[name]
    document = _endorsement(endorser, BADGE_URL, **changes)
    if securing == "di":
        carrier = _with(issuer, "credential", endorser.sign_as_others_do(document))
    else:
        carrier = {**issuer.credential(), "endorsementJwt": [endorser.sign_jwt(document)]}
    report = _judge(issuer, carrier)
    found = _one(report)
    assert (found.verdict, found.code) == (verdict, code)
    check = report.check("endorsements")
    assert check is not None
    assert (check.result, check.code) == ("fail", "endorsement_invalid")


def test_nothing_is_shown_of_an_endorsement_whose_signature_fails(issuer: Stranger, endorser: Stranger) -> None:
    given = endorser.sign(_endorsement(endorser, BADGE_URL))
    given["credentialSubject"]["endorsementComment"] = "The best badge there is."
    found = _one(_judge(issuer, _with(issuer, "credential", given)))
    assert (found.verdict, found.code, found.facts) == ("invalid", "bad_signature", None)


def test_nor_of_one_that_endorses_something_else(issuer: Stranger, endorser: Stranger) -> None:
    given = endorser.sign(_endorsement(endorser, "https://elsewhere.example/badge"))
    found = _one(_judge(issuer, _with(issuer, "credential", given)))
    assert (found.code, found.facts) == ("endorsement_target", None)


def test_one_whose_giver_does_not_answer_is_an_open_question(issuer: Stranger, endorser: Stranger) -> None:
    given = endorser.sign(_endorsement(endorser, BADGE_URL))
    del issuer.web.pages[endorser.key_url]
    report = _judge(issuer, _with(issuer, "credential", given))
    assert _one(report).verdict == "unknown"
    check = report.check("endorsements")
    assert check is not None
    assert (check.result, check.code) == ("unknown", "endorsement_unknown")


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 500])
def test_a_token_that_is_none_gets_a_verdict(issuer: Stranger, token: str) -> None:
    report = _judge(issuer, {**issuer.credential(), "endorsementJwt": [token]})
    assert [each.verdict for each in report.endorsements] == ["invalid"]


def test_only_so_many_are_judged_and_the_rest_is_named(issuer: Stranger, endorser: Stranger) -> None:
    many = endorsements.MAX_ENDORSEMENTS + 3
    token = endorser.sign_jwt(_endorsement(endorser, BADGE_URL))
    tokens = [token.rpartition(".")[0] + f".AAA{number:x}" for number in range(many)]
    report = _judge(issuer, {**issuer.credential(), "endorsementJwt": tokens})
    codes = [each.code for each in report.endorsements]
    assert codes == ["bad_signature"] * endorsements.MAX_ENDORSEMENTS + ["too_many"] * 3


def test_a_badge_that_does_not_hold_has_no_endorsements(issuer: Stranger, endorser: Stranger) -> None:
    given = endorser.sign(_endorsement(endorser, BADGE_URL))
    signed = json_text.dumps(issuer.sign_as_others_do(_with(issuer, "credential", given)))
    report = issuer.judge(signed.replace(b"tested one gate", b"tested two gates"))
    assert outcome(report) == ("invalid", "bad_signature")
    assert (report.endorsements, report.check("endorsements")) == ((), None)
    assert endorser.key_url not in issuer.web.asked
