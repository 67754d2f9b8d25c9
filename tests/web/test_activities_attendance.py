"""Sessions on the pages: by name and by code, for their own course only; and recognition of prior learning."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.learning import service as learning
from app.learning.models import AttendanceRecord, EnrolmentRecord
from app.lti.models import LtiGradeLink
from app.people import service as people
from app.people.models import LmsIdentityRecord
from app.programme import documents
from app.programme import service as programme
from app.programme.models import ProgrammeModuleVersion
from app.programme.schemas import Activity
from app.wiring import Services
from tests.web.people import LAUNCH, SignedIn, sign_in

WORKSHOP = Activity("workshop", "attendance", "A day together", 60, "Bring a pen.", confirmed_by=("roster", "code"))
AT = "/attendance/M01/workshop"


def publish_workshop(services: Services) -> None:
    """The next version of M01 has a session, before anybody begins."""
    with services.runtime.database.write() as session:
        current = programme.current_module(session, "M01")
        made = replace(current, version=current.version + 1, activities=(current.activities[0], WORKSHOP))
        session.add(
            ProgrammeModuleVersion(
                key=made.key, version=made.version, programme_key="ips",
                digest=documents.with_digest(made).digest, document=documents.module_document(made),
            )
        )  # fmt: skip


def in_course(services: Services, person_id: str, subject: str, context_id: str = "c") -> None:
    """What a launch leaves, by which the course's list knows its learners where the LMS gives none."""
    with services.runtime.database.write() as session:
        session.add(
            LtiGradeLink(
                registration_id=LAUNCH.registration_id, deployment_id=LAUNCH.deployment_id, subject=subject,
                person_id=person_id, module_key="M01", context_id=context_id, resource_link_id="r",
            )
        )  # fmt: skip


