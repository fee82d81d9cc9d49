"""Resources of a SIS, and which class has them.

Made by Alembic from the metadata and frozen: changes come as new revisions.
"""

import sqlalchemy as sa
from alembic import op

from lti_tool.storage.schema import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A class that was read before has none that we know of; so it reads as one sent
# without any, and no plan counts it as changed.
NONE = "[]"


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "sis_resource",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=False),
        sa.Column(
            "status", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("vendor_resource_id", sa.Text(), nullable=True),
        sa.Column("vendor_id", sa.Text(), nullable=True),
        sa.Column("application_id", sa.Text(), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=True),
        sa.Column("importance", sa.String(length=64), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("learning_objectives", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_sis_resource_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sis_resource")),
        sa.UniqueConstraint(
            "source_id", "sourced_id", name=op.f("uq_sis_resource_source_id_sourced_id")
        ),
    )
    op.create_table(
        "class_resource",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("hidden_by", sa.String(length=64), nullable=True),
        sa.Column("hidden_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_class_resource_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_class_resource_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_resource")),
        sa.UniqueConstraint(
            "course_id",
            "resource_id",
            name=op.f("uq_class_resource_course_id_resource_id"),
        ),
    )
    with op.batch_alter_table("class_resource", schema=None) as batch_op:
        for column in ("course_id", "resource_id"):
            batch_op.create_index(
                batch_op.f(f"ix_class_resource_{column}"), [column], unique=False
            )
    for table in ("sis_class", "sis_course"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column(
                    "resource_sourced_ids",
                    sa.JSON(),
                    server_default=NONE,
                    nullable=True,
                )
            )


def downgrade() -> None:
    """Drop what upgrade added."""
    for table in ("sis_course", "sis_class"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("resource_sourced_ids")
    with op.batch_alter_table("class_resource", schema=None) as batch_op:
        for column in ("resource_id", "course_id"):
            batch_op.drop_index(batch_op.f(f"ix_class_resource_{column}"))

    op.drop_table("class_resource")
    op.drop_table("sis_resource")
