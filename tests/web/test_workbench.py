"""The assessor's workbench as pages: the queue, the comment bank, second marks, agreement, appeals."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.learning import appeals
from app.learning import service as learning
from app.learning.models import AppealRecord, EnrolmentRecord, SecondMarkRecord, SubmissionRecord
from app.people import service as people
from app.programme import service as programme
from app.wiring import Services
from tests.web.people import SignedIn, hand_in, sign_in

PRAISE = "You show the gate, and what you would do about it."


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess")


@pytest.fixture
def priya(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Priya", roles=("assessor",))


@pytest.fixture
def paul(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Paul", roles=("assessor",))


def marks(services: Services, level: int) -> dict[str, str]:
    with services.runtime.database.read() as session:
        keys = [one.key for one in programme.current_module(session, "M01").rubric.criteria]
    yesterday = (now() - timedelta(days=1)).date().isoformat()
    return {f"level-{key}": str(level) for key in keys} | {"talk-date": yesterday, "talk-role": "Centre manager"}


def after(who: SignedIn, path: str, form: dict[str, str] | None = None) -> str:
    """The page that a form leads to."""
    answer = who.post(path, form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    page = who.get(answer.headers["location"].removeprefix(who.root))
    assert page.status_code == 200
    return str(page.text)


def return_it(services: Services, by: SignedIn, submission_id: str) -> None:
    form = marks(services, 2) | {"comment": "Say which gate.", "decision": "return"}
    assert by.post(f"/assess/{submission_id}", form, follow_redirects=False).status_code == 303


def only_id(services: Services, model: type[AppealRecord] | type[SecondMarkRecord]) -> str:
    with services.runtime.database.read() as session:
        return session.exec(select(model.id)).one()


def line_between(services: Services, learner: SignedIn, manager: SignedIn) -> None:
    with services.runtime.database.write() as session:
        people.set_line(
            session, person_id=learner.person_id, other_id=manager.person_id, relation="line_manager", actor=OPERATOR
        )


def test_the_queues_filter_stands_in_the_address_and_travels_to_the_work_and_on(
    services: Services, client: TestClient, tess: SignedIn, priya: SignedIn
) -> None:
    first = hand_in(services, tess.person_id)
    second = hand_in(services, sign_in(services, client, "Nia").person_id)
    page = priya.get("/assess?round=first&late=nonsense&org=").text
    assert f'/assess/{first}?round=first"' in page
    assert "1 to 2 of 2 that match" in page
    assert 'value="first" selected' in page
    form = marks(services, 2) | {"comment": "Say which gate.", "decision": "return"}
    answer = priya.post(f"/assess/{first}?round=first", form, follow_redirects=False)
    assert answer.headers["location"] == f"{priya.root}/assess/{second}?round=first&done=returned"
    assert "Here is the next" in priya.get(f"/assess/{second}?round=first&done=returned").text


def test_nothing_that_matches_is_told_apart_from_nothing_at_all(
    services: Services, tess: SignedIn, priya: SignedIn
) -> None:
    assert "Nothing to mark" in priya.get("/assess").text
    hand_in(services, tess.person_id)
    page = priya.get("/assess?round=again").text
    assert "Nothing here matches" in page
    assert "Nothing to mark" not in page


def test_more_than_two_hundred_are_told_and_paged(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    submission_id = hand_in(services, tess.person_id)
    with services.runtime.database.write() as session:
        row = session.get_one(SubmissionRecord, submission_id)
        for number in range(210):
            session.add(
                EnrolmentRecord(id=f"e{number}", person_id=row.person_id, module_key=f"X{number}", module_version=1)
            )
        session.flush()
        for number in range(210):
            session.add(SubmissionRecord(**row.model_dump() | {"id": f"s{number}", "enrolment_id": f"e{number}"}))
    page = priya.get("/assess").text
    assert "211 pieces of work wait" in page
    assert "More than 200 pieces of work wait" in page
    assert "1 to 50 of 211" in page
    last = priya.get("/assess?page=99").text
    assert "201 to 211 of 211" in last
    assert "page=4" in last


def test_a_line_managers_grey_line_says_why_and_the_page_who_may(
    services: Services, tess: SignedIn, priya: SignedIn, paul: SignedIn
) -> None:
    submission_id = hand_in(services, tess.person_id)
    line_between(services, tess, priya)
    page = priya.get("/assess").text
    assert "For another assessor" in page
    assert "Mark the oldest" not in page
    refused = priya.get(f"/assess/{submission_id}")
    assert refused.status_code == 403
    assert "You are this learner’s line manager." in refused.text
    assert "Paul" in refused.text
    assert "Some words about it" not in refused.text
    assert priya.post(f"/assess/{submission_id}", marks(services, 3)).status_code == 403
    assert paul.get(f"/assess/{submission_id}").status_code == 200


def test_saving_keeps_the_comment_on_the_whole_on_the_page(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    submission_id = hand_in(services, tess.person_id)
    page = priya.post(f"/assess/{submission_id}", {"comment": "Half a thought", "decision": "save"})
    assert page.status_code == 200
    assert "Half a thought" in page.text


def test_a_comment_is_saved_from_what_was_typed_inserted_elsewhere_and_deleted_with_a_way_back(
    services: Services, client: TestClient, tess: SignedIn, priya: SignedIn
) -> None:
    submission_id = hand_in(services, tess.person_id)
    key = next(iter(marks(services, 2))).removeprefix("level-")
    field = f"comment-{key}"
    kept = priya.post(f"/assess/{submission_id}", {field: PRAISE, "decision": f"keep:{field}"}).text
    assert "Saved to your comments" in kept
    assert f'data-focus="f-{field}"' in kept
    other = hand_in(services, sign_in(services, client, "Nia").person_id)
    page = priya.get(f"/assess/{other}").text
    comment_id = re.findall(r'<option value="([^"]+)" data-text="You show', page)[0]
    inserted = priya.post(
        f"/assess/{other}", {field: "Good.", f"bank-{field}": comment_id, "decision": f"insert:{field}"}
    ).text
    assert f"Good.\n{PRAISE}" in inserted
    assert PRAISE in priya.get("/assess/comments").text
    gone = after(priya, f"/assess/comments/{comment_id}/delete")
    assert f'<div class="written">{PRAISE}' not in gone
    assert "Bring it back" in gone
    assert PRAISE in after(priya, f"/assess/comments/{comment_id}/restore")


def test_a_saved_comment_that_may_name_somebody_says_so(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    submission_id = hand_in(services, tess.person_id)
    form = {"comment": "Ask Jessica Brown on 0412 345 678.", "decision": "keep:comment"}
    assert "please look again" in priya.post(f"/assess/{submission_id}", form).text
    assert "Please look again" in priya.get("/assess/comments").text


def test_anothers_saved_comment_is_not_to_be_had(services: Services, priya: SignedIn, paul: SignedIn) -> None:
    assert PRAISE in after(priya, "/assess/comments", {"text": PRAISE})
    comment_id = re.findall(r"/assess/comments/([^/\"]+)/delete", priya.get("/assess/comments").text)[0]
    assert PRAISE not in paul.get("/assess/comments").text
    for path in ("", "/delete", "/restore"):
        assert paul.post(f"/assess/comments/{comment_id}{path}", {f"text-{comment_id}": "mine"}).status_code == 404


def test_a_second_mark_is_blind_and_both_see_both_only_once_it_is_in(
    services: Services, tess: SignedIn, priya: SignedIn, paul: SignedIn
) -> None:
    submission_id = hand_in(services, tess.person_id)
    return_it(services, priya, submission_id)
    second_id = only_id(services, SecondMarkRecord)
    closed = paul.get(f"/assess/{submission_id}")
    assert closed.status_code == 403
    assert f'href="{paul.root}/assess/second"' in closed.text
    assert "Tess" in paul.get("/assess/second").text
    blind = paul.get(f"/assess/second/{second_id}").text
    assert "Some words about it" in blind
    for trace in ("Say which gate.", "Returned", "Priya", "checked", "Centre manager"):
        assert trace not in blind
    assert priya.get(f"/assess/second/{second_id}").status_code == 404
    assert "waits" in priya.get("/assess/agreement").text
    incomplete = paul.post(f"/assess/second/{second_id}", {"outcome": "awarded", "reason": "It is all there."})
    assert incomplete.status_code == 422
    assert "has no level yet" in incomplete.text
    assert "It is all there." in incomplete.text
    form = marks(services, 4) | {"outcome": "awarded", "reason": "It is all there."}
    assert "Thank you" in after(paul, f"/assess/second/{second_id}", form)
    for who in (priya, paul):
        page = who.get("/assess/agreement").text
        assert "More than one apart" in page
        assert "It is all there." in page
        assert who.get(f"/assess/{submission_id}").status_code == 200
    concluded = after(priya, f"/assess/agreement/{second_id}", {f"conclusion-{second_id}": "Gates need a name."})
    assert "Gates need a name." in concluded
    again = paul.post(f"/assess/agreement/{second_id}", {f"conclusion-{second_id}": "No."})
    assert again.status_code == 409


def test_where_there_is_one_assessor_second_marks_stay_open_and_it_is_told(
    services: Services, tess: SignedIn, priya: SignedIn
) -> None:
    return_it(services, priya, hand_in(services, tess.person_id))
    assert "You are the only assessor" in priya.get("/assess/second").text


def test_operators_see_everybodys_rate_and_assessors_their_own(
    services: Services, client: TestClient, tess: SignedIn, priya: SignedIn
) -> None:
    return_it(services, priya, hand_in(services, tess.person_id))
    olga = sign_in(services, client, "Olga", roles=("assessor", "operator"))
    assert "All assessors" in olga.get("/assess/agreement").text
    assert "All assessors" not in priya.get("/assess/agreement").text


def test_an_award_rests_on_the_levels_that_its_assessor_was_shown(
    services: Services, tess: SignedIn, priya: SignedIn, paul: SignedIn
) -> None:
    submission_id = hand_in(services, tess.person_id)
    asked = priya.post(f"/assess/{submission_id}", marks(services, 3) | {"decision": "award"}).text
    shown = re.findall(r'name="levels" value="([^"]+)"', asked)[0]
    paul.post(f"/assess/{submission_id}", marks(services, 4) | {"decision": "save"})
    answer = priya.post(f"/assess/{submission_id}/award", {"levels": shown, "comment": "Well seen."})
    assert (answer.status_code, "The marks have changed" in answer.text) == (409, True)
    assert "Well seen." in answer.text
    with services.runtime.database.read() as session:
        assert session.get_one(SubmissionRecord, submission_id).state == "submitted"
    shown = re.findall(r'name="levels" value="([^"]+)"', answer.text)[0]
    assert priya.post(f"/assess/{submission_id}/award", {"levels": shown}).status_code == 303


def test_what_is_kept_of_marks_on_a_device_is_the_assessors_own_and_of_one_work_until_it_is_decided(
    services: Services, tess: SignedIn, priya: SignedIn, paul: SignedIn
) -> None:
    submission_id = hand_in(services, tess.person_id)
    own = f"marks/{priya.person_id}/{submission_id}"
    page = priya.get(f"/assess/{submission_id}").text
    assert f'data-answers-keep="{own}"' in page
    assert "data-answers-stored" in page
    assert own not in paul.get(f"/assess/{submission_id}").text
    unsent = priya.post(f"/assess/{submission_id}", {"decision": "save", "comment": "Stored with a decision only."})
    assert "data-answers-stored" not in unsent.text
    form = marks(services, 2) | {"comment": "Say which gate.", "decision": "return"}
    assert "data-answers-done" in after(priya, f"/assess/{submission_id}", form)
    closed = priya.get(f"/assess/{submission_id}").text
    assert f'data-answers-sent="{own}"' in closed
    assert "data-answers-keep" not in closed


def test_an_appeal_goes_from_the_learners_page_to_another_assessor_and_back(
    services: Services, tess: SignedIn, priya: SignedIn, paul: SignedIn
) -> None:
    submission_id = hand_in(services, tess.person_id)
    return_it(services, priya, submission_id)
    assert "Ask another assessor to look" in tess.get("/module").text
    page = tess.get("/appeal").text
    about = re.findall(r'name="about" value="([^"]+)"', page)[0]
    named = tess.post("/appeal", {"about": about, "reason": "Ring Jessica Brown on 0412 345 678, she saw it."})
    assert named.status_code == 422
    assert "Ring " in named.text
    empty = tess.post("/appeal", {"about": about, "reason": " "})
    assert empty.status_code == 422
    made = after(tess, "/appeal", {"about": about, "reason": "My second answer names the gate."})
    assert "Your appeal is made" in made
    assert "You appealed" in tess.get("/module").text
    assert tess.post("/appeal", {"about": about, "reason": "Once more."}).status_code == 409
    appeal_id = only_id(services, AppealRecord)
    assert f"/assess/appeals/{appeal_id}" not in priya.get("/assess/appeals").text
    assert priya.post(f"/assess/appeals/{appeal_id}", {"outcome": "decline", "answer": "No."}).status_code == 403
    second_id = only_id(services, SecondMarkRecord)
    assert paul.get(f"/assess/second/{second_id}").status_code == 200
    beside = paul.get(f"/assess/appeals/{appeal_id}").text
    assert paul.get(f"/assess/second/{second_id}").status_code == 404, "the decision stands beside the appeal"
    assert "My second answer names the gate." in beside
    assert "Say which gate." in beside
    unsaid = paul.post(f"/assess/appeals/{appeal_id}", {"outcome": "decline", "answer": ""})
    assert unsaid.status_code == 422
    upheld = after(paul, f"/assess/appeals/{appeal_id}", {"outcome": "uphold", "answer": "It does name it."})
    assert "Upheld" in upheld
    assert "Your appeal was upheld" in tess.get("/module").text
    assert "after an appeal" in paul.get("/assess").text
    assert "The learner appealed against your decision" in priya.get("/assess").text
    with services.runtime.database.read() as session:
        again = session.exec(select(SubmissionRecord.id).where(SubmissionRecord.number == 2)).one()
    assert priya.post(f"/assess/{again}", marks(services, 3)).status_code == 403
    assert "After an appeal" in paul.get(f"/assess/{again}").text
    assert "It does name it." in tess.get("/appeal").text


def test_a_declined_appeal_is_told_with_its_reason_and_new_work_goes_on(
    services: Services, tess: SignedIn, priya: SignedIn, paul: SignedIn
) -> None:
    return_it(services, priya, hand_in(services, tess.person_id))
    about = re.findall(r'name="about" value="([^"]+)"', tess.get("/appeal").text)[0]
    tess.post("/appeal", {"about": about, "reason": "It is good."})
    appeal_id = only_id(services, AppealRecord)
    paul.post(f"/assess/appeals/{appeal_id}", {"outcome": "decline", "answer": "No gate is named anywhere."})
    assert "Your appeal was declined" in tess.get("/module").text
    assert "No gate is named anywhere." in tess.get("/appeal").text
    hand_in(services, tess.person_id)
    assert "appeal" not in tess.get("/module").text.lower().replace("/appeal", "")


def test_after_thirty_days_no_appeal_is_offered(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    return_it(services, priya, hand_in(services, tess.person_id))
    with time_machine.travel(now() + timedelta(days=30, minutes=1), tick=False), services.runtime.database.read() as db:
        enrolment = learning.enrolment_of(db, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        found = appeals.standing(db, enrolment_id=enrolment.id, person_id=tess.person_id)
    assert found.possible_until is None


@pytest.mark.parametrize(
    "path", ["/assess/second", "/assess/agreement", "/assess/appeals", "/assess/comments", "/assess/second/x"]
)
def test_the_workbench_is_for_assessors(services: Services, client: TestClient, tess: SignedIn, path: str) -> None:
    assert tess.get(path).status_code == 403
    assert sign_in(services, client, "Ali", teacher=True).get(path).status_code == 403
