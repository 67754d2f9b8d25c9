"""Mails about joining records: the code goes to a confirmed address only, and the news of it cannot be kept back."""

from __future__ import annotations

import re

from app.people import linking
from app.people import service as people
from app.people.schemas import Organisation
from app.wiring import Services, build_worker, person_merge
from tests.messages.post import Post

HOME = "tess.home@example.org"
TAB = "the-session"


def somebody(services: Services, subject: str) -> str:
    with services.runtime.database.write() as session:
        return people.person_id_for_lms_identity(
            session, registration_id="r", subject=subject, name=f"Name of {subject}",
            email=f"{subject}@agency.example", organisation_id=None,
        )  # fmt: skip


def confirm(services: Services, post: Post, person_id: str, email: str = HOME) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
    build_worker(services).run_until_idle()
    people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code_in(post))
    post.taken.clear()
    post.recipients.clear()


def ask(services: Services, person_id: str, email: str = HOME) -> None:
    with services.runtime.database.write() as session:
        agency = people.ensure_organisation(session, key="hn", name="Harbour & North")
        assert isinstance(agency, Organisation)
        linking.request_link(session, person_id=person_id, email=email, asked_in=TAB, organisation_id=agency.id)
    build_worker(services).run_until_idle()


def code_in(post: Post) -> str:
    found = re.search(r"^ +(\d{6})\s*$", post.taken[-1].get_content(), re.MULTILINE)
    assert found is not None
    return found[1]


def said(post: Post) -> str:
    """The newest mail's text with its line breaks taken out."""
    return " ".join(post.taken[-1].get_content().split())


def test_a_code_goes_to_the_confirmed_address_and_says_who_asks_and_what_it_opens(
    services: Services, post: Post
) -> None:
    confirm(services, post, somebody(services, "before"))
    ask(services, somebody(services, "today"))
    assert post.recipients == [[HOME]]
    assert post.taken[0]["Subject"].startswith(code_in(post))
    for words in ("the LMS of Harbour & North", "15 minutes", "do not give it to anybody", "your work and your badges"):
        assert words in said(post), words
    assert "today" not in said(post), "nothing that an LMS says of whoever asks"


def test_no_mail_goes_to_an_address_that_nobody_confirmed_or_only_an_lms_gives(services: Services, post: Post) -> None:
    somebody(services, "before")
    today = somebody(services, "today")
    for email in ("before@agency.example", "stranger@example.org"):
        ask(services, today, email)
    assert post.recipients == []


def test_the_address_is_told_who_joined_when_and_whom_to_tell(services: Services, post: Post) -> None:
    before, today = somebody(services, "before"), somebody(services, "today")
    confirm(services, post, before)
    confirm(services, post, today, "new.work@example.org")
    ask(services, today)
    runtime = services.runtime
    linking.prove_link(runtime.database, runtime.secret_box, person_id=today, asked_in=TAB, code=code_in(post))
    linking.link_persons(runtime.database, person_merge(), person_id=today, asked_in=TAB)
    post.recipients.clear()
    for _ in range(2):
        build_worker(services).run_until_idle()
    assert post.recipients == [[HOME]], "once, and to the address of the record that was joined"
    assert post.taken[-1]["Subject"] == "Your Waymark record was joined by a login from Harbour & North"
    with runtime.database.read() as session:
        (link,) = linking.links(session)
    on = f"{link.linked_at.day} {link.linked_at:%B %Y}"
    for words in (f"on {on} your record", "If it was not you, tell the people who run your LMS at once"):
        assert words in said(post), words


def test_of_an_address_given_up_meanwhile_no_code_is_mailed(services: Services, post: Post) -> None:
    before, today = somebody(services, "before"), somebody(services, "today")
    confirm(services, post, before)
    with services.runtime.database.write() as session:
        linking.request_link(session, person_id=today, email=HOME, asked_in=TAB, organisation_id=None)
        people.request_email_confirmation(
            session, services.runtime.secret_box, person_id=before, email="new@example.org"
        )
        pending = people.pending_confirmation(session, before)
        assert pending is not None
        code = people.confirmation_mail(session, services.runtime.secret_box, pending.id).code
    people.confirm_email(services.runtime.database, services.runtime.secret_box, person_id=before, code=code)
    build_worker(services).run_until_idle()
    assert [HOME] not in post.recipients
