"""Pathways of the programme, with the achievement at their end.

Revision: 2026_11_23_stacks
Revises: 2026_11_23_panels
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_stacks"
down_revision = "2026_11_23_panels"
branch_labels = None
depends_on = None

TABLE = "programme_pathway_version"


def upgrade() -> None:
    """Add the table, empty: the pathways come with the next `waymark programme load`."""
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "key", "programme_key", "digest")),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("key", "version", name=op.f(f"uq_{TABLE}_key_version")),
    )
    op.create_index(op.f(f"ix_{TABLE}_programme_key"), TABLE, ["programme_key"])


def downgrade() -> None:
    """Take it away; the files hold the newest version of each pathway, earlier ones are lost."""
    op.drop_index(op.f(f"ix_{TABLE}_programme_key"), TABLE)
    op.drop_table(TABLE)
