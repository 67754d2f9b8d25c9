"""What can be wrong with deciding what was proposed, and with asking for somebody's word."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound

NOTHING_CHANGED = "Nothing was changed."
_LIST = "Go back to the list of pathways."


class ProposalNotFound(NotFound):
    """There is no such proposal."""

    slug = "proposal-not-found"
    title = "There is no such proposal"

    def __init__(self) -> None:
        super().__init__("There is no proposal at this address.", kept=NOTHING_CHANGED, next_step=_LIST)


class ProposalDecided(Conflict):
    """Somebody was faster, or the machine has withdrawn it."""

    slug = "proposal-decided"
    title = "This is not open any more"

    def __init__(self) -> None:
        super().__init__(
            "Somebody has decided this proposal, or the machine has withdrawn it.",
            kept="What was decided stands.",
            next_step="Open it again: it says what became of it.",
        )


class ProposalChanged(Conflict):
    """What it rests on is not what the assessor was shown."""

    slug = "proposal-changed"
    title = "What this rests on has changed"

    def __init__(self) -> None:
        super().__init__(
            "What the badge would rest on has changed since you were shown it.",
            kept="Nothing is decided. What you wrote is still on the page.",
            next_step="Look at it again, then decide.",
        )


class NoLongerMet(Conflict):
    """The rule does not hold at this moment."""

    slug = "pathway-not-met"
    title = "The pathway’s rule is not met any more"

    def __init__(self) -> None:
        super().__init__(
            "A step of this pathway does not hold any more, or the badge is held already. So it cannot be awarded.",
            kept="Nothing is decided. What you wrote is still on the page.",
            next_step="Look at the steps: the one that is open says why. The machine withdraws the proposal by itself.",
        )


class AwardFell(Conflict):
    """No badge can be made of an award any more.

    Args:
        why: `badge_ended`: a badge below was revoked or suspended since; `held`: the person got the badge in another
            way; `gone`: the award is no more.
    """

    slug = "award-fell"
    title = "No badge can be made of this award"

    def __init__(self, why: str) -> None:
        super().__init__(
            "Before the badge was made, what this award rests on was revoked or suspended, or the person got the same "
            "badge in another way.",
            kept="No badge was made. The proposal opens again once there is something to propose.",
        )
        self.why = why


class CannotBeAsked(Conflict):
    """There is nothing to ask for, or nobody to ask.

    Args:
        detail: why.
        next_step: what to do.
    """

    slug = "cannot-be-asked"
    title = "This cannot be asked for now"

    def __init__(self, detail: str, next_step: str) -> None:
        super().__init__(detail, kept=NOTHING_CHANGED, next_step=next_step)


class RequestNotFound(NotFound):
    """There is no such request, or it is somebody else's to answer."""

    slug = "confirmation-request-not-found"
    title = "There is no such request"

    def __init__(self) -> None:
        super().__init__(
            "Nobody has asked you for a word at this address.",
            kept=NOTHING_CHANGED,
            next_step="Go back to the requests.",
        )


class RequestAnswered(Conflict):
    """Somebody was faster, or it was taken back."""

    slug = "confirmation-request-answered"
    title = "This request is not open any more"

    def __init__(self) -> None:
        super().__init__(
            "Somebody has answered this request, or whoever asked has taken it back.",
            kept="What was answered stands.",
            next_step="Go back to the requests: the list says what became of it.",
        )
