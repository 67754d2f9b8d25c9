"""Every row of a batch is issued once or refused with a reason, whatever stops on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app.awards import checking
from app.awards.award_input import award_from_json
from app.awards.batches import control, inputs, intake, leasing, purge, recording, work
from app.awards.batches.errors import (
    BatchKeyConflict,
    BatchOver,
    BatchStillArriving,
    BatchTooLarge,
    BatchUnreadable,
)
from app.awards.batches.models import AwardBatch, AwardBatchChunk, AwardBatchRow
from app.awards.models import Award
from app.awards.requests import fingerprints, issue_by_client
from app.awards.schemas import IssuingRights
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.issuer import bulk
from app.issuer import service as issuer
from app.issuer.key_errors import service_down
from app.issuer.models import CredentialVersion
from app.people import service as people
from app.people.erasing import erase_person
from app.people.person_merge import PeopleMerge
from app.wiring import personal_data
from tests.awards.batches.conftest import CLIENT, SCOPES, Desk, Killed, jsonl, row

Stage = tuple[Any, str]
# Before and after each thing that is written or signed for a chunk.
STAGES: tuple[Stage, ...] = (
    (recording, "reserve"),
    (bulk, "sign_many"),
    (bulk, "store_many"),
    (work, "_write_rows"),
    (recording, "adopt"),
    (leasing, "close_finished"),
)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "CHUNK_ROWS", 4)


def all_is_well(desk: Desk, batch_id: str, number: int) -> None:
    """Exactly so many badges, each at a place of its own, each signed once and with one of each row beside it."""
    info, badges = desk.info(batch_id), desk.badges()
    assert (info.state, info.issued, info.failed) == ("done", number, 0)
    assert {each.state for each in badges} == {"issued"}
    assert len(badges) == len({(each.status_list_number, each.status_index) for each in badges}) == number
    assert {each.credential_id for each in desk.rows(batch_id)} == {each.id for each in badges}
    with desk.database.read() as session:
        assert len(session.exec(select(CredentialVersion)).all()) == number
        assert len(session.exec(select(Award)).all()) == desk.requests() == number
        told = session.exec(select(AuditEntry.action).where(AuditEntry.subject == "credential")).all()
        assert sorted(set(told)) == ["issuer.credential_issued", "issuer.credential_reserved"]
        assert len(told) == 2 * number
        assert session.exec(select(AwardBatchRow.sealed_input).where(AwardBatchRow.state == "issued")).all() == (
            [None] * number
        )


def test_good_rows_are_issued_and_bad_ones_told_by_line(desk: Desk) -> None:
    rows = [row(number) for number in range(10)]
    rows[3]["achievement"] = "M99"
    rows[5]["awarded_at"] = "2999-01-01T00:00:00Z"
    rows[6]["awarded_at"] = "1999-01-01T00:00:00Z"
    rows[7]["recipient"] = {"email": "nobody"}
    rows[8] = row(1)
    batch_id = desk.send(jsonl(rows))
    assert desk.info(batch_id).state == "queued"
    desk.worker().run_until_idle()
    assert desk.told(batch_id) == {
        4: "achievement-unknown",
        6: "in-the-future",
        7: "too-long-ago",
        8: "email_not_usable",
        9: "repeated",
    }
    info = desk.info(batch_id)
    assert (info.state, info.total, info.issued, info.failed, info.eta_seconds) == ("done", 10, 5, 5, None)
    assert info.rate > 0


def test_rows_that_were_taken_in_by_an_earlier_release_are_still_read(desk: Desk) -> None:
    batch_id = desk.send(jsonl([row(1)]))
    box = desk.services.runtime.secret_box
    with desk.database.write() as session:
        waiting = session.exec(select(AwardBatchRow)).one()
        known = orjson.loads(box.decrypt(inputs.PURPOSE, waiting.sealed_input or ""))
        waiting.sealed_input = box.encrypt(inputs.PURPOSE, orjson.dumps(known[:2]))
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 1)


def holder(desk: Desk, name: str, email: str | None = None) -> str:
    """A person, who has confirmed the address if one is given."""
    runtime = desk.services.runtime
    with runtime.database.write() as session:
        person_id = people.person_for_lms_identity(
            session, registration_id="r", subject=name, name=name, email=None, organisation_id=None
        ).id
        if email is None:
            return person_id
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)
    return person_id


@pytest.mark.parametrize("is_joined", [False, True])
def test_whoever_goes_between_checking_and_reserving_is_looked_at_once_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, is_joined: bool
) -> None:
    runtime, old = desk.services.runtime, holder(desk, "Tess", "person-1@example.org")
    new = holder(desk, "Tess again") if is_joined else None
    batch_id = desk.send(jsonl([row(1), row(2)]))
    real = checking.check_many

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(checking, "check_many", real)
        answers = real(*given)
        if new is not None:
            with runtime.database.write() as session:
                PeopleMerge().absorb(session, old, new)
        else:
            erase_person(runtime.database, personal_data(runtime), old, reason="asked for", actor=OPERATOR)
        return answers

    monkeypatch.setattr(checking, "check_many", meanwhile)
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 2)
    assert [each.person_id for each in desk.badges()] == [None, None]  # whoever has the mail can claim it


def test_the_same_upload_is_one_batch_and_another_under_its_key_is_refused(desk: Desk) -> None:
    batch_id = desk.send(jsonl([row(1)]))
    assert desk.send(jsonl([row(1)])) == batch_id
    desk.worker().run_until_idle()
    assert desk.send(jsonl([row(1)])) == batch_id
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 1)
    with pytest.raises(BatchKeyConflict):
        desk.send(jsonl([row(2)]))
    with pytest.raises(BatchKeyConflict):
        desk.send(jsonl([row(1)]), all_or_nothing=True)


def test_a_row_is_the_same_award_as_one_that_was_asked_for_alone(desk: Desk) -> None:
    runtime = desk.services.runtime
    award = award_from_json(row(1))
    first, *older = fingerprints(runtime.secret_box, award)
    alone = issue_by_client(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        award=award, rights=IssuingRights(CLIENT, SCOPES, None), idempotency_key="own-1",
        fingerprint=first, older_fingerprints=tuple(older),
    )  # fmt: skip
    again, other = row(1, idempotency_key="own-1"), row(2, idempotency_key="own-2")
    batch_id = desk.send(jsonl([again, other]))
    desk.worker().run_until_idle()
    assert desk.rows(batch_id)[0].credential_id == alone.credential_id
    all_is_well(desk, batch_id, 2)
    changed = desk.send(jsonl([row(3, idempotency_key="own-1")]), key="batch-2")
    desk.worker().run_until_idle()
    assert desk.told(changed) == {1: "idempotency-conflict"}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage[1])
@pytest.mark.parametrize(("after", "sweeps"), [(False, True), (True, False), (True, True)])
def test_a_worker_that_dies_anywhere_leaves_its_chunk_to_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, stage: Stage, after: bool, sweeps: bool
) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(6)))
    module, name = stage
    real: Callable[..., Any] = getattr(module, name)

    def dies(*given: Any, **named: Any) -> Any:
        if after:
            real(*given, **named)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(module, name, dies)
        for _ in range(2):
            with suppress(Killed):
                desk.worker().run_until_idle()
    before = {each.id: each.status_index for each in desk.badges()}
    runtime = desk.services.runtime
    if sweeps:
        issuer.finish_orphans(runtime.database, runtime.secret_box, runtime.settings.base_url, older_than=-timedelta(1))
    desk.let_leases_run_out()
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 6)
    assert before.items() <= {each.id: each.status_index for each in desk.badges()}.items()


def test_two_workers_share_a_batch(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(40)))
    threads = [threading.Thread(target=desk.worker().run_until_idle) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 40)


def test_a_worker_that_comes_back_after_its_lease_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(4)))
    real = bulk.sign_many

    def slow(*given: Any) -> Any:
        signed = real(*given)
        monkeypatch.setattr(bulk, "sign_many", real)
        desk.let_leases_run_out()
        desk.worker().run_until_idle()
        return signed

    monkeypatch.setattr(bulk, "sign_many", slow)
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 4)


def test_a_row_that_ends_every_worker_is_given_up_and_the_rest_is_issued(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(6)))
    real = inputs.unseal

    def poisoned(*given: Any) -> Any:
        award, *rest = real(*given)
        if award.email == "person-2@example.org":
            raise Killed
        return award, *rest

    monkeypatch.setattr(inputs, "unseal", poisoned)
    deaths = 0
    while desk.info(batch_id).state != "done":
        try:
            desk.worker().run_until_idle()
        except Killed:
            deaths += 1
            assert deaths < 10
        desk.let_leases_run_out()
    assert desk.told(batch_id) == {3: "ends-workers"}
    assert desk.info(batch_id).issued == 5
    assert deaths == leasing.ATTEMPTS_AS_A_WHOLE + leasing.MOST_TRIES


def test_a_row_that_meets_an_error_of_ours_is_given_up_and_the_rest_is_issued(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(6)))
    real = recording.asked

    def broken(box: Any, line: int, *given: Any) -> Any:
        if line == 3:
            raise ZeroDivisionError
        return real(box, line, *given)

    monkeypatch.setattr(recording, "asked", broken)
    for _ in range(10):
        desk.worker().run_until_idle()
        desk.let_leases_run_out()
    assert desk.told(batch_id) == {3: "unexpected-error"}
    assert (desk.info(batch_id).state, desk.info(batch_id).issued) == ("done", 5)


def test_all_or_nothing_issues_nothing_if_one_row_is_bad_and_tells_every_bad_one(desk: Desk) -> None:
    rows = [row(number) for number in range(10)]
    rows[2]["achievement"] = "M99"
    rows[9]["awarded_at"] = "2999-01-01T00:00:00Z"
    batch_id = desk.send(jsonl(rows), all_or_nothing=True)
    desk.worker().run_until_idle()
    info = desk.info(batch_id)
    assert (info.state, info.issued, info.failed) == ("failed", 0, 2)
    assert desk.told(batch_id) == {3: "achievement-unknown", 10: "in-the-future"}
    assert desk.badges() == []


def test_all_or_nothing_issues_nothing_if_a_row_cannot_be_read(desk: Desk) -> None:
    batch_id = desk.send(jsonl([row(1)]) + b"{}\n", all_or_nothing=True)
    desk.worker().run_until_idle()
    assert desk.info(batch_id).state == "failed"
    assert desk.badges() == []


def test_all_or_nothing_issues_all_if_every_row_is_good(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(6)), all_or_nothing=True)
    desk.worker().run_once()
    assert desk.info(batch_id).checking
    assert desk.badges() == []
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 6)


def test_all_or_nothing_stands_still_if_a_row_is_good_no_more_when_its_turn_comes(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(6)), all_or_nothing=True)
    while desk.info(batch_id).checking:
        desk.worker().run_once()
    desk.rights = IssuingRights(CLIENT, SCOPES, frozenset({"M02"}))
    desk.worker().run_until_idle()
    info = desk.info(batch_id)
    assert (info.state, info.reason, info.issued) == ("paused", "changed-since-checked", 0)


def test_a_batch_may_rest_and_go_on(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(12)))
    desk.worker().run_once()
    assert control_state(desk, batch_id, "pause") == "paused"
    assert not desk.worker().run_once()
    assert desk.info(batch_id).issued == 4
    assert control_state(desk, batch_id, "pause") == "paused"
    assert control_state(desk, batch_id, "resume") == "running"
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 12)
    with pytest.raises(BatchOver):
        control_state(desk, batch_id, "pause")


def control_state(desk: Desk, batch_id: str, step: Any) -> str:
    return control.steer(desk.database, CLIENT, batch_id, step).state


@pytest.mark.parametrize("step", ["pause", "cancel"])
def test_a_chunk_in_hand_is_finished_when_its_batch_is_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(8)))
    real = bulk.sign_many

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(bulk, "sign_many", real)
        control_state(desk, batch_id, step)
        return real(*given)

    monkeypatch.setattr(bulk, "sign_many", meanwhile)
    desk.worker().run_until_idle()
    info = desk.info(batch_id)
    assert (info.state, info.issued) == ("paused" if step == "pause" else "cancelled", 4)
    assert len(desk.badges()) == 4


def test_of_a_cancelled_batch_only_what_was_reserved_is_finished(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(8)))
    with monkeypatch.context() as dying, suppress(Killed):
        dying.setattr(bulk, "sign_many", lambda *_: (_ for _ in ()).throw(Killed()))
        desk.worker().run_until_idle()
    assert control_state(desk, batch_id, "cancel") == "cancelled"
    desk.let_leases_run_out()
    desk.worker().run_until_idle()
    info = desk.info(batch_id)
    assert (info.state, info.issued) == ("cancelled", 4)
    assert {each.state for each in desk.badges()} == {"issued"}


def test_a_client_that_is_switched_off_issues_nothing_more(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(8)))
    desk.worker().run_once()
    rights, desk.rights = desk.rights, None
    desk.worker().run_until_idle()
    info = desk.info(batch_id)
    assert (info.state, info.reason, info.issued, info.eta_seconds) == ("paused", "client-disabled", 4, None)
    desk.rights = rights
    control_state(desk, batch_id, "resume")
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 8)


def test_rights_that_were_taken_away_meanwhile_are_not_used(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(8)))
    desk.worker().run_once()
    desk.rights = IssuingRights(CLIENT, SCOPES, frozenset({"M02"}))
    desk.worker().run_until_idle()
    assert desk.told(batch_id) == dict.fromkeys(range(5, 9), "not-allowed")


def test_rights_that_the_token_did_not_have_are_not_used_though_the_client_has_them(desk: Desk) -> None:
    batch_id = desk.send(jsonl([row(1)]))
    with desk.database.write() as session:
        session.execute(sa.update(AwardBatch).values(scopes=["credentials:issue:advanced"]))
    desk.worker().run_until_idle()
    assert desk.told(batch_id) == {1: "not-allowed"}


def test_a_key_that_is_changed_on_the_way_signs_the_rest(desk: Desk) -> None:
    runtime = desk.services.runtime
    batch_id = desk.send(jsonl(row(number) for number in range(8)))
    desk.worker().run_once()
    changed = issuer.rotate_key(
        runtime.database, runtime.secret_box,
        issuer_key="orygen", algorithm="Ed25519", use_after=timedelta(0), actor=OPERATOR,
    )  # fmt: skip
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 8)
    with desk.database.read() as session:
        kids = list(session.exec(select(CredentialVersion.embedded_kid)).all())
    assert (len(set(kids)), kids.count(changed.kid)) == (2, 4)


def test_while_the_signing_service_is_down_the_batch_waits_and_says_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(4)))

    def down(*_: Any) -> Any:
        raise service_down("could not be reached in time")

    with monkeypatch.context() as trouble:
        trouble.setattr(bulk, "sign_many", down)
        for _ in range(5):
            desk.worker().run_until_idle()
            desk.let_leases_run_out()
    info = desk.info(batch_id)
    assert (info.state, info.reason, info.eta_seconds) == ("running", service_down("").slug, None)
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 4)
    assert desk.info(batch_id).reason is None


def test_a_database_that_refuses_costs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(4)))

    def full(*_: Any) -> Any:
        raise OperationalError("insert", None, Exception("disk full"))

    with monkeypatch.context() as trouble:
        trouble.setattr(bulk, "store_many", full)
        for _ in range(5):
            with pytest.raises(OperationalError):
                desk.worker().run_once()
            desk.let_leases_run_out()
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 4)


def test_a_small_batch_does_not_wait_for_a_large_one(desk: Desk) -> None:
    desk.send(jsonl(row(number) for number in range(40)), key="large")
    desk.worker().run_once()
    small = desk.send(jsonl([row(100)]), key="small")
    desk.worker().run_once()
    desk.worker().run_once()
    assert desk.info(small).issued == 1


def test_half_an_upload_is_worked_on_by_nobody_and_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    body = jsonl(row(number) for number in range(8))
    with monkeypatch.context() as dying:
        dying.setattr(intake._Writer, "complete", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            desk.send(body)
    assert not desk.worker().run_once()
    with pytest.raises(BatchStillArriving):
        desk.send(body)
    with time_machine.travel(now() + timedelta(minutes=3)):
        batch_id = desk.send(body)
    desk.worker().run_until_idle()
    all_is_well(desk, batch_id, 8)


def test_half_an_upload_that_nobody_repeats_goes_within_hours(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as dying, suppress(Killed):
        dying.setattr(intake._Writer, "complete", lambda *_: (_ for _ in ()).throw(Killed()))
        desk.send(jsonl([row(1)]))
    assert purge.purge(desk.database) == 0
    with time_machine.travel(now() + timedelta(hours=2)):
        assert purge.purge(desk.database) == 1
    with desk.database.read() as session:
        assert [len(session.exec(select(each)).all()) for each in (AwardBatch, AwardBatchChunk, AwardBatchRow)] == [
            0, 0, 0,
        ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"\n\n"])
def test_of_an_upload_without_a_row_nothing_is_kept(desk: Desk, body: bytes) -> None:
    with pytest.raises(BatchUnreadable):
        desk.send(body)
    assert desk.send(jsonl([row(1)]))


def test_of_an_upload_with_too_many_rows_nothing_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_ROWS", 30)
    with pytest.raises(BatchTooLarge):
        desk.send(jsonl(row(number) for number in range(31)))
    assert desk.send(jsonl(row(number) for number in range(30)))


def test_input_that_nobody_will_work_on_any_more_goes_after_thirty_days(desk: Desk) -> None:
    batch_id = desk.send(jsonl(row(number) for number in range(8)))
    desk.worker().run_once()
    control_state(desk, batch_id, "cancel")

    def kept() -> int:
        with desk.database.read() as session:
            return sum(each is not None for each in session.exec(select(AwardBatchRow.sealed_input)).all())

    assert kept() == 4
    with time_machine.travel(now() + timedelta(days=29)):
        purge.purge(desk.database)
        assert kept() == 4
    with time_machine.travel(now() + timedelta(days=31)):
        purge.purge(desk.database)
        assert kept() == 0
    assert [each.state for each in desk.rows(batch_id)] == ["issued"] * 4 + ["waiting"] * 4


def test_no_table_holds_an_address_or_a_name_in_clear(desk: Desk) -> None:
    desk.send(jsonl(row(number) for number in range(4)))
    with desk.database.read() as session:
        found = [
            str(each.model_dump())
            for model in (AwardBatch, AwardBatchChunk, AwardBatchRow)
            for each in session.exec(select(model)).all()
        ]
    assert found
    assert not any("example.org" in each or "Priya" in each for each in found)
