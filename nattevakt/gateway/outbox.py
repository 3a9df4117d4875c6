"""The outbox: what was appended is on disk and leaves only acknowledged, shed or parked with a tombstone. Arrow 4.

Owns the rows, their states, the streams, the interpreter's memory and the gateway's own marks; `append` returns only
when events and memory are on disk, in one transaction. Must not know the network, drivers or time beyond the moments
it is given. Every method that touches the disk raises StoreError when it cannot; then nothing has changed.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nattevakt.edge.events import BEFORE_BOOT, Event, Moment, Started, Tombstone, Urgency, device_of, kind_of
from nattevakt.edge.wire import decode_event, encode_event
from nattevakt.gateway import shedding, store
from nattevakt.gateway.rows import ACKED, LIVES, LIVES_KEPT, PARKED, UNSENT, Row, StoredRows
from nattevakt.gateway.store import StoreError, transaction

_SHED_TOTAL = "outbox.shed"
_TO_PRUNE = "SELECT 1 WHERE EXISTS (SELECT 1 FROM gaps) OR EXISTS (SELECT 1 FROM rows WHERE seq < ? AND state = 1)"


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds on rows, and for how many hours of running acknowledged ones are kept for a centre's restore."""

    unsent_rows_max: int = 200_000
    acked_rows_max: int = 200_000
    acked_keep_h: int = 72


def _moment_values(moment: Moment) -> list[object]:
    return [moment.boot, moment.boottime_ms, moment.wall_ms, moment.synced]


