"""What keeping the order of a stream needs: the newest dated moment by the gateway's steady clock as well.

Owns what is on disk after version 0005. Never changed once released: a later change is a later version.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database of version 0004 here."""
    op.add_column("streams", sa.Column("dated_boot", sa.Text(), nullable=True))
    op.add_column("streams", sa.Column("dated_boottime_ms", sa.BigInteger(), nullable=True))
