"""Statements that are compiled once and then run on the driver's own cursor. Serves arrows 6 to 9.

Owns the short way from a Core statement to the driver and back: what SQLAlchemy would work out at every call (the
cache key, the compiled form, where each parameter goes, how each column is read) is worked out at the second use of
a statement and kept. Must not know tables, tenants or transactions.

Measured on SQLite: 60 to 120 µs a statement without this, 10 to 30 with it. A statement that is used once, and
whatever this file does not know, goes SQLAlchemy's own way; rows and errors are SQLAlchemy's either way.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    CompoundSelect,
    Connection,
    Delete,
    Executable,
    Insert,
    LargeBinary,
    Row,
    Select,
    TextClause,
    Update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, OperationalError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import TextualSelect

from nattevakt.edge.errors import RetryError

Read = Callable[[Any], Any]
Check = Callable[[SQLCompiler], None]
_KNOWN = (Select, CompoundSelect, TextClause, TextualSelect, Update, Delete, Insert)
_SHAPES_MAX = 300
"""Most lengths of lists that one statement is kept for."""
_STATEMENTS_MAX = 2_000
"""Most statements that are kept. What is kept holds its statement: one that a caller makes anew each time stays."""


class Found:
    """What a statement gave: rows that are read already, each as SQLAlchemy's. rowcount: rows found or changed.

    What nearly everybody asks of a result is answered here; anything else is asked of SQLAlchemy's own.
    """

    __slots__ = ("_metadata", "_rows", "rowcount")

    def __init__(self, metadata: SimpleResultMetaData, rows: list[Any], rowcount: int) -> None:
        self._metadata = metadata
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Row[Any]]:
        """Row by row; what was given once is not given again."""
        rows, self._rows = self._rows, []
        metadata = self._metadata
        return iter([Row(metadata, None, metadata._key_to_index, row) for row in rows])

    def __getattr__(self, name: str) -> Any:
        rows, self._rows = self._rows, []
        return getattr(IteratorResult(self._metadata, iter(rows)), name)

    def all(self) -> list[Row[Any]]:
        """All rows."""
        return list(self)

    def one_or_none(self) -> Row[Any] | None:
        """The one row, None where there is none. Raises MultipleResultsFound."""
        rows = self._rows
        if not rows:
            return None
        if len(rows) > 1:
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        self._rows = []
        return Row(self._metadata, None, self._metadata._key_to_index, rows[0])

    def scalar(self) -> Any:
        """The first value of the first row, None where there is none."""
        rows, self._rows = self._rows, []
        return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True)
class _Shape:
    """One text of a statement: with its lists rendered. lists: the names that a list parameter has become."""

    sql: str
    order: tuple[str, ...] | None
    lists: Mapping[str, Sequence[str]]
    writers: Mapping[str, Read]


class _Prepared:
    """One statement for one dialect and one set of parameter names."""

    def __init__(self, statement: Executable, dialect: Dialect, names: Sequence[str], check: Check) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
        check(compiled)
        self._compiled: SQLCompiler = compiled
        self._dialect = dialect
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._fixed = {name: bind.effective_value for name, bind in binds.items() if name not in names}
        self._expanding = tuple(name for name, bind in binds.items() if bind.expanding)
        # Drivers take bytes as they are; SQLAlchemy would wrap each of them.
        self._as_is = {name for name, bind in binds.items() if isinstance(bind.type, LargeBinary)}
        self._statement = statement
        self._shapes: dict[tuple[int, ...], _Shape] = {}
        self._metadata: SimpleResultMetaData | None = None
        self._plain: tuple[str, Callable[[Mapping[str, Any]], Sequence[Any]]] | None = None
        self._readers: tuple[tuple[int, Read], ...] = ()

    def ready(self, params: Mapping[str, Any]) -> tuple[str, Any]:
        """The text and the parameters as the driver takes them."""
        if self._plain is not None:
            return self._plain[0], self._plain[1](params)
        shape = self.shape(params)
        if not self._expanding and not self._fixed and not shape.writers and shape.order is not None:
            self._plain = shape.sql, _in_order(shape.order)
        return shape.sql, self.bound(shape, params)

    def shape(self, params: Mapping[str, Any]) -> _Shape:
        """The text for lists as long as these."""
        if not self._expanding and self._shapes:
            return self._shapes[()]
        key = tuple(len(params[name] if name in params else self._fixed[name]) for name in self._expanding)
        found = self._shapes.get(key)
        if found is None:
            if len(self._shapes) >= _SHAPES_MAX:
                self._shapes.clear()
            found = self._shapes[key] = self._render(params)
        return found

    def _render(self, params: Mapping[str, Any]) -> _Shape:
        compiled = self._compiled
        made: Mapping[str, Any] = compiled._bind_processors
        writers: dict[str, Read] = {name: write for name, write in made.items() if name not in self._as_is}
        if not self._expanding:
            order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
            return _Shape(compiled.string, order, {}, writers)
        state = compiled.construct_expanded_state({**self._fixed, **params})
        writers.update(state.processors)
        order = tuple(state.positiontup) if state.positiontup is not None else None
        return _Shape(state.statement, order, dict(state.parameter_expansion), writers)

    def bound(self, shape: _Shape, params: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them: by position, or by name."""
        if not shape.lists and not self._fixed and shape.order is not None:
            writers = shape.writers
            if not writers:
                return [params[name] for name in shape.order]
            return [writers[name](params[name]) if name in writers else params[name] for name in shape.order]
        values: dict[str, Any] = {**self._fixed, **params}
        for name, names in shape.lists.items():
            items: Any = values.pop(name)
            if len(names) != len(items):
                items = [part for item in items for part in item]
            values.update(zip(names, items, strict=True))
        for name, write in shape.writers.items():
            if name in values:
                values[name] = write(values[name])
        return values if shape.order is None else [values[name] for name in shape.order]

    def bound_many(self, shape: _Shape, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """The same for many rows that all have the same names."""
        names = shape.order
        if names is None or len(names) < 2 or not shape.writers.keys().isdisjoint(names) or self._fixed:
            return [self.bound(shape, row) for row in rows]
        return list(map(itemgetter(*names), rows))

    def _types(self, names: Sequence[str]) -> Sequence[Any]:
        """The types of the columns: in their order, or by their names where the text is the statement's own."""
        columns: Any = getattr(self._statement, "exported_columns", ())
        if isinstance(self._statement, TextClause | TextualSelect):
            by_name = {column.key: column.type for column in columns}
            return [by_name.get(name) for name in names]
        return [column.type for column in columns]

    def result(self, cursor: Any) -> Found:
        """The rows of a cursor that has run the statement."""
        if self._metadata is None:
            described = cursor.description  # psycopg makes it anew at every look
            if described is None:
                return Found(_NOTHING, [], cursor.rowcount)
            names = [column[0] for column in described]
            made = [self._reader(*of) for of in zip(self._types(names), described, strict=True)]
            self._readers = tuple((place, read) for place, read in enumerate(made) if read is not None)
            self._metadata = SimpleResultMetaData(names)
        rows = cursor.fetchall()
        if self._readers:
            rows = list(map(self._as_read, rows))
        return Found(self._metadata, rows, cursor.rowcount if cursor.rowcount >= 0 else len(rows))

    def _reader(self, kind: Any, column: Sequence[Any]) -> Read | None:
        """How the values of a column are read, None where they are as they are to be."""
        if kind is None:
            return None
        reads: Read | None = kind.dialect_impl(self._dialect).result_processor(self._dialect, column[1])
        if reads is None or not isinstance(kind, JSON) or self._dialect.name != "sqlite":
            return reads
        long_way: Read = reads
        # Every heartbeat reads a dozen of these, and nearly all are text or NULL.
        return lambda value: _json(value) if type(value) is str else None if value is None else long_way(value)

    def _as_read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, read in self._readers:
            values[place] = read(values[place])
        return tuple(values)


_NOTHING = SimpleResultMetaData([])
_json = json.JSONDecoder().decode


def _in_order(order: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Parameters by name, put in an order."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda params: [params[name] for name in order]


_Uses = dict[tuple[str, ...], _Prepared]
"""By the parameters' names, in the order in which a caller gives them."""


class Statements:
    """The statements of one engine that have been used before. For several threads."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._once: weakref.WeakSet[Executable] = weakref.WeakSet()
        """Those that have been used once; they are not held."""
        self._known: dict[Executable, _Uses] = {}

    def execute(self, connection: Connection, statement: Executable, params: Mapping[str, Any]) -> Any:
        """Run one statement; gives its rows."""
        uses = self._known.get(statement)
        prepared = uses.get(tuple(params)) if uses is not None else None
        if prepared is None:
            prepared = self._prepared(connection, statement, params)
            if prepared is None:
                return _first_use(connection, statement, params)
        sql, bound = prepared.ready(params)
        cursor = _cursor(connection)
        try:
            cursor.execute(sql, bound)
            return prepared.result(cursor)
        except connection.dialect.loaded_dbapi.Error as error:
            raise wrapped(connection, cursor, sql, bound, error) from error
        finally:
            cursor.close()

    def execute_many(self, connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run one INSERT for several rows that all have the same names; gives how many rows were written."""
        self._once.add(statement)
        prepared = self._prepared(connection, statement, rows[0])
        assert prepared is not None  # noqa: S101 - it is known since the line above
        shape = prepared.shape(rows[0])
        bound = prepared.bound_many(shape, rows)
        cursor = _cursor(connection)
        try:
            cursor.executemany(shape.sql, bound)
            return int(cursor.rowcount)
        except connection.dialect.loaded_dbapi.Error as error:
            raise wrapped(connection, cursor, shape.sql, None, error) from error
        finally:
            cursor.close()

    def run(self, connection: Connection, sql: str, bound: Sequence[Any] = (), *, many: bool = False) -> int:
        """Run a text in the driver's own form that gives no rows; gives how many rows it changed. many: bound is
        the parameters of several runs."""
        cursor = _cursor(connection)
        try:
            if many:
                cursor.executemany(sql, bound)
            else:
                cursor.execute(sql, bound)
            return int(cursor.rowcount)
        except connection.dialect.loaded_dbapi.Error as error:
            raise wrapped(connection, cursor, sql, None, error) from error
        finally:
            cursor.close()

    def _prepared(self, connection: Connection, statement: Executable, params: Mapping[str, Any]) -> _Prepared | None:
        uses = self._known.get(statement)
        if uses is None:
            if statement not in self._once:
                if isinstance(statement, _KNOWN) and not statement.get_execution_options():
                    self._once.add(statement)
                return None
            if len(self._known) >= _STATEMENTS_MAX:
                self._known.clear()
            uses = self._known[statement] = {}
        names = tuple(params)
        found = uses.get(names)
        if found is None:
            found = uses[names] = _Prepared(statement, connection.dialect, sorted(names), self._check)
        return found


def _cursor(connection: Connection) -> Any:
    return _driver(connection).cursor()


def _driver(connection: Connection) -> Any:
    driver: Any = connection.connection.dbapi_connection
    if type(driver) is sqlite3.Connection and not driver.in_transaction:
        # SQLite may undo a whole transaction by itself: what is said from then on would be stored alone.
        raise RetryError("the database has undone the whole transaction")
    return driver


def _first_use(connection: Connection, statement: Executable, params: Mapping[str, Any]) -> Any:
    """Run a statement SQLAlchemy's own way; rows are read to their end all the same: a cursor that somebody leaves
    half read would hold a connection of SQLite at what the database was then, whatever others write."""
    _driver(connection)
    found = connection.execute(statement, params)
    if not found.returns_rows:
        return found
    names = list(found.keys())
    rows = [tuple(row) for row in found]
    return Found(SimpleResultMetaData(names), rows, len(rows))


def its_own_fault(error: Exception) -> bool:
    """Whether a statement failed by itself, in a database that is there: cut off for its length, or no SQL at all.

    To try again is no help then. A database that is away or busy looks alike to SQLAlchemy.
    """
    if not isinstance(error, OperationalError) or error.connection_invalidated:
        return False
    cut_off = getattr(error.orig, "sqlstate", None) == "57014"
    return cut_off or getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def wrapped(connection: Connection, cursor: Any, sql: str, params: Any, error: Exception) -> BaseException:
    """A driver's error as SQLAlchemy raises it; a connection that is gone is given up."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)  # type: ignore[arg-type]
    if lost:
        connection.invalidate(error)
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(sql, params, error, base, connection_invalidated=lost, dialect=dialect)
