"""Workspaces that installed the app, and whose watch is whose."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables; the watches there are belong to the one workspace whose token the bot is given."""
    op.create_table(
        "slack_installations",
        sa.Column("workspace", sa.String(32), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "slack_oauth_states",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.add_column("watches", sa.Column("workspace", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("watches", "workspace")
    op.drop_table("slack_oauth_states")
    op.drop_table("slack_installations")
