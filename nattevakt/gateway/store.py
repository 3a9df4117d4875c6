"""The outbox's database file: opening, schema, transactions, and what to do with a damaged one. Serves arrow 4.

Owns the file and every PRAGMA. Must not know events, classes or the centre.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from nattevakt.edge.errors import RetryError

Connect = Callable[..., sqlite3.Connection]
"""In the form of `sqlite3.connect`."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS rows(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, class TEXT NOT NULL, kind TEXT NOT NULL,
    device TEXT, body BLOB NOT NULL, state INTEGER NOT NULL DEFAULT 0, reason TEXT);
CREATE INDEX IF NOT EXISTS rows_urgent ON rows(seq) WHERE class = 'A' AND state = 0;
CREATE INDEX IF NOT EXISTS rows_parked ON rows(seq) WHERE state = 2;
CREATE TABLE IF NOT EXISTS streams(id INTEGER PRIMARY KEY, stream TEXT NOT NULL UNIQUE, first INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS gaps(tomb INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS memory(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS life(one INTEGER PRIMARY KEY CHECK(one = 1), moment TEXT NOT NULL);
PRAGMA user_version = 1;
"""
_CHECK = (
    "SELECT seq, stream, class, kind, device, body, state, reason FROM rows LIMIT 1",
    "SELECT id, stream, first FROM streams LIMIT 1",
    "SELECT tomb, first, last FROM gaps LIMIT 1",
    "SELECT key, value FROM memory LIMIT 1",
    "SELECT one, moment FROM life LIMIT 1",
)
_ASIDE_MAX = 3
_WORDS = {
    sqlite3.SQLITE_FULL: "disk full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}


class StoreError(RetryError):
    """The outbox cannot store now. damaged: the file itself is broken, retrying will not help."""

    def __init__(self, sentence: str, *, damaged: bool = False, full: bool = False) -> None:
        super().__init__(f"store: {sentence}")
        self.damaged = damaged
        self.full = full


def store_error(error: sqlite3.Error | OSError) -> StoreError:
    """Sort an error of SQLite or the file system by what to do about it."""
    if isinstance(error, OSError):
        return StoreError(error.strerror or "cannot be opened")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return StoreError(_WORDS.get(code, str(error)[:100]), damaged=damaged, full=code == sqlite3.SQLITE_FULL)


def open_store(path: Path, pages_max: int | None, connect: Connect = sqlite3.connect) -> sqlite3.Connection:
    """Open or create the file; raises StoreError, with `damaged` where it must be moved aside first.

    pages_max: an upper size in pages, how tests make a disk full. connect: another way to one, for a simulated disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        con = connect(path, timeout=2, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise store_error(error) from error
    done = False
    try:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("PRAGMA synchronous=FULL")
        con.execute("PRAGMA cache_size=-2000")
        con.execute("PRAGMA journal_size_limit=4000000")
        if pages_max is not None:
            con.execute(f"PRAGMA max_page_count={int(pages_max)}")
        if con.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StoreError("damaged", damaged=True)
        if con.execute("PRAGMA user_version").fetchone()[0] == 0:
            con.executescript(SCHEMA)
        _check_schema(con)
        done = True
    except sqlite3.Error as error:
        raise store_error(error) from error
    finally:
        if not done:
            con.close()
    return con


def _check_schema(con: sqlite3.Connection) -> None:
    for statement in _CHECK:
        try:
            con.execute(statement).fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise StoreError("damaged (not our tables)", damaged=True) from error
            raise


def move_aside(path: Path) -> Path:
    """Put a damaged file where a person can look at it; at most a few are kept. Gives its new path."""
    free = (n for n in range(1, _ASIDE_MAX) if not path.with_name(f"{path.name}.damaged-{n}").exists())
    aside = path.with_name(f"{path.name}.damaged-{next(free, _ASIDE_MAX)}")
    try:
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            side = path.with_name(path.name + suffix)
            if side.exists():
                side.replace(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise store_error(error) from error
    return aside


@contextlib.contextmanager
def transaction(con: sqlite3.Connection) -> Iterator[None]:
    """Everything inside is on disk when this returns, or nothing is. Raises StoreError."""
    done = False
    try:
        con.execute("BEGIN IMMEDIATE")
        yield
        con.execute("COMMIT")
        done = True
    except sqlite3.Error as error:
        raise store_error(error) from error
    finally:
        if not done:
            with contextlib.suppress(sqlite3.Error):
                con.execute("ROLLBACK")