def test_of_what_somebody_began_at_another_agency_a_course_learns_nothing_until_they_open_it_there(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    """Whoever joined two records is known to both agencies' LMSs; the other one may be called what it likes."""
    with services.runtime.database.write() as session:
        west, east = (people.ensure_organisation(session, key=key, name=key) for key in ("west", "east"))
        row = session.exec(select(EnrolmentRecord).where(EnrolmentRecord.person_id == tess.person_id)).one()
        row.organisation_id = west.id
        session.add(row)
        people.person_for_lms_identity(
            session, registration_id="west", subject="t", name="Theresa West", email=None, organisation_id=west.id
        )
        session.exec(
            sa.update(LmsIdentityRecord)
            .where(col(LmsIdentityRecord.name) == "Theresa West")
            .values(person_id=tess.person_id)
        )
        session.exec(sa.update(LtiGradeLink).values(module_key="M09"))
    ali = sign_in(services, client, "Ali", teacher=True, organisation_id=east.id)
    ali.post(AT, {"held_on": "2026-11-20", f"was-{tess.person_id}": "yes"})
    for path in ("/cohort", AT):
        page = ali.get(path).text
        assert ("Tess" in page, "Theresa" in page, "of 2 done" in page, tess.person_id in page) == (True, *[False] * 3)
    with services.runtime.database.write() as session:
        assert session.exec(select(AttendanceRecord)).all() == []
        session.exec(sa.update(LtiGradeLink).values(module_key="M01"))
    assert "of 2 done" in ali.get("/cohort").text
    assert tess.person_id in ali.get(AT).text


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    publish_workshop(services)
    tess = sign_in(services, client, "Tess")
    in_course(services, tess.person_id, "Tess")
    return tess


@pytest.fixture
def priya(services: Services, client: TestClient, tess: SignedIn) -> SignedIn:
    return sign_in(services, client, "Priya", teacher=True)


def is_confirmed(services: Services, tess: SignedIn) -> bool:
    with services.runtime.database.read() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        (state,) = [a.state for a in learning.progress(session, enrolment.id).activities if a.key == "workshop"]
    return state == "done"


def test_a_teacher_ticks_who_was_there_and_takes_it_back(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    assert priya.get("/attendance").headers["location"].endswith(AT), "the only session there is"
    page = priya.get(AT).text
    assert "Tess" in page
    box = f"was-{tess.person_id}"
    assert f'name="{box}"' in page
    day = re.search(r'name="held_on" value="([^"]+)"', page)
    assert day, "today is filled in"
    saved = priya.post(AT, {box: "yes", "held_on": day[1]})
    assert "1 learner confirmed" in priya.get(saved.headers["location"].removeprefix(priya.root)).text
    assert "Whoever ran the session has confirmed it" in tess.get("/activity/workshop").text
    assert priya.post(f"{AT}/undo", {"person": tess.person_id}).status_code == 303
    assert not is_confirmed(services, tess)


def test_a_day_that_cannot_be_keeps_who_was_ticked(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    for day in ("2999-01-01", "yesterday", ""):
        answer = priya.post(AT, {f"was-{tess.person_id}": "yes", "held_on": day})
        assert answer.status_code == 400
        assert re.search(rf'name="was-{tess.person_id}" value="yes" checked', answer.text)
    assert not is_confirmed(services, tess)


def test_the_code_that_is_shown_confirms_whoever_types_it(services: Services, tess: SignedIn, priya: SignedIn) -> None:
    assert priya.post(f"{AT}/code").headers["location"] == f"{priya.root}{AT}/code"
    shown = priya.get(f"{AT}/code").text
    code = re.search(r'<span class="visually-hidden">((?:[A-Z0-9] ){5}[A-Z0-9])</span>', shown)
    assert code
    wrong = tess.post("/activity/workshop/attendance", {"code": "NOTTHIS"})
    assert wrong.status_code == 400
    assert "not the code that is shown" in wrong.text
    assert 'value="NOTTHIS"' in wrong.text, "what was typed is still there"
    assert tess.post("/activity/workshop/attendance", {"code": code[1]}).status_code == 303
    assert is_confirmed(services, tess)
    assert "The code you typed confirms it" in tess.get("/activity/workshop").text
    priya.post(f"{AT}/code/close")
    assert "No code is shown" in priya.get(f"{AT}/code").text


def test_a_code_of_one_course_confirms_nobody_in_another(
    services: Services, client: TestClient, tess: SignedIn, priya: SignedIn
) -> None:
    priya.post(f"{AT}/code")
    code = re.search(r'<span class="visually-hidden">([A-Z0-9 ]{11})</span>', priya.get(f"{AT}/code").text)
    assert code
    elsewhere = sign_in(services, client, "Tess", context_id="another course")
    assert elsewhere.post("/activity/workshop/attendance", {"code": code[1]}).status_code == 400
    assert not is_confirmed(services, tess)


def test_a_teacher_of_another_course_sees_and_confirms_nobody_of_this_one(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    other = sign_in(services, client, "Tom", teacher=True, context_id="another course")
    assert "Tess" not in other.get(AT).text
    other.post(AT, {f"was-{tess.person_id}": "yes", "held_on": "2026-11-20"})
    assert other.post(f"{AT}/undo", {"person": tess.person_id}).status_code == 404
    assert not is_confirmed(services, tess)


@pytest.mark.parametrize("path", ["", "/M01/workshop", "/M01/workshop/code"])
def test_a_learner_opens_none_of_these_pages(tess: SignedIn, path: str) -> None:
    answer = tess.get(f"/attendance{path}")
    assert answer.status_code == 403
    assert "whoever runs the session" in answer.text
    if path:
        assert tess.post(f"/attendance{path}").status_code == 403


def test_an_assessor_may_confirm_without_being_the_lmss_teacher(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    paul = sign_in(services, client, "Paul", roles=("assessor",))
    assert "Tess" in paul.get(AT).text


def test_a_session_that_is_none_is_not_found(priya: SignedIn) -> None:
    for path in ("/attendance/M01/lesson", "/attendance/M99/workshop", "/attendance/M01/nothing/code"):
        assert priya.get(path).status_code == 404


def test_the_catalogue_names_the_session(client: TestClient, tess: SignedIn) -> None:
    page = client.get("/programme/modules/M01", headers={"Accept": "text/html"}).text
    assert "Session to attend" in page
    assert "may leave out the lessons" in page


def test_who_can_do_it_already_goes_without_the_lessons_and_back(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    assert "Go without the lessons" in tess.get("/module").text
    assert tess.post("/recognition", {"choice": "recognition"}).headers["location"] == f"{tess.root}/module"
    page = tess.get("/module").text
    assert "Open to read all the same" in page
    assert "Lesson: " not in tess.get("/hand-in").text
    assert tess.get("/activity/lesson").status_code == 200, "never in the way of somebody who wants to read"
    tess.post("/recognition", {"choice": "lessons"})
    assert "Open to read all the same" not in tess.get("/module").text


def test_the_modules_page_says_how_far_the_provisional_status_is(services: Services, client: TestClient) -> None:
    page = sign_in(services, client, "Tess").get("/modules").text
    assert "Your first weeks" in page
    assert "Young People, Mental Health and Work" in page
    assert "It is no badge, and nobody else sees it" in page


def test_a_filled_in_example_can_be_unfolded_beside_the_exercise(services: Services, client: TestClient) -> None:
    with services.runtime.database.write() as session:
        current = programme.current_module(session, "M01")
        shown = replace(current.activity("exercise"), example_markdown="Anh is **invented**.")
        made = replace(current, version=current.version + 1, activities=(current.activities[0], shown))
        session.add(
            ProgrammeModuleVersion(
                key=made.key, version=made.version, programme_key="ips",
                digest=documents.with_digest(made).digest, document=documents.module_document(made),
            )
        )  # fmt: skip
    page = sign_in(services, client, "Tess").get("/activity/exercise").text
    assert "A filled-in example" in page
    assert "Anh is <strong>invented</strong>." in page
