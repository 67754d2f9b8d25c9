import gzip
import itertools
import tracemalloc
import zlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc import data_integrity
from app.vc.canonicalization import check_issuable
from app.vc.errors import (
    MALFORMED_VALUE_ERROR,
    RANGE_ERROR,
    STATUS_LIST_LENGTH_ERROR,
    STATUS_RETRIEVAL_ERROR,
    STATUS_VERIFICATION_ERROR,
    StatusListError,
)
from app.vc.keys import base64url
from app.vc.status_list import (
    MAX_BYTES,
    MINIMUM_ENTRIES,
    StatusEntry,
    decode_list,
    encode_list,
    entry,
    permuted_index,
    read_bit,
    read_entry,
    read_status,
    status_list_credential,
)
from tests.vc.samples import BASE, CREATED, DID, ED25519, ED25519_ID, resolve_key

KEY = b"sixteen secret bytes"
INDEXES = st.sets(st.integers(0, MINIMUM_ENTRIES - 1), max_size=50)


def _list(*bits: int, purpose: Any = "revocation") -> dict[str, Any]:
    document = status_list_credential(
        list_url=f"{BASE}/status/1", issuer=DID, encoded_list=encode_list(bits), valid_from=CREATED
    )
    document["credentialSubject"]["statusPurpose"] = purpose
    return document


def _code(encoded: str) -> str:
    with pytest.raises(StatusListError) as caught:
        decode_list(encoded)
    return caught.value.code


@settings(deadline=None)
@given(INDEXES)
def test_exactly_the_set_bits_are_read_back(indexes: set[int]) -> None:
    bits = decode_list(encode_list(indexes))
    assert len(bits) * 8 == MINIMUM_ENTRIES
    assert {8 * at + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte & 0x80 >> bit} == indexes


def test_index_zero_is_the_most_significant_bit() -> None:
    assert decode_list(encode_list([0]))[0] == 0b1000_0000
    assert decode_list(encode_list([9]))[:2] == b"\x00\x40"
    assert decode_list(encode_list([MINIMUM_ENTRIES - 1]))[-1] == 1


def test_the_same_bits_give_the_same_text() -> None:
    assert encode_list([3, 1]) == encode_list([1, 3])
    assert encode_list([1]).startswith("uH4sIAAAAAAA")


def test_a_bit_is_read_from_a_signed_list() -> None:
    document = _list(5, 81_234)
    check_issuable(document)
    signed = data_integrity.sign(
        document, suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )
    data_integrity.verify(signed, resolve_key=resolve_key)
    assert read_bit(signed, 81_234, "revocation") is True
    assert read_bit(signed, 81_235, "revocation") is False
    assert read_bit(_list(5, purpose=["suspension", "revocation"]), 5, "revocation") is True


def test_an_entry_has_the_shape_verifiers_read() -> None:
    assert entry(f"{BASE}/status/1", 7) == {
        "id": f"{BASE}/status/1#7",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": f"{BASE}/status/1",
    }


@pytest.mark.parametrize(
    ("index", "purpose", "code"),
    [
        (5, "suspension", "status_purpose"),
        (-1, "revocation", "status_range"),
        (MINIMUM_ENTRIES, "revocation", "status_range"),
    ],
)
def test_a_question_the_list_does_not_answer_raises(index: int, purpose: str, code: str) -> None:
    with pytest.raises(StatusListError) as caught:
        read_bit(_list(5), index, purpose)
    assert caught.value.code == code
    assert caught.value.problem_type is not None


@pytest.mark.parametrize(
    "change",
    [
        {"type": "BitstringStatusListCredential"},
        {"type": ["VerifiableCredential"]},
        {"credentialSubject": []},
        {"credentialSubject": {"type": "BitstringStatusList", "statusPurpose": "revocation"}},
        {"credentialSubject": {"type": "Other", "statusPurpose": "revocation", "encodedList": encode_list([])}},
    ],
)
def test_another_document_is_no_list(change: dict[str, Any]) -> None:
    with pytest.raises(StatusListError) as caught:
        read_bit({**_list(5), **change}, 5, "revocation")
    assert caught.value.code == "status_malformed"


