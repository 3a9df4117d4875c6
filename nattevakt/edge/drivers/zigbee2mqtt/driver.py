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

from nattevakt.edge.drivers.driver import (
    Device,
    Finding,
    MqttMessage,
    Reading,
    Remember,
    SourceState,
    Stepped,
    Value,
)
from nattevakt.edge.drivers.nodes import clean
from nattevakt.edge.drivers.zigbee2mqtt.decode import READERS, decode, models_of, unheard_dangers
from nattevakt.edge.drivers.zigbee2mqtt.definitions import Definition, load, read_devices
from nattevakt.edge.drivers.zigbee2mqtt.products import WARNINGS
from nattevakt.edge.drivers.zigbee2mqtt.recalled import KEY, definitions_of, row_of
from nattevakt.edge.errors import RejectError

__all__ = [
    *("PREFIX", "PROFILES", "State", "awaits", "canonical", "connected", "encode", "recall", "start"),
    *("step", "subscriptions"),
]

SOURCE = "z2m"
PREFIX = "z2m:"
ROOT = "zigbee2mqtt"
PROFILES: Mapping[str, str] = {}
TOLD_MAX = 500
NAME_MAX = 200
RAW_MAX = 400
COMMANDS = frozenset(("set", "get"))


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the settings, DEVICES_MAX and TOLD_MAX."""

    base_topic: str
    devices: Mapping[str, Device]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    """By friendly name: as the bridge told, or as remembered from an earlier run until it does."""
    definitions_told: bool = False
    """Whether the bridge has told them since the agent started."""
    listed: bool = False
    """Whether it has told them on this connection, so that a name which is not among them is known to nobody."""
    bridge_up: bool | None = None
    told: frozenset[Finding] = frozenset()


def canonical(name: str) -> str:
    """An IEEE address or a friendly name, as it is; raises RejectError."""
    if not name.strip() or len(name) > NAME_MAX:
        raise RejectError("address", f"must be {PREFIX}<ieee address or friendly name>")
    return name


def start(base_topic: str, devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing from the bridge yet."""
    return State(base_topic.rstrip("/"), {d.address: d for d in devices if d.address.startswith(PREFIX)})


def subscriptions(base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:  # noqa: ARG001 - one contract
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
    def wanted(ieee: str, name: str) -> bool:
        return PREFIX + ieee in state.devices or PREFIX + name in state.devices

    definitions: dict[str, Definition] = {}
    findings: list[Finding] = []
    for one in read_devices(given.payload, wanted):
        # Configured ones come first, so a stranger never takes the name of one that somebody depends on.
        first = definitions.setdefault(one.name, one)
        if first.ieee != one.ieee:
            address = PREFIX + clean(one.ieee, NAME_MAX)
            finding = Finding(address, f"heter det samme som {clean(first.ieee, NAME_MAX)} i Zigbee2MQTT")
            if finding not in state.told and len(state.told) + len(findings) < TOLD_MAX:
                findings.append(finding)
    findings += [one for one in _warnings(definitions, state) if one not in state.told][:TOLD_MAX]
    told = state.told | set(findings)
    after = replace(state, definitions=definitions, definitions_told=True, listed=True, told=told)
    remember = Remember(KEY, row_of(state.base_topic, definitions.values()))
    return Stepped(after, (remember, *findings), counted={"bridge_devices": 1})


def _warnings(definitions: Mapping[str, Definition], state: State) -> list[Finding]:
    """What is known to go wrong with models that are there, by the address that each will be heard under."""
    return [
        Finding(_address(name, replace(state, definitions=definitions))[0], sentence)
        for name, one in definitions.items()
        if (sentence := next((WARNINGS[model] for model in models_of(one.model) if model in WARNINGS), None))
    ]


def recall(memory: Mapping[str, str], state: State) -> State:
    """Take up what the bridge told an earlier run, unless it has told this one already."""
    if state.definitions_told:
        return state
    return replace(state, definitions=definitions_of(memory.get(KEY), state.base_topic))


def connected(state: State) -> State:
    """A connection to the broker begins: devices may have come and changed names while there was none."""
    return replace(state, listed=False)


def awaits(given: MqttMessage, state: State) -> bool:
    """Whether this comes from a name that only `bridge/devices`, yet to come on this connection, can explain."""
    prefix = state.base_topic + "/"
    name = given.topic.removeprefix(prefix)
    head, _, tail = name.rpartition("/")
    if state.listed or name in ("", given.topic) or name.startswith("bridge/") or tail in COMMANDS:
        return False
    names = (name, head) if head and (tail in READERS or tail == "availability") else (name,)
    return not any(one in state.definitions or _plainly(one) in state.devices for one in names)


def _plainly(name: str) -> str:
    """The address of a device by its friendly name, fit for any receiver."""
    plain = clean(name, NAME_MAX)
    return PREFIX + (plain if plain == name else f"{plain}~{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}")


def _address(name: str, state: State) -> tuple[str, Device | None, Definition | None]:
    """The configured address if either name is configured, else the ieee address if known, else the name."""
    definition = state.definitions.get(name)
    plain = _plainly(name)
    candidates = ([PREFIX + definition.ieee] if definition is not None else []) + [PREFIX + name, plain]
    for address in candidates:
        if address in state.devices:
            return address, state.devices[address], definition
    if definition is not None:
        return PREFIX + clean(definition.ieee, NAME_MAX), None, definition
    return plain, None, None


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
        values = decode(payload, device, definition, told=definition is not None or state.definitions_told)
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
    dangers = (
        Finding(address, f"melder {clean(danger, NAME_MAX)}, som Nattevakt ikke varsler om")
        for danger in unheard_dangers(payload, definition)
    )
    findings = tuple(one for one in dict.fromkeys(dangers) if one not in state.told)[: TOLD_MAX - len(state.told)]
    if findings:
        state = replace(state, told=state.told | set(findings))
    unnamed = sum(one not in READERS for one in payload)
    more = {"attributes_without_meaning": unnamed} if unnamed else {}
    return Stepped(state, (reading, *findings), counted={"readings": 1, **more})


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
    "temperature_c": "temperature",
    "humidity_percent": "humidity",
    "light_lx": "illuminance",
    "breathing_rpm": "breathing_rate",
    "heart_bpm": "heart_rate",
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
    if "seated" in said:
        payload["pressure_state"] = "sit" if said["seated"] else "none"
    if volts is not None:
        payload["voltage"] = round(float(volts) * 1000)
    if seen is not None:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(seen))
        payload["last_seen"] = when.isoformat(timespec="milliseconds")
    return MqttMessage(topic, json.dumps(payload).encode(), reading.replay)
