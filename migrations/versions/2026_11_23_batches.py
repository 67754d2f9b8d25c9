"""Batches of awards, row by row; and events that may wait until others were told.

Revision: 2026_11_23_batches
Revises: 2026_11_23_award_requests
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_batches"
down_revision = "2026_11_23_award_requests"
branch_labels = None
depends_on = None

BATCH, CHUNK, ROW = "award_batch", "award_batch_chunk", "award_batch_row"
EVENT, DELIVERY = "outbox_event", "outbox_delivery"
MOMENT = sa.DateTime(timezone=True)
EVENTS_WAITING = "ix_outbox_event_dispatched_at_background_created_at"
EVENTS_BEFORE = "ix_outbox_event_dispatched_at"
DELIVERIES_DUE = "ix_outbox_delivery_state_background_due_at"
DELIVERIES_BEFORE = "ix_outbox_delivery_state_due_at"


def upgrade() -> None:
    """No batch was ever sent, and every event so far is told in its turn."""
    op.create_table(
        BATCH,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("all_or_nothing", sa.Boolean(), nullable=False),
        sa.Column("checking", sa.Boolean(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("intake", sa.String(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{BATCH}")),
        sa.UniqueConstraint("client_id", "idempotency_key", name=op.f(f"uq_{BATCH}_client_id_idempotency_key")),
    )
    op.create_index(op.f(f"ix_{BATCH}_state"), BATCH, ["state"])
    op.create_table(
        CHUNK,
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at_line", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], [f"{BATCH}.id"], name=op.f(f"fk_{CHUNK}_batch_id_{BATCH}")),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f(f"pk_{CHUNK}")),
    )
    op.create_index(op.f(f"ix_{CHUNK}_state_number"), CHUNK, ["state", "number"])
    op.create_table(
        ROW,
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sealed_input", sa.Text(), nullable=True),
        sa.Column("credential_id", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("problems", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], [f"{BATCH}.id"], name=op.f(f"fk_{ROW}_batch_id_{BATCH}")),
        sa.PrimaryKeyConstraint("batch_id", "line", name=op.f(f"pk_{ROW}")),
    )
    op.create_index(op.f(f"ix_{ROW}_batch_id_chunk"), ROW, ["batch_id", "chunk"])
    op.create_index(op.f(f"ix_{ROW}_credential_id"), ROW, ["credential_id"])
    for table in (EVENT, DELIVERY):
        op.add_column(table, sa.Column("background", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index(op.f(EVENTS_BEFORE), table_name=EVENT)
    op.create_index(op.f(EVENTS_WAITING), EVENT, ["dispatched_at", "background", "created_at"])
    op.drop_index(op.f(DELIVERIES_BEFORE), table_name=DELIVERY)
    op.create_index(op.f(DELIVERIES_DUE), DELIVERY, ["state", "background", "due_at"])


def downgrade() -> None:
    """Batches are forgotten, and their events are told in their turn; what they issued stays."""
    op.drop_index(op.f(DELIVERIES_DUE), table_name=DELIVERY)
    op.create_index(op.f(DELIVERIES_BEFORE), DELIVERY, ["state", "due_at"])
    op.drop_index(op.f(EVENTS_WAITING), table_name=EVENT)
    op.create_index(op.f(EVENTS_BEFORE), EVENT, ["dispatched_at"])
    for table in (DELIVERY, EVENT):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("background")
    for table in (ROW, CHUNK, BATCH):
        op.drop_table(table)
