"""One gateway's interpreter with the memory and sequence numbers that its outbox would keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nattevakt.edge.drivers.driver import Device, Reading, Value
from nattevakt.edge.events import Body, Event, Health, Moment
from nattevakt.edge.interpret import Interpreted, interpret, released
from nattevakt.edge.memory import DeviceMemory, memory_key

DOOR = "z2m:door"
T0 = 1_790_000_000_000


def moment(at_ms: int, boot: str = "b1") -> Moment:
    """The clocks at_ms after the boot; T0 is the wall time of the boot."""
    return Moment(boot, at_ms, T0 + at_ms, synced=True)


class House:
    """One gateway's interpreter with its memory and sequence numbers, as the outbox would keep them."""

    def __init__(self, *devices: Device, boot: str = "b1") -> None:
        self.devices = {device.address: device for device in devices}
        self.memory: dict[str, str] = {}
        self.heard: dict[str, Moment] = {}
        self.seq = 100
        self.boot = boot
        self.last = Interpreted()
        self.unsettled: set[str] = set()
        self.known: dict[str, DeviceMemory] = {}
        self.synced = True

    def hear(
        self, at_ms: int, values: dict[str, Value], address: str = DOOR, *, timely: bool = True, **more: Any
    ) -> list[Event]:
        reading = replace(Reading(address, values), **more)
        now = replace(moment(at_ms, self.boot), synced=self.synced)
        self.last = interpret(
            reading,
            self.devices.get(address),
            self.memory,
            now,
            next_seq=self.seq + 1,
            last_heard=self.heard.get(address),
            settled=address not in self.unsettled,
            known=self.known.get(address),
            timely=timely,
        )
        self.unsettled.discard(address)
        self.seq += len(self.last.events)
        self._remember(address)
        if reading.occurred_ms is None:
            self.heard[address] = now
        return list(self.last.events)

    def _remember(self, address: str) -> None:
        if self.last.memory is not None:
            self.known[address] = self.last.memory
            if self.last.changed:
                self.memory[memory_key(address)] = self.last.memory.text()

    def restart(self) -> None:
        """The agent starts again: only what was written is known."""
        self.known.clear()

    def release(self, at_ms: int, address: str = DOOR) -> list[Event]:
        """Time has passed for what was withheld."""
        memory = self.known.get(address) or DeviceMemory(self.memory.get(memory_key(address)))
        self.last = released(address, memory, moment(at_ms, self.boot))
        self.seq += len(self.last.events)
        self._remember(address)
        return list(self.last.events)

    def bodies(self, at_ms: int, values: dict[str, Value], address: str = DOOR, **more: Any) -> list[Body]:
        """What was said, without the hourly sign of life."""
        return [e.body for e in self.hear(at_ms, values, address, **more) if not isinstance(e.body, Health)]
