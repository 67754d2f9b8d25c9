"""LTI Advantage: registrations that come by themselves, what links open, line items of our own, a second carrier.

Revision: 2026_11_22_lti_advantage
Revises: 2026_11_21_first_slice
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_lti_advantage"
down_revision = "2026_11_21_first_slice"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns, filled for the rows that are there, and the table of resource links."""
    _add("lti_registration", sa.Column("source", sa.String(), nullable=False, server_default="manual"))
    _add("lti_registration", sa.Column("configuration_url", sa.String(), nullable=True))
    _add("lti_registration", sa.Column("account_name", sa.String(), nullable=True))
    _add("lti_registration", sa.Column("granted_scopes", sa.JSON(), nullable=False, server_default="[]"))
    _add_moment("lti_registration", "updated_at", sa.column("created_at"))
    _add("lti_deployment", sa.Column("seen_at", MOMENT, nullable=True))
    _add_moment("lti_tool_key", "active_from", sa.column("created_at"))
    _add("lti_context", sa.Column("title", sa.String(), nullable=True))
    _add("lti_context", sa.Column("history", sa.JSON(), nullable=False, server_default="[]"))
    _add_moment("lti_context", "seen_at", sa.literal(datetime.now(UTC), MOMENT))
    with op.batch_alter_table("lti_context") as batch:
        batch.alter_column("memberships_url", existing_type=sa.String(), nullable=True)
    _add_moment("lti_score", "created_at", sa.column("timestamp"))
    for name in ("problem", "line_item_url", "delivery_id"):
        _add("lti_score", sa.Column(name, sa.String(), nullable=True))
    _held_launches()
    _session_columns()
    _resource_links()


def downgrade() -> None:
    """Take all of it away again; courses without a roster are forgotten, as the older form has no place for them."""
    op.drop_table("lti_resource_link")
    op.drop_index(op.f("ix_launch_session_code_hash"), "launch_session")
    _drop(
        "launch_session",
        "message_type",
        "activity_key",
        "view",
        "for_user",
        "deep_linking",
        "carrier",
        "code_hash",
        "code_expires_at",
        "return_url",
    )
    op.drop_index(op.f("ix_lti_login_handle_expires_at"), "lti_login")
    _drop("lti_login", "held_launch", "handle_hash", "handle_expires_at")
    _drop("lti_score", "created_at", "problem", "line_item_url", "delivery_id")
    op.execute("DELETE FROM lti_context WHERE memberships_url IS NULL")
    with op.batch_alter_table("lti_context") as batch:
        batch.alter_column("memberships_url", existing_type=sa.String(), nullable=False)
    _drop("lti_context", "title", "history", "seen_at")
    _drop("lti_tool_key", "active_from")
    _drop("lti_deployment", "seen_at")
    _drop("lti_registration", "source", "configuration_url", "account_name", "granted_scopes", "updated_at")


def _held_launches() -> None:
    for name in ("held_launch", "handle_hash"):
        _add("lti_login", sa.Column(name, sa.String(), nullable=True))
    _add("lti_login", sa.Column("handle_expires_at", MOMENT, nullable=True))
    op.create_index(op.f("ix_lti_login_handle_expires_at"), "lti_login", ["handle_expires_at"])


def _session_columns() -> None:
    message = sa.Column("message_type", sa.String(), nullable=False, server_default="LtiResourceLinkRequest")
    _add("launch_session", message)
    for name in ("activity_key", "view", "for_user", "code_hash", "return_url"):
        _add("launch_session", sa.Column(name, sa.String(), nullable=True))
    _add("launch_session", sa.Column("deep_linking", sa.JSON(), nullable=True))
    _add("launch_session", sa.Column("carrier", sa.String(), nullable=False, server_default="cookie"))
    _add("launch_session", sa.Column("code_expires_at", MOMENT, nullable=True))
    op.create_index(op.f("ix_launch_session_code_hash"), "launch_session", ["code_hash"])


def _resource_links() -> None:
    op.create_table(
        "lti_resource_link",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("registration_id", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.Column("resource_link_id", sa.String(), nullable=False),
        sa.Column("context_id", sa.String(), nullable=True),
        sa.Column("module_key", sa.String(), nullable=True),
        sa.Column("activity_key", sa.String(), nullable=True),
        sa.Column("view", sa.String(), nullable=True),
        sa.Column("history", sa.JSON(), nullable=False),
        sa.Column("line_item_url", sa.String(), nullable=True),
        sa.Column("line_items_url", sa.String(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("line_item_made", sa.Boolean(), nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["lti_deployment.id"], name=op.f("fk_lti_resource_link_deployment_id_lti_deployment")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["lti_registration.id"],
            name=op.f("fk_lti_resource_link_registration_id_lti_registration"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lti_resource_link")),
        sa.UniqueConstraint(
            "deployment_id", "resource_link_id", name=op.f("uq_lti_resource_link_deployment_id_resource_link_id")
        ),
    )
    op.create_index(op.f("ix_lti_resource_link_registration_id"), "lti_resource_link", ["registration_id"])


def _add(table: str, column: sa.Column[object]) -> None:
    with op.batch_alter_table(table) as batch:
        batch.add_column(column)


def _add_moment(table: str, name: str, value: sa.ColumnElement[object]) -> None:
    """A moment that every row has: rows that are there get `value`."""
    _add(table, sa.Column(name, MOMENT, nullable=True))
    op.execute(sa.update(sa.table(table, sa.column(name, MOMENT))).values({name: value}))
    with op.batch_alter_table(table) as batch:
        batch.alter_column(name, existing_type=MOMENT, nullable=False)


def _drop(table: str, *names: str) -> None:
    with op.batch_alter_table(table) as batch:
        for name in names:
            batch.drop_column(name)
