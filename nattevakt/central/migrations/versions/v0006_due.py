"""What keeps a taken alarm from being forgotten: until when its holder has time, and what they promised.

Owns what is on disk after version 0006. Never changed once released: a later change is a later version. What is taken
already is given its time by the sweep (alarms/overdue.py).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database of version 0005 here."""
    op.add_column("alarms", sa.Column("due_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarms", sa.Column("promised_min", sa.BigInteger(), nullable=True))
