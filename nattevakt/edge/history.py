"""What a device stored and tells later: events at their own time, never now. Serves arrow 3.

Owns the dating of stored history, and whether a fact of it is stored already: told twice by the device (the same
values at the same moment), or heard live when it happened (the same value within `SAME_MS`). Must not know any radio,
the outbox or the centre.

History is older than the live word: it never takes the place of a newer state. Where it differs from that state, the
state is told again after it, so that whoever reads the events in their order ends with what is so.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from nattevakt.edge.drivers.driver import Device, Reading, Use
from nattevakt.edge.events import BEFORE_BOOT, Body, FallOver, LeakOver, Measurement, Moment, Motion
from nattevakt.edge.meaning import MOTION_ROW_MS, Ring, Work, edge_of
from nattevakt.edge.measuring import BIG, MEASUREMENT_ROW_MS, measured
from nattevakt.edge.memory import FACTS_KEPT, TOLD_KEPT, DeviceMemory, moment_of

SAME_MS = 10_000
"""A stored fact this near to one that was heard live is that one: devices keep whole seconds, and radio takes some."""
AHEAD_MS = 60_000
"""A device's clock may run ahead of ours by so much; further, it says nothing."""
AGE_MAX_MS = 30 * 24 * 3_600_000
"""No device keeps more; further back, its clock was never set."""


PASSING = frozenset(("battery_percent", "linkquality", "signal_dbm", "supply_v", "last_seen_ms", "repeats"))
"""What belongs to the telegram and not to the fact that it tells."""


def dated(occurred_ms: int, now: Moment, last_heard: Moment | None) -> tuple[Moment, Moment | None]:
    """When a stored fact was, as `Event.at` and `Event.since`; an interval up to now where our clock cannot tell."""
    age_ms = now.wall_ms - occurred_ms
    if not now.synced or not -AHEAD_MS <= age_ms <= AGE_MAX_MS:
        return now, last_heard or Moment(now.boot, 0, max(0, now.wall_ms - now.boottime_ms), now.synced)
    if age_ms <= 0:
        return now, None
    if age_ms > now.boottime_ms:
        return Moment(BEFORE_BOOT, 0, occurred_ms, synced=True), None
    return Moment(now.boot, now.boottime_ms - age_ms, occurred_ms, synced=True), None


