"""How a migration makes a tenant's table: the key, the references that stay inside the tenant, and its guard.

Owns that form, from version 0009 on. Never changed once a version that uses it is released: what is on disk must not
depend on when it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

_TYPES = {"int": sa.BigInteger, "text": sa.Text, "json": sa.JSON}


def table(
    name: str,
    columns: str,
    refs: Mapping[str, str],
    *,
    unique: Mapping[str, list[str]] | None = None,
    key: list[str] | None = None,
) -> None:
    """A table of a tenant, guarded on PostgreSQL.

    columns: "name kind, ..." with "?" where NULL may stand, and "id" for a number. refs: column -> table. unique: name
    of the constraint -> its columns behind the tenant. key: the columns of the primary key where that is not the id.
    """
    parts: list[Any] = [sa.Column("tenant_id", sa.Integer(), nullable=False)]
    for column in columns.split(", "):
        word, _, kind = column.partition(" ")
        if not kind:
            parts.append(sa.Column(word, sa.BigInteger(), sa.Identity(), nullable=False))
        else:
            parts.append(sa.Column(word, _TYPES[kind.rstrip("?")](), nullable=kind.endswith("?")))
    parts.append(sa.PrimaryKeyConstraint("tenant_id", *(key or ["id"]), name=f"pk_{name}"))
    parts.append(sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{name}_tenant_id"))
    for column, other in refs.items():
        ends = [f"{other}.tenant_id", f"{other}.id"]
        parts.append(sa.ForeignKeyConstraint(["tenant_id", column], ends, name=f"fk_{name}_tenant_id_{column}"))
    for constraint, over in (unique or {}).items():
        parts.append(sa.UniqueConstraint("tenant_id", *over, name=constraint))
    op.create_table(name, *parts)
    if op.get_bind().dialect.name == "postgresql":
        _guard(name)


def index(table_name: str, name: str, *columns: str, where: str = "") -> None:
    """An index of a tenant's table, over the rows for which `where` holds."""
    only = sa.text(where) if where else None
    op.create_index(name, table_name, ["tenant_id", *columns], sqlite_where=only, postgresql_where=only)


def _guard(name: str) -> None:
    """Hide every row from whoever has not said which tenant it speaks for; also from the table's owner."""
    same = "tenant_id = nullif(current_setting('nattevakt.tenant', true), '')::int"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} USING ({same}) WITH CHECK ({same})")
