"""Devices that publish for themselves: ESPHome nodes and Shellys. Serves arrow 2 from the outside.

Owns what each says when, by the dialects' own encoders. Must not know the drivers that read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random

from nattevakt.edge.drivers.driver import Reading, Use, Value
from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.sim.devices.device import Plain, SimDevice, Utterance
from nattevakt.sim.ward import Sensor

LYING_KG, EMPTY_KG = 71.5, 4.0


class _OwnTopic(Plain):
    """Speaks under a topic of its own."""

    DIALECT = ""
    RETAINED = False

    def __init__(self, sensor: Sensor, base_topic: str) -> None:
        super().__init__(sensor)
        self._base_topic = base_topic

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """One message for each value."""
        sensor, found = self.sensor, []
        for name, value in self.told(values).items():
            reading = Reading(sensor.address, {name: value})
            sent = MQTT_DIALECTS[self.DIALECT].encode(reading, self._base_topic, sensor.own_name)
            found.append(self.published(sent.topic, sent.payload, after_ms, retained=self.RETAINED))
        return tuple(found)


class EspHomeDevice(_OwnTopic):
    """A load-cell bed: whether somebody lies there and what the cells carry, both retained."""

    DIALECT = "esphome"
    RETAINED = True


class ShellyDevice(_OwnTopic):
    """A button on an input, or a BLU window sensor behind a Shelly."""

    DIALECT = "shelly"

    def pressed(self) -> tuple[Utterance, ...]:
        """One push; there is no release."""
        return self.say({"action": "single_push"})


def config_changed(device: SimDevice, _chance: Random, _now_ms: int) -> tuple[Utterance, ...]:
    """Somebody changed its settings, and it says so among its events."""
    if not isinstance(device, ShellyDevice):
        return ()
    node = device.sensor.own_name.partition("/")[0]
    event = {"component": "sys", "event": "config_changed", "restart_required": False}
    payload = {"src": node, "method": "NotifyEvent", "params": {"events": [event]}}
    return (device.published(f"{node}/events/rpc", json.dumps(payload).encode()),)


__all__ = ["EMPTY_KG", "LYING_KG", "EspHomeDevice", "ShellyDevice", "Use", "config_changed"]
