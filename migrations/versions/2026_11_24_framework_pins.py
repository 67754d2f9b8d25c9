"""The framework version by which each badge was judged.

Revision: 2026_11_24_framework_pins
Revises: 2026_11_24_renewals
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import rfc8785
import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_framework_pins"
down_revision = "2026_11_24_renewals"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COLUMNS = ("framework_key", "framework_version", "framework_digest")
CREDENTIAL = sa.table(
    "credential",
    sa.column("achievement_key", sa.String()),
    sa.column("achievement_version", sa.Integer()),
    sa.column("reserved_at", MOMENT),
    *(sa.column(name, sa.String()) for name in COLUMNS),
)
PROGRAMME = sa.table(
    "programme_version",
    sa.column("version", sa.Integer()),
    sa.column("document", sa.JSON()),
    sa.column("loaded_at", MOMENT),
)


def upgrade() -> None:
    """Add the columns; badges that are there get the framework that was in force when they were reserved."""
    for name in COLUMNS:
        op.add_column("credential", sa.Column(name, sa.String(), nullable=True))
    connection = op.get_bind()
    row = CREDENTIAL.c
    awarded = connection.execute(sa.select(row.achievement_key, row.achievement_version).distinct()).all()
    if not awarded:
        return
    loads = _loads(connection)
    for key, version in awarded:
        codes = _competencies(connection, key, version)
        for since, until, frameworks in loads:
            pin = _chosen(frameworks, codes)
            if pin is None:
                continue
            theirs = sa.and_(row.achievement_key == key, row.achievement_version == version)
            if since is not None:
                theirs = sa.and_(theirs, row.reserved_at >= since)
            if until is not None:
                theirs = sa.and_(theirs, row.reserved_at < until)
            connection.execute(sa.update(CREDENTIAL).where(theirs).values(dict(zip(COLUMNS, pin, strict=True))))


def downgrade() -> None:
    """Take the columns away; by what a badge was judged can be told again from the days of the loads."""
    with op.batch_alter_table("credential") as batch:
        for name in COLUMNS:
            batch.drop_column(name)


Known = tuple[tuple[str, str, str], frozenset[str]]
"""A framework's key, version and digest, and the ids of its competencies."""


def _loads(connection: sa.Connection) -> list[tuple[datetime | None, datetime | None, list[Known]]]:
    """From when to when which frameworks were known, the newest first; the first load counts from the beginning."""
    row = PROGRAMME.c
    found = connection.execute(
        sa.select(row.document, row.loaded_at).order_by(row.loaded_at.asc(), row.version.asc())
    ).all()
    known: list[Known] = []
    spans: list[tuple[datetime | None, datetime | None, list[Known]]] = []
    for place, (document, loaded_at) in enumerate(found):
        known = [*_frameworks(document), *known]
        until = found[place + 1].loaded_at if place + 1 < len(found) else None
        spans.append((loaded_at if place else None, until, known))
    return spans


def _frameworks(document: Mapping[str, Any]) -> Iterator[Known]:
    for each in document.get("frameworks", ()):
        digest = hashlib.sha256(rfc8785.dumps(each)).hexdigest()
        ids = frozenset(entry["id"] for domain in each["domains"] for entry in domain["competencies"])
        yield (each["key"], each["version"], digest), ids


def _chosen(frameworks: Sequence[Known], codes: frozenset[str]) -> tuple[str, str, str] | None:
    """The one that knows most of what the badge names; of those that know as much, the newest."""
    best, most = None, 0
    for pin, ids in frameworks:
        if len(codes & ids) > most:
            best, most = pin, len(codes & ids)
    return best


def _competencies(connection: sa.Connection, key: str, version: int) -> frozenset[str]:
    """What a badge of this module or pathway names; keys of pathways begin with a small letter."""
    name = "programme_pathway_version" if key[:1].islower() else "programme_module_version"
    table = sa.table(
        name, sa.column("key", sa.String()), sa.column("version", sa.Integer()), sa.column("document", sa.JSON())
    )
    document = connection.execute(
        sa.select(table.c.document).where(table.c.key == key, table.c.version == version)
    ).scalar()
    if document is None:
        return frozenset()
    of = document if name == "programme_module_version" else document.get("achievement") or {}
    return frozenset(of.get("competencies", ()))
