"""A gateway with nodes on its broker, from the message to events: one for ESPHome, one for Shelly."""

from __future__ import annotations

import json
from typing import Any

from nattevakt.edge.drivers import esphome, shelly
from nattevakt.edge.drivers.driver import Device, MqttMessage, Reading, Use, Value
from nattevakt.edge.events import Body
from tests.edge.interpreting import T0, House

TS = T0 / 1000
"""The house's wall time at its boot, in a Shelly's seconds."""


class EspHome:
    """One node's broker, from the wire to events."""

    def __init__(self, *devices: Device, root: str = "") -> None:
        self.root = root
        self.house = House(*devices)
        self.state = esphome.start(root, devices)
        self.counted: dict[str, int] = {}
        self.outputs: tuple[Any, ...] = ()

    def hear(self, at_ms: int, topic: str, payload: bytes, *, retained: bool = False) -> list[Body]:
        path = f"{self.root}/{topic}" if self.root else topic
        stepped = esphome.step(MqttMessage(path, payload, retained), at_ms, self.state)
        self.state, self.outputs, self.counted = stepped.state, stepped.outputs, dict(stepped.counted)
        said: list[Body] = []
        for one in stepped.outputs:
            if isinstance(one, Reading):
                more = {"replay": one.replay, "key": one.key, "raw": one.raw}
                said += self.house.bodies(at_ms, dict(one.values), one.address, **more)
        return said

    def values(self, topic: str, payload: bytes, *, retained: bool = False) -> list[dict[str, Value]]:
        self.hear(0, topic, payload, retained=retained)
        return [dict(one.values) for one in self.outputs if isinstance(one, Reading)]


def esphome_online(*devices: Device) -> EspHome:
    home = EspHome(*devices)
    home.hear(0, "rom3/status", b"online", retained=True)
    return home


class ShellyHome:
    """One broker with Shellys on it, from the wire to events."""

    def __init__(self, *devices: Device, root: str = "") -> None:
        self.house = House(*devices)
        self.state = shelly.start(root, devices)
        self.counted: dict[str, int] = {}
        self.outputs: tuple[Any, ...] = ()

    def hear(self, at_ms: int, topic: str, payload: object, *, retained: bool = False) -> list[Body]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        stepped = shelly.step(MqttMessage(topic, raw, retained), at_ms, self.state)
        self.state, self.outputs, self.counted = stepped.state, stepped.outputs, dict(stepped.counted)
        said: list[Body] = []
        for one in self.readings:
            more = {"replay": one.replay, "key": one.key, "raw": one.raw}
            said += self.house.bodies(at_ms, dict(one.values), one.address, **more)
        return said

    @property
    def readings(self) -> list[Reading]:
        return [one for one in self.outputs if isinstance(one, Reading)]

    @property
    def replays(self) -> list[bool]:
        """Which of the last readings are marked as not new."""
        return [one.replay for one in self.readings]

    def status(self, at_ms: int, ts: float | None, *, full: bool = False, **parts: dict[str, Any]) -> list[Body]:
        named = {name.replace("_", ":"): status for name, status in parts.items()}
        params = named if ts is None else {"ts": ts, **named}
        method = "NotifyFullStatus" if full else "NotifyStatus"
        return self.hear(at_ms, "bad3/events/rpc", {"src": "bad3", "method": method, "params": params})

    def event(self, at_ms: int, ts: float | None, event: str, component: str = "input:0") -> list[Body]:
        one = {"component": component, "id": 0, "event": event, **({} if ts is None else {"ts": ts})}
        return self.hear(at_ms, "bad3/events/rpc", {"method": "NotifyEvent", "params": {"ts": ts, "events": [one]}})


def on(component: str, profile: str, use: Use = Use.AUTO, **more: Any) -> Device:
    return Device(f"shelly:bad3/{component}", profile, use, **more)


CORD = on("input:0", "input_button", Use.CALL)
BUTTON = on("bthomedevice:200", "button", Use.CALL)
WINDOW = on("bthomesensor:201", "window", Use.DOOR)
MOTION = on("bthomesensor:202", "motion")
