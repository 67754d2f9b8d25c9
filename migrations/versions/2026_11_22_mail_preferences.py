"""Tables for which mails a person does not want, and which reminders of a badge's end were seen to.

Revision: 2026_11_22_mail_preferences
Revises: 2026_11_22_activities
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_mail_preferences"
down_revision = "2026_11_22_activities"
branch_labels = None
depends_on = None

UNWANTED, REMINDER = "message_unwanted_mail", "message_expiry_reminder"
BY_END = "ix_credential_state_valid_until"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Everybody gets every mail, and no reminder was sent yet."""
    op.create_table(
        UNWANTED,
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("switched_off_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{UNWANTED}_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "kind", name=op.f(f"pk_{UNWANTED}")),
    )
    op.create_table(
        REMINDER,
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("noted_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f(f"fk_{REMINDER}_credential_id_credential")
        ),
        sa.PrimaryKeyConstraint("credential_id", "days", name=op.f(f"pk_{REMINDER}")),
    )
    op.create_index(op.f(BY_END), "credential", ["state", "valid_until"])


def downgrade() -> None:
    """Who switched mails off, and which reminders went out, is forgotten."""
    op.drop_index(op.f(BY_END), table_name="credential")
    op.drop_table(REMINDER)
    op.drop_table(UNWANTED)
