"""Renewing a badge that is judged by a conversation, by the pages alone: who sees it, who arranges it, what follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from starlette.testclient import TestClient

from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.schemas import CredentialSummary
from app.pathways.models import PathwayConversation
from app.pathways.standing import recompute
from app.wiring import Services
from tests.awards.proposing import PATHWAY, Way
from tests.awards.test_proposals import held_until
from tests.web.people import SignedIn, sign_in
from tests.web.test_pathway_deciding import HERE, levels

SOON, OVER = 30, -20
OF_BADGE = f"/{PATHWAY}$"


def said(page: str) -> str:
    """The words of a page."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))


@dataclass(frozen=True)
class Talked:
    """Tess holds the practitioner's badge by a conversation of long ago; Priya assesses."""

    way: Way
    priya: SignedIn
    tess: SignedIn

    def hold(self, days: int) -> CredentialSummary:
        """Her badge ends in so many days."""
        badge_id = held_until(self.way, days=max(days, 1))
        with self.way.services.runtime.database.write() as session:
            session.get_one(Credential, badge_id).valid_until = now() + timedelta(days=days)
        talk = self.way.talk(days_ago=1)
        with self.way.services.runtime.database.write() as session:
            row = session.get_one(PathwayConversation, talk)
            row.held_on, row.recorded_at = (now() - timedelta(days=900)).date(), now() - timedelta(days=900)
            session.add(row)
        self.settle()
        assert self.way.open() == ()
        (badge,) = self.way.badges()
        return badge

    def settle(self) -> None:
        """Time passes, and the worker does what is due."""
        recompute(self.way.services.runtime.database, self.tess.person_id)
        self.way.work()

    def section(self, find: str = "") -> str:
        """What stands under the heading for those who wait for a conversation."""
        page: str = self.priya.get(HERE + (f"?find={find}" if find else "")).text
        return page[page.index("Ready for the conversation") : page.index("Others on the way")]

    def follow(self, page: str, words: str, to: str = "") -> str:
        """The page behind the one link that says this, and whose address matches."""
        found = [
            href for href, text in re.findall(r'<a\b[^>]*href="([^"]+)"[^>]*>(.*?)</a>', page, re.DOTALL)
            if words in said(text) and re.search(to, href)
        ]  # fmt: skip
        assert len(found) == 1, (words, found)
        answer = self.priya.get(self.own(found[0]))
        assert answer.status_code == 200
        return str(answer.text)

    def send(self, page: str, at: str, **fields: str) -> str:
        """What comes after the form that is sent to an address with this end; what it hides goes along."""
        (form,) = re.findall(rf'<form method="post" action="([^"]+{at})"(.*?)</form>', page, re.DOTALL)
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[1]))
        answer = self.priya.post(self.own(form[0]), hidden | fields)
        if answer.status_code == 303:
            answer = self.priya.get(self.own(answer.headers["location"]))
        assert answer.status_code == 200
        return str(answer.text)

    def own(self, href: str) -> str:
        assert href.startswith(self.priya.root)
        return unescape(href.removeprefix(self.priya.root))


@pytest.fixture
def talked(services: Services, client: TestClient) -> Talked:
    tess = sign_in(services, client, "Tess Nguyen")
    priya = sign_in(services, client, "Priya Raman", roles=("assessor",), teacher=True)
    way = Way(services, tess.person_id, priya.person_id)
    way.earn(way.below())
    return Talked(way, priya, tess)


@pytest.mark.parametrize("days", [SOON, OVER])
def test_a_badge_is_renewed_from_the_assessors_list_by_links_alone(talked: Talked, days: int) -> None:
    before = talked.hold(days)
    listed = talked.priya.get(HERE).text
    assert "Tess Nguyen" in said(talked.section())
    assert "renewal" in said(talked.section())

    form = talked.follow(listed, "Record the conversation with Tess Nguyen")
    day = now().date().isoformat()
    asked = talked.send(form, "/conversation", held_on=day, comment="Fresh.", **levels(talked.way.services))
    assert "Is this right?" in asked
    kept = talked.send(asked, "/conversation", sure="yes")
    assert "Recorded" in said(kept)
    talked.settle()
    assert "Tess Nguyen" not in said(talked.section())

    proposal = talked.follow(talked.priya.get(HERE).text, "Tess Nguyen", "/proposals/")
    assert "a renewal" in said(talked.priya.get(HERE).text)
    sure = talked.send(proposal, "/award", comment="Well done.")
    assert "Awarded" in said(talked.send(sure, "/award", sure="yes"))
    talked.settle()

    (after,) = talked.way.badges()
    assert (after.id, after.awarded_at, after.version) == (before.id, before.awarded_at, before.version + 1)
    assert before.valid_until is not None
    assert after.valid_until is not None
    assert after.valid_until > max(before.valid_until, now()) + timedelta(days=1000)
    assert "Tess Nguyen" not in said(talked.section())


