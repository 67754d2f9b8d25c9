"""Whose turn it is to ask a platform for an access token, so that two processes do not both ask.

Revision: 2026_11_22_token_requests
Revises: 2026_11_22_mailed_links
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_token_requests"
down_revision = "2026_11_22_mailed_links"
branch_labels = None
depends_on = None

TABLE = "lti_token_request"


def upgrade() -> None:
    """Add the table, empty: nobody is asking."""
    op.create_table(
        TABLE,
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f(f"pk_{TABLE}")),
    )


def downgrade() -> None:
    """Take it away; two processes may ask in the same second again."""
    op.drop_table(TABLE)
