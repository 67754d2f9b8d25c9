"""What readers and processors disagree on is refused by name; one test for each, at every depth and in every spelling.

Which test would fail if a rule about one of the known discrepancies between implementations were removed:

C1  PyLD signs or drops terms it does not know (`safe_mode`): test_what_pyld_would_sign_or_drop_is_refused
C2  the sentinel finds undefined words, not bad IRIs (`_SENTINEL`): test_the_sentinel_alone_finds_a_misplaced_word
C3  escapes of control characters (`_quoted`): test_each_control_character_is_escaped_as_the_standard_says
C4  order by UTF-16 (`_refuse_disputed_order`): test_an_order_that_differs_in_utf16_is_not_issued
C5  repeated values (`_refuse_repeated_list_values`, `is_plain`): test_a_repeated_value_of_a_list_is_not_issued
C6  numbers (`safe_mode`, `_integer`): test_numbers_that_processors_write_differently_are_refused
C7  IRIs that need escapes (`is_absolute_iri`): test_an_iri_that_needs_escapes_is_refused
C8  U+FFFE, U+FFFF, lone surrogates (`json_text`, `safe_mode`, `walker`): test_no_characters_are_refused_*
C9  `splitlines()` on canonical text (`_serialize`): test_a_line_ends_at_a_line_feed_only
C10 two texts both called 3.0.3 (pinned digests): test_a_context_of_another_text_is_not_read
C11 quirks that nobody may repair (pinned texts): test_the_quirks_of_the_contexts_are_kept
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from app.vc import contexts, data_integrity, json_text
from app.vc.canonicalization import canonicalize, canonicalize_generally, check_issuable
from app.vc.errors import PARSING_ERROR, ParseError
from app.vc.timestamps import parse_rfc3339
from tests.vc.samples import CREATED, ED25519, ED25519_ID, resolve_key, unsigned

from .effort import outcome

TWICE, HALF, NONE = "given twice", "lone surrogate", "U+FFFE or U+FFFF"
LARGE, DEEP, NOT_JSON, NOT_UTF8 = "larger than every reader", "nests deeper", "not JSON", "not valid UTF-8"


def refused(data: bytes | str) -> str:
    """The words in which the reader refuses."""
    with pytest.raises(ParseError) as caught:
        json_text.loads(data)
    assert caught.value.code == "parse_error"
    assert caught.value.problem_type == PARSING_ERROR
    return caught.value.detail


def inside(text: str, depth: int) -> str:
    """A JSON text as a member of objects and arrays around it."""
    for level in range(depth):
        text = f'{{"m":{text}}}' if level % 2 == 0 else f'[{text}, {{"n": 1}}]'
    return text if text.startswith("{") else f'{{"m":{text}}}'


@pytest.mark.parametrize("depth", [0, 1, 2, 7, 40])
@pytest.mark.parametrize(
    "pair",
    ['"a":1,"a":1', '"a":1,"\\u0061":2', '"\\u0061":1,"\\u0061":2', '"":1,"":2', '"é":1,"\\u00e9":2', '"/":1,"\\/":2',
     '"a":1,"b":2,"a":{}', '"\\ud83c\\udf31":1,"\U0001f331":2', '"\\n":1,"\\u000a":2'],
)  # fmt: skip
def test_a_member_given_twice_is_refused_at_every_depth_in_every_spelling(pair: str, depth: int) -> None:
    assert TWICE in refused(inside(f"{{{pair}}}", depth))


def test_members_that_only_look_alike_are_two() -> None:
    """Composed and decomposed, Latin and Cyrillic, upper and lower case: other text, other members."""
    for one, other in (("é", "e\u0301"), ("a", "\u0430"), ("a", "A"), ("a", "a\\u200b"), ("a", "a ")):
        assert len(json_text.loads(f'{{"{one}":1,"{other}":2}}')) == 2


@pytest.mark.parametrize("depth", [0, 1, 2, 40])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"\\ud800"', HALF), ('"\\udc00"', HALF), ('"\\uDBFF"', HALF), ('"a\\udfffb"', HALF),
        ('"\\ud83c\\ud83c"', HALF),
        ('"\\udf31\\ud83c"', HALF), ('"\\\\\\ud800"', HALF), ('{"\\ud800":1}', HALF), ('["",["\\uD8a0"]]', HALF),
        ('"\ufffe"', NONE), ('"\uffff"', NONE), ('"\\ufffe"', NONE), ('"\\uFFFF"', NONE), ('{"\\uFFFE":1}', NONE),
        ('{"a\uffff":1}', NONE), ('["a","\\\\\\ufffE"]', NONE),
    ],
)  # fmt: skip
def test_no_characters_are_refused_by_the_reader(text: str, name: str, depth: int) -> None:
    assert name in refused(inside(text if text.startswith("{") else f'{{"a":{text}}}', depth))


@pytest.mark.parametrize("data", [b'{"a":"\xed\xa0\x80"}', b'{"a":"\xed\xbf\xbf"}', b'{"\xed\xa0\xbc\xed\xbc\xb1":1}'])
def test_surrogates_as_raw_bytes_are_not_utf8(data: bytes) -> None:
    assert NOT_UTF8 in refused(data)


def test_an_escaped_backslash_before_such_a_name_is_text() -> None:
    assert json_text.loads('{"a":"\\\\ud800 \\\\ufffe"}') == {"a": "\\ud800 \\ufffe"}


@pytest.mark.parametrize("path", [canonicalize, canonicalize_generally])
@pytest.mark.parametrize("character", ["\ufffe", "\uffff", chr(0xD800), chr(0xDFFF)])
@pytest.mark.parametrize("place", ["name", "id", "tag"])
def test_no_characters_are_refused_by_both_paths(
    path: Callable[[dict[str, Any]], str], character: str, place: str
) -> None:
    document = unsigned()
    where = document["credentialSubject"]["achievement"] if place == "tag" else document
    where[place] = {"name": f"a{character}", "id": f"urn:x:{character}", "tag": [character]}[place]
    assert outcome(path, document) == ("refused", "unsafe_jsonld")


@pytest.mark.parametrize("depth", [0, 3])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("9007199254740992", LARGE), ("-9007199254740992", LARGE), ("9007199254740993", LARGE), ("1" + "0" * 20, LARGE),
        ("9" * 5_000, LARGE), ("-" + "9" * 5_000, LARGE), ("1e400", "too large"), ("-1e400", "too large"),
        ("1" + "0" * 400 + ".0", "too large"), ("NaN", NOT_JSON), ("Infinity", NOT_JSON), ("-Infinity", NOT_JSON),
        ("nan", NOT_JSON), ("+1", NOT_JSON), ("01", NOT_JSON), ("1.", NOT_JSON), (".5", NOT_JSON), ("0x10", NOT_JSON),
        ("1_0", NOT_JSON), ("\u0661", NOT_JSON), ("1e", NOT_JSON),
    ],
)  # fmt: skip
def test_numbers_that_not_every_reader_holds_are_refused(text: str, name: str, depth: int) -> None:
    assert name in refused(inside(f'{{"a":{text}}}', depth))


def test_numbers_that_every_reader_holds_are_read() -> None:
    for text, value in (
        ("9007199254740991", 2**53 - 1), ("-9007199254740991", 1 - 2**53), ("-0", 0), ("1e-400", 0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308), ("1e5", 100_000.0),
    ):  # fmt: skip
        assert repr(json_text.loads(f'{{"a":{text}}}')["a"]) == repr(value)
    assert repr(json_text.loads('{"a":-0.0}')["a"]) == "-0.0"


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]"), ('{"a":[', "]}")])
def test_ten_thousand_levels_are_refused(opening: str, closing: str, closed: bool) -> None:
    text = '{"a":' + opening * 10_000 + "1" + (closing * 10_000 if closed else "") + "}"
    assert DEEP in refused(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(("levels", "is_read"), [(63, True), (64, False), (65, False), (200, False)])
def test_the_sixty_fifth_level_is_refused(opening: str, closing: str, levels: int, is_read: bool) -> None:
    """Far fewer than the parser's own limit, so that it is this bound which refuses."""
    text = '{"a":' + opening * levels + ("1" if opening != "[" else "") + closing * levels + "}"
    if is_read:
        assert "a" in json_text.loads(text)
    else:
        assert DEEP in refused(text)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xef\xbb\xbf{}", "BOM"),
        ('{"a":1}'.encode("utf-16"), NOT_UTF8),
        ('{"a":1}'.encode("utf-16-le"), NOT_JSON),
        ('{"a":1}'.encode("utf-32"), NOT_UTF8),
        (b'{"a":"\xc3', NOT_UTF8),
        (b'{"a":"\xe2\x80"}', NOT_UTF8),
        (b'{"a":"\xf0\x9f\x8c"}', NOT_UTF8),
        (b'{"a":"\xc0\x80"}', NOT_UTF8),
        (b'{"a":"\xf4\x90\x80\x80"}', NOT_UTF8),
        (b'{"a":"\x00"}', NOT_JSON),
        (b"\x00{}", NOT_JSON),
        (b"{}\x00", NOT_JSON),
        (b"{} {}", NOT_JSON),
        (b"{}x", NOT_JSON),
        (b"{}]", NOT_JSON),
        (b"{}\xc2\xa0", NOT_JSON),
        (b"{},", NOT_JSON),
        (b'{"a":1,}', NOT_JSON),
        (b"{'a':1}", NOT_JSON),
        (b'{"a":1 /* b */}', NOT_JSON),
        (b"[]", "one JSON object"),
        (b"null", "one JSON object"),
        (b'"' + b"x" * 100 + b'"', "one JSON object"),
        (b'{"a":"' + b"x" * 1_000_000 + b'"}', "larger than 1000000 bytes"),
    ],
)
def test_other_encodings_and_whatever_stands_around_the_object_are_refused(data: bytes, name: str) -> None:
    assert name in refused(data)


