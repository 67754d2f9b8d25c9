"""From the decision about a renewal to the badge's next version: once, whatever happens in between."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlmodel import select

from app.awards import changes, renewal_offers, renewals
from app.awards.errors import NotRenewable
from app.awards.models import AwardRenewal
from app.awards.renewals import end_of, results_now
from app.awards.service import months_after
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox import Subscription, Worker
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.learning import service as learning
from app.learning.errors import NotReady
from app.learning.events import AwardDecided, RenewalDecided
from app.pathways import standing
from app.pathways.award_check import PathwaySteps
from app.programme import service as programme
from app.programme import stacks
from app.wiring import Services
from tests.awards.conftest import LEVELS, Story
from tests.programmes import IPS

SOON = timedelta(days=1)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Renewing:
    """Tess holds M01's badge, and its end is near."""

    story: Story
    badge: str
    end: datetime

    def begin(self) -> str:
        with self.story.deps.database.write() as session:
            (way,) = renewal_offers.offer(session, self.story.tess, self.badge).ways
            return renewal_offers.begin(
                session, person_id=self.story.tess, credential_id=self.badge, steps=way, organisation_id=None
            ).id

    def decide(self, level: int = 4) -> str:
        """Tess does the short check and the exercise, Priya awards; returns the decision."""
        submission_id = self.hand_in(level)
        with self.story.deps.database.write() as session:
            return learning.award(session, submission_id=submission_id, assessor_id=self.story.priya).id

    def revoke(self) -> None:
        """An operator takes the badge back."""
        deps = self.story.deps
        issuer.revoke(
            deps.database, deps.secret_box, deps.base_url, credential_id=self.badge, reason="x", actor=OPERATOR
        )

    def hand_in(self, level: int = 4) -> str:
        """Tess does the short check and the exercise, Priya marks; returns what was handed in."""
        enrolment_id = self.begin()
        database, priya = self.story.deps.database, self.story.priya
        with database.write() as session:
            module = learning.module_of(session, learning.enrolment(session, enrolment_id))
            for activity in module.activities:
                at = {"enrolment_id": enrolment_id, "person_id": self.story.tess, "activity_key": activity.key}
                if activity.kind == "knowledge_check":
                    right = {question.key: question.correct_key for question in activity.questions}
                    attempt = learning.start_attempt(session, **at)
                    answers = {asked.key: right[asked.key] for asked in attempt.questions}
                    learning.answer_attempt(session, attempt_id=attempt.id, person_id=self.story.tess, answers=answers)
                else:
                    texts = {item.key: "12" if item.kind == "count" else "Some words." for item in activity.fields}
                    texts |= {item.key: item.options[0].value for item in activity.fields if item.options}
                    learning.save_draft(session, **at, content=texts, base_revision=0)
            work = learning.submit(session, enrolment_id=enrolment_id, person_id=self.story.tess, declared=True)
            for criterion in module.rubric.criteria:
                learning.mark(
                    session, submission_id=work.id, assessor_id=priya, criterion_key=criterion.key, level=level
                )
            return work.id

    def work(self) -> None:
        handler = renewals.renew_from_decision(self.story.deps)
        worker = Worker(
            self.story.deps.database, [Subscription(RenewalDecided.KIND, "awards.renew_from_decision", handler)]
        )
        worker.run_until_idle()

    def row(self) -> Credential:
        with self.story.deps.database.read() as session:
            return session.get_one(Credential, self.badge)

    def offer(self) -> renewal_offers.RenewalOffer:
        with self.story.deps.database.read() as session:
            return renewal_offers.offer(session, self.story.tess, self.badge)

    def change(self, **values: Any) -> None:
        with self.story.deps.database.write() as session:
            row = session.get_one(Credential, self.badge)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)


@pytest.fixture
def renewing(story: Story) -> Renewing:
    """Thirty days before the end."""
    story.decide()
    story.work()
    badge = story.badge()
    found = Renewing(story, badge.id, (now() + timedelta(days=30)).replace(microsecond=0))
    found.change(valid_until=found.end)
    return found


def test_the_decision_gives_the_badge_its_next_version_with_the_fresh_levels(renewing: Renewing) -> None:
    before = renewing.row()
    decision_id = renewing.decide()
    renewing.work()
    after = renewing.row()
    assert (after.current_version, after.awarded_at) == (before.current_version + 1, before.awarded_at)
    assert after.valid_until == months_after(renewing.end, 36)  # renewed early, nothing is lost
    with renewing.story.deps.database.read() as session:
        module = programme.current_module(session, "M01")
        noted = session.exec(select(AwardRenewal)).one()
        again = {key for _, keys in module.renewal_criteria for key in keys}
    assert again
    assert dict(after.results) == {key: 4 if key in again else level for key, level in LEVELS.items()}
    assert after.achievement_version == module.version
    assert (noted.source, noted.version) == (f"decision:{decision_id}", after.current_version)
    assert (noted.decided_by_person_id, noted.decided_by_role) == (renewing.story.priya, "assessor")
    document = json.loads(renewing.story.badge().document)
    assert document["validUntil"].startswith(f"{after.valid_until:%Y-%m-%d}")


