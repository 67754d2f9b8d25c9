"""A worker may die at any moment: what was decided still becomes exactly one badge, one score, one mail."""

from __future__ import annotations

import random
import time
from itertools import cycle, islice

from tests.system.house import House, eventually
from tests.system.walker import Walker

KILLS = 20
AWARD, MAIL = "awards.award_from_decision", "messages.send_awarded"
PLAN, SCORE = "lti.post_award_score", "lti.send_score"
TARGETS = (AWARD, SCORE, MAIL, None, MAIL, AWARD, PLAN, None)  # None: at any moment
TO_DO = (
    "SELECT (SELECT count(*) FROM outbox_event WHERE dispatched_at IS NULL)"
    " + (SELECT count(*) FROM outbox_delivery WHERE state = 'waiting')"
)
IN_HAND = "SELECT handler FROM outbox_delivery WHERE state = 'waiting' AND leased_until IS NOT NULL"


def expect_exactly_once(house: House, people: list[str]) -> None:
    for person_id in people:
        badges = house.rows("SELECT state, current_version FROM credential WHERE person_id = :id", id=person_id)
        assert [tuple(badge) for badge in badges] == [("issued", 1)]
    assert house.count("award") == house.count("credential_version") == len(people)
    assert house.count("outbox_delivery", "state = 'dead'") == 0
    assert [score["given"] for score in house.scores()] == [100.0]
    assert house.count("lti_score", "state IN ('sent', 'already_there')") == 1


def expect_one_mail_each(house: House, count: int) -> None:
    """One mail each as its reader's mail program counts them: by what it says, to whom."""
    mails = [mail for mail in house.mails() if "badge" in mail["subject"].lower()]
    told = {(mail["to"][0], mail["text"]) for mail in mails}
    assert len({to for to, _ in told}) == len(told) == count
    assert house.count("message_sent_mail", "kind = 'credential_awarded'") == count


def wait_for_work(house: House, handler: str | None) -> None:
    """Until the worker has such a delivery in hand, any if None; or until it has nothing left to do."""
    with house.services() as services, services.runtime.database.engine.connect() as connection:

        def found() -> bool:
            in_hand = [row[0] for row in connection.exec_driver_sql(IN_HAND)]
            to_do = connection.exec_driver_sql(TO_DO).scalar_one()
            connection.rollback()
            return to_do == 0 or handler in in_hand or (handler is None and bool(in_hand))

        eventually(found, f"the worker takes {handler or 'something'} in hand", pause=0.001)


def test_killed_between_decision_and_award_one_badge_one_score_one_mail(house: House) -> None:
    house.connect()
    house.start_lms()
    house.start_app()
    Walker(house).launch("tess")
    worker = house.start_worker()
    worker.kill()
    worker.wait()
    tess = house.hand_in()
    house.award(tess)
    assert house.count("credential") == 0
    house.start_worker()
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, [tess])
    expect_one_mail_each(house, 1)


def kill_again_and_again(house: House, kills: int) -> None:
    """Each time somebody new is awarded, a worker sets to work, and is killed with something in hand."""
    house.connect()
    house.start_lms()
    house.start_app()
    Walker(house).launch("tess")
    learners = [house.hand_in()] + [
        house.hand_in(f"learner-{number}", f"Learner {number}", f"learner{number}@example.org")
        for number in range(1, kills)
    ]
    moments = random.Random(20261121)  # any moments will do, but the same ones in every run
    met: list[str] = []
    for learner, target in zip(learners, islice(cycle(TARGETS), kills), strict=True):
        house.award(learner)
        house.let_time_pass()
        worker = house.start_worker()
        wait_for_work(house, target)
        time.sleep(moments.uniform(0, 0.02 if target else 0.3))
        worker.kill()
        worker.wait()
        met += [handler for (handler,) in house.rows(IN_HAND)]
    assert met, "no kill met a worker at work: this run has shown nothing"
    house.let_time_pass()
    house.start_worker()
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, learners)
    expect_one_mail_each(house, len(learners))


def test_killed_twenty_times_at_any_moment_nothing_is_lost_or_doubled(house: House) -> None:
    kill_again_and_again(house, KILLS)
