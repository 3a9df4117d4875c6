"""Local wall-time windows ("from 23:00 to 07:00"), right on both DST nights. Serves arrow 7.

Owns local time for all rules. Must not know what a window is for. An instant always has exactly one local
reading, so asking "is this instant inside" needs no special case when a local hour is missing or comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NORWAY = "Europe/Oslo"
DAY_MINUTES = 24 * 60
EVERY_DAY = 127


@dataclass(frozen=True, slots=True)
class Window:
    """A part of some days in local wall time: from `from_minute` (included) to `to_minute` (excluded).

    Minutes since local midnight, 0 to 1439. from > to passes over midnight; from == to is the whole day. weekdays:
    one bit for each local weekday on which it begins, Monday 1 to Sunday 64; 127 is every day.
    """

    from_minute: int
    to_minute: int
    weekdays: int = EVERY_DAY

    def __post_init__(self) -> None:
        if not (0 <= self.from_minute < DAY_MINUTES and 0 <= self.to_minute < DAY_MINUTES):
            raise ValueError(f"minutes of a window must be 0 to 1439, not {self.from_minute} to {self.to_minute}")
        if not 0 < self.weekdays <= EVERY_DAY:
            raise ValueError(f"weekdays of a window must be 1 to {EVERY_DAY}, not {self.weekdays}")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


QUARTER_MS = 900_000
DAY_MS = DAY_MINUTES * 60_000
EPOCH = date(1970, 1, 1)
THURSDAY = 3
"""The weekday of 1970-01-01, Monday being 0."""


@lru_cache(maxsize=4096)
def _offset_ms(tz: str, quarter: int) -> int:
    """How far local time is ahead of UTC in a quarter of an hour; clocks are changed at the beginning of one."""
    local = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, _zone(tz))
    offset = local.utcoffset()
    return round(offset.total_seconds() * 1000) if offset is not None else 0


def local_ms(at_ms: int, tz: str = NORWAY) -> int:
    """What the local wall clock reads at this instant, as milliseconds since local 1970."""
    return at_ms + _offset_ms(tz, at_ms // QUARTER_MS)


def local_day(at_ms: int, tz: str = NORWAY) -> int:
    """The local date of an instant, as days since 1970-01-01."""
    return local_ms(at_ms, tz) // DAY_MS


def local_minute(at_ms: int, tz: str = NORWAY) -> int:
    """Minutes since local midnight, 0 to 1439, as the local wall clock reads them."""
    return local_ms(at_ms, tz) % DAY_MS // 60_000


def _falls_on(weekdays: int, day: int) -> bool:
    return weekdays >> (day + THURSDAY) % 7 & 1 == 1


def inside(window: Window, at_ms: int, tz: str = NORWAY) -> bool:
    """Whether the local wall clock at this instant reads a time within the window, begun on one of its weekdays."""
    here_ms = at_ms + _offset_ms(tz, at_ms // QUARTER_MS)
    minute = here_ms // 60_000 % DAY_MINUTES
    begin, end = window.from_minute, window.to_minute
    if window.weekdays == EVERY_DAY:
        return begin <= minute < end if begin < end else minute >= begin or minute < end
    day = here_ms // DAY_MS
    if begin < end:
        return begin <= minute < end and _falls_on(window.weekdays, day)
    if minute >= begin:
        return _falls_on(window.weekdays, day)
    return minute < end and _falls_on(window.weekdays, day - 1)


@lru_cache(maxsize=4096)
def _reads_ms(minute: int, day: int, tz: str) -> int:
    """When the local clock reads this minute of this local day; kept, because rules ask thousands of times a night."""
    at = datetime.combine(EPOCH + timedelta(days=day), time(minute // 60, minute % 60), _zone(tz))
    return round(at.timestamp() * 1000)


def next_at_ms(minute: int, after_ms: int, tz: str = NORWAY, weekdays: int = EVERY_DAY) -> int:
    """The first instant later than `after_ms` at which the local clock reads this minute of one of these weekdays.

    A minute that the local clock skips in spring is the moment of the skip plus what was left of it; one that comes
    twice in autumn is the first.
    """
    today = (after_ms + _offset_ms(tz, after_ms // QUARTER_MS)) // DAY_MS
    for day in range(today - 1, today + 9):
        if weekdays == EVERY_DAY or _falls_on(weekdays, day):
            found = _reads_ms(minute, day, tz)
            if found > after_ms:
                return found
    raise ValueError(f"no weekday in {weekdays}")


def next_start_ms(window: Window, after_ms: int, tz: str = NORWAY) -> int:
    """The first instant later than `after_ms` at which the window begins."""
    return next_at_ms(window.from_minute, after_ms, tz, window.weekdays)


def touches(windows: Iterable[Window], from_ms: int, to_ms: int, tz: str = NORWAY) -> bool:
    """Whether any instant of the interval lies in any of the windows; a doubtful time counts as inside."""
    if from_ms == to_ms:
        return any(inside(window, from_ms, tz) for window in windows)
    return any(
        inside(window, from_ms, tz) or inside(window, to_ms, tz) or next_start_ms(window, from_ms, tz) <= to_ms
        for window in windows
    )
