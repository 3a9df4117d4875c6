"""Local wall-time windows ("from 23:00 to 07:00"), right on both DST nights. Serves arrow 7.

Owns local time for all rules. Must not know what a window is for. An instant always has exactly one local
reading, so asking "is this instant inside" needs no special case when a local hour is missing or comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NORWAY = "Europe/Oslo"
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """A part of every day in local wall time: from `from_minute` (included) to `to_minute` (excluded).

    Minutes since local midnight, 0 to 1439. from > to passes over midnight; from == to is the whole day.
    """

    from_minute: int
    to_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.from_minute < DAY_MINUTES and 0 <= self.to_minute < DAY_MINUTES):
            raise ValueError(f"minutes of a window must be 0 to 1439, not {self.from_minute} to {self.to_minute}")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(at_ms: int, tz: str) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(_zone(tz))


def inside(window: Window, at_ms: int, tz: str = NORWAY) -> bool:
    """Whether the local wall clock at this instant reads a time within the window."""
    local = _local(at_ms, tz)
    minute = local.hour * 60 + local.minute
    if window.from_minute == window.to_minute:
        return True
    if window.from_minute < window.to_minute:
        return window.from_minute <= minute < window.to_minute
    return minute >= window.from_minute or minute < window.to_minute


def next_start_ms(window: Window, after_ms: int, tz: str = NORWAY) -> int:
    """The first instant later than `after_ms` at which the window begins.

    A beginning that the local clock skips in spring is the moment of the skip plus what was left of it; one
    that comes twice in autumn is the first.
    """
    local = _local(after_ms, tz)
    at = time(window.from_minute // 60, window.from_minute % 60)
    starts = (
        round(datetime.combine(local.date() + timedelta(days=day), at, _zone(tz)).timestamp() * 1000)
        for day in range(-1, 3)
    )
    return min(start for start in starts if start > after_ms)


def touches(windows: Iterable[Window], from_ms: int, to_ms: int, tz: str = NORWAY) -> bool:
    """Whether any instant of the interval lies in any of the windows; a doubtful time counts as inside."""
    return any(
        inside(window, from_ms, tz) or inside(window, to_ms, tz) or next_start_ms(window, from_ms, tz) <= to_ms
        for window in windows
    )