def _packed(data: bytes) -> str:
    return "u" + base64url(gzip.compress(data, mtime=0))


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        ("", "status_malformed"),
        ("zH4sI", "status_malformed"),
        ("u!!!!", "status_malformed"),
        ("uAAAA", "status_malformed"),
        ("u" + "A" * 2_000_000, "status_malformed"),
        (_packed(bytes(16_384))[:-8], "status_malformed"),
        ("u" + base64url(gzip.compress(bytes(16_384)) * 2), "status_malformed"),
        (_packed(bytes(16_383)), "status_length"),
        (_packed(bytes(1_250)), "status_length"),
        (_packed(bytes(50_000_000)), "status_length"),
    ],
)
def test_lists_that_are_broken_short_or_bombs_are_refused(encoded: str, code: str) -> None:
    assert _code(encoded) == code


@pytest.mark.parametrize(
    ("bits", "size"),
    [([], 8), ([], MINIMUM_ENTRIES + 1), ([MINIMUM_ENTRIES], MINIMUM_ENTRIES), ([-1], MINIMUM_ENTRIES)],
)
def test_lists_that_would_not_hide_a_badge_are_not_made(bits: list[int], size: int) -> None:
    with pytest.raises(StatusListError) as caught:
        encode_list(bits, size)
    assert caught.value.problem_type in (STATUS_LIST_LENGTH_ERROR, RANGE_ERROR)


@settings(deadline=None)
@given(st.integers(1, 3_000), st.binary(min_size=16, max_size=64))
def test_permuted_indexes_use_every_place_once(size: int, key: bytes) -> None:
    assert {permuted_index(counter, key, size) for counter in range(size)} == set(range(size))


def test_permuted_indexes_are_scattered_and_depend_on_the_key() -> None:
    places = [permuted_index(counter, KEY, MINIMUM_ENTRIES) for counter in range(200)]
    assert len(set(places)) == 200
    assert max(places) - min(places) > MINIMUM_ENTRIES // 2
    assert sum(abs(a - b) == 1 for a, b in itertools.pairwise(places)) < 3
    assert places != [permuted_index(counter, KEY[::-1], MINIMUM_ENTRIES) for counter in range(200)]


@pytest.mark.parametrize("counter", [-1, 100])
def test_a_counter_outside_the_list_is_refused(counter: int) -> None:
    with pytest.raises(StatusListError):
        permuted_index(counter, KEY, 100)
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        permuted_index(1, b"short", 100)


URL = f"{BASE}/status/1"
MESSAGES = [
    {"status": "0x0", "message": "fine"},
    {"status": "0x1", "message": "being looked at", "more": 1},
    {"status": "0x2", "message": "undefined"},
    {"status": "0x3", "message": "withdrawn"},
]


def _entry(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**entry(URL, 7), **changes}.items() if value is not None}


def test_an_entry_is_read_as_it_was_written() -> None:
    assert read_entry(entry(URL, 7)) == StatusEntry("revocation", URL, 7)
    assert read_entry(_entry(id=None, type=["BitstringStatusListEntry"], statusListIndex="0", statusSize=1)).index == 0
    assert read_entry(_entry(statusListIndex="9" * 18)).index == 999_999_999_999_999_999
    wide = read_entry(_entry(statusPurpose="message", statusSize=2, statusMessage=MESSAGES))
    assert (wide.size, dict(wide.messages)[3]) == (2, "withdrawn")
    assert dict(read_entry(_entry(statusMessage=MESSAGES[:2])).messages) == {0: "fine", 1: "being looked at"}


@pytest.mark.parametrize(
    "index",
    ["", "-1", "+1", "01", "00", "1.0", "1e3", "0x1", " 1", "1 ", "1\n", "1_000", "١", "¹", "１", "seven", 7, 7.0, True,
     None, ["7"], {"@value": "7"}],
)  # fmt: skip
def test_an_index_is_a_decimal_number_in_text_and_nothing_else(index: Any) -> None:
    with pytest.raises(StatusListError) as caught:
        read_entry(_entry(statusListIndex=index))
    assert (caught.value.code, caught.value.problem_type) == ("status_entry", MALFORMED_VALUE_ERROR)


@pytest.mark.parametrize("digits", [19, 5_000, 1_000_000])
def test_an_index_of_any_length_is_beyond_every_list(digits: int) -> None:
    with pytest.raises(StatusListError) as caught:
        read_entry(_entry(statusListIndex="9" * digits))
    assert (caught.value.code, caught.value.problem_type) == ("status_range", RANGE_ERROR)


