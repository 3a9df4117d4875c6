"""The gateway's decisions as one synchronous machine: (inputs, now) → outputs. Serves arrows 1 to 5 in order.

Owns the order of things: drivers, then disk, then acknowledgement to the broker, then the centre. Must not know
threads, sockets or ports; it is called by agent.py, and by tests and the simulator in exactly the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from hashlib import sha256
from itertools import islice

from nattevakt.edge.drivers.driver import SourceState
from nattevakt.edge.events import Moment, SourceBack, SourceLost
from nattevakt.edge.interpret import interpret
from nattevakt.edge.memory import without_firsts
from nattevakt.edge.wire import CompleteTo, GatewayHealth, Heartbeat
from nattevakt.gateway import inputs as io
from nattevakt.gateway.device_list import DeviceList
from nattevakt.gateway.health import VERSION, Machine, age_ms, counted, listed
from nattevakt.gateway.holding import Held, Holding
from nattevakt.gateway.inputs import Guard, Now, Output, Probe, no_probe
from nattevakt.gateway.interpreting import CATCH_UP_MS, GROUP_MAX, Interpret, Interpreting
from nattevakt.gateway.local_mode import LocalMode
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.pending import Token, Unhandled, Waiting
from nattevakt.gateway.pruning import PRUNE_ROWS, Pruning
from nattevakt.gateway.siren import Sirens
from nattevakt.gateway.sources import MQTT, Sources, Taken, serial_source
from nattevakt.gateway.store import StoreError
from nattevakt.gateway.troubles import Troubles
from nattevakt.gateway.uplink import Uplink

WAITING_MAX = 10_000
SIREN_BEAT_MS = 5_000
"""While sirens sound, the centre is told, and asked, so often."""
HEARD_SENT_MAX = 1_000


class Core:
    """One gateway. Not for several threads; never waits, never raises for what an input holds."""

    def __init__(
        self,
        sources: Sources,
        outbox: Outbox,
        machine: Machine,
        guard: Guard,
        random: Callable[[], float],
        *,
        heartbeat_s: float = 15.0,
        acked_keep_h: int = 72,
        probe: Probe = no_probe,
        interpreter: Interpret = interpret,
        sirens: Sirens | None = None,
        local: LocalMode | None = None,
    ) -> None:
        self._sources = sources
        self._outbox = outbox
        self._machine = machine
        self._guard = guard
        self._probe = probe
        self._pruning = Pruning(outbox, acked_keep_h)
        self._known = Interpreting(sources, guard, interpreter)
        self._listed = DeviceList(sources.by_address)
        self.sirens = sirens or Sirens()
        self.local = local or LocalMode()
        told = self._listed.answered, self._known.chain.answered, self.sirens.answered, self.local.answered
        self._uplink = Uplink(outbox, self._beat, random, told=told, heartbeat_s=heartbeat_s, probe=probe)
        self._waiting: deque[Waiting] = deque()
        self._holding = Holding()
        self._overflowed: dict[str, Moment] = {}
        self._session = 0
        self._loaded = False
        self._troubles = Troubles()
        self._complete_at: Moment | None = None
        self._started_s: float | None = None

    def handle(self, inputs: Sequence[io.Input], now: Now) -> list[Output]:
        """Take in everything that came, store it, and say what must go out. Also to be called when nothing came."""
        outputs: list[Output] = []
        if self._started_s is None:
            self._started_s = now.mono_s
        # Memory first: it knows the devices that speak before anybody has named them.
        self._remembering(now)
        self._release(now, outputs)
        for given in inputs:
            if not isinstance(given, io.HttpReply | io.HttpFailed):
                self._take(given, now, outputs)
        at_ms = now.moment.boottime_ms
        for port in self._sources.due(at_ms):
            self._step(serial_source(port), now, "", partial(self._sources.woken, port, at_ms), outputs)
        self._store(now, outputs)
        for given in inputs:
            if isinstance(given, io.HttpReply | io.HttpFailed):
                self._answer(given, now)
        outputs += self.sirens.step(at_ms)
        if self._outbox.ready:
            self._care(now)
            if self.sirens.pressing:
                self._uplink.within(SIREN_BEAT_MS)
            self._deliver(now, outputs)
        return outputs

    # --- taking ----------------------------------------------------------------------------------------------

    def _take(self, given: io.Input, now: Now, outputs: list[Output]) -> None:
        at_ms = now.moment.boottime_ms
        if self.sirens.took(given, at_ms):
            if isinstance(given, io.MqttReceived) and given.qos > 0:
                outputs.append(io.AckMqtt(given.mid, given.qos, given.epoch))
        elif isinstance(given, io.SerialBytes):
            step = serial_source(given.port), now, given.data.hex()
            read_ms = at_ms if given.read_ms is None else given.read_ms
            self._step(*step, lambda: self._sources.serial(given.port, given.data, read_ms), outputs)
        elif isinstance(given, io.MqttReceived):
            self._take_mqtt(Held(given, now), outputs)
        elif isinstance(given, io.PortUp):
            source = serial_source(given.port)
            if self._sources.works_once_open(given.port):
                self._wait(Waiting(source, now.moment, (SourceState(source, up=True),)))
            self._step(source, now, "", lambda: self._sources.opened(given.port, at_ms), outputs)
        elif isinstance(given, io.PortDown):
            source = serial_source(given.port)
            self._sources.closed(given.port)
            self._wait(Waiting(source, now.moment, (SourceState(source, up=False, reason=given.reason),)))
        elif isinstance(given, io.MqttUp):
            if given.session_present:
                self._known.catch_up_until_ms = at_ms + CATCH_UP_MS
            else:
                # The broker begins its message ids anew: what we remember of the old ones says nothing.
                self._session += 1
            self._sources.connected()
            self._holding.connected(now)
            self._wait(Waiting(MQTT, now.moment, (SourceState(MQTT, up=True),)))
        elif isinstance(given, io.MqttDown):
            self._wait(Waiting(MQTT, now.moment, (SourceState(MQTT, up=False, reason=given.reason),)))

    def _take_mqtt(self, taken: Held, outputs: list[Output]) -> None:
        may_wait = not self._loaded or not self._holding.over(taken.now)
        if may_wait and not self._holding.full and self._sources.awaits(taken.message):
            self._holding.hold(taken)
            return
        for held in self._holding.of(taken.given.topic):
            self._read_mqtt(held, outputs)  # older than what is said now, and must not be taken for newer
        self._read_mqtt(taken, outputs)
        self._release(taken.now, outputs)

    def _release(self, now: Now, outputs: list[Output]) -> None:
        """Take in what was held, as of when it came, if it is known whose it is or must wait no longer."""
        first = self._holding.first()
        if first is None or not self._loaded:
            return
        if self._holding.over(now) or not self._sources.awaits(first.message):
            for held in self._holding.take(now, self._sources.awaits):
                self._read_mqtt(held, outputs)

    def stopping(self, now: Now) -> list[Output]:
        """The last call: what is held and would not be delivered again is stored; the rest is the broker's."""
        for held in self._holding.left():
            self._read_mqtt(held, [])
        self._store(now, [])
        return self.sirens.last()

    def _read_mqtt(self, taken: Held, outputs: list[Output]) -> None:
        given, now, message = taken.given, taken.now, taken.message
        if len(self._waiting) >= WAITING_MAX:
            # Its driver must not see it: when the broker brings it again, it would be a repeat.
            self._overflowed.setdefault(MQTT, now.moment)
            return
        token = None
        if given.qos > 0:
            sha = sha256(given.topic.encode("utf-8", "replace") + b"\0" + given.payload).hexdigest()[:16]
            token = Token(io.AckMqtt(given.mid, given.qos, given.epoch), sha, given.dup, self._session)
            if self._outbox.ready and self._known.is_duplicate(token, self._outbox.memory):
                self._wait(Waiting(MQTT, now.moment, (), token))
                return
        raw = f"{given.topic[:200]} {given.payload[:200].decode('utf-8', 'replace')}"
        self._step(MQTT, now, raw, lambda: self._sources.mqtt(message, now.moment.boottime_ms), outputs, token)

    def _step(
        self,
        source: str,
        now: Now,
        raw: str,
        call: Callable[[], Taken],
        outputs: list[Output],
        token: Token | None = None,
    ) -> None:
        box: list[Taken] = []
        error = self._guard(source, lambda: box.append(call()))
        if error is not None:
            self._wait(Waiting(source, now.moment, (Unhandled(None, raw, error),), token))
            return
        for name, number in box[0].counted.items():
            key = f"{source}.{name}"
            self._known.counters[key] = self._known.counters.get(key, 0) + number
        outputs += [io.SerialSend(source.removeprefix("serial:"), data) for data in box[0].to_send]
        if box[0].outputs or token is not None:
            self._wait(Waiting(source, now.moment, box[0].outputs, token, now.crowded))

    def _wait(self, waiting: Waiting) -> None:
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(waiting)
        elif waiting.source not in self._overflowed:
            # The disk has been away for long. From the broker it comes again; from a radio it is a named gap.
            self._overflowed[waiting.source] = waiting.at

    # --- storing ---------------------------------------------------------------------------------------------

    def _remembering(self, now: Now) -> None:
        if self._loaded or now.mono_s < self._troubles.retry_at_s:
            return
        try:
            self._open(now)
        except StoreError as error:
            self._store_failed(error, now)

    def _store(self, now: Now, outputs: list[Output]) -> None:
        if now.mono_s < self._troubles.retry_at_s:
            return
        try:
            self._open(now)
            while self._waiting or self._known.has_news(self._outbox.memory, now.moment):
                self._store_group(now, outputs)
        except StoreError as error:
            self._store_failed(error, now)
            return
        if not self._holding and self._known.settles_ms(now.moment) is None:
            self._complete_at = now.moment
        for source, since in list(self._overflowed.items()):
            del self._overflowed[source]
            self._known.overlooked(source, since)
            if source == MQTT:
                outputs.append(io.ReconnectMqtt())
            else:
                devices = tuple(self._sources.devices_of(source, self._known.heard))[:100]
                lost = SourceLost(source, "readings lost while the disk was away", devices)
                self._wait(Waiting(source, now.moment, (lost, SourceBack(source, since, devices))))

    def _open(self, now: Now) -> None:
        if not self._outbox.ready:
            self._outbox.open(VERSION, now.moment)
            self._note_damage(now)
        if not self._loaded:
            self._known.load(self._outbox.memory)
            self._sources.recall(self._outbox.memory)
            self._loaded = True

    def _note_damage(self, now: Now) -> None:
        if self._outbox.moved_aside is not None:
            self._outbox.moved_aside = None
            self._troubles.damaged(now)

    def _store_group(self, now: Now, outputs: list[Output]) -> None:
        taken = list(islice(self._waiting, GROUP_MAX))
        group = self._known.gather(taken, self._outbox.memory, self._outbox.next_seq, now.moment)
        self._probe(
            "interpreted", {"events": len(group.events), "kinds": [type(e.body).__name__ for e in group.events]}
        )
        seqs: tuple[int, ...] = ()
        if group.events or group.memory.changes:
            seqs = self._outbox.append(group.events, group.memory.changes)
            self._troubles.stored_again()
        self._probe("committed", {"seqs": seqs})
        for _ in taken:
            self._waiting.popleft()
        self._known.stored(group)
        self._troubles.sources(group.sources, now)
        outputs += group.acks

    def _store_failed(self, error: StoreError, now: Now) -> None:
        self._troubles.store_failed(str(error), now)
        try:
            if error.damaged and self._outbox.ready:
                self._outbox.replace(VERSION, now.moment, without_firsts(self._outbox.memory))
                self._known.forget()
                self._note_damage(now)
                self._troubles.retry_at_s = now.mono_s
            elif error.full and self._outbox.ready:
                self._outbox.prune(self._outbox.next_seq, PRUNE_ROWS)
        except StoreError as second:
            self._troubles.store = str(second)

    def _care(self, now: Now) -> None:
        try:
            self._pruning.care(now)
        except StoreError as error:
            self._troubles.store = str(error)

    # --- the centre ------------------------------------------------------------------------------------------

    def _answer(self, given: io.HttpReply | io.HttpFailed, now: Now) -> None:
        try:
            if isinstance(given, io.HttpReply):
                self._uplink.replied(given, now)
            else:
                self._uplink.failed(given, now)
        except StoreError as error:
            self._troubles.store = str(error)

    def _deliver(self, now: Now, outputs: list[Output]) -> None:
        try:
            # First of all: a call must not wait for what is said to brokers and ports.
            outputs[:0] = self._uplink.deliver(now)
            rest = self._uplink.last_ok_ms, self._complete_at, self.sirens
            self._guard("local turn", lambda: self.local.turn(now, self._outbox, *rest))
        except StoreError as error:
            self._troubles.store = str(error)

    def _beat(self, now: Now) -> Heartbeat:
        try:
            # Alive is who has stored what it heard: what waits here would be lost with the agent, unheard.
            self._outbox.stamp(self._complete_at or now.moment, self._known.heard_changes())
            self._known.stamped()
            if not self._waiting:
                self._troubles.stored_again()
        except StoreError as error:
            self._troubles.store = str(error)
        heartbeat = self._listed.added_to(self.describe(now, self._uplink.disproved(now)), self._known.heard)
        return self.local.added_to(heartbeat, now)

    def describe(self, now: Now, disproved: Collection[str] = ()) -> Heartbeat:
        """The gateway's state as a heartbeat tells it, without faults (by key) that its very arrival disproves.

        Raises StoreError when the rows cannot be read.
        """
        held = self._outbox.held()
        complete = None
        if self._complete_at is not None:
            complete = CompleteTo(
                self._complete_at, {h.stream: h.last for h in held if h.acked < h.last or h is held[-1]}
            )
        ages = sorted(self._known.heard_age_ms(now.moment).items(), key=lambda item: item[1])[:HEARD_SENT_MAX]
        health, sirens = self._health(now, disproved), self.sirens.said(now.moment.boottime_ms)
        return Heartbeat(now.moment, self._outbox.stream, held, complete, health, dict(ages), sirens=sirens)

    def _health(self, now: Now, disproved: Collection[str]) -> GatewayHealth:
        oldest = self._outbox.oldest_unsent() if self._outbox.unsent.total() else None
        return GatewayHealth(
            version=VERSION,
            uptime_s=int(now.mono_s - (self._started_s or now.mono_s)),
            backlog_rows=self._outbox.unsent.total(),
            oldest_unsent_s=age_ms(oldest, now.moment) // 1000 if oldest is not None else 0,
            parked_rows=self._outbox.parked_rows,
            shed_rows=self._outbox.shed_rows,
            disk_free_mb=self._machine.disk_free_mb(),
            clock_synced=now.moment.synced,
            temperature_c=self._machine.temperature_c(),
            sources=self._known.states,
            counters=counted({**self._known.counters, **self._uplink.counters, "waiting": len(self._waiting)}),
            faults=listed(text for key, text in self.faults(now).items() if key not in disproved),
            findings=listed(
                f"{address}: {said}"
                for found in (self._known.findings, *(it.findings() for it in (self._listed, self.sirens, self.local)))
                for address, said in found.items()
            ),
        )

    # --- telling ---------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether the outbox is open."""
        return self._outbox.ready

    def faults(self, now: Now) -> dict[str, str]:
        """What wants a person now, by a key that stays the same while it lasts."""
        found = {**self._troubles.of_store(now), **self._uplink.faults(now)}
        if self._outbox.ready and self._outbox.parked_rows:
            try:
                for row in self._outbox.parked():
                    found[f"parked {row.seq}"] = f"parked: {row.kind} {row.seq}, {row.reason}"
            except StoreError as error:
                found["store"] = str(error)
        found.update(self._troubles.of_sources(self._known.states, now))
        return {**found, **self.sirens.faults(now.moment.boottime_ms)}

    def wake_at_s(self, now: Now, idle_s: float = 1.0) -> float:
        """When to call `handle` at the latest although nothing came. idle_s: no later than so long from now."""
        found = [now.mono_s + idle_s, self._holding.wake_at_s(), self.local.wake_at_s(now)]
        if self._waiting or not self._outbox.ready:
            found.append(self._troubles.retry_at_s)
        if self._outbox.ready:
            found.append(self._uplink.wake_at_s(now))
        settles = self._known.settles_ms(now.moment), self._troubles.retry_at_s
        for wake_ms, least_s in ((self._sources.wake_at_ms(), 0.0), (self.sirens.wake_at_ms(), 0.0), settles):
            if wake_ms is not None:
                found.append(max(least_s, now.mono_s + (wake_ms - now.moment.boottime_ms) / 1000 / now.pace))
        return max(min(found), now.mono_s)
