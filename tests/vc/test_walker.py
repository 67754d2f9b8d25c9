"""The quick path and the general one: one result for every document, accepted or refused."""

from __future__ import annotations

import copy
import gc
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.vc import walker
from app.vc.canonicalization import canonicalize, canonicalize_generally, canonicalize_to_issue, check_issuable
from app.vc.compiled_context import Scope, Unusual, root_scope
from app.vc.errors import CanonicalizationRefused
from app.vc.iri import is_absolute_iri
from app.vc.walker import walk

CORPUS = Path(__file__).parent / "data" / "canonical-corpus.jsonl.gz"


def corpus() -> list[dict[str, Any]]:
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


ROWS = corpus()
BADGE: dict[str, Any] = next(row["document"] for row in ROWS if row["set"] == "fields")
SMALL: dict[str, Any] = next(row["document"] for row in ROWS if row["set"] == "fields-all-ids")


def outcome(act: Any, document: dict[str, Any]) -> tuple[str, str]:
    """What came out: the text, or the code of the refusal."""
    try:
        return "text", act(document)
    except CanonicalizationRefused as refused:
        return "refused", refused.code


def issued_generally(document: dict[str, Any]) -> str:
    check_issuable(document)
    return canonicalize_generally(document)


def assert_same(found: tuple[str, str], expected: tuple[str, str]) -> None:
    """Equal; else the lines that differ and not the whole documents."""
    if found != expected:
        ours, theirs = (set(text.split("\n")) for _, text in (found, expected))
        pytest.fail(f"{found[0]} {sorted(ours - theirs)[:5]} instead of {expected[0]} {sorted(theirs - ours)[:5]}")


def test_every_row_of_the_corpus_goes_the_quick_way_and_comes_out_right() -> None:
    for row in ROWS:
        walk(row["document"])  # raises if it were left to the general path
        assert hashlib.sha256(canonicalize(row["document"]).encode()).hexdigest() == row["sha256"]


def test_the_options_of_a_proof_go_the_quick_way_too() -> None:
    """`assertionMethod` is a word that only the context of its member defines."""
    options = {
        "@context": BADGE["@context"], "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-01-01T00:00:00Z", "verificationMethod": "did:web:x.example#1",
        "proofPurpose": "assertionMethod",
    }  # fmt: skip
    walk(options)
    assert canonicalize(options) == canonicalize_generally(options)
    for word in ("authentication", "nobody", "https://w3id.org/security#assertionMethod", "type", "created"):
        changed = options | {"proofPurpose": word}
        assert_same(outcome(canonicalize, changed), outcome(canonicalize_generally, changed))


def test_templates_change_nothing() -> None:
    """The second time the achievement and the issuer come from templates; so does every later badge."""
    for row in ROWS[:200]:
        first, second = walk(row["document"]), walk(row["document"])
        assert first == second
        assert len(second.parts) > 1, "an achievement with an id is a template"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, as the way to it."""
    found = [path] if path else []
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += places(member, (*path, key))
    return found


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "", "_:b0", "urn:x:1", "https://example.org/a b", "https://example.org/<", "xsd:date", "relative",
            "id", "type", "@id", "Achievement", "Profile", "cred:thing", "https://schema.org/name", "\ufffe", "\ud800",
            "\U0001f600", "\ue000", "a\"\\\n\x00\x7f", "mailto:a@b", "HTTPS://EXAMPLE.org", "urn:\u00e9",
        ]
    ),
)  # fmt: skip
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.none(), st.integers(-(2**54), 2**54), st.floats(), st.sampled_from([0, 1, -1, 2**53]),
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "id", "type", "name", "description", "achievement", "criteria", "narrative", "alignment", "targetName",
        "value", "issuer", "proof", "@context", "@id", "@type", "@value", "@language", "@graph", "@list", "evidence",
        "image", "tag", "allowedValue", "credentialStatus", "credentialSchema", "endorsement", "identifier", "hashed",
        "creditsAvailable", "unknownTerm", "validFrom", "awardedDate", "relatedResource", "mediaType", "url", "genre",
        "statusPurpose", "statusListIndex", "verifiableCredential", "termsOfUse", "refreshService", "address", "result",
    ]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(WORDS, TEXTS), inner, max_size=5)),
    max_leaves=12,
)


@st.composite
def changed_badges(draw: st.DrawFn) -> dict[str, Any]:
    """A badge with a few members removed, put elsewhere, or given other values."""
    document = copy.deepcopy(draw(st.sampled_from([BADGE, SMALL])))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(places(document)))
        holder, key = at(document, path[:-1]), path[-1]
        change = draw(st.sampled_from(["set", "set", "remove", "add", "repeat", "wrap"]))
        if change == "set":
            holder[key] = draw(VALUES)
        elif change == "remove":
            del holder[key]
        elif change == "wrap":
            holder[key] = [holder[key]]
        elif change == "add" and isinstance(holder[key], dict):
            holder[key][draw(st.one_of(WORDS, TEXTS))] = draw(VALUES)
        elif change == "repeat" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        if not places(document):
            break
    return document


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(changed_badges())
@example({"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"]})
def test_both_paths_come_to_the_same_end(document: dict[str, Any]) -> None:
    expected = outcome(canonicalize_generally, document)
    assert_same(outcome(canonicalize, document), expected)
    assert_same(outcome(canonicalize, document), expected)  # now with templates
    assert_same(outcome(canonicalize_to_issue, document), outcome(issued_generally, document))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=60), number=st.integers(-(2**53) + 1, 2**53 - 1), flag=st.booleans())
def test_every_text_and_number_comes_out_as_the_general_path_writes_it(text: str, number: int, flag: bool) -> None:
    document = copy.deepcopy(BADGE)
    document["name"] = text
    document["credentialSubject"]["achievement"]["creditsAvailable"] = number
    document["credentialSubject"]["achievement"]["criteria"] = {"narrative": text}
    assert outcome(canonicalize, document) == outcome(canonicalize_generally, document)
    assert flag in (True, False)


def test_a_second_object_that_describes_the_credential_is_refused_also_inside_a_template() -> None:
    document = copy.deepcopy(BADGE)
    canonicalize(document)
    document["credentialSubject"]["achievement"]["creator"] = {
        "id": document["id"], "type": ["Profile"], "name": "Somebody else",
    }  # fmt: skip
    assert outcome(canonicalize, document) == ("refused", "unsafe_jsonld")
    assert outcome(canonicalize, document) == ("refused", "unsafe_jsonld")


def test_what_a_template_holds_is_what_the_document_says_now() -> None:
    """The same achievement's id with another text must not come out as the old one."""
    document = copy.deepcopy(BADGE)
    before = canonicalize(document)
    document["credentialSubject"]["achievement"]["name"] = "Another name entirely"
    after = canonicalize(document)
    assert "Another name entirely" in after
    assert after == canonicalize_generally(document) != before


