"""Status lists as they stood: each signed list is kept, so that the past can be asked about.

Revision: 2026_11_22_status_archive
Revises: 2026_11_22_issuer_keys
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_status_archive"
down_revision = "2026_11_22_issuer_keys"
branch_labels = None
depends_on = None

TABLE = "status_list_version"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table; the lists as they are now begin it. What they say counts as unknown, so the next ones are kept."""
    op.create_table(
        TABLE,
        sa.Column("list_number", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("thinned", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_number"], ["status_list.number"], name=op.f(f"fk_{TABLE}_list_number_status_list")
        ),
        sa.PrimaryKeyConstraint("list_number", "since", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(op.f(f"ix_{TABLE}_thinned_since"), TABLE, ["thinned", "since"])
    op.execute(
        f"INSERT INTO {TABLE} (list_number, since, signed_at, digest, document, thinned) "  # noqa: S608
        "SELECT number, signed_at, signed_at, '', document, 0 FROM status_list "
        "WHERE document IS NOT NULL AND signed_at IS NOT NULL"
    )


def downgrade() -> None:
    """Take it away: only the lists as they are now remain."""
    op.drop_index(op.f(f"ix_{TABLE}_thinned_since"), TABLE)
    op.drop_table(TABLE)
