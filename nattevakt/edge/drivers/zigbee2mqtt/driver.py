"""Zigbee2MQTT as a driver: one MQTT message in, a reading out. Serves arrows 1 and 2.

Owns topics, addresses and what the bridge has told of its devices. Must not know the broker's connection,
events or rules. Whatever a topic or payload holds, it is counted or read, and never raises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, SourceState, Stepped, Value
from nattevakt.edge.drivers.zigbee2mqtt.decode import READERS, clean, decode
from nattevakt.edge.drivers.zigbee2mqtt.definitions import Definition, load, read_devices
from nattevakt.edge.errors import RejectError

SOURCE = "z2m"
PREFIX = "z2m:"
TOLD_MAX = 500
NAME_MAX = 200
RAW_MAX = 400
COMMANDS = frozenset(("set", "get"))
UNSUPPORTED_DANGERS = ("smoke", "gas", "carbon_monoxide")


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the settings, DEVICES_MAX and TOLD_MAX."""

    base_topic: str
    devices: Mapping[str, Device]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    """By friendly name."""
    definitions_told: bool = False
    bridge_up: bool | None = None
    told: frozenset[Finding] = frozenset()


def start(base_topic: str, devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing from the bridge yet."""
    return State(base_topic.rstrip("/"), {d.address: d for d in devices if d.address.startswith(PREFIX)})


def subscriptions(base_topic: str) -> tuple[str, ...]:
    """Everything under the base topic: friendly names may hold any number of slashes."""
    return (f"{base_topic.rstrip('/')}/#",)


def step(given: MqttMessage | None, now_ms: int, state: State) -> Stepped[State]:  # noqa: ARG001 - one contract for all
    """Take one message. Nothing here waits for time, so None and now_ms change nothing."""
    if given is None:
        return Stepped(state)
    prefix = state.base_topic + "/"
    if not given.topic.startswith(prefix) or given.topic == prefix:
        return Stepped(state, counted={"foreign_topic": 1})
    name = given.topic[len(prefix) :]
    try:
        if name == "bridge/state":
            return _bridge_state(given, state)
        if name == "bridge/devices":
            return _bridge_devices(given, state)
        if name.startswith("bridge/") or name.rpartition("/")[2] in COMMANDS:
            return Stepped(state, counted={"not_for_us": 1})
        return _device(name, given, state)
    except RejectError:
        return Stepped(state, counted={"unreadable": 1})


def _word(payload: bytes) -> str:
    """The state in `{"state":"online"}` or plain `online`."""
    try:
        value = load(payload)
    except RejectError:
        return payload[:40].decode("utf-8", "replace").strip().lower()
    if isinstance(value, dict):
        value = value.get("state")
    return value.strip().lower() if isinstance(value, str) else ""


def _bridge_state(given: MqttMessage, state: State) -> Stepped[State]:
    word = _word(given.payload)
    if word not in ("online", "offline"):
        raise RejectError("bridge/state", "neither online nor offline")
    up = word == "online"
    if up == state.bridge_up:
        return Stepped(state, counted={"bridge_state": 1})
    reason = "" if up else "the bridge says offline"
    return Stepped(replace(state, bridge_up=up), (SourceState(SOURCE, up, reason),), counted={"bridge_state": 1})


def _bridge_devices(given: MqttMessage, state: State) -> Stepped[State]:
    found = read_devices(given.payload)
    after = replace(state, definitions={d.name: d for d in found}, definitions_told=True)
    return Stepped(after, counted={"bridge_devices": 1})


def _address(name: str, state: State) -> tuple[str, Device | None, Definition | None]:
    """The configured address if either name is configured, else the ieee address if known, else the name."""
    definition = state.definitions.get(name)
    plain = clean(name, NAME_MAX)
    if plain != name:
        plain = f"{plain}~{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
    candidates = ([PREFIX + definition.ieee] if definition is not None else []) + [PREFIX + name, PREFIX + plain]
    for address in candidates:
        if address in state.devices:
            return address, state.devices[address], definition
    if definition is not None:
        return PREFIX + clean(definition.ieee, NAME_MAX), None, definition
    return PREFIX + plain, None, None


def _scalar(payload: bytes) -> object:
    """A plain attribute: JSON if it is some, else its text."""
    try:
        return load(payload)
    except RejectError:
        return payload[:RAW_MAX].decode("utf-8", "replace").strip()


def _split(name: str, given: MqttMessage, state: State) -> tuple[str, Mapping[str, object]]:
    """The device's friendly name and what is said of it, whether as one object or attribute by attribute."""
    head, _, tail = name.rpartition("/")
    if tail in READERS and head and name not in state.definitions:
        value = _scalar(given.payload)
        if not isinstance(value, dict | list):
            return head, {tail: value}
    value = load(given.payload)
    if not isinstance(value, dict):
        raise RejectError("payload", "not an object")
    return name, value


def _device(name: str, given: MqttMessage, state: State) -> Stepped[State]:
    head, _, tail = name.rpartition("/")
    values: dict[str, Value]
    payload: Mapping[str, object] = {}
    if tail == "availability" and head and name not in state.definitions:
        word = _word(given.payload)
        if word not in ("online", "offline"):
            raise RejectError("availability", "neither online nor offline")
        address, device, definition = _address(head, state)
        values = {"available": word == "online"}
    else:
        name, payload = _split(name, given, state)
        address, device, definition = _address(name, state)
        values = decode(payload, device, definition, told=state.definitions_told)
    if not values and device is None and definition is None:
        return Stepped(state, counted={"nothing_known": 1})
    reading = Reading(
        address,
        values,
        raw=clean(given.payload[:RAW_MAX].decode("utf-8", "replace"), RAW_MAX),
        replay=given.retained,
        key=sha256(given.topic.encode("utf-8", "replace") + b"\0" + given.payload).hexdigest()[:16],
        model=definition.model if definition is not None else "",
    )
    findings = tuple(
        finding
        for danger in UNSUPPORTED_DANGERS
        if payload.get(danger) is True
        and (finding := Finding(address, f"melder {danger}, som Nattevakt ikke varsler om")) not in state.told
    )
    if findings and len(state.told) < TOLD_MAX:
        state = replace(state, told=state.told | set(findings))
    return Stepped(state, (reading, *findings), counted={"readings": 1})


_FALL_WORDS = {"no": "none", "possible": "maybe_fall", "sure": "fall"}
_SAME: Mapping[str, str] = {
    "closed": "contact",
    "motion": "occupancy",
    "occupied": "occupancy",
    "present": "presence",
    "wet": "water_leak",
    "vibration": "vibration",
    "sos": "sos",
    "action": "action",
    "battery_percent": "battery",
    "battery_low": "battery_low",
    "tamper": "tamper",
    "linkquality": "linkquality",
}


def encode(reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
    """The message that the bridge would publish for this reading; availability alone has its own topic."""
    topic = f"{base_topic}/{friendly_name}"
    said = reading.values
    if "available" in said:
        state = {"state": "online" if said["available"] else "offline"}
        return MqttMessage(f"{topic}/availability", json.dumps(state).encode(), reading.replay)
    payload: dict[str, object] = {_SAME[name]: value for name, value in said.items() if name in _SAME}
    fall, volts, seen = said.get("fall"), said.get("supply_v"), said.get("last_seen_ms")
    if isinstance(fall, str):
        payload["fall_down_status"] = _FALL_WORDS[fall]
    if volts is not None:
        payload["voltage"] = round(float(volts) * 1000)
    if seen is not None:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(seen))
        payload["last_seen"] = when.isoformat(timespec="milliseconds")
    return MqttMessage(topic, json.dumps(payload).encode(), reading.replay)
