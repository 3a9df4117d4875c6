"""From four clock readings to when something happened, in central time. Serves arrow 6.

Pure. Owns the arithmetic of clocks that may be wrong, decades off or hostile. Must not know events or storage.
Never raises, and never says that something happened after the centre heard of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.events import Moment
from nattevakt.edge.rules.rule import Occurred

WALL_AGREES_MS = 10_000
"""A synchronised wall time this near to what the steady clock says is the better of the two."""
DOUBT_MS = 24 * 3_600_000
"""How far back a moment may lie of which nothing at all is known."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One moment of one boot on both clocks, from its `clock_synchronised` event."""

    boottime_ms: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is known when one batch is dated.

    sent: the gateway's clocks when it sent. received_ms: ours when it came. boots: pairs by boot id.
    """

    sent: Moment
    received_ms: int
    boots: Mapping[str, Pair] = field(default_factory=dict)

    def occurred(self, at: Moment, since: Moment | None = None, floor_ms: int | None = None) -> Occurred:
        """When `at` was; with `since`, the interval between the two.

        floor_ms: a moment known to lie before it, used where the clocks say nothing.
        """
        end = self._moment(at, floor_ms)
        if since is None:
            return end
        begin = self._moment(since, floor_ms)
        return Occurred(min(begin.from_ms, end.from_ms), end.to_ms)

    def _moment(self, at: Moment, floor_ms: int | None) -> Occurred:
        if at.boot == self.sent.boot:
            counted = self.received_ms - max(0, self.sent.boottime_ms - at.boottime_ms)
            if at.synced and abs(at.wall_ms - counted) <= WALL_AGREES_MS:
                return self._exact(at.wall_ms)
            return self._exact(counted)
        pair = self.boots.get(at.boot)
        if pair is not None:
            return self._exact(pair.wall_ms + at.boottime_ms - pair.boottime_ms)
        if at.synced:
            return self._exact(at.wall_ms)
        known = self.received_ms - DOUBT_MS if floor_ms is None else floor_ms
        return Occurred(self._within(known), self.received_ms)

    def _exact(self, at_ms: int) -> Occurred:
        within = 0 if at_ms < 0 else min(at_ms, self.received_ms)
        return Occurred(within, within)

    def _within(self, at_ms: int) -> int:
        return min(max(at_ms, 0), self.received_ms)