class Past(Work):
    """One reading of stored history in the making."""

    def __init__(
        self,
        reading: Reading,
        device: Device | None,
        memory: DeviceMemory,
        now: Moment,
        next_seq: int,
        last_heard: Moment | None,
    ) -> None:
        super().__init__(reading, device, memory, now, next_seq, last_heard, settled=True, unchanged_until=None)
        self.occurred_ms = reading.occurred_ms or 0
        self.at, since = dated(self.occurred_ms, now, last_heard)
        self.certain = since is None
        self.state_since = self.act_since = since
        # Not the telegram's key: one may hold several facts, and the same fact comes again in another.
        fact = sorted((name, value) for name, value in self.values.items() if name not in PASSING)
        self.key = sha256(f"{self.occurred_ms} {fact}".encode("utf-8", "replace")).hexdigest()[:16]

    def told_before(self) -> bool:
        """Whether the device told this very piece of history before; it is remembered from now on."""
        if self.key in self.memory.told:
            self.count("no_news")
            return True
        self.memory.told = [*self.memory.told, self.key][-TOLD_KEPT:]
        return False

    def _known(self, name: str, value: object) -> bool:
        """Whether this fact was stored when it happened; each stored one answers for one of history."""
        facts = self.memory.facts
        for index, fact in enumerate(facts if self.certain else ()):
            if not isinstance(fact, list) or len(fact) != 4 or not isinstance(fact[2], int) or fact[3]:
                continue
            if fact[0] == name and fact[1] == value and abs(fact[2] - self.occurred_ms) <= SAME_MS:
                self.memory.facts = [*facts[:index], [*fact[:3], True], *facts[index + 1 :]]
                self.count("no_news")
                return True
        return False

    def note(self, name: str, value: object) -> None:
        """Keep a fact of history among the others: already matched, since it is known by itself when told again."""
        if self.certain:
            self.memory.facts = [*self.memory.facts, [name, value, self.occurred_ms, True]][-FACTS_KEPT:]

    def act(self, ring: Ring) -> None:
        """An act of history rings once: its key was looked at before."""
        ring(self.act_since)

    def urgent(self, name: str, value: str, make: Callable[[int | None], Body], since: Moment | None) -> None:
        """A class A event, however late; history has no repeats."""
        plain = name.partition(":")[0]
        if not self._known(plain, value):
            self.add(make(None), since)
            self.note(plain, value)

    def said(self, name: str) -> None:
        """Nothing was said live."""

    def _newer(self, name: str) -> bool:
        """Whether this is newer than what is known of a state, which it then replaces."""
        said = moment_of(self.memory.said.get(name))
        if not self.certain or (said is not None and (not said.synced or said.wall_ms >= self.occurred_ms)):
            return False
        self.memory.said[name] = [self.at.boot, self.at.boottime_ms, self.at.wall_ms, True]
        return True

    def _again(self, name: str, body: Body | None, kept: str) -> None:
        """Tell again the state that is so, if this older one would otherwise be the last that anybody heard."""
        after = (
            fact
            for fact in self.memory.facts
            if isinstance(fact, list) and len(fact) == 4 and fact[0] == kept and isinstance(fact[2], int)
        )
        if body is None or (self.certain and any(fact[2] > self.occurred_ms for fact in after)):
            return
        said = moment_of(self.memory.said.get(name))
        past, since = self.at, self.state_since or self.at
        self.at = said if said is not None and said.boot == self.now.boot and self.certain else self.now
        self.add(body, since)
        self.at = past

    def edge(self, name: str, on: bool) -> None:
        """A door, bed, room, chair or pad as it was."""
        if name == Use.DOOR:
            self.settle()
        if self._known(name, on):
            return
        self.add(edge_of(name, self.address, on), self.state_since)
        now = self.memory.states.get(name)
        if self._newer(name):
            self.memory.states[name] = on
            self.memory.held.pop(name, None)
        elif isinstance(now, bool) and now != on:
            self._again(name, edge_of(name, self.address, now), name)
        self.note(name, on)

    def changed(self, name: str, value: object) -> bool:  # noqa: ARG002 - as for live readings
        """Emergency inputs and plain inputs of calls and movement: their edges ring, and leave no state behind."""
        return value is True

    def _fall_state(self, fall: str) -> None:
        now = self.memory.states.get("fall")
        if fall == "no":
            if not self._known("fall", "no"):
                self.add(FallOver(self.address), self.state_since)
                self.note("fall", "no")
        else:
            self._fall(fall, self.state_since)
        if self._newer("fall"):
            self.memory.states["fall"] = fall
        elif now == "no" and fall != "no":
            self._again("fall", FallOver(self.address), "fall")

    def _wet_state(self, wet: bool) -> None:
        now = self.memory.states.get("wet")
        if wet:
            self._leak(self.state_since)
        elif not self._known("leak", "dry"):
            self.add(LeakOver(self.address), self.state_since)
            self.note("leak", "dry")
        if self._newer("wet"):
            self.memory.states["wet"] = wet
        elif now is False and wet:
            self._again("wet", LeakOver(self.address), "leak")

    def moved(self, name: str, how: str) -> None:
        """Movement: at most one row in 30 s of its own time."""
        if self._apart(f"past:{name}", MOTION_ROW_MS):
            self.add(Motion(self.address, how), self.state_since)

    def context(self) -> None:
        """Movement and measured values; what a device said of its battery then is no news now."""
        for name, how in (("motion", "pir"), ("vibration", "vibration")):
            if self.values.get(name) is True:
                self.moved(name, how)
        for name in BIG.keys() & self.values.keys():
            value = measured(self.values[name])
            if value is not None and self._apart(f"past:{name}", MEASUREMENT_ROW_MS):
                self.add(Measurement(self.address, name, value), self.state_since)

    def _apart(self, name: str, least_ms: int) -> bool:
        last = self.memory.rows.get(name)
        if isinstance(last, int) and abs(self.occurred_ms - last) < least_ms:
            self.count("no_news")
            return False
        self.memory.rows[name] = self.occurred_ms
        return True
