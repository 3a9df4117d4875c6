"""ESPHome as a driver: one MQTT message in, readings out. Serves arrows 1 and 2.

Owns topics, addresses and which nodes are there. Must not know the broker's connection, events or rules. Whatever a
topic or payload holds, it is counted or read, and never raises.

A message has no time. A retained one is a state of unknown age: it is trusted while its node says that it is online,
and otherwise only where it may be somebody in need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from nattevakt.edge.drivers import nodes
from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, Said, SourceState, Stepped, Value
from nattevakt.edge.drivers.esphome import entities
from nattevakt.edge.drivers.esphome.entities import BINARIES, BINARY, NUMBERS, SENSOR
from nattevakt.edge.drivers.telling import TOLD_MAX
from nattevakt.edge.errors import RejectError

PREFIX = "esphome:"
ROOT = ""
STATUS = "status"
TAILS = (STATUS, f"{BINARY}/+/state", f"{SENSOR}/+/state")
"""A node's own word comes first, so that what is retained of it can be trusted or not at once."""


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the settings and TOLD_MAX.

    online: what nodes said of themselves on this connection. active: the last state of an entity since its node came
    online or this connection began. unheard: entities of which nothing was taken in since this connection began.
    """

    root: str
    devices: Mapping[str, Device]
    nodes: frozenset[str]
    online: Mapping[str, bool] = field(default_factory=dict)
    active: Mapping[str, bool] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()
    told: frozenset[Finding] = frozenset()


def canonical(name: str) -> str:
    """A node's topic prefix and an object id, as they are; raises RejectError."""
    return nodes.canonical(PREFIX, name, "object id")


