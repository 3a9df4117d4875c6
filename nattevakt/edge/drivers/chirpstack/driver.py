"""LoRaWAN through ChirpStack v4 or a Milesight gateway: one MQTT message in, readings out. Serves arrows 1 and 2.

Owns topics, addresses, repeats and what follows from an alarm's number. Must not know the broker's connection, events
or rules. Whatever a topic or payload holds, it is counted or read, and never raises.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nattevakt.edge.drivers.chirpstack import milesight
from nattevakt.edge.drivers.chirpstack.milesight import FALL, LYING, NO_ALARM_ID, TRIGGERED, Alarm, Told
from nattevakt.edge.drivers.chirpstack.recalled import (
    Seen,
    bed_row,
    beds_in,
    is_repeat,
    row_of,
    seen_in,
    seen_of,
    with_one,
)
from nattevakt.edge.drivers.chirpstack.uplink import EVENTS, Uplink, chirpstack, eui_of, load, plain
from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, Stepped, Value
from nattevakt.edge.drivers.telling import Telling
from nattevakt.edge.errors import RejectError

PREFIX = "lora:"
ROOT = "application"
RAW_MAX = 400
LOGS: Mapping[str, str] = {
    "UPLINK_MIC": "sender med feil nøkkel: nettverksserveren forkaster meldingene",
    "OTAA": "slipper ikke inn på LoRaWAN-nettet: nøkkelen eller join-telleren stemmer ikke",
    "UPLINK_F_CNT_RESET": "har begynt å telle på nytt, og nettverksserveren forkaster meldingene",
}
"""Entries of event/log that mean lost messages. A codec's error is none: `data` is decoded here."""
NO_PROFILE = "sender over LoRaWAN, men er ikke satt opp med noen profil"
SEALED = "sender kryptert helt fram, og kan ikke leses"


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the settings and TOLD_MAX. alarms: by device, the number of the last
    fall that the radar told of and has not ended."""

    base_topic: str
    devices: Mapping[str, Device]
    served: bool = True
    """Whether topics are ChirpStack's; otherwise an operator's own topic with nothing but uplinks."""
    seen: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict)
    beds: frozenset[str] = frozenset()
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    recalled: bool = False
    told: frozenset[Finding] = frozenset()


def canonical(name: str) -> str:
    """A DevEUI as 16 hex digits in small letters; raises RejectError."""
    try:
        return eui_of(name)
    except RejectError:
        raise RejectError("address", f"must be {PREFIX}<DevEUI, 16 hexadecimal digits>") from None


def start(base_topic: str, devices: tuple[Device, ...], *, served: bool = True) -> State:
    """A driver that has heard nothing yet."""
    return State(base_topic.rstrip("/"), {d.address: d for d in devices if d.address.startswith(PREFIX)}, served)


def subscriptions(base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:  # noqa: ARG001 - one contract for all
    """Every event of every device of every application."""
    return (f"{base_topic.rstrip('/')}/+/device/+/event/+",)


def recall(memory: Mapping[str, str], state: State) -> State:
    """Take up what an earlier run had taken in; what this one has heard already counts before it."""
    known = {eui: kept for eui, kept in seen_in(memory).items() if PREFIX + eui in state.devices}
    return replace(state, seen={**known, **state.seen}, beds=state.beds | beds_in(memory), recalled=True)


def connected(state: State) -> State:
    """A connection to the broker begins: nothing that is known of the devices changes by it."""
    return state


def awaits(given: MqttMessage, state: State) -> bool:  # noqa: ARG001 - one contract for all
    """Before the memory is there nobody knows whether this was taken in already."""
    return not state.recalled


def step(given: MqttMessage | None, now_ms: int, state: State) -> Stepped[State]:  # noqa: ARG001 - one contract for all
    """Take one message. Nothing here waits for time, so None and now_ms change nothing."""
    if given is None:
        return Stepped(state)
    try:
        uplink = _read(given, state)
        if uplink is None:
            return Stepped(state, counted={"foreign_topic": 1})
        return _Step(given, uplink, state).run()
    except RejectError:
        return Stepped(state, counted={"unreadable": 1})


def _read(given: MqttMessage, state: State) -> Uplink | None:
    """The message in one form, None where the topic is not ours. Raises RejectError."""
    if not state.served:
        inside = given.topic == state.base_topic or given.topic.startswith(state.base_topic + "/")
        return plain(load(given.payload)) if inside else None
    head, _, tail = given.topic.rpartition("/device/")
    parts = tail.split("/")
    if not head.startswith(state.base_topic + "/") or len(parts) != 3 or parts[1] != "event":
        return None
    return chirpstack(parts[2], parts[0], load(given.payload)) if parts[2] in EVENTS else None


class _Step(Telling[State]):
    """One message in the making: the mutable inside of a pure function."""

    def __init__(self, given: MqttMessage, uplink: Uplink, state: State) -> None:
        super().__init__(state)
        self.given = given
        self.uplink = uplink
        self.address = PREFIX + uplink.eui
        self.device = state.devices.get(self.address)
        self.count(f"event_{uplink.event}")

    def run(self) -> Stepped[State]:
        """The readings of a device that is set up; a finding about any other."""
        profile = self.device.profile if self.device is not None else ""
        if profile not in milesight_profiles():
            self.count("no_profile")
            self.find(NO_PROFILE)
        else:
            self.of_device(profile)
        return self.stepped()

    def find(self, sentence: str) -> None:
        """Tell the installer, once."""
        self.tell(self.address, sentence)

    def of_device(self, profile: str) -> None:
        event = self.uplink.event
        if event == "up":
            self.up(profile)
        elif event == "join":
            # It counts from zero again, and says the same things with the same numbers. What the network gave a name
            # may still be delivered again.
            kept = self.state.seen.get(self.uplink.eui, ())
            self.keep(tuple(replace(one, name="") for one in kept if one.network))
            self.read({}, "join")
        elif event == "status" or (event == "ack" and self.uplink.acknowledged):
            battery = self.uplink.battery_percent
            self.read({} if battery is None else {"battery_percent": battery}, event)
        elif event == "log":
            self.count(f"log_{self.uplink.code.lower()}" if self.uplink.code in _COUNTED else "log_other")
            if self.uplink.code in LOGS:
                self.find(LOGS[self.uplink.code])

    def keep(self, kept: tuple[Seen, ...]) -> None:
        eui = self.uplink.eui
        self.state = replace(self.state, seen={**self.state.seen, eui: kept})
        self.outputs.append(row_of(eui, kept))

    def up(self, profile: str) -> None:
        seen, kept = seen_of(self.uplink), self.state.seen.get(self.uplink.eui, ())
        if seen is not None:
            if is_repeat(seen, kept):
                self.count("duplicates")
                return
            self.keep(with_one(kept, seen))
        if self.uplink.sealed:
            self.count("sealed")
            self.find(SEALED)
            self.read({}, "up")
            return
        told = milesight.decode(self.uplink.data, profile)
        if self.uplink.alarm is not None:
            told.alarms.append(self.uplink.alarm)
        for what, number in told.counted.items():
            self.count(what, number)
        if told.alien:
            self.find(f"er satt opp som {profile}, men sender som {told.alien}")
        if told.unknown:
            self.find(f"sender noe som ikke er kjent (kanal {told.unknown})")
        self.told(told)

    def told(self, told: Told) -> None:
        """Kept history first, at its own time; then what is now."""
        for alarm in told.alarms:
            self.unsaid(alarm)
            if alarm.at_s is not None:
                name = f"history.{alarm.at_s}.{alarm.number}.{alarm.type}.{alarm.status}"
                self.read(milesight.values_of(alarm), name, occurred_ms=alarm.at_s * 1000)
        values = dict(told.values)
        if told.room is not None:
            self.room(told.room, values)
        for alarm in told.alarms:
            if alarm.at_s is None:
                self.live(alarm, values)
        for number, press in enumerate(told.presses[:-1]):
            self.read({"pressed": True, "action": press}, f"press.{number}")
        if told.presses:
            values |= {"pressed": True, "action": told.presses[-1]}
        self.read(values, "up")

    def unsaid(self, alarm: Alarm) -> None:
        if alarm.type in milesight.UNSAID:
            self.count("unsaid_alarm")
            self.find(milesight.UNSAID[alarm.type])
        elif alarm.type > LYING:
            self.count("unknown_alarm")
            self.find(f"melder en alarm som ikke er kjent (type {alarm.type})")

    def room(self, room: int, values: dict[str, Value]) -> None:
        """What the radar's word for the room means for the bed, and for a fall."""
        if room in (2, 3) and self.uplink.eui not in self.state.beds:
            self.state = replace(self.state, beds=self.state.beds | {self.uplink.eui})
            self.outputs.append(bed_row(self.uplink.eui))
        assert self.device is not None  # noqa: S101 - only of devices that are set up
        has_bed = self.uplink.eui in self.state.beds
        in_bed = milesight.bed_of(room, self.device.use, has_bed=has_bed)
        if in_bed is not None:
            values["occupied"] = in_bed
        values["fall"] = "sure" if room == 4 else "no"

    def live(self, alarm: Alarm, values: dict[str, Value]) -> None:
        """An alarm that goes on now counts before the room's state. A fall with a new number is a new fall, even when
        the end of the last one was lost on the air."""
        said = milesight.values_of(alarm)
        if alarm.type not in (FALL, LYING):
            values |= said
            return
        eui = self.uplink.eui
        last = self.state.alarms.get(eui)
        rest = {name: one for name, one in self.state.alarms.items() if name != eui}
        if said["fall"] == "no":
            if last is None or last.type == alarm.type:
                values.setdefault("fall", "no")
                self.state = replace(self.state, alarms=rest)
            return
        same = last is not None and last.type == alarm.type and last.number == alarm.number
        if alarm.status == TRIGGERED and alarm.number != NO_ALARM_ID and last is not None and not same:
            self.read({"fall": "no"}, "again")
        if values.get("fall") != "sure":
            values["fall"] = said["fall"]
        self.state = replace(self.state, alarms={**rest, eui: alarm})

    def read(self, values: Mapping[str, Value], part: str, *, occurred_ms: int | None = None) -> None:
        uplink = self.uplink
        said = dict(values)
        if occurred_ms is None:
            if uplink.rssi_dbm is not None:
                said["signal_dbm"] = uplink.rssi_dbm
            # Only the last reading of a message: a second one of the same moment would look like an old copy.
            if uplink.at_ms is not None and part in EVENTS:
                said["last_seen_ms"] = uplink.at_ms
        seen = seen_of(uplink)
        name = seen.name if seen is not None else ""
        raw = uplink.data.hex() or self.given.payload[:RAW_MAX].decode("utf-8", "replace")
        self.outputs.append(
            Reading(
                self.address,
                said,
                raw=_printable(raw[:RAW_MAX]),
                replay=self.given.retained,
                key=part if occurred_ms is not None else f"{name}.{part}",
                model=self.device.profile if self.device is not None else "",
                occurred_ms=occurred_ms,
            )
        )
        self.count("readings")


