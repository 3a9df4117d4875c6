"""How fast service time runs, and what that does to limits. Serves every arrow.

Pure. Owns the arithmetic between real and service time, and the record by which the processes of a demo share it.
Must not know files or who reads it. In production nothing of this is used: the pace is 1.

Service time is wall time and boot time together. A change of speed bends the line and never breaks it: the record
names the moment at which the speed changes and the speed before it, so that every process reads the same time on
both sides of that moment, whether it reads the record before or after.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

from nattevakt.edge.errors import RejectError

SPEED_MAX = 120.0
REAL_LEAST_MS = 5_000
"""While service time is sped up, no limit is shorter than this in real time."""
RECENT_MS = 10_000
"""For so long, in real time, a speed that has ended still counts for limits."""
LEAD_MS = 50
"""A change is written this long before it takes effect, so that nobody has read past it."""
MARK = "this-is-demo-data"
"""The file that marks a folder as a demo's. Nothing outside such a folder is ever run at another speed."""
TRIES = 5
SLACK_MS = 2_000

_LAYOUT = struct.Struct("<8sqqqddd")
_MAGIC = b"nvpace1\n"
BYTES = _LAYOUT.size + 4


def stretched(limit_ms: int, pace: float) -> int:
    """A limit for ages in service time, such that it is never shorter than 5 s real while time is sped up."""
    return limit_ms if pace <= 1 else max(limit_ms, round(REAL_LEAST_MS * pace))


@dataclass(frozen=True, slots=True)
class Pace:
    """From `real_ns` on, service time runs at `speed`; until then it ran at `before`.

    service_ms and boottime_ms: wall and boot time at that moment. real_ns: CLOCK_MONOTONIC then, the same for all
    processes of the machine. recent: the highest speed that still counted for limits at that moment.
    """

    service_ms: int
    boottime_ms: int
    real_ns: int
    speed: float = 1.0
    before: float = 1.0
    recent: float = 1.0

    def passed_ms(self, real_ns: int) -> int:
        """Service milliseconds from the moment of change to `real_ns`, negative before it."""
        real = real_ns - self.real_ns
        return int(real * (self.speed if real >= 0 else self.before) / 1e6)

    def speed_at(self, real_ns: int) -> float:
        """The speed in force at `real_ns`."""
        return self.speed if real_ns >= self.real_ns else self.before

    def pace_at(self, real_ns: int) -> float:
        """The highest speed of the last ten real seconds, or of the change that is about to come."""
        recent = real_ns - self.real_ns < RECENT_MS * 1_000_000
        return max(self.speed, self.before, self.recent) if recent else self.speed

    def changed(self, speed: float, real_ns: int) -> Pace:
        """Another speed from `real_ns` on, where this record's own change lies behind; raises RejectError."""
        if real_ns < self.real_ns:
            raise RejectError("pace.real_ns", "the last change has not come yet")
        passed_ms = self.passed_ms(real_ns)
        # What had not ended its ten seconds counts for ten more: too long a limit does no harm here.
        recent = self.pace_at(real_ns)
        at = (self.service_ms + passed_ms, self.boottime_ms + passed_ms, real_ns)
        return _checked(Pace(*at, speed, self.speed, recent))

    def to_bytes(self) -> bytes:
        """The record, of a fixed size and with a checksum, so that half of one is known for what it is."""
        speeds = (self.speed, self.before, self.recent)
        body = _LAYOUT.pack(_MAGIC, self.service_ms, self.boottime_ms, self.real_ns, *speeds)
        return body + crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, raw: bytes) -> Pace:
        """Read a record; raises RejectError for anything that is none."""
        body = raw[: _LAYOUT.size]
        if len(raw) != BYTES or not raw.startswith(_MAGIC):
            raise RejectError("pace", "is no pace file")
        if crc32(body).to_bytes(4, "little") != raw[_LAYOUT.size :]:
            raise RejectError("pace", "has a wrong checksum")
        return _checked(cls(*_LAYOUT.unpack(body)[1:]))


def _checked(pace: Pace) -> Pace:
    for name in ("speed", "before", "recent"):
        if not 1 <= getattr(pace, name) <= SPEED_MAX:
            raise RejectError(f"pace.{name}", f"must be from 1 to {SPEED_MAX:g}")
    if not (0 <= pace.service_ms < 1 << 53 and 0 <= pace.boottime_ms < 1 << 53 and 0 <= pace.real_ns < 1 << 62):
        raise RejectError("pace", "is out of range")
    return pace


@dataclass(frozen=True, slots=True)
class Reading:
    """Service time at one real moment."""

    service_ms: int
    boottime_ms: int
    real_ns: int
    speed: float
    pace: float


class Follower:
    """Reads the record again and again; service time never goes back and never leaps.

    read: gives the file's bytes now, b"" where it cannot. Not for several threads at once. Raises RejectError only
    when made: later on, what cannot be read or cannot follow from what was read before is passed over.
    """

    def __init__(self, read: Callable[[], bytes], real_ns: int) -> None:
        self._read = read
        self._pace = self._fresh(TRIES)
        self._last = _reading(self._pace, real_ns)

    def at(self, real_ns: int) -> Reading:
        """Service time at `real_ns`, which is to be taken before the call."""
        try:
            found = _reading(fresh := self._fresh(TRIES), real_ns)
            if self._follows(found):
                self._pace = fresh
        except RejectError:
            pass
        now = _reading(self._pace, real_ns)
        if now.service_ms >= self._last.service_ms and now.boottime_ms >= self._last.boottime_ms:
            self._last = now
            return now
        return Reading(self._last.service_ms, self._last.boottime_ms, real_ns, now.speed, now.pace)

    def _fresh(self, tries: int) -> Pace:
        # A record that is just being written is whole a moment later.
        for _ in range(tries - 1):
            try:
                return Pace.from_bytes(self._read())
            except RejectError:
                continue
        return Pace.from_bytes(self._read())

    def _follows(self, now: Reading) -> bool:
        """Whether the time that a record gives can have come from the last reading at an allowed speed."""
        real_ms = (now.real_ns - self._last.real_ns) / 1e6
        for then, here in (
            (self._last.service_ms, now.service_ms),
            (self._last.boottime_ms, now.boottime_ms),
        ):
            if not real_ms - SLACK_MS <= here - then <= real_ms * SPEED_MAX + SLACK_MS:
                return False
        return True


def _reading(pace: Pace, real_ns: int) -> Reading:
    passed_ms = pace.passed_ms(real_ns)
    return Reading(
        pace.service_ms + passed_ms,
        pace.boottime_ms + passed_ms,
        real_ns,
        pace.speed_at(real_ns),
        pace.pace_at(real_ns),
    )
