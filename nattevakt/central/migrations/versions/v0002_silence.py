"""What silence needs: wake rows that can wait, the stored grace, bed windows, how often a device reports.

Owns what is on disk after version 0002. Never changed once released: a later change is a later version.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ADDED = (
    ("wake_rows", "look_ms"),
    ("wake_rows", "waits_for"),
    ("sweep_runs", "grace_ms"),
    ("devices", "interval_s"),
    ("device_states", "proved_ms"),
)


def upgrade() -> None:
    """Bring a database of version 0001 here."""
    for table, column in _ADDED:
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=True))
    op.create_table(
        "bed_windows",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("from_minute", sa.BigInteger(), nullable=False),
        sa.Column("to_minute", sa.BigInteger(), nullable=False),
        sa.Column("limit_min", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_bed_windows"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_bed_windows_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "resident_id"],
            ["residents.tenant_id", "residents.id"],
            name="fk_bed_windows_tenant_id_resident_id",
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "resident_id",
            "from_minute",
            "to_minute",
            name="uq_bed_windows_tenant_id_resident_id_from_minute_to_minute",
        ),
    )
    edges = sa.text("urgency = 'B'")
    op.create_index(
        "ix_events_edges",
        "events",
        ["tenant_id", "device", "occurred_to_ms"],
        sqlite_where=edges,
        postgresql_where=edges,
    )
    waiting = sa.text("waits_for IS NOT NULL")
    op.create_index(
        "ix_wake_rows_waiting",
        "wake_rows",
        ["tenant_id", "waits_for"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    if op.get_bind().dialect.name == "postgresql":
        _guard("bed_windows")


def _guard(name: str) -> None:
    """Hide every row from whoever has not said which tenant it speaks for; also from the table's owner."""
    same = "tenant_id = nullif(current_setting('nattevakt.tenant', true), '')::int"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} USING ({same}) WITH CHECK ({same})")
