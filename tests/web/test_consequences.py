"""Badges in question: the assessor's pages, and what the holder reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import listing
from app.people.lines import set_line
from app.wiring import Services
from tests.awards.shelf import DAY, Shelf
from tests.web.people import SignedIn, sign_in

LIST = "/assess/consequences"


@dataclass
class Room:
    """Tess with her badges, and Priya, who assesses."""

    shelf: Shelf
    tess: SignedIn
    priya: SignedIn

    def page_of(self, key: str) -> str:
        return f"{LIST}/{self.shelf.flag(key).id}"

    def standing(self, key: str) -> str:
        with self.shelf.services.runtime.database.read() as session:
            return listing.badge(session, self.shelf.badges[key].credential_id, now()).standing

    def decide(self, key: str, decision: str, reason: str = "A reason.", **more: str) -> str:
        """The page that follows."""
        answer = self.priya.post(self.page_of(key), {"decision": decision, "reason": reason, **more})
        assert answer.status_code == 303
        self.shelf.work()
        return str(self.priya.get(answer.headers["location"].removeprefix(self.priya.root)).text)

    def mine(self, key: str) -> str:
        """What Tess reads on the badge's page."""
        return str(self.tess.get(f"/badges/{self.shelf.badges[key].credential_id}").text)


@pytest.fixture
def room(services: Services, client: TestClient) -> Room:
    tess = sign_in(services, client, "Tess")
    shelf = Shelf(services, tess.person_id)
    shelf.ladder(m07=10 * DAY)
    return Room(shelf, tess, sign_in(services, client, "Priya", roles=("assessor",), teacher=True))


def test_the_empty_list_teaches(room: Room) -> None:
    page = room.priya.get(LIST).text
    assert "No badge is in question" in page
    assert 'aria-current="page">Badges in question' in page


def test_the_list_says_why_and_since_when_and_leads_to_the_decision(room: Room) -> None:
    room.shelf.revoke("M03")
    page = room.priya.get(LIST).text
    for words in ("Tess", "Practitioner", "was revoked on", "Suspend it?", room.page_of("practitioner")):
        assert words in page
    one = room.priya.get(room.page_of("practitioner")).text
    assert "An assessor is asked at once whether to suspend the badge." in one
    assert 'href="/programme/pathways#practitioner"' in one


def test_a_suspension_is_decided_told_to_its_holder_and_lifted(room: Room) -> None:
    room.shelf.suspend("M03")
    assert "An assessor looks at this badge" in room.mine("practitioner")
    assert "Suspended" in room.decide("practitioner", "suspend", "Please <ask> me.")
    assert room.standing("practitioner") == "suspended"
    mine = room.mine("practitioner")
    assert "Why this badge is suspended" in mine
    assert 'What the assessor wrote: <span class="written">Please &lt;ask&gt; me.</span>' in mine
    assert "Why, and what happens next, is below." in mine
    assert "Suspended because “" in room.tess.get("/badges").text
    room.shelf.reinstate("M03")
    assert "Lift the suspension?" in room.priya.get(LIST).text
    assert "We have asked an assessor to lift the suspension" in room.mine("practitioner")
    assert "The suspension is lifted" in room.decide("practitioner", "reinstate")
    assert room.standing("practitioner") == "issued"
    assert "Why this badge is suspended" not in room.mine("practitioner")


def test_the_holder_reads_until_when_there_is_time(room: Room) -> None:
    room.shelf.after(10)
    until = room.shelf.began + 100 * DAY
    mine = room.mine("practitioner")
    assert f"Something to do by {until.day} {until:%B %Y}" in mine
    assert "it never happens by itself" in mine
    assert "please act by" in room.tess.get("/badges").text
    assert "Something to do by" not in room.mine("M07")


def test_waiting_and_letting_it_stand(room: Room) -> None:
    room.shelf.revoke("M03")
    assert "You wait" in room.decide("practitioner", "wait", days="20")
    assert "Has time" in room.priya.get(LIST).text
    assert "It may stand" in room.decide("practitioner", "dismiss")
    assert "It was decided that the badge may stand." in room.priya.get(room.page_of("practitioner")).text
    assert "No badge is in question" in room.priya.get(LIST).text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"decision": "suspend", "reason": ""}, "A decision about somebody’s badge has a reason"),
        ({"decision": "wait", "reason": "A <b> reason.", "days": "0"}, "You can wait for 1 to 180 days."),
        ({"decision": "wait", "reason": "A <b> reason.", "days": "soon"}, "You can wait for 1 to 180 days."),
    ],
)
def test_what_is_missing_is_told_and_nothing_typed_is_lost(room: Room, given: dict[str, str], told: str) -> None:
    room.shelf.revoke("M03")
    answer = room.priya.post(room.page_of("practitioner"), given)
    assert answer.status_code == 422
    assert answer.text.count(told) == 2  # in the summary and at the field
    assert re.search(r"<textarea[^>]*>\n" + re.escape(given["reason"].replace("<b>", "&lt;b&gt;")), answer.text)
    assert room.standing("practitioner") == "issued"


def test_nothing_happens_without_a_decision_or_a_second_time(room: Room) -> None:
    room.shelf.revoke("M03")
    room.decide("practitioner", "")
    assert room.standing("practitioner") == "issued"
    room.decide("practitioner", "dismiss")
    again = room.priya.post(room.page_of("practitioner"), {"decision": "suspend", "reason": "A reason."})
    assert again.status_code == 409
    assert room.standing("practitioner") == "issued"


def test_only_an_assessor_who_is_independent_sees_it(room: Room, services: Services, client: TestClient) -> None:
    room.shelf.revoke("M03")
    assert room.tess.get(LIST).status_code == 403
    assert room.tess.get(room.page_of("practitioner")).status_code == 403
    assert room.priya.get(f"{LIST}/nothing").status_code == 404
    with services.runtime.database.write() as session:
        set_line(
            session, person_id=room.tess.person_id, other_id=room.priya.person_id, relation="mentor", actor=OPERATOR
        )
    page = room.priya.get(LIST).text
    assert "You are the holder’s mentor." in page
    assert room.page_of("practitioner") not in page
    assert room.priya.get(room.page_of("practitioner")).status_code == 403
    refused = room.priya.post(room.page_of("practitioner"), {"decision": "suspend", "reason": "A reason."})
    assert refused.status_code == 403
    assert room.standing("practitioner") == "issued"


def test_the_public_page_of_a_badge_says_nothing_of_it(room: Room, client: TestClient) -> None:
    room.shelf.after(10)
    badge = room.shelf.badges["practitioner"].credential_id
    room.tess.post(f"/badges/{badge}/share", {"shared": "yes"})
    page = client.get(f"/credentials/{badge}", headers={"Accept": "text/html"}).text
    assert "Practitioner" in page
    assert "Something to do by" not in page


def test_a_badge_that_is_suspended_for_another_reason_is_not_suspended_twice(room: Room) -> None:
    room.shelf.revoke("M03")
    assert 'value="suspend"' in room.priya.get(room.page_of("practitioner")).text
    room.shelf.suspend("practitioner")
    page = room.priya.get(room.page_of("practitioner")).text
    assert "The badge is suspended already" in page
    assert 'value="suspend"' not in page
    late = room.priya.post(room.page_of("practitioner"), {"decision": "suspend", "reason": "A reason."})
    assert late.status_code == 409
    assert room.shelf.flag("practitioner").state == "proposed"
