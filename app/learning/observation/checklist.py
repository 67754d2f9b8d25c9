"""What an observer filled in, read and judged for completeness; and what the scan finds in their comments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.core.clock import now
from app.learning.errors import UnusableText
from app.learning.evidence import Place
from app.learning.evidence.places import findings_in_fields, invented_names
from app.learning.observation.errors import AnswersIncomplete, CommentsPointAtSomebody
from app.learning.observation.schemas import ANSWERS, Answers
from app.learning.texts import plain
from app.programme.schemas import Activity, Module

OVERALL = "overall"  # the field of the comment about the whole; a line's is `comment-` and its key
LINE_COMMENT_LENGTH = 1_000
COMMENT_LENGTH = 3_000
LONGEST_AGO = timedelta(days=366)
# When it is already tomorrow in the easternmost time zone, what was seen there today is not in the future.
EASTERNMOST = timedelta(hours=14)


@dataclass(frozen=True)
class Checked:
    """A complete checklist, its texts made ready for keeping."""

    answers: Mapping[str, str]
    comments: Mapping[str, str]
    observed_on: date


def comment_field(line_key: str) -> str:
    """The name of the field with the comment on a line."""
    return f"comment-{line_key}"


def check(activity: Activity, answers: Answers) -> Checked:
    """The checklist, if it is complete.

    Raises:
        AnswersIncomplete: names each thing that is missing or cannot be used, by its field.
    """
    problems: dict[str, str] = {}
    comments: dict[str, str] = {}
    for number, line in enumerate(activity.checklist, start=1):
        if answers.lines.get(line.key) not in ANSWERS:
            problems[f"line-{line.key}"] = f"Line {number}: choose “meets” or “not yet”."
        name = comment_field(line.key)
        where = f"The comment on line {number}"
        text = _text(problems, name, answers.comments.get(line.key, ""), where, LINE_COMMENT_LENGTH)
        if text:
            comments[line.key] = text
        elif answers.lines.get(line.key) == "not yet" and name not in problems:
            problems[name] = f"Line {number}: say what you would like to see next time."
    overall = _text(problems, OVERALL, answers.comment, "The comment", COMMENT_LENGTH)
    if overall:
        comments[OVERALL] = overall
    observed_on = _day(problems, answers.observed_on)
    if problems or observed_on is None:
        raise AnswersIncomplete(problems)
    return Checked({line.key: answers.lines[line.key] for line in activity.checklist}, comments, observed_on)


def places_in(
    module: Module, activity: Activity, comments: Mapping[str, str], may_be_named: Collection[str]
) -> tuple[Place, ...]:
    """What the scan finds in an observer's comments.

    Args:
        module: whose invented people may be named.
        activity: the observation.
        comments: by line, and for the whole.
        may_be_named: the learner and the observer.
    """
    written = [(comment_field(line.key), line.text, comments.get(line.key, "")) for line in activity.checklist]
    written.append((OVERALL, "The whole", comments.get(OVERALL, "")))
    allowed = invented_names(module) | frozenset(may_be_named)
    return tuple(findings_in_fields(activity.key, written, allowed_names=allowed))


def answered(places: tuple[Place, ...], kept: Collection[str]) -> None:
    """Refuse until each place is answered for.

    Raises:
        CommentsPointAtSomebody: names those that are not.
    """
    unanswered = tuple(place for place in places if place.id not in kept)
    if unanswered:
        raise CommentsPointAtSomebody(unanswered)


def _text(problems: dict[str, str], name: str, text: str, label: str, limit: int) -> str:
    try:
        clean = plain(text, label).strip()
    except UnusableText as error:
        problems[name] = error.detail
        return ""
    if len(clean) > limit:
        problems[name] = f"{label} is {len(clean):,} characters long; {limit:,} fit. Please shorten it."
    return clean


def _day(problems: dict[str, str], text: str) -> date | None:
    today = now()
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        problems["observed-on"] = "Give the day as day, month and year."
        return None
    if day > (today + EASTERNMOST).date():
        problems["observed-on"] = "This day has not come yet."
    elif day < (today - LONGEST_AGO).date():
        problems["observed-on"] = "This is more than a year ago. Please observe again."
    return day
