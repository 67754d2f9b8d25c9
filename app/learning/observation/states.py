"""How observations stand: for the learner's path, for what an award still needs, and for whoever reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from sqlmodel import col, select

from app.core.db import ReadSession
from app.learning.observation.checklist import OVERALL
from app.learning.observation.models import ObservationRecord, ObservationRequestRecord
from app.learning.observation.requests import OPEN, is_past, to_request
from app.learning.observation.schemas import (
    Observation,
    ObservationState,
    ObservedActivity,
    SeenLine,
    Standing,
)
from app.programme.schemas import Activity, LineAnswer, Module, Observer


def observation_states(session: ReadSession, enrolment_id: str, module: Module) -> Mapping[str, ObservationState]:
    """How each observation of an enrolment stands, by activity key; empty for a module without any."""
    return {key: one.state for key, one in observed_activities(session, enrolment_id, module).items()}


def observed_activities(session: ReadSession, enrolment_id: str, module: Module) -> Mapping[str, ObservedActivity]:
    """The same with who was asked and all that was seen."""
    activities = [activity for activity in module.activities if activity.kind == "observation"]
    if not activities:
        return {}
    requests = session.exec(
        select(ObservationRequestRecord)
        .where(ObservationRequestRecord.enrolment_id == enrolment_id)
        .order_by(col(ObservationRequestRecord.number).desc())
        .execution_options(populate_existing=True)
    ).all()
    seen = session.exec(
        select(ObservationRecord)
        .where(ObservationRecord.enrolment_id == enrolment_id)
        .order_by(col(ObservationRecord.made_at).desc(), col(ObservationRecord.id).desc())
    ).all()
    return {
        activity.key: _observed(
            activity,
            [row for row in requests if row.activity_key == activity.key],
            [row for row in seen if row.activity_key == activity.key],
            must_meet=module.award_rule.observations_meet,
        )
        for activity in activities
    }


def to_observation(request: ObservationRequestRecord, row: ObservationRecord, activity: Activity) -> Observation:
    """The rows as pages see them; the lines as the learner's version of the module words them."""
    return Observation(
        id=row.id,
        number=request.number,
        activity_key=row.activity_key,
        role=cast(Observer, row.role),
        observer_name=request.observer_name,
        observed_on=row.observed_on,
        lines=tuple(
            SeenLine(line, cast(LineAnswer, row.answers.get(line.key, "not yet")), row.comments.get(line.key, ""))
            for line in activity.checklist
        ),
        comment=row.comments.get(OVERALL, ""),
        kept_findings=dict(row.kept_findings),
        made_at=row.made_at,
        comments_removed=row.comments_removed_at is not None,
    )


def _observed(
    activity: Activity,
    requests: Sequence[ObservationRequestRecord],
    seen: Sequence[ObservationRecord],
    *,
    must_meet: bool,
) -> ObservedActivity:
    """All about one activity, of rows that are in order: newest first."""
    by_id = {row.id: row for row in requests}
    observations = tuple(to_observation(by_id[row.request_id], row, activity) for row in seen)
    open_one = next((row for row in requests if row.state in OPEN and not is_past(row)), None)
    shown = open_one or next(iter(requests), None)
    newest = next(iter(observations), None)
    return ObservedActivity(
        activity=activity,
        state=ObservationState(
            activity_key=activity.key,
            required=activity.required,
            must_meet=must_meet,
            state=_standing(open_one, shown, newest),
            lines=len(activity.checklist),
            meets=newest.meets if newest is not None else 0,
            asked_at=open_one.asked_at if open_one is not None else None,
            observed_on=newest.observed_on if newest is not None else None,
        ),
        request=to_request(shown) if shown is not None else None,
        observations=observations,
    )


def _standing(
    open_one: ObservationRequestRecord | None, last: ObservationRequestRecord | None, newest: Observation | None
) -> Standing:
    if newest is not None and newest.meets == len(newest.lines):
        return "met"
    if open_one is not None:
        return "proposed" if open_one.state == "proposed" else "asked"
    if newest is not None:
        return "not_yet"
    return "none" if last is None or last.state == "withdrawn" else "declined"
