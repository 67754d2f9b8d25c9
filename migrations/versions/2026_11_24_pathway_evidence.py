"""What somebody has shown on a pathway in other ways than by a badge, and where they stand.

Revision: 2026_11_24_pathway_evidence
Revises: 2026_11_23_audit_seals
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_pathway_evidence"
down_revision = "2026_11_23_audit_seals"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
IN_FORCE = sa.text("withdrawn_at IS NULL")


def upgrade() -> None:
    """Add the tables, empty; the worker fills the standings from the badges that are there."""
    _table(
        "pathway_confirmation",
        [
            sa.Column("pathway_key", sa.String(), nullable=False),
            sa.Column("confirmation_key", sa.String(), nullable=False),
            sa.Column("given_as", sa.String(), nullable=False),
            sa.Column("given_by", sa.String(), nullable=False),
            sa.Column("given_at", MOMENT, nullable=False),
            *_withdrawal(),
        ],
        ("given_by", "withdrawn_by"),
    )
    op.create_index(op.f("ix_pathway_confirmation_given_by"), "pathway_confirmation", ["given_by"])
    op.create_index(
        "uq_pathway_confirmation_in_force",
        "pathway_confirmation",
        ["person_id", "pathway_key", "confirmation_key", "given_as"],
        unique=True,
        sqlite_where=IN_FORCE,
        postgresql_where=IN_FORCE,
    )
    _table(
        "pathway_conversation",
        [
            sa.Column("pathway_key", sa.String(), nullable=False),
            sa.Column("pathway_version", sa.Integer(), nullable=False),
            sa.Column("conversation_key", sa.String(), nullable=False),
            sa.Column("rubric_version", sa.Integer(), nullable=False),
            sa.Column("held_on", sa.Date(), nullable=False),
            sa.Column("levels", sa.JSON(), nullable=False),
            sa.Column("comment", sa.Text(), nullable=False),
            sa.Column("decided_by", sa.String(), nullable=False),
            sa.Column("recorded_at", MOMENT, nullable=False),
        ],
        ("decided_by",),
    )
    op.create_index(op.f("ix_pathway_conversation_decided_by"), "pathway_conversation", ["decided_by"])
    _table(
        "pathway_recognition",
        [
            sa.Column("kind", sa.String(), nullable=False),
            sa.Column("key", sa.String(), nullable=False),
            sa.Column("pathway_key", sa.String(), nullable=True),
            sa.Column("reason", sa.Text(), nullable=False),
            sa.Column("granted_by", sa.String(), nullable=False),
            sa.Column("granted_at", MOMENT, nullable=False),
            *_withdrawal(),
        ],
        ("granted_by", "withdrawn_by"),
    )
    op.create_index(op.f("ix_pathway_recognition_granted_by"), "pathway_recognition", ["granted_by"])
    _table(
        "pathway_external_badge",
        [
            sa.Column("digest", sa.String(), nullable=False),
            sa.Column("document", sa.LargeBinary(), nullable=False),
            sa.Column("address", sa.Text(), nullable=True),
            sa.Column("issuer", sa.String(), nullable=False),
            sa.Column("issuer_name", sa.String(), nullable=False),
            sa.Column("achievement", sa.String(), nullable=False),
            sa.Column("name", sa.String(), nullable=False),
            sa.Column("awarded_at", MOMENT, nullable=False),
            sa.Column("valid_from", MOMENT, nullable=False),
            sa.Column("valid_until", MOMENT, nullable=True),
            sa.Column("verdict", sa.String(), nullable=False),
            sa.Column("checked_at", MOMENT, nullable=False),
            sa.Column("stopped_at", MOMENT, nullable=True),
            sa.Column("added_at", MOMENT, nullable=False),
            sa.UniqueConstraint("person_id", "digest", name=op.f("uq_pathway_external_badge_person_id_digest")),
        ],
    )
    op.create_index(op.f("ix_pathway_external_badge_checked_at"), "pathway_external_badge", ["checked_at"])
    op.create_table(
        "pathway_standing",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("pathway_key", sa.String(), nullable=False),
        sa.Column("pathway_version", sa.Integer(), nullable=False),
        sa.Column("rule_digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("open_steps", sa.JSON(), nullable=False),
        sa.Column("met_since", MOMENT, nullable=True),
        sa.Column("met_until", MOMENT, nullable=True),
        sa.Column("next_change", MOMENT, nullable=True),
        sa.Column("computed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "pathway_key", name=op.f("pk_pathway_standing")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pathway_standing_person_id_person")),
    )
    op.create_index(op.f("ix_pathway_standing_pathway_key_state"), "pathway_standing", ["pathway_key", "state"])
    op.create_index(op.f("ix_pathway_standing_next_change"), "pathway_standing", ["next_change"])


def downgrade() -> None:
    """Take them away: confirmations, conversations, recognitions and others' badges are lost."""
    for name in (
        "pathway_standing",
        "pathway_external_badge",
        "pathway_recognition",
        "pathway_conversation",
        "pathway_confirmation",
    ):
        op.drop_table(name)


def _withdrawal() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
    )


def _table(name: str, parts: Iterable[sa.schema.SchemaItem], persons: tuple[str, ...] = ()) -> None:
    """A table of things with an id that are one person's; `persons` are further columns that name somebody."""
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *(
            sa.ForeignKeyConstraint([column], ["person.id"], name=op.f(f"fk_{name}_{column}_person"))
            for column in ("person_id", *persons)
        ),
    )
    op.create_index(op.f(f"ix_{name}_person_id"), name, ["person_id"])
