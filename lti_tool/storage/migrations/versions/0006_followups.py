"""What follows the first trials: orders to work levels out, tokens of CASE services.

Made by Alembic from the metadata and frozen: changes come as new revisions.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "recompute",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("ordered_by", sa.String(length=64), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("renewed_at", UtcDateTime(), nullable=True),
        sa.Column("people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("whole", sa.Integer(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["framework_id"],
            ["framework.id"],
            name=op.f("fk_recompute_framework_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recompute")),
        sa.UniqueConstraint("framework_id", name=op.f("uq_recompute_framework_id")),
    )
    with op.batch_alter_table("recompute", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recompute_framework_id"), ["framework_id"], unique=False
        )
    with op.batch_alter_table("framework", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source_token", sa.Text(), nullable=True))
    with op.batch_alter_table("framework_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("token", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop what upgrade added."""
    with op.batch_alter_table("framework_order", schema=None) as batch_op:
        batch_op.drop_column("token")
    with op.batch_alter_table("framework", schema=None) as batch_op:
        batch_op.drop_column("source_token")
    with op.batch_alter_table("recompute", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recompute_framework_id"))

    op.drop_table("recompute")
