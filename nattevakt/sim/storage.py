"""A machine's disk as its database feels it: full, read-only, failing, gone in the middle of a commit. Arrows 4 and 6.

Owns the connections that the simulated machine hands to the product's own code, through the arguments and events that
this code offers; every fault is one that SQLite itself reports, or the cut of the power. Must not know tables.

Power may go at three moments of every commit: before it, after it has returned, and while it writes. Of the last a
disk keeps some sectors and loses others; only bytes that this one commit wrote may be lost, because everything before
was synchronised when its own commit returned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from nattevakt.sim.power import Disk, Fuse

T = TypeVar("T")
BEFORE, TORN, AFTER = "commit.before", "commit.torn", "commit.after"
MOMENTS = (BEFORE, TORN, AFTER)
"""The points of every commit at which a fuse may blow."""
SECTOR = 512
HEADER = 32
"""Bytes at the beginning of a log that are on the disk before those that follow."""
_ALL, _HALF, _RUBBISH = 0.2, 0.5, 0.2
PAGES_MOST = 1_073_741_823
"""SQLite's own bound on a database without one."""


def sqlite_error(sentence: str, code: int) -> sqlite3.OperationalError:
    """An error in SQLite's own form."""
    error = sqlite3.OperationalError(sentence)
    error.sqlite_errorcode = code
    return error


class Watched(sqlite3.Connection):
    """A connection whose commits pass the machine's storage."""

    storage: Storage
    seen = 0
    """Changes as of the last commit: one without any writes nothing."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """As ever; a commit in so many words passes the storage."""
        if sql == "BEGIN IMMEDIATE":
            self.storage.begins()
        if sql == "COMMIT":
            return self.storage.commits(self, lambda: sqlite3.Connection.execute(self, sql))
        return super().execute(sql, *values)

    def commit(self) -> None:
        """As ever, through the storage."""
        self.storage.commits(self, lambda: sqlite3.Connection.commit(self))

    def close(self) -> None:
        """As ever; nobody tells it of anything any more."""
        self.storage.closed(self)
        super().close()


class Storage:
    """One machine's disk. Counts what is wrong with it, so that two troubles of one kind end with the later one."""

    def __init__(self, disk: Disk, fuse: Fuse) -> None:
        self.disk = disk
        self.fuse = fuse
        self.chance = Random(0)  # noqa: S311 - a simulation, not a secret
        """For what a torn commit keeps."""
        self.tears = 0
        """How many commits the power has torn."""
        self.commits_made = 0
        self.stored = 0
        """How many of them have reached the disk."""
        self.held: Callable[[], bool] = lambda: False
        """Whether another program has the writer's lock."""
        self._open: list[Watched] = []
        self._full = 0
        self._read_only = 0
        self._failing: list[tuple[Random, float, bool]] = []

    # --- what is wrong with it -------------------------------------------------------------------------------

    @property
    def well(self) -> bool:
        """Whether what is given to it can be stored."""
        return not self._full and not self._read_only and not self._failing

    def full(self, *, on: bool) -> None:
        """The database cannot grow any more, what it has already may still do; or one reason less why not."""
        self._full = max(0, self._full + (1 if on else -1))
        self._tell()

    def read_only(self, *, on: bool) -> None:
        """Nothing can be written any more, as when a card gives up; or one reason less why not."""
        self._read_only = max(0, self._read_only + (1 if on else -1))
        self._tell()

    def failing(self, chance: Random, share: float, *, full: bool = False) -> Callable[[], None]:
        """Of its commits, this share (0 to 1) fails from now on, because the disk is full or because it errs. Gives
        what ends that."""
        one = (chance, share, full)
        self._failing.append(one)

        def ends() -> None:
            self._failing = [other for other in self._failing if other is not one]

        return ends

    def _tell(self) -> None:
        for connection in self._open:
            self._tell_one(connection)

    def _tell_one(self, connection: Watched) -> None:
        plain = sqlite3.Connection.execute
        plain(connection, f"PRAGMA query_only={'ON' if self._read_only else 'OFF'}")
        pages = plain(connection, "PRAGMA page_count").fetchone()[0] if self._full else PAGES_MOST
        plain(connection, f"PRAGMA max_page_count={int(pages)}")

    # --- connections -----------------------------------------------------------------------------------------

    def connect(self, path: Path | str, **how: Any) -> Watched:
        """Open the machine's database: in the form of `sqlite3.connect`."""
        if self._read_only:
            # In WAL mode even a reader needs to write beside the file.
            raise sqlite_error("unable to open database file", sqlite3.SQLITE_CANTOPEN)
        connection = sqlite3.connect(path, factory=Watched, **how)
        connection.storage = self
        self._open.append(connection)
        if self._full:
            self._tell_one(connection)
        return connection

    def closed(self, connection: Watched) -> None:
        """A connection is no longer there."""
        self._open = [one for one in self._open if one is not connection]

    def begins(self) -> None:
        """A writer begins, unless another program holds the file. Raises sqlite3.OperationalError."""
        if self.held():
            raise sqlite_error("database is locked", sqlite3.SQLITE_BUSY)

    def commits(self, connection: Watched, commit: Callable[[], T]) -> T:
        """Do a commit, unless the power or the disk fails."""
        if connection.total_changes == connection.seen:
            return commit()
        self.commits_made += 1
        if not self._failing and not self.fuse.armed:
            done = commit()
            connection.seen = connection.total_changes
            self.stored += 1
            return done
        self.fuse(BEFORE, {})
        if failed := [one for one in self._failing if one[0].random() < one[1]]:
            sqlite3.Connection.rollback(connection)
            connection.seen = connection.total_changes
            if failed[0][2]:
                raise sqlite_error("database or disk is full", sqlite3.SQLITE_FULL)
            raise sqlite_error("disk I/O error", sqlite3.SQLITE_IOERR)
        if self.fuse.passes(TORN):
            self._tear(connection, commit)
        done = commit()
        connection.seen = connection.total_changes
        self.stored += 1
        self.fuse(AFTER, {})
        return done

    def _tear(self, connection: Watched, commit: Callable[[], T]) -> None:
        """The power goes while the commit writes: some of its sectors reach the disk."""
        log = self.disk.path.with_name(self.disk.path.name + "-wal")
        before = log.read_bytes() if log.exists() else b""
        # A checkpoint would follow only after the log was synchronised, so it never sees a torn one.
        sqlite3.Connection.execute(connection, "PRAGMA wal_autocheckpoint=0")
        commit()
        self.disk.hold()
        image = self.disk.next_path.with_name(self.disk.next_path.name + "-wal")
        image.write_bytes(torn(before, image.read_bytes(), self.chance))
        self.tears += 1
        self.fuse.blow(TORN)


