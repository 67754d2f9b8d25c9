"""What can be wrong with a knowledge check, in words for the person who meets it."""

from __future__ import annotations

from datetime import datetime

from app.core.errors import BadInput, Conflict, NotFound


class KnowledgeCheckWaits(Conflict):
    """The next try is not open yet.

    Args:
        opens_at: when it opens.
    """

    slug = "knowledge-check-waits"
    title = "Take a break first"

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(
            "The next try is not open yet. After two tries there is a pause, so that there is time to read again.",
            kept="All your earlier answers and their feedback are kept.",
            next_step="Read the lesson again, then come back when the check opens.",
        )
        self.opens_at = opens_at


class KnowledgeCheckPassed(Conflict):
    """The check is passed: there is nothing more to try."""

    slug = "knowledge-check-passed"
    title = "You have passed this check"

    def __init__(self) -> None:
        super().__init__("You have passed this check already.", next_step="Go on to the next activity.")


class AttemptNotFound(NotFound):
    """There is no such try, or it is somebody else's."""

    slug = "attempt-not-found"
    title = "There is no such try"

    def __init__(self) -> None:
        super().__init__("We have no such try of yours.", next_step="Open the knowledge check again.")


class Unanswered(BadInput):
    """Some questions have no answer.

    Args:
        question_keys: which ones.
    """

    slug = "unanswered"
    title = "Some questions have no answer yet"

    def __init__(self, question_keys: tuple[str, ...]) -> None:
        number = len(question_keys)
        super().__init__(
            f"{number} {'question has' if number == 1 else 'questions have'} no answer yet.",
            kept="This did not count as a try.",
            next_step="Answer every question, then check your answers again.",
        )
        self.question_keys = question_keys


class UnknownAnswer(BadInput):
    """An answer names a question or an option that this try does not have."""

    slug = "unknown-answer"
    title = "These answers belong to another page"

    def __init__(self) -> None:
        super().__init__(
            "Some answers do not belong to the questions of this try.",
            kept="This did not count as a try.",
            next_step="Open the knowledge check again and answer there.",
        )


class AttemptAlreadyAnswered(Conflict):
    """The try was answered before, with other answers."""

    slug = "attempt-already-answered"
    title = "You have answered this try already"

    def __init__(self) -> None:
        super().__init__(
            "This try was answered already, perhaps in another window.",
            kept="The first answers count.",
            next_step="Open the knowledge check again to see the result.",
        )
