"""The first schema: every table of the main job.

The tables are made from the metadata as it stands until the first release; from
then on this file is frozen and changes come as new revisions.
"""

from alembic import op

from lti_tool.storage.schema import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop every table."""
    metadata.drop_all(op.get_bind())