def test_a_template_belongs_to_its_contexts_also_when_those_are_forgotten_in_between() -> None:
    """A stranger chooses the list of contexts: one list's template must never serve another."""
    first, *others = BADGE["@context"]
    older = [url.replace("3.0.3", "3.0.1") for url in others]
    for urls in (others, older, [], [others[0]]):
        document = BADGE | {"@context": [first, *urls]}
        assert_same(outcome(canonicalize, document), outcome(canonicalize_generally, document))
        root_scope.cache_clear()
        gc.collect()
    assert all(isinstance(scope, Scope) for scope, _ in walker._TEMPLATES._found), "an id would be given anew"


@pytest.mark.parametrize("levels", [40, 55, 61, 62, 63, 64, 70])
def test_a_template_counts_as_deep_as_it_stands(levels: int) -> None:
    deep: dict[str, Any] = {"id": "urn:x:0", "type": ["Profile"]}
    for level in range(levels):
        deep = {"id": f"urn:x:{level + 1}", "type": ["Profile"], "parentOrg": deep}
    document = BADGE | {"issuer": deep}
    for _ in range(2):
        assert_same(outcome(canonicalize, document), outcome(canonicalize_generally, document))


def test_templates_and_scopes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "MAX_TEMPLATES", 8)
    for number in range(40):
        document = copy.deepcopy(BADGE)
        document["credentialSubject"]["achievement"]["name"] = f"Achievement {number}"
        canonicalize(document)
    assert len(walker._TEMPLATES._found) <= 8


@pytest.mark.parametrize("types", [["Nobody"], "Nobody", [], [7], {"a": 1}, ["id"], ["@id"], [["Profile"]]])
def test_types_that_no_context_defines_are_left_to_the_general_path(types: Any) -> None:
    document = copy.deepcopy(BADGE)
    document["credentialSubject"]["achievement"]["type"] = types
    assert outcome(canonicalize, document) == outcome(canonicalize_generally, document)


def test_poison_is_refused_at_once() -> None:
    """Blank nodes that all point at each other: seven kilobytes that would hold a canonicalizer for minutes."""
    document = copy.deepcopy(BADGE)
    names = [f"urn:x:{number}" for number in range(3)]
    document["evidence"] = [
        {"type": ["Evidence"], "name": "x", "audience": name, "genre": names[0]} for name in names for _ in range(12)
    ]
    assert outcome(canonicalize, document) == outcome(canonicalize_generally, document)


def test_the_quick_path_refuses_nothing_by_itself() -> None:
    document = copy.deepcopy(BADGE)
    document["madeUp"] = "x"
    with pytest.raises(Unusual):
        walk(document)
    with pytest.raises(CanonicalizationRefused, match="madeUp"):
        canonicalize(document)


@given(st.from_regex(walker._USUAL_IRI, fullmatch=True))
def test_what_is_taken_for_a_usual_identifier_is_one_by_the_whole_rule(identifier: str) -> None:
    assert is_absolute_iri(identifier)
