"""The drivers of this gateway and their states. Serves arrows 1 and 2 by calling them.

Owns which driver listens to which port, and when each wants to be called again. Must not know events or storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nattevakt.edge.drivers.driver import Device, MqttMessage, Reading, Said, Stepped
from nattevakt.edge.drivers.registry import MqttDialect, SerialDriver

MQTT = "mqtt"
BRIDGE = "z2m"
BRIDGE_PREFIX = "z2m:"


def serial_source(port: str) -> str:
    """The name of a serial port as a source in events."""
    return f"serial:{port}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a driver gave back for one input."""

    outputs: tuple[Said, ...] = ()
    to_send: tuple[bytes, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Port:
    driver_name: str
    driver: SerialDriver
    state: Any
    wake_at_ms: int | None = None
    up: bool = False
    heard: set[str] = field(default_factory=set)


class Sources:
    """All drivers with their states."""

    def __init__(
        self,
        devices: tuple[Device, ...],
        serial: Mapping[str, tuple[str, SerialDriver]],
        dialect: MqttDialect | None,
        base_topic: str,
    ) -> None:
        self._devices = devices
        self.by_address = {device.address: device for device in devices}
        self._ports = {name: _Port(kind, driver, driver.start(devices)) for name, (kind, driver) in serial.items()}
        self._dialect = dialect
        self._mqtt_state: Any = dialect.start(base_topic, devices) if dialect is not None else None

    @property
    def names(self) -> tuple[str, ...]:
        """All sources that this gateway should have."""
        return (*map(serial_source, self._ports), *((MQTT,) if self._dialect is not None else ()))

    def opened(self, port: str, now_ms: int) -> Taken:
        """A port is open: its driver starts afresh, so that half a frame from before is forgotten."""
        entry = self._ports[port]
        entry.state = entry.driver.start(self._devices)
        entry.up = True
        return self._serial(entry, None, now_ms)

    def closed(self, port: str) -> None:
        """A port is gone: its driver need not be woken."""
        self._ports[port].up = False
        self._ports[port].wake_at_ms = None

    def serial(self, port: str, data: bytes, now_ms: int) -> Taken:
        """Bytes from a port."""
        return self._serial(self._ports[port], data, now_ms)

    def _serial(self, entry: _Port, data: bytes | None, now_ms: int) -> Taken:
        entry.wake_at_ms = None  # should the step raise, it is not called again and again
        taken: Stepped[Any] = entry.driver.step(data, now_ms, entry.state)
        entry.state = taken.state
        entry.wake_at_ms = taken.wake_at_ms
        entry.heard.update(found.address for found in taken.outputs if isinstance(found, Reading))
        return Taken(taken.outputs, taken.to_send, taken.counted)

    def mqtt(self, message: MqttMessage, now_ms: int) -> Taken:
        """One message from the broker."""
        if self._dialect is None:
            return Taken()
        taken = self._dialect.step(message, now_ms, self._mqtt_state)
        self._mqtt_state = taken.state
        return Taken(taken.outputs, (), taken.counted)

    def recall(self, memory: Mapping[str, str]) -> None:
        """Take up what the broker's dialect asked to have remembered."""
        if self._dialect is not None:
            self._mqtt_state = self._dialect.recall(memory, self._mqtt_state)

    def connected(self) -> None:
        """A connection to the broker begins."""
        if self._dialect is not None:
            self._mqtt_state = self._dialect.connected(self._mqtt_state)

    def awaits(self, message: MqttMessage) -> bool:
        """Whether nobody can say yet which device this message comes from."""
        return self._dialect is not None and self._dialect.awaits(message, self._mqtt_state)

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
        if address.startswith(BRIDGE_PREFIX):
            return (MQTT, BRIDGE)
        return tuple(map(serial_source, self._ports))

    def devices_of(self, source: str, heard: Iterable[str]) -> list[str]:
        """Addresses that come from a source: those configured for it and those heard through it."""
        known = dict.fromkeys([*self.by_address, *heard])
        if source in (MQTT, BRIDGE):
            return [address for address in known if address.startswith(BRIDGE_PREFIX)]
        port = next((p for name, p in self._ports.items() if serial_source(name) == source), None)
        if port is None:
            return []
        alone = sum(p.driver_name == port.driver_name for p in self._ports.values()) == 1
        prefix = f"{port.driver_name}:"
        return [a for a in known if a in port.heard or (alone and a.startswith(prefix))]
