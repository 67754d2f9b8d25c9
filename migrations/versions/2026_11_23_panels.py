"""Marks that members of a panel give before an award.

Revision: 2026_11_23_panels
Revises: 2026_11_22_mail_preferences
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_panels"
down_revision = "2026_11_22_mail_preferences"
branch_labels = None
depends_on = None

TABLE = "panel_mark"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table, empty: what was decided so far was decided by one assessor."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=False),
        sa.Column("marked_by", sa.String(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=True),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("comments", sa.JSON(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("given_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f(f"fk_{TABLE}_submission_id_submission")
        ),
        sa.ForeignKeyConstraint(["marked_by"], ["person.id"], name=op.f(f"fk_{TABLE}_marked_by_person")),
        sa.UniqueConstraint("submission_id", "marked_by", name=op.f(f"uq_{TABLE}_submission_id_marked_by")),
        sa.UniqueConstraint("submission_id", "seat", name=op.f(f"uq_{TABLE}_submission_id_seat")),
        sa.CheckConstraint("outcome IN ('returned', 'awarded')", name=op.f(f"ck_{TABLE}_outcome")),
        sa.CheckConstraint("seat IN (1, 2)", name=op.f(f"ck_{TABLE}_seat")),
    )
    op.create_index(op.f(f"ix_{TABLE}_marked_by"), TABLE, ["marked_by"])


def downgrade() -> None:
    """Take it away: marks of panels that have not decided yet are lost; what they decided stays."""
    op.drop_table(TABLE)
