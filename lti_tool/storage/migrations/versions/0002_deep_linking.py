"""A visit remembers what its deep linking launch asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty for every visit there is."""
    op.add_column("web_session", sa.Column("deep_linking", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the column out again."""
    op.drop_column("web_session", "deep_linking")
