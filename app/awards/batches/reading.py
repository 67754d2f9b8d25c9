"""From the bytes of an upload to its rows, one after the other: never more than one row is held in memory.

What is wrong with a row is that row's problem and hinders no other. What makes it unclear where rows begin and end is
the upload's: guessing on would put one person's data into another's badge.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from app.awards.award_input import CSV_COLUMNS, award_from_csv, award_from_json
from app.awards.batches import faults
from app.awards.batches.errors import NOTHING_KEPT, BatchNotCommas, BatchUnreadable
from app.awards.batches.schemas import Media
from app.awards.errors import AwardInputRefused, FieldProblem
from app.awards.schemas import ClientAward
from app.vc import json_text
from app.vc.errors import VcError

MAX_ROW_BYTES: Final = 64_000
MAX_DEPTH: Final = 8
KEY: Final = "idempotency_key"
# No "@", as a key is kept as a digest that could be guessed; no "#", by which a row without a key of its own is named.
_OWN_KEY: Final = re.compile(r"(?![^@#]*[@#])[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_BOM: Final = b"\xef\xbb\xbf"
_OTHER_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_NEEDED: Final = ("achievement", "email", "decided_by_name", "decided_by_role")
_OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}
_SAVE_AS: Final = "Save the file as UTF-8 and send it again."


@dataclass(frozen=True)
class ReadRow:
    """One row of an upload: an award, or what is wrong with it.

    Attributes:
        line: on which it begins, from 1.
        award: what it asks for, if it can be read.
        key: its own idempotency key, if it has one.
        problems: why nothing is issued for it; empty if something may be.
    """

    line: int
    award: ClientAward | None = None
    key: str | None = field(default=None, repr=False)
    problems: tuple[FieldProblem, ...] = ()


class _RowUnreadable(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.problem = FieldProblem(faults.ROW, code, message)


def rows_of(upload: BinaryIO, media: Media) -> Iterator[ReadRow]:
    """The rows of an upload, in order; blank lines are none.

    Args:
        upload: at its beginning; UTF-8, with or without a byte order mark.
        media: `jsonl`, one object of `POST /api/v1/credentials` on each line (https://jsonlines.org), or `csv` with the
            columns of `award_input.CSV_COLUMNS` in any order (RFC 4180).

    Raises:
        BatchUnreadable: another encoding, no usable header, or a quotation mark that nothing closes.
    """
    lines = _lines(upload)
    return _json_rows(lines) if media == "jsonl" else _csv_rows(lines)


@dataclass(frozen=True)
class _Line:
    number: int
    data: bytes | None  # None: longer than a row may be

    def text(self) -> str:
        if self.data is None:
            raise _RowUnreadable("too_long", f"is longer than {MAX_ROW_BYTES} bytes")
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            place = f"byte {error.start + 1} of line {self.number}"
            raise _RowUnreadable("not_utf8", f"is not UTF-8 at {place}; save the file as UTF-8") from None


def _lines(upload: BinaryIO) -> Iterator[_Line]:
    number = 0
    while data := upload.readline(MAX_ROW_BYTES + 1):
        number += 1
        if number == 1:
            if data.startswith(_OTHER_BOMS):
                raise BatchUnreadable("The file is UTF-16, not UTF-8.", kept=NOTHING_KEPT, next_step=_SAVE_AS)
            data = data.removeprefix(_BOM)
        if len(data) > MAX_ROW_BYTES:
            while not data.endswith(b"\n") and (data := upload.readline(MAX_ROW_BYTES)):
                pass
            yield _Line(number, None)
        else:
            yield _Line(number, data)


def _json_rows(lines: Iterator[_Line]) -> Iterator[ReadRow]:
    for line in lines:
        if line.data is not None and not line.data.strip():
            continue
        try:
            yield _json_row(line.number, line.text().rstrip("\r\n"))
        except _RowUnreadable as refused:
            yield _bad(line.number, refused.problem)


def _json_row(number: int, text: str) -> ReadRow:
    try:
        members = json_text.loads(text, max_bytes=MAX_ROW_BYTES, max_depth=MAX_DEPTH)
    except VcError as error:
        return _bad(number, faults.not_json(text, error))
    key = members.pop(KEY, None)
    return _whole(number, key, lambda: award_from_json(members))


def _bad(line: int, problem: FieldProblem) -> ReadRow:
    return ReadRow(line, problems=(problem,))


def _whole(line: int, key: Any, award: Callable[[], ClientAward]) -> ReadRow:
    """A row from its key and from what reads the rest: all that is wrong with either is told at once."""
    problems: tuple[FieldProblem, ...] = ()
    if key is not None and (not isinstance(key, str) or not _OWN_KEY.fullmatch(key)):
        rule = "must be 1 to 200 visible ASCII characters, @ and # not among them"
        key, problems = None, (FieldProblem(KEY, "wrong_form", rule),)
    try:
        read = award()
    except AwardInputRefused as refused:
        return ReadRow(line, None, key, (*refused.problems, *problems))
    return ReadRow(line, None if problems else read, key, problems)


def _csv_rows(lines: Iterator[_Line]) -> Iterator[ReadRow]:
    header: list[str] | None = None
    for first, record in _records(lines):
        try:
            if header is None:
                _refuse_other_separators(record[0].text())
                header = _header(_cells(record))
                continue
            cells = _cells(record)
            if not any(cell.strip() for cell in cells):
                continue
            yield _csv_row(first, header, cells)
        except _RowUnreadable as refused:
            if header is None:
                told = f"The first row, with the names of the columns, {refused.problem.message}."
                raise BatchUnreadable(told, kept=NOTHING_KEPT, next_step=_SAVE_AS) from None
            yield _bad(first, refused.problem)


def _csv_row(line: int, header: Sequence[str], cells: Sequence[str]) -> ReadRow:
    if len(cells) != len(header):
        told = f"has {len(cells)} cells, and the first row has {len(header)}"
        return _bad(line, FieldProblem(faults.ROW, "wrong_columns", told))
    row: Mapping[str, str] = dict(zip(header, cells, strict=True))
    rest = {name: cell for name, cell in row.items() if name != KEY}
    return _whole(line, row.get(KEY, "").strip() or None, lambda: award_from_csv(rest))


def _records(lines: Iterator[_Line]) -> Iterator[tuple[int, list[_Line]]]:
    """Lines that belong together: a quoted cell may hold line breaks. A mark that is doubled leaves the count even."""
    held: list[_Line] = []
    size, is_open = 0, False
    for line in lines:
        data = line.data or b""
        if not held and line.data is not None and not data.strip():
            continue
        held.append(line)
        size += len(data)
        is_open ^= data.count(b'"') % 2 == 1
        if is_open and size > MAX_ROW_BYTES:
            raise _never_closed(held[0].number)
        if not is_open:
            yield held[0].number, held
            held, size = [], 0
    if held:
        raise _never_closed(held[0].number)


def _never_closed(line: int) -> BatchUnreadable:
    return BatchUnreadable(
        f"A quotation mark in the row that begins on line {line} is never closed, so nobody can tell where the next "
        "rows begin.",
        kept=NOTHING_KEPT,
        next_step="Close it, or double it if it is part of a text, and send the file again.",
    )


def _cells(record: list[_Line]) -> list[str]:
    texts = [line.text() for line in record]
    try:
        (cells,) = csv.reader(texts, strict=True)
    except (csv.Error, ValueError):
        raise _RowUnreadable("not_csv", "is not one row of comma-separated values") from None
    return cells


def _refuse_other_separators(header: str) -> None:
    """Most spreadsheets whose language has a decimal comma write semicolons, and none says so."""
    for separator, name in _OTHER_SEPARATORS.items():
        names = [cell.strip().strip('"').strip() for cell in header.split(separator)]
        if sum(each in CSV_COLUMNS for each in names) > 1:
            raise BatchNotCommas(
                f"It is separated by {name}; save it with commas.",
                kept=NOTHING_KEPT,
                next_step="Choose commas between the columns when you save it as CSV, and send the file again.",
            )


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    unknown = [number for number, name in enumerate(names, 1) if name not in CSV_COLUMNS]
    if unknown:
        where = ", ".join(str(number) for number in unknown[:10])
        raise _bad_header(f"Nobody knows the name of column {where}; the known ones are {', '.join(CSV_COLUMNS)}.")
    if len(set(names)) < len(names):
        raise _bad_header("A column is there twice.")
    if missing := [name for name in _NEEDED if name not in names]:
        raise _bad_header(f"There is no column {', '.join(missing)}.")
    return names


def _bad_header(detail: str) -> BatchUnreadable:
    step = "The first row names the columns, separated by commas. Mend it and send the file again."
    return BatchUnreadable(detail, kept=NOTHING_KEPT, next_step=step)
