"""SQL that is worked out once for a run, not once for each test.

An engine keeps the SQL that it has worked out for a statement. Nearly every test has engines of its own, and would work
out the same statements again: a fifth of a whole run's time. Engines of one kind of database share it here.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.util import LRUCache

from app.core import db

KEPT = 5_000

_compiled: dict[str, Any] = defaultdict(lambda: LRUCache(KEPT))


def share() -> None:
    """From here on the engines that the product makes in this process share what they have worked out."""
    create = sa.create_engine

    def create_engine(url: Any, **options: Any) -> Engine:
        engine = create(url, **options)
        kind = type(engine.dialect)
        engine.dialect.__class__ = _all_equal(kind)
        engine._compiled_cache = _compiled[f"{kind.__module__}.{kind.__name__}"]
        return engine

    db.create_engine = create_engine  # type: ignore[assignment]


@cache
def _all_equal(kind: type[Dialect]) -> type[Dialect]:
    """The same kind of dialect, whose instances count as one: SQL is kept under the dialect that it was made for."""

    class Shared(kind):  # type: ignore[misc, valid-type]
        supports_statement_cache = True

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self)

        def __hash__(self) -> int:
            return hash(kind)

    return Shared
