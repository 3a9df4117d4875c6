"""How a database's schema differs from the tables as the program has them."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, ForeignKeyConstraint

from nattevakt.central.columns import metadata


def differences(connection: Connection) -> list[Any]:
    """What a migration would have to change. A reference that one database alone has is not looked for in the other,
    where it would be a difference."""
    dialect = connection.dialect.name

    def is_meant(item: Any, _name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        if kind != "foreign_key_constraint" or reflected or not isinstance(item, ForeignKeyConstraint):
            return True
        return bool(item.info.get("only", dialect) == dialect)

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_meant})
    return list(compare_metadata(context, metadata))
