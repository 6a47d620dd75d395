"""Let bots have a network policy."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply this step."""
    with op.batch_alter_table("bot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("network", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    with op.batch_alter_table("bot", schema=None) as batch_op:
        batch_op.drop_column("network")
