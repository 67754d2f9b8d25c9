"""An award as somebody outside writes it down, as JSON or as a row of CSV, and what is wrong with it, place by place.

Used by the API, by batches and by the command line. A problem names the place and the rule and never repeats what was
sent: an address must not come back in an error, nor stand in a log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from app.awards.errors import AwardInputRefused, FieldProblem
from app.awards.schemas import ClientAward
from app.people import service as people
from app.people.errors import EmailNotUsable
from app.vc.did import did_key
from app.vc.errors import VcError

NAME_LENGTH: Final = 200
REASON_LENGTH: Final = 500
DID_LENGTH: Final = 500
MOST_RESULTS: Final = 50
MOST_PROBLEMS: Final = 20
_KEY: Final = r"^[A-Za-z0-9-]{1,60}$"
ROLE_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9 &/'-]{0,59}$"
# RFC 3339 §5.6 with a zone; the fraction is dropped, as a badge counts in whole seconds.
_DID: Final = re.compile(r"did:[a-z0-9]+:(?:(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*:)*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+")
_KNOWN_KEYS: Final = ("did:key:z6Mk", "did:key:zDn")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
CSV_COLUMNS: Final = (
    "achievement", "email", "name", "did", "decided_by_name", "decided_by_role", "awarded_at", "results",
    "override_reason", "idempotency_key",
)  # fmt: skip
_DECIDER: Final = ("name", "role")


def _one_line(text: str) -> str:
    """Text that people read: trimmed, and without characters that no reader sees."""
    text = text.strip()
    if not text:
        raise PydanticCustomError("empty", "must not be empty")
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "must be one line without control characters")
    return text


def _several_lines(text: str) -> str:
    text = text.strip()
    if not text:
        raise PydanticCustomError("empty", "must not be empty")
    if not all(character.isprintable() or character in "\n\r\t" for character in text):
        raise PydanticCustomError("not_printable", "must not hold control characters")
    return text


def _address(text: str) -> str:
    try:
        return people.normalise_email(text)
    except EmailNotUsable:
        raise PydanticCustomError("email_not_usable", "must be one e-mail address such as name@example.org") from None


def _moment(text: str) -> str:
    read_moment(text)
    return text


def read_moment(text: str) -> datetime:
    """A moment of RFC 3339 with its zone, in UTC and whole seconds.

    Raises:
        PydanticCustomError: it is none. https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    """
    if _MOMENT.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC).replace(microsecond=0)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError("not_a_moment", "must be a date and time with a zone, such as 2026-03-04T15:00:00+11:00")


def _did(text: str) -> str:
    """A DID; if it says that it is an Ed25519 or P-256 key, it must hold one. https://www.w3.org/TR/did-1.0/#did-syntax"""
    good = _DID.fullmatch(text) is not None
    if good and text.startswith(_KNOWN_KEYS):
        try:
            did_key(text)
        except VcError:
            good = False
    if not good:
        raise PydanticCustomError("not_a_did", "must be a whole DID such as did:key:z6Mk…, without path or fragment")
    return text


Did = Annotated[str, Field(max_length=DID_LENGTH), AfterValidator(_did)]
Line = Annotated[str, Field(max_length=NAME_LENGTH), AfterValidator(_one_line)]
Reason = Annotated[str, Field(max_length=REASON_LENGTH), AfterValidator(_several_lines)]
Role = Annotated[str, Field(pattern=ROLE_PATTERN)]
Address = Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(_address)]
Moment = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"}), AfterValidator(_moment)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class RecipientIn(_Strict):
    """Who receives the badge."""

    email: Address = Field(description="Their address; the claim mail goes there.", examples=["tess@example.org"])
    name: Line | None = Field(default=None, description="What to call them in the mail. Never in the badge.")
    did: Did | None = Field(
        default=None,
        description="Their DID, for which you vouch: the subject of the badge. They can bind another, or none.",
        examples=["did:key:z6MkrHKzgsahxBLyNAbLQyB1pcWNYC9GmywiWPgkrvntAZcj"],
    )


class DeciderIn(_Strict):
    """The person who decided. Kept and audited by role; never in the badge."""

    name: Line = Field(examples=["Priya Raman"])
    role: Role = Field(description="Letters, digits and spaces, up to 60.", examples=["panel chair"])


class ResultIn(_Strict):
    """The level reached on one criterion of the achievement's rubric."""

    criterion: str = Field(pattern=_KEY, examples=["seeing-gates"])
    level: int = Field(ge=1, le=9, examples=[3])


class OverrideIn(_Strict):
    """Why the badge is awarded although a prerequisite is missing; listed for review."""

    reason: Reason


class AwardIn(_Strict):
    """One award: the body of `POST /api/v1/credentials`, and one line of a batch."""

    achievement: str = Field(pattern=_KEY, description="Key of the achievement.", examples=["X1"])
    recipient: RecipientIn
    decided_by: DeciderIn
    awarded_at: Moment | None = Field(default=None, description="When it was decided; now if left out.")
    results: list[ResultIn] | None = Field(default=None, max_length=MOST_RESULTS)
    override: OverrideIn | None = Field(default=None, description="Needs the scope credentials:override.")


