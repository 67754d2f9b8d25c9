"""Sealing anew, under the newest master key, what older ones sealed, so that those can be given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.core.db import Database
from app.core.secrets import SecretBox, SecretUnreadable

ROUNDS = 5


@dataclass(frozen=True)
class SealedColumn:
    """A column whose values are sealed.

    Attributes:
        what: its content in words, for operators.
        column: of a mapped table.
        purpose: under which its values are sealed.
    """

    what: str
    column: InstrumentedAttribute[Any]
    purpose: str


@dataclass(frozen=True)
class SealCount:
    """How the values of a column stand.

    Attributes:
        what: as in `SealedColumn`.
        newest: sealed under the newest key.
        older: still sealed under an older one.
        unreadable: opened by no key there is; giving up a key loses nothing of these.
        resealed: sealed anew just now.
    """

    what: str
    newest: int
    older: int
    unreadable: int
    resealed: int = 0


def count_seals(database: Database, secret_box: SecretBox, place: SealedColumn) -> SealCount:
    """How a column stands; nothing is changed."""
    newest = older = unreadable = 0
    for _, sealed in _values(database, place):
        try:
            if secret_box.is_under_newest(place.purpose, sealed):
                newest += 1
            else:
                older += 1
        except SecretUnreadable:
            unreadable += 1
    return SealCount(place.what, newest, older, unreadable)


def reseal(database: Database, secret_box: SecretBox, place: SealedColumn) -> SealCount:
    """Seal every value of a column under the newest key.

    Each value is exchanged by itself and only if it is still the one that was read, so other processes may go on, and
    one that is killed leaves nothing half done.
    """
    resealed = 0
    for _ in range(ROUNDS):
        changed = sum(_exchange(database, secret_box, place, key, sealed) for key, sealed in _values(database, place))
        resealed += changed
        count = count_seals(database, secret_box, place)
        if not count.older:
            break
    return SealCount(count.what, count.newest, count.older, count.unreadable, resealed)


def _exchange(database: Database, secret_box: SecretBox, place: SealedColumn, key: tuple[Any, ...], sealed: str) -> int:
    try:
        if secret_box.is_under_newest(place.purpose, sealed):
            return 0
        anew = secret_box.encrypt(place.purpose, secret_box.decrypt(place.purpose, sealed))
    except SecretUnreadable:
        return 0
    this_row = [column == value for column, value in zip(_key(place), key, strict=True)]
    with database.write() as session:
        exchanged = session.execute(
            sa.update(place.column.class_)
            .where(*this_row, place.column == sealed)
            .values({place.column.key: anew})
            .returning(*_key(place))
            .execution_options(synchronize_session=False)
        ).first()
    return int(exchanged is not None)


def _values(database: Database, place: SealedColumn) -> Iterator[tuple[tuple[Any, ...], str]]:
    with database.read() as session:
        rows = session.execute(sa.select(*_key(place), place.column).where(place.column.is_not(None))).all()
    for row in rows:
        *key, sealed = row
        yield tuple(key), sealed


def _key(place: SealedColumn) -> tuple[Any, ...]:
    return tuple(sa.inspect(place.column.class_).primary_key)
