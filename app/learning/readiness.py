"""What is still missing: before work can be handed in, and before it can be awarded. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.learning.schemas import CriterionMark, Draft, KnowledgeCheckState, Missing, SupervisorTalk
from app.learning.texts import fields_of, is_count
from app.programme.schemas import Activity, ExerciseField, Module


def missing_for_submission(
    module: Module,
    *,
    lessons: frozenset[str],
    checks: Sequence[KnowledgeCheckState],
    drafts: Mapping[str, Draft],
) -> tuple[Missing, ...]:
    """What the learner still has to do, in the order of the module; the declaration is asked for separately."""
    by_key = {check.activity_key: check for check in checks}
    missing: list[Missing] = []
    for activity in module.activities:
        if activity.kind == "lesson" and activity.key not in lessons:
            missing.append(Missing("lesson_unread", f"Read the lesson “{activity.title}”.", activity.key))
        if activity.kind == "knowledge_check" and not by_key[activity.key].passed:
            missing.append(_open_check(activity, by_key[activity.key]))
        if fields_of(activity):
            missing.extend(missing_texts(activity, drafts[activity.key].content))
    return tuple(missing)


def missing_texts(activity: Activity, content: Mapping[str, str]) -> Iterable[Missing]:
    """What is missing in one exercise or reflection."""
    for field in fields_of(activity):
        problem = _field_problem(activity, field, content.get(field.key, "").strip())
        if problem is not None:
            yield problem


def missing_declaration() -> Missing:
    """The declaration that nobody can be recognised in the work."""
    return Missing("not_declared", "Confirm that nobody can be recognised in your work.")


def missing_for_award(
    module: Module,
    *,
    knowledge_check_passed: bool,
    marks: Mapping[str, CriterionMark],
    talk: SupervisorTalk | None,
) -> tuple[Missing, ...]:
    """What an award still needs under the module's rule. The declaration was made, or there would be no submission."""
    rule = module.award_rule
    missing: list[Missing] = []
    if not knowledge_check_passed:
        missing.append(Missing("knowledge_check_open", "The knowledge check is not passed."))
    for criterion in module.rubric.criteria:
        mark = marks.get(criterion.key)
        if mark is None or mark.level is None:
            detail = f"“{criterion.title}” has no level yet."
            missing.append(Missing("criterion_unmarked", detail, criterion_key=criterion.key))
        elif mark.level < rule.minimum_level:
            detail = f"“{criterion.title}” is at level {mark.level}, and level {rule.minimum_level} is needed."
            missing.append(Missing("criterion_below", detail, criterion_key=criterion.key))
    if rule.supervisor_talk and talk is None:
        missing.append(Missing("talk_missing", "The talk with the supervisor is not recorded."))
    return tuple(missing)


def _open_check(activity: Activity, check: KnowledgeCheckState) -> Missing:
    detail = f"Pass “{activity.title}”: at least {check.pass_count} of {check.total} right."
    return Missing("knowledge_check_open", detail, activity.key)


def _field_problem(activity: Activity, field: ExerciseField, text: str) -> Missing | None:
    where = f"“{field.label}”" if field.label == activity.title else f"“{field.label}” in “{activity.title}”"
    if not text:
        return Missing("field_empty", f"Fill in {where}.", activity.key, field.key) if field.required else None
    if field.kind == "count" and not is_count(text):
        return Missing("count_unclear", f"Enter a whole number, or <5, for {where}.", activity.key, field.key)
    if field.options and text not in {option.value for option in field.options}:
        return Missing("option_unknown", f"Choose one of the list for {where}.", activity.key, field.key)
    return None
