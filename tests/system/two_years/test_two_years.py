"""Two hundred specialists, two years: what the house says of each is what follows from what happened, and no more.

They join, leave and move between agencies; badges expire and are renewed by new ones, one is revoked, the framework is
worded anew. Every few weeks everybody's place on every pathway, every proposal and every flag is compared with what the
ledger says, which is worked out by other means.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.awards.models import Award
from app.awards.proposals import reading
from app.config import Settings
from app.core import migrations
from app.issuer.models import Credential
from app.pathways import standing
from app.programme import service as programme
from app.programme import stacks
from app.wiring import Services, bind, prepare
from tests.conftest import TEST_SECRET
from tests.system.two_years import framework, ledger
from tests.system.two_years.ledger import Specialist
from tests.system.two_years.village import BASIC, BEGIN, PERSONS, SEED, WEEK, WEEKS, Village

LOOK_EVERY = 8  # weeks
REWORDED_IN, REVOKED_IN = 52, 84
FAIR_NOTICE = timedelta(days=14)
ADVANCED = (("mentor", "X1"), ("research-evaluation", "X3"), ("advocacy-implementation", "X4"))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A house of its own on SQLite: what differs on PostgreSQL is tested rule by rule, in seconds."""
    settings = Settings(
        env="development", base_url="http://tool.localhost:8000", data_dir=tmp_path, secret_key=TEST_SECRET
    )
    services = bind(settings)
    migrations.migrate(services.runtime.database)
    prepare(services)
    yield services
    services.runtime.database.dispose()


@pytest.mark.slow
def test_two_years_of_two_hundred_specialists(services: Services) -> None:
    village = Village(services, random.Random(SEED))
    with services.runtime.database.write() as session:
        programme.store(session, framework.lasting())
    for week in range(WEEKS):
        with village.clock(BEGIN + week * WEEK):
            if week == 0:
                village.settle()
            live(village, week)
            village.work()
            village.chores()
            village.decide_proposals(0.6)
            village.decide_flags(0.3)
        if week % LOOK_EVERY == LOOK_EVERY - 1 or week == WEEKS - 1:
            with village.clock(BEGIN + week * WEEK + timedelta(days=1, hours=5)):
                village.chores()
                look(village)
    assert len(village.folk) == PERSONS
    at_the_end(village)


def live(village: Village, week: int) -> None:
    """What happens in a week."""
    if week == REWORDED_IN:
        village.change_framework()
    due = min(PERSONS, (week + 1) * 5)
    while len(village.folk) < due:
        village.join()
    for who in village.folk:
        chance = village.draw.random()
        if who.is_in_post and chance < 0.004:
            village.end_work(who)
        elif who.is_in_post and chance < 0.012:
            agency = who.work[-1][2]
            village.end_work(who)
            village.begin_work(who, but_not_at=agency)
        elif not who.is_in_post and chance < 0.05:
            village.begin_work(who)
        achieve(village, who)
    if week >= REVOKED_IN and village.revoked is None:
        holder = next(
            one
            for one in village.folk
            if one.holds("practitioner", village.now()) and one.ever_held_any(key for _pathway, key in ADVANCED)
        )
        village.revoke(next(badge for badge in holder.badges if badge.key == "M03"))


def achieve(village: Village, who: Specialist) -> None:
    """What one person gets done in a week, if anything."""
    at, draw = village.now(), village.draw
    pace = 0.5 if who.number % 8 == 0 else 0.013
    if not who.is_in_post or draw.random() >= pace:
        return
    if is_time_to_renew(who, at):
        if who.number % 3 and draw.random() < 0.7:
            village.award(who, "M07")
        return
    if not all(who.ever_held(key) for key in BASIC):
        if missing := village.open_to(who):
            village.award(who, draw.choice(missing))
    elif not any(passed for _on, passed in who.talks):
        village.talk(who, passed=draw.random() < 0.8)
    elif who.holds("practitioner", at):
        pathway, key = draw.choice(ADVANCED)
        if pathway not in who.confirmed:
            village.support(who, pathway)
        elif not who.ever_held(key) and village.is_met(who, pathway):
            village.award(who, key)


