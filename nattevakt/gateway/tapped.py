"""The drivers with a tap on them: what each heard and said is shown on. Serves arrows 1 and 2 beside their way.

Owns what every device last said of itself, the links' own names, and the learn window's end. Must not know sockets,
events or storage; a bug in here never keeps a reading from its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from nattevakt.edge.drivers.driver import MqttMessage, Reading
from nattevakt.edge.memory import DeviceMemory, memory_key
from nattevakt.gateway.inputs import Guard
from nattevakt.gateway.sources import MQTT, Sources, Taken, serial_source
from nattevakt.gateway.tap import DEVICES_MAX, OWN_VALUES, Data, Heard, Tap, Told

NOTHING: Mapping[str, str] = {}
LINK_FACTS = ("base_id", "version", "answered", "settings", "lost")
"""What a serial driver's state may know of the thing at the other end; each driver has some of them."""


class Tapped(Sources):
    """Sources that tell a tap what went in and what came out."""

    def __init__(self, tap: Tap, guard: Guard, *sources: Any, **more: Any) -> None:
        super().__init__(*sources, **more)
        self._tap = tap
        self._guarded = guard
        self._learn_until_ms: int | None = None
        self._own: dict[str, dict[str, object]] = {}

    def opened(self, port: str, now_ms: int) -> Taken:
        """A port is open; an open learn window stays open."""
        taken = super().opened(port, now_ms)
        if self._learn_until_ms is not None:
            self._learn_on(port)
        return self._shown(now_ms, serial_source(port), "opened", None, taken)

    def serial(self, port: str, data: bytes, now_ms: int) -> Taken:
        """Bytes from a port."""
        return self._shown(now_ms, serial_source(port), "bytes", data, super().serial(port, data, now_ms))

    def woken(self, port: str, now_ms: int) -> Taken:
        """Time has passed for a port's driver."""
        return self._shown(now_ms, serial_source(port), "woken", None, super().woken(port, now_ms))

    def mqtt(self, message: MqttMessage, now_ms: int) -> Taken:
        """One message from the broker."""
        return self._shown(now_ms, MQTT, "message", message, super().mqtt(message, now_ms))

    def due(self, now_ms: int) -> list[str]:
        """What time asks for; and what operators asked for since the last call is done here, in the core's thread."""
        self._guarded("tap", partial(self._learning, now_ms))
        return super().due(now_ms)

    def _learning(self, now_ms: int) -> None:
        until_ms = self._learn_until_ms
        for asked in self._tap.asked_to_learn():
            until_ms = asked
        if until_ms is not None and until_ms <= now_ms:
            until_ms = None
        if until_ms != self._learn_until_ms:
            self._learn_until_ms = until_ms
            for port in self._ports:
                self._learn_on(port)
            self._tap.seen(Told({"learning_until_ms": until_ms}))

    def _learn_on(self, port: str) -> None:
        entry = self._ports[port]
        entry.state = entry.driver.learning(self._learn_until_ms, entry.state)

    def _shown(self, now_ms: int, source: str, what: str, data: Data, taken: Taken) -> Taken:
        self._guarded("tap", partial(self._show, Heard(now_ms, source, what, data, taken)))
        return taken

    def _show(self, heard: Heard) -> None:
        for output in heard.taken.outputs:
            if isinstance(output, Reading):
                self._keep(output, heard.ms)
        if self._tap.watched and (heard.data is not None or heard.taken.outputs or heard.what == "opened"):
            self._tap.seen(heard)

    def _keep(self, reading: Reading, now_ms: int) -> None:
        own = self._own.get(reading.address)
        if own is None:
            if len(self._own) >= DEVICES_MAX and reading.address not in self.by_address:
                return
            own = self._own[reading.address] = {"messages": 0}
        own["messages"] = int(str(own["messages"])) + 1
        if not reading.replay:
            own["heard_ms"] = now_ms
        own |= {name: reading.values[name] for name in OWN_VALUES if reading.values.get(name) is not None}

    def told(self, memory: Mapping[str, str] = NOTHING) -> dict[str, object]:
        """For status.json: what each device last said of itself, who looks on, and what is at the ends of the lines.

        memory: the gateway's rows, for what devices said before this start, whether they flood, and what meant nothing.
        """
        devices = dict.fromkeys([*self.by_address, *self._own])
        return {
            "devices": {address: told for address in devices if (told := self._device(address, memory))},
            "links": {serial_source(name): link_facts(port.state) for name, port in self._ports.items()},
            "lookers_on": self._tap.watched,
            "lines_dropped": self._tap.dropped,
            "learning_until_ms": self._learn_until_ms,
        }

    def _device(self, address: str, memory: Mapping[str, str]) -> dict[str, object]:
        row = DeviceMemory(memory.get(memory_key(address)))
        counted = {"flood": row.flood or None, "errors": row.errors or None}
        kept = {name: row.health.get(name) for name in OWN_VALUES}
        found = {name: value for name, value in (kept | counted).items() if value is not None}
        return found | self._own.get(address, {})


def link_facts(state: object) -> dict[str, object]:
    """What a driver's state knows of the thing at the other end of its line."""
    places = (state, getattr(state, "radar", None))
    found = {name: getattr(place, name, None) for place in places for name in LINK_FACTS if hasattr(place, name)}
    return {name: value for name, value in found.items() if isinstance(value, str | bool) and value != ""}
