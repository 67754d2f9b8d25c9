"""What can be wrong with observations, in words for the person who meets it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.core.errors import BadInput, Conflict, Forbidden, Gone, NotFound, TooManyRequests
from app.learning.evidence import Place

_NOTHING_CHANGED = "Nothing was changed."
_KEPT_ON_PAGE = "Everything you filled in is still on the page."


class ObservationNotFound(NotFound):
    """There is no such request, or it is somebody else's."""

    slug = "observation-not-found"
    title = "There is no such observation"

    def __init__(self) -> None:
        super().__init__(
            "This link leads to no observation. Perhaps a part of it was cut off.",
            next_step="Open the link in the mail again, or copy all of it.",
        )


class ObservationUnknown(NotFound):
    """No observation has this id."""

    slug = "observation-unknown"
    title = "There is no such observation"

    def __init__(self) -> None:
        super().__init__("We have no such observation here.", next_step="Go back to the work it belongs to.")


class ObservationOver(Gone):
    """The request was withdrawn, declined, answered, or is too old."""

    slug = "observation-over"
    title = "This link has done its work"

    def __init__(self, why: str) -> None:
        super().__init__(why, kept=_NOTHING_CHANGED, next_step="You need not do anything. You can close this page.")


class AlreadyAsked(Conflict):
    """Somebody is asked already for this activity."""

    slug = "observation-already-asked"
    title = "Somebody is asked already"

    def __init__(self) -> None:
        super().__init__(
            "You can ask one person at a time for each observation.",
            kept="The person who was asked first can still answer.",
            next_step="Withdraw that request first if you want to ask somebody else.",
        )


class NothingAsked(Conflict):
    """There is no open request to withdraw or remind of."""

    slug = "observation-nothing-asked"
    title = "Nobody is asked just now"

    def __init__(self) -> None:
        super().__init__(
            "There is no open request for this observation.",
            kept=_NOTHING_CHANGED,
            next_step="Open the page again to see how it stands.",
        )


class ObserverNotUsable(BadInput):
    """This person cannot observe this.

    Args:
        field_key: which part of the form it is about: `observer`, `name`, `role` or `email`.
        detail: why.
        next_step: what to do.
    """

    slug = "observer-not-usable"
    title = "This person cannot observe here"

    def __init__(self, field_key: str, detail: str, next_step: str) -> None:
        super().__init__(detail, kept=_NOTHING_CHANGED, next_step=next_step)
        self.field_key = field_key


class TooManyAsked(TooManyRequests):
    """Too many people were asked, or one person too often."""

    slug = "observation-too-many-asked"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, kept=_NOTHING_CHANGED, next_step="Try again tomorrow.")


class ReminderTooEarly(TooManyRequests):
    """One reminder a day is enough."""

    slug = "observation-reminder-too-early"

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(
            "A mail went out within the last day. One a day is enough.",
            kept=_NOTHING_CHANGED,
            next_step="Try again tomorrow, or speak with them.",
        )
        self.opens_at = opens_at


class ObservationCodeWrong(BadInput):
    """The code is not the one that was sent.

    Args:
        tries_left: how often it can still be tried.
    """

    slug = "observation-code-wrong"
    title = "That is not the code"

    def __init__(self, tries_left: int) -> None:
        tries = "1 try is" if tries_left == 1 else f"{tries_left} tries are"
        super().__init__(
            f"That is not the code we sent. {tries} left.",
            kept=_KEPT_ON_PAGE,
            next_step="Look at the newest mail from Waymark and type its six digits.",
        )
        self.tries_left = tries_left


class ObservationCodeOver(BadInput):
    """The code was used up, replaced, or is too old; or none was asked for."""

    slug = "observation-code-over"
    title = "This code no longer works"

    def __init__(self) -> None:
        super().__init__(
            "This code no longer works. A code works for 15 minutes and five tries.",
            kept=_KEPT_ON_PAGE,
            next_step="Send yourself a new code with the button under the field, then type it.",
        )


class TooManyObservationCodes(TooManyRequests):
    """Codes were asked for too often."""

    slug = "observation-too-many-codes"

    def __init__(self) -> None:
        super().__init__(
            "Several codes were sent within the hour, so no more are sent just now.",
            kept=_KEPT_ON_PAGE,
            next_step="Use the newest code, or try again in an hour.",
        )


class AnswersIncomplete(BadInput):
    """The checklist is not complete.

    Args:
        problems: what is missing or wrong, by the name of the field.
    """

    slug = "observation-incomplete"
    title = "Please complete the checklist"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()), kept=_KEPT_ON_PAGE, next_step="Complete it and send it again.")
        self.problems = problems


class CommentsPointAtSomebody(Conflict):
    """The scan found places in the comments that may point at a real person, and they are not answered for.

    Args:
        places: those, each in the line it is about.
    """

    slug = "observation-findings-unanswered"
    title = "Please look at these places first"

    def __init__(self, places: tuple[Place, ...]) -> None:
        number = len(places)
        super().__init__(
            f"{number} {'place' if number == 1 else 'places'} in your comments may point at a real person.",
            kept=_KEPT_ON_PAGE,
            next_step="Change each, or say that it is not about a real person. Then send it again.",
        )
        self.places = places


class OwnObservation(Forbidden):
    """Nobody observes, approves or judges their own practice."""

    slug = "own-observation"
    title = "This is about yourself"

    def __init__(self) -> None:
        super().__init__(
            "You cannot observe your own practice, nor approve an observer who is yourself.",
            kept=_NOTHING_CHANGED,
            next_step="Ask another assessor.",
        )


class ProposalDecided(Conflict):
    """Another assessor was faster, or the learner withdrew it."""

    slug = "observer-proposal-decided"
    title = "This proposal is no longer open"

    def __init__(self) -> None:
        super().__init__(
            "Another assessor decided about it, or the learner withdrew it.",
            kept=_NOTHING_CHANGED,
            next_step="Go back to the list to see what is still open.",
        )


class RefusalNeedsReason(BadInput):
    """A learner is told why a proposal was refused."""

    slug = "observer-refusal-needs-reason"
    title = "Please say why"

    def __init__(self) -> None:
        super().__init__(
            "The learner is told why, so that they can ask somebody who fits.",
            kept=_NOTHING_CHANGED,
            next_step="Write a sentence and decline again.",
        )
