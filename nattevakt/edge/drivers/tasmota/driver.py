"""Tasmota as a driver: one MQTT message in, readings out. Serves arrows 1 and 2.

Owns topics, addresses and which nodes are there. Must not know the broker's connection, events or rules. Whatever a
topic or payload holds, it is counted or read, and never raises.

A node's own `Time` is local, without a zone, and in 1970 before its first time server: it is never used. A switch's
change comes on `stat/…/RESULT` (SetOption114 1), its state again with every `tele/…/SENSOR`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from nattevakt.edge.drivers import nodes
from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, SourceState, Stepped, Value
from nattevakt.edge.drivers.tasmota import parts
from nattevakt.edge.drivers.telling import Telling
from nattevakt.edge.errors import RejectError

PREFIX = "tasmota:"
ROOT = ""
LWT, RESULT, SENSOR, STATE = "LWT", "RESULT", "SENSOR", "STATE"
WAYS = (("tele", LWT), ("stat", RESULT), ("tele", SENSOR), ("tele", STATE))
"""A node's own word comes first, so that what is retained of it can be trusted or not at once."""


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the settings and TOLD_MAX.

    online: what nodes said of themselves on this connection. on: the last state of a switch on this connection.
    unheard: parts of which nothing was taken in since it began.
    """

    root: str
    devices: Mapping[str, Device]
    nodes: frozenset[str]
    online: Mapping[str, bool] = field(default_factory=dict)
    on: Mapping[str, bool] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()
    told: frozenset[Finding] = frozenset()


def canonical(name: str) -> str:
    """A node's topic and a part of it, as they are; raises RejectError."""
    found = nodes.canonical(PREFIX, name, "part, like Switch1")
    if any(level in ("tele", "stat", "cmnd") for level in found.split("/")):
        raise RejectError("address", "the node's topic is what stands beside tele and stat, without them")
    part = found.rpartition("/")[2]
    if part.lower().startswith(("switch", "button")) and not any(parts.fits(one, part) for one in parts.INPUTS):
        raise RejectError("address", "an input is called Switch1, Switch2, … or Button1, …, with a capital letter")
    return found


