"""Observation in pages: the learner asks, an assessor approves, the observer answers by a link and a code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.learning import service as learning
from app.learning.observation import codes
from app.learning.observation import service as observation
from app.learning.observation.models import ObservationRecord, ObservationRequestRecord
from app.people import service as people
from app.programme.schemas import AwardRule
from app.wiring import Services
from tests.databases import files_with, leave_what_is_deleted
from tests.learning.factories import module, publish
from tests.learning.observing import LINES, WATCHED, observation_activity
from tests.web.people import SignedIn, sign_in

HTML = {"Accept": "text/html"}
ACTIVITY = f"/activity/{WATCHED}"


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    """Tess on a module with an observation; Marc supervises her centre."""
    database = services.runtime.database
    signed = sign_in(services, client, "Tess", module_key="M90")
    observed = module(
        key="M90",
        activities=(module().activities[0], observation_activity()),
        award_rule=AwardRule(0.8, 3, supervisor_talk=False, observations_meet=True),
    )
    with database.write() as session:
        learning.enrol(session, person_id=signed.person_id, module=publish(session, observed), organisation_id=None)
        west = people.ensure_organisation(session, key="west", name="West")
        centre = people.add_centre(session, organisation_id=west.id, key="here", name="Here", actor=OPERATOR)
        people.join_centre(
            session, person_id=signed.person_id, centre_id=centre.id, function="specialist", actor=OPERATOR
        )
        people.add_staff(
            session, centre_id=centre.id, name="Marc <b>Delaney</b>", email="marc@agency.example",
            function="supervisor", actor=OPERATOR,
        )  # fmt: skip
    return signed


@pytest.fixture
def priya(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Priya", teacher=True, roles=("assessor",))


def marcs_membership(tess: SignedIn) -> str:
    page = tess.get(ACTIVITY).text
    (found,) = re.findall(r'name="observer" value="([0-9a-f-]{36})"', page)
    return str(found)


def ask(tess: SignedIn) -> None:
    answer = tess.post(f"{ACTIVITY}/observer/ask", {"observer": marcs_membership(tess)})
    assert answer.status_code == 303, answer.text


def request_of(services: Services) -> ObservationRequestRecord:
    with services.runtime.database.read() as session:
        return session.exec(
            select(ObservationRequestRecord).order_by(ObservationRequestRecord.number.desc())  # type: ignore[attr-defined]
        ).first()  # type: ignore[return-value]


def link(services: Services) -> str:
    return observation.observer_path(services.runtime.secret_box, request_of(services).id)


def code_of(services: Services) -> str:
    """The code, where its mail would be written."""
    runtime = services.runtime
    with runtime.database.read() as session:
        newest = codes.newest(session, request_of(services).id)
        assert newest is not None
        mail = observation.code_mail(session, runtime.secret_box, newest.id)
    assert mail is not None
    return mail.code


def filled(code: str, **changes: str) -> dict[str, str]:
    lines = {f"line-{key}": "meets" for key in LINES}
    return lines | {"observed-on": now().date().isoformat(), "code": code} | changes


def post(client: TestClient, path: str, data: dict[str, str] | None = None, **headers: str) -> Any:
    return client.post(path, data=data or {}, headers=HTML | headers)


def made(services: Services) -> list[ObservationRecord]:
    with services.runtime.database.read() as session:
        return list(session.exec(select(ObservationRecord)).all())


def test_from_asking_to_reading_what_was_seen(services: Services, client: TestClient, tess: SignedIn) -> None:
    page = tess.get(ACTIVITY).text
    assert "What will be looked at" in page
    assert "Marc &lt;b&gt;Delaney" in page
    ask(tess)
    assert "has been asked" in tess.get(ACTIVITY).text
    path = link(services)
    first = client.get(path, headers=HTML)
    assert first.status_code == 200
    assert "Please observe Tess at work" in first.text
    assert "marc@agency.example" not in first.text
    assert first.headers["Cache-Control"] == "no-store"
    answer = post(client, f"{path}/code")
    assert answer.headers["location"] == f"{path}/checklist?sent=1"
    again = client.get(f"{path}/code", headers=HTML)
    assert again.headers["location"] == f"{path}/checklist?sent=1", "a phone looks again for the page it forgot"
    assert "The code is on its way" in client.get(answer.headers["location"], headers=HTML).text
    answer = post(client, f"{path}/checklist", filled(code_of(services), overall="Calm & clear <i>"))
    assert answer.status_code == 200
    assert "Thank you" in answer.text
    assert "Calm &amp; clear &lt;i&gt;" in answer.text
    (seen,) = made(services)
    assert set(seen.answers.values()) == {"meets"}
    learner = tess.get(ACTIVITY).text
    assert "Every line meets" in learner
    assert "Calm &amp; clear" in learner


def test_looking_changes_nothing_however_often_a_scanner_looks(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    before = request_of(services)
    for page in ("", "/checklist", "/not-for-me", "/checklist?sent=1"):
        for method in (client.get, client.head):
            method(path + page, headers=HTML)
    assert request_of(services) == before
    with services.runtime.database.read() as session:
        assert codes.newest(session, before.id) is None


def test_a_wrong_code_keeps_everything_that_was_filled_in(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    post(client, f"{path}/code")
    right = code_of(services)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    said = {"line-asks": "not yet", "comment-asks": "Say it plainly.", "overall": "Well prepared."}
    page = post(client, f"{path}/checklist", filled(wrong, **said))
    assert page.status_code == 422
    assert "4 tries are left" in page.text
    assert "Say it plainly." in page.text
    assert "Well prepared." in page.text
    assert page.text.count(" checked") == len(LINES)
    assert f'value="{wrong}"' in page.text
    assert post(client, f"{path}/checklist", filled(right, **said)).status_code == 200


def test_a_new_code_from_the_checklist_keeps_what_was_filled_in(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    page = post(client, f"{path}/code", filled("", **{"from": "checklist", "overall": "Well prepared."}))
    assert "The code is on its way" in page.text
    assert "Well prepared." in page.text
    assert page.text.count(" checked") == len(LINES)


def test_an_incomplete_checklist_names_each_line_and_opens_the_comment_it_needs(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    post(client, f"{path}/code")
    page = post(client, f"{path}/checklist", filled(code_of(services), **{"line-asks": "not yet", "line-stays": ""}))
    assert page.status_code == 422
    assert 'href="#f-comment-asks"' in page.text
    assert 'href="#f-line-stays"' in page.text
    assert made(services) == []


def test_a_place_that_points_at_somebody_is_shown_with_a_box_to_answer_for_it(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    post(client, f"{path}/code")
    form = filled(code_of(services), overall=" Ring 0412 345 678.\r\nToday.")
    page = post(client, f"{path}/checklist", form)
    assert page.status_code == 422
    (box,) = re.findall(r'name="(keep-[0-9a-f]+)"', page.text)
    assert "This is not about a real person" in page.text
    assert post(client, f"{path}/checklist", form | {box: "yes"}).status_code == 200
    (seen,) = made(services)
    assert seen.kept_findings == {"phone": 1}


def test_huge_and_odd_comments_are_refused_and_kept_on_the_page(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    post(client, f"{path}/code")
    page = post(client, f"{path}/checklist", filled(code_of(services), overall="x" * 200_000))
    assert page.status_code == 422
    assert "200,000 characters" in page.text
    assert post(client, f"{path}/checklist", filled("", overall="a\x07b")).status_code == 422
    assert post(client, f"{path}/checklist", filled("1" * 5_000)).status_code == 422
    assert made(services) == []


@pytest.mark.parametrize("page", ["", "/checklist", "/not-for-me"])
def test_a_link_that_ended_says_why_and_one_that_never_was_is_not_found(
    services: Services, client: TestClient, tess: SignedIn, page: str
) -> None:
    ask(tess)
    path = link(services)
    assert tess.post(f"{ACTIVITY}/observer/withdraw").status_code == 303
    answer = client.get(path + page, headers=HTML)
    assert answer.status_code == 410
    assert "withdrawn" in answer.text
    assert answer.headers["cache-control"] == "no-store", "the address is a secret, also once it has ended"
    assert client.get(path[:-2] + page, headers=HTML).status_code == 404


def test_another_site_can_make_nothing_happen(services: Services, client: TestClient, tess: SignedIn) -> None:
    ask(tess)
    path = link(services)
    for page in ("/code", "/checklist", "/not-for-me"):
        answer = post(client, path + page, filled("123456"), Origin="https://evil.example")
        assert answer.status_code in (400, 403)
    assert request_of(services).state == "asked"


def test_this_is_not_for_me_is_confirmed_and_the_learner_is_told(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    ask(tess)
    path = link(services)
    assert "I cannot observe this" in client.get(f"{path}/not-for-me", headers=HTML).text
    assert "Thank you for telling us" in post(client, f"{path}/not-for-me").text
    assert "Please ask somebody else" in tess.get(ACTIVITY).text
    assert client.get(path, headers=HTML).status_code == 410


def propose(tess: SignedIn, email: str) -> Any:
    return tess.post(f"{ACTIVITY}/observer/propose", {"name": "Nola Other", "role": "mentor", "email": email})


def test_ones_own_address_is_refused_and_the_form_kept(tess: SignedIn, services: Services) -> None:
    page = propose(tess, "T.ess+x@example.org")
    assert page.status_code == 400
    assert "one of your own addresses" in page.text
    assert 'value="Nola Other"' in page.text
    assert request_of(services) is None


def test_an_assessor_sees_the_domains_and_decides(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    assert propose(tess, "nola@hospital.example").status_code == 303
    assert "No mail goes to them before an assessor has approved" in tess.get(ACTIVITY).text
    page = priya.get("/assess/observers").text
    assert "hospital.example" in page
    assert "Another domain than the learner’s" in page
    waiting = request_of(services).id
    refused = priya.post(f"/assess/observers/{waiting}/decline", {"reason": " "})
    assert refused.status_code == 400
    assert f'href="#f-reason-{waiting}"' in refused.text
    assert priya.post(f"/assess/observers/{waiting}/approve").status_code == 303
    assert request_of(services).state == "asked"
    assert priya.post(f"/assess/observers/{waiting}/approve").status_code == 409


def test_a_refused_proposal_tells_the_learner_why(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    propose(tess, "nola@hospital.example")
    waiting = request_of(services).id
    answer = priya.post(f"/assess/observers/{waiting}/decline", {"reason": "That is a private address."})
    assert answer.headers["location"].endswith("?done=declined")
    assert "That is a private address." in tess.get(ACTIVITY).text


def test_an_assessor_observes_with_the_same_checklist(
    services: Services, tess: SignedIn, priya: SignedIn, tmp_path: Path
) -> None:
    database = services.runtime.database
    leave_what_is_deleted(database)
    assert tess.post(f"{ACTIVITY}/observer/ask", {"observer": "assessors"}).status_code == 303
    page = priya.get("/assess/observers").text
    (href,) = re.findall(r'href="[^"]+(/assess/observers/[^"]+/activity/watched)"', page)
    assert "You observed Tess" in priya.get(href).text
    form = filled("", **{"line-asks": "not yet"})
    assert priya.post(href, form).status_code == 422
    assert priya.post(href, form | {"comment-asks": "Ask in plain words."}).status_code == 303
    (seen,) = made(services)
    assert (seen.role, seen.answers["asks"]) == ("assessor", "not yet")
    assert "Ask in plain words." in tess.get(ACTIVITY).text
    removal = f"/assess/observers/comments/{seen.id}/remove"
    assert "Remove the observer’s comments?" in priya.get(removal).text
    assert tess.get(removal).status_code == 403
    if database.is_sqlite:
        assert files_with(tmp_path, "Ask in plain words."), "the test sees what it looks for"
    assert priya.post(removal).status_code == 303
    assert files_with(tmp_path, "Ask in plain words.") == [], "nor does the database's log hold them"
    page = tess.get(ACTIVITY).text
    assert "Ask in plain words." not in page
    assert "An assessor removed the comments" in page


@pytest.mark.parametrize(
    "path", ["/assess/observers", "/assess/observers/x/activity/watched", "/assess/observers/comments/x/remove"]
)
def test_only_assessors_see_proposals(tess: SignedIn, path: str) -> None:
    assert tess.get(path).status_code == 403


def test_the_names_of_neither_are_in_the_address_the_log_or_the_outbox(
    services: Services, client: TestClient, tess: SignedIn, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(tess)
    path = link(services)
    client.get(path, headers=HTML)
    post(client, f"{path}/code")
    post(client, f"{path}/checklist", filled(code_of(services)))
    logged = capsys.readouterr()
    assert path not in logged.out + logged.err
    assert "Marc" not in logged.out + logged.err
