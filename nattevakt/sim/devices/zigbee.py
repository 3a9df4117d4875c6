"""Devices behind Zigbee2MQTT, and the bridge itself: the JSON that it publishes. Serves arrow 2 from the outside.

Owns how each model's message looks. Must not know the driver that reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Use, Value
from nattevakt.sim.devices.device import Plain, Utterance
from nattevakt.sim.devices.models import MODELS
from nattevakt.sim.ward import Sensor

BATTERY, LINKQUALITY = 81, 140
HELD_MS = 2_000


class ZigbeeDevice(Plain):
    """One Zigbee device as Zigbee2MQTT tells of it: each message holds all that is known (its cache)."""

    def __init__(self, sensor: Sensor, base_topic: str) -> None:
        super().__init__(sensor)
        self._topic = f"{base_topic}/{sensor.name}"
        self._model = MODELS[sensor.model]
        if sensor.use is Use.FALL and "motion" in self._model.tells:
            self.state["motion"] = False

    def changed(self) -> tuple[Utterance, ...]:
        """A fall radar sees movement while somebody lies there."""
        if "motion" in self.state and "fall" in self.state:
            self.state["motion"] = self.state["fall"] != "no"
        return self.say(self.state)

    def pressed(self) -> tuple[Utterance, ...]:
        """One press: the action, an empty one, and the action again on a topic of its own; or an input held a while."""
        word = self._model.presses
        if not word:
            return self.say({"pressed": True}) + self.say({"pressed": False}, HELD_MS)
        return (
            *self.raw({"action": word}),
            *self.raw({"action": ""}, 20),
            self.published(f"{self._topic}/action", word.encode(), 30),
        )

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """One message with these values, by the model's own words."""
        payload: dict[str, object] = {}
        for name, value in self.told(values).items():
            if name in self._model.tells:
                property_name, words = self._model.tells[name]
                payload[property_name] = words.get(value, value)
        return self.raw(payload, after_ms)

    def raw(self, payload: Mapping[str, object], after_ms: int = 0) -> tuple[Utterance, ...]:
        """One message with exactly this, battery and link quality beside it."""
        whole = {**payload, "battery": BATTERY, "linkquality": payload.get("linkquality", LINKQUALITY)}
        return (self.published(self._topic, json.dumps(whole).encode(), after_ms),)

    def cached(self, after_ms: int = 0) -> tuple[Utterance, ...]:
        """What the bridge has cached of it, sent again as an ordinary message. An action is never cached."""
        return self.say({name: value for name, value in self.state.items() if name != "pressed"}, after_ms)

    def available(self, *, on: bool, after_ms: int = 0) -> tuple[Utterance, ...]:
        """What the bridge believes of its reach, retained."""
        payload = json.dumps({"state": "online" if on else "offline"}).encode()
        return (self.published(f"{self._topic}/availability", payload, after_ms, retained=True),)
