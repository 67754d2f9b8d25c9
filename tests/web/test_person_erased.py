"""Two persons about whom everything is kept: the export of one holds nothing of the other, and so does the erasure."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select
from starlette.testclient import TestClient

from app.core import outbox
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.core.scrubbing import scrub
from app.issuer.models import Credential
from app.learning import service as learning
from app.learning.events import AwardDecided
from app.learning.models import ActivityDraftRecord, CriterionMarkRecord, DecisionRecord, SubmissionRecord
from app.lti.events import ScoreRequested
from app.lti.models import LtiGradeLink
from app.people import erasing, exporting
from app.people import service as people
from app.people.errors import ErasureHindered, PersonErased, PersonNotFound, ReasonNamesPerson
from app.people.schemas import Erasure
from app.wiring import Services, build_worker, personal_data
from tests.web.people import SignedIn, hand_in, sign_in
from tests.web.personal_story import FROM_ASSESSOR, Life, live, rows_with

REASON = "Asked for it by mail"


@pytest.fixture
def assessor(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Priya Raman", roles=("assessor",), teacher=True)


@pytest.fixture
def quilla(services: Services, client: TestClient, assessor: SignedIn) -> Life:
    return live(services, client, "quillawort", assessor)


@pytest.fixture
def banksia(services: Services, client: TestClient, assessor: SignedIn) -> Life:
    return live(services, client, "banksiaflower", assessor)


def exported(services: Services, person_id: str) -> str:
    with services.runtime.database.read() as session:
        document = exporting.export_person(session, personal_data(services.runtime), person_id).as_json()
    return json.dumps(document["sections"], ensure_ascii=False)


def erase(services: Services, person_id: str, reason: str = REASON) -> Erasure:
    runtime = services.runtime
    done = erasing.erase_person(
        runtime.database, personal_data(runtime), person_id, reason=reason, actor=OPERATOR
    )  # fmt: skip
    assert scrub(runtime.database)
    return done


def test_an_export_holds_everything_that_was_typed_and_nothing_of_anybody_else(
    services: Services, quilla: Life, banksia: Life, assessor: SignedIn
) -> None:
    mine = exported(services, quilla.who.person_id)
    comments = [f"{what} {quilla.word}" for what in FROM_ASSESSOR]
    addresses = [f"{quilla.word}.{kind}@example.org" for kind in ("home", "later")]
    known = [f"Person {quilla.word}", f"{quilla.word} Elsewhere", f"{quilla.word}@agency.example",
             f"{quilla.word} by choice", f"Course of {quilla.word}", f"the LMS says {quilla.word}"]  # fmt: skip
    for text in (*quilla.typed, *comments, *addresses, *known, *quilla.words, *quilla.badges, "A course of many"):
        assert text in mine, text
    for strange in (*banksia.words, *banksia.badges, banksia.who.person_id, "Priya", assessor.person_id):
        assert strange not in mine, strange


def test_who_decided_is_named_by_the_role_as_the_learner_was_told(services: Services, quilla: Life) -> None:
    sections = json.loads(exported(services, quilla.who.person_id))
    assert {each["decided_by"] for each in sections["learning.decisions"]["records"]} == {"assessor"}
    assert {each["decided_by_role"] for each in sections["awards.awards"]["records"]} == {"assessor"}


def test_an_assessors_export_leads_to_nobody_whose_work_they_judged(
    services: Services, quilla: Life, assessor: SignedIn
) -> None:
    theirs = exported(services, assessor.person_id)
    assert "learning.awarded" in theirs
    sections = json.loads(exported(services, quilla.who.person_id))
    ids = [each["id"] for part in sections.values() for each in part["records"] if isinstance(each.get("id"), str)]
    assert len(ids) > 10
    for strange in (*ids, *quilla.words):
        assert strange not in theirs


def test_texts_in_quarantine_are_in_no_export_nor_who_put_them_there_and_are_erased(
    services: Services, quilla: Life, assessor: SignedIn
) -> None:
    mine = SubmissionRecord.person_id == quilla.who.person_id
    with services.runtime.database.write() as session:
        session.execute(
            sa.update(SubmissionRecord)
            .where(mine)
            .values(texts={"x": {"y": "of a client"}}, quarantined_at=now(), quarantined_by=assessor.person_id)
        )
        session.execute(sa.update(ActivityDraftRecord).values(put_aside={"y": "of a client"}))
    exported_now = exported(services, quilla.who.person_id)
    assert "of a client" not in exported_now
    assert assessor.person_id not in exported_now
    erase(services, quilla.who.person_id)
    assert rows_with(services, "of a client") == {}


def test_no_secret_of_the_server_is_in_an_export(services: Services, quilla: Life) -> None:
    mine = exported(services, quilla.who.person_id)
    handle = quilla.who.root.rpartition("/")[2]
    for name in ("secret_hash", "token_hash", "code_hash", "idempotency_key", handle):
        assert name not in mine


def test_every_section_of_an_export_holds_something_once_there_is_something_to_hold(
    services: Services, quilla: Life, assessor: SignedIn
) -> None:
    """Otherwise a section whose condition is wrong would look like one of a person who did nothing."""

    def filled(person_id: str) -> dict[str, bool]:
        return {name: bool(part["records"]) for name, part in json.loads(exported(services, person_id)).items()}

    both = [filled(quilla.who.person_id), filled(assessor.person_id)]
    assert [name for name in both[0] if not any(each[name] for each in both)] == []


def test_after_an_erasure_no_table_holds_who_the_person_was_or_what_they_wrote(
    services: Services, quilla: Life, banksia: Life
) -> None:
    before = exported(services, banksia.who.person_id)
    assert len(rows_with(services, *quilla.words)) > 12, "the test sees what it looks for"
    foreseen = erasing.foresee(services.runtime.database, personal_data(services.runtime), quilla.who.person_id)
    done = erase(services, quilla.who.person_id)
    assert foreseen == done
    assert len(done.erased) > 12
    assert rows_with(services, *quilla.words) == {}
    by_id = rows_with(services, quilla.who.person_id)
    assert set(by_id) <= {
        "person", "enrolment", "submission", "audit_entry", "outbox_event", "role_grant", "membership",
        "reporting_line", "linked_person", "attendance_code",
    }  # fmt: skip
    assert exported(services, banksia.who.person_id) == before


@pytest.fixture
def lingering(services: Services) -> None:
    """SQLite as most builds have it: what is deleted stays in the file. Some, Debian's among them, overwrite it."""
    database = services.runtime.database
    if database.is_sqlite:
        sa.event.listen(
            database.engine, "connect", lambda connection, _record: connection.execute("PRAGMA secure_delete=OFF")
        )
        database.reconnect()


