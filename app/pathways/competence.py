"""Competencies read from the database: the catalogue as profiles and coverage need it, and a person's profile."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.core.clock import now
from app.core.db import ReadSession
from app.issuer.judged import JudgedBadge, judged
from app.pathways.competencies import Assessment, Catalogue, Profile, of_module, of_pathway, profile
from app.programme import pins, stacks
from app.programme import service as programme


def catalogue(session: ReadSession, badges: Iterable[JudgedBadge]) -> Catalogue:
    """The frameworks, what is offered now, and what these badges assess in the versions they are of.

    Raises:
        NoProgramme: none has been loaded.
    """
    offered = [of_module(each) for each in programme.modules(session)]
    offered += [of_pathway(each) for each in stacks.pathways(session) if each.achievement is not None]
    wanted = {(badge.achievement_key, badge.achievement_version) for badge in badges}
    return Catalogue(
        current=programme.current_programme(session).frameworks,
        known=pins.frameworks(session),
        offered=tuple(offered),
        assessed={each: _assessment(session, *each) for each in wanted},
    )


def profile_of(session: ReadSession, person_id: str, at: datetime | None = None) -> Profile:
    """A person's competencies: what their badges show of them, level by level.

    Args:
        session: for reading.
        person_id: whose.
        at: the moment; now if left out.

    Raises:
        NoProgramme: none has been loaded.
    """
    badges = judged(session, (person_id,))
    return profile(catalogue(session, badges), badges, at or now())


def _assessment(session: ReadSession, key: str, version: int) -> Assessment:
    if stacks.is_pathway_key(key):
        return of_pathway(stacks.pathway_version(session, key, version))
    return of_module(programme.module_version(session, key, version))
