"""Doing a module again: who may, and the new badge that comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from app.awards import doing_again, renewal_offers
from app.awards.doing_again import AgainOffer
from app.awards.service import forget_award, months_after
from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.schemas import IssueRequest
from app.learning import calibration, enrolments
from app.learning import service as learning
from app.learning.models import SubmissionRecord
from app.learning.renewal_errors import NotDoneAgain, RenewalOver
from app.learning.schemas import Enrolment
from app.programme import service as programme
from app.programme.schemas import Module
from tests.awards.conftest import Story
from tests.awards.test_renewals import Renewing

LONG_AGO = timedelta(days=-400)


@pytest.fixture
def held(story: Story) -> str:
    """Tess was awarded M01, and its badge is made; its id."""
    story.decide()
    story.work()
    (badge,) = story.badges()
    return badge.id


def offer(story: Story, at: datetime | None = None) -> AgainOffer | None:
    with story.deps.database.read() as session:
        return doing_again.offer(session, story.deps.secret_box, story.tess, "M01", at)


def begin(story: Story) -> Enrolment:
    with story.deps.database.write() as session:
        return doing_again.begin(
            session, story.deps.secret_box, person_id=story.tess, module_key="M01", organisation_id=None
        )


def stands(story: Story) -> tuple[str, str] | None:
    found = offer(story)
    return (found.state, found.why) if found is not None else None


def change(story: Story, badge: str, **values: Any) -> None:
    with story.deps.database.write() as session:
        row = session.get_one(Credential, badge)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)


def issue_by_client(story: Story) -> None:
    """Another badge of M01, as a client of the API has it issued."""
    deps = story.deps
    with deps.database.read() as session:
        version = programme.current_module(session, "M01").version
    issuer.issue(
        deps.database, deps.secret_box, deps.base_url,
        IssueRequest(
            idempotency_key="api:1", issuer_key="orygen", achievement_key="M01", achievement_version=version,
            person_id=story.tess, recipient_email=None, awarded_at=now().replace(microsecond=0),
            valid_until=now().replace(microsecond=0) + timedelta(days=300), actor=OPERATOR,
            decided_by_role="assessor",
        ),
    )  # fmt: skip


def revoke(story: Story, badge: str) -> None:
    deps = story.deps
    issuer.revoke(deps.database, deps.secret_box, deps.base_url, credential_id=badge, reason="x", actor=OPERATOR)


def test_while_the_badge_counts_there_is_nothing_to_do_again(story: Story, held: str) -> None:
    assert stands(story) is None
    with pytest.raises(NotDoneAgain):
        begin(story)


def test_nor_before_anything_was_handed_in_or_decided_or_the_badge_made(story: Story) -> None:
    assert stands(story) is None
    story.hand_in()
    assert stands(story) is None


def test_nor_between_the_decision_and_its_badge(story: Story) -> None:
    story.decide()
    assert stands(story) is None
    story.work()
    assert stands(story) is None


def test_after_a_revocation_the_module_leads_to_a_new_badge_beside_the_old_one(story: Story, held: str) -> None:
    revoke(story, held)
    assert stands(story) == ("open", "revoked")
    second = begin(story)
    assert second.is_again
    assert stands(story) == ("begun", "revoked")
    assert begin(story) == second
    story.decide()
    assert stands(story) is None, "its badge is about to be made"
    story.work()
    assert stands(story) is None
    states = sorted((badge.state, badge.id == held) for badge in story.badges())
    assert states == [("issued", False), ("revoked", True)]
    story.work()
    assert len(story.badges()) == 2


def test_the_second_badge_can_be_lost_too_and_a_third_time_follows(story: Story, held: str) -> None:
    for _ in range(2):
        (counting,) = [badge.id for badge in story.badges() if badge.state == "issued"]
        revoke(story, counting)
        begin(story)
        story.decide()
        story.work()
    assert len(story.badges()) == 3
    assert stands(story) is None


@pytest.mark.parametrize(("days", "state"), [(-1, None), (-360, None), (-370, ("open", "ended"))])
def test_what_ended_can_be_renewed_for_twelve_months_and_is_done_again_after(
    story: Story, held: str, days: int, state: tuple[str, str] | None
) -> None:
    change(story, held, valid_until=now() + timedelta(days=days))
    assert stands(story) == state


def test_a_suspended_badge_may_come_back_unless_it_ended_long_ago(story: Story, held: str) -> None:
    change(story, held, suspended_at=now())
    assert stands(story) is None
    change(story, held, valid_until=now() + LONG_AGO)
    assert stands(story) == ("open", "ended")


def test_another_badge_of_the_module_that_counts_is_enough(story: Story, held: str) -> None:
    issue_by_client(story)
    revoke(story, held)
    assert stands(story) is None
    (other,) = [badge.id for badge in story.badges() if badge.id != held]
    change(story, other, valid_until=now() + LONG_AGO)
    assert stands(story) is not None


def test_of_a_badge_that_was_erased_the_module_can_be_done_again(story: Story, held: str) -> None:
    with story.deps.database.write() as session:
        forget_award(session, held)
        issuer.erase(session, story.deps.secret_box, held, actor=OPERATOR)
    assert stands(story) == ("open", "erased")
    begin(story)
    story.decide()
    story.work()
    assert len(story.badges()) == 1


def test_marks_that_were_shown_are_not_asked_again(story: Story, held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    revoke(story, held)
    monkeypatch.setattr(doing_again, "_is_same_set", lambda *_: True)
    assert stands(story) == ("same_set", "revoked")
    with pytest.raises(NotDoneAgain):
        begin(story)


def test_a_set_was_shown_in_every_round_that_was_decided_renewals_too(
    story: Story, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = now() + timedelta(days=30)
    change(story, held, valid_until=end)
    renewing = Renewing(story, held, end)
    with story.deps.database.read() as session:
        x2a, plain = programme.current_module(session, "X2a"), programme.current_module(session, "M01")
    assert x2a.calibration is not None
    first = x2a.calibration.version

    def module_of_work(_session: object, row: SubmissionRecord) -> Module:
        assert x2a.calibration is not None
        version = first if row.renewal_steps is None else first + 1
        return replace(x2a, calibration=replace(x2a.calibration, version=version))

    def shown(but_of: str | None = None) -> frozenset[int]:
        with story.deps.database.read() as session:
            return calibration.sets_shown(session, story.tess, "M01", but_of=but_of)

    assert shown() == frozenset(), "a module without a set"
    monkeypatch.setattr(calibration, "module_of_work", module_of_work)
    assert shown() == {first}
    submission_id = renewing.hand_in()
    assert shown() == {first}, "not before it is decided"
    with story.deps.database.write() as session:
        learning.return_work(session, submission_id=submission_id, assessor_id=story.priya, comment="More, please.")
        enrolment_id = session.get_one(SubmissionRecord, submission_id).enrolment_id
        newest = replace(x2a.calibration, version=first + 1)
        again = replace(plain, calibration=newest)
        assert doing_again._is_same_set(session, story.tess, again)
        assert not doing_again._is_same_set(session, story.tess, plain)
    assert shown() == {first, first + 1}
    assert shown(but_of=enrolment_id) == {first}


def test_a_renewal_that_came_back_and_was_left_keeps_nobody_from_the_module(story: Story, held: str) -> None:
    end = now() + timedelta(days=30)
    change(story, held, valid_until=end)
    renewing = Renewing(story, held, end)
    submission_id = renewing.hand_in()
    with story.deps.database.write() as session:
        learning.return_work(session, submission_id=submission_id, assessor_id=story.priya, comment="More, please.")
    assert stands(story) is None
    with time_machine.travel(months_after(end, 12) + timedelta(days=1), tick=True):
        assert renewing.offer().why_not is None, "it may be handed in once more"
        assert stands(story) == ("open", "ended"), "or the module done again"
        begin(story)
        assert renewing.offer().why_not == "over"
        with story.deps.database.read() as session:
            enrolment_id = session.get_one(SubmissionRecord, submission_id).enrolment_id
        with story.deps.database.write() as session, pytest.raises(RenewalOver):
            learning.submit(session, enrolment_id=enrolment_id, person_id=story.tess, declared=True)


def test_a_renewal_in_its_time_is_handed_in_also_beside_a_second_time(story: Story, held: str) -> None:
    """As where the second time came with another record of the same person."""
    end = now() + timedelta(days=30)
    change(story, held, valid_until=end)
    renewing = Renewing(story, held, end)
    renewing.begin()
    with story.deps.database.write() as session:
        module = programme.current_module(session, "M01")
        enrolments.begin_again(session, person_id=story.tess, module=module, organisation_id=None)
    assert renewing.offer().why_not is None
    assert renewing.hand_in()


def test_a_badge_that_came_another_way_meanwhile_is_told_beside_the_second_time(story: Story, held: str) -> None:
    revoke(story, held)
    begin(story)
    first = offer(story)
    assert first is not None
    assert first.counting is None
    issue_by_client(story)
    found = offer(story)
    assert found is not None
    assert (found.state, found.counting is not None) == ("begun", True)
    with story.deps.database.read() as session:
        told = {each.badge.id: each.why_not for each in renewal_offers.offers(session, story.tess)}
    assert told[held] == "replaced"


def test_a_renewal_that_was_handed_in_in_time_is_decided_first(story: Story, held: str) -> None:
    end = now() + timedelta(days=30)
    change(story, held, valid_until=end)
    renewing = Renewing(story, held, end)
    submission_id = renewing.hand_in()
    with time_machine.travel(months_after(end, 12) + timedelta(days=1), tick=True):
        found = renewing.offer()
        assert (found.why_not, found.stage) == (None, "handed_in")
        assert stands(story) is None
        with story.deps.database.write() as session:
            learning.award(session, submission_id=submission_id, assessor_id=story.priya)
        assert renewing.offer().why_not == "decided"
        assert stands(story) is None


def test_a_renewal_that_was_never_handed_in_keeps_nobody_from_doing_the_module_again(story: Story, held: str) -> None:
    end = now() + timedelta(days=30)
    change(story, held, valid_until=end)
    renewing = Renewing(story, held, end)
    renewing.begin()
    with time_machine.travel(months_after(end, 12) + timedelta(days=1), tick=True):
        assert renewing.offer().why_not == "over"
        second = begin(story)
    assert second.number == 2
    with story.deps.database.read() as session:
        assert [each.why_not for each in renewal_offers.offers(session, story.tess)] == [None]
