"""Codes asked for to join one's record with an earlier one, and which records were joined.

Revision: 2026_11_22_linked_persons
Revises: 2026_11_22_staff
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_linked_persons"
down_revision = "2026_11_22_staff"
branch_labels = None
depends_on = None

REQUEST, LINKED = "person_link_request", "linked_person"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody has been linked yet."""
    op.create_table(
        REQUEST,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("confirmed_email_id", sa.String(), nullable=True),
        sa.Column("asked_in", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("proved_at", MOMENT, nullable=True),
        sa.Column("used_at", MOMENT, nullable=True),
        _refers(REQUEST, "person_id", "person"),
        _refers(REQUEST, "target_id", "person"),
        _refers(REQUEST, "organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{REQUEST}")),
    )
    for column in ("person_id", "email", "target_id", "asked_in"):
        op.create_index(op.f(f"ix_{REQUEST}_{column}"), REQUEST, [column])
    op.create_table(
        LINKED,
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("now_with", sa.String(), nullable=False),
        sa.Column("joined_into", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=True),
        sa.Column("linked_at", MOMENT, nullable=False),
        _refers(LINKED, "person_id", "person"),
        _refers(LINKED, "now_with", "person"),
        _refers(LINKED, "joined_into", "person"),
        _refers(LINKED, "organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("person_id", name=op.f(f"pk_{LINKED}")),
    )
    op.create_index(op.f(f"ix_{LINKED}_now_with"), LINKED, ["now_with"])


def downgrade() -> None:
    """Forget which records were joined: what came together stays together."""
    op.drop_table(LINKED)
    op.drop_table(REQUEST)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))
