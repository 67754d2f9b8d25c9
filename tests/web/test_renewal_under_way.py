"""A renewal that is under way, as the map and the reminders tell of it: what was handed in is not asked for again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import now
from app.learning import renewing
from app.learning.models import SubmissionRecord
from app.messages import expiring
from app.messages.kinds import EXPIRING
from app.messages.sending import MessageDeps
from app.messages.service import Around, compose
from tests.web.test_renewing import Ending, ending
from tests.web.test_renewing_by_talk import said

__all__ = ["ending"]

DAYS = pytest.mark.parametrize("days", [30, -5])
AROUND = Around(EXPIRING)


def hand_in(ending: Ending, days: int) -> None:
    """The badge ends in so many days, and the work of its renewal is with an assessor."""
    ending.change(valid_until=now() + timedelta(days=days))
    ending.begin()
    ending.do_the_work()
    assert ending.work.post("/hand-in", {"declared": "yes"}).status_code == 303


def came_to(ending: Ending, state: str) -> None:
    """What the assessor made of the work."""
    with ending.services.runtime.database.write() as session:
        own = renewing.current(session, person_id=ending.tess.person_id, module_key="M05")
        assert own is not None
        session.execute(
            sa.update(SubmissionRecord)
            .where(col(SubmissionRecord.enrolment_id) == own.id)
            .values(state=state, decided_at=now())
        )


def reminder(ending: Ending) -> str | None:
    """The words of the mail that the badge's end would bring now."""
    runtime = ending.services.runtime
    deps = MessageDeps(runtime.settings, runtime.database, runtime.secret_box)
    with runtime.database.read() as session:
        found = expiring._reminder(deps, session, ending.badge)
    return None if found is None else " ".join(compose(found.mail, AROUND)[1].split())


@DAYS
def test_what_was_handed_in_is_told_and_not_asked_for_again(ending: Ending, days: int) -> None:
    hand_in(ending, days)
    for path in ("/pathway", "/pathway/practitioner"):
        page = said(ending.tess.get(path).text)
        assert "Renew it" not in page, path
        assert "A short update keeps it going" not in page, path
    assert "Your work for its renewal is with an assessor" in said(ending.tess.get("/pathway/practitioner").text)
    first = said(ending.tess.get("/pathway").text)
    assert "See what you handed in" in first or days < 0


@DAYS
def test_what_came_back_is_the_next_thing_to_do(ending: Ending, days: int) -> None:
    hand_in(ending, days)
    came_to(ending, "returned")
    page = said(ending.tess.get("/pathway").text)
    assert ("Your work for its renewal came back with comments" if days > 0 else "It came back with comments") in page
    assert "See the comments" in page
    assert "Renew it" not in page


@DAYS
def test_what_was_begun_is_gone_on_with(ending: Ending, days: int) -> None:
    ending.change(valid_until=now() + timedelta(days=days))
    ending.begin()
    page = said(ending.tess.get("/pathway").text)
    assert "You have begun to renew it" in page
    assert "Go on with the renewal" in page


def test_the_reminder_of_work_that_was_handed_in_asks_for_nothing(ending: Ending) -> None:
    asked = reminder(ending)
    assert asked is not None
    assert "choose Renew" in asked
    hand_in(ending, 30)
    told = reminder(ending)
    assert told is not None
    assert "Your work for its renewal is with an assessor" in told
    assert "choose Renew" not in told
    assert "If you do nothing" not in told
    came_to(ending, "returned")
    back = reminder(ending)
    assert back is not None
    assert "came back with comments" in back
    came_to(ending, "awarded")
    assert reminder(ending) is None, "its new end is on the way"


def test_the_reminder_of_work_that_was_begun_says_where_to_go_on(ending: Ending) -> None:
    ending.begin()
    told = reminder(ending)
    assert told is not None
    assert "Go on with the renewal" in told
