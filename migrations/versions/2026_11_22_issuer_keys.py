"""Keys of the issuers that another service holds, keys of RSA, and the moment a key was revoked.

Revision: 2026_11_22_issuer_keys
Revises: 2026_11_22_access_tokens
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_issuer_keys"
down_revision = "2026_11_22_access_tokens"
branch_labels = None
depends_on = None

TABLE = "signing_key"


def upgrade() -> None:
    """Add the columns; every key so far is a software key."""
    with op.batch_alter_table(TABLE) as batch:
        batch.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_column("revoked_at")