def test_after_an_erasure_no_file_of_the_data_folder_holds_it_either(
    services: Services, lingering: None, quilla: Life, banksia: Life, tmp_path: Path
) -> None:
    def files_with(word: str) -> list[str]:
        return [str(path) for path in tmp_path.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]

    if services.runtime.database.is_sqlite:
        assert files_with(quilla.word), "the test sees what it looks for"
    erase(services, quilla.who.person_id)
    for word in quilla.words:
        assert files_with(word) == []
    if services.runtime.database.is_sqlite:
        assert files_with(banksia.word)


def test_after_an_erasure_no_page_shows_it_and_each_still_opens(
    services: Services, client: TestClient, quilla: Life, banksia: Life, assessor: SignedIn
) -> None:
    with services.runtime.database.read() as session:
        works = session.exec(select(SubmissionRecord.id).order_by(SubmissionRecord.id)).all()
    erase(services, quilla.who.person_id)
    pages = [assessor.get("/assess")] + [assessor.get(f"/assess/{work}") for work in works]
    pages += [client.get(f"/credentials/{badge}", headers={"Accept": "text/html"}) for badge in quilla.badges]
    assert {page.status_code for page in pages} == {200, 410}
    for page in pages:
        assert quilla.word not in page.text.lower()
    assert quilla.who.get("/your-data").status_code == 401
    assert banksia.who.get("/your-data").status_code == 200


def test_the_result_and_the_digest_of_decided_work_stay_without_a_word(services: Services, quilla: Life) -> None:
    mine = SubmissionRecord.person_id == quilla.who.person_id
    with services.runtime.database.read() as session:
        before = {row.id: row.texts_digest for row in session.exec(select(SubmissionRecord).where(mine)).all()}
    erase(services, quilla.who.person_id)
    with services.runtime.database.read() as session:
        work = session.exec(select(SubmissionRecord).where(mine)).all()
        marks = session.exec(select(CriterionMarkRecord)).all()
        decisions = session.exec(select(DecisionRecord)).all()
    assert {row.id: row.texts_digest for row in work} == before
    assert [row.texts for row in work] == [{}, {}]
    assert {row.outcome for row in decisions} == {"returned", "awarded"}
    assert {row.comment for row in (*marks, *decisions)} == {""}
    assert {row.level for row in marks} >= {3}


def test_work_that_waits_for_a_decision_is_withdrawn(
    services: Services, client: TestClient, assessor: SignedIn
) -> None:
    tess = sign_in(services, client, "Tess Nguyen")
    submission_id = hand_in(services, tess.person_id)
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        key = learning.module_of(session, enrolment).rubric.criteria[0].key
        learning.mark(
            session, submission_id=submission_id, assessor_id=assessor.person_id, criterion_key=key, level=2,
            comment="half read",
        )  # fmt: skip
    erase(services, tess.person_id)
    assert rows_with(services, "half read", "Tess Nguyen") == {}
    with services.runtime.database.read() as session:
        assert learning.queue(session, assessor_person_id=assessor.person_id) == ()
        assert session.exec(select(SubmissionRecord)).all() == []


