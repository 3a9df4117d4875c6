"""A transaction of SQLite in the driver's own words. Serves arrows 6 to 9.

Owns begin, commit and rollback on the driver's connection. SQLAlchemy's own transaction costs a heartbeat as much as
half of what it asks of the database. Must not know tables, tenants, or who may write when.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection

from nattevakt.central.statements import wrapped


def _driver(connection: Connection) -> sqlite3.Connection:
    found: Any = connection.connection.dbapi_connection
    assert isinstance(found, sqlite3.Connection)  # noqa: S101 - asked only of SQLite
    return found


def is_begun(connection: Connection) -> bool:
    """Whether a transaction is under way already, whatever SQLAlchemy knows of it."""
    return _driver(connection).in_transaction


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
            driver.commit()
            done = True
        finally:
            if not done:
                # Whatever it died of is to be heard of, not that it cannot be undone any more.
                with suppress(sqlite3.Error):
                    driver.rollback()
    except sqlite3.Error as error:
        raise wrapped(connection, None, begin, None, error) from error
