"""Saved comments: one's own, at their place, once, with a way back for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.clock import now
from app.learning import comment_bank
from app.learning.marking_errors import (
    CommentBankFull,
    CommentTooLong,
    NotAnAssessor,
    ReasonMissing,
    SavedCommentNotFound,
)
from app.learning.models import SavedCommentRecord
from tests.learning.factories import House


def save(house: House, text: str = "Name the gate.", **place: str) -> str:
    with house.database.write() as session:
        return comment_bank.save(session, assessor_id=house.priya, text=text, **place).id


def texts(house: House, module_key: str | None = None) -> list[tuple[str, str | None, str | None]]:
    with house.database.read() as session:
        found = comment_bank.saved_comments(session, assessor_id=house.priya, module_key=module_key)
    return [(one.text, one.module_key, one.criterion_key) for one in found]


def test_those_of_a_criterion_come_before_those_of_the_module_and_the_general_ones(house: House) -> None:
    save(house, "For any work.")
    save(house, "For the module.", module_key="M01")
    save(house, "For the gates.", module_key="M01", criterion_key="gates")
    assert [text for text, *_ in texts(house, "M01")] == ["For the gates.", "For the module.", "For any work."]
    assert [text for text, *_ in texts(house, "M02")] == ["For any work."]


def test_the_same_comment_at_the_same_place_is_kept_once(house: House) -> None:
    assert save(house) == save(house, "  Name the gate.\r\n")
    assert save(house) != save(house, module_key="M01")


def test_a_criterion_that_the_module_has_not_is_no_place(house: House) -> None:
    save(house, module_key="M01", criterion_key="looks")
    assert texts(house) == [("Name the gate.", "M01", None)]


@pytest.mark.parametrize(("text", "error"), [(" \n", ReasonMissing), ("x" * 5_001, CommentTooLong)])
def test_what_is_no_comment_is_not_saved(house: House, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        save(house, text)
    assert texts(house) == []


def test_it_is_for_assessors_and_each_has_their_own(house: House) -> None:
    comment_id = save(house)
    with house.database.write() as session:
        with pytest.raises(NotAnAssessor):
            comment_bank.save(session, assessor_id=house.ines, text="Mine.")
        for act in (comment_bank.delete_saved, comment_bank.restore):
            with pytest.raises(SavedCommentNotFound):
                act(session, comment_id=comment_id, assessor_id=house.paul)
        with pytest.raises(SavedCommentNotFound):
            comment_bank.edit(session, comment_id=comment_id, assessor_id=house.paul, text="Mine.")
        assert comment_bank.saved_comments(session, assessor_id=house.paul) == ()


def test_what_was_deleted_comes_back_for_a_day_and_is_then_gone(house: House) -> None:
    comment_id = save(house)
    with house.database.write() as session:
        comment_bank.delete_saved(session, comment_id=comment_id, assessor_id=house.priya)
    assert texts(house) == []
    with house.database.write() as session:
        comment_bank.restore(session, comment_id=comment_id, assessor_id=house.priya)
    assert len(texts(house)) == 1
    with house.database.write() as session:
        comment_bank.delete_saved(session, comment_id=comment_id, assessor_id=house.priya)
    with time_machine.travel(now() + timedelta(days=1, minutes=1), tick=False):
        save(house, "Another.")
    with house.database.read() as session:
        assert session.exec(select(SavedCommentRecord.text)).all() == ["Another."]


def test_after_a_day_or_into_a_full_bank_nothing_comes_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    comment_id = save(house)
    with house.database.write() as session:
        comment_bank.delete_saved(session, comment_id=comment_id, assessor_id=house.priya)
    later = time_machine.travel(now() + timedelta(days=1, minutes=1), tick=False)
    with later, house.database.write() as session, pytest.raises(SavedCommentNotFound):
        comment_bank.restore(session, comment_id=comment_id, assessor_id=house.priya)
    monkeypatch.setattr(comment_bank, "MOST", 1)
    save(house, "Another.")
    with house.database.write() as session, pytest.raises(CommentBankFull):
        comment_bank.restore(session, comment_id=comment_id, assessor_id=house.priya)
    assert [text for text, *_ in texts(house)] == ["Another."]


def test_a_bank_that_is_full_says_so_and_keeps_what_is_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment_bank, "MOST", 1)
    save(house)
    with pytest.raises(CommentBankFull):
        save(house, "One more.")
    assert len(texts(house)) == 1


def test_what_may_name_somebody_is_told_by_kind(house: House) -> None:
    with house.database.write() as session:
        found = comment_bank.save(session, assessor_id=house.priya, text="Ring 0412 345 678.")
        invented = comment_bank.save(session, assessor_id=house.priya, text="As Mia did.", module_key="M01")
    assert dict(found.kinds) == {"phone": 1}
    assert dict(invented.kinds) == {}, "an invented person of the module may be named"
