"""Four people on the map, by what a real house keeps of them: new, half-way, practitioner, fidelity reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.clock import now
from app.core.db import WriteSession
from app.core.ids import new_id
from app.issuer import service as issuer
from app.issuer.schemas import IssueRequest
from app.learning import service as learning
from app.pathways.models import PathwayConfirmation, PathwayConversation
from app.people.models import CentreRecord, MembershipRecord, OrganisationRecord
from app.programme import service as programme
from app.programme import stacks
from app.programme.pathways import ConversationRule, HeldRule, leaves
from app.wiring import Services
from tests.web.people import SignedIn, sign_in

WalkerName = Literal["new", "half-way", "practitioner", "reviewer"]
YEARS = 1000  # days that a badge still lasts, where nothing else is said
SOON = 40
Badges = Mapping[str, tuple[int, int]]  # key: days since the award, days until its end


def walker(services: Services, client: TestClient, name: WalkerName) -> SignedIn:
    """One of the four, signed in by a launch of M01."""
    person = sign_in(services, client, name.capitalize())
    with services.runtime.database.write() as session:
        basic = [
            leaf.achievement
            for leaf in leaves(stacks.current_pathway(session, "practitioner").rule)
            if isinstance(leaf, HeldRule)
        ]
        everything: Badges = {key: (300 - 20 * place, YEARS) for place, key in enumerate(basic)}
    if name == "half-way":
        works(services, person, months=5)
        begins(services, person, "M06")
        hold(services, person, {key: everything[key] for key in ("M01", "M02", "M04")} | {"M07": (325, SOON)})
        hold(services, person, {"M03": (800, -20)})
    elif name != "new":
        works(services, person, months=10 if name == "practitioner" else 40)
        hold(services, person, everything | {"practitioner": (60, YEARS)})
        talks(services, person, sign_in(services, client, "Priya", roles=("assessor",), teacher=True))
    if name == "reviewer":
        marc = sign_in(services, client, "Marc", roles=("manager",), teacher=True)
        confirmed(services, person, marc, "fidelity-reviewer")
        hold(services, person, {"X5": (30, 700)})
    return person


def hold(services: Services, person: SignedIn, badges: Badges) -> None:
    """Issue badges to somebody: of each the days since its award and until its end."""
    runtime, at = services.runtime, now()
    for key, (since, until) in badges.items():
        with runtime.database.read() as session:
            info = programme.current_achievement(session, key)
        request = IssueRequest(
            idempotency_key=new_id(), issuer_key=info.issuer_key, achievement_key=key,
            achievement_version=info.version, person_id=person.person_id, recipient_email=None,
            awarded_at=at - timedelta(days=since), valid_until=at + timedelta(days=until),
            results=tuple((each.key, 3) for each in info.rubric.criteria),
        )  # fmt: skip
        with time_machine.travel(at + timedelta(days=min(until, 1) - 1), tick=False):
            issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request)


def works(services: Services, person: SignedIn, *, months: int) -> None:
    """A specialist of a centre, for so many months by now."""
    with services.runtime.database.write() as session:
        session.add(
            MembershipRecord(
                centre_id=_centre(session), person_id=person.person_id, function="specialist",
                begun_at=now() - timedelta(days=31 * months), begun_by_kind="operator", begun_by_id="cli",
            )
        )  # fmt: skip


def begins(services: Services, person: SignedIn, key: str) -> None:
    """Somebody opens a module for the first time."""
    with services.runtime.database.write() as session:
        module = programme.current_module(session, key)
        learning.enrol(session, person_id=person.person_id, module=module, organisation_id=None)


def talks(services: Services, person: SignedIn, assessor: SignedIn, level: int = 3) -> None:
    """The practice conversation, each criterion at one level."""
    with services.runtime.database.write() as session:
        pathway = stacks.current_pathway(session, "practitioner")
        (rule,) = [leaf for leaf in leaves(pathway.rule) if isinstance(leaf, ConversationRule)]
        session.add(
            PathwayConversation(
                person_id=person.person_id, pathway_key=pathway.key, pathway_version=pathway.version,
                conversation_key=rule.key, rubric_version=rule.rubric.version,
                held_on=(now() - timedelta(days=70)).date(),
                levels={each.key: level for each in rule.rubric.criteria}, decided_by=assessor.person_id,
            )
        )  # fmt: skip


def confirmed(services: Services, person: SignedIn, manager: SignedIn, pathway_key: str) -> None:
    """The manager's support for a pathway."""
    with services.runtime.database.write() as session:
        session.add(
            PathwayConfirmation(
                person_id=person.person_id, pathway_key=pathway_key, confirmation_key="managers-support",
                given_as="manager", given_by=manager.person_id, given_at=now() - timedelta(days=50),
            )
        )  # fmt: skip


def _centre(session: WriteSession) -> str:
    found = session.exec(select(CentreRecord).where(CentreRecord.key == "north")).first()
    if found is None:
        agency = OrganisationRecord(key="walkers", name="An agency")
        session.add(agency)
        session.flush()
        found = CentreRecord(organisation_id=agency.id, key="north", name="North")
        session.add(found)
        session.flush()
    return found.id
