"""What a stack's badge says: composed from its rule, so that it cannot promise what is not asked for."""

from __future__ import annotations

from collections.abc import Mapping

from app.programme.achievements import ItemFinder, achievement_path, alignment, duration
from app.programme.errors import PathwayUnknown
from app.programme.frameworks import Programme
from app.programme.pathway_rules import needed_badges
from app.programme.pathway_words import StepWords, number, sentence, steps
from app.programme.pathways import ConversationRule, Pathway, StackAchievement, consequences_of, conversation
from app.programme.schemas import AchievementInfo, Rubric

FEW = 2
NO_RUBRIC = Rubric(version=1, criteria=())


def achievement_of(pathway: Pathway, programme: Programme, find: ItemFinder) -> AchievementInfo:
    """The achievement at the end of a pathway that has one of its own.

    Its rubric is that of the pathway's conversation; without one it has no criteria, and a badge carries the
    narrative alone (in Open Badges `resultDescription` is optional, but never an empty list).

    Args:
        pathway: the version that is awarded.
        programme: names the issuer and gives the domains their colours.
        find: gives the CASE item of a kind and id.

    Raises:
        PathwayUnknown: the pathway ends in a module's badge, whose key is another.
    """
    stack = pathway.achievement
    if stack is None:
        raise PathwayUnknown(f"This pathway has no badge of its own: it ends in that of {pathway.leads_to}.")
    path, talk = achievement_path(pathway.key, pathway.version), conversation(pathway)
    colours = {domain.id: domain.colour for domain in programme.domains}
    items = [find("competency", item) for item in stack.competencies]
    items += [find("fidelity_item", item) for item in stack.fidelity_items]
    return AchievementInfo(
        key=pathway.key,
        version=pathway.version,
        name=stack.name,
        description=stack.description,
        criteria_narrative=criteria_narrative(pathway, stack, programme.issuer.name),
        achievement_type=stack.achievement_type,
        level="stack",
        domain_colour=colours[stack.domain],
        hours=stack.hours,
        validity_months=stack.validity_months,
        language=pathway.language,
        tags=stack.tags,
        alignments=tuple(alignment(item) for item in items),
        rubric=talk.rubric if talk else NO_RUBRIC,
        minimum_level=talk.minimum_level if talk else 1,
        review_by=pathway.review_by,
        issuer_key=programme.issuer.key,
        path=path,
        image_path=f"{path}.png",
        code=stack.code,
        marks=tuple(colours[component.domain] for component in stack.components if component.domain in colours),
        needed_before=needed_badges(pathway.rule),
    )


def criteria_narrative(pathway: Pathway, stack: StackAchievement, issuer_name: str) -> str:
    """What the award asks for, by whose judgement, how much work it is and how long it lasts, in Markdown.

    It says what is asked and not what happened: the same words stand in a badge that was awarded by recognition, or
    although something was missing, on a person's word.
    """
    titles = {component.key: f"“{component.title}” ({component.key})" for component in stack.components}
    lines = [_line(step, titles) for step in steps(pathway.rule)]
    talk = conversation(pathway)
    return "\n\n".join(
        filter(
            None,
            (
                "The award asks for:",
                "\n".join(lines),
                "Each of the badges named here has to be in force on the day of the award.",
                _judged(talk, issuer_name) if talk else "",
                f"It asks for the decision of a person appointed by {issuer_name}, not of a computer.",
                f"Effort: about {stack.hours} hours, that of the badges below it included. "
                f"The badge is valid for {duration(stack.validity_months)}. {_current(pathway)}"
                f"What it stands on is due for review by {pathway.review_by.day} {pathway.review_by:%B %Y}.",
            ),
        )
    )


def _line(step: StepWords, titles: Mapping[str, str]) -> str:
    """A step as an entry of a list; many badges are a list of their own."""
    if len(step.badges) <= FEW or step.parts:
        return f"- {sentence(step, lambda key: titles[key])}"
    return "\n".join((f"- {step.text}:", *(f"  - {titles[key]}" for key in step.badges)))


def _judged(talk: ConversationRule, issuer_name: str) -> str:
    names = {level.level: level.name for level in talk.rubric.criteria[0].levels}
    criteria = "; ".join(criterion.title for criterion in talk.rubric.criteria)
    return (
        f"An assessor appointed by {issuer_name} has to judge the conversation against a rubric of "
        f"{number(len(talk.rubric.criteria))} criteria ({criteria}). Each has to reach level {talk.minimum_level} of "
        f"{len(names)} ({names[talk.minimum_level]}) or higher."
    )


def _current(pathway: Pathway) -> str:
    """The programme's rule on the badges below; that they are current is seen on those badges, not on this one."""
    then = consequences_of(pathway).expired
    if then.kind in ("nothing", "flag"):
        return ""
    days = f"for more than {then.days} days" if then.days else "at any time"
    return f"By the programme's rule none of the badges below it may be expired {days} meanwhile. "
