"""Two workers on one database, and an LMS that is not there: nothing doubled, no badge delayed, no score lost."""

from __future__ import annotations

from tests.system.house import House, eventually
from tests.system.test_killed_worker import expect_exactly_once, expect_one_mail_each
from tests.system.walker import Walker


def test_two_workers_at_once_double_nothing(house: House) -> None:
    house.connect()
    house.start_lms()
    house.start_app("--workers", "2")
    Walker(house).launch("tess")
    house.start_worker()
    house.start_worker()
    learners = [house.hand_in()] + [
        house.hand_in(f"learner-{number}", f"Learner {number}", f"learner{number}@example.org") for number in range(5)
    ]
    for learner in learners:
        house.award(learner)
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, learners)
    expect_one_mail_each(house, len(learners))
    assert house.count("outbox_delivery", "attempt > 1") == 0


def test_processes_that_start_at_the_same_moment_set_one_house_up(house: House) -> None:
    assert house.waymark("migrate").returncode == 0
    processes = [house.start(f"worker-{number}", "app", "worker") for number in range(3)]
    for number in range(3):
        eventually(lambda name=f"worker-{number}": "Worker running" in house.log_of(name), "each worker runs")
    assert all(process.poll() is None for process in processes)
    assert (house.count("issuer"), house.count("signing_key"), house.count("programme_version")) == (1, 2, 1)


def test_an_outage_of_the_grade_service_delays_no_badge_and_loses_no_score(house: House) -> None:
    house.connect()
    house.start_lms()
    house.start_app()
    Walker(house).launch("tess")
    ali = Walker(house)
    ali.sign_in("ali")
    assert ali.post(f"{house.lms}/admin/outage", {"seconds": "3600"}, origin=house.lms).status_code == 303
    house.start_worker()
    tess = house.hand_in()
    house.award(tess)
    eventually(lambda: house.count("credential", "state = 'issued'") == 1, "the badge is made")
    eventually(lambda: house.count("lti_score", "last_error IS NOT NULL"), "the score was tried")
    eventually(lambda: house.count("message_sent_mail"), "the mail has gone out")
    assert house.scores() == []
    expect_one_mail_each(house, 1)
    assert ali.post(f"{house.lms}/admin/outage", {"seconds": "0"}, origin=house.lms).status_code == 303
    house.let_time_pass()
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, [tess])


def test_an_lms_that_is_gone_and_comes_back_gets_its_score(house: House) -> None:
    house.connect()
    lms = house.start_lms()
    house.start_app()
    Walker(house).launch("tess")
    lms.kill()
    lms.wait()
    house.start_worker()
    tess = house.hand_in()
    house.award(tess)
    eventually(lambda: house.count("credential", "state = 'issued'") == 1, "the badge is made")
    eventually(lambda: house.count("lti_score", "last_error IS NOT NULL"), "the score was tried")
    house.start_lms()
    house.let_time_pass()
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, [tess])
    expect_one_mail_each(house, 1)
