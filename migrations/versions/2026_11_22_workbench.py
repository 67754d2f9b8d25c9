"""Tables for comment bank, second marks and appeals.

Revision: 2026_11_22_workbench
Revises: 2026_11_22_files
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_workbench"
down_revision = "2026_11_22_files"
branch_labels = None
depends_on = None

COMMENT, SECOND, APPEAL = "saved_comment", "second_mark", "appeal"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, empty: decisions made so far are not drawn for a second mark after the fact."""
    op.create_table(
        COMMENT,
        _id(),
        _text("person_id"),
        _text("module_key", nullable=True),
        _text("criterion_key", nullable=True),
        _text("text"),
        _moment("saved_at"),
        _moment("deleted_at", nullable=True),
        _key(COMMENT),
        _to(COMMENT, "person_id", "person"),
    )
    op.create_index(op.f(f"ix_{COMMENT}_person_id"), COMMENT, ["person_id"])
    op.create_table(
        SECOND,
        _id(),
        _text("decision_id"),
        _text("submission_id"),
        _text("decided_by"),
        _text("why"),
        sa.Column("rubric_version", sa.Integer(), nullable=False),
        _moment("chosen_at"),
        _text("marked_by", nullable=True),
        _moment("marked_at", nullable=True),
        _text("outcome", nullable=True),
        sa.Column("levels", sa.JSON(), nullable=False),
        _text("reason"),
        _text("conclusion"),
        _text("concluded_by", nullable=True),
        _moment("concluded_at", nullable=True),
        _key(SECOND),
        _to(SECOND, "decision_id", "decision"),
        _to(SECOND, "submission_id", "submission"),
        *(_to(SECOND, who, "person") for who in ("decided_by", "marked_by", "concluded_by")),
        _once(SECOND, "decision_id"),
        _once(SECOND, "submission_id"),
        sa.CheckConstraint("outcome IN ('returned', 'awarded')", name=op.f(f"ck_{SECOND}_outcome")),
        sa.CheckConstraint("why IN ('first_five', 'sample')", name=op.f(f"ck_{SECOND}_why")),
    )
    for name in ("decided_by", "marked_by"):
        op.create_index(op.f(f"ix_{SECOND}_{name}"), SECOND, [name])
    op.create_table(
        APPEAL,
        _id(),
        _text("decision_id"),
        _text("submission_id"),
        _text("enrolment_id"),
        _text("reason"),
        _text("state"),
        _moment("made_at"),
        _text("answer"),
        _text("answered_by", nullable=True),
        _moment("answered_at", nullable=True),
        _text("new_submission_id", nullable=True),
        _key(APPEAL),
        _to(APPEAL, "decision_id", "decision"),
        _to(APPEAL, "submission_id", "submission"),
        _to(APPEAL, "enrolment_id", "enrolment"),
        _to(APPEAL, "answered_by", "person"),
        _to(APPEAL, "new_submission_id", "submission"),
        *(_once(APPEAL, name) for name in ("decision_id", "submission_id", "new_submission_id")),
        sa.CheckConstraint("state IN ('open', 'upheld', 'declined', 'overtaken')", name=op.f(f"ck_{APPEAL}_state")),
    )
    op.create_index(op.f(f"ix_{APPEAL}_enrolment_id"), APPEAL, ["enrolment_id"])
    op.create_index("ix_appeal_state_made_at", APPEAL, ["state", "made_at"])


def downgrade() -> None:
    """Take them away: saved comments, second marks and appeals are lost; rounds that an appeal reopened stay."""
    for table in (APPEAL, SECOND, COMMENT):
        op.drop_table(table)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _to(table: str, name: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}_{other}"))


def _once(table: str, name: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(name, name=op.f(f"uq_{table}_{name}"))
