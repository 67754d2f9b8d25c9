"""The machine proposes the badge at the end of a pathway, a named person decides, and it is made exactly once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app.awards.proposals import jobs, service
from app.awards.proposals.errors import NoLongerMet, ProposalChanged, ProposalDecided, ProposalNotFound
from app.awards.proposals.events import ProposalAwarded
from app.awards.service import award_for_decision
from app.core import outbox
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.outbox import GiveUp
from app.issuer import service as issuer
from app.issuer.schemas import IssueRequest
from app.learning.marking_errors import NotAnAssessor, ReasonMissing
from app.pathways.errors import NotForYourself, TooNear
from app.people import service as people
from app.programme import service as programme
from app.programme.stacks import current_pathway
from app.vc import json_text
from tests.awards.conftest import Story
from tests.awards.proposing import PATHWAY, Way


@pytest.fixture
def way(story: Story) -> Way:
    """Tess, who has nothing yet, and Priya, who decides."""
    return Way(story.services, story.tess, story.priya)


def ready(way: Way) -> dict[str, str]:
    """Every badge and the conversation; the ids of the badges by module."""
    badges = way.earn(way.below())
    way.talk()
    return badges


def award(way: Way, proposal_id: str, **said: str) -> None:
    with way.services.runtime.database.write() as session:
        service.award(session, proposal_id=proposal_id, assessor_id=way.assessor_id, **said)


def actions(way: Way, *, about: str) -> list[tuple[str, str, str]]:
    with way.services.runtime.database.read() as session:
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.subject_id == about).order_by(AuditEntry.id)  # type: ignore[arg-type]
        ).all()
    return [(entry.action, entry.actor_kind, entry.actor_id) for entry in entries]


def test_nothing_is_proposed_while_a_step_is_open(way: Way) -> None:
    way.earn(way.below()[:-1])
    way.talk()
    way.changed()
    way.work()
    assert way.all() == ()


def test_a_rule_that_is_met_is_proposed_once_with_all_it_rests_on_and_nobody_gets_a_badge_by_it(way: Way) -> None:
    badges = ready(way)
    proposal = way.propose()
    way.changed()
    way.changed()
    way.work()
    assert way.open() == (proposal,)
    assert {(each.achievement, each.credential_id, each.version) for each in proposal.rests_on} == {
        (key, credential_id, 1) for key, credential_id in badges.items()
    }
    assert [level for _key, level in proposal.results] == [3, 3, 3, 3]
    assert (proposal.kind, proposal.pathway_key) == ("award", PATHWAY)
    assert way.badges() == ()
    assert actions(way, about=proposal.id) == [("awards.proposed", "system", "waymark")]


def test_a_proposal_whose_rule_is_no_longer_met_is_withdrawn_by_the_machine_with_the_reason(way: Way) -> None:
    badges = ready(way)
    way.propose()
    way.revoke(badges["M05"])
    way.changed()
    way.work()
    (proposal,) = way.all()
    assert (proposal.state, proposal.reason, proposal.decided_by) == ("withdrawn", "not_met", None)
    way.earn(["M05"])
    again = way.propose()
    assert again.id != proposal.id


def test_an_award_makes_the_badge_once_bound_to_exactly_what_it_rests_on(way: Way) -> None:
    badges = ready(way)
    proposal = way.propose()
    award(way, proposal.id, comment="Congratulations.", seen=proposal.facts)
    way.work()
    with way.services.runtime.database.write() as session:
        outbox.emit(session, ProposalAwarded(proposal.id, way.person_id))  # delivered a second time
    way.changed()
    way.work()
    (badge,) = way.badges()
    with way.services.runtime.database.read() as session:
        stored = issuer.stored_credential(session, badge.id)
        noted = award_for_decision(session, proposal.id)
        below = {key: issuer.stored_credential(session, credential_id) for key, credential_id in badges.items()}
    assert noted is not None
    assert noted.credential_id == badge.id
    document = json_text.loads(stored.document)
    named = {each["id"].rpartition("/credentials/")[2]: each["digestMultibase"] for each in document["relatedResource"]}
    for each in below.values():
        assert f"{each.id}/v1.json" in named
    assert [each["achievedLevel"] for each in document["credentialSubject"]["result"]] != []
    assert len(document["credentialSubject"]["result"]) == 4
    (decided,) = way.all()
    assert (decided.state, decided.credential_id, decided.decided_by) == ("awarded", badge.id, way.assessor_id)
    assert ("awards.proposal_awarded", "person", way.assessor_id) in actions(way, about=proposal.id)


def test_the_badge_names_the_versions_that_were_in_force_at_the_award_though_there_are_later_ones(way: Way) -> None:
    badges = ready(way)
    proposal = way.propose()
    award(way, proposal.id)
    runtime = way.services.runtime
    issuer.reissue(
        runtime.database, runtime.secret_box, runtime.settings.base_url, badges["M01"],
        recipient_email="tess@example.org",
    )  # fmt: skip
    way.work()
    (badge,) = way.badges()
    with runtime.database.read() as session:
        document = json_text.loads(issuer.stored_credential(session, badge.id).document)
    assert any(each["id"].endswith(f"{badges['M01']}/v1.json") for each in document["relatedResource"])


def test_an_award_whose_ground_was_revoked_before_the_badge_was_made_falls_and_no_badge_is_made(way: Way) -> None:
    badges = ready(way)
    proposal = way.propose()
    award(way, proposal.id)
    way.revoke(badges["M03"])
    way.work()
    assert way.badges() == ()
    assert [(each.state, each.reason) for each in way.all()] == [("withdrawn", "badge_ended")]
    assert actions(way, about=proposal.id)[-1] == ("awards.proposal_set_back", "system", "waymark")


def test_an_award_of_a_badge_that_came_in_another_way_meanwhile_falls_and_there_is_one_badge(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    award(way, proposal.id)
    runtime = way.services.runtime
    with runtime.database.read() as session:
        version = programme.current_achievement(session, PATHWAY).version
    by_api = issuer.issue(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        IssueRequest(
            idempotency_key="from another program", issuer_key="orygen",
            achievement_key=PATHWAY, achievement_version=version, person_id=way.person_id, recipient_email=None,
            awarded_at=now().replace(microsecond=0), valid_until=None,
        ),
    )  # fmt: skip
    way.work()
    assert [badge.id for badge in way.badges()] == [by_api.credential_id]
    assert [(each.state, each.reason) for each in way.all()] == [("withdrawn", "held")]


def test_two_who_award_at_once_make_one_decision_and_one_badge(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    refused: list[Exception] = []

    def decide() -> None:
        try:
            award(way, proposal.id)
        except ProposalDecided as error:
            refused.append(error)

    together = [threading.Thread(target=decide) for _ in range(2)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    way.work()
    assert len(refused) == 1
    assert len(way.badges()) == 1


def test_two_workers_that_hear_of_it_at_once_open_one_proposal(way: Way) -> None:
    ready(way)
    outcomes: list[str] = []

    def hear() -> None:
        with way.services.runtime.database.write() as session:
            outcomes.append(service.propose(session, way.person_id, PATHWAY))

    together = [threading.Thread(target=hear) for _ in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert sorted(outcomes) == ["opened", "stands", "stands", "stands"]
    assert len(way.open()) == 1


def test_what_was_declined_is_not_proposed_again_until_something_has_changed(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    with way.services.runtime.database.write() as session:
        service.decline(session, proposal_id=proposal.id, assessor_id=way.assessor_id, reason="Not the person I met.")
    way.changed()
    way.work()
    assert way.open() == ()
    assert way.badges() == ()
    way.talk(days_ago=0)
    assert way.propose().id != proposal.id


def test_what_was_declined_by_mistake_is_opened_again_by_a_persons_word(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    with way.services.runtime.database.write() as session:
        service.decline(session, proposal_id=proposal.id, assessor_id=way.assessor_id, reason="A slip.")
        again = service.propose_again(session, proposal_id=proposal.id, assessor_id=way.assessor_id)
    assert [each.id for each in way.open()] == [again]
    assert actions(way, about=again) == [("awards.proposed", "person", way.assessor_id)]


def test_a_proposal_is_declined_with_a_reason_or_not_at_all(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    with way.services.runtime.database.write() as session, pytest.raises(ReasonMissing):
        service.decline(session, proposal_id=proposal.id, assessor_id=way.assessor_id, reason="  ")
    assert len(way.open()) == 1


def test_nobody_decides_about_themselves_or_whom_they_manage_or_without_the_grant(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    with way.services.runtime.database.write() as session, pytest.raises(NotAnAssessor):
        service.award(session, proposal_id=proposal.id, assessor_id=way.person_id)
    with way.services.runtime.database.write() as session:
        people.grant_role(session, person_id=way.person_id, role="assessor", actor=OPERATOR)
    with way.services.runtime.database.write() as session, pytest.raises(NotForYourself):
        service.award(session, proposal_id=proposal.id, assessor_id=way.person_id)
    with way.services.runtime.database.write() as session:
        people.set_line(session, person_id=way.person_id, other_id=way.assessor_id, relation="mentor", actor=OPERATOR)
    for decide in (service.award, service.decline):
        said = {"reason": "x"} if decide is service.decline else {}
        with way.services.runtime.database.write() as session, pytest.raises(TooNear):
            decide(session, proposal_id=proposal.id, assessor_id=way.assessor_id, **said)  # type: ignore[operator]
    assert len(way.open()) == 1


def test_the_rule_is_looked_at_again_in_the_transaction_that_awards(way: Way) -> None:
    badges = ready(way)
    proposal = way.propose()
    way.revoke(badges["M02"])  # and the machine has not heard of it yet
    with way.services.runtime.database.write() as session, pytest.raises(NoLongerMet):
        service.award(session, proposal_id=proposal.id, assessor_id=way.assessor_id)
    assert way.badges() == ()


def test_an_assessor_awards_what_they_were_shown_or_is_asked_again(way: Way) -> None:
    badges = ready(way)
    proposal = way.propose()
    way.revoke(badges["M02"])
    way.earn(["M02"])
    with way.services.runtime.database.write() as session, pytest.raises(ProposalChanged):
        service.award(session, proposal_id=proposal.id, assessor_id=way.assessor_id, seen=proposal.facts)
    way.changed()
    way.work()
    (followed,) = way.open()
    assert followed.id == proposal.id
    assert followed.facts != proposal.facts
    award(way, proposal.id, seen=followed.facts)


def test_what_is_decided_is_decided(way: Way) -> None:
    ready(way)
    proposal = way.propose()
    award(way, proposal.id)
    with way.services.runtime.database.write() as session, pytest.raises(ProposalDecided):
        service.award(session, proposal_id=proposal.id, assessor_id=way.assessor_id)
    with way.services.runtime.database.write() as session, pytest.raises(ProposalDecided):
        service.decline(session, proposal_id=proposal.id, assessor_id=way.assessor_id, reason="Too late.")
    with way.services.runtime.database.write() as session, pytest.raises(ProposalNotFound):
        service.award(session, proposal_id="no-such", assessor_id=way.assessor_id)


def test_a_badge_that_is_held_is_not_proposed_and_one_that_was_revoked_only_after_something_new(way: Way) -> None:
    ready(way)
    award(way, way.propose().id)
    way.work()
    (badge,) = way.badges()
    way.talk(days_ago=0)
    way.changed()
    way.work()
    assert way.open() == (), "it is held, and far from its end"
    way.revoke(badge.id)
    way.changed()
    way.work()
    assert way.open() == (), "all of this was known when it was revoked"
    way.talk(4, days_ago=0)
    assert way.propose().kind == "award"


def test_a_revoked_badge_is_not_proposed_again_because_another_badge_below_is_a_new_one(way: Way) -> None:
    ready(way)
    award(way, way.propose().id)
    way.work()
    (badge,) = way.badges()
    way.revoke(badge.id)
    runtime = way.services.runtime
    with runtime.database.read() as session:
        below = next(each for each in issuer.credentials_of(session, way.person_id) if each.achievement_key == "M01")
    way.revoke(below.id)
    way.earn(["M01"])
    way.changed()
    way.work()
    assert way.open() == ()
    way.talk(days_ago=0)
    assert way.propose().kind == "award"


def held_until(way: Way, *, days: int) -> str:
    """Tess holds the practitioner's badge, and it ends in so many days."""
    runtime = way.services.runtime
    with runtime.database.read() as session:
        version = current_pathway(session, PATHWAY).version
    moment = (now() - timedelta(days=1000)).replace(microsecond=0)
    return issuer.issue(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        IssueRequest(
            idempotency_key="an earlier one", issuer_key="orygen", achievement_key=PATHWAY, achievement_version=version,
            person_id=way.person_id, recipient_email=None, awarded_at=moment,
            valid_until=moment + timedelta(days=1000 + days),
        ),
    ).credential_id  # fmt: skip


