"""Many rows in one statement; for PostgreSQL a column is one array. Serves arrows 6 to 8.

Owns the text of arrays and the INSERT that unfolds them. Must not know what the rows mean.

Beside the driver's own way for many rows this takes a fifth of our processor time and less than half of the wait: one
statement is parsed, bound and answered instead of one for each row. The driver's own arrays cost more than the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Boolean, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects import postgresql

_SIMPLE = (Integer, Text, LargeBinary, Boolean)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@cache
def fits(table: Table) -> bool:
    """Whether all columns of a table are of kinds that this file can write."""
    return all(isinstance(column.type, _SIMPLE) for column in table.columns)


@cache
def insert_text(table: Table, names: tuple[str, ...], tenant_id: int, dialect: str, *, strict: bool = False) -> str:
    """An INSERT of one tenant's rows, those whose key is taken passed over; strict: all, or it fails. PostgreSQL's
    takes one array a column, in the order of the names; SQLite's the values of one row, to be run for many."""
    columns = ", ".join(names)
    into = f"INSERT INTO {table.name} (tenant_id, {columns})"
    taken = "" if strict else " ON CONFLICT DO NOTHING"
    if dialect == "sqlite":
        return f"{into} VALUES ({tenant_id:d}{', ?' * len(names)}){taken}"
    return (
        f"{into} SELECT {tenant_id:d}, {columns} "  # noqa: S608 - our own names, from our own tables
        f"FROM {_given(table, names)}{taken}"
    )


def insert_of(
    table: Table, names: tuple[str, ...], maybe: Collection[str], tenant_id: int, dialect: str, rows: Sequence[Any]
) -> tuple[str, Sequence[Any]]:
    """An INSERT of all these rows, or it fails, and what it takes. maybe: columns that may say the same in all of them:
    PostgreSQL is then told it once, because reading an array costs as much as storing it."""
    if dialect == "sqlite":
        return insert_text(table, names, tenant_id, dialect, strict=True), rows
    columns = list(zip(*rows, strict=True))
    once: list[str | None] = []
    each: list[str] = []
    same: list[str] = []
    for name, values in zip(names, columns, strict=True):
        first = values[0]
        if name in maybe and values.count(first) == len(values):
            same.append(name)
            once.append(None if first is None else str(first))
        else:
            each.append(_column(values))
    return _insert_some(table, names, tuple(same), tenant_id), [*once, *each]


@cache
def _insert_some(table: Table, names: tuple[str, ...], same: tuple[str, ...], tenant_id: int) -> str:
    """An INSERT that takes one value for each of the columns that are the same in all rows, then the others' arrays."""
    found = [f"CAST(%s AS {_type(table, name)})" if name in same else name for name in names]
    return (
        f"INSERT INTO {table.name} (tenant_id, {', '.join(names)}) SELECT {tenant_id:d}, {', '.join(found)} "  # noqa: S608 - as above
        f"FROM {_given(table, tuple(name for name in names if name not in same))}"
    )


@cache
def upsert_text(
    table: Table, keys: tuple[str, ...], names: tuple[str, ...], tenant_id: int, dialect: str, *, keep: bool = False
) -> str:
    """The same, but where the key is taken the other columns are written over. names: the keys first. keep: the row is
    left as it is, and locked. JSON comes as its text."""
    sql = insert_text(table, names, tenant_id, dialect).removesuffix("DO NOTHING")
    source = table.name if keep else "excluded"
    changes = ", ".join(f"{name} = {source}.{name}" for name in names if name not in keys)
    return f"{sql}(tenant_id, {', '.join(keys)}) DO UPDATE SET {changes}"


@cache
def update_text(table: Table, keys: tuple[str, ...], names: tuple[str, ...], tenant_id: int, dialect: str) -> str:
    """An UPDATE of rows that are there, each by its key. names: what is changed; a row has it first, then its key."""
    if dialect == "sqlite":
        changes, same = (", ".join(f"{name} = ?" for name in names), " AND ".join(f"{name} = ?" for name in keys))
        return f"UPDATE {table.name} SET {changes} WHERE tenant_id = {tenant_id:d} AND {same}"  # noqa: S608
    changes = ", ".join(f"{name} = given.{name}" for name in names)
    return (
        f"UPDATE {table.name} AS it SET {changes} FROM {_given(table, (*names, *keys))} "  # noqa: S608 - as above
        f"WHERE it.tenant_id = {tenant_id:d} AND {' AND '.join(f'it.{name} = given.{name}' for name in keys)}"
    )


@cache
def delete_text(table: Table, keys: tuple[str, ...], tenant_id: int, dialect: str) -> str:
    """A DELETE of rows, each by its key."""
    if dialect == "sqlite":
        same = " AND ".join(f"{name} = ?" for name in keys)
        return f"DELETE FROM {table.name} WHERE tenant_id = {tenant_id:d} AND {same}"  # noqa: S608 - as above
    same = " AND ".join(f"it.{name} = given.{name}" for name in keys)
    return f"DELETE FROM {table.name} AS it USING {_given(table, keys)} WHERE it.tenant_id = {tenant_id:d} AND {same}"  # noqa: S608


def _given(table: Table, names: tuple[str, ...]) -> str:
    """One array a column as rows."""
    arrays = ", ".join(f"CAST(%s AS {_type(table, name)}[])" for name in names)
    return f"unnest({arrays}) AS given ({', '.join(names)})"


def _type(table: Table, name: str) -> str:
    return str(table.c[name].type.compile(_DIALECT))


def columns_of(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The rows turned on their side: the text of one array for each column."""
    return [_column(values) for values in zip(*rows, strict=True)]


def _column(values: Sequence[Any]) -> str:
    """One array; most columns are of one kind throughout, and are written without a look at each value."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return "{" + ",".join(map(str, values)) + "}"
    if kinds == {bytes}:
        return '{"\\\\x' + '","\\\\x'.join(map(bytes.hex, values)) + '"}'
    if kinds == {str} and "\\" not in (text := '","'.join(values)) and text.count('"') == 2 * (len(values) - 1):
        return '{"' + text + '"}'
    return "{" + ",".join(map(_item, values)) + "}"


def _item(value: Any) -> str:
    if value is None:
        return "NULL"
    write = _WRITE.get(type(value))
    return write(value) if write is not None else _quoted(str(value))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITE: dict[type, Callable[[Any], str]] = {
    int: str,
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: '"\\\\x' + value.hex() + '"',
    str: _quoted,
}
