"""What the people room asks of the rooms above it."""

from __future__ import annotations

from typing import Protocol

from app.core.db import ReadSession, WriteSession
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
