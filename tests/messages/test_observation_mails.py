"""Mails about observations: to the observer with a link and a code, to the learner with what became of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.core.outbox import Worker
from app.learning.observation import service as observation
from app.messages import preferences
from app.people import service as people
from app.wiring import Services
from tests.learning.observing import Watched, watched
from tests.messages.post import Post

MARC, TESS = ["marc@agency.example"], ["tess@example.org"]


@pytest.fixture
def here(services: Services) -> Watched:
    return watched(services.runtime.database, services.runtime.secret_box)


def text_of(message: Any) -> str:
    return str(message.get_content())


def test_the_observer_gets_a_link_and_a_code_and_the_learner_what_became_of_it(
    here: Watched, worker: Worker, post: Post
) -> None:
    asked = here.ask()
    worker.run_until_idle()
    (mail,) = post.taken
    assert post.recipients == [MARC]
    assert mail["Subject"] == "Please observe Tess at work"
    assert f"http://tool.localhost:8000/observe/{here.link(asked)}" in text_of(mail).split()
    assert "A handover, watched" in text_of(mail)
    code = here.code(asked)
    worker.run_until_idle()
    assert post.recipients == [MARC, MARC]
    assert str(post.taken[1]["Subject"]) == f"{code} is your code for the checklist"
    here.observe(asked, code=code, comment="Calm and clear.")
    worker.run_until_idle()
    assert post.recipients == [MARC, MARC, TESS]
    assert "observation was made" in str(post.taken[2]["Subject"])
    assert "Calm" not in text_of(post.taken[2])


def test_a_request_that_was_withdrawn_before_the_worker_came_is_not_mailed(
    here: Watched, worker: Worker, post: Post
) -> None:
    here.ask()
    here.withdraw()
    worker.run_until_idle()
    assert post.taken == []


def test_a_proposal_is_mailed_to_nobody_until_it_is_approved(here: Watched, worker: Worker, post: Post) -> None:
    proposed = here.propose("nola@hospital.example")
    worker.run_until_idle()
    assert post.taken == []
    with here.database.write() as session:
        observation.approve(session, request_id=proposed.id, assessor_id=here.house.priya)
    worker.run_until_idle()
    assert sorted(post.recipients) == [["nola@hospital.example"], TESS]


def test_a_refused_proposal_is_told_to_the_learner_alone(here: Watched, worker: Worker, post: Post) -> None:
    proposed = here.propose("nola@hospital.example")
    with here.database.write() as session:
        observation.refuse(session, request_id=proposed.id, assessor_id=here.house.priya, reason="Private address.")
    worker.run_until_idle()
    assert post.recipients == [TESS]
    assert "Private address" not in text_of(post.taken[0])


def test_who_declines_is_not_written_to_again_and_the_learner_is(here: Watched, worker: Worker, post: Post) -> None:
    asked = here.ask()
    with here.database.write() as session:
        observation.decline(session, here.box, here.link(asked))
    worker.run_until_idle()
    assert post.recipients == [TESS]
    assert "cannot observe" in " ".join(text_of(post.taken[0]).split())


def test_who_takes_no_requests_by_mail_is_not_asked_and_the_learner_is_told(
    here: Watched, worker: Worker, post: Post
) -> None:
    here.ask()
    worker.run_until_idle()
    (asked,) = post.taken
    link = re.search(r"/mail/(\S+)", text_of(asked))
    assert link is not None
    here.withdraw()
    with here.database.write() as session:
        switched = preferences.read_link(session, here.box, link.group(1))
        preferences.switch(session, switched.person_id, {switched.kind.key: False})
    here.ask()
    worker.run_until_idle()
    assert post.recipients == [MARC, TESS]
    assert "cannot observe" in " ".join(text_of(post.taken[1]).split())
    with here.database.write() as session:
        preferences.switch(session, switched.person_id, {switched.kind.key: True})
    here.ask()
    worker.run_until_idle()
    assert post.recipients == [MARC, TESS, MARC]


def test_a_name_that_reads_like_a_link_goes_into_no_mail(here: Watched, worker: Worker, post: Post) -> None:
    with here.database.write() as session:
        people.person_for_lms_identity(
            session, registration_id="lms", subject="Tess", name="Win now www.evil.example\nBcc: x@y.example",
            email="tess@example.org", organisation_id=None,
        )  # fmt: skip
    here.code(here.ask())
    worker.run_until_idle()
    for message in post.taken:
        assert "evil" not in text_of(message) + str(message["Subject"])
    assert "Please observe a colleague at work" in [str(message["Subject"]) for message in post.taken]
