"""What a badge says of a module: composed from its rules, so that it cannot promise what is not checked.

Feeds the Achievement of Open Badges 3.0 (https://www.imsglobal.org/spec/ob/v3p0/#achievement).
"""

from __future__ import annotations

from collections.abc import Callable

from app.programme.case import CaseItem
from app.programme.frameworks import Programme
from app.programme.schemas import AchievementInfo, Activity, AlignmentInfo, AwardRule, CaseKind, Module

LESSONS_LEFT_OUT = "Who can do this already may leave out the lessons; all the evidence stays."
ItemFinder = Callable[[CaseKind, str], CaseItem]


def achievement_path(key: str, version: int) -> str:
    """Where the achievement of a module version is served, from the root of this server."""
    return f"/achievements/{key}/v{version}"


def achievement_of(module: Module, programme: Programme, find: ItemFinder) -> AchievementInfo:
    """The achievement a module's badge stands for.

    Args:
        module: the version that is awarded.
        programme: names the issuer and gives the domain its colour.
        find: gives the CASE item of a kind and id.
    """
    path = achievement_path(module.key, module.version)
    items = [find("competency", item) for item in module.competencies]
    items += [find("fidelity_item", item) for item in module.fidelity_items]
    return AchievementInfo(
        key=module.key,
        version=module.version,
        name=module.title,
        description=module.summary,
        criteria_narrative=criteria_narrative(module, programme.issuer.name),
        achievement_type=module.achievement_type,
        level=module.level,
        domain_colour=next(domain.colour for domain in programme.domains if domain.id == module.domain),
        hours=module.hours,
        validity_months=module.validity_months,
        language=module.language,
        tags=module.tags,
        alignments=tuple(alignment(item) for item in items),
        rubric=module.rubric,
        minimum_level=module.award_rule.minimum_level,
        review_by=module.review_by,
        issuer_key=programme.issuer.key,
        path=path,
        image_path=f"{path}.png",
        needed_before=module.needed_before,
        issue_until=module.issue_until,
    )


def criteria_narrative(module: Module, issuer_name: str) -> str:
    """What a badge says of how it is earned, in Markdown: what can be done, how it is assessed, what is told before.

    Versions that were loaded before criteria told all of this keep the shorter text, because a published achievement
    and the badges that name it do not change. Made of the module's own texts: nothing of any person is in it.
    """
    assessment = assessment_narrative(module, issuer_name)
    if not module.full_criteria:
        return assessment
    outcomes = "\n".join(f"- {_in_one_line(outcome)}" for outcome in module.outcomes)
    told = "\n".join(f"- {name}: {text}" for name, text in _critical_information(module))
    return "\n\n".join(
        ("What the learner is able to do:", outcomes, assessment, "What learners are told before they choose it:", told)
    )


def _critical_information(module: Module) -> list[tuple[str, str]]:
    """What stands in the badge of what a person must know beforehand (National Microcredentials Framework)."""
    about = module.critical_information
    told = [
        ("Needed before", about.prerequisites),
        ("Delivery", about.delivery),
        ("Identity check", about.identity_check),
    ]
    if module.activities_of("lesson"):
        told.append(("Recognition of prior learning", LESSONS_LEFT_OUT))
    told += [("Recognition and credit", about.recognition), ("Quality assurance", about.quality_assurance)]
    told.append(("Renewal", module.renewal or "This badge cannot be renewed."))
    return [(name, _in_one_line(text)) for name, text in told]


def _in_one_line(text: str) -> str:
    """An author's text as an entry of a list, where a line's end would begin something else."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


def assessment_narrative(module: Module, issuer_name: str) -> str:
    """How the badge is earned, by whose judgement, how much work it is and when it is reviewed, in Markdown.

    It says what is asked and not what happened: the same words stand in a badge that was awarded by recognition, or by
    the API on a named person's word.
    """
    rule = module.award_rule
    steps = [_step(activity, rule) for activity in module.activities if activity.kind != "lesson" and activity.required]
    if rule.supervisor_talk:
        steps.append(
            f"talks about the work with their supervisor for about {rule.supervisor_talk_minutes} minutes; the talk "
            "is confirmed before the award"
        )
    criteria = "; ".join(criterion.title for criterion in module.rubric.criteria)
    names = {level.level: level.name for level in module.rubric.criteria[0].levels}
    return "\n\n".join(
        (
            "To earn this badge the learner:",
            "\n".join(f"- {step}" for step in steps),
            f"{_judges(rule, issuer_name)} the work handed in against a rubric of "
            f"{len(module.rubric.criteria)} criteria ({criteria}). Each has to reach level {rule.minimum_level} of "
            f"{len(names)} ({names[rule.minimum_level]}) or higher. A person decides, not a computer.",
            f"Effort: about {module.hours} hours, time in the workplace included. "
            f"The badge is valid for {duration(module.validity_months)}. "
            f"The module's content is due for review by {module.review_by.day} {module.review_by:%B %Y}.",
        )
    )


def _judges(rule: AwardRule, issuer_name: str) -> str:
    if rule.panel == 1:
        return f"An assessor appointed by {issuer_name} judges"
    return f"Two assessors appointed by {issuer_name}, neither of whom sees the other’s mark first, judge"


def duration(months: int) -> str:
    """A number of months in words, e.g. `3 years`, `18 months`."""
    amount, unit = (months // 12, "year") if months % 12 == 0 else (months, "month")
    return f"{amount} {unit}" if amount == 1 else f"{amount} {unit}s"


def _step(activity: Activity, rule: AwardRule) -> str:
    if activity.kind == "knowledge_check":
        share = round(rule.knowledge_check_pass * 100)
        return f"passes a knowledge check of {activity.draw} questions with at least {share} per cent right"
    if activity.kind == "exercise":
        return f"does the workplace exercise “{activity.title}” and hands in evidence with nobody identifiable in it"
    if activity.kind == "observation":
        return f"is observed at work by {_either(activity.observers)}: “{activity.title}”"
    if activity.kind == "attendance":
        return f"takes part in “{activity.title}”; being there is confirmed"
    return f"writes a reflection, “{activity.title}”"


def _either(observers: tuple[str, ...]) -> str:
    """A list of roles in words: `a supervisor, a mentor or an assessor`."""
    named = [f"{'an' if observer[0] in 'aeiou' else 'a'} {observer}" for observer in observers]
    return " or ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def alignment(item: CaseItem) -> AlignmentInfo:
    """How an achievement points at a CASE item."""
    return AlignmentInfo(
        target_name=item.name,
        target_path=item.path,
        target_code=item.id,
        target_description=item.statement,
        target_framework=item.framework,
    )
