"""Which mails people want: everything until they switch a kind off; some kinds come all the same."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.outbox import Worker
from app.learning.events import WorkReturned
from app.messages import jobs, preferences
from app.messages.errors import MailLinkUnknown
from app.messages.kinds import AWARDED, CODE, EXPIRING, KINDS, QUARANTINED, RETURNED, WALLET, kind_of
from app.people import erasing
from app.wiring import Services, personal_data
from tests.messages.post import Post
from tests.messages.test_mails import awarded, delivery, deps_of, returned, sent_mails, tess_of

SWITCHABLE = [kind for kind in KINDS if kind.switchable]


def switch(services: Services, person_id: str, **wanted: bool) -> None:
    with services.runtime.database.write() as session:
        preferences.switch(session, person_id, wanted)


def unwanted(services: Services, person_id: str) -> set[str]:
    with services.runtime.database.read() as session:
        return set(preferences.unwanted(session, person_id))


def token_of(services: Services, person_id: str, kind: object = RETURNED) -> str:
    url = preferences.switch_url(services.runtime.secret_box, "https://x.example", person_id, kind)  # type: ignore[arg-type]
    return url.removeprefix("https://x.example/mail/")


def read(services: Services, token: str) -> preferences.MailLink:
    with services.runtime.database.read() as session:
        return preferences.read_link(session, services.runtime.secret_box, token)


def send_returned(services: Services, person_id: str, **settings: str) -> None:
    decision_id = returned(services, person_id, "Please change this.")
    event = WorkReturned(decision_id=decision_id, submission_id="s", person_id=person_id)
    jobs.send_returned(deps_of(services, **settings))(delivery(event))


def test_everything_is_wanted_until_it_is_switched_off_and_again_when_it_is_switched_on(services: Services) -> None:
    tess = tess_of(services)
    assert unwanted(services, tess) == set()
    for _ in range(2):
        switch(services, tess, work_returned=False, credential_awarded=True)
        assert unwanted(services, tess) == {"work_returned"}
    for _ in range(2):
        switch(services, tess, work_returned=True)
        assert unwanted(services, tess) == set()


def test_what_is_switched_is_audited_once_with_ids_only(services: Services) -> None:
    tess = tess_of(services)
    for wanted in (False, False, True):
        switch(services, tess, expiring=wanted)
    with services.runtime.database.read() as session:
        rows = session.exec(select(AuditEntry).where(AuditEntry.subject_id == tess)).all()
    told = [(row.action, row.actor_id, row.ids) for row in rows if row.action.startswith("messages.")]
    assert told == [
        ("messages.mail_switched_off", tess, {"kind": "expiring"}),
        ("messages.mail_switched_on", tess, {"kind": "expiring"}),
    ]


@pytest.mark.parametrize("kind", [CODE, WALLET, QUARANTINED], ids=lambda kind: kind.key)
def test_codes_and_what_somebody_must_know_cannot_be_switched_off(services: Services, kind: object) -> None:
    tess = tess_of(services)
    switch(services, tess, **{kind.key: False, "no_such_kind": False})  # type: ignore[attr-defined]
    assert unwanted(services, tess) == set()
    with pytest.raises(MailLinkUnknown):
        read(services, token_of(services, tess, kind))


def test_a_mail_that_is_not_wanted_is_not_sent_and_all_others_are(
    services: Services, worker: Worker, post: Post
) -> None:
    tess = tess_of(services)
    switch(services, tess, work_returned=False)
    send_returned(services, tess)
    assert post.taken == []
    assert sent_mails(services) == []
    switch(services, tess, work_returned=True, credential_awarded=False)
    send_returned(services, tess)
    assert [kind for kind, _ in sent_mails(services)] == ["work_returned"]


def test_who_does_not_want_the_award_mail_has_the_badge_all_the_same(
    services: Services, worker: Worker, post: Post
) -> None:
    from app.issuer import service as issuer

    tess = tess_of(services)
    switch(services, tess, credential_awarded=False)
    awarded(services, tess)
    worker.run_until_idle()
    assert [mail for mail in post.taken if "Your badge" in str(mail["Subject"])] == []
    with services.runtime.database.read() as session:
        assert len(issuer.credentials_of(session, tess)) == 1


def test_each_switchable_mail_has_a_link_that_switches_its_kind_and_no_other(services: Services, post: Post) -> None:
    tess = tess_of(services)
    send_returned(services, tess)
    (line,) = [line.strip() for line in post.taken[0].get_content().splitlines() if "/mail/" in line]
    base = services.runtime.settings.base_url
    assert line == preferences.switch_url(services.runtime.secret_box, base, tess, RETURNED)
    link = read(services, line.removeprefix(f"{base}/mail/"))
    assert (link.person_id, link.kind) == (tess, RETURNED)


@pytest.mark.parametrize(("base_url", "has_button"), [("https://w.example.org", True), ("http://w.example.org", False)])
def test_the_mail_programs_own_button_is_offered_where_the_server_is_reached_safely(
    services: Services, post: Post, base_url: str, has_button: bool
) -> None:
    send_returned(services, tess_of(services), base_url=base_url)
    (message,) = post.taken
    assert (message["List-Unsubscribe"] is not None) == has_button
    assert (message["List-Unsubscribe-Post"] is not None) == has_button
    if has_button:
        assert str(message["List-Unsubscribe"]).startswith(f"<{base_url}/mail/")


def test_a_link_is_good_for_nobody_else_and_nothing_else(services: Services) -> None:
    tess, robin = tess_of(services), tess_of(services, None)
    token = token_of(services, tess)
    person, _, secret = token.split(".")
    for wrong in (
        f"{robin}x.work_returned.{secret}", f"{person}.expiring.{secret}", f"{person}.work_returned.{secret[:-2]}",
        f"{person}.work_returned.", f"{person}.no_such_kind.{secret}", "", ".", "..", "...", token + ".x", token + " ",
        f"{person}.work_returned.{services.runtime.secret_box.token('issuer.claim', f'{person}:work_returned')}",
    ):  # fmt: skip
        with pytest.raises(MailLinkUnknown):
            read(services, wrong)


@pytest.mark.parametrize("kind", SWITCHABLE, ids=lambda kind: kind.key)
def test_links_of_mails_that_went_out_long_ago_go_on_working(services: Services, kind: object) -> None:
    """The key of a kind is in links out there: it is never changed."""
    assert read(services, token_of(services, tess_of(services), kind)).kind == kind
    assert kind_of(kind.key) == kind  # type: ignore[attr-defined]
    assert {AWARDED.key, EXPIRING.key, RETURNED.key} == {"credential_awarded", "expiring", "work_returned"}


def test_what_was_switched_off_is_told_to_the_person_and_goes_with_them(services: Services) -> None:
    tess = tess_of(services)
    switch(services, tess, expiring=False)
    token = token_of(services, tess)
    runtime, rooms = services.runtime, personal_data(services.runtime)
    (room,) = (each for each in rooms if each.room == "messages")
    with runtime.database.read() as session:
        told = {section.name: section.records for section in room.export(session, tess)}
    assert [record["kind"] for record in told["messages.unwanted"]] == ["expiring"]
    erasing.erase_person(runtime.database, rooms, tess, reason="asked in March", actor=OPERATOR)
    assert unwanted(services, tess) == set()
    with pytest.raises(MailLinkUnknown):
        read(services, token)
