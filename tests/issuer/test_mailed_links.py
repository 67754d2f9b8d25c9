"""Links made by whoever has an award mail: they show that one badge, and its holder sees and ends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.issuer import mailed_links, service, share_links
from app.issuer.errors import CredentialNotFound
from app.issuer.models import BadgeShare, BadgeShareItem
from app.issuer.share_errors import ShareLinkNotFound, ShareLinkOver, ShareLinkRefused, TooManyShareLinks
from app.issuer.share_links import ShareLink

from .conftest import BASE, House


def secret(house: House, credential_id: str) -> str:
    return service.claim_token(house.secret_box, credential_id)


def made(house: House, credential_id: str, days: int = 30, token: str | None = None) -> str:
    token = secret(house, credential_id) if token is None else token
    with house.database.write() as session:
        return mailed_links.make(session, house.secret_box, credential_id, token, days=days)


def listed(house: House, credential_id: str) -> tuple[ShareLink, ...]:
    with house.database.read() as session:
        return mailed_links.links_of(session, house.secret_box, BASE, credential_id, secret(house, credential_id))


def holders(house: House, person_id: str = "person-1") -> tuple[ShareLink, ...]:
    with house.database.read() as session:
        return share_links.links_of(session, house.secret_box, BASE, person_id)


def ended(house: House, credential_id: str, link_id: str) -> None:
    token = secret(house, credential_id)
    with house.database.write() as session:
        mailed_links.end(session, house.secret_box, credential_id, token, link_id=link_id)


@pytest.mark.parametrize("person_id", ["person-1", None])
def test_a_link_shows_the_badge_of_the_mail_whether_or_not_we_know_its_holder(
    house: House, person_id: str | None
) -> None:
    badge = house.issue(person_id=person_id).credential_id
    link_id = made(house, badge)
    (link,) = listed(house, badge)
    assert (link.id, link.credential_ids, link.by_mail) == (link_id, (badge,), True)
    assert link.url is not None
    with house.database.read() as session:
        opened = share_links.open_link(session, link.url.removeprefix(f"{BASE}/s/"))
    assert [each.id for each in opened.credentials] == [badge]


def test_the_mail_of_one_badge_tells_nothing_of_the_others_and_of_their_links(house: House) -> None:
    badge, other = house.issue().credential_id, house.issue("decision:2").credential_id
    with house.database.write() as session:
        own = share_links.make(session, house.secret_box, person_id="person-1", credential_ids=(badge, other), days=7)
    by_other_mail = made(house, other)
    assert listed(house, badge) == ()
    for link_id in (own, by_other_mail):
        with pytest.raises(ShareLinkNotFound):
            ended(house, badge, link_id)


def test_the_mail_of_one_badge_makes_no_link_to_another(house: House) -> None:
    badge, other = house.issue().credential_id, house.issue("decision:2").credential_id
    for token in (secret(house, other), "", "x", "ü"):
        with pytest.raises(CredentialNotFound):
            made(house, badge, token=token)
        with house.database.read() as session, pytest.raises(CredentialNotFound):
            mailed_links.links_of(session, house.secret_box, BASE, badge, token)
        with house.database.write() as session, pytest.raises(CredentialNotFound):
            mailed_links.end(session, house.secret_box, badge, token, link_id="x")


def test_the_holder_signed_in_sees_and_ends_what_was_made_with_a_mail_and_nobody_else_does(house: House) -> None:
    badge = house.issue().credential_id
    link_id = made(house, badge)
    (link,) = holders(house)
    assert (link.id, link.by_mail) == (link_id, True)
    assert holders(house, "person-2") == ()
    with house.database.write() as session, pytest.raises(ShareLinkNotFound):
        share_links.end(session, person_id="person-2", link_id=link_id)
    with house.database.write() as session:
        share_links.end(session, person_id="person-1", link_id=link_id)
    (link,) = listed(house, badge)
    assert link.ended_at is not None
    with house.database.read() as session, pytest.raises(ShareLinkOver):
        share_links.open_link(session, str(link.url).removeprefix(f"{BASE}/s/"))


def test_ten_links_work_at_a_time_and_those_of_the_holder_do_not_count(house: House) -> None:
    badge = house.issue().credential_id
    with house.database.write() as session:
        share_links.make(session, house.secret_box, person_id="person-1", credential_ids=(badge,), days=7)
    links = [made(house, badge) for _ in range(mailed_links.MOST_LINKS)]
    with pytest.raises(TooManyShareLinks, match="10 links"):
        made(house, badge)
    ended(house, badge, links[0])
    made(house, badge)


def test_those_that_are_long_over_are_forgotten_when_a_new_one_is_made(house: House) -> None:
    badge = house.issue().credential_id
    made(house, badge, days=7)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=98)):
        new = made(house, badge)
        assert [link.id for link in listed(house, badge)] == [new]


@pytest.mark.parametrize("days", [0, 8, -7, 366])
def test_a_link_for_another_time_is_refused(house: House, days: int) -> None:
    badge = house.issue().credential_id
    with pytest.raises(ShareLinkRefused):
        made(house, badge, days)


def test_who_made_and_ended_it_is_audited_as_the_mails_link(house: House) -> None:
    badge = house.issue().credential_id
    link_id = made(house, badge)
    ended(house, badge, link_id)
    ended(house, badge, link_id)
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject == "badge_share")).all()
    assert sorted((each.action, each.actor_id, each.subject_id) for each in entries) == [
        ("issuer.share_link_ended", "claim-link", link_id), ("issuer.share_link_made", "claim-link", link_id),
    ]  # fmt: skip


def test_an_erased_badge_takes_its_mailed_links_with_it_and_makes_no_more(house: House) -> None:
    badge = house.issue().credential_id
    made(house, badge)
    with house.database.write() as session:
        service.erase(session, house.secret_box, badge, actor=OPERATOR)
    with house.database.read() as session:
        assert session.exec(select(BadgeShare)).all() == []
        assert session.exec(select(BadgeShareItem)).all() == []
    with pytest.raises(CredentialNotFound):
        made(house, badge)
