"""What can be wrong when somebody joins their record with an earlier one."""

from __future__ import annotations

from app.core.errors import Conflict, Gone


class LinkHindered(Conflict):
    """Something is under way that must be settled before two records come together.

    Args:
        hindrances: what it is, in words.
    """

    slug = "link-hindered"
    title = "The two records cannot come together just now"

    def __init__(self, hindrances: tuple[str, ...]) -> None:
        super().__init__(" ".join(hindrances), kept="Nothing was changed.", next_step="Try again when that is settled.")
        self.hindrances = hindrances


class LinkOver(Gone):
    """The proof by a code does not hold any more."""

    slug = "link-over"
    title = "Please ask for a new code"

    def __init__(self) -> None:
        super().__init__(
            "After the code you have half an hour, in the same tab, and the address must still be the confirmed one.",
            kept="Nothing was changed.",
            next_step="Ask for a new code.",
        )


class PersonLinked(Conflict):
    """This record was joined into another, which stands for both.

    Args:
        now_with: the id of the other.
    """

    slug = "person-linked"
    title = "This record was joined into another"

    def __init__(self, now_with: str) -> None:
        super().__init__(
            f"It is a part of person {now_with} now.",
            kept="Nothing was changed.",
            next_step="Name that person instead.",
        )
        self.now_with = now_with
