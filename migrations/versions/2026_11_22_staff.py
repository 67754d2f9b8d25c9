"""Tables for centres, who works there, and who is whose manager or mentor.

Revision: 2026_11_22_staff
Revises: 2026_11_22_evidence
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_staff"
down_revision = "2026_11_22_evidence"
branch_labels = None
depends_on = None

CENTRE, MEMBERSHIP, LINE = "centre", "membership", "reporting_line"
MOMENT = sa.DateTime(timezone=True)
IN_FORCE = "ended_at IS NULL"


def upgrade() -> None:
    """Add the tables, empty: nobody has been entered as staff."""
    op.create_table(
        CENTRE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f(f"fk_{CENTRE}_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{CENTRE}")),
        sa.UniqueConstraint("organisation_id", "key", name=op.f(f"uq_{CENTRE}_organisation_id_key")),
    )
    op.create_table(
        MEMBERSHIP,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("function", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        *_begun_and_ended(),
        sa.ForeignKeyConstraint(["centre_id"], [f"{CENTRE}.id"], name=op.f(f"fk_{MEMBERSHIP}_centre_id_{CENTRE}")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{MEMBERSHIP}_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{MEMBERSHIP}")),
    )
    op.create_index(op.f(f"ix_{MEMBERSHIP}_person_id"), MEMBERSHIP, ["person_id"])
    op.create_index(op.f(f"ix_{MEMBERSHIP}_email"), MEMBERSHIP, ["email"])
    _once(f"uq_{MEMBERSHIP}_in_force", MEMBERSHIP, "centre_id", "person_id", "function")
    _once(f"uq_{MEMBERSHIP}_email_in_force", MEMBERSHIP, "centre_id", "email", "function")
    op.create_table(
        LINE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("other_id", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        *_begun_and_ended(),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{LINE}_person_id_person")),
        sa.ForeignKeyConstraint(["other_id"], ["person.id"], name=op.f(f"fk_{LINE}_other_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{LINE}")),
    )
    op.create_index(op.f(f"ix_{LINE}_other_id"), LINE, ["other_id"])
    _once(f"uq_{LINE}_in_force", LINE, "person_id", "other_id", "relation")
    _once(f"uq_{LINE}_manager_in_force", LINE, "person_id", only=f"{IN_FORCE} AND relation = 'line_manager'")


def downgrade() -> None:
    """Take them away: persons who were entered as staff stay, without a name."""
    for table in (LINE, MEMBERSHIP, CENTRE):
        op.drop_table(table)


def _begun_and_ended() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("begun_by_kind", sa.String(), nullable=False),
        sa.Column("begun_by_id", sa.String(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by_kind", sa.String(), nullable=True),
        sa.Column("ended_by_id", sa.String(), nullable=True),
    )


def _once(name: str, table: str, *columns: str, only: str = IN_FORCE) -> None:
    op.create_index(name, table, list(columns), unique=True, sqlite_where=sa.text(only), postgresql_where=sa.text(only))
