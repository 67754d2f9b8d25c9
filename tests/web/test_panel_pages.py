"""A panel of two on the workbench: what each member sees, does and is told, and what the learner is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.learning.models import DecisionRecord
from app.programme import documents
from app.programme import service as programme
from app.programme.models import ProgrammeModuleVersion
from app.wiring import Services
from tests.web.people import SignedIn, hand_in, sign_in

WORDS = "kookaburra: the counts show the gate."


@pytest.fixture(autouse=True)
def _panel(services: Services) -> None:
    """M01 asks for a panel, before anybody begins."""
    publish_panel(services)


def publish_panel(services: Services) -> None:
    """The next version of M01 takes two assessors."""
    with services.runtime.database.write() as session:
        current = programme.current_module(session, "M01")
        rule = replace(current.award_rule, panel=2, supervisor_talk=False)
        made = replace(current, version=current.version + 1, award_rule=rule)
        session.add(
            ProgrammeModuleVersion(
                key=made.key, version=made.version, programme_key="ips",
                digest=documents.with_digest(made).digest, document=documents.module_document(made),
            )
        )  # fmt: skip


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess")


@pytest.fixture
def work(services: Services, tess: SignedIn) -> str:
    return f"/assess/{hand_in(services, tess.person_id)}"


def assessor(services: Services, client: TestClient, name: str) -> SignedIn:
    return sign_in(services, client, name, roles=("assessor",), teacher=True)


def levels(services: Services, level: int) -> dict[str, str]:
    with services.runtime.database.read() as session:
        criteria = programme.current_module(session, "M01").rubric.criteria
    return {f"level-{criterion.key}": str(level) for criterion in criteria}


def award(services: Services, who: SignedIn, work: str, *, level: int = 3, comment: str = WORDS) -> str:
    """Mark, be asked, and give the mark for an award, as the pages lead; where that leads."""
    asked = who.post(work, levels(services, level) | {"decision": "award", "comment": comment})
    assert asked.status_code == 200
    assert "Your mark: award" in asked.text
    given = who.post(f"{work}/award", {"comment": comment})
    return str(given.headers["location"])


def test_two_members_mark_apart_and_award_together(
    services: Services, client: TestClient, tess: SignedIn, work: str
) -> None:
    priya, paul = (assessor(services, client, name) for name in ("Priya", "Paul"))
    assert "A panel of two decides this work" in priya.get(work).text
    assert "Two assessors read your work" in tess.get("/module").text
    assert award(services, priya, work, level=4).endswith("/assess?done=waiting")
    assert "Your mark is given" in priya.get("/assess?done=waiting").text
    assert "Tess" not in priya.get("/assess").text
    assert "needs a second member of the panel" in paul.get("/assess").text
    seen = paul.get(work).text
    assert "This work needs a second member of the panel" in seen
    assert "kookaburra" not in seen
    assert "checked" not in seen
    waits = priya.get(work).text
    assert "Step back from the panel" in waits
    assert 'value="award"' not in waits
    assert award(services, paul, work, comment="I agree.").endswith("/assess?done=awarded")
    with services.runtime.database.read() as session:
        assert len(session.exec(select(DecisionRecord.id)).all()) == 1
    page = tess.get("/module").text
    assert "Awarded" in page
    assert "Priya" not in page
    assert "What each member of the panel gave" in priya.get(work).text


def test_members_who_differ_see_both_marks_and_one_changes_their_own(
    services: Services, client: TestClient, tess: SignedIn, work: str
) -> None:
    priya, paul = (assessor(services, client, name) for name in ("Priya", "Paul"))
    award(services, priya, work)
    sent = paul.post(work, levels(services, 2) | {"decision": "return", "comment": "The test has no end."})
    assert sent.headers["location"].endswith(f"{work}?done=differ")
    for who, other in ((priya, "The test has no end."), (paul, "kookaburra")):
        page = who.get(f"{work}?done=differ").text
        assert "The two of you differ" in page
        assert other in page
        assert "you two differ" in who.get("/assess").text
    for path in ("/module", "/hand-in", "/your-data/everything.json"):
        page = tess.get(path).text
        assert "kookaburra" not in page
        assert "The test has no end." not in page
    priya.post(work, {"decision": "return", "comment": "Agreed: name the end."})
    page = tess.get("/module").text
    assert "Agreed: name the end." in page
    assert "The test has no end." in page


def test_a_third_assessor_is_told_that_the_panel_is_complete(services: Services, client: TestClient, work: str) -> None:
    priya, paul, nina = (assessor(services, client, name) for name in ("Priya", "Paul", "Nina"))
    award(services, priya, work)
    paul.post(work, {"decision": "return", "comment": "The test has no end."})
    page = nina.get(work)
    assert page.status_code == 403
    assert "Two other assessors form the panel" in page.text
    assert "kookaburra" not in page.text
    assert nina.post(work, {"decision": "return", "comment": "Me too."}).status_code == 403


def test_who_steps_back_makes_room_and_may_not_twice(services: Services, client: TestClient, work: str) -> None:
    priya = assessor(services, client, "Priya")
    award(services, priya, work)
    assert priya.post(f"{work}/step-back").headers["location"].endswith("/assess?done=stepped-back")
    assert "Tess" in priya.get("/assess?done=stepped-back").text
    assert priya.post(f"{work}/step-back").status_code == 409
    assert priya.client.post(f"{priya.root}{work}/step-back", headers={"Cookie": priya.cookie}).status_code == 403


def test_a_mark_for_an_award_needs_reasons_and_stays_when_they_are_missing(
    services: Services, client: TestClient, work: str
) -> None:
    priya = assessor(services, client, "Priya")
    priya.post(work, levels(services, 3) | {"decision": "save"})
    refused = priya.post(f"{work}/award", {"comment": " "})
    assert refused.status_code == 422
    assert "Your reasons" in refused.text
    assert "checked" in priya.get(work).text
