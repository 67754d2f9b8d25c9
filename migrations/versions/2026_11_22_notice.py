"""Which notice about their data a person closed; and when, and why, what was kept of a person was erased.

Revision: 2026_11_22_notice
Revises: 2026_11_22_token_requests
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_notice"
down_revision = "2026_11_22_token_requests"
branch_labels = None
depends_on = None

PERSON, NOTICE = "person", "person_notice"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody has been erased, and everybody is shown the notice once."""
    op.add_column(PERSON, sa.Column("erased_at", MOMENT, nullable=True))
    op.add_column(PERSON, sa.Column("erased_reason", sa.String(), nullable=True))
    op.create_table(
        NOTICE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], [f"{PERSON}.id"], name=op.f(f"fk_{NOTICE}_person_id_{PERSON}")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NOTICE}")),
        sa.UniqueConstraint("person_id", "version", name=op.f(f"uq_{NOTICE}_person_id_version")),
    )


def downgrade() -> None:
    """Take both away: those who were erased stay so, as nothing leads to them any more."""
    op.drop_table(NOTICE)
    with op.batch_alter_table(PERSON) as batch:
        batch.drop_column("erased_reason")
        batch.drop_column("erased_at")
