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
ORDER_MS = 60_000
"""A batch may have taken so long on its way. A moment that is further out of its order is not late: a clock was set."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One moment of one boot on both clocks, from its `clock_synchronised` event."""

    boottime_ms: int
    wall_ms: int


@dataclass(slots=True)
class Dated:
    """The newest moment that is known of one stream: by the centre's clock, and by the gateway's steady one.

    seq: the last row that was dated, which may be one of stored history. boot, boottime_ms: None in streams of old.
    """

    seq: int | None = None
    at_ms: int | None = None
    boot: str | None = None
    boottime_ms: int | None = None

    def take(self, seq: int, at: Moment, at_ms: int) -> None:
        """A later row, whose moment is known, was dated."""
        self.seq = seq
        # A row of stored history stands before rows that came earlier; it was told after them all the same.
        is_older = at.boot == self.boot and self.boottime_ms is not None and at.boottime_ms < self.boottime_ms
        if self.at_ms is None or (at_ms >= self.at_ms and not is_older):
            self.at_ms, self.boot, self.boottime_ms = at_ms, at.boot, at.boottime_ms

    def in_order(self, at: Moment, found: Occurred, received_ms: int) -> Occurred:
        """What was found for `at`, but on its side of the newest moment.

        What a batch took on its way shifts all its events; the steady clock of one boot knows better which was first.
        """
        known_ms = self.at_ms
        if known_ms is None or self.boottime_ms is None or at.boot != self.boot:
            return found
        if found.to_ms < known_ms:
            wrong = at.boottime_ms >= self.boottime_ms
        else:
            # An older word of a device must not stand beside a newer one: whoever takes it last would be wrong.
            known_ms -= at.boottime_ms < self.boottime_ms
            wrong = found.to_ms > known_ms and at.boottime_ms <= self.boottime_ms
        if not wrong or abs(found.to_ms - known_ms) > ORDER_MS:
            return found
        to_ms = max(0, min(known_ms, received_ms))
        return Occurred(min(found.from_ms, to_ms) if found.uncertain else to_ms, to_ms)


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
            since_ms = self.sent.boottime_ms - at.boottime_ms
            at_ms = self.received_ms - since_ms if since_ms > 0 else self.received_ms
            if at.synced and -WALL_AGREES_MS <= at.wall_ms - at_ms <= WALL_AGREES_MS:
                at_ms = at.wall_ms
            if 0 <= at_ms <= self.received_ms:  # as nearly always
                return Occurred(at_ms, at_ms)
            return self._exact(at_ms)
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
