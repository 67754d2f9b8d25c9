"""What most rooms do when two records of one person come together: every id of the one becomes the other's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa

from app.core import rows
from app.core.db import ReadSession, Record, WriteSession
from app.people.link_schemas import Holding

QUIETLY = {"synchronize_session": False}


class Moves:
    """A `PersonMerge` that moves columns; a room says which, and adds what is peculiar to it.

    Attributes:
        room: the room's name.
        moved: by model, the columns that hold a person's id and of which any number of rows may name the same person.
        moved_unless_there: by model, the column, and those that together with it name a row: of two, the person's
            own stays theirs, and the other stays with the old record.
        by_hand: columns, as `table.column`, that `absorb` of the room sees to itself.
        left: columns, as `table.column`, that go on naming the old record, and why.
    """

    room: ClassVar[str]
    moved: ClassVar[Mapping[type[Record], tuple[str, ...]]] = {}
    moved_unless_there: ClassVar[Mapping[type[Record], tuple[str, tuple[str, ...]]]] = {}
    by_hand: ClassVar[frozenset[str]] = frozenset()
    left: ClassVar[Mapping[str, str]] = {}

    @property
    def columns(self) -> frozenset[str]:
        """The columns it answers for, those that it leaves included."""
        named = {(model, column) for model, columns in self.moved.items() for column in columns}
        named |= {(model, column) for model, (column, _) in self.moved_unless_there.items()}
        return self.by_hand | self.left.keys() | {f"{rows.table(model).name}.{column}" for model, column in named}

    def brings(self, session: ReadSession, person_id: str) -> tuple[Holding, ...]:
        """Nothing that its holder would count."""
        return ()

    def stays_apart(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """Nothing worth a sentence."""
        return ()

    def hindrances(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """Nothing here stands in the way."""
        return ()

    def absorb(self, session: WriteSession, from_id: str, to_id: str) -> None:
        """Move the columns. May be repeated."""
        for model, columns in self.moved.items():
            for column in columns:
                move(session, model, column, from_id, to_id)
        for model, (column, keys) in self.moved_unless_there.items():
            move_unless_there(session, model, column, keys, from_id, to_id)


def move(
    session: WriteSession, model: type[Record], column: str, from_id: str, to_id: str, *where: sa.ColumnElement[bool]
) -> None:
    """Let every row that names the one person, and fulfils the conditions, name the other."""
    table = rows.table(model)
    moving = sa.update(model).where(table.c[column] == from_id, *where).values({column: to_id})
    session.execute(moving, execution_options=QUIETLY)


def move_unless_there(
    session: WriteSession, model: type[Record], column: str, keys: tuple[str, ...], from_id: str, to_id: str
) -> None:
    """The same for rows of which each person may have one of a kind: those that the other has too stay."""
    table = rows.table(model)
    other: Any = table.alias("theirs")
    same = (other.c[key] == table.c[key] for key in keys)
    there = sa.exists(sa.select(sa.literal(1)).select_from(other).where(other.c[column] == to_id, *same))
    move(session, model, column, from_id, to_id, ~there)
