"""One part of a Tasmota node (Switch1, Button1, AM2301) to the driver vocabulary, by profile. Serves arrow 2.

Owns the profiles and the words that parts say. Must not know topics, nodes or state. What hangs on a switch's two
wires is known from settings alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Device, Use, Value

SWITCH = re.compile(r"Switch[1-9][0-9]?\Z")
BUTTON = re.compile(r"Button[1-9][0-9]?\Z")
PRESSES = frozenset(("SINGLE", "DOUBLE", "TRIPLE", "QUAD", "PENTA", "HOLD", "TOGGLE"))
"""What a Button says (SetOption73), and a Switch in a push-button mode; CLEAR ends a HOLD."""
URGENT_USES = frozenset((Use.CALL, Use.FALL, Use.LEAK))


@dataclass(frozen=True, slots=True)
class Profile:
    """value: the name in VALUES of what ON means; "" for presses and measurements."""

    meaning: str
    value: str = ""


_PROFILES: Mapping[str, Profile] = {
    "switch_contact": Profile("kontakt, matte eller relé på en inngang (Switch)", "closed"),
    "switch_button": Profile("trykknapp eller snortrekk på en inngang (Switch)", "sos"),
    "switch_motion": Profile("bevegelsessensor på en inngang (Switch)", "motion"),
    "switch_leak": Profile("vannføler på en inngang (Switch)", "wet"),
    "key_button": Profile("knapp på enheten selv (Button, SetOption73 1)"),
    "climate": Profile("temperatur og luftfuktighet fra en føler på enheten"),
}
PROFILES: Mapping[str, str] = {name: one.meaning for name, one in _PROFILES.items()}
INPUTS = frozenset(PROFILES) - {"climate"}
_AMOUNTS: Mapping[str, tuple[str, float, float]] = {
    "Temperature": ("temperature_c", -60.0, 125.0),
    "Humidity": ("humidity_percent", 0.0, 100.0),
}


def fits(profile: str, part: str) -> bool:
    """Whether a part of this name can have this profile."""
    if profile not in _PROFILES:
        return False
    if profile == "key_button":
        return BUTTON.match(part) is not None
    if profile == "climate":
        return SWITCH.match(part) is None and BUTTON.match(part) is None
    return SWITCH.match(part) is not None


def on_of(said: object) -> bool | None:
    """ON or OFF, by itself or as an action; None for anything else."""
    word = said.get("Action") if isinstance(said, dict) else said
    return {"ON": True, "OFF": False}.get(word) if isinstance(word, str) else None


def press_of(said: object) -> str:
    """The name of a press, "" where it is none."""
    word = said.get("Action") if isinstance(said, dict) else None
    return word if isinstance(word, str) and word in PRESSES else ""


def state_values(device: Device, on: bool) -> dict[str, Value]:
    """What ON or OFF means under the device's profile."""
    name = _PROFILES[device.profile].value
    # A plain input is inverted where events are made; what is none is inverted here.
    return {name: on if name == "closed" else on != device.invert}


def amounts_of(said: object) -> dict[str, Value]:
    """What a sensor of a node has measured; empty where it makes no sense, as when its wire is loose (null)."""
    found: dict[str, Value] = {}
    for word, (name, low, high) in _AMOUNTS.items():
        value = said.get(word) if isinstance(said, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            found[name] = float(value)
    return found


def rings(device: Device, values: Mapping[str, Value]) -> bool:
    """Whether this may be somebody in need, who must not wait until the node can be trusted again."""
    if values.get("pressed") is True or values.get("sos") is True or values.get("wet") is True:
        return True
    closed = values.get("closed")
    return device.use in URGENT_USES and isinstance(closed, bool) and closed != device.invert


def said_of(values: Mapping[str, Value], profile: str) -> object:
    """What a part would say for these values: the way back, for the simulator."""
    if profile == "key_button":
        return {"Action": str(values.get("action", "SINGLE"))}
    if profile == "climate":
        return {word: values[name] for word, (name, _, _) in _AMOUNTS.items() if values.get(name) is not None}
    return {"Action": "ON" if any(values.get(one.value) is True for one in _PROFILES.values()) else "OFF"}
