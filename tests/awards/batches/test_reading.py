"""Rows are told apart exactly; what is wrong with one names its line and place, and nothing of what stood there."""

from __future__ import annotations

import io
import json

import pytest

from app.awards.batches.errors import BatchNotCommas, BatchUnreadable
from app.awards.batches.reading import MAX_ROW_BYTES, ReadRow, rows_of
from app.awards.batches.schemas import Media
from tests.awards.batches.conftest import jsonl, row

HEADER = b"achievement,email,decided_by_name,decided_by_role\n"
GOOD = b"M01,tess@example.org,Priya Raman,panel chair\n"


def read(body: bytes, media: Media = "jsonl") -> list[ReadRow]:
    return list(rows_of(io.BytesIO(body), media))


def told(body: bytes, media: Media = "jsonl") -> dict[int, list[tuple[str, str]]]:
    return {each.line: [(problem.field, problem.code) for problem in each.problems] for each in read(body, media)}


def test_each_line_is_an_award_and_blank_lines_are_none() -> None:
    found = read(jsonl([row(1)]) + b"\n  \r\n" + jsonl([row(2, idempotency_key="own-2")]).rstrip())
    assert [(each.line, each.key, each.problems) for each in found] == [(1, None, ()), (4, "own-2", ())]
    assert [each.award.email for each in found if each.award] == ["person-1@example.org", "person-2@example.org"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"achievement": "M01", "achievement": "M02"}', ("achievement", "given_twice")),
        (b"[1]", ("row", "not_json")),
        (b"{" * 40, ("row", "not_json")),
        (json.dumps(row(1, recipient={"email": "no address"})).encode(), ("recipient.email", "email_not_usable")),
        (json.dumps(row(1, mail="x")).encode(), ("mail", "unknown_member")),
        (json.dumps(row(1, idempotency_key="white space\n")).encode(), ("idempotency_key", "wrong_form")),
        (json.dumps(row(1, idempotency_key=7)).encode(), ("idempotency_key", "wrong_form")),
        (json.dumps(row(1), ensure_ascii=False).replace("Priya", "Zoë").encode("latin-1"), ("row", "not_utf8")),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_its_neighbours_are_read(line: bytes, problem: tuple[str, str]) -> None:
    assert told(jsonl([row(1)]) + line + b"\n" + jsonl([row(3)])) == {1: [], 2: [problem], 3: []}


