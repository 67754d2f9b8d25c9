"""What follows for a badge when one that it rests on ends.

Revision: 2026_11_24_consequences
Revises: 2026_11_24_proposals
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_consequences"
down_revision = "2026_11_24_proposals"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of consequences: each end of a ground is noted once for each badge that rests on it."""
    op.create_table(
        "award_flag",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("because_credential_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("consequence", sa.String(), nullable=False),
        sa.Column("pathway_key", sa.String(), nullable=False),
        sa.Column("pathway_version", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mended_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_award_flag_credential_id_credential")
        ),
        sa.ForeignKeyConstraint(
            ["because_credential_id"], ["credential.id"], name=op.f("fk_award_flag_because_credential_id_credential")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_flag")),
        sa.UniqueConstraint(
            "credential_id",
            "because_credential_id",
            "reason",
            "since",
            name=op.f("uq_award_flag_credential_id_because_credential_id_reason_since"),
        ),
    )
    op.create_index(op.f("ix_award_flag_person_id"), "award_flag", ["person_id"])
    op.create_index(op.f("ix_award_flag_because_credential_id"), "award_flag", ["because_credential_id"])
    op.create_index("ix_award_flag_state_due_at", "award_flag", ["state", "due_at"])


def downgrade() -> None:
    """Forget what was noted; badges that were suspended stay so until somebody reinstates them."""
    op.drop_table("award_flag")
