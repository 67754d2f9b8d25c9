"""Drafts: saved as one types, never silently overwritten, never lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.learning import service as learning
from app.learning.enrolments import activity_of
from app.learning.errors import (
    ActivityNotFound,
    DraftConflict,
    DraftTooLong,
    EnrolmentNotFound,
    UnknownField,
    UnusableText,
    WorkLocked,
)
from app.learning.texts import merged, word_count, word_hint
from tests.learning.factories import EXERCISE, REFLECTION, House, module

EXERCISE_ACTIVITY = activity_of(module(), "exercise", "exercise")
REFLECTION_ACTIVITY = activity_of(module(), "reflection", "reflection")
KEYS = [field.key for field in EXERCISE_ACTIVITY.fields]
PLAIN_TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20)
CONTENT = st.dictionaries(st.sampled_from(KEYS), PLAIN_TEXT)


def stored(house: House, activity_key: str = "reflection") -> learning.Draft:
    with house.database.read() as session:
        return learning.draft(session, **house.at, activity_key=activity_key)


def test_before_anything_is_saved_the_draft_is_empty(house: House) -> None:
    draft = stored(house, "exercise")
    assert (draft.revision, draft.saved_at) == (0, None)
    assert draft.content == dict.fromkeys(KEYS, "")


def test_what_was_saved_comes_back(house: House) -> None:
    saved = house.save("reflection", {"text": "First"}, 0)
    assert saved.revision == 1
    assert saved.saved_at is not None
    assert stored(house) == saved


def test_saving_the_same_again_changes_nothing_even_with_an_old_revision(house: House) -> None:
    house.save("reflection", {"text": "First"}, 0)
    second = house.save("reflection", {"text": "Second\r\nline"}, 1)
    assert house.save("reflection", {"text": "Second\nline"}, 0) == second


def test_an_old_revision_is_refused_and_both_texts_are_kept(house: House) -> None:
    house.save("reflection", {"text": "From the phone"}, 0)
    with pytest.raises(DraftConflict) as refused:
        house.save("reflection", {"text": "From the desk"}, 0)
    assert refused.value.stored.content == {"text": "From the phone"}
    assert refused.value.stored.revision == 1
    assert refused.value.offered == {"text": "From the desk"}
    assert stored(house).content == {"text": "From the phone"}
    assert house.save("reflection", {"text": "Both"}, refused.value.stored.revision).revision == 2


def test_fields_that_are_not_sent_keep_what_is_stored(house: House) -> None:
    house.save("exercise", {"mentioned": "20", "test": "Ask weekly"}, 0)
    draft = house.save("exercise", {"test": "Ask daily"}, 1)
    assert (draft.content["mentioned"], draft.content["test"]) == ("20", "Ask daily")


def test_a_field_may_hold_twenty_thousand_characters_and_no_more(house: House) -> None:
    house.save("reflection", {"text": "é" * 20_000}, 0)
    with pytest.raises(DraftTooLong) as refused:
        house.save("reflection", {"text": "é" * 20_001}, 1)
    assert (refused.value.field_key, refused.value.length, refused.value.limit) == ("text", 20_001, 20_000)
    assert stored(house).revision == 1


def test_a_field_the_activity_does_not_have_is_refused(house: House) -> None:
    with pytest.raises(UnknownField):
        house.save("reflection", {"text": "Fine", "client_name": "Nobody"}, 0)
    assert stored(house).revision == 0


@pytest.mark.parametrize("text", ["a\x00b", "bell\x07", "\ud800"])
def test_characters_no_database_keeps_are_refused_in_words(house: House, text: str) -> None:
    with pytest.raises(UnusableText):
        house.save("reflection", {"text": text}, 0)


def test_line_breaks_of_word_processors_become_plain_ones(house: House) -> None:
    assert house.save("reflection", {"text": "a\vb\x0cc\rd\u2028e"}, 0).content == {"text": "a\nb\nc\nd\ne"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("3", "<5"), ("0", "<5"), ("04", "<5"), (" 4 ", "<5"), ("5", "5"), ("12", "12"), ("< 5", "<5"), ("", "")],
)
def test_counts_under_five_never_reach_the_database(house: House, typed: str, kept: str) -> None:
    assert house.save("exercise", {"met": typed, "test": typed}, 0).content == {
        **dict.fromkeys(KEYS, ""),
        "met": kept,
        "test": typed,
    }


@pytest.mark.parametrize("key", ["lesson", "check", "nothing"])
def test_only_exercises_and_reflections_have_drafts(house: House, key: str) -> None:
    with pytest.raises(ActivityNotFound):
        house.save(key, {}, 0)
    with pytest.raises(ActivityNotFound):
        stored(house, key)


def test_somebody_elses_draft_cannot_be_read_or_written(house: House) -> None:
    stranger = {"enrolment_id": house.enrolment.id, "person_id": house.priya, "activity_key": "reflection"}
    with house.database.write() as session:
        with pytest.raises(EnrolmentNotFound):
            learning.draft(session, **stranger)
        with pytest.raises(EnrolmentNotFound):
            learning.save_draft(session, **stranger, content={"text": "Mine"}, base_revision=0)


def test_drafts_are_locked_while_an_assessor_has_the_work_and_open_again_after_a_return(house: House) -> None:
    submission = house.handed_in()
    with pytest.raises(WorkLocked):
        house.save("reflection", {"text": "Changed"}, 1)
    house.give_back(submission.id)
    assert stored(house).content == submission.texts["reflection"]
    assert house.save("reflection", {"text": "Changed"}, 1).content == {"text": "Changed"}


def test_drafts_stay_locked_after_the_award(house: House) -> None:
    house.award(house.ready_to_award().id)
    with pytest.raises(WorkLocked):
        house.save("exercise", {**EXERCISE, "test": "Changed"}, 1)


def test_of_two_windows_that_save_at_once_one_is_told_of_the_other(house: House) -> None:
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def save(text: str) -> None:
        barrier.wait()
        try:
            house.save("reflection", {"text": text}, 0)
            outcomes.append("saved")
        except DraftConflict:
            outcomes.append("conflict")

    windows = [threading.Thread(target=save, args=(text,)) for text in ("one", "two")]
    for window in windows:
        window.start()
    for window in windows:
        window.join()
    assert sorted(outcomes) == ["conflict", "saved"]
    assert stored(house).revision == 1


@given(before=CONTENT, offered=CONTENT)
def test_merging_takes_what_is_offered_and_keeps_the_rest(
    before: Mapping[str, str], offered: Mapping[str, str]
) -> None:
    texts = merged(EXERCISE_ACTIVITY, {}, before)
    result = merged(EXERCISE_ACTIVITY, texts, offered)
    assert list(result) == KEYS
    for key in KEYS:
        assert result[key] == (merged(EXERCISE_ACTIVITY, {}, offered)[key] if key in offered else texts[key])


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=50))
def test_merging_again_what_was_kept_changes_nothing(text: str) -> None:
    once = merged(EXERCISE_ACTIVITY, {}, dict.fromkeys(KEYS, text))
    assert merged(EXERCISE_ACTIVITY, once, once) == once


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("one", 1), ("one - two — three", 3), ("don't  stop\nnow", 3), ("…", 0), (REFLECTION, 17)],
)
def test_words_are_counted_as_people_do(text: str, words: int) -> None:
    assert word_count(text) == words


def test_the_length_of_a_reflection_is_a_hint_and_never_a_wall(house: House) -> None:
    assert word_hint(EXERCISE_ACTIVITY, "word") is None
    assert (word_hint(REFLECTION_ACTIVITY, "word " * 300) or "").endswith("within the guide of 300 to 500")
    assert "you can hand in fewer or more" in (word_hint(REFLECTION_ACTIVITY, "word") or "")
    assert house.handed_in().texts["reflection"]["text"] == REFLECTION
