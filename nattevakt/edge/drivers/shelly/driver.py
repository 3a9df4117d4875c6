"""Shelly Gen2+ as a driver: one MQTT message in, readings out. Serves arrows 1 and 2.

Owns topics, addresses, which nodes are there and what of a BLU sensor is told twice. Must not know the broker's
connection, events or rules. Whatever a topic or payload holds, it is counted or read, and never raises.

The same fact may come on `events/rpc` and on `status/...`, and a Shelly repeats what a BLU sensor last said whenever it
connects: what carries no newer time than before is marked as replayed, so that a dead sensor does not seem alive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from nattevakt.edge.drivers import nodes
from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, Remember, SourceState, Stepped
from nattevakt.edge.drivers.shelly import components
from nattevakt.edge.drivers.shelly.components import BLU, BLU_ERRORS, SENSOR, Status, Values, kind_of, number
from nattevakt.edge.drivers.telling import Telling
from nattevakt.edge.errors import RejectError

PREFIX = "shelly:"
ROOT = ""
KEY = "shelly.sleepers"
PARTS_MAX = 200
ONLINE, RPC = "online", "events/rpc"
TAILS = (ONLINE, RPC, "status/+")
SINCE_S, UNTIL_S = 1_577_836_800.0, 4_102_444_800.0
"""2020 and 2100: before its first contact with a time server a Shelly is in 1970."""
FRESH_S = 60.0
"""What a BLU sensor said longer ago than this, by the Shelly's own clock, is what the Shelly remembers of it."""
_PART = re.compile(r"[a-z_]{1,40}:(0|[1-9][0-9]{0,5})\Z")


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the settings and TOLD_MAX.

    online: what nodes said of themselves on this connection. stamps: the newest time and event of each configured
    device, to tell repeats. sleepers: nodes on batteries, which are gone nearly always. unheard: devices of which
    nothing was taken in since this connection began.
    """

    root: str
    devices: Mapping[str, Device]
    nodes: frozenset[str]
    online: Mapping[str, bool] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)
    sleepers: frozenset[str] = frozenset()
    unheard: frozenset[str] = frozenset()
    told: frozenset[Finding] = frozenset()


def canonical(name: str) -> str:
    """A node's topic prefix and a component, as they are; raises RejectError."""
    found = nodes.canonical(PREFIX, name, "component, like input:0")
    if _PART.match(found.rpartition("/")[2]) is None:
        raise RejectError("address", f"must end with a component, like {PREFIX}shellyplus1-a8032abc7158/input:0")
    return found


