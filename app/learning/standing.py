"""What is there of one person's work on a module, gathered once for every rule that asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.core.db import ReadSession
from app.learning.attendance import attended
from app.learning.drafts import drafts_of
from app.learning.enrolments import lessons_read
from app.learning.fidelity_reviews import ReviewedService, reviewed_services
from app.learning.files.store import fields_with_files
from app.learning.knowledge_check import states_of
from app.learning.observation import ObservationState, observation_states
from app.learning.recognition import is_chosen
from app.learning.schemas import CriterionMark, Draft, KnowledgeCheckState, Missing, SupervisorTalk
from app.programme.schemas import Module


@dataclass(frozen=True)
class Standing:
    """What is there of an enrolment's work.

    Attributes:
        lessons: keys of the lessons read.
        checks: how each knowledge check stands.
        drafts: what was written, by activity.
        observations: how each observation stands, by activity.
        attended: keys of the sessions at which presence was confirmed.
        files: fields that hold a file: activity and field.
        reviews: whose service was reviewed, by activity.
        lessons_left_out: whether the learner chose recognition of prior learning, so that no lesson is asked for.
    """

    lessons: frozenset[str] = frozenset()
    checks: tuple[KnowledgeCheckState, ...] = ()
    drafts: Mapping[str, Draft] = field(default_factory=dict)
    observations: Mapping[str, ObservationState] = field(default_factory=dict)
    attended: frozenset[str] = frozenset()
    files: frozenset[tuple[str, str]] = frozenset()
    reviews: Mapping[str, ReviewedService] = field(default_factory=dict)
    lessons_left_out: bool = False


@dataclass(frozen=True)
class Judgement:
    """What an assessor and the calendar add to it when an award is looked at.

    Attributes:
        marks: by criterion key.
        talk: the talk with the supervisor.
        held: keys of the modules of which the learner holds a current badge, or need not.
        steps: what the pathway to the module still asks for beside badges, each in words.
        today: in UTC.
        issue_until: the last day on which a badge of this module may be issued, by the newest review of it; None where
            age does not stop an award.
    """

    marks: Mapping[str, CriterionMark]
    talk: SupervisorTalk | None
    held: frozenset[str]
    today: date
    issue_until: date | None
    steps: tuple[Missing, ...] = ()


def standing_of(session: ReadSession, enrolment_id: str, module: Module) -> Standing:
    """What is there now of an enrolment's work on its module."""
    return Standing(
        lessons=lessons_read(session, enrolment_id),
        checks=states_of(session, enrolment_id, module.activities, module.award_rule),
        drafts=drafts_of(session, enrolment_id, module.activities),
        observations=observation_states(session, enrolment_id, module),
        attended=frozenset(attended(session, enrolment_id)),
        files=fields_with_files(session, enrolment_id),
        reviews=reviewed_services(session, enrolment_id, module),
        lessons_left_out=is_chosen(session, enrolment_id),
    )
