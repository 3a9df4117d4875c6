"""A transaction of SQLite in the driver's own words. Serves arrows 6 to 9.

Owns begin, commit and rollback on the driver's connection, and the connections that stay open between. SQLAlchemy's
own transaction costs a heartbeat as much as half of what it asks of the database, and the pool's way out and back as
much as three statements. Must not know tables, tenants, or who may write when.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine

from nattevakt.central.statements import wrapped
from nattevakt.edge.errors import RetryError

CONNECT = {"check_same_thread": False, "cached_statements": 600}
"""How a connection is opened. It keeps prepared all that a night asks, lists of every length among it."""
KEPT_MAX = 4
"""How many connections are kept beside the pool: one writes at a time, and few read."""
_KEPT = "nattevakt_kept"
"""The mark on a connection that transacts by turns alone."""


def _driver(connection: Connection) -> sqlite3.Connection:
    found: Any = connection.connection.dbapi_connection
    assert isinstance(found, sqlite3.Connection)  # noqa: S101 - asked only of SQLite
    return found


def is_begun(connection: Connection) -> bool:
    """Whether a transaction is under way already, whatever SQLAlchemy knows of it."""
    return _driver(connection).in_transaction


def is_undone(connection: Connection) -> bool:
    """Whether SQLite has undone a whole transaction by itself, as it may where the disk is full or fails: whatever is
    said from then on would stand alone, and what was said before is gone."""
    if connection.dialect.name != "sqlite" or connection.invalidated:
        return False
    return not is_begun(connection)


def begin(connection: Connection, *, write: bool) -> None:
    """What SQLAlchemy does where it begins a transaction of its own. Inside a turn it is but its note of the one that
    is under way; if that one is gone, another would store the second half of what belongs together."""
    if is_begun(connection):
        return
    if connection.info.get(_KEPT):
        raise RetryError("the database has undone the whole transaction")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def turn(connection: Connection, *, write: bool) -> Iterator[None]:
    """One transaction: committed at the end of the block, undone where it raises. write: with the lock of a writer
    from its beginning. The driver's errors are raised as SQLAlchemy's."""
    driver = _driver(connection)
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"
    try:
        driver.execute(begin).close()
        done = False
        try:
            yield
            if not driver.in_transaction:
                # To commit nothing is no error to the driver; to be believed that all is stored would be one.
                raise sqlite3.OperationalError("the database has undone the transaction")
            driver.commit()
            done = True
        finally:
            if not done:
                # Whatever it died of is to be heard of, not that it cannot be undone any more.
                with suppress(sqlite3.Error):
                    driver.rollback()
    except sqlite3.Error as error:
        raise wrapped(connection, None, begin, None, error) from error


class Kept:
    """Connections that are used again, the last one first: it remembers pages until another has written. For several
    threads; each connection serves one at a time. What went wrong in any way is given back to the pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free: list[Connection] = []
        self._closed = False

    def close(self) -> None:
        """Close those that nobody works with; one that somebody works with is closed when he is done."""
        self._closed = True
        while self._free:
            self._free.pop().close()

    @contextmanager
    def turn(self, *, write: bool) -> Iterator[Connection]:
        """A connection inside a transaction of the block's: see `turn`."""
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._engine.connect()
            connection.info[_KEPT] = True
        done = False
        try:
            with turn(connection, write=write):
                yield connection
            if connection.in_transaction():
                connection.rollback()  # SQLAlchemy's own note of one: the driver's has ended
            done = True
        finally:
            if done and not self._closed and len(self._free) < KEPT_MAX:
                self._free.append(connection)
            else:
                self._let_go(connection)

    def _let_go(self, connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop(_KEPT, None)
            if self._closed:
                connection.detach()  # its pool is gone, and would keep it open
        connection.close()
