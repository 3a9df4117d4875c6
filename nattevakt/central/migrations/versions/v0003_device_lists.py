"""What comparing device lists needs: each gateway's own list, and quick ways to a gateway's and a room's devices. And
the model of each device, for what is known to go wrong with it.

Owns what is on disk after version 0003. Never changed once released: a later change is a later version.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database of version 0002 here."""
    op.add_column("gateways", sa.Column("list_digest", sa.Text(), nullable=True))
    op.add_column("devices", sa.Column("model", sa.Text(), nullable=True))
    op.create_table(
        "listed_devices",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "gateway_id", "address", name="pk_listed_devices"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_listed_devices_tenant_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "gateway_id"],
            ["gateways.tenant_id", "gateways.id"],
            name="fk_listed_devices_tenant_id_gateway_id",
        ),
    )
    op.create_index("ix_listed_devices_address", "listed_devices", ["tenant_id", "address", "gateway_id"])
    op.create_index("ix_devices_gateway", "devices", ["tenant_id", "gateway_id"])
    op.create_index("ix_placements_room", "placements", ["tenant_id", "room_id"])
    if op.get_bind().dialect.name == "postgresql":
        _guard("listed_devices")


def _guard(name: str) -> None:
    """Hide every row from whoever has not said which tenant it speaks for; also from the table's owner."""
    same = "tenant_id = nullif(current_setting('nattevakt.tenant', true), '')::int"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} USING ({same}) WITH CHECK ({same})")
