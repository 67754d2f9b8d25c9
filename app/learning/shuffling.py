"""Which questions an attempt asks, and in what order: a pure function of the attempt's id.

Nothing has to be stored, every page view of an attempt shows the same, and another attempt shows another order. Sorting
by a hash stays the same on every Python version, which `random.shuffle` does not promise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from app.learning.schemas import AskedOption, AskedQuestion
from app.programme.schemas import Activity, Question


def drawn_questions(activity: Activity, attempt_id: str) -> tuple[Question, ...]:
    """The questions of the bank that this attempt asks, in its order; a draw of 0 asks the whole bank.

    Where the activity asks for some of each group, those come first into the draw, and the rest is drawn from all that
    is left. A draw without room for all groups, as that of a renewal can be, has room for some: these are drawn too.
    """
    order = _order(attempt_id, "questions", (question.key for question in activity.questions))
    shuffled = sorted(activity.questions, key=lambda question: order[question.key])
    size = activity.draw or len(shuffled)
    chosen = _of_each_group(shuffled, activity.draw_from_each_group, size, attempt_id)
    left = [question for question in shuffled if question not in chosen]
    asked_for = {question.key for question in (*chosen, *left[: size - len(chosen)])}
    return tuple(question for question in shuffled if question.key in asked_for)


def _of_each_group(shuffled: Sequence[Question], number: int, size: int, attempt_id: str) -> list[Question]:
    """The first `number` questions of each group, of as many groups as `size` questions have room for."""
    if not number:
        return []
    groups: dict[str, list[Question]] = {}
    for question in shuffled:
        if question.group is not None:
            groups.setdefault(question.group, []).append(question)
    order = _order(attempt_id, "groups", groups)
    chosen: list[Question] = []
    for group in sorted(groups, key=lambda key: order[key])[: size // number]:
        chosen += groups[group][:number]
    return chosen


def asked(question: Question, attempt_id: str) -> AskedQuestion:
    """A question as this attempt asks it: options in its order, without the answer."""
    order = _order(attempt_id, question.key, (option.key for option in question.options))
    options = sorted(question.options, key=lambda option: order[option.key])
    return AskedQuestion(
        key=question.key,
        stem=question.stem,
        options=tuple(AskedOption(key=option.key, text=option.text) for option in options),
    )


def _order(attempt_id: str, what: str, keys: Iterable[str]) -> dict[str, bytes]:
    # The key is appended so that even equal hashes would leave one order.
    return {key: hashlib.sha256(f"{attempt_id}\n{what}\n{key}".encode()).digest() + key.encode("utf-8") for key in keys}
