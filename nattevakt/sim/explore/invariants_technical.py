"""Invariant 2 for the installation: a technical alarm has a cause in the world, within its reach. And invariant 8.

Owns the causes: what each technical kind claims, held against the roads, disks and devices as they truly were. Kinds
about people's duties (rounds, legal bases) are not judged here. Must not know why the product raised any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.gateway_faults import STANDS_MS
from nattevakt.central.supervision import RULE_FAILURES
from nattevakt.edge.events import Tombstone
from nattevakt.sim.explore.invariants import MINUTE_MS, SECOND_MS, Court, Quiet
from nattevakt.sim.explore.invariants_known import DEVICE_INTERVALS, DEVICE_LEAST_MS
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm
from nattevakt.sim.explore.truth_roads import Way

REACH_MS = 5 * MINUTE_MS
"""How far back a cause may lie."""
BROKEN_MS = 40 * SECOND_MS
"""A gateway that is called silent after 60 s was heard 15 s before its road broke, or less."""
LIFE_MS = 30 * SECOND_MS
"""So old may the last sign of life be that a gateway had stored when it died."""
EARLY_MS = 90 * SECOND_MS
"""How much sooner than its limit a device's silence may seem to have lasted: heartbeats round its last word down."""
FLAPS, FLAPS_MS = 8, 60 * MINUTE_MS
"""One fault that rings so often within so long is one fault that comes and goes: whoever has it has heard of it."""
STANDS = {"gateway_fault": STANDS_MS - MINUTE_MS}
"""What a gateway says of itself stands until it has not been said for so long (the centre's own limit, and some slack
for how news is seen): what rings again sooner was never over."""
NEVER = ("id_conflict", "event_refused", "unknown_event", "unhandled_event", "rule_failed")
"""What nothing that the simulator does may cause."""
CONDEMNS = (413, 422, 500)
"""The answers that count against a batch; no other does."""
Cause = Callable[["Technical", Alarm, Way | None, int], bool]