def start(base_topic: str, devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing yet."""
    own = {d.address.removeprefix(PREFIX): d for d in devices if d.address.startswith(PREFIX)}
    return State(base_topic.rstrip("/"), own, frozenset(nodes.nodes_of(PREFIX, devices)))


def subscriptions(base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:
    """The configured nodes' topics, in both orders that are in use (FullTopic), below the root if there is one."""
    start_of = f"{base_topic.rstrip('/')}/" if base_topic else ""
    names = nodes.nodes_of(PREFIX, devices)
    return tuple(
        f"{start_of}{topic}"
        for prefix, tail in WAYS
        for node in names
        for topic in (f"{prefix}/{node}/{tail}", f"{node}/{prefix}/{tail}")
    )


def recall(memory: Mapping[str, str], state: State) -> State:  # noqa: ARG001 - the contract of all dialects
    """Nothing is remembered."""
    return state


def connected(state: State) -> State:
    """A connection to the broker begins: who is online is yet to be told."""
    return replace(state, online={}, on={}, unheard=frozenset(state.devices))


def _split(given: MqttMessage, state: State) -> tuple[str, str] | None:
    """The node and the last level; None for any other topic."""
    path = nodes.below(state.root, given.topic)
    if path is None:
        return None
    head, _, tail = path.rpartition("/")
    first, _, rest = head.partition("/")
    if rest and (first, tail) in WAYS:
        return rest, tail
    start_of, _, last = head.rpartition("/")
    return (start_of, tail) if start_of and (last, tail) in WAYS else None


def awaits(given: MqttMessage, state: State) -> bool:
    """Whether this is a retained state of which its node has yet to say whether it can be trusted."""
    found = _split(given, state) if given.retained else None
    return found is not None and found[1] != LWT and found[0] in state.nodes and found[0] not in state.online


def step(given: MqttMessage | None, now_ms: int, state: State) -> Stepped[State]:  # noqa: ARG001 - one contract for all
    """Take one message. Nothing here waits for time, so None and now_ms change nothing."""
    if given is None:
        return Stepped(state)
    found = _split(given, state)
    if found is None:
        return Stepped(state, counted={"foreign_topic": 1})
    node, tail = found
    work = _Step(node, given, state)
    try:
        if node not in state.nodes:
            work.find(PREFIX + node, "høres, men ingenting på den er satt opp", "no_profile")
        elif tail == LWT:
            work.online()
        else:
            said = nodes.load(given.payload)
            if tail == STATE:
                work.alive(said)
            else:
                work.told(said, change=tail == RESULT)
    except RejectError:
        work.count("unreadable")
    return work.stepped()


class _Step(Telling[State]):
    """One step in the making: the mutable inside of a pure function."""

    def __init__(self, node: str, given: MqttMessage, state: State) -> None:
        super().__init__(state)
        self.node = node
        self.given = given
        self.key = sha256(given.topic.encode("utf-8", "replace") + b"\0" + given.payload).hexdigest()[:16]

    def find(self, address: str, sentence: str, counter: str) -> None:
        """Count what an installer should look at, and say it once."""
        self.count(counter)
        self.tell(nodes.clean(address, nodes.NAME_MAX), sentence)

    def online(self) -> None:
        word = nodes.word(self.given.payload)
        if word not in ("online", "offline"):
            raise RejectError(LWT, "neither Online nor Offline")
        self.count("lwt")
        up = word == "online"
        known = self.state.online.get(self.node) is up
        self.state = replace(self.state, online={**self.state.online, self.node: up})
        if not self.given.retained:
            # It starts afresh: an ON then is no second press.
            others = {name: on for name, on in self.state.on.items() if name.rpartition("/")[0] != self.node}
            self.state = replace(self.state, on=others, unheard=nodes.without(self.state.unheard, self.node))
        if not known:
            self.outputs.append(SourceState(PREFIX + self.node, up, "" if up else "the node says offline"))

    def _own(self) -> list[tuple[str, Device]]:
        return [
            (name.rpartition("/")[2], device)
            for name, device in self.state.devices.items()
            if name.rpartition("/")[0] == self.node
        ]

    def alive(self, said: Mapping[str, object]) -> None:
        """A node's own state: it lives, and so loud."""
        self.count("state")
        wifi = said.get("Wifi")
        signal = wifi.get("Signal") if isinstance(wifi, dict) else None
        sound = isinstance(signal, int) and not isinstance(signal, bool) and -200 <= signal <= 0
        for _part, device in self._own():
            self._reading(device, {"signal_dbm": signal} if sound else {})

    def told(self, said: Mapping[str, object], *, change: bool) -> None:
        """What parts of a node say. change: just now, rather than as they still are."""
        for part, device in self._own():
            if part not in said:
                continue
            if not parts.fits(device.profile, part):
                sentence = f"heter {nodes.clean(part, 40)}, som profilen {device.profile} ikke passer for"
                self.find(device.address, sentence, "profile_mismatch")
            elif device.profile == "climate":
                self._measured(device, said[part])
            else:
                self._switched(part, device, said[part], change=change)

    def _measured(self, device: Device, said: object) -> None:
        values = parts.amounts_of(said)
        if values:
            self._reading(device, values)
        else:
            self.find(device.address, "melder ikke noe tall: føleren måler ikke", "no_number")

    def _switched(self, part: str, device: Device, said: object, *, change: bool) -> None:
        press, on = parts.press_of(said), parts.on_of(said)
        name = f"{self.node}/{part}"
        if press:
            if device.profile != "key_button" and device.profile != "switch_button":
                sentence = f"sender trykk, men er satt opp med profilen {device.profile}"
                self.find(device.address, sentence, "profile_mismatch")
            self._reading(device, {"pressed": True, "action": press})
        elif on is not None and device.profile != "key_button":
            values = parts.state_values(device, on)
            news = self.state.on.get(name) is on or name in self.state.unheard
            if change and news and not self.given.retained and parts.rings(device, values):
                # Changes alone are told this way: that it was let go was lost (QoS 0), or told while nobody listened.
                self._reading(device, parts.state_values(device, not on))
            self._reading(device, values)
            if self.counted.get("readings"):
                heard = self.state.unheard - {name}
                self.state = replace(self.state, on={**self.state.on, name: on}, unheard=heard)
        else:
            self.count("other_action")

    def _reading(self, device: Device, values: dict[str, Value]) -> None:
        retained = self.given.retained
        if retained and self.state.online.get(self.node) is not True and not parts.rings(device, values):
            self.count("untrusted")
            return
        self.count("readings")
        self.outputs.append(Reading(device.address, values, nodes.raw(self.given.payload), retained, self.key))


def encode(reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
    """The message that a node would publish for this reading of a part; `available` is its node's own word.

    friendly_name: as in the address, without its prefix. Measurements come with SENSOR, everything else with RESULT.
    """
    node, _, part = friendly_name.rpartition("/")
    start_of = f"{base_topic}/" if base_topic else ""
    said = reading.values
    if "available" in said:
        word = b"Online" if said["available"] else b"Offline"
        return MqttMessage(f"{start_of}tele/{node}/{LWT}", word, reading.replay)
    if "temperature_c" in said or "humidity_percent" in said:
        body = json.dumps({part: parts.said_of(said, "climate")}).encode()
        return MqttMessage(f"{start_of}tele/{node}/{SENSOR}", body, reading.replay)
    profile = "key_button" if "action" in said else "switch"
    body = json.dumps({part: parts.said_of(said, profile)}).encode()
    return MqttMessage(f"{start_of}stat/{node}/{RESULT}", body, reading.replay)
