"""What can be wrong in the people room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.days import day
from app.core.errors import BadInput, Conflict, Gone, NotFound, TooManyRequests


class PersonNotFound(NotFound):
    """Nobody has this id."""

    slug = "person-not-found"
    title = "We do not know this person"


class OrganisationNotFound(NotFound):
    """No organisation has this id."""

    slug = "organisation-not-found"
    title = "We do not know this organisation"


class UnknownRole(BadInput):
    """There is no such role."""

    slug = "unknown-role"
    title = "There is no such role"


class RoleNotGranted(NotFound):
    """The role cannot be taken away because it is not held."""

    slug = "role-not-granted"
    title = "This person does not hold that role"


class EmailNotUsable(BadInput):
    """What was typed is not an e-mail address a mail could be sent to."""

    slug = "email-not-usable"
    title = "That does not look like an e-mail address"


class TooManyConfirmations(TooManyRequests):
    """Too many codes were asked for.

    Args:
        opens_at: when the next one may be asked for.
    """

    slug = "too-many-codes"
    title = "You have asked for several codes already"

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(
            "You can ask for five codes an hour, and you have.",
            kept="The newest code we sent still works until it runs out.",
            next_step="Look in your inbox and your spam folder, or try again later.",
        )
        self.opens_at = opens_at


class AddressBusy(TooManyRequests):
    """Too many codes were sent to one address, whoever asked for them."""

    slug = "address-busy"
    title = "Many codes were sent to this address already"

    def __init__(self) -> None:
        super().__init__(
            "We send only so many codes to one address in a day, and that many were sent.",
            kept="Nothing was changed. A code that is not over yet still works.",
            next_step="Try again tomorrow, or use another address of yours.",
        )


class ConfirmationNotFound(NotFound):
    """No code was ever asked for under this id."""

    slug = "confirmation-not-found"
    title = "We do not know this request"


class NoCodeRequested(Conflict):
    """There is no open code for this person."""

    slug = "no-code-requested"
    title = "There is no code waiting for you"

    def __init__(self) -> None:
        super().__init__("No code is waiting to be entered.", next_step="Ask for a code first, then enter it here.")


class CodeWrong(BadInput):
    """The code is not the one that was sent.

    Args:
        tries_left: how many more may be entered.
    """

    slug = "code-wrong"
    title = "That is not the code we sent"

    def __init__(self, tries_left: int) -> None:
        super().__init__(
            f"That code does not match. You have {tries_left} {'try' if tries_left == 1 else 'tries'} left.",
            next_step="Check the newest mail from us and enter its six digits.",
        )
        self.tries_left = tries_left


class CodeExpired(Gone):
    """The code ran out: of time, of tries, or because a newer one was sent."""

    slug = "code-expired"
    title = "This code no longer works"

    def __init__(self) -> None:
        super().__init__(
            "A code works for 15 minutes and five tries, and only the newest one counts. This one is over.",
            next_step="Ask for a new code.",
        )


class PersonErased(Gone):
    """What was kept of this person was erased.

    Args:
        erased_at: when.
    """

    slug = "person-erased"
    title = "What was kept of this person was erased"

    def __init__(self, erased_at: datetime) -> None:
        super().__init__(f"What was kept of this person was erased on {day(erased_at)}.")
        self.erased_at = erased_at


class ErasureHindered(Conflict):
    """Something about the person is under way that would go on without them.

    Args:
        hindrances: what it is, in words.
    """

    slug = "erasure-hindered"
    title = "This person cannot be erased just now"

    def __init__(self, hindrances: tuple[str, ...]) -> None:
        super().__init__(" ".join(hindrances), kept="Nothing was changed.", next_step="Try again when that is done.")
        self.hindrances = hindrances


class ReasonNamesPerson(BadInput):
    """The reason for an erasure would keep what is to be erased."""

    slug = "reason-names-person"
    title = "The reason may not name the person"

    def __init__(self) -> None:
        super().__init__(
            "The reason is kept, so it may not hold the person's name, address or id in an LMS.",
            kept="Nothing was changed.",
            next_step="Say why without saying who, e.g. “asked by mail on 3 March”.",
        )


class CentreNotFound(NotFound):
    """No centre has this id or key."""

    slug = "centre-not-found"
    title = "We do not know this centre"


class CentreNotUsable(BadInput):
    """A centre's key or name is not one."""

    slug = "centre-not-usable"
    title = "This centre cannot be entered like that"


class CentreKeyTaken(Conflict):
    """The organisation has a centre with this key already."""

    slug = "centre-key-taken"
    title = "There is a centre with this key already"


class StaffNotUsable(BadInput):
    """A name or a function that nobody can have."""

    slug = "staff-not-usable"
    title = "This person cannot be entered like that"


@dataclass(frozen=True)
class StaffFileProblem:
    """What is wrong with one row of a file of staff; never what the row says of the person.

    Attributes:
        row: the line of the file it is on; the header is 1.
        column: which column, or empty: the whole row.
    """

    row: int
    column: str
    what: str


class StaffFileNotUsable(BadInput):
    """A file of staff with rows that cannot be entered.

    Args:
        problems: each with its row.
    """

    slug = "staff-file-not-usable"
    title = "This file cannot be taken as it is"

    def __init__(self, problems: Sequence[StaffFileProblem]) -> None:
        super().__init__(
            "\n".join(f"Row {each.row}{each.column and f', {each.column}'}: {each.what}" for each in problems),
            kept="Nobody was entered.",
            next_step="Mend these rows and try again.",
        )
        self.problems = tuple(problems)


class StaffMemberNotFound(NotFound):
    """No membership in force has this id."""

    slug = "staff-member-not-found"
    title = "This person is not among the centre's staff"


class LineNotPossible(Conflict):
    """Two persons cannot stand to each other like that."""

    slug = "line-not-possible"
    title = "These two cannot be put in line like that"


class LineNotFound(NotFound):
    """There is no such line in force."""

    slug = "line-not-found"
    title = "There is no such line between these two"
