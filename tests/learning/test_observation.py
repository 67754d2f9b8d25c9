"""Observation: whom one may ask, what a link and a code prove, and what is kept of what was seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import Database
from app.core.outbox_models import OutboxEvent
from app.core.secrets import SecretBox
from app.learning import service as learning
from app.learning.errors import NotReady, WorkLocked
from app.learning.observation import codes, making
from app.learning.observation import service as observation
from app.learning.observation.errors import (
    AlreadyAsked,
    AnswersIncomplete,
    CommentsPointAtSomebody,
    NothingAsked,
    ObservationCodeOver,
    ObservationCodeWrong,
    ObservationNotFound,
    ObservationOver,
    ObserverNotUsable,
    ReminderTooEarly,
    TooManyAsked,
    TooManyObservationCodes,
)
from app.learning.observation.models import ObservationCodeRecord, ObservationRecord
from app.learning.observation.observers import folded
from app.people import service as people
from tests.learning.observing import LINES, WATCHED, Watched, filled, watched


@pytest.fixture
def here(database: Database, secret_box: SecretBox) -> Watched:
    return watched(database, secret_box)


def events(here: Watched) -> list[str]:
    with here.database.read() as session:
        return [row.kind for row in session.exec(select(OutboxEvent)).all() if "observ" in row.kind]


def test_only_staff_of_ones_own_centre_in_a_fitting_function_are_offered(here: Watched) -> None:
    with here.database.read() as session:
        enrolment = learning.enrolment(session, here.enrolment_id)
        activity = learning.module_of(session, enrolment).activity(WATCHED)
        offered = observation.candidates(session, here.house.tess, activity)
    assert [(one.name, one.role) for one in offered] == [("Marc Delaney", "supervisor")]
    with pytest.raises(ObserverNotUsable):
        here.ask(here.cleo.membership_id)


def test_a_function_that_the_activity_does_not_name_may_not_observe(database: Database, secret_box: SecretBox) -> None:
    here = watched(database, secret_box, observers=("clinician",))
    with pytest.raises(ObserverNotUsable):
        here.ask()
    with pytest.raises(ObserverNotUsable) as refused:
        here.propose("nola@elsewhere.example", role="mentor")
    assert refused.value.field_key == "role"


def test_an_observation_goes_from_asked_to_met(here: Watched) -> None:
    asked = here.ask()
    assert (here.state().state, here.state().open) == ("asked", True)
    seen = here.observe(asked)
    assert (seen.observer_name, seen.role, seen.meets) == ("Marc Delaney", "supervisor", len(LINES))
    state = here.state()
    assert (state.state, state.satisfied, state.observed_on) == ("met", True, now().date())
    assert events(here) == [
        "learning.observation_asked", "learning.observation_code_asked", "learning.observation_made",
    ]  # fmt: skip
    with here.database.read() as session:
        audited = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.observed")).one()
    assert audited.actor_id == here.marc.person_id


def test_one_person_at_a_time_is_asked_and_another_after_withdrawing(here: Watched) -> None:
    first = here.ask()
    with pytest.raises(AlreadyAsked):
        here.propose("nola@elsewhere.example")
    here.withdraw()
    assert here.state().state == "none"
    with pytest.raises(ObservationOver, match="withdrawn"):
        here.observe(first, code="123456")
    second = here.ask()
    assert second.number == 2
    with pytest.raises(ObservationNotFound):
        observation.observe(
            here.database, here.box, token=here.link(first).split(".")[0] + "." + here.link(second).split(".")[1],
            code="", answers=filled(),
        )  # fmt: skip


def test_withdrawing_what_is_not_open_says_so(here: Watched) -> None:
    with pytest.raises(NothingAsked):
        here.withdraw()


def test_a_request_that_nobody_answers_ends_after_thirty_days_and_makes_room(here: Watched) -> None:
    asked = here.ask()
    here.change(asked, ends_at=now() - timedelta(seconds=1))
    assert here.state().state == "declined"
    with pytest.raises(ObservationOver, match="30 days"):
        here.observe(asked, code="123456")
    assert here.ask().number == 2


@pytest.mark.parametrize(
    "address",
    ["tess@example.org", "TESS@Example.ORG", "t.e.s.s@example.org", "tess+boss@example.org", "te.ss+a+b@EXAMPLE.org"],
)
def test_no_address_of_the_learners_own_may_be_proposed(here: Watched, address: str) -> None:
    with pytest.raises(ObserverNotUsable) as refused:
        here.propose(address)
    assert refused.value.field_key == "email"
    assert here.state().state == "none"


def test_addresses_are_folded_to_the_inbox_they_reach() -> None:
    assert folded("A.B+c@GoogleMail.com") == folded("ab@gmail.com")
    assert folded("ab@one.example") != folded("ab@two.example")


@pytest.mark.parametrize(
    ("name", "email", "wrong"),
    [("", "n@e.example", "name"), ("N" * 101, "n@e.example", "name"), ("Nola", "no address", "email"),
     ("Nola", "a@b.example\nBcc: x@y.example", "email")],
)  # fmt: skip
def test_a_proposal_that_cannot_be_used_names_its_field(here: Watched, name: str, email: str, wrong: str) -> None:
    with pytest.raises(ObserverNotUsable) as refused:
        here.propose(email, name=name)
    assert refused.value.field_key == wrong


def test_a_proposed_name_cannot_turn_itself_around_before_the_assessor(here: Watched) -> None:
    assert here.propose("n@e.example", name="Nola\u202e rehtO\u200b").observer_name == "Nola rehtO"


def test_a_link_cannot_be_guessed_from_another(here: Watched) -> None:
    asked = here.ask()
    request_id, _, secret = here.link(asked).partition(".")
    for token in (request_id, f"{request_id}.", f"{request_id}.{secret[:-1]}", f"x.{secret}", "", ".", "a" * 5_000):
        with here.database.read() as session, pytest.raises(ObservationNotFound):
            observation.invitation(session, here.box, token)


def test_a_wrong_code_is_counted_also_when_the_callers_work_is_undone(here: Watched) -> None:
    asked = here.ask()
    right = here.code(asked)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for left in (4, 3, 2, 1):
        with pytest.raises(ObservationCodeWrong) as refused:
            here.observe(asked, code=wrong)
        assert refused.value.tries_left == left
    for code in (wrong, right):
        with pytest.raises(ObservationCodeOver):
            here.observe(asked, code=code)
    assert not here.state().made


def test_a_code_of_another_request_opens_nothing(here: Watched) -> None:
    asked = here.ask()
    foreign = here.code(asked)
    here.withdraw()
    second = here.ask()
    here.code(second)
    with pytest.raises(ObservationCodeWrong):
        here.observe(second, code=foreign)


def test_only_the_newest_code_works_and_not_for_long(here: Watched) -> None:
    asked = here.ask()
    first, second = here.code(asked), here.code(asked)
    with pytest.raises(ObservationCodeWrong):
        here.observe(asked, code=first)
    with here.database.write() as session:
        newest = codes.newest(session, asked.id)
        assert newest is not None
        newest.expires_at = now()
        session.add(newest)
    with pytest.raises(ObservationCodeOver):
        here.observe(asked, code=second)


def test_an_incomplete_checklist_uses_up_no_try_and_says_what_is_missing(here: Watched) -> None:
    asked = here.ask()
    code = here.code(asked)
    lines = {**filled().lines, "asks": "", "stays": "perhaps"}
    with pytest.raises(AnswersIncomplete) as refused:
        here.observe(asked, code=code, lines=lines, comments={"exact": "x" * 1_001}, observed_on="tomorrow")
    assert set(refused.value.problems) == {"line-asks", "line-stays", "comment-exact", "observed-on"}
    with pytest.raises(AnswersIncomplete) as refused:
        here.observe(asked, code=code, not_yet=("asks",), comments={})
    assert set(refused.value.problems) == {"comment-asks"}
    assert here.observe(asked, code=code).meets == len(LINES)


@pytest.mark.parametrize("days", [3, -400])
def test_a_day_to_come_or_long_past_is_refused(here: Watched, days: int) -> None:
    asked = here.ask()
    with pytest.raises(AnswersIncomplete) as refused:
        here.observe(asked, observed_on=(now() + timedelta(days=days)).date().isoformat())
    assert set(refused.value.problems) == {"observed-on"}


def test_comments_that_point_at_somebody_are_shown_before_anything_is_kept(here: Watched) -> None:
    asked = here.ask()
    comment = "Tess did well. Ring 0412 345 678 about it. Marc"
    code = here.code(asked)
    with pytest.raises(CommentsPointAtSomebody) as refused:
        here.observe(asked, code=code, comment=comment)
    (place,) = refused.value.places
    assert (place.finding.excerpt, place.field_key) == ("0412 345 678", "overall")
    assert not here.state().made
    seen = here.observe(asked, code=code, comment=comment, kept=frozenset({place.id}))
    assert seen.kept_findings == {"phone": 1}


def test_a_form_sent_twice_is_kept_once_and_answered_alike(here: Watched) -> None:
    asked = here.ask()
    code = here.code(asked)
    first, second = here.observe(asked, code=code), here.observe(asked, code=code, not_yet=("asks",))
    assert first == second
    with pytest.raises(ObservationOver):
        here.observe(asked, code="000000" if code != "000000" else "000001")


def test_of_two_who_send_at_the_same_moment_one_is_kept(here: Watched) -> None:
    asked = here.ask()
    code = here.code(asked)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: _outcome(here, asked, code), range(2)))
    assert "kept" in both
    with here.database.read() as session:
        assert len(session.exec(select(ObservationRecord)).all()) == 1


def _outcome(here: Watched, asked: observation.ObservationRequest, code: str) -> str:
    try:
        here.observe(asked, code=code)
    except (ObservationOver, ObservationCodeOver):
        return "told that it arrived"
    return "kept"


def test_a_request_withdrawn_between_page_and_sending_keeps_nothing(here: Watched) -> None:
    asked = here.ask()
    code = here.code(asked)
    here.withdraw()
    with pytest.raises(ObservationOver, match="withdrawn"):
        here.observe(asked, code=code)
    with here.database.read() as session:
        assert session.exec(select(ObservationRecord)).first() is None


def test_who_is_no_longer_staff_can_no_longer_answer(here: Watched) -> None:
    asked = here.ask()
    with here.database.write() as session:
        people.end_membership(session, membership_id=here.marc.membership_id, actor=OPERATOR)
    with pytest.raises(ObservationOver, match="work there"):
        here.observe(asked, code="123456")


def test_who_stops_being_staff_between_code_and_keeping_keeps_nothing(
    here: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = here.ask()
    code = here.code(asked)
    checked = making.check_code

    def then_ended(*args: Any) -> str:
        found = checked(*args)
        with here.database.write() as session:
            people.end_membership(session, membership_id=here.marc.membership_id, actor=OPERATOR)
        return found

    monkeypatch.setattr(making, "check_code", then_ended)
    with pytest.raises(ObservationOver, match="no longer says"):
        here.observe(asked, code)
    assert here.state().state == "asked"


def test_an_address_that_turns_out_to_be_the_learners_gets_no_code(here: Watched) -> None:
    asked = here.ask()
    with here.database.write() as session:
        people.request_email_confirmation(session, here.box, person_id=here.house.tess, email="Marc+x@agency.example")
    with pytest.raises(ObservationOver, match="learner’s own"):
        here.code(asked)


def test_not_yet_can_be_observed_again_and_the_newest_counts(here: Watched) -> None:
    here.observe(here.ask(), not_yet=("asks", "stays"))
    state = here.state()
    assert (state.state, state.meets, state.satisfied) == ("not_yet", 4, False)
    again = here.ask()
    assert (here.state().state, here.state().made) == ("asked", True)
    here.observe(again)
    with here.database.read() as session:
        enrolment = learning.enrolment(session, here.enrolment_id)
        rounds = observation.observed_activities(session, enrolment.id, learning.module_of(session, enrolment))[WATCHED]
    assert [seen.meets for seen in rounds.observations] == [6, 4]
    assert rounds.state.state == "met"
    with pytest.raises(ObserverNotUsable, match="meets"):
        here.ask()


def test_declining_ends_the_link_and_the_learner_can_ask_again(here: Watched) -> None:
    asked = here.ask()
    with here.database.write() as session:
        observation.decline(session, here.box, here.link(asked))
    assert here.state().state == "declined"
    with pytest.raises(ObservationOver):
        here.code(asked)
    assert here.ask().number == 2


def test_a_reminder_goes_out_at_most_once_a_day(here: Watched) -> None:
    asked = here.ask()

    def remind() -> None:
        with here.database.write() as session:
            observation.remind(session, **here.at)

    with pytest.raises(ReminderTooEarly):
        remind()
    here.change(asked, asked_at=now() - timedelta(days=1, seconds=1))
    remind()
    with pytest.raises(ReminderTooEarly):
        remind()
    assert here.row(asked).reminders == 1


def test_asking_and_withdrawing_over_and_over_does_not_flood_an_inbox(here: Watched) -> None:
    for _ in range(10):
        here.ask()
        here.withdraw()
    with pytest.raises(TooManyAsked):
        here.ask()


def test_an_inbox_gets_no_more_than_twenty_requests_a_day_from_all_learners(here: Watched) -> None:
    asked = here.ask()
    row = here.row(asked)
    values = row.model_dump(exclude={"id"}) | {"state": "withdrawn", "created_at": now() - timedelta(days=2)}
    with here.database.write() as session:
        for number in range(2, 22):
            session.add(type(row)(**{**values, "number": number}))
    here.withdraw()
    with pytest.raises(TooManyAsked, match="many mails"):
        here.ask()


def test_codes_are_limited_for_each_request_and_hour(here: Watched) -> None:
    asked = here.ask()
    for _ in range(codes.CODES_PER_HOUR):
        here.code(asked)
    with pytest.raises(TooManyObservationCodes):
        here.code(asked)


def test_a_link_ends_when_codes_were_asked_for_too_often_in_all(here: Watched) -> None:
    asked = here.ask()
    with here.database.write() as session:
        for _ in range(codes.CODES_PER_REQUEST):
            long_ago = now() - timedelta(days=1)
            session.add(ObservationCodeRecord(request_id=asked.id, requested_at=long_ago, expires_at=long_ago))
    with pytest.raises(ObservationOver):
        here.code(asked)


def hand_in(here: Watched) -> learning.Submission:
    with here.database.write() as session:
        return learning.submit(session, enrolment_id=here.enrolment_id, person_id=here.house.tess, declared=True)


def missing(here: Watched) -> str:
    with pytest.raises(NotReady) as refused:
        hand_in(here)
    (one,) = refused.value.missing
    return one.detail


def test_work_is_handed_in_only_with_the_observation_that_is_required(here: Watched) -> None:
    assert "Ask somebody" in missing(here)
    asked = here.ask()
    assert "waits for your observer" in missing(here)
    here.observe(asked, not_yet=("asks",))
    assert "5 of 6 meet" in missing(here)
    here.observe(here.ask())
    submission = hand_in(here)
    with pytest.raises(WorkLocked):
        here.ask()
    here.house.mark_all(submission.id)
    assert here.house.award(submission.id).outcome == "awarded"


def test_where_the_rule_does_not_ask_for_meets_having_been_observed_is_enough(
    database: Database, secret_box: SecretBox
) -> None:
    here = watched(database, secret_box, must_meet=False)
    here.observe(here.ask(), not_yet=("asks",))
    submission = hand_in(here)
    here.house.mark_all(submission.id)
    assert here.house.award(submission.id).outcome == "awarded"


def test_the_path_says_how_it_stands_in_a_line(here: Watched) -> None:
    def line() -> tuple[str, str | None]:
        with here.database.read() as session:
            activities = learning.progress(session, here.enrolment_id).activities
        return next((one.state, one.detail) for one in activities if one.key == WATCHED)

    today = now()
    assert line() == ("not_started", None)
    asked = here.ask()
    assert line() == ("waiting", f"Asked on {today.day} {today:%B}")
    here.observe(asked, not_yet=("asks", "stays"))
    assert line() == ("in_progress", "4 of 6 meet")
    here.observe(here.ask())
    assert line() == ("done", "All 6 meet")


def test_after_the_award_nobody_observes_any_more(here: Watched) -> None:
    open_one = here.ask()
    here.change(open_one, state="withdrawn")
    here.observe(here.ask())
    submission = hand_in(here)
    here.house.mark_all(submission.id)
    here.house.award(submission.id)
    here.change(open_one, state="asked")
    with pytest.raises(ObservationOver, match="awarded"):
        here.observe(open_one, code="123456")
