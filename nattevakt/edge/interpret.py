"""Readings become events: identity, edges, repeats, replayed state. Serves arrow 3.

Owns what is news. Its memory is one row a device (JSON text) in the outbox database, written only in the
transaction that stores the events. Must not know any radio, the outbox or the centre. Two sorts of message
are told apart: *acts* (a press, an action, a telegram that only says "wet") are news each time they are made;
*states* (a contact, a bed, a running fall report) are news when they differ from the last stored one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from nattevakt.edge.drivers.driver import Device, Finding, Reading, Use, Value
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Contact,
    Event,
    Fall,
    FallOver,
    Health,
    Leak,
    LeakOver,
    Moment,
    Motion,
    Presence,
)
from nattevakt.edge.memory import ACTS_KEPT, DeviceMemory, memory_key

REPEAT_MS = 2_000
"""The same device saying the same urgent thing within this time is a repeat: a row of its own, class C."""
MOTION_ROW_MS = 30_000
LIFE_SIGN_MS = 3_600_000
BATTERY_STEP = 5.0
DELIVERY_MS = 10_000
"""A message whose own clock is further back than this lay waiting in a broker on its way."""
DELIVERY_MAX_MS = 24 * 3_600_000
"""Further back than this, it is the bridge's clock that is wrong."""
UNKNOWN_ROWS_MAX = 5_000
"""Rows of memory beyond which unconfigured devices are no longer remembered; their events still come."""
CALL_ACTIONS = frozenset(("emergency", "sos", "panic"))
WET = "wet"

__all__ = ["Interpreted", "interpret", "memory_key"]


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What one reading meant. remember: memory rows to write with the events (None: delete the row)."""

    events: tuple[Event, ...] = ()
    remember: Mapping[str, str | None] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)


def interpret(
    reading: Reading,
    device: Device | None,
    memory: Mapping[str, str],
    now: Moment,
    *,
    next_seq: int,
    last_heard: Moment | None,
    settled: bool,
    unchanged_until: Moment | None = None,
) -> Interpreted:
    """Events that this reading means, and what to remember with them.

    next_seq: the sequence number that the first returned event will get. last_heard: when the device was last
    heard, None for never. settled: False for its first message since its source or the agent came (back).
    unchanged_until: until when it certainly was as last heard, if somebody listened for longer than it spoke.
    """
    key = memory_key(reading.address)
    until = unchanged_until or last_heard
    work = _Work(reading, device, DeviceMemory(memory.get(key)), now, next_seq, last_heard, settled, until)
    before = work.memory.substance()
    work.acts()
    work.states()
    work.movement()
    work.health()
    if work.seen is not None and not reading.replay:
        work.memory.seen = work.seen
    remember: dict[str, str | None] = {}
    if work.memory.substance() != before:
        if device is None and key not in memory and len(memory) >= UNKNOWN_ROWS_MAX:
            work.count("memory_full")
        else:
            remember[key] = work.memory.text()
    return Interpreted(tuple(work.events), remember, tuple(work.findings), work.counted)


class _Work:
    """One reading in the making: the mutable inside of a pure function."""

    def __init__(
        self,
        reading: Reading,
        device: Device | None,
        memory: DeviceMemory,
        now: Moment,
        next_seq: int,
        last_heard: Moment | None,
        settled: bool,
        unchanged_until: Moment | None,
    ) -> None:
        self.values = reading.values
        self.address = reading.address
        self.memory = memory
        self.now = now
        self.next_seq = next_seq
        self.use = device.use if device is not None else Use.AUTO
        self.invert = device is not None and device.invert
        seen = self.values.get("last_seen_ms")
        self.seen = seen if isinstance(seen, int) else None
        # The network's own clock says that this message is no newer than one that we stored.
        cached = self.seen is not None and memory.seen is not None and self.seen <= memory.seen
        self.replayed = reading.replay or cached
        self.retained = reading.replay
        self.radio = not reading.key and not reading.replay
        self.settled = settled and not self.replayed
        self.act_key = reading.key
        if reading.replay and not reading.key:
            self.act_key = sha256(reading.raw.encode("utf-8", "replace")).hexdigest()[:16]
        # A cached copy is from before we last heard the device: nobody knows how long before.
        self.state_since = None if self.settled else last_heard if cached else unchanged_until
        if self.replayed and last_heard is None:
            last_heard = self.state_since = Moment(now.boot, 0, now.wall_ms - now.boottime_ms, now.synced)
        self.act_since: Moment | None = None
        if self.replayed:
            # A replayed act may be older than the last of those that we remember.
            self.act_since = last_heard
        elif self.seen is not None and (sent := _sent(self.seen, now, last_heard)) is not None:
            self.act_since = sent
            self.state_since = self.state_since or sent
        self.events: list[Event] = []
        self.findings: list[Finding] = []
        self.counted: dict[str, int] = {}

    def count(self, what: str) -> None:
        self.counted[what] = self.counted.get(what, 0) + 1

    def _add(self, body: Body, since: Moment | None) -> None:
        self.events.append(Event(body, self.now, since))

    def _age_ms(self, mark: object) -> int | None:
        """How long ago a stored [.., boot, boottime] was, None if in another boot or never."""
        if not isinstance(mark, list) or len(mark) < 2 or mark[-2] != self.now.boot:
            return None
        age = self.now.boottime_ms - mark[-1] if isinstance(mark[-1], int) else -1
        return age if age >= 0 else None

    def _recent(self, mark: object) -> bool:
        age = self._age_ms(mark)
        return age is not None and age <= REPEAT_MS

    def _mark(self) -> list[object]:
        return [self.now.boot, self.now.boottime_ms]

    def _urgent(self, name: str, make: Callable[[int | None], Body], since: Moment | None) -> None:
        """Add a class A event, or its class C repeat naming the first."""
        first = self.memory.first.get(name)
        if isinstance(first, list) and isinstance(first[0], int) and self._recent(first):
            self.count("repeats")
            self._add(make(first[0]), since)
            return
        self.memory.first[name] = [self.next_seq + len(self.events), *self._mark()]
        self._add(make(None), since)

    def _call(self, control: str, since: Moment | None) -> None:
        self._urgent("call", lambda first: Call(self.address, control, first), since)

    def _fall(self, certainty: str, since: Moment | None) -> None:
        self._urgent(f"fall:{certainty}", lambda first: Fall(self.address, certainty, first), since)

    def _leak(self, since: Moment | None) -> None:
        self._urgent("leak", lambda first: Leak(self.address, first), since)

    def _act(self, ring: Callable[[Moment | None], None]) -> None:
        """An act rings each time it is made; a retained or cached copy rings once a payload."""
        known = self.act_key in self.memory.acts
        # Two presses within one tick of the bridge's clock look like one message delivered twice.
        fresh = not self.retained and any(self._recent(mark) for mark in self.memory.first.values())
        if self.replayed and known and not fresh:
            self.count("no_news")
            return
        ring(self.act_since)
        if self.act_key and not known:
            self.memory.acts = [*self.memory.acts, self.act_key][-ACTS_KEPT:]

    def _input(self, value: Value) -> bool | None:
        return value != self.invert if isinstance(value, bool) else None

    def acts(self) -> None:
        """Presses, named actions, and telegrams that only ever say "wet"."""
        action = self.values.get("action")
        named = action if isinstance(action, str) else ""
        down = self._input(self.values.get("pressed"))
        if named == WET:
            self._act(self._leak)
        elif named.lower() in CALL_ACTIONS:
            self._act(lambda since: self._call(named, since))
        elif self.use in (Use.FALL, Use.LEAK):
            if down or (down is None and named):
                ring = self._leak if self.use is Use.LEAK else lambda since: self._fall("sure", since)
                self._act(ring)
        elif self.use in (Use.CALL, Use.AUTO):
            if down or (down is None and named and self.use is Use.CALL):
                self._act(lambda since: self._call(named or "press", since))
            elif down is None and named:
                self._find(f"sender «{named}», men er ikke satt opp med noen bruk")
        elif down is not None:
            self._plain(down, self.use)
        elif named:
            self._find(f"sender «{named}», som ikke betyr noe for bruken {self.use.value}")

    def _find(self, sentence: str) -> None:
        self.count("no_meaning")
        self.findings.append(Finding(self.address, sentence))

    def _changed(self, name: str, value: object) -> bool:
        """Whether a state differs from the last stored one, which it then replaces."""
        if name in self.memory.states and self.memory.states[name] == value:
            self.count("no_news")
            return False
        self.memory.states[name] = value
        return True

    def states(self) -> None:
        """Everything that lasts: contacts, beds, rooms, running falls, water, held emergency inputs."""
        closed = self._input(self.values.get("closed"))
        if closed is not None:
            self._plain(closed, Use.DOOR if self.use is Use.AUTO else self.use)
        occupied = self._input(self.values.get("occupied"))
        present = self._input(self.values.get("present"))
        # A radar may say both; the use decides which of them this device is asked about.
        if occupied is not None and (self.use is not Use.PRESENCE or present is None):
            self._plain(occupied, Use.PRESENCE if self.use is Use.PRESENCE else Use.BED)
        if present is not None and (self.use is not Use.BED or occupied is None):
            self._plain(present, Use.BED if self.use is Use.BED else Use.PRESENCE)
        fall = self.values.get("fall")
        if isinstance(fall, str):
            self._fall_state(fall)
        wet = self.values.get("wet")
        if isinstance(wet, bool) and self.values.get("action") != WET:
            self._wet_state(wet)
        sos = self.values.get("sos")
        if isinstance(sos, bool) and self._changed("sos", sos) and sos:
            self._call("sos", self.state_since)

    def _plain(self, on: bool, meaning: Use) -> None:
        """An input by what it is used for. on: closed, pressed, occupied, present, after inversion."""
        since = self.state_since
        if meaning is Use.FALL:
            self._fall_state("sure" if on else "no")
        elif meaning is Use.LEAK:
            self._wet_state(on)
        elif meaning is Use.MOTION:
            if self._changed("input", on) and on:
                self._add(Motion(self.address), since)
        elif meaning is Use.CALL:
            # A radio telegram is never a cached copy: "closed" again means that "open" was lost on the way.
            if (self._changed("input", on) or self.radio) and on:
                self._call("input", since)
        elif self._changed(meaning.value, on):
            if meaning is Use.BED:
                self._add(Bed(self.address, on), since)
            elif meaning is Use.PRESENCE:
                self._add(Presence(self.address, on), since)
            else:
                self._add(Contact(self.address, not on), since)

    def _fall_state(self, fall: str) -> None:
        before = self.memory.states.get("fall")
        if not self._changed("fall", fall):
            return
        if fall == "no":
            if before in ("possible", "sure"):
                self._add(FallOver(self.address), self.state_since)
        elif fall == "sure" or before != "sure":
            self._fall(fall, self.state_since)

    def _wet_state(self, wet: bool) -> None:
        before = self.memory.states.get("wet")
        if not self._changed("wet", wet):
            return
        if wet:
            self._leak(self.state_since)
        elif before is True:
            self._add(LeakOver(self.address), self.state_since)

    def movement(self) -> None:
        """Movement seen: at most one row in 30 s; a replayed or first report only if it was not known already."""
        for name, how in (("motion", "pir"), ("vibration", "vibration")):
            seen = self.values.get(name)
            if not isinstance(seen, bool):
                continue
            changed = self._changed(name, seen)
            if not seen or (not self.settled and not changed):
                continue
            age = self._age_ms(self.memory.rows.get(name))
            if age is None or age >= MOTION_ROW_MS:
                self.memory.rows[name] = self._mark()
                self._add(Motion(self.address, how), self.state_since)

    def health(self) -> None:
        """What the device says of itself, when that changed, and once an hour as a sign of life."""
        values = self.values
        said = {
            name: values[name]
            for name in ("battery_percent", "battery_low", "tamper", "available")
            if values.get(name) is not None
        }
        known = self.memory.health
        resting: Mapping[str, object] = {"battery_low": False, "tamper": False, "available": True}
        news = any(said[name] != known.get(name, rest) for name, rest in resting.items() if name in said)
        if not self.replayed and "available" not in said:
            battery, before = said.get("battery_percent"), known.get("battery_percent")
            if isinstance(battery, int | float) and isinstance(before, int | float):
                news = news or abs(battery - before) >= BATTERY_STEP
            age = self._age_ms(self.memory.rows.get("health"))
            news = news or age is None or age >= LIFE_SIGN_MS
        if not news:
            return
        known.update(said)
        if not self.replayed and "available" not in said:
            self.memory.rows["health"] = self._mark()
        self._add(_health(self.address, values), None)


def _sent(seen_ms: int, now: Moment, last_heard: Moment | None) -> Moment | None:
    """The earliest moment of a message that waited on its way, by its own clock; None if it came at once."""
    waited_ms = now.wall_ms - seen_ms
    if not now.synced or not DELIVERY_MS < waited_ms <= DELIVERY_MAX_MS:
        return None
    since = Moment(now.boot, max(0, now.boottime_ms - waited_ms), now.wall_ms - waited_ms, now.synced)
    if last_heard is not None and last_heard.boot == now.boot and last_heard.boottime_ms > since.boottime_ms:
        return last_heard
    return since


def _health(address: str, values: Mapping[str, Value]) -> Health:
    def flag(name: str) -> bool | None:
        value = values.get(name)
        return value if isinstance(value, bool) else None

    def measure(name: str) -> float | None:
        value = values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def whole(name: str) -> int | None:
        value = measure(name)
        return None if value is None else int(value)

    return Health(
        address,
        battery_percent=measure("battery_percent"),
        battery_low=flag("battery_low"),
        tamper=flag("tamper"),
        available=flag("available"),
        linkquality=whole("linkquality"),
        signal_dbm=whole("signal_dbm"),
        supply_v=measure("supply_v"),
    )
