"""Tables for files as evidence.

Revision: 2026_11_22_files
Revises: 2026_11_22_observations
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_files"
down_revision = "2026_11_22_observations"
branch_labels = None
depends_on = None

FILE, CONTENT, HANDED_IN = "evidence_file", "evidence_content", "submission_file"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, empty."""
    op.create_table(
        FILE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("enrolment_id", sa.String(), nullable=False),
        sa.Column("activity_key", sa.String(), nullable=False),
        sa.Column("field_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("taken_out", sa.JSON(), nullable=False),
        sa.Column("kept_findings", sa.JSON(), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("aside_at", MOMENT, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f(f"fk_{FILE}_enrolment_id_enrolment")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{FILE}")),
    )
    op.create_index(op.f(f"ix_{FILE}_enrolment_id"), FILE, ["enrolment_id"])
    op.create_table(
        CONTENT,
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], [f"{FILE}.id"], name=op.f(f"fk_{CONTENT}_file_id_{FILE}")),
        sa.PrimaryKeyConstraint("file_id", name=op.f(f"pk_{CONTENT}")),
    )
    op.create_table(
        HANDED_IN,
        sa.Column("submission_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f(f"fk_{HANDED_IN}_submission_id_submission")
        ),
        sa.ForeignKeyConstraint(["file_id"], [f"{FILE}.id"], name=op.f(f"fk_{HANDED_IN}_file_id_{FILE}")),
        sa.PrimaryKeyConstraint("submission_id", "file_id", name=op.f(f"pk_{HANDED_IN}")),
    )
    op.create_index(op.f(f"ix_{HANDED_IN}_file_id"), HANDED_IN, ["file_id"])


def downgrade() -> None:
    """Take them away, and every file with them."""
    op.drop_index(op.f(f"ix_{HANDED_IN}_file_id"), HANDED_IN)
    op.drop_table(HANDED_IN)
    op.drop_table(CONTENT)
    op.drop_index(op.f(f"ix_{FILE}_enrolment_id"), FILE)
    op.drop_table(FILE)