def is_time_to_renew(who: Specialist, at: datetime) -> bool:
    """Whether the badge for payments, which lasts a year, ends within 60 days or has ended."""
    last = max((badge.valid_until for badge in who.badges if badge.key == "M07"), default=None)
    return last is not None and last - at < timedelta(days=60)


def look(village: Village) -> None:
    """Compare everybody's place on every pathway, every proposal and every flag with the ledger."""
    at = datetime.now(UTC)
    with village.services.runtime.database.read() as session:
        pathways = stacks.pathways(session)
        told = {(each.person_id, each.pathway_key): each for each in standing.standings(session)}
        proposed = Counter(each.person_id for each in reading.open_proposals(session))
    for who in village.folk:
        for pathway in pathways:
            expected = ledger.state(pathway, who, at)
            found = told.get((who.person_id, pathway.key))
            assert (found.state if found else "not_begun") == expected, (who, pathway.key, at)
            if found is not None:
                named = {"time" if each.kind == "time_in_role" else each.key for each in found.open_steps}
                is_met = ledger.met(pathway.rule, who, pathway, at)
                assert named == (set() if is_met else ledger.open_keys(pathway, who, at)), (who, pathway.key, at)
        practitioner = next(each for each in pathways if each.key == "practitioner")
        assert proposed[who.person_id] == (ledger.state(practitioner, who, at) == "met"), (who, at)
    look_at_flags(village, at)


def look_at_flags(village: Village, at: datetime) -> None:
    """What follows from the end of a badge, by what the programme declares: nobody is forgotten or asked too early."""
    expected = {}
    for who in village.folk:
        expected |= ledger.ended_grounds(who, at)
    live = [flag for flag in village.flags() if flag.state not in ("cleared", "dismissed") and flag.mended_at is None]
    told = {(flag.credential_id, flag.because_credential_id): flag for flag in live}
    assert set(told) == set(expected), at
    for pair, flag in told.items():
        how, since = expected[pair]
        assert flag.reason == how
        if how != "expired":
            assert flag.state in (("proposed", "suspended") if how == "revoked" else ("open",))
            assert abs(flag.since - since) < timedelta(minutes=1)
            continue
        due = max(since + ledger.GRACE, flag.opened_at + FAIR_NOTICE)
        assert flag.since == since
        assert flag.due_at is not None
        assert abs(flag.due_at - due) < timedelta(minutes=1)
        assert flag.opened_at - since < WEEK + timedelta(days=1)
        assert flag.state in (("grace",) if at < due else ("proposed", "suspended")), (flag, at)
    village.flags_seen |= {(flag.reason, flag.state) for flag in live}


def at_the_end(village: Village) -> None:
    """Every badge is somebody's decision, none is there twice, and the framework it was judged by is on record."""
    with village.services.runtime.database.read() as session:
        rows = session.exec(select(Credential)).all()
        awards = {row.credential_id: row for row in session.exec(select(Award)).all()}
    facts = {badge.credential_id: (who, badge) for who in village.folk for badge in who.badges}
    assert {row.id for row in rows} == set(facts)
    for row in rows:
        who, badge = facts[row.id]
        assert (row.person_id, row.achievement_key) == (who.person_id, badge.key)
        assert row.framework_version == badge.framework, badge
        award = awards[row.id]
        assert (award.decided_by_name or award.decided_by_person_id) == badge.decided_by
        assert (row.state == "revoked") == (badge.revoked_at is not None)
    assert {"practitioner", *(key for _pathway, key in ADVANCED)} <= {badge.key for _who, badge in facts.values()}
    assert {("expired", "grace"), ("expired", "suspended"), ("suspended", "open")} <= village.flags_seen, (
        village.flags_seen
    )
    assert "revoked" in {reason for reason, _state in village.flags_seen}
    assert any(badge.suspended for _who, badge in facts.values())
    twice = Counter((who.person_id, badge.key) for who, badge in facts.values() if badge.key != "M07")
    assert [each for each, count in twice.items() if count > 1] == []
