"""Words that a pathway asks for: the learner asks, a manager answers, and both see what became of it."""

from __future__ import annotations

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.awards.proposals import asking
from app.awards.proposals.events import ConfirmationAsked
from app.core.audit import OPERATOR, AuditEntry
from app.core.outbox_models import OutboxEvent
from app.pathways import service as pathways
from app.people import service as people
from app.people.schemas import Centre
from app.wiring import Services
from tests.web.people import SignedIn, sign_in
from tests.web.test_centre import enter_centre, join

KEY, WORD = "mentor", "managers-support"
ASK = f"/pathway/{KEY}/ask/{WORD}"
REQUESTS = "/centre/requests"


@pytest.fixture
def footscray(services: Services) -> Centre:
    return enter_centre(services, "west", "footscray")


@pytest.fixture
def marc(services: Services, client: TestClient, footscray: Centre) -> SignedIn:
    """Manager of Footscray."""
    marc = sign_in(services, client, "Marc Rossi", roles=("manager",))
    join(services, footscray, marc.person_id, "supervisor")
    return marc


@pytest.fixture
def tess(services: Services, client: TestClient, footscray: Centre) -> SignedIn:
    """A specialist of Footscray."""
    tess = sign_in(services, client, "Tess Nguyen")
    join(services, footscray, tess.person_id, "specialist")
    return tess


def state(services: Services, tess: SignedIn) -> list[str]:
    with services.runtime.database.read() as session:
        return [each.state for each in asking.requests_of(session, tess.person_id)]


def in_force(services: Services, tess: SignedIn) -> bool:
    with services.runtime.database.read() as session:
        return any(each.withdrawn_at is None for each in pathways.confirmations_of(session, tess.person_id))


def waiting(services: Services, marc: SignedIn) -> str:
    with services.runtime.database.read() as session:
        (request,) = asking.to_answer(session, marc.person_id)
    return request.id


def asked_events(services: Services) -> int:
    with services.runtime.database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == ConfirmationAsked.KIND)).all())


def test_a_word_is_asked_for_given_and_taken_back(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    assert "Ask your manager" in tess.get(f"/pathway/{KEY}").text
    assert tess.post(ASK, follow_redirects=False).headers["location"].endswith(f"/pathway/{KEY}?done=asked")
    assert "Whoever can confirm it gets a mail" in tess.get(f"/pathway/{KEY}?done=asked").text
    page = tess.get(f"/pathway/{KEY}").text
    assert "To ask for" not in page
    assert "Your manager has not answered yet." in page
    assert "one colleague waits" in marc.get(f"/centre/{footscray.id}").text
    page = marc.get(REQUESTS).text
    assert "Tess Nguyen" in page
    request_id = waiting(services, marc)
    marc.post(f"{REQUESTS}/{request_id}/give")
    assert in_force(services, tess)
    assert state(services, tess) == ["confirmed"]
    assert "Ask your manager" not in tess.get(f"/pathway/{KEY}").text
    assert marc.post(f"{REQUESTS}/{request_id}/withdraw", {"reason": " "}).status_code == 422
    assert in_force(services, tess)
    marc.post(f"{REQUESTS}/{request_id}/withdraw", {"reason": "We are short of people this year."})
    assert not in_force(services, tess)
    page = tess.get(f"/pathway/{KEY}").text
    assert "We are short of people this year." in page
    assert "Ask your manager again" in page
    with services.runtime.database.read() as session:
        actions = session.exec(select(AuditEntry.action, AuditEntry.actor_id)).all()
    assert ("awards.confirmation_asked", tess.person_id) in actions
    assert ("awards.confirmation_confirmed", marc.person_id) in actions


def test_it_is_declined_with_a_reason_that_the_learner_reads(
    services: Services, marc: SignedIn, tess: SignedIn
) -> None:
    tess.post(ASK)
    request_id = waiting(services, marc)
    assert marc.post(f"{REQUESTS}/{request_id}/decline", {"reason": ""}).status_code == 422
    assert state(services, tess) == ["open"]
    marc.post(f"{REQUESTS}/{request_id}/decline", {"reason": "Let us talk in March."})
    assert state(services, tess) == ["declined"]
    assert "Let us talk in March." in tess.get(f"/pathway/{KEY}").text
    assert "Let us talk in March." in marc.get(REQUESTS).text
    again = marc.post(f"{REQUESTS}/{request_id}/give")
    assert again.status_code == 409
    assert not in_force(services, tess)


def test_asking_twice_is_once_and_after_three_times_a_day_nobody_gets_more_mail(
    services: Services, marc: SignedIn, tess: SignedIn
) -> None:
    tess.post(ASK)
    tess.post(ASK)
    assert asked_events(services) == 1
    for _ in range(3):
        tess.post(f"{ASK}/undo")
        tess.post(ASK)
    assert asked_events(services) == asking.MOST_A_DAY
    answer = tess.post(ASK)
    assert answer.status_code == 409
    assert "three times today" in answer.text
    assert marc.get(REQUESTS).text.count("I confirm this") == 0


def test_who_has_nobody_to_ask_is_told_what_to_do(services: Services, client: TestClient) -> None:
    alone = sign_in(services, client, "Noor Alone")
    answer = alone.post(ASK)
    assert answer.status_code == 409
    assert "Ask your centre’s manager to enter who manages you" in answer.text
    assert asked_events(services) == 0


def test_what_is_there_already_is_not_asked_for(services: Services, marc: SignedIn, tess: SignedIn) -> None:
    tess.post(ASK)
    marc.post(f"{REQUESTS}/{waiting(services, marc)}/give")
    assert tess.post(ASK).status_code == 409
    assert asked_events(services) == 1


@pytest.mark.parametrize("path", ["/pathway/mentor/ask/no-such", "/pathway/no-such/ask/managers-support"])
def test_what_no_pathway_asks_for_cannot_be_asked(tess: SignedIn, path: str) -> None:
    assert tess.post(path).status_code == 404


def test_a_manager_elsewhere_neither_sees_nor_answers_it(
    services: Services, client: TestClient, marc: SignedIn, tess: SignedIn
) -> None:
    other = sign_in(services, client, "Mona Elsewhere", roles=("manager",))
    join(services, enter_centre(services, "east", "eastern"), other.person_id, "supervisor")
    tess.post(ASK)
    request_id = waiting(services, marc)
    assert "Tess" not in other.get(REQUESTS).text
    for what in ("give", "decline", "withdraw"):
        answer = other.post(f"{REQUESTS}/{request_id}/{what}", {"reason": "x"})
        assert answer.status_code in (403, 409)
        assert "Tess" not in answer.text
    assert tess.post(f"{REQUESTS}/{request_id}/give").status_code == 403, "nobody confirms for themselves"
    assert state(services, tess) == ["open"]
    assert marc.post(f"{REQUESTS}/none/give").status_code == 404


def test_a_line_manager_without_the_manager_role_may_answer_too(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    lena = sign_in(services, client, "Lena Line")
    assert lena.get(REQUESTS).status_code == 403
    with services.runtime.database.write() as session:
        people.set_line(
            session, person_id=tess.person_id, other_id=lena.person_id, relation="line_manager", actor=OPERATOR
        )
    assert "Nobody waits for you" in lena.get(REQUESTS).text
    tess.post(ASK)
    lena.post(f"{REQUESTS}/{waiting(services, lena)}/give")
    assert in_force(services, tess)