BROKEN = (
    {"statusPurpose": None}, {"statusPurpose": ""}, {"statusPurpose": 1}, {"statusPurpose": ["revocation"]},
    {"statusListCredential": None}, {"statusListCredential": "/status/1"}, {"statusListCredential": [URL]},
    {"statusListCredential": "file:///etc/passwd"}, {"statusListCredential": "https://a b"},
    {"statusListCredential": {"id": URL}},
    {"statusSize": 0}, {"statusSize": -1}, {"statusSize": "1"}, {"statusSize": 1.0}, {"statusSize": True},
    {"statusSize": [1]}, {"statusSize": 2}, {"statusSize": 2, "statusMessage": MESSAGES[:3]},
    {"statusSize": 2, "statusMessage": [*MESSAGES[:3], MESSAGES[0]]},
    {"statusSize": 2, "statusMessage": [*MESSAGES[:3], {"status": "0x3"}]},
    {"statusSize": 2, "statusMessage": [*MESSAGES[:3], {"status": "3", "message": "no prefix"}]},
    {"statusSize": 2, "statusMessage": [*MESSAGES[:3], {"status": 3, "message": "no text"}]},
    {"statusSize": 2, "statusMessage": [*MESSAGES[:3], "0x3"]},
    {"statusSize": 2, "statusMessage": {"0x0": "fine"}},
    {"statusMessage": MESSAGES}, {"statusMessage": "set"},
)  # fmt: skip


@pytest.mark.parametrize("changes", BROKEN, ids=range(len(BROKEN)))
def test_an_entry_that_breaks_a_rule_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(StatusListError) as caught:
        read_entry(_entry(**changes))
    assert (caught.value.code, caught.value.problem_type) == ("status_entry", MALFORMED_VALUE_ERROR)


@pytest.mark.parametrize(
    "changes", [{"type": "StatusList2021Entry"}, {"type": None}, {"statusSize": 9}, {"type": [[]]}]
)
def test_a_status_of_another_kind_is_not_guessed_at(changes: dict[str, Any]) -> None:
    with pytest.raises(StatusListError) as caught:
        read_entry(_entry(**changes))
    assert (caught.value.code, caught.value.problem_type) == ("status_unsupported", STATUS_VERIFICATION_ERROR)


@pytest.mark.parametrize("nothing", [None, [], "x", 1])
def test_what_is_no_object_is_no_entry(nothing: Any) -> None:
    with pytest.raises(StatusListError):
        read_entry(nothing)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 8), st.data())
def test_a_status_of_several_bits_is_read_where_it_stands(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, MINIMUM_ENTRIES - 1))
    value = data.draw(st.integers(0, (1 << size) - 1))
    bits = [index * size + at for at in range(size) if value >> (size - 1 - at) & 1]
    around = {index * size - 1, (index + 1) * size} & set(range(MINIMUM_ENTRIES * size))
    document = _list(purpose="message")
    document["credentialSubject"]["encodedList"] = encode_list([*bits, *around], MINIMUM_ENTRIES * size)
    assert read_status(document, StatusEntry("message", URL, index, size)) == value


def test_wide_statuses_need_a_list_that_is_as_much_longer() -> None:
    with pytest.raises(StatusListError) as caught:
        read_status(_list(), StatusEntry("revocation", URL, 0, 2))
    assert caught.value.problem_type == STATUS_LIST_LENGTH_ERROR
    document = _list()
    document["credentialSubject"]["encodedList"] = encode_list([], 2 * MINIMUM_ENTRIES)
    with pytest.raises(StatusListError) as caught:
        read_status(document, StatusEntry("revocation", URL, MINIMUM_ENTRIES, 2))
    assert caught.value.problem_type == RANGE_ERROR


def test_a_list_of_the_greatest_length_is_read_to_its_last_bit() -> None:
    document = _list()
    document["credentialSubject"]["encodedList"] = encode_list([8 * MAX_BYTES - 1], 8 * MAX_BYTES)
    assert read_bit(document, 8 * MAX_BYTES - 1, "revocation") is True
    assert read_bit(document, 8 * MAX_BYTES - 2, "revocation") is False
    assert _code(_packed(bytes(MAX_BYTES + 1))) == "status_length"
    with pytest.raises(StatusListError):
        encode_list([], 8 * MAX_BYTES + 8)


