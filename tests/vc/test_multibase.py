import pytest
from hypothesis import given
from hypothesis import strategies as st
from openvc.multibase import decode_multibase, encode_multibase

from app.vc import multibase


@given(st.binary(max_size=130))
def test_bytes_are_written_as_another_library_writes_them_and_come_back(data: bytes) -> None:
    text = multibase.encode(data)
    assert text == encode_multibase(data)
    assert multibase.decode(text) == decode_multibase(text) == data


@given(st.integers(0, 40), st.binary(max_size=64))
def test_leading_zeros_are_kept(zeros: int, data: bytes) -> None:
    written = bytes(zeros) + data
    assert multibase.encode(written) == encode_multibase(written)
    assert multibase.decode(multibase.encode(written)) == written


@pytest.mark.parametrize("power", range(95))
def test_numbers_at_the_edges_of_digits_and_chunks_are_exact(power: int) -> None:
    for number in (58**power - 1, 58**power, 58**power + 1):
        data = number.to_bytes(80)
        assert multibase.encode(data) == encode_multibase(data)
        assert multibase.decode(multibase.encode(data)) == data


@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=199))
def test_every_text_of_the_alphabet_is_read_and_written_back(digits: str) -> None:
    assert multibase.decode("z" + digits) == decode_multibase("z" + digits)
    assert multibase.encode(multibase.decode("z" + digits)) == "z" + digits


@pytest.mark.parametrize("text", ["", "6Mk", "uAAAA", "z0", "zO", "zI", "zl", "z2 2", "z2\n", "zé", "z\ud800", "Z2"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(multibase.MultibaseInvalid):
        multibase.decode(text)


def test_longer_text_is_refused_before_it_costs_anything() -> None:
    assert multibase.decode("z" + "1" * 199) == bytes(199)
    for text, limit in (("z" + "2" * 200, 200), ("z222", 3), ("z" + "2" * 5_000_000, 200)):
        with pytest.raises(multibase.MultibaseInvalid):
            multibase.decode(text, max_length=limit)
