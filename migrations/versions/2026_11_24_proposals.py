"""Awards that the machine proposes and a person decides.

Revision: 2026_11_24_proposals
Revises: 2026_11_24_pathway_evidence
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_proposals"
down_revision = "2026_11_24_pathway_evidence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add proposals, one open at most of a person and pathway, and words that are asked for."""
    op.create_table(
        "award_proposal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("pathway_key", sa.String(), nullable=False),
        sa.Column("pathway_version", sa.Integer(), nullable=False),
        sa.Column("rule_digest", sa.String(), nullable=False),
        sa.Column("rests_on", sa.JSON(), nullable=False),
        sa.Column("waived", sa.JSON(), nullable=False),
        sa.Column("talk_id", sa.String(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_award_proposal_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_proposal")),
    )
    op.create_index(op.f("ix_award_proposal_person_id"), "award_proposal", ["person_id"])
    op.create_index("ix_award_proposal_state_proposed_at", "award_proposal", ["state", "proposed_at"])
    _one_open("uq_award_proposal_open", "award_proposal", "person_id", "pathway_key")
    op.create_table(
        "confirmation_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("pathway_key", sa.String(), nullable=False),
        sa.Column("confirmation_key", sa.String(), nullable=False),
        sa.Column("asked_of", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_confirmation_request_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation_request")),
    )
    op.create_index(op.f("ix_confirmation_request_person_id"), "confirmation_request", ["person_id"])
    _one_open("uq_confirmation_request_open", "confirmation_request", "person_id", "pathway_key", "confirmation_key")


def downgrade() -> None:
    """Forget them; the badges that came of them stay."""
    op.drop_table("confirmation_request")
    op.drop_table("award_proposal")


def _one_open(name: str, table: str, *columns: str) -> None:
    only = "state = 'open'"
    op.create_index(name, table, list(columns), unique=True, sqlite_where=sa.text(only), postgresql_where=sa.text(only))
