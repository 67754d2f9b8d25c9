"""The checklist as a form: what was posted, what stands in its fields, and what is wrong with it.

The same for an observer with a link and for an assessor who is signed in; what was filled in is never lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.core.clock import now
from app.learning.evidence import Place
from app.learning.observation.checklist import OVERALL, comment_field
from app.learning.observation.errors import AnswersIncomplete, CommentsPointAtSomebody
from app.learning.observation.schemas import Answers
from app.learning.texts import plain
from app.programme.schemas import Activity
from app.web.found import KEEP, FoundPlace, shown

DAY = "observed-on"


@dataclass(frozen=True)
class FormLine:
    """One line of the checklist with what is chosen so far."""

    number: int
    key: str
    text: str
    answer: str
    comment: str
    error: str | None
    comment_error: str | None
    found: tuple[FoundPlace, ...]


@dataclass(frozen=True)
class ChecklistForm:
    """The checklist with everything that was filled in.

    Attributes:
        errors: what to mend, by field, in the order of the page.
        found: places in the comment about the whole that may point at a real person.
    """

    lines: tuple[FormLine, ...]
    observed_on: str
    today: str
    comment: str
    code: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)
    found: tuple[FoundPlace, ...] = ()

    def error(self, name: str) -> str | None:
        """What is wrong with one field."""
        return dict(self.errors).get(name)


def answers_of(activity: Activity, form: Mapping[str, str]) -> Answers:
    """What was filled in, as it came."""
    return Answers(
        lines={line.key: form.get(f"line-{line.key}", "") for line in activity.checklist},
        comments={line.key: form.get(comment_field(line.key), "") for line in activity.checklist},
        comment=form.get(OVERALL, ""),
        observed_on=form.get(DAY, ""),
        kept=frozenset(name.removeprefix(KEEP) for name in form if name.startswith(KEEP)),
    )


def checklist_form(
    activity: Activity,
    form: Mapping[str, str] | None = None,
    *,
    problems: Mapping[str, str] | None = None,
    places: tuple[Place, ...] = (),
) -> ChecklistForm:
    """The form, empty or as it was posted.

    Args:
        activity: the observation.
        form: what was posted, if anything.
        problems: what is wrong, by field.
        places: what the scan found in the comments and is not answered for.
    """
    posted, named = form or {}, dict(problems or {})
    found = _found(activity, posted, places)
    lines = tuple(
        FormLine(
            number=number,
            key=line.key,
            text=line.text,
            answer=posted.get(f"line-{line.key}", ""),
            comment=posted.get(comment_field(line.key), ""),
            error=named.get(f"line-{line.key}"),
            comment_error=named.get(comment_field(line.key)),
            found=found.get(comment_field(line.key), ()),
        )
        for number, line in enumerate(activity.checklist, start=1)
    )
    for name, here in found.items():
        named.update({place.box: f"{place.kind.capitalize()}: change it, or tick that it is not about a real person."
                      for place in here if name})  # fmt: skip
    today = now().date().isoformat()
    return ChecklistForm(
        lines=lines,
        observed_on=posted.get(DAY, today),
        today=today,
        comment=posted.get(OVERALL, ""),
        code=posted.get("code", "")[:20],
        errors=list(named.items()),
        found=found.get(OVERALL, ()),
    )


def refused_form(
    activity: Activity, form: Mapping[str, str], error: AnswersIncomplete | CommentsPointAtSomebody
) -> ChecklistForm:
    """The form again, with what has to be mended."""
    if isinstance(error, AnswersIncomplete):
        return checklist_form(activity, form, problems=error.problems)
    return checklist_form(activity, form, places=error.places)


def _found(
    activity: Activity, posted: Mapping[str, str], places: tuple[Place, ...]
) -> dict[str, tuple[FoundPlace, ...]]:
    """The places by field, each with a link to it on the same page."""
    # The scan saw the texts with one kind of line break and without space around them.
    scanned = {place.field_key: plain(posted[place.field_key], place.label).strip() for place in places}
    texts = {activity.key: scanned}
    by_field: dict[str, tuple[FoundPlace, ...]] = {}
    for place in places:
        (one,) = shown((place,), texts, activities_href="")
        here = replace(one, change_href=f"#f-{place.field_key}")
        by_field[place.field_key] = (*by_field.get(place.field_key, ()), here)
    return by_field
