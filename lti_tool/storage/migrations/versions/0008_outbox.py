"""What is sent where and when, receipts that tell more, and what differs there.

Made by Alembic from the metadata and frozen: changes come as new revisions.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "course_sending",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("send_when", sa.String(length=16), nullable=False),
        sa.Column("is_secure_only", sa.Boolean(), nullable=False),
        sa.Column("course_group_id", sa.Integer(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_course_sending_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["course_group_id"],
            ["course_group.id"],
            name=op.f("fk_course_sending_course_group_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_sending")),
        sa.UniqueConstraint("course_id", name=op.f("uq_course_sending_course_id")),
    )
    with op.batch_alter_table("course_sending", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_course_sending_course_id"), ["course_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_course_sending_course_group_id"),
            ["course_group_id"],
            unique=False,
        )
    op.create_table(
        "delivery_plan",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("found", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("ordered_by", sa.String(length=64), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_delivery_plan_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_plan")),
    )
    with op.batch_alter_table("delivery_plan", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_delivery_plan_course_id"), ["course_id"], unique=False
        )
    _extend_delivery()
    _create_differences()
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("ags_misses", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("ags_gone_at", UtcDateTime(), nullable=True))
    for table in ("registration", "source"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("busy_until", UtcDateTime(), nullable=True))


def _extend_delivery() -> None:
    # Plain ALTERs on purpose: a copy of the table takes long where it is large.
    for column in (
        sa.Column("waits_for", sa.String(length=16), nullable=True),
        sa.Column("asked_by", sa.String(length=64), nullable=True),
        sa.Column("before_value", sa.Float(), nullable=True),
        sa.Column("before_at", UtcDateTime(), nullable=True),
        sa.Column("over_value", sa.Float(), nullable=True),
        sa.Column("over_at", UtcDateTime(), nullable=True),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
    ):
        op.add_column("delivery", column)


def _create_differences() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ordered_by", sa.String(length=64), nullable=False),
        sa.Column("read_back", sa.JSON(), nullable=False),
        sa.Column("unread", sa.JSON(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    op.create_table(
        "difference",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reconciliation_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("theirs", sa.Float(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_difference_delivery_id")
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
            name=op.f("fk_difference_reconciliation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference")),
    )
    with op.batch_alter_table("difference", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_difference_delivery_id"), ["delivery_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_difference_reconciliation_id"),
            ["reconciliation_id"],
            unique=False,
        )
        batch_op.create_index(
            "uq_difference_open",
            ["delivery_id"],
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )


def downgrade() -> None:
    """Drop what upgrade added."""
    for table in ("source", "registration"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("busy_until")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_column("ags_gone_at")
        batch_op.drop_column("ags_misses")
    op.drop_table("difference")
    op.drop_table("reconciliation")
    # A copy of the table: the index that has a rule is made anew.
    op.drop_index("uq_delivery_pending", table_name="delivery")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        for name in (
            "undoes_id",
            "over_at",
            "over_value",
            "before_at",
            "before_value",
            "asked_by",
            "waits_for",
        ):
            batch_op.drop_column(name)
    op.create_index(
        "uq_delivery_pending",
        "delivery",
        ["destination", "course_id", "person_id", "competency_id"],
        unique=True,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("delivery_plan")
    op.drop_table("course_sending")