def start(base_topic: str, devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing yet."""
    own = {d.address.removeprefix(PREFIX): d for d in devices if d.address.startswith(PREFIX)}
    return State(base_topic.rstrip("/"), own, frozenset(nodes.nodes_of(PREFIX, devices)))


def subscriptions(base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:
    """Every node below the root; without one, the nodes of the configured devices."""
    return nodes.filters(base_topic.rstrip("/"), nodes.nodes_of(PREFIX, devices), TAILS)


def recall(memory: Mapping[str, str], state: State) -> State:  # noqa: ARG001 - the contract of all dialects
    """Nothing is remembered: the broker keeps it."""
    return state


def connected(state: State) -> State:
    """A connection to the broker begins: who is online is yet to be told."""
    return replace(state, online={}, active={}, unheard=frozenset(state.devices))


@dataclass(frozen=True, slots=True)
class _Topic:
    """node, and the entity's component and object id ("" for the node's own status)."""

    node: str
    component: str = ""
    entity: str = ""

    @property
    def name(self) -> str:
        return f"{self.node}/{self.entity}"


def _topic(given: MqttMessage, state: State) -> _Topic | None:
    path = nodes.below(state.root, given.topic)
    if path is None:
        return None
    node, _, tail = path.rpartition("/")
    if tail == STATUS and node:
        return _Topic(node)
    levels = path.rsplit("/", 3)
    if len(levels) == 4 and levels[3] == "state" and levels[1] in (BINARY, SENSOR) and levels[0] and levels[2]:
        return _Topic(levels[0], levels[1], levels[2])
    return None


def awaits(given: MqttMessage, state: State) -> bool:
    """Whether this is a retained state of which its node has yet to say whether it can be trusted."""
    topic = _topic(given, state) if given.retained else None
    return topic is not None and topic.name in state.devices and topic.node not in state.online


def step(given: MqttMessage | None, now_ms: int, state: State) -> Stepped[State]:  # noqa: ARG001 - one contract for all
    """Take one message. Nothing here waits for time, so None and now_ms change nothing."""
    if given is None:
        return Stepped(state)
    topic = _topic(given, state)
    if topic is None:
        return Stepped(state, counted={"foreign_topic": 1})
    try:
        if not topic.component:
            return _status(topic.node, given, state)
        device = state.devices.get(topic.name)
        if device is None:
            return _stranger(topic, state)
        if topic.component != entities.component(device.profile):
            return _told(state, device.address, _MISMATCH.format(topic.component, device.profile), "profile_mismatch")
        return _entity(topic, device, given, state)
    except RejectError:
        return Stepped(state, counted={"unreadable": 1})


_MISMATCH = "sender som {}, men er satt opp med profilen {}, som er noe annet i ESPHome"


def _told(state: State, address: str, sentence: str, counter: str) -> Stepped[State]:
    """Say a finding once; the memory of what was said is bounded."""
    finding = Finding(nodes.clean(address, nodes.NAME_MAX), sentence)
    if finding in state.told or len(state.told) >= TOLD_MAX:
        return Stepped(state, counted={counter: 1})
    return Stepped(replace(state, told=state.told | {finding}), (finding,), counted={counter: 1})


def _stranger(topic: _Topic, state: State) -> Stepped[State]:
    if topic.node in state.nodes:
        # A node has many entities of its own (uptime, wireless signal): those not set up are not worth a word each.
        return Stepped(state, counted={"not_configured": 1})
    return _told(state, PREFIX + topic.node, "høres, men ingen av sensorene er satt opp", "no_profile")


def _status(node: str, given: MqttMessage, state: State) -> Stepped[State]:
    word = nodes.word(given.payload)
    if word not in ("online", "offline"):
        raise RejectError("status", "neither online nor offline")
    if node not in state.nodes:
        return Stepped(state, counted={"not_configured": 1})
    up = word == "online"
    counted = {"status": 1}
    known = state.online.get(node) is up
    state = replace(state, online={**state.online, node: up})
    if not given.retained:
        # It tells all its states anew: an ON then is no second press.
        others = {name: on for name, on in state.active.items() if name.rpartition("/")[0] != node}
        state = replace(state, active=others, unheard=nodes.without(state.unheard, node))
    if known:
        return Stepped(state, counted=counted)
    return Stepped(state, (SourceState(PREFIX + node, up, "" if up else "the node says offline"),), counted=counted)


def _entity(topic: _Topic, device: Device, given: MqttMessage, state: State) -> Stepped[State]:
    before = state.active.get(topic.name)
    released: dict[str, Value] = {}
    active: bool | None
    if device.profile in BINARIES:
        active = entities.binary(device, given.payload)
        values = entities.binary_values(device, active)
        news = active is before or topic.name in state.unheard
        if news and not given.retained and entities.rings(device, active):
            # ESPHome tells changes only: that it was let go was lost on the way (QoS 0), or told while nobody listened.
            released = entities.binary_values(device, not active)
    else:
        found = entities.number(device, given.payload)
        if found is None:
            return _told(state, device.address, "melder ikke noe tall (nan): føleren måler ikke", "nan")
        values, active = entities.number_values(device, found, before)
    if given.retained and state.online.get(topic.node) is not True and not entities.rings(device, active is True):
        return Stepped(state, counted={"untrusted": 1})
    if active is not None:
        heard = state.unheard - {topic.name}
        state = replace(state, active={**state.active, topic.name: active}, unheard=heard)
    key = sha256(given.topic.encode("utf-8", "replace") + b"\0" + given.payload).hexdigest()[:16]
    raw = nodes.raw(given.payload)
    said: list[Said] = [Reading(device.address, released, raw, key=key)] if released else []
    said.append(Reading(device.address, values, raw, given.retained, key))
    return Stepped(state, tuple(said), counted={"readings": 1})


_ACTIVE: Mapping[str, bool] = {one.value: one.on for name, one in BINARIES.items() if name != "input"}
_NUMBERS = tuple(dict.fromkeys(one.value for one in NUMBERS.values()))


def encode(reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
    """The message that a node would publish for this reading of an entity; `available` is its node's own word.

    friendly_name: as in the address, without its prefix. A weight is told as such, any other state as ON or OFF.
    """
    node, _, entity = friendly_name.rpartition("/")
    start_of = f"{base_topic}/{node}" if base_topic else node
    said = reading.values
    if "available" in said:
        return MqttMessage(f"{start_of}/{STATUS}", b"online" if said["available"] else b"offline", reading.replay)
    for name in _NUMBERS:
        value = said.get(name)
        if isinstance(value, int | float):
            return MqttMessage(f"{start_of}/{SENSOR}/{entity}/state", f"{value:g}".encode(), reading.replay)
    name = next(one for one in said if one in _ACTIVE)
    active = said[name] == "sure" if name == "fall" else bool(said[name])
    word = b"ON" if active == _ACTIVE[name] else b"OFF"
    return MqttMessage(f"{start_of}/{BINARY}/{entity}/state", word, reading.replay)
