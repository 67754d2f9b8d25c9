"""Fidelity reviews that somebody took part in, and why an assessor's calibration was waived at the grant.

Revision: 2026_11_24_reviews
Revises: 2026_11_24_framework_pins
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_reviews"
down_revision = "2026_11_24_framework_pins"
branch_labels = None
depends_on = None

TABLE = "reviewed_service"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table, empty. Of grants that were made before nobody knows whether anything was waived."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("enrolment_id", sa.String(), nullable=False),
        sa.Column("activity_key", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        sa.Column("declared_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f(f"fk_{TABLE}_enrolment_id_enrolment")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f(f"fk_{TABLE}_organisation_id_organisation")
        ),
        sa.UniqueConstraint("enrolment_id", "activity_key", name=op.f(f"uq_{TABLE}_enrolment_id_activity_key")),
    )
    op.add_column("role_grant", sa.Column("waived", sa.String(), nullable=True))
    op.add_column("role_grant", sa.Column("waiver_reason", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take both away, with what they hold."""
    op.drop_column("role_grant", "waiver_reason")
    op.drop_column("role_grant", "waived")
    op.drop_table(TABLE)