def test_large_is_read_up_to_the_bound_and_judged_by_what_it_says() -> None:
    """A text of nearly a megabyte and a hundred thousand members are JSON; a badge with so many members is too much."""
    assert len(json_text.loads(b'{"a":"' + b"x" * 999_990 + b'"}')["a"]) == 999_990
    many = json_text.loads(b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}")
    assert len(many) == 90_000
    assert outcome(canonicalize, {**unsigned(), **many})[0] == "refused"
    assert outcome(canonicalize, {**unsigned(), "name": ["x"] * 100_000}) == ("refused", "too_complex")
    assert "NUL" not in json_text.loads('{"a":"\\u0000"}'), "an escaped NUL is a character like any other"


def _badge(**members: Any) -> dict[str, Any]:
    return {**unsigned(), **members}


def _achievement(**members: Any) -> dict[str, Any]:
    document = unsigned()
    document["credentialSubject"]["achievement"] |= members
    return document


def _both(document: dict[str, Any]) -> tuple[str, Any]:
    found = outcome(canonicalize, document)
    assert outcome(canonicalize_generally, document) == found
    return found


@pytest.mark.parametrize(
    "document",
    [
        _badge(type=["VerifiableCredential", "OpenBadgeCredential", "MadeUp"]),
        _achievement(type=["Achievement", "MadeUp"]),
        _badge(madeUp="x"),
        _achievement(madeUp="x"),
        _badge(id="relative"),
        _badge(issuer={"id": "an id with spaces:", "type": ["Profile"]}),
        _achievement(id="https://example.org/a b"),
        {**unsigned(), "@context": list(contexts.CREDENTIAL_CONTEXTS[:2])},  # 1EdTechJsonSchemaValidator2019 is unknown
    ],
)
def test_what_pyld_would_sign_or_drop_is_refused(document: dict[str, Any]) -> None:
    assert _both(document) == ("refused", "unsafe_jsonld")


