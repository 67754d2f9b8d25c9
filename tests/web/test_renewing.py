"""Renewing a badge on the pages: what it takes, the work at a root of its own, the assessor, and the badge after it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.awards.renewal_offers import RenewalOffer
from app.core.clock import now
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.learning import renewing
from app.learning import service as learning
from app.lti.models import LtiScore
from app.programme import service as programme
from app.programme import stacks
from app.programme.renewals import ways
from app.web.renewing_words import ways_of
from app.wiring import Services
from tests.web.people import SignedIn, sign_in
from tests.web.test_holder import award


@dataclass(frozen=True)
class Ending:
    """Tess holds a badge of M05 that ends in thirty days; she was launched into M01."""

    services: Services
    client: TestClient
    tess: SignedIn
    badge: str

    @property
    def renew(self) -> str:
        return f"/badges/{self.badge}/renew"

    @property
    def work(self) -> SignedIn:
        """Tess on the pages of her renewal."""
        return replace(self.tess, root=f"{self.tess.root}~M05")

    def change(self, **values: Any) -> None:
        with self.services.runtime.database.write() as session:
            row = session.get_one(Credential, self.badge)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)

    def row(self) -> Credential:
        with self.services.runtime.database.read() as session:
            return session.get_one(Credential, self.badge)

    def begin(self, way: str = "0") -> Any:
        return self.tess.post(self.renew, {"way": way})

    def do_the_work(self) -> None:
        """Through the pages: the check, the clock, handing in."""
        with self.services.runtime.database.read() as session:
            module = programme.current_module(session, "M05")
        self.work.post("/activity/knowledge-check/attempt")
        page = self.work.get("/activity/knowledge-check").text
        attempt = re.search(r'name="attempt" value="([^"]+)"', page)
        assert attempt
        asked = set(re.findall(r'name="answer-([^"]+)"', page))
        bank = module.activity("knowledge-check").questions
        answers = {f"answer-{each.key}": each.correct_key for each in bank if each.key in asked}
        self.work.post("/activity/knowledge-check/answers", answers | {"attempt": attempt[1]})
        fields = module.activity("clock").fields
        with self.services.runtime.database.write() as session:
            own = renewing.current(session, person_id=self.tess.person_id, module_key="M05")
            assert own is not None
            learning.save_draft(
                session, enrolment_id=own.id, person_id=self.tess.person_id, activity_key="clock", base_revision=0,
                content={each.key: "12" if each.kind == "count" else "Some words." for each in fields},
            )  # fmt: skip


@pytest.fixture
def ending(services: Services, client: TestClient) -> Ending:
    tess = sign_in(services, client, "Tess Nguyen")
    with services.runtime.database.read() as session:
        version = programme.current_module(session, "M05").version
        needed = programme.current_module(session, "M04").version
    until = (now() + timedelta(days=30)).replace(microsecond=0)
    award(services, tess.person_id, "decision:needed", achievement_key="M04", achievement_version=needed)
    badge = award(
        services, tess.person_id, achievement_key="M05", achievement_version=version, valid_until=until,
        awarded_at=until - timedelta(days=1000),
    )  # fmt: skip
    return Ending(services, client, tess, badge)


def test_my_badges_the_badge_and_the_page_lead_to_what_renewing_takes(ending: Ending) -> None:
    for path in ("/badges", f"/badges/{ending.badge}"):
        page = ending.tess.get(path).text
        assert f'{ending.tess.root}{ending.renew}"' in page, path
        assert "You can renew it now" in page
    page = ending.tess.get(ending.renew).text
    for words in (
        "A short update check",
        "Clock",
        "A search-planning meeting",
        "stays the same badge",
        "Begin to renew",
    ):
        assert words in page


def test_before_its_time_nothing_leads_there_and_the_page_says_when(ending: Ending) -> None:
    ending.change(valid_until=now() + timedelta(days=120))
    assert ending.renew not in ending.tess.get("/badges").text
    page = ending.tess.get(ending.renew).text
    assert "90 days before it ends" in page
    assert "Begin to renew" not in page
    assert ending.begin().status_code == 409


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"valid_until": timedelta(days=-400)}, "ended more than twelve months ago"),
        ({"suspended_at": timedelta()}, "is suspended"),
        ({"state": "revoked"}, "was revoked"),
    ],
)
def test_what_stands_in_the_way_is_said_in_words(ending: Ending, values: dict[str, Any], words: str) -> None:
    ending.change(**{key: now() + value if isinstance(value, timedelta) else value for key, value in values.items()})
    page = ending.tess.get(ending.renew).text
    assert words in page
    assert "Begin to renew" not in page


def test_without_a_choice_the_page_asks_for_one(ending: Ending) -> None:
    for way in ("", "7"):
        answer = ending.begin(way)
        assert answer.status_code == 422
        assert "Choose what you do again." in answer.text


def test_begun_in_any_launch_its_work_has_pages_of_its_own_beside_the_module_that_was_launched(ending: Ending) -> None:
    answer = ending.begin()
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ending.work.root}/module")
    page = ending.work.get("/module").text
    assert "renewing your badge" in page
    assert f'href="{ending.work.root}/activity/clock"' in page
    assert "/activity/search-plan" not in page
    assert "What Makes IPS, IPS" in ending.tess.get("/module").text
    assert ending.work.get("/").headers["location"] == f"{ending.work.root}/module"
    assert "Go on with the renewal" in ending.tess.get(ending.renew).text
    assert "You have begun to renew it." in ending.tess.get("/badges").text


def test_the_pages_of_a_renewal_are_nobodys_before_it_is_begun_and_nobody_elses_after(ending: Ending) -> None:
    assert ending.work.get("/module").status_code == 404
    ending.begin()
    noor = sign_in(ending.services, ending.client, "Noor")
    assert replace(noor, root=f"{noor.root}~M05").get("/module").status_code == 404
    assert noor.get(ending.renew).status_code == 404
    assert noor.post(ending.renew, {"way": "0"}).status_code == 404
    for suffix in ("~", "~m05", "~M05~M05", "~../M05"):
        assert replace(ending.tess, root=ending.tess.root + suffix).get("/module").status_code in (401, 404), suffix
    stranger = replace(ending.work, cookie="")
    assert stranger.get("/module").status_code == 401


def test_a_teacher_is_a_learner_on_the_pages_of_a_renewal(ending: Ending) -> None:
    tom = sign_in(ending.services, ending.client, "Tom", teacher=True)
    assert tom.get("/cohort").status_code == 200
    assert replace(tom, root=f"{tom.root}~M05").get("/cohort").status_code == 403


def test_from_the_first_step_to_the_renewed_badge(ending: Ending, worker: Worker) -> None:
    before = ending.row()
    ending.begin()
    ending.do_the_work()
    assert "Check and hand in" in ending.work.get("/module").text
    handed_in = ending.work.post("/hand-in", {"declared": "yes"})
    assert handed_in.status_code == 303, handed_in.text
    assert "with an assessor" in ending.tess.get("/badges").text
    priya = sign_in(ending.services, ending.client, "Priya", roles=("assessor",), teacher=True)
    assert "Renewal" in priya.get("/assess").text
    with ending.services.runtime.database.read() as session:
        (item,) = learning.queue(session, assessor_person_id=priya.person_id)
    page = priya.get(f"/assess/{item.submission_id}").text
    assert "This renews a badge" in page
    levels = {f"level-{key}": "4" for key in set(re.findall(r'name="level-([^"]+)"', page))}
    assert set(levels) == {"level-speed-with-reasons"}
    asked = priya.post(f"/assess/{item.submission_id}", levels | {"decision": "award", "comment": "Quicker now."})
    assert asked.status_code == 200, asked.text
    assert "No grade goes to the LMS." in asked.text
    assert priya.post(f"/assess/{item.submission_id}/award", {"comment": "Quicker now."}).status_code == 303
    assert "is being renewed" in ending.tess.get("/badges").text
    worker.run_until_idle()
    after = ending.row()
    assert (after.id, after.awarded_at, after.current_version) == (before.id, before.awarded_at, 2)
    assert after.valid_until is not None
    assert before.valid_until is not None
    assert after.valid_until > before.valid_until + timedelta(days=1000)
    assert dict(after.results)["speed-with-reasons"] == 4
    with ending.services.runtime.database.read() as session:
        assert session.exec(select(LtiScore)).all() == []
        assert issuer.stored_credential(session, ending.badge).version == 2
    page = ending.work.get("/module").text
    assert "Renewed" in page
    assert "Quicker now." in page or "See my badge" in page
    assert ending.renew not in ending.tess.get("/badges").text


def test_the_other_way_is_chosen_on_the_same_page(ending: Ending) -> None:
    ending.begin("0")
    assert ending.begin("1").status_code == 303
    page = ending.work.get("/module").text
    assert "/activity/planning-meeting" in page
    assert "/activity/clock" not in page


def test_a_badge_that_stands_on_others_is_explained(ending: Ending) -> None:
    with ending.services.runtime.database.read() as session:
        version = stacks.current_pathway(session, "practitioner").version
    ending.change(achievement_key="practitioner", achievement_version=version, results=[])
    page = ending.tess.get(ending.renew).text
    assert "practice conversation" in page
    assert "/pathway/practitioner" in page


def test_every_module_says_in_words_what_renewing_its_badge_takes(services: Services) -> None:
    with services.runtime.database.read() as session:
        modules = programme.modules(session)
    for module in modules:
        offer = RenewalOffer(None, None, None, None, module, ways(module), None, None)  # type: ignore[arg-type]
        words = ways_of(offer, module)
        assert words, module.key
        assert all(way.steps for way in words), module.key
        assert len(words) == 1 or all(way.title for way in words), module.key


def test_the_notice_of_the_badge_reached_by_mail_says_where_to_renew(ending: Ending) -> None:
    ended: datetime = now() - timedelta(days=3)
    ending.change(valid_until=ended)
    page = ending.tess.get(f"/badges/{ending.badge}").text
    assert "This badge has ended" in page
    assert "You can renew it now" in page
