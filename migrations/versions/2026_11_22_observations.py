"""Tables for observations asked for, approved and made.

Revision: 2026_11_22_observations
Revises: 2026_11_22_linked_persons
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_observations"
down_revision = "2026_11_22_linked_persons"
branch_labels = None
depends_on = None

REQUEST, CODE, OBSERVATION = "observation_request", "observation_code", "observation"
MOMENT = sa.DateTime(timezone=True)
STATES = "'proposed', 'asked', 'made', 'withdrawn', 'declined', 'refused', 'ended'"
OPEN = "state IN ('proposed', 'asked')"


def upgrade() -> None:
    """Nobody has been asked yet."""
    _requests()
    op.create_table(
        CODE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], [f"{REQUEST}.id"], name=op.f(f"fk_{CODE}_request_id_{REQUEST}")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{CODE}")),
    )
    op.create_index(op.f(f"ix_{CODE}_request_id"), CODE, ["request_id"])
    op.create_table(
        OBSERVATION,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("enrolment_id", sa.String(), nullable=False),
        sa.Column("activity_key", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("comments", sa.JSON(), nullable=False),
        sa.Column("kept_findings", sa.JSON(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("comments_removed_at", MOMENT, nullable=True),
        sa.Column("comments_digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], [f"{REQUEST}.id"], name=op.f(f"fk_{OBSERVATION}_request_id_{REQUEST}")),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f(f"fk_{OBSERVATION}_enrolment_id_enrolment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{OBSERVATION}")),
        sa.UniqueConstraint("request_id", name=op.f(f"uq_{OBSERVATION}_request_id")),
    )
    op.create_index(op.f(f"ix_{OBSERVATION}_enrolment_id"), OBSERVATION, ["enrolment_id"])


def _requests() -> None:
    op.create_table(
        REQUEST,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("enrolment_id", sa.String(), nullable=False),
        sa.Column("activity_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("observer_person_id", sa.String(), nullable=True),
        sa.Column("membership_id", sa.String(), nullable=True),
        sa.Column("observer_name", sa.String(), nullable=False),
        sa.Column("observer_email", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f(f"ck_{REQUEST}_state")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f(f"fk_{REQUEST}_enrolment_id_enrolment")),
        sa.ForeignKeyConstraint(
            ["observer_person_id"], ["person.id"], name=op.f(f"fk_{REQUEST}_observer_person_id_person")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f(f"fk_{REQUEST}_decided_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{REQUEST}")),
        sa.UniqueConstraint(
            "enrolment_id", "activity_key", "number", name=op.f(f"uq_{REQUEST}_enrolment_id_activity_key_number")
        ),
    )
    op.create_index(op.f(f"ix_{REQUEST}_observer_person_id"), REQUEST, ["observer_person_id"])
    op.create_index(op.f(f"ix_{REQUEST}_observer_email"), REQUEST, ["observer_email"])
    op.create_index(f"ix_{REQUEST}_waiting", REQUEST, ["state", "created_at"])
    op.create_index(
        f"uq_{REQUEST}_open",
        REQUEST,
        ["enrolment_id", "activity_key"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )


def downgrade() -> None:
    """Take them away, with all that was observed."""
    for table in (OBSERVATION, CODE, REQUEST):
        op.drop_table(table)
