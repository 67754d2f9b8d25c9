"""What can be wrong with an appeal, in words for the person who meets it."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class AppealNotPossible(Conflict):
    """This decision cannot be appealed against, or no more.

    Args:
        why: in words for the learner.
    """

    slug = "appeal-not-possible"
    title = "You cannot appeal here"

    def __init__(self, why: str) -> None:
        super().__init__(
            why,
            kept="Your work is kept.",
            next_step="Go back to the module. You can always change your work and hand in again.",
        )


class AppealNotFound(NotFound):
    """There is no such appeal, or it is not for this person."""

    slug = "appeal-not-found"
    title = "There is no such appeal"

    def __init__(self) -> None:
        super().__init__("We have no such appeal here.", next_step="Go back to the list.")


class AppealAnswered(Conflict):
    """An appeal is answered once."""

    slug = "appeal-answered"
    title = "This appeal is closed already"

    def __init__(self) -> None:
        super().__init__(
            "Another assessor answered this appeal, or the learner has handed in new work in the meantime.",
            kept="What was answered first stands.",
            next_step="Open the appeal again to see it.",
        )
