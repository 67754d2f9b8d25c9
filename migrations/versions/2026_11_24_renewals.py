"""Work by which a badge is renewed: an enrolment of its own, and which version of the badge a decision led to.

Revision: 2026_11_24_renewals
Revises: 2026_11_24_consequences
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_renewals"
down_revision = "2026_11_24_consequences"
branch_labels = None
depends_on = None

ENROLMENT, SUBMISSION, RENEWAL = "enrolment", "submission", "award_renewal"
ONE_OF_EACH = "uq_enrolment_person_id_module_key"
ONE_OF_EACH_NUMBER = "uq_enrolment_person_id_module_key_number"
RENEWS = "ix_enrolment_renews"
OF_BADGE = "ix_award_renewal_credential_id"
MOMENT = sa.DateTime(timezone=True)
_NOT_THE_FIRST = (
    "EXISTS (SELECT 1 FROM enrolment AS earlier WHERE earlier.person_id = enrolment.person_id "
    "AND earlier.module_key = enrolment.module_key AND earlier.number < enrolment.number)"
)


def upgrade() -> None:
    """Everything begun so far is number 0: the work that leads to the badge."""
    with op.batch_alter_table(ENROLMENT) as batch:
        batch.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch.add_column(sa.Column("renews", sa.String(), nullable=True))
        batch.add_column(sa.Column("renewal_steps", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("renew_by", MOMENT, nullable=True))
        batch.drop_constraint(op.f(ONE_OF_EACH), type_="unique")
        batch.create_unique_constraint(op.f(ONE_OF_EACH_NUMBER), ["person_id", "module_key", "number"])
    op.create_index(op.f(RENEWS), ENROLMENT, ["renews"])
    op.add_column(SUBMISSION, sa.Column("renewal_steps", sa.JSON(), nullable=True))
    op.create_table(
        RENEWAL,
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "source", "credential_id")),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("decided_by_person_id", "decided_by_role")),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{RENEWAL}")),
        sa.UniqueConstraint("source", name=op.f(f"uq_{RENEWAL}_source")),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f(f"fk_{RENEWAL}_credential_id_credential")
        ),
    )
    op.create_index(op.f(OF_BADGE), RENEWAL, ["credential_id"])


def downgrade() -> None:
    """Renewals go where the form before has no place for them, with all that was written and decided for them.

    It has room for one piece of work on a module of each person: the first stays. Badges keep the versions they have.
    """
    op.drop_index(op.f(OF_BADGE), RENEWAL)
    op.drop_table(RENEWAL)
    _delete(sa.inspect(op.get_bind()), ENROLMENT, _NOT_THE_FIRST)
    with op.batch_alter_table(SUBMISSION) as batch:
        batch.drop_column("renewal_steps")
    op.drop_index(op.f(RENEWS), ENROLMENT)
    with op.batch_alter_table(ENROLMENT) as batch:
        batch.drop_constraint(op.f(ONE_OF_EACH_NUMBER), type_="unique")
        batch.create_unique_constraint(op.f(ONE_OF_EACH), ["person_id", "module_key"])
        for name in ("renew_by", "renewal_steps", "renews", "number"):
            batch.drop_column(name)


def _delete(database: sa.Inspector, table: str, which: str) -> None:
    """Delete rows, and before them whatever refers to them."""
    for other in database.get_table_names():
        for key in database.get_foreign_keys(other):
            if key["referred_table"] == table and other != table:
                (mine,), (theirs,) = key["constrained_columns"], key["referred_columns"]
                _delete(database, other, f"{mine} IN (SELECT {theirs} FROM {table} WHERE {which})")  # noqa: S608 - ours
    op.execute(f"DELETE FROM {table} WHERE {which}")  # noqa: S608 - our own names
