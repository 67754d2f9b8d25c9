"""What the scan of handed-in texts found and the learner kept, by kind; texts that were put away, and by whom.

Revision: 2026_11_22_evidence
Revises: 2026_11_22_notice
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_evidence"
down_revision = "2026_11_22_notice"
branch_labels = None
depends_on = None

SUBMISSION, DRAFT = "submission", "activity_draft"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns: nothing was scanned or put away so far."""
    op.add_column(SUBMISSION, sa.Column("kept_findings", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column(SUBMISSION, sa.Column("quarantined_at", MOMENT, nullable=True))
    op.add_column(SUBMISSION, sa.Column("quarantined_by", sa.String(), nullable=True))
    op.add_column(SUBMISSION, sa.Column("purged_at", MOMENT, nullable=True))
    op.add_column(DRAFT, sa.Column("put_aside", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take them away; the counts are lost, and texts that were put away but not removed can be seen again."""
    with op.batch_alter_table(DRAFT) as batch:
        batch.drop_column("put_aside")
    with op.batch_alter_table(SUBMISSION) as batch:
        for name in ("purged_at", "quarantined_by", "quarantined_at", "kept_findings"):
            batch.drop_column(name)
