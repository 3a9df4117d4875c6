"""Virtual time: one true time that jumps from moment to moment, and the clocks of the machines that live in it.

Owns the heap of what is going to happen and every clock of the simulated world; a gateway's clock may drift, be set
wrong, or believe in 1970 until it is synchronised. Must not know gateways, the centre or what happens. Nothing here
reads the machine's own clocks: a second costs nothing unless something happens in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from nattevakt.edge.events import Moment

Action = Callable[[], None]


class Appointment(list[Any]):
    """Something that is going to happen: when, the how-manieth that was told of, and what. Compared as a list is."""

    __slots__ = ()

    def drop(self) -> None:
        """It does not happen after all; does nothing where it has happened."""
        self[2] = None


class Timeline:
    """The true time (Unix ms), and what happens when. Two things of one moment happen in the order they were told."""

    def __init__(self, begins_ms: int) -> None:
        self.now_ms = begins_ms
        self.steps = 0
        """How many things have happened."""
        self._heap: list[Appointment] = []
        self._told = 0

    def at(self, at_ms: int, action: Action) -> Appointment:
        """Let something happen at this moment, or at once where it has passed."""
        self._told += 1
        made = Appointment((max(at_ms, self.now_ms), self._told, action))
        heapq.heappush(self._heap, made)
        return made

    def after(self, ms: int, action: Action) -> Appointment:
        """Let something happen so much later."""
        return self.at(self.now_ms + ms, action)

    def run(self, until_ms: int, each: Action | None = None) -> None:
        """Let everything happen up to and including this moment; then it is that moment. each: called after each."""
        while self._heap and self._heap[0][0] <= until_ms:
            at_ms, _, action = heapq.heappop(self._heap)
            if action is None:
                continue
            self.now_ms = at_ms
            self.steps += 1
            action()
            if each is not None:
                each()
        self.now_ms = max(self.now_ms, until_ms)


@dataclass(slots=True)
class CentreClock:
    """The centre's clocks, as its code wants them. offset_ms: how far its wall clock is ahead of the truth."""

    line: Timeline
    offset_ms: int = 0

    def now_ms(self) -> int:
        """Service time."""
        return self.line.now_ms + self.offset_ms

    def monotonic(self) -> float:
        """Seconds that never step; in this world they are the same seconds."""
        return self.line.now_ms / 1000

    def real_ms(self) -> int:
        """The same as service time: nobody's time is sped up here, it only jumps."""
        return self.now_ms()

    def pace(self) -> float:
        """Always 1."""
        return 1.0

    def speed(self) -> float | None:
        """None: this is no demo."""
        return None


@dataclass(slots=True)
class GatewayClock:
    """One gateway's clocks. drift_ppm: how much its steady clock runs ahead. offset_ms: how far its wall clock is
    ahead of the truth once it is synchronised. synced_from_ms: true moment from which it is synchronised.

    What befalls it while it runs goes through `drifts`, `steps` and `unsynchronised`, which add up and can be undone.
    """

    line: Timeline
    chance: Random
    drift_ppm: int = 0
    offset_ms: int = 0
    synced_from_ms: int = 0
    lost_ms: int | None = None
    """Wall time that an unsynchronised clock shows at its boot (0: 1970); None: it goes on with the right time."""
    lies: bool = False
    """It says that it is synchronised when it is not (a broken twin)."""
    boot: str = ""
    booted_ms: int = 0
    _since_ms: int = 0
    _up_ms: int = 0
    """Boot time as it was at true time `_since_ms`, when the quartz last changed its speed."""

    def power_on(self) -> None:
        """The machine starts: a new boot id, and boot time from (nearly) nought."""
        self.boot = f"{self.chance.getrandbits(64):016x}"
        # The kernel has been up for a while when the agent starts.
        self.booted_ms = self._since_ms = self.line.now_ms - 20_000
        self._up_ms = 0

    def drifts(self, ppm: int) -> None:
        """The quartz runs so much faster (or slower) from now on; nothing steps."""
        self._up_ms, self._since_ms = self.boottime_ms(), self.line.now_ms
        self.drift_ppm += ppm

    def steps(self, ms: int) -> None:
        """The wall clock is set so much ahead (or back)."""
        self.offset_ms += ms

    def unsynchronised(self, until_ms: int, shows_ms: int | None = None) -> None:
        """Not synchronised until this true moment, or as long as it is not already. shows_ms: as `lost_ms`."""
        self.synced_from_ms = max(self.synced_from_ms, until_ms)
        if shows_ms is not None:
            self.lost_ms = shows_ms

    def boottime_ms(self) -> int:
        """Milliseconds since the boot by this machine's own quartz."""
        up_ms = self.line.now_ms - self._since_ms
        return self._up_ms + up_ms + up_ms * self.drift_ppm // 1_000_000

    def monotonic(self) -> float:
        """Seconds for waits; like boot time it runs at the quartz's speed."""
        return self.boottime_ms() / 1000

    @property
    def synced(self) -> bool:
        """Whether the wall clock is synchronised now."""
        return self.line.now_ms >= self.synced_from_ms

    def now(self) -> Moment:
        """All four clock values."""
        boottime_ms = self.boottime_ms()
        if self.synced or self.lost_ms is None:
            wall_ms = self.line.now_ms + self.offset_ms
        else:
            wall_ms = self.lost_ms + boottime_ms
        return Moment(self.boot, boottime_ms, wall_ms, self.synced or self.lies)

    def true_ms(self, mono_s: float) -> int:
        """The true moment at which `monotonic` will read this, never before now."""
        ahead_ms = round(mono_s * 1000) - self.boottime_ms()
        return self.line.now_ms + max(0, ahead_ms - ahead_ms * self.drift_ppm // 1_000_000)
