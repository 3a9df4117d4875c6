"""What a device says when something happens, as values: bytes of a radio, or messages of Zigbee2MQTT. Serves arrows 1
and 2 from the outside.

Owns the state that each device would report and the words of its kind; everything goes through the drivers' own
encoders or through the JSON that Zigbee2MQTT publishes. No input or output: whoever has a line, real or simulated,
carries what is said here. Must not know time beyond "so much later".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Reading, Use, Value
from nattevakt.edge.drivers.enocean import driver as enocean
from nattevakt.sim.people import Act, Happening
from nattevakt.sim.ward import Resident, Sensor, Ward

RELEASE_MS = 300
STILL_MS = 60_000
"""So long after a movement a motion sensor says that it sees none."""


@dataclass(frozen=True, slots=True)
class RadioBytes:
    """Bytes as a gateway's EnOcean stick hands them over."""

    gateway: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """One message of a gateway's Zigbee2MQTT, QoS 1. topic: whole."""

    gateway: str
    topic: str
    payload: bytes
    retained: bool = False


Said = RadioBytes | Published


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said `after_ms` after what caused it. address: the device's, "" for the bridge itself."""

    after_ms: int
    address: str
    said: Said


class Voices:
    """All devices of a ward and what each would say if asked now."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._topics = {gateway.key: gateway.base_topic for gateway in ward.gateways}
        self._state: dict[str, dict[str, Value]] = {s.address: dict(_RESTING.get(s.use, {})) for s in ward.sensors}

    def of(self, happening: Happening) -> tuple[Utterance, ...]:
        """What the resident's devices say of this; nothing where no device of theirs can know."""
        resident = self._ward.resident(happening.resident)
        if resident is None:
            return ()
        return tuple(_ACTS[happening.act](self, resident, happening.spot))

    def report(self, sensor: Sensor) -> tuple[Utterance, ...]:
        """A sign of life: the device says again how things are; a mute one says nothing."""
        return () if sensor.mute else self._speak(sensor, {})

    def bridge(self, gateway: str, *, online: bool = True) -> tuple[Utterance, ...]:
        """What a gateway's Zigbee2MQTT publishes when it comes up or goes down, all retained."""
        base = self._topics[gateway]
        told: list[Utterance] = []
        if online:
            devices = json.dumps(self._ward.bridge_devices(gateway)).encode()
            told.append(Utterance(0, "", Published(gateway, f"{base}/bridge/devices", devices, retained=True)))
        state = json.dumps({"state": "online" if online else "offline"}).encode()
        told.append(Utterance(0, "", Published(gateway, f"{base}/bridge/state", state, retained=True)))
        return tuple(told)

    def say(self, sensor: Sensor, values: Mapping[str, Value], after_ms: int = 0) -> Utterance:
        """One telegram or message of a device with exactly these values (names as the drivers know them)."""
        if not sensor.is_zigbee:
            data = enocean.encode(Reading(sensor.address, values), sensor.profile)
            return Utterance(after_ms, sensor.address, RadioBytes(sensor.gateway, data))
        topic = f"{self._topics[sensor.gateway]}/{sensor.name}"
        payload: dict[str, object] = {_JSON[name]: _FALL_WORDS.get(value, value) for name, value in values.items()}
        payload |= {"battery": 81, "linkquality": 140}
        return Utterance(after_ms, sensor.address, Published(sensor.gateway, topic, json.dumps(payload).encode()))

    def _speak(self, sensor: Sensor, changes: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        state = self._state.setdefault(sensor.address, {})
        state.update(changes)
        return (self.say(sensor, state, after_ms),)

    # --- what each act makes them say

    def _bed(self, resident: Resident, *, occupied: bool) -> Iterable[Utterance]:
        if (bed := resident.sensor(Use.BED)) is not None:
            yield from self._speak(bed, {_plain(bed): occupied})

    def _door(self, resident: Resident, spot: str, *, is_open: bool) -> Iterable[Utterance]:
        if (door := resident.sensor(Use.DOOR, spot)) is not None:
            yield from self._speak(door, {"closed": not is_open})

    def _moves(self, resident: Resident, spot: str) -> Iterable[Utterance]:
        if (sensor := resident.sensor(Use.MOTION, spot)) is not None:
            yield from self._speak(sensor, {"motion": True})
            yield from self._speak(sensor, {"motion": False}, STILL_MS)

    def _presses(self, resident: Resident, spot: str) -> Iterable[Utterance]:
        if (button := resident.sensor(Use.CALL, spot)) is None:
            return
        if button.is_zigbee:
            # One press of a Zigbee button: the action, an empty one, and the action again on a topic of its own.
            yield self.say(button, {"action": "emergency"})
            yield self.say(button, {"action": ""}, 20)
            topic = f"{self._topics[button.gateway]}/{button.name}/action"
            yield Utterance(30, button.address, Published(button.gateway, topic, b"emergency"))
            return
        pressed: dict[str, Value] = {"pressed": True}
        yield self.say(button, pressed | ({"action": "AI"} if button.profile == "F6-02-01" else {}))
        yield self.say(button, {"pressed": False}, RELEASE_MS)

    def _falls(self, resident: Resident, how: str) -> Iterable[Utterance]:
        if (radar := resident.sensor(Use.FALL)) is not None:
            yield from self._speak(radar, {"motion": how != "no", "fall": how})

    def _floods(self, resident: Resident, spot: str) -> Iterable[Utterance]:
        if (leak := resident.sensor(Use.LEAK, spot)) is not None:
            yield self.say(leak, {"wet": True})


def _plain(bed: Sensor) -> str:
    """A mat on an input reads as a closed contact; a bed sensor says that somebody lies there."""
    return "occupied" if bed.is_zigbee else "closed"


_RESTING: Mapping[Use, Mapping[str, Value]] = {
    Use.DOOR: {"closed": True},
    Use.MOTION: {"motion": False},
    Use.FALL: {"motion": False, "fall": "no"},
}
_JSON: Mapping[str, str] = {
    "occupied": "occupancy",
    "motion": "occupancy",
    "closed": "contact",
    "fall": "fall_status",
    "action": "action",
}
_FALL_WORDS: Mapping[Value, str] = {"no": "normal", "possible": "fall_warning", "sure": "fall_alarm"}
_ACTS: Mapping[Act, Callable[[Voices, Resident, str], Iterable[Utterance]]] = {
    Act.IN_BED: lambda voices, who, _: voices._bed(who, occupied=True),
    Act.OUT_OF_BED: lambda voices, who, _: voices._bed(who, occupied=False),
    Act.MOVES: lambda voices, who, spot: voices._moves(who, spot),
    Act.OPENS: lambda voices, who, spot: voices._door(who, spot, is_open=True),
    Act.CLOSES: lambda voices, who, spot: voices._door(who, spot, is_open=False),
    Act.PRESSES: lambda voices, who, spot: voices._presses(who, spot),
    Act.FALLS: lambda voices, who, _: voices._falls(who, "sure"),
    Act.FALLS_PERHAPS: lambda voices, who, _: voices._falls(who, "possible"),
    Act.GETS_UP_FROM_FLOOR: lambda voices, who, _: voices._falls(who, "no"),
    Act.FLOODS: lambda voices, who, spot: voices._floods(who, spot),
}
