"""One Shelly component's status to the driver vocabulary, by profile, and its presses. Serves arrow 2.

Owns the profiles, and names and values as Shelly's components have them. Must not know topics, nodes or state. A BLU
sensor's object is decoded by the Shelly that relays it: 1 is open, moving, wet; what it is comes from settings alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Device, Use, Value

Values = dict[str, Value]
Status = Mapping[str, object]

INPUT, SENSOR, BLU = "input", "bthomesensor", "bthomedevice"
PRESSES = frozenset(("single_push", "double_push", "triple_push", "long_push", "btn_down"))
RELEASES = frozenset(("btn_up",))
CODES: Mapping[int, str] = {
    1: "single_push",
    2: "double_push",
    3: "triple_push",
    4: "long_push",
    128: "long_push",
    254: "long_push",
}
"""A BTHome button's value; 128 and 254 are a button that is held."""
BUTTONS = frozenset(("input_button", "button"))
URGENT_USES = frozenset((Use.CALL, Use.FALL, Use.LEAK))


@dataclass(frozen=True, slots=True)
class Profile:
    """kinds: components that may have it. value: its name in VALUES, "" for presses and for what has several."""

    kinds: tuple[str, ...]
    meaning: str
    value: str = ""


_PROFILES: Mapping[str, Profile] = {
    "input_button": Profile((INPUT,), "knapp eller snortrekk på en inngang i knappemodus"),
    "input_contact": Profile((INPUT,), "kontakt, matte eller relé på en inngang i brytermodus", "closed"),
    "button": Profile((SENSOR, BLU), "BLU-knapp"),
    "window": Profile((SENSOR,), "BLU dør- eller vinduskontakt", "closed"),
    "motion": Profile((SENSOR,), "BLU bevegelse", "motion"),
    "presence": Profile((SENSOR,), "BLU tilstedeværelse", "present"),
    "vibration": Profile((SENSOR,), "BLU risting", "vibration"),
    "tamper": Profile((SENSOR,), "BLU åpnet deksel", "tamper"),
    "leak": Profile((SENSOR,), "BLU vann", "wet"),
    "flood": Profile(("flood",), "Shelly Flood, vann", "wet"),
    "temperature": Profile((SENSOR, "temperature"), "temperatur, °C", "temperature_c"),
    "humidity": Profile((SENSOR, "humidity"), "luftfuktighet, %", "humidity_percent"),
    "light": Profile((SENSOR, "illuminance"), "lys, lx", "light_lx"),
    "blu": Profile((BLU,), "BLU-enhetens batteri og signal"),
    "battery": Profile(("devicepower",), "Shellyens eget batteri"),
}
PROFILES: Mapping[str, str] = {name: one.meaning for name, one in _PROFILES.items()}
_FIELDS = {
    INPUT: "state",
    SENSOR: "value",
    "flood": "alarm",
    "temperature": "tC",
    "humidity": "rh",
    "illuminance": "lux",
}
_LIMITS = {"temperature_c": (-60.0, 125.0), "humidity_percent": (0.0, 100.0), "light_lx": (0.0, 200_000.0)}
_NUMBER_MAX = 1e15
BLU_ERRORS: Mapping[str, str] = {
    "key_missing_or_bad": "sender kryptert, men Shelly mangler nøkkelen eller har feil: ingenting blir hørt",
    "decrypt_failed": "sender kryptert, og Shelly får det ikke opp: nøkkelen er trolig feil",
    "parse_failed": "sender noe som Shelly ikke forstår: oppdater fastvaren",
    "unencrypted_data": "sender ukryptert selv om Shelly har en nøkkel: noen kan etterligne den",
}


def kind_of(component: str) -> str:
    """The sort of a component by its name ("input:0")."""
    return component.partition(":")[0]


def fits(device: Device, component: str) -> bool:
    """Whether a component of this sort can have the device's profile."""
    return kind_of(component) in _PROFILES[device.profile].kinds


