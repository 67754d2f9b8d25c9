"""What is told of all centres for a month, as it was worked out when the month began: bands only, and of nobody.

Revision: 2026_11_25_coverage_months
Revises: 2026_11_24_reviews
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_coverage_months"
down_revision = "2026_11_24_reviews"
branch_labels = None
depends_on = None

TABLE = "coverage_month"


def upgrade() -> None:
    """Add the table, empty: a worker begins with the current month within a minute."""
    op.create_table(
        TABLE,
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("centres", sa.String(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("month", "centres", name=op.f(f"pk_{TABLE}")),
    )


def downgrade() -> None:
    """Take it away; nothing else knows of it."""
    op.drop_table(TABLE)
