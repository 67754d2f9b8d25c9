"""The staff of a whole agency from a CSV file: every row is checked before anything is entered, and all is or nothing.

Columns, named by the file's first row in any order: `centre` (its key), `name`, `email` (for work) and `function`; and
if wanted `line_manager` and `mentor`, each with the work address of a colleague of the file or of the agency.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.core.audit import Actor
from app.core.db import WriteSession
from app.core.errors import AppError
from app.core.text import is_plain_text
from app.people.email import normalise_email
from app.people.errors import LineNotPossible, StaffFileNotUsable, StaffFileProblem
from app.people.identities import NAME_LENGTH, clean
from app.people.lines import set_line
from app.people.schemas import RELATIONS, Relation, StaffFunction
from app.people.staff import add_staff, centres, check_function, person_by_work_address

NEEDED = ("centre", "name", "email", "function")
MOST_ROWS = 5_000
MOST_BYTES = 2_000_000


@dataclass(frozen=True)
class ImportedStaff:
    """What an import entered: rows of the file, persons among them, and lines."""

    rows: int
    persons: int
    lines: int


@dataclass(frozen=True)
class _Row:
    number: int
    centre_id: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    function: StaffFunction
    lines: tuple[tuple[Relation, str], ...] = field(repr=False)


def import_staff(session: WriteSession, *, organisation_id: str, data: bytes, actor: Actor) -> ImportedStaff:
    """Enter everybody in a file; a second time changes nothing, and nobody who is missing in it is ended.

    Args:
        session: the caller's transaction; an error must undo it.
        organisation_id: whose staff.
        data: the file, UTF-8.
        actor: who enters them.

    Raises:
        StaffFileNotUsable: names each row that is wrong and why.
    """
    rows = _checked(session, organisation_id, data)
    person_ids: dict[str, str] = {}
    for row in rows:
        member = add_staff(
            session, centre_id=row.centre_id, name=row.name, email=row.email, function=row.function, actor=actor
        )
        person_ids[row.email] = member.person_id
    lines = [(row, relation, other) for row in rows for relation, other in row.lines]
    problems = [
        problem
        for row, relation, other in lines
        for problem in _set_line(session, organisation_id, person_ids, row, relation, other, actor)
    ]
    if problems:
        raise StaffFileNotUsable(problems)
    return ImportedStaff(rows=len(rows), persons=len(set(person_ids.values())), lines=len(lines))


def _set_line(
    session: WriteSession, organisation_id: str, person_ids: Mapping[str, str], row: _Row, relation: Relation,
    other: str, actor: Actor,
) -> Iterator[StaffFileProblem]:  # fmt: skip
    other_id = person_ids.get(other) or person_by_work_address(session, organisation_id, other)
    try:
        set_line(session, person_id=person_ids[row.email], other_id=other_id or "", relation=relation, actor=actor)
    except LineNotPossible as error:
        yield StaffFileProblem(row.number, relation, error.detail)


def _checked(session: WriteSession, organisation_id: str, data: bytes) -> list[_Row]:
    """The rows of a file that can be entered as it is."""
    keys = {each.key: each.id for each in centres(session, organisation_id)}
    rows: list[_Row] = []
    problems: list[StaffFileProblem] = []
    for number, told in _read(data):
        found = list(_problems(number, told, keys))
        problems += found
        if not found:
            rows.append(_row(number, told, keys))
    problems += _contradictions(rows)
    known = {row.email for row in rows}
    problems += (
        StaffFileProblem(row.number, relation, "Nobody in this file or among the agency's staff has this address.")
        for row in rows
        for relation, other in row.lines
        if not problems and other not in known and person_by_work_address(session, organisation_id, other) is None
    )
    if problems:
        raise StaffFileNotUsable(sorted(problems, key=lambda each: (each.row, each.column)))
    return rows


def _read(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row that is not empty with the line it begins on, by the names of the header."""
    if len(data) > MOST_BYTES:
        raise _unreadable("The file is larger than 2 MB. Split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable("The file is not UTF-8 text. Save it as “CSV UTF-8”.") from None
    if not is_plain_text(text):
        raise _unreadable("The file holds characters that no text has.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
        count = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > MOST_ROWS:
                raise _unreadable(f"The file has more than {MOST_ROWS:,} rows. Split it.")
            if len(cells) != len(header):
                raise StaffFileNotUsable(
                    [StaffFileProblem(reader.line_num, "", f"{len(cells)} columns, but the header has {len(header)}.")]
                )
            yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        if not count:
            raise _unreadable("The file names nobody.")
    except csv.Error as error:
        raise StaffFileNotUsable([StaffFileProblem(reader.line_num, "", f"This is no CSV: {error}.")]) from None


def _check_header(header: list[str]) -> None:
    missing = [name for name in NEEDED if name not in header]
    unknown = [name for name in header if name not in (*NEEDED, *RELATIONS)]
    if missing or unknown or len(set(header)) != len(header):
        raise _unreadable(
            f"The first row must name the columns {', '.join(NEEDED)}, and may name {' and '.join(RELATIONS)}; each "
            "once, and no others."
        )


def _problems(number: int, told: Mapping[str, str], keys: Mapping[str, str]) -> Iterator[StaffFileProblem]:
    """What is wrong with one row by itself."""
    if told["centre"] not in keys:
        known = ", ".join(sorted(keys)) or "none; enter one with `waymark centre add`"
        yield StaffFileProblem(number, "centre", f"No centre of this agency has this key. Known: {known}.")
    if clean(told["name"], NAME_LENGTH) is None:
        yield StaffFileProblem(number, "name", "There is no name.")
    checks: list[tuple[str, Callable[[str], object]]] = [("function", check_function), ("email", normalise_email)]
    checks += [(relation, normalise_email) for relation in RELATIONS if told.get(relation)]
    for column, check in checks:
        try:
            check(told[column])
        except AppError as error:
            yield StaffFileProblem(number, column, error.detail if column == "function" else "This is no address.")


def _row(number: int, told: Mapping[str, str], keys: Mapping[str, str]) -> _Row:
    lines = tuple((relation, normalise_email(told[relation])) for relation in RELATIONS if told.get(relation))
    return _Row(
        number=number,
        centre_id=keys[told["centre"]],
        name=clean(told["name"], NAME_LENGTH) or "",
        email=normalise_email(told["email"]),
        function=check_function(told["function"]),
        lines=lines,
    )


def _contradictions(rows: Iterable[_Row]) -> Iterator[StaffFileProblem]:
    """Rows that cannot both be right: one would win by the order of the file."""
    places: dict[tuple[str, str, str], int] = {}
    names: dict[str, tuple[str, int]] = {}
    managers: dict[str, tuple[str, int]] = {}
    for row in rows:
        first = places.setdefault((row.centre_id, row.email, row.function), row.number)
        if first != row.number:
            yield StaffFileProblem(row.number, "email", f"The same person in the same function as in row {first}.")
        name, at = names.setdefault(row.email, (row.name, row.number))
        if name != row.name:
            yield StaffFileProblem(row.number, "name", f"Another name for the same address as in row {at}.")
        for relation, other in row.lines:
            if relation != "line_manager":
                continue
            manager, at = managers.setdefault(row.email, (other, row.number))
            if manager != other:
                yield StaffFileProblem(row.number, relation, f"Another line manager than in row {at}.")


def _unreadable(what: str) -> StaffFileNotUsable:
    return StaffFileNotUsable([StaffFileProblem(1, "", what)])
