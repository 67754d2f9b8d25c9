"""In one line, how a badge of ours came about: only what this server knows."""

from __future__ import annotations

from app.programme.schemas import AchievementInfo
from app.verifier.schemas import Report


def how_assessed(report: Report, achievement: AchievementInfo, *, told: bool) -> str:
    """Who judged what a badge stands for.

    Args:
        report: the verifier's, for the issuer's name.
        achievement: for its rubric.
        told: whether this server was only told of the decision (`awards.service.was_told`): nobody here marked work.
    """
    if told:
        return f"{_issuer(report)} told this server that a named person decided it"
    count = len(achievement.rubric.criteria)
    return f"By a person: an assessor marked the work against a rubric of {count} criteria"


def _issuer(report: Report) -> str:
    """By the register, else by the badge."""
    if report.issuer is not None:
        return report.issuer.name
    return (report.facts.issuer.claimed_name if report.facts is not None else None) or "Its issuer"