def award_from_json(members: Mapping[str, Any]) -> ClientAward:
    """An award from the members of a JSON object.

    Args:
        members: as parsed; no member more than `AwardIn` has.

    Raises:
        AwardInputRefused: `problems` names each place, the rule it breaks, and never what was there.
    """
    try:
        given = AwardIn.model_validate(dict(members))
    except ValidationError as error:
        raise AwardInputRefused(problems_of(error)) from None
    return ClientAward(
        achievement_key=given.achievement,
        email=given.recipient.email,
        name=given.recipient.name,
        did=given.recipient.did,
        decided_by_name=given.decided_by.name,
        decided_by_role=given.decided_by.role,
        awarded_at=read_moment(given.awarded_at) if given.awarded_at is not None else None,
        results=tuple((result.criterion, result.level) for result in given.results or ()),
        override_reason=given.override.reason if given.override is not None else None,
    )


def award_from_csv(row: Mapping[str, str]) -> ClientAward:
    """An award from a row of CSV, by the names of its columns (`CSV_COLUMNS`); an empty cell is one left out.

    Results are written `criterion=level;criterion=level`. The column `idempotency_key` is the caller's to read.

    Args:
        row: column to cell.

    Raises:
        AwardInputRefused: as in `award_from_json`; the places are the columns, and every one that is wrong is told.
    """
    unknown = [name for name in row if name not in CSV_COLUMNS]
    wrong = [FieldProblem(told_name(name), "unknown_column", "is not a column") for name in unknown]
    cells = {name: cell.strip() for name, cell in row.items() if cell is not None and cell.strip()}
    results, odd = _results_from_csv(cells.get("results", ""))
    members: dict[str, Any] = {name: cells[name] for name in ("achievement", "awarded_at") if name in cells}
    members["recipient"] = {name: cells[name] for name in ("email", "name", "did") if name in cells}
    members["decided_by"] = {name: cells[f"decided_by_{name}"] for name in _DECIDER if f"decided_by_{name}" in cells}
    if results:
        members["results"] = results
    if "override_reason" in cells:
        members["override"] = {"reason": cells["override_reason"]}
    try:
        award = award_from_json(members)
    except AwardInputRefused as refused:
        wrong += [_of_column(each) for each in refused.problems]
        raise AwardInputRefused([*wrong, *odd][:MOST_PROBLEMS]) from None
    if wrong or odd:
        raise AwardInputRefused([*wrong, *odd][:MOST_PROBLEMS])
    return award


def problems_of(error: ValidationError) -> list[FieldProblem]:
    """What Pydantic found, without what was sent."""
    found = []
    for each in error.errors(include_url=False, include_context=True, include_input=False)[:MOST_PROBLEMS]:
        code, message = _WORDS.get(each["type"], (each["type"], each["msg"][:1].lower() + each["msg"][1:]))
        found.append(FieldProblem(_place(each["loc"]), code, message))
    return found


_WORDS: Final[dict[str, tuple[str, str]]] = {
    "missing": ("missing", "is missing"),
    "extra_forbidden": ("unknown_member", "is not a member that is known here"),
    "string_type": ("wrong_type", "must be text"),
    "int_type": ("wrong_type", "must be a whole number"),
    "bool_type": ("wrong_type", "must be true or false"),
    "list_type": ("wrong_type", "must be a list"),
    "model_type": ("wrong_type", "must be an object"),
    "model_attributes_type": ("wrong_type", "must be an object"),
    "dict_type": ("wrong_type", "must be an object"),
    "string_pattern_mismatch": ("wrong_form", "has characters that are not allowed there, or too many"),
    "string_unicode": ("wrong_form", "holds half of a character"),
}


def _place(location: tuple[int | str, ...]) -> str:
    """Where it is, e.g. `results[2].level`; a name that a stranger thought of is cut and made harmless."""
    place = ""
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f".{told_name(part)}" if place else told_name(part)
    return place or "body"


def told_name(name: str) -> str:
    """An unknown name is told only if it looks like one: somebody may have put an address in the wrong place."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", name) else "(unreadable name)"


def _results_from_csv(cell: str) -> tuple[list[dict[str, Any]], list[FieldProblem]]:
    """The results of a cell, and its entries that are none; for each of these a good one keeps the count."""
    results: list[dict[str, Any]] = []
    odd: list[FieldProblem] = []
    for number, part in enumerate(filter(None, (each.strip() for each in cell.split(";"))), 1):
        criterion, _, level = (each.strip() for each in part.partition("="))
        if not re.fullmatch(r"[1-9]", level):
            told = f"entry {number} must be written criterion=level; a semicolon stands between entries"
            odd.append(FieldProblem("results", "wrong_form", told))
            criterion, level = "odd", "1"
        results.append({"criterion": criterion, "level": int(level)})
    return results, odd


_ENTRY: Final = re.compile(r"results\[([0-9]+)\](?:\.([a-z]+))?")
_COLUMNS: Final = {
    "recipient.email": "email",
    "recipient.name": "name",
    "recipient.did": "did",
    "decided_by.name": "decided_by_name",
    "decided_by.role": "decided_by_role",
    "override.reason": "override_reason",
}


def _of_column(problem: FieldProblem) -> FieldProblem:
    """A problem of a member, told of the column that the member was read from."""
    entry = _ENTRY.fullmatch(problem.field)
    if entry is None:
        return replace(problem, field=_COLUMNS.get(problem.field, problem.field))
    number, member = entry.groups()
    whose = f", its {member}," if member else ""
    return FieldProblem("results", problem.code, f"entry {int(number) + 1}{whose} {problem.message}")
