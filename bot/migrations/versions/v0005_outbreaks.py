"""The outbreak of an alert, by whose id its message is found again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; a claim from before them is posted anew."""
    op.execute("DELETE FROM alerts WHERE status = 'posting'")
    op.add_column("alerts", sa.Column("outbreak", sa.String(32)))
    op.add_column("alerts", sa.Column("claimed_at", sa.DateTime))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("alerts", "claimed_at")
    op.drop_column("alerts", "outbreak")
