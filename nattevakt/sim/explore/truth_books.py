"""What the centre holds, read beside the product: events, alarms and their histories, marks. Serves the judge.

Owns a connection of its own to the centre's file and a mirror of what it has seen there, brought up to date after each
piece of work that the centre did; only what is new is read. Must not know what is right or wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nattevakt.sim.centre import Centre
from nattevakt.sim.explore.truth_rows import Id

ALL_AGAIN_MS = 60_000
"""How often everything is looked through, also where nothing has said that it changed."""
_NEWEST = "SELECT (SELECT sum(seq) FROM live_seq), (SELECT max(rowid) FROM events), (SELECT max(id) FROM refused_rows)"
_EVENTS = (
    "SELECT rowid, gateway_id, stream_id, seq, variant, kind, urgency, device, occurred_from_ms, occurred_to_ms,"
    " received_ms, sha256, alarm_id, outcome_reason, twin_of FROM events WHERE rowid > ? ORDER BY rowid"
)
_MOVES = (
    "SELECT id, alarm_id, from_state, to_state, at_ms, staff_id, cause, detail FROM transitions"
    " WHERE id > ? ORDER BY id"
)
_ALARMS = (
    "SELECT id, subject, rule, kind, priority, room_id, resident_id, state, version, sound_seq, raised_ms,"
    " occurred_from_ms, occurred_to_ms, reason_code, taken_by, on_site_ms, closed_ms, ward_id FROM alarms WHERE id IN "
)
_HOLDS = "SELECT rowid, rule, gateway_id, stream_id, seq, variant, alarm_id FROM alarm_events WHERE rowid > ?"
_REFUSED = "SELECT id, gateway_id, stream, seq, urgent FROM refused_rows WHERE id > ? ORDER BY id"
Variant = tuple[Id, int]


@dataclass(slots=True)
class Held:
    """One event row at the centre. seen_ms: the true moment at which it was first seen there."""

    id: Id
    variant: int
    kind: str
    urgency: str
    device: str | None
    from_ms: int
    to_ms: int
    received_ms: int
    sha256: bytes
    alarm_id: int | None
    reason: str | None
    twin_of: str | None
    seen_ms: int


@dataclass(slots=True)
class Move:
    """One row of an alarm's history. seen_ms: the true moment at which it was first seen."""

    id: int
    alarm_id: int
    from_state: str | None
    to_state: str
    at_ms: int
    staff_id: int | None
    cause: str
    detail: dict[str, Any]
    seen_ms: int

    @property
    def sounds(self) -> bool:
        """Whether it rang with this."""
        return self.cause in ("raise", "sound")


@dataclass(slots=True)
class Alarm:
    """One alarm as it stands, with its history."""

    id: int
    subject: str
    rule: str
    kind: str
    priority: int
    room_id: int | None
    resident_id: int | None
    state: str
    version: int
    sound_seq: int
    raised_ms: int
    from_ms: int
    to_ms: int
    reason: str
    taken_by: int | None
    on_site_ms: int | None
    closed_ms: int | None
    ward_id: int
    moves: list[Move] = field(default_factory=list)
    holds: list[Variant] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether something is still wanted of somebody."""
        return self.closed_ms is None


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as the centre holds it. missing: the gaps that it knows of."""

    id: int
    gateway: str
    name: str
    first: int | None
    mark: int
    ranges: tuple[tuple[int, int], ...]
    missing: bool


@dataclass(slots=True)
class News:
    """What one look brought. restored: the centre holds less than it did."""

    held: list[Held] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    refused: list[tuple[Id, bool]] = field(default_factory=list)
    lost: list[Id] = field(default_factory=list)
    restarted: bool = False
    restored: bool = False

    @property
    def empty(self) -> bool:
        """Whether there was nothing new."""
        brought = self.held or self.moves or self.alarms or self.refused or self.lost
        return not (brought or self.restarted or self.restored)


