"""Persons, badges and work in the real house, as pathways meet them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.schemas import IssueRequest
from app.issuer.suspending import suspend
from app.pathways import service as pathways
from app.pathways import standing
from app.pathways.summary import Standing
from app.people import service as people
from app.people.models import MembershipRecord
from app.programme import service as programme
from app.programme import stacks
from app.programme.pathways import HeldRule, conversation, leaves
from app.wiring import Services

BASIC = "practitioner"
CONFIRMATION = "managers-support"
WHOLE = timedelta(days=2000)  # work that fills every pathway's months


@dataclass(frozen=True)
class Place:
    """A centre and the people that pathways ask: each by id."""

    services: Services
    centre_id: str
    tess: str
    marc: str
    priya: str

    def person(self, name: str, *roles: str) -> str:
        """Somebody known by a launch, with these grants."""
        return person(self.services, name, *roles)

    def standing(self, key: str, person_id: str | None = None) -> Standing:
        """Where somebody stands on a pathway, as it was worked out last."""
        with self.services.runtime.database.read() as session:
            found = standing.standings(session, pathway_key=key, person_ids=(person_id or self.tess,))
        assert len(found) == 1, found
        return found[0]

    def worked_since(self, moment: datetime, person_id: str | None = None) -> None:
        """As if somebody had been entered as staff at that moment."""
        with self.services.runtime.database.write() as session:
            session.execute(
                sa.update(MembershipRecord)
                .where(col(MembershipRecord.person_id) == (person_id or self.tess))
                .values(begun_at=moment)
            )

    def all_ten(self, *, until: datetime | None = None) -> None:
        """Tess's ten basic badges."""
        for key in basic_badges(self.services):
            badge(self.services, self.tess, key, until=until)

    def talk(self, level: int = 3, *, held_on: date | None = None, by: str | None = None) -> str:
        """The practice conversation, the same level in every criterion."""
        with self.services.runtime.database.write() as session:
            rule = conversation(stacks.current_pathway(session, BASIC))
            assert rule is not None
            return pathways.record_conversation(
                session, person_id=self.tess, pathway_key=BASIC, conversation_key=rule.key,
                held_on=held_on or now().date(), levels={each.key: level for each in rule.rubric.criteria},
                comment="A clear way through.", decided_by=by or self.priya,
            )  # fmt: skip


def place(services: Services) -> Place:
    """A centre with Tess, a specialist; Marc, its supervisor and manager; and Priya, an assessor from elsewhere."""
    with services.runtime.database.write() as session:
        agency = people.ensure_organisation(session, key="agency", name="Agency")
        centre = people.add_centre(
            session, organisation_id=agency.id, key="north", name="North", actor=OPERATOR
        ).id  # fmt: skip
    tess, marc = person(services, "Tess"), person(services, "Marc", "manager")
    with services.runtime.database.write() as session:
        people.join_centre(session, person_id=tess, centre_id=centre, function="specialist", actor=OPERATOR)
        people.join_centre(session, person_id=marc, centre_id=centre, function="supervisor", actor=OPERATOR)
    return Place(services, centre, tess, marc, person(services, "Priya", "assessor"))


def person(services: Services, name: str, *roles: str) -> str:
    """Somebody known by a launch, with these grants."""
    with services.runtime.database.write() as session:
        found = people.person_for_lms_identity(
            session, registration_id="lms", subject=name, name=name, email=f"{name.lower()}@example.org",
            organisation_id=None,
        )  # fmt: skip
        for role in roles:
            people.grant_role(session, person_id=found.id, role=role, actor=OPERATOR)  # type: ignore[arg-type]
    return found.id


def badge(
    services: Services,
    person_id: str | None,
    key: str,
    *,
    awarded: datetime | None = None,
    until: datetime | None = None,
    email: str | None = None,
) -> str:
    """A badge of the current version of an achievement; its id."""
    runtime = services.runtime
    with runtime.database.read() as session:
        version = programme.current_achievement(session, key).version
    request = IssueRequest(
        idempotency_key=f"test:{key}:{person_id}:{email}:{awarded}", issuer_key="orygen", achievement_key=key,
        achievement_version=version, person_id=person_id, recipient_email=email,
        awarded_at=(awarded or now()).replace(microsecond=0), valid_until=until,
    )  # fmt: skip
    return issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request).credential_id


def basic_badges(services: Services) -> tuple[str, ...]:
    """Keys of the badges that the basic pathway asks for."""
    with services.runtime.database.read() as session:
        rule = stacks.current_pathway(session, BASIC).rule
    return tuple(leaf.achievement for leaf in leaves(rule) if isinstance(leaf, HeldRule))


def revoke(services: Services, credential_id: str) -> None:
    """Take a badge away for good."""
    runtime = services.runtime
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=credential_id,
        reason="Issued by mistake", actor=OPERATOR,
    )  # fmt: skip


def suspend_badge(services: Services, credential_id: str) -> None:
    """Suspend a badge."""
    with services.runtime.database.write() as session:
        suspend(session, credential_id, reason="Being looked at", actor=OPERATOR)
