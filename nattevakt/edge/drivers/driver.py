"""The one contract of all drivers. Serves arrows 1 and 2.

A driver is `step(given, now, state) -> Stepped` and `encode(reading) -> bytes`: pure functions over frozen
state. The gateway owns the port, the clock and the storage. Must not know events, outbox or rules.

Readings speak in a small vocabulary of values (`VALUES`), so that interpret.py need not know any radio.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

Value = bool | int | float | str | None

VALUES: Mapping[str, str] = {
    "closed": "bool: a contact, mat or input is closed (a door shut, a normally-open mat with weight on it)",
    "pressed": "bool: a push button or cord is down; a momentary release is pressed=false",
    "action": "str: a momentary act that the radio names (single, emergency, AI); never empty",
    "motion": "bool: movement seen now; false means only that none is seen",
    "present": "bool: a presence sensor's field holds somebody",
    "occupied": "bool: a bed sensor says somebody lies in it",
    "fall": "str: no, possible or sure",
    "wet": "bool: water detected",
    "seated": "bool: somebody sits on a chair pad",
    "still": "bool: the one who is seen lies or sits without moving; context, never an alarm",
    "vibration": "bool: shaken now",
    "sos": "bool: an emergency input is active",
    "tilted": "bool: a window stands tilted; said beside closed=false",
    "movement_percent": "float 0 to 100: how much a radar sees moving; context, never an alarm",
    "breathing_rpm": "float, breaths a minute by radar; context, never an alarm",
    "heart_bpm": "float, heart beats a minute by radar; context, never an alarm",
    "weight_kg": "float, what a load cell carries",
    "temperature_c": "float, degrees Celsius",
    "humidity_percent": "float 0 to 100",
    "light_lx": "float, lux",
    "sensitivity": "int: a fall radar's own setting, read back; it decides how late its alarm comes",
    "battery_percent": "float 0 to 100",
    "battery_low": "bool",
    "tamper": "bool: the housing is open",
    "available": "bool: the radio network believes the device is reachable",
    "linkquality": "int 0 to 255",
    "signal_dbm": "int, negative",
    "supply_v": "float, volts",
    "last_seen_ms": "int: the device's last message by the radio network's own wall clock, Unix ms",
    "repeats": "int: how many repeaters the telegram passed",
}
"""Every name that a reading's values may use, with its type and meaning."""
UNVERIFIED = "unverified"
"""The action of a device that calls people when nobody can say whether a telegram is its own or what it says."""


class Use(StrEnum):
    """What a configured device is used for; decides which event a plain input becomes."""

    CALL = "call"
    DOOR = "door"
    BED = "bed"
    PRESENCE = "presence"
    MOTION = "motion"
    FALL = "fall"
    LEAK = "leak"
    CHAIR = "chair"
    WET = "wet"
    """A moisture pad for incontinence: a water sensor or an input whose "wet" is care for a person, not a leak."""
    AUTO = "auto"
    """By the driver's own names only; a plain input without a meaning becomes a finding."""


