"""The drivers of this gateway and their states. Serves arrows 1 and 2 by calling them.

Owns which driver listens to which port or topic, and when each wants to be called again. Must not know events or
storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nattevakt.edge.drivers.driver import Device, Line, MqttMessage, Reading, Remember, Said, SourceState, Stepped
from nattevakt.edge.drivers.registry import MqttDialect, SerialDriver
from nattevakt.gateway.topics import Routes

MQTT = "mqtt"
NO_LINE = Line()
OTHERS_ROWS = ("device:", "core.")
"""Rows of memory that are not a driver's, and are too many to keep twice."""
RAISED_MS = 30_000
"""A driver that raised begins afresh, and is woken so much later: it may have a silence to judge."""


def serial_source(port: str) -> str:
    """The name of a serial port as a source in events."""
    return f"serial:{port}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a driver gave back for one input."""

    outputs: tuple[Said, ...] = ()
    to_send: tuple[bytes, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rooted:
    """A dialect and the topic under which it is published here, "" where every node has one of its own."""

    dialect: MqttDialect
    root: str = ""


@dataclass(slots=True)
class _Port:
    name: str
    driver_name: str
    driver: SerialDriver
    state: Any
    wake_at_ms: int | None = None
    up: bool = False
    proved: bool = False
    heard: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Spoken:
    name: str
    dialect: MqttDialect
    state: Any


class Sources:
    """All drivers with their states.

    dialects: those spoken on the broker, by name. line: what every serial driver is told of its line but its name.
    """

    def __init__(
        self,
        devices: tuple[Device, ...],
        serial: Mapping[str, tuple[str, SerialDriver]],
        dialects: Mapping[str, Rooted],
        *,
        line: Line = NO_LINE,
    ) -> None:
        self._devices = devices
        self.by_address = {device.address: device for device in devices}
        self._line = line
        self._remembered: dict[str, str] = {}
        self._ports = {
            name: _Port(name, kind, driver, driver.start(devices, replace(line, name=name)))
            for name, (kind, driver) in serial.items()
        }
        self._spoken = [_Spoken(name, d.dialect, d.dialect.start(d.root, devices)) for name, d in dialects.items()]
        filters = [d.dialect.subscriptions(d.root, devices) for d in dialects.values()]
        self.topics = tuple(topic for some in filters for topic in some)
        self._routes = Routes(
            (topic, spoken) for spoken, some in zip(self._spoken, filters, strict=True) for topic in some
        )
        self._mqtt_prefixes = tuple(spoken.dialect.PREFIX for spoken in self._spoken)

    @property
    def names(self) -> tuple[str, ...]:
        """All sources that this gateway should have."""
        return (*map(serial_source, self._ports), *((MQTT,) if self._spoken else ()))

    def opened(self, port: str, now_ms: int) -> Taken:
        """A port is open: its driver starts afresh, so that half a frame from before is forgotten."""
        entry = self._ports[port]
        entry.state = self._afresh(entry)
        entry.up, entry.proved = True, self.works_once_open(port)
        return self._serial(entry, None, now_ms)

    def works_once_open(self, port: str) -> bool:
        """Whether an open port is all there is to say; where the line is the device, that device must speak first."""
        return not self._ports[port].driver.PER_LINE

    def _afresh(self, entry: _Port) -> Any:
        state = entry.driver.start(self._devices, replace(self._line, name=entry.name))
        return entry.driver.recall(self._remembered, state)

    def closed(self, port: str) -> None:
        """A port is gone: its driver need not be woken."""
        self._ports[port].up = False
        self._ports[port].wake_at_ms = None

    def serial(self, port: str, data: bytes, now_ms: int) -> Taken:
        """Bytes from a port."""
        return self._serial(self._ports[port], data, now_ms)

    def _serial(self, entry: _Port, data: bytes | None, now_ms: int) -> Taken:
        taken: Stepped[Any] | None = None
        try:
            taken = entry.driver.step(data, now_ms, entry.state)
        finally:
            if taken is None:
                # What made it raise must not make it raise for ever, nor keep it from ever judging a silence.
                entry.state, entry.wake_at_ms = self._afresh(entry), now_ms + RAISED_MS
        entry.state = taken.state
        entry.wake_at_ms = taken.wake_at_ms
        spoke = {found.address for found in taken.outputs if isinstance(found, Reading)}
        entry.heard |= spoke
        for found in taken.outputs:
            if isinstance(found, Remember):
                # A port may be opened again before this is on disk: its driver must not know less than it did.
                self._remembered[found.key] = found.text
                self._share(entry)
        outputs = taken.outputs
        if not entry.proved and (spoke or any(isinstance(found, SourceState) and found.up for found in outputs)):
            entry.proved = True
            outputs = (SourceState(serial_source(entry.name), up=True), *outputs)
        return Taken(outputs, taken.to_send, taken.counted)

    def _share(self, teller: _Port) -> None:
        """Several receivers hear one device: none may take in as new what another one has had."""
        for entry in self._ports.values():
            if entry is not teller and entry.driver is teller.driver and not entry.driver.PER_LINE:
                entry.state = entry.driver.recall(self._remembered, entry.state)

    def mqtt(self, message: MqttMessage, now_ms: int) -> Taken:
        """One message from the broker, for the one dialect whose topic it is."""
        spoken = self._routes.owner(message.topic)
        if spoken is None:
            return Taken(counted={"foreign_topic": 1})
        taken = spoken.dialect.step(message, now_ms, spoken.state)
        spoken.state = taken.state
        return Taken(taken.outputs, (), {f"{spoken.name}.{what}": number for what, number in taken.counted.items()})

    def recall(self, memory: Mapping[str, str]) -> None:
        """Take up what the drivers asked to have remembered."""
        told = {key: text for key, text in memory.items() if not key.startswith(OTHERS_ROWS)}
        self._remembered = {**told, **self._remembered}
        for entry in self._ports.values():
            entry.state = entry.driver.recall(self._remembered, entry.state)
        for spoken in self._spoken:
            spoken.state = spoken.dialect.recall(memory, spoken.state)

    def connected(self) -> None:
        """A connection to the broker begins."""
        for spoken in self._spoken:
            spoken.state = spoken.dialect.connected(spoken.state)

    def awaits(self, message: MqttMessage) -> bool:
        """Whether nobody can say yet what this message means or which device it comes from."""
        spoken = self._routes.owner(message.topic)
        return spoken is not None and spoken.dialect.awaits(message, spoken.state)

    def due(self, now_ms: int) -> list[str]:
        """Ports whose driver wants to be called because time has passed."""
        return [name for name, p in self._ports.items() if p.up and p.wake_at_ms is not None and p.wake_at_ms <= now_ms]

    def woken(self, port: str, now_ms: int) -> Taken:
        """Time has passed for a port's driver."""
        return self._serial(self._ports[port], None, now_ms)

    def wake_at_ms(self) -> int | None:
        """The next boottime at which a driver wants to be called."""
        return min((p.wake_at_ms for p in self._ports.values() if p.wake_at_ms is not None), default=None)

    def through(self, address: str) -> tuple[str, ...]:
        """All sources that a device may come through."""
        if address.startswith(self._mqtt_prefixes):
            return (MQTT, *_speakers(address))
        own = self._port_of(address)
        return tuple(map(serial_source, self._ports if own is None else (own,)))

    def devices_of(self, source: str, heard: Iterable[str]) -> list[str]:
        """Addresses that come from a source: those configured for it and those heard through it."""
        known = dict.fromkeys([*self.by_address, *heard])
        if source == MQTT:
            return [address for address in known if address.startswith(self._mqtt_prefixes)]
        name, port = next(((n, p) for n, p in self._ports.items() if serial_source(n) == source), (None, None))
        if port is None:
            return [a for a in known if a.startswith(self._mqtt_prefixes) and source in _speakers(a)]
        alone = sum(p.driver_name == port.driver_name for p in self._ports.values()) == 1
        prefix = port.driver.PREFIX
        return [a for a in known if a in port.heard or self._port_of(a) == name or (alone and a.startswith(prefix))]

    def _port_of(self, address: str) -> str | None:
        """The one port that a device can come through, where the line is the device."""
        for name, port in self._ports.items():
            if port.driver.PER_LINE and address == port.driver.PREFIX + name:
                return name
        return None


def _speakers(address: str) -> tuple[str, ...]:
    """Who may say of itself that it and this device are gone: its bridge ("z2m"), its node ("esphome:rom3")."""
    return (address.partition(":")[0], address.rpartition("/")[0])
