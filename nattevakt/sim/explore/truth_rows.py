"""What each gateway has on its disk: every row whose append returned, one by one. Serves the judge.

Owns the reading of outbox files: while an agent runs, after each turn that wrote; after each cut, from a copy of what
the cut left behind, so that nothing of the product's has touched it. A row that is on the disk was promised. Must not
know the centre, or what a row means.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nattevakt.edge.events import Event, Tombstone
from nattevakt.edge.wire import decode_event
from nattevakt.sim.host import GatewayHost
from nattevakt.sim.power import SIDES

Id = tuple[str, str, int]
"""A row's name: gateway, stream, sequence number."""
_NEW = (
    "SELECT rows.seq, streams.stream, rows.class, rows.kind, rows.device, rows.body FROM rows"
    " JOIN streams ON streams.id = rows.stream WHERE rows.seq > ? ORDER BY rows.seq"
)
_THERE = "SELECT rows.seq, streams.stream FROM rows JOIN streams ON streams.id = rows.stream"
_STATES = _THERE.replace("streams.stream FROM", "streams.stream, rows.state FROM")


@lru_cache(maxsize=20_000)
def _decoded(body: bytes) -> Event:
    return decode_event(body)


@dataclass(slots=True)
class Written:
    """One row whose append returned. at_ms: the true moment at which it was found on the disk. card: which of the
    gateway's cards it stands on. arrived_ms: when the centre was first seen to hold it. again_ms: when it was last
    found to have lost it. died: its card is gone, and with it the row. buried: a tombstone that the centre holds
    speaks for it."""

    gateway: str
    stream: str
    seq: int
    urgency: str
    kind: str
    device: str | None
    body: bytes
    at_ms: int
    card: int = 0
    arrived_ms: int | None = None
    again_ms: int = 0
    died: bool = False
    buried: bool = False

    @property
    def id(self) -> Id:
        """Its name."""
        return self.gateway, self.stream, self.seq

    @property
    def event(self) -> Event:
        """What it says."""
        return _decoded(self.body)

    @property
    def since_ms(self) -> int:
        """From when on it can be demanded of the centre."""
        return max(self.at_ms, self.again_ms)

    @property
    def open(self) -> bool:
        """Whether the centre still has to hear of it."""
        return self.arrived_ms is None and not self.died and not self.buried


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of a box: from a reading of its steady clock to the truth."""

    began_ms: int
    drift_ppm: int

    def true_ms(self, boottime_ms: int) -> int:
        """The true moment at which the steady clock read this."""
        return self.began_ms + round(boottime_ms / (1 + self.drift_ppm / 1_000_000))


class Box:
    """One gateway's disk as it is found, and all that has ever been on it. folder: for copies of what cuts leave.

    vanished: rows that were on the disk and that a cut took although the card is the same: nothing may do that.
    """

    def __init__(self, host: GatewayHost, folder: Path) -> None:
        self.host = host
        self.key = host.key
        self.rows: dict[Id, Written] = {}
        self.waiting: dict[Id, Written] = {}
        """Those that the centre still has to hear of, in the order in which they were written."""
        self.urgent: dict[Id, Written] = {}
        """The same of class A alone."""
        self.tombstones: list[Written] = []
        self.boots: dict[str, Boot] = {}
        self.vanished: list[Written] = []
        self.died: list[Written] = []
        self.card_ms: int | None = None
        """When its card was last changed for another."""
        self._folder = folder
        self._con: sqlite3.Connection | None = None
        self._path: Path | None = None
        self._inode = 0
        self._life = -1
        self._last = 0
        self._seen = (-1, -1, -1)

    def look(self, now_ms: int) -> list[Written]:
        """Read what is new on the disk; nothing is read where nothing was written. Gives the new rows."""
        host = self.host
        if self.is_another:
            return self._another(now_ms)
        if not host.up or (seen := (host.lives, host.turns, host.next_seq)) == self._seen:
            return []
        if seen[0] != self._seen[0]:
            clock = host.clock
            self.boots[clock.boot] = Boot(clock.booted_ms, clock.drift_ppm)
        fresh = seen[2] != self._seen[2]
        self._seen = seen
        return self._read(now_ms) if fresh else []

    @property
    def is_another(self) -> bool:
        """Whether what is on the disk has been cut off, or is another's, since the last look."""
        return self.host.disk_life != self._life

    def states(self) -> Iterator[tuple[Id, int]]:
        """The rows on the disk now, each with how far the gateway thinks it has come (0 unsent, 1 held by the centre,
        2 parked). Only while the agent runs."""
        if self._con is not None:
            for seq, stream, state in self._con.execute(_STATES):
                yield (self.key, stream, seq), state

    def true_ms(self, boot: str, boottime_ms: int) -> int | None:
        """The true moment of a reading of this box's steady clock, None for a boot that nobody has seen."""
        known = self.boots.get(boot)
        return known.true_ms(boottime_ms) if known is not None else None

    def arrived(self, row: Written, now_ms: int) -> None:
        """The centre holds it."""
        if row.arrived_ms is None:
            row.arrived_ms = now_ms
        self._settle(row)

    def bury(self, row: Written) -> None:
        """The centre holds a tombstone for it."""
        row.buried = True
        self._settle(row)

    def lost_again(self, row: Written, now_ms: int) -> None:
        """The centre held it, and does not any more."""
        row.arrived_ms, row.again_ms = None, now_ms
        if row.open:
            self.waiting[row.id] = row
            if row.urgency == "A":
                self.urgent[row.id] = row

    def close(self) -> None:
        """Let go of the file."""
        if self._con is not None:
            self._con.close()
            self._con = None

    def _settle(self, row: Written) -> None:
        self.waiting.pop(row.id, None)
        self.urgent.pop(row.id, None)

    def _another(self, now_ms: int) -> list[Written]:
        """The disk has been cut, or the card is another: what stands on it is read before anybody uses it."""
        self.close()
        before, self._path = self._path, self.host.disk_path
        self._life = self.host.disk_life
        found: list[Written] = []
        if before is not None and self._path.exists():
            copy = self._copied(self._path)
            with closing(sqlite3.connect(copy)) as con:
                if _is_ours(con):
                    found = self._take(con, now_ms)
                    there = {(self.key, str(stream), int(seq)) for seq, stream in con.execute(_THERE)}
                    self._missing(there, now_ms)
                    self._last = _last(con)
                else:
                    self._missing(set(), now_ms)
            shutil.rmtree(copy.parent)
        elif before is not None:
            self._missing(set(), now_ms)
            self._last = 0
        self._seen = (-1, -1, -1)
        self._inode = 0
        return found

    def _copied(self, path: Path) -> Path:
        folder = self._folder / f"{self.key}-image"
        folder.mkdir(parents=True, exist_ok=True)
        for side in SIDES:
            source = path.with_name(path.name + side)
            if source.exists():
                shutil.copyfile(source, folder / (path.name + side))
        return folder / path.name

    def _missing(self, there: set[Id], now_ms: int) -> None:
        """What was promised and is not there any more: its card is gone, or a promise is broken."""
        gone = [row for row in self.waiting.values() if row.id not in there and not self._buried_here(row)]
        another = self.host.card != max((row.card for row in self.rows.values()), default=self.host.card)
        if another:
            self.card_ms = now_ms
        for row in gone:
            row.died = True
            self._settle(row)
        (self.died if another else self.vanished).extend(gone)

    def _buried_here(self, row: Written) -> bool:
        for tomb in self.tombstones:
            body = tomb.event.body
            if isinstance(body, Tombstone) and body.stream == row.stream and body.first_seq <= row.seq <= body.last_seq:
                return not tomb.died
        return False

    def _read(self, now_ms: int) -> list[Written]:
        assert self._path is not None  # noqa: S101 - read only after a path was found
        if not self._path.exists():
            return []
        inode = self._path.stat().st_ino
        if self._con is None or inode != self._inode:
            # A damaged file is moved aside and another takes its name.
            if self._con is not None:
                self._missing(set(), now_ms)
                self._last = 0
            self.close()
            self._con = sqlite3.connect(self._path, isolation_level=None)
            self._inode = inode
        return self._take(self._con, now_ms)

    def _take(self, con: sqlite3.Connection, now_ms: int) -> list[Written]:
        found: list[Written] = []
        for seq, stream, urgency, kind, device, body in con.execute(_NEW, (self._last,)).fetchall():
            row = Written(self.key, stream, seq, urgency, kind, device, bytes(body), now_ms, self.host.card)
            self._last = max(self._last, seq)
            if row.id in self.rows:
                continue
            self.rows[row.id] = self.waiting[row.id] = row
            if urgency == "A":
                self.urgent[row.id] = row
            if kind == "tombstone":
                self.tombstones.append(row)
            found.append(row)
        return found


def _is_ours(con: sqlite3.Connection) -> bool:
    found = con.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('rows', 'streams')").fetchone()
    return bool(found[0] == 2)


def _last(con: sqlite3.Connection) -> int:
    found = con.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    return int(found[0]) if found else 0