def number(value: object, low: float = -_NUMBER_MAX, high: float = _NUMBER_MAX) -> float | None:
    """A number within limits; None for anything else, also true, NaN and text."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return float(value)


def truth(value: object) -> bool | None:
    """true, false, 1 or 0; None for anything else."""
    return bool(value) if isinstance(value, bool) or value in (0, 1) else None


def press_of(device: Device, event: str) -> Values:
    """What an event of a component means; a press of what is no button counts only where one would call."""
    if device.profile not in BUTTONS and device.use not in URGENT_USES:
        return {}
    return {"pressed": True, "action": event} if event in PRESSES else {"pressed": False}


def status_of(device: Device, component: str, status: Status) -> Values:
    """The values in a component's status; empty where it says nothing that this profile has."""
    profile, kind = _PROFILES[device.profile], kind_of(component)
    if device.profile == "blu":
        return _blu(status)
    if device.profile == "battery":
        return _power(status)
    said = status.get(_FIELDS[kind]) if kind in _FIELDS else None
    if device.profile == "button":
        action = CODES.get(int(number(said, 0, 255) or 0))
        return {"pressed": True, "action": action} if action else _blu(status) if kind == BLU else {}
    if device.profile == "input_button":
        # An input in switch mode is a state; it calls while it is on, so that no press is lost for a wrong setting.
        return {"sos": said != device.invert} if isinstance(said, bool) else {}
    if profile.value in _LIMITS:
        found = number(said, *_LIMITS[profile.value])
        return {} if found is None else {profile.value: found}
    on = truth(said)
    if on is None:
        return {}
    if device.profile == "window":
        return {"closed": not on}
    # What is no plain input is not inverted where events are made.
    return {profile.value: on if profile.value in ("closed", "present") else on != device.invert}


def _blu(status: Status) -> Values:
    battery, signal = number(status.get("battery"), 0, 100), number(status.get("rssi"), -200, 0)
    found: Values = {} if battery is None else {"battery_percent": battery}
    return found if signal is None else {**found, "signal_dbm": int(signal)}


def _power(status: Status) -> Values:
    power = status.get("battery")
    power = power if isinstance(power, dict) else {}
    percent, volts = number(power.get("percent"), 0, 100), number(power.get("V"), 0, 60)
    found: Values = {} if percent is None else {"battery_percent": percent}
    return found if volts is None else {**found, "supply_v": volts}


def rings(device: Device, values: Values) -> bool:
    """Whether this may be somebody in need, who must not wait until the node can be trusted again."""
    if values.get("pressed") is True or values.get("sos") is True or values.get("wet") is True:
        return True
    plain = values.get("closed", values.get("present"))
    return device.use in URGENT_USES and isinstance(plain, bool) and plain != device.invert


def mismatch(device: Device, component: str, event: str, status: Status) -> str:
    """The sentence for the installer where traffic and profile do not fit, "" where they do."""
    if not fits(device, component):
        kinds = " eller ".join(_PROFILES[device.profile].kinds)
        return f"er satt opp med profilen {device.profile}, som bare passer for {kinds}"
    if event in PRESSES and device.profile not in BUTTONS:
        return f"sender trykk, men er satt opp med profilen {device.profile}: sett input_button eller button"
    if device.profile == "input_button" and isinstance(status.get("state"), bool):
        return "står i brytermodus, men er satt opp som knapp: velg knappemodus i Shelly"
    return ""


def status_from(component: str, values: Values, seen_s: float | None) -> dict[str, object]:
    """The status that a component would tell for these values: the way back, for the simulator."""
    kind, _, number_of = component.partition(":")
    found: dict[str, object] = {"id": int(number_of)}
    if kind == BLU:
        found |= {"battery": values.get("battery_percent", 100), "rssi": values.get("signal_dbm", -60)}
    elif kind == "devicepower":
        found["battery"] = {"percent": values.get("battery_percent"), "V": values.get("supply_v")}
    else:
        names = {one.value for one in _PROFILES.values() if one.value}
        said = next((value for name, value in values.items() if name in names), None)
        found[_FIELDS[kind]] = not said if kind == SENSOR and "closed" in values else said
    if kind in (SENSOR, BLU) and seen_s is not None:
        found["last_updated_ts"] = int(seen_s)
    return found
