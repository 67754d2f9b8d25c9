"""Awards asked for by a client of the API, and what a badge rests on.

Revision: 2026_11_23_award_requests
Revises: 2026_11_23_api_clients
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_award_requests"
down_revision = "2026_11_23_api_clients"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add requests, awards made without a prerequisite, and what was done to badges later on."""
    op.create_table(
        "award_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("recipient_digest", sa.String(), nullable=True),
        sa.Column("sealed_recipient", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_award_request_credential_id_credential")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_request")),
        sa.UniqueConstraint("client_id", "request_key", name=op.f("uq_award_request_client_id_request_key")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_award_request_credential_id")),
    )
    op.create_index(op.f("ix_award_request_recipient_digest"), "award_request", ["recipient_digest"])
    op.create_index(op.f("ix_award_request_created_at"), "award_request", ["created_at"])
    op.create_table(
        "award_override",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewer_kind", sa.String(), nullable=True),
        sa.Column("reviewer_id", sa.String(), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_award_override_credential_id_credential")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_override")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_award_override_credential_id")),
    )
    op.create_index(op.f("ix_award_override_created_at"), "award_override", ["created_at"])
    op.create_table(
        "award_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("decided_by_name", sa.String(), nullable=True),
        sa.Column("decided_by_role", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_award_change_credential_id_credential")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_change")),
    )
    op.create_index(op.f("ix_award_change_credential_id"), "award_change", ["credential_id"])
    op.add_column("credential", sa.Column("related", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("credential") as batch:
        batch.drop_column("related")
    op.drop_table("award_change")
    op.drop_table("award_override")
    op.drop_table("award_request")
