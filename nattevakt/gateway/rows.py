"""What the outbox holds, read back: rows to send, streams held, the gateway's own contiguous marks. Arrows 4 and 5.

Owns the reading queries and the bookkeeping in RAM that keeps them cheap. Must not write, and must not know when or
how rows are sent.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from nattevakt.edge.events import Moment
from nattevakt.edge.wire import HeldStream, decode_event
from nattevakt.gateway.store import StoreError, store_error

UNSENT, ACKED, PARKED = 0, 1, 2
STREAMS_MAX = 200
LIVES = "outbox.lives"
"""The row of memory that holds when earlier runs of the agent last said that they lived, the oldest first."""
LIVES_KEPT = 60
_FROM = (
    "SELECT rows.seq, streams.stream, rows.class, rows.kind, rows.device, rows.body, rows.reason"
    " FROM rows JOIN streams ON streams.id = rows.stream"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One stored event as the uplink needs it."""

    seq: int
    stream: str
    urgency: str
    kind: str
    device: str | None
    body: bytes
    reason: str | None = None


class StoredRows:
    """The reading half of the outbox."""

    def __init__(self) -> None:
        self._con: sqlite3.Connection | None = None
        self._memory: dict[str, str] = {}
        self._streams: list[tuple[int, str, int]] = []
        self._marks: dict[int, int] = {}
        self._cursor = 1
        self._life: Moment | None = None
        self.next_seq = 1
        self.unsent: Counter[str] = Counter()
        self.acked_rows = 0
        self.parked_rows = 0

    @property
    def ready(self) -> bool:
        """Whether the file is open and its `Started` row is on disk."""
        return self._con is not None

    @property
    def memory(self) -> Mapping[str, str]:
        """The rows of memory as last stored."""
        return MappingProxyType(self._memory)

    @property
    def stream(self) -> str:
        """The stream that new rows belong to."""
        return self._streams[-1][1]

    def _ask(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        if self._con is None:
            raise StoreError("not open")
        try:
            return self._con.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _rows(self, condition: str, values: tuple[object, ...]) -> list[Row]:
        return [Row(*found) for found in self._ask(f"{_FROM} {condition}", values)]  # type: ignore[arg-type]

    def urgent(self, skip: Collection[int], rows_max: int) -> list[Row]:
        """Unsent rows of class A, newest first, without those in `skip`."""
        found = self._rows(
            "WHERE rows.class = 'A' AND rows.state = 0 ORDER BY rows.seq DESC LIMIT ?", (rows_max + len(skip),)
        )
        return [row for row in found if row.seq not in skip][:rows_max]

    def backlog(self, *, with_urgent: bool, skip: Collection[int], rows_max: int) -> list[Row]:
        """Unsent rows in order, oldest first; class A among them only if asked for."""
        condition = "WHERE rows.seq >= ? AND rows.state = 0"
        if not with_urgent:
            condition += " AND rows.class != 'A'"
        found = self._rows(f"{condition} ORDER BY rows.seq LIMIT ?", (self._cursor, rows_max + len(skip)))
        return [row for row in found if row.seq not in skip][:rows_max]

    def rows(self, seqs: Collection[int]) -> list[Row]:
        """Those of the given rows that are unsent still, in order."""
        found = [self._rows("WHERE rows.seq = ? AND rows.state = 0", (seq,)) for seq in sorted(seqs)]
        return [row for some in found for row in some]

    def parked(self, above: int = 0, rows_max: int = 10) -> list[Row]:
        """Rows that the centre would not take, in order, from beyond a number."""
        return self._rows("WHERE rows.state = 2 AND rows.seq > ? ORDER BY rows.seq LIMIT ?", (above, rows_max))

    def oldest_unsent(self) -> Moment | None:
        """When the oldest unsent row was made."""
        found = self.backlog(with_urgent=True, skip=(), rows_max=1)
        return decode_event(found[0].body).at if found else None

    def after(self, seq: int, rows_max: int) -> list[Row]:
        """Rows beyond a number in any state, for a person who follows along."""
        return self._rows("WHERE rows.seq > ? ORDER BY rows.seq LIMIT ?", (seq, rows_max))

    def waiting(self, kind: str) -> list[Row]:
        """Unsent rows of one kind, in order."""
        return self._rows(
            "WHERE rows.seq >= ? AND rows.state = 0 AND rows.kind = ? ORDER BY rows.seq", (self._cursor, kind)
        )

    def facts(self, above: int, kinds: Sequence[str], rows_max: int) -> list[Row]:
        """Rows of these kinds or of class A beyond a number, in any state, in order."""
        condition = "WHERE rows.seq > ? AND (rows.class = 'A' OR rows.kind IN (SELECT value FROM json_each(?)))"
        return self._rows(f"{condition} ORDER BY rows.seq LIMIT ?", (above, json.dumps(kinds), rows_max))

    def not_acked(self, above: int, kinds: Sequence[str]) -> list[int]:
        """The numbers of those that `facts` gives and that the centre has not taken."""
        found = self._ask(
            "SELECT seq FROM rows WHERE seq > ? AND state != 1"
            " AND (class = 'A' OR kind IN (SELECT value FROM json_each(?)))",
            (above, json.dumps(kinds)),
        )
        return [int(str(seq)) for (seq,) in found]

    def before(self, kinds: Sequence[str], rows_max: int) -> int:
        """The number behind which the newest `rows_max` rows of these kinds lie; 0 where there are no more."""
        found = self._ask(
            "SELECT seq FROM rows WHERE kind IN (SELECT value FROM json_each(?)) ORDER BY seq DESC LIMIT 1 OFFSET ?",
            (json.dumps(kinds), rows_max),
        )
        return int(str(found[0][0])) if found else 0

    def stream_of(self, seq: int) -> str:
        """The stream that a row is of; "" where none is known."""
        return next((stream for _, stream, first, last in self._ranges() if first <= seq <= last), "")

    def _ranges(self) -> Iterator[tuple[int, str, int, int]]:
        """Streams as (number, name, first, last): each is one unbroken range of sequence numbers."""
        for index, (number, stream, first) in enumerate(self._streams):
            is_last = index + 1 == len(self._streams)
            last = self.next_seq - 1 if is_last else self._streams[index + 1][2] - 1
            yield number, stream, first, last

    def first_of(self, stream: str) -> int:
        """The first sequence number that a stream ever had."""
        return next(first for _, name, first, _ in self._ranges() if name == stream)

    def held(self) -> tuple[HeldStream, ...]:
        """The streams that the file holds rows of, with the gateway's own contiguous acknowledged marks.

        A mark stops before the first row that is unsent, and before a gap whose tombstone has not arrived. When there
        are too many streams, those with nothing left to send are left out first.
        """
        found = [HeldStream(name, first, last, self._mark(n, first, last)) for n, name, first, last in self._ranges()]
        if len(found) > STREAMS_MAX:
            current = found.pop()
            found = sorted(found, key=lambda held: (held.acked >= held.last, -held.first))[: STREAMS_MAX - 1]
            found = [*sorted(found, key=lambda held: held.first), current]
        return tuple(found)

    def _mark(self, number: int, first: int, last: int) -> int:
        known = self._marks.get(number, first - 1)
        if known >= last:
            return known
        waiting = self._ask(
            "SELECT seq FROM rows WHERE seq > ? AND seq <= ? AND state = 0 ORDER BY seq LIMIT 1", (known, last)
        )
        gap = self._ask(
            "SELECT MIN(gaps.first) FROM gaps JOIN rows ON rows.seq = gaps.tomb"
            " WHERE gaps.first BETWEEN ? AND ? AND rows.state != 1",
            (known + 1, last),
        )
        ends = [value for (value,) in (*waiting, *gap) if isinstance(value, int)]
        self._marks[number] = min(ends, default=last + 1) - 1
        return self._marks[number]
