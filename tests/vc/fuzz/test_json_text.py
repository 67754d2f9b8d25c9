"""The JSON reader against another one: it takes what that one takes, less what is refused by name, and reads the same.

The other one is orjson: strict about surrogates, encodings and grammar, and it says nothing about repeated members,
depth and large integers, which are judged here by hand.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from app.vc import json_text

from .documents import MEMBERS, SEEDS, values
from .effort import outcome, tried

MAX_DEPTH = 64
space = st.sampled_from(["", "", "", " ", "\n", "\t\r", "\x0b", "\u00a0", "\ufeff", "\x00"])
names = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"é"', '"e\\u0301"', '"\\ud83c\\udf31"', '"\\ud800"', '"\\uFFFE"'])
leaves = st.one_of(
    st.sampled_from(
        [
            "1", "-1", "-0", "0", "-0.0", "01", "+1", "1.", ".5", "1e5", "1E+5", "1e", "1e400", "-1e400", "1e-400",
            "0x10", "1_000", "9007199254740991", "9007199254740992", "-9007199254740991", "-9007199254740992",
            "9007199254740993.0", "12345678901234567890123", "NaN", "Infinity", "-Infinity", "nan", "null", "true",
            "false", "True", "None", "undefined", '""', '"text"', "'text'", '"\\u12"', '"\\x41"', '"\\u0000"', '"\x7f"',
            '"\\ud83c\\udf31"', '"\\udf31\\ud83c"', '"\\ud83c"', '"\\ud83cx"', '"\\\\ud800"', '"\ufffe"', '"\uffff"',
            '"\\uffff"', '"\\\\uffff"', '"a\nb"', '"\t"', '"\\/"', '"\\\'"', "[1,]", "[,1]", "[1 2]", "{,}", '{"a"}',
            '{"a":1,}', '{"a":}', "/* */1", "// x\n1", '"unclosed',
        ]
    ),
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.text(max_size=8).map(json.dumps),
    st.floats().map(repr),
    st.integers(-(2**60), 2**60).map(str),
)  # fmt: skip


def _array(items: list[str], gap: str) -> str:
    return "[" + f"{gap},{gap}".join(items) + "]"


def _object(members: list[tuple[str, str]], gap: str) -> str:
    return "{" + ",".join(f"{gap}{name}{gap}:{gap}{value}" for name, value in members) + gap + "}"


trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(_array, st.lists(inner, max_size=4), space),
        st.builds(_object, st.lists(st.tuples(names, inner), max_size=4), space),
    ),
    max_leaves=12,
)
objects = st.builds(_object, st.lists(st.tuples(names, trees), max_size=5), space)
texts = st.one_of(objects, objects, st.builds(lambda before, body, after: before + body + after, space, trees, space))


def _repeats(text: str) -> bool:
    """Whether a member comes twice in one object anywhere; asks the standard library, which only lists them."""
    found: list[bool] = []
    json.loads(text, object_pairs_hook=lambda pairs: found.append(len({name for name, _ in pairs}) < len(pairs)))
    return any(found)


def _large_or_no_characters(text: str) -> bool:
    found: list[bool] = []
    whole = json.loads(text, parse_int=lambda digits: found.append(abs(int(digits)) > 2**53 - 1))
    shown = json.dumps(whole, ensure_ascii=False)
    return any(found) or "\ufffe" in shown or "\uffff" in shown


def _depth(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)


def _expected(data: bytes) -> Any:
    """What a strict reader must read, or None for a refusal."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    text = data.decode()
    if not isinstance(value, dict) or _repeats(text) or _large_or_no_characters(text) or _depth(value) > MAX_DEPTH:
        return None
    return value


def _same(data: bytes) -> None:
    expected = _expected(data)
    kind, found = outcome(json_text.loads, data)
    assert kind == ("refused" if expected is None else "value"), (data, found)
    if expected is None:
        assert found == "parse_error"
    else:
        assert repr(found) == repr(expected), "also integers and fractions are told apart, and the order is the same"


@tried(500)
@given(texts)
@example('{"a":"\\\\ud800"}')
@example('{"a":"\ufffe"}')
def test_texts_from_a_grammar_of_almost_json(text: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        assert outcome(json_text.loads, text) == ("refused", "parse_error")
        return
    _same(data)
    assert outcome(json_text.loads, text) == outcome(json_text.loads, data)


BADGES = [json_text.dumps(document) for document in SEEDS]
splices = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(
        [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbf\xbe", b"\0",
         b"\\ud800", b'"id":1,', b"-", b"9" * 20, b"e999", b"\xf4\x90\x80\x80", b"NaN", b"\xe2\x80"]
    ),
)  # fmt: skip


@tried(700)
@given(st.sampled_from(BADGES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), splices), max_size=3))
def test_badges_with_some_bytes_replaced(data: bytes, changes: list[tuple[float, int, bytes]]) -> None:
    for where, length, new in changes:
        start = int(where * len(data))
        data = data[:start] + new + data[start + length :]
    _same(data)


@tried(300)
@given(st.binary(max_size=60))
def test_bytes_that_are_anything(data: bytes) -> None:
    _same(data)


@tried(120)
@given(st.dictionaries(st.one_of(st.sampled_from(MEMBERS), st.text(max_size=5)), values, max_size=4))
def test_what_is_written_can_be_read_or_is_refused(document: dict[str, Any]) -> None:
    """Nothing is written that another reader would read as something else."""
    kind, data = outcome(json_text.dumps, document)
    if kind == "value":
        assert repr(json.loads(data)) == repr(document)
        assert data.decode()
