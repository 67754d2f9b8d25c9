"""Where a row is wrong, told so that whoever wrote it can mend it, and nothing of what stood there."""

from __future__ import annotations

import json
import re
from typing import Final

from app.awards.award_input import told_name
from app.awards.batches.schemas import Media
from app.awards.errors import (
    AchievementUnknown,
    AwardedInTheFuture,
    AwardedTooLongAgo,
    AwardNotAllowed,
    ContentTooOld,
    FieldProblem,
    OverrideNotAllowed,
    PrerequisiteMissing,
    ResultUnknown,
)
from app.core.errors import AppError
from app.issuer.errors import IdempotencyConflict
from app.vc.errors import VcError

ROW: Final = "row"
# What the parser says, as somebody understands it who has a text editor and no parser.
_SYNTAX: Final = {
    "Expecting property name enclosed in double quotes": (
        "the name of a member in double quotes is expected, and no comma after the last one"
    ),
    "Expecting value": "a value is expected",
    "Expecting ':' delimiter": "a colon is expected",
    "Expecting ',' delimiter": "a comma is expected, or the end of the object or list",
    "Extra data": "something follows the object",
    "Unterminated string starting at": "a text begins that does not end",
}
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]')
_COLON: Final = re.compile(r"\s*:")
_RESULT: Final = re.compile(r"results\[([0-9]+)\] (.*)", re.DOTALL)
_PLACES: Final = {
    AchievementUnknown.slug: "achievement",
    AwardNotAllowed.slug: "achievement",
    ContentTooOld.slug: "achievement",
    PrerequisiteMissing.slug: "achievement",
    AwardedInTheFuture.slug: "awarded_at",
    AwardedTooLongAgo.slug: "awarded_at",
    ResultUnknown.slug: "results",
}


def not_json(text: str, error: VcError) -> FieldProblem:
    """Why a line is not one strict JSON object, and at which character of it, from 1.

    Args:
        text: the line without its end.
        error: what the parser raised.
    """
    syntax = error.__cause__
    if isinstance(syntax, json.JSONDecodeError):
        why = _SYNTAX.get(syntax.msg, syntax.msg)
        return FieldProblem(ROW, "not_json", f"is not JSON at column {syntax.pos + 1}: {why}")
    twice = _given_twice(text)
    if twice is not None:
        name, column = twice
        return FieldProblem(name, "given_twice", f"is given twice in one object, the second time at column {column}")
    if not text.lstrip().startswith("{"):
        return FieldProblem(ROW, "not_json", "must be one JSON object, which begins with { at column 1")
    return FieldProblem(ROW, "not_json", f"is not one strict JSON object: {error.detail.removesuffix('.')}")


def _given_twice(text: str) -> tuple[str, int] | None:
    """The first member that its object has already, with the members that lead to it, and its column.

    Args:
        text: JSON at least as far as the object in which there is one.
    """
    seen: list[set[str]] = []
    path: list[str] = []
    for token in _TOKEN.finditer(text):
        if token[0] == "{":
            seen.append(set())
            path.append("")
        elif token[0] == "}":
            seen.pop()
            path.pop()
        elif seen and _COLON.match(text, token.end()):
            path[-1] = json.loads(token[0])
            if path[-1] in seen[-1]:
                return ".".join(map(told_name, path)), token.start() + 1
            seen[-1].add(path[-1])
    return None


def refused(error: AppError, media: Media, *, has_own_key: bool) -> FieldProblem:
    """Why the award of a row that can be read is not made, told of the member or column that has to be mended.

    Args:
        error: what checking or reserving said.
        media: whose names to use.
        has_own_key: whether the row has an idempotency key of its own.
    """
    result = _RESULT.fullmatch(error.detail)
    if error.slug == ResultUnknown.slug and result is not None:
        number, what = result.groups()
        if media == "csv":
            return FieldProblem("results", error.slug, f"entry {int(number) + 1} {what}")
        return FieldProblem(f"results[{number}]", error.slug, what)
    return FieldProblem(_place(error, media, has_own_key=has_own_key), error.slug, error.detail)


def _place(error: AppError, media: Media, *, has_own_key: bool) -> str:
    if error.slug == OverrideNotAllowed.slug:
        return "override_reason" if media == "csv" else "override"
    if error.slug == IdempotencyConflict.slug:
        return "idempotency_key" if has_own_key else ROW
    return _PLACES.get(error.slug, ROW)
