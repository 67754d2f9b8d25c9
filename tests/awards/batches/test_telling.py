"""What checking finds in rows is told of the place that is to be mended, with all else that is wrong with the row."""

from __future__ import annotations

import pytest

from app.awards.schemas import IssuingRights
from tests.awards.batches.conftest import CLIENT, SCOPES, Desk, jsonl, row


def places(desk: Desk, batch_id: str) -> dict[int, list[tuple[str, str]]]:
    """Of each row that was refused the places and what is wrong there."""
    failed = (each for each in desk.rows(batch_id) if each.state == "failed")
    return {each.line: [(problem.field, problem.code) for problem in each.problems] for each in failed}


def test_what_checking_refuses_is_told_of_the_member_that_is_to_be_mended(desk: Desk) -> None:
    batch_id = desk.send(
        jsonl(
            [
                row(1, achievement="m01"),
                row(2, achievement="M02"),
                row(3, awarded_at="2999-01-01T00:00:00Z"),
                row(4, awarded_at="1999-01-01T00:00:00Z"),
                row(5, results=[{"criterion": "seeing-gates", "level": 3}, {"criterion": "nothing", "level": 3}]),
                row(6, achievement="M02", override={"reason": "The panel has seen it."}),
            ]
        )
    )
    desk.worker().run_until_idle()
    assert places(desk, batch_id) == {
        1: [("achievement", "achievement-unknown")],
        2: [("achievement", "prerequisite-missing")],
        3: [("awarded_at", "in-the-future")],
        4: [("awarded_at", "too-long-ago")],
        5: [("results[1]", "result-refused")],
        6: [("override", "override-not-allowed")],
    }
    told = [each.problems[0].message for each in desk.rows(batch_id)]
    assert told[0].endswith("There is M01: capitals count.")
    assert told[4].startswith("names a criterion that the rubric does not have")


def test_a_table_is_told_by_the_names_of_its_columns(desk: Desk) -> None:
    header = b"achievement,email,decided_by_name,decided_by_role,results,override_reason,idempotency_key\n"
    body = (
        b"M01,a@example.org,P,chair,seeing-gates=3;nothing=3,,a\n"
        b"M02,b@example.org,P,chair,,Seen,b\n"
        b"M03,c@example.org,P,chair,,,c\n"
    )
    batch_id = desk.send(header + body, media="csv")
    desk.worker().run_until_idle()
    assert places(desk, batch_id) == {
        2: [("results", "result-refused")],
        3: [("override_reason", "override-not-allowed")],
        4: [("achievement", "prerequisite-missing")],
    }
    assert desk.rows(batch_id)[0].problems[0].message.startswith("entry 2 names a criterion that the rubric does not")


def test_a_client_that_is_limited_is_told_what_its_own_achievement_is_called(desk: Desk) -> None:
    desk.rights = IssuingRights(CLIENT, SCOPES, frozenset({"M01"}))
    batch_id = desk.send(jsonl([row(1, achievement="m01"), row(2, achievement="M02")]))
    desk.worker().run_until_idle()
    assert places(desk, batch_id) == {line: [("achievement", "not-allowed")] for line in (1, 2)}
    assert ["There is M01" in each.problems[0].message for each in desk.rows(batch_id)] == [True, False]


def test_a_key_that_stands_for_another_award_is_told_by_its_name_if_it_is_the_rows_own(desk: Desk) -> None:
    for key, number in (("batch-1", 1), ("batch-2", 2)):
        batch_id = desk.send(jsonl([row(number, idempotency_key="own-1")]), key=key)
        desk.worker().run_until_idle()
    assert places(desk, batch_id) == {1: [("idempotency_key", "idempotency-conflict")]}


@pytest.mark.parametrize("all_or_nothing", [False, True])
def test_a_repeat_is_told_together_with_all_else_that_is_wrong_with_its_row(desk: Desk, all_or_nothing: bool) -> None:
    batch_id = desk.send(
        jsonl(
            [
                row(1, idempotency_key="own-1"),
                row(2, idempotency_key="own-1", results=[{"criterion": "nothing", "level": 3}]),
                row(3, idempotency_key="own-1", awarded_at="yesterday"),
                row(4, idempotency_key="own-1"),
                row(5, idempotency_key="own-5", awarded_at="yesterday"),
                row(6, idempotency_key="own-5"),
            ]
        ),
        all_or_nothing=all_or_nothing,
    )
    desk.worker().run_until_idle()
    repeated = ("idempotency_key", "repeated")
    assert places(desk, batch_id) == {
        2: [repeated, ("results[0]", "result-refused")],
        3: [repeated, ("awarded_at", "not_a_moment")],
        4: [repeated],
        5: [("awarded_at", "not_a_moment")],
    }
    info = desk.info(batch_id)
    assert (info.state, info.issued, info.failed) == (("failed", 0, 4) if all_or_nothing else ("done", 2, 4))
    assert len(desk.badges()) == info.issued
