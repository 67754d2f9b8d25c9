"""What follows for a badge when one that it rests on ends: once, on time, and by a named person's decision."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.awards import service as awards
from app.awards.consequences import deciding, following, jobs, reading
from app.awards.consequences.errors import (
    FlagNotFound,
    FlagSettled,
    NoteNeeded,
    NotIndependentOfHolder,
    OwnBadge,
    WaitRefused,
)
from app.awards.consequences.events import GraceBegan
from app.awards.consequences.models import AwardFlag
from app.core import metrics
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox_models import OutboxEvent
from app.issuer import listing, suspending
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.learning.marking_errors import NotAnAssessor
from app.people import service as people
from app.people.lines import set_line
from app.programme import service as programme
from app.programme import stacks
from app.programme.documents import pathway_with_digest
from app.programme.pathways import Consequence, Consequences
from app.wiring import Services

from .shelf import BASIC, DAY, YEARS, Shelf


@pytest.fixture
def shelf(services: Services) -> Shelf:
    with services.runtime.database.write() as session:
        tess = people.person_for_lms_identity(
            session, registration_id="registration-1", subject="Tess", name="Tess", email=None, organisation_id=None
        ).id
    return Shelf(services, tess)


def test_a_badge_below_that_expires_begins_a_grace_of_ninety_days_from_its_end_and_tells_the_holder_once(
    shelf: Shelf,
) -> None:
    shelf.ladder(m07=10 * DAY)
    assert shelf.after(9.99) == 0
    assert shelf.after(10) == 1
    flag = shelf.flag("practitioner")
    assert (flag.state, flag.reason, flag.consequence) == ("grace", "expired", "grace")
    assert flag.because_credential_id == shelf.badges["M07"].credential_id
    assert flag.person_id == shelf.tess
    assert flag.due_at == shelf.began + 100 * DAY
    assert (flag.pathway_key, flag.decided_by) == ("practitioner", None)
    assert [shelf.after(days) for days in (10, 11, 99.9)] == [0, 0, 0]
    assert shelf.told() == 1
    assert len(shelf.audited("flag_opened")) == 1


def test_when_the_grace_is_over_an_assessor_is_asked_once_and_nothing_is_suspended(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    shelf.after(10)
    assert [shelf.after(days) for days in (99.9, 100, 100, 200)] == [0, 1, 0, 0]
    assert shelf.flag("practitioner").state == "proposed"
    assert len(shelf.audited("suspension_proposed")) == 1
    with shelf.services.runtime.database.read() as session:
        assert issuer.stored_credential(session, shelf.badges["practitioner"].credential_id).suspended_at is None


def test_a_worker_that_slept_long_still_gives_fair_notice(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    assert shelf.after(300) == 1
    flag = shelf.flag("practitioner")
    assert (flag.state, flag.due_at) == ("grace", shelf.began + 314 * DAY)


def test_a_revoked_badge_below_asks_an_assessor_at_once_and_only_about_what_names_it(shelf: Shelf) -> None:
    shelf.ladder()
    shelf.revoke("M03")
    flag = shelf.flag("practitioner")
    assert (flag.state, flag.reason, flag.due_at) == ("proposed", "revoked", None)
    assert shelf.flags("X1") == []
    assert shelf.told() == 0


def test_what_ends_a_badge_in_the_middle_goes_on_to_the_one_above(shelf: Shelf) -> None:
    shelf.ladder()
    shelf.suspend("practitioner")
    flag = shelf.flag("X1")
    assert (flag.state, flag.reason, flag.pathway_key) == ("open", "suspended", "mentor")


def test_the_ground_in_force_again_clears_it(shelf: Shelf) -> None:
    shelf.ladder()
    shelf.suspend("practitioner")
    shelf.reinstate("practitioner")
    assert shelf.flag("X1").state == "cleared"
    assert len(shelf.audited("flag_cleared")) == 1
    shelf.suspend("practitioner")
    assert sorted(flag.state for flag in shelf.flags("X1")) == ["cleared", "open"]


def test_the_same_badge_earned_anew_clears_it(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    shelf.after(10)
    shelf.issue("M07")
    assert shelf.after(11) == 1
    assert shelf.flag("practitioner").state == "cleared"
    assert shelf.after(12) == 0


def test_it_begins_again_when_what_took_its_place_ends_too(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    shelf.after(10)
    shelf.issue("M07", lasts=50 * DAY)
    shelf.after(11)
    assert shelf.after(50) == 1
    flag = shelf.flag("practitioner")
    assert (flag.state, flag.opened_at) == ("grace", shelf.began + 50 * DAY)
    assert shelf.told() == 2


def test_expired_first_and_revoked_then_is_two_ends_of_which_one_waits(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    shelf.after(10)
    shelf.revoke("M07")
    assert {flag.reason: flag.state for flag in shelf.flags("practitioner")} == {
        "expired": "cleared", "revoked": "proposed",
    }  # fmt: skip


def test_a_badge_that_has_ended_itself_waits_for_nobody(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    shelf.after(10)
    shelf.revoke("practitioner")
    assert shelf.flag("practitioner").state == "cleared"
    assert shelf.flag("X1").reason == "revoked"


def test_a_badge_that_names_nothing_is_judged_by_its_rule_from_its_award_on(shelf: Shelf) -> None:
    for key in BASIC:
        shelf.issue(key, lasts=10 * DAY if key == "M07" else YEARS)
    shelf.revoke("M02")
    shelf.issue("practitioner")  # whoever awarded it knew of M02
    assert shelf.after(5) == 0
    assert shelf.after(10) == 1
    assert shelf.flag("practitioner").because_credential_id == shelf.badges["M07"].credential_id


def test_a_badge_of_nobody_known_here_is_followed_by_what_names_it(shelf: Shelf) -> None:
    shelf.issue("M01", lasts=10 * DAY, person_id=None)
    shelf.issue("practitioner", on=("M01",), person_id=None)
    shelf.issue("M02", lasts=10 * DAY, person_id=None)
    assert shelf.after(10) == 1
    flag = shelf.flag("practitioner")
    assert (flag.state, flag.person_id) == ("grace", None)
    assert shelf.told() == 0
    shelf.revoke("M01")
    assert {each.state for each in shelf.flags("practitioner")} == {"cleared", "proposed"}


def test_where_nothing_is_declared_to_follow_nothing_does(shelf: Shelf) -> None:
    with shelf.services.runtime.database.write() as session:
        pathway = stacks.current_pathway(session, "practitioner")
        nothing = Consequences(*(Consequence("nothing"),) * 3)
        changed = pathway_with_digest(replace(pathway, version=pathway.version + 1, consequences=nothing))
        programme.store(session, replace(programme.current_programme(session), pathways=(changed,)))
    shelf.ladder(m07=10 * DAY)
    assert shelf.after(10) == 0
    shelf.revoke("M01")
    assert shelf.flags() == []


def test_a_badge_is_judged_by_the_version_that_it_was_awarded_by(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    with shelf.services.runtime.database.write() as session:
        pathway = stacks.current_pathway(session, "practitioner")
        nothing = Consequences(*(Consequence("nothing"),) * 3)
        changed = pathway_with_digest(replace(pathway, version=pathway.version + 1, consequences=nothing))
        programme.store(session, replace(programme.current_programme(session), pathways=(changed,)))
    assert shelf.after(10) == 1
    assert shelf.flag("practitioner").pathway_version == pathway.version


def test_many_workers_at_once_note_an_end_once(shelf: Shelf) -> None:
    shelf.ladder(m07=10 * DAY)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(shelf.after, [10] * 4))
    assert sum(counts) == 1
    assert len(shelf.flags()) == 1
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(shelf.after, [100] * 4)) == 1
    assert len(shelf.audited("suspension_proposed")) == 1


def test_a_clock_that_was_ahead_hides_no_end(shelf: Shelf) -> None:
    shelf.issue("M01", lasts=400 * DAY)
    shelf.after(500)
    shelf.ladder(m07=10 * DAY)
    assert shelf.after(10) == 1


def test_many_ends_at_one_moment_are_all_seen(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    for key in BASIC:
        shelf.issue(key, lasts=10 * DAY)
    shelf.issue("practitioner", on=BASIC)
    assert shelf.after(10) == len(BASIC)
    assert len(shelf.flags("practitioner")) == len(BASIC)


@dataclass
class Desk:
    """Priya, who is an assessor, and what waits for her."""

    shelf: Shelf
    priya: str

    def decide(self, what: str, flag: AwardFlag, *, by: str | None = None, **more: object) -> None:
        with self.shelf.services.runtime.database.write() as session:
            getattr(deciding, what)(session, flag.id, assessor_id=by or self.priya, **{"reason": "A reason.", **more})
        self.shelf.work()

    def waiting(self, by: str | None = None) -> tuple[reading.Flag, ...]:
        with self.shelf.services.runtime.database.read() as session:
            return reading.waiting(session, assessor_id=by or self.priya)

    def standing(self, key: str) -> str:
        with self.shelf.services.runtime.database.read() as session:
            return listing.badge(session, self.shelf.badges[key].credential_id, now()).standing


@pytest.fixture
def desk(shelf: Shelf) -> Desk:
    shelf.ladder(m07=10 * DAY)
    with shelf.services.runtime.database.write() as session:
        priya = people.person_for_lms_identity(
            session, registration_id="registration-1", subject="Priya", name="Priya", email=None, organisation_id=None
        ).id
        for who in (priya, shelf.tess):
            people.grant_role(session, person_id=who, role="assessor", actor=OPERATOR)
    return Desk(shelf, priya)


def test_a_named_person_suspends_and_what_rests_on_that_badge_is_asked_about_in_turn(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    flag = desk.shelf.flag("practitioner")
    desk.decide("suspend", flag)
    assert desk.standing("practitioner") == "suspended"
    settled = desk.shelf.flag("practitioner")
    assert (settled.state, settled.decided_by, settled.note) == ("suspended", desk.priya, "A reason.")
    (entry,) = desk.shelf.audited("suspended_for_its_ground")
    assert (entry.actor_kind, entry.actor_id) == ("person", desk.priya)
    assert "A reason." not in str(entry.ids)
    assert desk.shelf.flag("X1").reason == "suspended"
    assert desk.standing("X1") == "issued"


def test_one_suspension_answers_all_that_waits_about_a_badge_and_ends_once_all_is_mended(desk: Desk) -> None:
    desk.shelf.suspend("M03")
    desk.shelf.revoke("M04")
    desk.decide("suspend", next(each for each in desk.shelf.flags("practitioner") if each.reason == "revoked"))
    assert {each.state for each in desk.shelf.flags("practitioner")} == {"suspended"}
    desk.shelf.reinstate("M03")
    assert all(each.mended_at is None for each in desk.shelf.flags("practitioner"))
    desk.shelf.issue("M04")
    assert desk.shelf.after(1) == 2
    assert all(each.mended_at is not None for each in desk.shelf.flags("practitioner"))
    assert all(each.waits_for_reinstatement for each in desk.waiting() if each.badge_key == "practitioner")


def test_when_the_cause_is_mended_the_end_of_the_suspension_is_proposed_and_a_person_ends_it(desk: Desk) -> None:
    desk.shelf.suspend("M03")
    desk.decide("suspend", desk.shelf.flag("practitioner"))
    desk.shelf.reinstate("M03")
    assert desk.shelf.flag("practitioner").mended_at is not None
    assert desk.standing("practitioner") == "suspended"
    desk.shelf.suspend("M03")
    assert desk.shelf.flag("practitioner").mended_at is None
    desk.shelf.reinstate("M03")
    desk.decide("reinstate", desk.shelf.flag("practitioner"))
    assert desk.standing("practitioner") == "issued"
    assert desk.shelf.flag("practitioner").state == "cleared"
    assert desk.shelf.flag("X1").state == "cleared"


def test_what_was_let_stand_does_not_keep_up_a_suspension_that_came_from_something_else(desk: Desk) -> None:
    desk.shelf.after(12)
    desk.decide("dismiss", desk.shelf.flag("practitioner"))
    desk.shelf.suspend("M03")
    desk.decide("suspend", next(each for each in desk.shelf.flags("practitioner") if each.reason == "suspended"))
    with desk.shelf.services.runtime.database.write() as session:
        suspending.reinstate(session, desk.shelf.badges["M03"].credential_id, actor=OPERATOR)
    desk.shelf.after(13)
    (came,) = [each for each in desk.shelf.flags("practitioner") if each.reason == "suspended"]
    assert came.mended_at is not None


def test_a_suspended_badge_that_has_ended_hides_nothing_that_comes_behind_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.shelf.suspend("M03")
    desk.decide("suspend", desk.shelf.flag("practitioner"))
    monkeypatch.setattr(jobs, "BATCH", 1)
    looked: list[str] = []
    monkeypatch.setattr(following, "look_at", lambda _session, credential_id, _at: looked.append(credential_id) or 0)
    with desk.shelf.services.runtime.database.write() as session:
        session.execute(
            sa.update(Credential)
            .where(col(Credential.id) == desk.shelf.badges["practitioner"].credential_id)
            .values(valid_until=now() - DAY)
        )
    jobs._mended(desk.shelf.services.runtime.database, now())
    assert desk.shelf.badges["practitioner"].credential_id not in looked


def test_whoever_is_given_time_is_told(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    desk.decide("wait", desk.shelf.flag("practitioner"), days=30)
    flag = desk.shelf.flag("practitioner")
    with desk.shelf.services.runtime.database.read() as session:
        told = session.exec(select(OutboxEvent).where(OutboxEvent.kind == GraceBegan.KIND)).all()
    assert [each.payload for each in told] == [{"flag_id": flag.id, "person_id": flag.person_id}]


def test_a_suspension_can_be_taken_back_although_the_cause_stands_and_is_not_asked_about_again(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    desk.decide("suspend", desk.shelf.flag("practitioner"))
    desk.decide("reinstate", desk.shelf.flag("practitioner"))
    assert desk.standing("practitioner") == "issued"
    assert desk.shelf.flag("practitioner").state == "dismissed"
    assert desk.shelf.after(1) == 0


def test_a_suspension_that_was_ended_elsewhere_is_settled_by_that(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    desk.decide("suspend", desk.shelf.flag("practitioner"))
    desk.shelf.reinstate("practitioner")
    assert desk.shelf.flag("practitioner").state == "dismissed"


def test_a_badge_that_may_stand_is_not_asked_about_again_for_the_same_end(desk: Desk) -> None:
    desk.shelf.after(10)
    desk.decide("dismiss", desk.shelf.flag("practitioner"))
    assert [desk.shelf.after(days) for days in (10, 100, 500)] == [0, 0, 0]
    assert desk.shelf.flag("practitioner").state == "dismissed"
    assert desk.waiting() == ()


def test_whoever_waits_is_asked_again_when_that_time_is_over(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    desk.decide("wait", desk.shelf.flag("practitioner"), days=30)
    assert desk.shelf.flag("practitioner").state == "grace"
    assert [desk.shelf.after(days) for days in (9, 29, 31)] == [0, 1, 1]  # on the tenth day M07 expires
    assert {each.reason: each.state for each in desk.shelf.flags("practitioner")} == {
        "revoked": "proposed", "expired": "grace",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "more", "refusal"),
    [
        ("suspend", {"reason": " "}, NoteNeeded),
        ("dismiss", {"reason": "x" * 501}, NoteNeeded),
        ("wait", {"days": 0}, WaitRefused),
        ("wait", {"days": 181}, WaitRefused),
        ("wait", {"days": None}, WaitRefused),
        ("reinstate", {}, FlagSettled),
    ],
)
def test_what_cannot_be_decided_changes_nothing(
    desk: Desk, what: str, more: dict[str, object], refusal: type[Exception]
) -> None:
    desk.shelf.revoke("M03")
    with pytest.raises(refusal):
        desk.decide(what, desk.shelf.flag("practitioner"), **more)
    assert desk.shelf.flag("practitioner").state == "proposed"
    assert desk.standing("practitioner") == "issued"


def test_nobody_decides_about_their_own_badge_nor_those_near_them_nor_without_the_grant(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    flag = desk.shelf.flag("practitioner")
    with pytest.raises(OwnBadge):
        desk.decide("suspend", flag, by=desk.shelf.tess)
    with desk.shelf.services.runtime.database.read() as session, pytest.raises(OwnBadge):
        reading.one(session, flag.id, assessor_id=desk.shelf.tess)
    assert desk.waiting(desk.shelf.tess) == ()
    with pytest.raises(NotAnAssessor):
        desk.decide("dismiss", flag, by="somebody")
    with pytest.raises(FlagNotFound):
        desk.decide("dismiss", AwardFlag(id="none"))
    with desk.shelf.services.runtime.database.write() as session:
        set_line(session, person_id=desk.shelf.tess, other_id=desk.priya, relation="mentor", actor=OPERATOR)
    with pytest.raises(NotIndependentOfHolder):
        desk.decide("suspend", flag)
    (shown,) = (each for each in desk.waiting() if each.badge_key == "practitioner")
    assert shown.bars == ("You are the holder’s mentor.",)


def test_whoever_is_above_the_holder_at_their_centre_decides_nothing_although_no_line_is_entered(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    flag = desk.shelf.flag("practitioner")
    with desk.shelf.services.runtime.database.write() as session:
        agency = people.ensure_organisation(session, key="an-agency", name="An agency")
        centre = people.add_centre(session, organisation_id=agency.id, key="here", name="Here", actor=OPERATOR).id
        people.join_centre(session, person_id=desk.shelf.tess, centre_id=centre, function="specialist", actor=OPERATOR)
        people.join_centre(session, person_id=desk.priya, centre_id=centre, function="supervisor", actor=OPERATOR)
    with pytest.raises(NotIndependentOfHolder):
        desk.decide("suspend", flag)
    (shown,) = (each for each in desk.waiting() if each.badge_key == "practitioner")
    assert "at a centre where the holder works" in shown.bars[0]


def test_only_one_of_two_assessors_decides(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    flag = desk.shelf.flag("practitioner")

    def decide(what: str) -> bool:
        try:
            desk.decide(what, flag)
        except FlagSettled:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(decide, ["suspend", "dismiss"])) == 1


def test_the_holder_reads_what_ended_and_until_when_and_nobodys_name(desk: Desk) -> None:
    desk.shelf.after(10)
    badge_id = desk.shelf.badges["practitioner"].credential_id
    with desk.shelf.services.runtime.database.read() as session:
        (flag,) = reading.of_badges(session, [badge_id])[badge_id]
        assert reading.of_badges(session, []) == {}
    assert (flag.because_key, flag.ending, flag.due_at) == ("M07", "expired", desk.shelf.began + 100 * DAY)
    assert (flag.declared, flag.holder) == (Consequence("grace", 90), "")


def test_the_gauges_say_what_waits_for_whom(desk: Desk) -> None:
    desk.shelf.revoke("M03")
    desk.shelf.after(10)

    def told(days: int) -> dict[str, float]:
        with desk.shelf.services.runtime.database.read() as session:
            jobs.tell(session, desk.shelf.began + days * DAY)
        return told_gauges()

    assert told(99) == {"flag": 0, "grace": 1, "suspension": 1, "reinstatement": 0, "overdue": 0}
    assert told(101)["overdue"] == 1
    desk.shelf.after(101)
    assert told(101) == {"flag": 0, "grace": 0, "suspension": 2, "reinstatement": 0, "overdue": 0}


def told_gauges() -> dict[str, float]:
    values = {each: metrics.CONSEQUENCES.labels(each)._value.get() for each in jobs.WAITS_FOR}
    return values | {"overdue": metrics.CONSEQUENCES_OVERDUE._value.get()}


def test_what_is_noted_goes_with_the_badge(desk: Desk) -> None:
    desk.shelf.after(10)
    with desk.shelf.services.runtime.database.write() as session:
        awards.forget_award(session, desk.shelf.badges["M07"].credential_id)
    assert desk.shelf.flags() == []
