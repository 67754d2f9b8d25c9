"""What the people room asks of the rooms above it."""

from __future__ import annotations

from typing import Protocol

from app.core.db import ReadSession, WriteSession
from app.people.link_schemas import Holding
from app.people.schemas import Count, Kept, Section


class PersonalData(Protocol):
    """One room's answer to a person who asks what is kept of them, or wants it gone (Privacy Act 1988, APP 11 to 13).

    Each room that keeps anything of persons offers one; wiring binds them all, the highest room first: a room may then
    find in those below it whose its own records are, also while it erases.

    https://www.oaic.gov.au/privacy/australian-privacy-principles

    Every table of the database is named by exactly one room, or in the list of exceptions in
    `tests/system/test_personal_tables.py`.
    """

    @property
    def room(self) -> str:
        """The room's name."""
        ...

    @property
    def tables(self) -> frozenset[str]:
        """The tables it answers for."""
        ...

    @property
    def kept(self) -> tuple[Kept, ...]:
        """What it leaves when it erases, and why."""
        ...

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """Everything the room keeps of a person, and nothing of anybody else."""
        ...

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """What is under way and would go on without the person, in words; empty: they can be erased."""
        ...

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Remove what the room keeps of a person, leaving what others rely on without them. May be repeated."""
        ...


class PersonMerge(Protocol):
    """One room's part in joining two records of one person; the first goes on under the id of the second.

    Each room that keeps a person's id offers one; wiring binds them all, the highest room first. Each column that holds
    a person's id is answered for by exactly one room, as `tests/system/test_linked_person.py` sees to.
    """

    @property
    def room(self) -> str:
        """The room's name."""
        ...

    @property
    def columns(self) -> frozenset[str]:
        """The columns that hold a person's id, as `table.column`."""
        ...

    def brings(self, session: ReadSession, person_id: str) -> tuple[Holding, ...]:
        """What a record holds, as its holder counts it."""
        ...

    def stays_apart(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """What cannot come together, as there can be only one of it, a sentence each; the same before and after."""
        ...

    def hindrances(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """What must be settled first, in words; empty: they can be joined."""
        ...

    def absorb(self, session: WriteSession, from_id: str, to_id: str) -> None:
        """Let all that names the first person name the second. Deletes nothing, and may be repeated."""
        ...
