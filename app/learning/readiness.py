"""What is still missing: before work can be handed in, and before it can be awarded. Pure functions.

An assessor judges evidence that is complete: what others must confirm, an observation or attendance, is asked for
before work is handed in. A badge of another module that is needed first stands in the way of the award alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from app.learning.calibration import missing_marks
from app.learning.observation.words import meets, missing_line
from app.learning.schemas import KnowledgeCheckState, Missing
from app.learning.standing import Judgement, Standing
from app.learning.texts import fields_of, is_count
from app.programme.schemas import Activity, ExerciseField, Module
from app.programme.stacks import is_pathway_key


def missing_for_submission(module: Module, standing: Standing) -> tuple[Missing, ...]:
    """What the learner still has to do, in the order of the module; the declaration is asked for separately."""
    return tuple(item for activity in module.activities for item in _missing_in(module, activity, standing))


def missing_texts(
    module: Module, activity: Activity, content: Mapping[str, str], files: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[Missing]:
    """What is missing in one exercise or reflection; `files` are the fields that hold one."""
    for each in fields_of(activity):
        there = (activity.key, each.key) in files
        problem = _field_problem(activity, each, content.get(each.key, "").strip(), has_file=there)
        if problem is not None:
            yield problem
    yield from missing_marks(module, activity, content)


def missing_declaration() -> Missing:
    """The declaration that nobody can be recognised in the work."""
    return Missing("not_declared", "Confirm that nobody can be recognised in your work.")


def missing_for_award(module: Module, standing: Standing, judgement: Judgement) -> tuple[Missing, ...]:
    """What an award still needs under the module's rule. The declaration was made, or there would be no submission."""
    rule = module.award_rule
    missing: list[Missing] = []
    if not all(check.passed for check in standing.checks):
        missing.append(Missing("knowledge_check_open", "The knowledge check is not passed."))
    for criterion in module.rubric.criteria:
        mark = judgement.marks.get(criterion.key)
        if mark is None or mark.level is None:
            detail = f"“{criterion.title}” has no level yet."
            missing.append(Missing("criterion_unmarked", detail, criterion_key=criterion.key))
        elif mark.level < rule.minimum_level:
            detail = f"“{criterion.title}” is at level {mark.level}, and level {rule.minimum_level} is needed."
            missing.append(Missing("criterion_below", detail, criterion_key=criterion.key))
    missing.extend(_not_observed(module, standing))
    missing.extend(_not_attended(module, standing))
    for activity in module.activities:
        if activity.of_review:
            missing.extend(_not_reviewed(activity, rule.conflict_years, standing))
    if rule.supervisor_talk and judgement.talk is None:
        missing.append(Missing("talk_missing", "The talk with the supervisor is not recorded."))
    missing.extend(missing_prerequisites(module, judgement.held))
    missing.extend(judgement.steps)
    missing.extend(missing_review(module, judgement.issue_until, judgement.today))
    return tuple(missing)


def missing_prerequisites(module: Module, held: frozenset[str]) -> Iterator[Missing]:
    """The badges that the module builds on and that the learner does not hold now."""
    for group in module.needed_before:
        if held.isdisjoint(group):
            which = " or ".join(group)
            how = f"It is done like this module: open {which} in the LMS, and hand it in there."
            if any(is_pathway_key(key) for key in group):
                how = "What the pathway to it asks for stands in the catalogue, under Programme, Pathways."
            detail = f"A current badge for {which} is needed first. {how}"
            yield Missing("prerequisite_missing", detail)


def _missing_in(module: Module, activity: Activity, standing: Standing) -> Iterator[Missing]:
    """What is missing in one activity before work can be handed in."""
    if activity.kind == "lesson" and not standing.lessons_left_out and activity.key not in standing.lessons:
        yield Missing("lesson_unread", f"Read the lesson “{activity.title}”.", activity.key)
    if activity.kind == "knowledge_check":
        check = next(check for check in standing.checks if check.activity_key == activity.key)
        if not check.passed:
            yield _open_check(activity, check)
    if activity.kind == "observation" and activity.required:
        detail = missing_line(activity.title, standing.observations[activity.key])
        if detail is not None:
            yield Missing("observation_missing", detail, activity.key)
    if activity.of_review:
        yield from _not_reviewed(activity, module.award_rule.conflict_years, standing)
    if activity.kind == "attendance" and activity.key not in standing.attended:
        yield Missing("attendance_missing", f"Have it confirmed that you were at “{activity.title}”.", activity.key)
    if fields_of(activity):
        draft = standing.drafts.get(activity.key)
        yield from missing_texts(module, activity, draft.content if draft is not None else {}, standing.files)


def _not_observed(module: Module, standing: Standing) -> Iterator[Missing]:
    if not module.award_rule.observations_meet:
        return
    for activity in module.activities:
        if activity.kind == "observation" and activity.required:
            state = standing.observations[activity.key]
            if not state.all_meet:
                seen = f": {meets(state, small=True)}" if state.made else ""
                detail = f"“{activity.title}” was not confirmed with “meets” on every line{seen}."
                yield Missing("observation_missing", detail, activity.key)


def _not_attended(module: Module, standing: Standing) -> Iterator[Missing]:
    for activity in module.activities:
        if activity.kind == "attendance" and activity.key not in standing.attended:
            detail = f"Nobody has confirmed that the learner was at “{activity.title}”."
            yield Missing("attendance_missing", detail, activity.key)


def _not_reviewed(activity: Activity, years: int, standing: Standing) -> Iterator[Missing]:
    """That nobody said whose service was reviewed, or that it was one's own lead agency's."""
    found = standing.reviews.get(activity.key)
    if found is None:
        detail = f"“{activity.title}” does not say yet which lead agency's service was reviewed."
        yield Missing("review_unnamed", detail, activity.key)
    elif found.in_conflict:
        detail = (
            f"“{activity.title}” was at {found.agency}. Whoever worked there in the {years} years before does not "
            "review it, so it does not count."
        )
        yield Missing("review_conflict", detail, activity.key)


def missing_review(module: Module, last: date | None, today: date) -> Iterator[Missing]:
    """That a module which ages was not reviewed in time: `last` is its last day for a new badge."""
    if last is None or today <= last:
        return
    detail = (
        f"The rules that {module.key} teaches change often, and its review is overdue: the last day for a new badge "
        f"was {last.day} {last:%B %Y}. All work and marks are kept; it can be awarded once a reviewed version is out."
    )
    yield Missing("issue_over", detail)


def _open_check(activity: Activity, check: KnowledgeCheckState) -> Missing:
    detail = f"Pass “{activity.title}”: at least {check.pass_count} of {check.total} right."
    return Missing("knowledge_check_open", detail, activity.key)


def _field_problem(activity: Activity, field: ExerciseField, text: str, *, has_file: bool) -> Missing | None:
    where = f"“{field.label}”" if field.label == activity.title else f"“{field.label}” in “{activity.title}”"
    if field.kind == "file":
        wanted = field.required and not has_file
        return Missing("file_missing", f"Add a file for {where}.", activity.key, field.key) if wanted else None
    if not text:
        return Missing("field_empty", f"Fill in {where}.", activity.key, field.key) if field.required else None
    if field.kind == "count" and not is_count(text):
        return Missing("count_unclear", f"Enter a whole number, or <5, for {where}.", activity.key, field.key)
    if field.options and text not in {option.value for option in field.options}:
        return Missing("option_unknown", f"Choose one of the list for {where}.", activity.key, field.key)
    return None
