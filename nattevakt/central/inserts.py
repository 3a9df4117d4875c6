"""The INSERT of one row, or of some, made once for each shape. Serves arrows 6 to 9.

Owns the text, and where a row's `id` comes from. Must not know what a row means, or who runs it.
"""

from __future__ import annotations

from sqlalchemy import Executable, Insert, Table, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite

_ONE: dict[tuple[str, str, tuple[str, ...], bool], tuple[Executable, bool]] = {}
_MANY: dict[tuple[str, str], Insert] = {}


def ignoring(table: Table, dialect: str) -> Insert:
    """The INSERT of rows whose keys may be taken; such rows are passed over."""
    found = _MANY.get((table.name, dialect))
    if found is None:
        make = sqlite.insert if dialect == "sqlite" else postgresql.insert
        found = _MANY[table.name, dialect] = make(table).on_conflict_do_nothing()
    return found


def insert_one(table: Table, dialect: str, columns: tuple[str, ...], *, ignore: bool) -> tuple[Executable, bool]:
    """The INSERT of one row, built once a shape. On SQLite the id is the tenant's highest plus one, which is
    safe because a writer holds the whole database; PostgreSQL draws it from the column's sequence."""
    key = (table.name, dialect, columns, ignore)
    found = _ONE.get(key)
    if found is None:
        names = ["tenant_id", *columns]
        places = [f":{name}" for name in names]
        if dialect == "sqlite":
            names.append("id")
            places.append(f"(SELECT coalesce(max(id), 0) + 1 FROM {table.name} WHERE tenant_id = :tenant)")  # noqa: S608
        sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(places)})"  # noqa: S608
        statement = text(sql + (" ON CONFLICT DO NOTHING" if ignore else "") + " RETURNING id")
        typed = (bindparam(name, type_=table.c[name].type) for name in names if name != "id")
        found = _ONE[key] = (statement.bindparams(*typed), dialect == "sqlite")
    return found