@pytest.mark.parametrize("purpose", [[], None, 1, ["revocation", 1], [["revocation"]], {"a": 1}])
def test_a_list_says_in_words_what_it_tells_about(purpose: Any) -> None:
    with pytest.raises(StatusListError) as caught:
        read_bit(_list(5, purpose=purpose), 5, "revocation")
    assert (caught.value.code, caught.value.problem_type) == ("status_malformed", STATUS_VERIFICATION_ERROR)


def _gzip_header(flags: int, extra: bytes = b"") -> bytes:
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + extra


PLAIN = gzip.compress(bytes(16_384), mtime=0)
STRANGE = {
    "one byte after it": PLAIN + b"\0",
    "another member after it": PLAIN + gzip.compress(b""),
    "the checksum is wrong": PLAIN[:-8] + b"\1\2\3\4" + PLAIN[-4:],
    "the length is wrong": PLAIN[:-4] + b"\1\0\0\0",
    "no checksum": PLAIN[:-8],
    "half of it": PLAIN[: len(PLAIN) // 2],
    "a header alone": PLAIN[:10],
    "a name without an end": _gzip_header(8, b"a" * 1_000),
    "an extra field without an end": _gzip_header(4, b"\xff\xff"),
    "zlib's form": zlib.compress(bytes(16_384)),
    "no form at all": bytes(16_384),
    "nothing": b"",
}


@pytest.mark.parametrize("name", STRANGE)
def test_packed_bits_of_a_strange_form_are_refused(name: str) -> None:
    assert _code("u" + base64url(STRANGE[name])) == "status_malformed"


SPELLINGS = (
    lambda text: text + "=", lambda text: text[:9] + "\n" + text[9:], lambda text: text.replace("A", "+", 1),
    lambda text: text + " ", lambda text: "m" + text[1:], lambda text: text[1:], lambda text: text + "é",
)  # fmt: skip


@pytest.mark.parametrize("change", SPELLINGS, ids=range(len(SPELLINGS)))
def test_the_text_of_a_list_has_one_spelling(change: Any) -> None:
    assert _code(change(encode_list([1]))) == "status_malformed"


def test_a_bomb_costs_no_more_than_the_greatest_list() -> None:
    bomb = _packed(bytes(900_000_000 // 4))
    tracemalloc.start()
    assert _code(bomb) == "status_length"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MAX_BYTES


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_changed_bits_give_bits_or_a_refusal_and_nothing_else(noise: bytes, start: int, end: int) -> None:
    try:
        bits = decode_list("u" + base64url(PLAIN[:start] + noise + PLAIN[end:]))
    except StatusListError as error:
        told = error.problem_type
    else:
        told = STATUS_VERIFICATION_ERROR if len(bits) >= MINIMUM_ENTRIES // 8 else None
    assert told in (STATUS_VERIFICATION_ERROR, STATUS_LIST_LENGTH_ERROR)


def test_a_list_that_cannot_be_had_has_its_own_problem_type() -> None:
    assert StatusListError("status_unavailable", "It cannot be fetched.").problem_type == STATUS_RETRIEVAL_ERROR


def test_the_first_places_of_a_list_are_spread_over_it_evenly() -> None:
    """Chi-squared over 256 parts: 255 degrees of freedom lie between 190 and 330 but once in a thousand keys."""
    for key in (KEY, KEY[::-1], bytes(32)):
        count, parts = 16_384, 256
        places = [permuted_index(counter, key, MINIMUM_ENTRIES) for counter in range(count)]
        found = Counter(place * parts // MINIMUM_ENTRIES for place in places)
        expected = count / parts
        assert 190 < sum((found[part] - expected) ** 2 / expected for part in range(parts)) < 330
        low_bits = Counter(place % 16 for place in places)
        assert all(abs(low_bits[rest] - count / 16) < 150 for rest in range(16))


def test_neighbours_in_time_are_not_neighbours_in_the_list() -> None:
    """The distance of one place to the next is as that of random ones: a third of the list on average."""
    places = [permuted_index(counter, KEY, MINIMUM_ENTRIES) for counter in range(8_192)]
    steps = [abs(a - b) for a, b in itertools.pairwise(places)]
    assert abs(sum(steps) / len(steps) / MINIMUM_ENTRIES - 1 / 3) < 0.02
    assert len(set(steps)) > 0.9 * len(steps)
