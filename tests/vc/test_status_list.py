import gzip
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc import data_integrity
from app.vc.canonicalization import check_issuable
from app.vc.errors import RANGE_ERROR, STATUS_LIST_LENGTH_ERROR, StatusListError
from app.vc.keys import base64url
from app.vc.status_list import (
    MINIMUM_ENTRIES,
    decode_list,
    encode_list,
    entry,
    permuted_index,
    read_bit,
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
