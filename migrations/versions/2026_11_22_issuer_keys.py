"""Keys that are published before use, kept by a signing service or revoked, and which keys signed which version.

Revision: 2026_11_22_issuer_keys
Revises: 2026_11_22_access_tokens
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_issuer_keys"
down_revision = "2026_11_22_access_tokens"
branch_labels = None
depends_on = None

TABLE = "signing_key"
VERSIONS = "credential_version"
MOMENT = sa.DateTime(timezone=True)

# Until now an issuer had one key of each kind for as long as it lived, so its first one is the one that signed.
WHO_SIGNED = sa.text(
    """
    UPDATE credential_version SET
        embedded_kid = (
            SELECT min(k.kid) FROM signing_key k JOIN credential c ON c.issuer_id = k.issuer_id
            WHERE c.id = credential_version.credential_id AND k.algorithm = 'Ed25519'
        ),
        token_kid = (
            SELECT min(k.kid) FROM signing_key k JOIN credential c ON c.issuer_id = k.issuer_id
            WHERE c.id = credential_version.credential_id AND k.algorithm = 'P-256'
        )
    """
)

# Where the newest key has no place in the older form, those before it sign again.
GO_ON = """
    UPDATE signing_key SET retired_at = NULL
    WHERE revoked_at IS NULL AND issuer_id IN (
        SELECT issuer_id FROM signing_key WHERE sealed_private IS NULL OR public_multikey IS NULL
    )
"""


def upgrade() -> None:
    """Add the columns; every key so far is a software key, in use since it was made."""
    with op.batch_alter_table(TABLE) as batch:
        batch.alter_column("sealed_private", existing_type=sa.String(), nullable=True)
        batch.alter_column("public_multikey", existing_type=sa.String(), nullable=True)
        batch.add_column(sa.Column("remote_name", sa.String(), nullable=True))
        batch.add_column(sa.Column("public_jwk", sa.Text(), nullable=True))
        batch.add_column(sa.Column("active_from", MOMENT, nullable=True))
        batch.add_column(sa.Column("revoked_at", MOMENT, nullable=True))
        batch.add_column(sa.Column("revocation_reason", sa.String(), nullable=True))
        batch.add_column(sa.Column("compromised_from", MOMENT, nullable=True))
        batch.add_column(sa.Column("cleared_at", MOMENT, nullable=True))
    op.execute("UPDATE signing_key SET active_from = created_at")
    with op.batch_alter_table(TABLE) as batch:
        batch.alter_column("active_from", existing_type=MOMENT, nullable=False)
    op.add_column(VERSIONS, sa.Column("embedded_kid", sa.String(), nullable=True))
    op.add_column(VERSIONS, sa.Column("token_kid", sa.String(), nullable=True))
    op.execute(WHO_SIGNED)
    op.create_index("ix_credential_version_embedded_kid", VERSIONS, ["embedded_kid"])
    op.create_index("ix_credential_version_token_kid", VERSIONS, ["token_kid"])


def downgrade() -> None:
    """Take them away; an RSA key, or one whose private half is not here, has no place in the older form."""
    op.drop_index("ix_credential_version_token_kid", VERSIONS)
    op.drop_index("ix_credential_version_embedded_kid", VERSIONS)
    with op.batch_alter_table(VERSIONS) as batch:
        batch.drop_column("token_kid")
        batch.drop_column("embedded_kid")
    op.execute(GO_ON)
    op.execute("DELETE FROM signing_key WHERE sealed_private IS NULL OR public_multikey IS NULL")
    with op.batch_alter_table(TABLE) as batch:
        for name in ("cleared_at", "compromised_from", "revocation_reason", "revoked_at", "active_from"):
            batch.drop_column(name)
        batch.drop_column("public_jwk")
        batch.drop_column("remote_name")
        batch.alter_column("public_multikey", existing_type=sa.String(), nullable=False)
        batch.alter_column("sealed_private", existing_type=sa.String(), nullable=False)
