"""Seals over the audit, each resting on the one before; entries and seals are guarded against a slip of the hand.

Revision: 2026_11_23_audit_seals
Revises: 2026_11_23_batches
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_audit_seals"
down_revision = "2026_11_23_batches"
branch_labels = None
depends_on = None

SEAL, ENTRY = "audit_seal", "audit_entry"
# All but `keyed`, which is closed anew when the master key changes.
FIXED = "number, made_at, after_id, last_id, ids, leaves, previous, digest"
GUARD = "waymark_audit_guard"
WORDS = "the audit is append-only"


def upgrade() -> None:
    """Nothing is sealed yet: the worker begins with the oldest entry."""
    op.create_table(
        SEAL,
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("keyed", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{SEAL}")),
        sa.UniqueConstraint("previous", name=op.f(f"uq_{SEAL}_previous")),
        sa.UniqueConstraint("digest", name=op.f(f"uq_{SEAL}_digest")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take seals and guards away; the entries stay."""
    if op.get_bind().dialect.name == "sqlite":
        for name in ("update", "delete"):
            op.execute(f"DROP TRIGGER IF EXISTS {GUARD}_entry_{name}")
    else:
        for name in ("change", "empty"):
            op.execute(f"DROP TRIGGER IF EXISTS {GUARD}_{name} ON {ENTRY}")
    op.drop_table(SEAL)  # with its own triggers
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"DROP FUNCTION IF EXISTS {GUARD}()")


def _guard_sqlite() -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    op.execute(f"CREATE TRIGGER {GUARD}_entry_update BEFORE UPDATE ON {ENTRY} {refuse}")
    op.execute(f"CREATE TRIGGER {GUARD}_entry_delete BEFORE DELETE ON {ENTRY} {refuse}")
    op.execute(f"CREATE TRIGGER {GUARD}_seal_update BEFORE UPDATE OF {FIXED} ON {SEAL} {refuse}")
    op.execute(f"CREATE TRIGGER {GUARD}_seal_delete BEFORE DELETE ON {SEAL} {refuse}")


def _guard_postgresql() -> None:
    op.execute(
        f"CREATE FUNCTION {GUARD}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    for name, what in ((ENTRY, "UPDATE"), (SEAL, f"UPDATE OF {FIXED}")):
        op.execute(
            f"CREATE TRIGGER {GUARD}_change BEFORE {what} OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {GUARD}()"
        )
        op.execute(
            f"CREATE TRIGGER {GUARD}_empty BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION {GUARD}()"
        )