def test_an_award_whose_badge_is_not_made_yet_hinders_and_nothing_is_half_done(
    services: Services, client: TestClient, assessor: SignedIn
) -> None:
    tess = sign_in(services, client, "Tess Nguyen")
    submission_id = hand_in(services, tess.person_id)
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=tess.person_id, module_key="M01")
        assert enrolment is not None
        own = {"submission_id": submission_id, "assessor_id": assessor.person_id}
        for criterion in learning.module_of(session, enrolment).rubric.criteria:
            learning.mark(session, criterion_key=criterion.key, level=3, **own)
        learning.record_supervisor_talk(
            session, submission_id=submission_id, recorded_by=assessor.person_id, held_on=date(2026, 1, 5),
            supervisor_role="manager",
        )  # fmt: skip
        learning.award(session, **own)
    before = rows_with(services, tess.person_id, "Tess Nguyen")
    with pytest.raises(ErasureHindered, match="worker has not made the badge"):
        erase(services, tess.person_id)
    assert rows_with(services, tess.person_id, "Tess Nguyen") == before
    build_worker(services).run_until_idle()
    assert erase(services, tess.person_id).hindrances == ()
    with services.runtime.database.read() as session:
        assert [row.state for row in session.exec(select(Credential)).all()] == ["erased"]
    build_worker(services).run_until_idle()
    assert rows_with(services, "Tess Nguyen") == {}


def test_erasing_twice_is_the_same_as_once(services: Services, quilla: Life) -> None:
    assert erase(services, quilla.who.person_id).erased_before is None
    again = erase(services, quilla.who.person_id)
    assert again.erased == ()
    assert again.erased_before is not None
    with services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "people.person_erased")).all()
        assert [(entry.actor_kind, entry.subject_id) for entry in entries] == [("operator", quilla.who.person_id)]
        with pytest.raises(PersonErased):
            exporting.export_person(session, personal_data(services.runtime), quilla.who.person_id)
        with pytest.raises(PersonNotFound):
            people.person(session, quilla.who.person_id)


def test_a_launch_of_somebody_erased_begins_anew_as_a_new_person(
    services: Services, client: TestClient, quilla: Life
) -> None:
    erase(services, quilla.who.person_id)
    again = sign_in(services, client, f"Person {quilla.word}")
    assert again.person_id != quilla.who.person_id
    page = again.get("/badges").text
    assert "No badges yet" in page
    assert "Got it" in again.get("/module").text


def test_a_reason_that_says_who_it_was_is_refused(services: Services, quilla: Life) -> None:
    for giveaway in (f"for person {quilla.word.upper()}", f"{quilla.word}.home@example.org wrote", quilla.subject):
        with pytest.raises(ReasonNamesPerson):
            erase(services, quilla.who.person_id, giveaway)
    assert rows_with(services, *quilla.words)


def test_an_assessor_who_is_erased_leaves_others_what_they_were_told(
    services: Services, quilla: Life, assessor: SignedIn
) -> None:
    before = exported(services, quilla.who.person_id)
    erase(services, assessor.person_id)
    assert exported(services, quilla.who.person_id) == before
    # A lesson may have an invented person of the same name.
    assert rows_with(services, "Priya").keys() <= {"programme_module_version"}
    with services.runtime.database.read() as session:
        assert not people.has_role(session, assessor.person_id, "assessor")


def test_a_badge_by_an_address_that_two_confirmed_is_nobodys_to_erase(
    services: Services, quilla: Life, banksia: Life
) -> None:
    from app.issuer.personal_data import credential_ids
    from app.people.models import ConfirmedEmailRecord

    with services.runtime.database.write() as session:
        session.execute(
            sa.update(ConfirmedEmailRecord)
            .where(ConfirmedEmailRecord.person_id == banksia.who.person_id)
            .values(email=f"{quilla.word}.home@example.org")
        )
    with services.runtime.database.read() as session:
        assert credential_ids(session, quilla.who.person_id) == (quilla.badges[0],)


def test_what_is_still_due_for_somebody_erased_comes_to_an_end_and_tells_nobody(
    services: Services, quilla: Life
) -> None:
    runtime, person_id = services.runtime, quilla.who.person_id
    with runtime.database.write() as session:
        link = session.exec(select(LtiGradeLink.id).where(LtiGradeLink.person_id == person_id)).one()
        outbox.emit(session, ScoreRequested("request", link, "1", "1"))
        award = session.exec(select(OutboxEvent).where(OutboxEvent.kind == AwardDecided.KIND)).one().payload
    erase(services, person_id)
    with runtime.database.write() as session:  # as if a dead letter were sent again
        outbox.emit(session, AwardDecided(**award))
    build_worker(services).run_until_idle()
    with runtime.database.read() as session:
        newest = session.exec(
            select(OutboxDelivery.handler, OutboxDelivery.state, OutboxDelivery.last_error)
            .join(OutboxEvent)
            .order_by(OutboxEvent.created_at)
        ).all()
        assert {row.state for row in session.exec(select(Credential)).all()} == {"erased"}
    assert "waiting" not in {state for _handler, state, _error in newest}
    ends = {handler: (state, error) for handler, state, error in newest}
    assert ends["messages.send_code"] == ("done", None)
    assert ends["lti.post_requested_score"][0] == "dead"
    assert ends["awards.award_from_decision"] == ("dead", "the person was erased")
