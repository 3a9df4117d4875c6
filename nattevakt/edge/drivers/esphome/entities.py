"""One ESPHome entity's text to the driver vocabulary, by profile. Serves arrow 2.

Owns the profiles and what ON, OFF and numbers mean under each. Must not know topics, nodes, state or time. An entity
has no type on MQTT: what it is comes from settings alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from nattevakt.edge.drivers.driver import Device, Use, Value
from nattevakt.edge.errors import RejectError

BINARY, SENSOR = "binary_sensor", "sensor"
OFF_SHARE = 0.7
"""A load cell's bed is empty again below this share of its threshold: a turning sleeper must not leave it."""
URGENT_USES = frozenset((Use.CALL, Use.FALL, Use.LEAK))
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,3})?\Z")
_NO_NUMBER = frozenset(("nan", "+nan", "-nan", "inf", "+inf", "-inf"))


@dataclass(frozen=True, slots=True)
class Binary:
    """An entity of ON and OFF. value: its name in VALUES. on: what ON means. plain: inverted where events are made."""

    value: str
    meaning: str
    on: bool = True
    plain: bool = True
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """An entity of numbers. low, high: what can be true of it. weighs: the state that its weight tells of."""

    value: str
    meaning: str
    low: float
    high: float
    weighs: str = ""


BINARIES: Mapping[str, Binary] = {
    "contact": Binary("closed", "dør- eller vinduskontakt, ON er åpen", on=False),
    "input": Binary("closed", "inngang, matte eller relé, ON er sluttet"),
    "bed": Binary("occupied", "seng, ON er i sengen"),
    "chair": Binary("seated", "stol, ON er i stolen"),
    "presence": Binary("present", "tilstedeværelse, ON er noen til stede"),
    "occupancy": Binary("present", "opptatt rom, ON er noen til stede"),
    "motion": Binary("motion", "bevegelse, ON er bevegelse", plain=False),
    "vibration": Binary("vibration", "risting, ON er risting", plain=False),
    "still": Binary("still", "ligger eller sitter stille, ON er stille", plain=False),
    "fall": Binary("fall", "fall, ON er fall", plain=False, urgent=True),
    "leak": Binary("wet", "vann, ON er vann", plain=False, urgent=True),
    "button": Binary("sos", "anropsknapp, ON er trykket", plain=False, urgent=True),
    "sos": Binary("sos", "nødinngang, ON er nød", plain=False, urgent=True),
    "tamper": Binary("tamper", "åpnet deksel, ON er åpnet", plain=False),
    "battery_low": Binary("battery_low", "lavt batteri, ON er lavt", plain=False),
}
NUMBERS: Mapping[str, Number] = {
    "bed_weight": Number("weight_kg", "seng på veieceller, kg; threshold_kg er grensen", -50, 1000, "occupied"),
    "chair_weight": Number("weight_kg", "stol på veieceller, kg; threshold_kg er grensen", -50, 1000, "seated"),
    "weight": Number("weight_kg", "vekt, kg", -50, 1000),
    "temperature": Number("temperature_c", "temperatur, °C", -60, 125),
    "humidity": Number("humidity_percent", "luftfuktighet, %", 0, 100),
    "light": Number("light_lx", "lys, lx", 0, 200_000),
    "breathing": Number("breathing_rpm", "pust, slag i minuttet", 1, 100),
    "heart": Number("heart_bpm", "puls, slag i minuttet", 1, 300),
    "movement": Number("movement_percent", "hvor mye det beveger seg, %", 0, 100),
    "battery": Number("battery_percent", "batteri, %", 0, 100),
    "supply": Number("supply_v", "forsyning, V", 0, 60),
    "signal": Number("signal_dbm", "signal, dBm", -200, 0),
}
PROFILES: Mapping[str, str] = {
    **{name: one.meaning for name, one in BINARIES.items()},
    **{name: one.meaning for name, one in NUMBERS.items()},
}
WEIGHED_PROFILES = frozenset(name for name, one in NUMBERS.items() if one.weighs)
"""Profiles of load cells: somebody is there from the device's threshold_kg on."""


def component(profile: str) -> str:
    """The part of the topic under which an entity of this profile is published."""
    return BINARY if profile in BINARIES else SENSOR


def binary(device: Device, payload: bytes) -> bool:
    """Whether an entity of BINARIES is active: pressed, wet, fallen, or else what its value says when true."""
    word = payload[:8].strip().upper()
    if word not in (b"ON", b"OFF"):
        raise RejectError("state", "neither ON nor OFF")
    profile = BINARIES[device.profile]
    active = (word == b"ON") == profile.on
    return active if profile.plain else active != device.invert


def binary_values(device: Device, active: bool) -> dict[str, Value]:
    """What an entity of BINARIES says."""
    name = BINARIES[device.profile].value
    return {name: ("sure" if active else "no") if name == "fall" else active}


def rings(device: Device, active: bool) -> bool:
    """Whether this state may be somebody in need, who must not wait until the node can be trusted again."""
    if device.profile not in BINARIES:
        return False
    if BINARIES[device.profile].urgent:
        return active
    return device.use in URGENT_USES and active != device.invert


def number(device: Device, payload: bytes) -> float | None:
    """An entity's number, None for "nan": the sensor has none. Raises RejectError for what cannot be true."""
    text = payload[:60].decode("utf-8", "replace").strip()
    if text.lower() in _NO_NUMBER:
        return None
    if _NUMBER.match(text) is None or not isfinite(found := float(text)):
        raise RejectError("state", "not a number")
    profile = NUMBERS[device.profile]
    if profile.value in ("breathing_rpm", "heart_bpm") and found == 0:
        return None
    if not profile.low <= found <= profile.high:
        raise RejectError("state", f"out of range: {text}")
    return found


def number_values(device: Device, found: float, before: bool | None) -> tuple[dict[str, Value], bool | None]:
    """What an entity of NUMBERS says, and whether its weight is somebody's. before: whether it was."""
    profile = NUMBERS[device.profile]
    values: dict[str, Value] = {profile.value: int(found) if profile.value == "signal_dbm" else found}
    if not profile.weighs or device.threshold_kg is None:
        return values, before
    there = True if found >= device.threshold_kg else False if found <= device.threshold_kg * OFF_SHARE else before
    if there is not None:
        values[profile.weighs] = there
    return values, there
