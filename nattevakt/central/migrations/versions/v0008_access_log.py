"""What lets a board be shown at once after years: who has read whose name is found without reading all that was read.

Owns what is on disk after version 0008. Never changed once released: a later change is a later version.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database of version 0007 here."""
    op.create_index("ix_access_log_reader", "access_log", ["tenant_id", "staff_id", "tablet_id", "at_ms"])
    op.create_index("ix_access_log_what", "access_log", ["tenant_id", "what"])