@pytest.mark.parametrize("has_first_end_passed", [False, True])
def test_a_correction_of_the_awards_date_leaves_the_end_that_a_renewal_gave(
    renewing: Renewing, has_first_end_passed: bool
) -> None:
    awarded = (now() - timedelta(days=1066)).replace(microsecond=0)
    renewing.change(awarded_at=awarded, reserved_at=awarded + timedelta(minutes=1))
    renewing.decide()
    renewing.work()
    before, deps = renewing.row(), renewing.story.deps
    moment = months_after(awarded, 36) + timedelta(days=5) if has_first_end_passed else now()
    with time_machine.travel(moment, tick=True):
        changes.correct_award(
            changes.Means(deps.database, deps.secret_box, deps.base_url, OPERATOR), renewing.badge,
            seen=before.current_version, results=None, awarded_at=awarded - timedelta(days=1), reason="A slip.",
            decider=changes.Decider("Somebody", "assessor"),
        )  # fmt: skip
    after = renewing.row()
    assert (after.awarded_at, after.valid_until) == (awarded - timedelta(days=1), before.valid_until)


@pytest.fixture
def asks_for_a_fresh_badge(services: Services, tmp_path: Path) -> str:
    """A pathway whose next version asks for a badge for M01 that is not older than a year; its key."""
    folder = Path(shutil.copytree(IPS, tmp_path / "ips"))
    file = folder / "pathways/mentor.yaml"
    text = file.read_text(encoding="utf-8")
    text = text.replace("    - practitioner\n", "    - practitioner\n    - {badge: M01, awardedWithinMonths: 12}\n")
    text = re.sub(r"(?m)^version: (\d+)$", lambda found: f"version: {int(found[1]) + 1}", text)
    file.write_text(text, encoding="utf-8")
    with services.runtime.database.write() as session:
        programme.store(session, programme.load_programme(folder))
    return "mentor"


def test_a_badge_that_is_renewed_is_as_good_as_one_awarded_lately_and_one_that_is_corrected_is_not(
    story: Story, worker: Worker, asks_for_a_fresh_badge: str
) -> None:
    database, deps = story.deps.database, story.deps
    story.decide()
    worker.run_until_idle()
    (summary,) = story.badges()
    renewing = Renewing(story, summary.id, now())
    first = renewing.row()
    assert first.valid_until is not None

    def told() -> str:
        with database.read() as session:
            return " ".join(each.detail for each in PathwaySteps().missing(session, story.tess, "X1"))

    def open_for() -> set[str]:
        worker.run_until_idle()
        assert standing.recompute_due(database) >= 0
        with database.read() as session:
            (found,) = standing.standings(session, pathway_key=asks_for_a_fresh_badge, person_ids=(story.tess,))
        return {step.reason for step in found.open_steps if step.key == "M01"}

    assert open_for() == set()
    with time_machine.travel(first.valid_until - timedelta(days=30), tick=True):
        assert open_for() == {"too_old"}
        assert "a badge for M01 awarded or renewed in the last twelve months." in told()
        changes.correct_award(
            changes.Means(deps.database, deps.secret_box, deps.base_url, OPERATOR), summary.id,
            seen=first.current_version, results=tuple((key, 4) for key in LEVELS), awarded_at=None, reason="A slip.",
            decider=changes.Decider("Somebody", "assessor"),
        )  # fmt: skip
        assert open_for() == {"too_old"}
        renewing.decide()
        assert open_for() == set()
        assert "a badge for M01" not in told()
    assert (renewing.row().current_version, renewing.row().awarded_at) == (first.current_version + 2, first.awarded_at)
    with time_machine.travel(first.valid_until + timedelta(days=340), tick=True):
        assert open_for() == {"too_old"}, "a year after the renewal"


def test_no_gradebook_and_no_first_award_is_told(renewing: Renewing) -> None:
    renewing.decide()
    with renewing.story.deps.database.read() as session:
        told = session.exec(select(OutboxEvent).where(OutboxEvent.kind == AwardDecided.KIND)).all()
    assert len(told) == 1  # that of the first award


def test_late_it_counts_from_the_decision(renewing: Renewing) -> None:
    with time_machine.travel(renewing.end + timedelta(days=100), tick=True):
        renewing.decide()
        renewing.work()
        renewed = renewing.row().valid_until
    assert renewed is not None
    assert renewed.date() == months_after(renewing.end + timedelta(days=100), 36).date()