def test_the_sentinel_alone_finds_a_misplaced_word() -> None:
    """`targetName` is a word of the contexts, but only inside an alignment: no list of known words finds that."""
    document = _badge(targetName="a word at a place where it means nothing")
    assert _both(document) == ("refused", "unsafe_jsonld")
    assert _both(_achievement(image={"id": "pictures/1.png", "type": "Image"})) == ("refused", "unsafe_jsonld")
    assert _both(_achievement(type=["Achievement", "relative"])) == ("refused", "unsafe_jsonld")


@pytest.mark.parametrize("code", [*range(0x20), 0x7F])
def test_each_control_character_is_escaped_as_the_standard_says(code: int) -> None:
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}
    kind, text = _both(_badge(name=f"a{chr(code)}b"))
    assert kind == "value"
    assert f'"a{short.get(code, f"{chr(92)}u{code:04X}")}b"' in text
    for native in ("\x80", "\x85", "\u2028", "'", "<"):
        assert f'"{native}"' in _both(_badge(name=native))[1]


@pytest.mark.parametrize("place", ["the same property", "two statements of the document", "one blank node"])
def test_an_order_that_differs_in_utf16_is_not_issued(place: str) -> None:
    first, second = "\U0001f331", "\uffee"
    document = {
        "the same property": _achievement(tag=[first, second]),
        "two statements of the document": _badge(
            evidence=[{"id": f"https://example.org/{text}", "type": ["Evidence"]} for text in (first, second)]
        ),
        "one blank node": _badge(evidence=[{"type": ["Evidence"], "audience": [first, second]}]),
    }[place]
    assert _both(document)[0] == "value", "the standard has one answer; others in the field have another"
    assert outcome(check_issuable, document) == ("refused", "not_issuable")
    assert _issued(document) == ("refused", "not_issuable")


def _issued(document: dict[str, Any]) -> tuple[str, Any]:
    return outcome(
        data_integrity.sign, document,
        suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED,
    )  # fmt: skip


@pytest.mark.parametrize("values", [["A", "A"], ["A", "F", "F", "C", "B"], ["A", "B", "A"]])
@pytest.mark.parametrize("templated", [True, False])
def test_a_repeated_value_of_a_list_is_not_issued(values: list[str], templated: bool) -> None:
    document = unsigned()
    achievement = document["credentialSubject"]["achievement"]
    achievement["resultDescription"][0]["allowedValue"] = values
    if not templated:
        del achievement["id"]
    assert outcome(check_issuable, document) == ("refused", "not_issuable")
    assert _issued(document) == ("refused", "not_issuable")
    achievement["resultDescription"][0]["allowedValue"] = ["A", "B", "C"]
    assert _issued(document)[0] == "value"


