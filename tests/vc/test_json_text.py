import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc import json_text
from app.vc.errors import PARSING_ERROR, ParseError

INTEGERS = st.integers(-json_text.MAX_SAFE_INTEGER, json_text.MAX_SAFE_INTEGER)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"))
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@settings(deadline=None)
@given(st.dictionaries(TEXT, VALUES))
def test_what_is_written_is_read_back_in_the_same_order(document: dict[str, object]) -> None:
    data = json_text.dumps(document)
    again = json_text.loads(data)
    assert again == document
    assert list(again) == list(document)
    assert json_text.loads(data.decode()) == document


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_an_object_or_a_parse_error(data: bytes) -> None:
    try:
        document = json_text.loads(data)
    except ParseError:
        return
    assert isinstance(document, dict)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"x":{"a":1,"\\u0061":2}}',
        '{"a":"\\ud800"}',
        '{"\\udc00":1}',
        '{"a":["\\ud83d"]}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"a":9007199254740992}',
        '{"a":-9007199254740992}',
        '{"a":' + "9" * 5000 + "}",
        "[]",
        '"text"',
        "null",
        "",
        "{",
        '{"a":1} {}',
        "{'a':1}",
        "\ufeff{}",
        "\ud800",
        '{"a":' + "[" * 64 + "]" * 64 + "}",
        '{"a":"unclosed',
    ],
)
def test_what_readers_disagree_on_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        json_text.loads(text)
    assert caught.value.problem_type == PARSING_ERROR


@pytest.mark.parametrize("data", [b"\xff{}", '{"a":"é"}'.encode("latin-1"), '{"a":1}'.encode("utf-16")])
def test_bytes_that_are_not_utf8_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        json_text.loads(data)


def test_brackets_inside_text_do_not_count_as_depth_and_astral_escapes_are_read() -> None:
    document = {"a": '[{"\\' * 100, "b": "\U0001f331"}
    assert json_text.loads(json_text.dumps(document)) == document
    assert json_text.loads('{"a":"\\ud83c\\udf31"}') == {"a": "\U0001f331"}


def test_sixty_four_levels_are_read_and_a_larger_bound_is_the_callers_choice() -> None:
    deep = '{"a":' + "[" * 63 + "]" * 63 + "}"
    assert "a" in json_text.loads(deep)
    with pytest.raises(ParseError):
        json_text.loads(deep, max_depth=63)


def test_size_is_counted_in_bytes() -> None:
    text = '{"a":"éé"}'
    assert json_text.loads(text, max_bytes=len(text.encode())) == {"a": "éé"}
    with pytest.raises(ParseError):
        json_text.loads(text, max_bytes=len(text))


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object()])
def test_what_json_cannot_carry_is_not_written(value: object) -> None:
    with pytest.raises(ParseError):
        json_text.dumps({"a": value})
