"""LoRaWAN devices of Milesight behind ChirpStack: one uplink for each thing that happens, by the dialect's own encoder.
Serves arrow 2 from the outside.

Owns the frame counter and what a radar keeps in its memory. Must not know the driver that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from nattevakt.edge.drivers.driver import Reading, Value
from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.sim.devices.device import Plain, SimDevice, Utterance
from nattevakt.sim.ward import Sensor

LOST_MS = 70 * 60_000
"""So long ago was the fall that never arrived."""


class MilesightDevice(Plain):
    """A WS101, WS301 or VS373, by its profile."""

    def __init__(self, sensor: Sensor, base_topic: str) -> None:
        super().__init__(sensor)
        self._base_topic = base_topic
        self._uplinks = 0

    def pressed(self) -> tuple[Utterance, ...]:
        """One short press; the button has no release."""
        return self.say({"action": "short", "battery_percent": 90.0})

    def changed(self) -> tuple[Utterance, ...]:
        """A radar tells what changed; a contact has but one thing to tell."""
        return self.say({name: value for name, value in self.state.items() if self.before.get(name) != value})

    def reports(self) -> tuple[Utterance, ...]:
        """A sign of life, with how things are: of a radar the room, and nothing of that while somebody lies on its
        floor: a room that is as ever would be the end of the fall."""
        if self.sensor.mute:
            return ()
        told: dict[str, Value] = {name: value for name, value in self.state.items() if name != "fall"}
        if self.sensor.profile == "VS373" and self.state.get("fall", "no") == "no":
            told.setdefault("present", True)
        elif self.sensor.profile == "VS373":
            told.pop("present", None)
        return self.say({**told, "battery_percent": 90.0})

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """One uplink."""
        return self.uplink(self.told(values), after_ms)

    def uplink(
        self, values: Mapping[str, Value], after_ms: int = 0, occurred_ms: int | None = None
    ) -> tuple[Utterance, ...]:
        """One uplink, of now or from the device's memory."""
        if not values:
            return ()
        self._uplinks += 1
        sensor = self.sensor
        reading = Reading(sensor.address, values, key=str(self._uplinks), model=sensor.profile, occurred_ms=occurred_ms)
        sent = MQTT_DIALECTS["chirpstack"].encode(reading, self._base_topic, sensor.own_name)
        return (self.published(sent.topic, sent.payload, after_ms),)


def history_again(device: SimDevice, _chance: Random, _now_ms: int) -> tuple[Utterance, ...]:
    """The latest fall once more, at the time when it happened; nothing where there was none."""
    if not isinstance(device, MilesightDevice) or device.fell_ms is None:
        return ()
    return device.uplink({"fall": "sure"}, occurred_ms=device.fell_ms)


def history_late(device: SimDevice, _chance: Random, now_ms: int) -> tuple[Utterance, ...]:
    """A fall that the network lost when it happened."""
    if not isinstance(device, MilesightDevice):
        return ()
    return device.uplink({"fall": "sure"}, occurred_ms=now_ms - LOST_MS)