def torn(before: bytes, after: bytes, chance: Random) -> bytes:
    """A log whose last writing was cut off: of the sectors that it changed, some are new, some old, some rubbish;
    now and then all are new, and only the word that it is done never came.

    The log's own header is synchronised before anything is written behind it, and what stood in a sector before the
    first byte that changed is not touched.
    """
    if chance.random() < _ALL:
        return after
    changed = [at for at in range(0, len(after), SECTOR) if before[at : at + SECTOR] != after[at : at + SECTOR]]
    found = bytearray(after)
    in_order = chance.random() < _HALF
    keeps = chance.randrange(len(changed) + 1)
    for number, at in enumerate(changed):
        end = min(at + SECTOR, len(after))
        old = before[at:end].ljust(end - at, b"\0")
        if in_order:
            if number >= keeps:
                found[at:end] = old
        elif chance.random() < _HALF:
            same = next(n for n in range(end - at) if before[at + n : at + n + 1] != after[at + n : at + n + 1])
            rubbish = old[:same] + chance.randbytes(end - at - same)
            found[at:end] = rubbish if chance.random() < _RUBBISH else old
    found[:HEADER] = after[:HEADER]
    if in_order and keeps < len(changed) and changed[keeps] >= max(len(before), HEADER):
        del found[changed[keeps] + chance.randrange(SECTOR) :]
    return bytes(found)
