"""What renewing a module's badge asks for: a short update check, and what is done again. Pure functions.

A renewal is the module made small: the steps named for it and the criteria these speak to. So drafts, observations,
handing in, marking and deciding work on it as on the whole.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import product

from app.programme.schemas import Activity, Criterion, Module

# Half of what the whole module asks, but never so few that passing is luck: five questions at 80 per cent let one go.
SHARE_OF_QUESTIONS = 2
FEWEST_QUESTIONS = 5


def ways(module: Module) -> tuple[tuple[str, ...], ...]:
    """The sets of steps by which the badge can be renewed, each in the module's order; none if it cannot be."""
    if not module.renewal_activities:
        return ()
    in_groups = {key for group in module.renewal_any for key in group}
    always = [key for key in module.renewal_activities if key not in in_groups]
    return tuple(_in_order(module, {*always, *chosen}) for chosen in product(*module.renewal_any))


def update_of(module: Module, steps: Collection[str]) -> Module:
    """The module as a renewal by these steps asks for it.

    Args:
        module: the whole module, in the version that the renewal began with.
        steps: keys of its activities.
    """
    activities = tuple(_again(activity) for activity in module.activities if activity.key in steps)
    return replace(
        module,
        activities=activities,
        rubric=replace(module.rubric, criteria=_criteria(module, activities)),
        award_rule=replace(
            module.award_rule,
            supervisor_talk=False,
            supervisor_talk_minutes=0,
            observations_meet=any(activity.kind == "observation" for activity in activities),
        ),
    )


def _in_order(module: Module, keys: Collection[str]) -> tuple[str, ...]:
    return tuple(activity.key for activity in module.activities if activity.key in keys)


def _again(activity: Activity) -> Activity:
    if activity.kind == "knowledge_check":
        bank = len(activity.questions)
        half = -(-(activity.draw or bank) // SHARE_OF_QUESTIONS)
        minutes = -(-activity.minutes // SHARE_OF_QUESTIONS)
        asked = min(bank, max(FEWEST_QUESTIONS, half))
        return replace(activity, draw=asked, minutes=minutes, body_markdown=_introduction(asked))
    return replace(activity, required=True)  # what the whole module may leave out is what this one asks for


def _introduction(asked: int) -> str:
    """In the place of the module's own words, which tell of its number of questions and of its lessons."""
    return (
        f"A short update check: {asked} questions on how it stands today. You may try as often as you like, and each "
        "try draws new questions. After a second try there may be a break before the next."
    )


def _criteria(module: Module, activities: Collection[Activity]) -> tuple[Criterion, ...]:
    """Those the steps speak to; a check alone is judged by no criterion."""
    judged = {activity.key for activity in activities if activity.kind != "knowledge_check"}
    if not judged or not module.renewal_criteria:
        return module.rubric.criteria if judged else ()
    named = {key for step, keys in module.renewal_criteria if step in judged for key in keys}
    return tuple(each for each in module.rubric.criteria if each.key in named)
