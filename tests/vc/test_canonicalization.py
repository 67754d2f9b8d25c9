import copy
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, NamedNode, Quad

from app.vc import work_bound
from app.vc.canonicalization import canonicalize, canonicalize_generally, check_issuable
from app.vc.contexts import CREDENTIAL_CONTEXTS, VC_V2, load
from app.vc.errors import DATA_LOSS_DETECTION_ERROR, CanonicalizationRefused
from tests.vc.samples import unsigned

OB_301 = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json"
CORPUS = Path(__file__).parent / "data" / "canonical-corpus.jsonl.gz"


def _refusal(document: dict[str, Any]) -> str:
    with pytest.raises(CanonicalizationRefused) as caught:
        canonicalize(document)
    return caught.value.code


def _issue_refusal(document: dict[str, Any]) -> str:
    with pytest.raises(CanonicalizationRefused) as caught:
        check_issuable(document)
    return caught.value.code


def _small(**members: Any) -> dict[str, Any]:
    return {"@context": list(CREDENTIAL_CONTEXTS), "id": "urn:x:1", "type": ["VerifiableCredential"], **members}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_the_whole_corpus_gives_the_stored_hashes_on_the_general_path(part: int) -> None:
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][part::4]
    assert len(rows) == 300
    wrong = [
        index
        for index, row in enumerate(rows)
        if hashlib.sha256(canonicalize_generally(row["document"]).encode()).hexdigest() != row["sha256"]
    ]
    assert wrong == []


def test_canonicalizing_changes_neither_the_document_nor_the_pinned_contexts() -> None:
    document = unsigned()
    before, pinned = copy.deepcopy(document), copy.deepcopy(load(VC_V2))
    canonicalize(document)
    check_issuable(document)
    assert document == before
    assert load(VC_V2) == pinned


def test_control_characters_are_escaped_as_the_specification_says() -> None:
    text = canonicalize(_small(name="a\u0001b\u007fc\u2028d\r\n"))
    assert '"a\\u0001b\\u007Fc\u2028d\\r\\n"' in text


def test_a_status_list_with_the_first_context_only_is_canonicalized() -> None:
    subject = {"id": "urn:x:2", "type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": "uH4sI"}
    document = {"@context": [VC_V2], "id": "urn:x:1", "type": ["VerifiableCredential"], "credentialSubject": subject}
    assert "encodedList" in canonicalize(document)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"workloadHours": 6}, "unsafe_jsonld"),
        ({"what is this": 6}, "unsafe_jsonld"),
        ({"type": ["VerifiableCredential", "Nonsense"]}, "unsafe_jsonld"),
        ({"type": ["VerifiableCredential", "Non sense"]}, "unsafe_jsonld"),
        ({"type": ["https://www.w3.org/2018/credentials#VerifiableCredential"]}, "unsafe_jsonld"),
        ({"targetName": "a term, but not one of a credential"}, "unsafe_jsonld"),
        ({"https://www.w3.org/2018/credentials#validUntil": "2030-01-01T00:00:00Z"}, "unsafe_jsonld"),
        ({"id": "badge-7"}, "unsafe_jsonld"),
        ({"id": "_:b0"}, "unsafe_jsonld"),
        ({"id": None}, "unsafe_jsonld"),
        ({"id": "https://example.org/a b"}, "unsafe_jsonld"),
        ({"id": "https://example.org/<a"}, "unsafe_jsonld"),
        ({"id": "https://example.org/`a"}, "unsafe_jsonld"),
        ({"id": "https://example.org/|a"}, "unsafe_jsonld"),
        ({"issuer": "an issuer with spaces:1"}, "unsafe_jsonld"),
        ({"@context": [VC_V2, OB_301], "issuer": "xsd:string"}, "unsafe_jsonld"),
        ({"image": {"id": "pictures/1.png", "type": "Image"}}, "unsafe_jsonld"),
        ({"@graph": []}, "unsafe_jsonld"),
        ({"@included": [{"id": "urn:x:2", "name": "hidden"}]}, "unsafe_jsonld"),
        ({"@reverse": {"issuer": {"id": "urn:x:2"}}}, "unsafe_jsonld"),
        ({"@id": "urn:x:1"}, "unsafe_jsonld"),
        ({"description": [["twice nested"]]}, "unsafe_jsonld"),
        ({"description": None}, "unsafe_jsonld"),
        ({"description": {"@value": "text", "@direction": "rtl"}}, "unsafe_jsonld"),
        ({"description": {"@value": "text", "@language": "not a language"}}, "unsafe_jsonld"),
        ({"name": "end \ufffe"}, "unsafe_jsonld"),
        ({"name": "end \uffff"}, "unsafe_jsonld"),
        ({"name": "half \ud800"}, "unsafe_jsonld"),
        ({"credentialSubject": {"creditsEarned": 2**53}}, "unsafe_jsonld"),
        ({"credentialStatus": "https://example.org/status/1#5"}, "unsafe_jsonld"),
        ({"evidence": [{"id": "urn:x:1", "validUntil": "2030-01-01T00:00:00Z"}]}, "unsafe_jsonld"),
        ({"verifiableCredential": {"name": "no context of its own"}}, "unsafe_jsonld"),
        ({"@context": [VC_V2, {"name": "https://example.org/other"}]}, "unsafe_jsonld"),
        ({"@context": [VC_V2, VC_V2]}, "unsafe_jsonld"),
        ({"@context": [VC_V2, "https://example.org/context"]}, "context_unknown"),
        ({"evidence": [{"@context": ["https://example.org/context"]}]}, "context_unknown"),
        ({"@context": list(CREDENTIAL_CONTEXTS[::-1])}, "context_order"),
        ({"@context": []}, "context_missing"),
        ({"@context": None}, "context_missing"),
        ({"@context": [VC_V2] * 9}, "too_complex"),
    ],
)
def test_what_signing_would_lose_or_misread_is_refused(members: dict[str, Any], code: str) -> None:
    assert _refusal({**_small(), **members}) == code