_COUNTED = frozenset((*LOGS, "UPLINK_CODEC", "UPLINK_F_CNT_RETRANSMISSION", "DOWNLINK_GATEWAY"))


def milesight_profiles() -> frozenset[str]:
    """The products whose payloads can be read."""
    return frozenset((milesight.WS101, milesight.WS301, milesight.VS373))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text).strip()


def encode(reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
    """The event that ChirpStack would publish for this reading. friendly_name: the DevEUI; the profile is the reading's
    model, the frame counter its key."""
    payload = {
        "deduplicationId": f"dedup-{reading.key}",
        "deviceInfo": {"devEui": friendly_name},
        "devAddr": "00000001",
        "fPort": 85,
        **_said(reading),
    }
    topic = f"{base_topic}/nattevakt/device/{friendly_name}/event/up"
    return MqttMessage(topic, json.dumps(payload).encode(), reading.replay)


def encode_plain(reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
    """The same from a Milesight gateway's own server."""
    payload = {"obj": {"devEUI": friendly_name, "fPort": 85, **_said(reading)}}
    return MqttMessage(base_topic, json.dumps(payload).encode(), reading.replay)


def _said(reading: Reading) -> dict[str, object]:
    occurred_s = reading.occurred_ms // 1000 if reading.occurred_ms is not None else None
    count = int(reading.key) if reading.key.isascii() and reading.key.isdigit() else 0
    data = milesight.encode(reading.values, reading.model, occurred_s, number=count % NO_ALARM_ID)
    signal = reading.values.get("signal_dbm")
    rows = [] if signal is None else [{"gatewayId": "0016c001f1000001", "rssi": signal, "snr": 7.5}]
    return {"fCnt": count, "data": base64.b64encode(data).decode(), "rxInfo": rows}
