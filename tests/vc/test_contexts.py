"""Which contexts a document may be read with: pinned ones always, its own only where conformance suites ask for it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc import contexts
from app.vc.canonicalization import canonicalize, canonicalize_to_issue, check_issuable
from app.vc.contexts import (
    CONFORMANCE,
    DATA_INTEGRITY_V1,
    DATA_INTEGRITY_V2,
    EXAMPLES_V2,
    OB_V3,
    VC_V1,
    VC_V2,
    load,
    pinned_bytes,
)
from app.vc.errors import CanonicalizationRefused
from app.vc.inline_context import MAX_DEFINITIONS, MAX_DEPTH

THING = "https://example.org/#Thing"


def document(*more: Any, first: str = VC_V2, **members: Any) -> dict[str, Any]:
    return {"@context": [first, *more], "id": "urn:x:1", "type": ["VerifiableCredential"], **members}


def code_of(act: Any, *arguments: Any) -> str:
    with pytest.raises(CanonicalizationRefused) as caught:
        act(*arguments)
    return caught.value.code


@pytest.mark.parametrize("url", sorted(contexts._PINNED))
def test_every_pinned_context_is_the_text_that_was_pinned(url: str) -> None:
    assert isinstance(load(url)["@context"], dict)
    assert json.loads(pinned_bytes(url)) == load(url)


def test_a_context_that_was_replaced_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    name, digest = contexts._PINNED[VC_V1]
    monkeypatch.setitem(contexts._PINNED, VC_V1, (name, digest[::-1]))
    with pytest.raises(RuntimeError, match="not the text this engine was checked with"):
        pinned_bytes(VC_V1)


def test_the_first_data_integrity_context_is_the_second_with_two_words_less() -> None:
    first, second = (
        load(url)["@context"]["DataIntegrityProof"]["@context"] for url in (DATA_INTEGRITY_V1, DATA_INTEGRITY_V2)
    )
    assert set(second) - set(first) == {"previousProof"}
    assert first["cryptosuite"] == second["cryptosuite"]["@id"]


def test_a_changed_second_data_integrity_context_gives_no_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "_DATA_INTEGRITY_V1_DIGEST", hashlib.sha256(b"").hexdigest())
    with pytest.raises(RuntimeError, match="not the text this engine was checked with"):
        contexts._data_integrity_v1()


def test_credentials_of_version_1_1_are_read() -> None:
    old = document(DATA_INTEGRITY_V2, first=VC_V1, issuanceDate="2020-01-01T00:00:00Z", issuer="did:example:issuer")
    assert "<https://www.w3.org/2018/credentials#issuanceDate>" in canonicalize(old)
    assert canonicalize(old) == canonicalize(old, CONFORMANCE)


@pytest.mark.parametrize(
    "members",
    [
        {"name": "not a word of version 1.1"},
        {"relatedResource": {"id": "urn:x:2"}},
        {"cred:issuer": "did:example:issuer"},
        {"type": ["VerifiableCredential", "cred:Thing"]},
        {"type": ["VerifiableCredential", "https://www.w3.org/2018/credentials#VerifiablePresentation"]},
        {"issuer": "relative"},
        {"issuer": {"id": "urn:x:1", "type": "VerifiableCredential", "issuanceDate": "2020-01-01T00:00:00Z"}},
        {"credentialStatus": "urn:x:2"},
        {"issuanceDate": None},
    ],
    ids=str,
)
def test_version_1_1_has_the_same_safe_mode(members: dict[str, Any]) -> None:
    assert code_of(canonicalize, document(first=VC_V1, **members)) == "unsafe_jsonld"
    assert code_of(canonicalize, document(first=VC_V1, **members), CONFORMANCE) == "unsafe_jsonld"


def test_version_1_1_is_read_and_not_issued() -> None:
    old = document(first=VC_V1, issuer="did:example:issuer")
    assert code_of(check_issuable, old) == "context_order"
    assert code_of(canonicalize_to_issue, old) == "context_order"
    assert canonicalize_to_issue(old, CONFORMANCE) == canonicalize(old)


@pytest.mark.parametrize("urls", [[VC_V2, VC_V1], [VC_V1, VC_V2], [OB_V3, VC_V1], [DATA_INTEGRITY_V2]])
def test_one_base_context_comes_first_and_no_other_after_it(urls: list[str]) -> None:
    assert code_of(canonicalize, {**document(), "@context": urls}) == "context_order"
    assert code_of(canonicalize, {**document(), "@context": urls}, CONFORMANCE) == "context_order"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (document({"Thing": THING}, type=["VerifiableCredential", "Thing"]), "unsafe_jsonld"),
        (document({"Thing": THING}), "unsafe_jsonld"),
        (document(EXAMPLES_V2), "context_unknown"),
        (document(**{THING: "x"}), "unsafe_jsonld"),
        (document(name={"@value": "x", "@language": "en", "@direction": "ltr"}), "unsafe_jsonld"),
    ],
)
def test_what_the_suites_may_do_the_product_does_not(changed: dict[str, Any], code: str) -> None:
    assert canonicalize(changed, CONFORMANCE)
    assert code_of(canonicalize, changed) == code
    assert code_of(canonicalize_to_issue, changed) == code


def test_an_inline_context_means_what_it_says() -> None:
    own = {
        "@version": 1.1,
        "@protected": True,
        "ex": "https://example.org/#",
        "Thing": {"@id": "ex:Thing", "@context": {"size": {"@id": "ex:size", "@type": "ex:metres"}}},
        "things": {"@id": "ex:things", "@type": "@id", "@container": "@list"},
    }
    inner = {"id": "urn:x:2", "type": "Thing", "size": "4"}
    text = canonicalize(
        document(own, credentialSubject=inner, evidence={"id": "urn:x:3", "things": ["urn:x:4"]}), CONFORMANCE
    )
    assert '<urn:x:2> <https://example.org/#size> "4"^^<https://example.org/#metres> .' in text
    assert f"<urn:x:2> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{THING}> ." in text
    assert "<https://example.org/#things> _:c14n0 ." in text
    wrapped = canonicalize(document({"@context": own}, credentialSubject=inner), CONFORMANCE)
    assert wrapped == canonicalize(document(own, credentialSubject=inner), CONFORMANCE)


def test_the_examples_vocabulary_gives_every_word_a_meaning() -> None:
    text = canonicalize(document(EXAMPLES_V2, anything="x", type=["VerifiableCredential", "Odd"]), CONFORMANCE)
    assert '<https://www.w3.org/ns/credentials/examples#anything> "x"' in text
    assert "<https://www.w3.org/ns/credentials/examples#Odd>" in text


@pytest.mark.parametrize("word", ["two words", "<", "a|b", "@word", "a:b c", "\ufffe"])
def test_a_word_that_makes_no_iri_is_refused_with_any_vocabulary(word: str) -> None:
    for members in ({word: "x"}, {"type": ["VerifiableCredential", word]}):
        assert code_of(canonicalize, document(EXAMPLES_V2, **members), CONFORMANCE) == "unsafe_jsonld"


def test_a_text_keeps_its_base_direction() -> None:
    named = document(name={"@value": "x", "@language": "en-AU", "@direction": "rtl"})
    assert '"x"^^<https://www.w3.org/ns/i18n#en-au_rtl>' in canonicalize(named, CONFORMANCE)
    plain = document(name={"@value": "x", "@direction": "ltr"})
    assert '"x"^^<https://www.w3.org/ns/i18n#_ltr>' in canonicalize(plain, CONFORMANCE)
    assert code_of(canonicalize, document(name={"@value": "x", "@direction": "up"}), CONFORMANCE) == "unsafe_jsonld"


@pytest.mark.parametrize(
    "own",
    [
        {"@base": "https://example.org/"},
        {"@base": None},
        {"@import": "https://example.org/context"},
        {"@language": "en"},
        {"@propagate": False},
        {"@version": 1.0},
        {"@protected": "yes"},
        {"@vocab": ""},
        {"@vocab": "relative#"},
        {"@vocab": None},
        {"Thing": None},
        {"Thing": 4},
        {"Thing": "relative"},
        {"Thing": "https ://example.org/#Thing"},
        {"Thing": "nothing:Thing thing"},
        {"Thing": "_:b0"},
        {"Thing": {}},
        {"Thing": {"@id": None}},
        {"Thing": {"@reverse": THING}},
        {"Thing": {"@id": THING, "@nest": "x"}},
        {"Thing": {"@id": THING, "@type": "relative"}},
        {"Thing": {"@id": THING, "@type": ["@id"]}},
        {"Thing": {"@id": THING, "@container": "@language"}},
        {"Thing": {"@id": THING, "@container": ["@set"]}},
        {"Thing": {"@id": THING, "@protected": 1}},
        {"Thing": {"@id": THING, "@context": "https://example.org/context"}},
        {"Thing": {"@id": THING, "@context": None}},
        {"Thing": {"@id": THING, "@context": {"size": "relative"}}},
        {"a": "b:x", "b": "a:x"},
        {"a": "b:port", "b": "c::", "c": {"@id": "https://example.org", "@prefix": True}},
        {"identifier": "@id"},
        {"id": THING},
        {"type": {"@id": "@type", "@container": "@set"}},
        {"": THING},
        {"two words": THING},
        {"ex:Thing": THING},
        {THING: THING},
        {"VerifiableCredential": THING},
        {"@context": [{"Thing": THING}]},
        {"@context": "https://example.org/context"},
        {"@context": {"@context": {"Thing": THING}}},
    ],
    ids=str,
)
def test_an_inline_context_that_could_mislead_is_refused(own: dict[str, Any]) -> None:
    assert code_of(canonicalize, document(own), CONFORMANCE) == "unsafe_jsonld"


def test_a_protected_word_of_an_inline_context_stays_what_it_is() -> None:
    own, other = {"@protected": True, "Thing": THING}, {"Thing": "https://example.org/#Other"}
    assert code_of(canonicalize, document(own, other), CONFORMANCE) == "unsafe_jsonld"
    assert canonicalize(document({"Thing": THING}, other), CONFORMANCE)


def test_the_size_of_inline_contexts_is_bounded() -> None:
    wide = {f"thing{number}": f"{THING}{number}" for number in range(MAX_DEFINITIONS + 1)}
    assert code_of(canonicalize, document(wide), CONFORMANCE) == "too_complex"
    deep: dict[str, Any] = {"thing": THING}
    for _ in range(MAX_DEPTH):
        deep = {"thing": {"@id": THING, "@context": deep}}
    assert code_of(canonicalize, document(deep), CONFORMANCE) == "too_complex"
    assert code_of(canonicalize, document(*[{"thing": THING}] * 8), CONFORMANCE) == "too_complex"


def test_only_texts_and_objects_are_contexts() -> None:
    for entry in (None, 4, True, [VC_V2], [{"Thing": THING}]):
        assert code_of(canonicalize, document(entry), CONFORMANCE) == "unsafe_jsonld"
    for entry in ("https://example.org/context", "", "relative"):
        assert code_of(canonicalize, document(entry), CONFORMANCE) == "context_unknown"


WORDS = st.sampled_from(
    ["@id", "@type", "@context", "@vocab", "@protected", "@container", "a", "b", "type", "id", "name"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([THING, "a:x", "b:", "@id", "@set", "", "x", VC_V2]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(own=VALUES, value=VALUES)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_context_ends_in_a_text_or_a_refusal(own: Any, value: Any) -> None:
    with suppress(CanonicalizationRefused):
        assert canonicalize(document(own, a=value), CONFORMANCE).endswith(" .\n")
