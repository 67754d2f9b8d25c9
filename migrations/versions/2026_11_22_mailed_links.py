"""Links to a badge that whoever has its award mail makes, without a person who is signed in.

Revision: 2026_11_22_mailed_links
Revises: 2026_11_22_badge_sharing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_mailed_links"
down_revision = "2026_11_22_badge_sharing"
branch_labels = None
depends_on = None

SHARE, ITEM, COLUMN = "badge_share", "badge_share_item", "claimed_credential_id"
MAILED = f"SELECT id FROM {SHARE} WHERE person_id IS NULL"


def upgrade() -> None:
    """Every link so far is a person's."""
    with op.batch_alter_table(SHARE) as batch:
        batch.alter_column("person_id", existing_type=sa.String(), nullable=True)
        batch.add_column(sa.Column(COLUMN, sa.String(), nullable=True))
        batch.create_foreign_key(op.f(f"fk_{SHARE}_{COLUMN}_credential"), "credential", [COLUMN], ["id"])
    op.create_index(op.f(f"ix_{SHARE}_{COLUMN}"), SHARE, [COLUMN])


def downgrade() -> None:
    """Links that are no person's end."""
    op.execute(f"DELETE FROM {ITEM} WHERE share_id IN ({MAILED})")  # noqa: S608 - our own names
    op.execute(f"DELETE FROM {SHARE} WHERE person_id IS NULL")  # noqa: S608 - our own names
    op.drop_index(op.f(f"ix_{SHARE}_{COLUMN}"), SHARE)
    with op.batch_alter_table(SHARE) as batch:
        batch.drop_constraint(op.f(f"fk_{SHARE}_{COLUMN}_credential"), type_="foreignkey")
        batch.drop_column(COLUMN)
        batch.alter_column("person_id", existing_type=sa.String(), nullable=False)