class Technical(Quiet):
    """Every technical alarm, when it rings."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._failures = failures()
        self._works = 0
        self._raised: dict[tuple[str, str], list[int]] = {}
        self._history = (0, 0)

    def step(self, step: Step) -> None:
        """Judge what rings."""
        if step.news is None:
            return
        for move in step.news.moves:
            alarm = self.truth.books.alarms[move.alarm_id]
            if not move.sounds:
                continue
            if KINDS[alarm.kind].technical:
                self._flaps(alarm, step.now_ms)
            if alarm.kind in NEVER:
                what = f"{alarm.kind} ({alarm.reason}) ringte {self.court.clock(move.seen_ms)}"
                says = f"{what}: {move.detail.get('params')}"
                self.court.accuse(8, alarm.subject, f"never {alarm.kind}", says)
            cause = _CAUSES.get(alarm.kind)
            if cause is not None and not cause(self, alarm, self._way(alarm), step.now_ms):
                says = (
                    f"{alarm.kind} om {self._about(alarm)} ringte {self.court.clock(move.seen_ms)} ({alarm.reason}:"
                    f" {move.detail.get('params')}), og ingenting er galt der"
                )
                self.court.accuse(2, self._about(alarm), f"cause {move.id}", says)

    def _flaps(self, alarm: Alarm, now_ms: int) -> None:
        centre = self.truth.world.centre
        if self._history != (centre.restores, self.court.offset_ms):
            # An older copy does not know what rang, and by another clock it may have been long ago.
            self._history = (centre.restores, self.court.offset_ms)
            self._raised.clear()
        raised = self._raised.setdefault((alarm.subject, alarm.rule), [])
        raised[:] = [*(at_ms for at_ms in raised if now_ms - at_ms < FLAPS_MS), now_ms]
        soon = len(raised) > 1 and now_ms - raised[-2] < STANDS.get(alarm.kind, 0)
        if soon or len(raised) >= FLAPS:
            since = self.court.clock(raised[0])
            says = f"{alarm.rule} om {self._about(alarm)} har ringt {len(raised)} ganger siden {since}: det er én feil"
            self.court.accuse(2, self._about(alarm), f"flaps {alarm.rule}", says)

    def tick(self, now_ms: int) -> None:
        """No rule fails, whatever it is given; where nothing was done, none has."""
        works = self.truth.world.centre.works
        if works == self._works:
            return
        self._works = works
        found = failures()
        if found != self._failures:
            self.court.accuse(8, "", "rule failed", f"en regel feilet {self.court.clock(now_ms)}")
            self._failures = found

    def _about(self, alarm: Alarm) -> str:
        way = self._way(alarm)
        return way.key if way is not None else alarm.subject.partition(":")[2]

    def _way(self, alarm: Alarm) -> Way | None:
        sort, _, number = alarm.subject.partition(":")
        if sort == "gateway":
            return next((self.truth.ways[k] for k, n in self.truth.books.gateways.items() if str(n) == number), None)
        sensor = self.truth.world.ward.sensor(number) if sort == "device" else None
        return self.truth.ways.get(sensor.gateway) if sensor is not None else None

    # --- causes ----------------------------------------------------------------------------------------------

    def is_silent(self, _alarm: Alarm, way: Way | None, now_ms: int) -> bool:
        """The road was broken for long enough, or what is on the disk is old."""
        if way is None:
            return False
        if way.broken_within(now_ms - REACH_MS, now_ms) >= BROKEN_MS:
            return True
        box = self.truth.boxes[way.key]
        oldest = next(iter(box.waiting.values()), None)
        return oldest is not None and now_ms - oldest.at_ms >= BROKEN_MS

    def is_mute(self, alarm: Alarm, way: Way | None, now_ms: int) -> bool:
        """The device has not been heard for its limit, or what it said was lost with its gateway."""
        address = alarm.subject.partition(":")[2]
        sensor = self.truth.world.ward.sensor(address)
        if sensor is None or way is None or sensor.interval_s is None:
            return True
        limit_ms = max(DEVICE_INTERVALS * SECOND_MS * sensor.interval_s, DEVICE_LEAST_MS)
        heard_ms = self.truth.said.heard_ms.get(address, 0)
        return now_ms - heard_ms >= limit_ms - EARLY_MS or way.whole_for_ms(0, now_ms) < now_ms - heard_ms

    def is_missing(self, _alarm: Alarm, way: Way | None, _now_ms: int) -> bool:
        """Rows died with a card, or a card was put back."""
        return way is not None and (
            bool(self.truth.boxes[way.key].died) or way.host.card > 0 or way.key in self.truth.cloned
        )

    def is_shed(self, _alarm: Alarm, way: Way | None, _now_ms: int) -> bool:
        """The gateway has given up rows."""
        return way is not None and self._buried(way, "shed")

    def is_parked(self, _alarm: Alarm, way: Way | None, _now_ms: int) -> bool:
        """The gateway has set rows aside, and the centre has truly called them impossible."""
        if way is None:
            return False
        condemned = any(self.truth.world.centre.statuses.get(status) for status in CONDEMNS)
        return (condemned and self._buried(way, "parked")) or self._buried(way, "refused")

    def is_cloned(self, _alarm: Alarm, way: Way | None, _now_ms: int) -> bool:
        """A card was changed for a copy, or a copy of it runs elsewhere."""
        return way is not None and (way.host.card > 0 or way.key in self.truth.cloned)

    def was_away(self, alarm: Alarm, way: Way | None, _now_ms: int) -> bool:
        """In the time that the alarm names no agent ran for long enough, its disk took no sign of life, an older copy
        of its card was put in, or its clock could not say how long it was."""
        if way is None:
            return False
        since_ms = int(alarm.moves[-1].detail["params"]["from_ms"]) - self.court.offset_ms - LIFE_MS
        if way.absent_since(since_ms) >= BROKEN_MS or way.fine_ms >= since_ms:
            return True
        return way.card_ms >= since_ms or way.host.clock.synced_from_ms >= since_ms

    def is_faulty(self, alarm: Alarm, way: Way | None, now_ms: int) -> bool:
        """What the gateway says is wrong with it."""
        if way is None:
            return False
        name = alarm.rule.partition(":")[2]
        if name == "store":
            return way.fine_ms > now_ms - REACH_MS or way.host.card > 0
        if name in ("undelivered", "centre"):
            return way.broken_within(now_ms - REACH_MS, now_ms) > 0
        return True

    def is_low(self, alarm: Alarm, _way: Way | None, _now_ms: int) -> bool:
        """No simulated battery runs low by itself: a fault must have made it say so."""
        return bool(self.truth.said.faults.get(alarm.subject.partition(":")[2]))

    def _buried(self, way: Way, why: str) -> bool:
        bodies = (row.event.body for row in self.truth.boxes[way.key].tombstones)
        return any(isinstance(body, Tombstone) and body.reason.startswith(why) for body in bodies)


_CAUSES: Mapping[str, Cause] = {
    "gateway_silent": Technical.is_silent,
    "gateway_gap": Technical.was_away,
    "device_silent": Technical.is_mute,
    "rows_missing": Technical.is_missing,
    "rows_lost": Technical.is_shed,
    "parked_event": Technical.is_parked,
    "gateway_cloned": Technical.is_cloned,
    "gateway_fault": Technical.is_faulty,
    "storage_lost": Technical.is_cloned,
    "battery_low": Technical.is_low,
    "tamper": Technical.is_low,
}


def failures() -> float:
    """How many rules have failed in this process so far."""
    return sum(
        sample.value
        for metric in RULE_FAILURES.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )
