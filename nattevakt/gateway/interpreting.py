"""Arrow 3 at work: waiting outputs become one group of events and memory. Also source lost and back, clock, duplicates.

Owns what the gateway itself remembers between readings (last heard, settled, sources, message ids). Must not know the
database or the network; a group that never reaches the disk leaves no trace here.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from nattevakt.edge.bouncing import has_settled, settles_ms
from nattevakt.edge.drivers.driver import Finding, Learned, Reading, Remember, Said, SourceState
from nattevakt.edge.events import (
    Body,
    ClockSynchronised,
    Event,
    Foreign,
    Moment,
    SourceBack,
    SourceLost,
    Urgency,
)
from nattevakt.edge.flooding import all_due
from nattevakt.edge.interpret import Interpreted, interpret, released
from nattevakt.edge.memory import DeviceMemory, holds, memory_key
from nattevakt.gateway.breaks import KEY, NO_BREAKS, Break, Breaks, earlier
from nattevakt.gateway.chain_tests import KEY as CHAIN_KEY
from nattevakt.gateway.chain_tests import ChainTests
from nattevakt.gateway.health import age_ms
from nattevakt.gateway.inputs import Guard
from nattevakt.gateway.logs import clean
from nattevakt.gateway.pending import Group, Overlay, Token, Unhandled, Waiting
from nattevakt.gateway.sources import MQTT, Sources

GROUP_MAX = 256
MIDS_MAX = 1_000
HEARD_MAX = 1_000
FINDINGS_MAX = 200
CATCH_UP_MS = 2_000
"""After a broker kept messages for us, what comes within this time may be old: its times are uncertain."""
BROKER_DOUBT_MS = 15_000
"""A dead broker connection is noticed this much later than it died, at most."""
Interpret = Callable[..., Interpreted]
"""What makes events of a reading: `interpret`, or in a simulation a broken one."""
KNOWN_MAX = 500
"""Devices whose memory is kept read; others are read again when they speak."""
UNHANDLED_EVERY_MS = 600_000
DEVICES_MAX = 200
DEVICE_CHARS_MAX = 6_000
_HEARD, _SOURCE, _MID, _SYNCED = "core.heard:", "core.source:", "core.mqtt:", "core.synced"
_SESSION = "core.session"


def moment_text(moment: Moment) -> str:
    """A moment as a row of memory."""
    return json.dumps([moment.boot, moment.boottime_ms, moment.wall_ms, moment.synced])


def moment_of(text: str) -> Moment:
    """A moment from a row of memory."""
    return Moment(*json.loads(text))


def _due(held: DeviceMemory, now: Moment) -> bool:
    return bool(all_due(held, now)) or has_settled(held, now)


def _portions(devices: Iterable[str]) -> list[tuple[str, ...]]:
    """Devices in lists small enough for one event each; at least one list."""
    found: list[list[str]] = [[]]
    for device in devices:
        if len(found[-1]) >= DEVICES_MAX or sum(map(len, found[-1])) + len(device) > DEVICE_CHARS_MAX:
            found.append([])
        found[-1].append(device)
    return [tuple(some) for some in found]


class Interpreting:
    """What the gateway knows of its devices and sources, and the making of groups from it."""

    def __init__(self, sources: Sources, guard: Guard, interpreter: Interpret = interpret) -> None:
        self._sources = sources
        self._guard = guard
        self._interpret = interpreter
        self._settled: set[str] = set()
        self._evidence: dict[str, Moment] = {}
        self._breaks = Breaks()
        self._mids: deque[int] = deque()
        self._mid_count = 0
        self._sessions_before = 0
        self._unhandled_ms: dict[str, int] = {}
        self._stamped: dict[str, Moment] = {}
        self._known: dict[str, DeviceMemory] = {}
        self._holding: dict[str, DeviceMemory] = {}
        self.chain = ChainTests()
        self.catch_up_until_ms = 0
        self.heard: dict[str, Moment] = {}
        self.states: dict[str, str] = dict.fromkeys(sources.names, "down: starting")
        self.findings: dict[str, str] = {}
        self.counters: dict[str, int] = {}

    def load(self, memory: Mapping[str, str]) -> None:
        """Take up what an earlier run of the agent remembered."""
        rows = {key.removeprefix(_HEARD): moment_of(value) for key, value in memory.items() if key.startswith(_HEARD)}
        self.heard = {**rows, **self.heard}
        self._stamped = dict(rows)
        self._evidence = {**rows, **self._evidence}
        self._breaks.load(memory)
        self._sessions_before = int(memory.get(_SESSION, "0"))
        order = sorted(
            (int(v.split(":")[0]), int(k.removeprefix(_MID))) for k, v in memory.items() if k.startswith(_MID)
        )
        self._mids = deque(mid for _, mid in order)
        self._mid_count = order[-1][0] if order else 0
        prefix = memory_key("")
        for key, value in memory.items():
            if key.startswith(prefix) and holds(value):
                self._holding[key.removeprefix(prefix)] = DeviceMemory(value)

    def forget(self) -> None:
        """The rows that memory names as "the first" are lost; whatever else it holds still is so."""
        self._known.clear()
        for held in self._holding.values():
            held.first = {}

    def heard_changes(self) -> dict[str, str | None]:
        """Rows of memory for devices heard since the last time this was asked and `stamped` was called."""
        return {_HEARD + a: moment_text(at) for a, at in self.heard.items() if self._stamped.get(a) != at}

    def stamped(self) -> None:
        """What `heard_changes` gave is on disk."""
        self._stamped = dict(self.heard)

    def heard_age_ms(self, now: Moment) -> dict[str, int]:
        """How long ago each device was heard."""
        return {address: age_ms(at, now) for address, at in self.heard.items()}

    def overlooked(self, source: str, at: Moment) -> None:
        """Something that a source said then was never taken in: what its devices said later is no sign of calm."""
        self._breaks.add([Break(source, at)])

    # --- making a group --------------------------------------------------------------------------------------

    def has_news(self, memory: Mapping[str, str], now: Moment) -> bool:
        """Whether there is something to store although nothing came: a clock, what a device held back, or a test that
        the centre asks for."""
        due = self._clock_news(memory, now) or self.chain.waiting
        return due or any(_due(held, now) for held in self._holding.values())

    def settles_ms(self, now: Moment) -> int | None:
        """When the first door that may be bouncing has settled, as boottime; None while none is."""
        waits = (settles_ms(held, now) for held in self._holding.values())
        return min((at_ms for at_ms in waits if at_ms is not None), default=None)

    def _clock_news(self, memory: Mapping[str, str], now: Moment) -> bool:
        return now.synced and memory.get(_SYNCED) != now.boot

    def gather(self, waiting: Iterable[Waiting], memory: Mapping[str, str], next_seq: int, now: Moment) -> Group:
        """Interpret inputs in order; each sees what those before it will store."""
        group = Group(Overlay(memory), next_seq)
        if self._clock_news(group.memory, now):
            self._add(group, [ClockSynchronised()], now)
            group.memory.put(_SYNCED, now.boot)
        for one in waiting:
            self._one(group, one)
        for address, held in self._holding.items():
            known = group.known.get(address, held)
            if _due(known, now):
                self._take(group, address, released(address, known, now))
        if self.chain.waiting:
            # After all that was heard: nothing of it has a later place because of a test.
            tests, kept = self.chain.made(group.memory)
            if kept is not None:
                self._add(group, tests, now)
                group.memory.put(CHAIN_KEY, kept)
        for address in group.changed:
            group.memory.put(memory_key(address), group.known[address].text())
        if (text := self._breaks.text(group.breaks)) != group.memory.get(KEY, NO_BREAKS):
            group.memory.put(KEY, text)
        return group

    def _one(self, group: Group, waiting: Waiting) -> None:
        token = waiting.token
        if token is not None:
            group.acks.append(token.ack)
            if self.is_duplicate(token, group.memory):
                group.count("mqtt.duplicates")
                return
        before = group.news
        for output in waiting.outputs:
            error = self._guard(waiting.source, partial(self._output, group, waiting, output))
            if error is not None:
                reading = output if isinstance(output, Reading) else None
                unhandled = Unhandled(reading.address if reading else None, reading.raw if reading else "", error)
                self._unhandled(group, waiting, unhandled)
        if token is not None and group.news > before:
            self._remember_mid(group, token)

    def is_duplicate(self, token: Token, memory: Mapping[str, str]) -> bool:
        """Whether the broker delivers again what is already stored."""
        stored = memory.get(f"{_MID}{token.ack.mid}")
        return token.dup and stored is not None and stored.partition(":")[2] == self._signature(token)

    def _signature(self, token: Token) -> str:
        return f"{self._sessions_before + token.session}:{token.sha}"

    def _remember_mid(self, group: Group, token: Token) -> None:
        mid = token.ack.mid
        group.memory.put(f"{_MID}{mid}", f"{self._mid_count + len(group.mids) + 1}:{self._signature(token)}")
        group.memory.put(_SESSION, str(self._sessions_before + token.session))
        group.mids.append(mid)
        surplus = len(self._mids) + len(group.mids) - MIDS_MAX
        if surplus > 0 and surplus <= len(self._mids):
            oldest = self._mids[surplus - 1]
            if oldest not in group.mids:
                group.memory.put(f"{_MID}{oldest}", None)

    def _output(self, group: Group, waiting: Waiting, output: Said | Unhandled | Body) -> None:
        if isinstance(output, Reading):
            self._reading(group, waiting, output)
        elif isinstance(output, SourceState):
            self._source(group, waiting, output)
        elif isinstance(output, Finding):
            group.findings.append(output)
        elif isinstance(output, Learned):
            group.findings.append(Finding(output.address, output.sentence or "er lært inn"))
        elif isinstance(output, Unhandled):
            self._unhandled(group, waiting, output)
        elif isinstance(output, Remember):
            if group.memory.get(output.key) != output.text:
                group.memory.put(output.key, output.text)
        else:
            self._add(group, [output], waiting.at)

    def _reading(self, group: Group, waiting: Waiting, reading: Reading) -> None:
        address, at = reading.address, waiting.at
        device = self._sources.by_address.get(address)
        last_heard = group.evidence.get(address, self._evidence.get(address))
        settled = group.settled.get(address, address in self._settled)
        unchanged_until = last_heard
        if last_heard is not None and not settled:
            through = self._sources.through(address)
            unchanged_until = self._breaks.unchanged_until(last_heard, through, group.breaks)
        found = self._interpret(
            reading,
            device,
            group.memory,
            at,
            next_seq=group.next_seq,
            last_heard=last_heard,
            settled=settled,
            unchanged_until=unchanged_until,
            known=group.known.get(address, self._known.get(address)),
            timely=not waiting.crowded,
        )
        self._take(group, address, found)
        if reading.replay or reading.occurred_ms is not None:
            return
        if device is None and address not in self.heard and len(self.heard) >= HEARD_MAX:
            return
        group.heard[address] = at
        if waiting.source != MQTT or at.boottime_ms >= self.catch_up_until_ms:
            group.settled[address] = True
            group.evidence[address] = at

    def _take(self, group: Group, address: str, found: Interpreted) -> None:
        group.events += found.events
        if found.memory is not None:
            group.known[address] = found.memory
            if found.changed:
                group.changed.add(address)
        group.findings += found.findings
        for name, number in found.counted.items():
            group.count(f"interpret.{name}", number)
        group.news += bool(found.events or found.changed)

    def _source(self, group: Group, waiting: Waiting, state: SourceState) -> None:
        key = _SOURCE + state.source
        stored = group.memory.get(key)
        reason = clean(state.reason, 100)
        group.sources[state.source] = "up" if state.up else f"down: {reason}"
        if state.up == (stored is None):
            return
        devices = self._sources.devices_of(state.source, [*self.heard, *group.heard])
        group.settled.update(dict.fromkeys(devices, False))
        if state.up:
            devices = [address for address in devices if not self._still_gone(group, address, state.source)]
        portions = _portions(devices)
        if stored is None:
            lost = earlier(waiting.at, BROKER_DOUBT_MS) if state.source == MQTT else waiting.at
            group.breaks.append(Break(state.source, waiting.at))
            group.memory.put(key, moment_text(lost))
            self._add(group, [SourceLost(state.source, reason, some) for some in portions], waiting.at)
        else:
            group.memory.put(key, None)
            self._add(group, [SourceBack(state.source, moment_of(stored), some) for some in portions], waiting.at)

    def _still_gone(self, group: Group, address: str, back: str) -> bool:
        """Whether a bridge or node before this device is gone too: then it is not back when the broker is."""
        through = self._sources.through(address)
        return MQTT in through and any(one != back and _SOURCE + one in group.memory for one in through)

    def _unhandled(self, group: Group, waiting: Waiting, unhandled: Unhandled) -> None:
        """A bug must not swallow what may have been a call: it becomes an event that rings, but not in a storm."""
        subject = unhandled.device or waiting.source
        group.count("unhandled")
        group.findings.append(Finding(subject, f"kunne ikke behandles: {clean(unhandled.error, 100)}"))
        last = group.unhandled.get(subject, self._unhandled_ms.get(subject))
        if last is not None and 0 <= waiting.at.boottime_ms - last < UNHANDLED_EVERY_MS:
            return
        group.unhandled[subject] = waiting.at.boottime_ms
        data = {"source": waiting.source, "raw": clean(unhandled.raw, 400), "error": clean(unhandled.error, 200)}
        if unhandled.device is not None:
            data["device"] = unhandled.device
        self._add(group, [Foreign("unhandled_input", unhandled.device, json.dumps(data), Urgency.A)], waiting.at)

    def _add(self, group: Group, bodies: Iterable[Body], at: Moment) -> None:
        group.events += [Event(body, at) for body in bodies]
        group.news += 1

    # --- after the disk --------------------------------------------------------------------------------------

    def stored(self, group: Group) -> None:
        """The group is on disk: what it said is true from now on."""
        self.chain.stored(group.memory)
        for address, known in group.known.items():
            self._known[address] = known
            if known.held or known.bounce:
                self._holding[address] = known
            else:
                self._holding.pop(address, None)
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self.heard.update(group.heard)
        self._evidence.update(group.evidence)
        self._breaks.add(group.breaks)
        for address, settled in group.settled.items():
            (self._settled.add if settled else self._settled.discard)(address)
        self.states.update(group.sources)
        self._unhandled_ms.update(group.unhandled)
        self._mids.extend(group.mids)
        self._mid_count += len(group.mids)
        while len(self._mids) > MIDS_MAX:
            self._mids.popleft()
        for finding in group.findings:
            self.findings.pop(finding.address, None)
            self.findings[finding.address] = finding.sentence
        while len(self.findings) > FINDINGS_MAX:
            del self.findings[next(iter(self.findings))]
        for name, number in group.counted.items():
            self.counters[name] = self.counters.get(name, 0) + number
