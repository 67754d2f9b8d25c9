"""What the learner's pages say when something is missing, or when a badge is no longer what it was."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.programme import service as programme
from app.wiring import Services
from tests.web.people import SignedIn, hand_in, sign_in


def awarded(services: Services, client: TestClient, worker: Worker) -> tuple[SignedIn, str]:
    """Tess, and the id of her badge."""
    tess, priya = (
        sign_in(services, client, "Tess"),
        sign_in(services, client, "Priya", roles=("assessor",), teacher=True),
    )
    submission_id = hand_in(services, tess.person_id)
    fields = {
        f"level-{key}": "3" for key in re.findall(r'name="level-([^"]+)"', priya.get(f"/assess/{submission_id}").text)
    }
    talk = {"talk-date": "2026-01-02", "talk-role": "Centre manager"}
    asked = priya.post(f"/assess/{submission_id}", fields | talk | {"decision": "award", "comment": "A fine gate."})
    assert asked.status_code == 200
    assert "A fine gate." in asked.text, "the comment goes along to the question"
    assert priya.post(f"/assess/{submission_id}/award", {"comment": "A fine gate."}).status_code == 303
    worker.run_until_idle()
    with services.runtime.database.read() as session:
        (badge,) = issuer.credentials_of(session, tess.person_id)
    return tess, badge.id


def test_the_module_page_tells_what_became_of_the_badge(services: Services, client: TestClient, worker: Worker) -> None:
    tess, badge_id = awarded(services, client, worker)
    assert "nobody sees it until you share it" in tess.get("/module").text
    runtime = services.runtime
    with runtime.database.write() as session:
        issuer.share(session, badge_id, tess.person_id, True)
    shared = tess.get("/module").text
    assert "is shared" in shared
    assert "nobody sees it" not in shared
    base_url = runtime.settings.base_url
    issuer.revoke(
        runtime.database, runtime.secret_box, base_url, credential_id=badge_id, reason="a test", actor=OPERATOR
    )
    revoked = tess.get("/module").text
    assert "was revoked" in revoked
    assert "Well done" not in revoked


def test_saving_and_going_on_names_each_field_that_is_missing(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    tess.post("/activity/lesson/read")
    tess.post("/activity/knowledge-check/attempt")
    check = tess.get("/activity/knowledge-check").text
    attempt = re.search(r'name="attempt" value="([^"]+)"', check)
    assert attempt
    with services.runtime.database.read() as session:
        bank = programme.current_module(session, "M01").activity("knowledge-check").questions
    asked = set(re.findall(r'name="answer-([^"]+)"', check))
    answers = {f"answer-{question.key}": question.correct_key for question in bank if question.key in asked}
    assert tess.post("/activity/knowledge-check/answers", answers | {"attempt": attempt[1]}).status_code == 303
    answer = tess.post("/activity/exercise/draft", {"revision": "0", "mentioned": "twenty", "drop": "A gate."})
    assert answer.status_code == 303
    page = tess.get(answer.headers["location"].removeprefix(tess.root)).text
    assert "Error: " in page
    assert 'value="twenty"' in page, "what was typed is kept"
    assert "A gate." in page


def test_the_address_of_a_comparison_leads_to_the_badge(services: Services, client: TestClient) -> None:
    address = "/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10"
    answer = client.get(f"{address}/holder")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