def test_a_refusal_names_the_w3c_problem() -> None:
    with pytest.raises(CanonicalizationRefused) as caught:
        canonicalize(_small(workloadHours=6))
    assert caught.value.problem_type == DATA_LOSS_DETECTION_ERROR
    assert "workloadHours" in caught.value.detail


def test_moving_a_status_member_to_another_object_of_the_same_id_is_refused() -> None:
    entry = {"id": "urn:s:1", "type": "BitstringStatusListEntry", "statusPurpose": "revocation"}
    document = _small(credentialStatus=entry, evidence=[{"id": "urn:s:1", "type": ["Evidence"], "name": "moved"}])
    assert _refusal(document) == "unsafe_jsonld"


def test_a_document_that_says_nothing_is_refused() -> None:
    assert _refusal({"@context": [VC_V2], "id": "urn:x:1"}) == "canonicalization_refused"


def test_an_endorsement_with_contexts_of_its_own_is_read_and_its_unknown_terms_refused() -> None:
    endorsement = {
        "@context": list(CREDENTIAL_CONTEXTS),
        "id": "urn:e:1",
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "credentialSubject": {"id": "urn:x:1", "type": ["EndorsementSubject"], "endorsementComment": "Well done."},
    }
    types = ["VerifiableCredential", "OpenBadgeCredential"]
    assert "Well done." in canonicalize(_small(type=types, endorsement=[endorsement]))
    assert _refusal(_small(type=types, endorsement=[{**endorsement, "praise": "!"}])) == "unsafe_jsonld"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"), min_size=1))
def test_any_other_text_survives_canonicalization_distinctly(text: str) -> None:
    marked = canonicalize(_small(name=text))
    assert marked != canonicalize(_small(name=text + "."))
    assert len(marked.split("\n")) == 3


def _clique(size: int) -> list[Quad]:
    nodes = [BlankNode(f"n{index}") for index in range(size)]
    link = NamedNode("https://example.org/knows")
    return [Quad(a, link, b) for a in nodes for b in nodes if a != b]


@pytest.mark.parametrize("size", [7, 9, 20, 60])
def test_a_poisoned_graph_is_refused_before_the_native_call(size: int) -> None:
    with pytest.raises(CanonicalizationRefused) as caught:
        work_bound.check(_clique(size))
    assert caught.value.code == "too_complex"


def test_a_poisoned_document_is_refused() -> None:
    leaf = [{"type": ["Evidence"], "name": "same"} for _ in range(12)]
    twin = {"type": ["Achievement"], "related": leaf}
    document = _small(type=["VerifiableCredential", "OpenBadgeCredential"])
    document["credentialSubject"] = [{"type": ["AchievementSubject"], "achievement": dict(twin)} for _ in range(6)]
    assert _refusal(document) == "too_complex"


def test_many_look_alikes_that_are_not_linked_are_cheap_and_allowed() -> None:
    same = [{"type": ["Alignment"], "targetName": "x", "targetUrl": "https://example.org/x"} for _ in range(300)]
    achievement = {"id": "urn:a:1", "type": ["Achievement"], "alignment": same}
    subject = {"type": ["AchievementSubject"], "achievement": achievement}
    document = _small(type=["VerifiableCredential", "OpenBadgeCredential"], credentialSubject=subject)
    assert canonicalize(document).count("targetName> ") == 300


def _with_allowed(values: list[str]) -> dict[str, Any]:
    document = unsigned()
    document["credentialSubject"]["achievement"]["resultDescription"][0]["allowedValue"] = values
    return document


def test_an_issuer_refuses_repeated_values_of_an_ordered_list() -> None:
    check_issuable(_with_allowed(["A", "B", "F"]))
    assert _issue_refusal(_with_allowed(["A", "F", "F", "C", "B"])) == "not_issuable"


def test_an_issuer_refuses_values_whose_order_differs_in_utf16() -> None:
    document = unsigned()
    document["credentialSubject"]["achievement"]["tag"] = ["🌱 first", "\uffee second"]
    assert _issue_refusal(document) == "not_issuable"
    document["credentialSubject"]["achievement"]["tag"] = ["🌱 first", "second"]
    check_issuable(document)


@pytest.mark.parametrize("value", [1e-7, 1e22, float("nan"), float("inf")])
def test_an_issuer_refuses_numbers_that_processors_write_differently(value: float) -> None:
    document = unsigned()
    document["credentialSubject"]["creditsEarned"] = value
    assert _issue_refusal(document) in ("not_issuable", "unsafe_jsonld")


@pytest.mark.parametrize("empty", [[], {}])
def test_an_issuer_refuses_members_that_say_nothing(empty: Any) -> None:
    assert _issue_refusal({**unsigned(), "evidence": empty}) == "not_issuable"
