"""How Alembic meets the database: always one that the caller opened, never one of its own."""

from __future__ import annotations

import importlib
import pkgutil

from alembic import context
from sqlmodel.sql.sqltypes import AutoString

import app
from app.core.db import UTCDateTime, metadata

for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name.endswith(".models") or module.name.startswith("app.core."):
        importlib.import_module(module.name)


def render_item(kind: str, item: object, _autogen_context: object) -> str | bool:
    """Types as SQLAlchemy knows them: a migration must still run when the app's own types have changed or gone."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length or ''})"
    return False


def compare_type(
    _context: object, _inspected: object, _column: object, inspected_type: object, wanted: object
) -> bool | None:
    """Our moment type is what the database calls a date with time."""
    return False if isinstance(wanted, UTCDateTime) else None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
    render_item=render_item,
    compare_type=compare_type,
    compare_server_default=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