@pytest.mark.parametrize("days", [SOON, OVER])
def test_the_list_names_the_end_and_finds_them_by_name(talked: Talked, days: int) -> None:
    badge = talked.hold(days)
    until = badge.valid_until
    assert until is not None
    for find in ("", "tess", "zebedee"):
        assert f"{until.day} {until:%B %Y}" in said(talked.section(find)), find
    page = talked.follow(talked.priya.get(f"{HERE}?find=tess").text, "Tess Nguyen", OF_BADGE)
    assert "fresh conversation renews it" in said(page)


@pytest.mark.parametrize("days", [91, -366])
def test_outside_its_time_nobody_is_listed_for_renewal(talked: Talked, days: int) -> None:
    talked.hold(days)
    assert "Tess Nguyen" not in said(talked.section())


def test_somebody_whose_badge_ended_long_ago_is_still_found_by_name(talked: Talked) -> None:
    talked.hold(-400)
    page = talked.follow(talked.priya.get(f"{HERE}?find=tess").text, "Tess Nguyen", OF_BADGE)
    assert "Record the conversation" in page


def test_a_renewal_with_another_step_open_is_listed_and_says_so_and_stays_found_after_the_talk(talked: Talked) -> None:
    talked.hold(SOON)
    with talked.way.services.runtime.database.read() as session:
        (held,) = [
            each for each in issuer.credentials_of(session, talked.tess.person_id) if each.achievement_key == "M01"
        ]
    talked.way.revoke(held.id)
    talked.settle()
    assert "1 other step is open" in said(talked.section())
    talked.way.talk()
    talked.settle()
    assert "Tess Nguyen" not in said(talked.section())
    talked.follow(talked.priya.get(f"{HERE}?find=tess").text, "Tess Nguyen", OF_BADGE)


@pytest.mark.parametrize("days", [SOON, OVER])
def test_whoever_has_talked_already_is_not_told_that_a_conversation_is_to_come(talked: Talked, days: int) -> None:
    badge = talked.hold(days)
    with talked.way.services.runtime.database.read() as session:
        held = issuer.credentials_of(session, talked.tess.person_id)
    talked.way.revoke(next(each.id for each in held if each.achievement_key == "M01"))
    talked.way.talk()
    talked.settle()
    for path in (f"/badges/{badge.id}/renew", f"/badges/{badge.id}", "/pathway"):
        page = said(talked.tess.get(path).text)
        assert "finds a time with you" not in page, path
        assert "on record" in page, path


def test_a_renewal_that_was_declined_says_where_to_read_why(talked: Talked) -> None:
    badge = talked.hold(OVER)
    talked.way.talk()
    talked.settle()
    (proposal,) = talked.way.open()
    talked.priya.post(f"{HERE}/proposals/{proposal.id}/decline", {"reason": "Too short."})
    talked.settle()
    page = said(talked.tess.get(f"/badges/{badge.id}/renew").text)
    assert "finds a time with you" not in page
    assert "on the page of the pathway" in page


def test_a_conversation_below_the_level_leaves_the_renewal_on_the_list(talked: Talked) -> None:
    talked.hold(SOON)
    talked.way.talk(2)
    talked.settle()
    assert "Tess Nguyen" in said(talked.section())


@pytest.mark.parametrize("days", [SOON, OVER])
def test_its_holder_reads_who_arranges_the_conversation(talked: Talked, days: int) -> None:
    badge = talked.hold(days)
    page = said(talked.tess.get(f"/badges/{badge.id}/renew").text)
    assert "Nothing to do now" not in page
    assert "How it is renewed" in page
    assert "assessors see you in their list" in page
    ways = talked.tess.get("/pathway").text
    assert f"/badges/{badge.id}/renew" in ways
    assert "Renew it, and it counts again" not in said(ways)
    assert "fresh practice conversation" in said(ways)
    for path in ("/badges", f"/badges/{badge.id}"):
        assert "fresh practice conversation" in said(talked.tess.get(path).text), path


@pytest.mark.parametrize(
    ("days", "words"), [(120, "90 days before it ends"), (-400, "ended more than twelve months ago")]
)
def test_outside_its_time_the_page_says_when_or_what_instead(talked: Talked, days: int, words: str) -> None:
    badge = talked.hold(days)
    page = said(talked.tess.get(f"/badges/{badge.id}/renew").text)
    assert words in page
    assert "open it from your LMS" not in page


def test_once_the_conversation_is_recorded_the_holder_reads_that_it_is_being_decided(talked: Talked) -> None:
    badge = talked.hold(SOON)
    talked.way.talk()
    talked.settle()
    assert "renewal is proposed" in said(talked.tess.get(f"/badges/{badge.id}/renew").text)
