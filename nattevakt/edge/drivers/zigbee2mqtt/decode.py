"""A device's JSON object to the driver vocabulary. Serves arrow 2.

Owns names and values as Zigbee2MQTT publishes them, and the models that need more than their names. Must not
know topics, state or time. Exposes tell a binary's two values where they are known; well-known names carry
the rest. Looked at: zigbee-herdsman-converters 26.112.0 and public captures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nattevakt.edge.drivers.driver import Device, Use, Value
from nattevakt.edge.drivers.nodes import clean
from nattevakt.edge.drivers.zigbee2mqtt.definitions import Definition, OnOff

Values = dict[str, Value]

SOS_MODELS = frozenset(
    (
        "HS1EB",
        "HS1EB-E",
        "MIR-SO100",
        "PB206",
        "PBTZB-110",
        "SBTZB-110",
        "SE20-O",
        "SE21",
        "SEB01ZB",
        "TS0215A_sos",
        "TS0601_sos",
        "ZG-101Z",
    )
)
"""Models that are made to call for help: their plain actions (single, double, hold) are calls."""
BED_MODELS = frozenset(("TS0601_bed_presence_sensor", "TS0601_bed_occupancy_sensor", "TS0601_bed"))
PAD_MODELS = frozenset(("SPM915",))
"""Sleeping pads that publish `contact`: alarm means weight and gives contact false."""
RADAR_MODELS = frozenset(("FDS315",))
RADAR_STATES = frozenset(("unoccupied", "occupied", "sitting", "on_the_bed", "low_posture", "falling"))
RADAR_ONLY = frozenset(("on_the_bed", "low_posture", "falling"))

CALL_ACTIONS = frozenset(("emergency", "sos", "panic"))
RELEASES = frozenset(("release", "hold_release", "long_release"))
NO_ACTIONS = frozenset(("", "off", "none", "null"))
SHAKES = frozenset(("vibration", "tilt", "drop"))
TRUE_WORDS = frozenset(("true", "on", "yes", "1"))
FALSE_WORDS = frozenset(("false", "off", "no", "0"))
FALL_WORDS: Mapping[str, str] = {
    "normal": "no",
    "none": "no",
    "no_fall": "no",
    "fall_warning": "possible",
    "maybe_fall": "possible",
    "fall_alarm": "sure",
    "fall": "sure",
    "falling": "sure",
}
ACTION_MAX = 60


def truth(value: object, names: OnOff | None) -> bool | None:
    """A binary value by what its expose calls on and off, else by itself; None where it says nothing."""
    if names is not None:
        if value == names.on:
            return True
        if value == names.off:
            return False
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None
    return None


def closed(value: object, names: OnOff | None) -> bool | None:
    """A contact: true is closed. Its expose calls *open* "on" (value_on is false), so booleans speak for themselves."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("closed", "close"):
            return True
        if word in ("open", "opened"):
            return False
    if names is not None and value in (names.on, names.off):
        return bool(value == names.off)
    return truth(value, None)


def number(value: object) -> float | None:
    """A number, also as text ("100.00"); None for null, NaN, text and truth values."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None


def last_seen_ms(value: object) -> int | None:
    """ISO 8601 with an offset, or Unix milliseconds; None for anything else."""
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            return None
        if when.tzinfo is None or not 1971 <= when.year <= 9000:
            return None
        return round(when.timestamp() * 1000)
    found = number(value)
    return int(found) if found is not None and 0 <= found <= 4e12 else None


def models_of(model: str) -> tuple[str, ...]:
    """The models that one definition stands for: the bridge calls a button "HS1EB/HS1EB-E"."""
    return (model, *model.split("/"))


@dataclass(frozen=True, slots=True)
class _Said:
    """One message and what is known of its device, for readers of single names."""

    payload: Mapping[str, object]
    device: Device | None
    definition: Definition | None
    told: bool

    @property
    def use(self) -> Use:
        return self.device.use if self.device is not None else Use.AUTO

    @property
    def model(self) -> str:
        return self.definition.model if self.definition is not None else ""

    @property
    def bed(self) -> bool:
        """Whether this is a bed sensor, by settings or else by model."""
        if self.use is not Use.AUTO or self.definition is None:
            return self.use is Use.BED
        words = self.definition.description.lower().replace("-", " ").split()
        return self.model in BED_MODELS or "_bed" in self.model.lower() or "bed" in words


_Reader = Callable[[object, OnOff | None, _Said], Values]


def _flag(name: str) -> _Reader:
    def read(value: object, names: OnOff | None, _: _Said) -> Values:
        said = truth(value, names)
        return {} if said is None else {name: said}

    return read


def _supply(value: object, _: OnOff | None, __: _Said) -> Values:
    """Battery devices give millivolts; a mains meter's 230 is no supply voltage."""
    found = number(value)
    return {} if found is None or not 1000 <= found <= 6000 else {"supply_v": found / 1000}


def _battery(value: object, _: OnOff | None, __: _Said) -> Values:
    found = number(value)
    return {} if found is None or not 0 <= found <= 200 else {"battery_percent": min(found, 100.0)}


def _linkquality(value: object, _: OnOff | None, __: _Said) -> Values:
    found = number(value)
    return {} if found is None or not 0 <= found <= 255 else {"linkquality": int(found)}


def _last_seen(value: object, _: OnOff | None, __: _Said) -> Values:
    seen = last_seen_ms(value)
    return {} if seen is None else {"last_seen_ms": seen}


def _fall(value: object, _: OnOff | None, __: _Said) -> Values:
    if not isinstance(value, str) or not value or value.lower() == "unknown":
        return {}
    # A word that a newer converter made up is closer to a fall than to none.
    return {"fall": FALL_WORDS.get(value.lower(), "possible")}


