"""The one contract of all drivers. Serves arrows 1 and 2.

A driver is `step(given, now, state) -> Stepped` and `encode(reading) -> bytes`: pure functions over frozen
state. The gateway owns the port, the clock and the storage. Must not know events, outbox or rules.

Readings speak in a small vocabulary of values (`VALUES`), so that interpret.py need not know any radio.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    "vibration": "bool: shaken now",
    "sos": "bool: an emergency input is active",
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


class Use(StrEnum):
    """What a configured device is used for; decides which event a plain input becomes."""

    CALL = "call"
    DOOR = "door"
    BED = "bed"
    PRESENCE = "presence"
    MOTION = "motion"
    FALL = "fall"
    LEAK = "leak"
    AUTO = "auto"
    """By the driver's own names only; a plain input without a meaning becomes a finding."""


@dataclass(frozen=True, slots=True)
class Device:
    """One configured device.

    address: as in events ("enocean:0181192D", "z2m:0x00158d0002b435ed" or "z2m:<friendly name>").
    profile: how to decode it ("F6-02-01"; "" for self-describing radios). use: what it is for.
    invert: swap the meaning of its plain input (a normally-closed mat, a reed mounted the other way).
    """

    address: str
    profile: str = ""
    use: Use = Use.AUTO
    invert: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoded message of one device.

    values: names from VALUES. raw: hex or text as received, at most 400 characters, for people.
    replay: the source itself marks it as not new (an MQTT retained message).
    key: what identifies the telegram when repeaters or brokers deliver it again; "" where nothing does.
    model: maker's model name where the radio tells it, "" otherwise.
    """

    address: str
    values: Mapping[str, Value]
    raw: str = ""
    replay: bool = False
    key: str = ""
    model: str = ""


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


Said: TypeAlias = Reading | Finding | SourceState | Remember
"""What a driver may put out."""


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """One MQTT message as input of a dialect's step."""

    topic: str
    payload: bytes
    retained: bool = False


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
