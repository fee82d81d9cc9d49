"""The order in which attainments were worked out, for those who ask what changed.

Made by Alembic from the metadata and frozen: changes come as new revisions.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    with op.batch_alter_table("attainment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attainment_computed_at_id", ["computed_at", "id"], unique=False
        )


def downgrade() -> None:
    """Drop what upgrade added."""
    with op.batch_alter_table("attainment", schema=None) as batch_op:
        batch_op.drop_index("ix_attainment_computed_at_id")
