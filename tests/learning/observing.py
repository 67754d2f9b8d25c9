"""A module with an observation, a centre with staff, and checklists filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database
from app.core.secrets import SecretBox
from app.learning import service as learning
from app.learning.observation import ObservationState
from app.learning.observation import codes as observation_codes
from app.learning.observation import service as observation
from app.learning.observation.models import ObservationRequestRecord
from app.learning.observation.schemas import Answers, Observation, ObservationRequest
from app.people import service as people
from app.programme.schemas import Activity, AwardRule, ChecklistLine
from tests.learning.factories import House, furnish, module, new_person, publish

LINES = ("asks", "stays", "honest", "exact", "role", "closes")
WATCHED = "watched"


def observation_activity(**changes: Any) -> Activity:
    """Six lines, for everybody who may observe."""
    lines = tuple(ChecklistLine(key, f"The line {key}") for key in LINES)
    values: dict[str, Any] = {
        "checklist": lines,
        "observers": ("supervisor", "mentor", "clinician", "assessor"),
    }
    return Activity(WATCHED, "observation", "A handover, watched", 60, "Watch.", **(values | changes))


def filled(**changes: Any) -> Answers:
    """Every line meets; `not_yet` names lines that do not, each with a comment."""
    missed = changes.pop("not_yet", ())
    values: dict[str, Any] = {
        "lines": {key: "not yet" if key in missed else "meets" for key in LINES},
        "comments": dict.fromkeys(missed, "Say who does what next."),
        "comment": "",
        "observed_on": now().date().isoformat(),
    }
    return Answers(**(values | changes))


@dataclass(frozen=True)
class Watched:
    """Tess enrolled in a module with an observation; Marc supervises her centre, Cleo is a clinician of another."""

    house: House
    database: Database
    box: SecretBox
    enrolment_id: str
    marc: people.StaffMember
    cleo: people.StaffMember

    @property
    def at(self) -> dict[str, str]:
        return {"enrolment_id": self.enrolment_id, "person_id": self.house.tess, "activity_key": WATCHED}

    def ask(self, membership_id: str | None = None) -> ObservationRequest:
        with self.database.write() as session:
            return observation.ask_staff(session, **self.at, membership_id=membership_id or self.marc.membership_id)

    def propose(self, email: str, *, name: str = "Nola Other", role: str = "mentor") -> ObservationRequest:
        with self.database.write() as session:
            return observation.propose(session, **self.at, name=name, role=role, email=email)

    def withdraw(self) -> None:
        with self.database.write() as session:
            observation.withdraw(session, **self.at)

    def link(self, request: ObservationRequest) -> str:
        return observation.observer_path(self.box, request.id).removeprefix("/observe/")

    def code(self, request: ObservationRequest) -> str:
        """Ask for a code and read it where the mail would be."""
        with self.database.write() as session:
            observation.send_code(session, self.box, self.link(request))
        with self.database.read() as session:
            sent = observation_codes.newest(session, request.id)
            assert sent is not None
            mail = observation.code_mail(session, self.box, sent.id)
        assert mail is not None
        return mail.code

    def observe(self, request: ObservationRequest, code: str | None = None, **changes: Any) -> Observation:
        typed = self.code(request) if code is None else code
        return observation.observe(
            self.database, self.box, token=self.link(request), code=typed, answers=filled(**changes)
        )

    def state(self) -> ObservationState:
        with self.database.read() as session:
            enrolment = learning.enrolment(session, self.enrolment_id)
            return observation.observation_states(session, enrolment.id, learning.module_of(session, enrolment))[
                WATCHED
            ]

    def row(self, request: ObservationRequest) -> ObservationRequestRecord:
        with self.database.read() as session:
            return session.get_one(ObservationRequestRecord, request.id)

    def change(self, request: ObservationRequest, **values: Any) -> None:
        """As time does."""
        with self.database.write() as session:
            row = session.get_one(ObservationRequestRecord, request.id)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)


def watched(database: Database, box: SecretBox, *, must_meet: bool = True, **changes: Any) -> Watched:
    """The house, furnished for observations."""
    house = furnish(database)
    plain = module()
    rule = AwardRule(0.8, 3, supervisor_talk=False, observations_meet=must_meet)
    activities = (plain.activities[0], observation_activity(**changes))
    observed = module(key="M90", activities=activities, award_rule=rule)
    with database.write() as session:
        organisation = people.ensure_organisation(session, key="west", name="West")
        here = people.add_centre(session, organisation_id=organisation.id, key="here", name="Here", actor=OPERATOR)
        there = people.add_centre(session, organisation_id=organisation.id, key="there", name="There", actor=OPERATOR)
        people.join_centre(session, person_id=house.tess, centre_id=here.id, function="specialist", actor=OPERATOR)
        marc = people.add_staff(
            session, centre_id=here.id, name="Marc Delaney", email="marc@agency.example", function="supervisor",
            actor=OPERATOR,
        )  # fmt: skip
        cleo = people.add_staff(
            session, centre_id=there.id, name="Cleo Park", email="cleo@clinic.example", function="clinician",
            actor=OPERATOR,
        )  # fmt: skip
        enrolment = learning.enrol(
            session, person_id=house.tess, module=publish(session, observed), organisation_id=None
        )
        learning.complete_lesson(
            session, enrolment_id=enrolment.id, person_id=house.tess, activity_key=activities[0].key
        )
    return Watched(house, database, box, enrolment.id, marc, cleo)


__all__ = ["LINES", "WATCHED", "Watched", "filled", "new_person", "observation_activity", "watched"]
