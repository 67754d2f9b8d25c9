"""Tables for attendance and recognition of prior learning.

Revision: 2026_11_22_activities
Revises: 2026_11_22_workbench
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_activities"
down_revision = "2026_11_22_workbench"
branch_labels = None
depends_on = None

OPEN_CODE = "uq_attendance_code_open"
TRIES = "ix_attendance_try_enrolment_id_activity_key"


def upgrade() -> None:
    """Add the tables, empty."""
    op.create_table(
        "attendance_code",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("deployment_id", "context_id")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("module_key", "activity_key", "code", "opened_by")),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_attendance_code_opened_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_code")),
    )
    op.create_index(
        OPEN_CODE,
        "attendance_code",
        ["deployment_id", "context_id", "module_key", "activity_key"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "attendance",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "enrolment_id", "activity_key")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("deployment_id", "context_id", "how")),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("how IN ('roster', 'code')", name=op.f("ck_attendance_how")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_attendance_enrolment_id_enrolment")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["person.id"], name=op.f("fk_attendance_confirmed_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance")),
        sa.UniqueConstraint("enrolment_id", "activity_key", name=op.f("uq_attendance_enrolment_id_activity_key")),
    )
    op.create_table(
        "attendance_try",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "enrolment_id", "activity_key")),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_attendance_try_enrolment_id_enrolment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_try")),
    )
    op.create_index(TRIES, "attendance_try", ["enrolment_id", "activity_key"])
    op.create_table(
        "recognition",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "enrolment_id")),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_recognition_enrolment_id_enrolment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition")),
        sa.UniqueConstraint("enrolment_id", name=op.f("uq_recognition_enrolment_id")),
    )


def downgrade() -> None:
    """Take them away, with what they hold."""
    op.drop_table("recognition")
    op.drop_index(TRIES, "attendance_try")
    op.drop_table("attendance_try")
    op.drop_table("attendance")
    op.drop_index(OPEN_CODE, "attendance_code")
    op.drop_table("attendance_code")
