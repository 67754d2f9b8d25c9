"""Clients of the API: their secrets, keys, uses and limits.

Revision: 2026_11_23_api_clients
Revises: 2026_11_23_stacks
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_api_clients"
down_revision = "2026_11_23_stacks"
branch_labels = None
depends_on = None

CLIENT, SECRET, TOKEN = "api_client", "api_client_secret", "api_token"
ASSERTION, WRONG = "api_assertion", "api_wrong_secret"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, empty: nobody may use the API yet."""
    op.create_table(
        CLIENT,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("achievements", sa.JSON(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("jwks", sa.String(), nullable=True),
        sa.Column("jwks_uri", sa.String(), nullable=True),
        sa.Column("busy_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{CLIENT}")),
    )
    op.create_table(
        SECRET,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        _of_client(SECRET),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SECRET}")),
    )
    op.create_index(op.f(f"ix_{SECRET}_client_id"), SECRET, ["client_id"])
    op.create_table(
        TOKEN,
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _of_client(TOKEN),
        sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{TOKEN}")),
    )
    op.create_index(op.f(f"ix_{TOKEN}_client_id"), TOKEN, ["client_id"])
    op.create_index(op.f(f"ix_{TOKEN}_expires_at"), TOKEN, ["expires_at"])
    op.create_table(
        ASSERTION,
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("jti_digest", sa.String(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _of_client(ASSERTION),
        sa.PrimaryKeyConstraint("client_id", "jti_digest", name=op.f(f"pk_{ASSERTION}")),
    )
    op.create_index(op.f(f"ix_{ASSERTION}_expires_at"), ASSERTION, ["expires_at"])
    op.create_table(
        WRONG,
        sa.Column("client_digest", sa.String(), nullable=False),
        sa.Column("place_digest", sa.String(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("client_digest", "place_digest", name=op.f(f"pk_{WRONG}")),
    )
    op.create_index(op.f(f"ix_{WRONG}_until"), WRONG, ["until"])


def downgrade() -> None:
    """Take them away: every client has to be entered anew, and gets another id and secret."""
    for table in (WRONG, ASSERTION, TOKEN, SECRET, CLIENT):
        op.drop_table(table)


def _of_client(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["client_id"], [f"{CLIENT}.id"], name=op.f(f"fk_{table}_client_id_{CLIENT}"))
