"""The mail that a badge another one rests on has ended: once, while there is time, and no more than is needed."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.awards.consequences import deciding
from app.awards.consequences.events import GraceBegan
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox_models import OutboxEvent
from app.messages.ground_jobs import send_ground_ended
from app.people import service as people
from app.wiring import Services
from tests.awards.shelf import DAY, Shelf
from tests.days import shown_in
from tests.messages.post import Post
from tests.messages.test_mails import TESS, delivery, deps_of, tess_of


def in_grace(services: Services) -> Shelf:
    """Tess's badges, of which the one below has expired."""
    shelf = Shelf(services, tess_of(services))
    shelf.issue("M07", lasts=10 * DAY)
    shelf.issue("practitioner", on=("M07",))
    shelf.after(10)
    return shelf


def tell(shelf: Shelf) -> None:
    """The worker makes the delivery, and once more after a crash."""
    with shelf.services.runtime.database.read() as session:
        (event,) = session.exec(select(OutboxEvent).where(OutboxEvent.kind == GraceBegan.KIND)).all()
    handle = send_ground_ended(deps_of(shelf.services))
    noted = delivery(GraceBegan(**event.payload))
    for _ in range(2):
        handle(noted)


def test_the_holder_is_told_once_what_ended_and_until_when_there_is_time(services: Services, post: Post) -> None:
    shelf = in_grace(services)
    tell(shelf)
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    until = shelf.began + 100 * DAY
    day = f"{until.day} {until:%B %Y}"
    text = " ".join(message.get_content().split())
    assert day in message["Subject"]
    assert f"You have until {day} to have “Money, Disclosure and Rights” in force again." in text
    assert "renew “Money, Disclosure and Rights”" in text
    assert f"/claim/{shelf.badges['practitioner'].credential_id}." in text


def test_whoever_has_nothing_to_do_any_more_gets_no_mail(services: Services, post: Post) -> None:
    shelf = in_grace(services)
    with services.runtime.database.write() as session:
        priya = people.person_for_lms_identity(
            session, registration_id="registration-1", subject="Priya", name="Priya", email=None, organisation_id=None
        ).id
        people.grant_role(session, person_id=priya, role="assessor", actor=OPERATOR)
        deciding.dismiss(session, shelf.flag("practitioner").id, assessor_id=priya, reason="A reason.")
    tell(shelf)
    assert post.taken == []


@pytest.mark.parametrize(("zone", "later"), [("UTC", 0), ("Australia/Melbourne", 1)])
def test_a_mail_names_the_days_that_the_pages_name(services: Services, post: Post, zone: str, later: int) -> None:
    shelf = Shelf(services, tess_of(services))
    ended = (now() + 10 * DAY).replace(hour=20, minute=0, second=0, microsecond=0)  # tomorrow already in Melbourne
    shelf.issue("M07", lasts=ended - shelf.began)
    shelf.issue("practitioner", on=("M07",))
    shelf.after(12)
    with shown_in(zone):
        tell(shelf)
    (message,) = post.taken
    since, until = (moment + later * DAY for moment in (ended, ended + 90 * DAY))
    text = " ".join(message.get_content().split())
    assert f"expired on {since.day} {since:%B %Y}." in text
    assert f"{until.day} {until:%B %Y}" in message["Subject"]
