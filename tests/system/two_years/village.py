"""Two hundred specialists over two years, week by week, in a house with everything real but the clock.

What happens is drawn from one seed. Whatever the house is told is written into the ledger at the same time; what the
house makes of it is never read back into the ledger, but for the ids of badges, which nobody can know before.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import time_machine
from sqlmodel import select

from app.awards import requests
from app.awards.consequences import deciding
from app.awards.consequences import jobs as consequences
from app.awards.consequences.models import AwardFlag
from app.awards.proposals import reading
from app.awards.proposals import service as proposals
from app.awards.schemas import ClientAward, IssuingRights
from app.core.audit import OPERATOR
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.pathways import service as pathways
from app.pathways import standing
from app.people import service as people
from app.people.models import MembershipRecord
from app.programme import service as programme
from app.programme import stacks
from app.programme.pathways import conversation
from app.wiring import Services, subscriptions
from tests.system.two_years import ledger
from tests.system.two_years.framework import lasting, reworded
from tests.system.two_years.ledger import BadgeFact, Specialist, months_later

SEED = 20270104
BEGIN = datetime(2027, 1, 4, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
WEEKS = 104
PERSONS = 200
AGENCIES = 6
BASIC = tuple(f"M{number:02}" for number in range(1, 11))
SCOPES = frozenset({"credentials:issue", "credentials:issue:advanced"})
RIGHTS = IssuingRights("orygen", SCOPES, None)
DECIDER = "Helen Chapman"
WORKER_KINDS = ("awards.", "pathways.")


@dataclass
class Village:
    """The house, its people, and the ledger."""

    services: Services
    draw: random.Random
    folk: list[Specialist] = field(default_factory=list)
    centres: list[tuple[str, str, str]] = field(default_factory=list)  # centre, agency, its manager
    assessors: list[str] = field(default_factory=list)
    framework: str = ""
    keys: int = 0
    revoked: BadgeFact | None = None
    flags_seen: set[tuple[str, str]] = field(default_factory=set)

    # -- the clock ------------------------------------------------------------------------------------------------

    @contextmanager
    def clock(self, at: datetime) -> Iterator[None]:
        """It is this moment, for everything in this process."""
        with time_machine.travel(at, tick=True):
            yield

    def now(self) -> datetime:
        """What the clock says."""
        return datetime.now(UTC)

    # -- who is there ---------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Agencies, two centres each with a manager, and three assessors."""
        with self.services.runtime.database.write() as session:
            for number in range(AGENCIES):
                agency = people.ensure_organisation(session, key=f"agency-{number}", name=f"Agency {number}").id
                for place in range(2):
                    centre = people.add_centre(
                        session, organisation_id=agency, key=f"centre-{place}", name=f"Centre {place}", actor=OPERATOR
                    )
                    boss = self._person(session, f"manager-{number}-{place}")
                    people.grant_role(session, person_id=boss, role="manager", actor=OPERATOR)
                    people.join_centre(
                        session, person_id=boss, centre_id=centre.id, function="supervisor", actor=OPERATOR
                    )
                    self.centres.append((centre.id, agency, boss))
            for number in range(3):
                assessor = self._person(session, f"assessor-{number}")
                people.grant_role(session, person_id=assessor, role="assessor", actor=OPERATOR)
                self.assessors.append(assessor)
            self.framework = _framework(session)

    def join(self) -> None:
        """A specialist begins: known by an LMS, with an address of their own, on the staff of a centre."""
        number = len(self.folk)
        email = f"specialist-{number}@example.org"
        runtime = self.services.runtime
        with runtime.database.write() as session:
            person_id = self._person(session, f"specialist-{number}")
            asked = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
            code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
        people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)
        who = Specialist(person_id, email, number)
        self.folk.append(who)
        self.begin_work(who)

    def begin_work(self, who: Specialist, but_not_at: str | None = None) -> None:
        """They begin at a centre, of another agency than this one."""
        centre, agency, _boss = self.draw.choice([each for each in self.centres if each[1] != but_not_at])
        with self.services.runtime.database.write() as session:
            people.join_centre(
                session, person_id=who.person_id, centre_id=centre, function="specialist", actor=OPERATOR
            )
        who.work.append((self.now(), None, agency))

    def end_work(self, who: Specialist) -> None:
        """They leave; what they have stays theirs."""
        with self.services.runtime.database.write() as session:
            row = session.exec(
                select(MembershipRecord).where(
                    MembershipRecord.person_id == who.person_id,
                    MembershipRecord.ended_at == None,  # noqa: E711
                )
            ).one()
            people.end_membership(session, membership_id=row.id, actor=OPERATOR)
        begun, _open, agency = who.work[-1]
        who.work[-1] = (begun, self.now(), agency)

    # -- what they achieve ----------------------------------------------------------------------------------------

    def award(self, who: Specialist, key: str) -> BadgeFact:
        """A badge by a named person's decision, as a client of the API tells it."""
        runtime = self.services.runtime
        self.keys += 1
        award = ClientAward(
            achievement_key=key, email=who.email, name=None, did=None, decided_by_name=DECIDER,
            decided_by_role="assessor", awarded_at=None, results=(), override_reason=None,
        )  # fmt: skip
        fingerprint, *older = requests.fingerprints(runtime.secret_box, award)
        made = requests.issue_by_client(
            runtime.database, runtime.secret_box, runtime.settings.base_url, award=award, rights=RIGHTS,
            idempotency_key=f"award-{self.keys}", fingerprint=fingerprint, older_fingerprints=tuple(older),
        )  # fmt: skip
        fact = self._note(who, made.credential_id, key, DECIDER)
        if key not in BASIC:
            fact.rests_on = self._in_force(who, ("practitioner",))
        return fact

    def talk(self, who: Specialist, *, passed: bool) -> None:
        """The practice conversation, with an assessor."""
        with self.services.runtime.database.write() as session:
            rule = conversation(stacks.current_pathway(session, "practitioner"))
            assert rule is not None
            levels = {each.key: rule.minimum_level for each in rule.rubric.criteria}
            if not passed:
                levels[rule.rubric.criteria[0].key] = rule.minimum_level - 1
            pathways.record_conversation(
                session, person_id=who.person_id, pathway_key="practitioner", conversation_key=rule.key,
                held_on=self.now().date(), levels=levels, comment="", decided_by=self.draw.choice(self.assessors),
            )  # fmt: skip
        who.talks.append((self.now(), passed))

    def support(self, who: Specialist, pathway: str) -> None:
        """The manager of their centre gives their word for an advanced pathway."""
        with self.services.runtime.database.write() as session:
            (place,) = people.centres_of(session, who.person_id)
            boss = next(boss for centre, _agency, boss in self.centres if centre == place.id)
            pathways.confirm(
                session, person_id=who.person_id, pathway_key=pathway, confirmation_key="managers-support",
                by="manager", given_by=boss,
            )  # fmt: skip
        who.confirmed.setdefault(pathway, []).append((self.now(), None))

    def decide_proposals(self, chance: float) -> None:
        """An assessor looks at what the machine proposes, and awards some of it; the worker makes the badges."""
        with self.services.runtime.database.read() as session:
            waiting = reading.open_proposals(session)
        for each in waiting:
            if self.draw.random() >= chance:
                continue
            assessor = self.draw.choice(self.assessors)
            with self.services.runtime.database.write() as session:
                proposals.award(session, proposal_id=each.id, assessor_id=assessor)
            self.work()
            with self.services.runtime.database.read() as session:
                made = reading.stored(session, each.id).credential_id
            assert made is not None
            who = next(one for one in self.folk if one.person_id == each.person_id)
            fact = self._note(who, made, each.pathway_key, assessor)
            fact.rests_on = self._in_force(who, BASIC)

    def decide_flags(self, chance: float) -> None:
        """An assessor suspends some of what the machine proposes to suspend, and lifts what has been put right."""
        facts = {badge.credential_id: badge for who in self.folk for badge in who.badges}
        for flag in self.flags():
            fact, assessor = facts[flag.credential_id], self.draw.choice(self.assessors)
            is_suspended = bool(fact.suspended) and fact.suspended[-1][1] is None
            if flag.state == "proposed" and not is_suspended and self.draw.random() < chance:
                with self.services.runtime.database.write() as session:
                    deciding.suspend(session, flag.id, assessor_id=assessor, reason="What it rests on has ended.")
                fact.suspended.append((self.now(), None))
            elif flag.state == "suspended" and flag.mended_at is not None and is_suspended:
                with self.services.runtime.database.write() as session:
                    deciding.reinstate(session, flag.id, assessor_id=assessor, reason="It is in force again.")
                fact.suspended[-1] = (fact.suspended[-1][0], self.now())
        self.work()

    def flags(self) -> list[AwardFlag]:
        """All that the house has noted of what follows from the end of a badge."""
        with self.services.runtime.database.read() as session:
            rows = session.exec(select(AwardFlag).order_by(AwardFlag.id)).all()
        return list(rows)

    def revoke(self, fact: BadgeFact) -> None:
        """A badge was an error, and is taken back."""
        runtime = self.services.runtime
        issuer.revoke(
            runtime.database, runtime.secret_box, runtime.settings.base_url,
            credential_id=fact.credential_id, reason="Awarded in error.", actor=OPERATOR,
        )  # fmt: skip
        fact.revoked_at = self.now()
        self.revoked = fact

    def change_framework(self) -> None:
        """The framework gets a new version, in which one statement says something else."""
        with self.services.runtime.database.write() as session:
            programme.store(session, reworded(lasting()))
        with self.services.runtime.database.read() as session:
            after = _framework(session)
        assert after != self.framework
        self.framework = after

    def open_to(self, who: Specialist) -> list[str]:
        """The basic modules that somebody has not done yet and may do now, by the ledger."""
        with self.services.runtime.database.read() as session:
            before = {each.key: each.needed_before for each in programme.modules(session)}
        return [
            key
            for key in BASIC
            if not who.ever_held(key)
            and all(any(who.holds(each, self.now()) for each in group) for group in before[key])
        ]

    def is_met(self, who: Specialist, pathway: str) -> bool:
        """Whether all is there that a pathway asks for, by the ledger."""
        with self.services.runtime.database.read() as session:
            rule = stacks.current_pathway(session, pathway)
        return ledger.met(rule.rule, who, rule, self.now())

    # -- the worker -----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """The worker makes the deliveries of awards and pathways; mails are another matter."""
        wanted = [each for each in subscriptions(self.services) if each.name.startswith(WORKER_KINDS)]
        Worker(self.services.runtime.database, wanted).run_until_idle()

    def chores(self) -> None:
        """What the worker does now and then, in its order."""
        database = self.services.runtime.database
        standing.recompute_due(database)
        consequences.follow_time(database)
        self.work()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _in_force(self, who: Specialist, keys: Collection[str]) -> frozenset[str]:
        return frozenset(each.credential_id for each in who.badges if each.key in keys and each.in_force(self.now()))

    def _person(self, session: object, name: str) -> str:
        return people.person_for_lms_identity(
            session,  # type: ignore[arg-type]
            registration_id="lms", subject=name, name=name, email=None, organisation_id=None,
        ).id  # fmt: skip

    def _note(self, who: Specialist, credential_id: str, key: str, decided_by: str) -> BadgeFact:
        with self.services.runtime.database.read() as session:
            months = programme.current_achievement(session, key).validity_months
            row = session.get_one(Credential, credential_id)
            awarded_at, valid_until = row.awarded_at, row.valid_until
        assert valid_until is not None
        assert valid_until == months_later(awarded_at, months)
        assert abs(awarded_at - self.now()) < timedelta(seconds=30)
        fact = BadgeFact(key, credential_id, awarded_at, awarded_at, valid_until, decided_by, self.framework)
        who.badges.append(fact)
        return fact


def _framework(session: object) -> str:
    current = programme.current_programme(session)  # type: ignore[arg-type]
    return str(current.frameworks[0].version)
