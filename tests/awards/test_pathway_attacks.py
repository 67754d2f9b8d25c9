"""Ways to a badge, a suspension or a renewal that nobody should have, and moments at which a server may stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.awards import service as awards
from app.awards.consequences import deciding, jobs, reading
from app.awards.consequences.errors import FlagSettled, NotIndependentOfHolder
from app.awards.jobs import rests_on
from app.awards.proposals import asking, service
from app.awards.renewals import renewals_of
from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import erasing, issuing, suspending
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.schemas import IssueRequest
from app.pathways import service as pathways
from app.people import service as people
from app.people.models import MembershipRecord
from app.programme import service as programme
from app.programme.pathways import conversation
from app.programme.stacks import current_pathway
from app.wiring import Services
from tests.awards.conftest import Story
from tests.awards.proposing import PATHWAY, Way
from tests.awards.shelf import Shelf
from tests.pathways.house import CONFIRMATION, place

SAME_ADDRESS = "one.and.the.same@example.org"


def person(services: Services, name: str, *roles: str) -> str:
    with services.runtime.database.write() as session:
        found = people.person_for_lms_identity(
            session, registration_id="registration-1", subject=name, name=name, email=None, organisation_id=None
        ).id
        for role in roles:
            people.grant_role(session, person_id=found, role=role, actor=OPERATOR)  # type: ignore[arg-type]
    return found


def confirm(services: Services, person_id: str, email: str) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)


@pytest.fixture
def shelf(services: Services) -> Shelf:
    return Shelf(services, person(services, "Tess"))


@pytest.fixture
def way(story: Story) -> Way:
    return Way(story.services, story.tess, story.priya)


def test_an_assessor_with_a_second_record_does_not_decide_about_their_own_badge(shelf: Shelf) -> None:
    second = person(shelf.services, "Tess Elsewhere", "assessor")
    confirm(shelf.services, shelf.tess, SAME_ADDRESS)
    confirm(shelf.services, second, SAME_ADDRESS)
    shelf.ladder()
    shelf.revoke("M03")
    flag = shelf.flag("practitioner")
    with shelf.services.runtime.database.write() as session, pytest.raises(NotIndependentOfHolder):
        deciding.dismiss(session, flag.id, assessor_id=second, reason="It is mine.")
    with shelf.services.runtime.database.read() as session, pytest.raises(NotIndependentOfHolder):
        reading.one(session, flag.id, assessor_id=second)
    assert shelf.flag("practitioner").state == "proposed"


def test_a_holder_who_asks_to_confirm_an_assessors_address_keeps_nobody_from_deciding(shelf: Shelf) -> None:
    runtime, priya = shelf.services.runtime, person(shelf.services, "Priya", "assessor")
    confirm(shelf.services, priya, SAME_ADDRESS)
    with runtime.database.write() as session:
        people.request_email_confirmation(session, runtime.secret_box, person_id=shelf.tess, email=SAME_ADDRESS)
    shelf.ladder()
    shelf.revoke("M03")
    with runtime.database.write() as session:
        deciding.suspend(session, shelf.flag("practitioner").id, assessor_id=priya, reason="Its ground is revoked.")
    assert shelf.flag("practitioner").state == "suspended"


def test_a_suspension_for_another_reason_is_not_lifted_by_way_of_an_old_flag(shelf: Shelf) -> None:
    priya = person(shelf.services, "Priya", "assessor")
    shelf.ladder()
    shelf.revoke("M03")
    with shelf.services.runtime.database.write() as session:
        deciding.suspend(session, shelf.flag("practitioner").id, assessor_id=priya, reason="Its ground is revoked.")
    badge_id = shelf.badges["practitioner"].credential_id
    # An operator lifts it and suspends for what they found out, before a worker has looked.
    with shelf.services.runtime.database.write() as session:
        suspending.reinstate(session, badge_id, actor=OPERATOR)
        suspending.suspend(session, badge_id, reason="The work is not the holder's own.", actor=OPERATOR)
    flag = shelf.flag("practitioner")
    with shelf.services.runtime.database.write() as session, pytest.raises(FlagSettled):
        deciding.reinstate(session, flag.id, assessor_id=priya, reason="A favour.")
    shelf.work()
    assert shelf.flag("practitioner").state == "dismissed"
    with shelf.services.runtime.database.read() as session:
        assert issuer.stored_credential(session, badge_id).suspended_at is not None


def test_a_ground_that_is_revoked_while_the_badge_on_it_is_signed_is_asked_about(shelf: Shelf) -> None:
    runtime = shelf.services.runtime
    shelf.ladder()
    below = shelf.badges["practitioner"]
    with runtime.database.read() as session:
        version = programme.current_achievement(session, "X1").version
    request = IssueRequest(
        idempotency_key="test:slow", issuer_key="orygen", achievement_key="X1",
        achievement_version=version, person_id=shelf.tess, recipient_email=None,
        awarded_at=now() - timedelta(minutes=1), valid_until=now() + timedelta(days=900),
        related=((f"/credentials/{below.credential_id}/v1.json", below.digest),),
    )  # fmt: skip
    reserved = issuing.reserve(runtime.database, runtime.secret_box, runtime.settings.base_url, request)
    shelf.revoke("practitioner")  # and the worker has heard of it
    made = issuing.finish(runtime.database, runtime.secret_box, runtime.settings.base_url, reserved)
    shelf.work()
    jobs.follow_time(runtime.database)
    assert [flag.credential_id for flag in shelf.flags() if flag.credential_id == made.credential_id] != []
    assert jobs.follow_time(runtime.database) == 0


def test_an_award_of_which_a_ground_was_erased_before_the_badge_was_made_falls(way: Way) -> None:
    badges = way.earn(way.below())
    way.talk()
    proposal = way.propose()
    runtime = way.services.runtime
    with runtime.database.write() as session:
        service.award(session, proposal_id=proposal.id, assessor_id=way.assessor_id)
        awards.forget_award(session, badges["M03"])
        erasing.erase(session, runtime.secret_box, badges["M03"], actor=OPERATOR)
    way.work()
    assert way.badges() == ()
    assert {each.state for each in way.all()} == {"withdrawn"}


def test_two_conversations_do_not_renew_a_badge_twice_while_the_worker_sleeps(way: Way) -> None:
    way.earn(way.below())
    way.talk(days_ago=9)
    proposal = way.propose()
    with way.services.runtime.database.write() as session:
        service.award(session, proposal_id=proposal.id, assessor_id=way.assessor_id)
    way.work()
    (badge,) = way.badges()
    shorten(way, badge.id)
    way.talk(days_ago=1)
    first = way.propose()
    assert first.kind == "renewal"
    with way.services.runtime.database.write() as session:
        service.award(session, proposal_id=first.id, assessor_id=way.assessor_id)
    # Before the worker has made the new version another conversation is recorded.
    way.talk(level=4, days_ago=0)
    with way.services.runtime.database.write() as session:
        assert service.propose(session, way.person_id, "practitioner") == "nothing"
    way.work()
    with way.services.runtime.database.read() as session:
        assert len(renewals_of(session, badge.id)) == 1
    assert way.open() == ()


def shorten(way: Way, credential_id: str) -> None:
    """As if the badge had been awarded so long ago that it ends in a month."""
    with way.services.runtime.database.write() as session:
        session.execute(
            sa.update(Credential)
            .where(col(Credential.id) == credential_id)
            .values(valid_until=now().replace(microsecond=0) + timedelta(days=30))
        )


def test_a_badge_names_what_it_was_awarded_on_though_that_was_revoked_since_and_somebody_is_asked(
    shelf: Shelf,
) -> None:
    runtime = shelf.services.runtime
    shelf.ladder()
    decided_at = now()
    shelf.revoke("practitioner")
    with runtime.database.read() as session:
        info = programme.current_achievement(session, "X1")
        named = rests_on(session, shelf.tess, info, decided_at)
        assert not [path for path, _ in rests_on(session, shelf.tess, info, now()) if path.startswith("/credentials/")]
    assert named[0][0] == f"/credentials/{shelf.badges['practitioner'].credential_id}/v1.json"
    made = issuer.issue(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        IssueRequest(
            idempotency_key="test:late", issuer_key="orygen", achievement_key="X1", achievement_version=info.version,
            person_id=shelf.tess, recipient_email=None, awarded_at=decided_at,
            valid_until=now() + timedelta(days=900), related=named,
        ),
    )  # fmt: skip
    shelf.work()
    assert jobs.follow_time(runtime.database) == 1
    assert [flag.reason for flag in shelf.flags() if flag.credential_id == made.credential_id] == ["revoked"]


def test_of_several_conversations_of_one_day_the_last_word_is_on_the_badge_and_a_form_sent_twice_is_one(
    way: Way,
) -> None:
    way.earn(way.below())
    for level in (4, 3, 4, 3, 4):
        way.talk(level, days_ago=level)
    with way.services.runtime.database.read() as session:
        assert len(pathways.conversations_of(session, way.person_id)) == 2
    for level, comment in ((4, "a"), (3, "b"), (4, "c"), (4, "d"), (3, "e")):
        with way.services.runtime.database.write() as session:
            rule = conversation(current_pathway(session, PATHWAY))
            assert rule is not None
            last = pathways.record_conversation(
                session, person_id=way.person_id, pathway_key=PATHWAY, conversation_key=rule.key,
                held_on=now().date(), levels={each.key: level for each in rule.rubric.criteria}, comment=comment,
                decided_by=way.assessor_id,
            )  # fmt: skip
    assert way.propose().talk_id == last


def test_a_manager_who_has_left_reads_no_more_of_those_for_whom_they_gave_their_word(services: Services) -> None:
    north = place(services)
    with services.runtime.database.write() as session:
        asked = asking.ask(session, person_id=north.tess, pathway_key="mentor", confirmation_key=CONFIRMATION)
        asking.give(session, request_id=asked, given_by=north.marc)
    with services.runtime.database.read() as session:
        assert [each.id for each in asking.answered_by(session, north.marc)] == [asked]
    with services.runtime.database.write() as session:
        session.execute(
            sa.update(MembershipRecord).where(col(MembershipRecord.person_id) == north.marc).values(ended_at=now())
        )
    with services.runtime.database.read() as session:
        assert asking.answered_by(session, north.marc) == ()