@pytest.mark.parametrize(
    "value",
    [1e-7, -1e-7, 1e-5, 1e16, 1e20, 1e21, 1e22, 5e-324, 1.7976931348623157e308, 1e15 + 0.5, 0.30000000000000004,
     123456789.12345679, float("nan"), float("inf"), 2**53, -(2**53)],
)  # fmt: skip
def test_numbers_that_processors_write_differently_are_refused(value: float) -> None:
    """Issued or from a stranger: what holds here by one spelling is denied by those who write another."""
    document = unsigned()
    document["credentialSubject"]["creditsEarned"] = value
    assert _issued(document) == ("refused", "unsafe_jsonld")
    assert outcome(check_issuable, document) == ("refused", "unsafe_jsonld")
    assert outcome(canonicalize, document) == ("refused", "unsafe_jsonld")


@pytest.mark.parametrize("space", "\xa0\u1680\u2000\u2028\u2029\u202f\u205f\u3000\ufeff")
def test_an_iri_with_a_space_of_any_kind_is_refused(space: str) -> None:
    document = unsigned()
    document["credentialSubject"]["id"] = f"https://example.org/{space}"
    assert outcome(canonicalize, document) == ("refused", "unsafe_jsonld")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_is_not_there_in_utc_is_refused(text: str) -> None:
    assert outcome(parse_rfc3339, text) == ("refused", "malformed_value")


@pytest.mark.parametrize(("value", "written"), [(6, '"6"^^'), (6.0, '"6"^^'), (0, '"0"^^'), (-0.0, '"0"^^')])
def test_whole_numbers_come_out_one_way(value: float, written: str) -> None:
    """`-0.0` too: both others write it as a plain nought."""
    document = unsigned()
    document["credentialSubject"]["creditsEarned"] = value
    kind, text = _both(document)
    assert kind == "value"
    assert written in next(line for line in text.split("\n") if "creditsEarned" in line)


@pytest.mark.parametrize("character", list(' <>"{}|\\^`\x00\x1f\n'))
@pytest.mark.parametrize("place", ["id", "issuer", "image"])
def test_an_iri_that_needs_escapes_is_refused(character: str, place: str) -> None:
    iri = f"https://example.org/a{character}b"
    image = {"id": iri, "type": "Image"}
    document = _achievement(image=image) if place == "image" else _badge(**{place: iri})
    assert _both(document) == ("refused", "unsafe_jsonld")


@pytest.mark.parametrize("character", list("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
def test_a_line_ends_at_a_line_feed_only(character: str) -> None:
    """Two look-alike blank nodes send the document through the serializer, whose lines are cut and sorted."""
    same = [{"type": ["Evidence"], "name": f"a{character}b"}] * 2
    kind, text = _both(_badge(evidence=same))
    assert kind == "value"
    lines = text.split("\n")[:-1]
    assert lines == sorted(lines)
    assert all(line.endswith(" .") for line in lines)


def test_a_context_of_another_text_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of the texts called 3.0.3 is meant is decided by its digest, and no other one is used."""
    url = contexts.OB_V3
    name, digest = contexts._PINNED[url][:2]
    assert (
        digest == hashlib.sha256(resources.files("openbadgeslib.ob3.contexts").joinpath(name).read_bytes()).hexdigest()
    )
    contexts.load.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(contexts._PINNED, url, (name, "0" * 64, *contexts._PINNED[url][2:]))
        with pytest.raises(RuntimeError):
            contexts.load(url)
    contexts.load.cache_clear()
    assert contexts.load(url)["@context"]


def test_the_quirks_of_the_contexts_are_kept() -> None:
    """`awardedDate` has a datatype in short form and `validFrom` one under https; every implementation has them so."""
    text = _both(unsigned())[1]
    types = {line.partition("> <")[2].partition(">")[0]: line.rpartition("^^")[2] for line in text.split("\n")}
    assert next(kind for name, kind in types.items() if name.endswith("awardedDate")) == "<xsd:dateTime> ."
    assert next(kind for name, kind in types.items() if name.endswith("validFrom")).startswith("<http")


def test_a_refused_text_leaves_nothing_behind() -> None:
    signed = _issued(unsigned())[1]
    for text in ('{"a":1,"a":2}', '{"a":"\\ud800"}', "[" * 100_000):
        refused(text)
    document = json_text.loads(json.dumps(signed))
    assert data_integrity.verify(document, resolve_key=resolve_key).verification_method == ED25519_ID