class Outbox(StoredRows):
    """One database file. Not for several threads."""

    def __init__(
        self,
        path: Path,
        limits: OutboxLimits,
        mint: Callable[[], str],
        *,
        pages_max: int | None = None,
        connect: store.Connect = sqlite3.connect,
    ) -> None:
        super().__init__()
        self._path = path
        self._limits = limits
        self._mint = mint
        self._pages_max = pages_max
        self._connect = connect
        self.moved_aside: Path | None = None
        self._pruned_below: int | None = None
        """Below this number nothing is to be pruned, and no gap is left; until a row is acknowledged or buried."""

    # --- opening ---------------------------------------------------------------------------------------------

    @property
    def shed_rows(self) -> int:
        """How many rows this file has shed in its life."""
        return int(self._memory.get(_SHED_TOTAL, "0"))

    def open(self, version: str, now: Moment) -> None:
        """Open the file, mint a stream and store its `Started`. A damaged file is moved aside and begun anew."""
        try:
            con = store.open_store(self._path, self._pages_max, self._connect)
        except StoreError as error:
            if not error.damaged:
                raise
            self.moved_aside = store.move_aside(self._path)
            con = store.open_store(self._path, self._pages_max, self._connect)
        done = False
        try:
            self._load(con)
            self._con = con
            self._begin_stream(version, now)
            done = True
        except sqlite3.Error as error:
            raise store.store_error(error) from error
        finally:
            if not done:
                self._con = None
                con.close()

    def replace(self, version: str, now: Moment, changes: Mapping[str, str]) -> None:
        """The file broke while open: move it aside and go on in a new one with the memory that we still hold.

        changes: what of that memory is no longer so, now that the rows are gone. Sequence numbers go on above the
        old ones; what was unsent is a named gap (`Started` without predecessor).
        """
        kept, next_seq = {**self._memory, **changes}, self.next_seq
        self.close()
        with contextlib.suppress(FileNotFoundError):
            self.moved_aside = store.move_aside(self._path)
        con = store.open_store(self._path, self._pages_max, self._connect)
        with transaction(con):
            con.executemany("INSERT OR REPLACE INTO memory(key, value) VALUES(?, ?)", kept.items())
        self._load(con)
        self.next_seq = next_seq
        self._con = con
        self._begin_stream(version, now)

    def close(self) -> None:
        """Close the file; the outbox is not ready afterwards."""
        if self._con is not None:
            self._con.close()
            self._con = None

    def _load(self, con: sqlite3.Connection) -> None:
        self._pruned_below = None
        self._memory = dict(con.execute("SELECT key, value FROM memory"))
        self._streams = con.execute("SELECT id, stream, first FROM streams ORDER BY id").fetchall()
        counts = con.execute("SELECT class, state, COUNT(*), MIN(seq) FROM rows GROUP BY class, state").fetchall()
        self.unsent = Counter({row[0]: row[2] for row in counts if row[1] == UNSENT})
        self.acked_rows = sum(row[2] for row in counts if row[1] == ACKED)
        self.parked_rows = sum(row[2] for row in counts if row[1] == PARKED)
        last = con.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
        self.next_seq = last[0] + 1 if last else 1
        self._cursor = min((row[3] for row in counts if row[1] == UNSENT), default=self.next_seq)
        self._marks = {}
        life = con.execute("SELECT moment FROM life").fetchone()
        self._life = Moment(*json.loads(life[0])) if life else None

    def _begin_stream(self, version: str, now: Moment) -> None:
        previous = self._streams[-1][1] if self._streams else None
        last = self.next_seq - 1 if previous is not None else None
        body = Started(version, previous, last, self._life if previous is not None else None)
        stream = self._mint()
        changes = self._lives()
        with self._undoing(), self._writing() as con:
            number = (self._streams[-1][0] if self._streams else 0) + 1
            con.execute("INSERT INTO streams(id, stream, first) VALUES(?, ?, ?)", (number, stream, self.next_seq))
            self._streams.append((number, stream, self.next_seq))
            self._insert(con, [Event(body, now)])
            self._remember(con, changes)
        self._remembered(changes)

    def _lives(self) -> dict[str, str]:
        """The row of earlier runs' last signs of life, with the run before this one."""
        if self._life is None:
            return {}
        try:
            lives = list(json.loads(self._memory.get(LIVES, "[]")))
        except (ValueError, TypeError, RecursionError):
            lives = []
        return {LIVES: json.dumps([*lives, _moment_values(self._life)][-LIVES_KEPT:])}

    # --- writing ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self._con is None:
            raise StoreError("not open")
        with transaction(self._con):
            yield self._con

    @contextlib.contextmanager
    def _undoing(self) -> Iterator[None]:
        """Put the counts in RAM back when the transaction inside did not reach the disk."""
        kept = (self.next_seq, self._cursor, self.acked_rows, self.parked_rows, self._life)
        unsent, streams, marks = self.unsent.copy(), list(self._streams), dict(self._marks)
        done = False
        try:
            yield
            done = True
        finally:
            if not done:
                self.next_seq, self._cursor, self.acked_rows, self.parked_rows, self._life = kept
                self.unsent, self._streams, self._marks = unsent, streams, marks

    def append(self, events: Sequence[Event], remember: Mapping[str, str | None]) -> tuple[int, ...]:
        """Store events and memory in one transaction; gives the sequence numbers when they are on disk."""
        changes = dict(remember)
        with self._undoing(), self._writing() as con:
            seqs = self._insert(con, events)
            if self.unsent.total() > self._limits.unsent_rows_max and events:
                changes[_SHED_TOTAL] = str(self.shed_rows + self._shed(con, events[-1].at))
            self._remember(con, changes)
        self._remembered(changes)
        return seqs

    def stamp(self, now: Moment, remember: Mapping[str, str | None]) -> None:
        """Store a sign of life."""
        life = self._life
        done = False
        try:
            with self._writing() as con:
                self._live(con, now)
                self._remember(con, remember)
            done = True
        finally:
            if not done:
                self._life = life
        self._remembered(remember)

    def _insert(self, con: sqlite3.Connection, events: Sequence[Event]) -> tuple[int, ...]:
        number, first = self._streams[-1][0], self.next_seq
        # The number is ours, not lastrowid, so that readers of next_seq are right; AUTOINCREMENT keeps its maximum.
        rows = [
            (seq, number, event.urgency.value, kind_of(event.body), device_of(event.body), encode_event(event))
            for seq, event in enumerate(events, first)
        ]
        con.executemany("INSERT INTO rows(seq, stream, class, kind, device, body) VALUES(?, ?, ?, ?, ?, ?)", rows)
        self.unsent.update(row[2] for row in rows)
        self.next_seq = first + len(events)
        lived = [event.at for event in events if event.at.boot != BEFORE_BOOT]
        if lived:
            self._live(con, lived[-1])
        return tuple(range(first, self.next_seq))

    def _live(self, con: sqlite3.Connection, moment: Moment) -> None:
        life = self._life
        if life is not None and life.boot == moment.boot and life.boottime_ms > moment.boottime_ms:
            return
        con.execute("INSERT OR REPLACE INTO life(one, moment) VALUES(1, ?)", (json.dumps(_moment_values(moment)),))
        self._life = moment

    def _remember(self, con: sqlite3.Connection, changes: Mapping[str, str | None]) -> None:
        if gone := [(key,) for key, value in changes.items() if value is None]:
            con.executemany("DELETE FROM memory WHERE key = ?", gone)
        if kept := [(key, value) for key, value in changes.items() if value is not None]:
            con.executemany("INSERT OR REPLACE INTO memory(key, value) VALUES(?, ?)", kept)

    def _remembered(self, changes: Mapping[str, str | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self._memory.pop(key, None)
            else:
                self._memory[key] = value

    def _shed(self, con: sqlite3.Connection, now: Moment) -> int:
        bound = self._limits.unsent_rows_max
        # Some slack, so that a full outbox sheds by the chunk and not by the row.
        surplus = self.unsent.total() - bound + bound // 20
        total = 0
        for urgency in (Urgency.C, Urgency.B):
            rows = con.execute(
                "SELECT rows.seq, streams.stream, rows.device, rows.body FROM rows"
                " JOIN streams ON streams.id = rows.stream"
                " WHERE rows.seq >= ? AND rows.state = 0 AND rows.class = ? ORDER BY rows.seq LIMIT ?",
                (self._cursor, urgency.value, max(0, surplus - total)),
            ).fetchall()
            if not rows:
                continue
            lost = [shedding.Shed(*row) for row in rows]
            staying = con.execute(
                "SELECT seq, class FROM rows WHERE seq BETWEEN ? AND ? AND state = 0 AND class != ?",
                (lost[0].seq, lost[-1].seq, urgency.value),
            ).fetchall()
            urgent = [seq for seq, found in staying if found == Urgency.A]
            for tombstone in shedding.plan(lost, urgency.value, urgent, [seq for seq, _ in staying]):
                self._bury(con, tombstone, now)
            con.executemany("DELETE FROM rows WHERE seq = ?", [(row.seq,) for row in lost])
            self.unsent[urgency.value] -= len(lost)
            total += len(lost)
        return total

    def _bury(self, con: sqlite3.Connection, tombstone: Tombstone, now: Moment) -> None:
        self._pruned_below = None
        (seq,) = self._insert(con, [Event(tombstone, now)])
        con.execute(
            "INSERT INTO gaps(tomb, first, last) VALUES(?, ?, ?)", (seq, tombstone.first_seq, tombstone.last_seq)
        )

    def park(self, row: Row, reason: str, now: Moment) -> None:
        """Set a row aside that the centre will not take; its tombstone is stored with it."""
        with self._undoing(), self._writing() as con:
            changed = con.execute(
                "UPDATE rows SET state = 2, reason = ? WHERE seq = ? AND state = 0", (reason[:200], row.seq)
            ).rowcount
            if not changed:
                return
            self.unsent[row.urgency] -= 1
            self.parked_rows += 1
            if row.kind == "tombstone":
                # No tombstone of a tombstone: the hole stays open, and a hole alarms at the centre.
                self._pruned_below = None
                con.execute("INSERT INTO gaps(tomb, first, last) VALUES(?, ?, ?)", (row.seq, row.seq, row.seq))
                return
            at = decode_event(row.body).at
            devices = (row.device,) if row.device is not None else ()
            tombstone = Tombstone(row.stream, row.seq, row.seq, row.urgency, reason[:200], 1, at, at, devices)
            self._bury(con, tombstone, now)

    def settle(self, acked: Collection[int], marks: Mapping[str, int]) -> None:
        """Store what the centre has: rows by number, and every row at or below a stream's contiguous mark."""
        wanted = [(seq,) for seq in acked]
        upto = []
        for number, stream, first, last in self._ranges():
            if (mark := marks.get(stream)) is not None and mark > self._marks.get(number, first - 1):
                upto.append((max(first, self._cursor), min(mark, last)))
        if not wanted and not any(lo <= hi for lo, hi in upto):
            return
        with self._undoing(), self._writing() as con:
            found: list[tuple[str, int]] = []
            for seq in wanted:
                rows = con.execute("SELECT class, state FROM rows WHERE seq = ? AND state != 1", seq).fetchall()
                if rows:
                    con.execute("UPDATE rows SET state = 1, reason = NULL WHERE seq = ?", seq)
                    found += rows
            for span in upto:
                found += con.execute(
                    "UPDATE rows SET state = 1 WHERE seq BETWEEN ? AND ? AND state = 0 AND NOT EXISTS"
                    " (SELECT 1 FROM gaps WHERE rows.seq BETWEEN gaps.first AND gaps.last) RETURNING class, 0",
                    span,
                ).fetchall()
            self._count_acked(con, found)

    def _count_acked(self, con: sqlite3.Connection, found: Sequence[tuple[str, int]]) -> None:
        self._pruned_below = None
        for urgency, state in found:
            if state == PARKED:
                self.parked_rows -= 1
            else:
                self.unsent[urgency] -= 1
        self.acked_rows += len(found)
        first = con.execute(
            "SELECT seq FROM rows WHERE seq >= ? AND state = 0 ORDER BY seq LIMIT 1", (self._cursor,)
        ).fetchone()
        self._cursor = first[0] if first else self.next_seq

    def resend(self, stream: str, above: int) -> int:
        """The centre has lost rows: everything of a stream above its mark is unsent again. Gives how many."""
        for number, name, first, last in self._ranges():
            if name != stream:
                continue
            with self._undoing(), self._writing() as con:
                found = con.execute(
                    "UPDATE rows SET state = 0 WHERE seq BETWEEN ? AND ? AND state = 1 RETURNING class, seq",
                    (max(first, above + 1), last),
                ).fetchall()
                self.unsent.update(row[0] for row in found)
                self.acked_rows -= len(found)
                self._cursor = min([self._cursor, *(row[1] for row in found)])
                self._marks.pop(number, None)
            return len(found)
        return 0

    def prune(self, old_below: int, rows_max: int) -> int:
        """Delete at most rows_max acknowledged rows: those below `old_below`, and those above the bound."""
        surplus = self.acked_rows - self._limits.acked_rows_max
        if surplus <= 0 and len(self._streams) < 2:
            if self._pruned_below is not None and old_below <= self._pruned_below:
                return 0
            if not self._ask(_TO_PRUNE, (old_below,)):
                self._pruned_below = old_below
                return 0
        with self._undoing(), self._writing() as con:
            done = con.execute(
                "DELETE FROM rows WHERE seq IN (SELECT seq FROM rows WHERE state = 1 AND seq < ? ORDER BY seq LIMIT ?)",
                (old_below if surplus <= 0 else self.next_seq, min(rows_max, max(surplus, 0) or rows_max)),
            ).rowcount
            self.acked_rows -= done
            con.execute(
                "DELETE FROM gaps WHERE NOT EXISTS (SELECT 1 FROM rows WHERE seq = gaps.tomb AND state != 1)"
                " AND NOT EXISTS (SELECT 1 FROM rows WHERE seq BETWEEN gaps.first AND gaps.last AND state = 0)"
            )
            for number, _, first, last in list(self._ranges())[:-1]:
                if con.execute("SELECT 1 FROM rows WHERE seq BETWEEN ? AND ? LIMIT 1", (first, last)).fetchone():
                    break  # from the front only: a stream ends where its successor begins
                con.execute("DELETE FROM streams WHERE id = ?", (number,))
                self._streams = self._streams[1:]
        return done