class Books:
    """The centre's database as a stranger reads it."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.events: dict[Id, Held] = {}
        self.variants: list[Held] = []
        """Rows that claim an id that another row had."""
        self.alarms: dict[int, Alarm] = {}
        self.holders: dict[tuple[str, Id, int], list[int]] = {}
        """Which alarms hold an event, by the rule that they stand under."""
        self.refused: set[Id] = set()
        self.gateways: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._streams: dict[int, str] = {}
        self._con: sqlite3.Connection | None = None
        self._path: Path | None = None
        self._life = -1
        self._works = -1
        self._last = {"events": 0, "transitions": 0, "alarm_events": 0, "refused_rows": 0}
        self._all_at_ms = 0
        self._newest: list[int | None] = []
        self._live = -1

    def look(self, now_ms: int) -> News | None:
        """Read what is new; None where there is nothing, or the centre is down."""
        centre = self.centre
        if not centre.up:
            return None
        restarted = centre.lives != self._life
        if not restarted and centre.works == self._works and now_ms < self._all_at_ms:
            return None
        everything = restarted or now_ms >= self._all_at_ms
        self._works = centre.works
        news = News(restarted=restarted)
        if restarted:
            self._open(news)
        if everything:
            self._all_at_ms = now_ms + ALL_AGAIN_MS
        live, *newest = self.ask(_NEWEST)[0]
        if everything or newest != self._newest:
            self._newest = newest
            self._read_events(news, now_ms)
        if everything or live != self._live:
            self._live = live
            self._read_alarms(news, now_ms)
        return None if news.empty else news

    @property
    def all_at_ms(self) -> int:
        """When everything is looked through the next time, also where nothing is done until then."""
        return self._all_at_ms

    def ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Any question to the centre's file, while the centre is up."""
        assert self._con is not None  # noqa: S101 - asked only after a look
        return self._con.execute(statement, tuple(values)).fetchall()

    @property
    def readable(self) -> bool:
        """Whether there is somebody to ask."""
        return self._con is not None and self.centre.up and self._life == self.centre.lives

    def streams(self) -> list[Stream]:
        """All streams as they stand."""
        found = self.ask("SELECT id, gateway_id, stream, first_seq, mark, ranges, missing FROM streams ORDER BY id")
        return [
            Stream(i, self._keys[g], name, first, mark, tuple(map(tuple, json.loads(ranges))), bool(_json(missing)))
            for i, g, name, first, mark, ranges, missing in found
        ]

    def close(self) -> None:
        """Let go of the file."""
        if self._con is not None:
            self._con.close()
            self._con = None

    def _open(self, news: News) -> None:
        self.close()
        self._path, self._life = self.centre.path, self.centre.lives
        self._con = sqlite3.connect(self._path, isolation_level=None)
        self._keys = dict(self.ask("SELECT id, key FROM gateways"))
        self.gateways = {key: number for number, key in self._keys.items()}
        count, last = self.ask("SELECT count(*), coalesce(max(rowid), 0) FROM events")[0]
        if count < len(self.events) + len(self.variants) or last < self._last["events"]:
            self._fall_back(news)
        newest = self.ask("SELECT coalesce(max(id), 0) FROM transitions")[0][0]
        if newest < self._last["transitions"]:
            news.restored = True
            self._forget_alarms()

    def _fall_back(self, news: News) -> None:
        """The file holds less than it did: what is gone is told, and what is left is read again from the start."""
        self._streams = dict(self.ask("SELECT id, stream FROM streams"))
        there = {
            (self._keys[g], self._streams[s], seq)
            for g, s, seq in self.ask("SELECT gateway_id, stream_id, seq FROM events")
        }
        news.restored = True
        news.lost = [name for name in self.events if name not in there]
        for name in news.lost:
            del self.events[name]
        self._last["events"] = self.ask("SELECT coalesce(max(rowid), 0) FROM events")[0][0]
        self._forget_alarms()

    def _forget_alarms(self) -> None:
        self.alarms.clear()
        self.holders.clear()
        self._last["transitions"] = self._last["alarm_events"] = 0

    def _read_events(self, news: News, now_ms: int) -> None:
        for row in self.ask(_EVENTS, (self._last["events"],)):
            self._last["events"] = row[0]
            stream = self._streams.get(row[2])
            if stream is None:
                self._streams = dict(self.ask("SELECT id, stream FROM streams"))
                stream = self._streams[row[2]]
            name = (self._keys[row[1]], stream, row[3])
            variant, kind, urgency, device, from_ms, to_ms, received_ms, sha256, alarm_id, reason, twin_of = row[4:]
            told = (variant, kind, urgency, device, from_ms, to_ms, received_ms, bytes(sha256))
            held = Held(name, *told, alarm_id, reason, twin_of, now_ms)
            if held.variant:
                self.variants.append(held)
            else:
                self.events[name] = held
            news.held.append(held)
        for number, gateway_id, stream, seq, urgent in self.ask(_REFUSED, (self._last["refused_rows"],)):
            self._last["refused_rows"] = number
            if stream is not None and seq is not None:
                name = (self._keys[gateway_id], stream, seq)
                self.refused.add(name)
                news.refused.append((name, bool(urgent)))

    def _read_alarms(self, news: News, now_ms: int) -> None:
        rows = self.ask(_MOVES, (self._last["transitions"],))
        moves = [Move(i, a, f, t, at, who, why, json.loads(said), now_ms) for i, a, f, t, at, who, why, said in rows]
        if moves:
            self._last["transitions"] = moves[-1].id
        changed = sorted({move.alarm_id for move in moves})
        for first in range(0, len(changed), 500):
            some = changed[first : first + 500]
            for row in self.ask(f"{_ALARMS}({','.join('?' * len(some))})", some):
                self._note(row)
        for move in moves:
            self.alarms[move.alarm_id].moves.append(move)
        for row in self.ask(_HOLDS, (self._last["alarm_events"],)):
            self._last["alarm_events"] = row[0]
            name = (self._keys[row[2]], self._stream(row[3]), row[4])
            self.alarms[row[6]].holds.append((name, row[5]))
            self.holders.setdefault((row[1], name, row[5]), []).append(row[6])
        # What is read once more after a restore is no news.
        news.moves = [] if news.restored else moves
        news.alarms = [self.alarms[number] for number in changed]

    def _note(self, row: tuple[Any, ...]) -> None:
        known = self.alarms.get(row[0])
        fresh = Alarm(*row)
        if known is not None:
            fresh.moves, fresh.holds = known.moves, known.holds
        self.alarms[row[0]] = fresh

    def _stream(self, number: int) -> str:
        if number not in self._streams:
            self._streams = dict(self.ask("SELECT id, stream FROM streams"))
        return self._streams[number]


def _json(value: str | None) -> Any:
    return None if value is None else json.loads(value)
