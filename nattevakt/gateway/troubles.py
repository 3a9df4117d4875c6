"""What the gateway itself suffers from: a disk that takes nothing, a damaged file, sources that are down. Serves
arrows 1 to 5 where they fail.

Owns since when each lasts, how long the disk is left alone after it failed, and the words for it. Must not know rows,
drivers or the centre.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.pace import stretched
from nattevakt.gateway.inputs import Now

STORE_RETRY_MAX_S = 5.0
SOURCE_FAULT_MS = 30_000
DAMAGED_FAULT_MS = 24 * 3_600_000
DAMAGED = "store: a damaged file was moved aside, unsent events may be lost"


class Troubles:
    """What is wrong with this machine, as the core learns of it. retry_at_s: when the disk is tried again."""

    def __init__(self) -> None:
        self.retry_at_s = 0.0
        self.store: str | None = None
        """What the disk said last, None since it has taken something."""
        self._failures = 0
        self._damaged_ms: int | None = None
        self._down_since_ms: dict[str, int] = {}

    def store_failed(self, said: str, now: Now) -> None:
        """The disk has taken nothing: it is left alone for a little, and for longer each time."""
        self._failures += 1
        self.store = said
        self.retry_at_s = now.mono_s + min(STORE_RETRY_MAX_S, 0.1 * 2 ** min(self._failures, 10))

    def stored_again(self) -> None:
        """The disk has taken what it was given."""
        self.store = None
        self._failures = 0
        self.retry_at_s = 0.0

    def damaged(self, now: Now) -> None:
        """The outbox began anew, for its file was damaged."""
        self._damaged_ms = now.moment.boottime_ms

    def sources(self, states: Mapping[str, str], now: Now) -> None:
        """What sources have said of themselves, by name."""
        for source, state in states.items():
            if state == "up":
                self._down_since_ms.pop(source, None)
            else:
                self._down_since_ms.setdefault(source, now.moment.boottime_ms)

    def of_store(self, now: Now) -> dict[str, str]:
        """What is wrong with the disk, by key."""
        found: dict[str, str] = {}
        if self.store is not None:
            found["store"] = self.store
        if self._damaged_ms is not None and now.moment.boottime_ms - self._damaged_ms < DAMAGED_FAULT_MS:
            found["damaged"] = DAMAGED
        return found

    def of_sources(self, states: Mapping[str, str], now: Now) -> dict[str, str]:
        """Which sources have been down for too long, by key. states: how they stand, in their own words."""
        limit_ms = stretched(SOURCE_FAULT_MS, now.pace)
        return {
            f"source {source}": f"source: {source} is {states[source]}"
            for source, since_ms in self._down_since_ms.items()
            if now.moment.boottime_ms - since_ms > limit_ms
        }