@pytest.mark.parametrize("place", ["app.issuer.signing.secured", "app.issuer.renewing.store"])
def test_a_worker_that_dies_while_it_signs_or_stores_leaves_it_to_the_next(
    renewing: Renewing, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    renewing.decide()
    with monkeypatch.context() as patch:

        def die(*_args: object, **_more: object) -> None:
            raise Crash

        patch.setattr(place, die)
        with pytest.raises(Crash):
            renewing.work()
    assert renewing.row().current_version == 1
    with time_machine.travel(now() + timedelta(hours=2), tick=True):
        renewing.work()
    assert renewing.row().current_version == 2


def test_the_same_decision_delivered_again_renews_nothing(renewing: Renewing) -> None:
    renewing.decide()
    renewing.work()
    end = renewing.row().valid_until
    with renewing.story.deps.database.write() as session:
        for delivery in session.exec(select(OutboxDelivery)).all():
            delivery.state = "waiting"
            session.add(delivery)
    renewing.work()
    assert (renewing.row().valid_until, renewing.row().current_version) == (end, 2)


def test_a_badge_that_was_revoked_since_the_work_was_handed_in_is_not_awarded_again(renewing: Renewing) -> None:
    submission_id = renewing.hand_in()
    renewing.revoke()
    with renewing.story.deps.database.write() as session, pytest.raises(NotReady) as refused:
        learning.award(session, submission_id=submission_id, assessor_id=renewing.story.priya)
    assert [each.code for each in refused.value.missing] == ["badge_gone"]


def test_the_work_for_a_badge_that_was_revoked_is_not_taken_and_its_learner_is_told(renewing: Renewing) -> None:
    enrolment_id = renewing.begin()
    renewing.revoke()
    with renewing.story.deps.database.write() as session:
        assert [each.code for each in learning.progress(session, enrolment_id).needed_first] == ["badge_gone"]
        with pytest.raises(NotReady) as refused:
            learning.submit(session, enrolment_id=enrolment_id, person_id=renewing.story.tess, declared=True)
    assert "badge_gone" in [each.code for each in refused.value.missing]


def test_of_a_badge_that_was_revoked_meanwhile_nothing_is_renewed_and_somebody_is_told(renewing: Renewing) -> None:
    renewing.decide()
    renewing.revoke()
    renewing.work()
    assert renewing.row().current_version == 1
    with renewing.story.deps.database.read() as session:
        states = {row.state for row in session.exec(select(OutboxDelivery)).all()}
    assert "dead" in states


@pytest.mark.parametrize(
    ("days", "why"), [(91, "early"), (90, None), (0.5, None), (-300, None), (-366, "over")]
)  # fmt: skip
def test_it_can_be_renewed_from_90_days_before_its_end_until_twelve_months_after(
    renewing: Renewing, days: float, why: str | None
) -> None:
    renewing.change(valid_until=now() + timedelta(days=days) - timedelta(seconds=5))
    assert renewing.offer().why_not == why


def test_what_stands_in_the_way_is_named(renewing: Renewing) -> None:
    renewing.change(suspended_at=now())
    assert renewing.offer().why_not == "suspended"
    with pytest.raises(NotRenewable):
        renewing.begin()
    renewing.change(suspended_at=None, valid_until=None)
    assert renewing.offer().why_not == "no_end"
    renewing.change(state="revoked")
    assert renewing.offer().why_not == "revoked"
    with renewing.story.deps.database.read() as session:
        rule = stacks.current_pathway(session, "practitioner").version
    renewing.change(state="issued", valid_until=renewing.end, achievement_key="practitioner", achievement_version=rule)
    assert renewing.offer().why_not == "talk"


def test_once_it_is_decided_it_cannot_be_begun_again_before_the_badge_is_made(renewing: Renewing) -> None:
    renewing.decide()
    assert renewing.offer().why_not == "decided"
    renewing.work()
    found = renewing.offer()
    assert (found.why_not, found.underway) == ("early", None)
    assert found.renewed is not None


def test_a_calibration_set_whose_answers_were_shown_renews_nothing(renewing: Renewing) -> None:
    with renewing.story.deps.database.read() as session:
        version = programme.current_module(session, "X2a").version
    renewing.change(achievement_key="X2a", achievement_version=version)
    assert renewing.offer().why_not == "same_set"


def test_the_end_is_counted_from_the_decision_or_the_old_end_whichever_is_later() -> None:
    decided, end = datetime(2030, 1, 31, 12, tzinfo=UTC), datetime(2030, 3, 1, tzinfo=UTC)
    assert end_of(decided, end, 12) == datetime(2031, 3, 1, tzinfo=UTC)
    assert end_of(decided, end - timedelta(days=60), 12) == datetime(2031, 1, 31, 12, tzinfo=UTC)
    assert end_of(decided, None, 1) == datetime(2030, 2, 28, 12, tzinfo=UTC)


def test_an_earlier_level_stands_only_under_the_same_words(renewing: Renewing) -> None:
    with renewing.story.deps.database.read() as session:
        info = programme.achievement(session, "M01", programme.current_module(session, "M01").version)
    first, second, third, *_ = info.rubric.criteria
    reworded = replace(info, rubric=replace(info.rubric, criteria=(first, replace(second, title="Other"), third)))
    before = ((first.key, 3), (second.key, 3), (third.key, 3))
    assert results_now(before, info, ((third.key, 4),), reworded) == ((first.key, 3), (third.key, 4))