def _radar(value: object, _: OnOff | None, said: _Said) -> Values:
    if not isinstance(value, str) or value not in RADAR_STATES:
        return {}
    if said.model not in RADAR_MODELS and (said.model or value not in RADAR_ONLY):
        return {}
    found: Values = {"present": value != "unoccupied", "occupied": value == "on_the_bed"}
    # Lying low may be the person after the fall: it neither begins nor ends one.
    if value != "low_posture":
        found["fall"] = "sure" if value == "falling" else "no"
    return found


def _action(value: object, _: OnOff | None, said: _Said) -> Values:
    if not isinstance(value, str):
        return {}
    action = clean(value, ACTION_MAX)
    word = action.lower()
    if word in NO_ACTIONS:
        return {}
    if word in RELEASES:
        return {"pressed": False}
    if word in SHAKES:
        return {"vibration": True}
    # Before the bridge has told its models, a plain action may be an SOS button's: it counts as one.
    if word in CALL_ACTIONS or not SOS_MODELS.isdisjoint(models_of(said.model)) or not said.told:
        return {"pressed": True, "action": action}
    return {"action": action}


def _contact(value: object, names: OnOff | None, said: _Said) -> Values:
    shut = closed(value, names)
    if shut is None:
        return {}
    if said.model in PAD_MODELS and said.use in (Use.AUTO, Use.BED, Use.CHAIR, Use.PRESENCE):
        return {"occupied": not shut}
    return {"closed": shut}


def _occupancy(value: object, names: OnOff | None, said: _Said) -> Values:
    seen = truth(value, names)
    if seen is None:
        return {}
    if said.bed:
        return {"occupied": seen}
    if said.use is Use.PRESENCE:
        # Six models publish both; presence is the steadier one.
        return {} if "presence" in said.payload else {"present": seen}
    return {"motion": seen}


def _pressure(value: object, names: OnOff | None, said: _Said) -> Values:
    """A pad's `pressure` is true or false; a weather sensor's is a number and says nothing here."""
    loaded = truth(value, names) if isinstance(value, bool | str) else None
    if loaded is None:
        return {}
    return {"occupied" if said.bed else "present": loaded}


def _seat(value: object, _: OnOff | None, said: _Said) -> Values:
    if value not in ("none", "sit", "sedentary"):
        return {}
    return {"occupied" if said.bed else "seated": value != "none"}


def _measure(name: str, least: float, most: float) -> _Reader:
    """A measured value within what can be; a radar's 0 breaths or beats means that it sees none."""

    def read(value: object, _: OnOff | None, __: _Said) -> Values:
        found = number(value)
        return {} if found is None or not least <= found <= most else {name: found}

    return read


READERS: Mapping[str, _Reader] = {
    "contact": _contact,
    "occupancy": _occupancy,
    "presence": _flag("present"),
    "pressure": _pressure,
    "pressure_state": _seat,
    "action": _action,
    "sos": _flag("sos"),
    "emergency": _flag("sos"),
    "panic": _flag("sos"),
    "fall_status": _fall,
    "fall_down_status": _fall,
    "status": _radar,
    "water_leak": _flag("wet"),
    "vibration": _flag("vibration"),
    "tamper": _flag("tamper"),
    "battery": _battery,
    "battery_low": _flag("battery_low"),
    "temperature": _measure("temperature_c", -60, 100),
    "humidity": _measure("humidity_percent", 0, 100),
    "illuminance": _measure("light_lx", 0, 200_000),
    "illuminance_lux": _measure("light_lx", 0, 200_000),
    "breathing_rate": _measure("breathing_rpm", 1, 80),
    "heart_rate": _measure("heart_bpm", 20, 250),
    "voltage": _supply,
    "linkquality": _linkquality,
    "last_seen": _last_seen,
}
"""Every property that is understood; others stay in the reading's raw text."""


_DANGERS = frozenset(
    (
        *("alarm", "carbon", "danger", "emergency", "fall", "falling", "fell", "fire", "flood", "gas", "help", "leak"),
        *("monoxide", "panic", "siren", "smoke", "sos"),
    )
)
"""Words in the name of a property that say that it warns of something."""
_SETTINGS = frozenset(
    (
        *(
            "duration",
            "enable",
            "enabled",
            "indicator",
            "interrupt",
            "melody",
            "mode",
            "mute",
            "selftest",
            "sensitivity",
        ),
        *("setting", "silence", "switch", "test", "time", "volume"),
    )
)
"""Words that say that it is how the device is set, or a test of it."""


def unheard_dangers(payload: Mapping[str, object], definition: Definition | None) -> tuple[str, ...]:
    """Properties that warn of something now, to judge by their names, and that mean nothing to us."""
    found: list[str] = []
    for name, value in payload.items():
        words = set(name.lower().replace("-", "_").split("_"))
        if name in READERS or words.isdisjoint(_DANGERS) or not words.isdisjoint(_SETTINGS):
            continue
        names = definition.binaries.get(name) if definition is not None else None
        # A number may be a concentration: how much is too much is not for us to say.
        if isinstance(value, bool | str) and truth(value, names):
            found.append(name)
    return tuple(found)


def decode(
    payload: Mapping[str, object], device: Device | None, definition: Definition | None, *, told: bool
) -> Values:
    """Values of one device message; empty if nothing in it is known.

    told: whether the bridge has told its devices yet.
    """
    said = _Said(payload, device, definition, told)
    values: Values = {}
    for name, value in payload.items():
        if value is not None and name in READERS:
            names = definition.binaries.get(name) if definition is not None else None
            values.update(READERS[name](value, names, said))
    return values
