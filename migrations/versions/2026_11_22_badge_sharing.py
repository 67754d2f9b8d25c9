"""Links that holders make to show badges for a while, suspended badges, names by choice, and what is left of the erased.

Revision: 2026_11_22_badge_sharing
Revises: 2026_11_22_status_archive
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_badge_sharing"
down_revision = "2026_11_22_status_archive"
branch_labels = None
depends_on = None

SHARE, ITEM, TOMBSTONE, CREDENTIAL = "badge_share", "badge_share_item", "credential_tombstone", "credential"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, empty, and the columns: no badge so far is suspended or carries a name."""
    op.create_table(
        SHARE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SHARE}")),
        sa.UniqueConstraint("token_hash", name=op.f(f"uq_{SHARE}_token_hash")),
    )
    op.create_index(op.f(f"ix_{SHARE}_person_id"), SHARE, ["person_id"])
    op.create_table(
        ITEM,
        sa.Column("share_id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["share_id"], [f"{SHARE}.id"], name=op.f(f"fk_{ITEM}_share_id_{SHARE}")),
        sa.ForeignKeyConstraint(["credential_id"], ["credential.id"], name=op.f(f"fk_{ITEM}_credential_id_credential")),
        sa.PrimaryKeyConstraint("share_id", "credential_id", name=op.f(f"pk_{ITEM}")),
    )
    op.create_index(op.f(f"ix_{ITEM}_credential_id"), ITEM, ["credential_id"])
    op.create_table(
        TOMBSTONE,
        sa.Column("id_digest", sa.String(), nullable=False),
        sa.Column("issued_on", MOMENT, nullable=False),
        sa.Column("erased_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id_digest", name=op.f(f"pk_{TOMBSTONE}")),
    )
    op.add_column(CREDENTIAL, sa.Column("suspended_at", MOMENT, nullable=True))
    op.add_column(CREDENTIAL, sa.Column("suspension_reason", sa.String(), nullable=True))
    op.add_column(CREDENTIAL, sa.Column("holder_named", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take them away: links end, and what was suspended counts as issued again."""
    with op.batch_alter_table(CREDENTIAL) as batch:
        for name in ("holder_named", "suspension_reason", "suspended_at"):
            batch.drop_column(name)
    op.drop_table(TOMBSTONE)
    op.drop_index(op.f(f"ix_{ITEM}_credential_id"), ITEM)
    op.drop_table(ITEM)
    op.drop_index(op.f(f"ix_{SHARE}_person_id"), SHARE)
    op.drop_table(SHARE)
