"""Access tokens for platforms' services, sealed, so that all processes use one.

Revision: 2026_11_22_access_tokens
Revises: 2026_11_22_outbox_resend
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_access_tokens"
down_revision = "2026_11_22_outbox_resend"
branch_labels = None
depends_on = None

TABLE = "lti_access_token"


def upgrade() -> None:
    """Add the table, empty: each token is asked for once more."""
    op.create_table(
        TABLE,
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("sealed_token", sa.String(), nullable=False),
        sa.Column("got_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scopes", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(op.f(f"ix_{TABLE}_expires_at"), TABLE, ["expires_at"])


def downgrade() -> None:
    """Take it away; nothing is lost that platforms do not give again."""
    op.drop_index(op.f(f"ix_{TABLE}_expires_at"), TABLE)
    op.drop_table(TABLE)