def test_the_byte_that_is_not_utf_8_is_told() -> None:
    (bad,) = read(b'{"achievement": "\xff"}')
    assert bad.problems[0].message == "is not UTF-8 at byte 18 of line 1; save the file as UTF-8"


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ('{"achievement": "M01",}', "row", "is not JSON at column 23: the name of a member in double"),
        ('{"achievement": "M01"}, ', "row", "is not JSON at column 23: something follows the object"),
        ('{"achievement": "M01"', "row", "is not JSON at column 22: a comma is expected"),
        ('  {"achievement": "M01\tx"}', "row", "is not JSON at column 23: Invalid control character"),
        ("Tess", "row", "is not JSON at column 1: a value is expected"),
        ("[1,2]", "row", "must be one JSON object"),
        ('{"achievement": NaN}', "row", "is not one strict JSON object: NaN is not JSON"),
        ('{"achievement": 1e999}', "row", "is not one strict JSON object: A number is too large"),
        (
            '{"achievement": "{", "recipient": {"name": "achievement"}, "\\u0061chievement": "Tess"}',
            "achievement", "is given twice in one object, the second time at column 60",
        ),
        (
            '{"recipient": {"email": "a", "name": ":", "email": "tess@example.org"}}',
            "recipient.email", "is given twice in one object, the second time at column 43",
        ),
        ('{"tess@example.org": 1, "tess@example.org": 2}', "(unreadable name)", "is given twice in one object"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_line_of_json_is_told_with_its_column(line: str, field: str, message: str) -> None:
    (bad,) = read(line.encode() + b"\r\n")
    (problem,) = bad.problems
    assert problem.field == field
    assert problem.message.startswith(message)
    assert "tess" not in f"{problem.field} {problem.message}".lower()


def test_a_key_that_is_none_is_told_together_with_all_else() -> None:
    line = json.dumps(row(1, idempotency_key="a@b", awarded_at="yesterday", achievement=None))
    assert told(line.encode()) == {
        1: [("achievement", "wrong_type"), ("awarded_at", "not_a_moment"), ("idempotency_key", "wrong_form")]
    }


ALL = b"achievement,email,decided_by_name,decided_by_role,awarded_at,results,idempotency_key\n"


@pytest.mark.parametrize(
    ("record", "problems"),
    [
        (
            "M01,a@example.org,,chair,2026-03-04T15:00:00,,",
            [("decided_by_name", "missing"), ("awarded_at", "not_a_moment")],
        ),
        (
            "M01,a@example.org,P,chair,4/3/2026,gates:3,",
            [("awarded_at", "not_a_moment"), ("results", "wrong_form")],
        ),
        (
            ",nobody,,,4/3/2026,gates=0,a@b",
            [
                ("achievement", "missing"), ("email", "email_not_usable"), ("decided_by_name", "missing"),
                ("decided_by_role", "missing"), ("awarded_at", "not_a_moment"), ("results", "wrong_form"),
                ("idempotency_key", "wrong_form"),
            ],
        ),
    ],
)  # fmt: skip
def test_every_place_that_is_wrong_in_a_row_of_csv_is_told(record: str, problems: list[tuple[str, str]]) -> None:
    assert told(ALL + record.encode() + b"\n", "csv") == {2: problems}


def test_of_results_in_a_cell_each_odd_entry_is_told_by_its_number() -> None:
    (bad,) = read(ALL + b"M01,a@example.org,P,chair,,good=3;odd;bad name=2;good=x,\n", "csv")
    assert {(each.field, each.code) for each in bad.problems} == {("results", "wrong_form")}
    assert [each.message.partition(" must ")[0].partition(" has ")[0] for each in bad.problems] == [
        "entry 3, its criterion,", "entry 2", "entry 4",
    ]  # fmt: skip


@pytest.mark.parametrize(("separator", "name"), [(b";", "semicolons"), (b"\t", "tabs")])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_table_with_other_separators_is_named_as_such(separator: bytes, name: str, quote: bytes) -> None:
    columns = [quote + each + quote for each in HEADER.strip().split(b",")]
    with pytest.raises(BatchNotCommas, match=f"It is separated by {name}; save it with commas") as refused:
        read(b"\xef\xbb\xbf" + separator.join(columns) + b"\n" + GOOD.replace(b",", separator), "csv")
    assert refused.value.slug == "batch-not-commas"


@pytest.mark.parametrize("media", ["jsonl", "csv"])
def test_a_row_of_ten_megabytes_is_refused_without_being_held(media: Media) -> None:
    long, before, after = b"x" * 10_000_000 + b"\n", HEADER + GOOD, GOOD
    if media == "jsonl":
        before, after = jsonl([row(1), row(2)]), jsonl([row(4)])
    found = told(before + long + after, media)
    assert found[3] == [("row", "too_long")]
    assert found[4] == []


def test_a_row_just_within_the_bound_is_read_as_a_row() -> None:
    padded = json.dumps(row(1)).encode()
    padded += b" " * (MAX_ROW_BYTES - len(padded) - 1) + b"\n"
    assert told(padded) == {1: []}


@pytest.mark.parametrize("media", ["jsonl", "csv"])
def test_a_byte_order_mark_of_utf_8_is_passed_over(media: Media) -> None:
    body = jsonl([row(1)]) if media == "jsonl" else HEADER + GOOD
    assert all(not problems for problems in told(b"\xef\xbb\xbf" + body, media).values())


@pytest.mark.parametrize("media", ["jsonl", "csv"])
def test_utf_16_is_refused_as_a_whole(media: Media) -> None:
    with pytest.raises(BatchUnreadable, match="UTF-16"):
        read((HEADER + GOOD).decode().encode("utf-16"), media)


def test_a_cell_may_hold_line_breaks_and_the_row_is_named_by_its_first_line() -> None:
    header = b"achievement,email,decided_by_name,decided_by_role,override_reason\n"
    body = header + b'M01,a@example.org,P,chair,"two\nlines, ""quoted"""\nM01,nobody,P,chair,\n'
    found = read(body, "csv")
    assert [(each.line, [problem.field for problem in each.problems]) for each in found] == [(2, []), (4, ["email"])]
    assert found[0].award is not None
    assert found[0].award.override_reason == 'two\nlines, "quoted"'


@pytest.mark.parametrize(
    "record", [b"M01,tess@example.org\n", b"M01,a@example.org,P,chair,more\n", b'M01,"a"b,P,chair\n']
)
def test_a_csv_row_with_other_cells_is_named(record: bytes) -> None:
    (problem,) = told(HEADER + record + GOOD, "csv")[2]
    assert problem[0] == "row"


@pytest.mark.parametrize(
    "body",
    [
        b"achievement,email,decided_by_name\n",
        b"achievement,email,decided_by_name,decided_by_role,secret-column\n",
        b"achievement,email,decided_by_name,decided_by_role,email\n",
        b"achievement;email;decided_by_name;decided_by_role\n",
        HEADER + b'M01,"tess@example.org,P,chair\n' + GOOD,
        HEADER + b'M01,"' + b"tess\n" * 20_000,
        b"\xff" + HEADER,
    ],
)
def test_what_makes_rows_or_columns_unclear_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(BatchUnreadable) as refused:
        read(body, "csv")
    assert "secret-column" not in refused.value.detail
    assert "tess" not in refused.value.detail