def start(base_topic: str, devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing yet."""
    own = {d.address.removeprefix(PREFIX): d for d in devices if d.address.startswith(PREFIX)}
    return State(base_topic.rstrip("/"), own, frozenset(nodes.nodes_of(PREFIX, devices)))


def subscriptions(base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:
    """Every node below the root; without one, the nodes of the configured devices."""
    return nodes.filters(base_topic.rstrip("/"), nodes.nodes_of(PREFIX, devices), TAILS)


def recall(memory: Mapping[str, str], state: State) -> State:
    """Take up which nodes sleep; a row that cannot be read is none."""
    try:
        row = json.loads(memory.get(KEY, "[]"))
    except (ValueError, RecursionError):
        return state
    names = (name for name in row if isinstance(name, str)) if isinstance(row, list) else ()
    return replace(state, sleepers=state.sleepers | (frozenset(names) & state.nodes))


def connected(state: State) -> State:
    """A connection to the broker begins: who is online is yet to be told."""
    return replace(state, online={}, unheard=frozenset(state.devices))


def _split(given: MqttMessage, state: State) -> tuple[str, str] | None:
    """The node, and what of it: ONLINE, RPC or a component; None for any other topic."""
    path = nodes.below(state.root, given.topic)
    if path is None:
        return None
    node, _, tail = path.rpartition("/")
    if node and tail == ONLINE:
        return node, tail
    if path.endswith("/" + RPC) and len(path) > len(RPC) + 1:
        return path[: -len(RPC) - 1], RPC
    if node.endswith("/status") and len(node) > len("/status") and tail:
        return node.removesuffix("/status"), tail
    return None


def awaits(given: MqttMessage, state: State) -> bool:
    """Whether this is a retained state of which its node has yet to say whether it can be trusted."""
    found = _split(given, state) if given.retained else None
    return found is not None and found[1] != ONLINE and found[0] in state.nodes and found[0] not in state.online


def step(given: MqttMessage | None, now_ms: int, state: State) -> Stepped[State]:  # noqa: ARG001 - one contract for all
    """Take one message. Nothing here waits for time, so None and now_ms change nothing."""
    if given is None:
        return Stepped(state)
    found = _split(given, state)
    if found is None:
        return Stepped(state, counted={"foreign_topic": 1})
    node, what = found
    work = _Step(node, given, state)
    try:
        if node not in state.nodes:
            work.find(PREFIX + node, "høres, men ingenting på den er satt opp", "no_profile")
        elif what == ONLINE:
            work.online()
        elif what == RPC:
            work.notified(nodes.load(given.payload))
        else:
            work.component(what, nodes.load(given.payload), None)
    except RejectError:
        work.count("unreadable")
    return work.stepped()


class _Step(Telling[State]):
    """One step in the making: the mutable inside of a pure function."""

    def __init__(self, node: str, given: MqttMessage, state: State) -> None:
        super().__init__(state)
        self.node = node
        self.given = given

    def find(self, address: str, sentence: str, counter: str) -> None:
        """Count what an installer should look at, and say it once."""
        self.count(counter)
        self.tell(nodes.clean(address, nodes.NAME_MAX), sentence)

    # --- nodes -----------------------------------------------------------------------------------------------

    def online(self) -> None:
        word = nodes.word(self.given.payload)
        if word not in ("true", "false"):
            raise RejectError("online", "neither true nor false")
        self.count("online")
        up = word == "true"
        known = self.state.online.get(self.node) is up
        self.state = replace(self.state, online={**self.state.online, self.node: up})
        if up and not self.given.retained:
            # It has just come, and tells all its states: none of them is a change.
            self.state = replace(self.state, unheard=nodes.without(self.state.unheard, self.node))
        if not known and (up or self.node not in self.state.sleepers):
            self.outputs.append(SourceState(PREFIX + self.node, up, "" if up else "the node says offline"))

    def _sleeps(self, system: Status) -> None:
        """A node on batteries is offline between two words: that is no fault of it."""
        period = number(system.get("wakeup_period"), 1)
        if period is None or self.node in self.state.sleepers:
            return
        self.state = replace(self.state, sleepers=self.state.sleepers | {self.node})
        self.outputs.append(Remember(KEY, json.dumps(sorted(self.state.sleepers))))
        self.outputs.append(SourceState(PREFIX + self.node, up=True))

    # --- what is on them -------------------------------------------------------------------------------------

    def notified(self, frame: Status) -> None:
        """One frame of `events/rpc`."""
        method, params = frame.get("method"), frame.get("params")
        if method not in ("NotifyStatus", "NotifyFullStatus", "NotifyEvent") or not isinstance(params, dict):
            self.count("other_method")
            return
        ts_s = self._time(params.get("ts"))
        if method == "NotifyEvent":
            events = params.get("events")
            for event in events[:PARTS_MAX] if isinstance(events, list) else ():
                self._event(event, ts_s)
            return
        system = params.get("sys")
        if method == "NotifyFullStatus" and isinstance(system, dict):
            self._sleeps(system)
        for name, status in list(params.items())[:PARTS_MAX]:
            if isinstance(status, dict):
                self.component(name, status, ts_s, change=method == "NotifyStatus")

    def _time(self, value: object) -> float | None:
        found = number(value, SINCE_S, UNTIL_S)
        if found is None and value is not None:
            self.count("no_time")
        return found

    def _device(self, component: str, event: str, status: Status) -> Device | None:
        name = f"{self.node}/{component}"
        device = self.state.devices.get(name)
        if device is None:
            self.count("not_configured")
            if event in components.PRESSES:
                self.find(PREFIX + name, "sender trykk, men er ikke satt opp", "no_profile")
            return None
        if sentence := components.mismatch(device, component, event, status):
            self.find(device.address, sentence, "profile_mismatch")
        return device

    def _event(self, event: object, ts_s: float | None) -> None:
        if not isinstance(event, dict):
            self.count("unreadable")
            return
        component, word = event.get("component"), event.get("event")
        if not isinstance(component, str) or not isinstance(word, str):
            self.count("unreadable")
            return
        word = word.removeprefix(f"{BLU}.").removeprefix(f"{SENSOR}.")
        if word not in components.PRESSES | components.RELEASES:
            self.count("other_events")
            return
        device = self._device(component, word, {})
        if device is None:
            return
        values = components.press_of(device, word)
        # A status between the two must not hide that the same event was told twice.
        slot = f"{self.node}/{component} event"
        own_s = self._time(event.get("ts")) or ts_s
        stamp = "" if own_s is None else f"{word}@{own_s:.3f}"
        if values:
            self._read(device, values, stamp, own_s, replayed=self._same(slot, stamp), slot=slot)

    def component(self, component: str, status: Status, ts_s: float | None, *, change: bool = True) -> None:
        """A component's status. ts_s: when the Shelly said so, by its own clock, where that is told. change: told
        because something changed."""
        if _PART.match(component) is None:
            self.count("not_for_us")
            return
        device = self._device(component, "", status)
        if device is None:
            return
        errors = status.get("errors")
        for error in errors[:10] if isinstance(errors, list) and kind_of(component) == BLU else ():
            if isinstance(error, str) and error in BLU_ERRORS:
                self.find(device.address, BLU_ERRORS[error], "blu_errors")
        if not components.fits(device, component):
            return
        values = components.status_of(device, component, status)
        if kind_of(component) in (SENSOR, BLU):
            self._relayed(device, component, status, values, ts_s)
        elif values:
            self._own(device, f"{self.node}/{component}", values, ts_s, change=change and not self.given.retained)
        else:
            self.count("nothing_known")

    def _own(self, device: Device, name: str, values: Values, ts_s: float | None, *, change: bool) -> None:
        """A component of the Shelly itself, which tells what it has been told no second time."""
        if change and name in self.state.unheard and components.rings(device, values):
            # That it was let go was told while nobody listened.
            calm: Values = {one: not value for one, value in values.items() if isinstance(value, bool)}
            self._read(device, calm, "", ts_s, replayed=False)
        self._read(device, values, "", ts_s, replayed=False)
        if not self.counted.get("untrusted"):
            self.state = replace(self.state, unheard=self.state.unheard - {name})

    def _relayed(self, device: Device, component: str, status: Status, values: Values, ts_s: float | None) -> None:
        """What a Shelly knows of a BLU sensor: news only if the sensor has spoken since."""
        seen_s = self._time(status.get("last_updated_ts"))
        told_s, packet = number(status.get("last_updated_ts")), number(status.get("packet_id"), 0, 255)
        slot = f"{self.node}/{component}"
        times = ("" if told_s is None else f"{told_s:.3f}", "" if packet is None else f"packet {packet:.0f}")
        stamp = times[0] or times[1]
        if not stamp or self._same(slot, stamp):
            old = bool(stamp)
        elif seen_s is not None and ts_s is not None:
            old = ts_s - seen_s > FRESH_S
        else:
            # Nobody knows how old the first word of all is unless the Shelly says what time it has.
            old = told_s is not None and slot not in self.state.stamps
        if values or not old:
            self._read(device, values, stamp, seen_s, replayed=old, slot=slot)
        else:
            self.count("nothing_known")

    def _same(self, slot: str, stamp: str) -> bool:
        return bool(stamp) and self.state.stamps.get(slot) == stamp

    def _read(
        self, device: Device, values: Values, stamp: str, seen_s: float | None, *, replayed: bool, slot: str = ""
    ) -> None:
        retained = self.given.retained
        if retained and self.state.online.get(self.node) is not True and not components.rings(device, values):
            self.count("untrusted")
            return
        if stamp:
            self.state = replace(self.state, stamps={**self.state.stamps, slot: stamp})
        said = sorted((name, str(value)) for name, value in values.items())
        # The same press told on both topics has the same key: not the topic's name, but who, what and when.
        ident = f"{device.address}\0{said}\0{stamp}" if stamp else f"{self.given.topic}\0{self.given.payload!r}"
        key = sha256(ident.encode("utf-8", "replace")).hexdigest()[:16]
        if seen_s is not None:
            values = {**values, "last_seen_ms": round(seen_s * 1000)}
        self.outputs.append(Reading(device.address, values, nodes.raw(self.given.payload), retained or replayed, key))
        self.count("replayed" if replayed else "readings")


def encode(reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
    """The message that a Shelly would publish for this reading of a component; `available` is its node's own word.

    friendly_name: as in the address, without its prefix.
    """
    node, _, component = friendly_name.rpartition("/")
    start_of = f"{base_topic}/{node}" if base_topic else node
    said = dict(reading.values)
    if "available" in said:
        return MqttMessage(f"{start_of}/{ONLINE}", b"true" if said["available"] else b"false", reading.replay)
    seen = said.pop("last_seen_ms", None)
    seen_s = seen / 1000 if isinstance(seen, int | float) else None
    params: dict[str, object] = {} if seen_s is None else {"ts": seen_s}
    if "pressed" in said or "action" in said:
        word = said.get("action") or ("single_push" if said["pressed"] else "btn_up")
        event = {"component": component, "id": int(component.partition(":")[2]), "event": word, **params}
        params, method = {**params, "events": [event]}, "NotifyEvent"
    else:
        params, method = {**params, component: components.status_from(component, said, seen_s)}, "NotifyStatus"
    frame = {"src": node.rpartition("/")[2], "dst": f"{start_of}/events", "method": method, "params": params}
    return MqttMessage(f"{start_of}/{RPC}", json.dumps(frame).encode(), reading.replay)
