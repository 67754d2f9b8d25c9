"""Dead letters can be sent again: when that was, and indexes by what the outbox asks for.

Revision: 2026_11_22_outbox_resend
Revises: 2026_11_22_lti_advantage
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_outbox_resend"
down_revision = "2026_11_22_lti_advantage"
branch_labels = None
depends_on = None

TABLE = "outbox_delivery"
BEFORE = (("due_at",), ("handler",), ("state",))
AFTER = (("state", "due_at"), ("handler", "state"))


def upgrade() -> None:
    """Add the column, empty for the rows that are there, and index by pairs."""
    op.add_column(TABLE, sa.Column("resent_at", sa.DateTime(timezone=True), nullable=True))
    _replace_indexes(BEFORE, AFTER)


def downgrade() -> None:
    """Take it away again: what was sent again counts its days from the event once more."""
    _replace_indexes(AFTER, BEFORE)
    op.drop_column(TABLE, "resent_at")


def _replace_indexes(old: tuple[tuple[str, ...], ...], new: tuple[tuple[str, ...], ...]) -> None:
    for columns in old:
        op.drop_index(_name(columns), TABLE)
    for columns in new:
        op.create_index(_name(columns), TABLE, list(columns))


def _name(columns: tuple[str, ...]) -> str:
    return str(op.f(f"ix_{TABLE}_{'_'.join(columns)}"))