@dataclass(frozen=True, slots=True)
class Device:
    """One configured device.

    address: as in events ("enocean:0181192D", "z2m:0x00158d0002b435ed" or "z2m:<friendly name>",
    "esphome:<node>/<object id>", "shelly:<node>/input:0"; a radar on a line of its own is "micradar:<serial name>").
    profile: how to decode it ("F6-02-01"; "" for self-describing radios). use: what it is for.
    invert: swap the meaning of its plain input (a normally-closed mat, a reed mounted the other way).
    threshold_kg: from which weight somebody is there, only for profiles that weigh.
    key_file: for an EnOcean device in secure mode: the absolute path of a file that only the gateway may read. Its one
    line is in hexadecimal digits: the key (32), then, if known, the security level format SLF (2, else 8B), then, if
    known, the next rolling code (4, 6 or 8 as the SLF says). Spaces may stand between them.
    """

    address: str
    profile: str = ""
    use: Use = Use.AUTO
    invert: bool = False
    key_file: str = ""
    threshold_kg: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoded message of one device.

    values: names from VALUES. raw: hex or text as received, at most 400 characters, for people.
    replay: the source itself marks it as not new (an MQTT retained message).
    key: what identifies the telegram when repeaters or brokers deliver it again; "" where nothing does.
    model: maker's model name where the radio tells it, "" otherwise.
    occurred_ms: when it happened by the radio network's own clock, Unix ms, where the device kept it and tells
    it later (stored history); None for what happens now.
    """

    address: str
    values: Mapping[str, Value]
    raw: str = ""
    replay: bool = False
    key: str = ""
    model: str = ""
    occurred_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an installer should look at; not an event. address may be "" for the whole source."""

    address: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SourceState:
    """The source speaks of itself (a bridge went offline or came back)."""

    source: str
    up: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Remember:
    """A row of the gateway's memory, as the driver wants to find it again after a restart.

    It is stored with, and acknowledged with, whatever else the same input meant; an equal row is not written again.
    """

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Learned:
    """A device announced itself while an operator held the learn window open.

    profile: what it names, "" where it names none. maker: a name, or the maker's number, "" where it names none.
    sentence: the same for people, without the address. key_line: what its key file should hold, for a device that sent
    its key; to be written to a file and nowhere else.
    """

    address: str
    profile: str
    maker: str
    sentence: str = ""
    key_line: str = field(default="", repr=False)


Said: TypeAlias = Reading | Finding | SourceState | Remember | Learned
"""What a driver may put out."""


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """One MQTT message as input of a dialect's step."""

    topic: str
    payload: bytes
    retained: bool = False


Aes = Callable[[bytes, bytes], bytes]
"""AES-128 of one block: (key of 16 bytes, block of 16 bytes) -> 16 bytes. Passed in: the standard library has none."""


@dataclass(frozen=True, slots=True)
class Line:
    """The serial line that a driver speaks on.

    name: as in settings; the address of a radar that has none of its own is "<prefix><name>".
    aes: for secured telegrams, None where no device is secured; unaes: its inverse. keys: by a secured device's
    address, the bytes of what its key file holds.
    """

    name: str = ""
    aes: Aes | None = None
    unaes: Aes | None = None
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Power(StrEnum):
    """What a product runs on."""

    BATTERY = "battery"
    MAINS = "mains"
    HARVEST = "harvest"
    """Light or the press itself."""


class Spot(StrEnum):
    """Where a product goes; each has a drawing in docs/reference/drawings/."""

    DOOR = "door"
    WINDOW = "window"
    BED = "bed"
    CEILING = "ceiling"
    WALL = "wall"
    BEDSIDE = "bedside"
    FLOOR = "floor"
    CHAIR = "chair"
    BODY = "body"
    BATHROOM = "bathroom"


@dataclass(frozen=True, slots=True)
class Product:
    """Something that can be bought and mounted: what the installer's list and the reference page are made from.

    profile: as settings name it, "" for self-describing radios. reports: names from VALUES. interval_s: how often it
    speaks unasked, None where that is not known or it never does. mute: it never does, so that its silence says
    nothing. faults: known faults, one Norwegian sentence each. source: of these facts.
    """

    maker: str
    model: str
    profile: str
    reports: tuple[str, ...]
    power: Power
    interval_s: int | None
    spot: Spot
    faults: tuple[str, ...] = ()
    source: str = ""
    mute: bool = False


StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class Stepped(Generic[StateT]):
    """What one step gives back.

    outputs: readings, findings, source states and what to remember, in order. to_send: bytes for a serial line.
    wake_at_ms: boottime at which step(None, now, state) wants to be called, or None.
    counted: counters to add to ("crc8d", "resync", "no_profile", …).
    """

    state: StateT
    outputs: tuple[Said, ...] = ()
    to_send: tuple[bytes, ...] = ()
    wake_at_ms: int | None = None
    counted: Mapping[str, int] = field(default_factory=dict)
