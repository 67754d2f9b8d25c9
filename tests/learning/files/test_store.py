"""Files in a person's work: added, removed, handed in, put away, purged, and gone when their time is over."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.learning import appeals
from app.learning import files as evidence
from app.learning import service as learning
from app.learning.errors import EnrolmentNotFound, NotReady, WorkLocked
from app.learning.files import EvidenceFile, FileNotFound, NoRoomForFile, RemovalTooLate, retention
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord
from app.learning.marking_errors import NotAnAssessor, NotIndependent, OwnWork
from app.learning.models import AppealRecord, SubmissionRecord
from app.learning.personal_data import LearningPersonalData
from app.people import service as people
from tests.databases import files_with, leave_what_is_deleted
from tests.learning.factories import REFLECTION, House
from tests.learning.files.conftest import Add


def current(house: House) -> list[str]:
    with house.database.read() as session:
        return [one.name for one in evidence.files_of(session, house.enrolment.id)]


def contents(house: House) -> list[bytes]:
    with house.database.read() as session:
        return sorted(session.exec(select(EvidenceContentRecord.content)).all())


def handed_in_files(house: House, submission_id: str) -> tuple[EvidenceFile, ...]:
    with house.database.read() as session:
        return evidence.files_of_submission(session, submission_id)


def remove(house: House, file: EvidenceFile) -> None:
    with house.database.write() as session:
        evidence.remove_file(session, **house.at, file_id=file.id)


def bring_back(house: House, file: EvidenceFile) -> None:
    with house.database.write() as session:
        evidence.bring_back(session, **house.at, file_id=file.id)


def age(house: House, **columns: object) -> None:
    with house.database.write() as session:
        session.execute(sa.update(EvidenceFileRecord).values(**columns))


def reason_of(house: House, appeal_id: str) -> str:
    with house.database.read() as session:
        return session.get_one(AppealRecord, appeal_id).reason


def decided_long_ago(house: House, submission_id: str, days: int = 400) -> None:
    with house.database.write() as session:
        session.execute(
            sa.update(SubmissionRecord)
            .where(SubmissionRecord.id == submission_id)
            .values(decided_at=now() - timedelta(days=days))
        )


def read_by(house: House, file: EvidenceFile, assessor: str) -> bytes:
    with house.database.write() as session:
        return evidence.open_for_assessor(session, file_id=file.id, assessor_id=assessor).content


def read_by_tess(house: House, file: EvidenceFile) -> bytes:
    with house.database.read() as session:
        return evidence.own_file(session, **house.at, file_id=file.id).content


def test_a_required_file_is_asked_for_until_it_is_there(house: House, add: Add) -> None:
    house.complete_everything()
    with pytest.raises(NotReady) as caught:
        house.submit()
    assert [(one.code, one.field_key) for one in caught.value.missing] == [("file_missing", "map")]
    file = add()
    assert house.progress().missing == ()
    remove(house, file)
    assert [one.field_key for one in house.progress().missing] == ["map"]


def test_the_same_file_twice_is_one_and_five_fit(house: House, add: Add) -> None:
    first, again = add(), add(name="other name.txt")
    assert first.id == again.id
    for number in range(4):
        add(f"File {number}".encode())
    with pytest.raises(NoRoomForFile):
        add(b"One too many")
    assert len(current(house)) == 5


def test_forty_megabytes_of_a_module_are_enough(house: House, add: Add) -> None:
    add()
    age(house, size=39_999_990)
    with pytest.raises(NoRoomForFile):
        add(b"Eleven more bytes")


def test_a_removed_file_comes_back_for_ten_minutes_and_then_is_deleted(house: House, add: Add) -> None:
    file = add()
    remove(house, file)
    remove(house, file)
    assert current(house) == []
    bring_back(house, file)
    bring_back(house, file)
    assert current(house) == ["map.txt"]
    remove(house, file)
    age(house, removed_at=now() - timedelta(minutes=10))
    with pytest.raises(RemovalTooLate):
        bring_back(house, file)
    with house.database.write() as session:
        assert evidence.clear_removed(session) == 1
    assert contents(house) == []


def test_what_is_handed_in_is_fixed_and_later_rounds_keep_or_replace(house: House, add: Add) -> None:
    kept, replaced = add(b"kept"), add(b"replaced")
    first = house.handed_in()
    with pytest.raises(WorkLocked):
        add(b"late")
    with pytest.raises(WorkLocked):
        remove(house, kept)
    house.give_back(first.id)
    remove(house, replaced)
    age_removed = now() - timedelta(days=1)
    with house.database.write() as session:
        session.execute(
            sa.update(EvidenceFileRecord).where(EvidenceFileRecord.id == replaced.id).values(removed_at=age_removed)
        )
        assert evidence.clear_removed(session) == 0, "the first round still shows it"
    new = add(b"new")
    second = house.submit()
    assert {one.id for one in handed_in_files(house, first.id)} == {kept.id, replaced.id}
    assert {one.id for one in handed_in_files(house, second.id)} == {kept.id, new.id}
    assert contents(house) == [b"kept", b"new", b"replaced"], "each once, however many rounds show it"


def test_the_digest_of_a_round_covers_its_files(house: House, add: Add) -> None:
    file = add(b"kept")
    first = house.handed_in()
    house.give_back(first.id)
    same = house.submit()
    house.give_back(same.id)
    remove(house, file)
    add(b"another")
    other = house.submit()
    with house.database.read() as session:
        digests = [session.get_one(SubmissionRecord, one.id).texts_digest for one in (first, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_what_the_learner_answered_for_in_files_is_told_to_the_assessor(house: House, add: Add) -> None:
    add(phone=2)
    assert house.handed_in().kept_findings == {"phone": 2}


def test_an_assessors_opening_is_noted_and_others_may_not(house: House, add: Add) -> None:
    file = add()
    assert read_by_tess(house, file) == b"A map of care."
    with pytest.raises(FileNotFound):
        read_by(house, file, house.priya)
    house.handed_in()
    assert read_by(house, file, house.priya) == b"A map of care."
    with pytest.raises(NotAnAssessor):
        read_by(house, file, house.ines)
    with house.database.write() as session:
        people.grant_role(session, person_id=house.tess, role="assessor", actor=OPERATOR)
    with pytest.raises(OwnWork):
        read_by(house, file, house.tess)
    with house.database.read() as session:
        seen = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.file_opened")).all()
    assert [(entry.actor_id, entry.subject_id) for entry in seen] == [(house.priya, file.id)]
    assert "map" not in str(seen[0].ids)


def test_who_is_too_near_to_open_the_work_does_not_open_its_files_either(house: House, add: Add) -> None:
    file = add()
    house.handed_in()
    with house.database.write() as session:
        people.set_line(session, person_id=house.tess, other_id=house.priya, relation="line_manager", actor=OPERATOR)
    with pytest.raises(NotIndependent):
        read_by(house, file, house.priya)
    assert read_by(house, file, house.paul) == b"A map of care."


def test_another_learner_sees_nothing(house: House, add: Add) -> None:
    file = add()
    with house.database.read() as session, pytest.raises(EnrolmentNotFound):
        evidence.own_file(session, file_id=file.id, person_id=house.ines, enrolment_id=house.enrolment.id)


def test_quarantine_hides_files_from_everybody_and_gives_them_back(house: House, add: Add) -> None:
    file = add()
    submission = house.handed_in()
    with house.database.write() as session:
        learning.quarantine(session, submission_id=submission.id, assessor_id=house.priya)
    assert current(house) == []
    assert handed_in_files(house, submission.id) == ()
    with pytest.raises(FileNotFound):
        read_by(house, file, house.priya)
    with pytest.raises(FileNotFound):
        read_by_tess(house, file)
    with pytest.raises(FileNotFound):
        bring_back(house, file)
    with house.database.write() as session:
        learning.undo(session, submission_id=submission.id, assessor_id=house.priya)
    assert current(house) == ["map.txt"]
    assert read_by(house, file, house.paul) == b"A map of care."


def test_purging_removes_every_copy_of_the_bytes_and_the_name_and_leaves_the_digest(house: House, add: Add) -> None:
    file, removed = add(b"first", name="Tess at Collingwood.txt"), add(b"second")
    first = house.handed_in()
    house.give_back(first.id)
    remove(house, removed)
    second = house.submit()
    with house.database.write() as session:
        learning.quarantine(session, submission_id=second.id, assessor_id=house.priya)
    anew = add(b"Written anew")
    with house.database.write() as session:
        learning.purge(session, submission_id=second.id, assessor_id=house.priya)
    assert contents(house) == [b"Written anew"]
    assert current(house) == [anew.name]
    with house.database.read() as session:
        row = session.get_one(EvidenceFileRecord, file.id)
    assert (row.name, row.sha256, row.size, row.media_type) == ("", file.sha256, 5, "text/plain")
    assert row.purged_at is not None


def test_texts_and_files_go_when_their_time_is_over_and_the_result_stays(house: House, add: Add) -> None:
    add()
    submission = house.ready_to_award()
    house.award(submission.id)
    assert retention.delete_old(house.database, 12) == 0
    decided_long_ago(house, submission.id)
    assert retention.delete_old(house.database, 0) == 0
    assert contents(house) == [b"A map of care."]
    assert retention.delete_old(house.database, 12) == 1
    assert retention.delete_old(house.database, 12) == 0
    assert contents(house) == []
    with house.database.read() as session:
        row = session.get_one(SubmissionRecord, submission.id)
        work = learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.priya)
        draft = learning.draft(session, **house.at, activity_key="reflection")
    assert row.texts == {}
    assert len(row.texts_digest) == 64
    assert {mark.level for mark in work.marks.values()} == {3}
    assert set(draft.content.values()) == {""}


def test_what_is_still_worked_on_or_under_appeal_is_left_alone(house: House, add: Add) -> None:
    file, old = add(b"kept"), add(b"only in the first round")
    first = house.handed_in()
    decision = house.give_back(first.id)
    remove(house, old)
    decided_long_ago(house, first.id)
    with house.database.write() as session:
        appeal = AppealRecord(
            decision_id=decision.id, submission_id=first.id, enrolment_id=house.enrolment.id, reason="Please look again"
        )
        session.add(appeal)
        session.flush()
        appeal_id = appeal.id
    assert retention.delete_old(house.database, 12) == 0
    with house.database.write() as session:
        session.execute(sa.update(AppealRecord).where(AppealRecord.id == appeal_id).values(state="declined"))
    assert reason_of(house, appeal_id) == "Please look again"
    assert retention.delete_old(house.database, 12) == 1
    assert reason_of(house, appeal_id) == "", "it tells of the work, so it goes with its texts"
    assert contents(house) == [b"kept"]
    assert current(house) == [file.name]
    with house.database.read() as session:
        assert learning.draft(session, **house.at, activity_key="reflection").content == {"text": REFLECTION}


def test_reasons_of_appeals_that_an_earlier_version_left_behind_go_too(house: House, add: Add) -> None:
    add()
    work = house.handed_in()
    decision = house.give_back(work.id)
    with house.database.write() as session:
        appeal = appeals.make(session, **house.at, decision_id=decision.id, reason="It names the gate.")
    assert retention.delete_old(house.database, 12) == 0
    assert reason_of(house, appeal.id) == "It names the gate."
    with house.database.write() as session:
        session.execute(sa.update(SubmissionRecord).values(texts={}, purged_at=now()))
    assert retention.delete_old(house.database, 0) == 0
    assert reason_of(house, appeal.id) == ""


def test_after_their_time_is_over_neither_the_databases_file_nor_its_log_holds_texts_and_files(
    house: House, add: Add, tmp_path: Path
) -> None:
    leave_what_is_deleted(house.database)
    add(b"A map of care. " * 2000)  # longer than a page
    submission = house.ready_to_award()
    house.award(submission.id)
    decided_long_ago(house, submission.id)
    words = (REFLECTION, "A map of care.")
    if house.database.is_sqlite:
        assert all(files_with(tmp_path, word) for word in words), "the test sees what it looks for"
    assert retention.delete_old(house.database, 12) == 1
    assert [files_with(tmp_path, word) for word in words] == [[], []]


def test_months_are_counted_by_the_calendar() -> None:
    assert retention.months_before(datetime(2026, 3, 31, tzinfo=UTC), 13) == datetime(2025, 2, 28, tzinfo=UTC)
    assert retention.months_before(datetime(2026, 1, 5, tzinfo=UTC), 1) == datetime(2025, 12, 5, tzinfo=UTC)


def test_a_person_gets_their_files_and_has_them_erased(house: House, add: Add) -> None:
    file = add()
    submission = house.ready_to_award()
    house.award(submission.id)
    room = LearningPersonalData()
    with house.database.read() as session:
        parts = {part.name: part.records for part in room.export(session, house.tess)}
        assert all(part.records == () for part in room.export(session, house.ines) if part.name == "learning.files")
    (exported,) = parts["learning.files"]
    assert (exported["name"], exported["sha256"]) == ("map.txt", file.sha256)
    assert base64.b64decode(str(exported["content_base64"])) == b"A map of care."
    assert [one["file_id"] for one in parts["learning.files_handed_in"]] == [file.id]
    with house.database.write() as session:
        room.erase(session, house.tess)
    assert contents(house) == []
    with house.database.read() as session:
        row = session.get_one(EvidenceFileRecord, file.id)
    assert (row.name, row.sha256) == ("", file.sha256)


def test_files_of_work_that_nobody_decided_about_leave_nothing(house: House, add: Add) -> None:
    add()
    house.handed_in()
    with house.database.write() as session:
        LearningPersonalData().erase(session, house.tess)
    with house.database.read() as session:
        assert session.exec(select(EvidenceFileRecord)).all() == []


def test_an_export_does_not_give_out_what_was_put_away(house: House, add: Add) -> None:
    add(name="A client.txt")
    submission = house.handed_in()
    with house.database.write() as session:
        learning.quarantine(session, submission_id=submission.id, assessor_id=house.priya)
    with house.database.read() as session:
        parts = {part.name: part.records for part in LearningPersonalData().export(session, house.tess)}
    (exported,) = parts["learning.files"]
    assert (exported["name"], exported["content_base64"]) == ("", None)
