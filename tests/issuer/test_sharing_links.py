"""Links to some badges for a while: what opens, what never does, and what is kept of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.secrets import SecretBox
from app.issuer import service, share_links
from app.issuer.errors import CredentialNotFound
from app.issuer.models import BadgeShare, BadgeShareItem
from app.issuer.share_errors import ShareLinkNotFound, ShareLinkOver, ShareLinkRefused, TooManyShareLinks
from app.issuer.share_links import OpenedLink, ShareLink

from .conftest import BASE, House

PERSON = "person-1"


def made(house: House, *credential_ids: str, days: int = 30, person_id: str = PERSON) -> str:
    with house.database.write() as session:
        return share_links.make(
            session, house.secret_box, person_id=person_id, credential_ids=credential_ids, days=days
        )


def links(house: House, person_id: str = PERSON) -> tuple[ShareLink, ...]:
    with house.database.read() as session:
        return share_links.links_of(session, house.secret_box, BASE, person_id)


def token_of(house: House, link_id: str) -> str:
    (link,) = (each for each in links(house) if each.id == link_id)
    assert link.url is not None
    return link.url.removeprefix(f"{BASE}/s/")


def opened(house: House, token: str) -> OpenedLink:
    with house.database.read() as session:
        return share_links.open_link(session, token)


def end(house: House, link_id: str, person_id: str = PERSON) -> None:
    with house.database.write() as session:
        share_links.end(session, person_id=person_id, link_id=link_id)


def test_a_link_opens_the_chosen_badges_in_their_order_though_none_is_shared(house: House) -> None:
    one, two, three = (house.issue(f"decision:{n}").credential_id for n in range(3))
    token = token_of(house, made(house, three, one))
    assert [badge.id for badge in opened(house, token).credentials] == [three, one]
    for credential_id in (one, two, three):
        with house.database.read() as session, pytest.raises(CredentialNotFound):
            service.public_credential(session, credential_id)


def test_the_secret_is_long_and_only_its_digest_is_kept(house: House) -> None:
    token = token_of(house, made(house, house.issue().credential_id))
    assert len(token) == 43, "256 bits"
    with house.database.read() as session:
        (row,) = session.exec(select(BadgeShare)).all()
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(row.model_dump())


def test_two_links_to_the_same_badge_have_nothing_in_common(house: House) -> None:
    badge = house.issue().credential_id
    assert token_of(house, made(house, badge)) != token_of(house, made(house, badge))


@pytest.mark.parametrize("days", share_links.LIFETIMES)
def test_a_link_works_for_the_days_that_were_chosen_and_no_longer(house: House, days: int) -> None:
    token = token_of(house, made(house, house.issue().credential_id, days=days))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days, minutes=-5)):
        assert opened(house, token).credentials
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days, minutes=5)), pytest.raises(ShareLinkOver):
        opened(house, token)


def test_an_ended_link_stays_ended_and_others_go_on(house: House) -> None:
    badge = house.issue().credential_id
    one, two = made(house, badge), made(house, badge)
    token, other = token_of(house, one), token_of(house, two)
    end(house, one)
    end(house, one)
    with pytest.raises(ShareLinkOver):
        opened(house, token)
    assert opened(house, other).credentials
    with house.database.read() as session:
        assert share_links.count_working(session, (badge,)) == {badge: 1}


def test_nobody_else_ends_my_link_or_learns_that_there_is_one(house: House) -> None:
    mine = made(house, house.issue().credential_id)
    with pytest.raises(ShareLinkNotFound):
        end(house, mine, person_id="person-2")
    assert links(house, "person-2") == ()
    assert opened(house, token_of(house, mine)).credentials


@pytest.mark.parametrize("token", ["", "x" * 43, "ünïcödé", "a" * 5000])
def test_what_is_no_link_of_ours_opens_nothing(house: House, token: str) -> None:
    made(house, house.issue().credential_id)
    with pytest.raises(ShareLinkNotFound):
        opened(house, token)


def test_a_link_cannot_be_made_to_somebody_elses_badge(house: House) -> None:
    mine, theirs = house.issue().credential_id, house.issue("decision:2", person_id="person-2").credential_id
    for chosen in ((theirs,), (mine, theirs), (mine, "no-such-badge")):
        with pytest.raises(CredentialNotFound):
            made(house, *chosen)
    assert links(house) == ()


def test_a_link_needs_a_badge_each_once_and_a_lifetime_that_is_offered(house: House) -> None:
    badge = house.issue().credential_id
    for chosen, days in (((), 30), ((badge, badge), 30), ((badge,), 0), ((badge,), 31), ((badge,), 36500)):
        with pytest.raises(ShareLinkRefused) as refused:
            made(house, *chosen, days=days)
        assert refused.value.kept == "No link was made."
    assert links(house) == ()


def test_a_person_has_fifty_links_at_most_and_a_new_one_when_one_has_ended(house: House) -> None:
    badge = house.issue().credential_id
    first = made(house, badge)
    for _ in range(share_links.MOST_LINKS - 1):
        made(house, badge)
    with pytest.raises(TooManyShareLinks):
        made(house, badge)
    end(house, first)
    assert made(house, badge)


def test_links_that_are_over_for_ninety_days_are_forgotten_when_a_new_one_is_made(house: House) -> None:
    badge = house.issue().credential_id
    old = made(house, badge, days=7)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=96)):
        kept = made(house, badge)
        assert {link.id for link in links(house)} == {old, kept}
    with time_machine.travel(datetime.now(UTC) + timedelta(days=98)):
        newest = made(house, badge)
        assert {link.id for link in links(house)} == {kept, newest}
    with house.database.read() as session:
        assert old not in session.exec(select(BadgeShareItem.share_id)).all()


def test_a_link_outlives_the_master_key_it_was_made_under_but_is_not_shown_again(house: House) -> None:
    link_id = made(house, house.issue().credential_id)
    token = token_of(house, link_id)
    both, new = SecretBox(["another-master-key", *house.secret_box._keys]), SecretBox(["another-master-key"])
    with house.database.read() as session:
        assert [link.url for link in share_links.links_of(session, both, BASE, PERSON)] == [f"{BASE}/s/{token}"]
        assert [link.url for link in share_links.links_of(session, new, BASE, PERSON)] == [None]
    assert opened(house, token).credentials


def test_a_revoked_badge_stays_behind_its_link_as_what_it_is(house: House) -> None:
    badge = house.issue().credential_id
    token = token_of(house, made(house, badge))
    service.revoke(house.database, house.secret_box, BASE, credential_id=badge, reason="a test", actor=OPERATOR)
    assert [each.state for each in opened(house, token).credentials] == ["revoked"]


def test_an_erased_badge_leaves_its_links_and_a_link_without_badges_is_over(house: House) -> None:
    one, two = (house.issue(f"decision:{n}").credential_id for n in range(2))
    both, single = token_of(house, made(house, one, two)), token_of(house, made(house, one))
    with house.database.write() as session:
        service.erase(session, house.secret_box, one, actor=OPERATOR)
    assert [badge.id for badge in opened(house, both).credentials] == [two]
    with pytest.raises(ShareLinkOver):
        opened(house, single)


def test_making_and_ending_are_audited_by_ids_alone(house: House) -> None:
    badge = house.issue().credential_id
    link_id = made(house, badge, days=7)
    token = token_of(house, link_id)
    end(house, link_id)
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject == "badge_share")).all()
    assert sorted((entry.action, entry.actor_id, entry.subject_id) for entry in entries) == [
        ("issuer.share_link_ended", PERSON, link_id),
        ("issuer.share_link_made", PERSON, link_id),
    ]
    assert not any(token in str(entry.model_dump()) for entry in entries)