def test_a_fresh_conversation_about_a_badge_that_ends_soon_is_proposed_as_its_renewal(way: Way) -> None:
    badge_id = held_until(way, days=30)
    way.earn(way.below())
    way.changed()
    way.work()
    assert way.all() == (), "nothing fresh has been shown"
    way.talk(level=4)
    way.work()
    (proposal,) = way.open()
    assert (proposal.kind, proposal.credential_id) == ("renewal", badge_id)
    award(way, proposal.id)
    way.work()
    way.changed()
    way.work()
    (badge,) = way.badges()
    assert (badge.id, badge.version) == (badge_id, 2)
    assert badge.valid_until is not None
    assert badge.valid_until > now() + timedelta(days=1000)
    assert [each.state for each in way.all()] == ["awarded"]


def test_a_badge_far_from_its_end_is_not_proposed_for_renewal_whatever_conversation_is_held(way: Way) -> None:
    held_until(way, days=91)
    way.earn(way.below())
    way.talk()
    way.changed()
    way.work()
    assert way.all() == ()


def test_an_award_of_somebody_who_was_erased_is_given_up_without_a_badge(way: Way) -> None:
    deps = jobs.AwardDeps(
        way.services.runtime.database, way.services.runtime.secret_box, way.services.runtime.settings.base_url, "orygen"
    )
    handle = jobs.award_from_proposal(deps)
    delivery = outbox.Delivery("d", ProposalAwarded.KIND, {"proposal_id": "x", "person_id": "y"}, 1, now())
    with pytest.raises(GiveUp):
        handle(delivery)
